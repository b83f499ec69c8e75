"""What people ask for. `by` is who; what can be undone has also `session`, for who has no name.

It must not know who carries it out.
"""

from __future__ import annotations

from typing import Any

from brender.core.events.event import Event


class Create(Event):
    """A new row of a noun (worker, project, limit, preset, schedule, job, step) with these attributes."""

    noun: str
    values: dict[str, Any]
    by: str = ""


class Update(Event):
    """New attribute values for some rows; `version` makes it a compare-and-set."""

    noun: str
    ids: list[int]
    values: dict[str, Any]
    version: int | None = None
    by: str = ""
    session: int = 0


class Delete(Event):
    noun: str
    ids: list[int]
    by: str = ""


class SetAdmin(Event):
    """Enable or disable workers (BR-19, BR-20)."""

    workers: list[int]
    state: str
    by: str = ""
    session: int = 0


class SetCalendar(Event):
    """Windows of the week in which workers are enabled (calendars.parse); an empty text takes the calendar away."""

    workers: list[int]
    windows: str
    tz: str = "UTC"
    uuid: str = ""
    by: str = ""
    role: str = ""


class PauseSchedule(Event):
    schedule: int
    paused: bool
    by: str = ""


class RunSchedule(Event):
    """Run it once more as soon as may be; when it is due next stays as it is."""

    schedule: int
    by: str = ""


class StopSchedules(Event):
    """Hold all schedules, or let them go on (RM-17, RM-18)."""

    stopped: bool
    by: str = ""


class SubmitTree(Event):
    """Create or extend from spad's tree: project -> workflows -> tasks (SP-16, SP-19)."""

    tree: dict[str, Any]
    by: str = ""
    run: bool = False  # start the workflows named in it in the same turn
    wipe: bool = False  # delete the workflows named in it first (SP-50 recreate)


class UpdateTree(Event):
    """Replace the leaves of spad's tree as whole entities, all or nothing (SP-22)."""

    tree: dict[str, Any]
    by: str = ""


class DeleteTree(Event):
    """Delete the leaves of spad's tree in their order, all or nothing (SP-20)."""

    tree: dict[str, Any]
    by: str = ""


class RunJob(Event):
    """A run of a job, or of one step of it; nothing of it starts before `start_at` (seconds since the epoch)."""

    job: int
    step: int | None = None
    by: str = ""
    start_at: float | None = None


class StopJob(Event):
    """`force` also ends what is in a stretch in which it must not be stopped (REQUIREMENTS 10.8)."""

    job: int
    by: str = ""
    force: bool = False


class StopAll(Event):
    """End every run of the farm (SP-50 kill_all)."""

    by: str = ""
    force: bool = False


class PauseJob(Event):
    job: int
    paused: bool
    by: str = ""
    session: int = 0


class Undo(Event):
    """Take back the last enable, disable, priority, pause or resume of whoever asks."""

    by: str = ""
    session: int = 0


class UnblockJob(Event):
    """Let workers try again that failed too often at a job."""

    job: int
    by: str = ""


class RetryJob(Event):
    """Run everything of a job again that has failed or was skipped; `again` takes what is a success, too."""

    job: int
    by: str = ""
    again: bool = False


class RetryTasks(Event):
    """Run tasks of a step again; an empty list means every failed one. `again` takes those that are a success, too."""

    step: int
    tasks: list[int]
    by: str = ""
    again: bool = False


class KillTasks(Event):
    step: int
    tasks: list[int]
    by: str = ""
    force: bool = False


class AddChannels(Event):
    """New channels, all or none: each the values of a row, with `name`; what floats gets a manager (CL-14)."""

    channels: list[dict[str, Any]]
    by: str = ""


class SwitchChannels(Event):
    """Start, stop or restart channels (CL-47)."""

    channels: list[int]
    act: str
    by: str = ""


class MoveChannels(Event):
    """Give channels to this manager; 0: to the one that has the fewest."""

    channels: list[int]
    manager: int
    by: str = ""


class SetGroups(Event):
    """The groups of a manager, in order; channels of one that is gone go to the others (CL-40)."""

    manager: int
    groups: list[str]
    by: str = ""


class PlaceChannels(Event):
    """A census or the patience with a manager is over."""


class Reload(Event):
    """Rows of devices, keys and channels that somebody edited in the database: as they are there (RM-34 to RM-37).

    `gone` are those that were deleted there, as (table, id).
    """

    rows: list[Any]
    gone: list[tuple[str, int]]
    by: str = ""
