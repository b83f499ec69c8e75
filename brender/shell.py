"""`brender shell`: the prompt of the console on this terminal, for a master anywhere this machine can reach.

It composes the console's parts and decides nothing. A master that goes away is waited for. Exit codes: 0 left, 2 usage
or no terminal, 3 no master.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brender import address
from brender.errors import BrenderError, InvalidParams

AGAIN = 2.0  # seconds between two looks for a master that is gone


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="brender shell", description="A prompt of the farm on this terminal.")
    words.add_argument("--master", default=os.environ.get(address.MASTER_VARIABLE, ""), metavar="HOST:PORT")
    words.add_argument("--name", default=_login(), help="who you are; default: your login name")
    return words


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user here, as in a container
        return ""


def main(argv: list[str] | None = None) -> int:
    """Serve this terminal until its operator leaves; returns the exit code."""
    options = parser().parse_args(argv)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("brender shell: this is no terminal. In a script write: brender WORDS", file=sys.stderr)
        return 2
    try:
        host, port = address.parse(options.master)
    except BrenderError as error:
        print(f"brender shell: {error.sentence()}", file=sys.stderr)
        return 2
    return asyncio.run(_serve(host, port, options.name))


async def _serve(host: str, port: int, name: str) -> int:
    from brender.console.glance import NAME, WATCHED, Glance
    from brender.console.history import Histories
    from brender.console.seat import LocalSeat
    from brender.console.session import BANNER, Session
    from brender.console.talk import Talk
    from brender.console.upstream import Gone, Upstream, over_tcp

    async def dial() -> Upstream:
        return await over_tcp(host, port, name)

    place = address.in_words(host, port)
    try:
        upstream = await dial()
    except (Gone, BrenderError) as error:
        hint = "Start one (brender master, or brender up), or name another: --master HOST:PORT or BRENDER_MASTER."
        print(f"brender: No master answers at {place}: {error}. {hint}", file=sys.stderr)
        return 3
    talk, glance = Talk(LocalSeat(), upstream, dial, _with_file), Glance()
    histories = Histories(address.state_directory("console") / "history")
    talk.quieted = glance.again
    with talk.hearing(f"{WATCHED} {NAME}", glance.hear):
        looking = asyncio.create_task(_look(talk, glance))
        await Session(talk, histories, glance, f"no master answers at {place}; it is tried again").run(BANNER)
        looking.cancel()
        await asyncio.wait([looking])
    return 0


async def _look(talk: Any, glance: Any) -> None:
    """Keep the farm at a glance, over the ends of masters."""
    from brender.console.upstream import Gone

    while True:
        await glance.follow(talk.upstream)
        await asyncio.sleep(AGAIN)
        try:
            await talk.reach()
        except (Gone, BrenderError):
            continue


def _with_file(parameters: Sequence[Any], given: dict[str, Any]) -> dict[str, Any]:
    """The contents of a file in place of its name (-f): it is read here, where the person is."""
    for parameter in parameters:
        if parameter.kind is not None and parameter.kind.file and given.get(parameter.name):
            path = Path(str(given.pop(parameter.name))).expanduser()
            if "json" in given:
                raise InvalidParams("-j and -f are two sources of one JSON text.", hint="Give one of them.")
            try:
                given["json"] = path.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError, ValueError) as error:
                raise InvalidParams(f"{path} cannot be read: {error}.") from None
    return given


if __name__ == "__main__":
    sys.exit(main())
