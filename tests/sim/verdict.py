"""What must be true of a simulated farm, whatever broke: each promise with the words that say how it was not kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from brender.core import events as ev
from brender.core import invariants
from brender.core.engine import Turn
from brender.core.events import Result
from brender.core.farm import Farm
from brender.core.journal import Change
from brender.core.lifecycle import ATTEMPT_LIVE, TaskState
from brender.core.orders import Order, Run, Welcome
from brender.core.rows import TABLES
from brender.errors import InternalError

from .beats import Beats
from .channels import Witness
from .clockwork import Clockwork

_STEP, _TASK, _RUN, _WORKER, _STATE = 1, 2, 3, 5, 6


class Broken(AssertionError):
    """A promise of the farm was not kept."""


class Verdict:
    """Watches turns, commits, orders and acknowledgements, over all lives of the master."""

    def __init__(self) -> None:
        self.turns = 0
        self.refused = 0  # results of superseded attempts
        self.seen: Counter[str] = Counter()
        self.submitted: set[str] = set()  # jobs whose submission was answered
        self.beats = Beats()
        self.channels = Witness()
        self.clock: Clockwork | None = None
        self.wall = 1_000_000.0  # how far the clock on the wall is ahead of the simulation's
        self._truth: dict[tuple[int, int], str] = {}
        self._acked: set[int] = set()
        self._ordered: dict[int, tuple[int, int, int]] = {}
        self._state: dict[int, str] = {}
        self._newest: dict[tuple[int, int, int], int] = {}
        self._success: dict[tuple[int, int, int], int] = {}
        self._machines: dict[int, int] = {}

    # ---- what happens

    def kept(self, machine: int, result: Result) -> None:
        """A machine truly had this result."""
        self._truth[machine, result.attempt] = result.state

    def after_turn(self, farm: Farm, events: list[ev.Event], turn: Turn) -> None:
        self.turns += 1
        broken = invariants.check(farm)
        if broken:
            raise Broken(f"invariants after {events}: {broken}")
        for event, answer in zip(events, turn.answers, strict=True):
            if isinstance(answer, InternalError):
                raise Broken(f"{event} met a defect: {answer.message}")
            if isinstance(event, ev.Hello):
                self.seen["adopted"] += bool(set(event.running) & farm.attempts.keys())
            if isinstance(event, ev.Disconnected):
                self.seen["bye"] += event.bye
            if isinstance(event, ev.Results):
                ended = {change.id for change in turn.changes if change.table == "attempt"}
                self.refused += sum(result.attempt not in ended for result in event.results)

    def committed(self, changes: list[Change]) -> None:
        assert self.clock is not None
        broken = self.beats.committed(changes, self.clock.now, self.clock.now + self.wall)
        broken += self.channels.committed(changes)
        if broken:
            raise Broken(", ".join(broken))
        for change in changes:
            if change.table == "worker" and change.op == "put":
                self._machines[change.id] = int(str(change.values[2]).removeprefix("w"))
            elif change.table == "attempt" and change.op == "put":
                self._attempt(change.id, change.values)

    def _attempt(self, attempt: int, values: tuple[Any, ...]) -> None:
        place = values[_STEP], values[_TASK], values[_RUN]
        state, old = values[_STATE], self._state.get(attempt)
        self._state[attempt] = state
        self._newest[place] = max(attempt, self._newest.get(place, 0))
        if state == old:
            return
        self.seen["late results"] += old == "lost"
        self.seen["immortal"] += state == "immortal"
        if attempt < self._newest[place]:
            raise Broken(f"attempt {attempt} became {state} after {self._newest[place]} had taken its place")
        if state == "success0":
            first = self._success.setdefault(place, attempt)
            if first != attempt:
                raise Broken(f"task {place} was counted twice, by attempts {first} and {attempt}")
        if state in ("success0", "error", "terminated"):
            machine = self._machines[values[_WORKER]]
            if self._truth.get((machine, attempt)) != state:
                truth = self._truth.get((machine, attempt))
                raise Broken(f"attempt {attempt} is {state}, but on machine {machine} it was {truth}")

    def ordered(self, machine: int, orders: list[Order]) -> None:
        for order in orders:
            self.seen[order.wire] += 1
            self.seen["drops"] += isinstance(order, Welcome) and bool(order.drop)
            if isinstance(order, Run):
                self.seen["bundles"] += order.together and len(order.tasks) > 1
                for attempt, task in order.tasks:
                    what = machine, order.step.id, task
                    if self._ordered.setdefault(attempt, what) != what:
                        raise Broken(f"attempt {attempt} was ordered as {self._ordered[attempt]} and as {what}")

    def acked(self, attempts: Iterable[int]) -> None:
        self._acked.update(attempts)

    # ---- at a start and at the end

    def at_start(self, farm: Farm, rows: dict[tuple[str, int], Change]) -> None:
        """Acknowledged is durable (CONTRACT 4.1.1)."""
        missing = self.submitted - {job.name for job in farm.jobs.values()}
        if missing:
            raise Broken(f"jobs {sorted(missing)} were acknowledged and are lost")
        for broken in self.channels.at_start(farm):
            raise Broken(broken)
        for attempt in self._acked:
            row = rows.get(("attempt", attempt))
            if row is None or row.values[_STATE] in ATTEMPT_LIVE:
                raise Broken(f"the result of attempt {attempt} was acknowledged and is lost")

    def mirrored(self, farm: Farm, mirror: Farm) -> None:
        self.seen["mirrors"] += 1
        if not farm.same_as(mirror):
            raise Broken(f"the disk is not the memory: {differences(farm, mirror)}")

    def at_end(self, farm: Farm, mirror: Farm, rows: dict[tuple[str, int], Change]) -> None:
        """All is quiet: the disk is the memory, and sums are the rows (BR-08)."""
        self.at_start(farm, rows)
        self.mirrored(farm, mirror)
        for step_id, step in farm.steps.items():
            done = {place for place in self._success if place[0] == step_id and place[2] == step.run}
            counted = farm.tasks[step_id].counts[TaskState.SUCCESS]
            if counted != len(done):
                raise Broken(f"step {step.name} counts {counted} successes, {len(done)} tasks have one on the disk")


def differences(one: Farm, two: Farm) -> list[str]:
    """Where two farms differ, for people."""
    found = []
    for table in TABLES:
        mine, theirs = one.table(table), two.table(table)
        found += [f"{mine.get(k)} / {theirs.get(k)}" for k in mine | theirs if mine.get(k) != theirs.get(k)]
    for step in one.tasks.keys() | two.tasks.keys():
        left, right = one.tasks[step], two.tasks[step]
        found += [
            f"task {step}[{i}]: {TaskState(left.states[i]).name}, {left.numbers[i]}, {left.trouble.get(i)} / "
            f"{TaskState(right.states[i]).name}, {right.numbers[i]}, {right.trouble.get(i)}"
            for i in range(len(left.states))
            if (left.states[i], left.numbers[i], left.trouble.get(i))
            != (right.states[i], right.numbers[i], right.trouble.get(i))
        ]
    return found
