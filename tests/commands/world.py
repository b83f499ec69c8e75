"""A small farm to talk to: four workers in different states, two projects, jobs of every shape; and a caller."""

from __future__ import annotations

import shlex
from typing import Any

from core.builders import Stage, at_once

from brender.commands import COMMANDS
from brender.commands.calls import Act, Call, Stepwise, Who
from brender.commands.text import render
from brender.core import events as ev


def stage() -> Stage:
    """Workers render-01 (online, gpu), render-02 (online, disabled), weaver (lost); three jobs that have not run."""
    found = Stage()
    found.worker("render-01", slots=2, tags=["gpu"])
    found.worker("render-02", slots=1, tags=["cpu", "slow"])
    weaver = found.worker("weaver", slots=4)
    found.do(ev.SetAdmin([found.farm.worker_keys["brender_000000000002"]], "disabled"))
    found.do(ev.Disconnected(found.session(weaver)))
    found.job({"name": "render", "frames": "1-10", "chunk": 3, "retries": 0}, name="shot", run=False)
    found.job({"name": "sim"}, {"name": "bake", "exec": "parallel"}, name="effects", run=False)
    found.do(
        ev.SubmitTree({"name": "advert", "workflows": [{"name": "shot", "tasks": [{"name": "a", "function": "noop"}]}]})
    )
    return found


def call(stage: Stage, role: str = "admin", name: str = "anna", project: str = "") -> Call:
    """A caller of a role at the prompt."""
    rows = [{"id": 7, "name": name, "role": role, "door": "telnet", "peer": "127.0.0.1:5", "project": project}]
    who = Who(name, role, "telnet", 7)
    return Call(stage.farm, who, COMMANDS, stage.now, 12.5, project, lambda: {"version": "3.0.0"}, lambda: rows)


def ask(stage: Stage, line: str, **caller: Any) -> Any:
    """What a line of a prompt is answered: data, an act, or the rule's data after a turn. Errors are raised."""
    return say(stage, line, **caller)[1]


def say(stage: Stage, line: str, **caller: Any) -> tuple[str, Any]:
    """The same, with the method it was."""
    row, params = COMMANDS.resolve(shlex.split(line))
    found = COMMANDS.run(call(stage, **caller), row, params)
    if isinstance(found, Stepwise):
        return row.name, at_once(found.steps)
    return row.name, stage.do(found) if isinstance(found, ev.Event) else found


def shown(stage: Stage, line: str, columns: int = 80) -> list[str]:
    """The lines a person sees."""
    method, data = say(stage, line)
    assert not isinstance(data, Act)
    return render(method, data, (columns, 24)).splitlines()
