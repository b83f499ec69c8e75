"""The question before what takes something away from more than one thing: how many, which, and a yes that was meant.

Only keys pressed after the question count, so that what was typed ahead never says yes.
"""

from __future__ import annotations

from typing import Any

from brender.commands.layout import number, plain, wrap
from brender.console.seat import Seat
from brender.console.showing import keys_of
from brender.wire.screen import safe

MOST_NAMES = 5
YES = ("y", "Y")
NO = ("n", "N", "enter", "escape", "q", "c-c", "c-d", "c-j")


def worth_asking(touched: dict[str, Any]) -> bool:
    """Whether the master's `rpc.touches` names something that is taken from more than one thing."""
    return bool(touched["destructive"]) and int(touched["count"]) > 1


def question(command: str, touched: dict[str, Any], room: int) -> str:
    """`worker disable would touch 12 workers: a, b, c, d, e and 7 more. Do it? y or n `"""
    count, names = int(touched["count"]), [plain(str(name)) for name in touched["names"][:MOST_NAMES]]
    more = f" and {count - len(names)} more" if count > len(names) else ""
    said = f"{command} touches {number(count, plain(str(touched['noun'])))}: {', '.join(names)}{more}."
    return safe("\n".join(wrap(f"{said} Do it? y or n", room)), colour=False) + " "


async def sure(seat: Seat, text: str) -> bool:
    """Ask, and wait for y or n; anything else is not an answer."""
    with keys_of(seat) as keys:
        seat.write(text)
        while (key := await seat.unless_gone(keys.get())) not in (*YES, *NO):
            pass
    seat.write("yes\n" if key in YES else "no\n")
    return key in YES
