"""Names of folders and files of the farm's storage, for whoever chooses a scene on a page. Nothing is opened.

It must not know what becomes of a path: the page gives it to job.create.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MOST = 200  # entries of an answer
MOST_LOOKED_AT = 50_000  # names of one folder
LONGEST = 4096  # characters of a path


class Browse:
    """`roots`: folders outside of which nothing is told; none means all that the gateway may read."""

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self._roots = [root.resolve() for root in roots]

    async def answer(self, request: Request) -> Response:
        """GET /browse?path=/srv/sho&ending=.blend: what begins so, folders first.

        {"folder", "entries": [{"name", "folder"}], "more"}; `ending` (several times) leaves out other files, folders=1
        all of them. 404 and {"error"} where there is no such folder.
        """
        words = request.query_params
        path = words.get("path", "")
        if len(path) > LONGEST or "\0" in path:
            return JSONResponse({"error": "This is no path."}, 400)
        endings = tuple(one.lower() for one in words.getlist("ending"))
        try:
            return JSONResponse(await run_in_threadpool(self._found, path, endings, bool(words.get("folders"))))
        except OSError as error:
            return JSONResponse({"error": f"{path}: {error.strerror}."}, 404)

    def _found(self, path: str, endings: tuple[str, ...], folders_only: bool) -> dict[str, Any]:
        """Raises OSError."""
        if not path.startswith("/"):
            starts = [f"{root}/" for root in self._roots] or ["/"]
            return {"folder": "", "entries": [{"name": one, "folder": True} for one in starts], "more": False}
        folder, _, begin = path.rpartition("/")
        folder += "/"
        if not self._within(folder):
            raise PermissionError(1, "the gateway shows no scenes there (brender web --scenes)")
        entries = []
        for name, is_folder in _names(folder, begin):
            if is_folder or not (folders_only or (endings and not name.lower().endswith(endings))):
                entries.append({"name": name, "folder": is_folder})
        entries.sort(key=lambda one: (not one["folder"], str(one["name"]).lower()))
        return {"folder": folder, "entries": entries[:MOST], "more": len(entries) > MOST}

    def _within(self, folder: str) -> bool:
        real = Path(folder).resolve()
        return not self._roots or any(real.is_relative_to(root) for root in self._roots)


def _names(folder: str, begin: str) -> list[tuple[str, bool]]:
    """Names that begin so and whether each is a folder; hidden ones only for who asks for them by their dot."""
    found = []
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= MOST_LOOKED_AT:
                break
            if entry.name.startswith("." if not begin.startswith(".") else "\0") or "\n" in entry.name:
                continue
            if entry.name.lower().startswith(begin.lower()) and (is_folder := _kind(entry)) is not None:
                found.append((entry.name, is_folder))
    return found


def _kind(entry: os.DirEntry[str]) -> bool | None:
    """True for a folder, False for a file, None for anything else and for names that are no text."""
    try:
        entry.name.encode()
        return True if entry.is_dir() else False if entry.is_file() else None
    except (OSError, UnicodeEncodeError):
        return None
