"""Real processes under a real guardian: start, output, signals, the end of trees, the end of daemons."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from gevent.event import Event as Bell
from gevent.socket import wait_read

from brender.daemon import kin
from brender.daemon.logs import AttemptLog
from brender.daemon.packets import Packets, pack
from brender.daemon.process import Event, Exited, Failed, Guardian, Launch, Started

LIMIT_S = 60.0
ROOT = Path(__file__).parents[2]
PATH = {"PATH": "/usr/bin:/bin"}
PYTHON = [sys.executable, "-I", "-S", "-c"]
# Deaf to SIGTERM, each says its pid: itself, a child, a child in its own session, an orphan in its own.
TREE = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def say():
    os.write(1, b"%d\\n" % os.getpid())
def child(*before):
    if os.fork() == 0:
        for step in before: step()
        say(); signal.pause(); os._exit(0)
def orphan():
    if os.fork(): os._exit(0)
child(); child(os.setsid); child(os.setsid, orphan)
say()
"""
STAY = TREE + "while True: signal.pause()"
# The stray hides its environment, its session and its output: only elimination can tell whose it is.
HIDDEN = """
import os
wait, executed = os.pipe()
if os.fork() == 0:
    os.setsid()
    os.write(1, b"%d\\n" % os.getpid())
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 1); os.dup2(null, 2)
    os.execve("/bin/sleep", ["sleep", "1000"], {})
os.close(executed)
os.read(wait, 1)
"""


class Stage:
    """Collects what a guardian says, in order, and waits for it with a deadline."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.output: dict[int, bytearray] = {}
        self.lost: list[tuple[int, ...]] = []
        self.late: list[int] = []  # attempts whose output came after their end
        self._bell = Bell()
        self.guardian = Guardian(self._on_event, self._on_output, self._on_lost)
        self.guardian.start()

    def _on_event(self, events: list[Event]) -> None:
        self.events.extend(events)
        self._bell.set()

    def _on_output(self, attempt: int, data: bytes) -> None:
        if any(isinstance(event, Exited) and event.attempt == attempt for event in self.events):
            self.late.append(attempt)
        self.output.setdefault(attempt, bytearray()).extend(data)
        self._bell.set()

    def _on_lost(self, attempts: tuple[int, ...]) -> None:
        self.lost.append(attempts)
        self._bell.set()

    def until(self, ready: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not ready():
            self._bell.clear()
            assert self._bell.wait(max(0.0, deadline - time.monotonic())), f"not in {LIMIT_S} s: {self.events}"

    def start(self, attempt: int, argv: Sequence[str], slot: int = 0, **more: object) -> None:
        env = more.pop("env", PATH)
        cwd = more.pop("cwd", "/")
        self.guardian.spawn([Launch(attempt, slot, argv, env, cwd, f"token-{os.getpid()}-{attempt}")])

    def end_of(self, attempt: int) -> Exited | Failed:
        found: list[Exited | Failed] = []

        def ended() -> bool:
            found[:] = [e for e in self.events if isinstance(e, Exited | Failed) and e.attempt == attempt]
            return bool(found)

        self.until(ended)
        return found[0]

    def pids(self, attempt: int, count: int) -> list[int]:
        self.until(lambda: self.output.get(attempt, b"").count(b"\n") >= count)
        return [int(word) for word in self.output[attempt].split()]


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.guardian.close()
    assert made.late == []
    await_ends(fds_of(bearing(f"token-{os.getpid()}-")))


def fds_of(pids: Sequence[int]) -> list[int]:
    """What to wait for the end of these processes with; those that have ended are left out."""
    found: list[int] = []
    for pid in pids:
        with suppress(ProcessLookupError):
            found.append(os.pidfd_open(pid))
    return found


def bearing(token: str) -> list[int]:
    """Live processes whose token begins so."""
    return [pid for pid in kin.processes() if kin.token_of(pid).startswith(token)]


def await_ends(fds: list[int]) -> None:
    """Fails when one of these processes still lives after the limit; by themselves they would all outlive it."""
    end = time.monotonic() + LIMIT_S
    for fd in fds:
        left = max(end - time.monotonic(), 0.001)
        wait_read(fd, timeout=left, timeout_exc=AssertionError(f"alive after {LIMIT_S} s"))
        os.close(fd)


def test_exit_codes_and_signals_are_told_apart(stage: Stage) -> None:
    """SP-31, SP-33, SP-34."""
    for attempt, words in enumerate(("exit 0", "exit 13", "kill -9 $$", "kill -USR1 $$"), 1):
        stage.start(attempt, ["sh", "-c", words])
        stage.end_of(attempt)

    assert [e.code for e in stage.events if isinstance(e, Exited)] == [0, 13, -9, -10]
    assert [type(e) for e in stage.events] == [Started, Exited] * 4
    first, last = stage.events[0], stage.events[1]
    assert isinstance(first, Started) and isinstance(last, Exited)
    assert 0 < last.at - first.at < LIMIT_S
    assert last.max_rss_kb > 0 and last.cpu_s >= 0 and last.survivors == ()


def test_what_cannot_start_says_why_and_the_guardian_goes_on(stage: Stage) -> None:
    bad = [
        (["/opt/no/such"], PATH, "/", "/opt/no/such: no such file or directory"),
        (["nosuch"], PATH, "/", "nosuch: no such program on the task's PATH"),
        (["true"], PATH, "/no/folder", "/no/folder: no such file or directory"),
        (["/etc/passwd"], PATH, "/", "/etc/passwd: permission denied"),
        (["true", "x" * 3_000_000], PATH, "/", "/usr/bin/true: argument list too long"),
        ([], PATH, "/", "cannot start: the command is empty"),
        (["true", "a\0b"], PATH, "/", "cannot start: an argument, variable or folder holds a NUL byte"),
        (["true"], {"A=B": "c"}, "/", "cannot start: a variable's name is empty or holds «=»"),
    ]
    for attempt, (argv, env, cwd, _) in enumerate(bad):
        stage.start(attempt, argv, env=env, cwd=cwd)
    told = [stage.end_of(attempt) for attempt in range(len(bad))]
    stage.start(99, ["true"])

    assert [e.text for e in told if isinstance(e, Failed)] == [text for *_, text in bad]
    assert stage.end_of(99) == stage.events[-1]


def test_the_environment_is_exactly_the_given_one_and_the_token(stage: Stage, tmp_path: Path) -> None:
    odd = {"PATH": "/usr/bin:/bin", "EMPTY": "", "ODD": "a\nb=c\udc82 é"}
    stage.start(1, ["cat", "/proc/self/environ"], env=odd, cwd=tmp_path)
    stage.end_of(1)

    got = dict(item.split(b"=", 1) for item in bytes(stage.output[1]).rstrip(b"\0").split(b"\0"))
    assert got == {
        b"PATH": b"/usr/bin:/bin",
        b"EMPTY": b"",
        b"ODD": b"a\nb=c\x82 \xc3\xa9",
        b"BRENDER_ATTEMPT": f"token-{os.getpid()}-1".encode(),
    }


def test_a_task_inherits_nothing_but_its_three_files(stage: Stage, tmp_path: Path) -> None:
    """Own session, no fds, default signals, no core dumps, its folder, umask 027."""
    look = """
import json, os, resource, signal, sys
bad = [s.name for s in signal.valid_signals() if isinstance(s, signal.Signals) and s < 32
       and int(open("/proc/self/status").read().split("SigIgn:")[1].split()[0], 16) >> (s - 1) & 1]
print(json.dumps({"fds": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
  "sid": os.getsid(0) == os.getpid(),
  "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])), "ignored": bad, "cwd": os.getcwd(),
  "core": resource.getrlimit(resource.RLIMIT_CORE)[1], "stdin": os.readlink("/proc/self/fd/0"),
  "umask": os.umask(0)}))
"""
    os.set_inheritable(leak := os.open("/dev/null", os.O_RDONLY), True)
    stage.start(1, [*PYTHON, look], cwd=str(tmp_path))
    stage.end_of(1)
    os.close(leak)

    assert json.loads(stage.output[1]) == {
        "fds": [0, 1, 2],
        "sid": True,
        "blocked": 0,
        "ignored": ["SIGPIPE", "SIGXFSZ"],  # by Python itself; grep below shows they were default
        "cwd": str(tmp_path),
        "core": 0,
        "stdin": "/dev/null",
        "umask": 0o027,
    }
    stage.start(2, ["grep", "SigIgn", "/proc/self/status"])
    stage.end_of(2)
    assert int(stage.output[2].split()[1], 16) & ~(3 << 31) == 0  # 32 and 33 are the C library's own


def test_all_output_of_an_attempt_comes_before_its_end_and_belongs_to_it(stage: Stage) -> None:
    for attempt in range(1, 41):
        stage.start(attempt, ["sh", "-c", f"seq 1 {attempt * 50}; echo end {attempt} >&2"], slot=attempt % 2)
        if attempt % 2 == 0:
            stage.end_of(attempt - 1)
            stage.end_of(attempt)

    for attempt in range(1, 41):
        want = [b"%d" % n for n in range(1, attempt * 50 + 1)] + [b"end %d" % attempt]
        assert stage.output[attempt].splitlines() == want


def test_a_flood_is_drained_and_capped(stage: Stage, tmp_path: Path) -> None:
    """F26: 64 MiB of `yes` into 96 KiB of log; the task is not blocked, the rest is counted."""
    log = AttemptLog(tmp_path / "1.log", head=32 << 10, tail=64 << 10, reserve=0)
    stage.guardian._on_output = lambda _attempt, data: log.write(data)
    stage.start(1, ["sh", "-c", f"yes | head -c {64 << 20}; printf end"])

    ended = stage.end_of(1)
    assert isinstance(ended, Exited) and ended.code == 0
    assert log.total == (64 << 20) + 3
    assert log.close() < (96 << 10) + 100
    text = (tmp_path / "1.log").read_bytes()
    assert text.endswith(b"y\nend")
    assert b"[brender: %d bytes dropped here]" % (log.total - (96 << 10)) in text


def test_sigterm_reaches_the_whole_tree_and_only_that(stage: Stage) -> None:
    """REQUIREMENTS 7.4: the soft signal goes to every member, also to one in another session."""
    plain = "import os,signal\nfor step in (os.getpid, os.setsid):\n if os.fork() == 0:\n  step(); break\n"
    plain += "os.write(1, b'%d\\n' % os.getpid())\nwhile True: signal.pause()"
    stage.start(1, [*PYTHON, plain], slot=0)
    stage.start(2, ["sh", "-c", "echo $$; exec sleep 1000"], slot=1)
    tree, other = fds_of(stage.pids(1, 3)), stage.pids(2, 1)
    stage.guardian.signal(1, signal.SIGTERM)
    ended = stage.end_of(1)

    await_ends(tree)
    assert isinstance(ended, Exited) and ended.code == -signal.SIGTERM
    assert kin.row_of(other[0]) is not None
    stage.guardian.signal(1, signal.SIGKILL)  # it has ended: nothing happens
    stage.guardian.signal(2, signal.SIGKILL)
    last = stage.end_of(2)
    assert isinstance(last, Exited) and last.code == -signal.SIGKILL


def test_a_deaf_tree_falls_to_sigkill(stage: Stage) -> None:
    """SP-37, F13: who ignores SIGTERM is ended by SIGKILL, all of it, before the end is told."""
    stage.start(1, [*PYTHON, STAY])
    tree = fds_of(stage.pids(1, 4))
    stage.guardian.signal(1, signal.SIGTERM)
    stage.guardian.signal(1, signal.SIGKILL)
    ended = stage.end_of(1)

    assert isinstance(ended, Exited) and ended.code == -signal.SIGKILL and ended.survivors == ()
    await_ends(tree)


def test_strays_are_gone_before_the_end_is_told_and_neighbours_live(stage: Stage) -> None:
    stage.start(2, [*PYTHON, STAY], slot=1)
    neighbours = fds_of(stage.pids(2, 4))
    stage.start(1, [*PYTHON, TREE + "os._exit(3)"], slot=0)
    ended = stage.end_of(1)
    left = [pid for pid in map(int, stage.output[1].split()) if kin.row_of(pid) is not None]

    assert isinstance(ended, Exited) and ended.code == 3
    assert left == []
    alive = select.poll()
    for fd in neighbours:
        alive.register(fd, select.POLLIN)
    assert alive.poll(0) == []
    stage.guardian.signal(2, signal.SIGKILL)
    await_ends(neighbours)


def test_a_stray_that_hides_everything_goes_when_no_possible_owner_runs(stage: Stage) -> None:
    stage.start(1, ["sleep", "1000"], slot=1)
    stage.start(2, [*PYTHON, HIDDEN])
    hidden = stage.pids(2, 1)
    ends = fds_of(hidden)
    stage.end_of(2)
    assert kin.row_of(hidden[0]) is not None  # it could be the older neighbour's, so it may live
    stage.guardian.signal(1, signal.SIGKILL)
    stage.end_of(1)

    await_ends(ends)


def test_a_callback_that_raises_costs_one_call_and_not_the_daemon(stage: Stage) -> None:
    def broken(_attempt: int, _data: bytes) -> None:
        raise ValueError("a defect above")

    stage.guardian._on_output = broken
    stage.start(1, ["echo", "one"])
    stage.start(2, ["echo", "two"], slot=1)

    assert [type(stage.end_of(attempt)) for attempt in (1, 2)] == [Exited, Exited]


def test_a_killed_guardian_is_noticed_its_tasks_are_swept_and_another_can_start(stage: Stage) -> None:
    stage.start(1, [*PYTHON, STAY])
    tree = fds_of(stage.pids(1, 4))
    assert stage.guardian.pid is not None
    os.kill(stage.guardian.pid, signal.SIGKILL)
    stage.until(lambda: stage.lost)

    assert stage.lost == [(1,)]
    await_ends(tree)
    assert stage.guardian.pid is None
    stage.guardian.start()
    stage.start(2, ["sh", "-c", "echo again"])
    stage.end_of(2)
    assert stage.output[2] == b"again\n"


def test_the_terminal_s_signals_do_not_end_the_guardian(stage: Stage) -> None:
    stage.start(1, ["true"])
    stage.end_of(1)
    assert stage.guardian.pid is not None
    for signum in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGPIPE,
        signal.SIGUSR1,
    ):
        os.kill(stage.guardian.pid, signum)
    stage.start(2, ["true"])

    ended = stage.end_of(2)
    assert isinstance(ended, Exited) and ended.code == 0
    assert stage.lost == []


def test_close_ends_every_task(stage: Stage) -> None:
    stage.start(1, [*PYTHON, STAY])
    tree = fds_of(stage.pids(1, 4))
    stage.guardian.close()

    await_ends(tree)
    assert stage.guardian.pid is None


DAEMON = """
import sys, gevent
from brender.daemon.process import Guardian, Launch
def out(attempt, data):
    sys.stdout.buffer.write(data); sys.stdout.buffer.flush()
g = Guardian(print, out, print)
g._on_event = lambda events: None
g.start()
print(g.pid, flush=True)
g.spawn([Launch(n, n, sys.argv[1:], {"PATH": "/usr/bin:/bin"}, "/", "daemon-%d" % n) for n in (1, 2)])
gevent.sleep(1000)
"""


def test_twenty_killed_daemons_leave_no_process_behind() -> None:
    """F11, R29, R31: child, setsid child and TERM-deaf orphan are gone after SIGKILL."""
    for _ in range(20):
        daemon = subprocess.Popen(
            [sys.executable, "-c", DAEMON, *PYTHON, STAY],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert daemon.stdout is not None
        pids = [int(daemon.stdout.readline()) for _ in range(9)]  # the guardian and two trees of four
        everyone = fds_of(pids)
        daemon.kill()
        await_ends(everyone)
        daemon.wait()
        daemon.stdout.close()
    assert not bearing("daemon-")


def test_packets_are_the_same_however_the_stream_is_cut() -> None:
    wanted = [[b"launch", b"1", b""], [b""], [b"x" * 300]]
    stream = b"".join(map(pack, wanted))
    for size in range(1, len(stream) + 1):
        packets = Packets()
        got = [one for at in range(0, len(stream), size) for one in packets.feed(stream[at : at + size])]
        assert got == wanted
