"""What is answered later than the turn that asked: questions to the disk, logs, readings, waiting for a job's end.

None of it goes through the core or waits on the hub's greenlet. It must not know the wire beyond a Link.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
from msgspec import Struct

from brender import history
from brender.commands import calls
from brender.commands.states import job_line, live_of
from brender.commands.text_work import progress_words
from brender.core.farm import Farm
from brender.core.rows import Attempt, Step
from brender.errors import BrenderError, InternalError, NotFound, Unsupported, WrongState
from brender.hub.clock import breathe
from brender.hub.links import Link
from brender.hub.logs import Logs, Wanted
from brender.hub.readings import Readings
from brender.hub.standing import Standing
from brender.hub.wake import wake
from brender.hub.writer import Writer
from brender.wire.logs import OWN, Piece
from brender.wire.messages import Notice
from brender.wire.progress import Marks
from brender.wire.readings import Batch

log = logging.getLogger("brender.later")

WATCH_TOPIC = "job.watch"
SLICE = 0.01  # seconds of steps, then others have their turn
GOING_ON = ("new", "running", "stopping")
Answer = Callable[[Any], None]
QUERIES: dict[str, Callable[..., Any]] = {
    "attempts_of": history.attempts_of,
    "attempts_by": history.attempts_by,
    "sums_of": history.sums_of,
    "alarms_of": history.alarms_of,
    "records_of": history.records_of,
    "deliveries_of": history.deliveries_of,
}


class Watching(Struct, eq=False):
    """A session that waits for the end of a job; `said` is the progress it was told last."""

    link: Link
    job: int
    answer: Answer
    said: Any = None


class Later:
    """`begin` takes an act and calls `answer` once, with data or a BrenderError; the rest is told by the hub."""

    def __init__(
        self,
        farm: Farm,
        writer: Writer,
        readings: Readings,
        links: dict[int, Link],
        now: Callable[[], float],
        seq: Callable[[], int],
    ) -> None:
        self.logs = Logs(now, seq)
        self.standing = Standing(farm, links, seq)
        self._farm, self._writer, self._readings, self._links = farm, writer, readings, links
        self._now, self._seq = now, seq
        self._watching: list[Watching] = []

    def begin(self, link: Link | None, act: calls.Unhurried, answer: Answer) -> None:
        """Start what the act asks for; returns at once. Raises what can be refused at once. None: nobody looks on."""
        if isinstance(act, calls.Lookup):
            gevent.spawn(self._guarded, answer, lambda: self._look_up(act, answer))
        elif isinstance(act, calls.Stepwise):
            gevent.spawn(self._guarded, answer, lambda: answer(self._step(act)))
        elif isinstance(act, calls.Wake):
            gevent.spawn(self._guarded, answer, lambda: answer(wake(act)))
        elif isinstance(act, calls.ReadLog) and link is not None:
            gevent.spawn(self._guarded, answer, lambda: self._read_log(link, act, answer))
        elif isinstance(act, calls.ReadOwnLog) and link is not None:
            self._read_own_log(link, act, answer)
        elif isinstance(act, calls.KeepReadings):
            self._readings.put(act, answer)
        elif isinstance(act, calls.AskReadings):
            gevent.spawn(self._guarded, answer, lambda: answer(self._readings.answer(act)))
        elif isinstance(act, calls.WatchJob) and link is not None:
            self._watching.append(Watching(link, act.job, answer))
            self._look_at_jobs()
        else:
            raise InternalError(f"Nobody carries out {type(act).__name__}.")

    def hear(self, link: Link, said: Piece | Marks | Batch) -> None:
        """A worker's words that are no event of the farm."""
        if isinstance(said, Batch):
            self._readings.hear(link, said)
        elif isinstance(said, Piece):
            self.logs.hear(link, said)
        else:
            self.standing.hear(link, said)

    def end(self, link: Link) -> None:
        """The session wants nothing more of what goes on: Ctrl-C, or farm unsubscribe."""
        self.logs.end(link)
        for one in [one for one in self._watching if one.link is link]:
            self._watching.remove(one)
            one.answer({**self._status(one.job), "left": True})

    def gone(self, link: Link) -> None:
        """A connection has ended."""
        self.logs.gone(link)
        self._watching = [one for one in self._watching if one.link is not link]

    def tick(self) -> None:
        """Every second, and when a job has ended."""
        self.logs.tick()
        self.standing.forget_ended()
        self._look_at_jobs()

    @staticmethod
    def _guarded(answer: Answer, work: Callable[[], None]) -> None:
        try:
            work()
        except BrenderError as error:
            answer(error)
        except Exception as defect:
            log.exception("a question met a defect")
            answer(InternalError(f"{type(defect).__name__}: {defect}"))

    def _step(self, act: calls.Stepwise) -> Any:
        until = self._now() + SLICE
        while True:
            try:
                next(act.steps)
            except StopIteration as ended:
                return ended.value
            if self._now() > until:
                breathe()
                until = self._now() + SLICE

    # ---- the disk

    def _look_up(self, act: calls.Lookup, answer: Answer) -> None:
        answer(act.answer(self._writer.read(QUERIES[act.query], *act.arguments)))

    # ---- logs

    def _read_log(self, link: Link, act: calls.ReadLog, answer: Answer) -> None:
        """Find the attempt (in memory, else on the disk) and the worker that has its log, and ask it."""
        step = self._farm.steps.get(act.step)
        if step is None:
            raise NotFound("The step was deleted while its log was looked for.")
        attempt = self._in_memory(step, act) or self._on_disk(step, act)
        name, worker = self._worker_with(
            attempt.worker_id,
            f"The worker that ran attempt {attempt.id} was deleted, and its logs with it.",
            f"which has the log of attempt {attempt.id}",
        )
        about = {
            "job": self._farm.jobs[step.job_id].name,
            "step": step.name,
            "task": act.task,
            "worker": name,
            "attempt": attempt.id,
            "state": attempt.state,
        }
        follow = act.follow and attempt.id in self._farm.attempts
        self.logs.ask(link, worker, Wanted(attempt.id, act.start, act.lines, follow, about), answer)

    def _read_own_log(self, link: Link, act: calls.ReadOwnLog, answer: Answer) -> None:
        gone, has = "The worker was deleted while its log was looked for.", "which has its own log"
        name, worker = self._worker_with(act.worker, gone, has)
        about = {"worker": name, "id": act.worker}
        self.logs.ask(link, worker, Wanted(OWN, act.start, act.lines, act.follow, about), answer)

    def _in_memory(self, step: Step, act: calls.ReadLog) -> Attempt | None:
        live = live_of(self._farm, step).get(act.task)
        trouble = self._farm.tasks[step.id].trouble.get(act.task)
        known = [one for one in (live, trouble.last if trouble is not None else None) if one is not None]
        return next((one for one in known if act.attempt in (None, one.id)), None)

    def _on_disk(self, step: Step, act: calls.ReadLog) -> Attempt:
        found = self._writer.read(history.attempts_of, step.id, act.task, history.MOST)
        for attempt in found:
            if act.attempt in (None, attempt.id):
                chosen: Attempt = attempt
                return chosen
        where = f"{self._farm.jobs[step.job_id].name}/{step.name}"
        if act.attempt is not None:
            ids = ", ".join(str(one.id) for one in found[:5]) or "none yet"
            raise NotFound(
                f"Task {act.task} of {where} has no attempt {act.attempt}; the newest are {ids}.",
                hint=f"See task history {where} {act.task}.",
            )
        raise NotFound(
            f"Task {act.task} of {where} has not run yet, so there is no log.", hint=f"farm why {where} {act.task}"
        )

    def _worker_with(self, worker_id: int, gone: str, has: str) -> tuple[str, Link]:
        """Its name and its connection. Raises NotFound with `gone`, or WrongState where it is away and `has` a log."""
        worker = self._farm.workers.get(worker_id)
        if worker is None:
            raise NotFound(gone)
        session = self._farm.loads[worker.id].session
        link = None if session is None else self._links.get(session)
        if link is None:
            raise WrongState(
                f"Worker {worker.name}, {has}, is {worker.presence}.",
                hint="The log is still there: start brender client on that machine, or wait until it is back.",
            )
        if worker.legacy:
            raise Unsupported(f"Worker {worker.name} is a 2013 client, which keeps no logs.")
        return worker.name, link

    # ---- jobs

    def _status(self, job_id: int) -> dict[str, Any]:
        return job_line(self._farm, self._farm.jobs[job_id])

    def _look_at_jobs(self) -> None:
        """Tell every watcher what has changed; whose job has ended or is gone is answered."""
        for one in list(self._watching):
            job = self._farm.jobs.get(one.job)
            if job is None:
                self._watching.remove(one)
                one.answer(NotFound(f"Job {one.job} was deleted while it was watched."))
                continue
            status = self._status(one.job)
            if job.state not in GOING_ON:
                self._watching.remove(one)
                one.answer(status)
                continue
            shown = (status["state"], status["paused"], status["counts"])
            if shown != one.said:
                one.said = shown
                person = one.link.conversation.kind in ("telnet", "line")
                data = progress_words(status) if person else status
                one.link.send(one.link.conversation.notice(Notice(self._seq(), WATCH_TOPIC, data)))
