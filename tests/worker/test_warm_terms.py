"""When an open Blender may take one more task, and which of its lines end one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.worker.warm import Age, Done, Subject, Terms, done_of

DONE = {"event": "done", "request": "7.abc", "code": 0, "memory_mb": 250, "recycle": False}
HERE = Subject("/a.blend", (1, 2, 3))


def line(told: dict[str, object]) -> bytes:
    return b"brender: " + json.dumps(told).encode()


@given(st.binary(max_size=60).filter(lambda text: b"\n" not in text))
def test_the_end_of_a_request_is_found_behind_any_text(before: bytes) -> None:
    """Blender's C code may leave half a line in front of ours."""
    assert done_of(before + line(DONE), "7.abc") == Done("7.abc", 0, 250)


@pytest.mark.parametrize(
    "said",
    [
        b"brender: {}",
        b"7.abc",
        b"brender: {7.abc",
        line({**DONE, "request": "6.abc"}),
        line({**DONE, "event": "taken"}),
        line({**DONE, "code": "7.abc"}),
        line(DONE)[:-1],
        line(DONE) + b"x",
    ],
)
def test_nothing_else_ends_a_request(said: bytes) -> None:
    """A name in a file may be printed: it does not know the request's secret, and half a line is none."""
    assert done_of(said, "7.abc") is None


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Subject("/a.blend", (1, 2, 3)), ""),
        (Subject("/b.blend", (1, 2, 3)), "another file is wanted"),
        (Subject("/a.blend", (9, 2, 3)), "its file has changed"),
        (Subject("/a.blend", ()), "its file has changed"),
        (Subject("/a.blend", (1, 2, 3), (("CUDA_VISIBLE_DEVICES", "1"),)), "another environment is wanted"),
    ],
)
def test_a_process_serves_one_content_of_one_file(wanted: Subject, why: str) -> None:
    assert HERE.differs(wanted) == why


@given(st.integers(1, 50), st.integers(1, 300))
def test_a_process_goes_after_its_frames(chunk: int, most: int) -> None:
    """Never before the limit, and at the end of the task that reaches it."""
    age, terms = Age(), Terms(frames=most)
    while not age.spent(terms):
        assert age.frames < most
        age.add(chunk, 100)
    assert most <= age.frames < most + chunk


@pytest.mark.parametrize(
    ("memory", "spent"),
    [
        ([300, 800], False),  # small scenes may double: the slack
        ([300, 900], True),
        ([4000, 5900], False),
        ([4000, 6100], True),
        ([4000, 100, 5900], False),
        ([0, 0], False),  # nobody knows
    ],
)
def test_memory_may_grow_by_half_or_by_the_slack(memory: list[int], spent: bool) -> None:
    age = Age()
    for megabytes in memory:
        age.add(1, megabytes)
    assert bool(age.spent(Terms())) is spent
