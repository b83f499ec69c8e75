"""Open Job Description for pages: what a template asks for, and the job that it makes of the answers.

The reference library reads it here, as `brender job submit` does at home; the page itself gives the tree to job.create,
so the job is that of the person before the page. It must not know the master.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from brender import openjd
from brender.errors import BrenderError, Invalid
from brender.wire.limits import DEFAULT as LIMITS

NAME = "template"  # what it is called in refusals: it has no path
MOST_BODY = 2 * openjd.MOST_BYTES  # bytes: a template as JSON text, and the answers
MOST_AT_ONCE = 2  # templates that are read at a time: a big one takes the library seconds


class Asked(Struct, forbid_unknown_fields=True):
    """What a page sends: the template as it was typed, and what the person chose. `parameters` by their names."""

    template: str
    parameters: dict[str, Any] = field(default_factory=dict)
    name: Annotated[str, Meta(max_length=200)] = ""
    project: str = "default"
    priority: int | None = None
    chunk: Annotated[int, Meta(ge=1)] = 1


class Templates:
    """The routes; both answer 400 and {"error": sentence} for what the library or the farm does not take."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def ask(self, request: Request) -> Response:
        """POST /template with {"template"}: its name, its steps, and its parameters as they stand in it."""
        return await self._answer(request, _described)

    async def make(self, request: Request) -> Response:
        """POST /template/job with all of Asked: {"tree"}, which job.create takes as `json`."""
        return await self._answer(request, _made)

    async def _answer(self, request: Request, of: Callable[[Asked], Any]) -> Response:
        try:
            body = await _body(request)
            async with self._room:
                return Response(await run_in_threadpool(_worked, of, body), media_type="application/json")
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": f"This is no question about a template: {error}."}, 400)
        except BrenderError as error:
            return JSONResponse({"error": error.sentence()}, 400)


async def _body(request: Request) -> bytes:
    """All of it. Raises Invalid for more than MOST_BODY bytes."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > MOST_BODY:
            raise Invalid(f"A template has {openjd.MOST_BYTES} bytes at the most.", hint="Keep data in files.")
    return bytes(found)


def _worked(of: Callable[[Asked], Any], body: bytes) -> bytes:
    return msgspec.json.encode(of(msgspec.json.decode(body, type=Asked)))


def _described(asked: Asked) -> dict[str, Any]:
    from brender import bundle

    template = bundle.from_text(asked.template, NAME).template
    return {
        "name": str(template["name"]),
        "description": str(template.get("description") or ""),
        "steps": [{"name": str(one["name"])} for one in template["steps"]],
        "parameters": template.get("parameterDefinitions") or [],
    }


def _made(asked: Asked) -> dict[str, Any]:
    from brender import bundle

    found = bundle.from_text(asked.template, NAME)
    _refuse_relative(found.template.get("parameterDefinitions") or [], asked.parameters)
    made = bundle.make(found, asked.parameters, Path("/"))
    # Two jobs of one name would be one job with twice the steps, so the name says when.
    name = asked.name or f"{made.name[:180]} {time.strftime('%m%d-%H%M%S')}-{time.time_ns() // 1_000_000 % 1000:03}"
    wish = openjd.Wish(name.replace("/", "-").strip(), asked.project, asked.priority, None, asked.chunk)
    tree = openjd.tree(found.template, made.parameters, made.steps, wish)
    size = len(msgspec.json.encode(tree))
    if size > LIMITS.json_line - 1024:
        raise Invalid(
            f"This template makes a job of {size} bytes; the master takes {LIMITS.json_line}.",
            hint="Keep data in files beside the template, not in it.",
        )
    return {"tree": tree, "tasks": sum(step.points for step in made.steps)}


def _refuse_relative(definitions: list[dict[str, Any]], given: dict[str, Any]) -> None:
    """A template that came as text lies in no folder, so a relative path would mean nothing."""
    faults = [
        f"{one['name']} is {value}"
        for one in definitions
        if one.get("type") == "PATH"
        and (value := str(given.get(one["name"]) or one.get("default") or ""))
        and not value.startswith("/")
    ]
    if faults:
        raise Invalid(f"Paths begin with a slash here: {'; '.join(faults)}.", hint="Give the path as workers see it.")
