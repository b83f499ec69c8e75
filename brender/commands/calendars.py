"""The command about calendars of workers: in which hours of the week the farm may use a machine."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from brender.commands.calls import Call
from brender.commands.kinds import Arg, Sentence
from brender.commands.schedules import Zone
from brender.commands.selection import WorkerSelector
from brender.core import calendars, events, zones
from brender.core.rows import Worker
from brender.errors import InvalidParams

NONE = "none"


class WorkersInOneWord(WorkerSelector):
    """Workers where more follows: several with commas, not with blanks."""

    many = False
    expects = "a worker name, id, glob, tag=… or state; several with commas"


class Windows(Sentence):
    """Windows of the week, or none."""

    required = True
    expects = "'Mon-Fri 20:00-08:00; Sat-Sun 00:00-24:00', or none"


def put(
    call: Call,
    workers: Annotated[list[Worker], WorkersInOneWord(), Arg(text="which workers")],
    windows: Annotated[str, Windows(), Arg(text="when the farm may use them")],
    *,
    tz: Zone = zones.UTC,
) -> events.Event:
    """Give workers a calendar: enabled inside its windows, else disabled.

    What runs when a window ends goes on to its end.

    A window that ends before it begins ends the next day; several a day stand with commas. What people say, enable or
    disable, counts until the next edge of a window. With none the workers stay as they are and have no calendar.
    """
    if not windows:
        raise InvalidParams("A calendar has windows.", hint=calendars.HINT)
    text = "" if windows.lower() == NONE else windows
    if text:
        calendars.parse(text)
    who = call.who
    return events.SetCalendar([worker.id for worker in workers], text, tz, str(uuid4()), who.name, who.role)
