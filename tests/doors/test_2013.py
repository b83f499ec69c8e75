"""The peers of 2013 (FIELD 6.1): PHP pages with dataTables, old clients with their handshake, seed words by telnet."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest

from .peers import LIMIT, Farm, everything, until


def php(doors: Farm, item: str, action: str = "read", filters: Any = "", values: Any = "") -> bytes:
    """What PHP reads until the end of file, its own side still open."""
    line = json.dumps({"item": item, "action": action, "filters": filters, "values": values})
    with socket.create_connection(("127.0.0.1", doors.port), LIMIT) as link:
        link.sendall(line.encode() + b"\n")
        return everything(link)


class OldClient:
    """client.py of January 2013: it compares whole reads with words."""

    def __init__(self, port: int, answer: bytes) -> None:
        self.link = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.link.sendall(b"identify_client\n")
        assert self.link.recv(1024) == b"mac_addr"
        self.link.sendall(answer + b"\n")
        self.link.sendall(b"ready\n")

    def close(self) -> None:
        self.link.close()


def test_clients_are_read_as_datatables_and_the_connection_is_closed(doors: Farm) -> None:
    """BR-11, BR-32: "otherwise PHP does not get EOF"."""
    for filters in ("", {}, [], "{}"):
        answer = json.loads(php(doors, "client", filters=filters))
        row = next(row for row in answer["aaData"] if row["DT_RowId"] == "client_1")
        assert list(row) == ["DT_RowId", "DT_RowClass", "0", "1", "2"]
        assert (row["DT_RowClass"], row["1"], row["2"]) == ("online", "enabled", "online")


@pytest.mark.parametrize("item", ["project", "sequence", "shot", "job", "brender_server"])
def test_every_item_of_2013_can_be_read(doors: Farm, item: str) -> None:
    """FIELD 6.1: the row keys of each item."""
    doors.json().ask("job.create", {"name": f"film-{item}", "function": "noop", "frames": "1-20", "project": "film"})
    rows = json.loads(php(doors, item))["aaData"]
    keys = {"project": 5, "sequence": 0, "shot": 6, "job": 6, "brender_server": 0}
    assert [len(row) for row in rows[:1]] == [keys[item]] * bool(keys[item])
    if item == "job":
        assert [rows[0][key] for key in "12"] == [1, 20]


def test_an_update_enables_and_disables_and_answers_nothing(doors: Farm) -> None:
    """BR-06: one filter and one value; without a filter the enabled clients are meant."""
    hostname = json.loads(php(doors, "client"))["aaData"][0]["0"]
    assert php(doors, "client", "update", {"hostname": hostname}, {"status": "disabled"}) == b""
    assert doors.workers()["render-01"]["state"] == "disabled"
    assert php(doors, "client", "update", {"id": 1}, {"status": "enabled"}) == b""
    assert doors.workers()["render-01"]["state"] == "enabled"
    assert php(doors, "client", "update", "", {"status": "disabled"}) == b""
    assert doors.workers()["render-01"]["state"] == "disabled"
    assert php(doors, "client", "update", {"status": "disabled"}, {"status": "enabled"}) == b""
    assert doors.workers()["render-01"]["state"] == "enabled"


@pytest.mark.parametrize(
    ("item", "action", "filters", "values"),
    [
        ("nope", "read", "", ""),
        ("client", "create", "", {"hostname": "x"}),
        ("client", "delete", {"id": 1}, ""),
        ("client", "update", {"colour": "red"}, {"status": "enabled"}),
        ("client", "update", "", {"status": "gone"}),
        ("client", "paint", "", ""),
        (7, "read", "", ""),
        ("client", "read", 7, ""),
        ("client", "read", "{nonsense", ""),
    ],
)
def test_what_2013_cannot_do_is_refused_with_a_readable_error(
    doors: Farm, item: Any, action: str, filters: Any, values: Any
) -> None:
    """FIELD 6.1: `[Error] …`, here inside JSON so that json_decode finds it."""
    answer = json.loads(php(doors, item, action, filters, values))
    assert answer["error"].startswith("[Error] ") and isinstance(answer["code"], int)
    assert doors.workers()["render-01"]["state"] == "enabled"


def test_an_old_client_is_listed_online_while_connected_and_offline_after(doors: Farm) -> None:
    """BR-13, BR-15, BR-16, BR-30, BR-36: a new row at once, the same row when it comes again."""
    old = OldClient(doors.port, b"207244561915644 oldbox")
    row = until(lambda: doors.workers().get("oldbox"), "oldbox is listed")
    assert (row["presence"], row["state"], row["mac"]) == ("online", "enabled", f"{207244561915644:012x}")
    assert {"DT_RowClass": "online", "0": "oldbox"}.items() <= json.loads(php(doors, "client"))["aaData"][-1].items()
    old.close()
    until(lambda: doors.workers()["oldbox"]["presence"] == "offline", "oldbox is offline")
    known = len(doors.workers())
    again = OldClient(doors.port, b"207244561915644 oldbox")
    until(lambda: doors.workers()["oldbox"]["presence"] == "online", "oldbox is online again")
    assert len(doors.workers()) == known
    again.link.sendall(b"warning\n")
    until(lambda: "warning" in doors.workers()["oldbox"]["warning"], "its warning is shown")
    again.link.sendall(b"quit\n")
    assert everything(again.link) == b""
    until(lambda: doors.workers()["oldbox"]["presence"] == "offline", "oldbox has left")
    again.close()


def test_an_old_client_may_be_disabled_and_never_gets_a_task_of_today(doors: Farm) -> None:
    """BR-30: orders of 2013 are not today's; it is listed, switched, and left in peace."""
    old = OldClient(doors.port, b"0x0123456789abL")
    until(lambda: any(row["mac"] == "0123456789ab" for row in doors.workers().values()), "it is listed")
    name = next(row["name"] for row in doors.workers().values() if row["mac"] == "0123456789ab")
    assert f"1 worker disabled: {name}" in doors.nc(f"disable {name}\n", "-N").decode()
    peer = doors.json()
    peer.call("farm.subscribe", topics=["job.ended"])
    peer.call("job.create", name="for-today", function="noop", frames="1-50", run=True)
    assert peer.event("job.ended")["data"]["state"] == "success0"
    assert doors.workers()[name]["used"] == 0
    old.close()


def test_an_old_client_with_nonsense_for_a_mac_is_hung_up(doors: Farm) -> None:
    """The old rule: any other word means that the client is gone."""
    for answer in (b"not a mac", b"99999999999999999999", b"ready", b"x" * 5000):
        known = len(doors.workers())
        old = OldClient(doors.port, answer)
        assert everything(old.link) in (b"", b"<reset>")
        old.close()
        assert len(doors.workers()) == known


def test_the_words_of_2013_work_by_telnet_in_any_case(doors: Farm) -> None:
    """BR-18..20, BR-31: clients, enable, disable, ALL, test, save, quit."""
    said = doors.nc("clients\nCLIENTS\nDISABLE ALL\nEnable all\ntest\nsave\nquit\nclients\n").decode()
    answers = said.replace("\r\n", "\n").split("brender> ")
    assert answers[0] == answers[1] and "render" in answers[0]
    assert re.match(r"OK \d+ workers? disabled", answers[2])
    assert re.match(r"OK \d+ workers? enabled", answers[3])
    assert answers[4] == "test>\n"
    assert answers[5].startswith("OK every change is on the disk")
    assert answers[6] == "Bye.\n" and len(answers) == 7


def test_php_client_php_gets_its_answer_in_one_read(doors: Farm) -> None:
    """BR-04: TCP, `test`, one read of 2048 bytes, close."""
    with socket.create_connection(("127.0.0.1", doors.port), LIMIT) as link:
        link.sendall(b"test\n")
        assert link.recv(2048).startswith(b"test>")
