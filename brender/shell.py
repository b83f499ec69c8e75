"""`brender shell`: the prompt of the console on this terminal, for any farm that this machine can reach.

It composes the console's parts and decides nothing. A master that goes away is waited for. Exit codes: 0 left, 2 no
terminal or not understood, 3 no master.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from brender import address, endings
from brender.commandline.settings import master_of
from brender.errors import BrenderError, InvalidParams, NoMaster

if TYPE_CHECKING:
    from brender.api.link import Master
    from brender.console.glance import Glance
    from brender.console.talk import Talk

AGAIN = 2.0  # seconds between two looks for a master that is gone
NO_TERMINAL = "This is no terminal."


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="brender shell", description="A prompt of the farm on this terminal.")
    words.add_argument("--master", metavar="HOST:PORT", help="default: as brender config says")
    words.add_argument("--name", help="who you are to the farm; default: as brender config says")
    return words


def main(argv: Sequence[str] | None = None) -> int:
    """Serve this terminal until its operator leaves; returns the exit code."""
    given = parser().parse_args(argv)
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise InvalidParams(NO_TERMINAL, hint="In a script write: brender WORDS.")
        master = master_of(given.master)
        return asyncio.run(_serve(master, given.name or master.name))
    except BrenderError as error:
        return endings.tell(error, "brender shell", "text")


async def _serve(master: Master, name: str) -> int:
    """The session, and beside it the bar. Raises NoMaster when nobody answers at first."""
    from brender.api.link import HINT
    from brender.console.glance import NAME, WATCHED, Glance
    from brender.console.history import Histories
    from brender.console.seat import LocalSeat
    from brender.console.session import BANNER, Session
    from brender.console.talk import Talk
    from brender.console.upstream import Gone, Upstream, over_tcp

    host, port = address.master(master.address)

    async def dial() -> Upstream:
        return await over_tcp(host, port, name)

    try:
        upstream = await dial()
    except Gone as gone:
        raise NoMaster(f"No master answers at {master.in_errors}: {gone}.", hint=HINT) from None
    talk, glance = Talk(LocalSeat(), upstream, dial, _with_file), Glance()
    histories = Histories(address.state_directory("console") / "history")
    talk.quieted = glance.again
    with talk.hearing(f"{WATCHED} {NAME}", glance.hear):
        looking = asyncio.create_task(_look(talk, glance))
        await Session(talk, histories, glance, f"no master answers at {master.place}; it is tried again").run(BANNER)
        looking.cancel()
        await asyncio.wait([looking])
    return endings.DONE


async def _look(talk: Talk, glance: Glance) -> None:
    """Keep the farm at a glance, over the ends of masters."""
    from brender.console.upstream import Gone

    while True:
        await glance.follow(talk.upstream)
        await asyncio.sleep(AGAIN)
        with suppress(Gone, BrenderError):
            await talk.reach()


def _with_file(parameters: Sequence[Any], given: dict[str, Any]) -> dict[str, Any]:
    """The contents of a file in place of its name (-f); what is typed here is the prompt's, so `-` is none."""
    from brender.commandline.errand import with_file

    for parameter in parameters:
        if parameter.kind is not None and parameter.kind.file and given.get(parameter.name):
            if given[parameter.name] == "-":
                raise InvalidParams("- is this terminal, which the prompt reads itself.", hint="Name a file.")
            given[parameter.name] = os.path.expanduser(str(given[parameter.name]))  # no shell has seen the line
    return with_file(parameters, given)


if __name__ == "__main__":
    sys.exit(main())
