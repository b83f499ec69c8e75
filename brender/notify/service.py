"""The loop of `brender notify`: connect, take a letter that is due, send it, report; sleep until the next is due.

What was sent and could not be reported (the master is away) is reported first after the next connection. Killed between
sending and reporting, it sends that letter again under the same Message-ID.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brender.errors import BrenderError, Invalid
from brender.notify import credentials as credentials_
from brender.notify import letter, post
from brender.notify.credentials import Credentials
from brender.notify.upstream import Gone, Upstream, wake_pipe

log = logging.getLogger("brender.notify")

LONGEST_SLEEP = 30.0  # seconds; a letter that is due meanwhile wakes it
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds without a letter while the mail server is down
PATIENCE, MOST_PATIENCE = 0.25, 10.0  # seconds between two tries to speak with the master
LAST_WORDS = 8.0  # seconds at a stop for what still is to leave
CONSOLE = "console"


class Service:
    """`path` None: nothing but the screen. `stop` may be called by a signal handler."""

    def __init__(
        self, place: tuple[str, int], path: Path | None, console: bool, say: Callable[[str], None] = print
    ) -> None:
        self.place, self.path, self.console, self.say = place, path, console, say
        self.holder = socket.gethostname() or "notify"
        self._stopping = False
        self._fresh = True
        self._unreported: dict[int, tuple[str, dict[str, Any]]] = {}
        self._woken, self._wake = wake_pipe()
        self._said = ""
        self._patience = PATIENCE
        self._pause = 0.0
        self._resumes = 0.0  # on the monotonic clock

    def stop(self, *_: object) -> None:
        """Say goodbye, send what is due, and return from `run`."""
        self._stopping = True
        os.write(self._wake, b".")

    def run(self) -> None:
        """Until `stop`. A master that is away, or takes nothing at the moment, is waited for."""
        while not self._stopping:
            try:
                link = Upstream(self.place)
                try:
                    self._serve(link)
                finally:
                    link.close()
            except Gone as error:
                self._wait(f"{error}; it is tried again")
            except BrenderError as error:
                self._wait(f"the master takes nothing: {error.sentence()}")

    def _wait(self, why: str) -> None:
        """Before the next try, ever longer until something has worked."""
        self._tell_once(why)
        select.select([self._woken], [], [], self._patience)
        self._patience = min(self._patience * 2, MOST_PATIENCE)

    def _tell_once(self, said: str) -> None:
        """A trouble that goes on is told once."""
        if said and said != self._said:
            log.warning("%s", said)
        self._said = said

    def _serve(self, link: Upstream) -> None:
        link.ask("farm.subscribe", topics=["delivery.queued"])
        if self._fresh:
            self._announce(link, "started")
        while not self._stopping:
            if any(event["data"].get("again") for event in link.events):
                self._resumes = 0.0  # somebody knows that it is up again
            link.events.clear()
            wait = self._drain(link, time.monotonic() + 3600)
            link.wait(min(LONGEST_SLEEP if wait is None else max(0.01, wait), LONGEST_SLEEP), self._woken)
        self._announce(link, "stops")
        link.ask("log.flush")  # RM-46: what waits for a digest leaves now
        self._drain(link, time.monotonic() + LAST_WORDS)

    def _announce(self, link: Upstream, what: str) -> None:
        """RM-46: the service's own start and stop are ALERTs."""
        said = f"brender notify {what} on {self.holder} (pid {os.getpid()})."
        link.ask("log.write", logger="notify", level="ALERT", text=said, host=self.holder)

    def _drain(self, link: Upstream, ends: float) -> float | None:
        """Send all that is due; returns in how many seconds the next will be, None: nothing waits."""
        while time.monotonic() < ends:
            for number, (method, params) in list(self._unreported.items()):
                link.ask(method, **params)
                del self._unreported[number]
            if self._resumes > time.monotonic() and not self._stopping:
                return self._resumes - time.monotonic()
            answer = link.ask("delivery.take", holder=self.holder, fresh=self._fresh)
            self._fresh, self._patience = False, PATIENCE
            self._tell_once("")
            if answer["delivery"] is None:
                wait: float | None = answer["wait"]
                return wait
            found = answer["delivery"]
            outcome = self._sent(found)
            self._unreported[found["id"]] = self._report(found, outcome)
            self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE) if outcome.down else 0.0
            self._resumes = time.monotonic() + self._pause
        return None

    def _report(self, delivery: dict[str, Any], outcome: post.Outcome) -> tuple[str, dict[str, Any]]:
        told = {"delivery": delivery["id"], "done": outcome.done, "refused": outcome.refused}
        if outcome.later:
            error = "; ".join(f"{who}: {why}" for who, why in outcome.later.items())
            log.warning("delivery %s is tried again: %s", delivery["id"], error)
            return "delivery.failed", {**told, "error": error}
        if not outcome.done and not delivery["done"]:
            error = "; ".join(f"{who}: {why}" for who, why in outcome.refused.items()) or "nobody to send it to"
            log.warning("delivery %s is given up: %s", delivery["id"], error)
            return "delivery.failed", {**told, "error": error, "final": True}
        return "delivery.sent", told

    def _sent(self, delivery: dict[str, Any]) -> post.Outcome:
        """One letter that cannot be made must not stop the others."""
        try:
            return self.send(delivery)
        except Exception as defect:
            log.exception("delivery %s met a defect", delivery["id"])
            return post.Outcome(later={"brender": f"a defect: {type(defect).__name__}: {defect}"})

    def send(self, delivery: dict[str, Any]) -> post.Outcome:
        """To everybody who has it not yet, each way by itself."""
        found = post.Outcome()
        if self.console and CONSOLE not in delivery["done"]:
            found.add(post.screen([letter.line(one, delivery) for one in delivery["records"]], self.say))
        if self.path is None:
            return found
        try:
            credentials = credentials_.read(self.path)
            people, ways = recipients(delivery, credentials)
        except Invalid as error:
            found.later["credentials"] = error.sentence()
            return found
        if people:
            message = letter.of(delivery, credentials, people)
            found.add(post.mail(credentials, message, people))
        if ways:
            words = letter.text(delivery, credentials.page)
            found.add(post.apprise(credentials.apprise, ways, letter.subject(delivery), words))
        return found


def recipients(delivery: dict[str, Any], credentials: Credentials) -> tuple[list[str], list[str]]:
    """Addresses and names of Apprise that still have to get it. Raises Invalid for a name that nobody knows."""
    wanted = delivery["sinks"] or [*credentials.to, *credentials.apprise]
    settled = {*delivery["done"], *delivery["refused"]}
    people = [word for word in wanted if "@" in word and word not in settled]
    names = [word for word in wanted if "@" not in word and word != CONSOLE and word not in settled]
    for name in names:
        if name not in credentials.apprise:
            raise Invalid(
                f"Logger {delivery['logger']} sends to {name!r}, which the credentials do not have under apprise.",
                hint=f"log config {delivery['logger']} sinks=…",
            )
    for word in people:
        if not credentials.server or not credentials_.is_address(word):
            raise Invalid(f"{word!r} cannot be reached: the credentials have no mail server, or it is no address.")
    return people, names
