"""Attempts: the fence, exactly-once counting, and every way a task can end."""

from __future__ import annotations

import pytest

from brender.commands.states import frames_in, task_line
from brender.config import DEFAULT
from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.lifecycle import ATTEMPT_LIVE
from brender.core.orders import Ack, Run, Stop
from brender.errors import NotFound, WrongState

from .builders import Stage


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def test_a_task_that_ends_well_is_success0_and_its_result_is_acknowledged(stage: Stage) -> None:
    """SP-33."""
    worker = stage.worker()
    job = stage.job({})
    stage.start(worker)
    assert (stage.words(job), job.state) == (["running"], "running")
    number = stage.end(worker, stage.live(worker)[0], exit_code=0, seconds=2.5)
    assert (stage.words(job), job.state) == (["success0"], "success0")
    assert stage.orders(worker, Ack) == [Ack([number])]


@pytest.mark.parametrize("state", ["success0", "error", "returned"])
def test_what_an_attempt_held_of_memory_stands_in_its_row(stage: Stage, state: str) -> None:
    """Issue 3: the history of a frame says worker, seconds, memory and attempts."""
    worker = stage.worker()
    stage.job({"frames": "1-3"})
    attempt = stage.live(worker)[0]
    stage.end(worker, attempt, state, memory_mb=812)
    assert attempt.memory_mb == 812


def test_a_result_may_arrive_before_its_start(stage: Stage) -> None:
    """R6: ultrafast frames; F18: and the start may come after it."""
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.end(worker, attempt)
    stage.do(ev.Started(stage.session(worker), [(attempt.id, 1)]))
    assert stage.words(job) == ["success0"]


def test_an_error_is_rerun_once_and_then_stays_an_error(stage: Stage) -> None:
    """SP-05, SP-31, SP-32."""
    worker = stage.worker()
    job = stage.job({})
    first = stage.live(worker)[0]
    stage.do(ev.SetAdmin([worker], "disabled"))
    stage.end(worker, first, "error", exit_code=13, reason="exit code 13")
    assert (stage.words(job), job.state) == (["rerun"], "running")
    stage.do(ev.SetAdmin([worker], "enabled"))
    second = stage.live(worker)[0]
    assert (second.number, second.id > first.id) == (2, True)
    stage.end(worker, second, "error", exit_code=13)
    assert (stage.words(job), job.state) == (["error"], "error")
    assert stage.farm.tasks[stage.step(job).id].trouble[0].last.exit_code == 13


def test_retries_is_configurable(stage: Stage) -> None:
    """SP-05: later many times."""
    worker = stage.worker()
    job = stage.job({"retries": 3})
    for _ in range(4):
        stage.end(worker, stage.live(worker)[0], "error", exit_code=1)
    assert stage.words(job) == ["error"]
    assert stage.live(worker) == []


def test_ended_by_a_foreign_signal_is_terminated(stage: Stage) -> None:
    """SP-34."""
    worker = stage.worker()
    job = stage.job({"retries": 0})
    stage.end(worker, stage.live(worker)[0], "terminated", signal=9)
    assert stage.words(job) == ["terminated"]
    assert stage.farm.tasks[stage.step(job).id].trouble[0].last.signal == 9


def test_a_result_said_twice_counts_once(stage: Stage) -> None:
    """F19: also across sessions; each time it is acknowledged."""
    worker = stage.worker()
    job = stage.job({"frames": "1-2"})
    attempt = stage.live(worker)[0]
    stage.end(worker, attempt)
    stage.end(worker, attempt, "error")
    stage.worker("render-01", running=[a.id for a in stage.live(worker)], held=[attempt.id])
    stage.end(worker, attempt)
    assert len(stage.orders(worker, Ack)) == 3
    assert stage.words(job)[0] == "success0"
    assert stage.farm.tasks[stage.step(job).id].numbers[0] == 1


def test_a_superseded_attempt_changes_nothing(stage: Stage) -> None:
    """F17: rebooked elsewhere; the old worker comes back with a result and is only acknowledged."""
    slow = stage.worker("slow")
    job = stage.job({})
    old = stage.live(slow)[0]
    stage.wait(DEFAULT.lost_after + 1)
    fast = stage.worker("fast")
    (new,) = stage.live(fast)
    stage.worker("slow", held=[old.id])
    stage.end(slow, old, "error", exit_code=1)
    assert len(stage.orders(slow, Ack)) == 1
    assert stage.live(fast) == [new]
    stage.end(fast, new)
    assert stage.words(job) == ["success0"]
    assert stage.farm.lost == {}


def test_a_lost_attempt_whose_place_nobody_took_still_counts(stage: Stage) -> None:
    """R21."""
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.start(worker)
    stage.wait(DEFAULT.lost_after + 1)
    assert stage.words(job) == ["new"]
    stage.do(ev.PauseJob(job.id, True))
    stage.worker("render-01", held=[attempt.id])
    stage.end(worker, attempt)
    assert stage.words(job) == ["success0"]
    assert stage.farm.lost == {}


@pytest.mark.parametrize("state", ["error", "terminated", "stopped", "killed"])
def test_a_lost_attempt_that_failed_after_all_is_acknowledged_and_the_task_goes_on(stage: Stage, state: str) -> None:
    """R21: whatever the late word is, it is taken in one piece; the worker must not repeat it for ever."""
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.wait(DEFAULT.lost_after + 1)
    stage.do(ev.PauseJob(job.id, True))
    stage.worker("render-01", held=[attempt.id])
    number = stage.end(worker, attempt, state)
    assert stage.orders(worker, Ack) == [Ack([number])]
    assert stage.words(job)[0] in ("rerun", "stopped", "killed")


def test_a_lost_attempt_that_was_retried_by_hand_is_stale(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.wait(DEFAULT.lost_after + 1)
    stage.do(ev.PauseJob(job.id, True))
    stage.do(ev.RetryTasks(stage.step(job).id, [0]))
    stage.worker("render-01", held=[attempt.id])
    stage.end(worker, attempt)
    assert stage.words(job) == ["new"]


def test_another_worker_cannot_end_an_attempt_that_is_not_its_own(stage: Stage) -> None:
    """The fence is attempt and worker."""
    mine, other = stage.worker("mine"), stage.worker("other")
    job = stage.job({})
    owner = mine if stage.live(mine) else other
    thief = other if owner == mine else mine
    attempt = stage.live(owner)[0]
    stage.end(thief, attempt)
    stage.do(ev.Returned(stage.session(thief), [attempt.id]))
    stage.do(ev.Started(stage.session(thief), [(attempt.id, 1)]))
    assert (attempt.state, stage.words(job)) == ("assigned", ["new"])


@pytest.mark.parametrize("live", ATTEMPT_LIVE)
@pytest.mark.parametrize("state", ["success0", "error", "terminated", "stopped", "killed", "nonsense"])
def test_every_result_of_every_live_attempt_is_accepted_or_ignored_and_acknowledged(
    stage: Stage, live: str, state: str
) -> None:
    """CONTRACT 4.2: the state table is total."""
    worker = stage.worker()
    job = stage.job({"frames": "1-1"})
    (attempt,) = stage.live(worker)
    stage.start(worker)
    if live == "assigned":
        stage.worker("render-01")
        (attempt,) = stage.live(worker)
    if live == "waiting":
        stage.do(ev.SetWaiting(attempt.id, True))
    if live in ("stopping", "immortal"):
        stage.do(ev.KillTasks(stage.step(job).id, [0]))
    if live == "immortal":
        stage.do(ev.Immortal(stage.session(worker), [(attempt.id, 7)]))
    assert attempt.state == live

    number = stage.end(worker, attempt, state)

    assert stage.orders(worker, Ack) == [Ack([number])]
    assert (attempt.id in stage.farm.attempts) == (state == "nonsense")


def test_a_killed_task_that_fails_meanwhile_does_not_start_again(stage: Stage) -> None:
    """SP-36: it ended after our soft signal, whatever the code."""
    worker = stage.worker()
    job = stage.job({"frames": "1-1", "retries": 5})
    (attempt,) = stage.live(worker)
    stage.start(worker)
    stage.do(ev.KillTasks(stage.step(job).id, [0]))
    stage.end(worker, attempt, "error", exit_code=1)
    assert stage.words(job) == ["stopped"]
    assert attempt.exit_code == 1


def test_what_is_given_back_is_as_new_but_its_number_is_used(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.do(ev.SetAdmin([worker], "disabled"))
    stage.do(ev.Returned(stage.session(worker), [attempt.id]))
    assert stage.words(job) == ["new"]
    stage.do(ev.SetAdmin([worker], "enabled"))
    assert stage.live(worker)[0].number == 2


def test_an_immortal_process_keeps_its_slot_until_it_is_gone(stage: Stage) -> None:
    """SP-37, SP-38."""
    worker = stage.worker()
    job = stage.job({"frames": "1-3"})
    attempt = stage.live(worker)[0]
    stage.start(worker, attempt)
    turn = stage.turn(ev.StopJob(job.id))
    assert turn.answers[0]["state"] == "stopping"
    waiting = [a.id for a in stage.live(worker) if a is not attempt]
    for queued in waiting:
        stage.end(worker, queued, "stopped")
    turn = stage.turn(ev.Immortal(stage.session(worker), [(attempt.id, 4711)]))
    assert ("task.immortal", {"worker": "render-01", "attempt": attempt.id, "pid": 4711}) in turn.notices
    assert (job.state, attempt.pid) == ("immortal", 4711)
    other = stage.job({})
    stage.end(worker, attempt, "killed")
    assert (job.state, stage.words(job)[0]) == ("killed", "killed")
    assert stage.words(other) == ["new"]
    assert len(stage.orders(worker, Run)) == 2


def test_a_waiting_task_is_not_stopped_and_the_answer_says_so(stage: Stage) -> None:
    """SP-30."""
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.start(worker)
    stage.do(ev.SetWaiting(attempt.id, True))
    assert stage.words(job) == ["waiting"]
    answer = stage.do(ev.StopJob(job.id))
    assert (answer["state"], answer["stopping"], answer["waiting"]) == ("stopping", 0, 1)
    stage.end(worker, attempt)
    assert job.state == "success0"


def test_a_stop_that_was_held_back_is_made_up_for_when_the_wait_is_over(stage: Stage) -> None:
    """REQUIREMENTS 10.8."""
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.start(worker)
    stage.do(ev.SetWaiting(attempt.id, True))
    stage.do(ev.StopJob(job.id))
    stage.do(ev.SetWaiting(attempt.id, False))
    assert stage.orders(worker, Stop) == [Stop([attempt.id])]
    stage.end(worker, attempt, "stopped")
    assert job.state == "stopped"


def test_a_stop_of_what_nothing_can_end_says_that_it_is_not_over(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({"frames": "1-1"})
    (attempt,) = stage.live(worker)
    stage.do(ev.KillTasks(stage.step(job).id, [0]))
    stage.do(ev.Immortal(stage.session(worker), [(attempt.id, 7)]))
    assert stage.do(ev.StopJob(job.id))["state"] == "stopping"
    stage.end(worker, attempt, "killed")


def test_waiting_is_a_state_of_running_tasks_only(stage: Stage) -> None:
    worker = stage.worker()
    stage.job({})
    assert isinstance(stage.refused(ev.SetWaiting(404, True)), NotFound)
    assert isinstance(stage.refused(ev.SetWaiting(stage.live(worker)[0].id, True)), WrongState)


def test_a_success_keeps_the_note_on_its_outputs_until_it_is_made_anew(stage: Stage) -> None:
    """A warning (a black frame) fails nothing, but nobody may miss it."""
    worker = stage.worker()
    job = stage.job({"frames": "1-2"})
    step, tasks = stage.step(job), stage.farm.tasks[stage.step(job).id]
    stage.end(worker, stage.live(worker)[0], reason="frame 1 is all black")
    assert tasks.notes == {0: "frame 1 is all black"}
    assert task_line(stage.farm, step, 0, {}, frames_in(step))["reason"] == "frame 1 is all black"
    stage.do(ev.RetryTasks(step.id, [0], again=True))
    assert tasks.notes == {}
