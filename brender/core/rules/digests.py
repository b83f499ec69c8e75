"""The schedules of the digests: ordinary ones, made when a farm starts without them (RM-14).

People see them in `schedule list`, and pause or change them like any other; what they run is `log.flush`.
"""

from __future__ import annotations

from brender.core.context import Context
from brender.core.events import ArmDigests
from brender.core.rows import Schedule
from brender.core.rules import schedules

# Name, uuid, kind, period in seconds, expression: on the hour; at 07:00; on Mondays at 07:00.
DIGESTS: dict[str, tuple[str, str, str, float, str]] = {
    "HOURLY": ("log hourly", "62726e64-0000-4000-8000-000000000001", "repeat_o_clock", 3600.0, ""),
    "DAILY": ("log daily", "62726e64-0000-4000-8000-000000000002", "cron", 0.0, "0 7 * * *"),
    "WEEKLY": ("log weekly", "62726e64-0000-4000-8000-000000000003", "cron", 0.0, "0 7 * * 1"),
}


def arm(ctx: Context, event: ArmDigests) -> None:
    """Make what is absent. What was due while no master was there runs once, as soon as one is."""
    for digest, (name, uuid, kind, seconds, expr) in DIGESTS.items():
        if ctx.farm.schedule_named(name) is None:
            row = Schedule(0, uuid, name, kind, seconds, expr=expr, method="log.flush", params={"schedule": digest})
            row.owner, row.role, row.misfire, row.tz = "farm", "operator", "run_once", event.tz
            schedules.arm(ctx, row)
