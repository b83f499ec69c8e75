"""What a worker makes of a task of an Open Job Description step: an argv in pieces, and the points it holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from brender.core.orders import StepSpec
from brender.errors import InvalidParams, NotFound
from brender.worker.functions import PIECE, Catalogue

ALLOWED = Catalogue({"openjd": "/opt/openjd"}, openjd=("python3", "session", ""))


def spec(params: Any, frames: str = "", chunk: int = 1) -> StepSpec:
    return StepSpec(7, 3, "step", "job", "openjd", params, frames=frames, chunk=chunk)


def told(frames: str, chunk: int, index: int, data: str = "") -> dict[str, Any]:
    call = ALLOWED.resolve(spec({"template": {"data": data}, "step": "s", "parameters": {}}, frames, chunk), index)
    assert call.kind == "process"
    assert call.argv[:3] == ("python3", "session", "")
    assert all(len(word.encode()) < 131_072 and "\0" not in word for word in call.argv)
    found: dict[str, Any] = json.loads("".join(call.argv[3:]))
    return found


@pytest.mark.parametrize(
    ("frames", "chunk", "index", "points"),
    [("", 1, 0, (0, 0)), ("5-8", 1, 2, (2, 2)), ("1-10x3", 3, 1, (3, 3)), ("0-9", 4, 2, (8, 9)), ("0-9", 4, 1, (4, 7))],
)
def test_a_task_is_a_run_of_points(frames: str, chunk: int, index: int, points: tuple[int, int]) -> None:
    found = told(frames, chunk, index)
    assert (found["first"], found["last"]) == points


def test_a_long_template_goes_in_pieces_that_the_kernel_takes() -> None:
    data = "é\0" * PIECE
    assert told("", 1, 0, data)["template"]["data"] == data


def test_without_leave_it_is_no_function_whatever_lies_in_the_folder() -> None:
    forbidden = Catalogue({"openjd": "/opt/openjd"})
    with pytest.raises(NotFound):
        forbidden.resolve(spec({"template": {}, "step": "s", "parameters": {}}), 0)


@pytest.mark.parametrize(
    "params", [[], ["x"], {}, {"template": {}}, {"template": {}, "step": "", "parameters": {}, "a": 1}]
)
def test_what_submit_did_not_make_is_refused(params: Any) -> None:
    with pytest.raises(InvalidParams, match="job submit"):
        ALLOWED.resolve(spec(params), 0)
