"""The words of the command table as click groups: a group for each noun, a command for each verb, made when named.

The words after the verb go through the table's own grammar, as at the prompt. A word that this brender does not know
may be one of a newer master. It must not know how a command is carried out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import click

from brender.commandline import pages
from brender.commands.table import Row, Table
from brender.endings import DONE
from brender.errors import UnknownCommand

HELP = ("--help", "-h", "?")
Say = Callable[[Table, Row, list[str]], int]
Resolved = tuple[str | None, click.Command | None, list[str]]


class Vocabulary:
    """What the groups are made of: the table, who carries a command out, where the words of a newer master are had.

    `newer` is asked once at the most, and may have nothing. `programs` are words of no table, with what they are. With
    `as_data` a page is the farm's own answer to `help`.
    """

    def __init__(
        self,
        table: Table,
        say: Say,
        newer: Callable[[], Table | None],
        programs: Sequence[pages.Pair] = (),
        as_data: bool = False,
    ) -> None:
        self.table, self.say, self.programs, self.as_data = table, say, programs, as_data
        self._newer = newer

    def of(self, words: Sequence[str]) -> Table:
        """The table that has a command of these words. Raises UnknownCommand: ours, with the nearest of our words."""
        try:
            _check(self.table, words)
            return self.table
        except UnknownCommand as error:
            found = self._newer()
            try:
                if found is not None:
                    _check(found, words)
                    return found
            except UnknownCommand:
                pass
            raise error from None

    def programs_of(self, noun: str) -> list[pages.Pair]:
        """The verbs of a noun that are programs of their own."""
        return [(name.split()[1], text) for name, text in self.programs if name.startswith(f"{noun} ")]


def _check(table: Table, words: Sequence[str]) -> None:
    noun, words = table.noun(words)
    if not table.verbs(noun) or (len(words) > 1 and words[1] not in HELP):
        table.split(words)


class _Page(ABC):
    """What root, nouns and verbs share: each has a page, shown when help is asked for."""

    vocabulary: Vocabulary
    words: list[str]

    @abstractmethod
    def text(self) -> str:
        """The page."""

    def show(self) -> int:
        if self.vocabulary.as_data:
            table = self.vocabulary.table
            return self.vocabulary.say(table, table.rows["rpc.help"], self.words)
        print(self.text().rstrip("\n"))
        return DONE

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(self.text())


class _Group(_Page, click.Group):
    """A group shows its page when no word follows."""

    def __init__(self, name: str, vocabulary: Vocabulary, words: list[str]) -> None:
        self.vocabulary, self.words = vocabulary, words
        settings = {"ignore_unknown_options": True}
        super().__init__(
            name, callback=self._alone, invoke_without_command=True, add_help_option=False, context_settings=settings
        )

    def _alone(self) -> int:
        return self.show() if click.get_current_context().invoked_subcommand is None else DONE

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Resolved:
        if args[0] in HELP:
            return args[0], click.Command(args[0], callback=self.show), []
        return self.found(args)

    @abstractmethod
    def found(self, args: list[str]) -> Resolved:
        """What these words name, and the words that are left for it."""


class Root(_Group):
    """`brender`: nouns, short words and dotted names."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__("brender", vocabulary, [])

    def text(self) -> str:
        return pages.root(self.vocabulary.table, self.vocabulary.programs)

    def found(self, args: list[str]) -> Resolved:
        table = self.vocabulary.of(args)
        first, words = table.noun(args)
        if table.verbs(first):
            return first, Noun(self.vocabulary, table, first), list(words[1:])
        row, rest = table.split(args)
        return row.words, Verb(self.vocabulary, table, row), rest

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self.vocabulary.table.nouns()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        table = self.vocabulary.table
        return Noun(self.vocabulary, table, cmd_name) if table.verbs(cmd_name) else None


class Noun(_Group):
    """`brender worker`: its verbs."""

    def __init__(self, vocabulary: Vocabulary, table: Table, name: str) -> None:
        super().__init__(name, vocabulary, [name])
        self.table = table

    def text(self) -> str:
        return pages.noun(self.table, self.words[0], self.vocabulary.programs_of(self.words[0]))

    def found(self, args: list[str]) -> Resolved:
        words = [*self.words, *args]
        table = self.vocabulary.of(words)
        row, rest = table.split(words)
        return row.words, Verb(self.vocabulary, table, row), rest

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [row.verb.replace("_", "-") for row in self.table.verbs(self.words[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = self.table.find(f"{self.words[0]}.{cmd_name}")
        return None if row is None else Verb(self.vocabulary, self.table, row)


class Verb(_Page, click.Command):
    """`brender worker list`: the words after it are read by the table's grammar, not by click's."""

    def __init__(self, vocabulary: Vocabulary, table: Table, row: Row) -> None:
        self.vocabulary, self.table, self.row, self.words = vocabulary, table, row, row.words.split()
        super().__init__(row.words, add_help_option=False)

    def text(self) -> str:
        return pages.command(self.table, self.row)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return ctx.args

    def invoke(self, ctx: click.Context) -> int:
        if ctx.args and (ctx.args[-1] in HELP or "--help" in ctx.args[:1]):
            return self.show()
        return self.vocabulary.say(self.table, self.row, ctx.args)
