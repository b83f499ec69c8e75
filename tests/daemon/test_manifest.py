"""What counts as finished: the last line of a file, of these settings, while the file is what it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from brender.daemon import manifest
from brender.daemon.manifest import Entry, append, finished, key_of, lines, recent
from brender.worker.blender import BlenderJob, read_params

MANY = """
import sys
from brender.daemon.manifest import Entry, append
for frame in range(200):
    append(sys.argv[1], [Entry(frame=frame, file="x" * 100, bytes=1, attempt=sys.argv[2])])
"""


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / ".brender").mkdir()
    return tmp_path


def published(output: Path, frame: int, size: int = 10, key: str = "k", file: str = "") -> Entry:
    """A frame on the disk and in the manifest."""
    entry = Entry(frame=frame, file=file or f"frame_{frame:04}.png", bytes=size, key=key)
    (output / entry.file).write_bytes(bytes(size))
    append(str(output), [entry])
    return entry


def test_a_frame_is_finished_while_its_file_is_there_with_the_size_it_had(output: Path) -> None:
    entries = {frame: published(output, frame) for frame in (1, 2, 3, 4)}
    (output / "frame_0002.png").unlink()
    (output / "frame_0003.png").write_bytes(bytes(9))

    assert finished(str(output), range(1, 9), "k") == {1: entries[1], 4: entries[4]}
    assert finished(str(output), [4, 5]) == {4: entries[4]}


def test_frames_of_other_settings_do_not_count_and_neither_does_what_they_replaced(output: Path) -> None:
    published(output, 1, key="old")
    published(output, 2, key="old")
    newer = published(output, 2, key="new")

    assert finished(str(output), [1, 2], "new") == {2: newer}
    assert list(finished(str(output), [1, 2], "old")) == [1]
    assert list(finished(str(output), [1, 2])) == [1, 2]


def test_two_steps_may_write_into_one_folder(output: Path) -> None:
    back, front = published(output, 1, 10, "b", "back_0001.png"), published(output, 1, 20, "f", "front_0001.png")

    assert finished(str(output), [1], "b") == {1: back}
    assert finished(str(output), [1], "f") == {1: front}


def test_a_torn_line_costs_neither_the_line_before_nor_the_one_after(output: Path) -> None:
    """A full disk cuts a line; what follows begins anew."""
    published(output, 1)
    with (output / ".brender" / manifest.NAME).open("ab") as file:
        file.write(b'{"frame": 2, "file": "frame_00')
    published(output, 3)

    assert list(finished(str(output), range(9))) == [1, 3]


@pytest.mark.parametrize(
    "line",
    ["{}", "[]", "nonsense", "null", '{"frame":"1","file":"a","bytes":1}', "[" * 60_000, "\xff\0", "x" * 200_000],
)
def test_foreign_lines_are_passed_over(output: Path, line: str) -> None:
    (output / ".brender" / manifest.NAME).write_text(line + "\n", encoding="latin-1")
    published(output, 1)

    assert list(finished(str(output), range(9))) == [1]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "a\0b"])
def test_a_line_that_names_something_outside_the_folder_counts_for_nothing(output: Path, name: str) -> None:
    (output.parent / "secret").write_bytes(bytes(10))
    append(str(output), [Entry(frame=1, file=name, bytes=10)])

    assert finished(str(output), [1]) == {}


def test_a_link_is_no_frame_and_a_manifest_that_is_a_link_is_not_written_through(output: Path) -> None:
    published(output, 1)
    os.rename(output / "frame_0001.png", output / "other.png")
    os.symlink("other.png", output / "frame_0001.png")
    assert finished(str(output), [1]) == {}

    os.unlink(output / ".brender" / manifest.NAME)
    os.symlink(output / "other.png", output / ".brender" / manifest.NAME)
    with pytest.raises(OSError):
        append(str(output), [Entry(frame=1, file="x", bytes=1)])
    assert (output / "other.png").read_bytes() == bytes(10)


def test_without_a_folder_or_a_manifest_nothing_is_finished(tmp_path: Path) -> None:
    assert finished(str(tmp_path / "nowhere"), [1]) == {}
    assert finished(str(tmp_path), [1]) == {}


def test_several_writers_lose_no_line(output: Path) -> None:
    words = [sys.executable, "-c", MANY, str(output)]
    writers = [subprocess.Popen([*words, str(number)]) for number in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]

    found = list(lines(str(output)))
    assert len(found) == 600
    assert [entry.frame for entry in found if entry.attempt == "1"] == list(range(200))


def test_the_last_lines_are_read_without_reading_the_others(output: Path) -> None:
    entries = [Entry(frame=frame, file="x" * 900, bytes=1) for frame in range(1000)]
    append(str(output), entries)

    assert recent(str(output), 3) == entries[-3:]
    assert len(recent(str(output), 1000)) < 400  # of a million lines, a tail


def test_the_key_is_of_what_makes_the_pixels() -> None:
    def job(**change: object) -> BlenderJob:
        return read_params({"blend": "/a.blend", "output": "/out", **change})

    key = key_of(job(), (1, 2, 3))
    assert key == key_of(job(output="/elsewhere", existing="skip"), (1, 2, 99))  # the inode is of one machine
    others = {key_of(job(samples=4), (1, 2, 3)), key_of(job(blend="/b.blend"), (1, 2, 3)), key_of(job(), (9, 2, 3))}
    assert len(others | {key}) == 4
