"""A .blend from a browser onto the farm's storage: streamed, bounded, and there under its name only when it is whole.

It must not know what becomes of it: the page gives the path to job.create.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import secrets
import time
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

MOST_BYTES = 8 << 30
MOST_AT_ONCE = 4
KEPT_FREE = 1 << 30  # bytes of the disk that an upload does not take
PATIENCE = 30.0  # seconds without a byte
PIECE = 1 << 20
STALE = 86_400.0  # seconds after which an unfinished file of a gateway that died is swept
# A .blend is plain, or compressed by zstd (3.0 and later) or gzip (before).
BEGINS = (b"BLENDER", b"\x28\xb5\x2f\xfd", b"\x1f\x8b")
LEAST = 12  # bytes: less is no header
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]{1,200}\.blend")


class Refused(Exception):
    """An upload that is not taken: the HTTP status and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Uploads:
    """Each upload gets a folder of its own in `folder`, so names never meet."""

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        self._folder, self._most = folder, most
        self._going = 0

    def sweep(self) -> None:
        """Take away what a gateway that was killed has left unfinished."""
        with contextlib.suppress(OSError):
            for part in self._folder.glob("*/*.part"):
                if time.time() - part.stat().st_mtime > STALE:
                    part.unlink()
                    part.parent.rmdir()

    async def take(self, request: Request) -> Response:
        """POST /upload?name=scene.blend with the file as the body; answers {"path", "name", "bytes"}."""
        if self._going >= MOST_AT_ONCE:
            return _said(503, f"{MOST_AT_ONCE} files are uploaded at the moment. Try again when one is done.")
        self._going += 1
        try:
            name = request.query_params.get("name", "")
            self._check(name, request.headers.get("content-length"))
            path, size = await self._receive(request, name)
            return JSONResponse({"path": str(path), "name": name, "bytes": size}, 201)
        except Refused as refused:
            return _said(refused.status, refused.why)
        except ClientDisconnect:
            return _said(400, "The upload was broken off.")
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            return _said(507 if full else 500, f"{self._folder} cannot take it: {error.strerror}.")
        finally:
            self._going -= 1

    def _check(self, name: str, length: str | None) -> None:
        if not _NAME.fullmatch(name) or name.startswith(".") or len(name.encode()) > 240:
            raise Refused(400, "name is that of a .blend file: up to 200 characters, no slash, no leading dot.")
        if length is not None and (not length.isdigit() or int(length) > self._most):
            raise Refused(413, f"A file has {self._most} bytes at the most here.")
        self._folder.mkdir(parents=True, exist_ok=True)
        disk = os.statvfs(self._folder)
        free = disk.f_bavail * disk.f_frsize - KEPT_FREE
        if free < int(length or 0):
            raise Refused(507, f"The disk of {self._folder} has no room for it.")

    async def _receive(self, request: Request, name: str) -> tuple[Path, int]:
        own = self._folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        own.mkdir(mode=0o755)
        part, size, whole = own / f"{name}.part", 0, False
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "wb") as file:
                pieces = request.stream()
                waiting, known = bytearray(), False
                while (piece := await _next(pieces)) is not None:
                    waiting += piece
                    size += len(piece)
                    known = known or (size >= LEAST and _is_blend(waiting))
                    if size > self._most:
                        raise Refused(413, f"A file has {self._most} bytes at the most here.")
                    if len(waiting) >= PIECE:
                        await run_in_threadpool(file.write, bytes(waiting))
                        waiting.clear()
                file.write(waiting)
                file.flush()
                if not known:
                    raise Refused(415, "This is no .blend file: it ends before it has begun.")
                await run_in_threadpool(os.fsync, file.fileno())
            os.rename(part, own / name)
            whole = True
            return own / name, size
        finally:
            if not whole:
                with contextlib.suppress(OSError):
                    part.unlink()
                    own.rmdir()


def _is_blend(head: bytearray) -> bool:
    """True, or Refused."""
    if not head.startswith(BEGINS):
        raise Refused(415, "This is no .blend file.")
    return True


async def _next(pieces: object) -> bytes | None:
    """The next piece of a body, None at its end. Raises Refused when nothing comes for too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            return bytes(await anext(pieces))  # type: ignore[call-overload]
    except StopAsyncIteration:
        return None
    except TimeoutError:
        raise Refused(408, f"Nothing came for {PATIENCE:g} seconds.") from None


def _said(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)
