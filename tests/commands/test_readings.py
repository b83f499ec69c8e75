"""Words about readings: what people write for moments and samples, and what they are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from brender.commands.calls import AskReadings, KeepReadings
from brender.commands.layout import size, sparkline
from brender.commands.text import render
from brender.core.rows import Channel, Device, Key
from brender.errors import BrenderError, NotFound
from brender.wire.screen import width

from . import world

NOON = 1_790_000_000.0


@pytest.fixture
def stage() -> world.Stage:
    found = world.stage()
    found.now = NOON
    found.farm.devices = {1: Device(1, "render-01"), 2: Device(2, "render-02")}
    found.farm.keys = {5: Key(5, "temperature", "°C"), 6: Key(6, "load")}
    found.farm.channels = {
        7: Channel(7, "t1", "T", 1, 5), 8: Channel(8, "t2", "", 2, 5), 9: Channel(9, "l1", "", 1, 6)
    }  # fmt: skip
    return found


def put(stage: world.Stage, line: str) -> KeepReadings:
    found = world.ask(stage, f"reading put {line}")
    assert isinstance(found, KeepReadings)
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("render-01 temperature 61.5", (7, NOON, 61.5)),
        ("1 5 -3", (7, NOON, -3.0)),
        ("T - 1e3", (7, NOON, 1000.0)),
        ("t2 - 5 at=-10m", (8, NOON - 600, 5.0)),
        (f"l1 - 5 {NOON - 1}", (9, NOON - 1, 5.0)),
        ("render-01/load - 'door open'", (9, NOON, "door open")),
    ],
)
def test_one_sample_at_the_prompt(stage: world.Stage, line: str, expected: tuple[int, float, Any]) -> None:
    """REQUIREMENTS 8.2: reading put <device> <key> <value> [ts]."""
    columns = put(stage, line).columns
    numbers = list(zip(columns.channels, columns.times, columns.values, strict=True))
    assert [*numbers, *columns.others] == [expected]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("render-09 temperature 1", "There is no device 'render-09'. Did you mean render-02 or render-01?"),
        ("render-01 temprature 1", "There is no key 'temprature'. Did you mean temperature?"),
        (
            "render-02 load 1",
            "Device render-02 has no channel for key load. That is measured at render-01. See channel list.",
        ),
        ("t9 - 1", "There is no channel 't9'."),
        ("t1 -", "needs a source, a key and a value"),
        ("t1 - 1 samples=[]", "Samples are given twice"),
        ("samples={}", "samples= is a list"),
        ("t1 - nan", "cannot be stored"),
        ("t1 - 1 at=lately", "'lately' is no moment"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(stage: world.Stage, line: str, said: str) -> None:
    """RM-33, CL-48."""
    with pytest.raises(BrenderError) as refused:
        put(stage, line)
    assert said in refused.value.sentence()


def test_many_samples_are_taken_and_each_that_is_wrong_is_named(stage: world.Stage) -> None:
    samples = '["render-01", "load", 5, 1], ["t1", "", null, [1, 2]], ["x", "load", 5, 1], ["x", "load", 6, 1], 3'
    found = put(stage, f"samples='[{samples}]'")
    assert (found.columns.channels.tolist(), found.columns.times.tolist()) == ([9], [5.0])
    assert found.columns.others == [(7, NOON, [1, 2])]
    assert found.names == {9: "render-01/load", 7: "t1"}
    assert found.refused == [
        ("x/load", "There is no device 'x'. See device list.", 2),
        ("3", "it is no [device or channel, key, seconds, value]", 1),
    ]


def test_ten_thousand_samples_of_as_many_channels_are_found_at_once(stage: world.Stage) -> None:
    """Names are looked up in a table made once, not in a list for each."""
    stage.farm.channels = {number: Channel(number, f"c{number}") for number in range(1, 10_001)}
    samples = [[f"c{number}", "-", NOON, 1.0] for number in range(1, 10_001)]
    from brender.commands import COMMANDS

    row, params = COMMANDS.read("reading.put", {"samples": samples})
    found = COMMANDS.run(world.call(stage), row, params)
    assert found.columns.channels.tolist() == list(range(1, 10_001))


@pytest.mark.parametrize(
    ("words", "begin", "end"),
    [
        ("", NOON - 3600, NOON),
        ("from=-1d", NOON - 86_400, NOON),
        ("from=-2h to=-1h", NOON - 7200, NOON - 3600),
        (f"to={NOON - 5}", NOON - 3605, NOON - 5),
        ("from=2026-09-01T12:30 to=now", datetime(2026, 9, 1, 12, 30).timestamp(), NOON),
        ("from=2026-09-01", datetime(2026, 9, 1).timestamp(), NOON),
    ],
)
def test_a_stretch_of_time_is_written_as_people_do(stage: world.Stage, words: str, begin: float, end: float) -> None:
    found = world.ask(stage, f"reading range render-01/temperature {words} step=10m agg=max most=50")
    assert found == AskReadings(
        (7, begin, end, 600.0, "max", 50), {"name": "t1", "unit": "°C", "from": begin, "to": end}
    )


def test_an_unknown_channel_is_refused_with_the_nearest(stage: world.Stage) -> None:
    with pytest.raises(NotFound, match="There is no channel 'tt'") as refused:
        world.ask(stage, "reading range tt")
    assert "t1" in refused.value.hint


def test_who_may_do_what(stage: world.Stage) -> None:
    """Operators and machines put readings, everybody with a role asks."""
    for role, may in (("viewer", False), ("artist", False), ("operator", True), ("machine", True)):
        try:
            world.ask(stage, "reading put t1 - 1", role=role)
            assert may
        except BrenderError:
            assert not may
    assert isinstance(world.ask(stage, "reading stats", role="viewer"), AskReadings)


def told(**more: Any) -> dict[str, Any]:
    times = [NOON - 100 + at for at in range(100)]
    found = {
        "name": "t1", "unit": "°C", "from": NOON - 100, "to": NOON, "channel": 7, "source": "raw", "agg": "raw",
        "step": 0.0, "times": times, "values": [float(at % 10) for at in range(100)],
        "lowest": [], "highest": [], "counts": [],
    }  # fmt: skip
    return {**found, **more}


@pytest.mark.parametrize("room", [40, 80, 200])
def test_a_range_is_a_line_of_bars_and_the_last_points(room: int) -> None:
    lines = render("reading.range", told(), (room, 24)).splitlines()
    assert all(width(line) <= room for line in lines)
    assert any(set(line) <= set("▁▂▃▄▅▆▇█ ") for line in lines)
    assert "lowest 0, highest 9" in " ".join(lines)
    assert "100 points" in " ".join(lines)
    sums = told(step=600.0, agg="mean", lowest=[0.0] * 100, highest=[9.5] * 100, counts=[60] * 100)
    text = render("reading.range", sums, (room, 24))
    assert "mean of each 10 min" in " ".join(text.split())
    assert "highest 9.5" in " ".join(text.split())


def test_texts_vectors_and_nothing_are_shown_too() -> None:
    text = render("reading.range", told(times=[NOON, NOON + 1, NOON + 2], values=["\x1b[2Jopen", [1.0, 2.5], None]))
    assert "\\x1b[2Jopen" in text
    assert "1, 2.5" in text
    nothing = render("reading.range", told(times=[], values=[]))
    assert nothing.startswith("Channel t1 has no readings from 20")


def test_the_storage_in_words() -> None:
    data = {
        "engine": "sqlite", "samples": 1_234_567, "bytes": 5 << 20, "rate": 120.5, "waiting": 10, "lag": 3.0,
        "refusing": "", "trouble": "", "set_aside": "", "dropped": 3, "oldest": NOON, "disk_bytes": 6 << 20,
        "buffer_bytes": 100,
        "kinds": {"raw": {"samples": 5, "bytes": 100, "parts": 1}},
    }  # fmt: skip
    text = " ".join(render("reading.stats", data).split())
    assert "sqlite: 1234567 readings in 5 MiB, 120.5/s, 10 since 3.0 s on their way" in text
    assert "3 readings" in text
    troubled = {**data, "refusing": "It is full.", "trouble": "It is away.", "set_aside": "/x.damaged"}
    text = " ".join(render("reading.stats", troubled).split())
    assert "NOTHING IS TAKEN IN: It is full." in text
    assert "the database does not take them: It is away." in text
    assert "/x.damaged" in text


def test_bars_stand_where_their_time_is() -> None:
    assert sparkline([(0.0, 1.0), (5.0, 2.0), (9.9, 3.0)], 0.0, 10.0, 20) == "▁" + " " * 9 + "▅" + " " * 8 + "█"
    assert sparkline([(0.0, 7.0), (9.0, 7.0)], 0.0, 10.0, 20) == "▁" + " " * 17 + "▁"
    assert sparkline([], 0.0, 10.0, 20) == ""
    assert (
        sparkline([(-1.0, 1.0), (2.0, 2.0), (6.0, 3.0)], 0.0, 8.0, 20, step=2.0)
        == "▁▁" + " " * 3 + "▅" * 5 + " " * 5 + "█" * 5
    )


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (812, "812 B"), (4608, "4.5 KiB"), (20 << 30, "20 GiB"), (5000 << 40, "5000 TiB")]
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert size(count) == text
