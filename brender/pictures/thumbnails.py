"""The worker daemon's reader of pictures: wishes in on stdin, one JSON line each; measurements out on stdout.

It runs niced and within limits, and it dies with the daemon. A picture that it cannot bear ends it; the daemon starts
another. The thumbnail lies beside the frames: `.brender/thumbs/<file>.jpg`, in sRGB, complete or not there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import stat
from typing import Final

import msgspec
import numpy
import OpenImageIO as oiio

from brender.errors import Invalid
from brender.pictures import reading
from brender.worker.looks import THUMB_PIXELS, THUMBS, Measured, Wish

CPU_S: Final = 60  # for one picture
NICE: Final = 10
LINE_BYTES: Final = 1 << 16
PR_SET_PDEATHSIG: Final = 1
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def serve() -> int:
    """Until stdin ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.nice(NICE)
    reading.confine()
    with open(0, "rb", closefd=False) as asked, open(1, "wb", buffering=0, closefd=False) as answers:
        while line := asked.readline(LINE_BYTES):
            _allow(CPU_S)
            try:
                seen = look(msgspec.json.decode(line, type=Wish))
            except (Invalid, OSError, MemoryError) as error:
                seen = Measured(problem=" ".join(str(error).split())[:200] or type(error).__name__)
            answers.write(msgspec.json.encode(seen) + b"\n")
    return 0


def look(wish: Wish) -> Measured:
    """Measure a frame and write its thumbnail. Raises Invalid or OSError."""
    path = os.path.join(wish.output, wish.file)
    if os.path.basename(wish.file) != wish.file or not stat.S_ISREG(os.lstat(path).st_mode):
        raise Invalid(f"{wish.file} is no plain file of {wish.output}.")
    picture = reading.beauty(path)
    stats = oiio.ImageBufAlgo.computePixelStats(picture.buffer)
    shown = min(3, picture.buffer.nchannels)
    _write(thumbnail(picture, wish.thumb), wish)
    return Measured(
        width=picture.size[0],
        height=picture.size[1],
        mean=sum(stats.avg[:shown]) / shown,
        low=tuple(stats.min),
        high=tuple(stats.max),
        nan=max(stats.nancount),
        infinite=max(stats.infcount),
        linear=picture.linear,
    )


def thumbnail(picture: reading.Picture, longest: int = THUMB_PIXELS) -> reading.Pixels:
    """Display bytes, height x width x 3, no side longer than `longest` and none enlarged."""
    buffer, (width, height) = picture.buffer, picture.size
    scale = min(1.0, longest / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    if (width, height) != picture.size:
        oiio.ImageBufAlgo.fixNonFinite(buffer, buffer, oiio.NonFiniteFixMode.NONFINITE_BLACK)
        roi = oiio.ROI(0, width, 0, height, 0, 1, 0, buffer.nchannels)
        buffer = oiio.ImageBufAlgo.resize(buffer, filtername="triangle", roi=roi)
    values = reading.displayed(reading.colours(buffer.get_pixels(oiio.FLOAT)), picture.linear)
    return (values * 255 + 0.5).astype(numpy.uint8)


def write(pixels: reading.Pixels, path: str, **attributes: int | str) -> None:
    """Bytes to a file of the kind that its ending says. Raises OSError."""
    height, width, channels = pixels.shape
    spec = oiio.ImageSpec(width, height, channels, oiio.UINT8)
    for name, value in attributes.items():
        spec.attribute(name, value)
    file = oiio.ImageOutput.create(path)
    if file is None or not file.open(path, spec) or not file.write_image(pixels) or not file.close():
        raise OSError(f"{path} cannot be written: {file.geterror() if file else oiio.geterror()}")


def _write(pixels: reading.Pixels, wish: Wish) -> None:
    """Through folder descriptors: no link leads a thumbnail elsewhere."""
    output = os.open(wish.output, _FOLDER)
    held = [output]
    try:
        for name in THUMBS.split("/"):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=held[-1])
            held.append(os.open(name, _FOLDER, dir_fd=held[-1]))
        part, final = f".{wish.file}.{os.getpid()}.jpg", f"{wish.file}.jpg"
        write(pixels, f"/proc/self/fd/{held[-1]}/{part}", Compression="jpeg:85")
        os.rename(part, final, src_dir_fd=held[-1], dst_dir_fd=held[-1])
    finally:
        for descriptor in held:
            os.close(descriptor)


def _allow(seconds: int) -> None:
    """Processor time for the next picture; SIGXCPU ends whoever needs more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))
