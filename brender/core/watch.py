"""What alarm rules look at, in memory only: which rule is for which channel, the last sample of each, who was silent.

It decides nothing: rules/alarms.py does. After a start it is empty, and silence counts anew: nobody is accused of what
the master did not hear because it was not there.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from brender.core.rows import TABLE_OF, Alarm, AlarmRule, Delivery, Record

Sample = tuple[float, Any]  # seconds since the epoch, value
_SEEN = ("channel",)  # tables whose rows decide which rule is for whom
_NAMING = frozenset({"name", "labels"})


class Watch:
    """Indexes of the alarms, and memory of samples. `put`, `drop` and `written` are called by the farm."""

    def __init__(self) -> None:
        self.live: dict[tuple[int, int], int] = {}  # (rule, subject) -> its alarm that is not over
        self.digests: dict[tuple[int, str], list[int]] = {}  # (logger, schedule) -> records that wait for it, in order
        self.letters: dict[int, list[int]] = {}  # delivery -> its records, in order
        self.samples: dict[int, Sample] = {}  # channel -> its newest sample
        self.heard: dict[int, float] = {}  # channel -> when that came, on the master's clock
        self.asked_at: float | None = None  # when somebody last asked for letters to send
        self.room: tuple[int, int] | None = None  # bytes free on the master's disk, and of all of it
        self._rules_of: dict[int, tuple[int, ...]] | None = None  # channel -> rules; None: find out anew

    def put(self, table: str, row: Any) -> None:
        """A row came."""
        if isinstance(row, Alarm):
            self.live[row.rule_id, row.subject_id] = row.id
        elif isinstance(row, Record):
            if row.delivery_id:
                self.letters.setdefault(row.delivery_id, []).append(row.id)
            else:
                self.digests.setdefault((row.logger_id, row.schedule), []).append(row.id)
        elif isinstance(row, Delivery):
            self.letters.setdefault(row.id, [])
        elif isinstance(row, AlarmRule) or table in _SEEN:
            self._rules_of = None

    def drop(self, table: str, row: Any) -> None:
        """A row went."""
        if isinstance(row, Alarm):
            self.live.pop((row.rule_id, row.subject_id), None)
        elif isinstance(row, Record):
            _remove(self.letters if row.delivery_id else self.digests, _place(row), row.id)
        elif isinstance(row, Delivery):
            self.letters.pop(row.id, None)
        elif isinstance(row, AlarmRule) or table in _SEEN:
            self._rules_of = None
            if table in _SEEN:
                self.samples.pop(row.id, None)
                self.heard.pop(row.id, None)

    def written(self, row: Any, values: Mapping[str, Any]) -> None:
        """Attributes of a row were written."""
        kind = type(row)
        if kind is AlarmRule or (TABLE_OF.get(kind) in _SEEN and _NAMING & values.keys()):
            self._rules_of = None

    def matches(self, rules: Mapping[int, AlarmRule], channels: Mapping[int, Any]) -> dict[int, tuple[int, ...]]:
        """The enabled rules that each channel falls under; channels under none are left out."""
        if self._rules_of is None:
            chosen = [rule for rule in rules.values() if rule.enabled and rule.source == "channel"]
            found = {
                channel.id: tuple(rule.id for rule in chosen if selects(rule.selector, channel.name, channel.labels))
                for channel in (channels.values() if chosen else ())
            }
            self._rules_of = {channel_id: ids for channel_id, ids in found.items() if ids}
            self._forget_all_but(self._rules_of)
        return self._rules_of

    def _forget_all_but(self, watched: Container[int]) -> None:
        """Of a channel under no rule nobody tells: what is known of it would be old when a rule looks at it again."""
        self.samples = {one: sample for one, sample in self.samples.items() if one in watched}
        self.heard = {one: at for one, at in self.heard.items() if one in watched}


def selects(selector: Iterable[str], name: str, labels: Mapping[str, str]) -> bool:
    """Whether one of the names of a selector (all, if it has none) and each of its label=glob are so. Without case."""
    names = []
    for word in selector:
        key, equals, glob = word.partition("=")
        if not equals:
            names.append(word)
        elif not fnmatchcase(str(labels.get(key, "")).lower(), glob.lower()):
            return False
    return not names or any(fnmatchcase(name.lower(), one.lower()) for one in names)


def _place(row: Record) -> Any:
    return row.delivery_id or (row.logger_id, row.schedule)


def _remove(known: dict[Any, list[int]], place: Any, row_id: int) -> None:
    ids = known.get(place)
    if ids is not None:
        ids.remove(row_id)
        if not ids and isinstance(place, tuple):
            del known[place]
