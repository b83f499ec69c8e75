"""Questions to a master from any thread: one connection for each question that is under way, kept for the next one.

A read is asked again when the connection breaks. A change is asked once: whoever asked is told when its outcome is
not known. It must not know nouns; the table of commands says what is a change.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from brender.api.link import CONNECT_SECONDS, Link, Master, Stranger
from brender.errors import BrenderError, InternalError, NoMaster, TimedOut, WrongState

TIMEOUT = 60.0  # seconds for an answer
PATIENCE = 60.0  # seconds for a master that went away to come back
MOST_IDLE = 8
Pause = Callable[[float], object]


class Patience:
    """How long a master that went away is waited for. `met` begins anew; `wait` pauses, or raises when it is over."""

    def __init__(self, seconds: float, until: float | None = None, pause: Pause = time.sleep) -> None:
        self._seconds, self._until, self._pause = seconds, until, pause
        self._since: float | None = None
        self._next = 0.0

    def met(self) -> None:
        """The master is there."""
        self._since, self._next = None, 0.0

    def wait(self, error: Exception) -> None:
        """Pause before the next try: not at first, then 0.1 s to 1 s. Raises the error when it is away for too long."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        over = self._since + self._seconds
        if self._until is not None:
            over = min(over, self._until)
        if now >= over:
            raise error
        self._pause(min(self._next, over - now))
        self._next = min(1.0, self._next * 2 or 0.1)


class Connection:
    """A master to ask. Safe for threads, and for processes that fork."""

    def __init__(self, master: Master, timeout: float = TIMEOUT, patience: float = PATIENCE) -> None:
        self.master, self.timeout, self.patience = master, timeout, patience
        self.closed = False
        self._idle: list[Link] = []
        self._lock = threading.Lock()
        self._process = os.getpid()

    def greet(self) -> Any:
        """Connect for the first time; what hello was answered. Raises NoMaster at once when nobody is there."""
        link = self.master.dial(min(CONNECT_SECONDS, self.timeout))
        with link.beginning():
            answer = link.answer(link.greeting, time.monotonic() + self.timeout)
        self._give(link)
        return answer

    def ask(self, method: str, params: dict[str, Any], timeout: float | None = None) -> Any:
        """The answer of the master, within `timeout` seconds (else the connection's own).

        Raises what the master refuses with, TimedOut, or NoMaster; `outcome` of both says whether a change was done.
        """
        seconds = self.timeout if timeout is None else timeout
        until = time.monotonic() + seconds
        patience = Patience(self.patience, until)
        while True:
            try:
                return self._once(method, params, until, seconds)
            except NoMaster as error:
                if error.outcome == "unknown":
                    raise
                patience.wait(error)

    def close(self) -> None:
        """Hang up. What is asked afterwards is refused; questions under way still get their answers."""
        with self._lock:
            self.closed = True
            idle, self._idle = self._idle, []
        for link in idle:
            link.close()

    def _once(self, method: str, params: dict[str, Any], until: float, seconds: float) -> Any:
        """One try. NoMaster with the outcome «not done» may be followed by another."""
        link = self._take(until)
        try:
            number = link.send(method, params)
        except OSError as error:
            link.close()
            raise link.left(error) from None
        except BaseException:
            self._give(link)
            raise
        keep = False
        try:
            answer = link.answer(number, until)
            keep = True
            return answer
        except TimeoutError:
            raise self._late(method, seconds) from None
        except OSError as error:
            raise self._broken(method, link, error) from None
        except BrenderError as error:
            keep = not isinstance(error, InternalError)  # refused in order: the connection is as good as before
            raise
        finally:
            if keep:
                self._give(link)
            else:
                link.close()

    def _take(self, until: float) -> Link:
        """A connection that nobody uses and that the master has not closed, or a new one."""
        while True:
            with self._lock:
                if self.closed:
                    raise WrongState("This connection to the farm was closed.", hint="Connect again: brender.connect()")
                if self._process != os.getpid():  # a fork: these are our parent's, who reads from them
                    self._process = os.getpid()
                    while self._idle:
                        self._idle.pop().close()
                link = self._idle.pop() if self._idle else None
            if link is None:
                return self.master.dial(min(CONNECT_SECONDS, until - time.monotonic()))
            if link.alive():
                return link
            link.close()

    def _give(self, link: Link) -> None:
        with self._lock:
            if not self.closed and len(self._idle) < MOST_IDLE:
                self._idle.append(link)
                return
        link.close()

    def _late(self, method: str, seconds: float) -> TimedOut:
        message = f"The master at {self.master.in_errors} did not answer {method} within {seconds:g} s"
        if not changes(method):
            return TimedOut(f"{message}.", hint="It may be busy: ask again, or wait longer with timeout=.")
        return TimedOut(
            f"{message}: whether it was done is not known.", hint="Look before you repeat it.", outcome="unknown"
        )

    def _broken(self, method: str, link: Link, error: OSError) -> NoMaster:
        if not changes(method) or (isinstance(error, Stranger) and not link.heard):
            return link.left(error)  # it may be asked again: whoever begins with words has not read it
        return NoMaster(
            f"The master at {self.master.in_errors} went away before it answered {method}: "
            "whether it was done is not known.",
            hint="Look before you repeat it; it was not repeated here.",
            outcome="unknown",
        )


def changes(method: str) -> bool:
    """Whether a question may change the farm and so must not be asked twice. What is not known here may."""
    from brender.commands import COMMANDS  # after something went wrong only: loading it takes a tenth of a second

    row = COMMANDS.find(method)
    return row is None or row.changes
