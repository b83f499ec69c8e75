"""One turn: events in; answers, changes, orders and notices out. The only door into a farm.

A turn never yields, never fails for one bad event (its rule is undone and its answer is the error), schedules once and
hands out one list of changes for one commit. It knows no socket, no clock and no database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from brender.config import DEFAULT, Settings
from brender.core import events as ev
from brender.core import links
from brender.core.context import Context
from brender.core.farm import Farm
from brender.core.journal import Change
from brender.core.ledger import Ledger
from brender.core.orders import Order
from brender.core.rows import Attempt, Record, Row, ScheduleRun, Step
from brender.core.rules import (
    alarm_rules,
    alarms,
    attempts,
    calendars,
    census,
    channels,
    clock,
    deliveries,
    devices,
    digests,
    hosting,
    inventory,
    jobs,
    keys,
    limits,
    loggers,
    presets,
    projects,
    schedules,
    steps,
    stops,
    tasks,
    tree,
    undo,
    workers,
)
from brender.core.rules.rows import row_of
from brender.core.schedule import Scheduler
from brender.core.settle import settle
from brender.errors import BrenderError, InternalError, InvalidParams

Rule = Callable[[Context, Any], Any]

# Every event and the one function that answers it.
RULES: dict[type[ev.Event], Rule] = {
    ev.Boot: clock.boot,
    ev.Tick: clock.tick,
    ev.SetAdmin: workers.set_admin,
    ev.ArmDigests: digests.arm,
    ev.ClockMoved: schedules.clock_moved,
    ev.Fire: schedules.fire,
    ev.ScheduleEnded: schedules.ended,
    ev.SetCalendar: calendars.put,
    ev.PauseSchedule: schedules.pause,
    ev.RunSchedule: schedules.run_now,
    ev.StopSchedules: schedules.stop_all,
    ev.SubmitTree: tree.submit,
    ev.UpdateTree: tree.update,
    ev.DeleteTree: tree.delete,
    ev.RunJob: jobs.run,
    ev.StopJob: jobs.stop,
    ev.StopAll: jobs.stop_all,
    ev.PauseJob: jobs.pause,
    ev.Undo: undo.undo,
    ev.UnblockJob: jobs.unblock,
    ev.RetryJob: tasks.retry_job,
    ev.RetryTasks: tasks.retry,
    ev.KillTasks: tasks.kill,
    ev.Hello: workers.hello,
    ev.LegacyHello: workers.legacy_hello,
    ev.Heartbeat: workers.heartbeat,
    ev.Started: attempts.started,
    ev.Results: attempts.results,
    ev.Returned: attempts.returned,
    ev.Immortal: attempts.immortal,
    ev.Stalled: attempts.stalled,
    ev.SetWaiting: stops.set_waiting,
    ev.Disconnected: workers.disconnected,
    ev.AddChannels: channels.add,
    ev.SwitchChannels: channels.switch,
    ev.MoveChannels: channels.move,
    ev.SetGroups: channels.set_groups,
    ev.PlaceChannels: hosting.look,
    ev.Clock: workers.clock,
    ev.Counted: census.counted,
    ev.ChannelsReady: hosting.ready,
    ev.ChannelStates: hosting.states,
    ev.Reload: inventory.reload,
    ev.Readings: alarms.readings,
    ev.DiskRoom: alarms.disk_room,
    ev.AckAlarms: alarms.acknowledge,
    ev.SkipAlarms: alarms.skip,
    ev.ConfigLogger: loggers.config,
    ev.WriteLog: loggers.write,
    ev.FlushLog: loggers.flush,
    ev.TakeDelivery: deliveries.take,
    ev.DeliverySent: deliveries.sent,
    ev.DeliveryFailed: deliveries.failed,
    ev.RetryDeliveries: deliveries.retry,
    ev.DropDeliveries: deliveries.drop,
}

# Create, Update and Delete are one event each for all nouns.
CRUD: dict[tuple[type[ev.Event], str], Rule] = {
    (ev.Create, "worker"): workers.create,
    (ev.Create, "project"): projects.create,
    (ev.Create, "limit"): limits.create,
    (ev.Create, "preset"): presets.create,
    (ev.Create, "device"): devices.create,
    (ev.Create, "key"): keys.create,
    (ev.Create, "schedule"): schedules.create,
    (ev.Create, "alarm_rule"): alarm_rules.create,
    (ev.Update, "alarm_rule"): alarm_rules.update,
    (ev.Delete, "alarm_rule"): alarm_rules.delete,
    (ev.Create, "job"): jobs.create,
    (ev.Create, "step"): steps.create,
    (ev.Update, "worker"): workers.update,
    (ev.Update, "project"): projects.update,
    (ev.Update, "limit"): limits.update,
    (ev.Update, "preset"): presets.update,
    (ev.Update, "device"): devices.update,
    (ev.Update, "key"): keys.update,
    (ev.Update, "channel"): channels.update,
    (ev.Update, "job"): jobs.update,
    (ev.Update, "step"): steps.update,
    (ev.Delete, "worker"): workers.delete,
    (ev.Delete, "project"): projects.delete,
    (ev.Delete, "limit"): limits.delete,
    (ev.Delete, "preset"): presets.delete,
    (ev.Delete, "device"): devices.delete,
    (ev.Delete, "key"): keys.delete,
    (ev.Delete, "channel"): channels.delete,
    (ev.Delete, "schedule"): schedules.delete,
    (ev.Delete, "job"): jobs.delete,
    (ev.Delete, "step"): steps.delete,
}


GONE = -1  # in place of a version
QUIET = (Attempt, Record, ScheduleRun)  # what happened to those has notices of its own, where anybody cares


class Turn(Struct):
    """What a turn says to the world. `answers[i]` belongs to `events[i]`: data, or the error it met."""

    answers: list[Any]
    changes: list[Change]
    orders: list[tuple[int, Order]]
    notices: list[tuple[str, dict[str, Any]]]
    moved: dict[int, set[int] | None]  # tasks that moved, by step; None: many of them at once
    busy: set[int]  # workers whose live attempts changed
    more: bool = False  # the scheduler stopped at its limit: take another turn soon
    defect: InternalError | None = None  # that the alarms met: for the log


def _went_along(row: Row, gone: Mapping[tuple[str, int], Row]) -> bool:
    """A step goes with its job, which is told of."""
    return isinstance(row, QUIET) or (isinstance(row, Step) and ("job", row.job_id) in gone)


class Core:
    """A farm and the only method that changes it."""

    def __init__(self, farm: Farm, settings: Settings = DEFAULT) -> None:
        self.farm = farm
        self.settings = settings
        self.ledger = Ledger(farm)
        self._context = Context(farm, self.ledger, settings)
        self._scheduler = Scheduler(farm, self.ledger, settings)
        self._turns = 0

    def turn(self, events: Sequence[ev.Event], now: float) -> Turn:
        """Apply the events in order at time `now` (seconds), settle, schedule once, and hand everything out."""
        context = self._context
        context.orders, context.notices = [], []
        self.farm.now = max(self.farm.now, now)
        self._turns += 1
        answers = [self._apply(event, position) for position, event in enumerate(events)]
        self._settle()
        more = self._scheduler.turn(context.orders)
        self._settle()
        notices = context.notices
        for step_id in self.ledger.touched_steps:
            if step_id in self.farm.steps:
                step = self.farm.steps[step_id]
                counts = list(self.farm.tasks[step_id].counts)
                notices.append(("step.progress", {"job": step.job_id, "step": step_id, "counts": counts}))
        told: dict[tuple[str, int], int] = {}
        self._tell_changes(told)
        defect = self._look()
        self._tell_changes(told)
        busy = {row.worker_id for _, row in self.ledger.differing() if isinstance(row, Attempt)}
        moved = self.ledger.moved
        return Turn(answers, self.ledger.take(), context.orders, notices, moved, busy, more, defect)

    def _look(self) -> InternalError | None:
        """What the turn means for the alarms. A defect there costs their word on this turn, and no more."""
        context, ledger = self._context, self.ledger
        mark, notices = ledger.mark(), len(context.notices)
        try:
            alarms.look(context)
        except Exception as defect:  # as for an event: it must not end the farm (CONTRACT 4.1.9)
            ledger.rollback(mark)
            del context.notices[notices:]
            return _defect("The look at the alarms", defect)
        return None

    def _tell_changes(self, told: dict[tuple[str, int], int]) -> None:
        """A notice for each row that differs and was not told of in this version yet, and for each that is gone."""
        gone = self.ledger.gone
        for key, row in self.ledger.differing():
            if row is None:
                was = gone.get(key)
                if was is not None and told.get(key) != GONE and not _went_along(was, gone):
                    told[key] = GONE
                    self._context.notice(f"{key[0]}.deleted", id=was.id, name=getattr(was, "name", ""))
            elif not isinstance(row, QUIET) and told.get(key) != row.version:
                told[key] = row.version
                self._context.notices.append((f"{key[0]}.changed", row_of(row)))

    def _apply(self, event: ev.Event, position: int) -> Any:
        """One event by its rule; a rule that raises leaves no trace."""
        context, ledger = self._context, self.ledger
        ledger.cause = f"{self._turns}.{position} {type(event).__name__}"
        mark, orders, notices = ledger.mark(), len(context.orders), len(context.notices)
        try:
            answer = self._rule(event)(context, event)
            self._check_shapes()
            return answer
        except BrenderError as error:
            answer = error
        except Exception as defect:  # whatever it is, one event must not end the farm (CONTRACT 4.1.9)
            answer = _defect(type(event).__name__, defect)
        ledger.rollback(mark)
        ledger.reshaped.clear()
        del context.orders[orders:]
        del context.notices[notices:]
        return answer

    def _check_shapes(self) -> None:
        """Whatever rule changed names, places or `after`: nothing names what is not there or waits for itself."""
        ledger = self.ledger
        reshaped, ledger.reshaped = ledger.reshaped, set()
        for job_id in sorted(reshaped):
            job = self.farm.jobs.get(job_id)
            if job is not None:
                links.check(self.farm, job)

    def _rule(self, event: ev.Event) -> Rule:
        kind = type(event)
        if isinstance(event, ev.Create | ev.Update | ev.Delete):
            rule = CRUD.get((kind, event.noun))
            if rule is None:
                nouns = ", ".join(noun for made, noun in CRUD if made is kind)
                raise InvalidParams(f"There is no noun {event.noun!r}.", hint=f"One of {nouns}.")
            return rule
        return RULES[kind]

    def _settle(self) -> None:
        """Derive what follows from the moves of this turn, job by job, until nothing more follows."""
        ledger = self.ledger
        for _ in range(8):
            if not ledger.unsettled:
                return
            jobs_now, ledger.unsettled = ledger.unsettled, set()
            for job_id in sorted(jobs_now):
                job = self.farm.jobs.get(job_id)
                if job is not None:
                    for topic in settle(self.farm, ledger, job):
                        data = {"id": job.id, "name": job.name, "state": job.state, "run": job.run}
                        self._context.notice(topic, **data)
        raise InternalError("The farm does not settle: rules keep changing the same jobs.")


def _defect(what: str, met: Exception) -> InternalError:
    """What is said of a defect of our own."""
    found = InternalError(
        f"{what} met a defect of brender: {type(met).__name__}: {met}",
        hint="Nothing was changed. Please report it with the master's log.",
    )
    found.__cause__ = met
    return found
