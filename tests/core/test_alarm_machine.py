"""Alarms under random hands beside a straight model: samples, silence, people, links that break, masters that restart.

The model is one small record for each rule and channel, and a list of what was to be said. It knows nothing of rows,
indexes or turns: a condition is true or not, since when, and somebody was told or not.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from brender.core import events as ev
from brender.core.farm import Farm

from .builders import Stage, add_channel

few = st.integers(0, 5)
RULES: tuple[dict[str, Any], ...] = (
    {"condition": "above", "threshold": 85.0},
    {"condition": "above", "threshold": 85.0, "clear": 70.0, "lasting": 10.0},
    {"condition": "below", "threshold": 20.0, "clear": 40.0},
    {"condition": "below", "threshold": 20.0, "lasting": 3.0},
    {"condition": "change", "threshold": 30.0},
    {"condition": "rate", "threshold": 5.0, "clear": 1.0},
    {"condition": "rate", "threshold": -5.0},
    {"condition": "absent", "threshold": 20.0},
    {"condition": "absent", "threshold": 5.0, "lasting": 8.0},
)
VALUES = st.one_of(st.sampled_from([0.0, 100.0]), st.sampled_from([19.0, 20.0, 40.0, 60.0, 70.0, 75.0, 85.0, 86.0]))


@dataclass
class Trouble:
    """One rule about one channel, as a person would keep it on paper."""

    state: str = "ok"
    since: float = 0.0
    until: float | None = None  # of a silence
    muted: bool = False

    @property
    def told(self) -> bool:
        return self.state in ("firing", "acknowledged", "skipped")


class Channel:
    """What the model knows of a channel; `home` is the worker that measures it."""

    def __init__(self, number: int, home: int) -> None:
        self.number, self.home = number, home
        self.last: tuple[float, float] | None = None
        self.heard: float | None = None  # None: from the next look on it has to speak


class AlarmMachine(RuleBasedStateMachine):
    @initialize(chosen=st.lists(st.integers(0, len(RULES) - 1), min_size=1, max_size=3, unique=True))
    def begin(self, chosen: list[int]) -> None:
        self.stage = Stage()
        self.stage.do(ev.Delete("alarm_rule", list(self.stage.farm.alarm_rules)))
        self.worker = self.stage.worker("render-01")
        self.online = True
        homes = {"a": self.worker, "b": 0}
        self.channels = [Channel(add_channel(self.stage, name, home), home) for name, home in homes.items()]
        self.rules: dict[int, dict[str, Any]] = {}
        for at in chosen:
            row = self.stage.do(ev.Create("alarm_rule", {"name": f"rule {at}", "level": "ERROR", **RULES[at]}))["row"]
            self.rules[row["id"]] = {"clear": None, "lasting": 0.0, **RULES[at]}
        self.paper = {(number, one.number): Trouble() for number in self.rules for one in self.channels}
        self.said: list[str] = []  # levels of the lines, in no order within a moment
        self.wait(1.0)

    # ---- what happens

    @rule(at=few, value=VALUES, after=st.sampled_from([0.5, 1.0, 4.0, 9.0]))
    def sample(self, at: int, value: float, after: float) -> None:
        channel = self.channels[at % len(self.channels)]
        if channel.home and not self.online:
            return
        self.pass_time(after)
        now = self.stage.now
        self.stage.do(ev.Readings([(channel.number, now, value)]))
        old, channel.last, channel.heard = channel.last, (now, value), now
        for number, terms in self.rules.items():
            self.judge(number, terms, channel, (now, value), old)

    @rule(seconds=st.sampled_from([1.0, 5.0, 12.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule(at=few, seconds=st.sampled_from([None, 4.0, 20.0]))
    def skip(self, at: int, seconds: float | None) -> None:
        if alarm := self.an_alarm(at):
            self.stage.do(ev.SkipAlarms([alarm.id], seconds, "anna"))
            one = self.paper[alarm.rule_id, alarm.subject_id]
            one.state, one.until = "skipped", None if seconds is None else self.stage.now + seconds

    @rule(at=few)
    def acknowledge(self, at: int) -> None:
        if alarm := self.an_alarm(at):
            self.stage.do(ev.AckAlarms([alarm.id], "anna"))
            one = self.paper[alarm.rule_id, alarm.subject_id]
            one.state, one.until = "acknowledged", None

    @rule()
    def lose(self) -> None:
        if self.online:
            self.stage.do(ev.Disconnected(self.stage.session(self.worker)))
            self.online = False

    @rule()
    def come_back(self) -> None:
        if not self.online:
            self.stage.worker("render-01")
            self.online = True
            for channel in self.channels:
                channel.heard = self.stage.now if channel.home else channel.heard

    @rule(away=st.sampled_from([0.0, 7.0, 100.0]))
    def restart(self, away: float) -> None:
        """kill -9 and a start: rows are all that is left; silence counts from then on."""
        old = self.stage.farm
        farm = Farm()
        for table in ("worker", "channel", "alarm_rule", "alarm"):
            for row in old.table(table).values():
                farm.insert(copy.deepcopy(row), self.stage.now)
        farm.next_ids.update(old.next_ids)
        sessions, macs = self.stage._session, self.stage.macs
        fresh = Stage.__new__(Stage)
        fresh.__dict__ |= {"core": type(self.stage.core)(farm), "inbox": {}, "macs": macs, "_result": 0}
        fresh._session, fresh.farm, fresh.now = sessions, farm, self.stage.now + away
        fresh.turn(ev.Boot())
        self.stage, self.online = fresh, False
        for channel in self.channels:
            channel.last, channel.heard = None, None
        self.pass_time(1.0)

    # ---- the model

    def pass_time(self, seconds: float) -> None:
        """With a tick each second, at which silences and patience are looked at."""
        end = self.stage.now + seconds
        while self.stage.now < end:
            self.stage.now = min(end, self.stage.now + 1.0)
            if self.online:
                self.stage.do(ev.Heartbeat(self.stage.session(self.worker), ""))
            self.stage.turn(ev.Tick())
            self.tick()

    def tick(self) -> None:
        now = self.stage.now
        for channel in self.channels:
            channel.heard = now if channel.heard is None else channel.heard
        for (number, channel_id), one in self.paper.items():
            terms, channel = self.rules[number], self.channel(channel_id)
            if terms["condition"] == "absent":
                assert channel.heard is not None
                self.is_so(one, terms, channel, now - channel.heard > terms["threshold"], now)
            if (
                (one.state == "pending" and now - one.since >= terms["lasting"])
                or (one.state == "skipped" and one.until is not None and one.until <= now)
                or (one.state == "firing" and one.muted and not self.away(channel))
            ):
                self.fire(one, channel)

    def judge(
        self, number: int, terms: dict[str, Any], channel: Channel, new: tuple[float, float], old: Any
    ) -> None:  # fmt: skip
        one, kind, limit = self.paper[number, channel.number], terms["condition"], terms["threshold"]
        if one.told and terms["clear"] is not None:
            limit = terms["clear"]
        value = new[1]
        if kind in ("change", "rate") and old is None:
            return
        if kind == "absent":
            so = False
        elif kind == "change":
            so = abs(value - old[1]) > limit
        else:
            value = (value - old[1]) / (new[0] - old[0]) if kind == "rate" else value
            down = kind == "below" or terms["threshold"] < 0
            so = value < limit if down else value > limit
        self.is_so(one, terms, channel, so, new[0])

    def is_so(self, one: Trouble, terms: dict[str, Any], channel: Channel, so: bool, at: float) -> None:
        if so and one.state == "ok":
            one.state, one.since = "pending", at
        if so and one.state == "pending" and at - one.since >= terms["lasting"]:
            self.fire(one, channel)
        if not so:
            if one.told and not one.muted and terms["condition"] != "change":
                self.said.append("INFO")
            one.state, one.muted, one.until = "ok", False, None

    def fire(self, one: Trouble, channel: Channel) -> None:
        one.state, one.until, one.muted = "firing", None, self.away(channel)
        if not one.muted:
            self.said.append("ERROR")

    def away(self, channel: Channel) -> bool:
        return bool(channel.home) and not self.online

    def channel(self, number: int) -> Channel:
        return next(one for one in self.channels if one.number == number)

    def an_alarm(self, at: int) -> Any:
        told = [alarm for alarm in self.stage.farm.alarms.values() if alarm.state != "pending"]
        return told[at % len(told)] if told else None

    # ---- promises

    @invariant()
    def the_farm_says_what_the_paper_says(self) -> None:
        found = {
            (alarm.rule_id, alarm.subject_id): (alarm.state, alarm.muted) for alarm in self.stage.farm.alarms.values()
        }
        assert found == {key: (one.state, one.muted) for key, one in self.paper.items() if one.state != "ok"}

    @invariant()
    def one_line_was_written_for_each_beginning_and_each_end(self) -> None:
        """RM-51. The number of a line counts over restarts."""
        written = self.stage.farm.next_ids["record"] - 1
        assert written == len(self.said)


AlarmMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestAlarmMachine: Any = AlarmMachine.TestCase
