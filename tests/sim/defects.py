"""Seeded defects: each breaks one promise on purpose, so that the simulation can prove that it would notice.

Defects of rules are other rules for one event in a copied table; defects of the world are parameters of the simulation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from brender.core import engine
from brender.core import events as ev
from brender.core.context import Context
from brender.core.engine import CRUD, RULES, Rule
from brender.core.farm import Farm
from brender.core.lifecycle import TaskState
from brender.core.orders import Host, Stop
from brender.core.rules import attempts, managers, outcomes

from .disk import Disk
from .farmhouse import Defects


@contextmanager
def rules(**swapped: Rule) -> Iterator[None]:
    """The engine works by copies of its tables with other rules for these events; `Update_channel` is of one noun."""
    table, crud = dict(RULES), dict(CRUD)
    for name, rule in swapped.items():
        event, _, noun = name.partition("_")
        if noun:
            crud[getattr(ev, event), noun] = rule
        else:
            table[getattr(ev, event)] = rule
    engine.RULES, engine.CRUD = table, crud  # type: ignore[misc]
    try:
        yield
    finally:
        engine.RULES, engine.CRUD = RULES, CRUD  # type: ignore[misc]


def results_without_a_fence(ctx: Context, event: ev.Results) -> None:
    """Whoever reports an attempt of a task ends whatever attempt of that task is live now."""
    farm = ctx.farm
    for result in event.results if ctx.load_at(event.session) is not None else []:
        for attempt in list(farm.attempts.values()):
            trouble = farm.tasks[attempt.step_id].trouble.get(attempt.task)
            if trouble is not None and trouble.last.id == result.attempt:
                outcomes.finish(ctx, attempt, result)
    attempts.results(ctx, event)


def results_that_are_counted(ctx: Context, event: ev.Results) -> None:
    """Messages are counted instead of compared: a success said again counts again."""
    found = ctx.load_at(event.session)
    for result in event.results if found is not None else []:
        if result.state == "success0" and result.attempt not in ctx.farm.attempts and ctx.farm.tasks:
            ctx.farm.tasks[min(ctx.farm.tasks)].counts[TaskState.SUCCESS] += 1
    attempts.results(ctx, event)


def hello_that_trusts_its_memory(ctx: Context, event: ev.Hello) -> Any:
    """What the worker does not know of is never requeued."""
    worker = ctx.farm.worker_keys.get(event.key)
    live = list(ctx.farm.loads[worker].live) if worker is not None else []
    return RULES[ev.Hello](ctx, replace(event, held=[*event.held, *live]))


def hello_that_forgets_stops(ctx: Context, event: ev.Hello) -> Any:
    """A stop that was lost with its link is not asked again."""
    answer = RULES[ev.Hello](ctx, event)
    ctx.orders[:] = [(session, order) for session, order in ctx.orders if not isinstance(order, Stop)]
    return answer


def believing_old_connections() -> dict[str, Rule]:
    """The end of an old connection takes the worker of the newer one offline."""
    seen: dict[int, str] = {}

    def hello(ctx: Context, event: ev.Hello) -> Any:
        seen[event.session] = event.key
        return RULES[ev.Hello](ctx, event)

    def disconnected(ctx: Context, event: ev.Disconnected) -> Any:
        worker = ctx.farm.worker_keys.get(seen.get(event.session, ""))
        newest = ctx.farm.loads[worker].session if worker is not None else None
        return RULES[ev.Disconnected](ctx, event if newest is None else replace(event, session=newest))

    return {"Hello": hello, "Disconnected": disconnected}


def load_that_forgets_who_runs(disk: Disk) -> Farm:
    """Live attempts are not loaded: their tasks are given out a second time."""
    disk.epoch += 1
    rows = disk.rows
    live = {k for k, row in rows.items() if k[0] == "attempt" and row.values[6] in ("assigned", "running")}
    disk.rows = {key: row for key, row in rows.items() if key not in live}
    try:
        return disk.mirror()
    finally:
        disk.rows = rows


def load_that_forgets_errors(disk: Disk) -> Farm:
    """The fold does not count what went wrong: each start forgives anew."""
    disk.epoch += 1
    farm = disk.mirror()
    for tasks in farm.tasks.values():
        for trouble in tasks.trouble.values():
            trouble.errors = trouble.crashes = 0
    return farm


def load_that_runs_successes_again(disk: Disk) -> Farm:
    """The fold takes the last success of a step for a task that was lost."""
    disk.epoch += 1
    farm = disk.mirror()
    for tasks in farm.tasks.values():
        at = tasks.states.rfind(TaskState.SUCCESS)
        step = next(step for step in farm.steps.values() if farm.tasks[step.id] is tasks)
        if at >= 0 and farm.jobs[step.job_id].desired == "run":
            tasks.put(at, TaskState.NEW)
    return farm


def ends_that_are_lost(ctx: Context, event: ev.ScheduleEnded) -> None:
    """A schedule that ran is never due again."""


def clocks_that_nobody_reads(ctx: Context, event: ev.ClockMoved) -> None:
    """Schedules go on by the clock as it was when the master started."""


def fires_that_forget_their_run(ctx: Context, event: ev.Fire) -> Any:
    """What took effect is not written down as a run."""
    row = ctx.farm.schedules[event.schedule]
    runs, answer = row.runs, RULES[ev.Fire](ctx, event)
    if row.runs > runs and row.runs % 5 == 0:
        ctx.ledger.set(row, runs=runs)
    return answer


def counts_from_memory(ctx: Context, event: ev.Counted) -> None:
    """Managers are asked how many channels they have, and nobody listens."""
    worker = ctx.farm.sessions.get(event.session, 0)
    RULES[ev.Counted](ctx, replace(event, count=ctx.farm.hosting.count(worker)))


def updates_that_restart_the_daemon(ctx: Context, event: ev.Update) -> Any:
    """The seed's own problem: whoever alters one channel begins all of its manager anew (CL-35)."""
    answer = CRUD[ev.Update, "channel"](ctx, event)
    for channel in [ctx.farm.channels[one] for one in event.ids]:
        if channel.manager_id:
            of = [ctx.farm.channels[one] for one in sorted(ctx.farm.hosting.of.get(channel.manager_id, ()))]
            managers.host(ctx, ctx.worker(channel.manager_id), of, again=True)
    return answer


def deletes_that_nobody_hears_of(ctx: Context, event: ev.Delete) -> Any:
    """The row is gone, and its manager goes on (CL-49)."""
    answer = CRUD[ev.Delete, "channel"](ctx, event)
    ctx.orders[:] = [(to, order) for to, order in ctx.orders if not (isinstance(order, Host) and order.drop)]
    return answer


def ends_that_move_nothing(ctx: Context, event: ev.Disconnected) -> Any:
    """What floats stays with a manager that is gone."""
    answer = RULES[ev.Disconnected](ctx, event)
    ctx.farm.hosting.away.clear()
    return answer


def hello_that_leaves_channels_alone(ctx: Context, event: ev.Hello) -> Any:
    """A manager that was away goes on with what others have got meanwhile."""
    answer = RULES[ev.Hello](ctx, event)
    ctx.orders[:] = [
        (to, order) for to, order in ctx.orders if not (isinstance(order, Host) and order.keep is not None)
    ]
    return answer


SWAPPED: dict[str, dict[str, Rule]] = {
    "no attempt fence": {"Results": results_without_a_fence},
    "messages are counted": {"Results": results_that_are_counted},
    "lost requeue on hello": {"Hello": hello_that_trusts_its_memory},
    "stops lost with a link": {"Hello": hello_that_forgets_stops},
    "old connections are believed": believing_old_connections(),
    "ends of schedules are lost": {"ScheduleEnded": ends_that_are_lost},
    "nobody reads the clock": {"ClockMoved": clocks_that_nobody_reads},
    "runs are forgotten": {"Fire": fires_that_forget_their_run},
    "counts of managers are remembered": {"Counted": counts_from_memory},
    "altering one channel restarts all": {"Update_channel": updates_that_restart_the_daemon},
    "deleted channels go on": {"Delete_channel": deletes_that_nobody_hears_of},
    "channels stay with the dead": {"Disconnected": ends_that_move_nothing},
    "channels that moved go on where they were": {"Hello": hello_that_leaves_channels_alone},
}
WORLDS: dict[str, Defects] = {
    "ack before commit": Defects(ack_before_commit=True),
    "load forgets who runs": Defects(load=load_that_forgets_who_runs),
    "load forgets errors": Defects(load=load_that_forgets_errors),
    "load runs successes again": Defects(load=load_that_runs_successes_again),
}
