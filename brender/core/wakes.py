"""Which machines to wake: those that are away, whose network card is known, and, when asked so, that work waits for.

It reads a farm and writes nothing. How a machine is woken is the floors above's business.
"""

from __future__ import annotations

from brender.core import fit
from brender.core.farm import Farm
from brender.core.rows import Worker

Passed = list[tuple[Worker, str]]  # with the reason


def sleepers(farm: Farm, workers: list[Worker], when_needed: bool) -> tuple[list[Worker], Passed]:
    """Those of the workers to wake, and those that are passed over with the reason.

    `when_needed` wakes only enabled machines that could run something that waits, and no more than it has tasks.
    """
    woken: list[Worker] = []
    passed: Passed = []
    waiting = _waiting(farm) if when_needed else []
    for worker in workers:
        reason = _refusal(worker) or (_needless(worker, waiting) if when_needed else "")
        if reason:
            passed.append((worker, reason))
        else:
            woken.append(worker)
    return woken, passed


def can_wake(worker: Worker) -> bool:
    """Whether a packet would be sent for it: it is away, and its card is known."""
    return not _refusal(worker)


def _refusal(worker: Worker) -> str:
    if worker.presence == "online":
        return "it is online"
    if len(worker.mac) != 12 or not all(char in "0123456789abcdef" for char in worker.mac):
        return f"its MAC {worker.mac!r} is none"
    return ""


def _needless(worker: Worker, waiting: list[tuple[fit.Kind, list[int]]]) -> str:
    """Why nothing that waits needs this worker; else its slots are taken off what waits."""
    if worker.admin_state == "disabled":
        return "it is disabled"
    for kind, left in waiting:
        if left[0] > 0 and fit.kind_refusal(worker, kind) is None:
            left[0] -= max(1, worker.slots)
            return ""
    return "no work waits for it"


def _waiting(farm: Farm) -> list[tuple[fit.Kind, list[int]]]:
    """What waits for a slot, as kinds with the number of their tasks; not what only a limit or a person holds."""
    found: list[tuple[fit.Kind, list[int]]] = []
    for step_id in sorted(farm.open):
        step, ready = farm.steps[step_id], farm.tasks[step_id].ready()
        job = farm.jobs[step.job_id]
        kind = fit.kind_of(step, job)
        if ready and fit.job_refusal(farm, job) is None and fit.shared_refusal(farm, kind) is None:
            found.append((kind, [ready]))
    return found
