"""Schedules as people and programs make them: checked when they are made, run as their owner, told in words."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from core.builders import Stage, at_once

from brender.commands import COMMANDS, TABLE, complete, said
from brender.commands.calls import Call, Packet, Wake, Who
from brender.commands.firing import ended, firing
from brender.commands.nested import NOT_NOUNS
from brender.commands.text import render
from brender.core import events as ev
from brender.core.farm import Schedule
from brender.errors import BrenderError, Forbidden, Invalid, InvalidParams, NotFound, Unsupported, WrongState

from . import world

SPOKEN = [row for row in TABLE if row.spoken and row.noun not in NOT_NOUNS]
NOON = 1_800_014_400.0  # Friday 15 January 2027, 12:00 UTC


@pytest.fixture
def stage() -> Stage:
    made = world.stage()
    made.now = NOON
    made.turn(ev.Tick())
    return made


def make(stage: Stage, line: str, **caller: Any) -> Schedule:
    answer = world.ask(stage, f"schedule {line}", **caller)
    return stage.farm.schedules[answer["row"]["id"]]


def fire(stage: Stage, row: Schedule) -> dict[str, Any]:
    """What becomes of it when it is due."""
    assert row.next_at is not None
    stage.now = row.next_at
    one = firing(
        stage.farm,
        row.id,
        stage.now,
        stage.core.settings,
        lambda who, project: Call(stage.farm, who, COMMANDS, stage.now, project=project),
    )
    turn = stage.turn(*one.events)
    if one.asks:
        stage.turn(ended(one, turn.answers[-1]))
    elif one.act is not None:
        stage.turn(ended(one, {"act": one.act}))
    return row.last_result


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


# ---- calendars


def told(stage: Stage, line: str) -> str:
    """What a person reads, without the ends of lines."""
    return " ".join(" ".join(world.shown(stage, line)).split())


def calendar(stage: Stage, line: str) -> Any:
    return world.ask(stage, f"worker calendar {line}")


def test_a_calendar_enables_inside_its_windows_and_disables_outside(stage: Stage) -> None:
    """It says at once what its windows say now, then at each edge; noon on a Friday is outside."""
    found = calendar(stage, "render-01,weaver 'Mon-Fri 20:00-08:00; Sat-Sun 00:00-24:00'")
    assert [one["name"] for one in found["workers"]] == ["render-01", "weaver"] and not found["inside"]
    row = stage.farm.schedules[found["row"]["id"]]
    assert row.next_at == NOON
    states = []
    for _ in range(4):
        fire(stage, row)
        states.append((stage.farm.workers[1].admin_state, (stage.now - NOON) / 3600))
    assert states == [("disabled", 0), ("enabled", 8), ("disabled", 60), ("enabled", 80)]
    assert stage.farm.workers[2].admin_state == "disabled"  # render-02 has none


def test_peoples_word_counts_until_the_next_edge(stage: Stage) -> None:
    row = stage.farm.schedules[calendar(stage, "render-01 20:00-08:00")["row"]["id"]]
    fire(stage, row)
    assert world.shown(stage, "worker list render-01")[1].split()[2:4] == ["disabled", "(calendar)"]
    assert "by it the worker is disabled until Fri 20:00" in told(stage, "why render-01")
    world.ask(stage, "enable render-01")
    assert "(calendar)" not in " ".join(world.shown(stage, "worker list render-01"))
    assert "it would be disabled by it, but was enabled by hand until Fri 20:00" in told(stage, "why render-01")
    fire(stage, row)
    world.ask(stage, "disable render-01")
    fire(stage, row)
    assert stage.farm.workers[1].admin_state == "disabled"
    assert "render-01 has the calendar 20:00-08:00 (UTC)" in " ".join(world.shown(stage, "worker show render-01"))


def test_why_a_task_waits_names_the_calendar_that_disabled_its_worker(stage: Stage) -> None:
    fire(stage, stage.farm.schedules[calendar(stage, "all Mon 20:00-21:00")["row"]["id"]])
    stage.do(ev.RunJob(stage.farm.jobs[2].id))
    reasons = " ".join(world.shown(stage, "why effects/sim"))
    assert "render-01 is disabled. render-01 has the calendar Mon 20:00-21:00 (UTC): by it" in " ".join(reasons.split())


def test_a_worker_has_one_calendar_and_may_have_none(stage: Stage) -> None:
    first = calendar(stage, "all 20:00-08:00")["row"]["id"]
    second = calendar(stage, "render-01,render-02 21:00-08:00 tz=Europe/Madrid")["row"]["id"]
    assert stage.farm.schedules[first].params == {"workers": [3]}
    assert [one["name"] for one in calendar(stage, "render-02 none")["workers"]] == ["render-02"]
    assert stage.farm.schedules[second].params == {"workers": [1]}
    assert calendar(stage, "render-02 none")["workers"] == []
    calendar(stage, "weaver none")
    assert list(stage.farm.schedules) == [second]
    assert world.shown(stage, "worker calendar render-02 none") == [
        "OK nothing changed: no such worker has a calendar."
    ]
    assert "OK render-01: no calendar any more" in world.shown(stage, "worker calendar render-01 none")[0]


def test_a_worker_that_is_deleted_leaves_its_calendar(stage: Stage) -> None:
    calendar(stage, "weaver 20:00-08:00")
    stage.do(ev.Delete("worker", [3]))
    assert stage.farm.schedules == {}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("render-01", InvalidParams),
        ("nobody 20:00-08:00", NotFound),
        ("render-01 00:00-24:00", Invalid),
        ("render-01 Mond", Invalid),
        ("render-01 20:00-08:00 tz=Mars", Invalid),
    ],
)
def test_what_is_no_calendar_is_refused_and_changes_nothing(stage: Stage, line: str, error: type) -> None:
    calendar(stage, "render-01 Tue 20:00-21:00")
    with pytest.raises(error):
        calendar(stage, line)
    assert [row.expr for row in stage.farm.schedules.values()] == ["Tue 20:00-21:00"]


def test_a_calendar_of_nobody_is_none(stage: Stage) -> None:
    assert calendar(stage, "offline 20:00-08:00")["row"] is None
    assert stage.farm.schedules == {}


def test_a_calendar_may_be_paused_and_says_at_once_what_counts_when_it_goes_on(stage: Stage) -> None:
    row = stage.farm.schedules[calendar(stage, "render-01 20:00-08:00")["row"]["id"]]
    fire(stage, row)
    world.ask(stage, f"schedule pause {row.id}")
    world.ask(stage, "enable render-01")
    assert "which is paused" in " ".join(world.shown(stage, "why render-01"))
    world.ask(stage, f"schedule resume {row.id}")
    fire(stage, row)
    assert stage.farm.workers[1].admin_state == "disabled"


# ---- waking


def wake(stage: Stage, line: str) -> Wake:
    found = world.ask(stage, f"worker wake {line}")
    assert isinstance(found, Wake)
    return found


def test_machines_that_are_away_are_woken_where_their_config_says(stage: Stage) -> None:
    stage.do(ev.Create("worker", {"name": "old", "mac": "bc:ae:c5:71:22:fc", "config": {"wake": "10.0.7.255:7"}}))
    found = wake(stage, "all")
    assert found.packets == [
        Packet(3, "weaver", "000000000003", "255.255.255.255:9"),
        Packet(4, "old", "bcaec57122fc", "10.0.7.255:7"),
    ]
    assert [(one["name"], one["reason"]) for one in found.passed] == [
        ("render-01", "it is online"),
        ("render-02", "it is online"),
    ]


def test_when_needed_wakes_what_work_waits_for_and_no_more(stage: Stage) -> None:
    stage.do(ev.SetAdmin([1, 2, 3], "enabled"))
    stage.worker("night-1", slots=2)
    stage.worker("night-2", slots=2)
    other = stage.worker("night-3", slots=2, functions="gpu")
    for worker in (4, 5, other):
        stage.do(ev.Disconnected(stage.session(worker), bye=True))
    assert wake(stage, "offline --when-needed").packets == []
    stage.job({"frames": "1-10"}, name="long")
    waiting = stage.farm.tasks[stage.step(stage.farm.jobs[4]).id].ready()
    assert waiting == 4  # the rest has slots or is on its way to one
    assert [one.name for one in wake(stage, "all --when-needed").packets] == ["weaver"]
    stage.do(ev.SetAdmin([3], "disabled"))
    found = wake(stage, "all --when-needed")
    assert [one.name for one in found.packets] == ["night-1", "night-2"]
    assert {one["name"]: one["reason"] for one in found.passed}["night-3"] == "no work waits for it"
    assert {one["name"]: one["reason"] for one in found.passed}["weaver"] == "it is disabled"
    stage.do(ev.PauseJob(4, True))
    assert wake(stage, "all --when-needed").packets == []


def test_what_has_no_card_that_a_packet_could_name_is_passed_over(stage: Stage) -> None:
    stage.do(ev.LegacyHello(99, "73588229205", "old"))
    stage.do(ev.Disconnected(99))
    assert "is none" in {one["name"]: one["reason"] for one in wake(stage, "all").passed}["old"]


def test_a_wake_is_told_in_words() -> None:
    data = {
        "woken": [{"id": 1, "name": "a"}],
        "failed": [{"id": 2, "name": "b", "reason": "Network is unreachable"}],
        "passed": [{"id": n, "name": f"n{n}", "reason": "it is online"} for n in range(7)],
    }
    assert render("worker.wake", data).splitlines() == [
        "OK 1 machine told to wake: a.",
        "b could not be told: Network is unreachable.",
        "Not n0, n1, n2, n3, n4 and 2 more: it is online.",
    ]


def test_a_wake_may_be_scheduled_and_is_answered_later(stage: Stage) -> None:
    row = make(stage, "repeat-every 1m worker wake all --when-needed")
    one = firing(
        stage.farm, row.id, NOON + 60, stage.core.settings, lambda who, _: Call(stage.farm, who, COMMANDS, NOON)
    )
    assert isinstance(one.act, Wake) and len(one.events) == 1 and not one.asks
    assert Who("anna", "admin", "schedule").role == row.role


# ---- the agenda


def test_an_agenda_is_what_is_due_day_by_day_on_the_clock_that_was_asked_for(stage: Stage) -> None:
    """Issue 6 item 5: a calendar is filled by the farm."""
    make(stage, "cron '0 8 * * Mon-Fri' tz=Europe/Madrid name=office disable tag=gpu")
    make(stage, "repeat-every 3h log info farm hello")
    world.ask(stage, "worker calendar render-01 'Mon-Fri 20:00-08:00' tz=Europe/Madrid")
    make(stage, "once-after 1h name=held enable all")
    world.ask(stage, "schedule pause held")
    found = world.ask(stage, "schedule agenda 2027-01-15T12:00 2027-01-19 tz=Europe/Madrid each=2")
    assert found["from"] == NOON - 3600
    hours = [(one["name"], round((one["at"] - NOON) / 3600, 3), one["again"]) for one in found["occurrences"]]
    assert hours == [
        ("", 3.0, False), ("", 6.0, True), ("", 12.0, False), ("", 15.0, True), ("", 36.0, False), ("", 39.0, True),
        ("", 60.0, False), ("", 63.0, True), ("office", 67.0, False),
    ]  # fmt: skip
    assert set(found["commands"].values()) == {"worker disable tag=gpu", "log info farm hello"}
    (band,) = found["calendars"]
    assert [((a - NOON) / 3600, (b - NOON) / 3600) for a, b in band["spans"]] == [(7, 19), (79, 83)]
    assert (found["cut"], found["left"], found["running"]) == (None, 0, True)


def test_an_agenda_without_room_says_from_when_on_something_is_left_out(stage: Stage) -> None:
    make(stage, "repeat-every 1h log info farm hello")
    found = world.ask(stage, "schedule agenda limit=3")
    assert [one["at"] - NOON for one in found["occurrences"]] == [3600, 7200, 10_800]
    assert found["cut"] == NOON + 4 * 3600
    assert world.shown(stage, "schedule agenda limit=1") == [
        "Fri 15 Jan 2027",
        "  13:00:00  log info farm hello",
        "There is more from Fri 15 Jan 14:00 on: ask for less at once.",
    ]
    assert world.ask(stage, "schedule stop")["running"] is False
    assert world.shown(stage, "schedule agenda") == ["All schedules are stopped: nothing is due."]


@pytest.mark.parametrize(
    "words", ["2027-01-15 2027-01-15", "2027-01-16 2027-01-15", "2027-01-01 2028-01-01", "-5 5", "0 nan"]
)
def test_an_agenda_of_no_stretch_of_time_is_refused(stage: Stage, words: str) -> None:
    with pytest.raises(BrenderError):
        world.ask(stage, f"schedule agenda {words}")


def test_an_agenda_of_a_quiet_farm_says_so(stage: Stage) -> None:
    for row in list(stage.farm.schedules):
        world.ask(stage, f"schedule remove {row}")
    assert world.shown(stage, "schedule agenda") == ["Nothing is due then."]


# ---- what was


def test_what_became_of_a_schedule_is_told_run_by_run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.localtime", lambda at: __import__("time").gmtime(at))
    row = make(stage, "repeat-every 1h name=hourly disable render-01")
    assert world.shown(stage, "schedule history hourly") == ["hourly was not due yet."]
    fire(stage, row)
    stage.now += 7200.0
    stage.turn(ev.Fire(row.id, stage.now, "worker disable render-01"))
    found = world.ask(stage, "schedule history hourly")
    assert [(run["outcome"], run["command"]) for run in found["runs"]] == [
        ("missed", "worker disable render-01"),
        ("ok", "worker disable render-01"),
    ]
    assert (found["runs"][1]["due_at"], found["runs"][1]["fired_at"]) == (NOON + 3600, NOON + 3600)
    assert [" ".join(line.split()) for line in world.shown(stage, "schedule history")] == [
        "run due schedule took outcome said",
        "2 today 14:00 hourly missed nobody could run it in time",
        "1 today 13:00 hourly 0.0 s ok OK 1 worker disabled: render-01.",
        "2 runs.",
    ]
    shown = world.shown(stage, "schedule show hourly")
    assert [" ".join(line.split()) for line in shown[-2:]] == [
        "2 today 14:00 missed nobody could run it in time",
        "1 today 13:00 0.0 s ok OK 1 worker disabled: render-01.",
    ]
    assert [run["run"] for run in world.ask(stage, "schedule history offset=1 limit=1")["runs"]] == [1]
    world.ask(stage, "schedule remove hourly")
    assert world.ask(stage, "schedule history")["total"] == 2
    with pytest.raises(NotFound):
        world.ask(stage, "schedule history hourly")


def test_an_agenda_of_days_that_are_over_tells_what_became_of_them(stage: Stage) -> None:
    row = make(stage, "repeat-every 6h name=hourly disable render-01")
    for _ in range(8):
        fire(stage, row)
    stage.now = row.next_at or 0.0
    stage.turn(ev.Fire(row.id, stage.now, "x"), ev.ScheduleEnded(row.id, 9, "error", "No.", 1003))
    found = world.ask(stage, "schedule agenda 2027-01-15T00:00 2027-01-18 each=2")
    assert [(run["due_at"] - NOON, run["outcome"], run["more"]) for run in found["past"]] == [
        (6 * 3600, "ok", 0), (24 * 3600, "ok", 0), (30 * 3600, "ok", 2), (48 * 3600, "ok", 0), (54 * 3600, "error", 2),
    ]  # fmt: skip
    assert [one["at"] - NOON for one in found["occurrences"]] == []
    lines = world.shown(stage, "schedule agenda 2027-01-15T00:00 2027-01-18 each=2")
    assert lines[0] == "Fri 15 Jan 2027"
    assert lines[-1].endswith("hourly: x: error; 2 runs more that day")
    cut = world.ask(stage, "schedule agenda 2027-01-15T00:00 2027-01-18 limit=2")
    assert ([run["due_at"] - NOON for run in cut["past"]], cut["past_cut"]) == (
        [48 * 3600, 54 * 3600],
        NOON + 48 * 3600,
    )
    assert world.shown(stage, "schedule agenda 2027-01-15T00:00 2027-01-18 limit=2")[0].startswith(
        "There is more before"
    )


def test_a_calendar_tells_which_way_its_edge_went(stage: Stage) -> None:
    world.ask(stage, "worker calendar render-01 'Fri 13:00-14:00'")
    row = next(one for one in stage.farm.schedules.values() if one.kind == "calendar")
    fire(stage, row)
    fire(stage, row)
    assert [run.command for run in stage.farm.schedule_runs.values()] == [
        "worker disable render-01",  # it is outside now
        "worker enable render-01",
    ]


def test_an_agenda_draws_no_window_of_a_calendar_before_it_was_made(stage: Stage) -> None:
    world.ask(stage, "worker calendar render-01 'Mon-Sun 00:00-23:00'")
    found = world.ask(stage, "schedule agenda 2027-01-14 2027-01-16T06:00")
    assert [list(one) for one in found["calendars"][0]["spans"]] == [
        [NOON, NOON + 11 * 3600],
        [NOON + 12 * 3600, NOON + 18 * 3600],
    ]
    assert world.ask(stage, "schedule agenda 2027-01-13 2027-01-14")["calendars"] == []


def test_a_long_agenda_is_made_in_short_steps(stage: Stage) -> None:
    """A thousand occurrences are tens of milliseconds: never in one piece (issue 5: 50 ms a tick)."""
    for minute in range(60):
        make(stage, f"cron '{minute} * * * *' tz=Australia/Lord_Howe farm save")
    row, params = COMMANDS.resolve(["schedule", "agenda", "each=1000"])
    act = COMMANDS.run(world.call(stage), row, params)
    assert sum(1 for _ in act.steps) >= 1000


def test_a_schedule_that_is_removed_while_an_agenda_is_made_is_left_out(stage: Stage) -> None:
    make(stage, "repeat-every 1h name=goes farm save")
    make(stage, "repeat-every 1h name=stays farm save")
    row, params = COMMANDS.resolve(["schedule", "agenda"])
    steps = COMMANDS.run(world.call(stage), row, params).steps
    next(steps)
    world.ask(stage, "schedule remove goes")
    assert {one["name"] for one in at_once(steps)["occurrences"]} == {"stays"}
