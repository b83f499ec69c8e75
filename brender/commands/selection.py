"""Kinds that choose workers: names, ids, globs, states and tags; several are a union of all that match (BR-36).

Whoever names nothing on a changing command changes nothing (BR-20).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from brender.commands.calls import Call
from brender.commands.kinds import Kind, Others
from brender.commands.offers import Offer, starting, worker_in_words
from brender.core.farm import Farm
from brender.core.rows import Worker
from brender.errors import Invalid, NotFound, nearest

MOST_NAMED = 8  # candidates an error lists


def is_glob(word: str) -> bool:
    """Whether a word is a pattern."""
    return any(mark in word for mark in "*?[")


def as_id(word: str | int) -> int | None:
    """The id a word may stand for. What JSON holds in place of a word, inside of values, is none."""
    if isinstance(word, int) and not isinstance(word, bool):
        return word
    if not isinstance(word, str):
        return None
    return int(word) if word.isascii() and word.isdigit() and len(word) < 19 else None


def listed(names: Iterable[str]) -> str:
    """Names for an error: the first few, and how many more."""
    found = sorted(names)
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more


def _busy(farm: Farm, worker: Worker) -> bool:
    return bool(farm.loads[worker.id].live)


WORKER_STATES: dict[str, Callable[[Farm, Worker], bool]] = {
    "all": lambda farm, worker: True,
    "enabled": lambda farm, worker: worker.admin_state == "enabled",
    "disabled": lambda farm, worker: worker.admin_state == "disabled",
    "online": lambda farm, worker: worker.presence == "online",
    "offline": lambda farm, worker: worker.presence == "offline",
    "lost": lambda farm, worker: worker.presence == "lost",
    "busy": _busy,
    "idle": lambda farm, worker: worker.presence == "online" and not _busy(farm, worker),
}


class WorkerSelector(Kind):
    """Some workers: the union of all that is named. `required` refuses an empty selector; otherwise it means all."""

    wire = str | int | list[str | int]
    expects = "a worker name, id, glob, all, enabled, disabled, online, offline, lost, busy, idle or tag=…"
    many = True

    def __init__(self, required: bool = True) -> None:
        self.required = required

    def claims(self, key: str) -> bool:
        return key.lower() == "tag"

    def parse(self, call: Call, value: Any, others: Others) -> list[Worker]:
        words = value if isinstance(value, list) else [value]
        if not words or words == [""]:
            if self.required:
                raise Invalid("No worker selected. Name one, or use 'all'.")
            return list(call.farm.workers.values())
        chosen: dict[int, Worker] = {}
        for word in words:
            for worker in _workers(call.farm, word):
                chosen[worker.id] = worker
        return [chosen[worker_id] for worker_id in sorted(chosen)]

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        farm = call.farm
        named = {worker.name: worker for worker in farm.workers.values()}
        tags = {f"tag={tag}": tag for worker in farm.workers.values() for tag in worker.tags}

        def about(word: str) -> str:
            if word in named:
                return worker_in_words(farm, named[word])
            if word in tags:
                return f"the workers with the tag {tags[word]}"
            return "every worker" if word == "all" else f"the {word} workers"

        return starting(prefix, [*named, *WORKER_STATES, *tags], about)


def _workers(farm: Farm, word: str | int) -> list[Worker]:
    """All workers one word stands for. Raises NotFound where it can only be a slip."""
    if isinstance(word, str):
        named = farm.names.get(("worker", 0, word))
        if named is not None:
            return [farm.workers[named]]
        state = WORKER_STATES.get(word.lower())
        if state is not None:
            return [worker for worker in farm.workers.values() if state(farm, worker)]
        if "," in word:
            return [worker for part in word.split(",") if part for worker in _workers(farm, part)]
        found = _workers_like(farm, word)
        if found:
            return found
    number = as_id(word)
    if number is not None and number in farm.workers:
        return [farm.workers[number]]
    raise _no_worker(farm, word)


def _workers_like(farm: Farm, word: str) -> list[Worker]:
    low = word.lower()
    workers = farm.workers.values()
    if low.startswith("tag="):
        return [worker for worker in workers if low[4:] in (tag.lower() for tag in worker.tags)]
    if is_glob(word):
        return [worker for worker in workers if fnmatchcase(worker.name.lower(), low)]
    return [
        worker
        for worker in workers
        if low in (worker.name.lower(), worker.hostname.lower(), worker.mac.lower(), worker.key)
    ]


def _no_worker(farm: Farm, word: str | int) -> NotFound:
    if not farm.workers:
        return NotFound(
            f"There is no worker {word!r}: no worker has ever connected.",
            hint="Start `brender client` on a machine.",
        )
    if isinstance(word, str) and word.lower().startswith("tag="):
        tags = sorted({tag for worker in farm.workers.values() for tag in worker.tags})
        return NotFound(
            f"No worker has the tag {word[4:]!r}.",
            hint=nearest(word[4:], tags) or f"Tags: {listed(tags) or 'none'}.",
        )
    if isinstance(word, str) and is_glob(word):
        return NotFound(f"No worker matches {word!r}.", hint="See worker list.")
    names = [worker.name for worker in farm.workers.values()]
    hint = nearest(str(word), [*names, *WORKER_STATES]) or "See worker list."
    return NotFound(f"There is no worker {word!r}.", hint=hint)


WORKERS = WorkerSelector()
WORKERS_OR_ALL = WorkerSelector(required=False)
