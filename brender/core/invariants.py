"""What is always true of a farm, as a list of broken promises (empty = all well).

Tests run it at the teardown of every farm, the simulation after every turn, the master now and then. It writes nothing.
"""

from __future__ import annotations

from brender.core import links
from brender.core.due import due_at
from brender.core.farm import Farm
from brender.core.fit import job_refusal
from brender.core.hosting import HOSTED
from brender.core.lifecycle import ATTEMPT_LIVE, LIVE, READY, SCHEDULE_OVER, TASK_OF_LIVE, TaskState
from brender.core.rows import Step
from brender.core.settle import open_steps
from brender.core.tasks import Tasks
from brender.core.usage import Usage


def check(farm: Farm) -> list[str]:
    """Every broken promise in a sentence."""
    broken: list[str] = []
    for step in farm.steps.values():
        broken += _tasks(farm, step)
    broken += _attempts(farm)
    broken += _loads(farm)
    broken += _usage(farm)
    broken += _openness(farm)
    broken += _channels(farm)
    broken += _schedules(farm)
    broken += _letters(farm)
    return broken


def _channels(farm: Farm) -> list[str]:
    """Counts of managers are their channels', names lead somewhere, and nothing waits that nobody will look at."""
    broken = []
    hosted: dict[int, set[int]] = {}
    for channel in farm.channels.values():
        if channel.state in HOSTED:
            hosted.setdefault(channel.manager_id, set()).add(channel.id)
        wants = channel.placement == "floating" and channel.state == "new" and not channel.manager_id
        if wants and channel.id not in farm.hosting.waiting:
            broken.append(f"channel {channel.name} has no manager and waits for none")
        if channel.manager_id and channel.manager_id not in farm.workers:
            broken.append(f"channel {channel.name} has a manager that is not there")
        if channel.placement == "floating" and bool(channel.manager_id) != (channel.state in HOSTED):
            broken.append(f"channel {channel.name} floats, is {channel.state} and has manager {channel.manager_id}")
        if channel.placement == "pinned" and not channel.manager_id:
            broken.append(f"channel {channel.name} is pinned to nobody")
        for table, row_id in (("device", channel.device_id), ("key", channel.key_id)):
            if row_id and row_id not in farm.table(table):
                broken.append(f"channel {channel.name} has {table} {row_id}, which is not there")
    if hosted != farm.hosting.of:
        broken.append(f"managers count {farm.hosting.of}; their channels are {hosted}")
    return broken


def _schedules(farm: Farm) -> list[str]:
    """Who is due when is what the rows say, and whatever is armed has a moment."""
    rows = farm.schedules.values()
    wanted = {row.id: at for row in rows if (at := due_at(row, farm.shift)) is not None}
    broken = [] if wanted == farm.due.at else [f"schedules are due at {wanted}, the farm waits for {farm.due.at}"]
    if {row.id for row in rows if row.state in SCHEDULE_OVER} != farm.over:
        broken.append(f"the farm takes schedules {farm.over} to be over")
    runs_of: dict[int, set[int]] = {}
    for run in farm.schedule_runs.values():
        runs_of.setdefault(run.schedule_id, set()).add(run.id)
        schedule = farm.schedules.get(run.schedule_id)
        if run.outcome == "running" and schedule is not None and schedule.state != "running":
            broken.append(f"run {run.id} of schedule {run.name} goes on, and the schedule is {schedule.state}")
    if runs_of != {one: set(ids) for one, ids in farm.runs_of.items()}:
        broken.append(f"runs of schedules are {runs_of}, the farm finds {farm.runs_of}")
    if farm.due.first() != min(wanted.values(), default=None):
        broken.append(f"the first schedule is due at {min(wanted.values(), default=None)}, not {farm.due.first()}")
    for row in rows:
        state = row.then if row.state == "running" else row.state
        if (row.next_at is None) != (state in SCHEDULE_OVER):
            broken.append(f"schedule {row.id} is {row.state}, then {row.then}, and due at {row.next_at}")
        if (state == "stopped") != (farm.halted and state not in (*SCHEDULE_OVER, "paused")):
            broken.append(f"schedule {row.id} is {state} while all are stopped: {farm.halted}")
    members = [worker for row in rows if row.kind == "calendar" for worker in row.params["workers"]]
    if len(members) != len(set(members)) or not set(members) <= farm.workers.keys():
        broken.append(f"calendars name workers {members}, there are {sorted(farm.workers)}")
    return broken


def _tasks(farm: Farm, step: Step) -> list[str]:
    tasks = farm.tasks[step.id]
    broken = []
    for state in TaskState:
        counted = tasks.states.count(state)
        if counted != tasks.counts[state]:
            broken.append(f"step {step.name} counts {tasks.counts[state]} tasks {state.name}, there are {counted}")
        if counted and tasks.ranked.find(state) < tasks.hints[state] and state in READY:
            broken.append(f"step {step.name} looks for {state.name} behind the first of them")
    live = sorted(a.task for a in farm.attempts.values() if a.step_id == step.id)
    if live != tasks.having(LIVE):
        broken.append(f"step {step.name} has live tasks {tasks.having(LIVE)[:9]} but live attempts of {live[:9]}")
    order = range(len(tasks)) if tasks.order is None else tasks.order.task
    if any(tasks.ranked[place] != tasks.states[task] for place, task in enumerate(order)):
        broken.append(f"step {step.name} has its states sorted wrongly")
    if farm.links_in(step.job_id).frame or tasks.counts[TaskState.BLOCKED]:
        broken += _blocked(farm, step)
    return broken + _troubles(step, tasks)


def _blocked(farm: Farm, step: Step) -> list[str]:
    broken = []
    for task, state in enumerate(farm.tasks[step.id].states):
        held = links.held(farm, step, task)
        if (state == TaskState.BLOCKED and not held) or (state in READY and held):
            broken.append(f"task {step.name}[{task}] is {TaskState(state).name}, held by another step: {held}")
    return broken


def _usage(farm: Farm) -> list[str]:
    """Counters of limits, jobs and projects are the live attempts, and no limit is passed."""
    counted = Usage()
    for attempt in farm.attempts.values():
        step = farm.steps[attempt.step_id]
        counted.take(attempt, step, farm.jobs[step.job_id])
    broken = []
    if (counted.limits, counted.projects) != (farm.usage.limits, farm.usage.projects):
        broken.append(f"limits and projects count {farm.usage.limits}, {farm.usage.projects}; live: {counted.limits}")
    if (counted.aboard, counted.riders) != (farm.usage.aboard, farm.usage.riders):
        broken.append(f"processes count {farm.usage.aboard}, {farm.usage.riders}; live: {counted.aboard}")
    if counted.crews != farm.usage.crews:
        broken.append(f"jobs count {sorted(farm.usage.crews)}; live: {sorted(counted.crews)}")
    return broken


def _troubles(step: Step, tasks: Tasks) -> list[str]:
    broken = []
    for task, trouble in tasks.trouble.items():
        if trouble.last.state in ATTEMPT_LIVE or trouble.last.state == "success0":
            broken.append(f"task {step.name}[{task}] remembers trouble with a {trouble.last.state} attempt")
        if tasks.states[task] == TaskState.SUCCESS:
            broken.append(f"task {step.name}[{task}] is a success and remembers trouble")
    for task in tasks.notes:
        if tasks.states[task] != TaskState.SUCCESS:
            broken.append(f"task {step.name}[{task}] is no success and has a note")
    return broken


def _attempts(farm: Farm) -> list[str]:
    broken = []
    for attempt in farm.attempts.values():
        thing = f"attempt {attempt.id}"
        if attempt.state not in ATTEMPT_LIVE:
            broken.append(f"{thing} is live but {attempt.state}")
            continue
        if attempt.step_id not in farm.steps:
            broken.append(f"{thing} belongs to no step")
            continue
        tasks = farm.tasks[attempt.step_id]
        if tasks.states[attempt.task] != TASK_OF_LIVE[attempt.state]:
            broken.append(f"{thing} is {attempt.state}, its task {TaskState(tasks.states[attempt.task]).name}")
        if farm.loads[attempt.worker_id].live.get(attempt.id) is not attempt:
            broken.append(f"{thing} is not in the load of its worker")
    for attempt_id in farm.leases:
        if attempt_id not in farm.attempts or farm.attempts[attempt_id].state != "waiting":
            broken.append(f"attempt {attempt_id} has a limit to its waiting but does not wait")
    return broken


def _loads(farm: Farm) -> list[str]:
    broken = []
    carried = 0
    for worker_id, load in farm.loads.items():
        carried += len(load.live)
        worker = farm.workers[worker_id]
        if (load.session is not None) != (worker.presence == "online"):
            broken.append(f"worker {worker.name} is {worker.presence} with session {load.session}")
        if load.session is not None and farm.sessions.get(load.session) != worker_id:
            broken.append(f"session {load.session} does not lead to worker {worker.name}")
    if carried != len(farm.attempts):
        broken.append(f"workers carry {carried} attempts, the farm has {len(farm.attempts)}")
    return broken


def _letters(farm: Farm) -> list[str]:
    """Every line in memory waits for one digest or is in one letter; no alarm is without its rule."""
    watch, broken = farm.watch, []
    for row in farm.records.values():
        waits = watch.digests.get((row.logger_id, row.schedule), [])
        ids = watch.letters.get(row.delivery_id, []) if row.delivery_id else waits
        if ids.count(row.id) != 1 or (row.delivery_id and row.delivery_id not in farm.deliveries):
            broken.append(f"record {row.id} is {row.state} and in {ids.count(row.id)} places")
    placed = sum(len(ids) for ids in (*watch.letters.values(), *watch.digests.values()))
    if placed != len(farm.records):
        broken.append(f"{placed} records have a place, the farm has {len(farm.records)}")
    for letter in farm.deliveries.values():
        if not watch.letters.get(letter.id):
            broken.append(f"delivery {letter.id} is empty")
    for alarm in farm.alarms.values():
        if alarm.rule_id not in farm.alarm_rules or watch.live.get((alarm.rule_id, alarm.subject_id)) != alarm.id:
            broken.append(f"alarm {alarm.id} has no rule or no place")
    return broken


def _openness(farm: Farm) -> list[str]:
    broken = []
    for job in farm.jobs.values():
        opened = {step.id for step in open_steps(farm, job)}
        held = {step_id for step_id in farm.steps_of[job.id] if step_id in farm.open}
        if opened != held:
            broken.append(f"job {job.name} should have steps {sorted(opened)} open, has {sorted(held)}")
        if job.desired == "run" and job_refusal(farm, job) is None and not opened:
            broken.append(f"job {job.name} runs with no step open")
    return broken
