"""`MailLoggerServer CREDENTIALS`: the seed's mail service in one word (RM-13).

A farm that runs on this machine gets a sender of letters with these credentials. Without one, a farm without workers is
started for as long as this program runs: its master keeps the lines and the schedule of the digests.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from brender import address, up
from brender.errors import BrenderError
from brender.notify import credentials, program


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    words = argparse.ArgumentParser(prog="MailLoggerServer", description="Mails the lines of MailLoggerClients.")
    words.add_argument("credentials", type=Path, help="JSON with from, to, user, password, server, port; mode 0600")
    words.add_argument("--master", metavar="HOST:PORT", default=os.environ.get(address.MASTER_VARIABLE, ""))
    words.add_argument("--data", metavar="DIR", help="where a farm of its own is kept")
    given = words.parse_args(argv)
    try:
        credentials.read(given.credentials)
        place = address.master(given.master)
    except BrenderError as error:
        print(f"MailLoggerServer: {error.sentence()}", file=sys.stderr)
        return 1
    where = address.in_words(*place)
    if _answers(place):
        return program.main(["--credentials", str(given.credentials), "--master", where])
    flags = ["--listen", where, "--workers", "0", "--credentials", str(given.credentials)]
    return up.main([*flags, *(["--data", given.data] if given.data else [])])


def _answers(place: tuple[str, int]) -> bool:
    try:
        socket.create_connection(place, 2.0).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
