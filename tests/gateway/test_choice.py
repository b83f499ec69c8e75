"""Values are told by channel: what one page wants widens what the gateway hears, and no other page hears more of it."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from brender.gateway import choice

from .conftest import Room

CHOICES = st.none() | st.frozensets(st.integers(1, 40), max_size=12)


def event(channels: list[int], seq: int = 7) -> bytes:
    values = [[channel, 1.5, channel / 2] for channel in channels]
    params = {"seq": seq, "topic": "channel.values", "data": {"values": values}}
    return json.dumps({"jsonrpc": "2.0", "method": "event", "params": params}).encode()


@given(st.lists(CHOICES, max_size=5))
def test_what_is_heard_covers_what_everybody_chose_and_no_more(choices: list[choice.Choice]) -> None:
    heard = choice.together(choices)
    assert all(choice.covers(heard, one) for one in choices)
    assert (heard is None) == (None in choices)
    if heard is not None:
        assert all(any(channel in one for one in choices if one is not None) for channel in heard)


@given(st.lists(st.integers(1, 40), unique=True, max_size=20), CHOICES)
def test_a_page_is_told_its_channels_of_an_event_as_they_are(channels: list[int], wanted: choice.Choice) -> None:
    line, cut = event(channels), choice.Cut()
    for _ in range(2):
        found = cut.of(line, wanted)
        if wanted is None:
            assert found == line
        elif not wanted & set(channels):
            assert found is None
        else:
            assert found is not None
            said = json.loads(found)
            assert said == json.loads(event(sorted(wanted & set(channels))))


def test_more_channels_than_one_may_name_are_all() -> None:
    ids = random.Random(1).sample(range(100_000), 2 * choice.MOST_CHOSEN)
    halves = [frozenset(ids[: choice.MOST_CHOSEN]), frozenset(ids[choice.MOST_CHOSEN :])]
    assert choice.together(halves[:1]) == halves[0]
    assert choice.together(halves) is None


def test_pages_hear_the_channels_that_they_chose(room: Room) -> None:
    """Issue 6: a page that shows three plots does not hear ten thousand channels."""
    one, other, program = room.page(), room.page(), room.farm.json()
    made = program.call("channel.add", names=["first", "second", "third"], values={"type": "simple"})["channels"]
    first, second, third = (row["id"] for row in made)
    assert one.call("farm.subscribe", topics=["channel.values"], channels=[first])["channels"] == [first]
    other.call("farm.subscribe", topics=["channel.values"], channels=[second, third])
    for source in ("third", "second", "first"):
        program.call("reading.put", source=source, key="-", value=1.0)

    def told(page: object, until: set[int]) -> set[int]:
        found: set[int] = set()
        while not until <= found:
            found |= {row[0] for row in page.event("channel.values")["data"]["values"]}  # type: ignore[attr-defined]
        return found

    assert told(one, {first}) == {first}
    assert told(other, {second, third}) == {second, third}
    one.call("farm.subscribe", topics=["channel.values"], channels=[second])  # in place of the first
    for source in ("first", "third", "second"):
        program.call("reading.put", source=source, key="-", value=2.0)
    assert told(one, {second}) == {second}
    assert told(other, {second, third}) == {second, third}
    everything = room.page()
    everything.call("farm.subscribe", topics=["channel.values"])
    for source in ("third", "first"):
        program.call("reading.put", source=source, key="-", value=3.0)
    assert told(everything, {first, third}) >= {first, third}
    assert told(other, {third}) == {third}
    program.call("channel.delete", channels=["first", "second", "third"])
