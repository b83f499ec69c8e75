"""One file → the picture a person would see: the right layer of many, within limits, as floats.

OpenImageIO decodes; this file only chooses. Numbers stay as they are stored: OpenEXR is linear light, all others are
display values; `displayed` makes the one into the other by the sRGB curve, as Blender's Standard view does.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy
import OpenImageIO as oiio
from numpy.typing import NDArray

from brender.errors import Invalid

MOST_PIXELS: Final = 100_000_000
MOST_CHANNELS: Final = 1024
MEMORY_BYTES: Final = 4 << 30
Pixels = NDArray[Any]


def confine(threads: int = 1) -> None:
    """Limits of this process, before it reads anything: memory for the largest picture it may open, no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    oiio.attribute("threads", threads)
    oiio.attribute("exr_threads", threads)
    oiio.attribute("limits:channels", MOST_CHANNELS)
    oiio.attribute("limits:imagesize_MB", MEMORY_BYTES >> 20)


class Picture(NamedTuple):
    """Floats in memory; `linear` light or display values; `deep` when the file holds more than 8 bits of them."""

    buffer: oiio.ImageBuf
    linear: bool
    deep: bool

    @property
    def size(self) -> tuple[int, int]:
        return self.buffer.spec().width, self.buffer.spec().height

    def pixels(self) -> Pixels:
        """Height x width x channels."""
        return self.buffer.get_pixels(oiio.FLOAT)


def beauty(path: str) -> Picture:
    """Red, green, blue and alpha (grey: one channel) of the combined picture. Raises Invalid."""
    found = None
    for number, spec, linear in subimages(path):
        rank, names = _colours(spec.channelnames)
        if names and (found is None or rank < found[0]):
            found = rank, number, spec, names, linear
    if found is None:
        raise Invalid(f"{path} has no picture in it, only data layers.", hint="Render with the Combined pass on.")
    _rank, number, spec, names, linear = found
    places = sorted(spec.channelindex(name) for name in names)
    picture = oiio.ImageBuf()
    picture.reset(path, number, 0)
    if not picture.read(number, 0, places[0], places[-1] + 1, True, oiio.FLOAT):
        raise Invalid(f"{path} cannot be read: {picture.geterror().strip()}")
    if list(picture.spec().channelnames) != names:
        picture = oiio.ImageBufAlgo.channels(picture, tuple(names))
    if picture.roi != picture.roi_full:
        # What was rendered may be a part of the picture, or more than it.
        picture = oiio.ImageBufAlgo.crop(picture, _of_channels(picture.roi_full, picture.nchannels))
    return Picture(picture, linear, spec.format != oiio.TypeDesc(oiio.UINT8))


def subimages(path: str) -> Iterator[tuple[int, oiio.ImageSpec, bool]]:
    """Number, header and whether it is linear, of each part of a file; too large a one is Invalid."""
    file = oiio.ImageInput.open(path)
    if file is None:
        raise Invalid(f"{path} cannot be opened: {oiio.geterror().strip()}")
    try:
        number = 0
        linear = file.format_name() == "openexr"
        while file.seek_subimage(number, 0):
            spec = oiio.ImageSpec(file.spec())  # the file's own changes with each step
            pixels = max(spec.width * spec.height, spec.full_width * spec.full_height)
            if pixels > MOST_PIXELS:
                raise Invalid(f"{path} claims {pixels} pixels, more than the {MOST_PIXELS} that are read.")
            yield number, spec, linear
            number += 1
    finally:
        file.close()
        oiio.geterror()  # the step past the last part is no error of anybody's


def displayed(pixels: Pixels, linear: bool) -> Pixels:
    """Display values from 0 to 1; broken pixels are black."""
    values = numpy.clip(numpy.nan_to_num(pixels, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    return encoded(values) if linear else values


def encoded(light: Pixels) -> Pixels:
    """Linear light → sRGB."""
    return numpy.where(light <= 0.0031308, light * 12.92, 1.055 * numpy.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)


def decoded(values: Pixels) -> Pixels:
    """sRGB → linear light."""
    return numpy.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def colours(pixels: Pixels) -> Pixels:
    """Exactly three channels."""
    return pixels[:, :, :3] if pixels.shape[2] >= 3 else numpy.repeat(pixels[:, :, :1], 3, axis=2)


def _colours(names: Sequence[str]) -> tuple[int, list[str]]:
    """The colour channels a person means, with a rank: 0 is best."""
    layers: dict[str, dict[str, str]] = {}
    for name in names:
        layer, _, last = name.rpartition(".")
        layers.setdefault(layer, {})[last.upper()] = name
    ranked = []
    for layer, own in layers.items():
        if not {"R", "G", "B"} <= own.keys():
            continue
        rank = 0 if not layer else 1 if layer == "Composite.Combined" else 2 if layer.endswith("Combined") else 3
        ranked.append((rank, [own[key] for key in ("R", "G", "B", "A") if key in own]))
    if ranked:
        return min(ranked, key=lambda one: one[0])
    grey = [name for name in names if name.upper() in ("Y", "L", "I", "BW", "V")]
    return (4, grey[:1]) if grey else (5, [])


def _of_channels(roi: oiio.ROI, count: int) -> oiio.ROI:
    return oiio.ROI(roi.xbegin, roi.xend, roi.ybegin, roi.yend, 0, 1, 0, count)
