"""When no master answers: exit code 3, whose address it was, what listens there instead, and how to start one."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from pathlib import Path

import pytest
from ports import free_port

from brender import cli
from brender.caller import NoMaster, conversation

LIMIT_S = 60.0


def nobody() -> str:
    """An address where nothing listens."""
    return f"127.0.0.1:{free_port()}"


@pytest.mark.parametrize("origin", ["--master", "BRENDER_MASTER", "config.yml"])
def test_no_master_is_code_3_and_says_where_who_said_so_and_how_to_start_one(
    origin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, words = nobody(), ["clients"]
    monkeypatch.delenv("BRENDER_MASTER", raising=False)
    if origin == "--master":
        words.append(f"--master={place}")
    elif origin == "BRENDER_MASTER":
        monkeypatch.setenv(origin, place)
    else:
        (tmp_path / origin).write_text(f"master: {place}")
        monkeypatch.setenv("BRENDER_CONFIG", str(tmp_path / origin))
        origin = str(tmp_path / origin)
    assert cli.main(words) == 3
    said = capsys.readouterr().err
    assert f"No master answers at {place} ({origin}): nothing listens there. Start one: brender up" in said
    assert "brender master" in said and "BRENDER_MASTER" in said and "brender config" in said
    assert cli.main([*words, "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert place in error["message"] and "brender up" in error["data"]["hint"]


class Page(http.server.BaseHTTPRequestHandler):
    """What a web server says to a line of JSON."""

    def log_message(self, *_: object) -> None:
        """Say nothing about it."""


def test_a_stranger_at_the_address_is_named_by_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        assert cli.main(["clients", f"--master=127.0.0.1:{server.server_port}"]) == 3
        thread.join(LIMIT_S)
    said = capsys.readouterr().err
    assert "Something listens at" in said and "no brender master" in said and "DOCTYPE" in said


@pytest.mark.parametrize(
    ("greeting", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "it says «SSH-2.0-OpenSSH_9.2»"),
        (b"\x1b[2J{not json\n", r"it says «\x1b[2J{not json»"),
        (
            b"brender: this master serves 9 connections at the most; try later.\r\n",
            "says: brender: this master serves 9",
        ),
        (b"[1]\n", "it says «[1]»"),
        (b'{"id": 1, "resu', "hung up without a word"),
    ],
)
def test_whatever_is_said_there_cannot_harm_the_terminal(
    greeting: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def serve(door: socket.socket) -> None:
        link, _ = door.accept()
        with link:
            link.recv(65536)
            link.sendall(greeting)
            link.shutdown(socket.SHUT_WR)
            while link.recv(65536):
                pass  # closing with words unread would be a reset, not an end

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=serve, args=(door,), daemon=True)
        thread.start()
        assert cli.main(["clients", f"--master=127.0.0.1:{door.getsockname()[1]}"]) == 3
        thread.join(LIMIT_S)
    told = capsys.readouterr().err
    assert said in told and "\x1b" not in told


def test_who_listens_and_says_nothing_is_told_from_nobody() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as door,
        pytest.raises(NoMaster, match=r"Something listens at .* but it says nothing"),
    ):
        next(conversation(f"127.0.0.1:{door.getsockname()[1]}", "session.test", {}, patience=0.05))


def test_another_machine_is_named_and_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """Another machine is not asked at all until there are keys."""
    assert cli.main(["clients", "--master", "farm.invalid:6000"]) == 1
    assert "farm.invalid:6000" in capsys.readouterr().err


def test_a_master_that_hangs_up_without_a_word_is_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=lambda: door.accept()[0].close(), daemon=True)
        thread.start()
        assert cli.main(["clients", f"--master=127.0.0.1:{door.getsockname()[1]}"]) == 3
        thread.join(LIMIT_S)
    assert "master" in capsys.readouterr().err
