"""What a farm consists of, and whether each part is ready, for `farm status`: by what the parts say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brender.commands.calls import Call
from brender.core.rules.managers import is_manager

READY, AWAY = "ready", "not running"
PROGRAMS = ("console", "web", "notify")  # of the farm itself, each with a session of that name while it runs


def elements(call: Call, info: Mapping[str, Any]) -> dict[str, str]:
    """Each part by name: ready, not running, or what is wrong with it, in words (CL-02)."""
    farm = call.farm
    here = {str(row["name"]) for row in call.sessions() if row.get("type") == "program"}
    managers = [worker for worker in farm.workers.values() if is_manager(worker)]
    online = sum(worker.presence == "online" for worker in managers)
    readings = info.get("readings", {})
    trouble = readings.get("refusing") or readings.get("trouble")
    found = {
        "master": READY,
        "store": str(info.get("writer", {}).get("full") or READY),
        "storage": str(trouble or READY) if readings else AWAY,
        "schedules": "stopped" if farm.halted else READY,
        "managers": READY if managers and online == len(managers) else f"{online} of {len(managers)} online",
    }
    return found | {name: READY if name in here else AWAY for name in PROGRAMS}
