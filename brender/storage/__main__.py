"""`brender storage`: readings without a farm, for whoever wants only to keep and ask for them. It only composes.

Exit codes: 0 stopped, 2 usage, 78 refused (another program on the directory, an address that is not this machine's).
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from brender import address, options
from brender.errors import BrenderError
from brender.storage import Storage
from brender.storage.storage import PORT

EXIT_REFUSED = 78


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(
        prog="brender storage", description="Keep readings and answer questions about them."
    )
    words.add_argument("--listen", default=f"127.0.0.1:{PORT}", metavar="HOST:PORT", help="%(default)s")
    words.add_argument("--data", type=Path, default=None, metavar="DIR", help="where the readings live")
    options.add_flags(words, options.READINGS)
    return words


def main(argv: Sequence[str] | None = None) -> int:
    """Keep readings in this process until it is stopped; returns the exit code."""
    given = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        data = given.data or address.state_directory("storage")
        Storage(data, given.listen, given.database, options.terms(vars(given))).start()
    except BrenderError as error:
        print(f"brender storage: {error.sentence()}", file=sys.stderr)
        return EXIT_REFUSED
    except OSError as error:
        print(f"brender storage: cannot listen on {given.listen} or use its data directory: {error}", file=sys.stderr)
        return EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
