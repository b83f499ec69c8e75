"""Kinds that name parts of a job: its steps, and the tasks of a step by number or state."""

from __future__ import annotations

import re
from typing import Any

from brender.commands.calls import Call
from brender.commands.kinds import Kind, Others
from brender.commands.offers import Offer, merged, starting, step_in_words
from brender.commands.references import JobRef
from brender.commands.selection import as_id, listed
from brender.core import frames as frames_
from brender.core.farm import Farm
from brender.core.lifecycle import FAILED, LABELS, LIVE, READY, TaskState
from brender.core.rows import Job, Step
from brender.errors import Invalid, InvalidParams, NotFound, nearest


class StepRef(Kind):
    """One step: `job/step`, `project/job/step`, an id; only its name where `job` is given too.

    A job of one step will do, and with `failed` a job of which only one step has failed tasks.
    """

    wire = str | int
    expects = "job/step, or a job that has one step"

    def __init__(self, failed: bool = False) -> None:
        self.failed = failed

    def parse(self, call: Call, value: Any, others: Others) -> Step:
        if "job" in others:
            return find_step(call.farm, JobRef().parse(call, others["job"], others), value)
        return self.anywhere(call, value, others)

    def anywhere(self, call: Call, value: str | int, others: Others) -> Step:
        """The step a word means in the whole farm. Raises NotFound or Invalid."""
        farm = call.farm
        first: NotFound
        try:
            return self._only(farm, JobRef().parse(call, value, others))
        except NotFound as error:
            first = error
        if isinstance(value, str) and "/" in value:
            job_word, _, step_word = value.rpartition("/")
            return find_step(farm, JobRef().parse(call, job_word, others), step_word)
        number = as_id(value)
        if number is not None and number in farm.steps:
            return farm.steps[number]
        raise first

    def _only(self, farm: Farm, job: Job) -> Step:
        steps = list(farm.steps_in(job))
        if len(steps) == 1:
            return steps[0]
        if self.failed:
            found = [step for step in steps if any(farm.tasks[step.id].counts[state] for state in FAILED)]
            if len(found) == 1:
                return found[0]
        if not steps:
            raise Invalid(f"Job {job.name} has no steps.", hint=f"Add one: step add {job.id} NAME function=…")
        raise Invalid(
            f"Job {job.name} has {len(steps)} steps: {listed(step.name for step in steps)}.",
            hint=f"Write {job.name}/{steps[0].name}.",
        )

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        farm = call.farm
        if "job" in others:
            job = JobRef().parse(call, others["job"], others)
            within = {step.name: step for step in farm.steps_in(job)}
            return starting(prefix, within, lambda word: step_in_words(farm, within[word]))
        if "/" not in prefix:
            return JobRef().complete(call, prefix, others)
        paths = {f"{job.name}/{step.name}": step for job in farm.jobs.values() for step in farm.steps_in(job)}
        found = starting(prefix, paths, lambda word: step_in_words(farm, paths[word]))
        return merged(found, JobRef().complete(call, prefix, others))


def find_step(farm: Farm, job: Job, word: str | int) -> Step:
    """The step of this name or id in a job; NotFound with the nearest names."""
    found = farm.step_named(job.id, word) if isinstance(word, str) else None
    if found is not None:
        return found
    number = as_id(word)
    if number is not None and number in farm.steps_of[job.id]:
        return farm.steps[number]
    names = [step.name for step in farm.steps_in(job)]
    hint = nearest(str(word), names) or (f"It has {listed(names)}." if names else "It has no steps.")
    raise NotFound(f"Job {job.name} has no step {word!r}.", hint=hint)


_RANGE = re.compile(r"[-\d,x.\s]+")
STATE_WORDS: dict[str, frozenset[TaskState]] = {
    **{label: frozenset(state for state in TaskState if LABELS[state] == label) for label in LABELS.values()},
    "success": frozenset({TaskState.SUCCESS}),
    "failed": FAILED,
    "ready": READY,
    "live": LIVE,
}


class JobOrStep(Kind):
    """A job or one step of it, as the list of its steps in running order."""

    wire = str | int
    expects = "a job, or job/step"

    def parse(self, call: Call, value: Any, others: Others) -> list[Step]:
        try:
            return list(call.farm.steps_in(JobRef().parse(call, value, others)))
        except NotFound:
            if not isinstance(value, str) or "/" not in value:
                raise
        return [StepRef().anywhere(call, value, others)]

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return StepRef().complete(call, prefix, {})


class TaskRange(Kind):
    """Tasks of the step in `step`, by the number in the first column of `task list`, or by state."""

    wire = str | int
    expects = "task numbers such as 3 or 0-9, all, failed or a state"

    def __init__(self, of: StepRef) -> None:
        self.of = of

    def parse(self, call: Call, value: Any, others: Others) -> list[int]:
        step = self.of.parse(call, others.get("step", ""), others)
        tasks = call.farm.tasks[step.id]
        word = str(value).strip().lower()
        if word == "all":
            return list(range(len(tasks)))
        if word in STATE_WORDS:
            found = tasks.having(STATE_WORDS[word])
            if not found:
                raise Invalid(
                    f"No task of step {step.name} is {word}.",
                    hint=f"See task list {step.job_id}/{step.name}.",
                )
            return found
        if not _RANGE.fullmatch(word):
            known = [*STATE_WORDS, "all"]
            raise InvalidParams(
                f"{value!r} is no task, range or state.",
                hint=nearest(word, known) or "Write 3, 0-9 or failed.",
            )
        numbers = frames_.parse(word)
        for part in numbers.parts:
            for edge in (part[0], part[-1]):
                if not 0 <= edge < len(tasks):
                    raise NotFound(f"Step {step.name} has no task {edge}; they are 0 to {len(tasks) - 1}.")
        return sorted(numbers)

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [*STATE_WORDS, "all"], lambda word: f"the {word} tasks")


class StateWord(Kind):
    """A task state as `status` prints it, or failed, ready, live, success."""

    expects = "a task state"

    def parse(self, call: Call, value: Any, others: Others) -> frozenset[TaskState]:
        found = STATE_WORDS.get(value.lower())
        if found is None:
            raise InvalidParams(
                f"{value!r} is no task state.",
                hint=nearest(value, STATE_WORDS) or f"One of {', '.join(STATE_WORDS)}.",
            )
        return found

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, STATE_WORDS, lambda word: f"the {word} tasks")


STEP = StepRef()
FAILED_STEP = StepRef(failed=True)
JOB_OR_STEP = JobOrStep()
TASKS = TaskRange(STEP)
FAILED_TASKS = TaskRange(FAILED_STEP)
STATE = StateWord()
