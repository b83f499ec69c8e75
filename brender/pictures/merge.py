"""Parts of one frame back into the frame: tiles side by side, or noisy pictures averaged.

Each part is a picture of the full size. Every layer and channel of an OpenEXR file is kept. An average is one of light:
display values are decoded before it and encoded after it, so PNG and OpenEXR agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy
import OpenImageIO as oiio

from brender.errors import Invalid
from brender.pictures import reading
from brender.pictures.sequence import ending, unfinished

Adding = Callable[[reading.Pixels, reading.Pixels, int], None]
MOST_TILES: Final = 1024


class Box(NamedTuple):
    """Pixels from left and top up to, not including, right and bottom."""

    left: int
    top: int
    right: int
    bottom: int


def merge(paths: Sequence[Path], output: Path, tiles: str = "", samples: bool = False) -> Path:
    """One file out of its parts, in their order. Raises Invalid when they do not fit each other."""
    if bool(tiles) == samples:
        raise Invalid("merge takes either tiles or samples.", hint='Give tiles="2x2", or samples=true.')
    kind = ending(output, (".png", ".exr"))
    if any(path.suffix.lower() != kind for path in paths):
        raise Invalid(f"The parts do not all end in {kind}, as the output does.", hint="Nothing is converted.")
    grid = _grid(tiles, len(paths)) if tiles else None
    first = list(reading.subimages(str(paths[0])))
    for path in paths[1:]:
        _alike(paths[0], first, path)
    specs = [spec for _number, spec, _linear in first]
    for spec in specs:
        spec.attribute("oiio:UnassociatedAlpha", 1)  # as it is read here, so it is written
    with unfinished(output) as part:
        file = oiio.ImageOutput.create(str(part))
        # A file of several parts has to know all of them before the first is written.
        _done(file is not None and file.open(str(part), specs if len(specs) > 1 else specs[0]), file, output)
        for number, spec, linear in first:
            if number:
                _done(file.open(str(part), spec, "AppendSubimage"), file, output)
            pixels = _tiled(paths, number, grid) if grid else _averaged(paths, number, spec, linear)
            _done(file.write_image(pixels), file, output)
        _done(file.close(), file, output)
    return output


def _done(well: bool, file: oiio.ImageOutput | None, output: Path) -> None:
    if not well:
        raise Invalid(f"{output} cannot be written: {(file or oiio).geterror().strip()}")


def boxes(columns: int, rows: int, width: int, height: int) -> list[Box]:
    """The tiles of a picture, row by row from the top left; together they are all of it, none overlaps another."""
    across = [round(width * place / columns) for place in range(columns + 1)]
    down = [round(height * place / rows) for place in range(rows + 1)]
    return [Box(across[x], down[y], across[x + 1], down[y + 1]) for y in range(rows) for x in range(columns)]


def _grid(tiles: str, parts: int) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", tiles)
    columns, rows = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= columns * rows <= MOST_TILES:
        raise Invalid(f"tiles {tiles!r} is not columns x rows.", hint='For example "2x2".')
    if columns * rows != parts:
        raise Invalid(f"tiles {tiles} needs {columns * rows} parts, count is {parts}.", hint="Make them agree.")
    return columns, rows


def _alike(first: Path, layout: list[tuple[int, oiio.ImageSpec, bool]], path: Path) -> None:
    own = list(reading.subimages(str(path)))
    shapes = [[_shape(spec) for _number, spec, _linear in one] for one in (layout, own)]
    if shapes[0] != shapes[1]:
        raise Invalid(f"{path.name} has other sizes or channels than {first.name}.", hint="Render the parts alike.")


def _shape(spec: oiio.ImageSpec) -> tuple[object, ...]:
    return spec.width, spec.height, spec.x, spec.y, str(spec.format), tuple(spec.channelnames)


def _read(path: Path, number: int, kind: object) -> reading.Pixels:
    file = oiio.ImageInput.open(str(path), _unassociated())
    if file is None:
        raise Invalid(f"{path} cannot be opened: {oiio.geterror()}")
    try:
        pixels = file.read_image(number, 0, 0, 10000, kind)
        if pixels is None:
            raise Invalid(f"{path} cannot be read: {file.geterror()}")
        return numpy.asarray(pixels)
    finally:
        file.close()


def _tiled(paths: Sequence[Path], number: int, grid: tuple[int, int]) -> reading.Pixels:
    """Stored values are copied bit by bit."""
    whole = None
    for place, path in enumerate(paths):
        pixels = _read(path, number, oiio.UNKNOWN)
        if whole is None:
            whole = numpy.zeros_like(pixels)
            tiles = boxes(*grid, pixels.shape[1], pixels.shape[0])
        box = tiles[place]
        whole[box.top : box.bottom, box.left : box.right] = pixels[box.top : box.bottom, box.left : box.right]
    assert whole is not None
    return whole


def _averaged(paths: Sequence[Path], number: int, spec: oiio.ImageSpec, linear: bool) -> reading.Pixels:
    total = None
    alpha = spec.alpha_channel
    shown = [channel for channel in range(spec.nchannels) if channel != alpha]
    for path in paths:
        pixels = _read(path, number, oiio.FLOAT).astype(numpy.float64)
        if not linear:
            pixels[:, :, shown] = reading.decoded(pixels[:, :, shown])
        total = pixels if total is None else total + pixels
    assert total is not None
    total /= len(paths)
    if not linear:
        total[:, :, shown] = reading.encoded(total[:, :, shown])
    return numpy.ascontiguousarray(total, dtype=numpy.float32)


def _unassociated() -> oiio.ImageSpec:
    """Without this a PNG's colours would be multiplied by its alpha, and what is stored would change."""
    spec = oiio.ImageSpec()
    spec.attribute("oiio:UnassociatedAlpha", 1)
    return spec
