"""The prompt as people meet it: Debian's telnet under a pseudo terminal, and nc through pipes."""

from __future__ import annotations

import re
import socket

import pytest

from brender.wire.words import split

from .peers import LIMIT, Farm, everything

NASTY = {
    "escape codes": "\x1b]0;owned\x07\x1b[2Jname",
    "backwards": "\u202egnirts\u2066",
    "an emoji": "render \U0001f426\u200d\U0001f525",
    "a line break": "one\r\nbrender> OK all workers deleted",
    "a C1 control": "a\x9b31mb\x85c",
    "255 bytes": "é" * 127 + "x",
}
CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
OUR_OWN = re.compile(r"\x1b\[(?:K|\d*[CD]|[\d;]*m)")


def test_telnet_shows_a_prompt_and_does_what_is_said(doors: Farm) -> None:
    """BR-05, BR-18..20, BR-31: seed words in any case, the state of the farm, and goodbye."""
    screen = doors.telnet()
    assert "Type help" in screen.prompt()
    assert "render-01" in "".join(screen.enter("clients"))
    assert screen.enter("disable render-01") == ["OK 1 worker disabled: render-01."]
    assert doors.workers()["render-01"]["state"] == "disabled"
    assert screen.enter("ENABLE ALL") == ["OK 1 worker enabled: render-01."]
    assert doors.workers()["render-01"]["state"] == "enabled"
    assert screen.enter("disable")[0].startswith("ERR 1006 No worker selected.")
    assert doors.workers()["render-01"]["state"] == "enabled"
    assert screen.enter("test") == ["test>"]
    screen.type("quit\r")
    assert screen.finish() in (0, 1)
    assert "Bye." in screen.text


def test_tab_completes_nouns_verbs_and_names_of_the_farm(doors: Farm) -> None:
    """BR-05: completion from the registry and from the farm's own rows."""
    screen = doors.telnet()
    screen.prompt()
    screen.type("work\t")
    screen.wait(lambda text: re.search(r"> worker", text), "the noun")
    screen.type("\x15worker disa\trend\t")
    screen.wait(lambda text: text.rstrip().endswith("> worker disable render-01"), "verb and worker")
    screen.type("\x15project s\t\t")
    screen.see("select")
    screen.type("\x15\r")


def test_the_arrows_walk_the_history_and_the_line_can_be_edited(doors: Farm) -> None:
    """BR-05: up brings the last line back; it is changed and entered again."""
    screen = doors.telnet()
    screen.prompt()
    assert screen.enter("echo first words") == ["first words"]
    assert screen.enter("echo second words") == ["second words"]
    screen.type("\x1b[A\x1b[A")
    screen.wait(lambda text: text.endswith("> echo first words"), "the line before the last")
    screen.type("\x17pages")
    screen.wait(lambda text: text.endswith("> echo first pages"), "the changed line")
    screen.type("\x01\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[3~\x1b[3~\x1b[3~\x1b[3~\x1b[3~\x1b[3~\r")
    screen.see("\npages\nbrender> ")


def test_interrupt_drops_the_line_and_ends_the_events_and_end_of_file_leaves(doors: Farm) -> None:
    """BR-05: Ctrl-C does not end the session, Ctrl-D on an empty line does."""
    screen = doors.telnet()
    screen.prompt()
    screen.type("disable ALL\x03")
    screen.wait(lambda text: "^C" in text and text.endswith("brender> "), "a new prompt")
    assert doors.workers()["render-01"]["state"] == "enabled"
    assert screen.enter("echo still here") == ["still here"]
    screen.type("\x04")
    assert screen.finish() in (0, 1)
    assert "Bye." in screen.text


def test_a_new_window_size_is_used_for_the_next_answer(doors: Farm) -> None:
    """BR-05: NAWS; the help is laid out for the width that the window has now."""
    screen = doors.telnet(columns=120)
    screen.prompt()
    assert max(map(len, screen.enter("help job create"))) > 60
    screen.resize(50, 20)

    def narrow(_: str) -> bool:
        return max(map(len, screen.enter("help job create"))) <= 50

    screen.wait(narrow, "narrow help")


def test_an_event_appears_above_the_line_that_is_being_typed(doors: Farm) -> None:
    """A watcher's half-typed line survives what happens meanwhile."""
    screen = doors.telnet()
    screen.prompt()
    screen.enter("subscribe job.created")
    screen.type("echo half a li")
    screen.see("echo half a li")
    doors.json().call("job.create", name="seen-from-telnet", function="noop")
    screen.wait(lambda text: "[job.created]" in text and text.endswith("> echo half a li"), "the event above the line")
    screen.type("ne\r")
    screen.see("\nhalf a line\n")


def test_nc_gets_plain_lines_without_echo_and_escapes(doors: Farm) -> None:
    """BR-05: pipes are people too; a peer that ends its side at once still gets every answer."""
    said = doors.nc("echo one\nclients\ntest\n", "-N")
    assert b"\x1b" not in said and b"\xff" not in said
    assert said.startswith(b"one\r\nbrender> id")
    assert b"render-01" in said and b"echo" not in said
    assert said.endswith(b"test>\r\nbrender> ")


def test_a_peer_that_ends_its_side_at_once_gets_the_answer_of_a_change(doors: Farm) -> None:
    """The answer waits for the disk; the end of the peer's input must not overtake it."""
    for state in (b"disable", b"enable") * 20:
        answer = doors.say(state + b" render-01\n")
        assert answer == b"OK 1 worker " + state + b"d: render-01.\r\nbrender> "


def test_a_silent_peer_is_offered_telnet_and_may_still_speak_json(doors: Farm) -> None:
    """The offer is soft: what the peer says first decides."""
    with socket.create_connection(("127.0.0.1", doors.port), LIMIT) as link:
        assert link.recv(100).startswith(b"\xff\xfb")
        link.sendall(b'{"jsonrpc":"2.0","id":7,"method":"session.test"}\n')
        link.shutdown(socket.SHUT_WR)
        assert everything(link).endswith(b'{"jsonrpc":"2.0","id":7,"result":{"text":"test>"}}\n')


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY.keys())
def test_a_hostile_name_shows_harmlessly(doors: Farm, name: str) -> None:
    """S23: whatever a project is called, a terminal gets printable text and our own few sequences."""
    peer = doors.json()
    peer.ask("project.add", {"name": name, "values": {"description": name}})
    peer.ask("project.add", {"name": "hostile"})
    peer.call("project.update", project="hostile", values={"description": name})
    job = peer.ask("job.create", {"name": name, "function": "echo", "params": {"words": [name]}, "project": "hostile"})
    peer.call("worker.update", workers=["render-01"], values={"tags": [name], "warning": name})
    peer.ask("session.hello", {"name": name})
    screen = doors.telnet(columns=200)
    screen.prompt()
    start = len(screen.raw)
    for line in ("project list", "job list", "worker show all", "project list --json", "who", "clients", "step list 1"):
        screen.enter(line)
    said = OUR_OWN.sub("", screen.raw[start:].decode())
    assert not CONTROLS.search(said) and "\x1b" not in said, CONTROLS.findall(said)
    assert "\nbrender> OK all workers deleted" not in screen.text
    peer.call("worker.update", workers=["render-01"], values={"tags": [], "warning": ""})
    if "result" in job:
        peer.call("job.delete", jobs=[job["result"]["jobs"][0]["id"]])


def test_telnet_options_that_we_do_not_speak_are_refused_once_and_never_start_a_loop(doors: Farm) -> None:
    """S11: NEW-ENVIRON, LINEMODE, AUTHENTICATION, endless subnegotiation and WILL/DO ping-pong."""
    asked = b"".join(bytes((255, verb, option)) for option in (39, 34, 37, 36, 35) for verb in (251, 253))
    evil = b"\xff\xfa\x27\x00\x00USER\x01-f root\xff\xf0" + b"\xff\xfa\x22\x03" + b"\x03\x7f\x7f" * 5000 + b"\xff\xf0"
    said = doors.say(asked * 50 + evil + b"who\r\nquit\r\n")
    offers = re.findall(rb"\xff[\xfb-\xfe].", said, re.DOTALL)
    assert len(offers) <= 4 + 10
    assert {offer[1] for offer in offers if offer[2] in (39, 34, 37, 36, 35)} == {252, 254}
    assert b"Bye." in said and b"root" not in said


def test_json_without_quotes_around_it_stays_whole_on_a_line(doors: Farm) -> None:
    """SP: `params={"a": [1, 2]}` is what the documents write; a shell's rule would eat the quotes."""
    assert split('x params={"a": ["b c", 1]} --run') == ["x", 'params={"a": ["b c", 1]}', "--run"]
    assert split("""x params='{"a": 1}' "b c" d\\ e""") == ["x", 'params={"a": 1}', "b c", "d e"]
    assert split("""'[1, 2]' "{" {not json} [""") == ["[1, 2]", "{", "{not", "json}", "["]
    screen = doors.telnet()
    screen.prompt()
    screen.enter('job create quoted function=echo params={"text": "two words"}')
    assert doors.json().call("step.show", step="quoted/echo")["params"] == {"text": "two words"}
    assert screen.enter("job create lost params='{text:1}'")[0].startswith("ERR -32602 {text:1} is no JSON.")
