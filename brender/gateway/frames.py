"""Frames, thumbnails, movies and contact sheets for pages: the master says where they lie, the shelf opens them.

Nothing of a file passes over the master's port. It must not decide what is finished: the manifest and the farm do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from brender.errors import BrenderError, Forbidden, InvalidParams, NoMaster, NotFound, WrongState
from brender.gateway.fan import Fan
from brender.gateway.shelf import SHOWN, Held, Shelf

MOST_OPENING = 32  # files that are looked for at once, of all pages
STATUS: dict[type[BrenderError], int] = {
    NotFound: 404,
    Forbidden: 403,
    NoMaster: 503,
    InvalidParams: 400,
    WrongState: 404,
}


class HeldFile(FileResponse):
    """An open file as an answer, also parts of it; closed when it is sent or the browser is gone."""

    def __init__(self, held: Held) -> None:
        tag = f'"{held.facts.st_ino:x}-{held.facts.st_size:x}-{held.facts.st_mtime_ns:x}"'
        headers = {"etag": tag, "cache-control": "private, no-cache"}
        shown = held.kind in SHOWN or held.kind == "video/mp4"
        super().__init__(
            f"/proc/self/fd/{held.descriptor}",
            headers=headers,
            media_type=held.kind,
            filename=held.name,
            stat_result=held.facts,
            content_disposition_type="inline" if shown else "attachment",
        )
        self._held, self._tag = held, tag

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            wanted = [value.decode("latin-1") for key, value in scope["headers"] if key == b"if-none-match"]
            if self._tag in [word.strip() for value in wanted for word in value.split(",")]:
                await Response(status_code=304, headers={"etag": self._tag})(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        finally:
            os.close(self._held.descriptor)


class Frames:
    """The routes; every one answers with a file or with a status and one sentence of plain text."""

    def __init__(self, fan: Fan, shelf: Shelf) -> None:
        self._fan, self._shelf = fan, shelf
        self._room = asyncio.Semaphore(MOST_OPENING)

    async def preview(self, request: Request) -> Response:
        """The thumbnail of a task's frame; `?frame=N` chooses one of several."""
        return await self._answer(lambda: self._of_task(request, self._shelf.thumbnail))

    async def frame(self, request: Request) -> Response:
        """The frame itself."""
        return await self._answer(lambda: self._of_task(request, self._shelf.frame))

    async def movie(self, request: Request) -> Response:
        """The newest movie of a job, by ranges where the browser asks so; `?step=NAME` chooses one of several."""
        return await self._answer(lambda: self._of_job(request, "movies", "video"))

    async def sheet(self, request: Request) -> Response:
        """The contact sheet of a job."""
        return await self._answer(lambda: self._of_job(request, "sheets", "image"))

    async def still(self, request: Request) -> Response:
        """The merged still of a job."""
        return await self._answer(lambda: self._of_job(request, "stills", "image"))

    async def _answer(self, find: Callable[[], Any]) -> Response:
        try:
            async with self._room:
                return HeldFile(await find())
        except BrenderError as error:
            return PlainTextResponse(error.sentence() + "\n", STATUS.get(type(error), 500))

    async def _of_task(self, request: Request, opener: Callable[..., Held]) -> Held:
        words = request.path_params
        found = await self._fan.ask("task.files", step=f"{words['job']}/{words['step']}", task=words["task"])
        wanted = request.query_params.get("frame")
        rows = [row for row in found["frames"] if wanted is None or str(row["frame"]) == wanted]
        if not rows:
            raise NotFound(f"Task {words['task']} has no such frame.")
        held: Held = await run_in_threadpool(opener, found["folder"], rows[-1]["name"], found["endings"])
        return held

    async def _of_job(self, request: Request, kind: str, begins: str) -> Held:
        job, step = request.path_params["job"], request.query_params.get("step")
        found = await self._fan.ask("job.files", job=int(job) if job.isascii() and job.isdigit() else job)
        rows = [row for row in found[kind] if step is None or row["step"] == step]
        if not rows:
            raise NotFound(f"Job {found['job']} makes no {kind}.")
        return await run_in_threadpool(self._shelf.file, rows[-1]["path"], begins)
