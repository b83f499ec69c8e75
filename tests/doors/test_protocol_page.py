"""docs/protocol.md is true: every example in it is had with a real master, and its tables list what the code has."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from msgspec.structs import fields

from brender.commands import TABLE
from brender.config import DEFAULT as SETTINGS
from brender.core.orders import Order
from brender.errors import BY_CODE
from brender.hub import links
from brender.wire import readings
from brender.wire.limits import DEFAULT as LIMITS
from brender.wire.packed import FrameReader, Message, frame

from .peers import LIMIT, Farm, everything

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
EXAMPLES = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


class Talk:
    """One connection on which an example is had, line by line."""

    def __init__(self, port: int, packed: bool) -> None:
        self.link = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.packed = packed
        self.reader = FrameReader()
        self.rest = b""

    def send(self, text: str) -> None:
        self.link.sendall(frame(json.loads(text)) if self.packed else text.encode() + b"\n")

    def expect(self, text: str) -> None:
        wanted = re.compile(".*".join(map(re.escape, text.split("…"))))
        said = self.receive(wanted)
        assert wanted.fullmatch(said), f"{said!r} is not {text!r}"

    def receive(self, wanted: re.Pattern[str]) -> str:
        """The next line, or frame as JSON; `mac_addr` comes without a line end."""
        while True:
            line, end, rest = self.rest.partition(b"\n")
            if end or (line and wanted.fullmatch(line.decode())):
                self.rest = rest
                return line.decode().removesuffix("\r")
            data = self.link.recv(1 << 16)
            assert data, f"the master hung up; {self.rest!r} is not {wanted.pattern!r}"
            if self.packed:
                found = self.reader.feed(data)
                return json.dumps([_plain(one) for one in found], separators=(",", ":"))
            self.rest += data


def _plain(message: Message) -> dict[str, object]:
    return {"method": message.method, "params": message.params_as(dict)}


@pytest.mark.parametrize(("kind", "example"), EXAMPLES, ids=[text.split("\n")[0][:40] for _, text in EXAMPLES])
def test_the_example_on_the_page_happens(doors: Farm, kind: str, example: str) -> None:
    """BR-11, BR-12, BR-30: in the order of the page, each on a connection of its own."""
    talk = Talk(doors.port, kind == "frames")
    with talk.link:
        for line in example.splitlines():
            mark, _, text = line.partition(" ")
            if mark == ">":
                talk.send(text)
            elif mark == "<":
                talk.expect(text)
            else:
                assert line == "= closed"
                assert talk.rest + everything(talk.link) == b""


def test_the_page_has_examples_of_all_forms() -> None:
    """Eleven conversations: lines, JSON, a prompt, events and those of some channels, watching, frames, 2013."""
    assert len(EXAMPLES) == 11
    assert all("\n> " in f"\n{example}" for _, example in EXAMPLES)


def test_the_page_lists_every_message_of_workers_with_its_fields() -> None:
    """DESIGN 5: both directions, as the code has them."""
    rows = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]*)\|", PAGE, re.MULTILINE))
    for row in TABLE:
        if row.reads is not None and row.noun == "worker":
            told = rows.pop(row.name)
            assert [one.name for one in fields(row.reads)] == [part.strip() for part in _names(told)], row.name
    for order in Order.__subclasses__():
        assert [one.name for one in fields(order)] == _names(rows.pop(order.wire)), order.wire
    for word, kind in ((readings.SAVED, readings.Saved), (readings.UNSAVED, readings.Unsaved)):
        assert [one.name for one in fields(kind)] == _names(rows.pop(word)), word
    assert set(rows) <= {"FF", "C1"}


def _names(cell: str) -> list[str]:
    """The field names of a cell, without what their lists hold."""
    return [name for name in re.sub(r": \[[^\]]*\]", "", cell).strip().split(", ") if name]


def test_the_page_states_the_limits_and_codes_that_are_in_force() -> None:
    """CONTRACT 4.9: a limit that is changed is changed on the page."""
    limits = {
        LIMITS.opening: "1 KiB", LIMITS.telnet_line: "8 KiB", LIMITS.json_line: "1 MiB", LIMITS.frame: "4 MiB",
        SETTINGS.unsent_bytes: "1 MiB",
    }  # fmt: skip
    sizes = {"KiB": 1024, "MiB": 1024 * 1024}
    for size, words in limits.items():
        number, unit = words.split()
        assert size == int(number) * sizes[unit] and f"| {words} |" in PAGE
    waiting = f"{links.MOST_WAITING}; {links.MOST_OF_WORKER}"
    for number in (LIMITS.faults, waiting, f"{LIMITS.depth}; {LIMITS.batch}", f"{SETTINGS.connections:,}"):
        assert f"| {number} |" in PAGE
    assert f"({SETTINGS.feed_events:,} events are kept)" in PAGE
    assert f"after {links.STUCK:.0f} s without progress" in PAGE
    assert not [code for code in BY_CODE if str(code) not in PAGE]
