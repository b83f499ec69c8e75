"""Logs on their way to the master: any position, before and after the end, and no faster than they are taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brender.daemon.logs import AttemptLog, LogFolder
from brender.daemon.said import Said
from brender.daemon.tails import Tails
from brender.wire import logs
from brender.wire.packed import FrameReader, Message, frame

LIMIT_S = 60.0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chunks=st.lists(st.binary(max_size=70), max_size=20),
    head=st.integers(0, 40),
    tail=st.integers(1, 40),
    start=st.integers(0, 300),
    size=st.integers(1, 100),
)
def test_a_position_means_the_same_bytes_while_it_runs_and_after(
    tmp_path: Path, chunks: list[bytes], head: int, tail: int, start: int, size: int
) -> None:
    """F26: what the ring has dropped is passed over, and the answer says so by where it begins."""
    path = tmp_path / "1.log"
    path.unlink(missing_ok=True)
    log = AttemptLog(path, head=head, tail=tail, reserve=0)
    for chunk in chunks:
        log.write(chunk)
    data = b"".join(chunks)
    oldest = max(head, len(data) - tail)
    begin = start if start < head or start >= oldest else oldest
    expected = data[begin : min(begin + size, head) if begin < head else begin + size]

    assert log.stored == len(data)
    assert log.read(start, size) == (begin, expected)
    log.close()
    assert log.read(start, size) == (begin, expected)


class Worker:
    """A folder of logs whose tails are told to a list; `alive` are the attempts that may still print."""

    def __init__(self, folder: Path) -> None:
        self.folder = LogFolder(folder)
        self.said = Said(folder / "said")
        self.alive: set[int] = set()
        self.pieces: list[logs.Piece] = []
        self.news = Event()
        self.reader = FrameReader()
        self.tails = Tails(self.folder, self.said, lambda attempt: attempt in self.alive, self.post)

    def post(self, data: bytes) -> None:
        self.pieces += [one.params_as(logs.Piece) for one in self.reader.feed(data)]
        self.news.set()

    def hear(self, method: str, params: Any) -> None:
        message: Message
        for message in FrameReader().feed(frame([{"method": method, "params": params}])):
            self.tails.hear(message)

    def next(self) -> logs.Piece:
        with gevent.Timeout(LIMIT_S):
            while not self.pieces:
                self.news.clear()
                self.news.wait()
        return self.pieces.pop(0)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path)
    yield made
    made.tails.forget()


def test_the_last_lines_of_an_ended_attempt_are_one_piece(worker: Worker) -> None:
    worker.folder.open(7).write(b"one\ntwo\nthree\nfour\n")
    worker.folder.close(7)
    worker.hear(logs.ASK, logs.Ask(1, 7, lines=2))

    assert worker.next() == logs.Piece(1, 7, b"three\nfour\n", 8, 19, True)


def test_an_attempt_that_printed_nothing_is_an_empty_piece(worker: Worker) -> None:
    worker.hear(logs.ASK, logs.Ask(1, 7, lines=2, follow=True))

    assert worker.next() == logs.Piece(1, 7, b"", 0, 0, True)


def test_a_followed_log_is_sent_as_it_grows_and_ends_with_its_attempt(worker: Worker) -> None:
    """FIELD 22: logs from the command line while they are written."""
    worker.alive.add(7)
    worker.hear(logs.ASK, logs.Ask(1, 7, lines=10, follow=True))
    assert worker.next() == logs.Piece(1, 7, b"", 0, 0, False)
    worker.folder.open(7).write(b"Fra:1\n")
    worker.hear(logs.MORE, logs.About(1))
    assert worker.next() == logs.Piece(1, 7, b"Fra:1\n", 0, 6, False)
    worker.folder.open(7).write(b"Saved\n")
    worker.alive.clear()
    worker.folder.close(7)
    worker.hear(logs.MORE, logs.About(1))

    assert worker.next() == logs.Piece(1, 7, b"Saved\n", 6, 12, True)


def test_what_the_daemon_itself_says_goes_on_as_long_as_it_lives(worker: Worker) -> None:
    worker.said.write(b"online as render-07\n")
    worker.hear(logs.ASK, logs.Ask(1, logs.OWN, lines=10, follow=True))
    assert worker.next() == logs.Piece(1, logs.OWN, b"online as render-07\n", 0, 20, False)
    worker.hear(logs.MORE, logs.About(1))
    worker.said.write(b"offline\n")
    assert worker.next() == logs.Piece(1, logs.OWN, b"offline\n", 20, 28, False)
    worker.hear(logs.ASK, logs.Ask(2, logs.OWN, start=20))
    assert worker.next() == logs.Piece(2, logs.OWN, b"offline\n", 20, 28, True)


def test_no_piece_leaves_before_the_last_one_was_taken_and_none_is_too_big(worker: Worker) -> None:
    worker.alive.add(7)
    worker.folder.open(7).write(b"x" * (2 * logs.PIECE + 5))
    worker.hear(logs.ASK, logs.Ask(1, 7, start=0, follow=True))
    first = worker.next()
    assert (len(first.data), first.size, first.eof) == (logs.PIECE, 2 * logs.PIECE + 5, False)
    gevent.sleep(0)
    assert worker.pieces == []
    worker.hear(logs.MORE, logs.About(1))
    assert len(worker.next().data) == logs.PIECE
    worker.alive.clear()
    worker.folder.close(7)
    worker.hear(logs.MORE, logs.About(1))

    assert worker.next() == logs.Piece(1, 7, b"xxxxx", 2 * logs.PIECE, 2 * logs.PIECE + 5, True)


def test_a_reader_that_has_enough_and_a_cut_line_end_what_is_sent(worker: Worker) -> None:
    worker.alive.add(7)
    for request in (1, 2):
        worker.hear(logs.ASK, logs.Ask(request, 7, start=0, follow=True))
        worker.next()
    worker.hear(logs.ENOUGH, logs.About(1))
    worker.tails.forget()
    worker.folder.open(7).write(b"more\n")
    worker.hear(logs.MORE, logs.About(1))
    worker.hear(logs.MORE, logs.About(2))
    gevent.sleep(0)

    assert worker.pieces == []


def test_words_of_another_version_are_passed_over(worker: Worker) -> None:
    worker.hear(logs.ASK, {"request": "one"})
    worker.hear("log.paint", {"request": 1})

    assert worker.pieces == []
