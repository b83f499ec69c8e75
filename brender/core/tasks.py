"""The tasks of one step: a byte of state and a byte of attempts each, and which ready one is next. It knows no rule."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from brender.core.lifecycle import READY, STATES, TaskState
from brender.core.rows import Trouble
from brender.core.sequence import Order

_ALL = b"\xff"


def in_tenths(seconds: float) -> int:
    """Seconds as they are kept for a task: tenths in two bytes, 1 at the least; what takes longer is cut to 6553.5."""
    return min(65_535, max(1, round(seconds * 10)))


def _mask(states: Collection[int]) -> bytes:
    """A translation of state bytes: all bits for these states, none for the others."""
    return bytes(255 if value in states else 0 for value in range(256))


_IS_READY = _mask(READY)
_IS_SUCCESS = _mask((TaskState.SUCCESS,))


class Tasks:
    """A state byte and an attempt counter a task, sums, and where in the step's order the next ready one may be.

    A step in another order than linear keeps its states a second time, sorted by it, so that looking for the next
    one is a search in memory for every order.
    """

    __slots__ = ("counts", "hints", "notes", "numbers", "order", "ranked", "seconds", "states", "tenths", "trouble")

    def __init__(self, count: int, state: TaskState = TaskState.NOT_RUN, order: Order | None = None) -> None:
        self.states = bytearray([state]) * count
        self.numbers = bytearray(count)
        self.counts = [0] * len(TaskState)
        self.counts[state] = count
        self.hints = array("l", [0] * len(TaskState))  # by state: no such task stands at a place before this
        self.trouble: dict[int, Trouble] = {}
        self.notes: dict[int, str] = {}  # successes worth a look: what their attempts said of their outputs
        self.seconds = 0.0  # moving average of how long one takes, 0 = not known yet
        self.tenths: array[int] | None = None  # by task: what its success took, made with the first; 0 = not known
        self.order: Order | None = order
        self.ranked = self.states if order is None else bytearray(self.states)

    def __len__(self) -> int:
        return len(self.states)

    def arrange(self, order: Order | None) -> None:
        """Give the tasks out in this order from now on; also after the states were written from outside."""
        self.order = order
        if order is None:
            self.ranked = self.states
        elif isinstance(order.task, range):
            self.ranked = self.states[::-1]
        else:
            self.ranked = bytearray(map(self.states.__getitem__, order.task))
        self.hints = array("l", [0] * len(TaskState))

    def put(self, task: int, state: TaskState) -> TaskState:
        """Write one state and the sums; returns what it was. Only the ledger calls this."""
        old = STATES[self.states[task]]
        self.states[task] = state
        self.counts[old] -= 1
        self.counts[state] += 1
        if self.order is not None:
            task = self.order.place[task]
            self.ranked[task] = state
        if task < self.hints[state]:
            self.hints[state] = task
        return old

    def put_all(self, states: Iterable[TaskState], state: TaskState) -> int:
        """Every task in one of these states gets another, a million in a millisecond; returns how many there were."""
        moved = 0
        table = bytearray(range(256))
        for old in states:
            table[old] = state
            moved += self.counts[old]
            self.counts[old] = 0
        self._replace(self.states.translate(table))
        if self.order is not None:
            self.ranked = self.ranked.translate(table)
        self.counts[state] += moved
        self.hints[state] = 0
        return moved

    def hold(self, others: Sequence[Tasks]) -> int:
        """Ready tasks whose counterpart in any of the others is no success become BLOCKED; returns how many."""
        free = int.from_bytes(_ALL * len(self), "big")
        for other in others:
            free &= int.from_bytes(other.states.translate(_IS_SUCCESS), "big")
        held = int.from_bytes(self.states.translate(_IS_READY), "big") & ~free
        if not held:
            return 0
        blocked = int.from_bytes(bytes([TaskState.BLOCKED]) * len(self), "big")
        bits = (int.from_bytes(self.states, "big") & ~held) | (held & blocked)
        before = self.counts[TaskState.BLOCKED]
        self._replace(bytearray(bits.to_bytes(len(self), "big")))
        self.counts = [self.states.count(state) for state in TaskState]
        self.arrange(self.order)
        return self.counts[TaskState.BLOCKED] - before

    def _replace(self, states: bytearray) -> None:
        self.states = states
        if self.order is None:
            self.ranked = states

    def kept(self) -> tuple[Any, ...]:
        """What `restore` needs to undo a put_all or a hold: both write anew and leave the old in peace."""
        return self.states, self.ranked, list(self.counts), self.hints[:]

    def restore(self, kept: tuple[Any, ...]) -> None:
        self.states, self.ranked, self.counts, self.hints = kept

    def took(self, task: int) -> int:
        """Tenths of a second that the success of a task took, 0 when it is none or took no time to speak of."""
        return 0 if self.tenths is None else self.tenths[task]

    @property
    def known_tenths(self) -> array[int] | None:
        """What each success took; None where nothing is known of any, also when something once was."""
        return self.tenths if self.tenths is not None and any(self.tenths) else None

    def write_took(self, task: int, tenths: int) -> None:
        """Only the ledger and the farm's load call this."""
        if self.tenths is None:
            self.tenths = array("H", bytes(2 * len(self.states)))
        self.tenths[task] = tenths

    def ready(self) -> int:
        """How many tasks wait for a slot."""
        return self.counts[TaskState.NEW] + self.counts[TaskState.RERUN]

    def all_done(self) -> bool:
        """Whether every task is a success."""
        return self.counts[TaskState.SUCCESS] == len(self.states)

    def next_ready(self) -> int:
        """The next task that waits for a slot (a rerun before a new one), or -1. Amortised constant time."""
        for state in (TaskState.RERUN, TaskState.NEW):
            if self.counts[state]:
                found = self.ranked.find(state, self.hints[state])
                self.hints[state] = found
                return found if self.order is None else self.order.task[found]
        return -1

    def having(self, states: Iterable[TaskState]) -> list[int]:
        """The tasks in any of these states, by number."""
        found: list[int] = []
        for state in states:
            at = self.states.find(state) if self.counts[state] else -1
            while at >= 0:
                found.append(at)
                at = self.states.find(state, at + 1)
        return sorted(found)
