"""One turn: a dying rule leaves no trace, no event stops a farm, nothing is said that is not written."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from brender.core import engine, invariants
from brender.core import events as ev
from brender.core.context import Context
from brender.core.engine import CRUD, RULES, Core
from brender.core.farm import Farm
from brender.core.frames import parse
from brender.core.rows import TABLES
from brender.errors import BrenderError, InternalError, InvalidParams

from .builders import Stage, add_channel
from .test_ledger import everything


def _idle(function: str, **values: Any) -> dict[str, Any]:
    """The tree of the one job of the busy stage that does not run."""
    tasks = [{"name": "s1", "function": function, **values}]
    return {"name": "film", "workflows": [{"name": "idle", "tasks": tasks}]}


def busy_stage() -> Stage:
    """A farm in which much is going on."""
    stage = Stage()
    first = stage.worker("first", slots=2, boot="a", config={"roles": ["worker", "manager"]})
    stage.worker("second", slots=1)
    stage.job({"frames": "1-6"}, {})
    stage.job({"exec": "parallel"}, {"frames": "1-3"})
    stage.job({}, {}, name="idle", run=False)
    stage.start(first)
    stage.end(first, stage.live(first)[0], "error", exit_code=1)
    stage.do(ev.Disconnected(stage.session(2)))
    stage.wait(20)
    stage.do(ev.AddChannels([{"name": name, "type": "easy", "manager_id": 1} for name in ("c1", "c2")]))
    stage.do(ev.ChannelsReady(stage.session(1), [1]))
    stage.do(ev.AddChannels([{"name": "waits", "type": "easy"}]))
    stage.now += 1.0
    for number in (1, 2):
        values = {"uuid": str(number), "kind": "repeat_every", "seconds": 20.0, "method": "farm.save"}
        stage.do(ev.Create("schedule", values))
    stage.do(ev.SetCalendar([2], "Mon 08:00-09:00", uuid="3"))
    stage.wait(20)
    stage.do(ev.Fire(2, stage.now))  # it runs, and the first one is due
    stage.do(ev.SetAdmin([2], "disabled", "anna"))
    add_channel(stage, "gpu.temp")
    stage.do(ev.Create("alarm_rule", {"name": "hot", "condition": "above", "threshold": 85.0}))
    stage.do(ev.WriteLog("letters", "INFO", "for the digest"))
    return stage


def events_of(stage: Stage) -> dict[type[ev.Event], ev.Event]:
    """One event of every kind that writes something here."""
    attempt = stage.live(1)[0]
    session = stage.session(1)
    running = stage.farm.jobs[1]
    return {
        ev.Boot: ev.Boot(),
        ev.Tick: ev.Tick(),
        ev.SetAdmin: ev.SetAdmin([1, 2], "disabled", "anna"),
        ev.ArmDigests: ev.ArmDigests(),
        ev.SetAdmin: ev.SetAdmin([1, 2], "disabled"),
        ev.DiskRoom: ev.DiskRoom(1 << 20, 1 << 40),
        ev.ClockMoved: ev.ClockMoved(3600.0),
        ev.Fire: ev.Fire(1, stage.now),
        ev.ScheduleEnded: ev.ScheduleEnded(2, 1, "ok"),
        ev.SetCalendar: ev.SetCalendar([1, 2], "Tue 08:00-09:00", uuid="4"),
        ev.PauseSchedule: ev.PauseSchedule(1, True),
        ev.RunSchedule: ev.RunSchedule(1),
        ev.StopSchedules: ev.StopSchedules(True),
        ev.SubmitTree: ev.SubmitTree({"name": "new", "workflows": [{"name": "w", "tasks": []}]}),
        ev.UpdateTree: ev.UpdateTree(_idle("noop", frames="1-9")),
        ev.DeleteTree: ev.DeleteTree(_idle("noop")),
        ev.RunJob: ev.RunJob(running.id),
        ev.StopJob: ev.StopJob(running.id),
        ev.StopAll: ev.StopAll(),
        ev.PauseJob: ev.PauseJob(running.id, True),
        ev.RetryTasks: ev.RetryTasks(1, [0]),
        ev.RetryJob: ev.RetryJob(1),
        ev.UnblockJob: ev.UnblockJob(running.id),
        ev.Undo: ev.Undo("anna"),
        ev.KillTasks: ev.KillTasks(attempt.step_id, [attempt.task]),
        ev.Hello: ev.Hello(90, "brender_000000000001", "000000000001", "first", slots=5),
        ev.LegacyHello: ev.LegacyHello(91, "000000000001", "first"),
        ev.Heartbeat: ev.Heartbeat(session, "hot"),
        ev.Started: ev.Started(session, [(a.id, 1) for a in stage.live(1)]),
        ev.Results: ev.Results(session, [ev.Result(a.id, "success0", 2.0) for a in stage.live(1)]),
        ev.Returned: ev.Returned(session, [a.id for a in stage.live(1)]),
        ev.Immortal: ev.Immortal(session, [(attempt.id, 1)]),
        ev.Stalled: ev.Stalled(session, [(attempt.id, 1800.0)]),
        ev.SetWaiting: ev.SetWaiting(attempt.id, True),
        ev.Disconnected: ev.Disconnected(session, bye=True),
        ev.AddChannels: ev.AddChannels([{"name": "c4", "type": "easy", "manager_id": 1}]),
        ev.SwitchChannels: ev.SwitchChannels([1], "stop"),
        ev.MoveChannels: ev.MoveChannels([1], 2),
        ev.SetGroups: ev.SetGroups(1, ["a", "b"]),
        ev.PlaceChannels: ev.PlaceChannels(),
        ev.Counted: ev.Counted(session, 1, 2),
        ev.Clock: ev.Clock(session, 5.0),
        ev.ChannelsReady: ev.ChannelsReady(session, [2]),
        ev.ChannelStates: ev.ChannelStates(session, [(1, "stale", "silent")]),
        ev.Reload: ev.Reload([], [("channel", 1)]),
        ev.Readings: ev.Readings([(1, stage.now, 91.0)]),
        ev.AckAlarms: ev.AckAlarms([1]),
        ev.SkipAlarms: ev.SkipAlarms([1], 60.0),
        ev.ConfigLogger: ev.ConfigLogger("new", "INFO", "WEEKLY", ["anna@example.org"]),
        ev.WriteLog: ev.WriteLog("new", "ERROR", "a line"),
        ev.FlushLog: ev.FlushLog("DAILY"),
        ev.TakeDelivery: ev.TakeDelivery("here", fresh=True),
        ev.DeliverySent: ev.DeliverySent(1, ["anna@example.org"]),
        ev.DeliveryFailed: ev.DeliveryFailed(1, "no route", final=True),
        ev.RetryDeliveries: ev.RetryDeliveries([1]),
        ev.DropDeliveries: ev.DropDeliveries([1]),
    }


def test_every_event_has_exactly_one_rule() -> None:
    kinds = {kind for kind in vars(ev).values() if isinstance(kind, type) and issubclass(kind, ev.Event)}
    answered = set(RULES) | {kind for kind, _ in CRUD}
    assert kinds - {ev.Event} == answered
    nouns = {"worker", "project", "limit", "preset", "device", "key", "channel", "schedule", "job", "step"}
    assert {noun for _, noun in CRUD} == {*nouns, "alarm_rule"}


@pytest.mark.parametrize("kind", [kind for kind in RULES if kind is not ev.Boot])
@pytest.mark.parametrize("death", [KeyError, RuntimeError, RecursionError, InvalidParams])
def test_a_rule_that_dies_after_its_writes_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, kind: type[ev.Event], death: type[Exception]
) -> None:
    """MODELS 23. Heard times may stay: a word was heard."""
    stage = busy_stage()
    event, rule = events_of(stage)[kind], RULES[kind]

    def dying(ctx: Context, given: Any) -> Any:
        rule(ctx, given)
        raise death("on purpose")

    monkeypatch.setitem(engine.RULES, kind, dying)
    for load in stage.farm.loads.values():
        load.heard = stage.now
    stage.farm.ticked_at = stage.now
    before = everything(stage.farm)

    turn = stage.turn(event)

    assert isinstance(turn.answers[0], BrenderError)
    assert (turn.changes, turn.orders, turn.notices) == ([], [], [])
    after = everything(stage.farm)
    for key, value in before.items():
        if key == "loads":
            value, after[key] = ({w: x[:3] for w, x in both.items()} for both in (value, after[key]))
        assert after[key] == value, key


def test_a_dying_rule_takes_nothing_of_its_neighbours_with_it() -> None:
    stage = Stage()
    turn = stage.turn(
        ev.Create("project", {"name": "one"}),
        ev.Create("project", {"name": "one"}),
        ev.Create("project", {"name": "2x"}),
    )
    assert [isinstance(answer, BrenderError) for answer in turn.answers] == [False, True, False]
    assert [change.values[1] for change in turn.changes] == ["one", "2x"]


NASTY: list[Any] = [None, True, -1, 0, 1, 2, 99, 2**70, 1.5, "", "x", "1", "a/b", "\x00", [], ["x"], [[]], {}, {"a": 1}]
nasty = st.sampled_from(NASTY) | st.recursive(
    st.sampled_from(NASTY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "tasks"]), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    [
        "name",
        "place",
        "exec",
        "function",
        "params",
        "frames",
        "chunk",
        "retries",
        "timeout",
        "priority",
        "tags",
        "mac",
        "job",
        "project",
        "state",
        "workflows",
    ]
)


channel_fields = st.sampled_from(["name", "type", "params", "device_id", "key_id", "manager_id", "placement", "labels"])


@settings(max_examples=400)
@given(
    st.lists(
        st.one_of(
            st.builds(ev.Create, nasty, st.dictionaries(fields, nasty, max_size=4)),
            st.builds(ev.Create, st.sampled_from(["worker", "job", "step"]), st.dictionaries(fields, nasty)),
            st.builds(
                ev.Update,
                st.sampled_from(["worker", "project", "job", "step", "channel", "device", "key"]),
                st.lists(nasty, max_size=2),
                st.dictionaries(fields, nasty, max_size=3),
                nasty,
            ),
            st.builds(ev.Delete, nasty, st.lists(nasty, max_size=2)),
            st.builds(ev.SetAdmin, st.lists(nasty, max_size=3), nasty),
            st.builds(ev.SubmitTree, st.dictionaries(fields, nasty, max_size=4), run=st.booleans()),
            st.builds(ev.RunJob, nasty, nasty),
            st.builds(ev.StopJob, nasty),
            st.builds(ev.PauseJob, nasty, st.booleans()),
            st.builds(ev.RetryJob, nasty),
            st.builds(ev.RetryTasks, nasty, st.lists(nasty, max_size=2)),
            st.builds(ev.KillTasks, nasty, st.lists(nasty, max_size=2)),
            st.builds(ev.SetWaiting, nasty, st.booleans()),
            st.builds(ev.AddChannels, st.lists(st.dictionaries(channel_fields, nasty, max_size=4), max_size=2)),
            st.builds(ev.SwitchChannels, st.lists(nasty, max_size=2), nasty),
            st.builds(ev.MoveChannels, st.lists(nasty, max_size=2), nasty),
            st.builds(ev.SetGroups, nasty, st.lists(nasty, max_size=2)),
        ),
        max_size=5,
    )
)
def test_no_event_of_people_stops_the_farm(events: list[ev.Event]) -> None:
    """CONTRACT 4.1.9: no input, however formed."""
    stage = busy_stage()
    turn = stage.turn(*events)
    assert len(turn.answers) == len(events)
    stage.turn(ev.Tick())


small = st.integers(-1, 12)


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.builds(ev.Heartbeat, small, st.text(max_size=3)),
            st.builds(ev.Started, small, st.lists(st.tuples(small, small), max_size=4)),
            st.builds(
                ev.Results,
                small,
                st.lists(
                    st.builds(
                        ev.Result, small, st.sampled_from(["success0", "error", "terminated", "stopped", "killed", "?"])
                    ),
                    max_size=4,
                ),
            ),
            st.builds(ev.Returned, small, st.lists(small, max_size=4)),
            st.builds(ev.Immortal, small, st.lists(st.tuples(small, small), max_size=4)),
            st.builds(ev.Stalled, small, st.lists(st.tuples(small, small), max_size=4)),
            st.builds(ev.Disconnected, small, st.booleans()),
            st.builds(ev.Counted, small, small, small),
            st.builds(ev.Clock, small, st.floats(allow_nan=False, allow_infinity=False)),
            st.builds(ev.ChannelsReady, small, st.lists(small, max_size=3), st.lists(small, max_size=3)),
            st.builds(
                ev.ChannelStates,
                small,
                st.lists(st.tuples(small, st.sampled_from(["logging", "stale", "error", "new", "?"]), st.just("why"))),
            ),
            st.just(ev.PlaceChannels()),
            st.builds(ev.LegacyHello, small, st.sampled_from(["000000000001", "x"]), st.text(max_size=3)),
            st.builds(
                ev.Hello,
                small,
                st.sampled_from(["brender_000000000001", "brender_000000000002", "k"]),
                st.just("m"),
                st.sampled_from(["", "h", "a/b"]),
                slots=st.integers(-1, 3),
                functions=st.just(["noop"]),
                running=st.lists(small, max_size=4),
                held=st.lists(small, max_size=4),
                boot=st.sampled_from(["", "a", "b"]),
            ),
        ),
        max_size=8,
    )
)
def test_no_word_of_a_worker_meets_a_defect(events: list[ev.Event]) -> None:
    """CONTRACT 4.1.9; F15, F19: workers may say anything in any order."""
    stage = busy_stage()
    for event in events:
        for answer in stage.turn(event).answers:
            assert not isinstance(answer, InternalError), answer
    stage.wait(60, every=10)


def test_the_same_events_make_the_same_farm() -> None:
    """Deterministic: no clock, no chance, no set order."""

    def play() -> tuple[Farm, list[Any]]:
        stage, said = Stage(), []
        chance = random.Random(7)
        for i in range(3):
            stage.worker(f"w{i}", slots=2)
        stage.job({"frames": "1-20"}, {"exec": "parallel"}, {"frames": "1-4"})
        for _ in range(60):
            worker = chance.choice(list(stage.farm.workers))
            if live := stage.live(worker):
                turn = stage.turn(
                    ev.Results(stage.session(worker), [ev.Result(live[0].id, chance.choice(["success0", "error"]))])
                )
                said.append((turn.changes, turn.orders, turn.notices))
        return stage.farm, said

    one, two = play(), play()
    assert one[0].same_as(two[0])
    assert one[1] == two[1]


def test_changes_of_every_turn_add_up_to_the_farm() -> None:
    """The mirror (BR-08), without a database."""
    stage = Stage()
    disk = {("alarm_rule", row.id): astuple(row) for row in stage.farm.alarm_rules.values()}  # of the first start
    play = stage.core.turn

    def recorded(events: Any, now: float) -> Any:
        turn = play(events, now)
        for change in turn.changes:
            if change.op == "put":
                disk[change.table, change.id] = change.values
            else:
                disk.pop((change.table, change.id), None)
        return turn

    stage.core.turn = recorded  # type: ignore[method-assign]
    worker = stage.worker(slots=2)
    job = stage.job({"frames": "1-5"}, {})
    while live := stage.live(worker):
        stage.end(worker, live[0], "error" if len(disk) % 3 == 0 else "success0")
    stage.do(ev.Update("job", [job.id], {"name": "renamed"}))

    rows = {(table, row.id): astuple(row) for table in TABLES for row in stage.farm.table(table).values()}
    assert {key: disk[key] for key in rows} == rows
    assert {table for table, _ in disk.keys() - rows.keys()} <= {"attempt", "alarm", "record"}


def test_a_million_frames_are_a_few_rows() -> None:
    """DESIGN 4: a task costs nothing until it runs."""
    stage = Stage()
    core = stage.core
    tree = {
        "name": "film",
        "workflows": [{"name": "big", "tasks": [{"name": "a", "function": "f", "frames": "1-1000000"}]}],
    }
    turn = core.turn([ev.SubmitTree(tree, run=True)], stage.now)
    assert [change.table for change in turn.changes] == ["project", "job", "step"]
    assert core.farm.tasks[1].ready() == len(parse("1-1000000")) == 1_000_000


def test_ten_thousand_steps_are_made_and_shifted_in_about_linear_time() -> None:
    """The hub must not stand still for one big tree."""
    core = Core(Farm())
    steps = [{"name": f"s{i}", "function": "noop"} for i in range(10_000)]
    first = {"name": "first", "function": "noop", "place": 1}
    for tasks in (steps, [first]):
        began = time.process_time()
        (answer,) = core.turn(
            [ev.SubmitTree({"name": "film", "workflows": [{"name": "w", "tasks": tasks}]})], 1.0
        ).answers
        assert answer["jobs"][0]["steps"] == len(tasks)
        assert time.process_time() - began < 2.0
    assert [step.name for step in core.farm.steps_in(core.farm.jobs[1])][:3] == ["first", "s0", "s1"]
    assert invariants.check(core.farm) == []


def test_an_idle_farm_says_nothing() -> None:
    stage = Stage()
    stage.worker()
    stage.turn(ev.Tick())
    turn = stage.turn(ev.Tick())
    assert (turn.changes, turn.orders, turn.notices, turn.more) == ([], [], [], False)


def test_time_never_runs_backwards(core: Core) -> None:
    core.turn([], 50.0)
    core.turn([], 10.0)
    assert core.farm.now == 50.0
    assert invariants.check(core.farm) == []
