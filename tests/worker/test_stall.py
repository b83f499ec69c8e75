"""When a task is taken for stuck (CONTRACT R32). Time is a number here."""

from __future__ import annotations

import pytest

from brender.worker.stall import Sample, Stalls, Verdict, Watched, in_words

HALF_HOUR = Watched(1800.0)


def watching(terms: Watched = HALF_HOUR) -> Stalls:
    stalls = Stalls()
    stalls.begin(1, terms, 0.0)
    assert stalls.look(Sample(1), 5.0) is None
    return stalls


def test_half_an_hour_without_a_sign_is_told_once() -> None:
    stalls = watching()
    assert stalls.look(Sample(1), 1800.0) is None
    assert stalls.look(Sample(1), 1805.0) == Verdict(1, 1800.0)
    assert stalls.look(Sample(1), 1810.0) is None
    assert stalls.quiet == {1: 1800.0}


@pytest.mark.parametrize("sign", [Sample(1, printed=1), Sample(1, written=1), Sample(1, cpu_s=900.0)])
def test_a_word_a_byte_or_processor_time_is_a_sign_of_life(sign: Sample) -> None:
    stalls = watching()
    assert stalls.look(sign, 1790.0) is None
    assert stalls.look(sign, 3589.0) is None
    assert stalls.look(sign, 3590.0) == Verdict(1, 1800.0)


def test_one_that_moves_again_is_told_too_and_its_time_begins_anew() -> None:
    stalls = watching(Watched(60.0))
    assert stalls.look(Sample(1), 65.0) == Verdict(1, 60.0)
    assert stalls.look(Sample(1, printed=3), 70.0) == Verdict(1, 0.0)
    assert stalls.quiet == {}
    assert stalls.look(Sample(1, printed=3), 129.0) is None
    assert stalls.look(Sample(1, printed=3), 130.0) == Verdict(1, 60.0)


def test_a_wrapper_that_polls_for_a_renderer_that_is_gone_is_stuck() -> None:
    """A few ms of processor time a second, and the renderer's own are gone from the sum."""
    stalls = watching(Watched(60.0))
    assert stalls.look(Sample(1, cpu_s=400.0), 10.0) is None
    found = [stalls.look(Sample(1, cpu_s=0.004 * second), float(second)) for second in range(11, 100)]
    assert [verdict for verdict in found if verdict] == [Verdict(1, 60.0)]


def test_the_first_sample_only_begins_and_what_has_ended_is_forgotten() -> None:
    """A daemon that looks for the first time after a long pause has seen nothing yet."""
    stalls = Stalls()
    stalls.begin(1, Watched(60.0, end=True), 0.0)
    assert stalls.look(Sample(1), 500.0) is None
    assert stalls.look(Sample(1), 560.0) == Verdict(1, 60.0, end=True)
    stalls.end(1)
    assert (stalls.watched, stalls.quiet, stalls.look(Sample(1), 900.0)) == ([], {}, None)


def test_the_reason_in_words() -> None:
    assert in_words(1800) == "no output and no processor time for 30 min"
    assert in_words(90).endswith("90 s") and in_words(9000).endswith("2.5 h")
