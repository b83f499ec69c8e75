"""JSON-RPC 2.0 in lines (BR-11, S13)."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.errors import InvalidParams, ParseError, WrongState
from brender.wire.jsonl import decode
from brender.wire.session import Conversation, Limits, Notice, Reply, Request

from .peers import says


class Enable(msgspec.Struct, forbid_unknown_fields=True):
    selector: str
    force: bool = False


def line(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode() + b"\n"


def one(port: Conversation, data: bytes) -> Request:
    out, (request,) = port.feed(data)
    assert out == b""
    return request


def error_of(out: bytes) -> tuple[object, int]:
    answer = json.loads(out)
    return answer["id"], answer["error"]["code"]


def test_a_request_is_read_and_answered_on_one_line() -> None:
    """BR-11."""
    port = Conversation()
    request = one(port, line(id=1, method="worker.enable", params={"selector": "render-07"}))

    assert (port.kind, request.method, request.id, request.notification) == (
        "json",
        "worker.enable",
        1,
        False,
    )
    assert request.params_as(Enable) == Enable("render-07")
    assert port.answer(request, Reply({"changed": 1})) == b'{"jsonrpc":"2.0","id":1,"result":{"changed":1}}\n'


def test_an_error_is_the_one_envelope() -> None:
    port = Conversation()
    request = one(port, line(id="a", method="m"))
    out = port.answer(request, Reply(error=WrongState("render-07 is offline.", hint="Start it first.", worker="w")))

    assert json.loads(out)["error"] == {
        "code": 1005,
        "message": "render-07 is offline.",
        "data": {"worker": "w", "hint": "Start it first."},
    }


def test_params_that_do_not_fit_are_named() -> None:
    request = one(Conversation(), line(id=1, method="worker.enable", params={"selector": 5}))

    with pytest.raises(InvalidParams, match=r"worker\.enable: Expected `str`, got `int` - at `\$\.selector`"):
        request.params_as(Enable)


def test_notifications_are_not_answered_and_a_null_id_is() -> None:
    port = Conversation()
    quiet = one(port, line(method="m", params=[1]))
    loud = one(port, line(method="m", id=None))

    assert quiet.notification and quiet.params == [1] and port.answer(quiet, Reply(1)) == b""
    assert port.answer(loud, Reply(1)) == b'{"jsonrpc":"2.0","id":null,"result":1}\n'


def test_the_answers_of_a_batch_leave_together() -> None:
    port = Conversation()
    batch = [{"id": 1, "method": "a"}, {"method": "b"}, 7, {"id": 2, "method": "c"}, {"id": 3, "result": 0}]
    out, requests = port.feed(json.dumps(batch).encode() + b"\n")

    assert out == b"" and [r.method for r in requests] == ["a", "b", "c"]
    assert port.answer(requests[2], Reply("c")) == b""
    assert port.answer(requests[1], Reply("b")) == b""
    answers = json.loads(port.answer(requests[0], Reply("a")))
    assert [(a["id"], a.get("result")) for a in answers] == [(None, None), (2, "c"), (1, "a")]


def test_a_batch_of_notifications_answers_nothing_and_a_batch_of_nonsense_at_once() -> None:
    port = Conversation()

    out, requests = port.feed(b'[{"method":"a"},{"method":"b"}]\n')
    assert out == b"" and [port.answer(r, Reply(1)) for r in requests] == [b"", b""]
    out, requests = port.feed(b"[1,2]\n")
    assert requests == [] and [a["error"]["code"] for a in json.loads(out)] == [-32600, -32600]


def test_a_batch_is_at_most_256_and_not_empty() -> None:
    port = Conversation()
    member = b'{"id":1,"method":"m"}'

    assert len(port.feed(b"[" + b",".join([member] * 256) + b"]\n")[1]) == 256
    assert error_of(port.feed(b"[" + b",".join([member] * 257) + b"]\n")[0]) == (None, -32600)
    assert error_of(port.feed(b"[]\n")[0]) == (None, -32600)


BAD_SHAPES = [
    (b"5", None),
    (b'"text"', None),
    (b'{"id":1}', 1),
    (b'{"id":1,"method":5}', 1),
    (b'{"id":1,"method":""}', 1),
    (b'{"id":1,"method":"m","jsonrpc":"1.0"}', 1),
    (b'{"id":"x","method":"m","params":"p"}', "x"),
    (b'{"id":1.5,"method":"m"}', None),
    (b'{"id":true,"method":"m"}', None),
    (b'{"id":[1],"method":"m"}', None),
]


@pytest.mark.parametrize(("text", "known_id"), BAD_SHAPES)
def test_a_wrong_shape_is_answered_and_the_connection_lives(text: bytes, known_id: object) -> None:
    port = Conversation()
    port.feed(b'{"method":"first"}\n')

    assert error_of(port.feed(text + b"\n")[0]) == (known_id, -32600)
    assert one(port, line(id=2, method="m")).id == 2 and not port.closing


HOSTILE = [
    b"{",
    b"nonsense",
    b'{"a":NaN}',
    b'{"a":-Infinity}',
    b'{"a":1e999}',
    b'{"a":"\\ud800"}',
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":1,"a":2}',
    b'{"a":1,"\\u0061":2}',
    b'{"x":[{"k\\"":1,"k\\"":2}]}',
    b'{"a":' + b"9" * 20 + b"}",
    b'{"a":-' + b"9" * 400 + b"}",
    b'{"a":' + b"9" * 5000 + b"}",
    b"[" * 33 + b"]" * 33,
    b"[" * 200_000,
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b"{} {}",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20].decode("latin-1"))
def test_hostile_json_is_a_parse_error_and_the_connection_lives(text: bytes) -> None:
    """S13: nesting, endless integers, NaN, duplicate keys and lone surrogates."""
    port = Conversation()
    port.feed(b'{"method":"first"}\n')

    assert error_of(port.feed(text + b"\n")[0]) == (None, -32700)
    assert one(port, line(id=2, method="m")).id == 2


def test_a_line_over_the_limit_gets_one_error_and_is_hung_up() -> None:
    """S13: capped before it is parsed."""
    port = Conversation(Limits(json_line=100))
    port.feed(b'{"method":"first"}\n')
    assert port.feed(b"x" * 100) == (b"", [])

    out, requests = port.feed(b"x")
    assert error_of(out) == (None, -32700) and requests == [] and port.closing
    assert port.feed(line(id=1, method="m")) == (b"", [])


def test_a_peer_that_only_sends_nonsense_is_hung_up() -> None:
    port = Conversation(Limits(faults=3))
    out, _ = port.feed(b"{\n{\n" + b'{"method":"m"}\n' + b"{\n{\n{\n{\n{\n")

    assert port.closing and out.count(b"\n") == 5


def test_answers_from_the_peer_are_dropped_and_blank_lines_mean_nothing() -> None:
    assert Conversation().feed(b'{"id":1,"result":5}\r\n\r\n  \n{"id":1,"error":{}}\n') == (b"", [])


def test_a_mark_before_the_first_object_is_skipped() -> None:
    assert one(Conversation(), b"\xef\xbb\xbf\r\n" + line(id=1, method="m")).method == "m"


def test_events_carry_their_sequence() -> None:
    port = Conversation()
    port.feed(b'{"method":"farm.subscribe"}\n')

    assert json.loads(port.notice(Notice(9, "worker.lost", {"name": "w"}))) == {
        "jsonrpc": "2.0",
        "method": "event",
        "params": {"seq": 9, "topic": "worker.lost", "data": {"name": "w"}},
    }


def test_an_answer_that_cannot_be_encoded_is_an_error_and_not_silence() -> None:
    port = Conversation()

    assert error_of(port.answer(one(port, line(id=1, method="m")), Reply(object()))) == (1, -32603)
    assert error_of(port.answer(one(port, line(id=2, method="m")), Reply("\ud800"))) == (2, -32603)


def test_words_for_people_are_not_sent_to_programs() -> None:
    port = Conversation()

    assert port.answer(one(port, line(id=1, method="m")), says("hello")).endswith(b'"result":null}\n')


DOCUMENTS = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text('":{}[]\\,\n\u00e9a1', max_size=8),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('":{\\ab', max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS, st.booleans())
def test_every_honest_document_is_read(document: Any, ascii_only: bool) -> None:
    assert decode(json.dumps(document, ensure_ascii=ascii_only).encode(), 32) == document


@given(DOCUMENTS, st.text('":{\\ab', max_size=3))
def test_a_key_given_twice_is_found_anywhere(document: Any, key: str) -> None:
    twice = f"{{{json.dumps(key)}:1,{json.dumps(key)}:{json.dumps(document)}}}"
    nested = f"[0,{{{json.dumps(key)}:{twice}}}]"

    with pytest.raises(ParseError, match="given twice"):
        decode(nested.encode(), 32)


@given(st.integers(1, 60))
def test_depth_is_counted_exactly(depth: int) -> None:
    text = b"[" * (depth - 1) + b'{"[[[":1}' + b"]" * (depth - 1) + b" " * 3
    many = b"[" + b",".join([b"[]"] * 60) + b"]"
    assert len(decode(many, 32)) == 60

    if depth <= 32:
        decode(text, 32)
    else:
        with pytest.raises(ParseError, match="deeper than 32"):
            decode(text, 32)
