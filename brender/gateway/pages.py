"""The files of the page: `web/` of a checkout, or what the package carries. They are small, few, and read as they are.

It must not know what the page does.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
import time
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from brender.errors import NotFound

TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
TYPES |= {".json": "application/json", ".woff2": "font/woff2", ".md": "text/plain", ".webmanifest": "application/json"}
_VERSIONED = re.compile(r"vendor/.*\d+\.\d+\.\d+[^/]*")
LOOK = 1.0  # seconds
SERVED = frozenset({*TYPES, ".html", ".png", ".ico", ".txt", ".jpg", ".webp"})


def folder(given: Path | None = None) -> Path:
    """Where the page lies: where somebody says, or one of the two places of ours. Raises NotFound without a page."""
    package = Path(__file__).parents[1]
    places = (package / "page", package.parent / "web") if given is None else (given.absolute(),)
    for found in places:
        if (found / "index.html").is_file():
            return found
    hint = "Install brender again." if given is None else "Name a folder that has one."
    raise NotFound(f"The page is not there: no index.html in {places[0]}.", hint=hint)


class Pages(StaticFiles):
    """Files are asked for anew each time (304 when unchanged), except those of vendor/ with a version in their name."""

    def __init__(self, directory: Path) -> None:
        for ending, kind in TYPES.items():
            mimetypes.add_type(kind, ending)
        super().__init__(directory=directory, html=True)
        self._folder = directory
        self._looked = 0.0
        self._seen: tuple[object, ...] = ()
        self._version = ""

    def version(self) -> str:
        """A word that is another one as soon as any file of the page is: an open page learns that it is old.

        The files are looked at once in LOOK seconds at the most, and read when one of them has changed.
        """
        now = time.monotonic()
        if not self._version or now - self._looked >= LOOK:
            self._looked = now
            files = sorted(path for path in self._folder.rglob("*") if path.suffix in SERVED and path.is_file())
            seen = tuple((path, (facts := path.stat()).st_mtime_ns, facts.st_size) for path in files)
            if seen != self._seen:
                self._seen = seen
                whole = hashlib.sha256()
                for path in files:
                    whole.update(f"{path.relative_to(self._folder)}\0{path.stat().st_size}\0".encode())
                    whole.update(path.read_bytes())
                self._version = whole.hexdigest()[:16]
        return self._version

    async def get_response(self, path: str, scope: Scope) -> Response:
        ending = Path(path).suffix
        if ending and (ending not in SERVED or "/." in f"/{path}"):
            raise HTTPException(404)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or ending or not _by_a_person(scope):
                raise
            response = await super().get_response("index.html", scope)  # a deep link: the page knows its own paths
        kept = _VERSIONED.match(path) is not None and response.status_code in (200, 304)
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        return response


def _by_a_person(scope: Scope) -> bool:
    return any(key == b"accept" and b"text/html" in value for key, value in scope["headers"])
