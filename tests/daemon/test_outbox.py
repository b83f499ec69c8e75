"""Results on the disk: what is kept comes back, what was forgotten does not, however the file was torn."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brender.core.events import Result
from brender.daemon import outbox as module
from brender.daemon.outbox import Outbox


def result(number: int, reason: str = "") -> Result:
    return Result(number * 10, "success0", 1.5, 0, None, reason, number)


def test_what_is_not_forgotten_comes_back_after_a_crash(tmp_path: Path) -> None:
    """F04: no close, as after SIGKILL."""
    box = Outbox(tmp_path)
    box.write([result(1), result(2), result(3, "ñandú")], [])
    box.write([], [2])

    again = Outbox(tmp_path)

    assert again.held == [result(1), result(3, "ñandú")]
    assert again.next_number == 4


def test_numbers_never_repeat_though_everything_was_forgotten(tmp_path: Path) -> None:
    for life in range(3):
        box = Outbox(tmp_path)
        assert box.next_number == life + 1
        box.write([result(life + 1)], [])
        box.write([], [life + 1])
        if life == 1:
            box.close()


def test_a_file_torn_at_any_byte_gives_a_prefix_of_its_history(tmp_path: Path) -> None:
    """F04: a torn tail is ignored, and the next life writes behind whole records only."""
    box = Outbox(tmp_path)
    states: list[list[Result]] = [[]]
    for number in range(1, 6):
        box.write([result(number)], [number - 2] if number > 2 else [])
        states.append(box.held)
    whole = (tmp_path / "outbox").read_bytes()
    other = tmp_path / "torn"
    other.mkdir()
    seen = []
    for cut in range(len(whole) + 1):
        (other / "outbox").write_bytes(whole[:cut])
        torn = Outbox(other)
        assert torn.held in states
        seen.append(states.index(torn.held))
        torn.write([result(99)], [])
        assert Outbox(other).held == [*torn.held]
    assert seen == sorted(seen) and seen[-1] == 5


@pytest.mark.parametrize("tail", [b"\0" * 64, b"\xff" * 64, b"\0\0\0\x05\0\0\0\0hello"])
def test_garbage_after_a_power_cut_is_ignored(tmp_path: Path, tail: bytes) -> None:
    Outbox(tmp_path).write([result(1)], [])
    with (tmp_path / "outbox").open("ab") as file:
        file.write(tail)

    assert Outbox(tmp_path).held == [result(1)]


def test_the_file_stays_small_while_acknowledgements_flow(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    largest = 0
    for number in range(1, 5001):
        box.write([result(number, "x" * 200)], [number - 1] if number % 2 else [])
        if number % 500 == 0:
            box.write([], [held.number for held in box.held])
        largest = max(largest, os.stat(tmp_path / "outbox").st_size)

    assert largest < 2 * module.REWRITE_AT
    box.write([], [held.number for held in box.held])
    box.close()
    assert os.stat(tmp_path / "outbox").st_size < 64


def test_a_full_disk_loses_nothing_that_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F06: half a record was written; the next write begins a new file with all of it."""
    box = Outbox(tmp_path)
    box.write([result(1)], [])
    real = os.write

    def full(fd: int, data: bytes) -> int:
        real(fd, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk, pytest.raises(OSError, match="No space"):
        disk.setattr(os, "write", full)
        box.write([result(2)], [])
    box.write([result(3)], [1])

    assert Outbox(tmp_path).held == [result(2), result(3)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(0, 9), max_size=4), st.booleans()), max_size=30))
def test_any_history_of_writes_and_crashes_is_a_plain_dictionary(
    tmp_path: Path, history: list[tuple[int, list[int], bool]]
) -> None:
    (tmp_path / "outbox").unlink(missing_ok=True)
    box, model, number = Outbox(tmp_path), dict[int, Result](), 1
    for count, places, crash in history:
        fresh = [result(number + i) for i in range(count)]
        number += count
        model |= {one.number: one for one in fresh}
        gone = list({sorted(model)[place] for place in places if place < len(model)})
        box.write(fresh, gone)
        for one in gone:
            del model[one]
        if crash:
            box = Outbox(tmp_path)
        assert box.held == list(model.values()) and box.next_number == number
