"""The files of the page: `web/` of a checkout, or what the package carries. They are small, few, and read as they are.

It must not know what the page does.
"""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from brender.errors import NotFound

TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
TYPES |= {".json": "application/json", ".woff2": "font/woff2", ".md": "text/plain", ".webmanifest": "application/json"}
_VERSIONED = re.compile(r"vendor/.*\d+\.\d+\.\d+[^/]*")
SERVED = frozenset({*TYPES, ".html", ".png", ".ico", ".txt", ".jpg", ".webp"})


def folder() -> Path:
    """Where the page lies. Raises NotFound when neither place has one."""
    package = Path(__file__).parents[1]
    for found in (package.parent / "web", package / "page"):
        if (found / "index.html").is_file():
            return found
    raise NotFound(f"The page is not there: no index.html in {package / 'page'}.", hint="Install brender again.")


class Pages(StaticFiles):
    """Files are asked for anew each time (304 when unchanged), except those of vendor/ with a version in their name."""

    def __init__(self, directory: Path) -> None:
        for ending, kind in TYPES.items():
            mimetypes.add_type(kind, ending)
        super().__init__(directory=directory, html=True)

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
