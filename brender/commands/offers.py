"""What Tab may put in place of a word: whole words, and what each is in a few words. Finding and describing, no more.

It must not know lines, cursors or quotes (completion.py does), nor which command asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from brender.commands.states import progress
from brender.core.farm import Farm
from brender.core.lifecycle import summary
from brender.core.rows import Job, Project, Step, Worker

MOST = 200


class Offer(Struct, frozen=True):
    """One word that may stand there, unquoted, and what it is ("" where the word says it all)."""

    word: str
    about: str = ""


def _nothing(word: str) -> str:
    return ""


def starting(
    prefix: str, words: Iterable[str], about: Callable[[str], str] = _nothing, most: int = MOST
) -> list[Offer]:
    """The words that begin so, without case, sorted, at most `most`; only those are looked up with `about`."""
    low = prefix.lower()
    found = sorted({word for word in words if word.lower().startswith(low)})
    return [Offer(word, about(word)) for word in found[:most]]


def merged(*lists: list[Offer]) -> list[Offer]:
    """Several lists as one, sorted; of two with one word the first."""
    found: dict[str, Offer] = {}
    for one in lists:
        for offer in one:
            found.setdefault(offer.word, offer)
    return [found[word] for word in sorted(found)][:MOST]


def worker_in_words(farm: Farm, worker: Worker) -> str:
    """`online, enabled, 2/4 slots busy`."""
    busy = f", {len(farm.loads[worker.id].live)}/{worker.slots} slots taken" if worker.presence == "online" else ""
    return f"{worker.presence}, {worker.admin_state}{busy}"


def job_in_words(farm: Farm, job: Job) -> str:
    """`running, 12/100 done, in film`."""
    sums = progress(farm.counts(job))
    said = f", {sums['done']}/{sums['total']} done" if job.run else ""
    return f"{'paused' if job.paused else job.state}{said}, in {farm.projects[job.project_id].name}"


def jobs_in_words(farm: Farm, jobs: list[Job]) -> str:
    """The same where a name may be that of several jobs."""
    if len(jobs) == 1:
        return job_in_words(farm, jobs[0])
    return f"{len(jobs)} jobs of this name"


def step_in_words(farm: Farm, step: Step) -> str:
    """`running, blender 1-100`."""
    return f"{summary(farm.tasks[step.id].counts)}, {step.function} {step.frames}".rstrip()


def project_in_words(project: Project) -> str:
    """`active: the short one`."""
    return f"{project.state}: {project.description}" if project.description else project.state
