"""Schedules as people and programs make them: checked when they are made, run as their owner, told in words."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from core.builders import Stage

from brender.commands import COMMANDS, TABLE, complete, said
from brender.commands.nested import NOT_NOUNS
from brender.commands.text import render
from brender.core import events as ev
from brender.core.rows import Schedule
from brender.errors import BrenderError, Forbidden, Invalid, InvalidParams, NotFound, Unsupported, WrongState

from . import world
from .clocks import NOON, at_noon, fire, make

SPOKEN = [row for row in TABLE if row.spoken and row.noun not in NOT_NOUNS]


@pytest.fixture
def stage() -> Stage:
    return at_noon()


@pytest.mark.parametrize(
    ("line", "kind", "method", "params"),
    [
        ("once-after 10m job run effects", "once_after", "job.run", {"job": "effects"}),
        ("once-o-clock 60 job.run job=effects", "once_o_clock", "job.run", {"job": "effects"}),
        ("once_o_clock 1h disable tag=gpu", "once_o_clock", "worker.disable", {"workers": ["tag=gpu"]}),
        ("once-when 2040-01-01 enable all", "once_when", "worker.enable", {"workers": ["all"]}),
        ("repeat-every 1w job run -p film -w shot -t render", "repeat_every", "job.run",
         {"job": "shot", "step": "render", "project": "film"}),
        ("repeat-o-clock 1h job priority shot 80 -p film", "repeat_o_clock", "job.priority",
         {"job": "shot", "priority": 80, "project": "film"}),
        ("cron '0 8 * * *' job create x function=noop name=y tz=z params={\"a\":1} --run", "", "", {}),
        ("cron '0 8 * * *' tz=Europe/Madrid name=n job create x function=noop frames=1-9 --run", "cron", "job.create",
         {"name": "x", "function": "noop", "frames": "1-9", "run": True}),
        ("repeat-every 5m misfire=run_once overlap=queue worker wake all --when-needed", "repeat_every", "worker.wake",
         {"workers": ["all"], "when_needed": True}),
    ],
)  # fmt: skip
def test_whatever_follows_the_first_word_of_a_command_belongs_to_it(
    stage: Stage, line: str, kind: str, method: str, params: dict[str, Any]
) -> None:
    """REQUIREMENTS 8.3: options stand before the command; those behind it are the command's own."""
    if not kind:
        with pytest.raises(InvalidParams, match="given twice"):
            make(stage, line)
        return
    row = make(stage, line)
    assert (row.kind, row.method, row.params) == (kind, method, params)
    if "misfire" in line:
        assert (row.misfire, row.overlap) == ("run_once", "queue")


def test_json_names_a_method_with_params_and_may_say_it_in_words(stage: Stage) -> None:
    """REQUIREMENTS 8.3: schedule.once_after {seconds, method, params}."""

    def say(params: dict[str, Any]) -> Schedule:
        row, read = COMMANDS.read("schedule.once_after", params)
        answer = stage.do(COMMANDS.run(world.call(stage), row, read))
        return stage.farm.schedules[answer["row"]["id"]]

    first = say({"seconds": 60, "method": "job.run", "params": {"job": "effects"}})
    assert (first.seconds, first.method, first.params) == (60, "job.run", {"job": "effects"})
    assert say({"seconds": "1m", "command": "job run 'effects'"}).params == first.params
    assert say({"seconds": 0.5, "command": ["run", "effects"]}).method == "job.run"
    for wrong in ({}, {"method": "job.run", "command": "enable all"}, {"command": "enable 'all"}):
        with pytest.raises(InvalidParams):
            say({"seconds": 1, **wrong})


@pytest.mark.parametrize(
    ("line", "error", "said_"),
    [
        ("once-after 1m enabel all", BrenderError, "Did you mean"),
        ("once-after 1m enable rendr-01", NotFound, "Did you mean render-01"),
        ("once-after 1m job run nothere", NotFound, "no job 'nothere'"),
        ("once-after 1m job run", InvalidParams, "needs <job>"),
        ("once-after 1m", InvalidParams, "runs one command"),
        ("once-after soon enable all", Invalid, "no stretch of time"),
        ("once-when yesterday enable all", Invalid, "no moment"),
        ("once-when 2026-01-01 enable all", Invalid, "over"),
        ("cron '0 8 * *' enable all", Invalid, "no cron expression"),
        ("cron '0 8 * * *' tz=Mars enable all", Invalid, "no time zone"),
        ("repeat-o-clock 1h 61m enable all", Invalid, "less than its period"),
        ("once-after 1m quit", Unsupported, "concerns only a session"),
        ("once-after 1m help enable", Unsupported, "concerns only a session"),
        ("once-after 1m worker", Unsupported, "concerns only a session"),
        ("once-after 1m select_project film", Unsupported, "looks on"),
        ("once-after 1m job watch advert/shot", Unsupported, "looks on"),
        ("once-after 1m task log effects/sim", Unsupported, "looks on"),
        ("once-after 1m subscribe", Unsupported, "looks on"),
        ("once-after 1m once-after 1m enable all", Unsupported, "neither makes nor runs"),
        ("once-after 1m schedule run-now x", Unsupported, "neither makes nor runs"),
        ("once-after 1m job create -f film.json", Unsupported, "film.json"),
        ("show 77", NotFound, "no schedule '77'"),
        ("remove nightley", NotFound, "no schedule"),
    ],
)
def test_a_slip_ends_when_the_schedule_is_made(stage: Stage, line: str, error: type, said_: str) -> None:
    stage.do(ev.RunJob(3))
    with pytest.raises(error) as caught:
        make(stage, line)
    assert said_ in caught.value.sentence()
    assert stage.farm.schedules == {}


def test_a_command_of_many_words_is_no_schedule(stage: Stage) -> None:
    with pytest.raises(Invalid, match="longer than"):
        make(stage, f"once-after 1m job create x function=echo params='{['x' * 70_000]}'")


def test_a_schedule_may_do_what_its_owner_may(stage: Stage) -> None:
    """DESIGN 9: the role is checked when it is made, and again when it runs."""
    with pytest.raises(Forbidden):
        make(stage, "once-after 1m job stop-all", role="operator")
    with pytest.raises(Forbidden):
        make(stage, "once-after 1m enable all", role="artist")
    row = make(stage, "repeat-every 1m enable all", role="operator", name="olga")
    assert (row.owner, row.role) == ("olga", "operator")
    row.role = "viewer"  # as after a change of what the role may
    assert fire(stage, row)["code"] == Forbidden.code
    row.role = "operator"
    assert fire(stage, row)["outcome"] == "ok"


def test_it_takes_effect_and_says_what_became_of_it(stage: Stage) -> None:
    row = make(stage, "repeat-every 1m enable all")
    assert fire(stage, row)["said"].startswith("OK 1 worker enabled: render-02.")
    assert {worker.admin_state for worker in stage.farm.workers.values()} == {"enabled"}
    assert fire(stage, row)["said"].startswith("OK no workers enabled.")
    assert row.runs == 2


def test_a_selector_is_read_anew_at_each_run(stage: Stage) -> None:
    row = make(stage, "repeat-every 1m disable tag=gpu")
    stage.do(ev.Update("worker", [3], {"tags": ["gpu"]}))
    fire(stage, row)
    assert stage.farm.workers[3].admin_state == "disabled"


@pytest.mark.parametrize(
    ("line", "code"),
    [("job run effects", NotFound.code), ("job stop effects", NotFound.code), ("worker set weaver tags=a", 1003)],
)
def test_one_whose_command_is_refused_says_so_and_goes_on(stage: Stage, line: str, code: int) -> None:
    """RM-43: what it names is gone, or its rule says no."""
    row = make(stage, f"repeat-every 1m {line}")
    stage.do(ev.Delete("job", [stage.farm.jobs[2].id]))
    stage.do(ev.Delete("worker", [3]))
    last = fire(stage, row)
    assert (last["outcome"], last["code"], row.state) == ("error", code, "armed")
    assert row.next_at == stage.now + 60


def test_one_whose_rule_says_no_says_so_and_leaves_no_trace(stage: Stage) -> None:
    row = make(stage, "repeat-every 1m worker delete render-01")
    last = fire(stage, row)
    assert (last["outcome"], last["code"]) == ("error", 1005)
    assert "only one away can be deleted" in last["said"]
    assert 1 in stage.farm.workers


def test_one_whose_command_left_the_table_says_so_and_goes_on(stage: Stage) -> None:
    row = make(stage, "repeat-every 1m enable all")
    row.method = "worker.bless"
    assert fire(stage, row)["code"] == -32601
    row.method, row.params = "worker.enable", {"wrokers": ["all"]}
    assert fire(stage, row)["code"] == -32602
    assert row.state == "armed"


def test_a_defect_of_a_command_ends_its_run_and_nothing_else(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    row = make(stage, "repeat-every 1m farm status")

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("brender.commands.farm.progress", broken)
    assert fire(stage, row)["code"] == -32603


def test_undo_takes_back_what_people_did_and_nothing_that_a_schedule_did_for_them(stage: Stage) -> None:
    """What the schedule changed since is left alone, and said."""
    world.ask(stage, "disable weaver")
    fire(stage, make(stage, "repeat-every 1m enable weaver"))
    found = world.ask(stage, "undo")
    assert (found["done"], [one["why"] for one in found["left"]]) == ([], ["changed"])
    with pytest.raises(WrongState, match="nothing to undo"):
        world.ask(stage, "undo")
    assert stage.farm.workers[3].admin_state == "enabled"


def test_a_session_keeps_its_project_in_what_it_schedules(stage: Stage) -> None:
    """SP-18: two jobs are called shot; the current project says which."""
    row = make(stage, "repeat-every 1m job run shot", project="film")
    assert fire(stage, row)["outcome"] == "ok"
    assert [job.run for job in stage.farm.jobs.values() if job.name == "shot"] == [1, 0]


def test_one_that_removes_itself_is_gone(stage: Stage) -> None:
    row = make(stage, "repeat-every 1m name=self farm save")
    row.method, row.params = "schedule.remove", {"uuid": "self"}
    fire(stage, row)
    assert stage.farm.schedules == {}


def test_a_schedule_is_named_by_uuid_its_first_letters_name_or_id(stage: Stage) -> None:
    row = make(stage, "once-after 1h name=nightly enable all")
    same = row.uuid[:6]
    twin = {"uuid": same + "00", "kind": "once_after", "seconds": 9.0, "method": "farm.save"}
    stage.do(ev.Create("schedule", twin))
    for word in (row.uuid, row.uuid[:8].upper(), "nightly", str(row.id)):
        assert world.ask(stage, f"schedule show {word}")["id"] == row.id
    with pytest.raises(Invalid, match="2 schedules have a uuid that begins"):
        world.ask(stage, f"remove {same}")
    with pytest.raises(NotFound):
        world.ask(stage, f"remove {row.uuid[:3]}")
    assert world.ask(stage, f"remove {row.uuid[:8]}")["deleted"][0]["uuid"] == row.uuid


def test_an_offset_may_stand_before_the_command(stage: Stage) -> None:
    """RM-41: repeat_o_clock_with_offset(period, offset, …)."""
    words = "repeat_o_clock_with_offset 1h 5m job run effects"
    one = stage.farm.schedules[world.ask(stage, words)["row"]["id"]]
    two = make(stage, "repeat-o-clock 1h offset=300 job run effects")
    assert (one.seconds, one.offset, one.params) == (two.seconds, two.offset, two.params) == (3600, 300, two.params)


def test_local_is_the_zone_of_the_masters_machine(stage: Stage) -> None:
    row, read = COMMANDS.resolve(shlex.split("schedule cron '0 8 * * *' tz=local enable all"))
    call = world.call(stage)
    call.zone = "America/Havana"
    assert stage.do(COMMANDS.run(call, row, read))["row"]["tz"] == "America/Havana"


def test_a_moment_is_read_in_its_zone(stage: Stage) -> None:
    def when(words: str) -> float:
        return make(stage, f"once-when {words} enable all").timestamp

    assert when("2027-07-01T20:00 tz=Europe/Madrid") == when("2027-07-01T18:00") == when("2027-07-01T20:00+02:00")
    assert when("1900000000.5") == 1_900_000_000.5


# ---- words


@pytest.mark.parametrize("row", SPOKEN, ids=lambda row: row.name)
def test_a_command_told_in_words_means_the_same_again(row: Any) -> None:
    """What schedule list shows can be typed."""
    found, params = COMMANDS.resolve(shlex.split(row.example))
    given = COMMANDS.signature(found).given(params)
    again = COMMANDS.resolve(shlex.split(said.line(COMMANDS, found.name, given)))
    assert again == (found, params)


def test_awkward_values_are_quoted() -> None:
    line = said.line(COMMANDS, "job.create", {"name": "a b", "params": {"x": ["it's"]}, "project": "", "run": False})
    row, params = COMMANDS.resolve(shlex.split(line))
    assert COMMANDS.signature(row).given(params)["params"] == '{"x": ["it\'s"]}'
    assert said.line(COMMANDS, "no.such", {"a": 1}) == 'no.such {"a": 1}'


def test_the_list_says_what_when_and_what_became_of_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.localtime", lambda at: __import__("time").gmtime(at))
    make(stage, "cron '30 13 * * Mon-Fri' tz=Europe/Madrid name=noon enable all")
    missed = make(stage, "once-after 2h job run effects")
    fire(stage, make(stage, "repeat-every 90s disable render-01"))
    stage.turn(ev.Fire(missed.id, missed.next_at or 0.0), ev.ScheduleEnded(missed.id, 1, "error", "No.", 1003))
    make(stage, "repeat-o-clock 1d offset=30m farm save")
    text = render("schedule.list", world.ask(stage, "schedule list"))
    for part in (
        "noon: worker enable all",
        "at 13:30 on Monday through Friday",
        "next today 12:30, in 28 min",
        "every 90 s; next today 12:03, in 90 s",
        "1 run, the last 0.0 s ago: OK 1 worker disabled: render-01.",
        "at every multiple of 1 d and 30 min, UTC; next Sat 16 Jan 00:30, in 12 h 28 min",
        "has not run yet.",
        "4 schedules.",
    ):
        assert part in " ".join(text.split()), part
    assert max(map(len, text.splitlines())) <= 80


def test_every_answer_of_the_noun_has_words_of_its_own(stage: Stage) -> None:
    make(stage, "repeat-every 1h name=hourly enable all")
    lines = {
        "schedule running": "Yes: 1 of 1 schedule armed, the next in",
        "schedule pause hourly": "OK schedule hourly is paused.",
        "schedule resume hourly": "OK schedule hourly goes on: next",
        "schedule run-now hourly": "OK schedule hourly runs now.",
        "schedule stop": "OK schedules are stopped: 1 schedule held.",
        "is_running": "No: 1 schedule stopped.",
        "schedule start": "OK schedules run: 1 schedule armed.",
        "schedule start ": "OK nothing changed: schedules run already.",
        "schedule show hourly": "id       1",
        "schedule remove hourly": "OK 1 schedule deleted: hourly.",
        "schedules": "There is no schedule.",
    }
    for line, begin in lines.items():
        assert world.shown(stage, line)[0].startswith(begin), line


def test_a_schedule_that_was_run_by_hand_while_it_was_paused_goes_on(stage: Stage) -> None:
    row = make(stage, "repeat-every 1h name=x enable all")
    world.ask(stage, "schedule pause x")
    world.ask(stage, "schedule run-now x")
    fire(stage, row)
    assert row.state == "paused"
    assert world.shown(stage, "schedule resume x")[0].startswith("OK schedule x goes on: next")


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ({"outcome": "missed", "due": NOON, "at": NOON + 60}, "missed today 12:00: nobody could run it in time."),
        ({"outcome": "unknown", "at": NOON}, "it was done, but the master stopped before it had the answer."),
        ({"outcome": "error", "said": "No.", "code": 1005}, "ERR 1005 No."),
    ],
)
def test_how_a_run_ended_is_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, last: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr("time.localtime", lambda at: __import__("time").gmtime(at))
    row = make(stage, "repeat-every 1h enable all")
    fire(stage, row)
    row.last_result = last
    assert words in " ".join(" ".join(world.shown(stage, "schedule list")).split())


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("schedule once-", ["once-after", "once-o-clock", "once-when"]),
        ("schedule once-after 10m wor", ["worker", "workers"]),
        ("schedule once-after 10m worker disa", ["disable"]),
        ("schedule once-after 10m worker disable rend", ["render-01", "render-02"]),
        ("schedule once-after 10m job create x --ru", ["--run"]),
        ("schedule cron '0 8 * * *' tz=Europe/Mad", ["tz=Europe/Madrid"]),
        ("schedule once-after 10m misf", ["misfire="]),
    ],
)
def test_tab_completes_the_command_in_the_command(line: str, wanted: list[str]) -> None:
    assert [one.text for one in complete(world.call(world.stage()), line, len(line)).items] == wanted
