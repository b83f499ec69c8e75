"""JSON lines as scripts use them: batches, notifications, errors, order, events after a broken connection."""

from __future__ import annotations

import json
import socket
from typing import Any

import gevent
import gevent.socket
import pytest

from brender.config import DEFAULT
from brender.hub.links import Link
from brender.wire.feed import Feed
from brender.wire.session import Conversation

from .peers import LIMIT, Farm, Json, until

FLOOD = 200  # events of 60 KB: more than the kernel's buffers and the master's bound together


def numbered(first: int, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """JSON-RPC requests with ids from `first`."""
    return [
        {"jsonrpc": "2.0", "id": first + place, "method": method, "params": params}
        for place, (method, params) in enumerate(calls)
    ]


def make_events(peer: Json, count: int, prefix: str) -> list[str]:
    """Make that many jobs, each of which is an event; their names."""
    names = [f"{prefix}-{number}" for number in range(count)]
    for at in range(0, count, 200):
        part = names[at : at + 200]
        peer.send(*numbered(at + 10_000, *(("job.create", {"name": name, "function": "noop"}) for name in part)))
        for place in range(len(part)):
            assert "result" in peer.answer(at + 10_000 + place)
    return names


def test_a_batch_is_answered_together_and_notifications_not_at_all(doors: Farm) -> None:
    """BR-11: JSON-RPC 2.0, section 6."""
    peer = doors.json()
    peer.send(
        [
            {"jsonrpc": "2.0", "id": "a", "method": "session.echo", "params": {"text": "one"}},
            {"jsonrpc": "2.0", "method": "session.echo", "params": {"text": "not answered"}},
            {"jsonrpc": "2.0", "id": 2, "method": "no.such"},
            7,
            {"jsonrpc": "2.0", "id": 3, "method": "worker.enable", "params": {"workers": ["all"]}},
        ],
        [{"jsonrpc": "2.0", "method": "session.test"}],
        {"jsonrpc": "2.0", "id": 9, "method": "session.test"},
    )
    batch = peer.read()
    assert sorted(map(str, (one["id"] for one in batch))) == ["2", "3", "None", "a"]
    by_id = {one["id"]: one for one in batch}
    assert by_id["a"]["result"] == {"text": "one"}
    assert by_id[2]["error"]["code"] == -32601
    assert by_id[None]["error"]["code"] == -32600
    assert by_id[3]["result"]["state"] == "enabled"
    assert peer.read() == {"jsonrpc": "2.0", "id": 9, "result": {"text": "test>"}}


def test_a_notification_is_done_though_it_is_not_answered(doors: Farm) -> None:
    """BR-11: no id, no answer, but the effect."""
    peer = doors.json()
    peer.send({"jsonrpc": "2.0", "method": "job.create", "params": {"name": "unasked", "function": "noop"}})
    assert peer.call("job.show", job="unasked")


def test_answers_come_in_the_order_of_the_requests(doors: Farm) -> None:
    """Changes, reads, refusals and unknown methods in one write; each read sees the changes before it."""
    peer = doors.json()
    calls: list[tuple[str, dict[str, Any]]] = []
    for number in range(40):
        calls += [
            ("job.create", {"name": f"order-{number}", "function": "noop"}),
            ("job.show", {"job": f"order-{number}"}),
            ("no.such", {}),
            ("worker.enable", {"workers": ["nobody"]}),
            ("session.echo", {"text": "x"}),
        ]
    peer.send(*numbered(1, *calls))
    answers = [peer.read() for _ in calls]
    assert [one["id"] for one in answers] == list(range(1, len(calls) + 1))
    assert all("result" in answer for answer in answers[1::5])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{nonsense\n", -32700),
        (b'{"id":1,"method":"session.test","id":2}\n', -32700),
        (b'{"id":1,"method":"session.echo","params":{"text":NaN}}\n', -32700),
        (b'{"id":1,"method":"session.echo","params":{"text":"\\ud800"}}\n', -32700),
        (b'{"id":12345678901234567890123,"method":"session.test"}\n', -32700),
        (b"[" * 50_000 + b"\n", -32700),
        (b'{"a":' * 40 + b"1" + b"}" * 40 + b"\n", -32700),
        (b"[]\n", -32600),
        (b"[" + b",".join([b'{"method":"session.test"}'] * 257) + b"]\n", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"session.test"}\n', -32600),
        (b'{"id":{},"method":"session.test"}\n', -32600),
        (b'{"id":1,"method":7}\n', -32600),
        (b'{"id":1,"method":"session.test","params":"x"}\n', -32600),
    ],
)
def test_a_bad_line_is_answered_with_its_rule_and_the_next_one_works(doors: Farm, line: bytes, code: int) -> None:
    """S13, BR-11: the connection survives what it can."""
    peer = doors.json()
    peer.link.sendall(line)
    answer = peer.read()
    assert answer["jsonrpc"] == "2.0" and answer["error"]["code"] == code
    assert len(answer["error"]["message"]) > 20
    assert peer.call("session.test") == {"text": "test>"}


@pytest.mark.parametrize(
    ("method", "params", "code", "said"),
    [
        ("worker.enabel", {}, -32601, ["worker.enable"]),
        ("worker.__class__", {}, -32601, ["no method"]),
        ("worker.enable", {"workers": ["rendr-01"]}, 1003, ["rendr-01", "render-01"]),
        ("worker.enable", {"wrkers": ["all"]}, -32602, ["wrkers", "workers"]),
        ("worker.enable", {"workers": []}, 1006, ["No worker selected"]),
        ("worker.add", {}, -32602, ["name", "a word"]),
        (
            "job.create",
            {"name": "j", "function": "noop", "retries": "three"},
            -32602,
            ["retries", "whole number", "str"],
        ),
        ("job.create", {"name": "j", "function": "noop", "frames": "1-"}, 1006, ["1-", "1-100"]),
        ("job.create", {"name": "j", "function": "noop", "extra": 1}, -32602, ["extra"]),
        ("worker.list", {"limit": 0}, -32602, ["limit", ">= 1"]),
        ("worker.list", [1, 2, 3, 4, 5], -32602, ["3 values"]),
        ("job.show", {"job": 10**18}, 1003, ["no job"]),
        ("worker.hello", {}, 1002, ["worker hello"]),
        ("worker.results", {"results": []}, 1002, ["machine"]),
        ("farm.subscribe", {"since": -1}, -32602, ["since"]),
    ],
)
def test_a_refusal_names_what_was_wrong_and_what_was_expected(
    doors: Farm, method: str, params: Any, code: int, said: list[str]
) -> None:
    """S9, S27: unknown names get the nearest; a wrong, missing or extra argument is named; roles deny by default."""
    error = doors.json().ask(method, params)["error"]
    text = error["message"] + " " + str(error.get("data", {}).get("hint", ""))
    assert error["code"] == code, error
    assert not [word for word in said if word not in text], error


@pytest.mark.parametrize(("remember", "project"), [(True, "epic"), (False, "default")])
def test_what_a_session_makes_selects_its_project_unless_it_said_otherwise(
    doors: Farm, remember: bool, project: str
) -> None:
    """SP-19; a program with several connections would else find its jobs in whatever it made last on one of them."""
    peer = doors.json()
    peer.call("session.hello", name="anna", remember=remember)
    peer.call("job.create", name=f"first-{remember}", function="noop", project="epic")
    assert peer.call("job.create", name=f"second-{remember}", function="noop")["project"] == project


def test_a_subscriber_whose_connection_breaks_resumes_and_misses_nothing(doors: Farm) -> None:
    """BR-11: the sequence grows by one an event; `since` gives exactly what came after it, in order, and once."""
    maker = doors.json()
    first = doors.json()
    start = first.call("farm.subscribe", topics=["job.*"])["seq"]
    names = make_events(maker, 30, "resume")
    seen = [first.event("job.created") for _ in range(12)]
    first.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    first.close()
    names += make_events(maker, 30, "while-away")
    second = doors.json()
    answer = second.call("farm.subscribe", topics=["job.*"], since=seen[-1]["seq"])
    assert answer["resumed"] is True
    names += make_events(maker, 5, "after")
    seen += [second.event("job.created") for _ in range(len(names) - 12)]
    assert [one["data"]["name"] for one in seen] == names
    numbers = [one["seq"] for one in seen]
    assert numbers == sorted(set(numbers)) and numbers[0] > start


def test_a_resume_of_more_than_a_socket_takes_arrives_whole_and_in_order(doors: Farm) -> None:
    """S16: what was missed is sent as fast as it is read, while new events happen; none is dropped or overtaken."""
    maker = doors.json()
    start = maker.call("farm.subscribe", topics=["nothing"])["seq"]
    names = make_events(maker, 3000, "many-" + "x" * 180)
    slow = doors.json(receive=4096)
    slow.send(*numbered(1, ("farm.subscribe", {"topics": ["job.*"], "since": start})))
    names += make_events(maker, 50, "meanwhile")
    assert slow.answer(1)["result"]["resumed"] is True
    seen = [slow.event("job.created") for _ in names]
    assert [one["data"]["name"] for one in seen] == names


def test_the_number_in_the_answer_is_always_one_to_resume_from(doors: Farm) -> None:
    """BR-11: whoever breaks off while what was missed is still on its way loses nothing of it."""
    maker = doors.json()
    start = maker.call("farm.subscribe", topics=["nothing"])["seq"]
    names = make_events(maker, 40, "owed")
    first = doors.json()
    told = first.call("farm.subscribe", topics=["job.created"], since=start)["seq"]
    first.close()
    second = doors.json()
    second.call("farm.subscribe", topics=["job.created"], since=told)
    assert [second.event()["data"]["name"] for _ in names] == names
    assert second.call("farm.subscribe", topics=["job.created"])["seq"] >= start + 40


def test_a_sequence_that_is_too_old_or_not_ours_is_not_resumed(doors: Farm) -> None:
    """The subscriber is told to reload: resumed is false, and new events come all the same."""
    peer = doors.json()
    for since in (0, 17, 10**15):
        assert peer.call("farm.subscribe", topics=["job.created"], since=since)["resumed"] is False
    make_events(doors.json(), 1, f"after-{since}")
    assert peer.event()["data"]["name"] == f"after-{since}-0"


def test_a_subscriber_hears_only_its_topics_and_none_after_unsubscribing(doors: Farm) -> None:
    """Topics are globs; unsubscribing from one leaves the others."""
    peer, maker = doors.json(), doors.json()
    peer.call("farm.subscribe", topics=["project.created", "job.created"])
    maker.call("project.add", name="heard")
    make_events(maker, 1, "heard")
    assert [peer.event()["topic"] for _ in range(2)] == ["project.created", "job.created"]
    assert peer.call("farm.unsubscribe", topics=["job.created"]) == {"topics": ["project.created"]}
    make_events(maker, 1, "not-heard")
    maker.call("project.add", name="heard-again")
    assert peer.event()["data"]["name"] == "heard-again"
    assert peer.call("farm.unsubscribe") == {"topics": []}


def test_a_subscriber_that_reads_late_gets_all_events_and_others_do_not_wait_for_it(doors: Farm) -> None:
    """S16, F33: what a slow reader has not taken stays in the feed once for all; the master's memory stays bounded."""
    slow, quick, maker = doors.json(receive=4096), doors.json(), doors.json()
    for peer in (slow, quick):
        peer.call("farm.subscribe", topics=["worker.changed"])
    before = doors.memory()
    for number in range(FLOOD):  # not the warning, which a heartbeat of the worker takes back
        maker.call("worker.update", workers=["render-01"], values={"config": {"note": f"{number:08}" + "x" * 60_000}})
        assert quick.event()["data"]["config"]["note"].startswith(f"{number:08}")
    assert doors.memory() - before < 64 << 20
    for number in range(FLOOD):
        assert slow.event()["data"]["config"]["note"].startswith(f"{number:08}")
    maker.call("worker.update", workers=["render-01"], values={"config": {}})
    assert slow.event()["data"]["config"] == {}
    assert quick.event()["data"]["config"] == {}


def test_a_subscriber_so_slow_that_the_feed_has_forgotten_is_told_how_many_it_lost() -> None:
    """S16: farm.lagged carries the number to go on from."""
    ours, theirs = gevent.socket.socketpair()
    with ours, theirs:
        conversation = Conversation()
        conversation.feed(b'{"method":"farm.subscribe"}\n')
        link = Link(1, ours, "peer", conversation, DEFAULT)
        link.topics = ["*"]
        feed = Feed(5)
        for number in range(100):
            feed.publish("job.created", number)
        link.resume(feed, 3)
        link.tell(feed.publish("job.created", "while behind"), {}, feed)
        gevent.sleep(0)
        link.tell(feed.publish("job.created", "live"), {}, feed)
        lines = [json.loads(line)["params"] for line in theirs.recv(10_000).splitlines()]
    assert lines[0] == {"seq": 101, "topic": "farm.lagged", "data": {"lost": 98}}
    assert [line["data"] for line in lines[1:]] == ["live"]


def test_every_answer_is_one_line_of_utf8(doors: Farm) -> None:
    """BR-11: whatever the farm holds, lines stay lines."""
    peer = doors.json()
    peer.call("session.echo", text="two\nlines \u2028 and \U0001f426")
    with socket.create_connection(("127.0.0.1", doors.port), LIMIT) as link:
        link.sendall(json.dumps(numbered(1, ("session.echo", {"text": "a\nb\u2028c"}))[0]).encode() + b"\n")
        assert until(lambda: link.recv(4096), "an answer").count(b"\n") == 1
