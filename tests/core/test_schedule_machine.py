"""Schedules under random hands: clocks are set, masters stop and start, people pause and run; every promise holds.

The model is arithmetic of its own: an occurrence is a multiple on a grid of the wall clock, or of the steady one.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from brender.core import events as ev
from brender.core.farm import Farm

from .clockwork import Clockwork

few = st.integers(0, 9)
periods = st.sampled_from([1.0, 1.5, 7.0, 60.0, 3600.0, 7200.0])
BACK = 10_800.0  # a clock set back by more was wrong


class Model:
    """What one schedule may do: where its grid lies, and which of its occurrences have been used."""

    def __init__(self, kind: str, period: float, offset: float, steady: float) -> None:
        self.kind, self.period, self.offset = kind, period, offset
        self.begin = steady  # on the clock that only runs
        self.used: set[int] = set()
        self.last = 0.0  # by the wall clock as it was then

    def again(self) -> None:
        """Those moments come a second time."""
        if self.kind != "repeat_every":
            self.used.clear()

    def number(self, steady: float, wall: float) -> int:
        """Which occurrence this moment is; fails when it is none."""
        where = (steady - self.begin) if self.kind == "repeat_every" else wall - self.offset
        count = round(where / self.period)
        assert abs(where - count * self.period) < 1e-3, (self.kind, where, self.period)
        return count


class ScheduleMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stage = Clockwork()
        self.stage.now = 1_800_000_000.25
        self.stage.turn(ev.Tick())
        self.models: dict[int, Model] = {}
        self.lag = 0.0  # what the steady clock of this master's life is behind the first one's
        self.seen = 0

    def pick(self, at: int) -> int:
        ids = sorted(self.stage.farm.schedules) or [404]
        return ids[at % len(ids)]

    # ---- what happens

    @rule(
        kind=st.sampled_from(["repeat_every", "repeat_o_clock"]),
        period=periods,
        offset=st.sampled_from([0.0, 0.5]),
        misfire=st.sampled_from(["skip", "run_once"]),
        overlap=st.sampled_from(["skip", "queue"]),
        held=st.booleans(),
    )
    def make(self, kind: str, period: float, offset: float, misfire: str, overlap: str, held: bool) -> None:
        if len(self.stage.farm.schedules) < 5 and not self.stage.farm.halted:
            offset = offset if kind == "repeat_o_clock" else 0.0
            row = self.stage.schedule(kind, seconds=period, offset=offset, misfire=misfire, overlap=overlap)
            self.models[row.id] = Model(kind, period, offset, self.stage.now + self.lag)
            if held:
                self.stage.held[row.id] = 0

    @rule(seconds=st.sampled_from([0.3, 1.0, 10.0, 61.0]))
    def time(self, seconds: float) -> None:
        self.stage.go(seconds)

    @rule(seconds=st.sampled_from([0.7, 5.0, 400.0, 90_000.0]))
    def sleep(self, seconds: float) -> None:
        """SIGSTOP, a full disk, a machine that was suspended."""
        self.stage.sleep(seconds)

    @rule(seconds=st.sampled_from([0.5, -0.5, 3600.0, -3600.0, 86_400.0, -86_400.0]))
    def set_clock(self, seconds: float) -> None:
        for model in self.models.values():
            if seconds < 0 and model.period <= 3600:
                model.again()
        self.stage.set_clock(seconds)

    @rule(at=few)
    def end(self, at: int) -> None:
        if self.pick(at) in self.stage.held:
            self.stage.end_run(self.pick(at))
            self.stage.look()

    @rule(at=few, paused=st.booleans())
    def pause(self, at: int, paused: bool) -> None:
        self.stage.turn(ev.PauseSchedule(self.pick(at), paused))

    @rule(at=few)
    def run_now(self, at: int) -> None:
        self.stage.turn(ev.RunSchedule(self.pick(at)))
        self.stage.look()

    @rule(at=few)
    def remove(self, at: int) -> None:
        self.stage.turn(ev.Delete("schedule", [self.pick(at)]))

    @rule(stopped=st.booleans())
    def stop(self, stopped: bool) -> None:
        self.stage.turn(ev.StopSchedules(stopped))
        self.stage.look()

    @rule(away=st.sampled_from([0.0, 3.0, 4000.0]))
    def restart(self, away: float) -> None:
        """kill -9 and a start: the rows are all that is left, and the new steady clock begins with the wall clock."""
        old, begin = self.stage, self.stage.now
        farm = Farm()
        for row in old.farm.schedules.values():
            farm.insert(copy.deepcopy(row), 0.0)
        farm.next_ids["schedule"] = old.farm.next_ids["schedule"]
        self.lag -= old.farm.shift
        fresh = Clockwork.__new__(Clockwork)
        fresh.number, fresh.fired, fresh.held = old.number, old.fired, dict.fromkeys(old.held, 0)
        fresh.__dict__ |= {"core": type(old.core)(farm), "inbox": {}, "macs": {}, "_session": 0, "_result": 0}
        fresh.farm, fresh.now = farm, begin + old.farm.shift + away
        fresh.turn(ev.Boot())
        self.stage = fresh
        fresh.look()

    # ---- promises

    @invariant()
    def what_fired_was_due_then_and_only_once(self) -> None:
        """RM-21…RM-24, RM-42, F24."""
        fired, self.seen = self.stage.fired[self.seen :], len(self.stage.fired)
        for one in fired:
            if one.due is None:
                continue
            model = self.models[one.schedule]
            if model.last - one.due > BACK - model.period:
                model.again()  # that had been another time: days that were wrong come again
            model.last = one.due
            number = model.number(one.due - self.stage.farm.shift + self.lag, one.due)
            assert number not in model.used, f"occurrence {number} of schedule {one.schedule} ran twice"
            model.used.add(number)

    @invariant()
    def whatever_is_armed_is_due_in_the_future_and_on_its_grid(self) -> None:
        farm = self.stage.farm
        for row in farm.schedules.values():
            model = self.models[row.id]
            assert row.next_at is not None
            model.number(row.next_at - farm.shift + self.lag, row.next_at)
            if row.state == "armed" and row.id in farm.due.at:
                assert row.next_at - farm.shift > self.stage.now - 1e-6
                assert row.next_at - farm.wall <= row.seconds + (BACK if row.seconds > 3600 else 0)

    @precondition(lambda self: not self.stage.farm.halted)
    @rule(at=few)
    def an_armed_schedule_runs_within_its_period(self, at: int) -> None:
        """Liveness (CONTRACT 1.1), but for three hours of one that is due rarely, after a clock that was set back."""
        row = self.stage.farm.schedules.get(self.pick(at))
        if row is not None and row.state == "armed":
            self.stage.held.pop(row.id, None)
            runs = row.runs
            rare = row.kind == "repeat_o_clock" and row.seconds > 3600
            self.stage.go(row.seconds + (BACK if rare else 0))
            assert row.runs > runs

    def teardown(self) -> None:
        assert not self.stage.farm.due.by(self.stage.now, 1)


ScheduleMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestScheduleMachine: Any = ScheduleMachine.TestCase
