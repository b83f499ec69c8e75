"""A typed line as words: quoting as in a shell, but JSON that stands unquoted stays whole.

People write `params={"blend": "/shots/010.blend"}` at a prompt, as the documents show it; a shell's rule would eat its
quotes. It must not know what the words mean.
"""

from __future__ import annotations

import re
import shlex
from json import JSONDecoder

_OPENING = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_-]*=)?(?=[{\[])")
_SPECIAL = re.compile(r"[^!#-&(-Z\]^-z|}~ ]")
_DECODER = JSONDecoder()
#: Each try may read to the end of the line.
MOST_TRIES = 16


def split(line: str) -> list[str]:
    """The words of a line. Raises ValueError when a quote is not closed."""
    if not _SPECIAL.search(line):  # nearly every line; shlex costs ten times as much
        return line.split()
    out: list[str] = []
    quote = ""
    fresh, tries, at = True, 0, 0
    while at < len(line):
        if fresh and tries < MOST_TRIES and (opening := _OPENING.match(line, at)):
            tries += 1
            end = _end_of_json(line, opening.end())
            if end:
                out.append(shlex.quote(line[at:end]))
                fresh, at = False, end
                continue
        char = line[at]
        step = 2 if char == "\\" and quote != "'" else 1
        if step == 1 and char in ("'", '"') and quote in ("", char):
            quote = "" if quote else char
        fresh = not quote and char.isspace()
        out.append(line[at : at + step])
        at += step
    return shlex.split("".join(out))


def _end_of_json(line: str, start: int) -> int:
    """Where the JSON object or list that starts here ends, if a word ends there as well; else 0."""
    try:
        _, end = _DECODER.raw_decode(line, start)
    except (ValueError, RecursionError):
        return 0
    return end if end == len(line) or line[end].isspace() else 0
