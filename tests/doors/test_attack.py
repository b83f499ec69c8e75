"""Peers that mean no good, or know no better: each loses its own connection, and the farm goes on beside it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brender.commands import TABLE
from brender.commands.grammar import report_signature, signature_of
from brender.wire.packed import frame

from .peers import LIMIT, Farm, everything, until

MOST_GROWTH = 48 << 20  # bytes
MOST_WORK = 2.0  # seconds of processor time of the master until farm.status is answered: alone it takes 2 ms
OPENINGS = (
    b"",
    b"{",
    b"[",
    b"\xc1",
    b"\xff",
    b"\x16\x03",
    b"GET ",
    b"identify_client\n",
    b"clients\n",
    b"\xef\xbb\xbf{",
)
FUZZ = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def quick(doors: Farm) -> dict[str, Any]:
    """The farm's status, which must come before the master has done much else, however slow or busy the machine is."""
    start = doors.worked()
    found = doors.status()
    assert doors.worked() - start < MOST_WORK
    return found


@contextmanager
def unharmed(doors: Farm) -> Iterator[None]:
    """Around an attack: the master answers during and after it, holds no more memory, and the worker is still there."""
    before = doors.memory()
    yield
    assert quick(doors)["workers"]["online"] == 1
    assert doors.memory() - before < MOST_GROWTH


def send(link: socket.socket, data: bytes) -> None:
    """Send until the master has had enough."""
    try:
        link.sendall(data)
    except (ConnectionResetError, BrokenPipeError):
        return


def connect(doors: Farm) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", doors.port), LIMIT)
    doors.peers.append(link)
    return link


@FUZZ
@given(opening=st.sampled_from(OPENINGS), rest=st.binary(max_size=3000))
def test_random_bytes_hurt_nobody(doors: Farm, opening: bytes, rest: bytes) -> None:
    """F30: whatever comes first, the peer gets an answer or the end, and so does the next one."""
    doors.say(opening + rest)
    assert quick(doors)["workers"]["known"] >= 1


@FUZZ
@given(frames=st.binary(max_size=2000), length=st.integers(0, 2**32 - 1))
def test_random_frames_hurt_nobody(doors: Farm, frames: bytes, length: int) -> None:
    """S14: a frame's length is a promise that nobody prepares for."""
    with unharmed(doors):
        doors.say(b"\xc1" + length.to_bytes(4, "big") + frames)
        doors.say(b"\xc1" + len(frames).to_bytes(4, "big") + frames)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = {
    row.name: [
        one.name
        for one in (report_signature(row.name, row.reads) if row.reads else signature_of(row.name, row.run)).parameters
    ]
    for row in TABLE
    if row.name not in ("session.bye", "worker.disable", "worker.delete")
}


@FUZZ
@given(st.data())
def test_no_parameters_of_any_method_meet_a_defect(doors: Farm, data: st.DataObject) -> None:
    """S9, S13: arbitrary JSON for every method is done or refused; -32603 would be a defect of ours."""
    method = data.draw(st.sampled_from(sorted(NAMES)))
    keys = st.sampled_from([*NAMES[method], "x"])
    params = data.draw(st.dictionaries(keys, VALUES, max_size=4) | st.lists(VALUES, max_size=4))
    with socket.create_connection(("127.0.0.1", doors.port), LIMIT) as link:
        request = {"jsonrpc": "2.0", "id": "last", "method": "session.test"}
        document = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            lines = [json.dumps(one, ensure_ascii=False).encode() for one in (document, request)]
        except UnicodeEncodeError:
            return
        link.sendall(b"\n".join(lines) + b"\n")
        link.shutdown(socket.SHUT_WR)
        said = everything(link).decode()
    if method not in ("legacy.update", "legacy.hello", "legacy.word"):
        assert '"id":1' in said or '"id":null' in said, said
    assert '"code":-32603' not in said, said


@FUZZ
@given(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=200))
def test_any_line_at_the_prompt_is_answered(doors: Farm, line: str) -> None:
    """S10, S23: `@file`, `$()`, quotes and controls are words like others."""
    said = doors.say(b"test\n" + line.encode() + b"\n").decode()
    assert "-32603" not in said
    assert "\x1b" not in said


def test_a_line_of_ten_megabytes_is_refused_after_one(doors: Farm) -> None:
    """S13: the peer is told why, though it is still sending."""
    with unharmed(doors):
        link = connect(doors)
        send(link, b'{"jsonrpc":"2.0","id":1,"method":"session.echo","params":{"text":"' + b"x" * (10 << 20) + b'"}}\n')
        assert b"longer than 1048576 bytes" in everything(link)
        link = connect(doors)
        send(link, b"x" * (10 << 20) + b"\nquit\n")
        assert everything(link).startswith(b"ERR -32602 A line holds at most 8192 bytes.")


def test_a_telnet_line_without_end_is_refused_and_the_next_one_works(doors: Farm) -> None:
    """S13: 8 KiB."""
    said = doors.say(b"echo " + b"y" * 100_000 + b"\ntest\n")
    assert b"ERR -32602 A line holds at most 8192 bytes." in said
    assert said.endswith(b"test>\r\nbrender> ")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: farm\r\n\r\n",
        b"POST /rpc HTTP/1.1\r\nHost: farm\r\nContent-Length: 40\r\n\r\ndisable ALL\r\nworker delete all\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\ndisable ALL\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_a_browser_gets_one_clear_line_and_nothing_in_its_body_is_obeyed(doors: Farm, head: bytes) -> None:
    """S8: the form protocol attack."""
    said = doors.say(head)
    assert said.startswith(b"HTTP/1.1 400 ") and said.count(b"HTTP/1.1") == 1
    assert doors.workers()["render-01"]["state"] == "enabled"


def test_a_tls_hello_is_refused_in_tls_words_and_closed(doors: Farm) -> None:
    """S15: no keys yet, so no handshake; the peer must not wait for one."""
    link = connect(doors)
    link.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert everything(link) == b"\x15\x03\x03\x00\x02\x02\x28"


@pytest.mark.parametrize("data", [b"\x93\x01\x02", b"SSH-2.0-OpenSSH_9\r\n", b"\x80\x04\x95."])
def test_other_protocols_are_told_what_is_spoken_here(doors: Farm, data: bytes) -> None:
    """S3, S14: bare msgpack, its bombs, pickles and SSH."""
    assert b"This is a brender farm" in doors.say(data)


def test_two_hundred_half_open_connections_are_only_themselves(doors: Farm) -> None:
    """S15, F31: nothing said, half a frame, half a line, half a TLS hello; everybody else goes on."""
    with unharmed(doors):
        halves = [
            b"",
            b"\xc1\x00\x00",
            b'{"jsonrpc":"2.0",',
            b"\x16",
            b"identify_cli",
            b"GET / HT",
            b"\xff\xfa\x1f",
            b"cli",
        ]
        links = [connect(doors) for _ in range(200)]
        for place, link in enumerate(links):
            send(link, halves[place % len(halves)])
        until(lambda: doors.status()["sessions"] >= 1, "the status")
        peer = doors.json()
        peer.call("farm.subscribe", topics=["job.ended"])
        peer.call("job.create", name="beside", function="noop", frames="1-20", run=True)
        assert peer.event("job.ended")["data"]["state"] == "success0"
        quick(doors)


def test_a_peer_that_asks_and_never_reads_is_not_read_either(doors: Farm) -> None:
    """S16: answers are bounded as events are; its questions stay in its own machine's memory."""
    peer = doors.json()
    for number in range(200):
        peer.send({"id": number, "method": "project.add", "params": {"name": f"p{number}", "values": {}}})
    for number in range(200):
        peer.answer(number)
    with unharmed(doors):
        link = socket.socket()
        doors.peers.append(link)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(0.5)
        link.connect(("127.0.0.1", doors.port))
        with pytest.raises(TimeoutError):
            link.sendall(b'{"id":1,"method":"project.list","params":{}}\n' * 1_000_000)
        quick(doors)


def test_a_subscriber_that_stops_reading_is_hung_up_and_the_others_are_not(doors: Farm) -> None:
    """S16, F33: after ten seconds without progress; until then it costs no more than its bound."""
    with unharmed(doors):
        stuck, reader, maker = doors.json(receive=4096), doors.json(), doors.json()
        sessions = [peer.call("session.list")["you"] for peer in (stuck, reader)]
        for peer in (stuck, reader):
            peer.call("farm.subscribe", topics=["worker.changed"])
        for number in range(150):
            values = {"warning": f"{number:08}" + "z" * 60_000}
            maker.call("worker.update", workers=["render-01"], values=values)
            reader.event()
            quick(doors)
        maker.call("worker.update", workers=["render-01"], values={"warning": ""})

        def here() -> list[int]:
            return [one["id"] for one in maker.call("session.list")["sessions"] if one["id"] in sessions]

        until(lambda: here() == sessions[1:], "the stuck one is gone")
        assert reader.event()["data"]["warning"] == ""


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 1_000_000,
        b"\xff\xfb\x18" + b"z" * 1_000_000,
        b"y\n" * 100_000,
        b'{"id":1,"method":"no.such"}\n' * 30_000,
        b'{"method":"session.test"}\n' * 30_000,
    ],
    ids=["no line end", "telnet", "short lines", "unknown methods", "notifications"],
)
def test_a_peer_that_never_stops_talking_lets_others_speak(doors: Farm, data: bytes) -> None:
    """S15, F30: between two of its reads everybody else has a turn."""
    link = connect(doors)
    link.setblocking(False)
    with unharmed(doors):
        for _ in range(20):
            for _ in range(8):
                with suppress(BlockingIOError, ConnectionResetError, BrokenPipeError):
                    link.send(data)
                with suppress(BlockingIOError, ConnectionResetError):
                    link.recv(1 << 20)
            quick(doors)


WIDE = 9_999_999_999_999_999_999  # 19 digits, and more than 63 bits


def test_no_number_that_the_database_cannot_hold_gets_into_it(tmp_path: Path) -> None:
    """S13, S27: one such row, and the farm would not start again."""
    farm = Farm(tmp_path)
    hello = {"key": "k", "mac": "0200000000aa", "hostname": "caf\u03c0\u03ff", "slots": 1}
    try:
        peer = farm.json()
        for method, params in (
            ("job.create", {"name": "j", "function": "noop", "frames": "1-9", "chunk": WIDE}),
            ("job.create", {"name": "j", "function": "noop", "params": {"a": [{"b": -WIDE}]}}),
            ("worker.add", {"name": "w", "values": {"mac": "0200000000bb", "config": {"a": WIDE}}}),
        ):
            assert "63 bits" in peer.refused(method, **params)["message"]
        assert b"63 bits" in farm.say(f"job create j function=noop frames=1-9 chunk={WIDE}\n".encode())
        assert b"ERR -32602" in farm.say(b"job create j function=noop timeout=nan\n")
        assert b"no number" in farm.say(b"job create j function=noop timeout=inf\n")
        for params in ({**hello, "slots": 2**64 - 1}, {**hello, "config": {"a": [float("nan")]}}):
            assert b"63 bits" in farm.say(frame([{"method": "worker.hello", "params": params}]))
        assert b"welcome" in farm.say(frame([{"method": "worker.hello", "params": hello}]))
        peer.call("job.create", name="j", function="noop", frames="1-9", params={"a": 2**63 - 1})
        peer.call("step.update", step="j/noop", values={"chunk": 3})
        assert "63 bits" in peer.refused("step.update", step="j/noop", values={"chunk": WIDE})["message"]
        assert farm.master.stop() == 0
        farm.start()
        assert farm.json().call("step.show", step="j/noop")["params"] == {"a": 2**63 - 1}
    finally:
        farm.end()
