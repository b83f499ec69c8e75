"""Parts of a still back into one picture: every pixel of its tile, every layer, and light averaged."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy
import OpenImageIO as oiio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_world import LAYERS, load, store

from brender.errors import Invalid
from brender.pictures.merge import boxes, merge

FRAMES = Path(__file__).parent.parent / "data" / "frames"
RGBA = ("R", "G", "B", "A")


def noise(seed: int, channels: int = 4) -> numpy.ndarray:
    return numpy.random.default_rng(seed).random((37, 50, channels)).astype(numpy.float32)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(9, 200), st.integers(9, 200))
def test_tiles_cover_every_pixel_once(columns: int, rows: int, width: int, height: int) -> None:
    covered = numpy.zeros((height, width), int)
    for box in boxes(columns, rows, width, height):
        covered[box.top : box.bottom, box.left : box.right] += 1
    assert covered.min() == covered.max() == 1


def test_the_bounds_are_those_the_tiles_were_rendered_with() -> None:
    """x bounds are round(width * i / columns); tile 2 of a 2x2 is at the top right."""
    assert boxes(3, 1, 50, 37)[1] == (round(50 / 3), 0, round(100 / 3), 37)
    assert boxes(2, 2, 50, 37)[1][:2] == (25, 0)


@pytest.mark.parametrize(
    ("ending", "depth", "names"),
    [(".png", "uint8", RGBA), (".png", "uint16", RGBA), (".exr", "half", (*LAYERS, "ViewLayer.Depth.Z"))],
)
def test_tiles_are_pasted_bit_by_bit(tmp_path: Path, ending: str, depth: str, names: tuple[str, ...]) -> None:
    whole = store(tmp_path / f"whole{ending}", noise(1, len(names)), names, depth)
    parts = []
    for number, box in enumerate(boxes(2, 3, 50, 37), 1):
        pixels = noise(1, len(names))
        outside = numpy.ones((37, 50), bool)
        outside[box.top : box.bottom, box.left : box.right] = False
        pixels[outside] = 0
        parts.append(store(tmp_path / f"p_{number:04}{ending}", pixels, names, depth))
    made = merge(parts, tmp_path / f"made{ending}", tiles="2x3")

    assert numpy.array_equal(load(made), load(whole))
    spec = oiio.ImageInput.open(str(made)).spec()
    assert set(spec.channelnames) == set(names) and str(spec.format) == depth


def test_openexr_of_several_parts_keeps_them_all(tmp_path: Path) -> None:
    """Blender 5.0 writes a part for each pass."""
    source = FRAMES / "blender50_parts.exr"
    made = merge([source, source], tmp_path / "made.exr", tiles="2x1")

    assert all(numpy.array_equal(load(made, part), load(source, part)) for part in (0, 1))
    assert oiio.ImageBuf(str(made)).nsubimages == 2


def test_samples_are_averaged_as_light(tmp_path: Path) -> None:
    """Half of the white pixel's light is 188 of 255 on a screen, not 128; alpha is no light."""
    for ending, kind in product((".png", ".exr"), ("uint8",)):
        ones, zeros = numpy.ones((37, 50, 4)), numpy.zeros((37, 50, 4))
        depth = "float" if ending == ".exr" else kind
        parts = [store(tmp_path / f"{n}{ending}", pixels, RGBA, depth) for n, pixels in enumerate((ones, zeros))]
        pixel = load(merge(parts, tmp_path / f"made{ending}", samples=True))[0, 0]
        want = [0.5] * 4 if ending == ".exr" else [188 / 255] * 3 + [128 / 255]
        assert pixel.tolist() == pytest.approx(want, abs=1 / 255)


def test_parts_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    first = store(tmp_path / "a.png", noise(1), RGBA)
    other = store(tmp_path / "b.png", noise(1, 3), RGBA[:3])
    with pytest.raises(Invalid, match=r"b\.png has other sizes or channels than a\.png"):
        merge([first, other], tmp_path / "c.png", samples=True)
    for tiles, samples, words in (
        ("2x2", False, "needs 4 parts, count is 1"),
        ("", False, "either tiles or samples"),
        ("2x2", True, "either tiles or samples"),
        ("0x1", False, "is not columns x rows"),
    ):
        with pytest.raises(Invalid, match=words):
            merge([first], tmp_path / "c.png", tiles, samples)
    with pytest.raises(Invalid, match="do not all end in"):
        merge([first], tmp_path / "c.exr", samples=True)
    assert not (tmp_path / "c.png").exists()
