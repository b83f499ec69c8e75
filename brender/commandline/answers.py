"""An answer of the farm in the form that was asked for: sentences and tables, one JSON document, or a line for a row.

It must not know how the answer was had, nor what the settings came from.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any

from msgspec import Struct

# Where the rows of an answer are, unless it is under the plural of its noun.
ROWS = {"task.history": "attempts", "worker.history": "attempts", "job.history": "runs"}


class Shown(Struct, frozen=True):
    """How answers are shown: `form` is text, json or json-lines, `colour` auto, always or never."""

    form: str = "text"
    colour: str = "auto"

    def show(self, method: str, data: Any, stream: IO[str] | None = None, asked: Sequence[str] = ()) -> None:
        """Print one answer; `asked` are the words it was asked with, which a list that goes on says again."""
        stream = stream or sys.stdout
        if self.form == "json":
            print(json.dumps(data, indent=2, default=str), file=stream)
        elif self.form == "json-lines":
            for row in rows(method, data):
                print(line(row), file=stream)
        else:
            self.put(text_lines(method, data, asked), stream)

    def put(self, lines: list[str], stream: IO[str]) -> None:
        """Print lines that fit the window."""
        if self.in_colour(stream):
            from brender.commandline import colours

            colours.write(lines, stream, window()[0])
        else:
            print("\n".join(lines), file=stream)

    def in_colour(self, stream: IO[str]) -> bool:
        """Whether this stream gets colour."""
        if self.colour == "auto":
            return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        return self.colour == "always"

    def tell(self, event: dict[str, Any]) -> None:
        """Print an event of the farm at once."""
        from brender.commands.layout import plain

        if self.form == "text":
            said = f"{event['seq']}  {plain(event['topic'])}  {plain(event['data'])}"
        else:
            said = line(event)
        print(said, flush=True)


def window() -> tuple[int, int]:
    """Columns and lines of the terminal; COLUMNS and LINES win, a pipe has 80 and 24."""
    size = shutil.get_terminal_size()
    return size.columns, size.lines


def text_lines(method: str, data: Any, asked: Sequence[str] = ()) -> list[str]:
    """What a person reads of an answer."""
    from brender.commands import text

    return text.lines(method, data, window()[0], asked)


def rows(method: str, data: Any) -> Iterator[Any]:
    """The rows of a list, one by one; an answer that is no list is its own only row."""
    found = data.get(rows_key(method)) if isinstance(data, dict) else None
    yield from found if isinstance(found, list) else (data,)


def rows_key(method: str) -> str:
    """Under which word of its answer a command has its rows, if it has any."""
    return ROWS.get(method, f"{method.partition('.')[0]}s")


def line(data: Any) -> str:
    """One JSON document in one line."""
    return json.dumps(data, default=str)
