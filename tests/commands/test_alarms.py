"""Alarms, loggers and letters at a prompt: what people write, and what they read."""

from __future__ import annotations

import pytest
from core.builders import Stage, add_channel

from brender.commands import COMMANDS, complete
from brender.core import events as ev
from brender.errors import BrenderError, Invalid, NotFound, UnknownCommand

from .world import ask, call, say, shown, stage

HOT = "alarm rule add hot selector=*.temp,room=3 condition=above threshold=85 for=10s clear=80 level=alert"


def test_a_rule_is_written_in_words_and_says_what_it_looks_at() -> None:
    farm = stage()
    add_channel(farm, "gpu.temp", room="3")
    assert shown(farm, HOT) == [
        "OK alarm rule hot is there (id 8): above 85 for 10 s until 80, ALERT. It looks",
        "at 1 channel.",
    ]
    row = farm.farm.alarm_rules[8]
    assert (row.selector, row.lasting, row.clear, row.level) == (["*.temp", "room=3"], 10.0, 80.0, "ALERT")
    assert ask(farm, "alarm rule show hot")["for"] == 10.0
    shown(farm, "alarm rule set hot for=1m enabled=false")
    assert (row.lasting, row.enabled) == (60.0, False)
    assert shown(farm, "alarm rule delete hot") == ["OK 1 alarm rule deleted: hot."]


def test_a_rule_that_matches_nothing_says_so() -> None:
    """Bad input of issue 5."""
    farm = stage()
    assert "Nothing that is there now matches *.temp, room=3." in " ".join(shown(farm, HOT))
    lines = shown(farm, "alarm rule list")
    assert lines[-2] == "hot matches nothing that is there now: is the selector right?"
    assert "nothing" in next(line for line in lines if " hot " in line)


def test_a_noun_of_two_words_is_understood_in_every_place() -> None:
    farm = stage()
    for words in (["alarm", "rule", "list"], ["alarm-rule", "list"], ["ALARM", "Rule", "list"], ["alarm_rule", "list"]):
        assert COMMANDS.split(words)[0].name == "alarm_rule.list"
    assert COMMANDS.split(["alarm", "list", "firing"]) == (COMMANDS.rows["alarm.list"], ["firing"])
    assert COMMANDS.rows["alarm_rule.add"].words == "alarm rule add"
    assert shown(farm, "alarm rule")[0] == "alarm rule: when somebody is to be told"
    assert shown(farm, "help alarm rule add")[0].startswith("alarm rule add <name>")
    with pytest.raises(UnknownCommand, match="alarm rule has no verb 'lst'"):
        COMMANDS.split(["alarm", "rule", "lst"])
    asker = call(farm)
    words = lambda line: [item.text for item in complete(asker, line, len(line)).items]  # noqa: E731
    assert "rule" in words("alarm ")
    assert words("alarm rule d") == [*words("watch alarm rule d"), "delete"] == ["delete"]
    assert words("alarm rule delete di") == ["'disk low'"]
    assert words("al") == ["alarm", "alarms"]
    assert words("watch alarm rule l") == ["list"]


def test_alarms_are_read_acknowledged_and_skipped_at_the_prompt() -> None:
    farm = stage()
    assert "pending" in shown(farm, "alarm list")[1]
    farm.wait(16)
    lines = shown(farm, "alarm list")
    assert lines[1].startswith(" 1  firing  WARNING  1.0 s  worker lost  Worker weaver is lost")
    assert shown(farm, "farm status")[-1] == "! WARNING: Worker weaver is lost: its connection is gone. (alarm 1)"
    assert shown(farm, "alarm skip weaver for=2h")[0].startswith("OK alarm 1 (weaver) is skipped until ")
    assert "skipped 2 h" in shown(farm, "alarm list")[1]
    assert shown(farm, "alarm ack 1") == ["OK alarm 1 (weaver) is anna's: nobody is told of it again."]
    assert shown(farm, "alarm list firing")[0].startswith("No alarm")
    assert "acked_by  anna" in "\n".join(shown(farm, "alarm show 1"))
    with pytest.raises(NotFound, match="no alarm '7'"):
        ask(farm, "alarm ack 7")
    with pytest.raises(Invalid, match="No alarm selected"):
        ask(farm, "alarm ack")


def test_all_is_well_is_said_too() -> None:
    assert shown(Stage(), "alarm list") == ["No alarm: nothing is wrong, as far as 7 rules can tell."]
    assert shown(Stage(), "log flush") == ["OK nothing waits for HOURLY, DAILY, WEEKLY, so nothing is sent."]


def test_lines_are_written_and_digests_leave_at_the_prompt() -> None:
    farm = Stage()
    assert shown(farm, "log info render frame=7 is done") == [
        "OK line 1 of logger render is mailed with the DAILY digest."
    ]
    assert farm.farm.records[1].text == "frame=7 is done"
    assert shown(farm, "log config render INFO hourly") == [
        "OK logger render: DEBUG SILENTLY, INFO HOURLY, WARNING INSTANTANEOUSLY, ERROR",
        "INSTANTANEOUSLY, ALERT INSTANTANEOUSLY.",
    ]
    assert "Waiting: 1 line for DAILY." in " ".join(shown(farm, "log config render"))
    assert shown(farm, "log flush daily") == ["OK 1 line in 1 letter. See: delivery list"]
    assert shown(farm, "log debug render a trace") == ["OK line 2 of logger render is kept and not mailed."]
    assert shown(farm, "log test") == ["OK line 3 of logger farm is mailed at once."]
    lines = shown(farm, "delivery list")
    assert lines[0].split() == ["id", "state", "logger", "digest", "lines", "tried"]
    assert " ".join(lines[-2:]).endswith("Start it: brender up --credentials FILE, or brender notify.")
    farm.do(ev.TakeDelivery("here"))
    farm.do(ev.DeliveryFailed(1, "no route to host", final=True))
    assert "no route" in shown(farm, "delivery list failed")[1]
    assert "frame=7 is done" in "\n".join(shown(farm, "delivery show 1"))
    assert shown(farm, "delivery retry failed") == ["OK 1 letter to be sent now. See: delivery list"]
    assert shown(farm, "delivery drop 1") == ["OK 1 letter dropped; what was to be said stays in the log: log list"]
    assert [row.id for row in farm.farm.deliveries.values()] == [2]


@pytest.mark.parametrize(("line", "said"), [
    ("log config render INFO sometimes", "no schedule 'sometimes'"),
    ("log write render loud x", "no level 'loud'"),
    ("log config render sinks=slack://token", "credentials"),
    ("delivery retry 99", "no delivery '99'"),
    ("delivery drop 99", "no delivery '99'"),
    ("delivery drop", "No delivery selected"),
    ("alarm rule add x condition=over threshold=1", "condition is above"),
    ("alarm rule add x condition=above threshold=warm", "does not fit"),
    ("alarm rule add x volume=11", "no attribute 'volume'"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_words(line: str, said: str) -> None:
    with pytest.raises(BrenderError, match=said):
        say(Stage(), line)


def test_who_may_only_look_changes_nothing() -> None:
    farm = stage()
    farm.wait(16)
    lines = (
        "alarm ack 1",
        "log alert x y",
        "log flush",
        "delivery retry all",
        "delivery drop all",
        "alarm rule delete hot",
    )
    for line in lines:
        row, params = COMMANDS.resolve(line.split())
        with pytest.raises(BrenderError, match="needs the role operator"):
            COMMANDS.run(call(farm, role="viewer"), row, params)
    assert shown(farm, "alarm list", 80) == shown(farm, "alarms", 80)
