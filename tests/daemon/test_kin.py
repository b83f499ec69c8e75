"""Processes as the kernel knows them: families, tokens, and signals that hit nobody else (F12, R30)."""

from __future__ import annotations

import os
import signal
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from brender.daemon import kin
from brender.daemon.process import sweep

PATH = {"PATH": "/usr/bin:/bin"}


def test_a_foreign_process_with_a_stale_pid_survives() -> None:
    """F12, R30: neither the right pid with another start, nor a sweep for other tokens, touches it."""
    with subprocess.Popen(["sleep", "1000"], env={**PATH, "BRENDER_ATTEMPT": "mine-and-more"}) as foreign:
        row = kin.row_of(foreign.pid)
        assert row is not None

        assert not kin.send_signal(foreign.pid, row.start + 1, signal.SIGKILL)
        assert sweep({"mine", "more", "mine-and-mor"}) == []
        assert sweep(set()) == []
        assert foreign.poll() is None
        assert sweep({"mine-and-more"}) == [foreign.pid]
        assert foreign.wait(60) == -signal.SIGKILL


def test_this_process_and_its_child_are_in_the_table() -> None:
    with subprocess.Popen(["sleep", "1000"], env=PATH, start_new_session=True) as child:
        table = kin.processes()
        child.kill()

    assert table[child.pid].ppid == os.getpid()
    assert table[child.pid].sid == table[child.pid].pgid == child.pid
    assert kin.family(table, [child.pid]) == {child.pid}
    assert {os.getpid(), child.pid} <= kin.family(table, [os.getpid()])
    assert kin.row_of(child.pid) is None
    assert kin.token_of(child.pid) == ""


@given(parents=st.lists(st.integers(0, 12), max_size=12), root=st.integers(0, 12))
def test_a_family_is_closed_even_when_the_table_was_read_in_motion(parents: list[int], root: int) -> None:
    """A scan of /proc is no snapshot: parents may be missing, and pids reused may even close a circle."""
    table = {pid: kin.Row("S", ppid, pid, pid, 1) for pid, ppid in enumerate(parents)}
    found = kin.family(table, [root])

    assert found <= set(table)
    assert (root in found) == (root in table)
    assert {pid for pid, row in table.items() if row.ppid in found} <= found
