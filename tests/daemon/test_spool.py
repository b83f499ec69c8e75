"""Readings of a machine until the master has them: what was closed survives a kill, and what is lost is told."""

from __future__ import annotations

import os
import resource
from math import inf, nan
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brender.daemon import spool as module
from brender.daemon.spool import Limits, Spool
from brender.errors import Invalid

START = 1_790_000_000.0
Sample = tuple[int, float, Any]


class Said(list[str]):
    """What people were told."""

    def __call__(self, text: str) -> None:
        self.append(text)


def made(folder: Path, said: Said | None = None, **limits: int) -> Spool:
    return Spool(folder, Limits(**limits), Said() if said is None else said)


def killed(spool: Spool) -> Spool:
    """Its process is gone: nothing is closed in order, but the system closes its file."""
    if spool._segments._fd >= 0:
        os.close(spool._segments._fd)
    return spool


def samples(spool: Spool) -> list[Sample]:
    """All that waits, batch by batch."""
    found: list[Sample] = []
    for number in list(spool.pending):
        columns = spool.columns(number)
        if columns is not None:
            found += [*zip(columns.channels, columns.times, columns.values, strict=True), *columns.others]
    return found


def fill(spool: Spool, batches: int, each: int = 3, begin: float = START) -> list[Sample]:
    """Batches of a second each."""
    put: list[Sample] = []
    for second in range(batches):
        for channel in range(1, each + 1):
            put.append((channel, begin + second + channel / 1000, second + 0.25 * channel))
            spool.put(*put[-1])
        spool.close_batch()
    return put


def test_what_was_closed_comes_back_after_a_kill(tmp_path: Path) -> None:
    """CL-42: no close of the spool, as after SIGKILL; numbers, texts, vectors and gaps."""
    spool = made(tmp_path)
    put = fill(spool, 5)
    for sample in [(9, START, "open"), (9, START + 1, [1.0, -2.5]), (9, START + 2, None), (8, START + 3, 7.0)]:
        spool.put(*sample)
        put.append(sample)
    spool.close_batch()
    spool.put(1, START + 99, 1.0)  # of a second that is not over

    again = made(tmp_path)
    assert sorted(map(repr, samples(again))) == sorted(map(repr, put))
    assert len(again.pending) == 6


def test_what_is_acknowledged_is_deleted_and_the_rest_is_not(tmp_path: Path) -> None:
    spool = made(tmp_path)
    put = fill(spool, 4)
    first, second, third, fourth = spool.pending
    for number in (second, third, 12345):
        spool.acked(number)
    assert samples(spool) == put[:3] + put[9:]
    spool.acked(first)
    spool.acked(fourth)
    assert spool.pending == {}
    assert sum(path.stat().st_size for path in (tmp_path / "spool").glob("*.log")) == 0
    assert samples(made(tmp_path)) == []
    put = fill(spool, 1)
    assert samples(made(tmp_path)) == put


def test_a_batch_is_a_second_of_all_channels(tmp_path: Path) -> None:
    """CL-41: one message, however many channels; more than the master takes at once is cut."""
    spool = made(tmp_path)
    for channel in range(40_000):
        spool.put(channel, START, 1.0)
    spool.put(7, START, "text")
    spool.close_batch()
    counts = [one.count for one in spool.pending.values()]
    assert counts == [16_384, 16_384, 40_001 - 2 * 16_384]
    assert len({sample[0] for sample in samples(spool)}) == 40_000
    spool.close_batch()
    assert len(spool.pending) == 3


@pytest.mark.parametrize("value", [nan, inf, -inf, 10**400, [1.0, nan], [1.0, "x"], {"a": 1}, b"bytes"])
def test_what_is_no_reading_is_refused_and_counted(tmp_path: Path, value: Any) -> None:
    """A probe that yields NaN must not end its machine's connection."""
    spool = made(tmp_path)
    spool.put(1, START, value)
    spool.put(1, nan, 1.0)
    spool.put(1, START, 1.0)
    spool.close_batch()
    assert samples(spool) == [(1, START, 1.0)]
    assert spool.refused == 2


def test_limits_are_announced_and_the_oldest_go(tmp_path: Path) -> None:
    """RM-50: a warning, then a loss that is told, then nothing more to tell when all has arrived."""
    said = Said()
    spool = made(tmp_path, said, warning=5, most=8)
    put = fill(spool, 4)
    assert spool.warning == ""
    put += fill(spool, 3, begin=START + 4)
    assert spool.warning == "7 batches of readings wait; over 8 the oldest are lost"
    put += fill(spool, 3, begin=START + 7)
    assert spool.warning == "6 readings were lost: the master was away too long"
    assert said == ["readings are lost from now on: the master was away too long"]
    assert samples(spool) == put[6:]
    for number in list(spool.pending):
        spool.acked(number)
    assert spool.warning == ""


def test_bytes_are_bounded_too(tmp_path: Path) -> None:
    spool = made(tmp_path, bytes=1_000_000)
    random = Random(1)
    for second in range(700):
        for channel in range(200):
            spool.put(channel, START + second, random.random())
        spool.close_batch()
    assert 0 < spool.lost < 100_000
    assert sum(path.stat().st_size for path in (tmp_path / "spool").glob("*.log")) <= 1_000_000
    assert len(samples(spool)) == 140_000 - spool.lost


def test_a_long_night_alone_takes_few_batches_and_few_bytes(tmp_path: Path) -> None:
    """RM-50: hours of seconds become a few blocks by channel, and nothing is lost or doubled by it."""
    spool = made(tmp_path)
    put: list[Sample] = []
    for second in range(3 * module.BATCHES_A_FILE):
        for channel in range(5):
            put.append((channel, START + second, float(20 + channel + second // 60 % 3)))
            spool.put(*put[-1])
        spool.put(77, START + second, f"second {second}") if second % 100 == 0 else None
        spool.close_batch()
        spool.pack_up()
    before = sum(path.stat().st_size for path in (tmp_path / "spool").glob("*.log"))
    assert len(spool.pending) <= module.BATCHES_A_FILE + 4
    spool.pack_up()
    spool.pack_up()
    assert before / len(put) < 8
    numbers = [sample for sample in samples(spool) if sample[0] != 77]
    assert sorted(numbers) == sorted(put)
    assert len(samples(spool)) == len(put) + 9
    again = made(tmp_path)
    assert sorted(sample for sample in samples(again) if sample[0] != 77) == sorted(put)
    # The oldest are still the first to go.
    assert [one.since for one in again.pending.values()] == sorted(one.since for one in again.pending.values())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_any_life_of_a_spool_keeps_what_is_not_acknowledged(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """CL-42: put, close, acknowledge, pack, kill in any order: nothing that waits is lost, nothing comes twice."""
    monkeypatch.setattr(module, "BATCHES_A_FILE", 12)
    folder, random = tmp_path_factory.mktemp("life"), Random(seed)
    spool = made(folder)
    waits: dict[Sample, None] = {}
    unclosed: list[Sample] = []
    for step in range(120):
        deed = random.choice(("put", "put", "put", "ack", "ack", "pack", "kill"))
        if deed == "put":
            for _ in range(random.randint(0, 6)):
                unclosed.append((random.randint(1, 4), START + step + round(random.random(), 6), random.random()))
                spool.put(*unclosed[-1])
            spool.close_batch()
            waits |= dict.fromkeys(unclosed)
            unclosed = []
        elif deed == "ack" and spool.pending:
            number = random.choice(list(spool.pending))
            columns = spool.columns(number)
            assert columns is not None
            for sample in zip(columns.channels, columns.times, columns.values, strict=True):
                del waits[sample]
            spool.acked(number)
        elif deed == "pack":
            spool.pack_up()
        else:
            before, spool = set(samples(killed(spool))), made(folder)
            assert before <= set(samples(spool))
            # What was acknowledged in a file that still has others comes again: the master knows it by its time.
            waits |= dict.fromkeys(samples(spool))
        assert len(samples(spool)) == len(set(samples(spool)))
        assert set(samples(spool)) == set(waits)
    spool.close()


def test_a_disk_that_refuses_keeps_the_newest_in_memory(tmp_path: Path) -> None:
    """With the system's limit of a file's size in place of a full disk."""
    said = Said()
    spool = made(tmp_path, said)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        put = fill(spool, module.IN_MEMORY + 2)
        assert "cannot be written" in said[0]
        assert "lost" in spool.warning
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    put += fill(spool, 2, begin=START + 1000)
    assert samples(spool) == put[6:]
    assert samples(made(tmp_path)) == put[-6:]


def test_a_batch_that_was_damaged_is_given_up_and_told(tmp_path: Path) -> None:
    said = Said()
    fill(made(tmp_path), 1)
    spool = made(tmp_path, said)
    (path,) = (tmp_path / "spool").glob("*.log")
    path.write_bytes(b"\0" * path.stat().st_size)
    assert samples(spool) == []
    assert said == ["readings are lost from now on: they cannot be read from the disk"]
    assert spool.pending == {}


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(Invalid, match="cannot keep readings"):
        made(tmp_path)
    assert os.listdir(tmp_path) == ["spool"]
