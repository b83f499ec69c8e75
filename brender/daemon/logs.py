"""What tasks print: one file an attempt, its first and last megabytes, never more than the caps.

A task that prints nothing makes no file. Bytes stay as they came; only `tail` makes text of them. It must not
know processes, gevent or the wire: bytes go in by `write`, files, tails and watchers' calls come out.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

MIB = 1 << 20
HEAD = 8 * MIB
TAIL = 56 * MIB
BUDGET = 2048 * MIB
DISK_RESERVE = 512 * MIB
_RECENT = 16 * 1024
_LINE = 500
_RING_HEADER = 8  # bytes written to the ring so far, so that a crashed daemon's ring can still be unrolled

Watcher = Callable[[bytes], None]


class AttemptLog:
    """One attempt's output. `head` and `tail` are the caps in bytes; memory stays at some KiB.

    The head goes to `path`; what follows goes round in a ring file beside it, which `close` appends in order,
    with a marker line where bytes were dropped. When the disk fails or is nearly full, the rest counts as
    dropped.
    """

    def __init__(self, path: Path, head: int = HEAD, tail: int = TAIL, reserve: int = DISK_RESERVE) -> None:
        self.path = path
        self.fault = ""  # why writing stopped, empty while all is well
        self.total = 0  # bytes that came
        self._head, self._tail, self._reserve = head, max(tail, 1), reserve
        self._kept = 0
        self._ringed = 0
        self._end = 0  # of the ring's bytes in the file, once it is closed
        self._file = self._ring = -1
        self._recent = b""
        self._watchers: list[Watcher] = []
        self._next_check = 0

    @property
    def dropped(self) -> int:
        """Bytes that came and are, or will be, in no file."""
        return self.total - self._kept - min(self._ringed, self._tail)

    @property
    def stored(self) -> int:
        """Bytes that came and were written, also those that the ring has dropped since: where `read` ends."""
        return self._kept + self._ringed

    def read(self, start: int, size: int) -> tuple[int, bytes]:
        """Bytes from position `start`, counted as they came, and the position where they begin: a later one where
        the ring has dropped what was asked for. The same before and after `close`."""
        if start < self._kept:
            return start, self._bytes_at(start, min(size, self._kept - start))
        start = max(start, self.stored - self._tail) if self._ringed else start
        size = min(size, self.stored - start)
        if size <= 0:
            return start, b""
        if self._ring < 0:
            return start, self._bytes_at(self._end - (self.stored - start), size)
        at = (start - self._kept) % self._tail
        data = os.pread(self._ring, min(size, self._tail - at), _RING_HEADER + at)
        return start, data + os.pread(self._ring, size - len(data), _RING_HEADER) if len(data) < size else data

    @classmethod
    def closed(cls, path: Path, size: int) -> AttemptLog:
        """The log of an attempt that has ended: its file as it lies there."""
        log = cls(path)
        log.total = log._kept = size
        return log

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Calls `watcher` with every chunk from now on; the answer ends that. It must not raise or block."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher) if watcher in self._watchers else None

    def write(self, data: bytes) -> None:
        """Takes any bytes; never raises for what a task prints or a disk does."""
        if not data:
            return
        self.total += len(data)
        self._recent = (self._recent + data[-_RECENT:])[-_RECENT:]
        if not self.fault:
            try:
                self._store(data)
            except OSError as error:
                self.fault = f"the log stopped here: {error.strerror or error}"
        for watcher in tuple(self._watchers):
            watcher(data)

    def tail(self, lines: int = 10) -> list[str]:
        """The last lines as harmless text: control characters and bad bytes escaped, 500 characters each."""
        return tail_lines(self._recent, lines)

    def close(self) -> int:
        """Unrolls the ring into the file; the file's size. Copies `tail` bytes at most: 56 MiB in 50 ms."""
        self._watchers.clear()
        if self._file < 0:
            return 0
        try:
            if self._ring >= 0:
                _unroll(self._ring, self._file, self._tail)
                _ring_path(self.path).unlink(missing_ok=True)
                self._end = os.fstat(self._file).st_size
            if self.fault:
                lost = self.total - self._kept - self._ringed
                _write_all(self._file, f"\n[brender: {self.fault}; {lost} bytes dropped]\n".encode())
        except OSError as error:
            self.fault = self.fault or f"the log stopped here: {error.strerror or error}"
        size = os.fstat(self._file).st_size
        os.close(self._file)
        if self._ring >= 0:
            os.close(self._ring)
        self._file = self._ring = -1
        return size

    def _bytes_at(self, offset: int, size: int) -> bytes:
        if self._file >= 0:
            return os.pread(self._file, size, offset)
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError:  # older logs made room for newer ones
            return b""

    def _store(self, data: bytes) -> None:
        if self.total >= self._next_check:
            self._next_check = self.total + MIB
            self._check_disk()
        if self._kept < self._head:
            if self._file < 0:
                self._file = _create(self.path)
            first = data[: self._head - self._kept]
            _write_all(self._file, first)
            self._kept += len(first)
            data = data[len(first) :]
        if data:
            self._go_round(data)

    def _check_disk(self) -> None:
        disk = os.statvfs(self.path.parent)
        if disk.f_bavail * disk.f_frsize < self._reserve:
            raise OSError(28, f"less than {self._reserve // MIB} MiB free on its disk")

    def _go_round(self, data: bytes) -> None:
        """The ring holds the last `tail` bytes at position (count modulo tail), after its header."""
        if self._file < 0:
            self._file = _create(self.path)
        if self._ring < 0:
            self._ring = _create(_ring_path(self.path))
        count = self._ringed + len(data)
        data = data[-self._tail :]
        at = (count - len(data)) % self._tail
        first = data[: self._tail - at]
        _write_at(self._ring, first, _RING_HEADER + at)
        if len(data) > len(first):
            _write_at(self._ring, data[len(first) :], _RING_HEADER)
        os.pwrite(self._ring, count.to_bytes(_RING_HEADER, "big"), 0)
        self._ringed = count


class LogFolder:
    """The logs of one worker: `<root>/<attempt>.log`, oldest removed when they pass `budget` bytes."""

    def __init__(self, root: Path, budget: int = BUDGET, head: int = HEAD, tail: int = TAIL) -> None:
        self.root = root
        self._budget, self._caps = budget, (head, tail)
        self._open: dict[int, AttemptLog] = {}
        root.mkdir(parents=True, exist_ok=True)
        self._unroll_leftovers()
        rows = sorted((file.stat().st_mtime_ns, file) for file in root.glob("*.log"))
        self._closed = deque((file, file.stat().st_size) for _, file in rows)
        self._size = sum(size for _, size in self._closed)
        self._make_room()

    def open(self, attempt: int) -> AttemptLog:
        """The attempt's log, made at its first use; no file exists before its first byte."""
        log = self._open.get(attempt)
        if log is None:
            log = self._open[attempt] = AttemptLog(self.path(attempt), *self._caps)
        return log

    def find(self, attempt: int) -> AttemptLog | None:
        """The log of a running or an ended attempt; None when it has printed nothing."""
        if attempt in self._open:
            return self._open[attempt]
        try:
            return AttemptLog.closed(self.path(attempt), self.path(attempt).stat().st_size)
        except FileNotFoundError:
            return None

    def close(self, attempt: int) -> None:
        """Finishes the attempt's log and removes the oldest logs that the budget has no room for."""
        log = self._open.pop(attempt, None)
        size = log.close() if log is not None else 0
        if log is not None and size:
            self._closed.append((log.path, size))
            self._size += size
            self._make_room()

    def path(self, attempt: int) -> Path:
        return self.root / f"{attempt}.log"

    def read(self, attempt: int, start: int = 0, size: int = MIB) -> bytes:
        """Bytes of the attempt's file from `start`; empty past its end or when it printed nothing.

        While the attempt runs, the file ends at the head cap: what follows comes by `watch` and `tail`.
        """
        try:
            with self.path(attempt).open("rb") as file:
                file.seek(start)
                return file.read(size)
        except FileNotFoundError:
            return b""

    def tail(self, attempt: int, lines: int = 10) -> list[str]:
        """The last lines of a running or a finished attempt, as `AttemptLog.tail`."""
        if attempt in self._open:
            return self._open[attempt].tail(lines)
        try:
            end = self.path(attempt).stat().st_size
        except FileNotFoundError:
            return []
        return tail_lines(self.read(attempt, max(0, end - _RECENT), _RECENT), lines)

    def _make_room(self) -> None:
        while self._size > self._budget and self._closed:
            path, size = self._closed.popleft()
            path.unlink(missing_ok=True)
            self._size -= size

    def _unroll_leftovers(self) -> None:
        """A daemon that was killed left rings behind: their attempts' last words are worth keeping."""
        for ring in self.root.glob("*.ring"):
            log, source = _create(ring.with_suffix(".log")), os.open(ring, os.O_RDONLY)
            try:
                _unroll(source, log, max(1, os.fstat(source).st_size - _RING_HEADER))
                ring.unlink()
            except OSError:
                continue  # a full disk: the ring stays for the next start
            finally:
                os.close(log)
                os.close(source)


def tail_lines(data: bytes, lines: int) -> list[str]:
    """The last lines of bytes as text that no terminal or page can be harmed by."""
    rows = data.rstrip(b"\r\n").replace(b"\r\n", b"\n").split(b"\n")[-lines:] if lines > 0 else []
    # A carriage return redraws the line: only what was drawn last was ever seen.
    shown = (row.rstrip(b"\r").rsplit(b"\r", 1)[-1][-4 * _LINE :] for row in rows)
    texts = ("".join(map(_harmless, row.decode("utf-8", "backslashreplace")))[-_LINE:] for row in shown)
    return [text for text in texts if text]


def _harmless(char: str) -> str:
    return char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode()


def _ring_path(path: Path) -> Path:
    return path.with_suffix(".ring")


def _create(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND * (path.suffix == ".log") | os.O_CLOEXEC, 0o640)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _write_at(fd: int, data: bytes, at: int) -> None:
    while data:
        sent = os.pwrite(fd, data, at)
        data, at = data[sent:], at + sent


def _unroll(ring: int, log: int, tail: int) -> None:
    """Appends the ring to the log, oldest byte first, after the marker line if it went round."""
    count = int.from_bytes(os.pread(ring, _RING_HEADER, 0), "big")
    if count > tail:
        _write_all(log, b"\n[brender: %d bytes dropped here]\n" % (count - tail))
    turn = count % tail if count > tail else 0
    for at, end in ((turn, min(count, tail)), (0, turn)):
        while at < end:
            chunk = os.pread(ring, min(MIB, end - at), _RING_HEADER + at)
            if not chunk:
                break
            _write_all(log, chunk)
            at += len(chunk)
