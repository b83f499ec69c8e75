"""`brender config`: which settings hold here, who says so, and the file they may stand in. It asks no master."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from brender import endings
from brender.commandline import flags, settings
from brender.commandline.answers import Shown, window
from brender.commands.layout import Column, columns, wrap
from brender.errors import BrenderError, InvalidParams

HELP = """Usage: brender config [flags]

Which settings hold here, and who says so: a flag, the environment, the file, or
the default, in this order.

  setting  environment     values
{rows}

The file is {path}
(BRENDER_CONFIG names another), YAML such as:

  master: 127.0.0.1:6001
  format: text

Flags: {flags}
"""
SPEC = (
    Column("setting", "name"),
    Column("value", "value", shrinks=True, least=12),
    Column("from", "from", shrinks=True, least=12),
)


def main(argv: Sequence[str]) -> int:
    """Print the settings; 2 where one cannot be, with who says so."""
    form = "text"
    try:
        given = flags.take(argv)
        if set(given.words) & {"-h", "--help"}:
            print(_help().rstrip())
            return endings.DONE
        if given.words:
            raise InvalidParams(
                f"brender config takes no words, not {given.words[0]!r}.", hint="See brender config --help."
            )
        found = settings.read(given.settings)
        form = found["format"]
        _show(found)
        return endings.DONE
    except BrenderError as error:
        return endings.tell(error, "brender config", form)


def _show(found: settings.Settings) -> None:
    rows = [{"name": key, "value": said.value, "from": said.origin} for key, said in found.said.items()]
    there = found.path.is_file()
    document: dict[str, Any] = {"settings": rows, "file": str(found.path), "there": there}
    shown = Shown(found["format"], found["colour"])
    if shown.form != "text":
        shown.show("setting.list", document)
        return
    room = window()[0]
    said = f"The file is {found.path}{'' if there else ', which is not there'}. More: brender config --help"
    shown.put([*columns(SPEC, rows, room), *wrap(said, room)], sys.stdout)


def _help() -> str:
    rows = "\n".join(f"  {key:8} {one.variable:15} {one.text}" for key, one in settings.KNOWN.items())
    names = (name for flag in flags.FLAGS if flag.key in flags.SETTINGS for name in flag.names[:1])
    said = "\n".join(wrap(", ".join(names), 73, ""))
    return HELP.format(rows=rows, path=settings.file_path(os.environ), flags=said)
