"""The ways out of this machine: SMTP, Apprise, and the screen. Each says who has the letter, who never will, who later.

It must not know the master or why a letter is sent.
"""

from __future__ import annotations

import importlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

from msgspec import Struct, field

from brender.notify.credentials import Credentials

TIMEOUT = 20.0  # seconds for each word of a mail server
CHARS = 300  # of what a server said


class Outcome(Struct):
    """Who has it, who never will and why, who may have it at a later attempt and why not now."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    later: dict[str, str] = field(default_factory=dict)
    down: bool = False  # the mail server is not there or knows us not: another letter would meet the same

    def add(self, other: Outcome) -> None:
        self.done += other.done
        self.refused |= other.refused
        self.later |= other.later
        self.down |= other.down


def mail(credentials: Credentials, message: EmailMessage, recipients: list[str]) -> Outcome:
    """One conversation with the mail server. Never raises for what a server or the network may do."""
    try:
        server = _connect(credentials)
    except (OSError, smtplib.SMTPException) as error:
        why = f"{credentials.server}:{credentials.port}: {_words(error)}"
        return Outcome(later=dict.fromkeys(recipients, why), down=True)
    try:
        return _send(server, credentials, message, recipients)
    finally:
        server.close()


def _connect(credentials: Credentials) -> smtplib.SMTP:
    """A server that knows us, over TLS unless it is this machine's own."""
    context = ssl.create_default_context()
    if credentials.ca:
        context.load_verify_locations(credentials.ca)  # besides the system's, not in their place
    place = (credentials.server, credentials.port)
    me = socket.gethostname() or "localhost"
    if credentials.tls == "implicit":
        server: smtplib.SMTP = smtplib.SMTP_SSL(*place, local_hostname=me, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(*place, local_hostname=me, timeout=TIMEOUT)
    try:
        if credentials.tls == "starttls":
            server.starttls(context=context)
        if credentials.user:
            server.login(credentials.user, credentials.password)
    except BaseException:
        server.close()
        raise
    return server


def _send(server: smtplib.SMTP, credentials: Credentials, message: EmailMessage, recipients: list[str]) -> Outcome:
    try:
        refused = server.send_message(message, credentials.sender, recipients)
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except smtplib.SMTPDataError as error:
        final = 500 <= error.smtp_code < 600  # the letter itself is not wanted; it will not become another
        why = f"{error.smtp_code} {_text(error.smtp_error)}"
        return Outcome(refused=dict.fromkeys(recipients, why)) if final else _none(recipients, why)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        return _none(recipients, _words(error))
    found = Outcome([one for one in recipients if one not in refused])
    for who, (code, said) in refused.items():
        (found.refused if 500 <= code < 600 else found.later)[who] = f"{code} {_text(said)}"
    with suppress(OSError, smtplib.SMTPException):
        server.quit()  # it has the letter
    return found


def _none(recipients: Iterable[str], why: str) -> Outcome:
    return Outcome(later=dict.fromkeys(recipients, why))


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _text(words)


def _text(said: Any) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(char if char.isprintable() else " " for char in words).split())[:CHARS]


def apprise(ways: Mapping[str, str], names: list[str], title: str, body: str) -> Outcome:
    """Through Apprise to each of the named ways; what it is not told apart, so a failure may be tried again."""
    found = Outcome()
    try:
        library = importlib.import_module("apprise")
    except ImportError:
        return _none(names, "Apprise is not installed: pip install 'brender[apprise]'")
    for name in names:
        way = library.Apprise()
        if not way.add(ways[name]):
            found.later[name] = f"the URL of {name} in the credentials is none that Apprise knows"
        elif way.notify(title=title, body=body):
            found.done.append(name)
        else:
            found.later[name] = f"{name} did not take it"
    return found


def screen(lines: Iterable[str], say: Callable[[str], None]) -> Outcome:
    """On the screen (RM-47)."""
    for line in lines:
        say(line)
    return Outcome(done=["console"])
