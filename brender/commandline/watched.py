"""`--watch`: an answer that is shown again whenever it changes, until Ctrl-C. At a terminal it is redrawn in place.

The master says when it changes (rpc.watch); one that is started anew is waited for. It must not know what is watched.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from brender.api.connection import PATIENCE, Patience
from brender.caller import Master, NoMaster, conversation
from brender.commandline import colours
from brender.commandline.answers import Shown, line, text_lines, window
from brender.endings import DONE
from brender.errors import from_envelope

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

TOPIC = "rpc.watched"


def watch(master: Master, method: str, params: dict[str, Any], shown: Shown) -> int:
    """Show an answer and its changes until Ctrl-C, which is its ordinary end. Raises NoMaster and what is refused.

    As json-lines each change is one line, the whole answer; as json a document; as text that is piped, the whole text.
    """
    answers = changes(master, method, params)
    try:
        if shown.form == "text" and sys.stdout.isatty():
            return _drawn(answers, method, shown)
        for number, answer in enumerate(answers):
            if shown.form == "json-lines":
                print(line(answer))
            elif shown.form == "json":
                shown.show(method, answer)
            else:
                shown.put([*([""] if number else []), *text_lines(method, answer)], sys.stdout)
            sys.stdout.flush()
    except KeyboardInterrupt:
        pass
    return DONE


def changes(master: Master, method: str, params: dict[str, Any]) -> Iterator[Any]:
    """The answer, and again whenever it is another one, over restarts of the master."""
    waits, met, last = Patience(PATIENCE), False, None
    while True:
        try:
            for answer in _spoken(master, method, params):
                met = True
                waits.met()
                if answer != last:
                    last = answer
                    yield answer
        except NoMaster as error:
            if not met:
                raise
            waits.wait(error)


def _spoken(master: Master, method: str, params: dict[str, Any]) -> Iterator[Any]:
    """What one connection tells."""
    messages = conversation(master, "rpc.watch", {"method": method, "params": params})
    yield next(messages)
    for event in messages:
        if event["topic"] == TOPIC:
            if "error" in event["data"]:
                raise from_envelope(event["data"]["error"])
            yield event["data"]["data"]


class _Picture:
    """The newest answer as rich draws it: as much as fits the window, however large that is now."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.answer: Any = None
        self.at = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = window()[1] - 2
        lines = text_lines(self.method, self.answer)
        if len(lines) > room:
            lines = [
                *lines[: room - 1],
                f"… {len(lines) - room + 1} more lines; make the window larger, or ask for less.",
            ]
        yield colours.coloured([*lines, f"{self.at}  watching; Ctrl-C ends"])


def _drawn(answers: Iterator[Any], method: str, shown: Shown) -> int:
    from rich.console import Console
    from rich.live import Live

    picture = _Picture(method)
    picture.answer, picture.at = next(answers), time.strftime("%H:%M:%S")
    console = Console(highlight=False, force_terminal=True, no_color=not shown.in_colour(sys.stdout))
    with Live(picture, console=console, auto_refresh=True, refresh_per_second=4, transient=False) as live:
        for picture.answer in answers:
            picture.at = time.strftime("%H:%M:%S")
            live.refresh()
    return DONE
