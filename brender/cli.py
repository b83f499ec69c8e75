"""`brender`: starts the farm's programs, and says any command of the table to a master from a shell.

It composes: the words go to click groups made of the table, an errand asks the master, the answer is put in words here.
It decides nothing and keeps no list of commands. Exit codes: endings.py.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from functools import cache
from io import TextIOWrapper
from typing import TYPE_CHECKING

from brender import __version__, endings
from brender.commandline.programs import ALL, program
from brender.errors import BrenderError, InvalidParams

if TYPE_CHECKING:
    from brender.commandline import flags, settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no letter of a name ends an answer, whatever the locale
    try:
        name = program(words)
        if name:
            return int(importlib.import_module(ALL[name][0]).main(words[1:]) or 0)
        if words[:1] == ["--version"]:
            print(f"brender {__version__}")
            return endings.DONE
        return _say(words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has enough
        return endings.DONE
    except KeyboardInterrupt:
        return endings.LEFT


def _say(argv: list[str]) -> int:
    """Resolve the words, ask the master unless it is help, and print the answer."""
    from brender.commandline import flags, settings

    form = "json" if "--json" in argv else "json-lines" if "--json-lines" in argv else "text"
    try:
        given = flags.take(argv)
        name = program(given.words)
        if name:
            hint = f"Write brender {name} first, then its flags."
            raise InvalidParams(f"{name} is a program with flags of its own.", hint=hint)
        found = settings.read(given.settings)
        form = found["format"]
        return _errand(given, found)
    except BrenderError as error:
        return endings.tell(error, "brender", form)


def _errand(given: flags.Given, found: settings.Settings) -> int:
    from brender.commandline.errand import Errand, table_of_master
    from brender.commandline.groups import Root, Vocabulary
    from brender.commands import COMMANDS

    newer = cache(lambda: table_of_master(found.master))
    errand = Errand(given, found, newer)
    programs = [(name, text) for name, (_, text) in ALL.items()]
    root = Root(Vocabulary(COMMANDS, errand.say, newer, programs, found["format"] != "text"))
    # Not root.main, which has endings of its own: it makes another error of Ctrl-C, and of a closed pipe a failure.
    with root.make_context("brender", given.words) as context:
        return int(root.invoke(context))


if __name__ == "__main__":
    sys.exit(main())
