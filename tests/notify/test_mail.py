"""Mail with everything real: a master, `brender notify`, an SMTP server; and what is killed in between."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from disks import ballast, on_disk
from doors.peers import LIMIT, ROOT, Farm, Program, until
from ports import free_port

from .sink import Sink, certificate, credentials, who


class Office:
    """A farm, a sink, and senders of letters."""

    def __init__(self, folder: Path, before: Sequence[str] = ()) -> None:
        self.folder = folder
        self.farm = Farm(folder, before)
        self.sinks: list[Sink] = []

    def sink(self, **more: Any) -> Sink:
        self.sinks.append(Sink(**more))
        return self.sinks[-1]

    def notify(self, path: Path | None = None, *flags: str) -> Program:
        words = ["--master", f"127.0.0.1:{self.farm.port}", *flags]
        words += ["--credentials", str(path)] if path else []
        made = Program(self.folder, "notify.program", *words)
        self.farm.programs.append(made)
        return made

    def say(self, text: str, level: str = "ERROR", logger: str = "render") -> None:
        self.farm.json().call("log.write", logger=logger, level=level, text=text)

    def sent(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.farm.json().call("delivery.list", sent=True)["deliveries"]
        return found

    def waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.farm.json().call("delivery.list")["deliveries"]
        return found

    def end(self) -> None:
        self.farm.end()
        for sink in self.sinks:
            sink.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    try:
        yield made
    finally:
        made.end()
    assert "Traceback" not in made.farm.master.log.read_text()


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    """Makes an office whose master's data lies on a disk of so many MiB, of which so many are taken."""
    made: list[Office] = []

    def make(megabytes: int, taken: int = 0) -> Office:
        made.append(Office(tmp_path, on_disk(tmp_path / "master", megabytes, taken)))
        return made[-1]

    yield make
    for one in made:
        one.end()


def about(sink: Sink, words: str) -> list[EmailMessage]:
    """The letters that say this."""
    return [letter for letter in sink.letters if words in plain(letter)]


def plain(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_an_alert_is_a_letter_with_everything_in_its_head(office: Office) -> None:
    """RM-12, RM-44: MAC, logger and frequency in the subject; one line in the plain half; headers for programs."""
    sink = office.sink()
    office.notify(credentials(office.folder, sink.port))
    text = "water\nin the machine room: <b>100%</b> \u20ac"
    with_mac = {"host": "nas", "mac": "0200000000aa"}
    office.farm.json().call("log.write", logger="render", level="ALERT", text=text, **with_mac)
    (letter,) = until(lambda: about(sink, "machine room"), "the letter")
    assert letter["subject"].startswith("[render] nas (0200000000aa) at once - ALERT: water in the machine room")
    assert letter["auto-submitted"] == "auto-generated"
    assert letter["list-id"] == "brender <render.brender.example.org>"
    assert letter["message-id"].endswith("@example.org>")
    assert letter["date"] is not None
    assert r"nas 0200000000aa ALERT INSTANTANEOUSLY: render: water\n" in plain(letter)
    html = letter.get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;100%&lt;/b&gt; \u20ac" in html.get_content()
    until(lambda: len(office.sent()) == 2, "both letters are sent")


def test_a_digest_is_one_letter_in_the_order_of_time_and_an_empty_one_none(office: Office) -> None:
    """RM-12."""
    sink = office.sink()
    office.notify(credentials(office.folder, sink.port))
    for number in range(30):
        office.say(f"frame {number} is finished", "INFO")
    said = office.farm.json().call("log.flush", schedule="DAILY")
    assert (said["lines"], len(said["deliveries"])) == (30, 1)
    assert office.farm.json().call("log.flush", schedule="DAILY")["deliveries"] == []
    (letter,) = until(lambda: about(sink, "is finished"), "the digest")
    found = [line for line in plain(letter).splitlines() if "is finished" in line]
    assert [line.rpartition("frame ")[2] for line in found] == [f"{number} is finished" for number in range(30)]
    assert "daily" in letter["subject"]


def test_start_and_stop_are_alerts_and_a_stop_lets_digests_leave(office: Office) -> None:
    """RM-46."""
    sink = office.sink()
    sender = office.notify(credentials(office.folder, sink.port))
    until(lambda: about(sink, "brender notify started"), "the first letter")
    office.say("for tomorrow", "INFO")
    assert sender.stop() == 0
    assert len(about(sink, "brender notify stops")) == 1
    assert len(about(sink, "for tomorrow")) == 1
    assert office.waiting() == []


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_mail_leaves_over_tls_with_a_password_that_may_change(office: Office, tls: str) -> None:
    """RM-45: the file is read anew for each letter."""
    context, ca = certificate(office.folder)
    way: dict[str, Any] = (
        {"ssl_context": context} if tls == "implicit" else {"tls_context": context, "require_starttls": True}
    )
    way["auth_require_tls"] = tls == "starttls"
    sink = office.sink(authenticator=who("farm", "new"), auth_required=True, **way)
    more = {"tls": tls, "ca": str(ca), "user": "farm"}
    office.notify(credentials(office.folder, sink.port, password="old", **more))
    office.say("over TLS")
    until(lambda: ["535" in row["error"] for row in office.waiting()] == [True, False], "the old password is refused")
    assert sink.letters == []
    credentials(office.folder, sink.port, password="new", **more)
    office.farm.json().call("delivery.retry", deliveries=["all"])
    until(lambda: about(sink, "over TLS"), "the letter")
    until(lambda: office.waiting() == [], "all is sent")


def test_certificates_of_the_credentials_are_trusted_beside_the_systems(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sink whose certificate the system knows, and credentials that name another one."""
    (office.folder / "known").mkdir()
    (office.folder / "named").mkdir()
    context, known = certificate(office.folder / "known")
    _, named = certificate(office.folder / "named")
    monkeypatch.setenv("SSL_CERT_FILE", str(known))
    sink = office.sink(ssl_context=context)
    office.notify(credentials(office.folder, sink.port, tls="implicit", ca=str(named)))
    until(lambda: about(sink, "brender notify started"), "the letter")


def test_a_server_that_nobody_trusts_gets_nothing(office: Office) -> None:
    context, _ = certificate(office.folder)
    sink = office.sink(ssl_context=context)
    office.notify(credentials(office.folder, sink.port, tls="implicit"))
    until(lambda: [row for row in office.waiting() if "certificate" in row["error"].lower()], "a word about it")
    assert sink.letters == []


def test_one_refused_recipient_does_not_stop_the_others(office: Office) -> None:
    """Bad input of issue 5."""
    sink = office.sink()
    sink.refuse = {"nobody@example.org": "550 no such user", "busy@example.org": "451 greylisted"}
    people = ["nobody@example.org", "anna@example.org", "busy@example.org"]
    office.notify(credentials(office.folder, sink.port, to=people))
    (row,) = until(lambda: [one for one in office.waiting() if one["error"]], "one is to be tried again")
    assert (row["done"], row["refused"]) == (["anna@example.org"], {"nobody@example.org": "550 no such user"})
    sink.refuse.pop("busy@example.org")
    office.farm.json().call("delivery.retry", deliveries=[row["id"]])
    until(lambda: office.waiting() == [], "all is sent")
    assert sink.recipients == [["anna@example.org"], ["busy@example.org"]]
    assert sink.letters[0]["message-id"] == sink.letters[1]["message-id"]


def test_when_nobody_may_have_it_it_is_given_up_and_said(office: Office) -> None:
    sink = office.sink()
    sink.refuse = {"anna@example.org": "550 no such user"}
    peer = office.farm.json()
    peer.call("farm.subscribe", topics=["delivery.failed"])
    office.notify(credentials(office.folder, sink.port))
    assert peer.event("delivery.failed")["data"]["refused"] == {"anna@example.org": "550 no such user"}
    assert [row["state"] for row in office.waiting()] == ["failed"]


def test_a_dead_server_keeps_the_letter_until_it_is_back(office: Office) -> None:
    port = free_port()
    office.notify(credentials(office.folder, port))
    until(lambda: [row["state"] for row in office.waiting()] == ["retrying"], "the first one is tried again")
    office.say("while it was dead")
    office.say("and still")  # nobody asks a server that is down for each line: they gather
    assert [(row["state"], row["lines"]) for row in office.waiting()] == [("retrying", 1), ("queued", 2)]
    sink = office.sink(port=port)
    office.farm.json().call("delivery.retry", deliveries=["all"])
    until(lambda: office.waiting() == [], "all is sent")
    assert len(about(sink, "while it was dead")) == 1


def test_a_sender_killed_after_it_sent_sends_again_under_the_same_message_id(office: Office) -> None:
    """At least once, and for the reader once."""
    sink = office.sink()
    path = credentials(office.folder, sink.port)
    sender = office.notify(path)
    until(lambda: len(office.sent()) == 1, "it has started")
    sink.at_data = lambda: sender.process.kill()
    office.say("once for the reader")
    assert sender.wait() == -signal.SIGKILL
    until(lambda: about(sink, "once for the reader"), "the first copy")
    sink.at_data = lambda: None
    office.notify(path)
    first, second = until(lambda: about(sink, "once for the reader")[1:] and about(sink, "once for the reader"), "both")
    assert first["message-id"] == second["message-id"]
    until(lambda: office.waiting() == [], "all is sent")


def test_a_master_killed_while_a_letter_is_sent_hears_of_it_when_it_is_back(office: Office) -> None:
    """The outbox survives kill -9; the letter is not sent twice."""
    sink = office.sink()
    office.notify(credentials(office.folder, sink.port))
    until(lambda: len(office.sent()) == 1, "it has started")
    sink.at_data = lambda: office.farm.master.process.kill()
    office.say("sent without a master")
    office.farm.master.wait()
    sink.at_data = lambda: None
    office.farm.hang_up()
    office.farm.start()
    until(lambda: len(office.sent()) == 2, "it is reported")
    assert len(about(sink, "sent without a master")) == 1


def test_a_master_whose_disk_is_full_is_waited_for(tight: Callable[..., Office]) -> None:
    """F06: it takes nothing, so no letter can be taken from it; the sender stays, and goes on when there is room."""
    office = tight(3)
    sink, farm = office.sink(), office.farm
    office.say("before it was full", "ALERT")
    filling = ballast(farm.data, farm.master.process.pid)
    with filling.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    peer, number = farm.json(), 0
    while not farm.status()["writer"]["full"]:
        number += 1
        params = {"name": f"p{number}", "values": {"description": "x" * 20_000}}
        peer.send({"jsonrpc": "2.0", "id": number, "method": "project.add", "params": params})
    sender = office.notify(credentials(office.folder, sink.port))
    until(lambda: "takes nothing" in sender.log.read_text(), "it says what it waits for")
    assert sender.process.poll() is None
    filling.unlink()
    until(lambda: about(sink, "before it was full"), "the letter")
    assert sender.stop() == 0
    assert "Traceback" not in sender.log.read_text()


def test_people_hear_of_the_masters_disk_before_it_is_full(tight: Callable[..., Office]) -> None:
    """CONTRACT 4.9: a real disk of 40 MiB with 1 MiB left; a letter leaves, and it is over when there is room."""
    office = tight(40, taken=39)
    sink, farm = office.sink(), office.farm
    office.notify(credentials(office.folder, sink.port))
    until(lambda: about(sink, "The disk of the master is nearly full"), "the letter")
    ballast(farm.data, farm.master.process.pid).unlink()
    until(lambda: farm.json().call("alarm.list")["alarms"] == [], "it is over")


@pytest.mark.parametrize(("mode", "text", "said"), [
    (0o644, '{"from": "a@x.org"}', "chmod 600"),
    (0o600, "{", "no JSON"),
    (0o600, '{"from": "a@x.org", "to": "b@x.org"}', "need server"),
    (0o600, '{"form": "a@x.org"}', "Did you mean from?"),
    (0o600, '{"from": "a@x.org", "to": "b", "server": "x"}', "no address"),
    (0o600, '{"from": "a@x.org", "to": "b@x.org", "server": "mail.x.org", "tls": "none"}', "this machine only"),
    (0o600, '{"from": "a@x.org", "to": "b@x.org", "server": "x", "page": "farm:8060"}', "http://farm:8060"),
    (0o600, '{"from": "a@x.org\\nBcc: c@x.org", "to": "b@x.org", "server": "x"}', "one line"),
])  # fmt: skip
def test_credentials_that_will_not_do_are_refused_with_the_reason(
    tmp_path: Path, mode: int, text: str, said: str
) -> None:
    """RM-13."""
    path = tmp_path / "credentials"
    path.write_text(text)
    path.chmod(mode)
    for program in (
        ["brender.cli", "notify", "--credentials"],
        ["brender.mail_server"],
        ["brender.up", "--credentials"],
    ):
        words = [sys.executable, "-m", *program, str(path)]
        ran = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=LIMIT, check=False)
        assert ran.returncode == 1
        assert said in ran.stderr
        assert "Traceback" not in ran.stderr


def test_without_credentials_lines_come_on_the_screen(office: Office) -> None:
    """RM-47."""
    sender = office.notify(None, "--console")
    assert "ALERT INSTANTANEOUSLY: notify: brender notify started" in sender.line()
    office.say("on the screen \x1b[2J")
    line = sender.line()
    assert "ERROR INSTANTANEOUSLY: render: on the screen" in line
    assert "\x1b" not in line
    until(lambda: office.waiting() == [], "all is told")


def test_apprise_is_a_way_beside_mail(office: Office) -> None:
    """A real HTTP server on loopback takes what Apprise's json:// sends."""
    import http.server
    import threading

    taken: list[bytes] = []

    class Chat(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        sink = office.sink()
        chat = f"json://127.0.0.1:{server.server_port}/"
        office.notify(credentials(office.folder, sink.port, apprise={"chat": chat}))
        office.farm.json().call("log.config", logger="render", sinks=["chat"])
        office.say("for the chat")
        until(lambda: [one for one in taken if b"for the chat" in one], "the message")
        until(lambda: office.waiting() == [], "all is sent")
        assert about(sink, "for the chat") == []
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
