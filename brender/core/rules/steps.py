"""Steps: made, placed (a new place shifts what stood there), changed and deleted while their job is not running."""

from __future__ import annotations

from typing import Any

from brender.core import frames, possible, sequence
from brender.core.context import Context
from brender.core.events import Create, Delete, Update
from brender.core.fit import NEEDS
from brender.core.lifecycle import READY, TaskState, task_after
from brender.core.rows import Job, Step
from brender.core.rules import presets
from brender.core.rules.rows import check_version, checked, row_of
from brender.errors import Exists, Invalid, WrongState

EDITABLE: dict[str, type] = {
    "name": str,
    "place": int,
    "exec": str,
    "function": str,
    "params": object,
    "frames": str,
    "chunk": int,
    "order": str,
    "after": list,
    "limits": list,
    "needs": dict,
    "retries": int,
    "timeout": float,
    "stalled_after": float,
    "stop_stalled": bool,
}
EXEC = ("await", "parallel")
MOST_RETRIES = 100


def create(ctx: Context, event: Create) -> dict[str, Any]:
    values = checked("step", event.values, {**EDITABLE, "job": int}, required=("name", "job", "function"))
    job = ctx.job(values.pop("job"))
    check_not_running(ctx, job, "be given a step")
    return {"noun": "step", "row": row_of(make(ctx, job, values))}


def make(ctx: Context, job: Job, values: dict[str, Any], shift: bool = True) -> Step:
    """A new step row; `place` defaults to the end, and steps at that place or after it move down by one (SP-19)."""
    check(values)
    values = with_preset(ctx, values, values.get("function", Step.function))
    if ctx.farm.step_named(job.id, values["name"]) is not None:
        raise Exists(f"Job {job.name} has a step named {values['name']!r} already.", hint=f"step list {job.id}")
    there = list(ctx.farm.steps_in(job)) if shift else []
    if "place" not in values:
        values["place"] = ctx.farm.last_place(job) + 1
    if any(step.place == values["place"] for step in there):
        for step in there:
            if step.place >= values["place"]:
                ctx.ledger.set(step, place=step.place + 1)
    row = Step(ctx.ledger.new_id("step"), job.id, created_at=ctx.now, modified_at=ctx.now, **values)
    ctx.ledger.add(row)
    return row


def update(ctx: Context, event: Update) -> dict[str, Any]:
    values = checked("step", event.values, EDITABLE)
    if "name" in values and len(event.ids) > 1:
        raise Invalid("One name cannot be given to several steps.", hint="Name one step.")
    check(values)
    for step_id in event.ids:
        step = ctx.step(step_id)
        job = ctx.farm.jobs[step.job_id]
        check_version("step", step, event.version)
        check_not_running(ctx, job, "be changed")
        if "name" in values and values["name"] != step.name and ctx.farm.step_named(job.id, values["name"]):
            raise Exists(f"Job {job.name} has a step named {values['name']!r} already.", hint=f"step list {job.id}")
        count = frames.task_count(values.get("frames", step.frames), values.get("chunk", step.chunk))
        sequence.check(values.get("order", step.order), count)
        own = with_preset(ctx, values, values.get("function", step.function))
        recut = values.get("frames", step.frames) != step.frames or values.get("chunk", step.chunk) != step.chunk
        ctx.ledger.set(step, **own, **({"run": 0} if recut else {}))
        if recut:
            ctx.ledger.renew(step, count, TaskState.NOT_RUN)
        elif "retries" in values:
            _judge_again(ctx, step)
    return {"noun": "step", "rows": [row_of(ctx.step(step_id)) for step_id in event.ids]}


def _judge_again(ctx: Context, step: Step) -> None:
    """Failed tasks of a run that is over, by the new number of retries: a farm loaded from disk judges them so too."""
    tasks = ctx.farm.tasks[step.id]
    for task, trouble in tasks.trouble.items():
        state = task_after(trouble.last.state, trouble.errors, trouble.crashes, step.retries)
        if trouble.last.spent or state in READY:
            state = TaskState.SKIPPED
        if state != tasks.states[task]:
            ctx.ledger.task(step, task, state)


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    return {"noun": "step", "deleted": [remove(ctx, ctx.step(step_id)) for step_id in event.ids]}


def remove(ctx: Context, step: Step) -> dict[str, Any]:
    """Take a step out of its job."""
    check_not_running(ctx, ctx.farm.jobs[step.job_id], "lose a step")
    ctx.ledger.remove(step)
    ctx.ledger.unsettled.add(step.job_id)
    return {"id": step.id, "name": step.name}


def with_preset(ctx: Context, values: dict[str, Any], function: str) -> dict[str, Any]:
    """A step's values, with the preset that its parameters name written out. Raises NotFound."""
    if "params" not in values:
        return values
    return {**values, "params": presets.expanded(ctx.farm, function, values["params"])}


def check(values: dict[str, Any]) -> None:
    """The rules of a step's values; raises Invalid naming the attribute."""
    if values.get("exec", "await") not in EXEC:
        raise Invalid(f"step exec is await or parallel, not {values['exec']!r}.")
    if not 1 <= values.get("place", 1) <= 1_000_000:
        raise Invalid(f"step place is 1 or more, not {values['place']}.")
    if not frames.AUTO <= values.get("chunk", 1) <= frames.MOST_FRAMES:
        raise Invalid(f"step chunk is auto, or 1 to {frames.MOST_FRAMES} frames a task, not {values['chunk']}.")
    if not 0 <= values.get("retries", 0) <= MOST_RETRIES:
        raise Invalid(f"step retries is 0 to {MOST_RETRIES}, not {values['retries']}.")
    timeout = values.get("timeout")
    if timeout is not None and not timeout > 0:
        raise Invalid(f"step timeout is more than 0 seconds, not {timeout}.")
    stalled = values.get("stalled_after")
    if stalled is not None and not stalled > 0:
        raise Invalid(f"step stalled_after is more than 0 seconds, not {stalled}.")
    if not isinstance(values.get("params", []), list | dict):
        raise Invalid(f"step params is a list or an object, not {values['params']!r}.")
    if values.get("function", "noop") == "":
        raise Invalid("step function is empty.", hint="function=noop")
    _check_needs(values.get("needs", {}))
    count = frames.task_count(values.get("frames", ""), values.get("chunk", 1))
    sequence.check(values.get("order", "linear"), count)


def _check_needs(needs: dict[str, Any]) -> None:
    for name, amount in needs.items():
        if name not in NEEDS:
            raise Invalid(f"step needs {name!r}, which no machine tells of.", hint=f"It takes {', '.join(NEEDS)}.")
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount < 1e12:
            raise Invalid(f"step needs.{name} is more than 0, not {amount!r}.")


def check_not_running(ctx: Context, job: Job, verb: str) -> None:
    """Running things are stopped before they are changed (SP-20, SP-22)."""
    if possible.is_going(ctx.farm, job):
        raise WrongState(f"Job {job.name} is {job.state}; a running job cannot {verb}.", hint=f"job stop {job.id}")
