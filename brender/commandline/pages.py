"""The pages of --help: of the whole, of a noun, of one command; each with an example and what to do next.

What they say comes from a command table, which may be a newer master's. It must not read words or ask anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from click import HelpFormatter

from brender.commandline.answers import window
from brender.commandline.flags import FLAGS, Flag
from brender.commands.discovery import NOUNS, page
from brender.commands.parameters import Parameter
from brender.commands.table import Row, Table

WIDEST = 100  # columns; longer lines are hard to read
MOST_NEXT = 4
# These show by themselves what comes.
FOLLOWS = ("job.watch", "channel.watch", "task.log", "worker.tail", "farm.subscribe")
Pair = tuple[str, str]
FIRST_STEPS: tuple[Pair, ...] = (
    ("brender up", "a farm on this machine: one master, one worker"),
    ("brender worker list --watch", "its machines, live"),
    ("brender render SCENE.blend", "render a scene, and end with the paths"),
    ("brender job run JOB --wait", "exit code 0 when every task is a success"),
    ("brender completion bash", "what makes Tab complete words and names"),
)
CODES: tuple[Pair, ...] = (
    ("0", "done"),
    ("1", "refused"),
    ("2", "not understood"),
    ("3", "no master"),
    ("4", "what was waited for has ended, but not every task is a success"),
    ("130", "left by Ctrl-C"),
)


def root(table: Table, programs: Sequence[Pair]) -> str:
    """The page of `brender` itself."""
    sheet = _sheet("brender", "NOUN VERB WORDS… [flags]   or   brender PROGRAM …")
    _paragraph(sheet, "A render farm you run from a prompt. The words of the prompt (telnet HOST 6000) work here, too.")
    nouns = [
        (noun.replace("_", " "), f"{NOUNS.get(noun, '')}: {_verbs(table, noun)}".lstrip(": ")) for noun in table.nouns()
    ]
    _list(sheet, "Nouns and their verbs", nouns)
    _list(sheet, "Programs", [(f"brender {name}", text) for name, text in programs])
    short = " ".join(sorted(alias for alias in table.aliases if "." not in alias and alias.isidentifier()))
    with sheet.section("Short words"):
        sheet.write_text(short)
    _list(sheet, "Flags, anywhere on the line", _flags(FLAGS))
    _list(sheet, "Exit codes", CODES)
    _list(sheet, "First steps", FIRST_STEPS)
    _paragraph(sheet, "More: brender NOUN --help, brender NOUN VERB --help.")
    return sheet.getvalue()


def noun(table: Table, name: str, programs: Sequence[Pair] = ()) -> str:
    """The page of a noun: its verbs, an example of each kind."""
    rows = table.verbs(name)
    said = name.replace("_", " ")
    sheet = _sheet(f"brender {said}", "VERB WORDS… [flags]")
    _paragraph(sheet, f"{said}: {NOUNS.get(name, 'words of this master')}")
    _list(sheet, "Verbs", [*((_verb(row), row.summary) for row in rows), *programs])
    examples = [f"brender {row.example}" for row in rows if row.example]
    _lines(sheet, "Examples", examples[:MOST_NEXT])
    first = rows[0]
    _paragraph(sheet, f"Next: brender {first.words} --help tells all of one; brender {first.words} does it.")
    return sheet.getvalue()


def command(table: Table, row: Row) -> str:
    """The page of one command."""
    told = page(table, row)
    sheet = _sheet("brender", f"{told['usage']} [flags]")
    for part in row.text.split("\n\n"):
        _paragraph(sheet, part)
    words = [(_written(one), _meaning(one)) for one in table.signature(row).parameters]
    _list(sheet, "Words", words)
    _lines(sheet, "Example", [f"brender {row.example}"] if row.example else [])
    _list(sheet, "Flags", _flags(flags_of(row)))
    _list(sheet, "Next", _next(table, row))
    also = [f"brender {alias.replace('_', '-')}" for alias in told["aliases"]]
    said = f"Also: {', '.join(also)}. " if also else ""
    _paragraph(sheet, f"{said}Role: {told['role']}.")
    return sheet.getvalue()


def flags_of(row: Row) -> list[Flag]:
    """The flags that have a meaning with a command."""
    without = set() if row.watched else {"watch"}
    without |= set() if row.destructive else {"yes"}
    without |= set() if row.name == "job.run" else {"wait"}
    return [flag for flag in FLAGS if flag.key not in without]


def _next(table: Table, row: Row) -> list[Pair]:
    """The other commands of the noun, those first that come after this one in the table."""
    rows = [one for one in table.verbs(row.noun) if one.example]
    at = next((number for number, one in enumerate(rows) if one.name == row.name), -1)
    after = (rows[at + 1 :] + rows[: max(at, 0)])[:MOST_NEXT]
    return [(f"brender {one.example}", one.summary.partition(". ")[0].rstrip(".")) for one in after]


def _verb(row: Row) -> str:
    return row.verb.replace("_", "-")


def _verbs(table: Table, name: str) -> str:
    return ", ".join(_verb(row) for row in table.verbs(name))


def _written(one: Parameter) -> str:
    """How a parameter is written: `workers`, `limit=`, `--run`, or with its letter first."""
    if one.loose:
        return "key=value"
    name = one.name if one.positional else f"--{one.name.replace('_', '-')}" if one.flag else f"{one.name}="
    return f"-{one.short}, {name}" if one.short else name


def _meaning(one: Parameter) -> str:
    if not one.text or one.flag or one.text == one.expects:
        return one.text or one.expects
    return f"{one.text} ({one.expects})"


def _flags(flags: Iterable[Flag]) -> list[Pair]:
    return [(", ".join(flag.names) + (f" {flag.place}" if flag.place else ""), flag.text) for flag in flags]


def _sheet(program: str, rest: str) -> HelpFormatter:
    sheet = HelpFormatter(width=min(window()[0], WIDEST))
    sheet.write_usage(program, rest)
    return sheet


def _paragraph(sheet: HelpFormatter, text: str) -> None:
    sheet.write_paragraph()
    sheet.write_text(text)


def _list(sheet: HelpFormatter, title: str, pairs: Sequence[Pair]) -> None:
    if pairs:
        with sheet.section(title):
            sheet.write_dl(list(pairs), col_max=36)


def _lines(sheet: HelpFormatter, title: str, lines: Sequence[str]) -> None:
    if lines:
        with sheet.section(title):
            for line in lines:
                sheet.write(f"{'':{sheet.current_indent}}{line}\n")
