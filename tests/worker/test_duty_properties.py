"""The worker's duty, whatever comes in whatever order: every order ends once, and time moves nothing but the rungs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from duty_world import CATALOGUE, HELLO, run, running, said, signals, step
from hypothesis import given, settings
from hypothesis import strategies as st

from brender.core.events import Hello, Result, Results, Returned
from brender.core.orders import Ack, Drop, Recall, Stop, Waiting, Welcome
from brender.worker.duty import Duty
from brender.worker.world import (
    Began,
    Connected,
    Cut,
    Ended,
    NotStarted,
    Turn,
)

ACTIONS = st.lists(
    st.tuples(st.sampled_from("RRrsdeEbBnacwt"), st.integers(1, 30), st.integers(0, 5)), min_size=1, max_size=60
)


class Machine:
    """A machine around a duty: processes that start, end or resist, a link, an outbox; it counts every outcome."""

    def __init__(self) -> None:
        self.now = 0.0
        self.alive: set[int] = set()
        self.slot_of: dict[int, int] = {}
        self.ordered: set[int] = set()
        self.dropped: set[int] = set()
        self.outcomes: Counter[int] = Counter()
        self.numbers: list[int] = []
        self.outbox: dict[int, Result] = {}
        self.next_number = 1
        self.duty = Duty(HELLO, CATALOGUE)
        self.link()

    def link(self) -> None:
        turn = self.step(Connected())
        assert type(turn.send[0]) is Hello
        assert turn.send[0].held == [result.attempt for result in self.outbox.values()]
        again = [result for event in said(turn, Results) for result in event.results]
        assert again == list(self.outbox.values())
        self.step(Welcome(1, "w", 1, 5.0))

    def step(self, *inputs: Any) -> Turn:
        turn = self.duty.turn(inputs, self.now)
        for result in turn.keep:
            self.outcomes[result.attempt] += 1
            self.numbers.append(result.number)
            self.outbox[result.number] = result
            self.next_number = result.number + 1
        for number in turn.forget:
            del self.outbox[number]
        for event in said(turn, Returned):
            self.outcomes.update(event.attempts)
        for attempt in turn.over:
            self.alive.discard(attempt)
            self.slot_of.pop(attempt, None)
        for launch in turn.launch:
            assert launch.slot not in self.slot_of.values() and launch.attempt not in self.alive
            self.alive.add(launch.attempt)
            self.slot_of[launch.attempt] = launch.slot
        assert len(self.slot_of) <= HELLO.slots and set(self.duty.running) == self.alive
        assert self.duty.held == list(self.outbox.values())
        return turn

    def crash(self) -> None:
        """SIGKILL: the guardian ends every process; only the outbox and the folder's number are left."""
        for attempt in [*self.duty.running, *self.duty.queued]:
            self.dropped.add(attempt)  # lost with the worker: the master gives them another attempt
        self.alive.clear()
        self.slot_of.clear()
        self.duty = Duty(HELLO, CATALOGUE, list(self.outbox.values()), self.next_number, self.duty.epoch)
        self.link()

    def act(self, action: str, attempt: int, extra: int) -> None:
        some = sorted(self.alive)[extra % max(1, len(self.alive)) :][:1]
        if action == "R":
            fresh = [a for a in range(attempt, attempt + 4) if a not in self.ordered]
            spec = step(("simple", "noop", "sleep", "simple")[extra % 4], (None, 3.0)[extra % 2])
            self.ordered.update(fresh)
            self.step(run(*fresh, spec=spec), run(*fresh, spec=spec))
        elif action == "r":
            self.step(Recall([attempt, attempt + 1]))
        elif action == "s":
            self.step(Stop([attempt, attempt + 2]))
        elif action == "d":
            before = set(self.outcomes)
            self.step(Drop([attempt]))
            if attempt in self.ordered and attempt not in before:
                self.dropped.add(attempt)
        elif action == "b":
            self.step(*(Began(a, 1000 + a) for a in self.alive))
        elif action == "n":
            self.step(*(NotStarted(a, "no") for a in some))
        elif action in "eE":
            self.step(*(Ended(a, extra) if action == "e" else Ended(a, signal=15) for a in some))
        elif action == "a":
            self.step(Ack(list(self.outbox)[: extra + 1]))
        elif action == "c":
            self.step(Cut())
            self.link()
        elif action == "w":
            self.step(Waiting([attempt] if extra % 2 else []))
        elif action == "B":
            self.crash()
        elif action == "t":
            self.now += extra
            self.step()

    def heal(self) -> None:
        """Every process ends at last, the master acknowledges at last."""
        self.step(Waiting([]))
        while self.alive:
            self.step(*(Began(a, 1) for a in self.alive))
            self.step(*(Ended(a, 0) for a in list(self.alive)))
        self.step(Ack(list(self.outbox)))


@settings(max_examples=300, deadline=None)
@given(ACTIONS)
def test_every_order_ends_in_exactly_one_result_or_return_or_drop(actions: list[tuple[str, int, int]]) -> None:
    """CONTRACT 4.1 clause 2: whatever comes in whatever order, links that break, daemons that die."""
    machine = Machine()
    for action in actions:
        machine.act(*action)
    machine.heal()

    assert not machine.outbox and not machine.duty.queued
    for attempt in machine.ordered - machine.dropped:
        assert machine.outcomes[attempt] == 1
    assert not any(machine.outcomes[attempt] for attempt in machine.dropped)
    assert machine.numbers == sorted(set(machine.numbers))


@settings(max_examples=100, deadline=None)
@given(ACTIONS)
def test_the_same_inputs_give_the_same_turns(actions: list[tuple[str, int, int]]) -> None:
    """The simulation replays a seed: nothing here may depend on chance or the order of a set."""
    first, second = Machine(), Machine()
    for action in actions:
        first.act(*action)
        second.act(*action)

    assert first.outbox == second.outbox and first.numbers == second.numbers
    assert first.duty.queued == second.duty.queued and first.duty.running == second.duty.running


@given(st.lists(st.floats(0.01, 3.0), min_size=1, max_size=40))
def test_no_matter_when_the_duty_is_asked_the_rungs_keep_their_distance(gaps: list[float]) -> None:
    duty = running(1)
    duty.turn([Stop([1])], 0.0)
    now, taken = 0.0, [0.0]
    for gap in gaps:
        now += gap
        if signals(duty.turn([], now)):
            taken.append(now)

    assert len(taken) <= 3
    assert all(later - earlier >= least for earlier, later, least in zip(taken, taken[1:], (6.0, 1.0), strict=False))
