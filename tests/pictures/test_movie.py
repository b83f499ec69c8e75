"""Movies by the real ffmpeg: size, rate, colour tags, colours; what cannot be is refused before a file is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from picture_world import LAYERS, picture, store

from brender.daemon.pictures import environment, program
from brender.errors import Invalid
from brender.pictures.movie import Movie, encode, ffmpeg, make


def told(movie: Path) -> str:
    """What ffmpeg says of the video stream."""
    said = subprocess.run([ffmpeg(), "-hide_banner", "-i", str(movie)], capture_output=True, text=True, check=False)
    return next(line for line in said.stderr.splitlines() if "Video:" in line)


def first_pixels(movie: Path, width: int, height: int) -> numpy.ndarray:
    words = [
        ffmpeg(),
        "-loglevel",
        "error",
        "-i",
        str(movie),
        "-frames:v",
        "1",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    raw = subprocess.run(words, capture_output=True, check=True).stdout
    return numpy.frombuffer(raw, numpy.uint8).reshape(height, width, 3)


def function(*words: str) -> subprocess.CompletedProcess[str]:
    """As a task runs it."""
    return subprocess.run([*program(), *words], env=environment(), cwd="/", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "wish", "said"),
    [
        ("a.mp4", Movie(25, "h264"), ["h264 (High)", "yuv420p(tv, bt709, progressive)", "52x38", "25 fps"]),
        (
            "a.mov",
            Movie(23.976, "prores"),
            ["prores (HQ)", "yuv422p10le(tv, bt709, progressive)", "52x38", "23.98 fps"],
        ),
        ("a.mkv", Movie(24, "lossless"), ["ffv1", "bgr0(pc, gbr/bt709/bt709", "51x37", "24 fps"]),
    ],
)
def test_a_movie_has_its_rate_its_even_size_and_the_tags_of_its_colours(
    tmp_path: Path, name: str, wish: Movie, said: list[str]
) -> None:
    frames = [picture(tmp_path / f"f_{n:04}.png", 51, 37, 0.5) for n in (1, 2, 3)]
    line = told(make(frames, tmp_path / name, wish))

    assert [word for word in said if word not in line] == []


def test_lossless_is_every_bit_and_h264_is_close(tmp_path: Path) -> None:
    values = numpy.random.default_rng(1).random((36, 48, 3))
    noise = store(tmp_path / "n_0001.png", values, ("R", "G", "B"))
    exact = first_pixels(make([noise], tmp_path / "a.mkv", Movie(codec="lossless")), 48, 36)
    assert numpy.array_equal(exact, (values.astype(numpy.float32) * 255 + 0.5).astype(numpy.uint8))

    red = store(tmp_path / "r_0001.png", numpy.full((36, 48, 3), (0.8, 0.2, 0.1)), ("R", "G", "B"))
    near = first_pixels(make([red], tmp_path / "a.mp4", Movie()), 48, 36)[18, 24]
    assert numpy.abs(near.astype(int) - (204, 51, 26)).max() <= 4  # 601 instead of 709 would be off by 20 and more


def test_openexr_is_displayed_by_the_srgb_curve_and_of_layers_the_combined_one(tmp_path: Path) -> None:
    names = ("ViewLayer.Depth.Z", *LAYERS)
    frame = store(tmp_path / "m_0001.exr", numpy.full((36, 48, 5), (9.0, 0.18, 0.18, 5.0, 1.0)), names)
    pixel = first_pixels(make([frame], tmp_path / "a.mkv", Movie(codec="lossless")), 48, 36)[0, 0]

    assert pixel.tolist() == pytest.approx([118, 118, 255], abs=1)


def test_frames_of_another_size_stop_the_movie_and_leave_no_file(tmp_path: Path) -> None:
    frames = [picture(tmp_path / "f_0001.png", 64, 48, 0.5), picture(tmp_path / "f_0002.png", 32, 48, 0.5)]
    with pytest.raises(Invalid, match=r"f_0002\.png is 32x48, the first frame 64x48"):
        make(frames, tmp_path / "a.mp4", Movie())
    assert sorted(os.listdir(tmp_path)) == ["f_0001.png", "f_0002.png"]


def test_an_ending_that_the_codec_does_not_go_into_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"a\.mp4 should end in \.mov"):
        make([], tmp_path / "a.mp4", Movie(codec="prores"))


def test_as_a_task_it_says_what_it_made_or_why_not(tmp_path: Path) -> None:
    for n in (1, 2, 4):
        picture(tmp_path / f"frame_{n:04}.png", 16, 16, 0.5)
    output = tmp_path / "a.mp4"
    words = ["movie", f"--source={tmp_path}", "--range=1-4", f"--output={output}", "--pattern=frame_####"]

    refused = function(*words)
    assert refused.returncode == 1 and not output.exists()
    assert refused.stderr.strip() == f"movie: {tmp_path} lacks frame 3. Render them, or allow holes=true."
    made = function(*words, "--holes=true")
    assert (made.returncode, made.stdout) == (0, f"{output}: 3 frames at 24 a second, without frame 3\n")
    relative = function("movie", "--source=frames", "--output=/x.mp4")
    assert "parameter source 'frames' is no absolute path" in relative.stderr


def test_a_folder_of_frames_for_the_demo(tmp_path: Path) -> None:
    picture(tmp_path / "frame_0001.png", 16, 16, 0.5)
    assert re.search(r"h264.*24 fps", told(encode(tmp_path, tmp_path / "demo.mp4")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(Invalid, match="no PNG frames"):
        encode(tmp_path / "empty", tmp_path / "none.mp4")


def test_importing_the_movie_loads_no_picture_library() -> None:
    """`brender render` starts quickly and runs without the extra."""
    words = "import sys, brender.pictures.movie; sys.exit('numpy' in sys.modules or 'OpenImageIO' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], env=environment(), check=False).returncode == 0
