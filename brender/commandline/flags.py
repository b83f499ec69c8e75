"""The flags of `brender` itself, which may stand anywhere among the words of a command, and taking them out of there.

Everything else on the line belongs to the command and is read by its own grammar. It must not know any command.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct, field

from brender.commandline.settings import COLOURS, FORMS, Said
from brender.errors import InvalidParams


class Flag(NamedTuple):
    """`key` is what it sets; `place` stands for the word after it, else it sets `value`. `words` are that word's."""

    names: tuple[str, ...]
    key: str
    text: str
    place: str = ""
    value: str = "yes"
    words: tuple[str, ...] = ()


FLAGS = (
    Flag(("--master",), "master", "which farm to ask", "HOST:PORT"),
    Flag(("--as",), "name", "who you are to it", "NAME"),
    Flag(("--json",), "format", "the answer as one JSON document", value="json"),
    Flag(("--json-lines",), "format", "one line of JSON for each row or event", value="json-lines"),
    Flag(("--format",), "format", "text, json or json-lines", "FORM", words=FORMS),
    Flag(("--watch",), "watch", "show it, and again whenever it changes; Ctrl-C ends"),
    Flag(("--wait",), "wait", "with job run: until its run has ended"),
    Flag(("--yes",), "yes", "do not ask before things are taken away"),
    Flag(("--colour", "--color"), "colour", "auto, always or never", "WHEN", words=COLOURS),
    Flag(("--no-color", "--no-colour"), "colour", "plain text also at a terminal", value="never"),
)
BY_NAME = {name: flag for flag in FLAGS for name in flag.names}
SETTINGS = ("master", "name", "format", "colour")


class Given(Struct):
    """A command line cut in two: the flags of `brender` with the word that gave each, and the words of the command."""

    words: list[str]
    said: dict[str, Said] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.said

    @property
    def settings(self) -> dict[str, Said]:
        """What the flags say of the settings."""
        return {key: said for key, said in self.said.items() if key in SETTINGS}


def take(argv: Sequence[str]) -> Given:
    """Cut a command line; what stands after `--` is the command's. Raises InvalidParams for a flag without its word.

    Of two flags for one thing the later one holds.
    """
    given = Given([])
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            given.words += [word, *rest]
            break
        name, equals, value = word.partition("=")
        flag = BY_NAME.get(name)
        if flag is None or (equals and not flag.place):
            given.words.append(word)
        elif not flag.place:
            given.said[flag.key] = Said(flag.value, name)
        elif equals or (rest and rest[0] != "--"):
            given.said[flag.key] = Said(value if equals else rest.pop(0), name)
        else:
            raise InvalidParams(f"{name} needs a word after it.", hint=f"Write {name} {flag.place}.")
    return given
