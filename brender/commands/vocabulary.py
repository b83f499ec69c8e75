"""Values that a parameter or an attribute may have, as far as the farm knows any: for Tab, never for a refusal.

What is not listed here may be right all the same: a function of a worker that has not connected yet, a new tag.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from brender.commands.offers import Offer, jobs_in_words, starting
from brender.core.farm import Farm

Words = Mapping[str, str]  # a value -> what it is


def _functions(farm: Farm) -> Words:
    known: dict[str, int] = {}
    for worker in farm.workers.values():
        for name in worker.functions:
            known[name] = known.get(name, 0) + 1
    return {name: f"{count} worker{'' if count == 1 else 's'}" for name, count in known.items()}


def _tags(farm: Farm) -> Words:
    known: dict[str, int] = {}
    for worker in farm.workers.values():
        for tag in worker.tags:
            known[tag] = known.get(tag, 0) + 1
    return {tag: f"{count} worker{'' if count == 1 else 's'}" for tag, count in known.items()}


def _limits(farm: Farm) -> Words:
    return {limit.name: f"{limit.count} at once" for limit in farm.limits.values()}


def _jobs(farm: Farm) -> Words:
    return {job.name: jobs_in_words(farm, [job]) for job in farm.jobs.values()}


def _fixed(words: Words) -> Callable[[Farm], Words]:
    return lambda farm: words


#: By the name of the attribute; those of LISTS take several with commas between.
VALUES: dict[str, Callable[[Farm], Words]] = {
    "function": _functions,
    "tags": _tags,
    "limits": _limits,
    "after": _jobs,
    "order": _fixed(
        {
            "linear": "first to last",
            "reverse": "last to first",
            "binary": "first, last, then the middles",
            "nth:": "every Nth first",
        }
    ),
    "exec": _fixed({"await": "the next place waits for its end", "parallel": "the next place does not wait"}),
    "chunk": _fixed({"auto": "as many frames as the measured seconds say"}),
    "admin_state": _fixed({"enabled": "it may get tasks", "disabled": "it gets none"}),
}
LISTS = ("tags", "limits", "after")
ABOUT: dict[str, str] = {
    "name": "what it is called",
    "tags": "of a worker; of a job, those a worker must have",
    "config": "JSON; wins over what the machine says of itself",
    "warning": "a note that everybody sees",
    "description": "what it is for",
    "weight": "its share of the farm beside others",
    "state": "active or archived",
    "count": "how many at once",
    "priority": "0 to 100, higher first",
    "submitter": "whose it is",
    "after": "what has to be a success first",
    "start_at": "seconds since 1970 before which nothing starts",
    "most_workers": "machines at once, 0: any number",
    "most_tasks": "tasks at once, 0: any number",
    "place": "its place in the job",
    "exec": "await: the next place waits for it",
    "function": "what its tasks run",
    "params": "of the function, JSON",
    "frames": "such as 1-100x2",
    "chunk": "frames a task, or auto",
    "order": "in which its tasks are given out",
    "limits": "licences that each task takes one of",
    "needs": "of a machine, JSON",
    "retries": "of a failed task",
    "timeout": "seconds an attempt may take",
    "stalled_after": "seconds without a sign of life",
    "stop_stalled": "end what is stalled",
    "mac": "its hardware address, 12 hex digits",
    "admin_state": "enabled or disabled",
}


def values_of(farm: Farm, name: str, typed: str) -> list[Offer]:
    """What may stand after `name=`; of several with commas the last is completed and those before it stay."""
    known = VALUES.get(name)
    if known is None:
        return []
    before, comma, last = typed.rpartition(",") if name in LISTS else ("", "", typed)
    words = known(farm)
    there = before.split(",")
    found = starting(last, (word for word in words if word not in there), words.__getitem__)
    return [Offer(f"{before}{comma}{one.word}", one.about) for one in found]


def choices_of(kind: Any) -> tuple[str, ...]:
    """The words that a type allows: of a Literal, of true and false, of either or None."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    if kind is bool:
        return ("false", "true")
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(word for part in get_args(kind) for word in choices_of(part))
    return ()
