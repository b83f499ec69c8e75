"""Duties of a worker as it begins, goes online or runs attempts, and what a turn of one did."""

from __future__ import annotations

from typing import Any

from brender.core.events import Hello
from brender.core.orders import Run, StepSpec, Welcome
from brender.worker.duty import Duty
from brender.worker.functions import Catalogue
from brender.worker.world import (
    Began,
    Connected,
    Turn,
)

HELLO = Hello(0, "brender_02fc00000001", "02fc00000001", "render-07", slots=2)
CATALOGUE = Catalogue({"simple": "/bin/true"}, blender=True)


def step(function: str = "simple", timeout: float | None = None, **more: Any) -> StepSpec:
    return StepSpec(1, 1, "step", "job", function, more.pop("params", []), timeout=timeout, **more)


def run(*attempts: int, spec: StepSpec | None = None, epoch: int = 1) -> Run:
    return Run(epoch, spec or step(), [(attempt, attempt) for attempt in attempts])


def online(**more: Any) -> Duty:
    duty = Duty(HELLO, CATALOGUE, **more)
    duty.turn([Connected()], 0.0)
    duty.turn([Welcome(1, "render-07", 1, 5.0)], 0.0)
    return duty


def running(*attempts: int, spec: StepSpec | None = None) -> Duty:
    duty = online()
    duty.turn([run(*attempts, spec=spec)], 0.0)
    duty.turn([Began(attempt, 1000 + attempt) for attempt in duty.running], 0.0)
    return duty


def signals(turn: Turn) -> list[tuple[int, int]]:
    return [(one.attempt, one.signum) for one in turn.signal]


def kept(turn: Turn) -> list[tuple[int, str]]:
    return [(result.attempt, result.state) for result in turn.keep]


def said(turn: Turn, kind: type[Any]) -> list[Any]:
    return [event for event in turn.send if type(event) is kind]
