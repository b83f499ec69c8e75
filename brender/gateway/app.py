"""The gateway put together: routes, the guard before them, and the task that listens. It decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from brender.gateway.browse import Browse
from brender.gateway.browser import Browser, Flights
from brender.gateway.fan import Fan
from brender.gateway.frames import Frames
from brender.gateway.guard import Guard
from brender.gateway.metrics import Metrics
from brender.gateway.pages import Pages
from brender.gateway.shelf import Shelf
from brender.gateway.templates import Templates
from brender.gateway.upload import Uploads


def make(place: str, web: str, pages: Pages, uploads: Uploads, shelf: Shelf, scenes: Browse) -> Starlette:
    """The application for the farm at `place` (HOST:PORT), which serves `pages` at `web` (HOST:PORT)."""
    fan, flights = Fan(place, web, pages.version), Flights()
    frames, metrics, templates = Frames(fan, shelf), Metrics(fan), Templates()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        uploads.sweep()
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
            Route("/preview/{job}/{step}/{task:int}", frames.preview),
            Route("/frame/{job}/{step}/{task:int}", frames.frame),
            Route("/movie/{job}", frames.movie),
            Route("/sheet/{job}", frames.sheet),
            Route("/still/{job}", frames.still),
            Route("/upload", uploads.take, methods=["POST"]),
            Route("/browse", scenes.answer),
            Route("/template", templates.ask, methods=["POST"]),
            Route("/template/job", templates.make, methods=["POST"]),
            Route("/metrics", metrics.answer),
            Mount("/", pages),
        ],
        middleware=[Middleware(Guard)],
        lifespan=lifespan,
    )
