"""The slots of a worker: what waits for one, what is in one, and what goes into which; and the results of what was.

A queue item may have come in a bundle, whose tasks share one process where its function takes several. It must not know
the master, its orders or the ladder by which things end; duty.py decides when.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from heapq import heapify, heappush
from math import inf
from typing import Final

from brender.core.events import Result
from brender.core.orders import Run, StepSpec
from brender.errors import BrenderError
from brender.worker import gpus as gpus_
from brender.worker import stall
from brender.worker.functions import Call, Catalogue
from brender.worker.ladder import Running
from brender.worker.world import Launch, Turn

REASON_CHARS: Final = 300
Waits = tuple[StepSpec, int, int]  # the step, the number of the task, and which bundle it came with (0: alone)


class Kept:
    """Results until they are acknowledged: numbered when they come, said again until they are forgotten."""

    def __init__(self, held: Iterable[Result], next_number: int) -> None:
        self.held: dict[int, Result] = {}  # by number
        self.number_of: dict[int, int] = {}  # attempt -> number
        self._next = next_number
        for result in held:
            self.held[result.number] = result
            self.number_of[result.attempt] = result.number
            self._next = max(self._next, result.number + 1)

    def keep(self, turn: Turn, result: Result) -> None:
        """Number it; it is to be on the disk before it is said."""
        number = result.number = self._next
        self._next = number + 1
        self.held[number] = result
        self.number_of[result.attempt] = number
        turn.keep.append(result)

    def forget(self, number: int, turn: Turn) -> None:
        """It was acknowledged, or nobody wants it."""
        result = self.held.pop(number, None)
        if result is not None:
            del self.number_of[result.attempt]
            turn.forget.append(number)


class Berths:
    """`bundled` are the functions of which one process takes several tasks; `watch` holds for steps that do not say."""

    def __init__(
        self,
        slots: int,
        catalogue: Catalogue,
        bundled: Iterable[str],
        kept: Kept,
        gpus: Sequence[gpus_.Gpu] = (),
        watch: stall.Watched = stall.UNWATCHED,
    ) -> None:
        self.kept = kept
        self.queue: OrderedDict[int, Waits] = OrderedDict()
        self.running: dict[int, Running] = {}  # by the first of their attempts
        self.of: dict[int, Running] = {}  # by each of their attempts
        self._catalogue, self._bundled = catalogue, frozenset(bundled)
        self._free = list(range(slots))
        self._files: dict[int, str] = {}  # what each slot has open
        self._gpus, self._watch = gpus_.Gpus(gpus), watch

    def bundle_of(self, order: Run) -> int:
        """The name of the bundle that this order's tasks come in; 0 where each goes alone."""
        together = order.together and order.tasks and order.step.function in self._bundled
        return order.tasks[0][0] if together else 0

    def fill(self, now: float, turn: Turn) -> None:
        """Give every free slot its next attempt. Work without a process is done here and takes no slot."""
        queue, keep = self.queue, self.kept.keep
        waiting: list[tuple[int, Waits]] = []  # for GPUs
        while self._free and queue:
            attempt, (step, index, bundle) = queue.popitem(last=False)
            others = self._others(bundle) if bundle and not step.needs else []
            if step.function == "noop":
                keep(turn, Result(attempt, "success0", 0.0, 0))
                continue
            try:
                call = self._catalogue.resolve(step, index, *(task for _, task in others))
            except BrenderError as error:
                for one in (attempt, *(other for other, _ in others)):
                    keep(turn, Result(one, "error", reason=error.sentence()[:REASON_CHARS]))
                continue
            if call.kind == "echo":
                turn.write.append((attempt, call.text))
                turn.over.append(attempt)
                keep(turn, Result(attempt, "success0", 0.0, 0))
                continue
            need = gpus_.need_of(step.needs) if step.needs else None
            never = self._gpus.never(need) if need is not None else ""
            if never:
                keep(turn, Result(attempt, "error", reason=never))
            elif not self._launch((attempt, *(other for other, _ in others)), step, call, need, now, turn):
                waiting.append((attempt, (step, index, 0)))  # what needs a GPU is in no bundle
        for attempt, item in reversed(waiting):
            queue[attempt] = item
            queue.move_to_end(attempt, last=False)

    def _others(self, bundle: int) -> list[tuple[int, int]]:
        """What waits right behind the first of a bundle and came together with it leaves the queue with it."""
        queue, found = self.queue, list[tuple[int, int]]()
        for attempt, (_, index, theirs) in queue.items():
            if theirs != bundle:
                break
            found.append((attempt, index))
        for attempt, _ in found:
            del queue[attempt]
        return found

    def _launch(
        self, members: tuple[int, ...], step: StepSpec, call: Call, need: gpus_.Need | None, now: float, turn: Turn
    ) -> bool:
        """Into the free slot that has its file open, else the first; False when its GPUs are not free."""
        attempt, slot, given = members[0], self._slot_for(call), tuple[gpus_.Gpu, ...]()
        if need is not None and self._gpus.all:
            found = self._gpus.take(attempt, slot, need)
            if found is None:
                return False
            given = found
        self._free.remove(slot)
        heapify(self._free)
        self._files[slot] = call.job.blend if call.job is not None else ""
        limit = inf if step.timeout is None else step.timeout * len(members)
        run = self.running[attempt] = Running(attempt, slot, call, now, limit, members)
        for member in members:
            self.of[member] = run
            if member != attempt:
                turn.write.append((member, f"In one process with attempt {attempt}, whose log has it all.\n"))
                turn.over.append(member)
        after = self._watch.after if step.stalled_after is None else step.stalled_after
        run.watch = stall.Watched(after, step.stop_stalled or self._watch.end)
        bundle = members if len(members) > 1 else ()
        turn.launch.append(Launch(attempt, slot, call, given, need is None or need.part == 1.0, bundle))
        return True

    def close(self, run: Running, turn: Turn, result: Result) -> None:
        """The attempt leaves its slot; a dropped one leaves no trace."""
        del self.running[run.attempt]
        for member in run.members:
            del self.of[member]
        self.release(run)
        turn.over.append(run.attempt)
        for one in run.shared(result):
            self.kept.keep(turn, one)

    def _slot_for(self, call: Call) -> int:
        if call.job is not None and len(self._free) > 1:
            for slot in sorted(self._free):
                if self._files.get(slot) == call.job.blend:
                    return slot
        return self._free[0]

    def release(self, run: Running) -> None:
        """Its slot and GPUs may be used again; it may still be publishing."""
        if run.slot is not None:
            self._gpus.give_back(run.attempt)
            heappush(self._free, run.slot)
            run.slot = None
