"""The Python module of seed 002, on a clock that the test moves: no test here waits for time."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender import scheduler as module
from brender.errors import Invalid, WrongState
from brender.scheduler import Clock, Scheduler

LIMIT_S = 60.0
START = 1_800_000_000.5  # a Friday, half a second after a full minute


class Hands(Clock):
    """A clock moved by hand. `move` returns when the scheduler has done all that is due and waits again."""

    def __init__(self) -> None:
        self.now = 100.0
        self.shift = START - self.now
        self._waits = threading.Event()
        self._changed: threading.Condition | None = None

    def steady(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.shift

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        self._changed = changed
        self.asked = seconds
        self._waits.set()
        changed.wait()

    def move(self, seconds: float = 0.0, shift: float = 0.0) -> None:
        self.settle()
        assert self._changed is not None
        with self._changed:
            self.now += seconds
            self.shift += shift
            self._waits.clear()
            self._changed.notify_all()
        self.settle()

    def settle(self) -> None:
        assert self._waits.wait(LIMIT_S)


class Stage:
    """A scheduler whose functions run in its own thread, one after another, and what they were called with."""

    def __init__(self, spawn: Callable[[Callable[[], None]], None] | None = None) -> None:
        self.clock = Hands()
        self.scheduler = Scheduler(self.clock, spawn or (lambda run: run()))
        self.calls: list[tuple[float, Any]] = []
        self.scheduler.start()
        self.clock.settle()

    def note(self, what: Any = None, **more: Any) -> None:
        self.calls.append((self.clock.now - 100.0, more or what))

    @property
    def times(self) -> list[float]:
        return [round(at, 6) for at, _ in self.calls]

    @property
    def clocks(self) -> list[float]:
        """By the wall, as it stands now."""
        return [at + 100.0 + self.clock.shift for at, _ in self.calls]


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.scheduler.stop()
    assert not made.scheduler.is_running()


def test_nothing_can_be_scheduled_before_the_start_or_after_the_stop() -> None:
    """RM-17."""
    scheduler = Scheduler()
    for schedule in (
        lambda: scheduler.once_after(1, print),
        lambda: scheduler.once_o_clock(1, print),
        lambda: scheduler.once_when(4e9, print),
        lambda: scheduler.repeat_every(1, print),
        lambda: scheduler.repeat_o_clock(1, print),
        lambda: scheduler.repeat_o_clock_with_offset(2, 1, print),
        scheduler.loop_forever,
    ):
        with pytest.raises(WrongState, match="does not run"):
            schedule()
    scheduler.start()
    scheduler.once_after(3600, print)
    scheduler.stop()
    with pytest.raises(WrongState):
        scheduler.once_after(1, print)
    assert not scheduler.is_running()


def test_once_after_runs_once_with_its_arguments(stage: Stage) -> None:
    """RM-20; positional and keyword arguments arrive, also those that are called like the method's own."""
    stage.scheduler.once_after(8, stage.note, "first")
    stage.scheduler.once_after("2m", stage.note, seconds=1, func=2)
    stage.clock.move(7.9)
    assert stage.calls == []
    stage.clock.move(0.2)
    stage.clock.move(1000)
    assert [what for _, what in stage.calls] == ["first", {"seconds": 1, "func": 2}]
    stage.clock.move(10_000)
    assert len(stage.calls) == 2


def test_once_o_clock_runs_at_the_next_multiple_strictly_in_the_future(stage: Stage) -> None:
    """RM-21."""
    stage.clock.move(59.5)  # a full minute, exactly
    assert stage.clock.wall() % 60 == 0
    stage.scheduler.once_o_clock(60, stage.note)
    stage.clock.move(59)
    assert stage.calls == []
    stage.clock.move(1)
    stage.clock.move(600)
    assert [at % 60 for at in stage.clocks] == [0]


def test_once_when_runs_at_its_moment_and_refuses_one_that_is_over(stage: Stage) -> None:
    """RM-22."""
    now = stage.clock.wall()
    for past in (now, now - 1, 0, -5):
        with pytest.raises(Invalid, match="over"):
            stage.scheduler.once_when(past, stage.note)
    stage.scheduler.once_when(now + 90, stage.note)
    stage.clock.move(89)
    assert stage.calls == []
    stage.clock.move(1)
    assert stage.times == [90]


def test_repeat_every_does_not_add_up_its_lateness(stage: Stage) -> None:
    """RM-23: each run may be late, none makes the next one later."""
    stage.scheduler.repeat_every(10, stage.note)
    for seconds in (10.25, 9.75, 10.5, 9.0, 0.5):
        stage.clock.move(seconds)
    assert stage.times == [10.25, 20, 30.5, 40]


def test_repeat_o_clock_runs_at_every_multiple_and_at_an_offset(stage: Stage) -> None:
    """RM-24, RM-41."""
    stage.scheduler.repeat_o_clock("1m", stage.note, "full")
    stage.scheduler.repeat_o_clock_with_offset("1m", "5s", stage.note, "after")
    for _ in range(260):
        stage.clock.move(0.5)
    assert [(what, (at + START) % 60) for at, what in stage.calls] == [("after", 5), ("full", 0)] * 2 + [("after", 5)]


@pytest.mark.parametrize(("period", "offset"), [(60, 60), (60, 61), (0, 0), ("1h", "2h")])
def test_an_offset_is_less_than_its_period(stage: Stage, period: Any, offset: Any) -> None:
    """RM-41."""
    with pytest.raises(Invalid):
        stage.scheduler.repeat_o_clock_with_offset(period, offset, stage.note)


@pytest.mark.parametrize("period", [0, -1, "x", "", "5 parsecs", float("nan"), 1e12])
def test_what_is_no_stretch_of_time_is_refused(stage: Stage, period: Any) -> None:
    """RM-40."""
    with pytest.raises(Invalid):
        stage.scheduler.repeat_every(period, stage.note)


def test_a_job_that_is_removed_runs_no_more_and_an_unknown_uuid_is_said(stage: Stage) -> None:
    """RM-25."""
    uuid = stage.scheduler.repeat_every(1, stage.note)
    once = stage.scheduler.once_after(2, stage.note)
    stage.clock.move(1)
    assert stage.scheduler.remove(uuid) and stage.scheduler.remove(once)
    stage.clock.move(100)
    assert len(stage.calls) == 1
    assert not stage.scheduler.remove(uuid)
    assert not stage.scheduler.remove("no such uuid")
    assert stage.scheduler._jobs == {}


def test_a_job_may_remove_itself_and_schedule_others(stage: Stage) -> None:
    def run() -> None:
        stage.note("once")
        assert stage.scheduler.remove(uuid)
        stage.scheduler.once_after(5, stage.note, "then")

    uuid = stage.scheduler.repeat_every(1, run)
    stage.clock.move(1)
    stage.clock.move(5)
    assert [what for _, what in stage.calls] == ["once", "then"]


def test_periods_that_were_missed_are_left_out(stage: Stage) -> None:
    """RM-42: the process slept; one run, then the grid again."""
    stage.scheduler.repeat_every(10, stage.note)
    stage.clock.move(95)
    stage.clock.move(4)
    assert stage.times == [95]
    stage.clock.move(1)
    assert stage.times == [95, 100]


def test_what_a_function_raises_is_logged_and_its_repetition_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """RM-43."""

    def fail() -> None:
        stage.note()
        raise ZeroDivisionError("on purpose")

    stage.scheduler.repeat_every(1, fail)
    with caplog.at_level(logging.ERROR):
        stage.clock.move(1)
        stage.clock.move(1)
    assert stage.times == [1, 2]
    assert caplog.text.count("ZeroDivisionError: on purpose") == 2


def test_a_clock_that_is_set_moves_what_goes_by_the_clock_and_no_delay(stage: Stage) -> None:
    """CONTRACT F24."""
    stage.scheduler.once_after(100, stage.note, "delay")
    stage.scheduler.repeat_every(100, stage.note, "every")
    stage.scheduler.once_when(stage.clock.wall() + 3600, stage.note, "moment")
    stage.clock.move(shift=3600)
    assert [what for _, what in stage.calls] == ["moment"]
    stage.clock.move(99)
    assert len(stage.calls) == 1
    stage.clock.move(1)
    assert sorted(what for _, what in stage.calls) == ["delay", "every", "moment"]


def test_a_clock_that_is_set_back_runs_nothing_twice_and_stops_nothing(stage: Stage) -> None:
    """CONTRACT F24, 1.1 (Chronos): a wrong date must not silence a repetition for ever."""
    stage.scheduler.repeat_o_clock(60, stage.note)
    stage.clock.move(59.5)
    stage.clock.move(shift=-5)
    stage.clock.move(5)
    assert len(stage.calls) == 1
    stage.clock.move(shift=-86_400 * 365)
    stage.clock.move(60)
    assert len(stage.calls) == 2


def test_it_looks_at_the_wall_clock_every_second_while_something_goes_by_it(stage: Stage) -> None:
    stage.scheduler.once_after(5000, stage.note)
    stage.clock.move()
    assert stage.clock.asked == 5000
    stage.scheduler.repeat_o_clock("1w", stage.note)
    stage.clock.move()
    assert stage.clock.asked == 1


class Threads:
    """Runs in threads of their own, each held until the test lets it go."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.begun: queue.Queue[Any] = queue.Queue()
        self.go = threading.Event()

    def spawn(self, run: Callable[[], None]) -> None:
        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def work(self, name: str) -> None:
        self.begun.put(name)
        assert self.go.wait(LIMIT_S)

    def end(self) -> None:
        self.go.set()
        for thread in self.threads:
            thread.join(LIMIT_S)


def test_a_function_that_takes_long_delays_no_other_and_does_not_overlap_itself() -> None:
    """RM-16, RM-42."""
    threads = Threads()
    stage = Stage(threads.spawn)
    stage.scheduler.repeat_every(10, threads.work, "slow")
    stage.scheduler.repeat_every(10, threads.work, "other")
    stage.clock.move(10)
    assert {threads.begun.get(timeout=LIMIT_S) for _ in range(2)} == {"slow", "other"}
    for _ in range(5):
        stage.clock.move(10)
    assert len(threads.threads) == 2
    threads.end()
    stage.clock.move(10)
    assert threads.begun.get(timeout=LIMIT_S) in ("slow", "other")
    stage.scheduler.stop()


def test_stop_drops_what_is_scheduled_and_waits_for_what_runs() -> None:
    """RM-18."""
    threads = Threads()
    stage = Stage(threads.spawn)

    def work() -> None:
        threads.begun.put("work")
        stage.scheduler.loop_forever()  # until the stop has begun
        for number in range(100_000):
            stage.calls.append((0.0, number))

    stage.scheduler.once_after(1, work)
    stage.scheduler.once_after(2, stage.note, "never")
    stage.clock.move(1)
    threads.begun.get(timeout=LIMIT_S)
    stage.scheduler.stop()
    assert stage.calls[-1:] == [(0.0, 99_999)]
    threads.end()


def test_a_run_may_stop_the_scheduler_it_runs_in() -> None:
    stage = Stage()
    stage.scheduler.once_after(1, stage.scheduler.stop)
    timer = stage.scheduler._timer
    assert timer is not None and stage.clock._changed is not None
    with stage.clock._changed:
        stage.clock.now += 1
        stage.clock._changed.notify_all()
    timer.join(LIMIT_S)
    assert not timer.is_alive() and not stage.scheduler.is_running()


def test_stop_returns_with_an_empty_queue_and_twice_and_it_can_be_started_again() -> None:
    """RM-18."""
    scheduler = Scheduler()
    scheduler.stop()
    scheduler.start()
    scheduler.start()
    assert scheduler.is_running()
    scheduler.stop()
    scheduler.stop()
    scheduler.start()
    assert scheduler.is_running()
    scheduler.stop()


def test_loop_forever_returns_when_somebody_stops_it() -> None:
    """RM-19."""
    stage = Stage()
    looping = threading.Thread(target=stage.scheduler.loop_forever)
    looping.start()
    stage.scheduler.once_after(1, stage.note)
    stage.clock.move(1)
    assert looping.is_alive() and stage.times == [1]
    stage.scheduler.stop()
    looping.join(LIMIT_S)
    assert not looping.is_alive()


def test_a_thread_that_the_system_refuses_costs_one_run(caplog: pytest.LogCaptureFixture) -> None:
    refused = [RuntimeError("can't start new thread")]

    def spawn(run: Callable[[], None]) -> None:
        if refused:
            raise refused.pop()
        run()

    stage = Stage(spawn)
    stage.scheduler.repeat_every(1, stage.note)
    stage.clock.move(1)
    stage.clock.move(1)
    assert stage.times == [2]
    assert "could not be started" in caplog.text
    stage.scheduler.stop()


@given(
    periods=st.lists(st.sampled_from([0.25, 1, 3, 7, 60, 61.5]), min_size=1, max_size=4),
    moves=st.lists(st.floats(0.01, 40), min_size=1, max_size=25),
)
def test_whenever_it_looks_each_repetition_has_run_once_for_the_newest_period(
    periods: list[float], moves: list[float]
) -> None:
    """RM-23, RM-42: after each step of time one run if a period has passed, none if not, never two."""
    stage = Stage()
    for period in periods:
        stage.scheduler.repeat_every(period, stage.note, period)
    for seconds in moves:
        before, stage.calls = stage.clock.now - 100.0, []
        stage.clock.move(seconds)
        now = stage.clock.now - 100.0
        wanted = [period for period in periods if now // period > before // period]
        assert sorted(what for _, what in stage.calls) == sorted(wanted)
    stage.scheduler.stop()


def test_in_real_time_and_real_threads_it_does_what_it_says() -> None:
    """RM-15…RM-25 on the machine's own clocks; when is not asked, only whether and in which order."""
    ran: queue.Queue[str] = queue.Queue()
    scheduler = Scheduler()
    scheduler.start()
    scheduler.once_after("1s", ran.put, "second")
    scheduler.once_after(0, ran.put, "first")
    assert [ran.get(timeout=LIMIT_S) for _ in range(2)] == ["first", "second"]
    uuid = scheduler.repeat_o_clock("10ms", ran.put, "tick")
    assert [ran.get(timeout=LIMIT_S) for _ in range(3)] == ["tick"] * 3
    assert scheduler.remove(uuid)
    scheduler.stop()


def test_the_module_is_a_scheduler_as_the_seeds_is() -> None:
    """RM-17…RM-25 with the seed's words: `scheduler.start()`, and so on, on the module itself."""
    ran: queue.Queue[tuple[Any, ...]] = queue.Queue()
    with pytest.raises(WrongState, match="does not run"):
        module.once_after(1, print)
    module.start()
    try:
        assert module.is_running()
        module.once_after(0, lambda *args, **kwargs: ran.put((*args, kwargs)), 1, "two", three=3)
        assert ran.get(timeout=LIMIT_S) == (1, "two", {"three": 3})
        once = [module.once_o_clock("1w", print), module.once_when(4e9, print), module.repeat_every("1h", print)]
        again = [module.repeat_o_clock("1h", print), module.repeat_o_clock_with_offset("1h", "5m", print)]
        assert [module.remove(uuid) for uuid in (*once, *again, once[0])] == [True] * 5 + [False]
        module.once_after(0, module.stop)
        module.loop_forever()
    finally:
        module.stop()
    assert not module.is_running()
