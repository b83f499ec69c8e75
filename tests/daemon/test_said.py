"""What the daemon says is kept beside its stderr, bounded, under positions that go on over its restarts."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brender.daemon import said
from brender.daemon.said import Said

MOST = 100


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=60) | st.none(), max_size=30), st.integers(0, 2000), st.integers(1, 300))
def test_the_newest_bytes_are_read_from_their_positions_over_restarts(
    tmp_path: Path, lines: list[bytes | None], start: int, size: int
) -> None:
    """None is a restart. What is kept is the end of all that was said, never more than twice the limit and a line."""
    folder = tmp_path / "said"
    for path in folder.glob("*"):
        path.unlink()
    log, everything = Said(folder, MOST), b""
    for line in lines:
        if line is None:
            log = Said(folder, MOST)
        else:
            log.write(line)
            everything += line
    assert log.stored == len(everything)
    kept = sum(path.stat().st_size for path in folder.glob("*.log"))
    assert min(MOST, len(everything)) <= kept <= 2 * (MOST + 60)
    oldest = len(everything) - kept
    at, data = log.read(start, size)
    if start <= len(everything):
        assert at == max(start, oldest)
    assert data == everything[at : at + len(data)]
    assert len(data) <= size
    assert data or at == len(everything)
    found, at = b"", oldest
    while at < len(everything):
        begin, data = log.read(at, size)
        assert begin == at
        found, at = found + data, at + len(data)
    assert found == everything[oldest:]


def test_stderr_says_the_same_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = io.StringIO()
    monkeypatch.setattr("sys.stderr", before)
    log = said.keep(tmp_path / "said")
    import sys

    print("one \udc80", file=sys.stderr)
    sys.stderr.flush()
    assert before.getvalue() == "one \udc80\n"
    assert log.read(0, 100) == (0, b"one \\udc80\n")
    assert sys.stderr.writable()


def test_a_folder_that_cannot_be_written_costs_the_daemon_nothing(tmp_path: Path) -> None:
    (tmp_path / "said").write_text("a file in its place")
    log = Said(tmp_path / "said")
    log.write(b"still on stderr\n")
    assert log.read(0, 100) == (0, b"")
