"""The seed's client of the mail logger, with its names: `logger = MailLoggerClient.open()`; `logger.alert("…")`.

A line is with the master when the call returns: it is on its disk, and its letter leaves when the level's schedule says
so. Standard library only beside the farm's own link, and safe to use from several threads (RM-05…RM-11, RM-44, RM-47).
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from brender import address
from brender.core.lifecycle import FREQUENCIES, LEVELS
from brender.core.rules.loggers import level_of, schedule_of
from brender.errors import Invalid
from brender.notify.upstream import Gone, Upstream

__all__ = ["Logger", "clone", "levels", "open", "schedule"]

levels = SimpleNamespace(**{name: name for name in LEVELS})
schedule = SimpleNamespace(**{name: name for name in FREQUENCIES})
schedules = schedule  # raspimon wrote it so


class _Link:
    """One connection to the master, shared by a logger and its clones; it is made anew when it was lost."""

    def __init__(self, place: tuple[str, int]) -> None:
        self.place = place
        self.users = 1
        self._lock = threading.Lock()
        self._upstream: Upstream | None = None

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """The master's answer; one connection that was lost meanwhile is forgiven. Raises Gone or BrenderErrors."""
        with self._lock:
            if self._upstream is not None:
                try:
                    return self._upstream.ask(method, **params)
                except Gone:
                    self._upstream.close()
                    self._upstream = None
            self._upstream = Upstream(self.place, "mail logger")
            return self._upstream.ask(method, **params)

    def close(self) -> None:
        with self._lock:
            self.users -= 1
            if not self.users and self._upstream is not None:
                self._upstream.close()
                self._upstream = None


class Logger:
    """A named source of lines. `levels` and `schedule` hold the words that `config` takes."""

    levels = levels
    schedule = schedule
    schedules = schedule

    def __init__(self, name: str, link: _Link) -> None:
        self.name = name
        self._link: _Link | None = link

    def config(self, level: str, schedule: str) -> None:
        """When lines of this level are mailed. Raises Invalid for words that are none (RM-07)."""
        self._ask("log.config", logger=self.name, level=level_of(str(level)), schedule=schedule_of(str(schedule)))

    def write(self, level: str, text: str, *args: Any) -> None:
        """One line; `args` are for the `%` in it, as in logging. Raises ConnectionError when no master answers."""
        said = str(text) % args if args else str(text)
        params = {"logger": self.name, "level": level_of(str(level)), "text": said, "host": _HOST, "mac": _MAC}
        self._ask("log.write", **params)

    def debug(self, text: str, *args: Any) -> None:
        """Traces; usually kept and not mailed."""
        self.write("DEBUG", text, *args)

    def info(self, text: str, *args: Any) -> None:
        """News of any kind; usually for the daily digest."""
        self.write("INFO", text, *args)

    def warning(self, text: str, *args: Any) -> None:
        """Be careful; usually mailed at once."""
        self.write("WARNING", text, *args)

    def error(self, text: str, *args: Any) -> None:
        """Something bad but recoverable."""
        self.write("ERROR", text, *args)

    def alert(self, text: str, *args: Any) -> None:
        """Something very bad."""
        self.write("ALERT", text, *args)

    def clone(self, name: str = "") -> Logger:
        """Another logger over the same connection; each is closed by itself."""
        if self._link is None:
            raise Invalid(f"Logger {self.name} is closed.", hint="MailLoggerClient.open()")
        self._link.users += 1
        return Logger(name or self.name, self._link)

    def close(self) -> None:
        """Use it no more; twice is once."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def __enter__(self) -> Logger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, **params: Any) -> Any:
        if self._link is None:
            raise Invalid(f"Logger {self.name} is closed.", hint="MailLoggerClient.open()")
        try:
            return self._link.ask(method, params)
        except Gone as error:
            raise ConnectionError(str(error)) from None


def open(transport: str | None = None, name: str | None = None) -> Logger:
    """A logger of the farm at `transport` (HOST:PORT; None: BRENDER_MASTER, else this machine). RM-06.

    `name` is what its letters are called, this program's own by default. Raises ConnectionError if nobody answers.
    """
    place = address.master((transport or os.environ.get(address.MASTER_VARIABLE, "")).removeprefix("tcp://"))
    logger = Logger(name or Path(sys.argv[0] or "python").stem or "python", _Link(place))
    logger._ask("session.test")
    return logger


def clone(logger: Logger, name: str = "") -> Logger:
    """The same as `logger.clone(name)`."""
    return logger.clone(name)


_HOST = socket.gethostname()
_MAC = f"{uuid.getnode():012x}"
