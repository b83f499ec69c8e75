"""`brender client`: composes the worker daemon from its command line and runs it. It decides nothing.

Slow imports come after the arguments are read, so that a mistake is answered at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from brender import address, options
from brender.config import PORT
from brender.errors import BrenderError, Invalid

if TYPE_CHECKING:
    from brender.worker.warm import Terms


def _own() -> dict[str, options.Setting]:
    """What only a worker is told; where its master and its folder are the environment may say (SP-58)."""
    text, place = options.TEXT, os.environ.get(address.MASTER_VARIABLE) or f"127.0.0.1:{PORT}"
    return {
        "master": options.Setting(text, "HOST:PORT", "where the master listens (%(default)s)", place),
        "data": options.Setting(text, "DIR", "own folder (%(default)s)", str(address.state_directory("client"))),
        "name": options.Setting(
            text, "NAME", "name on the farm, for several daemons on one machine (default: the hostname)", ""
        ),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT. 0: left in order; 1: could not start, with the reason on stderr."""
    try:
        _run(read(argv))
    except BrenderError as error:
        print(f"brender client: {error.sentence()}", file=sys.stderr)
        return 1
    return 0


def read(argv: Sequence[str] | None) -> argparse.Namespace:
    """What flags, file and defaults say, in this order. Raises Invalid for what could not work on any machine."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.config is not None:
        known = {key: one.kind for key, one in (_own() | options.WORKER).items()}
        parser.set_defaults(**options.read_file(given.config, known))
        given = parser.parse_args(argv)
    if given.slots is not None and not 0 <= given.slots <= 1024:
        raise Invalid(f"--slots {given.slots} is not between 0 and 1024.", hint="Leave it out for one per core.")
    if given.memory_floor is not None and given.memory_floor < 0:
        raise Invalid(f"--memory-floor {given.memory_floor} is less than nothing.", hint="0 keeps nothing free.")
    if given.channels not in ("all", "hosted", "none"):
        raise Invalid(f"--channels {given.channels} is not all, hosted or none.")
    if not 1 <= given.spool_warning <= given.spool_most:
        raise Invalid(
            f"--spool-warning {given.spool_warning} --spool-most {given.spool_most} cannot be.",
            hint="The farm is warned before anything is lost.",
        )
    address.master(given.master)
    warm_terms(given)
    return given


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _run(given: argparse.Namespace) -> None:
    from brender.daemon import frames, offer, probes, said
    from brender.daemon.daemon import Daemon, Options
    from brender.daemon.home import Home
    from brender.daemon.spool import Limits
    from brender.worker import memory
    from brender.worker.stall import Watched

    program = frames.find_program(given.blender or "")
    if given.blender and program is None:
        raise Invalid(f"--blender {given.blender} is no program.", hint="Give the path of Blender's executable.")
    openjd = offer.openjd(given.allow_openjd, _path(given.path_mapping))
    catalogue = offer.catalogue(_path(given.functions), _path(given.function_file), program is not None, openjd)
    options_ = Options(
        address.master(given.master),
        probes.cores() if given.slots is None else given.slots,
        given.name,
        warm_terms(given),
        tuple(given.tags),
        tuple(probes.find_gpus()) if given.gpus else (),
        Watched(inf if given.stalled_after is None else given.stalled_after, given.stop_stalled),
        memory.floor_of(probes.memory_mb()) if given.memory_floor is None else given.memory_floor,
        Limits(given.spool_warning, given.spool_most),
        given.channels,
        _path(given.channel_commands),
    )
    home = Home(Path(given.data))
    try:
        Daemon(home, options_, catalogue, program, said.keep(home.path / "said")).run()
    finally:
        home.close()


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
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings from a YAML file; flags win over it")
    options.add_flags(parser, _own())
    options.add_flags(parser, options.WORKER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
