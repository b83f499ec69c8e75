"""The table of commands as a thing one can ask: which row do these words or this method mean, and run it.

It holds what it is given and registers nothing; the literal rows stand in commands/__init__.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from brender.commands.calls import ANYBODY, MACHINE, Call, check, may
from brender.commands.grammar import Signature, report_signature, signature_of
from brender.errors import UnknownCommand, nearest

_SOURCES = re.compile(r" \((?:[A-Z]{2}-\d+(?:, )?)+\)")


class Row(Struct, frozen=True):
    """One command: `name` is noun.verb, `run` its function, `role` the least role that may call it.

    `example` is a line that works in telnet. `reads` is the Struct of a machine's report, which `run` makes an event
    of, given the session. `spoken` is False for what no person types; `silent` for what is done but not answered.
    `selects`: the project in its answer becomes the current one of the session (SP-19, SP-20, SP-23).
    `destructive`: it takes away or ends what people may want back, so a program asks before it does that to more than
    one thing; `destructive_with` names the flag without which it does not.
    `watched`: its answer depends on the farm alone and can be had again and again; a change only of what is named in
    `moving` is none. `usage` stands for what the signature would say to people.
    """

    name: str
    run: Callable[..., Any]
    role: str
    example: str = ""
    reads: type[Struct] | None = None
    spoken: bool = True
    silent: bool = False
    selects: bool = False
    machines: bool = False  # whether machines may call it, too
    destructive: bool = False
    destructive_with: str = ""
    watched: bool = False
    moving: tuple[str, ...] = ()
    usage: str = ""

    @property
    def noun(self) -> str:
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.name.partition(".")[2]

    @property
    def words(self) -> str:
        """The command as a person writes it; a noun may have two words."""
        return f"{self.noun.replace('_', ' ')} {self.verb.replace('_', '-')}"

    def check(self, role: str) -> None:
        """Raise Unauthorised or Forbidden unless a session of this role may call it."""
        if not (self.machines and role == MACHINE):
            check(role, self.role, self.words)

    @property
    def changes(self) -> bool:
        """Whether it may change the farm. Viewers may call whatever does not, so a broken question can be repeated."""
        return self.role not in ("viewer", ANYBODY)

    @property
    def text(self) -> str:
        """What the command is for: its docstring, without the numbers of requirements, which are for tests."""
        told = _SOURCES.sub("", self.run.__doc__ or "")
        lines = [line.strip() for line in told.strip().splitlines()]
        return "\n\n".join(" ".join(part.split("\n")) for part in "\n".join(lines).split("\n\n"))

    @property
    def summary(self) -> str:
        """The first line of the text."""
        return self.text.partition("\n")[0]


class Table:
    """All commands, by name and alias. `aliases` maps a seed's or shorter name to the row's name.

    `signatures` are those of rows whose functions do not tell them.
    """

    def __init__(
        self, rows: Sequence[Row], aliases: Mapping[str, str], signatures: Mapping[str, Signature] | None = None
    ) -> None:
        self.rows = {row.name: row for row in rows}
        self.aliases = dict(aliases)
        self._signatures: dict[str, Signature] = dict(signatures or {})

    def signature(self, row: Row) -> Signature:
        """The grammar of a row, made when first asked for."""
        found = self._signatures.get(row.name)
        if found is None:
            found = signature_of(row.name, row.run) if row.reads is None else report_signature(row.name, row.reads)
            self._signatures[row.name] = found
        return found

    def nouns(self) -> list[str]:
        """The first words people may use, in the order of the table."""
        return list(dict.fromkeys(row.noun for row in self.rows.values() if row.spoken))

    def verbs(self, noun: str) -> list[Row]:
        """The commands of a noun that people may use."""
        return [row for row in self.rows.values() if row.noun == noun and row.spoken]

    def aliases_of(self, row: Row) -> list[str]:
        """The other names of a row."""
        return [alias for alias, name in self.aliases.items() if name == row.name]

    def find(self, name: str) -> Row | None:
        """The row of a name or alias; `-` and `_` are the same, case is not looked at."""
        name = name.lower().replace("-", "_")
        return self.rows.get(name) or self.rows.get(self.aliases.get(name, ""))

    def method(self, name: str) -> Row:
        """The row of a JSON-RPC method. Raises UnknownCommand with the nearest names."""
        row = self.find(name)
        if row is None:
            known = [*self.rows, *self.aliases]
            raise UnknownCommand(
                f"There is no method {name[:80]!r}.", hint=nearest(name[:80], known) or "Call rpc.discover."
            )
        return row

    def split(self, words: Sequence[str]) -> tuple[Row, list[str]]:
        """The row the first words name, and the words after them. Raises UnknownCommand."""
        if not words:
            raise UnknownCommand("There is no command.", hint="Type help.")
        first, words = self.noun(words)
        if len(words) > 1:
            row = self.find(f"{first}.{words[1]}") if "." not in first else None
            if row is not None and row.spoken:
                return row, list(words[2:])
        row = self.find(first)
        if row is not None and row.spoken:
            return row, list(words[1:])
        raise self._unknown(first, words[1:])

    def noun(self, words: Sequence[str]) -> tuple[str, Sequence[str]]:
        """The noun that the words begin with, as one word, and the words with it as one."""
        if len(words) > 1:
            both = f"{words[0]}_{words[1]}".lower().replace("-", "_")
            if self.verbs(both):
                return both, [both, *words[2:]]
        return words[0].lower().replace("-", "_"), words

    def _unknown(self, first: str, rest: Sequence[str]) -> UnknownCommand:
        verbs = {row.verb.replace("_", "-"): row for row in self.verbs(first)}
        noun = first.replace("_", " ")
        if verbs and rest:
            second = rest[0][:80]
            hint = nearest(second, verbs) or f"It has {', '.join(verbs)}."
            return UnknownCommand(f"{noun} has no verb {second!r}.", hint=hint)
        if verbs:
            return UnknownCommand(f"{noun} needs a verb.", hint=f"It has {', '.join(verbs)}. Type help {noun}.")
        known = [*self.nouns(), *(alias for alias in self.aliases if "." not in alias)]
        return UnknownCommand(f"There is no command {first[:80]!r}.", hint=nearest(first[:80], known) or "Type help.")

    def resolve(self, words: Sequence[str]) -> tuple[Row, Struct]:
        """The row and its wire params from the words of a prompt. Raises UnknownCommand or InvalidParams."""
        if words and words[-1] in ("--help", "-h", "?"):
            return self._help(words[:-1])
        watched = self.after_watch(words)
        if watched is not None:
            return self._watch(watched)
        noun, rest = self.noun(words) if words else ("", words)
        if len(rest) == 1 and self.find(noun) is None and self.verbs(noun):
            return self._help([noun])
        row, rest = self.split(words)
        return row, self.signature(row).read_words(rest)

    def after_watch(self, words: Sequence[str]) -> Sequence[str] | None:
        """The words after `watch`, however it is written; None for another command."""
        watch = self.rows.get("rpc.watch")
        for count in (1, 2):
            if watch is not None and len(words) >= count and self.find(".".join(words[:count])) is watch:
                return words[count:]
        return None

    def names_command(self, word: str) -> bool:
        """Whether people may begin a command with this word."""
        row = self.find(word) if "." not in word else None
        return (row is not None and row.spoken) or bool(self.verbs(word.lower()))

    def _watch(self, words: Sequence[str]) -> tuple[Row, Struct]:
        """`watch` before a reading command, or before a job: a word that is a noun or such a command is no job."""
        row = self.rows["rpc.watch"]
        if not words:
            raise self.signature(row).refuse("watch needs a list or a job.", "watch worker list, or watch JOB.")
        words = self.noun(words)[1]
        if len(words) == 1 and self.find(f"{words[0]}.list") is not None:
            words = [words[0], "list"]
        able = self.find(words[0])
        if not self.verbs(words[0].lower()) and (able is None or (not able.watched and len(words) == 1)):
            job = self.rows["job.watch"]
            return job, self.signature(job).read_words(words)
        inner, rest = self.split(words)
        signature = self.signature(inner)
        given = signature.given(signature.read_words(rest))
        return row, self.signature(row).read({"method": inner.name, "params": given})

    def _help(self, words: Sequence[str]) -> tuple[Row, Struct]:
        row = self.rows["rpc.help"]
        asked = self.noun(words)[1] if words else words
        return row, self.signature(row).read_words(["--", *asked[:2]])

    def read(self, name: str, params: Any) -> tuple[Row, Struct]:
        """The row and its wire params from a JSON-RPC method and params. Raises UnknownCommand or InvalidParams."""
        row = self.method(name)
        return row, self.signature(row).read(params)

    def run(self, call: Call, row: Row, params: Struct) -> Any:
        """Data, an event or an act. Raises Forbidden, Unauthorised and whatever the command refuses with."""
        row.check(call.who.role)
        if row.reads is not None:
            return row.run(call.who.session, params)
        return row.run(call, **self.signature(row).arguments(call, params))

    def allowed(self, role: str) -> list[Row]:
        """The commands a role may call, in the order of the table."""
        return [row for row in self.rows.values() if row.spoken and may(role, row.role)]
