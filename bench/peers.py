"""The peers, run the way their manuals say, with the durability we claim ourselves: huey on SQLite, and HyperQueue.

huey: its own consumer, two worker processes, every commit synced (`fsync=True`). HyperQueue: the wheel has no `hq`
program, but its extension runs server and worker (`LocalCluster`) in one process of their own; its state is in memory.
Each child process is this module's own function, called by `python -c`. It must not know brender.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.farm import PLACE, ROOT, Broken

LIMIT = 120.0  # seconds for one run of a peer
LOOK = 0.01  # seconds between two looks at how far it is


class _Seen(Exception):
    """Leaves HyperQueue's waiting loop, which looks only once a second, after its first look."""


# ---- huey


def huey_of(path: str, synced: bool = True) -> tuple[Any, Any]:
    """A huey on this database and its no-op task. With `1` as its result a completion is stored, as ours is."""
    from huey import SqliteHuey

    app = SqliteHuey("bench", filename=path, fsync=synced)

    def noop(keep: bool) -> int | None:
        return 1 if keep else None

    return app, app.task(name="noop")(noop)


def consume(path: str) -> None:
    """The child: two worker processes that poll eagerly and do nothing besides."""
    app, _ = huey_of(path)
    eager = {"initial_delay": 0.001, "periodic": False, "check_worker_health": False}
    app.create_consumer(workers=2, worker_type="process", **eager).run()


def huey_rate(count: int, keep: bool) -> float:
    """Tasks a second of two huey workers on a full queue; `keep`: every completion is stored, not only the start."""
    with tempfile.TemporaryDirectory(prefix="brender-bench-", dir=PLACE) as directory:
        path = str(Path(directory, "huey.db"))
        app, noop = huey_of(path, synced=False)  # filling the queue is not what is measured
        for _ in range(count):
            noop(keep)
        app.storage.close()
        left = ("SELECT ? - count(*) FROM kv", (count,)) if keep else ("SELECT count(*) FROM task", ())
        looker = sqlite3.connect(path)
        with contextlib.closing(looker), _child(f"from bench.peers import consume; consume({path!r})"):
            return _slope(lambda: int(looker.execute(*left).fetchone()[0]), count)


def _slope(left: Any, count: int) -> float:
    """Tasks a second between the first look that saw progress and the end."""
    end = time.monotonic() + LIMIT
    first: tuple[float, int] | None = None
    while time.monotonic() < end:
        remaining, now = left(), time.monotonic()
        if first is None and remaining < count:
            first = now, remaining
        if remaining <= 0 and first is not None:
            return first[1] / (now - first[0])
        time.sleep(LOOK)
    raise Broken(f"The peer did not end its {count} tasks in {LIMIT:.0f} s.")


# ---- HyperQueue


class HyperQueue:
    """A running server with one worker of some cores, driven over pipes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def run(self, argv: list[str], count: int) -> dict[str, float]:
        """Submit `count` tasks of this argv and wait: monotonic times of "sent", "accepted" and "ended"."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"argv": argv, "count": count}).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise Broken("HyperQueue's process ended.")
        found: dict[str, float] = json.loads(answer)
        return found

    def rate(self, argv: list[str], count: int) -> float:
        """Processes a second from submit to the last end."""
        times = self.run(argv, count)
        return count / (times["ended"] - times["sent"])


@contextlib.contextmanager
def hyperqueue(cores: int) -> Iterator[HyperQueue]:
    """A HyperQueue for the block."""
    with tempfile.TemporaryDirectory(prefix="brender-bench-", dir=PLACE, ignore_cleanup_errors=True) as directory:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        code = f"from bench.peers import serve; serve({directory!r}, {cores})"
        with _child(code, TMPDIR=directory, **pipes) as process:
            yield HyperQueue(process)


def serve(directory: str, cores: int) -> None:
    """The child: server and worker threads of HyperQueue, and a client that does what stdin says."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)  # the server prints a table when it starts
    from hyperqueue import Job
    from hyperqueue.cluster import LocalCluster, WorkerConfig

    with LocalCluster(directory, WorkerConfig(cores=cores)) as cluster:
        client = cluster.client()
        for line in sys.stdin:
            asked = json.loads(line)
            job = Job(max_fails=None)
            for _ in range(asked["count"]):
                job.program(asked["argv"], stdout=None, stderr=None, cwd=directory)
            sent = time.monotonic()
            number = client.submit(job).id
            accepted = time.monotonic()
            while not _is_over(client.connection, number):
                time.sleep(LOOK)
            times = {"sent": sent, "accepted": accepted, "ended": time.monotonic()}
            answers.write(json.dumps(times) + "\n")


def _is_over(connection: Any, number: int) -> bool:
    found: dict[str, bool] = {}

    def look(jobs: dict[int, dict[str, Any]]) -> None:
        status = jobs[number]
        found["over"] = status["completed"]
        if status["failed"]:
            raise Broken(f"HyperQueue: {status['failed']} tasks failed.")
        raise _Seen

    with contextlib.suppress(_Seen):
        connection.wait_for_jobs((number,), look)
    return found["over"]


@contextlib.contextmanager
def _child(code: str, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """This Python running `code` in a session of its own, which is killed after the block; capitals are environment."""
    env = {**os.environ, **{name: value for name, value in more.items() if name.isupper()}}
    pipes = {"stdout": subprocess.DEVNULL, **{name: value for name, value in more.items() if not name.isupper()}}
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=env, start_new_session=True, stderr=subprocess.DEVNULL, **pipes
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.communicate()
