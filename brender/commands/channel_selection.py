"""Kinds that name channels: one word, or several, stand for some of them. Used by every command that is for channels.

They must not know what a channel's values are, nor what is done with the chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from brender.commands.calls import Call
from brender.commands.inventory import find
from brender.commands.kinds import Kind, Others
from brender.commands.offers import Offer, starting
from brender.commands.selection import as_id, is_glob
from brender.core.farm import Farm
from brender.core.lifecycle import CHANNEL_STATES
from brender.core.rows import Channel
from brender.errors import Invalid, NotFound, nearest


class ChannelSelector(Kind):
    """Some channels: names, short names, ids, globs, `all`, a state, or device=… key=… manager=… label=…"""

    wire = str | int | list[str | int]
    expects = "a channel name, id, glob, all, a state, device=, key=, manager= or LABEL=…"
    many = True

    def __init__(self, required: bool = True, by: bool = True) -> None:
        self.required, self.by = required, by

    def claims(self, key: str) -> bool:
        """Without `by`, device=… and the like are values of the command, not a choice."""
        return self.by and (key in ("device", "key", "manager") or key.startswith("label."))

    def parse(self, call: Call, value: Any, others: Others) -> list[Channel]:
        words = value if isinstance(value, list) else [value]
        if not words or words == [""]:
            if self.required:
                raise Invalid("No channel selected. Name one, or use 'all'.")
            return list(call.farm.channels.values())
        chosen = {row.id: row for word in words for row in _channels(call.farm, word)}
        return [chosen[channel_id] for channel_id in sorted(chosen)]

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        farm = call.farm
        names = [channel.name for channel in farm.channels.values()]
        by = [f"device={row.name}" for row in farm.devices.values()] + [f"key={row.name}" for row in farm.keys.values()]
        return starting(prefix, [*names, "all", *CHANNEL_STATES, *by])


class ChannelWord(ChannelSelector):
    """The same in one word, because another follows."""

    wire = str | int
    expects = "a channel name, id, glob, all or a state"
    many = False


def _channels(farm: Farm, word: str | int) -> Iterable[Channel]:
    """All channels one word stands for. Raises NotFound where it can only be a slip."""
    rows = farm.channels.values()
    if isinstance(word, str):
        named = farm.channel_named(word)
        if named is not None:
            return [named]
        low = word.lower()
        if low == "all":
            return rows
        if low in CHANNEL_STATES:
            return [row for row in rows if row.state == low]
        if "=" in word:
            return _channels_by(farm, *word.split("=", 1))
        found = [row for row in rows if (fnmatchcase(row.name, word) if is_glob(word) else row.short_name == word)]
        if len(found) > 1 and not is_glob(word):
            names = ", ".join(row.name for row in found[:5])
            raise Invalid(f"{len(found)} channels have the short name {word!r}: {names}.", hint="Name one of them.")
        if found:
            return found
        if is_glob(word):
            raise NotFound(f"No channel matches {word!r}.", hint="See channel list.")
    return [find(farm, "channel", word)]


def _channels_by(farm: Farm, what: str, value: str) -> list[Channel]:
    rows = farm.channels.values()
    if what == "manager":
        worker = farm.workers.get(farm.names.get(("worker", 0, value), as_id(value) or 0))
        if worker is None:
            names = [one.name for one in farm.workers.values()]
            raise NotFound(f"There is no manager {value!r}.", hint=nearest(value, names) or "See manager list.")
        return [row for row in rows if row.manager_id == worker.id]
    if what in ("device", "key"):
        wanted = find(farm, what, value).id
        return [row for row in rows if getattr(row, f"{what}_id") == wanted]
    label = what.removeprefix("label.")
    return [row for row in rows if row.labels.get(label) == value]


CHANNELS = ChannelSelector()
CHANNEL_WORD = ChannelWord(by=False)
CHANNELS_TO_SET = ChannelSelector(by=False)
CHANNELS_OR_ALL = ChannelSelector(required=False)
