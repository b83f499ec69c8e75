"""People at the prompt and in nc, browsers at the wrong door (BR-05, BR-31, S8, S23)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.errors import NotFound
from brender.wire.session import Conversation, Limits, Notice, Reply
from brender.wire.telnet import IAC, NAWS, OFFER, SB, SE, TTYPE

from .peers import ANSWERS, WINDOW, Screen, says, session, talk
from .test_screen import HOSTILE, controls


def words_of(port: Conversation, data: bytes) -> list[list[str] | None]:
    return [request.words for request in port.feed(data)[1]]


def test_a_silent_peer_is_offered_telnet_and_greeted_when_it_answers() -> None:
    """BR-05: telnet host 6000 shows a prompt."""
    port = Conversation(banner="brender 3.0\nType help.")
    out, requests = port.silence()
    assert out.startswith(OFFER) and requests == [] and port.kind == "opening"
    assert port.silence() == (b"", [])

    out, _ = port.feed(ANSWERS + WINDOW)
    screen = Screen()
    screen.show(out.partition(bytes((IAC, SB)))[0].decode())
    assert port.kind == "telnet" and port.size == (80, 24)
    assert screen.rows == ["brender 3.0", "Type help."] and screen.text == "brender> "


def test_a_peer_that_speaks_telnet_first_is_offered_it_once() -> None:
    port = Conversation(banner="hello")
    out, _ = port.feed(ANSWERS)

    assert out.startswith(OFFER + b"hello\r\n") and out.count(OFFER) == 1
    assert port.silence() == (b"", [])


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b'{"id":1,"method":"m"}\n', "json"),
        (b"\xc1\0\0\0\1\x90", "packed"),
        (b"identify_client\n", "legacy-worker"),
    ],
)
def test_a_program_that_is_late_is_still_understood(first: bytes, kind: str) -> None:
    """FINDINGS B 1.1: the silence is soft."""
    port = Conversation()
    port.silence()
    port.feed(first)

    assert port.kind == kind


def test_commands_are_words_and_answers_come_with_a_prompt() -> None:
    port = session()
    out, (request,) = port.feed(b"enable 'render 07' \"--x\" ALL\r\0")

    assert request.words == ["enable", "render 07", "--x", "ALL"] and out.endswith(b"ALL\r\n")
    assert port.answer(request, says("one\ntwo\n")) == b"one\r\ntwo\r\n\rbrender> \x1b[K"


def test_the_answer_is_written_for_the_window() -> None:
    port = session()
    port.feed(bytes((IAC, SB, NAWS, 0, 132, 0, 50, IAC, SE)))
    _, (request,) = port.feed(b"clients\r\n")

    assert port.size == (132, 50)
    assert port.answer(request, Reply(text=lambda size: f"{size}")).startswith(b"(132, 50)\r\n")


def test_an_error_is_one_sentence_with_its_code() -> None:
    port = session()
    _, (request,) = port.feed(b"enable wrk\r\n")
    out = port.answer(request, Reply(error=NotFound("No worker is called wrk.", hint="Did you mean w1?")))

    assert out.startswith(b"ERR 1003 No worker is called wrk. Did you mean w1?\r\n")


def test_json_is_asked_for_with_a_word() -> None:
    port = session()
    _, (request,) = port.feed(b"clients --json\r\n")
    out = port.answer(request, Reply({"name": "a\x9b\u202e"}, text=lambda size: "table"))

    assert request.words == ["clients"] and request.as_json
    document = out.partition(b"\r\n")[0].decode()
    assert json.loads(document) == {"name": "a\x9b\u202e"} and controls(document) == set()


def test_what_is_typed_ahead_is_shown_at_its_own_prompt() -> None:
    port = session()
    out, (first, second) = port.feed(b"one\rtwo\rthr")
    assert out == b"one\r\n"

    screen = Screen()
    screen.show("brender> " + out.decode())
    screen.show(port.answer(second, says("answer two")).decode())
    screen.show(port.answer(first, says("answer one")).decode())
    assert screen.rows == ["brender> one", "answer one", "brender> two", "answer two"]
    assert screen.text == "brender> thr"


def test_an_event_appears_above_what_is_being_typed() -> None:
    port = session()
    screen = Screen()
    screen.show("brender> " + port.feed(b"enab")[0].decode())
    screen.show(port.notice(Notice(1, "worker.lost", {"name": "w\x1b[2J"})).decode())

    assert screen.rows == ['[worker.lost] {"name":"w\\u001b[2J"}']
    assert screen.text == "brender> enab"


def test_an_event_during_a_command_does_not_bring_the_prompt() -> None:
    port = session()
    port.feed(b"watch\r")

    assert port.notice(Notice(1, "job.done", "shot 3")) == b"[job.done] shot 3\r\n"


def test_control_c_during_a_command_says_so() -> None:
    port = session()
    assert port.feed(b"x\x03")[1] == []
    _, (watch,) = port.feed(b"watch\r")
    _, (interrupt,) = port.feed(bytes((IAC, 244)))

    assert interrupt.method == "session.interrupt" and interrupt.notification
    assert port.answer(interrupt, says("no")) == b""
    assert port.answer(watch, says("stopped")).startswith(b"stopped\r\n")


@pytest.mark.parametrize("leave", [b"quit\r\n", b"EXIT\r\n", b"\x04"])
def test_quit_is_answered_and_then_hung_up(leave: bytes) -> None:
    """BR-31."""
    port = session()
    _, (quit_,) = port.feed(leave + b"disable ALL\r\n")

    assert quit_.words == ["quit"] and not port.closing
    assert port.answer(quit_, says("Bye.")) == b"Bye.\r\n" and port.closing


def test_quit_waits_for_the_answers_before_it() -> None:
    port = Conversation()
    _, (ping, quit_) = port.feed(b"ping\nquit\n")

    assert port.answer(quit_, says("bye")) == b"" and not port.closing
    assert port.answer(ping, says("pong")) == b"pong\r\nbrender> bye\r\n" and port.closing


def test_an_open_quote_is_refused_without_a_request() -> None:
    port = session()
    out, requests = port.feed(b"enable 'render\r\n")

    assert requests == [] and b"ERR -32602 " in out and out.endswith(b"\rbrender> \x1b[K")


def test_a_cut_off_line_is_refused_rather_than_obeyed() -> None:
    for port in (session(limits=Limits(telnet_line=20)), Conversation(Limits(telnet_line=20))):
        out, requests = port.feed(b"disable w1 w2 w3 w4 w5\nping\n")

        assert [r.words for r in requests] == [["ping"]] and b"ERR -32602 A line holds at most 20 bytes" in out


def test_a_script_through_nc_gets_plain_answers() -> None:
    port = Conversation(banner="never shown")
    out, (one, two) = port.feed(b"clients all\r\nping\n")

    assert out == b"" and port.kind == "line" and one.words == ["clients", "all"]
    assert port.answer(one, says("\x1b[32mw1\x1b[0m online")) == b"w1 online\r\nbrender> "
    assert port.answer(two, Reply()) == b"OK\r\nbrender> "
    assert port.feed(b"\n") == (b"brender> ", [])


def test_a_client_whose_answers_are_late_gets_its_editor_after_all() -> None:
    port = Conversation()
    port.silence()
    _, (request,) = port.feed(b"ping\n")
    port.answer(request, says("pong"))
    out, _ = port.feed(ANSWERS)

    assert port.kind == "telnet" and out.startswith(b"\rbrender> \x1b[K")


def test_a_dumb_terminal_gets_no_colours() -> None:
    port = session()
    port.feed(bytes((IAC, SB, TTYPE, 0)) + b"DUMB" + bytes((IAC, SE)))
    _, (request,) = port.feed(b"x\r\n")

    assert port.answer(request, says("\x1b[31mred\x1b[0m")).startswith(b"red\r\n")


def test_the_prompt_can_say_where_one_is() -> None:
    port = session()
    _, (request,) = port.feed(b"connect db\r\n")
    port.prompt = "kv:db/\x1b[2J> "

    assert port.answer(request, says("ok")) == b"ok\r\n\rkv:db/\\x1b[2J> \x1b[K"


def test_a_browser_learns_where_the_page_is_and_its_body_is_never_read() -> None:
    """S8."""
    port = Conversation(web=lambda: "https://farm:8060/")
    out, requests = port.feed(b'POST / HTTP/1.1\r\nHost: x\r\n\r\n{"id":1,"method":"worker.disable"}\n')

    assert out.startswith(b"HTTP/1.1 400 ") and b"https://farm:8060/" in out and requests == []
    assert port.closing and port.kind == "http" and port.feed(b'{"id":1,"method":"m"}\n') == (b"", [])


def test_other_protocols_are_refused_in_words() -> None:
    port = Conversation()
    out, requests = port.feed(b"SSH-2.0-OpenSSH_9.2\r\n")

    assert b"brender farm" in out and requests == [] and port.closing


def test_tls_is_left_to_the_owner_with_all_its_bytes() -> None:
    port = Conversation()
    port.feed(b"\x16")
    port.feed(b"\x03\x01abc")

    assert (port.kind, port.unread, port.closing) == ("tls", b"\x16\x03\x01abc", False)


def test_an_opening_that_never_ends_is_hung_up() -> None:
    port = Conversation()
    port.feed(b" " * 1024)
    assert not port.closing
    port.feed(b" ")
    assert port.closing


@pytest.mark.parametrize("opening", [b" " * 1100 + b"ping\n", b"GET " + b"k" * 1100 + b"\n", b" " * 1024 + b"{"])
def test_an_opening_over_the_limit_ends_alike_however_it_is_cut(opening: bytes) -> None:
    whole, cut = Conversation(), Conversation()
    apart = [opening[at : at + 1] for at in range(len(opening))]

    assert talk(cut, apart) == talk(whole, [opening])
    assert cut.closing and cut.kind == whole.kind


def test_too_many_unanswered_commands_are_hung_up() -> None:
    port = Conversation(Limits(pending=3))
    out, requests = port.feed(b"a\n" * 5)

    assert len(requests) == 3 and port.closing and b"ERR 1007" in out


@given(HOSTILE, HOSTILE)
def test_no_foreign_control_reaches_a_terminal(text: str, name: str) -> None:
    """S23: answers, errors and events."""
    for port, ours in ((session(), ("\r\x1b[K", "\rbrender> ")), (Conversation(), ())):
        port.feed(b"first\n")
        _, (request,) = port.feed(b"second\n")
        port.answer(request, says("done"))
        out = port.notice(Notice(1, name, {"text": text}))
        out += port.notice(Notice(2, "t", text))
        _, (request,) = port.feed(b"third --json\n")
        out += port.answer(request, Reply([text]))
        shown = out.decode().replace("\x1b[K", "").replace("\r\n", "").replace("\rbrender> ", "").replace("\r", "", 2)
        assert controls(shown) == set(), ours


@given(HOSTILE)
def test_texts_and_errors_hold_only_our_colours(text: str) -> None:
    for reply in (says(text), Reply(error=NotFound(text))):
        port = Conversation()
        _, (request,) = port.feed(b"x\n")
        assert controls(port.answer(request, reply).decode().replace("\r\n", "")) == set()


PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z", "M")), min_size=1, max_size=8)


@given(st.lists(PRINTABLE.filter(lambda w: not set(w) & set("'\"\\")), min_size=1, max_size=6))
def test_typing_words_and_enter_gives_the_words(words: list[str]) -> None:
    words = ["say", *words]
    line = " ".join(words).encode() + b"\r\n"

    wanted = [word for word in words if word != "--json"]
    assert words_of(session(), line) == words_of(Conversation(), line) == [wanted]
