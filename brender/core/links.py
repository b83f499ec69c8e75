"""What waits for what: steps for steps of their job (`after`), task by task where asked, and jobs for jobs.

Names are resolved here, once a job until its steps change. It reads rows and task states; it moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from brender.core.lifecycle import TaskState
from brender.core.rows import Job, Step
from brender.errors import Invalid, NotFound, nearest

if TYPE_CHECKING:
    from brender.core.farm import Farm
    from brender.core.tasks import Tasks

FRAME = ":frame"


class Links(Struct):
    """By step id, in one job; steps that wait for nothing are not in it."""

    whole: dict[int, tuple[int, ...]]  # the steps that must be a success before this one opens
    frame: dict[int, tuple[int, ...]]  # the steps whose task i must be a success before task i of this one starts
    followers: dict[int, tuple[int, ...]]  # the steps that follow this one task by task


NOTHING = Links({}, {}, {})


def links_of(steps: Iterable[Step], named: Callable[[str], Step | None]) -> Links:
    """The links of one job's steps; what names no step is left out (`check` refuses it)."""
    found = Links({}, {}, {})
    for step in steps:
        for word in step.after:
            other, by_frame = _meant(word, named)
            if other is None:
                continue
            kind = found.frame if by_frame else found.whole
            kind[step.id] = (*kind.get(step.id, ()), other.id)
            if by_frame:
                found.followers[other.id] = (*found.followers.get(other.id, ()), step.id)
    return found


def _meant(word: str, named: Callable[[str], Step | None]) -> tuple[Step | None, bool]:
    exact = named(word)
    if exact is not None or not word.endswith(FRAME):
        return exact, False
    return named(word.removesuffix(FRAME)), True


def in_run(farm: Farm, step: Step, ids: Sequence[int]) -> list[Step]:
    """Those of these steps that are part of the same run: a step that was run alone waits for nobody."""
    return [farm.steps[other] for other in ids if farm.steps[other].run == step.run]


def unfinished(farm: Farm, step: Step) -> list[Step]:
    """The steps named by `after` as a whole that are no success yet."""
    ids = farm.links_in(step.job_id).whole.get(step.id, ())
    return [other for other in in_run(farm, step, ids) if not farm.tasks[other.id].all_done()]


def waits(farm: Farm, step: Step, ids: Sequence[int]) -> bool:
    """Whether any of these steps, in the same run, is no success yet: `unfinished` as a question, asked every turn."""
    return any(farm.steps[other].run == step.run and not farm.tasks[other].all_done() for other in ids)


def models(farm: Farm, step: Step) -> list[Step]:
    """The steps that this one follows task by task, in this run."""
    return in_run(farm, step, farm.links_in(step.job_id).frame.get(step.id, ()))


def held(farm: Farm, step: Step, task: int) -> bool:
    """Whether a task that has not started waits for the same task of another step."""
    done = TaskState.SUCCESS
    return any(farm.tasks[other.id].states[task] != done for other in models(farm, step))


def models_of(farm: Farm, step: Step) -> list[Tasks]:
    """The tasks that the tasks of this step wait for one by one."""
    return [farm.tasks[other.id] for other in models(farm, step)]


def unmet(farm: Farm, job: Job) -> list[Job]:
    """The jobs this one waits for that have not ended in success."""
    others = (farm.job_word(job, word) for word in job.after)
    return [other for other in others if other is not None and (other.desired == "run" or other.state != "success0")]


def check(farm: Farm, job: Job) -> None:
    """Everything a job and its steps name is there, tasks match one by one, and nothing waits for itself.

    Raises NotFound or Invalid naming the step and the word, or the cycle.
    """
    if job.after:
        _check_job(farm, job)
    waits = False
    for step in farm.steps_in(job):
        for limit in step.limits:
            if farm.limit_named(limit) is None:
                known = [one.name for one in farm.limits.values()]
                hint = nearest(limit, known) or f"limit add {limit} count=10"
                raise NotFound(f"Step {step.name} of job {job.name} names no limit of the farm: {limit!r}.", hint=hint)
        if step.after:
            waits = True
            _check_step(farm, job, step)
    if waits:
        _refuse_cycle("Steps", job.name, _graph(farm, job), {s.id: s.name for s in farm.steps_in(job)})


def _check_job(farm: Farm, job: Job) -> None:
    graph: dict[int, list[int]] = {}
    todo = [job]
    while todo:
        one = todo.pop()
        if one.id in graph:
            continue
        graph[one.id] = []
        for word in one.after:
            other = farm.job_word(one, word)
            if other is None:
                raise NotFound(
                    f"Job {one.name} waits for job {word!r}, which there is not.",
                    hint=f"after takes JOB of its own project or PROJECT/JOB; to wait for nothing: "
                    f"job set {one.id} after=",
                )
            graph[one.id].append(other.id)
            todo.append(other)
    _refuse_cycle("Jobs", job.name, graph, {found: farm.jobs[found].name for found in graph})


def _check_step(farm: Farm, job: Job, step: Step) -> None:
    for word in step.after:
        other, by_frame = _meant(word, lambda name: farm.step_named(job.id, name))
        if other is None:
            known = [one.name for one in farm.steps_in(job)]
            raise NotFound(
                f"Step {step.name} waits for step {word!r}, which job {job.name} has not.",
                hint=nearest(word, known) or "after=sim waits for all of step sim, after=sim:frame frame by frame.",
            )
        mine, theirs = len(farm.tasks[step.id]), len(farm.tasks[other.id])
        if by_frame and mine != theirs:
            raise Invalid(
                f"Step {step.name} has {mine} tasks and waits task by task for step {other.name}, which has {theirs}.",
                hint=f"Give both the same frames and chunk (job update does so at once), or after={other.name}.",
            )


def _graph(farm: Farm, job: Job) -> dict[int, list[int]]:
    """Who waits for whom, places included: a bar (a negative node) stands for all `await` steps up to a place."""
    links = farm.links_in(job.id)
    graph: dict[int, list[int]] = {0: []}
    bar, place, awaited = 0, 0, list[int]()
    for step in farm.steps_in(job):
        if step.place != place:
            if awaited:
                graph[-step.place] = [bar, *awaited]
                bar, awaited = -step.place, []
            place = step.place
        graph[step.id] = [bar, *links.whole.get(step.id, ()), *links.frame.get(step.id, ())]
        if step.exec == "await":
            awaited.append(step.id)
    return graph


def _refuse_cycle(what: str, job: str, graph: Mapping[int, Sequence[int]], names: Mapping[int, str]) -> None:
    """Depth first without recursion; raises Invalid with the names around the cycle."""
    done: set[int] = set()
    for start in graph:
        path: list[int] = []
        on_path: set[int] = set()
        stack = [(start, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                done.add(path.pop())
                on_path.discard(node)
            elif node in on_path:
                around = [names[one] for one in path[path.index(node) :] if one in names]
                said = " after ".join([*around, around[0]])
                raise Invalid(
                    f"{what} of {job} wait for each other: {said}."
                    if what == "Steps"
                    else f"Jobs wait for each other: {said}.",
                    hint="Take one `after` out, or change a place: steps wait for `await` steps at lower places, too.",
                )
            elif node not in done:
                path.append(node)
                on_path.add(node)
                stack.append((node, True))
                stack += [(other, False) for other in graph[node]]
