"""Frames of msgpack between master and workers (S14, F30)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.errors import InvalidParams, NotFound, ParseError
from brender.wire.packed import FrameReader, Message, frame
from brender.wire.session import WIPE, Conversation, Limits, Notice, Reply
from brender.wire.telnet import OFFER

from .peers import pieces


class Report(msgspec.Struct):
    worker: str
    results: list[int]


def opened(data: bytes) -> list[Message]:
    return FrameReader().feed(data)


def test_a_request_comes_out_typed_and_its_answer_goes_back_in_a_frame() -> None:
    port = Conversation()
    sent = frame([{"jsonrpc": "2.0", "id": 5, "method": "worker.report", "params": {"worker": "w", "results": [1, 2]}}])

    out, (request,) = port.feed(sent)

    assert (out, port.kind, request.id, request.method) == (b"", "packed", 5, "worker.report")
    assert request.params_as(Report) == Report("w", [1, 2])
    assert request.params == {"worker": "w", "results": [1, 2]}
    (answer,) = opened(port.answer(request, Reply({"ok": True})))
    assert answer.is_answer and answer.id == 5 and answer.result_as(dict) == {"ok": True}


def test_many_messages_travel_in_one_frame_and_notifications_are_not_answered() -> None:
    port = Conversation()
    _, requests = port.feed(frame([{"method": "a"}, {"method": "b", "id": None}, {"method": "c", "params": None}]))

    assert [(r.method, r.notification) for r in requests] == [("a", True), ("b", False), ("c", True)]
    assert port.answer(requests[0], Reply(1)) == b""
    assert opened(port.answer(requests[1], Reply(1)))[0].id is None
    assert requests[2].params is None and requests[2].params_as(dict) == {}


def test_an_error_becomes_the_same_exception_on_the_other_side() -> None:
    port = Conversation()
    _, (request,) = port.feed(frame([{"id": "x", "method": "worker.show"}]))
    (message,) = opened(port.answer(request, Reply(error=NotFound("No worker is called w9.", hint="Try workers."))))

    with pytest.raises(NotFound) as caught:
        message.result_as(dict)
    assert caught.value.sentence() == "No worker is called w9. Try workers."


def test_params_that_do_not_fit_are_named() -> None:
    _, (request,) = Conversation().feed(frame([{"id": 1, "method": "worker.report", "params": {"worker": 3}}]))

    with pytest.raises(InvalidParams, match=r"worker\.report: Expected `str`, got `int` - at `\$\.worker`"):
        request.params_as(Report)


def test_events_are_notifications() -> None:
    port = Conversation()
    port.feed(frame([]))
    (message,) = opened(port.notice(Notice(7, "order.start", {"task": 1})))

    assert message.method == "event" and message.id is msgspec.UNSET
    assert message.params_as(dict) == {"seq": 7, "topic": "order.start", "data": {"task": 1}}


def test_a_message_without_a_method_is_refused_and_an_answer_is_dropped() -> None:
    port = Conversation()
    out, requests = port.feed(frame([{"id": 3}, {"id": 4, "result": 1}, {"id": 5, "method": "ping"}]))

    assert [r.id for r in requests] == [5]
    (refusal,) = opened(out)
    assert refusal.id == 3 and refusal.error is not None and refusal.error["code"] == -32600
    assert not port.closing


def test_an_answer_that_cannot_be_encoded_is_an_error_and_not_silence() -> None:
    port = Conversation()
    _, (request,) = port.feed(frame([{"id": 1, "method": "m"}]))
    (message,) = opened(port.answer(request, Reply(object())))

    assert message.error is not None and message.error["code"] == -32603


BOMBS = [
    b"\xdd\xff\xff\xff\xff",
    b"\x91\x81\xa6params\xdd\xff\xff\xff\xff",
    b"\x91" * 100_000,
    b"\x91\x81\xa6params" + b"\x91" * 100_000,
    b"\xdf\xff\xff\xff\xff",
    b"\x91\x81\xa6method\xdb\xff\xff\xff\xff",
    b"\x91\x81\xa6method\xa1\xff",
    b"\x90\x90",
    b"",
]


@pytest.mark.parametrize("body", BOMBS)
def test_a_frame_that_holds_no_messages_ends_the_conversation_with_a_reason(body: bytes) -> None:
    """S14: a nine-byte bomb costs nothing."""
    port = Conversation()
    good = frame([{"id": 1, "method": "ping"}])
    out, requests = port.feed(good + b"\xc1" + len(body).to_bytes(4, "big") + body + good)

    assert [r.id for r in requests] == [1]
    assert port.closing and opened(out)[0].error["code"] == ParseError.code  # type: ignore[index]
    assert port.feed(good) == (b"", [])


def test_deep_or_broken_params_are_found_when_they_are_read() -> None:
    bad_text = b"\x91\x82\xa6method\xa1m\xa6params\xa1\xff"
    (message,) = opened(b"\xc1" + len(bad_text).to_bytes(4, "big") + bad_text)

    with pytest.raises(InvalidParams):
        message.params_as(str)


def test_a_frame_over_the_limit_is_refused_before_it_is_buffered() -> None:
    port = Conversation(Limits(frame=100))
    port.feed(frame([]))
    out, requests = port.feed(b"\xc1" + (101).to_bytes(4, "big"))

    assert requests == [] and port.closing and b"over the limit of 100" in out


MESSAGES = st.lists(
    st.lists(st.builds(lambda i, m: {"id": i, "method": m}, st.integers(0, 99), st.text(max_size=5)), max_size=4),
    max_size=5,
)


@given(MESSAGES, st.binary(max_size=12), st.lists(st.integers(0, 400), max_size=8))
def test_any_cutting_gives_the_same_messages(groups: list[list[dict]], junk: bytes, cuts: list[int]) -> None:  # type: ignore[type-arg]
    stream = b"".join(frame(group) for group in groups) + junk
    whole, cut = FrameReader(), FrameReader()
    expected = whole.feed(stream)
    found = [message for part in pieces(stream, cuts) for message in cut.feed(part)]

    assert found == expected
    assert str(cut.broken) == str(whole.broken)


@given(MESSAGES, st.booleans(), st.lists(st.integers(0, 400), max_size=8))
def test_an_offer_of_telnet_is_passed_over_by_who_was_late_however_it_is_cut(
    groups: list[list[dict]],  # type: ignore[type-arg]
    offered: bool,
    cuts: list[int],
) -> None:
    """docs/protocol.md: it may stand before the first frame; nowhere else, and for nobody else."""
    stream = b"".join(frame(group) for group in groups)
    offer = OFFER + WIPE if offered else b""
    late = FrameReader(late=True)
    assert [one for part in pieces(offer + stream, cuts) for one in late.feed(part)] == FrameReader().feed(stream)
    assert late.broken is None

    if stream:
        late.feed(OFFER)
        assert late.broken is not None
    stranger = FrameReader(late=True)
    assert stranger.feed(b"\xff" * 100) == [] and stranger.broken is not None


@given(st.binary(max_size=60))
def test_random_frames_never_raise_and_never_stay(body: bytes) -> None:
    reader = FrameReader()
    for message in reader.feed(b"\xc1" + len(body).to_bytes(4, "big") + body):
        message.failure()

    assert len(reader._buffer) == 0
