"""The worker's duty where GPUs, memory or standstill decide. Time is a number here."""

from __future__ import annotations

from brender.core.events import Event, Heartbeat, Hello, Result, Returned, Stalled
from brender.core.orders import Run, StepSpec, Stop, Welcome
from brender.worker import stall
from brender.worker.duty import Duty
from brender.worker.functions import Catalogue
from brender.worker.gpus import Gpu
from brender.worker.stall import Sample, Watched
from brender.worker.world import Beat, Began, Connected, Cut, Ended, Looked, Tight, Turn

CARDS = [Gpu("nvidia", 0, "GPU-0", "card", 24000), Gpu("nvidia", 1, "GPU-1", "card", 24000)]


def online(slots: int = 4, gpus: list[Gpu] = CARDS, watch: Watched = stall.UNWATCHED) -> Duty:
    hello = Hello(0, "brender_02fc00000001", "02fc00000001", "render-07", slots=slots)
    duty = Duty(hello, Catalogue({"simple": "/bin/true"}), gpus=gpus, watch=watch)
    duty.turn([Connected()], 0.0)
    duty.turn([Welcome(1, "render-07", 1, 5.0)], 0.0)
    return duty


def run(*attempts: int, **more: object) -> Run:
    spec = StepSpec(1, 1, "step", "job", "simple", [], **more)  # type: ignore[arg-type]
    return Run(1, spec, [(attempt, attempt) for attempt in attempts])


def given(turn: Turn) -> dict[int, list[str]]:
    return {one.attempt: [gpu.uuid for gpu in one.gpus] for one in turn.launch}


def said(turn: Turn, kind: type[Event]) -> list[Event]:
    return [event for event in turn.send if type(event) is kind]


def test_a_task_that_waits_for_a_gpu_lets_others_pass_and_keeps_its_place() -> None:
    duty = online()
    turn = duty.turn([run(1, 2, 3, needs={"gpus": 1.0}), run(4)], 0.0)
    assert given(turn) == {1: ["GPU-0"], 2: ["GPU-1"], 4: []}
    assert duty.queued == [3]
    duty.turn([run(5, needs={"gpus": 1.0})], 1.0)
    duty.turn([Began(1, 11), Began(2, 12), Began(4, 14)], 1.0)

    assert given(duty.turn([Ended(2, 0)], 2.0)) == {3: ["GPU-1"]}
    assert duty.queued == [5]


def test_one_that_waits_for_a_gpu_can_be_stopped() -> None:
    duty = online()
    duty.turn([run(1, needs={"gpus": 2.0}), run(2, needs={"gpus": 1.0})], 0.0)
    turn = duty.turn([Stop([2])], 1.0)
    assert [(one.attempt, one.state) for one in turn.keep] == [(2, "stopped")]


def test_more_than_the_machine_has_is_refused_and_an_unknown_machine_refuses_nothing() -> None:
    turn = online().turn([run(1, needs={"gpus": 3.0})], 0.0)
    assert [(one.state, one.reason) for one in turn.keep] == [("error", "it needs 3 GPUs, and this machine has 2 such")]
    assert given(online(gpus=[]).turn([run(1, needs={"gpus": 3.0})], 0.0)) == {1: []}


def test_without_memory_what_waits_goes_back_and_what_runs_goes_on() -> None:
    duty = online(slots=1)
    duty.turn([run(1, 2, 3)], 0.0)
    duty.turn([Began(1, 11)], 0.0)
    turn = duty.turn([Tight("only 9 MiB")], 1.0)
    assert said(turn, Returned) == [Returned(0, [2, 3])]
    assert said(turn, Heartbeat) == [Heartbeat(0, "only 9 MiB", True)]
    assert (duty.running, duty.queued) == ([1], [])

    turn = duty.turn([run(4), Beat("a full disk")], 2.0)
    assert said(turn, Returned) == [Returned(0, [4])]
    assert said(turn, Heartbeat) == [Heartbeat(0, "only 9 MiB; a full disk", True)]

    duty.turn([Ended(1, 0)], 3.0)
    turn = duty.turn([Tight(""), run(5)], 4.0)
    assert said(turn, Heartbeat) == [Heartbeat(0, "a full disk", False)]
    assert [one.attempt for one in turn.launch] == [5]


def test_a_new_master_hears_at_once_that_there_is_no_memory() -> None:
    duty = online()
    duty.turn([Tight("only 9 MiB")], 1.0)
    duty.turn([Cut()], 2.0)
    duty.turn([Connected()], 3.0)
    turn = duty.turn([Welcome(1, "render-07", 1, 5.0)], 3.0)
    assert said(turn, Heartbeat) == [Heartbeat(0, "only 9 MiB", True)]


def stuck(end: bool) -> tuple[Duty, Turn]:
    """A task that has shown no sign of life for a minute."""
    duty = online(watch=Watched(60.0, end))
    duty.turn([run(1)], 0.0)
    duty.turn([Began(1, 11)], 0.0)
    assert duty.watched == [(1, 11)]
    duty.turn([Looked([Sample(1)])], 5.0)
    return duty, duty.turn([Looked([Sample(1)])], 65.0)


def test_a_task_without_a_sign_of_life_is_told() -> None:
    duty, turn = stuck(end=False)
    assert said(turn, Stalled) == [Stalled(0, [(1, 60.0)])] and not turn.signal
    turn = duty.turn([Looked([Sample(1, printed=5)])], 70.0)
    assert said(turn, Stalled) == [Stalled(0, [(1, 0.0)])]
    assert duty.turn([Ended(1, 0)], 80.0).keep[0].state == "success0"
    assert duty.watched == []


def test_it_is_ended_as_an_error_where_that_is_asked_for() -> None:
    """By the same ladder as everything: softly first."""
    duty, turn = stuck(end=True)
    assert [(one.attempt, one.signum) for one in turn.signal] == [(1, 15)]
    turn = duty.turn([Ended(1, signal=15)], 66.0)
    reason = "no output and no processor time for 60 s"
    assert turn.keep == [Result(1, "error", 66.0, None, 15, reason, 1)]


def test_a_stop_by_a_person_is_stronger_than_a_standstill() -> None:
    duty, _ = stuck(end=True)
    duty.turn([Stop([1])], 66.0)
    assert duty.turn([Ended(1, signal=15)], 67.0).keep[0].state == "stopped"


def test_nothing_is_watched_unless_somebody_asked() -> None:
    duty = online()
    duty.turn([run(1)], 0.0)
    duty.turn([Began(1, 11)], 0.0)
    assert duty.watched == []
    duty.turn([run(2, stalled_after=9.0)], 0.0)
    duty.turn([Began(2, 12)], 0.0)
    assert duty.watched == [(2, 12)]
