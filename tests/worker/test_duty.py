"""The worker's duty: what runs, what is stopped when, what is said and kept. Time is a number here."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brender.core import events
from brender.core.events import Hello, Result, Results, Returned, Started
from brender.core.orders import Ack, Drop, Hangup, Recall, Run, StepSpec, Stop, Waiting, Welcome
from brender.worker.duty import Duty
from brender.worker.functions import Catalogue
from brender.worker.world import (
    Beat,
    Began,
    Connected,
    Cut,
    Ended,
    Leave,
    NotStarted,
    Orphaned,
    Published,
    Turn,
)

HELLO = Hello(0, "brender_02fc00000001", "02fc00000001", "render-07", slots=2)
CATALOGUE = Catalogue({"simple": "/bin/true"}, blender=True)


def step(function: str = "simple", timeout: float | None = None, **more: Any) -> StepSpec:
    return StepSpec(1, 1, "step", "job", function, more.pop("params", []), timeout=timeout, **more)


def run(*attempts: int, spec: StepSpec | None = None, epoch: int = 1) -> Run:
    return Run(epoch, spec or step(), [(attempt, attempt) for attempt in attempts])


def online(**more: Any) -> Duty:
    duty = Duty(HELLO, CATALOGUE, **more)
    duty.turn([Connected()], 0.0)
    duty.turn([Welcome(1, "render-07", 1, 5.0)], 0.0)
    return duty


def running(*attempts: int, spec: StepSpec | None = None) -> Duty:
    duty = online()
    duty.turn([run(*attempts, spec=spec)], 0.0)
    duty.turn([Began(attempt, 1000 + attempt) for attempt in duty.running], 0.0)
    return duty


def signals(turn: Turn) -> list[tuple[int, int]]:
    return [(one.attempt, one.signum) for one in turn.signal]


def kept(turn: Turn) -> list[tuple[int, str]]:
    return [(result.attempt, result.state) for result in turn.keep]


def said(turn: Turn, kind: type[Any]) -> list[Any]:
    return [event for event in turn.send if type(event) is kind]


# ---- slots and queue


def test_each_slot_gets_one_attempt_and_the_rest_waits_in_order() -> None:
    duty = online()

    turn = duty.turn([run(1, 2, 3, 4)], 0.0)

    assert [(one.attempt, one.slot) for one in turn.launch] == [(1, 0), (2, 1)]
    assert duty.queued == [3, 4]


def test_a_free_slot_takes_the_next_attempt_in_the_same_turn() -> None:
    duty = running(1, 2, 3)

    turn = duty.turn([Ended(2, 0)], 1.5)

    assert turn.keep == [Result(2, "success0", 1.5, 0, None, "", 1)]
    assert [(one.attempt, one.slot) for one in turn.launch] == [(3, 1)]


def test_ten_thousand_noops_of_one_batch_leave_as_one_turn_without_a_slot() -> None:
    duty = online()

    turn = duty.turn([run(*range(1, 10_001), spec=step("noop"))], 0.0)

    assert len(turn.keep) == 10_000 and not turn.launch and not duty.queued
    assert [len(one.results) for one in said(turn, Results)] == [2000] * 5
    assert not said(turn, Started)


def test_a_start_whose_end_leaves_in_the_same_flush_is_not_told() -> None:
    duty = online()
    duty.turn([run(1, 2)], 0.0)

    turn = duty.turn([Began(1, 11), Began(2, 12), Ended(1, 0)], 0.5)

    assert said(turn, Started) == [Started(0, [(2, 12)])]
    assert kept(turn) == [(1, "success0")]


def test_an_unknown_function_is_an_error_that_names_the_nearest() -> None:
    duty = online()

    turn = duty.turn([run(1, spec=step("simpel"))], 0.0)

    assert kept(turn) == [(1, "error")]
    assert turn.keep[0].reason == "This worker has no function 'simpel'. Did you mean simple?"


def test_what_could_not_start_is_an_error_with_its_reason() -> None:
    duty = online()
    duty.turn([run(1)], 0.0)

    turn = duty.turn([NotStarted(1, "/bin/true: permission denied")], 0.1)

    assert turn.keep == [Result(1, "error", 0.1, None, None, "/bin/true: permission denied", 1)]


@pytest.mark.parametrize(
    ("ended", "state"),
    [(Ended(1, 0), "success0"), (Ended(1, 13, reason="no"), "error"), (Ended(1, signal=9), "terminated")],
)
def test_an_end_that_nobody_asked_for_is_named_by_code_or_signal(ended: Ended, state: str) -> None:
    """SP-31, SP-33, SP-34."""
    duty = running(1)

    result = duty.turn([ended], 2.0).keep[0]

    assert (result.state, result.exit_code, result.signal) == (state, ended.exit_code, ended.signal)


def test_a_render_counts_only_when_its_frames_are_published() -> None:
    spec = step("blender", frames="1-2", params={"blend": "/a.blend", "output": "/out"})
    duty = running(1, 2, spec=StepSpec(1, 1, "s", "j", "blender", spec.params, frames="1-9"))

    turn = duty.turn([Ended(1, 0, memory_mb=812), Ended(2, 0)], 3.0)
    assert turn.publish == [1, 2] and not turn.keep

    turn = duty.turn([Published(1), Published(2, "frame 2 is not whole")], 4.0)
    assert kept(turn) == [(1, "success0"), (2, "error")]
    assert turn.keep[1].reason == "frame 2 is not whole"
    assert [one.memory_mb for one in turn.keep] == [812, 0]


def test_the_next_frame_is_rendered_while_the_last_one_is_published() -> None:
    """A slot is free when its process is done; it waits where publishing is behind by as many as there are slots."""
    duty = Duty(HELLO, CATALOGUE)
    duty.turn([Connected(), Welcome(1, "w", 1, 5.0)], 0.0)
    frames = StepSpec(1, 1, "r", "job", "blender", {"blend": "/s/a.blend", "output": "/out"}, frames="1-9")
    turn = duty.turn([Run(1, frames, [(attempt, attempt) for attempt in range(1, 7)])], 0.0)
    assert [(one.attempt, one.slot) for one in turn.launch] == [(1, 0), (2, 1)]

    turn = duty.turn([Began(1), Began(2), Ended(2, 0), Ended(1, 0)], 1.0)
    assert turn.publish == [2, 1] and [(one.attempt, one.slot) for one in turn.launch] == [(3, 0), (4, 1)]

    turn = duty.turn([Began(3), Began(4), Ended(3, 0)], 2.0)
    assert turn.publish == [3] and not turn.launch

    turn = duty.turn([Published(2), Published(3)], 3.0)
    assert turn.over == [2, 3] and [(one.attempt, one.slot) for one in turn.launch] == [(5, 0)]
    assert sorted(duty.running) == [1, 4, 5]


# ---- the ladder


def test_the_ladder_is_soft_hard_hard_immortal_at_0_6_7_8_seconds() -> None:
    """REQUIREMENTS 7.4, F13, SP-38: the slot stays taken until the process is gone, then it was killed."""
    duty = running(1, 2)
    turn = duty.turn([Stop([1])], 10.0)
    seen = [(10.0, signals(turn))]
    while turn.wake_at is not None:
        now = turn.wake_at
        turn = duty.turn([], now)
        seen.append((now, signals(turn)))

    assert seen == [(10.0, [(1, 15)]), (16.0, [(1, 9)]), (17.0, [(1, 9)]), (18.0, [])]
    assert said(turn, events.Immortal) == [events.Immortal(0, [(1, 1001)])]
    assert said(duty.turn([Beat()], 19.0), events.Heartbeat) == [events.Heartbeat(0, "process 1001 does not die")]
    assert duty.running == [1, 2]
    assert kept(duty.turn([Ended(1, signal=9)], 500.0)) == [(1, "killed")]


@pytest.mark.parametrize(("after", "state"), [(0.1, "stopped"), (5.9, "stopped"), (6.1, "killed")])
def test_who_ends_before_the_hard_signal_was_stopped_else_killed(after: float, state: str) -> None:
    """SP-36, SP-37."""
    duty = running(1)
    duty.turn([Stop([1])], 0.0)
    duty.turn([], after)

    assert kept(duty.turn([Ended(1, signal=15)], after)) == [(1, state)]


def test_a_daemon_that_slept_through_its_ladder_takes_one_rung_at_a_time() -> None:
    duty = running(1)
    duty.turn([Stop([1])], 0.0)

    late = duty.turn([], 60.0)

    assert signals(late) == [(1, 9)] and late.wake_at == 61.0
    assert not said(late, events.Immortal)


def test_a_stop_before_the_process_is_there_waits_for_it() -> None:
    duty = online()
    duty.turn([run(1)], 0.0)

    assert signals(duty.turn([Stop([1])], 0.0)) == []
    assert signals(duty.turn([Began(1, 7)], 0.2)) == [(1, 15)]
    assert signals(duty.turn([], 5.9)) == []
    assert signals(duty.turn([], 6.0)) == [(1, 9)]


def test_a_second_stop_does_not_begin_the_ladder_anew() -> None:
    duty = running(1)
    duty.turn([Stop([1])], 0.0)

    assert signals(duty.turn([Stop([1]), Stop([1])], 3.0)) == []
    assert signals(duty.turn([], 6.0)) == [(1, 9)]


def test_a_stop_of_what_did_not_start_ends_it_at_once() -> None:
    duty = running(1, 2, 3)

    turn = duty.turn([Stop([3])], 1.0)

    assert kept(turn) == [(3, "stopped")] and duty.queued == []


def test_a_waiting_attempt_is_neither_stopped_nor_timed_out_until_it_waits_no_more() -> None:
    """SP-30."""
    duty = running(1, spec=step(timeout=5.0))
    duty.turn([Waiting([1])], 0.0)

    assert signals(duty.turn([], 100.0)) == []
    assert signals(duty.turn([Stop([1])], 101.0)) == []
    assert signals(duty.turn([Waiting([])], 102.0)) == [(1, 15)]


def test_a_timeout_takes_the_ladder_and_is_an_error_that_says_so() -> None:
    duty = running(1, spec=step(timeout=2.5))

    assert signals(duty.turn([], 2.4)) == []
    assert signals(duty.turn([], 2.5)) == [(1, 15)]
    result = duty.turn([Ended(1, signal=15)], 2.6).keep[0]
    assert (result.state, result.reason) == ("error", "timeout: it ran longer than 2.5 s")


# ---- drop, recall, idempotence


def test_a_dropped_attempt_is_killed_at_once_and_never_spoken_of() -> None:
    duty = running(1, 2, 3)

    turn = duty.turn([Drop([1, 3])], 1.0)
    assert signals(turn) == [(1, 9)] and duty.queued == []
    turn = duty.turn([Ended(1, signal=9)], 1.1)
    assert not turn.keep and not turn.send and turn.over == [1]


def test_a_recall_gives_back_only_what_has_not_started() -> None:
    duty = running(1, 2, 3, 4)

    turn = duty.turn([Recall([1, 3, 99])], 1.0)

    assert said(turn, Returned) == [Returned(0, [3])]
    assert duty.running == [1, 2] and duty.queued == [4]


def test_an_order_that_comes_twice_runs_once_and_a_held_result_is_said_again() -> None:
    duty = running(1, 2, 3)
    duty.turn([Ended(1, 0)], 1.0)

    turn = duty.turn([run(1, 2, 3)], 2.0)

    assert not turn.launch and not turn.keep
    assert [one.attempt for one in said(turn, Results)[0].results] == [1]


def test_a_guardian_that_dies_takes_its_attempts_with_it() -> None:
    duty = running(1, 2)

    turn = duty.turn([Orphaned([1, 2])], 1.0)

    assert kept(turn) == [(1, "terminated"), (2, "terminated")]


# ---- the link


def test_after_a_reconnect_hello_comes_first_then_all_that_the_master_may_have_missed() -> None:
    """CONTRACT 4.2, F08."""
    duty = running(1, 2, 3)
    duty.turn([Cut()], 1.0)
    alone = duty.turn([Ended(1, 0)], 2.0)
    assert not alone.send and kept(alone) == [(1, "success0")]
    duty.turn([Began(3, 1003)], 2.0)

    turn = duty.turn([Connected()], 3.0)

    assert [type(event) for event in turn.send] == [Hello, Started, Results]
    assert (turn.send[0].running, turn.send[0].held) == ([2, 3], [1])  # type: ignore[attr-defined]
    assert said(turn, Started)[0].attempts == [(2, 1002), (3, 1003)]


def test_a_master_of_an_older_epoch_is_refused_and_its_orders_ignored() -> None:
    """CONTRACT 4.2: an old leader that wakes up must not rule."""
    duty = Duty(HELLO, CATALOGUE, epoch=7)
    duty.turn([Connected()], 0.0)

    turn = duty.turn([Welcome(1, "w", 6, 5.0, drop=[]), run(1, epoch=6), Stop([1])], 0.0)

    assert "epoch 6" in turn.hangup and not turn.launch and turn.epoch is None


def test_a_newer_epoch_is_remembered_and_fences_late_orders() -> None:
    duty = Duty(HELLO, CATALOGUE)
    duty.turn([Connected()], 0.0)

    assert duty.turn([Welcome(1, "w", 3, 5.0)], 0.0).epoch == 3
    assert not duty.turn([run(1, epoch=2)], 0.0).launch
    assert duty.turn([run(1, epoch=3)], 0.0).launch


def test_a_hangup_closes_the_line_and_ends_obedience() -> None:
    duty = online()

    assert duty.turn([Hangup("render-07 connected again"), run(1)], 0.0).hangup == "render-07 connected again"
    assert not duty.running


def test_leaving_gives_back_the_unstarted_kills_the_rest_and_says_bye_last() -> None:
    """CONTRACT 4.10."""
    duty = running(1, 2, 3)

    turn = duty.turn([Leave()], 1.0)

    assert turn.left and signals(turn) == [(1, 9), (2, 9)]
    back = [Result(a, "returned", reason="render-07 was shut down", number=n) for n, a in enumerate((3, 1, 2), 1)]
    assert turn.keep == back
    assert turn.send == [Results(0, back), events.Disconnected(0, bye=True)]
    assert not duty.turn([Ended(1, signal=9), run(9)], 1.1).keep


def test_an_acknowledged_result_is_forgotten_once() -> None:
    duty = running(1)
    duty.turn([Ended(1, 0)], 1.0)

    assert duty.turn([Ack([1, 1, 5])], 1.0).forget == [1]
    assert duty.held == []


# ---- properties

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
