"""A terminal as a person has it: tmux with a window of a size, keys typed into it, and what is on its screen now."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from .peers import LIMIT, ROOT

PROGRAMS = Path(sys.executable).parent  # where `brender` is installed beside this Python


NAMED = ("Enter", "Tab", "C-c", "C-u")


class Window:
    """One tmux of its own with one window, which runs these words and stays when they have ended."""

    def __init__(self, words: list[str], environ: Mapping[str, str], columns: int = 80, rows: int = 24) -> None:
        self._name = f"brender-{uuid4().hex[:12]}"
        given = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "HOME": "/nonexistent", "LANG": "C.UTF-8", **environ}
        size = ["-x", str(columns), "-y", str(rows)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "env", "-i", "TERM=screen-256color",
                   *(f"{name}={value}" for name, value in given.items()), *words)  # fmt: skip
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def _tmux(self, *words: str) -> str:
        argv = ["tmux", "-L", self._name, *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=True, cwd=ROOT).stdout

    def keys(self, *keys: str) -> None:
        """Keys by tmux's names (Enter, Tab, C-c), other texts letter by letter."""
        for key in keys:
            self._tmux("send-keys", *([key] if key in NAMED else ["-l", "--", key]))

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def text(self) -> str:
        """The screen, without the blank lines at its end."""
        return self._tmux("capture-pane", "-p").rstrip("\n")

    @property
    def coloured(self) -> str:
        """The same with its colours as escape codes."""
        return self._tmux("capture-pane", "-p", "-e")

    def wait(self, wanted: Callable[[str], Any], what: str) -> str:
        """The screen as soon as it is as wanted."""
        ends = time.monotonic() + LIMIT
        while not wanted(text := self.text):
            assert time.monotonic() < ends, f"in vain: {what}. On the screen:\n{text}"
        return text

    def see(self, text: str) -> str:
        return self.wait(lambda screen: text in screen, f"to see {text!r}")

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._name, "kill-server"], capture_output=True, timeout=LIMIT, check=False)
