"""Commands about the farm as a whole: how it is, whether it is saved, why something waits, what happens."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from brender.commands.calls import Call, ReloadInventory, Subscribe, Unsubscribe
from brender.commands.elements import elements
from brender.commands.kinds import TOPICS, Arg, Kind, Others
from brender.commands.offers import Offer, merged, starting, worker_in_words
from brender.commands.parts import JOB_OR_STEP, StepRef
from brender.commands.references import JobRef
from brender.commands.states import named, progress
from brender.commands.workers import activity
from brender.core import explain, hosted
from brender.core.farm import Farm
from brender.core.lifecycle import FAILED, LEVELS, READY, TaskState
from brender.core.rows import Step
from brender.errors import NotFound, nearest

MOST_CHOSEN = 10_000  # channels of one session
Topics = Annotated[list[str], TOPICS, Arg(text="such as job.* or task.error; all when left out")]


def status(call: Call) -> dict[str, Any]:
    """Show how the farm is: workers, slots, jobs, tasks, sessions, how long it has been up."""
    farm = call.farm
    workers: dict[str, int] = {"known": len(farm.workers)}
    slots = used = 0
    for worker in farm.workers.values():
        live = farm.loads[worker.id].live
        for word in (worker.presence, worker.admin_state, activity(worker, len(live))):
            if word:
                workers[word] = workers.get(word, 0) + 1
        if worker.presence == "online":
            slots += worker.slots
            # A frame is checked while the next one renders: that takes no second slot.
            used += min(worker.slots, sum(attempt.state != "assigned" for attempt in live.values()))
    counts = [0] * len(TaskState)
    for tasks in farm.tasks.values():
        for state, count in enumerate(tasks.counts):
            counts[state] += count
    jobs: dict[str, int] = {}
    for job in farm.jobs.values():
        jobs[job.state] = jobs.get(job.state, 0) + 1
    info = call.info()
    return {
        "uptime": round(call.uptime, 3),
        "epoch": farm.epoch,
        "workers": workers,
        "slots": {"total": slots, "used": used},
        "projects": len(farm.projects),
        "jobs": jobs,
        "tasks": named(counts),
        "progress": progress(counts),
        **({"schedules": _schedules(farm)} if farm.schedules or farm.halted else {}),
        "alarms": _alarms(farm),
        "mail": _mail(farm),
        "sessions": len(call.sessions()),
        "elements": elements(call, info),
        **info,
    }


def glance(call: Call) -> dict[str, Any]:
    """Show the farm at a glance: workers online and enabled, tasks that run, wait and have failed, warnings, alarms.

    An alarm counts while it fires and nobody has taken it. It walks no task: a hundred thousand steps take about 15 ms.
    """
    farm = call.farm
    counts = [sum(column) for column in zip(*(tasks.counts for tasks in farm.tasks.values()), strict=True)]
    sums = progress(counts or [0] * len(TaskState))
    sent = counts[TaskState.ASSIGNED] if counts else 0  # to a worker, which has not started it
    workers = farm.workers.values()
    return {
        "workers": {
            "known": len(workers),
            "online": sum(worker.presence == "online" for worker in workers),
            "enabled": sum(worker.admin_state == "enabled" for worker in workers),
        },
        "running": sums["live"] - sent,
        "queued": sums["ready"] + sent,
        "failed": sums["failed"],
        "warnings": sum(bool(worker.warning) for worker in workers),
        "alarms": sum(alarm.state == "firing" and not alarm.muted for alarm in farm.alarms.values()),
    }


def _schedules(farm: Farm) -> dict[str, int]:
    """Schedules by state."""
    found: dict[str, int] = {}
    for row in farm.schedules.values():
        found[row.state] = found.get(row.state, 0) + 1
    return found


def _alarms(farm: Farm) -> dict[str, Any]:
    """What fires and nobody looks after yet, the worst first; and how many are in the other states."""
    live = list(farm.alarms.values())
    firing = [alarm for alarm in live if alarm.state == "firing" and not alarm.muted]
    firing.sort(key=lambda alarm: (-LEVELS.index(alarm.level), alarm.fired_at or 0.0))
    others = [alarm.state for alarm in live if alarm.state != "firing"]
    counts = {state: others.count(state) for state in dict.fromkeys(others)}
    return {"firing": [{"id": one.id, "level": one.level, "said": one.said} for one in firing], **counts}


def _mail(farm: Farm) -> dict[str, int]:
    """Letters that are not sent, by state."""
    states = [row.state for row in farm.deliveries.values()]
    return {state: states.count(state) for state in dict.fromkeys(states)}


def save(call: Call) -> dict[str, Any]:
    """Say how the farm is saved: every change is on the disk before it is answered (BR-17)."""
    farm = call.farm
    rows = {table: len(farm.table(table)) for table in ("worker", "project", "job", "step", "schedule", "attempt")}
    return {"saved": True, "rows": rows}


def reload(call: Call) -> ReloadInventory:
    """Read devices, keys and channels from the database again, and apply what was edited there (also by SIGHUP)."""
    return ReloadInventory()


class Subject(Kind):
    """What `why` is asked about: a worker, a job, or a step."""

    wire = str | int
    expects = "a worker, a job, or job/step"

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        known = {worker.name: worker for worker in call.farm.workers.values()}
        workers = starting(prefix, known, lambda word: worker_in_words(call.farm, known[word]))
        return merged(workers, JOB_OR_STEP.complete(call, prefix, others))


SUBJECT = Subject()


def why(
    call: Call,
    what: Annotated[str | int, SUBJECT, Arg(text="a worker, a job, or job/step")],
    task: Annotated[int | None, Meta(ge=0), Arg(text="one task of that step, by number")] = None,
) -> dict[str, Any]:
    """Say why something is not running, and what would change it."""
    farm = call.farm
    if task is not None:
        return _why_task(call, StepRef().anywhere(call, what, {}), task)
    worker = next((one for one in farm.workers.values() if one.name == what), None)
    if worker is not None:
        return explain.why_worker(farm, worker.id)
    channel = farm.channel_named(what) if isinstance(what, str) else None
    if channel is not None and ("job", what) not in {(table, name) for table, _, name in farm.names}:
        return hosted.why_channel(farm, channel.id)
    try:
        return explain.why_job(farm, JobRef().parse(call, what, {}).id)
    except NotFound:
        pass
    if isinstance(what, str) and "/" in what:
        step = StepRef().anywhere(call, what, {})
        return _why_task(call, step, _first_waiting(call, step))
    names = [*(one.name for one in farm.workers.values()), *(job.name for job in farm.jobs.values())]
    raise NotFound(
        f"There is no worker or job {what!r}.",
        hint=nearest(str(what), names) or "See worker list and job list.",
    )


def _first_waiting(call: Call, step: Step) -> int:
    """The task of a step that the question is most likely about: the first that waits, else the first that failed."""
    tasks = call.farm.tasks[step.id]
    found = tasks.having(READY) or tasks.having(FAILED)
    return found[0] if found else 0


def _why_task(call: Call, step: Step, task: int) -> dict[str, Any]:
    count = len(call.farm.tasks[step.id])
    if task >= count:
        raise NotFound(f"Step {step.name} has no task {task}; they are 0 to {count - 1}.")
    return explain.why_task(call.farm, step.id, task)


def subscribe(
    call: Call,
    topics: Topics,
    *,
    since: Annotated[int | None, Meta(ge=0), Arg(text="begin after the event of this number")] = None,
    channels: Annotated[
        list[int] | None,
        Meta(max_length=MOST_CHOSEN),
        Arg(text="ids: of channel.values these only, in place of those chosen before"),
    ] = None,
) -> Subscribe:
    """Send events as they happen, on these topics."""
    return Subscribe(topics or ["*"], since, channels)


def unsubscribe(call: Call, topics: Topics) -> Unsubscribe:
    """Send no more events, on these topics or at all."""
    return Unsubscribe(topics)
