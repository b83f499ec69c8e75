"""A contact sheet: every frame in its place, missing ones marked, thumbnails of workers reused while they are right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from picture_world import load, picture

from brender.errors import Invalid
from brender.pictures.sequence import sequence
from brender.pictures.sheet import GAP, LABEL, sheet, small
from brender.pictures.thumbnails import look
from brender.worker.looks import THUMBS, Wish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for frame, value in ((1, 0.3), (2, 0.5), (4, 0.7)):
        picture(tmp_path / f"frame_{frame:04}.png", 64, 32, value, flat=True)
    return tmp_path


def test_every_frame_stands_in_its_place_and_a_missing_one_is_marked(folder: Path) -> None:
    made = load(sheet(sequence(folder, "", "1-4", holes=True), folder / "sheet.png", columns=2))
    width, height = 64, 32

    assert made.shape == (GAP + 2 * (height + LABEL + GAP), GAP + 2 * (width + GAP), 3)

    def at(column: int, row: int) -> list[float]:
        return made[GAP + row * (height + LABEL + GAP) + 16, GAP + column * (width + GAP) + 32].tolist()

    assert [at(0, 0)[0], at(1, 0)[0], at(1, 1)[0]] == pytest.approx([0.3, 0.5, 0.7], abs=0.02)
    red, green, blue = at(0, 1)
    assert red > 3 * green and red > 3 * blue
    label = made[GAP + height : GAP + height + LABEL, GAP : GAP + 20]
    assert label.max() > 0.5  # its number is written there


def test_a_thumbnail_is_reused_until_its_frame_is_newer(folder: Path) -> None:
    frame = folder / "frame_0001.png"
    look(Wish(str(folder), frame.name))
    thumb = folder / THUMBS / "frame_0001.png.jpg"
    picture(thumb, 64, 32, 0.9, flat=True)
    assert small(frame, 320).mean() == pytest.approx(0.9 * 255, abs=3)

    newer = thumb.stat().st_mtime_ns + 1_000_000_000
    os.utime(frame, ns=(newer, newer))
    assert small(frame, 320).mean() == pytest.approx(0.3 * 255, abs=3)


def test_a_thumbnail_is_no_larger_than_asked_and_never_enlarged(tmp_path: Path) -> None:
    assert small(picture(tmp_path / "a.exr", 1000, 100, 0.5), 320).shape == (32, 320, 3)
    assert small(picture(tmp_path / "b.jpg", 100, 50, 0.5), 320).shape == (50, 100, 3)


@pytest.mark.parametrize(("name", "columns", "size"), [("a.gif", 0, 320), ("a.png", 0, 9), ("a.png", 2000, 320)])
def test_what_cannot_be_is_refused(folder: Path, name: str, columns: int, size: int) -> None:
    with pytest.raises(Invalid):
        sheet(sequence(folder, holes=True), folder / name, columns, size)
    assert not (folder / name).exists()


def test_no_link_leads_a_thumbnail_elsewhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    os.symlink(elsewhere, folder / ".brender")
    with pytest.raises(OSError):
        look(Wish(str(folder), "frame_0001.png"))
    assert os.listdir(elsewhere) == []
