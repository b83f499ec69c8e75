"""The first five minutes, step by step on the live farm: what to try next, and whether the last was done.

It changes nothing: people type each line themselves, and the farm's own rows say whether it is done. How far somebody
is (calls.Lesson) the hub keeps by name, or by session. The words of the steps stand here as a literal table.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Struct

from brender.commands.calls import Call, Lesson, Teach, may
from brender.commands.kinds import Arg
from brender.core.farm import Farm
from brender.core.lifecycle import LIVE
from brender.core.rows import Job, Worker

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
LOOKS = {"job.status", "job.show", "job.list", "job.watch", "task.list", "task.show", "rpc.watch"}


class Scene(Struct):
    """What the steps look at: the farm, since when, which commands succeeded since the step was shown."""

    call: Call
    began: float
    used: frozenset[str]

    @property
    def farm(self) -> Farm:
        return self.call.farm

    @property
    def jobs(self) -> list[Job]:
        """The jobs that this person has made since the tutorial began."""
        mine = (self.call.who.name, "")
        return [job for job in self.farm.jobs.values() if job.created_at >= self.began and job.submitter in mine]

    @property
    def stuck(self) -> Job | None:
        """One of them that is to run and has nothing on any worker."""
        waiting = (job for job in self.jobs if job.desired == "run" and not self.live(job))
        return next((job for job in waiting if job.tags), None)

    @property
    def first(self) -> Job | None:
        """The one that is looked at: not the one that is made to wait."""
        return next((job for job in self.jobs if not job.tags), None)

    @property
    def worker(self) -> Worker | None:
        """One that may be disabled for a moment: best an idle one."""
        able = [worker for worker in self.farm.workers.values() if worker.admin_state == "enabled"]
        able.sort(key=lambda worker: (worker.presence != "online", len(self.farm.loads[worker.id].live)))
        return able[0] if able else None

    @property
    def disabled(self) -> bool:
        """Whether this person has disabled a worker since the tutorial began and not taken that back."""
        acts = (act for act in self.farm.acts if act.actor == self.call.who.actor and act.at >= self.began)
        return any(act.verb == "disable" for act in acts)

    def live(self, job: Job) -> int:
        counts = self.farm.counts(job)
        return sum(counts[state] for state in LIVE)

    def word(self, job: Job | None, name: str) -> str:
        """How to name a job in a line; a free name like this one while there is none."""
        if job is not None:
            named = [one for one in self.farm.jobs.values() if one.name == job.name]
            return job.name if len(named) == 1 and _PLAIN.fullmatch(job.name) else str(job.id)
        taken = {one.name for one in self.farm.jobs.values()}
        number, free = 1, name
        while free in taken:
            number, free = number + 1, f"{name}-{number + 1}"
        return free


class Step(Struct, frozen=True):
    """`line` is what to type; `missing` says what is not done yet, if anything; `needs` names whose role it takes."""

    title: str
    text: str
    needs: str
    line: Callable[[Scene], str]
    missing: Callable[[Scene], str]


def _see(scene: Scene) -> str:
    if not any(worker.presence == "online" for worker in scene.farm.workers.values()):
        return "No worker is online. On a machine that shall render, start: brender client"
    return "" if {"worker.list", "worker.show"} & scene.used else "You have not looked at the workers yet."


def _made(scene: Scene) -> str:
    return "" if scene.first else "There is no new job of yours yet."


def _ran(scene: Scene) -> str:
    if scene.first is None:
        return "Your job is gone. Make another: tutorial --again"
    return "" if scene.first.run else f"Job {scene.first.name} has not been started yet."


def _looked(scene: Scene) -> str:
    job = scene.first
    if job is not None and job.run and (job.desired == "run" or scene.live(job)):
        return f"Job {job.name} is not at its end yet. If it does not go on, ask: why {scene.word(job, '')}"
    return "" if LOOKS & scene.used else "You have not looked at it yet."


def _waits(scene: Scene) -> str:
    return "" if scene.stuck else "No job of yours waits for a tag yet."


def _asked(scene: Scene) -> str:
    return "" if "farm.why" in scene.used else "You have not asked why yet."


def _disabled(scene: Scene) -> str:
    done = scene.disabled or {"worker.disable", "session.undo"} <= scene.used
    return "" if done else "You have disabled no worker yet."


def _undone(scene: Scene) -> str:
    return "What you disabled is disabled still." if scene.disabled else ""


def _tidy(scene: Scene) -> str:
    left = ", ".join(job.name for job in scene.jobs)
    return f"Still there: {left}." if left else ""


def _tidy_line(scene: Scene) -> str:
    going = next((job for job in scene.jobs if job.desired == "run" or scene.live(job)), None)
    if going is not None:
        return f"job stop {scene.word(going, '')}"
    return " ".join(["job delete", *(scene.word(job, "") for job in scene.jobs)])


STEPS = (
    Step(
        "See the machines",
        "A worker is a machine that renders. It is enabled or disabled by people, and online as long as it is heard.",
        "worker.list",
        lambda scene: "worker list",
        _see,
    ),
    Step(
        "Make a job",
        "A job has steps, a step runs one function on its frames. This one has one step and prints a word four times.",
        "job.create",
        lambda scene: f'job create {scene.word(None, "hello")} function=echo frames=1-4 params={{"words": ["hello"]}}',
        _made,
    ),
    Step(
        "Run it",
        "The master gives its frames to free slots of workers that know the function.",
        "job.run",
        lambda scene: f"job run {scene.word(scene.first, 'hello')}",
        _ran,
    ),
    Step(
        "See how far it is",
        "status shows it once; watch shows a list as it changes, until Ctrl-C; task log shows what a task has printed.",
        "job.create",
        lambda scene: f"status {scene.word(scene.first, 'hello')}",
        _looked,
    ),
    Step(
        "Make a job that has to wait",
        "A job may ask for tags that a worker must have. No worker has this one, so it waits.",
        "job.create",
        lambda scene: f"job create {scene.word(None, 'patient')} function=noop tags=nobody --run",
        _waits,
    ),
    Step(
        "Ask why",
        "why names the rule that stands in the way, and the line that would change it. It answers for workers, too.",
        "job.create",
        lambda scene: f"why {scene.word(scene.stuck, 'patient')}",
        _asked,
    ),
    Step(
        "Disable a worker",
        "What it runs goes on to its end; it gets nothing new. Several may be named: render-*, tag=gpu, all.",
        "worker.disable",
        lambda scene: f"disable {shlex.quote(scene.worker.name) if scene.worker else 'NAME'}",
        _disabled,
    ),
    Step(
        "Take it back",
        "undo takes back your own last enable, disable, priority, pause or resume; again, the one before it.",
        "worker.disable",
        lambda scene: "undo",
        _undone,
    ),
    Step(
        "Tidy up",
        "A job that runs is stopped before it is deleted.",
        "job.create",
        _tidy_line,
        _tidy,
    ),
)
END = "That was all. More: help, help job, job create ? To render a file, in a shell: brender render SCENE.blend"


def tutorial(
    call: Call,
    *,
    again: Annotated[bool, Arg(text="begin anew")] = False,
    skip: Annotated[bool, Arg(text="pass over the step that was shown last")] = False,
) -> Teach:
    """Show the first five minutes step by step: what to try next, once what was shown before is done.

    It changes nothing itself: you type the lines, tutorial looks whether it is done. In a shell write brender before
    each. How far you are is kept by your name, or by the session, until the master is restarted.
    """
    steps = [step for step in STEPS if may(call.who.role, call.table.rows[step.needs].role)]
    lesson = None if again else call.lesson
    if lesson is None or lesson.step >= len(steps):
        lesson = Lesson(0, call.now)
        return Teach(lesson, _shown(steps, 0, Scene(call, call.now, frozenset()), [], ""))
    scene = Scene(call, lesson.began, lesson.used)
    at = lesson.step
    passed: list[str] = []
    missing = ""
    while at < len(steps) and not (missing := "" if skip and at == lesson.step else steps[at].missing(scene)):
        passed.append(steps[at].title)
        at += 1
    shown = _shown(steps, at, scene, passed, "" if passed else missing)
    if at == len(steps):
        return Teach(None, shown)
    return Teach(Lesson(at, lesson.began, lesson.used if at == lesson.step else frozenset()), shown)


def _shown(steps: list[Step], at: int, scene: Scene, passed: list[str], missing: str) -> dict[str, Any]:
    """What is answered: the step to do now, or the end."""
    base = {"number": at + 1, "of": len(steps), "passed": passed, "missing": missing, "finished": at == len(steps)}
    if at == len(steps):
        return {**base, "title": "", "text": END, "line": ""}
    return {**base, "title": steps[at].title, "text": steps[at].text, "line": steps[at].line(scene)}
