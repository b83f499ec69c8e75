"""Frames to a movie that plays anywhere: H.264 in MP4, by the ffmpeg that imageio-ffmpeg ships or the one on PATH.

It must not know jobs or farms: a directory of numbered frames in, one file out.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

from brender.errors import Invalid, Unsupported

FRAME_RATE = 24


def ffmpeg() -> str:
    """The program to call. Raises Unsupported when there is none."""
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    found = shutil.which("ffmpeg")
    if found is None:
        raise Unsupported("There is no ffmpeg for the movie.", hint="pip install 'brender[demo]'")
    return found


def encode(frames: Path, movie: Path, rate: int = FRAME_RATE) -> Path:
    """All PNG frames of a directory in order of their names into `movie`, at `rate` frames a second.

    Dimensions are made even, as H.264 wants; colours are tagged BT.709. Raises Invalid without frames, Unsupported with
    ffmpeg's own last words when it fails. The movie appears under its name only when it is complete.
    """
    names = sorted(frames.glob("*.png"))
    if not names:
        raise Invalid(f"There are no PNG frames in {frames}.", hint="Render some first.")
    unfinished = movie.with_name(f".{movie.stem}.part{movie.suffix}")
    words = [ffmpeg(), "-y", "-loglevel", "error", "-framerate", str(rate), "-f", "image2pipe", "-i", "-"]
    words += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv", "-c:v", "libx264"]
    words += ["-crf", "16", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    words += ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", str(unfinished)]
    code, said = _stream(words, names)
    if code:
        unfinished.unlink(missing_ok=True)
        raise Unsupported(f"ffmpeg could not make {movie}: {said.decode(errors='replace').strip()[-400:]}")
    unfinished.rename(movie)
    return movie


def _stream(words: list[str], names: list[Path]) -> tuple[int, bytes]:
    """Feed the frames one by one: a long movie must not pass through memory whole."""
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        try:
            for name in names:
                with name.open("rb") as picture:
                    shutil.copyfileobj(picture, process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass
        said = process.stderr.read()
    return process.returncode, said
