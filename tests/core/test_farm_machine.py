"""Random farms: any events in any order, every promise checked after each turn, and explain held against schedule."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import astuple

from brender.config import DEFAULT
from brender.core import events as ev
from brender.core import fit, invariants
from brender.core.engine import Core
from brender.core.explain import why_job, why_task, why_worker
from brender.core.farm import Farm
from brender.core.lifecycle import LABELS, LIVE, READY, TaskState
from brender.core.settle import summed
from brender.errors import InternalError, WrongState

few = st.integers(0, 9)


class FarmMachine(RuleBasedStateMachine):
    """People and workers do what they like; the farm keeps its promises."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Core(Farm())
        self.farm = self.core.farm
        self.now = 1000.0
        self.sessions = 0
        self.more = False
        self.successes: dict[tuple[int, int, int], int] = {}
        self.disk: dict[tuple[str, int], tuple[Any, ...]] = {}

    @initialize(workers=st.integers(0, 3), frames=st.sampled_from(["1-7", "1-40"]), chunk=st.sampled_from([1, "auto"]))
    def boot(self, workers: int, frames: str, chunk: int | str) -> None:
        """Mostly a farm at work: from nothing, few examples would come as far."""
        self.turn(ev.Boot())
        for which in range(workers):
            self.hello(which, 2, [], "a", [])
        if workers:
            step = {"name": "a", "function": "noop", "frames": frames, "chunk": chunk}
            self.turn(ev.SubmitTree({"name": "film", "workflows": [{"name": "j0", "tasks": [step]}]}, run=True))

    def turn(self, *events: ev.Event) -> None:
        turn = self.core.turn(events, self.now)
        self.more = turn.more
        for answer in turn.answers:
            assert not isinstance(answer, InternalError), answer
        for change in turn.changes:
            if change.op == "delete":
                self.disk.pop((change.table, change.id), None)
                continue
            old = self.disk.get((change.table, change.id))
            self.disk[change.table, change.id] = change.values
            if change.table == "attempt" and change.values[6] == "success0" and (not old or old[6] != "success0"):
                key = change.values[1:4]
                self.successes[key] = self.successes.get(key, 0) + 1
            if change.table == "attempt" and change.values[14] and change.values[5] == 0:
                self.successes.pop(change.values[1:4], None)  # to be made again

    def pick(self, rows: dict[int, Any], at: int) -> int:
        ids = sorted(rows) or [404]
        return ids[at % len(ids)]

    # ---- people

    @rule(
        frames=st.sampled_from(["", "1-2", "1-7"]),
        exec_=st.sampled_from(["await", "parallel"]),
        function=st.sampled_from(["noop", "gpu"]),
        tags=st.sampled_from([[], ["big"]]),
        priority=few,
        retries=st.integers(0, 2),
        run=st.booleans(),
        order=st.sampled_from(["linear", "reverse", "binary", "nth:2"]),
        after=st.sampled_from([[], ["a"], ["a:frame"]]),
        limits=st.sampled_from([[], ["nuke"]]),
        needs=st.sampled_from([{}, {"cores": 2}]),
        chunk=st.sampled_from([1, "auto", "auto"]),
        most=st.sampled_from([{}, {"most_tasks": 1}, {"most_workers": 1}, {"after": ["j0"]}]),
    )
    def submit(self, frames: str, exec_: str, function: str, tags: list[str], priority: int, **more: Any) -> None:
        if len(self.farm.jobs) < 6:
            step = {"frames": frames, "exec": exec_, "function": function, "retries": more["retries"]}
            step |= {"order": more["order"], "limits": more["limits"], "chunk": more["chunk"]}
            follower = {"name": "b", "function": "noop", "frames": frames, "after": more["after"]}
            follower["chunk"] = more["chunk"]
            tasks = [{"name": "a", **step}, {**follower, "needs": more["needs"]}]
            job = {"name": f"j{len(self.farm.jobs)}", "tags": tags, "priority": priority, "tasks": tasks}
            job |= more["most"]
            self.turn(ev.SubmitTree({"name": "film", "workflows": [job]}, run=more["run"]))

    @rule(at=few, verb=st.sampled_from(["run", "stop", "pause", "resume", "delete"]))
    def job(self, at: int, verb: str) -> None:
        job = self.pick(self.farm.jobs, at)
        self.turn(
            {
                "run": ev.RunJob(job),
                "stop": ev.StopJob(job),
                "pause": ev.PauseJob(job, True),
                "resume": ev.PauseJob(job, False),
                "delete": ev.Delete("job", [job]),
            }[verb]
        )

    @rule(
        at=few,
        verb=st.sampled_from([ev.UpdateTree, ev.UpdateTree, ev.DeleteTree, ev.SubmitTree]),
        names=st.lists(st.sampled_from("ab"), unique=True),
        place=st.sampled_from([{}, {"place": 1}, {"place": 3}]),
        wipe=st.booleans(),
    )
    def tree(self, at: int, verb: type[ev.Event], names: list[str], place: dict[str, int], wipe: bool) -> None:
        """SP-19, SP-20, SP-22, SP-50 in any state of the farm."""
        tasks = [{"name": name, "function": "noop", **place} for name in names]
        tree = {"name": "film", "workflows": [{"name": f"j{at}", "tasks": tasks}]}
        if verb is not ev.SubmitTree:
            self.turn(verb(tree))
        elif any(job.name == f"j{at}" for job in self.farm.jobs.values()):
            self.turn(ev.SubmitTree(tree, wipe=wipe))

    @rule(force=st.booleans())
    def kill_all(self, force: bool) -> None:
        self.turn(ev.StopAll(force=force))

    @rule(at=few, values=st.sampled_from([{"priority": 1}, {"priority": 90}, {"tags": []}, {"tags": ["big"]}]))
    def change_job(self, at: int, values: dict[str, Any]) -> None:
        self.turn(ev.Update("job", [self.pick(self.farm.jobs, at)], values))

    @rule(at=few, values=st.sampled_from([{"retries": 0}, {"retries": 3}, {"frames": "1-3"}, {"place": 1}]))
    def change_step(self, at: int, values: dict[str, Any]) -> None:
        self.turn(ev.Update("step", [self.pick(self.farm.steps, at)], values))

    @rule(count=st.sampled_from([None, 0, 1, 3]), weight=st.sampled_from([0.5, 2.0]))
    def limit(self, count: int | None, weight: float) -> None:
        if not self.farm.limits:
            self.turn(ev.Create("limit", {"name": "nuke", "count": count or 0}))
        elif count is None:
            self.turn(ev.Delete("limit", list(self.farm.limits)))
        else:
            self.turn(ev.Update("limit", list(self.farm.limits), {"count": count}))
        self.turn(ev.Update("project", [self.pick(self.farm.projects, 0)], {"weight": weight}))

    @rule(at=few, values=st.sampled_from([{"most_tasks": 2}, {"after": []}, {"after": ["j1"]}, {"start_at": 1020.0}]))
    def restrain(self, at: int, values: dict[str, Any]) -> None:
        self.turn(ev.Update("job", [self.pick(self.farm.jobs, at)], values))

    @rule(at=few)
    def unblock(self, at: int) -> None:
        self.turn(ev.UnblockJob(self.pick(self.farm.jobs, at)))

    @rule(at=few, task=few, verb=st.sampled_from(["retry", "retry all", "kill", "again", "again all", "requeue"]))
    def tasks(self, at: int, task: int, verb: str) -> None:
        step = self.pick(self.farm.steps, at)
        if verb == "kill":
            self.turn(ev.KillTasks(step, [task]))
        elif verb == "requeue":
            self.turn(
                ev.RetryJob(self.farm.steps[step].job_id if step in self.farm.steps else step, again=task % 2 > 0)
            )
        else:
            again = verb.startswith("again")
            self.turn(ev.RetryTasks(step, [] if verb.endswith("all") else [task], again=again))

    @rule(at=few, state=st.sampled_from(["enabled", "disabled"]))
    def admin(self, at: int, state: str) -> None:
        self.turn(ev.SetAdmin([self.pick(self.farm.workers, at)], state))

    # ---- workers

    @rule(
        which=st.integers(0, 3),
        slots=st.integers(0, 3),
        keep=st.lists(st.booleans(), max_size=6),
        boot=st.sampled_from(["a", "b"]),
        tags=st.sampled_from([[], ["big"]]),
    )
    def hello(self, which: int, slots: int, keep: list[bool], boot: str, tags: list[str]) -> None:
        key = f"brender_{which}"
        self.sessions += 1
        live = list(self.farm.loads[self.farm.worker_keys[key]].live) if key in self.farm.worker_keys else []
        kept = [attempt for attempt, yes in zip(live, keep, strict=False) if yes]
        functions = ["noop", "gpu"] if which % 2 else ["noop"]
        hello = ev.Hello(self.sessions, key, str(which), f"w{which}", slots=slots, functions=functions, tags=tags)
        hello.config = {"cores": 1 + which, "bundles": ["noop", "gpu"][: 1 + which // 2]}
        hello.boot, hello.running, hello.held = boot, kept[::2], kept[1::2]
        self.turn(hello)

    def speaker(self, at: int) -> tuple[int, list[int]]:
        if not self.farm.sessions:
            return 404, []
        session = sorted(self.farm.sessions)[at % len(self.farm.sessions)]
        return session, list(self.farm.loads[self.farm.sessions[session]].live)

    @rule(at=few, nth=few, together=st.booleans())
    def started(self, at: int, nth: int, together: bool) -> None:
        session, live = self.speaker(at)
        begun = live[: nth + 1]
        self.turn(ev.Started(session, [(a, 100 + (begun[0] if together else a)) for a in begun]))

    @rule(at=few, exit_code=st.sampled_from([None, 3]))
    def a_process_gives_all_back(self, at: int, exit_code: int | None) -> None:
        session, live = self.speaker(at)
        pid = next((self.farm.attempts[a].pid for a in live), None)
        mine = [a for a in live if self.farm.attempts[a].pid == pid]
        self.turn(ev.Results(session, [ev.Result(a, "returned", 1.0, exit_code, number=a) for a in mine]))

    @rule(
        at=few,
        nth=few,
        state=st.sampled_from(["success0", "success0", "error", "terminated", "stopped", "killed"]),
        seconds=st.sampled_from([0.0, 0.001, 5.0]),
    )
    def result(self, at: int, nth: int, state: str, seconds: float) -> None:
        session, live = self.speaker(at)
        if live:
            note = "look at it" if nth % 2 else ""
            result = ev.Result(live[nth % len(live)], state, seconds, 0, reason=note, number=1)
            self.turn(ev.Results(session, [result]))

    @rule(at=few, nth=few, state=st.sampled_from(["success0", "error", "stopped"]))
    def late_result(self, at: int, nth: int, state: str) -> None:
        session, _ = self.speaker(at)
        known = [key[1] for key in self.disk if key[0] == "attempt"]
        if known:
            self.turn(ev.Results(session, [ev.Result(known[nth % len(known)], state, 1.0, number=2)]))

    @rule(at=few, nth=few, kind=st.sampled_from(["returned", "immortal", "waiting", "going"]))
    def other_words(self, at: int, nth: int, kind: str) -> None:
        session, live = self.speaker(at)
        if live:
            attempt = live[nth % len(live)]
            self.turn(
                {
                    "returned": ev.Returned(session, [attempt]),
                    "immortal": ev.Immortal(session, [(attempt, 7)]),
                    "waiting": ev.SetWaiting(attempt, True, limit=nth + 1.0),
                    "going": ev.SetWaiting(attempt, False),
                }[kind]
            )

    @rule(at=few, bye=st.booleans())
    def disconnect(self, at: int, bye: bool) -> None:
        self.turn(ev.Disconnected(self.speaker(at)[0], bye))

    @rule(at=few)
    def heartbeat(self, at: int) -> None:
        self.turn(ev.Heartbeat(self.speaker(at)[0]))

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 16.0, 46.0]))
    def time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 4.0)
            self.turn(ev.Tick())

    # ---- promises

    @invariant()
    def nothing_is_broken(self) -> None:
        assert invariants.check(self.farm) == []

    @invariant()
    def every_task_is_counted_once(self) -> None:
        """CONTRACT 4.1.2."""
        assert set(self.successes.values()) <= {1}

    @invariant()
    def the_disk_is_the_memory(self) -> None:
        """BR-08."""
        for table in ("worker", "project", "limit", "job", "step", "attempt"):
            for row in self.farm.table(table).values():
                assert self.disk[table, row.id] == astuple(row)

    @invariant()
    def a_jobs_word_is_the_sum_of_its_tasks(self) -> None:
        for job in self.farm.jobs.values():
            assert job.state == summed(self.farm, job), job

    @precondition(lambda self: not self.more)
    @invariant()
    def no_ready_task_is_left_beside_a_free_slot_that_would_take_it(self) -> None:
        """A hint never misses, and explain never promises a start that the schedule does not keep."""
        for step in self.farm.steps.values():
            job, tasks = self.farm.jobs[step.job_id], self.farm.tasks[step.id]
            for index, state in enumerate(tasks.states):
                answer = why_task(self.farm, step.id, index)
                said = {reason["rule"] for reason in answer["reasons"]}
                assert answer["state"] == LABELS[TaskState(state)]
                assert "task.next" not in said, answer
                assert ("task.sent" in said or "task.live" in said) == (state in LIVE)
                free = any(
                    fit.refusal(self.farm, w, fit.kind_of(step, job), DEFAULT) is None
                    and self.farm.slots_taken(w.id) < w.slots
                    for w in self.farm.workers.values()
                )
                open_ = fit.job_refusal(self.farm, job) is None and fit.step_refusal(self.farm, step) is None
                assert not (state in READY and open_ and free), (step.name, index)

    @invariant()
    def everything_can_be_asked_why(self) -> None:
        for job in self.farm.jobs:
            assert why_job(self.farm, job)["subject"]
        for worker in self.farm.workers:
            assert why_worker(self.farm, worker)["reasons"]

    def teardown(self) -> None:
        """Liveness: whatever happened, with two good workers every running job ends."""
        for job in list(self.farm.jobs.values()):
            if job.desired == "run":
                values = {"tags": [], "after": [], "start_at": None, "most_tasks": 0}
                self.turn(ev.PauseJob(job.id, False), ev.Update("job", [job.id], values), ev.UnblockJob(job.id))
        self.turn(ev.Update("limit", list(self.farm.limits), {"count": 2}))
        self.turn(ev.SetAdmin(list(self.farm.workers), "enabled"))
        for which in (1, 3):
            self.hello(which, 2, [], "final", [])
        for _ in range(400):
            if all(job.desired == "stop" for job in self.farm.jobs.values()) and not self.farm.attempts:
                return
            for session, worker in list(self.farm.sessions.items()):
                live = list(self.farm.loads[worker].live)
                self.turn(ev.Results(session, [ev.Result(a, "success0", 1.0, 0) for a in live]), ev.Heartbeat(session))
            self.now += 1.0
            self.turn(ev.Tick())
        raise WrongState(f"The farm does not finish: {[why_job(self.farm, j) for j in self.farm.jobs]}")


FarmMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestFarmMachine = FarmMachine.TestCase
