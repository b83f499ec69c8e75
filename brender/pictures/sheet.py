"""All frames at a glance: their thumbnails in rows, each with its number, in one picture.

Thumbnails that the workers made are taken as they are while their frames are not newer; others are made here.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy
import OpenImageIO as oiio

from brender.errors import Invalid
from brender.pictures import reading
from brender.pictures.sequence import Sequence, ending, unfinished
from brender.pictures.thumbnails import thumbnail, write
from brender.worker.looks import THUMB_PIXELS, THUMBS

GAP: Final = 8
LABEL: Final = 22
GROUND: Final = 0.11
TEXT: Final = 0.85
FAILED: Final = (0.45, 0.08, 0.08)
MOST_SIDE: Final = 60_000  # a JPEG ends at 65,535


def sheet(found: Sequence, output: Path, columns: int = 0, size: int = THUMB_PIXELS) -> Path:
    """A contact sheet of all frames and of those that are missing (an empty field); `columns` 0 chooses.

    Raises Invalid when it would be too large for a picture.
    """
    ending(output, (".jpg", ".jpeg", ".png"))
    if not (16 <= size <= 1024 and 0 <= columns <= 1000):
        raise Invalid(f"size {size} is 16 to 1024, columns {columns} 0 to 1000.", hint="0 columns: as it fits.")
    paths = dict(zip(found.frames, found.paths, strict=True))
    numbers = sorted({*found.frames, *found.missing})
    pictures = {frame: small(path, size) for frame, path in paths.items()}
    cell_w = max(one.shape[1] for one in pictures.values())
    cell_h = max(one.shape[0] for one in pictures.values())
    across = min(columns or _columns(len(numbers), cell_w, cell_h), len(numbers))
    down = -(-len(numbers) // across)
    width, height = GAP + across * (cell_w + GAP), GAP + down * (cell_h + LABEL + GAP)
    if max(width, height) > MOST_SIDE or width * height > reading.MOST_PIXELS:
        raise Invalid(f"A sheet of {len(numbers)} frames would be {width}x{height} pixels.", hint="Choose less size.")
    canvas = oiio.ImageBuf(oiio.ImageSpec(width, height, 3, oiio.UINT8))
    oiio.ImageBufAlgo.fill(canvas, (GROUND, GROUND, GROUND))
    for place, frame in enumerate(numbers):
        left, top = GAP + place % across * (cell_w + GAP), GAP + place // across * (cell_h + LABEL + GAP)
        _put(canvas, pictures.get(frame), (left, top, cell_w, cell_h))
        words = str(frame) if frame in pictures else f"{frame} is missing"
        oiio.ImageBufAlgo.render_text(canvas, left, top + cell_h + 16, words, 14, "DroidSans", (TEXT, TEXT, TEXT, 1.0))
    with unfinished(output) as part:
        write(numpy.ascontiguousarray(canvas.get_pixels(oiio.UINT8)), str(part), Compression="jpeg:90")
    return output


def small(path: Path, size: int) -> reading.Pixels:
    """The thumbnail of a frame; the worker's own where it is the right one."""
    made = path.parent / THUMBS / f"{path.name}.jpg"
    try:
        current = made.stat().st_mtime_ns >= path.stat().st_mtime_ns
    except OSError:
        current = False
    return thumbnail(reading.beauty(str(made if current and size <= THUMB_PIXELS else path)), size)


def _put(canvas: oiio.ImageBuf, pixels: reading.Pixels | None, field: tuple[int, int, int, int]) -> None:
    left, top, width, height = field
    if pixels is None:
        roi = oiio.ROI(left, left + width, top, top + height, 0, 1, 0, 3)
        oiio.ImageBufAlgo.fill(canvas, FAILED, roi)
        return
    left, top = left + (width - pixels.shape[1]) // 2, top + (height - pixels.shape[0]) // 2
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, oiio.UINT8)
    one = oiio.ImageBuf(spec)
    one.set_pixels(oiio.ROI(0, spec.width, 0, spec.height, 0, 1, 0, 3), numpy.ascontiguousarray(pixels))
    oiio.ImageBufAlgo.paste(canvas, left, top, 0, 0, one)


def _columns(count: int, width: int, height: int) -> int:
    """So many that the sheet is about as wide as a screen is."""
    return max(1, round(math.sqrt(count * 16 / 9 * (height + LABEL + GAP) / (width + GAP))))
