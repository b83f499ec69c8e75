"""Alarms, played on a stage with a clock that is a number: conditions, patience, silence, people, the farm's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core import events as ev
from brender.core.rows import AlarmRule
from brender.core.rules.alarms import holds
from brender.core.watch import selects

from .alarming import alarms, lines, quiet, rule, sample
from .builders import Stage, add_channel


def test_what_is_above_for_long_enough_fires_once_and_is_over_once() -> None:
    """REQUIREMENTS 5.1.9: gpu_temp > 85 for 10 s -> ALERT at once; RM-51: one message per trouble."""
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage, level="ALERT", lasting=10.0, selector=["gpu.*"])
    assert sample(stage, channel, 86.0) == []
    assert [alarm.state for alarm in alarms(stage)] == ["pending"]
    assert sample(stage, channel, 90.0, 9.0) == []
    assert sample(stage, channel, 91.0, 1.0) == ["alarm.fired"]
    assert sample(stage, channel, 92.0) == []
    assert lines(stage) == ["gpu.temp is 91: above 85 for 10 s."]
    (letter,) = stage.farm.deliveries.values()
    assert (letter.level, letter.schedule) == ("ALERT", "INSTANTANEOUSLY")

    assert sample(stage, channel, 80.0) == ["alarm.resolved"]
    assert alarms(stage) == []
    assert lines(stage, "INFO") == ["Over: gpu.temp is 91: above 85 for 10 s."]


def test_a_short_trouble_is_none() -> None:
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage, lasting=10.0)
    sample(stage, channel, 99.0)
    assert sample(stage, channel, 20.0, 9.0) == []
    stage.wait(60)
    assert (alarms(stage), lines(stage)) == ([], [])


def test_patience_also_ends_without_another_sample() -> None:
    """A channel with a dead-band says nothing while its value stays: the clock decides."""
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage, lasting=10.0)
    sample(stage, channel, 99.0)
    stage.wait(11)
    assert [alarm.state for alarm in alarms(stage)] == ["firing"]


def test_a_batch_that_comes_late_is_judged_by_the_times_of_its_samples() -> None:
    """RM-50: a spool is emptied after an hour; 5 s above are 5 s, not an hour."""
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage, lasting=10.0)
    stage.now += 3600
    old = stage.now - 3000
    stage.do(ev.Readings([(channel, old, 99.0), (channel, old + 5, 20.0)]))
    assert alarms(stage) == []
    stage.do(ev.Readings([(channel, old + 6, 99.0), (channel, old + 16, 99.0), (channel, old + 17, 99.0)]))
    assert [alarm.state for alarm in alarms(stage)] == ["firing"]
    assert sample(stage, channel, 20.0) == ["alarm.resolved"]


@pytest.mark.parametrize("shift", [3600.0, -3600.0])
def test_patience_is_as_long_as_it_is_when_the_clock_was_set(shift: float) -> None:
    """F24: samples have the times of the clock on the wall, patience is measured by one that only runs."""
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage, lasting=10.0)
    stage.do(ev.ClockMoved(shift))
    stage.do(ev.Readings([(channel, stage.now + shift, 99.0)]))
    stage.wait(9)
    assert [alarm.state for alarm in alarms(stage)] == ["pending"]
    stage.wait(2)
    assert [alarm.state for alarm in alarms(stage)] == ["firing"]


def test_patience_of_a_master_whose_clock_was_ahead_does_not_begin_tomorrow() -> None:
    """F24: the rows are from a life of the master in which it was another day."""
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage, lasting=10.0)
    sample(stage, channel, 99.0)
    stage.now -= 86_400.0
    stage.farm.now = stage.now  # as in a process that starts anew
    stage.turn(ev.Boot())
    stage.wait(11)
    assert [alarm.state for alarm in alarms(stage)] == ["firing"]


def test_samples_that_come_again_or_out_of_order_say_nothing_new() -> None:
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage)
    sample(stage, channel, 99.0)
    stage.do(ev.Readings([(channel, stage.now - 5, 20.0), (channel, stage.now, 20.0)]))
    assert [alarm.state for alarm in alarms(stage)] == ["firing"]


@given(st.lists(st.floats(min_value=0, max_value=100), min_size=2, max_size=60))
def test_between_the_clear_level_and_the_threshold_nothing_moves(values: list[float]) -> None:
    """SP-57, hysteresis: as a model of one bit, whatever the values are."""
    row, raised = AlarmRule(1, "hot", condition="above", threshold=85.0, clear=70.0), False
    mirror, low = AlarmRule(2, "cold", condition="below", threshold=-85.0, clear=-70.0), False
    for at, value in enumerate(values):
        model = True if value > 85 else False if value <= 70 else raised
        raised = bool(holds(row, (float(at), value), None, raised))
        low = bool(holds(mirror, (float(at), -value), None, low))
        assert raised == model == low


def test_a_change_is_told_once_and_over_at_the_next_sample() -> None:
    """RM-51: CheckIP. The first sample is no change; text changes, too."""
    stage = quiet()
    channel = add_channel(stage, "net.ip")
    rule(stage, "ip", condition="change", threshold=0.0)
    assert sample(stage, channel, "10.0.0.7") == []
    assert sample(stage, channel, "10.0.0.7") == []
    assert sample(stage, channel, "10.0.0.9") == ["alarm.fired"]
    assert sample(stage, channel, "10.0.0.9") == ["alarm.resolved"]
    assert lines(stage) == ["net.ip changed from 10.0.0.7 to 10.0.0.9."]


@pytest.mark.parametrize(("threshold", "values", "fires"), [
    (2.0, (0.0, 10.0), True), (2.0, (0.0, 1.0), False), (2.0, (10.0, 0.0), False), (-2.0, (10.0, 0.0), True),
])  # fmt: skip
def test_a_rate_is_by_the_second_and_has_a_sign(threshold: float, values: tuple[float, float], fires: bool) -> None:
    stage = quiet()
    channel = add_channel(stage, "disk.used")
    rule(stage, "filling", condition="rate", threshold=threshold)
    sample(stage, channel, values[0])
    assert sample(stage, channel, values[1], 2.0) == (["alarm.fired"] if fires else [])


def test_a_channel_that_says_nothing_is_missed_from_when_it_was_heard_or_the_master_started() -> None:
    stage = quiet()
    spoken, silent = add_channel(stage, "a"), add_channel(stage, "b")
    stopped = add_channel(stage, "c")
    stage.do(ev.SwitchChannels([stopped], "stop"))
    rule(stage, "silence", condition="absent", threshold=60.0)
    stage.turn(ev.Tick())
    stage.wait(40)
    sample(stage, spoken, 1.0)
    stage.wait(22)
    assert [(alarm.about, alarm.state) for alarm in alarms(stage)] == [("b", "firing")]
    sample(stage, silent, 1.0)
    stage.wait(2)
    assert alarms(stage) == []


def test_a_lost_worker_mutes_its_own_and_is_told_of_itself() -> None:
    """Inhibition. When it is back its channels have from then on to speak."""
    stage = Stage()
    worker = stage.worker("render-01")
    channel = add_channel(stage, "cpu", worker)
    rule(stage, "silence", condition="absent", threshold=30.0)
    sample(stage, channel, 1.0)
    stage.do(ev.Disconnected(stage.session(worker)))
    stage.wait(60)
    assert lines(stage) == ["Worker render-01 is lost: its connection is gone."]
    assert [(alarm.about, alarm.muted) for alarm in alarms(stage)] == [("render-01", False), ("cpu", True)]

    stage.worker("render-01")
    stage.wait(3)
    assert alarms(stage) == []
    assert lines(stage, "INFO") == ["Over: Worker render-01 is lost: its connection is gone."]
    stage.wait(40)
    assert lines(stage, "WARNING")[1:] == ["cpu has said nothing for more than 30 s."]


def test_a_channel_that_nobody_watched_for_a_while_has_its_time_when_a_rule_looks_at_it_again() -> None:
    """While it is off nobody hands its samples on, so what is known of the channel is old and no silence."""
    stage = quiet()
    channel = add_channel(stage, "cpu")
    number = rule(stage, "silence", condition="absent", threshold=60.0)
    sample(stage, channel, 1.0)
    stage.do(ev.Update("alarm_rule", [number], {"enabled": False}))
    stage.wait(3600, every=60.0)
    stage.do(ev.Update("alarm_rule", [number], {"enabled": True}))
    stage.wait(59)
    assert alarms(stage) == []
    stage.wait(3)
    assert [(alarm.about, alarm.state) for alarm in alarms(stage)] == [("cpu", "firing")]


def test_the_silence_of_an_alarm_that_ends_while_its_worker_is_away_is_no_word_either() -> None:
    """Inhibition: of a worker that is away one thing is told, that it is away."""
    stage = Stage()
    worker = stage.worker("render-01")
    channel = add_channel(stage, "gpu.temp", worker)
    rule(stage)
    stage.do(ev.Heartbeat(stage.session(worker), "only 512 MiB free in /data", True))
    sample(stage, channel, 99.0)
    told = len(lines(stage))
    stage.do(ev.SkipAlarms([alarm.id for alarm in alarms(stage)], 30.0, "anna"))
    stage.do(ev.Disconnected(stage.session(worker)))
    stage.wait(60)
    assert lines(stage)[told:] == ["Worker render-01 is lost: its connection is gone."]
    assert [(alarm.about, alarm.state, alarm.muted) for alarm in alarms(stage)] == [
        ("render-01", "firing", True), ("gpu.temp", "firing", True), ("render-01", "firing", False),
    ]  # fmt: skip


def test_people_acknowledge_and_skip() -> None:
    """REQUIREMENTS 7.2; SP-57: `skipped`."""
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage)
    sample(stage, channel, 99.0)
    (alarm,) = alarms(stage)
    stage.do(ev.SkipAlarms([alarm.id], 60.0, "anna"))
    stage.wait(59)
    assert (alarm.state, len(lines(stage))) == ("skipped", 1)
    stage.wait(2)
    assert (alarm.state, len(lines(stage))) == ("firing", 2)
    stage.do(ev.AckAlarms([alarm.id], "anna"))
    assert sample(stage, channel, 98.0) == []
    assert (alarm.state, alarm.acked_by) == ("acknowledged", "anna")
    stage.do(ev.SkipAlarms([alarm.id]))
    stage.wait(1000)
    assert alarm.state == "skipped"
    assert sample(stage, channel, 20.0) == ["alarm.resolved"]


def test_what_has_not_fired_can_be_neither_acknowledged_nor_skipped() -> None:
    stage = quiet()
    channel = add_channel(stage, "gpu.temp")
    rule(stage, lasting=10.0)
    sample(stage, channel, 99.0)
    assert "pending" in stage.refused(ev.AckAlarms([1])).message
    assert "no alarm 7" in stage.refused(ev.SkipAlarms([7])).message


def test_a_rule_that_is_deleted_switched_off_or_turned_away_ends_its_alarms_without_a_word() -> None:
    for move in ("delete", "off", "selector"):
        stage = quiet()
        channel = add_channel(stage, "gpu.temp")
        number = rule(stage)
        sample(stage, channel, 99.0)
        told = len(lines(stage))
        changes = {"off": {"enabled": False}, "selector": {"selector": ["fan*"]}}
        stage.do(
            ev.Delete("alarm_rule", [number]) if move == "delete" else ev.Update("alarm_rule", [number], changes[move])
        )
        stage.wait(2)
        assert (alarms(stage), len(lines(stage))) == ([], told), move
        assert sample(stage, channel, 100.0) == [], move


@pytest.mark.parametrize(("values", "said"), [
    ({"condition": "over"}, "above, below, change, absent, rate"),
    ({"level": "LOUD"}, "no level 'LOUD'"),
    ({"source": "worker.tired", "condition": ""}, "no source 'worker.tired'"),
    ({"clear": 90.0}, "would never be over"),
    ({"threshold": float("nan")}, "neither infinite nor NaN"),
    ({"condition": "absent", "threshold": 0.0}, "seconds without a sample"),
    ({"condition": "change", "lasting": 5.0}, "at one moment"),
    ({"lasting": -1.0}, "0 s to 7 days"),
    ({"source": "worker.lost"}, "has no value"),
    ({"source": "job.ended", "condition": "", "threshold": 0.0, "lasting": 5.0}, "over as soon as it happened"),
    ({"selector": [""]}, "selector"),
    ({"volume": 11}, "no attribute 'volume'"),
])  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_by_name(values: dict[str, Any], said: str) -> None:
    stage = Stage()
    event = ev.Create("alarm_rule", {"name": "hot", "condition": "above", "threshold": 85.0, **values})
    error = stage.refused(event)
    assert said in f"{error.message} {error.hint}"


@given(st.lists(st.sampled_from(["gpu*", "*.temp", "room=3", "room=?", "x"]), max_size=3))
def test_a_selector_is_one_of_its_names_and_all_of_its_labels(words: list[str]) -> None:
    names = [word for word in words if "=" not in word]
    expected = not names or any(word in ("gpu*", "*.temp") for word in names)
    assert selects(words, "GPU.temp", {"room": "3"}) == expected
    assert selects(words, "GPU.temp", {"room": "17"}) == (expected and not any("=" in word for word in words))
