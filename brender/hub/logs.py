"""Passes logs, of attempts and of daemons themselves, from the workers that have them to those who ask: bounded,
never through the core.

One piece is asked of a worker at a time; the next one only when the asking session has taken the last. It must not know
commands: what is found out about the attempt comes in, answers and events go out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from msgspec import Struct, field

from brender.errors import BrenderError, TimedOut, WrongState
from brender.hub.links import Link
from brender.wire import logs
from brender.wire.messages import Notice
from brender.wire.packed import frame

TOPIC, OWN_TOPIC = "task.log", "worker.tail"
PATIENCE = 10.0  # seconds for a worker to answer
LOOK_S = 0.05  # how often a session that reads slowly is looked at
MOST_OF_SESSION = 16  # logs that one session may follow at once
LONGEST_LINE = 16 * 1024

Answer = Callable[[Any], None]


class Wanted(Struct, frozen=True):
    """Which log, from where, and what the answer says of the attempt besides its text."""

    attempt: int
    start: int | None = None
    lines: int | None = None
    follow: bool = False
    about: dict[str, Any] = field(default_factory=dict)


class Asking(Struct, eq=False):
    """One request that waits for its answer or is followed. `answer` is None once it was given."""

    number: int
    link: Link
    worker: Link
    wanted: Wanted
    due: float
    answer: Answer | None
    heard: bool = False
    rest: bytes = b""  # a line for a person that has no end yet

    @property
    def of(self) -> dict[str, Any]:
        """Whose log it is, as each event says."""
        own = self.wanted.attempt == logs.OWN
        return {"worker": self.wanted.about["worker"]} if own else {"attempt": self.wanted.attempt}

    @property
    def by_lines(self) -> bool:
        """A person at a prompt sees lines as they come, and the answer at the end."""
        return self.wanted.follow and self.link.conversation.kind in ("telnet", "line")


class Logs:
    """All logs that are being read. `seq` is the number of the newest event: events here are for one session only."""

    def __init__(self, now: Callable[[], float], seq: Callable[[], int]) -> None:
        self._now, self._seq = now, seq
        self._asking: dict[int, Asking] = {}
        self._next = 1

    def ask(self, link: Link, worker: Link, wanted: Wanted, answer: Answer) -> None:
        """Ask the worker; `answer` is called once, with data or an error. Raises WrongState for too many at once."""
        if sum(one.link is link for one in self._asking.values()) >= MOST_OF_SESSION:
            raise WrongState(f"This session reads {MOST_OF_SESSION} logs already.", hint="farm unsubscribe ends them.")
        number, self._next = self._next, self._next + 1
        self._asking[number] = Asking(number, link, worker, wanted, self._now() + PATIENCE, answer)
        ask = logs.Ask(number, wanted.attempt, wanted.start, wanted.lines, wanted.follow)
        worker.send(frame([{"method": logs.ASK, "params": ask}]))

    def hear(self, worker: Link, piece: logs.Piece) -> None:
        """A piece came; one that nobody waits for (any more) is dropped."""
        one = self._asking.get(piece.request)
        if one is None or one.worker is not worker or one.wanted.attempt != piece.attempt:
            return
        one.heard = True
        if piece.eof:
            del self._asking[one.number]
        if one.by_lines:
            self._show_lines(one, piece)
        else:
            self._show(one, piece)
        if not piece.eof:
            self._want_more(one)

    def end(self, link: Link) -> None:
        """The session wants no more of what it follows."""
        for one in self._of(lambda one: one.link is link):
            self._drop(one, {"eof": False, "left": True})

    def gone(self, link: Link) -> None:
        """A connection has ended: a reader's, or a worker's."""
        for one in self._of(lambda one: link in (one.link, one.worker)):
            name = one.wanted.about.get("worker", "")
            of = f" of attempt {one.wanted.attempt}" if one.wanted.attempt else ""
            self._drop(one, WrongState(f"Worker {name} left while its log{of} was read."))

    def tick(self) -> None:
        """Nobody waits for ever for a worker that says nothing."""
        for one in self._of(lambda one: not one.heard and self._now() > one.due):
            name = one.wanted.about.get("worker", "")
            self._drop(
                one,
                TimedOut(
                    f"Worker {name} did not answer for its log within {PATIENCE:g} s.",
                    hint=f"See worker show {name}; an older daemon cannot show logs.",
                ),
            )

    def _of(self, chosen: Callable[[Asking], bool]) -> list[Asking]:
        return [one for one in self._asking.values() if chosen(one)]

    def _drop(self, one: Asking, said: Any) -> None:
        del self._asking[one.number]
        one.worker.send(frame([{"method": logs.ENOUGH, "params": logs.About(one.number)}]))
        if one.answer is not None:
            one.answer(said if isinstance(said, BrenderError) else {**one.wanted.about, **said})
        elif isinstance(said, BrenderError):
            self._tell(one, {**one.of, "text": "", "eof": True, "error": said.envelope()})

    def _show(self, one: Asking, piece: logs.Piece) -> None:
        """The first piece is the answer, those after it are events."""
        data = {
            **one.of,
            "text": logs.in_text(piece.data),
            "start": piece.start,
            "next": piece.start + len(piece.data),
            "size": piece.size,
            "eof": piece.eof if one.wanted.follow else piece.start + len(piece.data) >= piece.size,
        }
        if one.answer is not None:
            one.answer({**one.wanted.about, **data, "following": one.wanted.follow and not piece.eof})
            one.answer = None
        else:
            self._tell(one, data)

    def _show_lines(self, one: Asking, piece: logs.Piece) -> None:
        *lines, rest = (one.rest + piece.data).split(b"\n")
        if piece.eof or len(rest) > LONGEST_LINE:
            lines, rest = [*lines, *([rest] if rest else [])], b""
        one.rest = rest
        for line in lines:
            # A carriage return redraws its line: what was drawn last is what one would see.
            self._tell(one, logs.in_text(line.rstrip(b"\r").rsplit(b"\r", 1)[-1]))
        if piece.eof and one.answer is not None:
            one.answer({**one.wanted.about, "eof": True, "left": False})

    def _tell(self, one: Asking, data: Any) -> None:
        topic = OWN_TOPIC if one.wanted.attempt == logs.OWN else TOPIC
        one.link.send(one.link.conversation.notice(Notice(self._seq(), topic, data)))

    def _want_more(self, one: Asking) -> None:
        if one.link.has_room:
            one.worker.send(frame([{"method": logs.MORE, "params": logs.About(one.number)}]))
        else:
            gevent.spawn(self._wait_for_room, one)

    def _wait_for_room(self, one: Asking) -> None:
        while self._asking.get(one.number) is one:
            gevent.sleep(LOOK_S)
            if one.link.has_room:
                self._want_more(one)
                return
