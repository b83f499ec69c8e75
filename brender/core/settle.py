"""What follows from task moves: which steps open, how a job is summed up, and when a run is over.

Called once per turn for each job whose sums changed, after all events; the same function rebuilds `farm.open` at start.
It decides nothing about workers.
"""

from __future__ import annotations

from brender.core import links
from brender.core.farm import Farm
from brender.core.ledger import Ledger
from brender.core.lifecycle import FAILED, LABELS, LIVE, OVER, PENDING, READY, TaskState, summary
from brender.core.rows import Job, Step


def open_steps(farm: Farm, job: Job) -> list[Step]:
    """The steps whose turn has come: no unfinished `await` step bars them (SP-03), and what they name is done.

    A step that follows another task by task is not barred by it as a whole. One that is done has nothing to open for.
    """
    opened: list[Step] = []
    if job.desired != "run":
        return opened
    linked = farm.links_in(job.id)
    bars: list[Step] = []  # unfinished `await` steps so far, in order of place
    for step in farm.steps_in(job):
        if step.run != job.run or farm.tasks[step.id].all_done():
            continue
        if bars and not linked.frame and bars[0].place < step.place:
            break
        follows = linked.frame.get(step.id, ())
        barred = any(bar.place < step.place and bar.id not in follows for bar in bars)
        if not barred and not links.waits(farm, step, linked.whole.get(step.id, ())):
            opened.append(step)
        if step.exec == "await":
            bars.append(step)
    return opened


def settle(farm: Farm, ledger: Ledger, job: Job) -> list[str]:
    """Bring one job's derived state up to date; returns the topics of what became of it (`job.ended` …)."""
    opened = {step.id for step in open_steps(farm, job)}
    for step_id in farm.steps_of[job.id]:
        if step_id in opened:
            if step_id not in farm.open:
                farm.open.add(step_id)
            if farm.tasks[step_id].ready():
                farm.ready.add(step_id)
        else:
            farm.open.discard(step_id)
    if job.desired == "run" and _run_is_over(farm, job, opened):
        return _end_run(farm, ledger, job)
    return _sum_up(farm, ledger, job)


def _run_is_over(farm: Farm, job: Job, opened: set[int]) -> bool:
    """Nothing open is ready or live: either all is done or a failed `await` step bars the rest (SP-06)."""
    for step_id in opened:
        counts = farm.tasks[step_id].counts
        if any(counts[state] for state in (*READY, *LIVE)):
            return False
    return True


def _end_run(farm: Farm, ledger: Ledger, job: Job) -> list[str]:
    skip_rest(farm, ledger, job)
    ledger.set(job, desired="stop", ended_at=farm.now)
    ledger.set(job, state=summed(farm, job))
    farm.open.difference_update(farm.steps_of[job.id])
    return ["job.ended"]


def skip_rest(farm: Farm, ledger: Ledger, job: Job) -> int:
    """Tasks of this run that have not started never will; returns how many. Their label is `stopped`."""
    mine = [step for step in farm.steps_in(job) if step.run == job.run]
    return sum(ledger.task_all(step, PENDING, TaskState.SKIPPED) for step in mine)


def _sum_up(farm: Farm, ledger: Ledger, job: Job) -> list[str]:
    state = summed(farm, job)
    if state == job.state:
        return []
    ended = job.desired == "stop" and job.ended_at is None and job.run > 0 and not _any_live(farm, job)
    ledger.set(job, state=state, **({"ended_at": farm.now} if ended else {}))
    return ["job.ended"] if ended else ["job.state"]


def _any_live(farm: Farm, job: Job) -> bool:
    counts = farm.counts(job)
    return any(counts[state] for state in LIVE)


def summed(farm: Farm, job: Job) -> str:
    """The job's word: of the steps in its current run, and `new` while a started run has nothing going yet."""
    if job.run == 0:
        return "not run"
    parts = [farm.tasks[step.id].counts for step in farm.steps_in(job) if step.run == job.run]
    if job.desired == "run" and farm.usage.of_job(job) and not any(counts[TaskState.IMMORTAL] for counts in parts):
        return "running"  # the usual case, answered without a sum over all states of all steps
    total = [sum(counts) for counts in zip(*parts, strict=True)] or [0] * len(TaskState)
    live = any(total[state] for state in LIVE)
    if job.desired == "run":
        if total[TaskState.IMMORTAL]:
            return "immortal"
        going = live or total[TaskState.RERUN] or any(total[state] for state in OVER)
        return "running" if going else "new"
    if live:
        return "immortal" if total[TaskState.IMMORTAL] else "stopping"
    if any(total[state] for state in FAILED):
        return _worst_failure(total)
    return summary(total)


def _worst_failure(total: list[int]) -> str:
    order = (TaskState.ERROR, TaskState.TERMINATED, TaskState.KILLED, TaskState.STOPPED, TaskState.SKIPPED)
    return LABELS[next(state for state in order if total[state])]
