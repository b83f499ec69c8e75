"""movie, contact_sheet, last_frame and merge: typed parameters to an exact argv that their program understands."""

from __future__ import annotations

from typing import Any

import pytest

from brender.core.orders import StepSpec
from brender.errors import InvalidParams
from brender.pictures.__main__ import _parser
from brender.worker.functions import Catalogue
from brender.worker.picture_functions import PARAMS, picture_templates

PROGRAM = ["/usr/bin/python3", "-P", "-m", "brender.pictures"]
CATALOGUE = Catalogue({}, picture_templates(PROGRAM, {"PYTHONPATH": "/srv"}))
LEAST: dict[str, dict[str, Any]] = {
    "movie": {"source": "/out", "output": "/out/a.mp4"},
    "contact_sheet": {"source": "/out"},
    "last_frame": {"source": "/out"},
    "merge": {"source": "/out", "pattern": "f_0007_part_####", "count": 4, "output": "/out/a.png", "tiles": "2x2"},
}


def argv(name: str, **params: Any) -> tuple[str, ...]:
    call = CATALOGUE.resolve(StepSpec(7, 3, "step", "job", name, params), 0)
    assert call.kind == "process" and call.env["PYTHONPATH"] == "/srv"
    return call.argv


def test_a_movie_is_an_exact_argv() -> None:
    assert argv("movie", source="/out", output="/out/a b.mp4", fps=25, holes=True) == (
        *PROGRAM,
        "movie",
        "--source=/out",
        "--pattern=frame_####",
        "--range=",
        "--output=/out/a b.mp4",
        "--fps=25",
        "--codec=h264",
        "--quality=16",
        "--holes=true",
    )


@pytest.mark.parametrize("name", list(PARAMS))
def test_the_program_takes_every_word_of_every_function(name: str) -> None:
    given = _parser().parse_args(argv(name, **LEAST[name])[len(PROGRAM) :])
    assert given.what == name
    assert set(vars(given)) == {*PARAMS[name], "what", "run"}


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("movie", {"codec": "divx"}, "codec is one of h264, prores, lossless, not 'divx'"),
        ("movie", {"fps": 0}, "fps is 0, under its least"),
        ("movie", {"holes": "yes"}, "holes is true or false"),
        ("movie", {"output": ""}, "output is an empty path"),
        ("movie", {"source": "--pattern=x"}, "may not begin with '-'"),
        ("merge", {"count": "4"}, "count is of type int"),
        ("contact_sheet", {"colums": 4}, "no parameter 'colums'"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(name: str, params: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParams, match=words):
        argv(name, **{**LEAST[name], **params})
