"""Pictures for tests, written by the library that the farm reads them with: gradients, flat ones, layers."""

from __future__ import annotations

from pathlib import Path

import numpy
import OpenImageIO as oiio
from numpy.typing import NDArray

LAYERS = ("ViewLayer.Combined.R", "ViewLayer.Combined.G", "ViewLayer.Combined.B", "ViewLayer.Combined.A")


def picture(path: Path, width: int, height: int, value: float, flat: bool = False) -> Path:
    """Grey around `value`, darker to the left; by its ending 8-bit PNG, JPEG or TIFF, or float OpenEXR."""
    slope = numpy.zeros(width) if flat else numpy.linspace(-0.2, 0.2, width)
    pixels = numpy.broadcast_to((value + slope)[None, :, None], (height, width, 3))
    return store(path, pixels, ("R", "G", "B"))


def store(path: Path, pixels: NDArray[numpy.floating], names: tuple[str, ...], depth: str = "") -> Path:
    """Any channels."""
    kind = depth or ("float" if path.suffix == ".exr" else "uint8")
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(names), kind)
    spec.channelnames = names
    spec.attribute("oiio:UnassociatedAlpha", 1)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(numpy.ascontiguousarray(pixels, dtype=numpy.float32)), file.geterror()
    assert file.close()
    return path


def load(path: Path, part: int = 0) -> NDArray[numpy.floating]:
    """All channels of a file, as stored."""
    spec = oiio.ImageSpec()
    spec.attribute("oiio:UnassociatedAlpha", 1)
    file = oiio.ImageInput.open(str(path), spec)
    assert file is not None, oiio.geterror()
    pixels = file.read_image(part, 0, 0, 10_000, oiio.FLOAT)
    file.close()
    return numpy.asarray(pixels)
