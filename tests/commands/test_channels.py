"""Commands about channels, devices, keys and managers: what a person says and sees, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from brender.commands import COMMANDS
from brender.commands.calls import ReloadInventory, RunLines, SetType
from brender.commands.text import render
from brender.commands.text_channels import spark, value_words
from brender.core import events as ev
from brender.core.orders import CountChannels, Host
from brender.errors import BrenderError, Exists, Invalid, InvalidParams, NotFound

from . import world

SCALE = {
    "text": "what lies on it",
    "keys": ["weight"],
    "schema": {"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]},
}
MANAGER = {
    "roles": ["worker", "manager"],
    "probes": ["host", "http", "scale"],
    "plug_ins": {"scale": SCALE},
    "channel_types": ["median"],
    "daemon": {"pid": 77, "pid_path": "/x/client.pid", "started_at": 900.0},
    "devices": [{"name": "", "driver": "host", "config": {}, "keys": {"cpu": "%", "load": ""}}],
}


@pytest.fixture
def stage() -> world.Stage:
    """Two managers, hal and max, that report themselves; and a web server's device."""
    found = world.stage()
    for name in ("hal", "max"):
        found.worker(name, config=MANAGER)
    world.ask(found, 'device add nas driver=http config=\'{"url":"http://nas/"}\' vendor_id=10de')
    world.ask(found, "key add up")
    world.ask(found, "key add seconds unit=s")
    play(found)
    return found


def play(stage: world.Stage) -> None:
    """The managers do what they are told, as if they had nothing else."""
    while True:
        orders = [(worker, order) for worker in list(stage.inbox) for order in stage.orders(worker)]
        if not orders:
            return
        for worker, order in orders:
            session = stage.farm.loads[worker].session
            if session is None:
                continue
            if isinstance(order, CountChannels):
                stage.do(ev.Counted(session, order.census, stage.farm.hosting.count(worker)))
            elif isinstance(order, Host):
                stage.do(ev.ChannelsReady(session, [one.id for one in order.put]))


def refused(stage: world.Stage, line: str, kind: type[BrenderError]) -> str:
    with pytest.raises(kind) as found:
        world.ask(stage, line)
    return found.value.sentence()


def test_the_seeds_words_work_as_written(stage: world.Stage) -> None:
    """CL-19 to CL-25."""
    assert world.shown(stage, 'CHL_ADD t1 \'{"type": "easy"}\'')[0].startswith("OK 1 channel made: t1.")
    play(stage)
    assert world.ask(stage, "CHL_LIST t1")["channels"][0]["state"] == "logging"
    assert [row["name"] for row in world.ask(stage, "CHL_LIST_MANAGER hal")["channels"]] == [
        "hal.cpu",
        "hal.load",
        "t1",
    ]
    assert [row["channels"] for row in world.ask(stage, "MANAGER_LIST")["managers"]] == [3, 2]
    assert world.ask(stage, "SET_TYPE gui") == SetType("gui")
    assert "toaster" in refused(stage, "SET_TYPE toaster", Invalid)
    assert world.ask(stage, "USER_LIST")["sessions"] == []
    assert world.say(stage, "ONLINE anna secret")[1].token == "secret"
    assert world.ask(stage, "CHL_DEL t1")["deleted"][0]["name"] == "t1"
    assert "t1" in refused(stage, "CHL_DEL t1", NotFound)


def test_a_list_of_channels_is_one_call(stage: world.Stage) -> None:
    """CL-14, REQUIREMENTS 8.2."""
    row, params = COMMANDS.read(
        "channel.add", {"channels": [{"name": "a", "type": "easy"}, {"name": "b", "period": 2}]}
    )
    event = COMMANDS.run(world.call(stage), row, params)
    assert event == ev.AddChannels([{"name": "a", "type": "easy"}, {"name": "b", "params": {"period": 2}}], "anna")
    said = world.ask(stage, "channel add x y type=ntime timedelta=60 device=nas key=up labels=room:east")
    assert [one["name"] for one in said["channels"]] == ["x", "y"]
    channel = stage.farm.channel_named("x")
    assert channel is not None
    assert (channel.params, channel.labels, channel.placement) == ({"timedelta": 60}, {"room": "east"}, "floating")


def test_a_name_of_device_and_key_means_these(stage: world.Stage) -> None:
    world.ask(stage, "channel add nas.up nas.down")
    farm = stage.farm
    up, down = farm.channel_named("nas.up"), farm.channel_named("nas.down")
    assert up is not None and down is not None
    assert (farm.devices[up.device_id].name, farm.keys[up.key_id].name) == ("nas", "up")
    assert down.device_id == 0
    world.ask(stage, "channel add hal.extra device=hal key=cpu")
    extra = farm.channel_named("hal.extra")
    assert extra is not None
    assert (extra.placement, farm.workers[extra.manager_id].name) == ("pinned", "hal")


@pytest.mark.parametrize(
    ("line", "kind", "word"),
    [
        ("channel add x type=odd", Invalid, "odd"),
        ("channel add x type=delta delta=much", Invalid, "delta"),
        ("channel add x type=simple delta=1", Invalid, "no parameter 'delta'"),
        ("channel add x colour=red", InvalidParams, "colour"),
        ("channel add x device=nas key=cpu", Invalid, "http measures no 'cpu'"),
        ("channel add x device=nsa key=up", NotFound, "nas"),
        ("channel add x manager=render-01", NotFound, "hal"),
        ("channel add", InvalidParams, "one name"),
        ("channel add x '{broken'", InvalidParams, "JSON"),
        ("channel add hal.cpu", Exists, "hal.cpu"),
        ("channel set hal.cpu manager=max", InvalidParams, "channel move"),
        ("channel set hal.cpu timedelta=x", Invalid, "timedelta"),
        ("channel set hal.cpu key=up", Invalid, "host measures no 'up'"),
        ("channel delete hal.*z", NotFound, "hal.*z"),
        ("channel delete", Invalid, "No channel selected"),
        ("channel delete device=nsa", NotFound, "nas"),
        ("channel move hal.cpu render-01", NotFound, "hosts no channels"),
        ("device add d driver=tcp config='{\"host\": 1}'", Invalid, "tcp"),
        ("device add d driver=scael", Invalid, "scale"),
        ("device set nas config='{}'", Invalid, "url"),
        ("device delete hal", BrenderError, "hal.cpu"),
        ("key delete cpu", BrenderError, "cpu"),
        ("manager channels render-01", NotFound, "hosts no channels"),
        ("manager group-remove hal main", BrenderError, "only group"),
        ("manager group-remove hal mian", NotFound, "main"),
        ("manager group-add hal main", Exists, "main"),
        ("channel load", InvalidParams, "lines"),
        ("channel load -f x.txt", InvalidParams, "brender channel load"),
    ],
)
def test_what_cannot_be_is_refused_and_the_thing_is_named(
    stage: world.Stage, line: str, kind: type[BrenderError], word: str
) -> None:
    assert word in refused(stage, line, kind)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("channel.add", {"channels": [{"name": "a", "device": ["nas"]}]}),
        ("channel.add", {"channels": [{"name": "a", "key": {"x": 1}}]}),
        ("channel.add", {"channels": [{"name": "a", "device": True}]}),
        ("channel.add", {"channels": [{"name": "a", "manager": ["hal"]}]}),
        ("channel.add", {"channels": [{"name": "a", "type": ["easy"]}]}),
        ("channel.add", {"channels": [{"name": "a", "type": "median", "params": 5}]}),
        ("channel.add", {"channels": [{"name": ["a"]}]}),
        ("channel.set", {"channels": ["hal.cpu"], "values": {"type": ["easy"]}}),
        ("channel.set", {"channels": ["hal.cpu"], "values": {"device": 1.5}}),
        ("device.add", {"name": "a", "values": {"driver": ["tcp"]}}),
        ("device.add", {"name": "a", "values": {"driver": "tcp", "config": 5}}),
        ("device.add", {"name": "a", "values": {"worker": {"x": 1}}}),
        ("key.add", {"name": "a", "values": {"mul": [1]}}),
    ],
)
def test_json_of_another_kind_is_refused_and_never_a_defect(
    stage: world.Stage, method: str, params: dict[str, Any]
) -> None:
    """Issue 5, bad input: whatever a program writes where a name or a number belongs."""
    with pytest.raises(BrenderError) as refused:
        row, read = COMMANDS.read(method, params)
        stage.do(COMMANDS.run(world.call(stage), row, read))
    assert refused.value.code != -32603, refused.value


def test_a_type_of_a_plug_in_takes_parameters_of_its_own_and_they_are_its_managers_business(
    stage: world.Stage,
) -> None:
    """CL-33."""
    world.ask(stage, "channel add x type=median window=5 period=2 device=nas key=up")
    channel = stage.farm.channel_named("x")
    assert channel is not None
    assert (channel.type, channel.params) == ("median", {"window": 5, "period": 2})
    world.ask(stage, "channel set x params='{\"window\": 7}'")
    assert channel.params == {"window": 7, "period": 2}
    assert "median" in refused(stage, "channel add y type=medain", Invalid)
    assert "window" in refused(stage, "channel add y type=delta window=5", InvalidParams)


def test_channels_are_chosen_in_every_way(stage: world.Stage) -> None:
    world.ask(stage, "channel add nas.up short_name=u labels=room:east")
    play(stage)

    def names(words: str) -> list[str]:
        return [row["name"] for row in world.ask(stage, f"channel list {words}")["channels"]]

    assert names("hal.*") == names("device=hal") == ["hal.cpu", "hal.load"]
    assert names("key=cpu") == ["hal.cpu", "max.cpu"]
    assert names("manager=max") == ["max.cpu", "max.load"] or "max.cpu" in names("manager=max")
    assert names("u") == names("label.room=east") == names("nas.up") == ["nas.up"]
    assert names("all") == names("") == names("logging")
    assert names("stopped") == []
    assert names(str(stage.farm.channel_named("nas.up").id)) == ["nas.up"]  # type: ignore[union-attr]


def test_one_that_is_changed_keeps_what_was_not_named(stage: world.Stage) -> None:
    world.ask(stage, "channel add x type=delta delta=2 period=5")
    assert world.ask(stage, "channel set x delta=none burst=10")["rows"][0]["params"] == {"period": 5, "burst": 10}
    assert world.ask(stage, "channel set x type=ntime")["rows"][0]["params"] == {}
    assert world.shown(stage, "channel stop x")[0] == "OK 1 channel stopped."
    assert world.shown(stage, "channel stop x")[0] == "OK no channels stopped. 1 channel had been stopped before."
    assert world.shown(stage, "channel start x")[0] == "OK 1 channel started."


def test_what_a_person_sees_fits_the_screen(stage: world.Stage) -> None:
    world.ask(stage, "channel add nas.seconds")
    play(stage)
    farm = stage.farm
    channel = farm.channel_named("nas.seconds")
    assert channel is not None
    farm.latest[channel.id] = (stage.now - 4.0, 0.25)
    from collections import deque

    farm.trends[channel.id] = deque([0.0, 0.5, 1.0, 0.25])
    text = "\n".join(world.shown(stage, "channel list nas.* --trend"))
    assert "0.25  s" in text and "4.0 s" in text and "▁" in text and "█" in text
    for line in (
        "channel list", "channel show nas.seconds", "device list", "device show nas", "device drivers", "key list",
        "manager list", "manager groups hal", "manager channels hal", "channel list --trend", "why nas.seconds",
        "why hal.cpu",
    ):  # fmt: skip
        shown = world.shown(stage, line)
        assert shown and max(map(len, shown)) <= 80, line
        assert "{" not in shown[0], shown
    assert any("10de" in row for row in world.shown(stage, "device list"))
    assert any("0.25" in row for row in world.shown(stage, "channel show nas.seconds"))


def test_a_line_of_marks_goes_from_the_least_to_the_most() -> None:
    assert spark([]) == ""
    assert spark([5.0, 5.0]) == "▁▁"
    assert spark([0.0, 7.0, 3.5]) == "▁█▅"
    assert [value_words(one) for one in (0.123456, 123456.0, "on", None, [1.0, 2.0])] == [
        *("0.1235", "123456", "on", "", "1, 2")
    ]


def test_why_says_what_a_channel_waits_for(stage: world.Stage) -> None:
    def why(name: str) -> str:
        return " ".join(world.shown(stage, f"why {name}"))

    world.ask(stage, "channel add x type=easy")
    assert "being asked" in why("x")
    play(stage)
    assert "floats, and is hosted by" in why("x")
    assert "pinned to hal" in why("hal.cpu")
    stage.do(ev.Disconnected(stage.session(stage.farm.names["worker", 0, "hal"])))
    assert "hal is lost; it goes on when that is back" in why("hal.cpu")
    world.ask(stage, "channel stop x")
    assert "Somebody stopped it." in why("x")
    world.ask(stage, "device add plc driver=scale")
    world.ask(stage, "channel add plc.x device=plc key=up")
    stage.do(ev.SetAdmin(list(stage.farm.workers), "disabled"))
    world.ask(stage, "channel add y type=easy")
    assert "No manager is online and enabled." in why("y")


def test_a_file_of_lines_becomes_commands(stage: world.Stage) -> None:
    """CL-47: COMMAND ||| message."""
    row, params = COMMANDS.read(
        "FROM_FILE",
        {
            "lines": "\n".join(
                [
                    "# first",
                    "",
                    'CHL_ADD ||| nas.up {"type": "ntime"}',
                    "channel ||| stop 'nas.up'",
                    "key list",
                    "odd 'quote",
                ]
            )
        },
    )
    assert COMMANDS.run(world.call(stage), row, params) == RunLines(
        [
            (3, ["CHL_ADD", "nas.up", '{"type": "ntime"}']),
            (4, ["channel", "stop", "nas.up"]),
            (5, ["key", "list"]),
            (6, ["odd 'quote"]),
        ]
    )
    assert world.ask(stage, "farm reload") == ReloadInventory()
    said: dict[str, Any] = {"done": 3, "refused": [{"line": 6, "why": "There is no command."}], "more": 0}
    assert render("channel.load", said).splitlines() == [
        "OK 3 lines run, 1 line refused.", "  line 6: There is no command.",
    ]  # fmt: skip


def test_devices_say_what_their_driver_takes(stage: world.Stage) -> None:
    """RM-29, RM-30: the schema of every driver can be asked."""
    rows = {row["name"]: row for row in world.ask(stage, "device drivers")["drivers"]}
    assert rows["http"]["schema"]["required"] == ["url"]
    assert rows["http"]["managers"] == 2
    assert rows["scale"] == {
        "name": "scale",
        "text": "what lies on it",
        "keys": ["weight"],
        "config": ["port"],
        "managers": 2,
        "schema": SCALE["schema"],
    }
    assert world.ask(stage, "device set nas worker=hal")["rows"][0]["worker_id"] == stage.farm.names["worker", 0, "hal"]
    assert world.ask(stage, "device set nas worker=none")["rows"][0]["worker_id"] == 0


def test_a_replaced_machine_inherits_the_channels_of_the_old(stage: world.Stage) -> None:
    """RM-52: the same channels, so the same history, on other hardware; said by somebody, never guessed."""
    before = stage.farm.channel_named("hal.cpu")
    assert before is not None
    world.ask(stage, "device set hal worker=max")
    play(stage)
    assert stage.farm.workers[before.manager_id].name == "max"
    assert before.state == "logging"


def test_a_short_name_that_two_old_channels_share_names_neither(stage: world.Stage) -> None:
    """CL-31, CL-23: of a database before short names were one channel's own."""
    world.ask(stage, "channel add one type=easy short_name=s")
    world.ask(stage, "channel add two type=easy")
    stage.core.ledger.set(stage.farm.channel_named("two"), short_name="s")
    with pytest.raises(Invalid, match="one, two"):
        world.ask(stage, "CHL_DEL s")
    assert [row["name"] for row in world.ask(stage, "channel list one two")["channels"]] == ["one", "two"]


def test_who_watches_sees_the_trend_in_80_columns(stage: world.Stage) -> None:
    """Issue 5 item 8: it was the last column, and left out where names and units are long."""
    world.ask(stage, "channel add render-07.tasks.frames_per_minute type=easy")
    row = stage.farm.channel_named("render-07.tasks.frames_per_minute")
    assert row is not None
    line = {
        "id": 12345, "name": row.name, "type": "scalar", "state": "starting", "manager": "render-07.example",
        "value": 1234.5678, "unit": "1/min", "age": 37.0, "trend": [float(one % 7) for one in range(40)], "error": "",
    }  # fmt: skip
    data = {
        "channels": [{**world.ask(stage, f"channel list {row.name}")["channels"][0], **line}],
        "total": 1,
        "offset": 0,
    }
    lines = render("channel.list", data, (80, 24)).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[-1] == "trend"
    assert len(lines[1].split()[-1]) == 16
