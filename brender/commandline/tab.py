"""What Tab may put into a command line of a shell: words of programs, flags, and what the master offers for its names.

The master is asked with little patience; without one the words that need no farm are offered all the same. It must not
know how a shell shows them.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from brender.caller import conversation
from brender.commandline import flags, settings
from brender.commandline.pages import flags_of
from brender.commandline.programs import ALL
from brender.commands import COMMANDS
from brender.commands.calls import Call, Who
from brender.commands.completion import complete
from brender.core.farm import Farm
from brender.errors import BrenderError, UnknownCommand

CONNECT_SECONDS = 0.3
ANSWER_SECONDS = 1.0
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


class Offer(NamedTuple):
    """A whole word, unquoted, and what it is."""

    text: str
    about: str = ""


class Tab(NamedTuple):
    """What is offered for the word `typed` (as far as it stands there, with its quotes), or that it names a file."""

    typed: str
    offers: list[Offer]
    files: bool = False


def tab(line: str) -> Tab:
    """What may follow a shell's line up to the cursor, its first word the program."""
    start = complete(_nobody(), line, len(line)).start
    typed = line[start:]
    try:
        before = shlex.split(line[:start])[1:]
    except ValueError:
        return Tab(typed, [])
    last = flags.BY_NAME.get(before[-1]) if before else None
    if last is not None and last.place and "--" not in before:
        return Tab(typed, _starting(typed, [Offer(word) for word in last.words]))
    given = flags.take(before)
    words = given.words
    for name, (module, _) in ALL.items():
        if " ".join(words[: name.count(" ") + 1]) == name:
            return _of_program(module, name, words, typed)
    if _is_file(words, typed):
        return Tab(typed, [], files=True)
    offers = _next_words(words)
    own = _starting(typed, [*offers, *_flags(words, given)] if typed.startswith("-") else offers)
    return Tab(typed, [*own, *_of_farm(f"{shlex.join(words)} {typed}".lstrip(), typed, given)])


def _next_words(words: Sequence[str]) -> list[Offer]:
    """The next words of programs whose first words these are."""
    found = [(name.split(), about) for name, (_, about) in ALL.items()]
    return [Offer(name[-1], about) for name, about in found if name[:-1] == list(words)]


def _starting(typed: str, offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in offers if offer.text.startswith(typed)]


def _flags(words: Sequence[str], given: flags.Given) -> list[Offer]:
    """Our own flags, those that have a meaning with the command and are not there yet."""
    try:
        fitting = flags_of(COMMANDS.split(words)[0])
    except UnknownCommand:
        fitting = list(flags.FLAGS)
    return [Offer(name, flag.text) for flag in fitting if flag.key not in given for name in flag.names[:1]]


def _of_program(module: str, name: str, words: Sequence[str], typed: str) -> Tab:
    """The options that its --help names; everything else of a program is a file, for all that is known here."""
    if name == "completion":
        return Tab(typed, _starting(typed, map(Offer, ("bash", "zsh", "fish"))))
    if not typed.startswith("-"):
        return Tab(typed, [], files=True)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        importlib.import_module(module).main([*name.split()[1:], "--help"])
    options = dict.fromkeys(_OPTION.findall(said.getvalue()))
    return Tab(typed, _starting(typed, map(Offer, options)))


def _is_file(words: Sequence[str], typed: str) -> bool:
    """Whether the word is the name of a file here: after the letter, or the key, of a parameter that names one."""
    try:
        row, rest = COMMANDS.split(words)
    except UnknownCommand:
        return False
    signature = COMMANDS.signature(row)
    last = rest[-1] if rest else ""
    by_letter = signature.by_short.get(last[1:]) if last.startswith("-") else None
    found = by_letter or signature.by_name.get(typed.partition("=")[0] if "=" in typed else "")
    return found is not None and found.kind is not None and found.kind.file


def _of_farm(line: str, typed: str, given: flags.Given) -> list[Offer]:
    """What the master offers for a line of its prompt, or our own table without it."""
    try:
        master = settings.read(given.settings).master
        asked = {"line": line, "cursor": len(line)}
        answer = next(conversation(master, "rpc.complete", asked, ANSWER_SECONDS, CONNECT_SECONDS))
        start, items = answer["start"], [Offer(item["text"], item["about"]) for item in answer["items"]]
    except (BrenderError, KeyError, TypeError):
        found = complete(_nobody(), line, len(line))
        start, items = found.start, [Offer(item.text, item.about) for item in found.items]
    if start != len(line) - len(typed):
        return []
    return [Offer(_unquoted(text), about) for text, about in items]


def _unquoted(text: str) -> str:
    try:
        return " ".join(shlex.split(text))
    except ValueError:
        return text


def _nobody() -> Call:
    """A caller of an empty farm, who may know all words."""
    return Call(farm=Farm(), who=Who(role="admin"), table=COMMANDS)
