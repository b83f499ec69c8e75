"""`brender client`: composes the worker daemon from its command line and runs it. It decides nothing.

Slow imports come after the arguments are read, so that a mistake is answered at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from brender.config import PORT
from brender.errors import BrenderError, Invalid

if TYPE_CHECKING:
    from brender.worker.warm import Terms


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT. 0: left in order; 1: could not start, with the reason on stderr."""
    given = _parser().parse_args(argv)
    try:
        _run(given)
    except BrenderError as error:
        print(f"brender client: {error.sentence()}", file=sys.stderr)
        return 1
    return 0


def _run(given: argparse.Namespace) -> None:
    from brender.daemon import frames, offer, probes
    from brender.daemon.daemon import Daemon, Options
    from brender.daemon.home import Home

    slots = probes.cores() if given.slots is None else given.slots
    options = Options(address(given.master), slots, given.name, warm_terms(given))
    if not 0 <= options.slots <= 1024:
        raise Invalid(f"--slots {options.slots} is not between 0 and 1024.", hint="Leave it out for one per core.")
    program = frames.find_program(given.blender)
    if given.blender and program is None:
        raise Invalid(f"--blender {given.blender} is no program.", hint="Give the path of Blender's executable.")
    catalogue = offer.catalogue(given.functions, given.function_file, program is not None)
    home = Home(given.data)
    try:
        Daemon(home, options, catalogue, program).run()
    finally:
        home.close()


def address(text: str) -> tuple[str, int]:
    """`HOST`, `HOST:PORT` or `[V6]:PORT`; Invalid for anything else."""
    host, _, port = text.rpartition(":") if ":" in text.partition("]")[2] or text.count(":") == 1 else (text, "", "")
    host = host.strip("[]") or "127.0.0.1"
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise Invalid(f"--master {text!r}: {port!r} is no port.", hint=f"Write HOST:{PORT}.")
    return host, int(port or PORT)


def warm_terms(given: argparse.Namespace) -> Terms | None:
    """The limits of a Blender that stays open; None when every task is to have a process of its own."""
    if given.cold or os.environ.get("BRENDER_WARM", "").lower() in ("off", "0", "no"):
        return None
    from brender.worker.warm import Terms

    terms = Terms(given.warm_frames, given.warm_growth, idle_s=given.warm_idle)
    if terms.frames < 1 or not terms.growth >= 1 or not 0 <= terms.idle_s <= 86400:
        raise Invalid(
            f"--warm-frames {terms.frames} --warm-growth {terms.growth:g} --warm-idle {terms.idle_s:g} cannot be.",
            hint="At least 1 frame, a growth of 1 or more, 0 to 86400 seconds; --cold keeps no Blender open.",
        )
    return terms


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="brender client", description="The worker daemon: one per machine, it runs the farm's tasks."
    )
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    add = parser.add_argument
    add(
        "--master",
        default=f"127.0.0.1:{PORT}",
        metavar="HOST:PORT",
        help="where the master listens (%(default)s)",
    )
    add(
        "--data",
        type=Path,
        default=Path(state, "brender", "client"),
        metavar="DIR",
        help="own folder (%(default)s)",
    )
    add("--slots", type=int, metavar="N", help="tasks at a time (default: one per core)")
    add(
        "--name",
        default="",
        help="name on the farm, for several daemons on one machine (default: the hostname)",
    )
    add("--functions", type=Path, metavar="DIR", help="programs that tasks may run (default: the samples)")
    add("--function-file", type=Path, metavar="FILE", help="functions with typed parameters, TOML or YAML")
    add("--cold", action="store_true", help="a Blender process for every task (also by BRENDER_WARM=off)")
    add("--warm-frames", type=int, default=200, metavar="N", help="frames of one open Blender (%(default)s)")
    add("--warm-idle", type=float, default=60.0, metavar="S", help="seconds it waits for more (%(default)g)")
    add("--warm-growth", type=float, default=1.5, metavar="X", help="of its memory, then it is renewed (%(default)g)")
    add("--blender", default="", metavar="PATH", help="Blender's executable (default: the one on PATH)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
