"""The daemon's end of the guardian: start tasks, signal them, hear their output and their end.

All output of an attempt reaches `on_output` before its `Exited` reaches `on_event`. It must not know jobs,
the master, limits of logs or what an exit code means. gevent by name, never patched; nothing here forks the
daemon.
"""

from __future__ import annotations

import array
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

import gevent
from gevent.socket import wait_read, wait_write

from brender.daemon import guardian, kin
from brender.daemon.launch import Event, Exited, Failed, Launch, Started, event_of, packet_of
from brender.daemon.packets import Packets, pack

__all__ = ["Event", "Exited", "Failed", "Guardian", "Launch", "Started", "sweep"]

CHUNK = 1 << 16
# Without the packages' __init__ files: whatever they come to import, the guardian stays small.
BOOT = """
import sys, types
for name, folder in (("brender", sys.argv[1]), ("brender.daemon", sys.argv[1] + "/daemon")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from brender.daemon.guardian import main
main(sys.argv[2:])
"""


class _Slot:
    """The read end of a slot's pipe, and who writes to it now."""

    __slots__ = ("fd", "number", "owner", "reader")

    def __init__(self, number: int, fd: int) -> None:
        self.number, self.fd = number, fd
        self.owner: int | None = None
        self.reader: gevent.Greenlet | None = None


class Guardian:
    """One guardian process and its tasks. The callbacks run in its readers and must neither block nor yield."""

    def __init__(
        self,
        on_event: Callable[[list[Event]], None],
        on_output: Callable[[int, bytes], None],
        on_lost: Callable[[tuple[int, ...]], None],
        umask: int = 0o027,
        oom_score_adj: int = 500,
    ) -> None:
        self._on_event, self._on_output, self._on_lost = on_event, on_output, on_lost
        self._settings = (str(umask), str(oom_score_adj))
        self._child: subprocess.Popen[bytes] | None = None
        self._forget()

    def _forget(self) -> None:
        self._slots: dict[int, _Slot] = {}
        self._running: dict[int, tuple[int, str]] = {}  # attempt -> slot, token
        self._out: deque[tuple[bytes, list[int]]] = deque()
        self._writer: gevent.Greenlet | None = None
        self._reader: gevent.Greenlet | None = None

    @property
    def pid(self) -> int | None:
        """The guardian's pid, None while there is none."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Starts the guardian process (again, after `on_lost`); commands may follow at once."""
        if self._child is not None:
            return
        mine, theirs = socket.socketpair()
        package = os.path.dirname(os.path.dirname(os.path.abspath(guardian.__file__)))
        argv = [sys.executable, "-I", "-S", "-c", BOOT, package, str(theirs.fileno()), str(os.getpid())]
        with theirs:
            self._child = subprocess.Popen(
                [*argv, *self._settings],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
            )
        mine.setblocking(False)
        self._sock = mine
        self._reader = gevent.spawn(self._listen)

    def spawn(self, launches: Sequence[Launch]) -> None:
        """Starts them in order, in one message; each answers with Started or Failed."""
        commands: list[bytes] = []
        refused: list[Event] = []
        for launch in launches:
            try:
                packet = packet_of(launch)
            except ValueError as error:
                refused.append(Failed(launch.attempt, 22, f"cannot start: {error}"))
                if launch.stdin is not None:
                    os.close(launch.stdin)
                continue
            slot = self._slots.get(launch.slot) or self._make_slot(launch.slot)
            slot.owner = launch.attempt
            self._running[launch.attempt] = (launch.slot, launch.token)
            if launch.stdin is not None:
                self._send(pack([b"stdin", b"%d" % launch.attempt]), [launch.stdin])
            commands.append(packet)
        if refused:
            gevent.spawn(self._deliver, refused)
        if commands:
            self._send(b"".join(commands), [])

    def signal(self, attempt: int, signum: int) -> None:
        """To the attempt's whole tree; one that has ended is left in peace."""
        self._send(pack([b"signal", b"%d" % attempt, b"%d" % signum]), [])

    def close(self, limit_s: float = 2.0) -> None:
        """Ends the guardian and with it every task; no callback comes after this began."""
        child, self._child = self._child, None
        if child is None:
            return
        for greenlet in (self._reader, self._writer, *(slot.reader for slot in self._slots.values())):
            if greenlet is not None and greenlet is not gevent.getcurrent():
                greenlet.kill()
        self._sock.close()
        for slot in self._slots.values():
            os.close(slot.fd)
        self._forget()
        _await_end(child, limit_s)

    def _make_slot(self, number: int) -> _Slot:
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(read_end, False)
        slot = self._slots[number] = _Slot(number, read_end)
        slot.reader = gevent.spawn(self._read_slot, slot)
        self._send(pack([b"slot", b"%d" % number]), [write_end])
        return slot

    def _send(self, data: bytes, fds: list[int]) -> None:
        """At once if the socket takes it; what it does not take goes in order from one greenlet."""
        if self._child is None:
            raise RuntimeError("The guardian is not running: call start() first.")
        self._out.append((data, fds))
        if self._writer is None and not self._flush():
            self._writer = gevent.spawn(self._write_rest)

    def _flush(self) -> bool:
        """True when everything is out, or there is nobody to send to (the reader will notice that)."""
        while self._out:
            data, fds = self._out[0]
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            try:
                sent = self._sock.sendmsg([data], rights)
            except BlockingIOError:
                return False
            except OSError:
                sent = len(data)
            for fd in fds:
                os.close(fd)
            if sent < len(data):
                self._out[0] = (data[sent:], [])
            else:
                self._out.popleft()
        return True

    def _write_rest(self) -> None:
        while not self._flush():
            wait_write(self._sock.fileno())
        self._writer = None

    def _listen(self) -> None:
        packets, child, sock = Packets(), self._child, self._sock
        while self._child is child:
            wait_read(sock.fileno())
            try:
                data = sock.recv(CHUNK)
            except OSError:
                data = b""
            if not data:
                return self._lost()
            self._deliver([event_of(fields) for fields in packets.feed(data)])

    def _deliver(self, events: list[Event]) -> None:
        """In order, in one call; first the output of those that ended."""
        for event in events:
            if isinstance(event, Exited | Failed) and event.attempt in self._running:
                number, _ = self._running.pop(event.attempt)
                slot = self._slots[number]
                self._drain(slot)
                if slot.owner == event.attempt:
                    slot.owner = None
                if isinstance(event, Exited) and event.survivors:
                    self._retire(number)
        if events:
            self._call(self._on_event, events)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        """A defect above is shown and costs this one call: the readers must live on."""
        try:
            callback(*arguments)
        except Exception:
            gevent.get_hub().handle_error(callback, *sys.exc_info())

    def _retire(self, number: int) -> None:
        """What survivors write from now on belongs to nobody: the next attempt gets a fresh pipe."""
        slot = self._slots.pop(number)
        if slot.reader is not None:
            slot.reader.kill(block=False)
        os.close(slot.fd)

    def _drain(self, slot: _Slot) -> None:
        """What is in the pipe now. Bounded by the pipe's size, should a survivor go on writing."""
        left = fcntl.fcntl(slot.fd, fcntl.F_GETPIPE_SZ)
        while left > 0:
            try:
                data = os.read(slot.fd, CHUNK)
            except BlockingIOError:
                return
            if not data:
                return
            left -= len(data)
            if slot.owner is not None:
                self._call(self._on_output, slot.owner, data)

    def _read_slot(self, slot: _Slot) -> None:
        """Always drains, so that no flood blocks its task; one chunk, then the others' turn."""
        while self._slots.get(slot.number) is slot:
            wait_read(slot.fd)
            try:
                data = os.read(slot.fd, CHUNK)
            except BlockingIOError:
                continue
            if not data:
                return
            if slot.owner is not None:
                self._call(self._on_output, slot.owner, data)

    def _lost(self) -> None:
        """The guardian died: its tasks are orphans now and are found by their tokens."""
        child, self._child = self._child, None
        if child is None:
            return
        _await_end(child, 2.0)
        sweep({token for _, token in self._running.values()})
        lost = tuple(self._running)
        for slot in self._slots.values():
            if slot.reader is not None:
                slot.reader.kill()
            self._drain(slot)
            os.close(slot.fd)
        if self._writer is not None:
            self._writer.kill()
        for _, fds in self._out:
            for fd in fds:
                os.close(fd)
        self._sock.close()
        self._forget()
        self._call(self._on_lost, lost)


def sweep(tokens: Collection[str], limit_s: float = 1.0) -> list[int]:
    """Kills every process whose environment holds one of these attempt tokens, and its descendants.

    For tasks that a dead guardian left behind. A saved pid may be somebody else by now; a token is not.
    Returns the pids killed; tries again until none is left or `limit_s` is over.
    """
    killed: list[int] = []
    deadline = time.monotonic() + limit_s
    while tokens and time.monotonic() < deadline:
        table = kin.processes()
        marked = [pid for pid, row in table.items() if row.state != "Z" and kin.token_of(pid) in tokens]
        found = [pid for pid in kin.family(table, marked) if table[pid].state != "Z"]
        if not found:
            break
        for pid in found:
            if pid != os.getpid() and kin.send_signal(pid, table[pid].start, signal.SIGKILL):
                killed.append(pid)
        gevent.sleep(0.005)
    return list(dict.fromkeys(killed))


def _await_end(child: subprocess.Popen[bytes], limit_s: float) -> None:
    """Reaps the guardian. One that lingers waits for a process that SIGKILL cannot end."""
    try:
        fd = os.pidfd_open(child.pid)
    except OSError:
        child.poll()
        return
    try:
        wait_read(fd, timeout=limit_s, timeout_exc=TimeoutError())
    except TimeoutError:
        pass
    finally:
        os.close(fd)
    child.poll()
