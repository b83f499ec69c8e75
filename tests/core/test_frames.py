"""Frames: text and progressions, and how they are cut into tasks."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core.frames import Frames, frames_of, in_words, parse, task_count
from brender.errors import Invalid

numbers = st.integers(-50, 50)
ranges = st.builds(range, numbers, numbers, st.integers(-7, 7).filter(bool)).filter(len)


def written(part: range) -> str:
    return f"{part[0]}-{part[-1]}x{part.step}"


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("7", [7]),
        ("1-5", [1, 2, 3, 4, 5]),
        ("1,5,8-10", [1, 5, 8, 9, 10]),
        ("1-10x3", [1, 4, 7, 10]),
        ("10-1x-3", [10, 7, 4, 1]),
        ("-5--3", [-5, -4, -3]),
        (" 1 .. 3 , 3 ", [1, 2, 3]),
        ("1-4,2-6", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_frames_are_written_as_people_write_them(text: str, frames: list[int]) -> None:
    assert list(parse(text)) == frames


@pytest.mark.parametrize("text", ["", "1-", "a", "5-1", "1-5x0", "1,,2", "1-5x-1", "1e3", "1-2000000", "９-"])
def test_what_is_no_frame_range_is_refused_with_its_words(text: str) -> None:
    with pytest.raises(Invalid, match="Frames"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1-1000000000", "are 1000000000 frames; a step holds 1000000"),
        ("1-999999999,7", "are 1000000000 frames; a step holds 1000000"),
        ("1-1000000000:5", "an interleaved range has up to 100000"),
        ("1000000000", "up to 9 digits"),
    ],
)
def test_too_many_frames_are_refused_by_that_rule(text: str, said: str) -> None:
    """10⁹ frames are well written; what is wrong is their number."""
    with pytest.raises(Invalid, match=said):
        parse(text)


@given(st.lists(ranges, min_size=1, max_size=6))
def test_a_frame_counts_once_at_its_first_place(parts: list[range]) -> None:
    assert list(parse(",".join(map(written, parts)))) == list(dict.fromkeys(frame for part in parts for frame in part))


@given(st.lists(st.integers(-99, 99), unique=True, min_size=1))
def test_frames_in_words_parse_to_the_same_frames(frames: list[int]) -> None:
    assert list(parse(in_words(frames))) == frames


@given(st.lists(ranges, min_size=1, max_size=4), st.integers(1, 40))
def test_chunks_cover_each_frame_once_in_order(parts: list[range], chunk: int) -> None:
    text = ",".join(map(written, parts))
    frames = parse(text)

    cut = [frames_of(frames, chunk, index) for index in range(task_count(text, chunk))]

    assert all(cut)
    assert [frame for task in cut for frame in task] == list(frames)


@given(st.lists(ranges, min_size=1, max_size=4), st.data())
def test_frames_behave_like_the_list_they_stand_for(parts: list[range], data: st.DataObject) -> None:
    frames, plain = Frames(parts), [frame for part in parts for frame in part]
    at = data.draw(st.integers(-len(plain), len(plain) - 1))

    assert len(frames) == len(plain)
    assert frames[at] == plain[at]
    assert frames[at : at + 5] == plain[at : at + 5]
    with pytest.raises(IndexError):
        frames[len(plain)]


def test_a_million_frames_are_never_expanded() -> None:
    """A task costs nothing until it runs (DESIGN 4)."""
    tracemalloc.start()
    try:
        assert task_count("1-500000,500001-1000000", 1) == 1_000_000
        assert frames_of(parse("1-1000000"), 10, 99_999) == list(range(999_991, 1_000_001))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_step_without_frames_is_one_task() -> None:
    assert task_count("", 5) == 1
