"""What happens on the farm and is an alarm: jobs, disks, workers, each by its source."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from brender.core import events as ev
from brender.core.sources import SOURCES

from .alarming import alarms, lines, quiet, rule
from .builders import Stage


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


def test_a_worker_that_was_cut_off_just_before_the_master_stopped_has_its_time_to_come_back() -> None:
    """A stop of the whole farm told every machine as lost at its next start: nobody was there to hear of it."""
    stage = Stage()
    for name in ("back", "gone"):
        stage.do(ev.Disconnected(stage.session(stage.worker(name, boot=name))))
    stage.wait(16)
    stage.worker("back", boot="back")
    stage.do(ev.Disconnected(stage.session(1)))
    stage.wait(10)
    assert [(alarm.about, alarm.state) for alarm in alarms(stage)] == [("gone", "firing"), ("back", "pending")]
    told = len(lines(stage))
    stage.now += 600
    stage.turn(ev.Boot())
    stage.wait(20)
    assert len(lines(stage)) == told
    stage.worker("back", boot="back")
    stage.wait(44)
    assert len(lines(stage)) == told
    assert [alarm.about for alarm in alarms(stage)] == ["gone"]


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
