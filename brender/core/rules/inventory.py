"""Devices, keys and channels that somebody edited in the database: what differs is applied, nothing else is touched.

The rows come as they are there. One that breaks a rule is refused by name, and the others are applied (RM-34 to RM-37).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict

from brender.core.context import Context
from brender.core.events import Delete, Reload
from brender.core.rows import Channel, Device, Key
from brender.core.rules import channels, devices, keys
from brender.core.rules.rows import check_name
from brender.errors import BrenderError

ORDER = ("device", "key", "channel")
DELETE = {"device": devices.delete, "key": keys.delete, "channel": channels.delete}
OWN = ("id", "created_at", "modified_at", "version", "state", "error", "started_at", "group")


def reload(ctx: Context, event: Reload) -> dict[str, Any]:
    """Make the farm like the rows; answers what was added, changed and deleted, and what was refused and why."""
    said: dict[str, Any] = {"added": [], "changed": [], "deleted": [], "refused": []}
    for row in sorted(event.rows, key=lambda one: ORDER.index(_table(one))):
        _try(ctx, said, f"{_table(row)} {row.name}", lambda row=row: _apply(ctx, row, said))  # type: ignore[misc]
    for table, row_id in sorted(event.gone, key=lambda one: -ORDER.index(one[0])):
        found = ctx.farm.table(table).get(row_id)
        if found is not None:
            _try(ctx, said, f"{table} {found.name}", lambda t=table, i=row_id: _delete(ctx, t, i, said))  # type: ignore[misc]
    if any(said.values()):
        ctx.notice("inventory.reloaded", **said)
    return said


def _try(ctx: Context, said: dict[str, Any], thing: str, work: Callable[[], None]) -> None:
    """One row; what it breaks is undone and told, the others go on."""
    mark, orders, notices = ctx.ledger.mark(), len(ctx.orders), len(ctx.notices)
    try:
        work()
    except BrenderError as error:
        ctx.ledger.rollback(mark)
        del ctx.orders[orders:]
        del ctx.notices[notices:]
        said["refused"].append([thing, error.sentence()])


def _table(row: Device | Key | Channel) -> str:
    return "device" if isinstance(row, Device) else "key" if isinstance(row, Key) else "channel"


def _apply(ctx: Context, row: Device | Key | Channel, said: dict[str, Any]) -> None:
    table = _table(row)
    check_name(table, row.name)
    known = ctx.farm.table(table).get(row.id)
    values = {name: value for name, value in asdict(row).items() if name not in OWN}
    if known is not None:
        values = {name: value for name, value in values.items() if getattr(known, name) != value}
        if values:
            _change(ctx, known, values)
            said["changed"].append(f"{table} {row.name}")
        return
    if isinstance(row, Device):
        devices.check(ctx.farm, values)
        ctx.ledger.add(row)
    elif isinstance(row, Key):
        keys.check(ctx.farm, values)
        ctx.ledger.add(row)
    else:
        channels.check(ctx.farm, values)
        made = [channels.make(ctx, values, row.id)]
        channels.check_short(ctx.farm, made)
        channels.settle(ctx, made)
    said["added"].append(f"{table} {row.name}")


def _change(ctx: Context, known: Device | Key | Channel, values: dict[str, Any]) -> None:
    if isinstance(known, Device):
        devices.check(ctx.farm, values, known)
        devices.write(ctx, known, values)
    elif isinstance(known, Key):
        keys.check(ctx.farm, values, known)
        keys.write(ctx, known, values)
    else:
        manager, placement = values.pop("manager_id", None), values.pop("placement", None)
        if placement is not None or (manager is not None and known.placement == "pinned"):
            channels.place_anew(ctx, known, placement or known.placement, manager or known.manager_id)
        channels.write(ctx, known, values)


def _delete(ctx: Context, table: str, row_id: int, said: dict[str, Any]) -> None:
    name = ctx.farm.table(table)[row_id].name
    DELETE[table](ctx, Delete(table, [row_id]))
    said["deleted"].append(f"{table} {name}")
