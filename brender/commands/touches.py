"""What an event would touch: which rows of which noun, and how many. A program that confirms asks before it is done.

It reads the farm and the event that a command has made of its arguments, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from brender.commands.references import job_path
from brender.core import events as ev
from brender.core.acts import newest
from brender.core.farm import Farm
from brender.core.lifecycle import FAILED, TaskState
from brender.core.rows import Job
from brender.core.rules.tree import TASKS, WORKFLOWS, children, unwrapped

MOST_NAMES = 20


class Touched(Struct, frozen=True):
    """`count` things of a noun, of which `names` are the first."""

    noun: str = ""
    count: int = 0
    names: Sequence[str] = ()


def of_event(farm: Farm, event: ev.Event) -> Touched:
    """What a turn with this event would change, as far as the event names it. Raises InvalidParams for a bad tree."""
    match event:
        case ev.SetAdmin():
            return _rows(farm, "worker", event.workers)
        case ev.AddChannels():
            names = [str(values.get("name", "")) for values in event.channels]
            return Touched("channel", len(names), names[:MOST_NAMES])
        case ev.SwitchChannels() | ev.MoveChannels():
            return _rows(farm, "channel", event.channels)
        case ev.SetGroups():
            return _rows(farm, "worker", [event.manager])
        case ev.Update() | ev.Delete():
            return _rows(farm, event.noun, event.ids)
        case ev.Create():
            return Touched(event.noun, 1, [str(event.values.get("name", ""))])
        case ev.RetryTasks() | ev.KillTasks():
            return _tasks(farm, event)
        case ev.RetryJob():
            return _retried(farm, event)
        case ev.SetWaiting():
            attempt = farm.attempts[event.attempt]
            return _named_tasks(farm, attempt.step_id, [attempt.task])
        case ev.RunJob(step=int(step)):
            return _rows(farm, "step", [step])
        case ev.RunJob() | ev.StopJob() | ev.PauseJob() | ev.UnblockJob():
            return _rows(farm, "job", [event.job])
        case ev.StopAll():
            return _rows(farm, "job", _going(farm))
        case ev.Undo():
            return _undone(farm, event)
        case ev.SetCalendar():
            return _rows(farm, "worker", event.workers)
        case ev.PauseSchedule() | ev.RunSchedule():
            return _rows(farm, "schedule", [event.schedule])
        case ev.StopSchedules():
            return _rows(farm, "schedule", [row.id for row in farm.schedules.values() if row.next_at is not None])
        case ev.SubmitTree() | ev.UpdateTree() | ev.DeleteTree():
            return _tree(farm, event)
    return _of_what_is_told(farm, event)


def _of_what_is_told(farm: Farm, event: ev.Event) -> Touched:
    """The same of alarms, lines and letters; nothing where an event names nothing."""
    match event:
        case ev.AckAlarms() | ev.SkipAlarms():
            return Touched("alarm", len(event.alarms), [farm.alarms[one].about for one in event.alarms[:MOST_NAMES]])
        case ev.ConfigLogger() | ev.WriteLog():
            return Touched("logger", 1, [event.logger])
        case ev.FlushLog():
            return Touched("logger", 1, [event.logger]) if event.logger else Touched("logger", len(farm.loggers))
        case ev.RetryDeliveries() | ev.DropDeliveries():
            return Touched("delivery", len(event.deliveries), [str(one) for one in event.deliveries[:MOST_NAMES]])
    return Touched()


def _undone(farm: Farm, event: ev.Undo) -> Touched:
    act = newest(farm.acts, event.by or event.session)
    if act is None:
        return Touched()
    return Touched(act.noun, len(act.rows), [was.name for was in act.rows[:MOST_NAMES]])


def _rows(farm: Farm, noun: str, ids: Sequence[int]) -> Touched:
    known = farm.table(noun)
    return Touched(noun, len(ids), [_name(farm, known[row_id]) for row_id in ids[:MOST_NAMES]])


def _name(farm: Farm, row: Any) -> str:
    """A name that says which one is meant in the whole farm."""
    if isinstance(row, Job):
        return job_path(farm, row)
    if hasattr(row, "job_id"):
        return f"{job_path(farm, farm.jobs[row.job_id])}/{row.name}"
    return str(row.name or row.uuid)


def _tasks(farm: Farm, event: ev.RetryTasks | ev.KillTasks) -> Touched:
    if event.tasks or isinstance(event, ev.KillTasks):
        return _named_tasks(farm, event.step, event.tasks)
    wanted = FAILED | ({TaskState.SUCCESS} if event.again else set())
    return _named_tasks(farm, event.step, farm.tasks[event.step].having(wanted))


def _retried(farm: Farm, event: ev.RetryJob) -> Touched:
    """What of a job has ended badly, or at all, step by step."""
    wanted = FAILED | ({TaskState.SUCCESS} if event.again else set())
    count = 0
    names: list[str] = []
    for step in farm.steps_in(farm.jobs[event.job]):
        found = _named_tasks(farm, step.id, farm.tasks[step.id].having(wanted))
        count += found.count
        names += found.names
    return Touched("task", count, names[:MOST_NAMES])


def _named_tasks(farm: Farm, step_id: int, tasks: Sequence[int]) -> Touched:
    path = _name(farm, farm.steps[step_id])
    return Touched("task", len(tasks), [f"{path} {task}" for task in tasks[:MOST_NAMES]])


def _going(farm: Farm) -> list[int]:
    live = {farm.steps[attempt.step_id].job_id for attempt in farm.attempts.values()}
    return [job.id for job in farm.jobs.values() if job.desired == "run" or job.id in live]


def _tree(farm: Farm, event: ev.SubmitTree | ev.UpdateTree | ev.DeleteTree) -> Touched:
    """The leaves of spad's tree; of one that is made again only the jobs that are there already."""
    tree = unwrapped(event.tree)
    project = farm.project_named(str(tree.get("name", "")))
    leaves: list[tuple[str, str]] = []
    for workflow in children(tree, "project", WORKFLOWS):
        path = f"{tree.get('name', '')}/{workflow.get('name', '')}"
        there = project is not None and farm.job_named(project.id, str(workflow.get("name", ""))) is not None
        tasks = children(workflow, "workflow", TASKS) if not isinstance(event, ev.SubmitTree) else []
        leaves += [("step", f"{path}/{task.get('name', '')}") for task in tasks]
        if not tasks and (there or not (isinstance(event, ev.SubmitTree) and event.wipe)):
            leaves.append(("job", path))
    nouns = dict.fromkeys(noun for noun, _ in leaves)
    return Touched(" or ".join(nouns), len(leaves), [name for _, name in islice(leaves, MOST_NAMES)])
