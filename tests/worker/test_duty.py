"""The worker's duty: what runs, what is stopped when, what is said and kept. Time is a number here."""

from __future__ import annotations

import pytest
from duty_world import CATALOGUE, HELLO, kept, online, run, running, said, signals, step

from brender.core import events
from brender.core.events import Hello, Result, Results, Returned, Started
from brender.core.orders import Ack, Drop, Hangup, Recall, Run, StepSpec, Stop, Welcome
from brender.worker.duty import Duty
from brender.worker.world import (
    Began,
    Connected,
    Cut,
    Ended,
    Leave,
    NotStarted,
    Orphaned,
    Published,
)

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
