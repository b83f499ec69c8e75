"""How a command line ends: the exit code of each ending, and its words on stderr. Every program of a person ends here.

The codes are a promise to scripts (docs/cli.md). It must not know commands.
"""

from __future__ import annotations

import json
import sys

from brender.errors import BrenderError, InvalidParams, NoMaster, UnknownCommand

DONE = 0
REFUSED = 1  # by the farm, or by the person at the question «go on?»
NOT_UNDERSTOOD = 2
NO_MASTER = 3
NOT_ALL_WELL = 4  # what was waited for has ended, and not every task is a success
LEFT = 130  # Ctrl-C; what was started goes on


def of(error: BrenderError) -> int:
    """The exit code for an error."""
    if isinstance(error, NoMaster):
        return NO_MASTER
    return NOT_UNDERSTOOD if isinstance(error, (UnknownCommand, InvalidParams)) else REFUSED


def tell(error: BrenderError, program: str, form: str) -> int:
    """Say an error: as a sentence on stderr, or in the form json or json-lines as a document. The exit code."""
    if form == "text":
        print(f"{program}: {error.sentence()}", file=sys.stderr)
    else:
        print(json.dumps({"error": error.envelope()}, indent=2 if form == "json" else None))
    return of(error)
