"""One command carried out: its words read, the person asked where that is due, the master asked, the answer shown.

It decides nothing about the farm: what is destructive, and how much it would touch, the master says.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from brender import __version__
from brender.api.pages import all_rows
from brender.caller import Master, conversation
from brender.commandline.answers import Shown, line, rows
from brender.commandline.flags import Given
from brender.commandline.pages import FOLLOWS
from brender.commandline.settings import Settings
from brender.commands.calls import Call, Who
from brender.commands.grammar import Signature
from brender.commands.parameters import Parameter
from brender.commands.prompt import as_watch
from brender.commands.table import Row, Table
from brender.core.farm import Farm
from brender.endings import DONE, REFUSED
from brender.errors import BrenderError, InvalidParams, UnknownCommand

WATCH = "rpc.watch"  # `watch worker list` and `worker list --watch` are one
LOCAL = ("rpc.help", "rpc.discover")  # the table alone answers these
SHOWN_AS_IT_COMES = {
    "job.watch": ("brender.watch", "watch_job"),
    "task.log": ("brender.logs", "read_log"),
    "worker.tail": ("brender.logs", "read_tail"),
}
PAGE = 1000  # rows asked for at a time, where all are wanted


class Errand:
    """What one command line wants; `newer` gives the table of the master, where that is asked for."""

    def __init__(self, given: Given, settings: Settings, newer: Callable[[], Table | None]) -> None:
        self.given, self.newer = given, newer
        self.master: Master = settings.master
        self.shown = Shown(settings["format"], settings["colour"])

    def say(self, table: Table, row: Row, words: list[str]) -> int:
        """Carry out one command; returns the exit code. Raises BrenderError."""
        row, signature, given = self._read(table, row, words)
        self._check_flags(row)
        if row.name in LOCAL:
            self.shown.show(row.name, self._locally(table, row, words))
            return DONE
        given = with_file_inside(table, signature.parameters, with_file(signature.parameters, given))
        watch = given if row.name == WATCH else as_watch(row.name, given)
        if watch is not None:
            return self._watch(watch["method"], watch.get("params", {}))
        if "watch" in self.given:
            return self._watch(row.name, given)
        if row.name in SHOWN_AS_IT_COMES:
            module, name = SHOWN_AS_IT_COMES[row.name]
            return int(getattr(importlib.import_module(module), name)(self.master, given, self.shown.form))
        if row.destructive and "yes" not in self.given and not self._sure(row, given):
            print("Nothing was changed.", file=sys.stderr)
            return REFUSED
        if "wait" in self.given:
            return self._run_and_wait(given)
        if row.name == "farm.subscribe":
            return self._listen(given)
        if self.shown.form == "json-lines" and {"limit", "offset"} <= signature.by_name.keys() and "limit" not in given:
            for one in self._all_rows(row.name, given):
                print(line(one))
            return DONE
        asked = ["brender", *row.words.split(), *words]
        answer = next(conversation(self.master, row.name, given))
        self.shown.show(row.name, answer, asked=asked)
        return REFUSED if isinstance(answer, dict) and answer.get("refused") else DONE

    def _read(self, table: Table, row: Row, words: list[str]) -> tuple[Row, Signature, dict[str, Any]]:
        """The row, its signature and the wire values. What only a newer master's row takes is read by that row."""
        line = [*row.words.split(), *words]
        try:
            return _resolved(table, line)
        except InvalidParams as error:
            other = self.newer()
            theirs = None if other is None else other.rows.get(row.name)
            if other is None or theirs is None or other.signature(theirs).usage == table.signature(row).usage:
                raise
            try:
                return _resolved(other, line)
            except InvalidParams:
                raise error from None

    def _check_flags(self, row: Row) -> None:
        """Raises InvalidParams for a flag that has no meaning with this command."""
        if "wait" in self.given and row.name != "job.run":
            raise InvalidParams(
                "--wait goes with job run only.", hint="To follow what runs already: brender job watch JOB"
            )
        if "watch" not in self.given or row.name == WATCH:
            return
        if row.name in FOLLOWS:
            hint = "Leave --watch out; task log and worker tail take --follow."
            raise InvalidParams(f"{row.words} follows by itself.", hint=hint)
        if not row.watched:
            raise InvalidParams(f"{row.words} cannot be watched: --watch goes with lists and states.")

    def _locally(self, table: Table, row: Row, words: Sequence[str]) -> Any:
        """Help and the API's description need no farm, unless they are about words of a newer one."""
        try:
            return _run(table, row, words)
        except UnknownCommand:
            other = self.newer()
            if other is None:
                raise
            return _run(other, row, words)

    def _sure(self, row: Row, given: dict[str, Any]) -> bool:
        """Whether a person at a terminal wants this, where it is about more than one thing. Scripts are not asked."""
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return True
        touched = next(conversation(self.master, "rpc.touches", {"method": row.name, "params": given}))
        if not touched["destructive"] or touched["count"] < 2:
            return True
        from brender.commands.layout import number, plain

        names, more = touched["names"][:8], touched["count"] - len(touched["names"][:8])
        named = plain(names) + (f" and {more} more" if more > 0 else "")
        sys.stderr.write(f"{row.words}: {number(touched['count'], touched['noun'])} ({named}). Go on? [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _watch(self, method: str, params: dict[str, Any]) -> int:
        from brender.commandline import watched

        return watched.watch(self.master, method, params, self.shown)

    def _run_and_wait(self, given: dict[str, Any]) -> int:
        """Start a job and stay until its run has ended; a bar at a terminal, else only a failure says something."""
        from brender import watch

        started = next(conversation(self.master, "job.run", given))
        return watch.wait(self.master, int(started["job"]), self.shown.form)

    def _listen(self, given: dict[str, Any]) -> int:
        """Events as they come, until Ctrl-C; in the form json-lines nothing but events."""
        answers = conversation(self.master, "farm.subscribe", given)
        first = next(answers)
        if self.shown.form != "json-lines":
            self.shown.show("farm.subscribe", first)
        elif not first.get("resumed", True):
            print("brender: what was missed is no longer known; look again at what matters.", file=sys.stderr)
        sys.stdout.flush()
        for event in answers:
            self.shown.tell(event)
        return DONE

    def _all_rows(self, method: str, given: dict[str, Any]) -> Iterator[Any]:
        """All rows of a list, page by page: a script must not lose those that do not fit a screen."""
        start = int(given.get("offset", 0))

        def fetch(offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
            asked = {**given, "offset": start + offset, "limit": limit}
            answer = next(conversation(self.master, method, asked))
            found = list(rows(method, answer))
            total = answer.get("total") if isinstance(answer, dict) else None
            return found, offset + len(found) if total is None else total - start

        return all_rows(fetch, _identity, PAGE)


def _identity(row: dict[str, Any]) -> tuple[Any, ...]:
    """What no two rows of a list share; a task has no id, but a number in its step."""
    return tuple(row.get(name) for name in ("id", "name", "step", "task"))


def _resolved(table: Table, words: Sequence[str]) -> tuple[Row, Signature, dict[str, Any]]:
    """A command as the prompt would read it."""
    row, params = table.resolve(words)
    signature = table.signature(row)
    return row, signature, signature.given(params)


def _run(table: Table, row: Row, words: Sequence[str]) -> Any:
    call = Call(farm=Farm(), who=Who(), table=table, info=lambda: {"version": __version__})
    return table.run(call, row, table.signature(row).read_words(words))


def with_file(parameters: Sequence[Any], given: dict[str, Any]) -> dict[str, Any]:
    """The contents of a file in place of its name (-f): files are read where the person is, never by the master."""
    for parameter in parameters:
        if parameter.kind is not None and parameter.kind.file and given.get(parameter.name):
            path = Path(str(given.pop(parameter.name)))
            into = "json" if any(one.name == "json" for one in parameters) else "lines"
            if into in given:
                raise InvalidParams(f"{into} and -f are two sources of one text.", hint="Give one of them.")
            try:
                given[into] = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError, ValueError) as error:
                raise InvalidParams(f"{path} cannot be read: {error}.") from None
    return given


def with_file_inside(table: Table, parameters: Sequence[Parameter], given: dict[str, Any]) -> dict[str, Any]:
    """The same for a command in a command: with its file read, it is sent as a method with params."""
    for parameter in parameters:
        if parameter.rest and given.get(parameter.name):
            try:
                row, inside, words = _resolved(table, given[parameter.name])
            except BrenderError:
                return given  # the master says it, with the nearest names of the farm
            if any(one.kind is not None and one.kind.file and words.get(one.name) for one in inside.parameters):
                del given[parameter.name]
                given |= {"method": row.name, "params": with_file(inside.parameters, words)}
    return given


def table_of_master(master: Master) -> Table | None:
    """The commands of the master, of whatever version it is; None where none answers soon."""
    from brender.commands.described import table_of

    try:
        return table_of(next(conversation(master, "rpc.discover", {}, patience=3.0, connect=1.0)))
    except (BrenderError, KeyError, TypeError, ValueError):
        return None
