"""`brender demo` as somebody runs it who wants to see a farm: real Blender, frames, a movie, and a page to look at."""

from __future__ import annotations

import http.client
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors.peers import LIMIT, ROOT, Screen, until
from ports import free_port


def get(port: int, path: str) -> bytes:
    """What the page answers; nothing as long as it is not there. Its thumbnails come a little after their frames."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        link.request("GET", path)
        return link.getresponse().read()
    except ConnectionError:
        return b""
    finally:
        link.close()


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.chdir(ROOT)
    words = ["--data", str(tmp_path / "farm"), "--frames", "1-2", "--percentage", "5", "--samples", "1"]
    words += ["--listen", f"127.0.0.1:{free_port()}"]
    screen = Screen([sys.executable, "-m", "brender.demo", *words], 200, 40)
    yield screen
    if screen.process.poll() is None:
        os.killpg(screen.process.pid, signal.SIGINT)
    screen.process.wait(LIMIT)
    screen.close()


def test_the_demo_ends_with_frames_a_movie_and_a_page_that_shows_them(demo: Screen, tmp_path: Path) -> None:
    """Issue 6: what one is told to look at is there."""
    said = demo.wait(lambda screen: "Ctrl-C stops it" in screen, "the demo is over", 240)
    page = re.search(r"Page: +http://127\.0\.0\.1:(\d+)/#/jobs/(\d+)", said)
    assert page, said
    assert f"Watch it in a browser, too: http://127.0.0.1:{page[1]}/#/jobs/{page[2]}" in said
    for path, begin in (("/", b"<!doctype html>"), (f"/preview/{page[2]}/frames/1", b"\xff\xd8\xff")):
        until(lambda path=path, begin=begin: get(int(page[1]), path).startswith(begin), path)
    assert len(list((tmp_path / "farm/frames").glob("*.png"))) == 2
    assert (tmp_path / "farm/orrery.mp4").stat().st_size > 0
    demo.type("\x03")
    demo.see("Stopping the farm")
