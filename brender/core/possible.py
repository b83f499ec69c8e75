"""What a row's state allows: the questions by which the rules refuse, and by which a page shows its buttons.

Asked of the farm alone; who asks, and whether they may, is the command table's. It must not write.
"""

from __future__ import annotations

from collections.abc import Iterable

from brender.core.farm import Farm
from brender.core.lifecycle import ALARM_TOLD, FAILED, LIVE, TaskState
from brender.core.rows import Alarm, Delivery, Job, Limit, Project, Schedule, Worker


def is_away(farm: Farm, worker: Worker) -> bool:
    """Nobody speaks for the machine and it holds nothing: it can be forgotten."""
    load = farm.loads[worker.id]
    return load.session is None and not load.live


def is_active(project: Project) -> bool:
    """It may be given jobs, and its jobs may run."""
    return project.state != "archived"


def is_named(farm: Farm, limit: Limit) -> bool:
    """A step takes of it."""
    return any(limit.name in step.limits for step in farm.steps.values())


def is_going(farm: Farm, job: Job) -> bool:
    """It is to run, or something of it still does: it can be stopped, and not be changed or run again."""
    if job.desired == "run":
        return True
    return has_tasks(farm, job, LIVE, any_run=True)


def can_run(farm: Farm, job: Job) -> bool:
    return bool(farm.steps_of[job.id]) and is_active(farm.projects[job.project_id]) and not is_going(farm, job)


def can_requeue(farm: Farm, job: Job) -> bool:
    """Something of its newest run failed or was skipped."""
    return job.run > 0 and has_tasks(farm, job, FAILED)


def has_tasks(farm: Farm, job: Job, states: Iterable[TaskState], any_run: bool = False) -> bool:
    """Whether a task of the job is in one of these states, in its newest run or in any."""
    for step_id in farm.steps_of[job.id]:
        counts = farm.tasks[step_id].counts
        if any(counts[state] for state in states) and (any_run or farm.steps[step_id].run == job.run):
            return True
    return False


def when_over(schedule: Schedule) -> str:
    """The state of a schedule, or the one that it goes back to when what it runs has ended."""
    return schedule.then if schedule.state == "running" else schedule.state


def has_fired(alarm: Alarm) -> bool:
    """People may look after it."""
    return alarm.state in ALARM_TOLD


def is_being_sent(delivery: Delivery, now: float) -> bool:
    """Somebody took it, and still has time to say what became of it."""
    return bool(delivery.holder) and delivery.next_at > now
