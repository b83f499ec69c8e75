"""A stage to play small scenes on: a core, a clock that is a number, and the orders each worker was sent."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from brender.config import DEFAULT, Settings
from brender.core import events as ev
from brender.core import invariants
from brender.core.engine import Core, Turn
from brender.core.farm import Farm
from brender.core.lifecycle import LABELS, TaskState
from brender.core.orders import Order
from brender.core.rows import Attempt, Job, Step
from brender.errors import BrenderError


def at_once(steps: Generator[None, None, Any]) -> Any:
    """What work in steps returns in the end, with nobody in between."""
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            return ended.value


def add_channel(stage: Stage, name: str, manager: int = 0, **labels: str) -> int:
    """A channel of this name, pinned to this worker or to none."""
    values = {"name": name, "type": "easy", "labels": labels}
    stage.do(ev.AddChannels([values | ({"manager_id": manager} if manager else {})]))
    found = stage.farm.channel_named(name)
    assert found is not None
    return found.id


class Stage:
    """Plays events one turn each and checks every promise of the farm after each turn."""

    def __init__(self, farm: Farm | None = None, settings: Settings = DEFAULT) -> None:
        self.core = Core(farm or Farm(), settings)
        self.farm = self.core.farm
        self.now = 1000.0
        self.inbox: dict[int, list[Order]] = {}  # by worker: what it was sent and nobody looked at yet
        self.macs: dict[str, int] = {}
        self._session = 0
        self._result = 0
        self.turn(ev.Boot())

    def turn(self, *events: ev.Event) -> Turn:
        turn = self.core.turn(events, self.now)
        assert invariants.check(self.farm) == []
        for session, order in turn.orders:
            worker = self.farm.sessions.get(session)
            if worker is not None:
                self.inbox.setdefault(worker, []).append(order)
        return turn

    def do(self, event: ev.Event) -> Any:
        """Its answer; an error is raised."""
        answer = self.turn(event).answers[0]
        if isinstance(answer, BrenderError):
            raise answer
        return answer

    def refused(self, event: ev.Event) -> BrenderError:
        """The error it meets; the farm is the same as before."""
        answer = self.turn(event).answers[0]
        assert isinstance(answer, BrenderError), answer
        return answer

    def wait(self, seconds: float, every: float = 1.0) -> None:
        """Time passes, with a tick each second as the master's clock gives it; connected workers stay silent."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + every)
            self.turn(ev.Tick())

    def worker(self, name: str = "render-01", slots: int = 1, functions: str = "noop", **values: Any) -> int:
        """A worker says hello; its id. The same name again is the same machine over a new session."""
        mac = f"{self.macs.setdefault(name, len(self.macs) + 1):012x}"
        self._session += 1
        hello = ev.Hello(self._session, f"brender_{mac}", mac, name, slots=slots, functions=functions.split(), **values)
        self.do(hello)
        return self.farm.worker_keys[hello.key]

    def session(self, worker: int) -> int:
        found = self.farm.loads[worker].session
        assert found is not None
        return found

    def job(self, *steps: dict[str, Any], run: bool = True, **values: Any) -> Job:
        """A job of these steps (name and function have defaults), running unless told otherwise."""
        name = values.setdefault("name", f"job-{len(self.farm.jobs) + 1}")
        tasks = [{"name": f"s{i}", "function": "noop", **step} for i, step in enumerate(steps, 1)]
        answer = self.do(ev.SubmitTree({"name": "film", "workflows": [{**values, "tasks": tasks}]}, run=run))
        assert answer["jobs"][0]["name"] == name
        return self.farm.jobs[answer["jobs"][0]["id"]]

    def step(self, job: Job, name: str = "s1") -> Step:
        found = self.farm.step_named(job.id, name)
        assert found is not None
        return found

    def words(self, job: Job, name: str = "s1") -> list[str]:
        """What `status` prints for each task of a step."""
        return [LABELS[TaskState(state)] for state in self.farm.tasks[self.step(job, name).id].states]

    def live(self, worker: int) -> list[Attempt]:
        return list(self.farm.loads[worker].live.values())

    def start(self, worker: int, *attempts: Attempt) -> None:
        self.do(ev.Started(self.session(worker), [(a.id, 4000 + a.id) for a in attempts or self.live(worker)]))

    def end(self, worker: int, attempt: Attempt | int, state: str = "success0", **values: Any) -> int:
        """A worker reports how an attempt ended; the number of the result in its outbox."""
        self._result += 1
        named = attempt if isinstance(attempt, int) else attempt.id
        result = ev.Result(named, state, number=self._result, **values)
        self.do(ev.Results(self.session(worker), [result]))
        return self._result

    def orders(self, worker: int, kind: type[Order] = Order) -> list[Any]:
        """The orders of a kind that it was sent since the last look."""
        mine = self.inbox.get(worker, [])
        found = [order for order in mine if isinstance(order, kind)]
        self.inbox[worker] = [order for order in mine if not isinstance(order, kind)]
        return found


def drain(stage: Stage, worker: int, state: str = "success0") -> None:
    """The worker ends everything it has, in the order it was sent."""
    while live := stage.live(worker):
        stage.end(worker, live[0], state)
