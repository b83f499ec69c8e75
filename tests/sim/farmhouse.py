"""One simulated farm from one seed: machines, people, faults, then healing, then everything must finish."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

from brender.config import Settings
from brender.core import events as ev
from brender.core.explain import why_job
from brender.core.farm import Farm

from . import beats
from .clockwork import Act, Clockwork
from .disk import Disk
from .household import Household
from .link import Link
from .machine import Machine
from .master import SETTINGS, Master
from .verdict import Broken, Verdict

TROUBLED = 20.0  # seconds in which things break
BOUND = 300.0  # seconds after healing in which all must be over, also where one slot alone is left for it

Load = Callable[[Disk], Farm]


class Defects(Struct, frozen=True):
    """Seeded defects of the simulated parts; those of rules are made by swapping a row of a copied table."""

    ack_before_commit: bool = False
    no_outbox: bool = False
    load: Load | None = None


NONE = Defects()


class Farmhouse:
    """`play` runs the whole story and raises Broken, naming the seed, if any promise is not kept."""

    def __init__(self, seed: int, defects: Defects = NONE, settings: Settings = SETTINGS) -> None:
        self.seed = seed
        self.clock = Clockwork(seed)
        self.chance = self.clock.chance
        self.verdict = Verdict()
        self.verdict.clock = self.clock
        self.disk = Disk(self.clock, self.verdict.committed, early=defects.ack_before_commit)
        if defects.load is not None:
            load, disk = defects.load, self.disk
            self.disk.load = lambda: load(disk)  # type: ignore[method-assign]
        self._settings = settings
        self.master: Master | None = None
        self.healed = False
        self.machines = [
            Machine(
                self.clock, number, self._dial, self.verdict.kept, self.verdict.channels, outbox=not defects.no_outbox
            )
            for number in range(1, self.chance.randint(2, 4) + 1)
        ]
        self._endless: set[str] = set()
        self.channels = Household(self)

    @property
    def launched(self) -> int:
        return sum(machine.launched for machine in self.machines)

    def play(self) -> Farmhouse:
        try:
            self._start_master()
            for machine in self.machines:
                self.clock.after(self.chance.uniform(0, 0.5), machine.start)
            self._plan_people()
            self._plan_faults()
            for _ in range(3):
                self.clock.after(self.chance.uniform(2, TROUBLED), self._compare)
            self.clock.run(TROUBLED)
            self._heal()
            if not self.clock.run(TROUBLED + BOUND, self._over):
                raise Broken(f"not finished {BOUND:g} s after healing: {self._unfinished()}")
            assert self.master is not None
            self.verdict.at_end(self.master.farm, self.disk.mirror(), self.disk.rows)
            self._listen_to_the_beats()
            self.channels.move_house()
        except Exception as error:
            raise Broken(f"seed {self.seed}, at {self.clock.now:.3f} s: {type(error).__name__}: {error}") from error
        return self

    # ---- the master

    def _start_master(self) -> None:
        if self.master is not None and not self.master.dead:
            return
        self.master = Master(self.clock, self.disk, self.verdict, self._settings, self.verdict.wall)
        self.verdict.at_start(self.master.farm, self.disk.rows)

    def _dial(self, machine: Machine) -> Link | None:
        if self.master is None or self.master.dead:
            return None
        link = Link(self.clock, machine, self.master)
        self.master.accept(link)
        return link

    def _compare(self) -> None:
        """Whenever nothing is on its way to the disk, the disk is the memory (BR-08), also in the middle of things."""
        if self.master is not None and not self.master.dead and self.disk.idle:
            self.verdict.mirrored(self.master.farm, self.disk.mirror())

    # ---- people

    def _plan_people(self) -> None:
        for number in range(self.chance.randint(2, 3)):
            steps = [self._step(number, place) for place in range(1, self.chance.randint(1, 3) + 1)]
            name = f"job-{number}"
            if any(step["params"] == ["endless"] for step in steps):
                self._endless.add(name)
            job = {"name": name, "priority": self.chance.choice([10, 50, 50, 90]), "tasks": steps}
            tree = {"name": "film", "workflows": [job]}
            self.clock.after(self.chance.uniform(0, 4), lambda n=name, t=tree: self._submit(n, t))  # type: ignore[misc]
        for _ in range(self.chance.randint(0, 8)):
            self.clock.after(self.chance.uniform(1, TROUBLED - 1), self._meddle)
        for number in range(self.chance.randint(0, 2)):
            kind = self.chance.choice(["repeat_every", "repeat_o_clock"])
            period, misfire = self.chance.choice([1.0, 2.0, 3.0]), self.chance.choice(["skip", "run_once"])
            limit, schedule = beats.makers(f"beat-{number}", kind, period, misfire)
            then = partial(self.insist, schedule)
            self.clock.after(self.chance.uniform(0, 4), partial(self.insist, limit, then))
        self.channels.plan(TROUBLED)

    def _step(self, job: int, place: int) -> dict[str, Any]:
        chance = self.chance
        fate = chance.choices(["ok", "flaky", "endless", "poison"], [10, 6, 2, 0.3])[0]
        function = chance.choice(["work", "work", "work", "noop", "sleep"]) if fate == "ok" else "work"
        chunk: int | str = 1
        if function == "work" and fate in ("ok", "flaky") and chance.random() < 0.4:
            function, chunk = "comp", chance.choice(["auto", "auto", "auto", 3])
            frames = f"1-{chance.choice([9, 20, 40])}"
        frames = "" if fate == "poison" else f"1-{chance.choice([1, 2, 5, 9, 13])}"
        return {
            "name": f"s{place}",
            "function": function,
            "params": [0.2] if function == "sleep" else [fate] if function in ("work", "comp") else [],
            "chunk": chunk,
            "frames": "" if fate == "endless" else frames,
            "exec": chance.choice(["await", "await", "parallel"]),
            "retries": chance.choice([0, 1, 1, 3]),
        }

    def _submit(self, name: str, tree: dict[str, Any]) -> None:
        self.insist(ev.SubmitTree(tree, run=True), lambda: self.verdict.submitted.add(name))

    def insist(self, event: ev.Event, then: Act = lambda: None) -> None:
        """Asks until it is answered, as a client does that does not know whether it was heard."""
        answered = False

        def reply(answer: Any) -> None:
            nonlocal answered
            answered = True
            then()

        def again() -> None:
            if not answered:
                if self.master is not None and not self.master.dead:
                    self.master.ask(event, reply)
                self.clock.after(2.5, again)

        again()

    def _meddle(self) -> None:
        """Somebody does something; whether it is refused does not matter."""
        master, chance = self.master, self.chance
        if master is None or master.dead or not master.farm.jobs or not master.farm.steps:
            return
        job = chance.choice(sorted(master.farm.jobs))
        step = chance.choice(sorted(master.farm.steps))
        worker = chance.choice(sorted(master.farm.workers) or [1])
        schedule = chance.choice(sorted(master.farm.schedules) or [1])
        task = chance.randrange(len(master.farm.tasks[step]))
        event = chance.choice(
            [
                ev.PauseJob(job, True, "anna"),
                ev.PauseJob(job, False, "anna"),
                ev.Undo("anna"),
                ev.StopJob(job),
                ev.RunJob(job),
                ev.RetryTasks(step, []),
                ev.KillTasks(step, [task]),
                ev.Update("job", [job], {"priority": chance.randint(0, 100)}),
                ev.Update("step", [step], {"retries": chance.randint(0, 3)}),
                ev.SetAdmin([worker], "disabled", "anna"),
                ev.SetAdmin([worker], "enabled", "anna"),
                ev.RunSchedule(schedule),
                ev.PauseSchedule(schedule, True),
                ev.StopSchedules(chance.random() < 0.5),
            ]
        )
        if isinstance(event, ev.SetAdmin | ev.Undo):
            self.channels.admin(worker if isinstance(event, ev.SetAdmin) else 0)
        master.ask(event)

    # ---- faults

    def _plan_faults(self) -> None:
        faults: list[Act] = [
            self._master_dies,
            self._master_dies,
            self._master_sleeps,
            self._machine_dies,
            self._machine_dies,
            self._power_cut,
            self._goodbye,
            self._cut,
            self._cut,
            self._silence,
            self._silence,
            self._clog,
            self._slow_disk,
            self._die_while_writing,
            self._stop_into_the_dark,
            self._all_dark,
            self._clock_is_set,
        ]
        for _ in range(self.chance.randint(3, 10)):
            self.clock.after(self.chance.uniform(0.3, TROUBLED - 0.5), self.chance.choice(faults))

    def _some(self) -> Machine:
        return self.chance.choice(self.machines)

    def _master_dies(self) -> None:
        """F01, F03: in the fake disk kill -9 and power cut are one, since commits are synced."""
        if self.master is not None and not self.master.dead:
            self.master.kill()
            self.clock.after(self.chance.uniform(0.1, 5.0), self._start_master)

    def _master_sleeps(self) -> None:
        """F10."""
        if self.master is not None:
            self.master.pause(self.chance.uniform(0.5, 10.0))

    def _machine_dies(self) -> None:
        """F11, F20."""
        machine = self._some()
        machine.kill()
        self.clock.after(self.chance.uniform(0.05, 5.0), machine.start)

    def _power_cut(self) -> None:
        """F04."""
        machine = self._some()
        machine.power_cut()
        self.clock.after(self.chance.uniform(0.5, 12.0), machine.start)

    def _goodbye(self) -> None:
        machine = self._some()
        machine.leave()
        self.clock.after(self.chance.uniform(0.05, 5.0), machine.start)

    def _cut(self) -> None:
        machine = self._some()
        if machine.link is not None:
            machine.link.cut(self.chance.choice([0.02, 1.0, 4.0]))

    def _silence(self) -> None:
        """F14, F17: a partition, for less or more than the lease."""
        self._silent(self._some(), self.chance.choice([0.5, 2.0, 5.0, 12.0, 12.0]))

    def _clog(self) -> None:
        """F48: links clogged one by one and unclogged in another order."""
        for machine in self.chance.sample(self.machines, len(self.machines)):
            self._silent(machine, self.chance.uniform(0.2, 4.0))

    def _silent(self, machine: Machine, seconds: float) -> None:
        link, machine.partitioned = machine.link, True
        if link is not None:
            link.fall_silent()

        def heal() -> None:
            machine.partitioned = False
            if link is not None:
                link.heal()

        self.clock.after(seconds, heal)

    def _slow_disk(self) -> None:
        self.disk.slow = self.chance.choice([0.2, 1.5])
        self.clock.after(self.chance.uniform(0.5, 4.0), self._fast_disk)

    def _die_while_writing(self) -> None:
        """F02: between the turn and its commit."""
        self._slow_disk()
        self.clock.after(self.chance.uniform(0.2, 2.0), self._master_dies)

    def _stop_into_the_dark(self) -> None:
        """Orders leave for links that break under them."""
        master = self.master
        if master is None or master.dead or not master.farm.jobs:
            return
        jobs = [job.id for job in master.farm.jobs.values() if job.desired == "run"]
        if jobs:
            master.ask(ev.StopJob(self.chance.choice(jobs)))
        for machine in self.machines:
            self._silent(machine, self.chance.uniform(0.01, 4.0))

    def _all_dark(self) -> None:
        """Everybody is away for longer than the lease: results come late, and nobody took their places (R21)."""
        for machine in self.machines:
            self._silent(machine, self.chance.uniform(9.0, 14.0))

    def _clock_is_set(self) -> None:
        """F24: by a person or by NTP; the master's own clock only runs, and begins anew with the next master."""
        self.verdict.wall += self.chance.choice([0.5, -0.5, 3600.0, -3600.0, 86_400.0, -86_400.0])
        self.verdict.beats.set_at = self.clock.now
        if self.master is not None and not self.master.dead:
            self.master.ask(ev.ClockMoved(self.verdict.wall - self.master.base))

    def _fast_disk(self) -> None:
        self.disk.slow = 0.0

    # ---- healing

    def _heal(self) -> None:
        """Nothing breaks any more, and people want everything to go on. What was planned before may still happen."""
        self.healed = True
        self.clock.after(12.0, self._start_everything)
        self.clock.after(13.0, self._go_on)

    def _start_everything(self) -> None:
        self._start_master()
        for machine in self.machines:
            machine.partitioned = False
            machine.calm = True
            machine.start()

    def _go_on(self) -> None:
        """Again and again, since poison may still take machines away: resume, enable, stop what never ends."""
        assert self.master is not None
        farm = self.master.farm
        for job in list(farm.jobs.values()):
            if job.desired == "run" and job.paused:
                self.master.ask(ev.PauseJob(job.id, False))
            if job.desired == "run" and job.name in self._endless:
                self.master.ask(ev.StopJob(job.id))
        disabled = [worker.id for worker in farm.workers.values() if worker.admin_state == "disabled"]
        if disabled:
            self.master.ask(ev.SetAdmin(disabled, "enabled"))
        self.channels.go_on()
        if farm.halted:
            self.master.ask(ev.StopSchedules(False))
        for row in farm.schedules.values():
            if row.state == "paused":
                self.master.ask(ev.PauseSchedule(row.id, False))
        self.clock.after(3.0, self._go_on)

    def _over(self) -> bool:
        """All is done, everybody is here, nothing is held or under way."""
        master = self.master
        if master is None or master.dead or not master.idle or self.clock.now < TROUBLED + 13.0:
            return False
        farm = master.farm
        return (
            len(self.verdict.submitted) == len(farm.jobs)
            and not farm.attempts
            and all(job.desired == "stop" for job in farm.jobs.values())
            and all(m.up and m.duty.welcomed and not (m.duty.held or m.duty.running) for m in self.machines)
            and all(worker.presence == "online" for worker in farm.workers.values())
            and all(row.state == "armed" for row in farm.schedules.values())
            and not self.channels.unfinished()
        )

    def _listen_to_the_beats(self) -> None:
        """All is well again: whatever was done to the clock, schedules run as often as they should (CONTRACT 1.1)."""
        listen, before = 12.0, dict(self.verdict.beats.runs)
        self.clock.run(self.clock.now + listen)
        for name, runs in self.verdict.beats.runs.items():
            ran, wanted = runs - before[name], listen / self.verdict.beats.periods[name]
            if abs(ran - wanted) > 2:
                raise Broken(f"schedule {name} ran {ran} times in {listen:g} s, not {wanted:g} times")

    def _unfinished(self) -> str:
        master = self.master
        if master is None or master.dead:
            return "there is no master"
        farm = master.farm
        jobs = [why_job(farm, job.id) for job in farm.jobs.values() if job.desired == "run"]
        held = [(m.number, m.up, m.duty.running, m.duty.queued, m.duty.held) for m in self.machines]
        away = [worker.name for worker in farm.workers.values() if worker.presence != "online"]
        channels = self.channels.unfinished()
        return f"jobs {jobs}; attempts {list(farm.attempts.values())}; machines {held}; away {away}; {channels}"
