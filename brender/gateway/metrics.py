"""The farm for Prometheus: asked of the master when somebody scrapes, at most once a second. It must not know pages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from starlette.requests import Request
from starlette.responses import Response

from brender.errors import BrenderError
from brender.gateway.fan import Fan

KEPT = 1.0  # seconds an answer of the master is used for
PAGE = 10_000  # channels of one question
LABELS = ("name", "key", "device", "manager", "unit")  # of a channel
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """GET /metrics; brender_up is 0 while the master is away, and then nothing else is told of the farm."""

    def __init__(self, fan: Fan) -> None:
        self._fan = fan
        self._asked = 0.0
        self._status: dict[str, Any] | None = None
        self._channels: list[dict[str, Any]] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)

    async def answer(self, request: Request) -> Response:
        now = time.monotonic()
        if now - self._asked >= KEPT:
            self._asked = now
            await self._ask()
        return Response(generate_latest(self._registry), media_type=TYPE)

    async def _ask(self) -> None:
        try:
            self._status = await self._fan.ask("farm.status")
            channels: list[dict[str, Any]] = []
            while page := (await self._fan.ask("channel.list", limit=PAGE, offset=len(channels)))["channels"]:
                channels += page
                if len(page) < PAGE:
                    break
            self._channels = channels
        except BrenderError:
            self._status, self._channels = None, []

    def describe(self) -> list[Metric]:
        """Nothing: what there is depends on the farm."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What the last answers said."""
        yield GaugeMetricFamily("brender_up", "Whether the master answers.", value=float(self._status is not None))
        yield GaugeMetricFamily("brender_web_pages", "Pages that are open.", value=len(self._fan.pages))
        yield CounterMetricFamily("brender_web_events", "Events handed to pages, once for each.", value=self._fan.told)
        if self._status is None:
            return
        yield from _of_status(self._status)
        yield _by("brender_channels", "Channels by state.", "state", Counter(row["state"] for row in self._channels))
        yield _of_channels(self._channels)


def _of_status(status: dict[str, Any]) -> Iterator[Metric]:
    yield _by("brender_workers", "Workers by what they are.", "is", status["workers"])
    yield _by("brender_tasks", "Tasks by state.", "state", status["tasks"])
    yield _by("brender_jobs", "Jobs by state.", "state", status["jobs"])
    yield _by("brender_slots", "Slots of workers that are online.", "is", status["slots"])
    late = {name.removesuffix("_ms"): value / 1000 for name, value in status["hub"]["late"].items()}
    yield _by("brender_hub_late_seconds", "How late the master's hub is.", "of", late)
    yield GaugeMetricFamily("brender_projects", "Projects.", value=status["projects"])
    yield GaugeMetricFamily("brender_sessions", "Connections to the master.", value=status["sessions"])
    yield GaugeMetricFamily("brender_uptime_seconds", "Since the master started.", value=status["uptime"])
    yield GaugeMetricFamily("brender_epoch", "How often a master has started.", value=status["epoch"])
    yield CounterMetricFamily("brender_turns", "Turns of the core.", value=status["hub"]["turns"])
    yield CounterMetricFamily("brender_commits", "Commits to the disk.", value=status["writer"]["commits"])
    yield GaugeMetricFamily("brender_commits_waiting", "Turns not on the disk yet.", value=status["writer"]["waiting"])
    full = float(bool(status["writer"]["full"]))
    yield GaugeMetricFamily("brender_disk_full", "Whether nothing can be stored.", value=full)


def _by(name: str, text: str, label: str, values: dict[str, Any]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for word, value in values.items():
        family.add_metric([word], float(value))
    return family


def _of_channels(channels: list[dict[str, Any]]) -> Metric:
    """Of those that log: what is no longer measured would look as if it were."""
    text = "The last value of a channel that logs."
    family = GaugeMetricFamily("brender_channel", text, labels=["channel", *LABELS[1:]])
    for row in channels:
        value = row.get("value")
        if isinstance(value, int | float) and row["state"] == "logging":
            family.add_metric([str(row.get(name) or "") for name in LABELS], value)
    return family
