"""What live attempts take: of each limit, of each job and of each project. Counted where attempts come and go.

Nothing of it is stored: a farm that is loaded counts its live attempts again, so a counter cannot drift over a restart.
"""

from __future__ import annotations

from typing import TypeVar

from brender.core.rows import Attempt, Job, Step

K = TypeVar("K")


class Crew:
    """Who works on a job: live attempts by worker, and their sum."""

    __slots__ = ("tasks", "workers")

    def __init__(self) -> None:
        self.workers: dict[int, int] = {}
        self.tasks = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Crew) and (self.workers, self.tasks) == (other.workers, other.tasks)

    __hash__ = None  # type: ignore[assignment]


class Usage:
    """Sums over live attempts; nothing is kept at zero."""

    __slots__ = ("aboard", "crews", "limits", "projects", "riders")

    def __init__(self) -> None:
        self.crews: dict[int, Crew] = {}  # by job
        self.limits: dict[str, int] = {}
        self.projects: dict[int, int] = {}  # in slots: a process that runs several tasks counts once
        self.aboard: dict[tuple[int, int, int], int] = {}  # attempts of one process, by (worker, step, pid)
        self.riders: dict[int, int] = {}  # by worker: attempts that run in the process of another and take no slot

    def take(self, attempt: Attempt, step: Step, job: Job) -> None:
        """An attempt became live."""
        crew = self.crews.get(job.id)
        if crew is None:
            crew = self.crews[job.id] = Crew()
        crew.tasks += 1
        workers, projects = crew.workers, self.projects
        workers[attempt.worker_id] = workers.get(attempt.worker_id, 0) + 1
        projects[job.project_id] = projects.get(job.project_id, 0) + 1
        for limit in step.limits:
            self.limits[limit] = self.limits.get(limit, 0) + 1
        if attempt.pid:
            self.board(attempt, job)

    def leave(self, attempt: Attempt, step: Step, job: Job) -> None:
        """An attempt is over."""
        if attempt.pid:
            self.alight(attempt, job)
        crew = self.crews[job.id]
        crew.tasks -= 1
        if crew.tasks:
            _less(crew.workers, attempt.worker_id)
        else:
            del self.crews[job.id]
        _less(self.projects, job.project_id)
        for limit in step.limits:
            _less(self.limits, limit)

    def board(self, attempt: Attempt, job: Job) -> bool:
        """A live attempt has a process; whether another has the same one, whose slot it shares."""
        key = (attempt.worker_id, attempt.step_id, attempt.pid or 0)
        count = self.aboard[key] = self.aboard.get(key, 0) + 1
        if count > 1:
            self.riders[attempt.worker_id] = self.riders.get(attempt.worker_id, 0) + 1
            _less(self.projects, job.project_id)
        return count > 1

    def alight(self, attempt: Attempt, job: Job) -> None:
        """The reverse of board."""
        key = (attempt.worker_id, attempt.step_id, attempt.pid or 0)
        if self.aboard[key] > 1:
            _less(self.riders, attempt.worker_id)
            self.projects[job.project_id] = self.projects.get(job.project_id, 0) + 1
        _less(self.aboard, key)

    def of_job(self, job: Job) -> int:
        """Live attempts of a job."""
        crew = self.crews.get(job.id)
        return crew.tasks if crew is not None else 0


def _less(counts: dict[K, int], key: K) -> None:
    left = counts[key] - 1
    if left:
        counts[key] = left
    else:
        del counts[key]
