"""The words of the first control system, as its document has them, over telnet as people type them (CL-19 to CL-25).

A real master, real managers, a real telnet.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .peers import Farm, Screen, until


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A farm of two managers that render nothing."""
    made = Farm(tmp_path_factory.mktemp("farm"))
    try:
        for name in ("hal", "max"):
            made.worker(name, slots=0)
        yield made
    finally:
        made.end()


def at_the_prompt(doors: Farm) -> Screen:
    pane = doors.telnet(columns=100)
    pane.prompt()
    return pane


def said(pane: Screen, line: str) -> str:
    return "\n".join(pane.enter(line))


def test_a_name_that_somebody_has_is_refused_and_free_again_when_they_leave(doors: Farm) -> None:
    """CL-19, CL-39, CL-49: duplicates are detected by name; on disconnect the client leaves the lists."""
    one, two = at_the_prompt(doors), at_the_prompt(doors)
    assert "OK name=anna" in said(one, "ONLINE anna")
    refused = said(two, "ONLINE anna")
    assert "Somebody is here as 'anna' already" in refused and "127.0.0.1" in refused
    assert "A worker named 'hal' is online." in said(two, "ONLINE hal")
    assert "anna" in said(one, "ONLINE anna")  # who says it twice is no double
    assert "ben" in said(two, "ONLINE ben secret")
    users = said(one, "USER_LIST")
    assert "anna" in users and "ben" in users
    two.type("OFFLINE\r")
    two.finish()
    until(lambda: "ben" not in said(one, "USER_LIST"), "who has left is in no list")
    assert "ben" not in said(one, "USERS")
    three = at_the_prompt(doors)
    one.type("quit\r")
    one.finish()
    until(lambda: "OK" in said(three, "ONLINE anna"), "the name is free again")


def test_a_type_is_set_and_shown_and_one_that_is_unknown_may_do_nothing(doors: Farm) -> None:
    """CL-20, CL-21, CL-50."""
    pane = at_the_prompt(doors)
    said(pane, "ONLINE carl")
    assert "gui" in said(pane, "SET_TYPE gui")
    assert "gui" in next(line for line in said(pane, "USER_LIST").splitlines() if "carl" in line)
    refused = said(pane, "SET_TYPE toaster")
    assert "toaster" in refused and "manager" in refused
    said(pane, "SET_TYPE manager")
    assert "carl" not in said(pane, "USER_LIST") and "carl" not in said(pane, "MANAGER_LIST")
    said(pane, "SET_TYPE unknown")
    for line in ("CHL_LIST", "MANAGER_LIST", "CHL_ADD x", "USER_LIST"):
        assert "this session has no role yet" in said(pane, line), line
    assert "hear me" in said(pane, "ECHO hear me")
    said(pane, "SET_TYPE user")
    assert "hal" in said(pane, "MANAGER_LIST")


def test_a_machine_that_has_not_said_hello_may_say_nothing_else(doors: Farm) -> None:
    """CL-13, CL-50: by the door of machines a session is unknown until it registers."""
    from brender.wire.packed import frame

    ask = {"jsonrpc": "2.0", "id": 1, "method": "reading.put", "params": {"samples": [["hal", "load", 1, 2]]}}
    assert b"this session has no role yet" in doors.say(frame([ask]))


def test_channels_come_and_go_by_the_words_of_the_document(doors: Farm) -> None:
    """CL-14 to CL-25, CL-49: the fewest get them, delete deletes, and counts fall."""
    pane = at_the_prompt(doors)

    def row(name: str) -> str:
        return next((line for line in said(pane, f"CHL_LIST {name}").splitlines() if name in line), "")

    def counts() -> list[int]:
        with doors.json() as peer:
            return [one["channels"] for one in peer.call("manager.list")["managers"]]

    before = until(lambda: counts() if min(counts()) else None, "the managers report themselves")
    for number in range(4):
        assert f"t{number}" in said(pane, f'CHL_ADD t{number} {{"type":"easy"}}')
        until(lambda number=number: "logging" in row(f"t{number}"), "it logs")  # type: ignore[misc]
    assert sum(counts()) == sum(before) + 4
    assert max(counts()) - min(counts()) <= max(1, max(before) - min(before))
    assert "t0" in said(pane, "CHL_LIST")
    of = {name: said(pane, f"CHL_LIST_MANAGER {name}") for name in ("hal", "max")}
    assert all(sum(f"t{number}" in text for text in of.values()) == 1 for number in range(4)), of
    assert "t9" in said(pane, "CHL_DEL t9") and "no" in said(pane, "CHL_LIST_MANAGER nobody").lower()
    for number in range(4):
        assert "OK" in said(pane, f"CHL_DEL t{number}")
    until(lambda: counts() == before, "counts fall")
    assert "There is no channel 't0'." in said(pane, "CHL_LIST t0")
    assert "only the brender program" in said(pane, "help from_file")
