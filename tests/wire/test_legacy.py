"""What the clients of 2013 say and expect (FIELD 6.1, BR-04, BR-30, BR-31)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.errors import InvalidParams, NotFound
from brender.wire.legacy import read_mac
from brender.wire.session import Conversation, Notice, Reply

from .peers import talk

ROW = {"DT_RowId": "client_1", "DT_RowClass": "online", "0": "render-01", "1": "enabled", "2": "online"}


def test_a_read_of_2013_is_answered_for_datatables_and_hung_up() -> None:
    port = Conversation()
    out, (request,) = port.feed(b'{"item": "client", "action": "read", "filters": "", "values": ""}\n')

    assert (out, port.kind, request.method, port.closing) == (b"", "legacy-json", "legacy.read", False)
    assert request.params == {"item": "client", "action": "read", "filters": {}, "values": {}}
    assert json.loads(port.answer(request, Reply([ROW]))) == {"aaData": [ROW]}
    assert port.closing


def test_no_rows_are_still_a_table_and_other_shapes_pass() -> None:
    def answer(reply: Reply) -> bytes:
        port = Conversation()
        _, (request,) = port.feed(b'{"item":"job","action":"read"}\n')
        return port.answer(request, reply)

    assert answer(Reply([])) == b'{"aaData":[]}\n'
    assert answer(Reply({"data": [1]})) == b'{"data":[1]}\n'
    assert answer(Reply(None)) == b""


@pytest.mark.parametrize(
    ("filters", "read"),
    [
        ('"filters": {"status": "disabled"}', {"status": "disabled"}),
        ('"filter": {"id": 3}', {"id": 3}),
        ('"filters": "{\\"id\\": 3}"', {"id": 3}),
        ('"filters": []', {}),
        ('"filters": {}', {}),
        ('"filters": null', {}),
        ('"x": 1', {}),
    ],
)
def test_filters_are_read_as_they_were_ever_written(filters: str, read: object) -> None:
    _, (request,) = Conversation().feed(f'{{"item":"client","action":"update",{filters},"values":""}}\n'.encode())

    assert request.method == "legacy.update" and request.params["filters"] == read


@pytest.mark.parametrize(
    "line",
    [
        b'{"item":"client","action":"explode"}',
        b'{"item":5,"action":"read"}',
        b'{"item":"client","action":["read"]}',
        b'{"item":"client","action":"read","filters":5}',
        b'{"item":"client","action":"read","values":"{"}',
    ],
)
def test_a_wrong_request_of_2013_is_refused_readably_and_hung_up(line: bytes) -> None:
    port = Conversation()
    out, requests = port.feed(line + b"\n")

    assert requests == [] and port.closing
    assert json.loads(out)["error"].startswith("[Error] ") and json.loads(out)["code"] == -32602


def test_an_error_of_a_command_reaches_php_as_json() -> None:
    port = Conversation()
    _, (request,) = port.feed(b'{"item":"shot","action":"delete","filters":{"id":1}}\n')
    out = port.answer(request, Reply(error=NotFound("No shot has the id 1.")))

    assert json.loads(out) == {"error": "[Error] No shot has the id 1.", "code": 1003}
    assert port.closing


def test_only_the_first_line_may_be_of_2013() -> None:
    port = Conversation()
    out, requests = port.feed(b'{"id":1,"method":"ping"}\n{"item":"client","action":"read"}\n')

    assert [r.method for r in requests] == ["ping"] and json.loads(out)["error"]["code"] == -32600


def test_what_follows_the_one_request_is_not_read() -> None:
    port = Conversation()
    line = b'{"item":"client","action":"read"}\n'

    assert len(talk(port, [line + line, line])[1]) == 1


def test_an_old_worker_shakes_hands_and_reports_words() -> None:
    """BR-30."""
    port = Conversation()

    assert port.feed(b"identify_client\n") == (b"mac_addr", []) and port.kind == "legacy-worker"
    _, (hello,) = port.feed(b"123917682137802 render-07\n")
    assert (hello.method, hello.params) == ("legacy.hello", {"mac": "70b3d56cdaca", "hostname": "render-07"})
    _, words = port.feed(b"ready\nbusy\r\nfinished\n\nwarning\n")
    assert [w.method for w in words] == ["legacy.word"] * 4
    assert [w.params["word"] for w in words] == ["ready", "busy", "finished", "warning"]
    assert not port.closing


def test_orders_reach_an_old_worker_as_words_or_objects() -> None:
    """BR-30: `command`, `mac_addr`, `kill`; an order is one JSON line."""
    port = Conversation()
    _, (hello, ready) = port.feed(b"identify_client\n1\nready\n")
    order = {"is_final": True, "job_id": 1, "filepath": "/a.blend", "chunk_start": 1, "chunk_end": 10}

    assert port.answer(hello, Reply()) == b""
    assert json.loads(port.answer(ready, Reply(order))) == order
    assert port.notice(Notice(1, "legacy.order", "kill")) == b"kill"
    assert port.notice(Notice(2, "worker.lost", {"x": 1})) == b""


def test_an_unknown_word_means_that_the_old_worker_is_gone() -> None:
    port = Conversation()
    port.feed(b"identify_client\n1\n")

    assert port.feed(b"gibberish\nready\n") == (b"", []) and port.closing


def test_quit_is_told_and_hung_up() -> None:
    port = Conversation()
    _, requests = port.feed(b"identify_client\n1\nquit\nready\n")

    assert [r.params.get("word") for r in requests] == [None, "quit"] and port.closing


def test_a_word_before_the_mac_is_no_handshake() -> None:
    port = Conversation()

    assert port.feed(b"identify_client\nready\n") == (b"mac_addr", []) and port.closing


def test_an_error_hangs_an_old_worker_up() -> None:
    port = Conversation()
    _, (hello,) = port.feed(b"identify_client\n1\n")

    assert port.answer(hello, Reply(error=InvalidParams("no"))) == b"" and port.closing


def test_an_endless_word_is_hung_up() -> None:
    port = Conversation()
    port.feed(b"identify_client\n")

    assert port.feed(b"x" * 2000) == (b"", []) and port.closing


@given(st.integers(0, 2**48 - 1))
def test_a_mac_is_read_as_number_hex_and_with_colons(number: int) -> None:
    digits = f"{number:012x}"
    pairs = [digits[at : at + 2] for at in range(0, 12, 2)]

    assert read_mac(str(number)) == digits
    assert read_mac(f"{number:#x}") == digits
    assert read_mac(":".join(pairs)) == read_mac("-".join(pairs).upper()) == digits


@pytest.mark.parametrize("word", ["ready", "", "281474976710656", "9" * 5000, "٣", "70b3d5e792c", "-5", "0x"])
def test_other_words_are_no_mac(word: str) -> None:
    assert read_mac(word) is None
