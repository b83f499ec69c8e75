"""The console: one child that serves people at capable terminals. It is started here and handed their sockets.

The master keeps every socket it hands out, so a console that dies takes nobody along: port.py goes on with each. This
file must not know telnet, nor what the console does with a socket.
"""

from __future__ import annotations

import logging
import os
import socket as sockets
import subprocess
import sys
import time
from array import array
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent import socket
from gevent.socket import socket as Socket
from gevent.socket import wait_read
from gevent.timeout import Timeout

log = logging.getLogger("brender.consoles")

SILENT = 20.0  # seconds without a sign of life after which a console is ended; it gives one every two
ENDING = 10.0  # seconds to end by itself when its line has broken
HANDING = 1.0  # seconds for it to take a socket off our hands
MOST_SESSIONS = 256  # a megabyte each in the console; who comes then has the master's own prompt
PAUSES = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)  # seconds before it is started again, by how often in a row it has died young
YOUNG = 60.0  # seconds; one that lived longer begins the pauses anew
PACKET = 4096


class Consoles:
    """The one console of a master. `directory` is the master's; the console keeps its own files in `console/` there."""

    def __init__(self, directory: Path, enabled: bool = True) -> None:
        self._directory = directory.absolute()
        self._enabled = enabled
        self._child: subprocess.Popen[bytes] | None = None
        self._attending: gevent.Greenlet | None = None
        self._control: Socket | None = None
        self._sizes: dict[int, tuple[int, int]] = {}
        self._died = 0  # times in a row that it died young
        self._not_before = 0.0

    @property
    def lends(self) -> bool:
        """Whether a session may be given away: the console is there or may be started now, and has room."""
        may = self._child is not None or time.monotonic() >= self._not_before
        return self._enabled and may and len(self._sizes) < MOST_SESSIONS

    def wake(self) -> None:
        """A person may be coming: start the console unless it is there. It needs 0.3 s, this call a millisecond."""
        if self._child is None and self.lends:
            self._start()

    def lend(self, person: int, asking: int, session: int, about: dict[str, Any]) -> bool:
        """Hand over two sockets by their numbers: the person's, and one to ask the farm with as an ordinary client.

        False when there is no console to take them. `session` is the number under which it tells of a new window.
        """
        self.wake()
        if self._control is None or len(self._sizes) >= MOST_SESSIONS:
            return False
        packet = msgspec.json.encode({"session": session, **about})
        try:
            with Timeout(HANDING):
                _send_with(self._control, packet, [person, asking])
        except (OSError, Timeout) as error:
            log.warning("the console takes no session: %s", error)
            return False
        self._sizes[session] = (about["columns"], about["rows"])
        return True

    def returned(self, session: int) -> tuple[int, int]:
        """A session is over or comes back; (columns, rows) as it was told last."""
        return self._sizes.pop(session, (80, 24))

    def stop(self) -> None:
        """No console any more: it ends by itself when our end of its control line is closed."""
        self._enabled = False
        if self._control is not None:
            self._control.close()

    # ---- its life

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [str(theirs.fileno()), str(os.getpid()), str(self._directory)]
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "brender.console", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            log.warning("the console cannot be started: %s", error)
            ours.close()
            self._pause()
            return
        finally:
            theirs.close()
        self._control = ours
        self._attending = gevent.spawn(self._attend, self._child, ours)

    def _attend(self, child: subprocess.Popen[bytes], control: Socket) -> None:
        """Hear the console until it is gone; then, after a pause, start it anew."""
        born = time.monotonic()
        try:
            while True:
                with Timeout(SILENT):
                    packet = control.recv(PACKET)
                if not packet:
                    break
                self._hear(packet)
        except Timeout:
            log.error("the console has said nothing for %g s; it is ended", SILENT)
            child.kill()
        except OSError as error:
            log.debug("the console's line broke: %s", error)
        self._control = None
        control.close()
        code = _ended(child)
        if not self._enabled:
            return
        if time.monotonic() - born > YOUNG:
            self._died = 0
        pause = self._pause()
        log.warning("the console ended (%s); its people have the plain prompt. Again in %g s", code, pause)
        gevent.sleep(pause)
        self.wake()

    def _pause(self) -> float:
        """It died: nobody is lent for so many seconds."""
        self._child = None
        pause = PAUSES[min(self._died, len(PAUSES) - 1)]
        self._died += 1
        self._not_before = time.monotonic() + pause
        return pause

    def _hear(self, packet: bytes) -> None:
        """A sign of life, or the new window of a session."""
        try:
            said = msgspec.json.decode(packet)
            if "session" in said and said["session"] in self._sizes:
                self._sizes[said["session"]] = (int(said["columns"]), int(said["rows"]))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            log.warning("the console says something that cannot be: %s", error)


def _send_with(control: Socket, packet: bytes, fds: list[int]) -> None:
    """One packet with these descriptors; waits, as a greenlet, until it is taken."""
    control.sendmsg([packet], [(socket.SOL_SOCKET, sockets.SCM_RIGHTS, array("i", fds))])


def _ended(child: subprocess.Popen[bytes]) -> int:
    """Reap it, ended by us if it does not end by itself; how it ended, as Popen says it."""
    fd = os.pidfd_open(child.pid)
    try:
        try:
            with Timeout(ENDING):
                wait_read(fd)
        except Timeout:
            child.kill()
            wait_read(fd)
        return child.wait()
    finally:
        os.close(fd)
