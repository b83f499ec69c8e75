"""One Blender task while it renders: what its lines told so far, and when its request is done.

It must not know processes or the master; bytes go in.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from brender.wire.progress import Mark
from brender.worker import blender, warm
from brender.worker.functions import Call

LINE_BYTES: Final = 1 << 16


class Render:
    """Lines as they come, and whether the parts got their final names. `request` is empty for a process of its own."""

    def __init__(self, call: Call) -> None:
        assert call.job is not None
        self.job = blender.named(call.job, call.env.get("BRENDER_JOB", ""), call.env.get("BRENDER_STEP", ""))
        self.frames = call.frames
        self.skipped = ""  # in words, when frames were there already
        self.published = False
        self.content: tuple[int, ...] = ()  # of the .blend when its render began
        self.begin("")

    def begin(self, request: str) -> None:
        """From here on it is about this request: whatever another process told before is forgotten."""
        self.request = request
        self.taken = False  # the process has begun with it
        self.done: warm.Done | None = None
        self.lines = blender.BlenderLines(len(self.frames))
        self.news: blender.Progress | None = None
        self._rest = b""

    def skip(self, there: Collection[int]) -> None:
        """Leave out frames that are rendered already; before it begins."""
        if there:
            several = f" {len(there)} of {len(self.frames)} frames" if len(there) < len(self.frames) else ""
            self.skipped = f"skipped{several}: already rendered"
            self.frames = tuple(frame for frame in self.frames if frame not in there)
            self.lines = blender.BlenderLines(len(self.frames))

    def feed(self, data: bytes) -> None:
        """Output in any pieces; an endless line is cut, not kept."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-LINE_BYTES:]
        for line in lines:
            if self.request and self.request.encode() in line:
                self.taken = True
                self.done = self.done or warm.done_of(line, self.request)
            news = self.lines.feed(line.decode("utf-8", "backslashreplace").rstrip("\r"))
            if isinstance(news, blender.Rendered):
                news = blender.Progress(news.frame, len(self.lines.rendered), self.lines.total)
            self.news = news or self.news

    def mark(self, attempt: int) -> Mark | None:
        """How far it is, by Blender's own lines; None before the first of them."""
        news = self.news
        if news is None:
            return None
        said = [f"frame {news.frame}"] if news.frame is not None else []
        said += [f"sample {news.sample}/{news.samples}"] if news.sample is not None else []
        said += [f"{news.memory_mb:.0f} MB"] if news.memory_mb else []
        said += [f"{news.remaining_s:.0f} s left"] if news.remaining_s else []
        return Mark(attempt, round(news.fraction, 4), ", ".join(said))

    def reason(self, code: int) -> str:
        """Why it failed, by what it printed; `code` as Popen has it."""
        self.feed(b"\n")
        return self.lines.reason(code)
