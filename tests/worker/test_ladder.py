"""The stop ladder: what is asked to end, when, how hard, and what it is called when it has."""

from __future__ import annotations

import pytest
from duty_world import kept, online, run, running, said, signals, step

from brender.core import events
from brender.core.orders import Stop, Waiting
from brender.worker.world import (
    Beat,
    Began,
    Ended,
)


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
