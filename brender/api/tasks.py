"""Single frames or chunks of a step: where they are, what they printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from brender.api.follow import pieces
from brender.api.pages import all_rows
from brender.api.rows import Row, given

if TYPE_CHECKING:
    from brender.api.farm import Farm


class Task(Row):
    """One frame or chunk of a step. It has no id of its own: it is the number `number` in its step."""

    noun = "task"

    @property
    def id(self) -> int:
        """The same as `number`."""
        return self.number

    @property
    def name(self) -> str:
        """JOB/STEP[number], to show to people."""
        return f"{self.data['job']}/{self.data['step']}[{self.number}]"

    @property
    def number(self) -> int:
        """Its place in the step, from 0 on."""
        return int(self.data["task"])

    @property
    def step(self) -> str:
        """Its step as JOB/STEP with the job's id: what commands take."""
        return f"{self.data['job_id']}/{self.data['step']}"

    @property
    def frames(self) -> str:
        """Its frames, such as 7 or 1-10; empty in a step without frames."""
        return str(self["frames"])

    @property
    def state(self) -> str:
        """new, running, success0, error13, …"""
        return str(self["state"])

    @property
    def worker(self) -> str:
        """Name of the worker that has it, or that failed at it last; who made a success is in `history`."""
        return str(self["worker"])

    @property
    def attempts(self) -> int:
        """How often it was begun."""
        return int(self["attempts"])

    @property
    def reason(self) -> str:
        """What went wrong last, or what is worth a look in a success."""
        return str(self["reason"])

    def log(
        self, *, follow: bool = False, lines: int | None = None, start: int | None = None, attempt: int | None = None
    ) -> Iterator[str]:
        """What it has printed, line by line: all, the last `lines`, or from byte `start` on.

        With `follow` also what it prints from now on, until it ends; a master that restarts meanwhile is waited for.
        The log is on the worker that ran it, which has to be online: else WrongState.
        """
        asked = given(step=self.step, task=self.number, follow=follow, lines=lines, start=start, attempt=attempt)
        if lines is None and start is None:
            asked["start"] = 0
        rest = ""
        for piece in pieces(self.farm.master, asked, self.farm.patience):
            *whole, rest = (rest + piece["text"]).split("\n")
            yield from whole
        if rest:
            yield rest

    def why(self) -> dict[str, Any]:
        """Why it is where it is: {"subject", "state", "reasons": [{"rule", "text", "next"}, …]}."""
        return self.farm.why(self.step, self.number)

    def history(self) -> list[dict[str, Any]]:
        """Its attempts, newest first: worker, state, seconds, exit_code, reason, …"""
        answer = self.farm.ask("task.history", {"step": self.step, "task": self.number, "limit": 1000})
        return list(answer["attempts"])

    def retry(self, *, again: bool = False) -> None:
        """Run it again when it has failed; `again` also when it is a success."""
        self.farm.ask("task.retry", {"step": self.step, "tasks": self.number, "again": again})

    def kill(self, *, force: bool = False) -> None:
        """End it; the job goes on without it."""
        self.farm.ask("task.kill", {"step": self.step, "tasks": self.number, "force": force})

    def _show(self) -> dict[str, Any]:
        found: dict[str, Any] = self.farm.ask("task.show", {"step": self.step, "task": self.number})
        return found

    def _identity(self) -> tuple[object, ...]:
        return (type(self), id(self.farm), self.data["step_id"], self.number)

    def __repr__(self) -> str:
        return f"<Task {self.name}: {self.data.get('state', '?')}>"


def tasks_of(farm: Farm, where: str | int, state: str | None) -> Iterator[Task]:
    """All tasks of a job (its id) or a step (its path)."""

    def fetch(offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        answer = farm.ask("task.list", {"job": where, **given(state=state), "limit": limit, "offset": offset})
        return answer["tasks"], int(answer["total"])

    return (Task(farm, row) for row in all_rows(fetch, lambda row: (row["step_id"], row["task"])))
