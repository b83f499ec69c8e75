"""Logs of attempts: caps, order, harmless tails, a bounded folder (F26, CONTRACT 4.9)."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brender.daemon.logs import AttemptLog, LogFolder, tail_lines


def small(path: Path, head: int = 10, tail: int = 20) -> AttemptLog:
    return AttemptLog(path, head=head, tail=tail, reserve=0)


def expected(data: bytes, head: int, tail: int) -> bytes:
    rest = data[head:]
    if len(rest) <= tail:
        return data
    return data[:head] + b"\n[brender: %d bytes dropped here]\n" % (len(rest) - tail) + rest[-tail:]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chunks=st.lists(st.binary(max_size=70), max_size=30),
    head=st.integers(0, 40),
    tail=st.integers(1, 40),
)
def test_the_file_is_head_marker_and_tail_however_the_bytes_were_cut(
    tmp_path: Path, chunks: list[bytes], head: int, tail: int
) -> None:
    """F26: binary, no newline, invalid UTF-8: what is kept is exact, what is not is counted."""
    path = tmp_path / "1.log"
    path.unlink(missing_ok=True)
    log = small(path, head, tail)
    for chunk in chunks:
        log.write(chunk)
    data = b"".join(chunks)

    assert log.dropped == max(0, len(data) - head - tail)
    size = log.close()

    assert (path.read_bytes() if path.exists() else b"") == expected(data, head, tail)
    assert size == (path.stat().st_size if path.exists() else 0)
    assert list(tmp_path.glob("*.ring")) == []


def test_a_task_without_output_makes_no_file(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path)
    folder.open(1).write(b"")
    folder.close(1)
    folder.close(2)

    assert list(tmp_path.iterdir()) == []
    assert folder.read(1) == b""
    assert folder.tail(1) == []


def test_watchers_get_every_byte_even_those_that_no_file_keeps(tmp_path: Path) -> None:
    log = small(tmp_path / "1.log", head=1, tail=1)
    seen: list[bytes] = []
    stop = log.watch(seen.append)
    log.write(b"abc")
    log.write(b"def")
    stop()
    stop()
    log.write(b"ghi")

    assert seen == [b"abc", b"def"]


def test_the_oldest_logs_go_when_the_folder_passes_its_budget(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path, budget=25)
    for attempt in (1, 2, 3):
        folder.open(attempt).write(b"0123456789")
        folder.close(attempt)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["2.log", "3.log"]
    assert folder.read(3, start=4, size=3) == b"456"

    LogFolder(tmp_path, budget=15)

    assert [file.name for file in tmp_path.iterdir()] == ["3.log"]


def test_a_killed_daemon_s_ring_is_unrolled_at_the_next_start(tmp_path: Path) -> None:
    before = LogFolder(tmp_path, head=4, tail=6)
    before.open(7).write(b"headabcdefghij")

    after = LogFolder(tmp_path, head=4, tail=6)

    assert after.read(7) == b"head\n[brender: 4 bytes dropped here]\nefghij"
    assert [file.name for file in tmp_path.iterdir()] == ["7.log"]


def test_a_full_disk_ends_the_log_and_not_the_daemon(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path / "1.log", reserve=1 << 62)
    log.write(b"x" * 100)
    log.write(b"last words")

    assert "free on its disk" in log.fault
    assert log.dropped == 110
    assert log.tail(1)[0].endswith("last words")
    assert log.close() == 0


@given(data=st.binary(max_size=3000), lines=st.integers(0, 8))
def test_a_tail_is_printable_text_of_bounded_size(data: bytes, lines: int) -> None:
    """R41: byte 0x82, escape sequences and lone halves of characters harm no page and no terminal."""
    found = tail_lines(data, lines)

    assert len(found) <= lines
    for line in found:
        line.encode("utf-8")
        assert len(line) <= 500
        assert all(char.isprintable() or char == "\t" for char in line)


def test_a_tail_shows_the_last_lines_as_a_terminal_would_have(tmp_path: Path) -> None:
    log = small(tmp_path / "1.log")
    log.write("früh\nfra 1%\rfra 99%\r\n\x1b[31mError\x82: no file\n\n".encode("latin-1"))

    assert log.tail(2) == ["fra 99%", "\\x1b[31mError\\x82: no file"]
    assert log.tail(3)[0] == "fr\\xfch"
