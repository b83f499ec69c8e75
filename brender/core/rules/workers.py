"""Workers: they say hello, they fall silent, people enable, disable, name and remove them.

admin_state is people's, presence is the link's; no rule here lets one touch the other (REQUIREMENTS 10.3).
"""

from __future__ import annotations

from typing import Any

from brender.core import possible
from brender.core.context import Context
from brender.core.events import Clock, Create, Delete, Disconnected, Heartbeat, Hello, LegacyHello, SetAdmin, Update
from brender.core.lifecycle import ADMIN_STATES
from brender.core.load import Load
from brender.core.orders import Hangup, Recall, Stop, Welcome
from brender.core.rows import Worker
from brender.core.rules import attempts, calendars, census, devices, hosting, outcomes, stops
from brender.core.rules.doing import Doing
from brender.core.rules.rows import check_version, checked, row_of, usable_name
from brender.errors import Exists, Invalid, WrongState

MOST_SLOTS = 1024
MOST_WORDS = 1000  # functions or tags of one machine
EDITABLE = {"name": str, "tags": list, "warning": str, "config": dict}


def hello(ctx: Context, event: Hello) -> None:
    """A daemon is here: adopt what it still runs, requeue what it does not know, drop what is no longer its own."""
    fault = _fault_of(event)
    if fault:
        ctx.order(event.session, Hangup(fault))
        return
    worker = _known(ctx, event.key) or _enrol(ctx, event.key, event.mac, event.hostname, event.name)
    load = ctx.farm.loads[worker.id]
    _take_session(ctx, worker, load, event.session)
    same_life = bool(event.boot) and event.boot == worker.boot
    if event.boot and not same_life:
        _tell_twins_apart(ctx, worker, load, event.boot)
    reported = worker.facts.get("devices", [])
    ctx.ledger.set(
        worker,
        mac=event.mac,
        hostname=event.hostname[:255],
        presence="online",
        slots=event.slots,
        functions=list(event.functions),
        tags=worker.tags or list(event.tags),
        facts=dict(event.config),
        platform=event.platform,
        boot=event.boot,
        warning="" if worker.warning == load.said else worker.warning,
        legacy=False,
    )
    load.said = ""
    _requeue(ctx, worker, {*event.running, *event.held}, same_life)
    ctx.ledger.recalled(load, set())
    drop = [attempt_id for attempt_id in event.running if attempt_id not in load.live]
    ctx.order(event.session, Welcome(worker.id, worker.name, ctx.farm.epoch, heartbeat_seconds(ctx), drop))
    _say_again(ctx, worker, load)
    ctx.farm.roomy.add(worker.id)
    ctx.notice("worker.online", id=worker.id, name=worker.name)
    hosting.welcome(ctx, worker)
    if worker.facts.get("devices", []) != reported:
        devices.report(ctx, worker, reported)


def _say_again(ctx: Context, worker: Worker, load: Load) -> None:
    """Words on its attempts that may have been lost with the link."""
    if load.live:
        stops.tell_waiting(ctx, worker.id)  # before a stop: what is forbidden now and what no longer is
    stopping = [a.id for a in load.live.values() if a.state == "stopping"]
    if stopping:
        ctx.order(load.session, Stop(stopping))


def _tell_twins_apart(ctx: Context, worker: Worker, load: Load, boot: str) -> None:
    """A daemon that another one had replaced is back: both live, and have one identity (RM-04, F16)."""
    if boot == load.former:
        load.twin_at = ctx.now
        ctx.notice("worker.twin", id=worker.id, name=worker.name)
    load.former = worker.boot


def _fault_of(event: Hello) -> str:
    """What is wrong with a hello, for the worker's own log; nothing it says may stand in the way of the farm."""
    if not event.mac.isalnum() or len(event.mac) > 40:
        return f"its MAC {event.mac[:40]!r} is none"
    if not 1 <= len(event.key) <= 255 or len(event.platform) > 255:
        return "its key or platform is empty or longer than 255 characters"
    if not 0 <= event.slots <= MOST_SLOTS:
        return f"it offers {event.slots} slots; a worker has 0 to {MOST_SLOTS}"
    if len(event.functions) > MOST_WORDS or len(event.tags) > MOST_WORDS:
        return f"it names more than {MOST_WORDS} functions or tags"
    if any(len(word) > 255 for word in (*event.functions, *event.tags)):
        return "a function or tag of it is longer than 255 characters"
    return ""


def _requeue(ctx: Context, worker: Worker, mine: set[int], same_life: bool) -> None:
    """Lose what the worker does not know of. In the same life of the daemon an order was lost on its way: no crash."""
    for place, attempt in enumerate(list(ctx.farm.loads[worker.id].live.values())):
        if attempt.id not in mine:
            ran = outcomes.may_run(worker, attempt, place)
            crashed = ran and not (same_life and attempt.state == "assigned")
            outcomes.lose(ctx, attempt, f"{worker.name} came back without it", crashed)


def legacy_hello(ctx: Context, event: LegacyHello) -> None:
    """A 2013 client: listed and online while connected (BR-30)."""
    key = f"brender_{event.mac}"
    worker = _known(ctx, key) or _enrol(ctx, key, event.mac, event.hostname, "")
    _take_session(ctx, worker, ctx.farm.loads[worker.id], event.session)
    outcomes.drop_all(ctx, worker, f"{worker.name} came back as a 2013 client", planned=True)
    ctx.ledger.set(worker, presence="online", legacy=True, hostname=event.hostname or worker.hostname)
    ctx.notice("worker.online", id=worker.id, name=worker.name)


def heartbeat(ctx: Context, event: Heartbeat) -> None:
    """Alive. Written nowhere: 2,000 workers say it all day."""
    found = attempts.speaker(ctx, event.session)
    if found is None:
        return
    worker, load = found
    if load.full and not event.full:
        ctx.farm.roomy.add(worker.id)
    load.full = event.full
    if event.warning != load.said:
        load.said = event.warning
        ctx.ledger.set(worker, warning=event.warning)


def clock(ctx: Context, event: Clock) -> None:
    """A clock that is wrong is told and refused nothing: its readings have wrong times (RM-53)."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    skew = round(event.at - ctx.wall, 1)
    facts = {name: value for name, value in found[0].facts.items() if name != "clock_skew"}
    if abs(skew) > ctx.settings.clock_skew:
        facts["clock_skew"] = skew
        ctx.notice("worker.clock_skew", id=found[0].id, name=found[0].name, seconds=skew)
    ctx.ledger.set(found[0], facts=facts)


def disconnected(ctx: Context, event: Disconnected) -> None:
    """The connection is gone. What runs there may go on; the sweep decides later, unless the worker said bye."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    worker, load = found
    ctx.ledger.seat(worker.id, None)
    if event.bye or worker.legacy:
        ctx.ledger.set(worker, presence="offline", boot="")
        outcomes.drop_all(ctx, worker, f"{worker.name} was shut down", planned=True)
        ctx.notice("worker.offline", id=worker.id, name=worker.name)
        hosting.gone(ctx, worker, 0.0)
    else:
        load.heard = ctx.now
        ctx.ledger.set(worker, presence="lost")
        ctx.notice("worker.lost", id=worker.id, name=worker.name)
        hosting.gone(ctx, worker, ctx.settings.host_grace)


def sweep(ctx: Context) -> None:
    """Give the tasks of workers that stay away to others; called by every tick."""
    settings = ctx.settings
    for worker_id, load in ctx.farm.loads.items():
        worker = ctx.farm.workers[worker_id]
        silent = ctx.now - load.heard
        if load.session is not None:
            if silent > settings.lost_after and not worker.legacy:
                ctx.order(load.session, Hangup(f"no word for {int(silent)} s"))
                ctx.ledger.seat(worker.id, None)
                ctx.ledger.set(worker, presence="lost")
                ctx.notice("worker.lost", id=worker.id, name=worker.name)
                outcomes.drop_all(ctx, worker, f"{worker.name} has not been heard for {int(silent)} s")
                hosting.gone(ctx, worker, 0.0)
        elif silent > settings.gone_after:
            if load.live:
                outcomes.drop_all(ctx, worker, f"{worker.name} has been away for {int(silent)} s")
            if worker.presence != "offline":
                ctx.ledger.set(worker, presence="offline")
                ctx.notice("worker.offline", id=worker.id, name=worker.name)
            elif load.expected:  # it went while there was no master, perhaps with it
                ctx.notice("worker.lost", id=worker.id, name=worker.name)
            load.expected = False


def heartbeat_seconds(ctx: Context) -> float:
    """How often a worker should speak: rarer in a large farm, so that all together stay under a rate."""
    online = len(ctx.farm.sessions)
    return max(ctx.settings.heartbeat, online / ctx.settings.heartbeats_per_second)


def set_admin(ctx: Context, event: SetAdmin) -> dict[str, Any]:
    """Enable or disable; disabling drains: what runs goes on, what waits in its queue is taken back."""
    if event.state not in ADMIN_STATES:
        raise Invalid(f"A worker is enabled or disabled, not {event.state!r}.")
    changed: list[dict[str, Any]] = []
    unchanged: list[dict[str, Any]] = []
    doing = Doing(ctx, event, event.state.removesuffix("d"), "worker", "admin_state")
    for worker_id in event.workers:
        worker = ctx.worker(worker_id)
        (unchanged if worker.admin_state == event.state else changed).append({"id": worker.id, "name": worker.name})
        doing.set(worker, event.state)
        let_work(ctx, worker, event.state)
    doing.done()
    return {"state": event.state, "changed": changed, "unchanged": unchanged}


def let_work(ctx: Context, worker: Worker, state: str) -> None:
    """Enabled or disabled, with what follows: a disabled worker gives back what it has not begun."""
    ctx.ledger.set(worker, admin_state=state)
    ctx.farm.roomy.add(worker.id)
    load = ctx.farm.loads[worker.id]
    waiting = [a.id for a in load.live.values() if a.state == "assigned"]
    if state == "disabled" and waiting:
        ctx.ledger.recalled(load, load.recalled | set(waiting))
        ctx.order(load.session, Recall(waiting))
    if state == "disabled":
        hosting.vacate(ctx, worker)
    census.begin(ctx)


def create(ctx: Context, event: Create) -> dict[str, Any]:
    """A worker made known before it ever connects (its MAC is its identity)."""
    values = checked("worker", event.values, {**EDITABLE, "mac": str, "admin_state": str}, required=("name", "mac"))
    mac = "".join(c for c in str(values.pop("mac")).lower() if c not in ":-.")
    if len(mac) != 12 or any(c not in "0123456789abcdef" for c in mac):
        raise Invalid(f"MAC {event.values['mac']!r} is not 12 hexadecimal digits.", hint="Write bc:ae:c5:71:22:fc.")
    if _known(ctx, f"brender_{mac}") is not None:
        raise Exists(f"A worker with the MAC {mac} exists already.", hint="worker list")
    _check_name(ctx, values["name"])
    if values.get("admin_state", "enabled") not in ADMIN_STATES:
        raise Invalid(f"admin_state is enabled or disabled, not {values['admin_state']!r}.")
    worker = _enrol(ctx, f"brender_{mac}", mac, str(values["name"]), str(values["name"]))
    ctx.ledger.set(worker, **values)
    return {"noun": "worker", "row": row_of(worker)}


def update(ctx: Context, event: Update) -> dict[str, Any]:
    """Attributes a person may change; admin_state has its own words, enable and disable."""
    values = checked("worker", event.values, EDITABLE)
    if "name" in values and len(event.ids) > 1:
        raise Invalid("One name cannot be given to several workers.", hint="Name one worker.")
    for worker_id in event.ids:
        worker = ctx.worker(worker_id)
        check_version("worker", worker, event.version)
        if "name" in values and values["name"] != worker.name:
            _check_name(ctx, values["name"])
        ctx.ledger.set(worker, **values)
        ctx.farm.roomy.add(worker_id)
    return {"noun": "worker", "rows": [row_of(ctx.worker(worker_id)) for worker_id in event.ids]}


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """Forget machines that are away and hold nothing."""
    deleted = []
    for worker_id in event.ids:
        worker = ctx.worker(worker_id)
        if not possible.is_away(ctx.farm, worker):
            load = ctx.farm.loads[worker_id]
            raise WrongState(
                f"Worker {worker.name} is {worker.presence} with {len(load.live)} tasks; only one away can be deleted.",
                hint=f"disable {worker.name}, stop its client, then delete it.",
            )
        measured = devices.forget(ctx, worker)
        calendars.forget(ctx, [worker.id])
        ctx.ledger.remove(worker)
        deleted.append({"id": worker.id, "name": worker.name, **({"channels": measured} if measured else {})})
    return {"noun": "worker", "deleted": deleted}


def _known(ctx: Context, key: str) -> Worker | None:
    found = ctx.farm.worker_keys.get(key)
    return None if found is None else ctx.farm.workers[found]


def _enrol(ctx: Context, key: str, mac: str, hostname: str, name: str) -> Worker:
    """A new row; its name is the hostname, numbered when taken."""
    base = usable_name(name) or usable_name(hostname) or key
    chosen, count = base, 1
    while ("worker", 0, chosen) in ctx.farm.names:
        count += 1
        chosen = f"{base}-{count}"
    now = ctx.now
    worker = Worker(ctx.ledger.new_id("worker"), key, chosen, mac, hostname, created_at=now, modified_at=now)
    ctx.ledger.add(worker)
    ctx.notice("worker.created", id=worker.id, name=worker.name)
    return worker


def _take_session(ctx: Context, worker: Worker, load: Load, session: int) -> None:
    """The newest session of a worker wins; the old one is closed (F16)."""
    if load.session is not None and load.session != session:
        said = f"another daemon or link took the place of {worker.name}; a copy of a machine needs --name of its own"
        ctx.order(load.session, Hangup(said))
    other = ctx.farm.sessions.get(session)
    if other is not None and other != worker.id:
        disconnected(ctx, Disconnected(session))
    ctx.ledger.seat(worker.id, session)
    load.heard, load.full, load.expected = ctx.now, False, False


def _check_name(ctx: Context, name: Any) -> None:
    if ("worker", 0, str(name)) in ctx.farm.names:
        raise Exists(f"A worker named {name!r} exists already.", hint="worker list")
