"""Names from strangers in every list and show: no control byte leaves, and columns align as wcwidth(3) counts them."""

from __future__ import annotations

import ctypes
import json
import locale
import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from core.builders import Stage
from msgspec.structs import replace

from brender.commands import TABLE
from brender.commands.calls import Lookup
from brender.commands.text import render
from brender.core import events as ev
from brender.core.rows import Attempt
from brender.history import Sum
from brender.wire.screen import cells, escape, escape_json, safe

from . import world

NAMES = (
    "\x9b31mred\x9b2J",
    "\u202egnirts\u2066\u200f",
    "render \U0001f426\u200d\U0001f525 \u2764\ufe0f",
    "é" * 127 + "x",
    "漢字" * 60,
    "a\u0301\u0327" * 40,
    "\u1112\u1161\u11ab\uac00 \u0915\u094d\u0937",
    "soft\xadhyphen\u2028line\u0378\U000e0041",
    "wide ﾊﾝ ＦＵＬＬ ䷀ ㉈",
    "b  two  gaps",
)
# What a machine or a program says may hold anything, also what no name may.
SAID = "\x1b]0;owned\x07\x1b[2J\r\nbrender> OK all deleted\x00" + NAMES[2]
LISTS = {
    "worker.list": ("worker list", "workers"),
    "project.list": ("project list", "projects"),
    "function.list": ("function list", "functions"),
    "limit.list": ("limit list", "limits"),
    "preset.list": ("preset list", "presets"),
    "job.list": ("job list", "jobs"),
    "step.list": ("step list 1", "steps"),
    "task.list": ("task list 1", "tasks"),
    "session.list": ("session list", "sessions"),
    "channel.list": ("channel list", "channels"),
    "device.list": ("device list", "devices"),
    "key.list": ("key list", "keys"),
    "manager.list": ("manager list", "managers"),
    "alarm.list": ("alarm list", "alarms"),
    "alarm_rule.list": ("alarm rule list", "rules"),
    "delivery.list": ("delivery list", "deliveries"),
}
OF_THE_DISK = ("log.list",)
SHOWS = {
    "worker.show": "worker show all",
    "project.show": "project show 1",
    "limit.show": f"limit show '{NAMES[0]}'",
    "preset.show": f"preset show '{NAMES[1]}'",
    "job.show": "job show 1",
    "job.status": "job status 1",
    "job.dump": "job dump 1",
    "channel.show": "channel show all",
    "device.show": "device show 1",
    "step.show": "step show 2",
    "task.show": "task show 2 0",
    "farm.status": "farm status",
    "farm.why": "why 1",
    "schedule.list": "schedule list",
    "schedule.show": "schedule show 1",
    "alarm.show": "alarm show all",
    "delivery.show": "delivery show all",
    "alarm_rule.show": f"alarm rule show '{NAMES[1]}'",
}
CONTROLS = ("Cc", "Cs", "Zl", "Zp")


@pytest.fixture(scope="module")
def wcwidth() -> Iterator[Any]:
    """The C library's own, for UTF-8."""
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    library = ctypes.CDLL(None)
    library.wcwidth.argtypes = [ctypes.c_wchar]
    yield library.wcwidth
    locale.setlocale(locale.LC_CTYPE, before)


@pytest.fixture(scope="module")
def stage() -> Stage:
    """A farm in which nobody has a decent name."""
    made = Stage()
    for number, name in enumerate(NAMES, 1):
        offers = [name for name in ("noop", escape(NAMES[0]), NAMES[2], NAMES[3]) if " " not in name]
        manager = {"roles": ["manager"], "probes": [SAID], "daemon": {"pid": 1, "pid_path": SAID}}
        worker = made.worker(f"w{number}", config=manager, functions=" ".join(offers), tags=[SAID], platform=SAID[:200])
        made.do(ev.Update("worker", [worker], {"name": name, "warning": SAID}))
        made.do(ev.Create("project", {"name": name, "description": SAID}))
        made.do(ev.Create("limit", {"name": name, "count": 1, "description": SAID}))
        made.do(ev.Create("preset", {"name": name, "params": {"samples": 4}, "description": SAID}))
        made.do(ev.Create("device", {"name": name, "driver": "x", "description": SAID, "config": {"a": SAID}}))
        made.do(ev.Create("key", {"name": name, "unit": SAID[:40], "description": SAID}))
        made.do(ev.AddChannels([{"name": name, "type": "easy", "labels": {"a": "b"}}]))
        made.farm.latest[number] = (made.now, SAID)
        rule = {"name": name, "condition": "above", "threshold": 1.0, "logger": name, "runbook": SAID}
        made.do(ev.Create("alarm_rule", rule))
        made.do(ev.WriteLog(name, "ALERT", SAID))
        when = {
            "uuid": f"u{number}",
            "name": name,
            "kind": "once_after",
            "seconds": 9.0,
            "owner": SAID,
            "project": SAID,
        }
        made.do(ev.Create("schedule", {**when, "method": "enable", "params": {"workers": [SAID, name]}}))
        steps = [{"name": step, "function": "noop", "frames": "1-2", "retries": 0, "params": [SAID]} for step in NAMES]
        flow = {"name": name, "submitter": SAID, "tags": [], "tasks": steps if number == 1 else steps[:1]}
        made.do(ev.SubmitTree({"name": name, "workflows": [flow]}, name, run=True))
    made.do(ev.Readings([(channel, made.now, 2.0) for channel in made.farm.channels]))
    for worker in list(made.farm.workers):
        for attempt in made.live(worker)[:1]:
            made.start(worker, attempt)
            made.end(worker, attempt, "error", exit_code=1, reason=SAID)
    return made


def shown(stage: Stage, line: str, room: int) -> tuple[Any, list[str]]:
    method, data = world.say(stage, line, name=NAMES[1], project=NAMES[4])
    return data, safe(render(method, data, (room, 24))).splitlines()


def harmless(lines: list[str], wcwidth: Any, room: int) -> None:
    for line in lines:
        assert not [char for char in line if unicodedata.category(char) in CONTROLS or char in "\u202e\u2066\u200f"], (
            line
        )
        assert all(wcwidth(char) >= 0 for char in line), line
        assert sum(map(wcwidth, line)) <= room, line


def painted(line: str, wcwidth: Any) -> str:
    """The line as the cells of a terminal: `x` where something stands."""
    return "".join(("x" if not char.isspace() else " ") * wcwidth(char) for char in line)


def aligned(table: list[str], wcwidth: Any) -> None:
    """Between the columns that the head names there is a gap which no row breaks."""
    painting = [painted(line, wcwidth) for line in table]
    wide = max(map(len, painting))
    free = "".join(" " if all(row.ljust(wide)[at] == " " for row in painting) else "x" for at in range(wide))
    gaps = [len(list(run)) for what, run in groupby(free.strip()) if what == " "]
    columns = len(re.split(r" {2,}", table[0].strip()))
    assert len([gap for gap in gaps if gap >= 2]) >= columns - 1, table


def test_every_list_and_show_is_tried_here() -> None:
    """A new one must be added above."""
    verbs = ("list", "show", "status", "dump", "why")
    there = {row.name for row in TABLE if row.spoken and row.verb in verbs}
    assert there == {*LISTS, *SHOWS, *OF_THE_DISK}


@pytest.mark.parametrize("room", [40, 80, 200])
@pytest.mark.parametrize("name", LISTS)
def test_no_name_in_a_list_harms_a_terminal_or_breaks_a_column(
    stage: Stage, wcwidth: Any, name: str, room: int
) -> None:
    """S23; issue 4: foreign text shows harmlessly and aligned."""
    line, key = LISTS[name]
    data, lines = shown(stage, line, room)
    harmless(lines, wcwidth, room)
    aligned(lines[: len(data[key]) + 1], wcwidth)


@pytest.mark.parametrize("room", [40, 80])
@pytest.mark.parametrize("name", SHOWS)
def test_no_name_in_a_show_harms_a_terminal(stage: Stage, wcwidth: Any, name: str, room: int) -> None:
    harmless(shown(stage, SHOWS[name], room)[1], wcwidth, room if name != "job.dump" else 10_000)


def test_no_name_in_a_history_harms_a_terminal(stage: Stage, wcwidth: Any) -> None:
    """What the disk would answer, for workers and jobs of these names."""
    attempt = Attempt(1, 1, 0, 1, 1, 1, "error", reason=SAID, assigned_at=1.0, started_at=2.0, ended_at=3.0)
    told: list[tuple[str, list[Any]]] = [
        ("job history 1", [Sum(1, worker, "error", 1, 3.0, 1.0, 4.0) for worker in stage.farm.workers]),
        ("worker history 1", [attempt, replace(attempt, id=2, step_id=99)]),
        ("task history 2 0", [attempt, replace(attempt, id=2, worker_id=2)]),
        ("log list", list(stage.farm.records.values())),
    ]
    for line, rows in told:
        method, found = world.say(stage, line)
        assert isinstance(found, Lookup)
        harmless(safe(render(method, found.answer(rows), (80, 24))).splitlines(), wcwidth, 80)


def test_cells_are_what_the_c_library_counts(wcwidth: Any) -> None:
    """Every character of the planes that people write in, where both know it."""
    differ = [
        hex(code)
        for code in range(0x20000)
        if escape(chr(code)) == chr(code) and wcwidth(chr(code)) >= 0 and cells(chr(code)) != wcwidth(chr(code))
    ]
    assert differ == []


def test_what_is_no_character_yet_is_shown_by_its_number() -> None:
    assert escape("a\u0378b\U000e0041c") == "a\\u0378b\\U000e0041c"
    assert escape("\U0001fae8") == "\U0001fae8"
    assert json.loads(escape_json(json.dumps("a\u0378\U000e0041", ensure_ascii=False))) == "a\u0378\U000e0041"
