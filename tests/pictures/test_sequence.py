"""Which frames lie in a folder, and which are missing, by number."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brender.errors import Invalid
from brender.pictures.sequence import copy_last, rate_of, sequence, unfinished


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for frame in (1, 2, 3, 5, 12345):
        (tmp_path / f"frame_{frame:04}.png").write_bytes(b"%d" % frame)
    for name in ("frame_2.png", "frame_00007.png", "frame_0009.txt", "last_frame.png", ".frame_0009.png", "x_0009.png"):
        (tmp_path / name).write_bytes(b"foreign")
    return tmp_path


def test_a_range_takes_its_frames_in_its_order(folder: Path) -> None:
    assert [path.name for path in sequence(folder, "", "3-1x-1").paths] == [f"frame_000{n}.png" for n in (3, 2, 1)]


def test_missing_frames_are_named_and_refused_unless_holes_are_allowed(folder: Path) -> None:
    with pytest.raises(Invalid, match="lacks frames 4, 6"):
        sequence(folder, "", "1-6")

    found = sequence(folder, "", "1-6", holes=True)
    assert (found.frames, found.missing) == ([1, 2, 3, 5], [4, 6])


def test_without_a_range_a_gap_between_the_frames_is_a_hole(folder: Path) -> None:
    (folder / "frame_12345.png").unlink()
    with pytest.raises(Invalid, match="lacks frame 4"):
        sequence(folder)


def test_every_fifth_frame_has_no_holes(tmp_path: Path) -> None:
    for frame in range(-10, 30, 5):
        (tmp_path / f"f{frame:04}.exr").touch()
    assert sequence(tmp_path, "f####").frames == list(range(-10, 30, 5))


def test_two_files_of_one_frame_are_not_chosen_from_and_an_ending_chooses(folder: Path) -> None:
    (folder / "frame_0001.exr").touch()
    with pytest.raises(Invalid, match=r"Frame 1 is both frame_0001\.exr and frame_0001\.png"):
        sequence(folder, "", "1-3")
    assert sequence(folder, "frame_####.png", "1-3").paths[0].name == "frame_0001.png"


@pytest.mark.parametrize("pattern", ["frame", "#_#", "../frame_####", "nothing_####"])
def test_a_pattern_that_names_nothing_is_refused(folder: Path, pattern: str) -> None:
    with pytest.raises(Invalid):
        sequence(folder, pattern, holes=True)


def test_the_last_frame_is_copied_to_a_name_that_stays(folder: Path) -> None:
    assert copy_last(sequence(folder, holes=True), None) == (12345, folder / "last_frame.png")
    assert (folder / "last_frame.png").read_bytes() == b"12345"
    with pytest.raises(Invalid, match=r"should end in \.png"):
        copy_last(sequence(folder, holes=True), folder / "last.jpg")


def test_the_rate_of_a_movie_is_that_of_the_scene_its_newest_frame_is_of(tmp_path: Path) -> None:
    """Lines that nobody can read, of other files and of no rate are passed over; a manifest that is a link is, too."""
    for number in (1, 2):
        (tmp_path / f"frame_{number:04}.png").touch()
    frames = sequence(tmp_path)
    assert rate_of(frames) == 0
    (tmp_path / ".brender").mkdir()
    manifest = tmp_path / ".brender" / "manifest.jsonl"
    lines = ['{"file": "frame_0001.png", "fps": 24}', '{"file": "frame_0002.png", "fps": 29.97}', "[]", '{"file"', ""]
    lines += [
        '{"file": "other.png", "fps": 50}',
        '{"file": "frame_0001.png"}',
        '{"file": "frame_0001.png", "fps": "x"}',
    ]
    manifest.write_text("\n".join(lines))
    assert rate_of(frames) == 29.97
    manifest.rename(tmp_path / "elsewhere")
    manifest.symlink_to(tmp_path / "elsewhere")
    assert rate_of(frames) == 0


def test_what_fails_leaves_neither_a_part_nor_the_old_file_damaged(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"old")
    with pytest.raises(OSError), unfinished(target) as part:
        part.write_bytes(b"half")
        raise OSError("no space")

    assert os.listdir(tmp_path) == ["a.mp4"] and target.read_bytes() == b"old"
