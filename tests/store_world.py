"""Farms for the store's tests: a small one row by row, and one that lives a random life. It must not know the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import astuple

from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.core.farm import Farm
from brender.core.journal import Change
from brender.core.rows import TABLE_OF, Attempt, Job, Project, Row, Step, Worker

_ENDS = ("success0", "success0", "error", "error", "terminated", "stopped", "killed")
_FRAMES = ("", "1-3", "1-9x2", "5")


ROOT = Path(__file__).parent.parent


def put(row: Row) -> Change:
    return Change(TABLE_OF[type(row)], "put", row.id, astuple(row))


def delete(table: str, row_id: int) -> Change:
    return Change(table, "delete", row_id, ())


def base(frames: str = "1-10", desired: str = "run") -> list[Change]:
    """One worker, one job in its first run, one step."""
    worker = Worker(1, "brender_a", "render-01", "a", "host", functions=["noop"], config={"ratio": 0.1})
    step = Step(1, 1, "render", frames=frames, run=1, params={"file": "a\u20ac.blend"}, retries=1)
    return [put(worker), put(Project(1, "film")), put(Job(1, 1, "shot", desired=desired, run=1)), put(step)]


def attempt(row_id: int, task: int, state: str, number: int = 1, **more: Any) -> Change:
    return put(Attempt(row_id, 1, task, 1, number, 1, state, assigned_at=1732240000.123456, **more))


def run_python(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, cwd=ROOT)


class World:
    """A core, and chance. `step` makes one random turn and returns what it says."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.core = Core(Farm())
        self.now = 1_000_000.0
        self.session = 0
        self.past: list[tuple[int, int]] = []  # (session, attempt) that were once ordered
        self.first = self.turn([ev.Boot()]).changes  # to be saved before anything else

    @property
    def farm(self) -> Farm:
        return self.core.farm

    def turn(self, events: list[ev.Event]) -> Turn:
        self.now += self.random.choice((0.001, 0.5, 3.0))
        turn = self.core.turn(events, self.now)
        for session, order in turn.orders:
            self.past += [(session, attempt) for attempt, _ in getattr(order, "tasks", ())]
        return turn

    def step(self) -> Turn:
        """One turn of one to three random events."""
        return self.turn([self._event() for _ in range(self.random.randint(1, 3))])

    def _event(self) -> ev.Event:
        makers: list[Any] = [self._hello, self._submit, self._results, self._results, self._started, self._person]
        makers.append(self._clock)
        return self.random.choice([*makers, self._worker, self._results, self._away, self._letters])()

    def _pick(self, rows: Any) -> int:
        return self.random.choice([*rows, 99])

    def _hello(self) -> ev.Event:
        self.session += 1
        mac = f"{self.random.randint(1, 3):012x}"
        running = [attempt for attempt in self.farm.attempts if self.random.random() < 0.8]
        functions = ["noop", "render"]
        return ev.Hello(
            self.session,
            f"brender_{mac}",
            mac,
            f"host{mac[-1]}",
            slots=2,
            functions=functions,
            running=running,
            config={"roles": ["manager"], "devices": [{"driver": "host", "config": {}, "keys": {"cpu": "%"}}]},
        )

    def _submit(self) -> ev.Event:
        random = self.random
        tasks = [
            {
                "name": f"s{random.randint(1, 99999)}",
                "function": random.choice(("noop", "render")),
                "frames": random.choice(_FRAMES),
                "retries": random.randint(0, 2),
                "exec": random.choice(("await", "parallel")),
                "params": random.choice(([], {"file": "a\u20acb.blend", "x": 0.1})),
                "order": random.choice(("linear", "reverse", "binary", "nth:2")),
                "limits": ["nuke"] if self.farm.limits and random.random() < 0.2 else [],
            }
            for _ in range(random.randint(1, 3))
        ]
        if len(tasks) > 1 and random.random() < 0.5:
            tasks[1] |= {"frames": tasks[0]["frames"], "after": [tasks[0]["name"] + random.choice(("", ":frame"))]}
        workflow = {"name": f"w{random.randint(1, 3)}", "tasks": tasks, "tags": []}
        workflow |= random.choice(({}, {}, {"after": ["w1"]}, {"most_tasks": 3}, {"start_at": self.now + 5.0}))
        return ev.SubmitTree({"name": "film", "workflows": [workflow]}, run=random.random() < 0.8)

    def _some(self) -> tuple[int, list[int]]:
        """A session and attempts it was given once: live, ended, lost or somebody else's by now."""
        if not self.past:
            return self.session, [1]
        session = self.random.choice(self.past)[0]
        mine = [attempt for owner, attempt in self.past if owner == session]
        now = [attempt for attempt in mine if attempt in self.farm.attempts] or mine
        return self.random.choice((session, self.session)), self.random.choices(now, k=self.random.randint(1, 3))

    def _results(self) -> ev.Event:
        session, attempts = self._some()
        results = [
            ev.Result(attempt, self.random.choice(_ENDS), 1.5, self.random.choice((0, 1, None)), None, "because", 7)
            for attempt in attempts
        ]
        return ev.Results(session, results)

    def _started(self) -> ev.Event:
        session, attempts = self._some()
        return ev.Started(session, [(attempt, 4000 + attempt) for attempt in attempts])

    def _worker(self) -> ev.Event:
        session, attempts = self._some()
        return self.random.choice(
            (
                ev.Returned(session, attempts),
                ev.Immortal(session, [(attempts[0], 77)]),
                ev.Heartbeat(session, warning=self.random.choice(("", "disk nearly full"))),
                ev.SetWaiting(attempts[0], self.random.random() < 0.5),
                ev.ChannelsReady(session, list(self.farm.channels)),
                ev.ChannelStates(session, [(self._pick(self.farm.channels), "stale", "silent")]),
                ev.Counted(session, self.farm.hosting.censuses, 1),
            )
        )

    def _away(self) -> ev.Event:
        self.now += self.random.choice((1.0, 10.0, 100.0))
        session = self._some()[0]
        return self.random.choice((ev.Tick(), ev.Tick(), ev.Disconnected(session), ev.Disconnected(session, bye=True)))

    def _tree(self, job_id: int, kind: type[ev.Event]) -> ev.Event:
        """A job of the farm as the leaf of a tree, or one of its steps."""
        farm, random = self.farm, self.random
        job = farm.jobs.get(job_id)
        if job is None:
            return ev.DeleteTree({"name": "film"})
        steps = random.sample(list(farm.steps_in(job)), random.randint(0, min(1, len(farm.steps_of[job.id]))))
        tasks = [{"name": step.name, "function": "noop", "frames": random.choice(("", "1-2"))} for step in steps]
        tree = {"name": farm.projects[job.project_id].name, "workflows": [{"name": job.name, "tasks": tasks}]}
        return kind(tree, wipe=True) if kind is ev.SubmitTree else kind(tree)

    def _clock(self) -> ev.Event:
        farm, random = self.farm, self.random
        schedule = self._pick(farm.schedules)
        uuid, kind = str(random.random()), random.choice(("once_after", "repeat_every", "cron"))
        values = {"uuid": uuid, "kind": kind, "seconds": 3.0, "expr": "0 8 * * *", "method": "farm.save"}
        values |= {"params": {"a": ["\u20ac"]}, "misfire": random.choice(("skip", "run_once"))}
        runs = farm.schedules[schedule].runs if schedule in farm.schedules else 0
        return random.choice(
            (
                ev.Create("schedule", values),
                ev.Create("schedule", {**values, "name": random.choice("ab")}),
                ev.Fire(next(iter(farm.due.by(self.now, 1)), 99), self.now),
                ev.Fire(schedule, self.now + 3.0),
                ev.ScheduleEnded(schedule, runs, random.choice(("ok", "error")), "said", random.choice((None, 1003))),
                ev.Delete("schedule", [schedule]),
                ev.PauseSchedule(schedule, random.random() < 0.5),
                ev.RunSchedule(schedule),
                ev.StopSchedules(random.random() < 0.3),
                ev.ClockMoved(farm.shift + random.choice((-86_400.0, 0.5, 3600.0))),
                ev.SetCalendar([self._pick(farm.workers)], random.choice(("Mon 08:00-09:00", "")), uuid=uuid),
            )
        )

    def _letters(self) -> ev.Event:
        """Lines, letters and alarms, and what people do with them."""
        farm, random = self.farm, self.random
        letter, alarm = self._pick(farm.deliveries), self._pick(farm.alarms)
        level = random.choice(("DEBUG", "INFO", "INFO", "ALERT"))
        return random.choice(
            (
                ev.WriteLog(random.choice(("one", "two")), level, "a\u20acb", data={"x": 0.1}),
                ev.ConfigLogger("one", level, random.choice(("SILENTLY", "HOURLY")), ["anna@example.org"]),
                ev.FlushLog(),
                ev.TakeDelivery("here", fresh=random.random() < 0.3),
                ev.DeliverySent(letter, ["anna@example.org"]),
                ev.DeliveryFailed(letter, "no route", [], {"bob@example.org": "550"}, final=random.random() < 0.3),
                ev.RetryDeliveries([letter]),
                ev.AckAlarms([alarm], "anna"),
                ev.SkipAlarms([alarm], random.choice((None, 5.0))),
                ev.Update("alarm_rule", [self._pick(farm.alarm_rules)], {"enabled": random.random() < 0.5}),
                ev.Delete("alarm_rule", [self._pick(farm.alarm_rules)]),
            )
        )

    def _person(self) -> ev.Event:
        farm, random = self.farm, self.random
        job, step, worker = self._pick(farm.jobs), self._pick(farm.steps), self._pick(farm.workers)
        steps = farm.steps_of.get(job, [])
        values = random.choice(({"frames": "1-4"}, {"timeout": 9}, {"place": 1}, {"chunk": 2}))
        return random.choice(
            (
                ev.RunJob(job),
                ev.RunJob(job, step=random.choice([*steps, 99])),
                ev.StopJob(job, force=random.random() < 0.3),
                ev.StopAll(),
                self._tree(job, random.choice((ev.UpdateTree, ev.DeleteTree, ev.SubmitTree))),
                ev.PauseJob(job, random.random() < 0.5),
                ev.RetryTasks(step, random.choice(([], [0], [0, 1]))),
                ev.RetryTasks(step, []),
                ev.RetryJob(job, again=random.random() < 0.3),
                ev.RetryTasks(step, random.choice(([], [0], [1])), again=True),
                ev.UnblockJob(job),
                ev.Create("limit", {"name": "nuke", "count": random.randint(0, 4)}),
                ev.Create("preset", {"name": f"p{random.randint(1, 3)}", "params": {"samples": random.randint(1, 9)}}),
                ev.Update("preset", [*self.farm.presets], {"params": {"samples": None, "percentage": 50}}),
                ev.Delete("preset", [*self.farm.presets][:1]),
                ev.Update("limit", [*farm.limits], {"count": random.randint(0, 4)}),
                ev.KillTasks(step, [0, 1, 2]),
                ev.Update("step", [step], values),
                ev.Update("job", [job], {"priority": random.randint(0, 100), "name": f"w{random.randint(1, 4)}"}),
                ev.Delete(random.choice(("job", "step", "worker")), [random.choice((job, step, worker))]),
                ev.SetAdmin([worker], random.choice(("enabled", "enabled", "disabled"))),
                ev.AddChannels([{"name": f"c{random.randint(1, 9)}", "type": "easy", "labels": {"a": "\u20ac"}}]),
                ev.AddChannels([{"name": f"p{random.randint(1, 9)}", "params": {"delta": 0.5}, "manager_id": worker}]),
                ev.SwitchChannels([self._pick(farm.channels)], random.choice(("start", "stop", "restart"))),
                ev.Update("channel", [self._pick(farm.channels)], {"params": {"period": 2}}),
                ev.Delete("channel", [self._pick(farm.channels)]),
                ev.Create("device", {"name": f"d{random.randint(1, 3)}", "config": {"host": "nas"}}),
                ev.Create("key", {"name": f"k{random.randint(1, 3)}", "mul": 0.1}),
                ev.PlaceChannels(),
                ev.Create("step", {"name": f"n{random.randint(1, 999)}", "job": job, "function": "noop"}),
            )
        )
