"""Frames to a movie: H.264 that plays anywhere, ProRes for the cut, FFV1 that loses nothing.

Every frame is decoded here (layers chosen, linear light displayed) and goes to ffmpeg as plain RGB, so that all formats
come out alike. It must not know jobs or farms.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from brender.errors import Invalid, Unsupported
from brender.pictures.sequence import ENDINGS, ending, unfinished

if TYPE_CHECKING:
    from brender.pictures.reading import Pixels

FRAME_RATE: Final = 24
Codec = Literal["h264", "prores", "lossless"]
FILES: Final[dict[Codec, tuple[str, ...]]] = {
    "h264": (".mp4", ".mov", ".mkv"),
    "prores": (".mov",),
    "lossless": (".mkv",),
}
_TAGS: Final = "color_primaries=bt709:color_trc=bt709"
_YUV: Final = f"scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,setparams={_TAGS}"
_VIDEO: Final = f"{_YUV}:colorspace=bt709:range=tv"


class Movie(NamedTuple):
    """How to encode: frames a second, which codec, and how good (crf of h264: 0 best, 51 worst)."""

    fps: float = FRAME_RATE
    codec: Codec = "h264"
    quality: int = 16


def ffmpeg() -> str:
    """The program to call. Raises Unsupported when there is none."""
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    found = shutil.which("ffmpeg")
    if found is None:
        raise Unsupported("There is no ffmpeg for the movie.", hint="pip install 'brender[pictures]'")
    return found


def encode(frames: Path, movie: Path, rate: int = FRAME_RATE) -> Path:
    """All PNG frames of a directory in order of their names into `movie`, as H.264."""
    names = sorted(frames.glob("*.png"))
    if not names:
        raise Invalid(f"There are no PNG frames in {frames}.", hint="Render some first.")
    return make(names, movie, Movie(rate))


def make(paths: Sequence[Path], output: Path, wish: Movie) -> Path:
    """The movie appears under its name only when it is complete. Raises Invalid for what cannot be, Unsupported with
    ffmpeg's own last words when that fails."""
    ending(output, FILES[wish.codec])
    if not (math.isfinite(wish.fps) and 0.1 <= wish.fps <= 1000):
        raise Invalid(f"fps {wish.fps:g} is not between 0.1 and 1000.", hint="For example 24.")
    if any(path.suffix.lower().lstrip(".") not in ENDINGS for path in paths):
        raise Invalid("A movie is made of PNG, JPEG, TIFF and OpenEXR frames.")
    with unfinished(output) as part:
        _encode(paths, part, wish)
    return output


def _encode(paths: Sequence[Path], part: Path, wish: Movie) -> None:
    from brender.pictures.reading import beauty

    first = beauty(str(paths[0]))
    width, height = first.size
    deep = wish.codec != "h264" and first.deep
    words = [ffmpeg(), "-y", "-nostdin", "-loglevel", "error", "-f", "rawvideo"]
    words += ["-pix_fmt", "rgb48le" if deep else "rgb24", "-s", f"{width}x{height}"]
    words += ["-framerate", f"{wish.fps:g}", "-i", "-", *_arguments(wish, deep), str(part)]
    code, said = _stream(words, _frames(paths, (width, height), deep))
    if code:
        raise Unsupported(f"ffmpeg could not make {part.name}: {said.decode(errors='replace').strip()[-300:]}")


def _arguments(wish: Movie, deep: bool) -> list[str]:
    """Sizes are made even, as chroma at half the width wants; the colours are tagged as what they are."""
    even = "pad=ceil(iw/2)*2:ceil(ih/2)*2"
    if wish.codec == "lossless":
        tags = f"setparams={_TAGS}:colorspace=gbr:range=pc"
        return ["-vf", f"format={'gbrp16le' if deep else 'bgr0'},{tags}", "-c:v", "ffv1", "-level", "3", "-g", "1"]
    if wish.codec == "prores":
        look = f"{even},{_YUV},format=yuv422p10le,setparams={_TAGS}:colorspace=bt709:range=tv"
        return ["-vf", look, "-c:v", "prores_ks", "-profile:v", "hq", "-vendor", "apl0"]
    quality = ["-crf", str(wish.quality), "-preset", "medium"]
    return ["-vf", f"{even},{_VIDEO}", "-c:v", "libx264", *quality, "-pix_fmt", "yuv420p", "-movflags", "+faststart"]


def _frames(paths: Sequence[Path], size: tuple[int, int], deep: bool) -> Iterator[Pixels]:
    """Display values of one frame after the other."""
    from brender.pictures.reading import beauty, colours, displayed

    most, kind = (65535, "<u2") if deep else (255, "u1")
    for path in paths:
        picture = beauty(str(path))
        if picture.size != size:
            got, want = (f"{width}x{height}" for width, height in (picture.size, size))
            raise Invalid(f"{path.name} is {got}, the first frame {want}.", hint="Render it anew.")
        yield (displayed(colours(picture.pixels()), picture.linear) * most + 0.5).astype(kind)


def _stream(words: list[str], frames: Iterator[Pixels]) -> tuple[int, bytes]:
    """Feed the frames one by one: a long movie must not pass through memory whole."""
    with tempfile.TemporaryFile() as said, subprocess.Popen(words, stdin=subprocess.PIPE, stderr=said) as process:
        assert process.stdin is not None
        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.prlimit(process.pid, resource.RLIMIT_AS, (hard, hard))  # our limits are for decoding, not for ffmpeg
        try:
            for frame in frames:
                process.stdin.write(frame.tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg says why
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        process.wait()
        said.seek(0)
        return process.returncode, said.read()
