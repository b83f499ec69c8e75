"""`brender notify`: composes the sender of letters from its command line and runs it. It decides nothing."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from brender import address
from brender.errors import BrenderError, Invalid


def main(argv: Sequence[str] | None = None) -> int:
    """Send letters until SIGTERM or SIGINT. 0: left in order; 1: could not start, with the reason on stderr."""
    given = parser().parse_args(argv)
    try:
        _run(given)
    except BrenderError as error:
        print(f"brender notify: {error.sentence()}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(
        prog="brender notify", description="Sends the farm's letters: mail, chat, or lines on this screen."
    )
    words.add_argument(
        "--credentials", type=Path, metavar="FILE", help="JSON with from, to, user, password, server, port"
    )
    words.add_argument("--master", metavar="HOST:PORT", default=os.environ.get(address.MASTER_VARIABLE, ""))
    words.add_argument("--console", action="store_true", help="print every line here, too; without FILE nothing else")
    return words


def _run(given: argparse.Namespace) -> None:
    from brender.notify import credentials
    from brender.notify.service import Service

    if given.credentials is None and not given.console:
        raise Invalid("There is no way out: no --credentials FILE and no --console.", hint="See docs/alarms.md.")
    if given.credentials is not None:
        credentials.read(given.credentials)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    service = Service(address.master(given.master), given.credentials, given.console, _say)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, service.stop)
    service.run()


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads; mail goes on


if __name__ == "__main__":
    sys.exit(main())
