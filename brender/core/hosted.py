"""Why a channel is where it is: the predicates that placed it, in words. It reads a farm and writes nothing."""

from __future__ import annotations

from typing import Any

from brender.core.farm import Farm
from brender.core.lifecycle import SYNTHETIC
from brender.core.rows import Channel
from brender.core.rules.managers import candidates, lacks


def why_channel(farm: Farm, channel_id: int) -> dict[str, Any]:
    """Why a channel logs or does not, who hosts it and why that one."""
    channel = farm.channels[channel_id]
    reasons = _where(farm, channel) if channel.manager_id else _nowhere(farm, channel)
    if channel.error:
        reasons.insert(
            0, _reason("channel.said", f"It says: {channel.error.rstrip('.')}.", f"channel restart {channel.name}")
        )
    return {"subject": f"channel {channel.name}", "state": channel.state, "reasons": reasons}


def _reason(rule: str, text: str, advice: str = "") -> dict[str, Any]:
    return {"rule": rule, "text": text, "next": advice}


def _where(farm: Farm, channel: Channel) -> list[dict[str, Any]]:
    manager = farm.workers[channel.manager_id]
    how = "It is pinned to" if channel.placement == "pinned" else "It floats, and is hosted by"
    count = farm.hosting.count(manager.id)
    found = [
        _reason("channel.hosted", f"{how} {manager.name}, which has {count} channels.", f"channel move {channel.name}")
    ]
    if channel.placement == "pinned":
        found[0]["next"] = ""
    if manager.presence != "online":
        rest = "it goes on when that is back" if channel.placement == "pinned" else "another manager gets it"
        found.append(_reason("manager.away", f"{manager.name} is {manager.presence}; {rest}.", f"why {manager.name}"))
    if not channel.device_id and channel.type not in SYNTHETIC:
        found.append(
            _reason("channel.fed", "It has no device: its values come by reading put.", "channel set … device=")
        )
    if channel.state == "stopped":
        found.append(_reason("channel.stopped", "Somebody stopped it.", f"channel start {channel.name}"))
    return found


def _nowhere(farm: Farm, channel: Channel) -> list[dict[str, Any]]:
    if channel.state == "stopped":
        return [_reason("channel.stopped", "Somebody stopped it.", f"channel start {channel.name}")]
    managers = candidates(farm)
    if not managers:
        return [_reason("manager.none", "No manager is online and enabled.", "manager list")]
    lacking = [lacks(farm, one, channel) for one in managers]
    if all(lacking):
        text = f"None of the {len(managers)} managers that are online and enabled has the {lacking[0]}."
        return [_reason("manager.probe", text, "device drivers")]
    return [_reason("channel.next", "Managers are being asked how many channels they have; the fewest gets it.")]
