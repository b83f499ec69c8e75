"""Batches of readings on the wire: columns of one length, texts and vectors beside them."""

from __future__ import annotations

from array import array

import pytest

from brender.errors import Invalid
from brender.wire.packed import FrameReader, frame
from brender.wire.readings import METHOD, MOST, Batch, collected, columns_of


def test_a_batch_comes_through_a_frame_as_it_was() -> None:
    """CL-41: one message a second, ids and numbers as they lie in memory."""
    sent = collected([(7, 1.5, 20.25), (9, 1.5, 3), (7, 2.5, "open"), (8, 2.0, [1.0, 2.0]), (8, 3.0, None)])
    (message,) = FrameReader().feed(frame([{"method": METHOD, "params": sent.batch(12)}]))
    batch = message.params_as(Batch)
    assert batch.batch == 12
    found = columns_of(batch)
    assert (found.channels, found.times, found.values) == (
        array("I", [7, 9]), array("d", [1.5, 1.5]), array("d", [20.25, 3.0])
    )  # fmt: skip
    assert found.others == [(7, 2.5, "open"), (8, 2.0, [1.0, 2.0]), (8, 3.0, None)]
    assert found.count == 5


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (Batch(1, b"\1\0\0\0", b"", b""), "have 0, 1 numbers"),
        (Batch(1, b"\1\0\0", b"", b""), "3 bytes are no column"),
        (Batch(1, b"\0" * 4, b"\0" * 8, b"\0" * 16), "have 1, 2 numbers"),
        (Batch(1, others=[(1, 1.0, "x")] * (MOST + 1)), "over the limit"),
    ],
)
def test_columns_that_do_not_fit_are_refused(batch: Batch, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        columns_of(batch)
