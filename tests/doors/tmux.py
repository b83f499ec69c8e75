"""A terminal as people have one: tmux, with a program in it, typed into and looked at.

Every wait has a deadline and ends on what is on the screen.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .peers import LIMIT, until


class Pane:
    """One tmux server with one window, under a folder of its own."""

    def __init__(self, folder: Path, argv: Sequence[str], columns: int = 80, rows: int = 24, **environ: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._socket = str(folder / "tmux")
        self._environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), **environ}
        size = ["-x", str(columns), "-y", str(rows)]
        options = [
            "set",
            "-g",
            "status",
            "off",
            ";",
            "set",
            "-g",
            "remain-on-exit",
            "on",
            ";",
            "set",
            "-g",
            "escape-time",
            "0",
        ]
        self._tmux("-f", "/dev/null", "start-server", ";", *options, ";", "new-session", "-d", *size, *argv)

    def type(self, text: str) -> None:
        """Characters as they are typed; the names of keys mean nothing here."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: Enter, C-c, Up, Tab, BSpace."""
        self._tmux("send-keys", *keys)

    def enter(self, line: str) -> None:
        self.type(line)
        self.press("Enter")

    def paste(self, text: str) -> None:
        """As from the clipboard of a terminal that marks pastes where it was asked to."""
        self._tmux("set-buffer", "-b", "pasted", "--", text)
        self._tmux("paste-buffer", "-p", "-d", "-b", "pasted")

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def lines(self) -> list[str]:
        """The rows of the screen down to the last that has something."""
        return self._tmux("capture-pane", "-p").rstrip("\n").split("\n")

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def unwrapped(self) -> str:
        """The screen with the lines that the terminal has wrapped as they were sent."""
        return self._tmux("capture-pane", "-p", "-J").rstrip("\n")

    @property
    def coloured(self) -> str:
        """The screen with its colours as sequences."""
        return self._tmux("capture-pane", "-p", "-e")

    @property
    def all(self) -> str:
        """The screen with what has scrolled away above it."""
        return self._tmux("capture-pane", "-p", "-S", "-").rstrip("\n")

    @property
    def cursor(self) -> int:
        """The column of the cursor."""
        return int(self._tmux("display", "-p", "#{cursor_x}"))

    @property
    def dead(self) -> bool:
        """Whether the program in it has ended."""
        return self._tmux("display", "-p", "#{pane_dead}").strip() == "1"

    def closed(self) -> None:
        """Wait until the other side has closed the connection, and telnet has ended."""
        self.see("Connection closed by foreign host.")
        until(lambda: self.dead, "the program ends")

    def wait(self, wanted: Callable[[str], Any], what: str) -> str:
        """The screen once it is as wanted."""
        ends = time.monotonic() + LIMIT
        while not wanted(text := self.text):
            assert time.monotonic() < ends, f"in vain: {what}. On the screen:\n{text}"
        return text

    def see(self, text: str) -> str:
        return self.wait(lambda screen: text in screen, f"to see {text!r}")

    def prompt(self) -> str:
        """Wait for a prompt with nothing after it, and the farm's bar below."""
        return self.wait(at_prompt, "a prompt")

    def run(self, line: str) -> None:
        """Enter a line and wait for what comes of it: a prompt, or a page or a watch, which is left with a key."""
        before = self.all.count(f"brender> {line}\n")
        self.enter(line)
        self.wait(lambda _: self.all.count(f"brender> {line}\n") > before, f"{line!r} is entered")
        held = (" lines (", "Any key ends this.")
        text = self.wait(lambda text: at_prompt(text) or any(word in text for word in held), f"after {line!r}")
        if not at_prompt(text):
            self.press("q")
            self.prompt()

    def say(self, line: str) -> list[str]:
        """Enter a line at the prompt; what is between it and the next prompt, of this screen."""
        self.run(line)
        self.prompt()
        lines = self.lines
        start = max(place for place, shown in enumerate(lines) if shown.startswith(f"brender> {line}"))
        end = max(place for place, shown in enumerate(lines) if shown.rstrip() == "brender>")
        return lines[start + 1 : end]

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False, timeout=LIMIT)

    def _tmux(self, *words: str) -> str:
        ran = subprocess.run(
            ["tmux", "-S", self._socket, *words],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            env=self._environ,
            check=False,
        )
        assert ran.returncode == 0, f"tmux {words}: {ran.stderr}"
        return ran.stdout


def at_prompt(screen: str) -> bool:
    """Whether the last line but the bar is an empty prompt."""
    lines = screen.split("\n")
    return len(lines) > 1 and lines[-2].rstrip() == "brender>" and lines[-1].startswith((" workers ", " no master "))
