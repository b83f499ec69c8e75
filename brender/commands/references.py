"""Kinds that name projects and jobs. A name comes before an id, an exact name before a glob."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from brender.commands.calls import Call
from brender.commands.kinds import Kind, Others
from brender.commands.offers import Offer, jobs_in_words, project_in_words, starting
from brender.commands.selection import as_id, is_glob, listed
from brender.core.farm import Farm
from brender.core.lifecycle import LABELS, LIVE
from brender.core.rows import Job, Project
from brender.errors import Invalid, NotFound, nearest

#: States that choose jobs; `paused` is one that only a running job can be in beside its own.
STATES = (*sorted({*LABELS.values(), "success", "failed"}), "paused")


class ProjectRef(Kind):
    """One project, by name or id."""

    wire = str | int
    expects = "a project name or id"

    def parse(self, call: Call, value: Any, others: Others) -> Project:
        return find_project(call.farm, value)

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        known = {project.name: project for project in call.farm.projects.values()}
        return starting(prefix, known, lambda word: project_in_words(known[word]))


def find_project(farm: Farm, word: str | int) -> Project:
    """The project of this name or id; NotFound with the nearest names."""
    found = farm.project_named(word) if isinstance(word, str) else None
    if found is None:
        number = as_id(word)
        found = farm.projects.get(number) if number is not None else None
    if found is None:
        names = [project.name for project in farm.projects.values()]
        raise NotFound(f"There is no project {word!r}.", hint=nearest(str(word), names) or "See project list.")
    return found


class ProjectOrTree(Kind):
    """The name of a project that may be new; in JSON also spad's tree itself, as its original requests had it."""

    wire = str | dict[str, Any]
    expects = "a project name"

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return ProjectRef().complete(call, prefix, others)


class JobRef(Kind):
    """One job: its name, `project/name`, or id. The parameter `project`, where given, says where to look.

    With `running`, of several with one name the one that runs is meant (SP-25).
    """

    wire = str | int
    expects = "a job name, project/job or id"

    def __init__(self, running: bool = False) -> None:
        self.running = running

    def parse(self, call: Call, value: Any, others: Others) -> Job:
        found = jobs_named(call, value, others)
        if self.running and len(found) > 1:
            found = [job for job in found if _goes(call.farm, job)] or found
        if len(found) > 1:
            raise _ambiguous(call.farm, value, found)
        return found[0]

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        known = _jobs_by_name(call.farm, prefix)
        return starting(prefix, known, lambda word: jobs_in_words(call.farm, known[word]))


def _goes(farm: Farm, job: Job) -> bool:
    counts = farm.counts(job)
    return job.desired == "run" or any(counts[state] for state in LIVE)


class JobSelector(Kind):
    """Some jobs: names, ids, globs, `all`, or a state such as `running`. An empty one is refused where `required`."""

    wire = str | int | list[str | int]
    expects = "a job name, project/job, id, glob, all or a state"
    many = True

    def __init__(self, required: bool = True) -> None:
        self.required = required

    def parse(self, call: Call, value: Any, others: Others) -> list[Job]:
        words = value if isinstance(value, list) else [value]
        if not words or words == [""]:
            if self.required:
                raise Invalid("No job selected. Name one, or use 'all'.")
            words = ["all"]
        chosen: dict[int, Job] = {}
        for word in words:
            found = _jobs_like(call, word, others)
            if found is None:
                found = jobs_named(call, word, others, ("all", *STATES))
                if len(found) > 1:
                    raise _ambiguous(call.farm, word, found)
            chosen.update((job.id, job) for job in found)
        return [chosen[job_id] for job_id in sorted(chosen)]

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        known = _jobs_by_name(call.farm, prefix)

        def about(word: str) -> str:
            if word in known:
                return jobs_in_words(call.farm, known[word])
            return "every job" if word == "all" else f"the jobs that are {word}"

        return starting(prefix, [*known, "all", *STATES], about)


def _jobs_like(call: Call, word: str | int, others: Others) -> list[Job] | None:
    """The jobs a glob, `all` or a state stands for; None when the word is a name."""
    if not isinstance(word, str):
        return None
    jobs = [job for job in call.farm.jobs.values() if _in_project(call, job, others)]
    low = word.lower()
    if any(job.name == word for job in jobs):
        return None
    if low == "all":
        return jobs
    if low == "paused":
        return [job for job in jobs if job.paused]
    if low in LABELS.values() or low in ("success", "failed"):
        wanted = {"success": ("success0",), "failed": ("error", "terminated", "killed")}.get(low, (low,))
        return [job for job in jobs if job.state in wanted]
    if not is_glob(word):
        return None
    found = [job for job in jobs if fnmatchcase(job.name, word) or fnmatchcase(job_path(call.farm, job), word)]
    if not found:
        raise NotFound(f"No job matches {word!r}.", hint="See job list.")
    return found


def _in_project(call: Call, job: Job, others: Others) -> bool:
    wanted = others.get("project")
    return not isinstance(wanted, (str, int)) or job.project_id == find_project(call.farm, wanted).id


def jobs_named(call: Call, word: str | int, others: Others, also: tuple[str, ...] = ()) -> list[Job]:
    """The jobs a word may mean: one, or several of one name in different projects. Raises NotFound.

    `also` are words that are no names and could have been meant.
    """
    farm = call.farm
    jobs = [job for job in farm.jobs.values() if _in_project(call, job, others)]
    found = [job for job in jobs if job.name == word]
    if not found and isinstance(word, str) and "/" in word:
        found = [job for job in jobs if job_path(farm, job) == word]
    if len(found) > 1 and call.project:
        current = [job for job in found if farm.projects[job.project_id].name == call.project]
        found = current or found
    number = as_id(word)
    if not found and number is not None:
        found = [job for job in jobs if job.id == number]
    if not found:
        hint = nearest(str(word), [*(job.name for job in jobs), *also]) or (
            "See job list." if jobs else "There are no jobs; see help job create."
        )
        raise NotFound(f"There is no job {word!r}.", hint=hint)
    return found


def job_path(farm: Farm, job: Job) -> str:
    """project/job, which names it in the whole farm."""
    return f"{farm.projects[job.project_id].name}/{job.name}"


def _jobs_by_name(farm: Farm, prefix: str) -> dict[str, list[Job]]:
    """The jobs by the name that is being typed: alone, or with the project before it."""
    found: dict[str, list[Job]] = {}
    for job in farm.jobs.values():
        found.setdefault(job_path(farm, job) if "/" in prefix else job.name, []).append(job)
    return found


def _ambiguous(farm: Farm, word: str | int, jobs: list[Job]) -> Invalid:
    paths = [f"{job_path(farm, job)} (id {job.id})" for job in jobs]
    return Invalid(
        f"{word!r} may be {listed(paths)}.",
        hint="Write the project before it, or select one: project select NAME.",
    )


PROJECT = ProjectRef()
PROJECT_OR_TREE = ProjectOrTree()
JOB = JobRef()
RUNNING_JOB = JobRef(running=True)
JOBS = JobSelector()
JOBS_OR_ALL = JobSelector(required=False)
