"""Reading commands that are asked again when something has happened: `watch worker list`, rpc.watch.

Driven by what happens, never by a clock: where nothing happens nothing is asked. At most twice a second, and all
watches together take a tenth of the hub's time at the most; a session that does not read is passed over meanwhile.
It must not know commands beyond asking them, nor what an answer means.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import gevent
import msgspec
from gevent.event import Event as Wake
from msgspec import Struct

from brender.commands import calls, text
from brender.errors import BrenderError, Busy, InternalError
from brender.hub.clock import breathe
from brender.hub.links import Link
from brender.wire.messages import Lines, Notice

log = logging.getLogger("brender.watches")

TOPIC = "rpc.watched"
PERIOD = 0.5  # seconds between two rounds at the least
SHARE = 10  # a round that took so long is followed by a pause of so many times that
MOST_OF_SESSION = 8
PEOPLE = ("telnet", "line")
Answer = Callable[[Any], None]


class Watching(Struct, eq=False):
    """One session that watches one command. `answer` is set for a person, whose line is answered when it has ended."""

    link: Link
    act: calls.Watch
    as_json: bool
    answer: Answer | None
    seen: int
    changes: int = 0


class Watches:
    """`begin` answers at once; `touched` says that something has happened; `end` and `gone` end a session's watches.

    `ask(link, act)` runs the command, `after(call)` waits until all that was answered before is on the disk, `seq`
    gives the number of the newest event.
    """

    def __init__(
        self,
        ask: Callable[[Link, calls.Watch], Any],
        after: Callable[[Callable[[], None]], None],
        seq: Callable[[], int],
    ) -> None:
        self._ask, self._after, self._seq = ask, after, seq
        self._all: list[Watching] = []
        self._wake = Wake()
        self._loop: gevent.Greenlet | None = None
        self.rounds = 0

    def begin(self, link: Link, act: calls.Watch, as_json: bool, answer: Answer) -> None:
        """Tell the first answer and watch from now on; a watch of the same name is replaced. Raises Busy."""
        mine = [one for one in self._all if one.link is link and one.act.name != act.name]
        if len(mine) >= MOST_OF_SESSION:
            raise Busy(
                f"This session watches {len(mine)} things already.",
                hint="rpc.unwatch with a name ends one, farm unsubscribe all.",
            )
        self.end(link, act.name)
        person = link.conversation.kind in PEOPLE
        one = Watching(link, act, as_json, answer if person else None, _finger_print(act, act.first))
        self._all.append(one)
        if person:
            self._after(lambda: self._tell(one, act.first))
        else:
            answer(act.first)
        if self._loop is None:
            self._loop = gevent.spawn(self._run)

    def end(self, link: Link, name: str = "") -> list[str]:
        """The session no longer wants one of its watches, or any; the names of those that end."""
        mine = [one for one in self._all if one.link is link and name in ("", one.act.name)]
        for one in mine:
            self._end(one, {"name": one.act.name, "method": one.act.method, "changes": one.changes})
        return [one.act.name for one in mine]

    def gone(self, link: Link) -> None:
        """A connection has ended."""
        self._all = [one for one in self._all if one.link is not link]

    def touched(self) -> None:
        """Something has happened."""
        if self._all:
            self._wake.set()

    def _run(self) -> None:
        """A round when something has happened, for ever."""
        while True:
            self._wake.wait()
            self._wake.clear()
            self.rounds += 1
            spent = sum(self._look(one) for one in list(self._all))
            gevent.sleep(max(PERIOD, SHARE * spent))

    def _look(self, one: Watching) -> float:
        """Ask one again and tell what has changed; the seconds that it took. Others have a turn between two."""
        if one not in self._all:
            return 0.0
        if not one.link.has_room:
            self._wake.set()  # later, when it has read what there is
            return 0.0
        began = time.monotonic()
        found = self._differing(one)
        spent = time.monotonic() - began
        breathe()
        if found is not None:
            self._wait_for_the_disk()  # what was seen may not be on it yet
            began = time.monotonic()
            self._tell(one, found)
            spent += time.monotonic() - began
            breathe()
        return spent

    def _differing(self, one: Watching) -> Any:
        """The new answer if it differs, else None; a watch that can no longer be asked ends."""
        try:
            found = self._ask(one.link, one.act)
            seen = _finger_print(one.act, found)
        except BrenderError as error:
            self._end(one, error)
            return None
        except Exception as defect:
            log.exception("what %s watches met a defect", one.link.peer)
            self._end(one, InternalError(f"{type(defect).__name__}: {defect}"))
            return None
        if seen == one.seen:
            return None
        one.seen, one.changes = seen, one.changes + 1
        return found

    def _wait_for_the_disk(self) -> None:
        written = Wake()
        self._after(written.set)
        written.wait()

    def _tell(self, one: Watching, found: Any) -> None:
        if one not in self._all:
            return
        if one.answer is None:
            data = {"name": one.act.name, "method": one.act.method, "data": found}
        else:
            data = self._lines(one, found)
        one.link.send(one.link.conversation.notice(Notice(self._seq(), TOPIC, data)))

    @staticmethod
    def _lines(one: Watching, found: Any) -> Any:
        """For a person: the list again, under a line that says when."""
        if one.as_json:
            return found
        size = one.link.conversation.size
        head = f"-- {time.strftime('%H:%M:%S')} --\n" if one.changes else ""
        return Lines(head + text.render(one.act.method, found, size))

    def _end(self, one: Watching, said: Any) -> None:
        """A person's line is answered; a program is told only of an end that it did not ask for."""
        self._all.remove(one)
        if one.answer is not None:
            one.answer(said)
        elif isinstance(said, BrenderError):
            data = {"name": one.act.name, "method": one.act.method, "error": said.envelope()}
            notice = one.link.conversation.notice(Notice(self._seq(), TOPIC, data))
            self._after(lambda: one.link.send(notice))


def _finger_print(act: calls.Watch, found: Any) -> int:
    """The finger print of an answer; what moves all the time is not looked at."""
    return hash(msgspec.json.encode(_without(found, act.moving) if act.moving else found))


def _without(found: Any, names: tuple[str, ...]) -> Any:
    if isinstance(found, dict):
        return {name: _without(value, names) for name, value in found.items() if name not in names}
    if isinstance(found, list):
        return [_without(value, names) for value in found]
    return found
