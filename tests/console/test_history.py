"""What an operator entered before, kept over logins and processes, and what is never kept."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.console.history import ANYBODY, MOST, Histories, Past, file_name


def entries(past: Past) -> list[str]:
    """Oldest first, as Up walks back through them."""

    async def all_of() -> list[str]:
        return [entry async for entry in past.load()]

    return asyncio.run(all_of())[::-1]


def test_entries_come_back_at_the_next_login(tmp_path: Path) -> None:
    past = Histories(tmp_path / "history").of("anna")
    past.append_string("worker list")
    past.append_string("job create x params={\n  1}\n")
    past.append_string("job create x params={\n  1}")  # twice in a row is once
    again = Histories(tmp_path / "history")
    assert entries(again.of("anna")) == ["worker list", "job create x params={\n  1}"]
    assert entries(again.of("bert")) == []
    assert entries(again.of("")) == []


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    Histories(tmp_path / "console" / "history").of("anna").append_string("worker list")
    path = tmp_path / "console" / "history" / "anna"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_sessions_of_one_operator_share_it_and_so_do_processes(tmp_path: Path) -> None:
    here, there = Histories(tmp_path), Histories(tmp_path)
    assert here.of("anna") is here.of("anna")
    here.of("anna").append_string("from here")
    there.of("anna").append_string("from there")
    here.of("anna").append_string("from here again")
    assert entries(Histories(tmp_path).of("anna")) == ["from here", "from there", "from here again"]


@pytest.mark.parametrize(
    "line",
    [
        "session hello anna token=s3cret",
        "session hello anna s3cret",
        "ONLINE anna s3cret",
        "session.online  'anna b'  s3cret",
        " worker list",
        "x PASSWORD=1",
        "y" * 20_000,
    ],
)
def test_what_may_be_secret_is_at_hand_in_this_session_only(tmp_path: Path, line: str) -> None:
    past = Histories(tmp_path).of("anna")
    past.append_string(line)
    assert entries(past) == [line]
    assert entries(Histories(tmp_path).of("anna")) == []


def test_a_hello_without_a_token_is_no_secret(tmp_path: Path) -> None:
    Histories(tmp_path).of("anna").append_string("ONLINE anna")
    assert entries(Histories(tmp_path).of("anna")) == ["ONLINE anna"]


def test_it_is_bounded_in_memory_and_on_the_disk(tmp_path: Path) -> None:
    past = Histories(tmp_path).of("anna")
    for number in range(2 * MOST + 10):
        past.append_string(f"echo {number}")
    assert len(entries(past)) == MOST
    assert len((tmp_path / "anna").read_bytes().splitlines()) < 2 * MOST
    assert entries(Histories(tmp_path).of("anna"))[-1] == f"echo {2 * MOST + 9}"
    assert stat.S_IMODE((tmp_path / "anna").stat().st_mode) == 0o600


def test_a_damaged_file_and_a_disk_that_takes_nothing_harm_nobody(tmp_path: Path) -> None:
    (tmp_path / "anna").write_bytes(b'"good"\n{"no": 1}\n\xff\n"\\u001b[2J"\n"half')
    assert entries(Histories(tmp_path).of("anna")) == ["good", "\\x1b[2J"]
    (tmp_path / "file").write_text("in the way")
    past = Histories(tmp_path / "file").of("anna")
    past.append_string("worker list")
    assert entries(past) == ["worker list"]


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps("secret") + "\n")
    (tmp_path / "anna").symlink_to(secret)
    past = Histories(tmp_path).of("anna")
    past.append_string("worker list")
    assert entries(past) == ["worker list"]
    assert secret.read_text() == json.dumps("secret") + "\n"


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_name_leads_out_of_the_folder_and_no_two_people_share_a_file(one: str, other: str) -> None:
    name = file_name(one)
    assert name and "/" not in name and not name.startswith(".") and name.isascii() and len(name) < 60
    assert name.isprintable()
    assert one == other or name != file_name(other)
    assert (name == ANYBODY) == (one == "")
