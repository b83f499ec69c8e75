"""The reader of pictures as the daemon has it: a real child, what it sees, and what becomes of it when it dies."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from picture_world import picture

from brender.daemon.frames import Published, prepare, publish, record
from brender.daemon.manifest import finished
from brender.daemon.pictures import MOST_STARTS, Pictures, environment
from brender.worker.blender import BlenderJob, Rendered, part_name, read_params
from brender.worker.looks import THUMBS, Measured, Wish

FRAMES = Path(__file__).parent.parent / "data" / "frames"
LIMIT_S = 60.0
DIES = ["sh", "-c", "read wish; kill -9 $$"]
DIES_ONCE = ["sh", "-c", 'if mkdir "$0"; then read wish; kill -SEGV $$; fi; exec "$@"']


def bomb(path: Path, side: int) -> None:
    """A PNG that claims side x side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    pieces = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(pieces))


class Stage:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.all: list[Pictures] = []

    def pictures(self, *argv: str) -> Pictures:
        found = Pictures(argv, self.said.append)
        found.start()
        self.all.append(found)
        return found


@pytest.fixture
def stage() -> Iterator[Stage]:
    here = Stage()
    yield here
    for one in here.all:
        one.close()
    assert readers() == []


def readers() -> list[psutil.Process]:
    """The children of these tests that read pictures; one that has just ended has no command line any more."""
    found: list[psutil.Process] = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "brender.pictures" in child.cmdline():
                found.append(child)
    return found


def see(pictures: Pictures, *paths: Path) -> list[Measured | None]:
    return pictures.look([Wish(str(path.parent), path.name) for path in paths], LIMIT_S)


def test_one_child_sees_all_pictures_and_makes_their_thumbnails(stage: Stage, tmp_path: Path) -> None:
    for name in ("a.png", "b.exr"):
        picture(tmp_path / name, 640, 90, 0.5)
    pictures = stage.pictures()
    first, second = see(pictures, tmp_path / "a.png"), see(pictures, tmp_path / "b.exr")

    assert first[0] is not None and (first[0].width, first[0].height, first[0].linear) == (640, 90, False)
    assert first[0].mean == pytest.approx(0.5, abs=1 / 255)
    assert second[0] is not None and second[0].linear
    assert sorted(os.listdir(tmp_path / THUMBS)) == ["a.png.jpg", "b.exr.jpg"]
    (reader,) = readers()
    assert reader.nice() == 10
    assert stage.said == []


def test_a_bomb_is_refused_by_its_header_and_the_child_lives_on(stage: Stage, tmp_path: Path) -> None:
    """S19: 50,000 x 50,000 pixels in a kilobyte."""
    bomb(tmp_path / "bomb.png", 50_000)
    picture(tmp_path / "good.png", 8, 8, 0.5)
    pictures = stage.pictures()
    worse, good = see(pictures, tmp_path / "bomb.png", tmp_path / "good.png")

    assert worse is not None and "50000x50000" in worse.problem
    assert good is not None and good.problem == ""


def test_a_child_that_dies_of_a_picture_is_followed_by_another(stage: Stage, tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 8, 8, 0.5)
    real = [sys.executable, "-P", "-m", "brender.pictures", "serve"]
    pictures = stage.pictures(*DIES_ONCE, str(tmp_path / "died"), *real)
    died, seen = see(pictures, tmp_path / "a.png", tmp_path / "a.png")

    assert died is not None and died.problem == "its reader ended with -11"
    assert seen is not None and seen.width == 8


def test_a_child_that_always_dies_is_given_up_and_that_is_said_once(stage: Stage, tmp_path: Path) -> None:
    pictures = stage.pictures(*DIES)
    seen = see(pictures, *[tmp_path / "a.png"] * (MOST_STARTS + 2))

    assert seen[-1] is None
    assert len(stage.said) == 1 and "no more thumbnails" in stage.said[0]


def test_memory_is_limited_before_anything_is_read() -> None:
    words = "from brender.pictures.reading import confine; confine(); bytes(5 << 30)"
    done = subprocess.run([sys.executable, "-c", words], env=environment(), capture_output=True, text=True, check=False)

    assert done.stderr.strip().splitlines()[-1] == "MemoryError"


def test_nobody_waits_longer_than_they_said(stage: Stage, tmp_path: Path) -> None:
    """A frame is done without its warnings rather than late."""
    pictures = stage.pictures("cat", "/dev/stdin", "-")
    assert pictures.look([Wish(str(tmp_path), "a.png")], wait_s=0.0) == [None]


@pytest.fixture
def folder(tmp_path: Path) -> BlenderJob:
    return read_params({"blend": "/a.blend", "output": str(tmp_path / "out"), "format": "PNG"})


@pytest.fixture
def frame(stage: Stage, folder: BlenderJob) -> Callable[[int, float], str]:
    pictures = stage.pictures()

    def done(number: int, value: float) -> str:
        """Render, publish, look, remember; the note."""
        attempt = f"a{number}"
        prepare(folder, attempt)
        picture(Path(part_name(folder, attempt, number, "PNG")), 64, 48, value, flat=value == 0)
        outcome = publish(folder, attempt, [number], [Rendered(number, 1.5, 64, 48, "PNG")])
        assert outcome.reason == ""
        one: Published = outcome.published[0]
        (seen,) = see(pictures, Path(one.path))
        assert seen is not None
        return record(folder, attempt, "k", [one], {number: seen})

    return done


def test_a_black_frame_is_published_with_a_warning(frame: Callable[[int, float], str], folder: BlenderJob) -> None:
    notes = {number: frame(number, 0.0 if number == 3 else 0.4) for number in (1, 2, 3, 4)}

    assert notes[3].startswith("frame 3 is all black")
    assert notes[4].startswith("frame 3 is much darker than frames 2 and 4")
    assert (notes[1], notes[2]) == ("", "")
    entries = finished(folder.output, range(9), "k")
    assert list(entries) == [1, 2, 3, 4]
    assert (entries[3].mean, entries[3].seconds, entries[3].attempt) == (0.0, 1.5, "a3")


def test_a_manifest_that_cannot_be_written_is_a_warning_too(
    frame: Callable[[int, float], str], folder: BlenderJob
) -> None:
    frame(1, 0.4)
    os.unlink(f"{folder.output}/.brender/manifest.jsonl")
    os.mkdir(f"{folder.output}/.brender/manifest.jsonl")

    assert "manifest" in frame(2, 0.4)
