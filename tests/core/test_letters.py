"""Loggers and the outbox, with a clock that is a number: what is mailed when; nothing is lost, nothing sent twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brender.config import Settings
from brender.core import events as ev
from brender.core.lifecycle import DIGESTS, LEVELS
from brender.core.rows import Delivery

from .builders import Stage

DAY = 86_400.0


def write(stage: Stage, level: str, text: str = "a line", logger: str = "render", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = stage.do(ev.WriteLog(logger, level, text, **more))
    return found


def take(stage: Stage, holder: str = "here", fresh: bool = False) -> dict[str, Any] | None:
    found: dict[str, Any] | None = stage.do(ev.TakeDelivery(holder, fresh))["delivery"]
    return found


def letters(stage: Stage) -> list[Delivery]:
    return list(stage.farm.deliveries.values())


def texts(letter: dict[str, Any] | None) -> list[str]:
    assert letter is not None
    return [one["text"] for one in letter["records"]]


def test_the_usual_schedules_are_those_of_the_seed() -> None:
    """RM-08, RM-09, RM-10."""
    stage = Stage()
    found = {level: write(stage, level)["schedule"] for level in LEVELS}
    assert found == {
        "DEBUG": "SILENTLY",
        "INFO": "DAILY",
        "WARNING": "INSTANTANEOUSLY",
        "ERROR": "INSTANTANEOUSLY",
        "ALERT": "INSTANTANEOUSLY",
    }


def test_a_level_is_configured_for_one_logger() -> None:
    """RM-07: another logger has its own; a level or schedule that is none is refused."""
    stage = Stage()
    stage.do(ev.ConfigLogger("render", "info", "weekly"))
    assert write(stage, "INFO")["schedule"] == "WEEKLY"
    assert write(stage, "INFO", logger="other")["schedule"] == "DAILY"
    assert "no level 'LOUD'" in stage.refused(ev.ConfigLogger("render", "LOUD", "DAILY")).message
    error = stage.refused(ev.ConfigLogger("render", "INFO", "DALY"))
    assert ("no schedule 'DALY'" in error.message, "DAILY" in error.hint) == (True, True)
    assert "go together" in stage.refused(ev.ConfigLogger("render", "INFO")).message
    assert "credentials" in stage.refused(ev.ConfigLogger("render", sinks=["slack://x/y"])).message


def test_silent_lines_are_written_down_and_never_mailed() -> None:
    """RM-12."""
    stage = Stage()
    turn = stage.turn(ev.WriteLog("render", "DEBUG", "a trace"))
    assert [change.table for change in turn.changes] == ["logger", "record"]
    assert (stage.farm.records, letters(stage)) == ({}, [])


def test_an_instant_line_is_a_letter_now() -> None:
    """RM-12."""
    stage = Stage()
    write(stage, "ALERT", "water in the machine room", host="nas", mac="0200000000aa")
    letter = take(stage)
    assert letter is not None
    assert (letter["logger"], letter["schedule"], letter["level"]) == ("render", "INSTANTANEOUSLY", "ALERT")
    assert [(one["text"], one["host"], one["mac"]) for one in letter["records"]] == [
        ("water in the machine room", "nas", "0200000000aa")
    ]
    assert take(stage) is None


def test_a_digest_has_all_its_lines_in_the_order_of_time_and_an_empty_one_is_not_sent() -> None:
    """RM-12."""
    stage = Stage()
    for number in range(30):
        stage.now += 1
        write(stage, "INFO", f"frame {number}")
        write(stage, "INFO", "elsewhere", logger="other")
    assert letters(stage) == []
    said = stage.do(ev.FlushLog("DAILY"))
    assert (len(said["deliveries"]), said["lines"]) == (2, 60)
    assert texts(take(stage)) == [f"frame {number}" for number in range(30)]
    assert stage.do(ev.FlushLog("DAILY"))["deliveries"] == []
    assert stage.do(ev.FlushLog("HOURLY"))["deliveries"] == []
    assert "no schedule 'SILENTLY'" in stage.refused(ev.FlushLog("SILENTLY")).message


def test_a_digest_that_grows_too_long_leaves_before_its_time() -> None:
    stage = Stage(settings=Settings(digest_lines=10))
    for number in range(25):
        write(stage, "INFO", str(number))
    assert [len(texts(take(stage))) for _ in letters(stage)] == [10, 10]
    stage.do(ev.FlushLog("DAILY"))
    assert texts(take(stage)) == ["20", "21", "22", "23", "24"]


def test_while_nobody_can_send_lines_gather_in_one_letter() -> None:
    """A letter that somebody took already is closed: under its Message-ID stands always the same."""
    stage = Stage()
    for number in range(3):
        write(stage, "ERROR", str(number))
    letter = take(stage)
    write(stage, "ERROR", "later")
    assert texts(letter) == ["0", "1", "2"]
    assert texts(take(stage)) == ["later"]


def test_a_dead_server_for_a_day_loses_nothing_and_is_asked_ever_more_rarely() -> None:
    """F-mail: the outbox survives a day without SMTP."""
    stage = Stage()
    write(stage, "ALERT", "fire")
    waits, ends = [], stage.now + DAY
    while stage.now < ends:
        letter = take(stage)
        assert letter is not None
        said = stage.do(ev.DeliveryFailed(letter["id"], "connection refused"))
        waits.append(said["next_at"] - stage.now)
        stage.now = said["next_at"]
    assert waits[:4] == [30.0, 60.0, 120.0, 240.0]
    assert max(waits) == 3600.0
    assert len(waits) < 35
    stage.turn(ev.Tick())
    letter = take(stage)
    assert texts(letter) == ["fire"]
    assert letter is not None
    stage.do(ev.DeliverySent(letter["id"], ["anna@example.org"]))
    assert (letters(stage), stage.farm.records) == ([], {})


def test_a_letter_that_cannot_be_sent_for_three_days_is_given_up_kept_and_can_be_sent_by_hand() -> None:
    stage = Stage()
    write(stage, "ALERT", "fire")
    stage.now += 3 * DAY + 1
    turn = stage.turn(ev.Tick())
    assert [topic for topic, _ in turn.notices if topic.startswith("delivery.")] == [
        "delivery.failed",
        "delivery.changed",
    ]
    assert [row.state for row in letters(stage)] == ["failed"]
    assert "no brender notify" in letters(stage)[0].error
    stage.do(ev.RetryDeliveries([1]))
    assert texts(take(stage)) == ["fire"]


def test_one_refused_recipient_does_not_stop_the_others() -> None:
    """Bad input of issue 5: who has it is not sent to again, who never will is named."""
    stage = Stage()
    write(stage, "ALERT")
    letter = take(stage)
    assert letter is not None
    stage.do(ev.DeliveryFailed(letter["id"], "greylisted: bob@x", ["anna@x"], {"nobody@x": "550 no such user"}))
    stage.now += 60
    again = take(stage)
    assert again is not None
    assert (again["done"], again["refused"]) == (["anna@x"], {"nobody@x": "550 no such user"})
    assert again["message_id"] == letter["message_id"]
    turn = stage.turn(ev.DeliverySent(letter["id"], ["bob@x"]))
    (told,) = [data for topic, data in turn.notices if topic == "delivery.sent"]
    assert (told["done"], list(told["refused"])) == (["anna@x", "bob@x"], ["nobody@x"])


def test_what_can_never_be_sent_is_given_up_at_once() -> None:
    stage = Stage()
    write(stage, "ALERT")
    stage.do(ev.TakeDelivery("here"))
    assert stage.do(ev.DeliveryFailed(1, "all refused", final=True))["state"] == "failed"
    assert stage.do(ev.DeliverySent(1))["state"] == "sent"  # its sender had been cut off: the truth counts


def test_a_sender_that_dies_gives_its_letter_back_when_its_lease_ends_or_it_starts_anew() -> None:
    """Kill -9 between send and report: at least once, the same Message-ID."""
    stage = Stage()
    write(stage, "ALERT")
    first = take(stage)
    assert (take(stage), take(stage, "elsewhere", fresh=True)) == (None, None)
    again = take(stage, fresh=True)
    assert first is not None and again is not None
    assert again["message_id"] == first["message_id"]
    assert stage.do(ev.TakeDelivery("here"))["wait"] == 120.0
    stage.now += 120
    assert take(stage, "elsewhere") is not None


def test_a_letter_under_way_is_neither_retried_by_hand_nor_given_up() -> None:
    stage = Stage()
    write(stage, "ALERT")
    stage.now += 3 * DAY - 1
    take(stage)
    stage.wait(5)
    assert [row.state for row in letters(stage)] == ["queued"]
    assert "being sent by here" in stage.refused(ev.RetryDeliveries([1])).message


def test_letters_that_were_given_up_are_kept_up_to_a_number() -> None:
    stage = Stage(settings=Settings(failed_deliveries=3))
    for number in range(5):
        write(stage, "ALERT", str(number))
        stage.do(ev.TakeDelivery("here"))
        stage.do(ev.DeliveryFailed(number + 1, "no", final=True))
    assert [row.id for row in letters(stage)] == [3, 4, 5]
    assert len(stage.farm.records) == 3


def test_a_clock_that_was_a_day_ahead_when_the_master_last_ran_holds_no_letter_back() -> None:
    """F24: the rows say tomorrow; the letter waits no longer than any other that failed."""
    stage = Stage()
    write(stage, "ALERT", "fire")
    letter = take(stage)
    assert letter is not None
    stage.do(ev.DeliveryFailed(letter["id"], "connection refused"))
    core, now = stage.core, stage.now - DAY
    stage.farm.now = now  # as in a process that starts anew
    core.turn([ev.Boot()], now)
    (row,) = letters(stage)
    assert row.next_at - now <= 3600.0
    assert row.expires_at - now <= 3 * DAY


def test_lines_and_letters_are_dated_by_the_clock_on_the_wall() -> None:
    """F24: it was put right after the master had started."""
    stage = Stage()
    stage.do(ev.ClockMoved(3 * DAY))
    write(stage, "ALERT", "fire")
    letter = take(stage)
    assert letter is not None
    assert letter["created_at"] == letter["records"][0]["at"] == stage.now + 3 * DAY


@pytest.mark.parametrize("text", ["x" * 4001])
def test_a_line_that_is_too_long_is_refused(text: str) -> None:
    stage = Stage()
    assert "4000 characters" in stage.refused(ev.WriteLog("render", "INFO", text)).message


@settings(max_examples=60)
@given(st.data())
def test_every_line_that_is_to_be_mailed_is_mailed_whatever_fails(data: st.DataObject) -> None:
    """Random levels, digests, deaths and failures: in the end each line was in a letter that is out, in order, once
    for each Message-ID."""
    stage = Stage(settings=Settings(digest_lines=7, instant_lines=3))
    stage.do(ev.Delete("alarm_rule", list(stage.farm.alarm_rules)))
    wanted: list[str] = []
    out: dict[str, list[str]] = {}
    for number in range(data.draw(st.integers(1, 25))):
        stage.now += data.draw(st.sampled_from([0.0, 1.0, 50.0]))
        level = data.draw(st.sampled_from(LEVELS))
        write(stage, level, str(number))
        wanted += [str(number)] if level != "DEBUG" else []
        deed = data.draw(st.sampled_from(["take", "fail", "die", "send", "flush", "nothing"]))
        if deed == "flush":
            stage.do(ev.FlushLog(data.draw(st.sampled_from(["", *DIGESTS]))))
        letter = take(stage, fresh=deed == "die") if deed in ("take", "fail", "die", "send") else None
        if letter is not None:
            _act(stage, deed, letter, out)
    stage.do(ev.FlushLog())
    while letters(stage):
        stage.now += 3600
        letter = take(stage)
        assert letter is not None
        _act(stage, "send", letter, out)
    assert sorted((text for found in out.values() for text in found), key=int) == sorted(wanted, key=int)
    assert all(found == sorted(found, key=int) for found in out.values())
    assert (stage.farm.records, stage.farm.watch.digests, stage.farm.watch.letters) == ({}, {}, {})


def _act(stage: Stage, deed: str, letter: dict[str, Any], out: dict[str, list[str]]) -> None:
    if deed in ("send", "die"):  # it dies after the server took it, before the master heard of that
        known = out.setdefault(letter["message_id"], texts(letter))
        assert known == texts(letter), "two letters under one Message-ID"
    if deed == "send":
        stage.do(ev.DeliverySent(letter["id"], ["anna@x"]))
    elif deed == "fail":
        stage.do(ev.DeliveryFailed(letter["id"], "no"))


@pytest.mark.parametrize("state", ["queued", "retrying", "failed"])
def test_a_letter_that_nobody_wants_is_dropped(state: str) -> None:
    """It leaves the outbox for good, its lines stay in the log, and the letters beside it are none the worse."""
    stage = Stage()
    write(stage, "ALERT", "unwanted")
    if state != "queued":
        take(stage)
        stage.do(ev.DeliveryFailed(1, "no route to host", final=state == "failed"))
    write(stage, "ALERT", "wanted", logger="other")
    assert stage.farm.deliveries[1].state == state
    turn = stage.turn(ev.DropDeliveries([1], "anna"))
    assert turn.answers[0]["deliveries"] == [1]
    assert [row.id for row in letters(stage)] == [2]
    told = {"id": 1, "logger": "render", "error": stage_error(state), "by": "anna"}
    assert ("delivery.dropped", told) in turn.notices
    assert texts(take(stage)) == ["wanted"]
    assert ("record", 1) in {(change.table, change.id) for change in turn.changes if change.op == "put"}
    assert "no delivery 1" in stage.refused(ev.RetryDeliveries([1])).message


def stage_error(state: str) -> str:
    return "" if state == "queued" else "no route to host"


def test_a_letter_under_way_is_not_dropped_and_all_stay_when_one_cannot_go() -> None:
    stage = Stage()
    write(stage, "ALERT", "under way")
    write(stage, "ALERT", "waits", logger="other")
    take(stage)
    error = stage.refused(ev.DropDeliveries([2, 1], "anna"))
    assert "being sent by here" in error.message and error.hint
    assert [row.id for row in letters(stage)] == [1, 2]
    stage.do(ev.DeliverySent(1, ["anna@example.org"]))
    assert stage.do(ev.DropDeliveries([2], "anna"))["deliveries"] == [2]
