"""The legal moves of everything that has a state, as tables (REQUIREMENTS 7.2-7.3), and what a state is called.

Rules ask this file whether a move is legal; the tests and docs/ draw their diagrams from the same tables.
It knows no rows beyond the numbers in them.
"""

from __future__ import annotations

from enum import IntEnum

from brender.errors import InternalError, WrongState


class TaskState(IntEnum):
    """One byte a task. READY states wait for a slot, BLOCKED waits for its frame of another step; LIVE states have an
    attempt on a worker; the rest are over."""

    NOT_RUN = 0
    NEW = 1
    RERUN = 2
    ASSIGNED = 3
    RUNNING = 4
    WAITING = 5
    STOPPING = 6
    SUCCESS = 7
    ERROR = 8
    TERMINATED = 9
    STOPPED = 10
    KILLED = 11
    IMMORTAL = 12
    SKIPPED = 13
    BLOCKED = 14


_S = TaskState
STATES: tuple[TaskState, ...] = tuple(TaskState)  # STATES[byte] is TaskState(byte), five times faster
READY = frozenset({_S.NEW, _S.RERUN})
PENDING = READY | {_S.BLOCKED}  # what has not started and will
LIVE = frozenset({_S.ASSIGNED, _S.RUNNING, _S.WAITING, _S.STOPPING, _S.IMMORTAL})
OVER = frozenset({_S.SUCCESS, _S.ERROR, _S.TERMINATED, _S.STOPPED, _S.KILLED, _S.SKIPPED})
FAILED = frozenset({_S.ERROR, _S.TERMINATED, _S.KILLED, _S.STOPPED, _S.SKIPPED})

# What `status` prints: the seed's words (SP-27..SP-38); codes and pids are added by the caller.
LABELS: dict[TaskState, str] = {
    _S.NOT_RUN: "not run",
    _S.NEW: "new",
    _S.RERUN: "rerun",
    _S.ASSIGNED: "new",
    _S.RUNNING: "running",
    _S.WAITING: "waiting",
    _S.STOPPING: "stopping",
    _S.SUCCESS: "success0",
    _S.ERROR: "error",
    _S.TERMINATED: "terminated",
    _S.STOPPED: "stopped",
    _S.KILLED: "killed",
    _S.IMMORTAL: "immortal",
    _S.SKIPPED: "stopped",
    _S.BLOCKED: "new",
}

# From every state, the states it may become. A new run may reset any task that is not live.
TASK_MOVES: dict[TaskState, frozenset[TaskState]] = {
    _S.NOT_RUN: frozenset({_S.NEW, _S.SKIPPED, _S.BLOCKED}),
    _S.NEW: frozenset({_S.ASSIGNED, *PENDING, *OVER}),  # it may end by the late word of a lost attempt
    _S.RERUN: frozenset({_S.ASSIGNED, *PENDING, *OVER}),
    _S.BLOCKED: frozenset({*PENDING, *OVER}),
    _S.ASSIGNED: frozenset(set(LIVE) | set(PENDING) | set(OVER)),
    _S.RUNNING: frozenset(set(LIVE) | set(PENDING) | set(OVER)),
    _S.WAITING: frozenset(set(LIVE) | set(PENDING) | set(OVER)),
    _S.STOPPING: frozenset(set(PENDING) | set(OVER) | {_S.IMMORTAL}),
    _S.IMMORTAL: frozenset({_S.KILLED, _S.STOPPED}),
    _S.SUCCESS: frozenset({_S.NEW, _S.BLOCKED}),
    _S.ERROR: frozenset({_S.NEW, _S.BLOCKED, _S.SKIPPED}),  # skipped: its step forgives more errors now
    _S.TERMINATED: frozenset({_S.NEW, _S.BLOCKED, _S.SKIPPED}),
    _S.STOPPED: frozenset({_S.NEW, _S.BLOCKED}),
    _S.KILLED: frozenset({_S.NEW, _S.BLOCKED}),
    _S.SKIPPED: frozenset({*PENDING, _S.ERROR, _S.TERMINATED}),
}

# Attempt.state is a word in the database; these are all of them.
ATTEMPT_LIVE = ("assigned", "running", "waiting", "stopping", "immortal")
ATTEMPT_OVER = ("success0", "error", "terminated", "stopped", "killed", "lost", "returned")
ATTEMPT_MOVES: dict[str, frozenset[str]] = {
    "assigned": frozenset({"running", "waiting", "stopping", "immortal", *ATTEMPT_OVER}),
    "running": frozenset({"waiting", "stopping", "immortal", *ATTEMPT_OVER}),
    "waiting": frozenset({"running", "stopping", "immortal", *ATTEMPT_OVER}),
    "stopping": frozenset({"immortal", *ATTEMPT_OVER}),
    "immortal": frozenset({"killed", "stopped"}),
    # A lost attempt whose result arrives after all, before anybody took its place, still counts (R21).
    "lost": frozenset({"success0", "error", "terminated", "stopped", "killed"}),
    "returned": frozenset({"success0", "error", "terminated", "stopped", "killed"}),
}
TASK_OF_LIVE: dict[str, TaskState] = {
    "assigned": _S.ASSIGNED,
    "running": _S.RUNNING,
    "waiting": _S.WAITING,
    "stopping": _S.STOPPING,
    "immortal": _S.IMMORTAL,
}

PRESENCE_MOVES: dict[str, frozenset[str]] = {
    "offline": frozenset({"online"}),
    "online": frozenset({"lost", "offline", "online"}),
    "lost": frozenset({"online", "offline"}),
}
ADMIN_STATES = ("enabled", "disabled")

# A channel is assigned to a manager, starting when the manager was told, and logging when the manager said so.
CHANNEL_STATES = ("new", "assigned", "starting", "logging", "stale", "error", "stopped")
CHANNEL_MOVES: dict[str, frozenset[str]] = {
    "new": frozenset({"assigned", "starting", "error", "stopped"}),
    "assigned": frozenset({"starting", "new", "error", "stopped"}),
    "starting": frozenset({"logging", "assigned", "new", "stale", "error", "stopped"}),
    "logging": frozenset({"starting", "assigned", "new", "stale", "error", "stopped"}),
    "stale": frozenset({"logging", "starting", "assigned", "new", "error", "stopped"}),
    "error": frozenset({"logging", "starting", "assigned", "new", "stale", "stopped"}),
    "stopped": frozenset({"new", "assigned", "starting"}),
}
CHANNEL_TYPES = ("simple", "scalar", "delta", "ntime", "vector", "easy", "middle", "hard", "custom")
SYNTHETIC = ("easy", "middle", "hard", "custom")  # types that make their own values
KEY_KINDS = ("gauge", "counter", "text", "bool", "vector")
# A schedule that is over may be run by hand; one that is removed is no row any more.
SCHEDULE_MOVES: dict[str, frozenset[str]] = {
    "armed": frozenset({"running", "paused", "stopped", "missed"}),
    "running": frozenset({"armed", "paused", "stopped", "done", "missed"}),
    "paused": frozenset({"running", "armed", "stopped"}),
    "stopped": frozenset({"armed", "paused"}),
    "done": frozenset({"running"}),
    "missed": frozenset({"running"}),
}
SCHEDULE_OVER = ("done", "missed")
# No row is `ok`: a pending alarm whose condition ends is removed. A resolved one is history.
ALARM_MOVES: dict[str, frozenset[str]] = {
    "pending": frozenset({"firing"}),
    "firing": frozenset({"acknowledged", "skipped", "resolved"}),
    "acknowledged": frozenset({"skipped", "resolved"}),
    "skipped": frozenset({"firing", "acknowledged", "resolved"}),
}
ALARM_TOLD = ("firing", "acknowledged", "skipped")
CONDITIONS = ("above", "below", "change", "absent", "rate")
DELIVERY_MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset({"sent", "retrying", "failed"}),
    "retrying": frozenset({"sent", "failed"}),
    "failed": frozenset({"retrying", "sent"}),  # by hand; or its sender had been cut off from us when it was sent
}
# From the least to the worst: an error is bad and recoverable, an alert is very bad (RM-11).
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "ALERT")
DIGESTS = ("HOURLY", "DAILY", "WEEKLY")
FREQUENCIES = ("SILENTLY", "INSTANTANEOUSLY", *DIGESTS)
USUAL = {  # RM-10
    "DEBUG": "SILENTLY",
    "INFO": "DAILY",
    "WARNING": "INSTANTANEOUSLY",
    "ERROR": "INSTANTANEOUSLY",
    "ALERT": "INSTANTANEOUSLY",
}

CRASH_LIMIT = 5  # attempts lost with their worker before a task is given up as poison (CONTRACT 4.3)
BLOCK_LIMIT = 3  # failures of one function of a job on one worker before others have to try
MOST_ATTEMPTS = 255  # of one task in one run: a byte counts them


def task_after(attempt_state: str, errors: int, crashes: int, retries: int) -> TaskState:
    """The state of a task whose newest attempt ended so; errors and crashes include that attempt.

    The same function decides when a report arrives and when a farm is loaded, so the two cannot differ.
    """
    if attempt_state == "success0":
        return _S.SUCCESS
    if attempt_state in ("error", "terminated"):
        if errors <= retries:
            return _S.RERUN
        return _S.ERROR if attempt_state == "error" else _S.TERMINATED
    if attempt_state == "lost":
        return _S.NEW if crashes < CRASH_LIMIT else _S.ERROR
    if attempt_state == "returned":
        return _S.RERUN if errors else _S.NEW
    if attempt_state == "killed":
        return _S.KILLED
    return _S.STOPPED


def check_task_move(thing: str, old: TaskState, new: TaskState) -> None:
    """Raise WrongState naming the thing, its state and the rule if the move is not in the table."""
    if new not in TASK_MOVES[old]:
        raise WrongState(f"Task {thing} is {LABELS[old]}; it cannot become {LABELS[new]}.")


def check_move(thing: str, old: str, new: str, moves: dict[str, frozenset[str]]) -> None:
    """Raise InternalError if a worker's presence, an attempt or a schedule cannot become what a rule makes it."""
    if old != new and new not in moves.get(old, frozenset()):
        raise InternalError(f"{thing} is {old}; it cannot become {new}.", hint="This is a defect of brender.")


# A job or step is as bad as the worst of its parts, in this order (REQUIREMENTS 7.3).
WORST_FIRST: tuple[TaskState, ...] = (
    _S.IMMORTAL,
    _S.ERROR,
    _S.TERMINATED,
    _S.KILLED,
    _S.STOPPING,
    _S.RUNNING,
    _S.WAITING,
    _S.RERUN,
    _S.STOPPED,
    _S.SKIPPED,
    _S.ASSIGNED,
    _S.NEW,
    _S.BLOCKED,
    _S.SUCCESS,
    _S.NOT_RUN,
)


def summary(counts: list[int]) -> str:
    """One word for many tasks; `counts[state]` tasks are in each state.

    While anything is still live or ready the failed ones do not speak yet: the work is running.
    """
    live = any(counts[state] for state in LIVE)
    ready = any(counts[state] for state in PENDING)
    over = any(counts[state] for state in OVER)
    if counts[_S.IMMORTAL]:
        return "immortal"
    if counts[_S.STOPPING]:
        return "stopping"
    if live or (ready and over):
        return "running"
    for state in WORST_FIRST:
        if counts[state]:
            return "success0" if state is _S.SUCCESS else LABELS[state]
    return "not run"
