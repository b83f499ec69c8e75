"""A schedule that is due becomes events: its beginning, and its command as its owner would say it.

Both go into one turn. It decides nothing: whether it runs, the core says, the same before the turn and in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from brender.commands import schedules, text
from brender.commands.calls import Act, Call, Unhurried, Who
from brender.commands.nested import LATER
from brender.commands.table import Row
from brender.config import Settings
from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.rows import Schedule
from brender.core.rules.schedules import command_of, verdict
from brender.errors import BrenderError, InternalError, Unsupported

DOOR = "schedule"
MOST_SAID = 500  # characters of an answer that are kept
WIDE = (10_000, 24)  # a window in which no line is wrapped
As = Callable[[Who, str], Call]  # a call for this person with this current project


class Firing(Struct):
    """The events of one turn; then either the last of them is the command's own (`asks`), or `act` answers later."""

    schedule: int
    run: int
    events: list[ev.Event]
    row: Row | None = None
    asks: bool = False
    act: Unhurried | None = None
    error: BrenderError | None = None  # what refused it before it came to a turn


def firing(farm: Farm, schedule_id: int, now: float, settings: Settings, call_as: As) -> Firing:
    """What happens now to a schedule that is due. Never raises: a command that is gone or refused ends the run."""
    schedule = farm.schedules[schedule_id]
    method, params = command_of(farm, schedule, now)
    call = call_as(Who(schedule.owner, schedule.role, DOOR), schedule.project)
    begin = ev.Fire(schedule_id, now, _line(call, schedule, method))
    found = Firing(schedule_id, schedule.runs + 1, [begin])
    if verdict(farm, schedule, now, settings) != "run":
        return found
    try:
        found.row, read = call.table.read(method, params)
        answer = call.table.run(call, found.row, read)
    except BrenderError as error:
        answer = error
    except Exception as defect:  # whatever it is, the others go on
        answer = InternalError(f"{type(defect).__name__}: {defect}")
        answer.__cause__ = defect
    if isinstance(answer, ev.Event):
        if isinstance(answer, ev.SetAdmin | ev.PauseJob | ev.Update):
            answer.by, answer.session = "", 0  # nobody's act: undo takes back what people did themselves
        found.events.append(answer)
        found.asks = True
    elif isinstance(answer, LATER):
        found.act = answer
    else:
        found.error = answer if isinstance(answer, BrenderError) else None
        found.events.append(ended(found, answer))
    return found


def _line(call: Call, schedule: Schedule, method: str) -> str:
    """What it runs, in words. Params of an older brender may be none that the table knows."""
    try:
        return schedules.command_of(call.table, call.farm, schedule, method)
    except Exception:
        return method


def ended(firing: Firing, answer: Any) -> ev.ScheduleEnded:
    """What became of a run, in one line of text."""
    if isinstance(answer, Act):
        answer = Unsupported("It is for somebody who looks on; no schedule runs it.")
    if isinstance(answer, BrenderError):
        said = answer.sentence()[:MOST_SAID]
        return ev.ScheduleEnded(firing.schedule, firing.run, "error", said, answer.code)
    lines = text.render(firing.row.name, answer, WIDE).splitlines() if firing.row is not None else []
    return ev.ScheduleEnded(firing.schedule, firing.run, "ok", " ".join(lines[:5])[:MOST_SAID])
