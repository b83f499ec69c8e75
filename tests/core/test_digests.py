"""The digests are ordinary schedules (RM-14)."""

from __future__ import annotations

from brender.core import events as ev

from .builders import Stage


def test_a_farm_starts_with_a_schedule_for_each_digest_and_makes_only_what_is_absent() -> None:
    stage = Stage()
    stage.do(ev.ArmDigests("Europe/Moscow"))
    found = {row.name: (row.method, row.params["schedule"], row.state) for row in stage.farm.schedules.values()}
    assert found == {f"log {one.lower()}": ("log.flush", one, "armed") for one in ("HOURLY", "DAILY", "WEEKLY")}
    daily = stage.farm.schedule_named("log daily")
    assert daily is not None and daily.next_at is not None
    assert daily.next_at % 86_400 == 4 * 3600  # 07:00 in Moscow
    stage.do(ev.PauseSchedule(daily.id, True))
    stage.do(ev.Delete("schedule", [1]))
    stage.turn(ev.Boot(), ev.ArmDigests())
    assert [(row.name, row.state) for row in stage.farm.schedules.values()] == [
        ("log daily", "paused"),
        ("log weekly", "armed"),
        ("log hourly", "armed"),
    ]
