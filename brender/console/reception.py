"""Where the master hands people over: sockets come in by a control line, each becomes a session, all end with the line.

It must not know what a session does. A session that breaks is given back: its line to the master ends without goodbye.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from pathlib import Path

import msgspec

from brender.console.glance import WATCHED, Glance
from brender.console.history import Histories
from brender.console.seat import TelnetSeat
from brender.console.session import BANNER, Session
from brender.console.talk import Talk
from brender.console.upstream import Gone, over_socket, over_unix
from brender.wire.session import Lent

log = logging.getLogger("brender.console")

SIGN_OF_LIFE = 2.0  # seconds
PACKET = 64 * 1024
FEW = 8  # sessions that may be over before anything is collected
NOBODY = "the farm does not answer"


class Handed(Lent, frozen=True):
    """A session that is handed over: what is known of its terminal, and the number the master knows it by."""

    session: int


class Reception:
    """`directory` is the master's own: its socket is there, and our files are in `console/` there."""

    def __init__(self, control: socket.socket, directory: Path) -> None:
        self._control = control
        self._directory = directory
        self._histories = Histories(directory / "console" / "history")
        self._glance = Glance()
        self._sessions: set[asyncio.Task[None]] = set()
        self._over_since = 0  # sessions that have ended since the last collection
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Serve until the master ends the control line."""
        loop = asyncio.get_running_loop()
        self._control.setblocking(False)
        loop.add_reader(self._control, self._take_in)
        tasks = [asyncio.create_task(self._live()), asyncio.create_task(self._look())]
        await self._over.wait()
        for task in (*tasks, *self._sessions):
            task.cancel()
        await asyncio.wait([*tasks, *self._sessions])

    async def _live(self) -> None:
        while True:
            self._tell({})
            await asyncio.sleep(SIGN_OF_LIFE)

    async def _look(self) -> None:
        """Keep the farm at a glance, on a line of our own."""
        while True:
            try:
                upstream = await over_unix(str(self._directory / "brender.sock"), "console")
            except Gone as gone:
                log.warning("the master's socket does not answer: %s", gone)
            else:
                upstream.tell("session.type", type="program")
                upstream.hears = lambda topic, data: self._glance.hear(data) if topic == WATCHED else None
                await self._glance.follow(upstream)
            await asyncio.sleep(SIGN_OF_LIFE)

    def _take_in(self) -> None:
        """A packet of the master: a person's socket, and one to ask the farm for them."""
        try:
            packet, fds, _, _ = socket.recv_fds(self._control, PACKET, 2)
        except BlockingIOError:
            return
        except OSError:
            packet, fds = b"", []
        if not packet:
            asyncio.get_running_loop().remove_reader(self._control)
            self._over.set()
            return
        person, asking = (socket.socket(fileno=fd) for fd in fds)
        task = asyncio.create_task(self._serve(msgspec.json.decode(packet, type=Handed), person, asking))
        self._sessions.add(task)
        task.add_done_callback(self._left)

    async def _serve(self, handed: Handed, person: socket.socket, asking: socket.socket) -> None:
        """One session to its end. What goes wrong with it is logged, and the master goes on with the person."""
        upstream = None
        seat = TelnetSeat(f"session {handed.session}", handed.columns, handed.rows, handed.terminal)
        try:
            asking.setblocking(False)
            upstream = await over_socket(asking, "")  # before a byte is read: the master may have changed its mind
            await seat.take(person)
            seat.data_received(handed.typed)
            talk = Talk(seat, upstream)
            seat.changed = lambda: self._tell(
                {"session": handed.session, "columns": seat.size[0], "rows": seat.size[1]}
            )
            await Session(talk, self._histories, self._glance, NOBODY).run(BANNER)
        except Gone as gone:
            log.info("session %s: %s", handed.session, gone)
        except Exception:
            log.exception("session %s met a defect; the master goes on with it", handed.session)
        finally:
            # First asyncio lets go of a socket: else the next one of that number is never heard.
            if upstream is not None:
                upstream.close()
            else:
                asking.close()
            seat.let_go()
            person.close()

    def _left(self, task: asyncio.Task[None]) -> None:
        """A session is over. Its objects name each other; when as many are over as there are, they are collected."""
        self._sessions.discard(task)
        self._over_since += 1
        if self._over_since >= max(FEW, len(self._sessions)):
            self._over_since = 0
            asyncio.get_running_loop().call_later(SIGN_OF_LIFE, gc.collect)

    def _tell(self, what: dict[str, int]) -> None:
        try:
            self._control.send(msgspec.json.encode(what))
        except OSError:
            log.debug("the master takes no word; its control line is full or broken")


def collect_little() -> None:
    """Collect little and often: each key leaves 250 objects that name each other.

    Everything is looked at only when sessions are over (Reception._left), 7,000 objects each; what was imported never.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 1_000)
