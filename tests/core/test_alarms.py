"""Alarms, played on a stage with a clock that is a number: conditions, patience, silence, people, the farm's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from brender.core import events as ev
from brender.core.farm import Alarm, AlarmRule
from brender.core.rules.alarms import holds
from brender.core.sources import SOURCES
from brender.core.watch import selects

from .builders import Stage, add_channel


def rule(stage: Stage, name: str = "hot", **values: Any) -> int:
    values = {"condition": "above", "threshold": 85.0, **values}
    return int(stage.do(ev.Create("alarm_rule", {"name": name, **values}))["row"]["id"])


def sample(stage: Stage, channel: int, value: Any, after: float = 1.0) -> list[str]:
    """A sample that comes after so many seconds; the topics that this turn told of alarms."""
    stage.now += after
    turn = stage.turn(ev.Readings([(channel, stage.now, value)]))
    return [topic for topic, _ in turn.notices if topic in ("alarm.fired", "alarm.resolved")]


def alarms(stage: Stage) -> list[Alarm]:
    return list(stage.farm.alarms.values())


def lines(stage: Stage, level: str = "") -> list[str]:
    return [row.text for row in stage.farm.records.values() if level in ("", row.level)]


def quiet() -> Stage:
    """A farm without the rules of its first start."""
    stage = Stage()
    stage.do(ev.Delete("alarm_rule", list(stage.farm.alarm_rules)))
    return stage


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


# ---- what happens on the farm


def test_a_farm_begins_with_seven_rules_and_never_gets_one_back() -> None:
    stage = Stage()
    assert [(row.source, row.level) for row in stage.farm.alarm_rules.values()] == [
        ("worker.lost", "WARNING"),
        ("job.failed", "WARNING"),
        ("job.ended", "INFO"),
        ("disk.low", "ALERT"),
        ("task.immortal", "ALERT"),
        ("worker.twin", "ALERT"),
        ("master.disk", "ALERT"),
    ]
    stage.do(ev.Delete("alarm_rule", list(stage.farm.alarm_rules)))
    stage.turn(ev.Boot())
    assert stage.farm.alarm_rules == {}


def test_a_job_that_failed_is_told_at_once_and_in_the_digest_and_is_over_when_it_runs_again() -> None:
    """REQUIREMENTS 5.1.9; the lines carry what a letter shows: counts, what failed and why, where pictures are."""
    stage = Stage()
    worker = stage.worker()
    job = stage.job({"frames": "1-2", "retries": 0, "params": {"output": "/out"}}, name="shot")
    while live := stage.live(worker):
        attempt = live[0]
        stage.end(worker, attempt, "success0" if attempt.task else "error", exit_code=13, reason="no camera")
    said = [(row.level, row.schedule, row.text) for row in stage.farm.records.values()]
    text = "Job film/shot failed: 1 of 2 tasks done in run 1."
    assert said == [("WARNING", "INSTANTANEOUSLY", text), ("INFO", "DAILY", text)]
    data = next(iter(stage.farm.records.values())).data
    assert (data["done"], data["failed"], data["outputs"]) == (1, 1, ["/out"])
    assert [(one["state"], one["reason"], one["frames"]) for one in data["failures"]] == [("error13", "no camera", "1")]
    assert [alarm.about for alarm in alarms(stage)] == ["film/shot"]
    stage.do(ev.RunJob(job.id))
    assert alarms(stage) == []


def test_a_patient_rule_tells_as_much_of_a_job_as_one_that_is_not() -> None:
    """`for=` and a silence end without a notice: the letter has what failed and why all the same."""
    stage = quiet()
    rule(stage, "still failed", source="job.failed", condition="", threshold=0.0, lasting=60.0)
    worker = stage.worker()
    stage.job({"frames": "1-2", "retries": 0, "params": {"output": "/out"}}, name="shot")
    while live := stage.live(worker):
        attempt = live[0]
        stage.end(worker, attempt, "success0" if attempt.task else "error", exit_code=13, reason="no camera")
    stage.wait(59)
    assert lines(stage) == []
    stage.wait(2)
    (alarm,) = alarms(stage)
    stage.do(ev.SkipAlarms([alarm.id], 30.0, "anna"))
    stage.wait(31)
    told = [row.data for row in stage.farm.records.values()]
    assert [(one["kind"], one["done"], one["failed"], one["outputs"]) for one in told] == [("job", 1, 1, ["/out"])] * 2
    assert [one["failures"][0]["reason"] for one in told] == ["no camera", "no camera"]


def test_disk_immortal_and_stalled_are_alarms_as_long_as_they_are_so() -> None:
    stage = Stage()
    rule(stage, "stuck", source="task.stalled", condition="", threshold=0.0)
    worker = stage.worker(slots=2)
    stage.job({"frames": "1-2"})
    first, second = stage.live(worker)
    stage.start(worker)
    session = stage.session(worker)
    stage.do(ev.Heartbeat(session, "only 512 MiB free in /data", True))
    stage.do(ev.Stalled(session, [(first.id, 1800.0)]))
    stage.do(ev.KillTasks(second.step_id, [second.task]))
    stage.do(ev.Immortal(session, [(second.id, 77)]))
    assert [(alarm.subject, alarm.level) for alarm in alarms(stage)] == [
        ("worker", "ALERT"), ("attempt", "WARNING"), ("attempt", "ALERT"),
    ]  # fmt: skip
    stage.do(ev.Stalled(session, [(first.id, 0.0)]))
    stage.do(ev.Heartbeat(session, ""))
    stage.end(worker, second, "killed")
    assert alarms(stage) == []


def test_a_worker_that_comes_and_goes_is_one_alarm_each_time() -> None:
    stage = Stage()
    for _ in range(3):  # a link that breaks for a moment is no news
        worker = stage.worker("w")
        stage.do(ev.Disconnected(stage.session(worker)))
        stage.wait(10)
    assert lines(stage) == []
    for round_ in range(1, 4):
        worker = stage.worker("w")
        stage.do(ev.Disconnected(stage.session(worker)))
        stage.wait(16)
        assert len(lines(stage, "WARNING")) == round_
    stage.wait(500)
    assert len(lines(stage, "WARNING")) == 3
    stage.do(ev.Delete("worker", [1]))
    stage.wait(1)
    assert alarms(stage) == []


def test_a_worker_that_does_not_come_back_after_a_restart_of_the_master_is_told() -> None:
    """The power was away for both; one that was shut down in order, or comes back in time, is no news."""
    stage = Stage()
    names = {name: stage.worker(name, boot=name) for name in ("gone", "back", "shut")}
    stage.do(ev.Disconnected(stage.session(names["shut"]), True))
    stage.now += 3600
    stage.turn(ev.Boot())
    stage.wait(20)
    stage.turn(ev.Boot())  # it was killed a second time
    assert {row.presence for row in stage.farm.workers.values()} == {"offline"}
    stage.wait(50)
    stage.worker("back")
    stage.wait(30)
    assert lines(stage) == ["Worker gone is lost: its connection is gone."]
    assert [alarm.about for alarm in alarms(stage)] == ["gone"]
    stage.worker("gone")
    stage.wait(1)
    assert alarms(stage) == []


def test_two_daemons_with_one_identity_are_an_alert_until_one_of_them_is_put_right() -> None:
    """RM-04, F16: the newer session wins each time; a daemon that was started anew is no twin."""
    stage = Stage()
    for boot in ("one", "two", "three"):
        stage.worker("render-01", boot=boot)
    assert lines(stage) == []
    for boot in ("two", "three", "two"):
        stage.now += 5
        stage.worker("render-01", boot=boot)
    (told,) = lines(stage, "ALERT")
    assert "render-01 (MAC 000000000001)" in told and "--name" in told
    assert [(alarm.about, alarm.count) for alarm in alarms(stage)] == [("render-01", 1)]
    stage.wait(61)
    assert [alarm.about for alarm in alarms(stage) if alarm.level == "ALERT"] == []


def test_the_masters_own_disk_is_an_alert_before_it_is_full_and_until_there_is_room() -> None:
    """CONTRACT 4.9, F06: a twentieth of it, 2 GiB at the most; told once, after a restart of the master too."""
    stage, gib = Stage(), 1 << 30
    for total, free, low in ((10 * gib, gib, False), (1000 * gib, 3 * gib, False), (1000 * gib, gib, True)):
        stage.do(ev.DiskRoom(free, total))
        assert [alarm.about for alarm in alarms(stage)] == (["master"] if low else [])
    stage.do(ev.DiskRoom(gib // 2, 1000 * gib))
    stage.farm.watch.room = None  # a start
    stage.turn(ev.Boot())
    stage.wait(3)
    stage.do(ev.DiskRoom(gib // 2, 1000 * gib))
    stage.wait(3)
    assert lines(stage, "ALERT") == [
        "The disk of the master is nearly full: 1024 of 1024000 MiB are free. When it is full, no change is taken."
    ]
    stage.do(ev.DiskRoom(9 * gib, 1000 * gib))
    stage.wait(1)
    assert alarms(stage) == []


def test_a_defect_in_a_source_costs_its_word_and_not_the_farm(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONTRACT 4.1.9: what the turn did stays, what the look at the alarms had begun does not."""
    stage = Stage()
    worker = stage.worker("render-01")
    before = list(stage.farm.records.values())

    def broken(farm: Any, data: Any) -> Any:
        raise KeyError("no such column")

    monkeypatch.setitem(SOURCES, "disk.low", structs.replace(SOURCES["disk.low"], find=broken))
    turn = stage.turn(ev.Heartbeat(stage.session(worker), "only 512 MiB free in /data", True))
    assert turn.defect is not None and "no such column" in turn.defect.message
    assert stage.farm.workers[worker].warning.startswith("only 512")
    assert list(stage.farm.records.values()) == before
