"""Several tasks in one process: who gets into one, what becomes of each when it ends, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from brender.core import events as ev
from brender.core.events import Hello, Result, Returned, Started
from brender.core.orders import Drop, Recall, Run, StepSpec, Stop, Waiting, Welcome
from brender.worker.duty import Duty
from brender.worker.functions import Catalogue, Template
from brender.worker.world import Began, Connected, Cut, Ended, Leave, NotStarted, Orphaned, Published, Turn

HELLO = Hello(0, "brender_02fc00000001", "02fc00000001", "render-07", slots=1, config={"cores": 4})
TEMPLATES = {"comp": Template(["/bin/comp", "-F", "{frames}"]), "one": Template(["/bin/one", "{frame}"])}
CATALOGUE = Catalogue({"simple": "/bin/true"}, TEMPLATES, blender=True)
RENDER = {"blend": "/a.blend", "output": "/out"}


def online(cold: bool = True) -> Duty:
    duty = Duty(HELLO, CATALOGUE, cold=cold)
    duty.turn([Connected(), Welcome(1, "render-07", 1, 5.0)], 0.0)
    return duty


def run(*attempts: int, function: str = "comp", **more: Any) -> Run:
    spec = StepSpec(1, 1, "step", "job", function, more.pop("params", []), frames="1-100", **more)
    return Run(1, spec, [(attempt, attempt) for attempt in attempts], together=True)


def begun(*attempts: int, **more: Any) -> Duty:
    duty = online()
    duty.turn([run(*attempts, **more)], 0.0)
    duty.turn([Began(attempts[0], 77)], 0.0)
    return duty


def kept(turn: Turn) -> list[tuple[int, str]]:
    return [(result.attempt, result.state) for result in turn.keep]


def said(turn: Turn, kind: type[Any]) -> list[Any]:
    return [event for event in turn.send if type(event) is kind]


@pytest.mark.parametrize(("cold", "offered"), [(True, ["comp", "blender"]), (False, ["comp"])])
def test_a_hello_tells_which_functions_take_several_tasks(cold: bool, offered: list[str]) -> None:
    told = {"cores": 4, "bundles": offered, "takes": {"comp": {}, "one": {}}}
    assert online(cold).hello.config == told


def test_tasks_that_came_together_get_one_process_with_all_their_frames() -> None:
    duty = online()
    turn = duty.turn([run(3, 4, 5, 9), run(10, 11)], 0.0)
    (launch,) = turn.launch
    assert launch.call.argv == ("/bin/comp", "-F", "4-6,10") and launch.attempt == 3
    assert launch.members == (3, 4, 5, 9)
    assert (duty.running, duty.queued) == ([3, 4, 5, 9], [10, 11])
    assert [attempt for attempt, _ in turn.write] == [4, 5, 9] == turn.over
    turn = duty.turn([Began(3, 77)], 0.1)
    assert said(turn, Started) == [Started(0, [(3, 77), (4, 77), (5, 77), (9, 77)])]


@pytest.mark.parametrize("function", ["one", "simple", "sleep"])
def test_what_is_told_one_frame_only_runs_them_one_by_one(function: str) -> None:
    duty = online()
    turn = duty.turn([run(3, 4, function=function)], 0.0)
    assert [launch.attempt for launch in turn.launch] == [3] and duty.queued == [4]


def test_a_warm_blender_is_fed_one_by_one_and_a_cold_one_gets_all() -> None:
    for cold, first in ((False, (4,)), (True, (4, 5))):
        duty = online(cold)
        (launch,) = duty.turn([run(3, 4, function="blender", params=RENDER)], 0.0).launch
        assert launch.call.frames == first


def test_a_good_end_is_one_of_all_and_its_seconds_are_shared() -> None:
    turn = begun(3, 4, 5, 6).turn([Ended(3, 0, memory_mb=70)], 6.0)
    assert turn.keep == [Result(a, "success0", 1.5, 0, number=n, memory_mb=70) for n, a in enumerate((3, 4, 5, 6), 1)]
    assert turn.over == [3]


def test_renders_count_when_their_frames_are_published() -> None:
    duty = begun(3, 4, function="blender", params=RENDER)
    assert duty.turn([Ended(3, 0)], 2.0).publish == [3]
    assert kept(duty.turn([Published(3, note="black")], 3.0)) == [(3, "success0"), (4, "success0")]


@pytest.mark.parametrize("ended", [Ended(3, 7, reason="no licence"), Ended(3, signal=11, reason="no licence")])
def test_after_a_failure_all_come_back_with_its_code_and_nobody_is_blamed(ended: Ended) -> None:
    turn = begun(3, 4).turn([ended], 6.0)
    assert kept(turn) == [(3, "returned"), (4, "returned")]
    assert {(one.exit_code, one.signal) for one in turn.keep} == {(ended.exit_code, ended.signal)}
    assert turn.keep[0].reason == "2 tasks in one process failed, each goes alone now: no licence"


def test_a_timeout_is_the_sum_of_theirs_and_returns_them_too() -> None:
    duty = begun(3, 4, timeout=5.0)
    assert not duty.turn([], 9.9).signal
    assert [one.signum for one in duty.turn([], 10.0).signal] == [15]
    turn = duty.turn([Ended(3, signal=15)], 10.1)
    assert kept(turn) == [(3, "returned"), (4, "returned")] and "timeout" in turn.keep[1].reason


def test_what_could_not_start_is_an_error_of_each() -> None:
    assert kept(begun(3, 4).turn([NotStarted(3, "no such program")], 1.0)) == [(3, "error"), (4, "error")]


def test_a_guardian_that_dies_returns_them() -> None:
    assert kept(begun(3, 4).turn([Orphaned([3])], 1.0)) == [(3, "returned"), (4, "returned")]


def test_the_stop_of_one_ends_the_process_and_the_others_come_back() -> None:
    duty = begun(3, 4, 5)
    assert [(one.attempt, one.signum) for one in duty.turn([Stop([4])], 1.0).signal] == [(3, 15)]
    turn = duty.turn([Ended(3, signal=15)], 2.0)
    assert kept(turn) == [(3, "returned"), (4, "stopped"), (5, "returned")]
    assert (turn.keep[0].exit_code, turn.keep[0].signal) == (None, None)  # they may go together again


def test_the_stop_of_all_stops_all() -> None:
    duty = begun(3, 4)
    duty.turn([Stop([3, 4])], 1.0)
    assert kept(duty.turn([Ended(3, 0)], 2.0)) == [(3, "stopped"), (4, "stopped")]


def test_the_drop_of_one_kills_at_once_and_only_that_one_leaves_no_trace() -> None:
    duty = begun(3, 4)
    assert [one.signum for one in duty.turn([Drop([3])], 1.0).signal] == [9]
    assert kept(duty.turn([Ended(3, signal=9)], 1.1)) == [(4, "returned")]
    assert not duty.running


def test_an_immortal_process_is_told_of_all_and_kills_all_in_the_end() -> None:
    """The master takes no immortal attempt back, so none may be left as returned."""
    duty = begun(3, 4)
    duty.turn([Stop([4])], 0.0)
    duty.turn([], 6.0), duty.turn([], 7.0)
    assert said(duty.turn([], 8.0), ev.Immortal) == [ev.Immortal(0, [(3, 77), (4, 77)])]
    assert kept(duty.turn([Ended(3, signal=9)], 50.0)) == [(3, "killed"), (4, "killed")]


def test_a_recall_takes_what_waits_out_of_a_bundle_and_leaves_what_runs() -> None:
    duty = begun(3, 4)
    duty.turn([run(10, 11, 12)], 0.0)
    assert said(duty.turn([Recall([4, 11])], 1.0), Returned) == [Returned(0, [11])]
    (launch,) = duty.turn([Ended(3, 0)], 2.0).launch
    assert launch.call.frames == (11, 13)


def test_a_wait_of_one_keeps_the_process_from_being_stopped() -> None:
    duty = begun(3, 4)
    assert not duty.turn([Waiting([4]), Stop([3, 4])], 1.0).signal
    assert duty.turn([Waiting([])], 2.0).signal


def test_after_a_reconnect_all_are_said_to_run_or_to_be_held() -> None:
    duty = begun(3, 4)
    duty.turn([Cut()], 1.0)
    (hello,) = said(duty.turn([Connected()], 2.0), Hello)
    assert (hello.running, hello.held) == ([3, 4], [])
    duty.turn([Cut()], 3.0)
    duty.turn([Ended(3, 0)], 4.0)
    (hello,) = said(duty.turn([Connected()], 5.0), Hello)
    assert (hello.running, hello.held) == ([], [3, 4])


def test_leaving_gives_all_back_once() -> None:
    duty = begun(3, 4)
    turn = duty.turn([run(10, 11), Leave()], 1.0)
    assert sorted(kept(turn)) == [(attempt, "returned") for attempt in (3, 4, 10, 11)]
    assert not duty.turn([Ended(3, signal=9)], 1.1).keep


def test_a_task_goes_to_the_slot_that_has_its_file_open() -> None:
    duty = Duty(Hello(0, "k", "m", "h", slots=2), CATALOGUE)
    duty.turn([Connected(), Welcome(1, "h", 1, 5.0)], 0.0)

    def render(attempt: int, blend: str) -> Run:
        params = {"blend": blend, "output": "/out"}
        return Run(1, StepSpec(1, 1, "s", "j", "blender", params, frames="1-9"), [(attempt, attempt)])

    turn = duty.turn([render(1, "/a"), render(2, "/b")], 0.0)
    assert [(one.attempt, one.slot) for one in turn.launch] == [(1, 0), (2, 1)]
    duty.turn([Began(1), Began(2), Ended(1, 0), Ended(2, 0), Published(1), Published(2)], 1.0)
    turn = duty.turn([render(3, "/b"), render(4, "/a")], 2.0)
    assert [(one.attempt, one.slot) for one in turn.launch] == [(3, 1), (4, 0)]
