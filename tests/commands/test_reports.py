"""What machines say: reports become events with the session of their own connection; and the rows of 2013."""

from __future__ import annotations

import msgspec
import pytest

from brender.commands import COMMANDS, reports
from brender.commands.calls import Heard
from brender.core import events as ev
from brender.errors import InvalidParams, Unsupported
from brender.wire.logs import Piece
from brender.wire.messages import Request
from brender.wire.progress import Mark, Marks
from brender.wire.readings import Batch

from . import world


def test_every_report_becomes_its_event_with_the_masters_session() -> None:
    said = {
        "worker.hello": ({"key": "k", "mac": "m", "hostname": "h", "slots": 2}, ev.Hello(9, "k", "m", "h", slots=2)),
        "worker.heartbeat": ({}, ev.Heartbeat(9)),
        "worker.started": ({"attempts": [[1, 200]]}, ev.Started(9, [(1, 200)])),
        "worker.results": (
            {"results": [[5, "error", 1.5, 13, None, "no", 3]]},
            ev.Results(9, [ev.Result(5, "error", 1.5, 13, None, "no", 3)]),
        ),
        "worker.returned": ({"attempts": [4]}, ev.Returned(9, [4])),
        "worker.immortal": ({"attempts": [[4, 77]]}, ev.Immortal(9, [(4, 77)])),
        "worker.stalled": ({"attempts": [[4, 1800.0]]}, ev.Stalled(9, [(4, 1800.0)])),
        "worker.log": ({"request": 3, "attempt": 5, "eof": True}, Heard(Piece(3, 5, eof=True))),
        "worker.progress": ({"attempts": [[5, 0.5, "frame 7"]]}, Heard(Marks([Mark(5, 0.5, "frame 7")]))),
        "worker.readings": (
            {"batch": 4, "channels": b"\1\0\0\0", "times": b"\0" * 8, "values": b"\0" * 8, "others": [[2, 1.5, "x"]]},
            Heard(Batch(4, b"\1\0\0\0", b"\0" * 8, b"\0" * 8, [(2, 1.5, "x")])),
        ),
        "worker.bye": ({}, ev.Disconnected(9, bye=True)),
        "worker.clock": ({"at": 1.5}, ev.Clock(9, 1.5)),
        "worker.counted": ({"census": 3, "count": 12}, ev.Counted(9, 3, 12)),
        "worker.channels_ready": (
            {"started": [1], "kept": [2], "failed": [[3, "no probe"]]},
            ev.ChannelsReady(9, [1], [2], [(3, "no probe")]),
        ),
        "worker.channel_states": (
            {"channels": [[1, "stale", "silent"]]},
            ev.ChannelStates(9, [(1, "stale", "silent")]),
        ),
        "legacy.hello": ({"mac": "00aa", "hostname": "old"}, ev.LegacyHello(9, "00aa", "old")),
        "legacy.word": ({"word": "ready"}, ev.Heartbeat(9)),
    }
    assert set(said) == set(reports.READERS) == {row.name for row in COMMANDS.rows.values() if row.reads is not None}
    for method, (params, event) in said.items():
        for body in (msgspec.Raw(msgspec.msgpack.encode(params)), params):
            if method == "worker.readings" and body is params:
                continue  # columns of bytes are no JSON
            assert reports.event_of(Request(method=method, body=body), 9) == event


def test_a_worker_cannot_speak_for_another_session() -> None:
    """CONTRACT S27: a session on the wire is not read."""
    request = Request(method="worker.heartbeat", body={"session": 1, "warning": "hot"})
    assert reports.event_of(request, 9) == ev.Heartbeat(9, "hot")


def test_a_report_that_does_not_fit_is_refused_and_others_are_no_reports() -> None:
    with pytest.raises(InvalidParams, match=r"worker\.started"):
        reports.event_of(Request(method="worker.started", body={"attempts": "all"}), 9)
    assert reports.event_of(Request(method="worker.list", body={}), 9) is None


def legacy(stage: world.Stage, method: str, **params: object) -> object:
    row, read = COMMANDS.read(f"legacy.{method}", params)
    return COMMANDS.run(world.call(stage), row, read)


def written(rows: object) -> bytes:
    return msgspec.json.encode({"aaData": rows})


def test_the_clients_of_2013_are_byte_exact() -> None:
    """FIELD 6.1: DT_RowId client_<id>, DT_RowClass, hostname, status, online."""
    assert written(legacy(world.stage(), "read", item="client", action="read", filters={}, values={})) == (
        b'{"aaData":['
        b'{"DT_RowId":"client_1","DT_RowClass":"online","0":"render-01","1":"enabled","2":"online"},'
        b'{"DT_RowId":"client_2","DT_RowClass":"online","0":"render-02","1":"disabled","2":"online"},'
        b'{"DT_RowId":"client_3","DT_RowClass":"offline","0":"weaver","1":"enabled","2":"offline"}]}'
    )


def test_projects_shots_and_jobs_of_2013_are_byte_exact() -> None:
    stage = world.stage()
    stage.do(ev.Update("project", [1], {"description": "short"}))
    assert written(legacy(stage, "read", item="project")) == (
        b'{"aaData":[{"DT_RowId":1,"DT_RowClass":1,"0":"film","1":"short","2":1},'
        b'{"DT_RowId":2,"DT_RowClass":1,"0":"advert","1":"","2":1}]}'
    )
    assert written(legacy(stage, "read", item="shot")) == (
        b'{"aaData":[{"0":"film","1":"shot","2":"","3":"not run","4":"","5":""},'
        b'{"0":"film","1":"effects","2":"","3":"not run","4":"","5":""},'
        b'{"0":"advert","1":"shot","2":"","3":"not run","4":"","5":""}]}'
    )
    assert written(legacy(stage, "read", item="job"))[:80] == (
        b'{"aaData":[{"0":"shot","1":1,"2":10,"3":"noop","4":"not run","5":""},{"0":"effec'
    )
    assert written(legacy(stage, "read", item="sequence")) == written([])


def test_an_update_of_2013_enables_and_disables_with_its_one_filter() -> None:
    """Empty filters mean the enabled clients; the update is done and not answered."""
    stage = world.stage()
    values = {"status": "disabled"}
    assert legacy(stage, "update", item="client", values=values) == ev.SetAdmin([1, 3], "disabled", "anna")
    by_id = legacy(stage, "update", item="client", filters={"id": "2"}, values={"status": "enabled"})
    assert by_id == ev.SetAdmin([2], "enabled", "anna")
    by_name = legacy(stage, "update", item="client", filters={"hostname": "weaver"}, values=values)
    assert by_name == ev.SetAdmin([3], "disabled", "anna")
    assert COMMANDS.rows["legacy.update"].silent


def test_what_2013_never_did_is_refused_in_its_words() -> None:
    for method in ("create", "delete"):
        with pytest.raises(Unsupported, match="Can't perform this action via JSON"):
            legacy(world.stage(), method, item="client", values={"hostname": "x"})
    with pytest.raises(InvalidParams, match="no item 'frame'"):
        legacy(world.stage(), "read", item="frame")
