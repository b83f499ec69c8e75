"""The gateway put together: routes, the guard before them, and the task that listens. It decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, WebSocketRoute
from starlette.websockets import WebSocket

from brender.gateway.browser import Browser, Flights
from brender.gateway.fan import Fan
from brender.gateway.guard import Guard
from brender.gateway.pages import Pages


def make(place: str, web: str, folder: Path) -> Starlette:
    """The application for the farm at `place` (HOST:PORT), which serves the page in `folder` at `web` (HOST:PORT)."""
    fan, flights = Fan(place, web), Flights()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        listening = asyncio.create_task(fan.run())
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def page(socket: WebSocket) -> None:
        await Browser(socket, fan, flights, place).run()

    return Starlette(
        routes=[
            WebSocketRoute("/ws", page),
            Mount("/", Pages(folder)),
        ],
        middleware=[Middleware(Guard)],
        lifespan=lifespan,
    )
