"""What is worth a look and what is not, in words that name the frame and the next step."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from brender.worker.looks import NOTE_CHARS, Measured, Near, alone, beside, broken, note

STEP = 1 / 255


@dataclass
class Flat:
    """A picture whose channels go from low to high."""

    low: float
    high: float
    alpha: tuple[float, float] = (1.0, 1.0)
    linear: bool = False

    def measured(self) -> Measured:
        low, high = (self.low,) * 3 + (self.alpha[0],), (self.high,) * 3 + (self.alpha[1],)
        return Measured(8, 8, (self.low + self.high) / 2, low, high, linear=self.linear)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (Flat(0, 0), "all black"),
        (Flat(0, STEP), "all black"),  # dithering of black
        (Flat(0.5, 0.5), "all one colour"),
        (Flat(0, 0.1), ""),
        (Flat(0, 0, alpha=(0, 1)), ""),  # a shadow on nothing: its shape is in its alpha
        (Flat(0, 0.004, linear=True), ""),  # a night, linear: 13 of 255 steps on a screen
        (Flat(0, 0.0001, linear=True), "all black"),
    ],
)
def test_a_picture_without_any_difference_is_worth_a_look(picture: Flat, said: str) -> None:
    words = alone(7, picture.measured())

    assert (said in words and words.startswith("frame 7 ") and "task retry" in words) if said else words == ""


def test_broken_pixels_come_first_and_count_in_parts_of_a_still_too() -> None:
    seen = Measured(8, 8, 0.1, (0,), (1,), nan=3, infinite=1)

    assert alone(7, seen) == broken(7, seen)
    assert "3 NaN and 1 infinite pixels" in alone(7, seen)
    assert broken(7, Flat(0, 0).measured()) == ""


def test_what_could_not_be_read_is_told_with_its_problem() -> None:
    assert "could not be looked at (its reader ended with -9)" in alone(7, Measured(problem="its reader ended with -9"))


def test_a_frame_unlike_both_of_its_neighbours_is_named_also_when_it_is_the_older_one() -> None:
    known = [Near(1, 50_000, 0.5), Near(2, 50_000, 0.1), Near(3, 50_000, 0.51)]

    assert list(beside([3], known)) == [2]
    assert beside([3], known)[2].startswith("frame 2 is much darker than frames 1 and 3: ")
    assert list(beside([2], known)) == [2]
    assert beside([9], [*known, Near(9, 50_000, 0.5)]) == {}  # what was said already is not said again


@pytest.mark.parametrize(
    "means",
    [
        (0.5, 0.55, 0.6),  # it gets brighter
        (0.5, 0.1, 0.1),  # a cut
        (0.5, None, 0.5),
        (0.0, 0.004, 0.0),  # less than a person sees
        (0.5, 0.45, 0.5),
    ],
)
def test_what_animations_do_is_no_warning(means: tuple[float | None, ...]) -> None:
    known = [Near(frame, 50_000, mean) for frame, mean in enumerate(means)]

    assert beside(range(3), known) == {}


def test_frames_far_apart_are_no_neighbours() -> None:
    """A binary order renders first, last, middle: a loop's ends agree, and its middle is another picture."""
    assert beside([50], [Near(1, 50_000, 0.5), Near(50, 9, 0.1), Near(100, 50_000, 0.5)]) == {}


def test_a_size_far_from_the_median_of_its_neighbours() -> None:
    known = [Near(frame, 90_000 + frame) for frame in range(1, 8)]

    assert beside([8], [*known, Near(8, 29_000)])[8] == (
        "frame 8 has 29000 bytes, its neighbours about 90005: look at it, `task retry … --again` renders it anew"
    )
    assert list(beside([8], [*known, Near(8, 300_000)])) == [8]
    assert beside([8], [*known, Near(8, 40_000)]) == {}
    assert beside([3], [*known[:2], Near(3, 10)]) == {}  # two do not make a median
    assert beside([8], [*known[:3], Near(5, 10_000), Near(8, 10_000)]) == {}  # they do not agree themselves


def test_a_note_is_cut_at_a_warning_and_says_how_many_are_left() -> None:
    told = note([f"frame {frame} is all black: check it" for frame in range(50)])

    assert len(told) <= NOTE_CHARS
    assert told.startswith("frame 0 is") and told.endswith("more warnings")
    assert note([]) == ""
