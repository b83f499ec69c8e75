"""The jobs of a farm: make, run, wait for, look at, change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from brender.api.follow import statuses, until_after
from brender.api.projects import Project
from brender.api.rows import Row, Rows, given, listed, references, words
from brender.api.steps import Step
from brender.api.tasks import Task, tasks_of
from brender.errors import TimedOut

Progress = Callable[[dict[str, Any]], object]


class Job(Row):
    """A job (spad's workflow). Beside these properties: `job["counts"]`, `["submitter"]`, `["remaining"]`, …"""

    noun = "job"

    @property
    def project(self) -> str:
        """Name of its project."""
        return str(self["project"])

    @property
    def path(self) -> str:
        """PROJECT/NAME, which names it in the whole farm."""
        return f"{self.project}/{self.name}"

    @property
    def state(self) -> str:
        """not run, new, running, stopping, success0, error, terminated, …, as it was last told."""
        return str(self["state"])

    @property
    def succeeded(self) -> bool:
        """Whether its run has ended and every task of it is a success."""
        return self.state == "success0"

    @property
    def progress(self) -> dict[str, int]:
        """How far it is, in tasks: done, failed, live, ready, total."""
        return dict(self["progress"])

    @property
    def priority(self) -> int:
        """0 to 100, higher first."""
        return int(self["priority"])

    def run(self, *, step: str = "", later: float | str | None = None) -> int:
        """Start it, or one step of it; returns the number of the run.

        `later`: not before so long from now, in seconds or such as 10m.
        """
        answer = self.farm.ask("job.run", {"job": self.id, **given(step=step or None, later=later)})
        self.data = {"id": self.id, "name": self.name, "project": answer["project"]}
        return int(answer["run"])

    def wait(self, timeout: float | None = None, progress: Progress | None = None) -> Job:
        """Wait until its run has ended; returns the job itself, as it is then: `if job.wait().succeeded: …`

        `progress` is called with how far it is, a second apart at the least: {"state", "progress", "counts",
        "remaining", …}. A master that restarts meanwhile is waited for. Raises TimedOut after `timeout` seconds, and
        WrongState when it was never started.
        """
        try:
            for status in statuses(self.farm.master, {"job": self.id}, self.farm.patience, until_after(timeout)):
                self.data = status
                if progress is not None:
                    progress(status)
        except TimeoutError:
            raise TimedOut(
                f"Job {self.name} has not ended within {timeout:g} s.", hint="It goes on; job.why() says what it does."
            ) from None
        return self

    def status(self) -> dict[str, Any]:
        """How far it is, step by step, and what it waits for: {"state", "progress", "steps": […], "waits": […], …}."""
        found: dict[str, Any] = self.farm.ask("job.status", {"job": self.id})
        self.data = {**self.data, **found}
        return found

    def steps(self) -> Iterator[Step]:
        """Its steps in running order."""
        return (Step(self.farm, row) for row in listed(self.farm, "step", {"job": self.id}))

    def step(self, name: str = "") -> Step:
        """The step of this name; without one, the only step that it has. Raises NotFound or Invalid."""
        asked: str | int = f"{self.id}/{name}" if name else self.id
        return Step(self.farm, self.farm.ask("step.show", {"step": asked}))

    def tasks(self, state: str | None = None) -> Iterator[Task]:
        """The tasks of all its steps: all, or those in one state, such as failed, running or success."""
        return tasks_of(self.farm, self.id, state)

    def why(self) -> dict[str, Any]:
        """Why it does not run: {"subject", "state", "reasons": [{"rule", "text", "next"}, …]}."""
        return self.farm.why(self.id)

    def history(self) -> dict[str, Any]:
        """What its runs have cost: {"runs": […], "workers": […], "machine_hours"}."""
        found: dict[str, Any] = self.farm.ask("job.history", {"job": self.id})
        return found

    def dump(self) -> dict[str, Any]:
        """The job as the JSON tree that `farm.jobs.submit` makes it from."""
        found: dict[str, Any] = self.farm.ask("job.dump", {"job": self.id})
        return found

    def stop(self, *, force: bool = False) -> None:
        """End its run: nothing new starts, what runs is ended. Returns at once; `wait` waits for the end."""
        self._say("job.stop", force=force)

    def pause(self) -> None:
        """Start nothing new; what runs goes on."""
        self._say("job.pause")

    def resume(self) -> None:
        """Let it go on after a pause."""
        self._say("job.resume")

    def unblock(self) -> None:
        """Let workers try again that failed too often at it."""
        self._say("job.unblock")

    def set(self, *, version: int | None = None, **values: Any) -> None:
        """Change name, priority, tags, after, … Raises Conflict when it is not at that version any more."""
        self._set({"jobs": [self.id]}, values, version)

    def delete(self) -> None:
        """Delete it with its history; it must not run."""
        self.farm.ask("job.delete", {"jobs": [self.id]})

    def _say(self, method: str, **params: Any) -> None:
        self.farm.ask(method, {"job": self.id, **params})
        self.data = {"id": self.id, "name": self.name}

    def __repr__(self) -> str:
        return f"<Job {self.name} (id {self.id}): {self.data.get('state', '?')}>"


class Jobs(Rows[Job]):
    """The jobs of the farm, newest first. One is named by NAME, PROJECT/NAME or id."""

    noun = "job"
    _row = Job

    def select(self, *which: str | int | Job, project: str | int | Project | None = None) -> Iterator[Job]:
        """Those that names, globs or states mean, as a union, in one project or all."""
        where = project.id if isinstance(project, Project) else project
        return self._all({**({"jobs": references(which)} if which else {}), **given(project=where)})

    def create(
        self,
        name: str,
        *,
        function: str,
        frames: str = "",
        chunk: int | str = 1,
        params: dict[str, Any] | list[Any] | None = None,
        project: str = "",
        priority: int | None = None,
        retries: int | None = None,
        timeout: float | None = None,
        tags: str | Iterable[str] = (),
        order: str = "",
        limits: str | Iterable[str] = (),
        needs: dict[str, Any] | None = None,
        after: str | Iterable[str] = (),
        later: float | str | None = None,
        most_workers: int | None = None,
        most_tasks: int | None = None,
        run: bool = False,
    ) -> Job:
        """Make a job of one step; the values are those of `job create` (docs/commands.md).

        A name that is there already gets another step. `run` starts it at once.
        """
        listed = {"tags": words(tags), "limits": words(limits), "after": words(after)}
        texts = {"frames": frames, "project": project, "order": order, **listed}
        asked = given(
            params=params, priority=priority, retries=retries, timeout=timeout, needs=needs, later=later,
            most_workers=most_workers, most_tasks=most_tasks, **{key: text or None for key, text in texts.items()},
        )  # fmt: skip
        asked |= {"name": name, "function": function, "chunk": chunk, "run": run}
        return self._made(self.farm.ask("job.create", asked))[0]

    def submit(self, tree: dict[str, Any], *, run: bool = False) -> list[Job]:
        """Make jobs from spad's JSON tree: {"project": {"name", "workflows": [{"name", "tasks": […]}]}}.

        What is there already is extended; all or nothing.
        """
        return self._made(self.farm.ask("job.create", {"json": tree, "run": run}))

    def _made(self, answer: dict[str, Any]) -> list[Job]:
        project = {"project": answer["project"]}
        return [Job(self.farm, {"id": one["id"], "name": one["name"], **project}) for one in answer["jobs"]]
