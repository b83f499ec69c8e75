"""A command in a command: what a schedule runs, checked for the one who asks as if they said it now.

It must not know schedules, only which commands none of them runs.
"""

from __future__ import annotations

from typing import Any

import msgspec

from brender.commands import completion
from brender.commands.calls import Act, Call, Lookup, Wake
from brender.commands.kinds import Kind, Others
from brender.commands.offers import Offer
from brender.core import occurrences
from brender.errors import Invalid, InvalidParams, Unsupported
from brender.wire.words import split

MOST_PARAMS = 65_536  # bytes of JSON; they are written at each run
LATER = (Lookup, Wake)  # acts that need nobody who looks on
NOT_NOUNS = ("session", "rpc")
MAKERS = ("schedule.run_now", *(f"schedule.{kind}" for kind in occurrences.KINDS))


class NestedCommand(Kind):
    """A whole command, as it would stand alone; whatever follows its first word belongs to it."""

    wire = str | list[str]
    expects = "a command and its arguments, as they would stand alone"
    many = True
    rest = True
    required = True

    def claims(self, key: str) -> bool:
        return True

    def parse(self, call: Call, value: Any, others: Others) -> list[str]:
        if isinstance(value, list):
            return value
        try:
            return split(value)
        except ValueError as error:
            raise InvalidParams(f"{value[:80]!r} is no line of words: {error}.") from None

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        words = others.get("command") or []
        return completion.following(call, [words] if isinstance(words, str) else words, prefix)


def wanted(call: Call, command: list[str], method: str, params: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """The method and params of a command that could run now, for the one who asks. Raises what it is refused with."""
    if bool(command) == bool(method):
        raise InvalidParams(
            "A schedule runs one command: words, or in JSON a method with params.",
            hint="schedule once-after 10m job run shot-010",
        )
    row, read = call.table.resolve(command) if command else call.table.read(method, params)
    if row.noun in NOT_NOUNS or row.reads is not None or not row.spoken:
        raise Unsupported(f"{row.words} concerns only a session; no schedule runs it.")
    if row.name in MAKERS:
        raise Unsupported("A schedule neither makes nor runs schedules.", hint="Repeat it: schedule repeat-every 1h …")
    given = call.table.signature(row).given(read)
    if len(msgspec.json.encode(given)) > MOST_PARAMS:
        raise Invalid(
            f"The arguments of {row.words} are longer than {MOST_PARAMS} bytes.",
            hint="Make the job first and let the schedule run it: schedule cron … job run NAME",
        )
    found = call.table.run(call, row, read)
    if isinstance(found, Act) and not isinstance(found, LATER):
        raise Unsupported(f"{row.words} is for somebody who looks on; no schedule runs it.")
    return row.name, given
