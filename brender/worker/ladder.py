"""One running attempt and the ladder by which it is ended: softly, hard, hard again, given up (REQUIREMENTS 7.4).

It knows numbers and times only; duty.py carries out what it says.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import structs

from brender.core.events import Result
from brender.worker import stall
from brender.worker.functions import Call
from brender.worker.world import HARD, SOFT, Ended

UNASKED: Final = ""
STOPPED: Final = "stop"
TIMEOUT: Final = "timeout"
STALLED: Final = "stalled"
DROPPED: Final = "drop"
_RANK: Final = {UNASKED: 0, TIMEOUT: 1, STALLED: 1, STOPPED: 2, DROPPED: 3}

# (signal, seconds until the next rung); after the last rung the process is immortal. Soft at 0 s, hard at 6 and 7,
# given up at 8: the gaps count from when a rung was really taken, so a daemon that slept does not take all at once.
SOFTLY: Final = ((SOFT, 6.0), (HARD, 1.0), (HARD, 1.0))
AT_ONCE: Final = ((HARD, 1.0), (HARD, 1.0))


class Running:
    """What runs in a slot, for one attempt or a bundle: `members`, of which `attempt` is the first and names it.

    `why` says who asked for its end, if anybody; the stronger reason wins. `asked` says it by member.
    """

    __slots__ = (
        "_due",
        "_held",
        "_rungs",
        "asked",
        "attempt",
        "begun",
        "call",
        "immortal",
        "killed",
        "limit",
        "members",
        "memory_mb",
        "pid",
        "publishing",
        "quiet",
        "since",
        "slot",
        "told",
        "waiting",
        "watch",
        "why",
    )

    def __init__(
        self, attempt: int, slot: int, call: Call, now: float, limit: float, members: tuple[int, ...] = ()
    ) -> None:
        self.attempt = attempt
        self.members = members or (attempt,)
        self.asked: dict[int, str] = {}
        self.slot: int | None = slot  # None once it has left it
        self.call = call
        self.since = now
        self.limit = limit  # seconds it may take
        self.pid = 0
        self.memory_mb = 0  # that its process held, once that has ended
        self.begun = False
        self.why = UNASKED
        self.waiting = False
        self.publishing = False
        self.quiet = 0.0  # seconds without a sign of life after which it is ended
        self.killed = False
        self.immortal = False
        self.told = False  # that it is immortal
        self.watch = stall.UNWATCHED
        self._rungs: tuple[tuple[int, float], ...] = ()
        self._due = inf
        self._held = 0  # a signal that waits for a process

    def begin(self, pid: int, now: float) -> None:
        """It runs. A rung that came before there was a process to signal is taken now."""
        self.pid, self.since, self.begun = pid, now, True
        if self._held and not self.immortal:
            self._rungs = ((self._held, self._due - now), *self._rungs)
            self._due = now

    def ask(self, why: str, now: float, member: int = 0) -> None:
        """Somebody wants it ended. Asking again changes nothing, a stronger reason changes the outcome."""
        if self.publishing and why != DROPPED:
            return
        if member and _RANK[why] > _RANK[self.asked.get(member, UNASKED)]:
            self.asked[member] = why
        if _RANK[why] <= _RANK[self.why]:
            return
        climbing, self.why = self.why != UNASKED, why
        if why == DROPPED and not self.killed:
            self._rungs, self._due = AT_ONCE, now
        elif not climbing:
            self._rungs, self._due = SOFTLY, now

    def publish(self, memory_mb: int = 0) -> None:
        """Its process ended well; what is left is to judge and name its outputs, which nobody stops."""
        self.publishing, self.limit, self.memory_mb = True, inf, memory_mb

    def rung(self, now: float) -> int:
        """The signal whose time has come, or 0. Sets `immortal` after the last."""
        if self.publishing or self.immortal or (self.waiting and self.why != DROPPED):
            return 0
        if self.why == UNASKED and now >= self.since + self.limit:
            self.ask(TIMEOUT, now)
        if now < self._due:
            return 0
        if not self._rungs:
            self.immortal, self._due = True, inf
            return 0
        (signum, gap), *rest = self._rungs
        self._rungs = tuple(rest)
        self._due = now + gap
        if not self.begun:
            self._held = signum
            return 0
        self.killed = self.killed or signum == HARD
        return signum

    def wake_at(self) -> float:
        """When `rung` wants to be asked again, inf for never."""
        if self.publishing or self.immortal or (self.waiting and self.why != DROPPED):
            return inf
        return min(self._due, self.since + self.limit) if self.why == UNASKED else self._due

    def result(self, event: Ended, now: float) -> Result:
        """How it ended: who asked decides, then exit code or signal (SP-31..37, F12)."""
        state, reason = "success0", event.reason
        if self.why == TIMEOUT and not self.immortal:
            state, reason = "error", f"timeout: it ran longer than {self.limit:g} s"
        elif self.why == STALLED and not self.immortal:
            state, reason = "error", stall.in_words(self.quiet)
        elif self.why != UNASKED:
            state = "killed" if self.killed else "stopped"
            reason = self._asked_reason()
        elif event.signal is not None:
            state = "terminated"
        elif event.exit_code:
            state = "error"
        if state == "success0":
            reason = ""
        took, memory = now - self.since, event.memory_mb
        return Result(self.attempt, state, took, event.exit_code, event.signal, reason[:300], memory_mb=memory)

    def mine(self) -> list[int]:
        """Its attempts that are still somebody's: the others were dropped."""
        if len(self.members) == 1:
            return [] if self.why == DROPPED else [self.attempt]
        return [member for member in self.members if self.asked.get(member) != DROPPED]

    def shared(self, outcome: Result) -> list[Result]:
        """What becomes of each of its attempts.

        Nobody knows at which of several a process failed, so they are returned with its code or signal, by which the
        master sends each alone. Those beside one that was stopped are returned, too.
        """
        if len(self.members) == 1:
            return [] if self.why == DROPPED else [outcome]
        seconds = outcome.seconds / len(self.members)
        failed = outcome.state in ("error", "terminated") and (outcome.exit_code, outcome.signal) != (None, None)
        bundle = f"{len(self.members)} tasks in one process"
        found = []
        for member in self.mine():
            one = structs.replace(outcome, attempt=member, seconds=seconds)
            if failed:
                why = outcome.reason or (f"signal {one.signal}" if one.signal else f"exit code {one.exit_code}")
                one.state, one.reason = "returned", f"{bundle} failed, each goes alone now: {why}"[:300]
            elif outcome.state in ("stopped", "killed") and member not in self.asked and not self.immortal:
                one = Result(member, "returned", seconds, reason=f"another of {bundle} was stopped")
            found.append(one)
        return found

    def _asked_reason(self) -> str:
        if self.immortal:
            return f"process {self.pid} outlived SIGKILL for a while"
        if self.killed:
            return "it did not obey SIGTERM for 6 s"
        return "stopped on request"
