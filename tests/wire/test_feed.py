"""The ring of events that subscribers resume from."""

from hypothesis import given
from hypothesis import strategies as st

from brender.wire.feed import Feed, matches


def numbers(feed: Feed, seq: int, *topics: str) -> list[int] | None:
    found = feed.since(seq, topics or ("*",))
    return None if found is None else [notice.seq for notice in found]


def test_a_subscriber_gets_what_it_missed_on_its_topics() -> None:
    feed = Feed(10, first=100)
    for topic in ("worker.lost", "job.done", "worker.online"):
        feed.publish(topic, {})

    assert numbers(feed, 99) == [100, 101, 102]
    assert numbers(feed, 100, "worker.*") == [102]
    assert numbers(feed, 99, "job.done", "alarm.*") == [101]
    assert numbers(feed, 102) == []
    assert feed.last == 102


def test_a_subscriber_of_another_life_of_the_master_must_reload() -> None:
    feed = Feed(10, first=1000)

    assert numbers(feed, 998) is None
    assert numbers(feed, 1000) is None
    assert numbers(feed, 999) == []


@given(st.integers(1, 20), st.integers(0, 60), st.integers(1, 500), st.integers(-5, 600))
def test_since_gives_all_or_says_reload(capacity: int, count: int, first: int, seq: int) -> None:
    feed = Feed(capacity, first)
    for number in range(count):
        feed.publish("t", number)

    published = range(first, first + count)
    missed = [number for number in published if number > seq]
    kept = list(published)[-capacity:]
    if seq >= first + count or not set(missed) <= set(kept) or seq < first - 1:
        assert numbers(feed, seq) is None
    else:
        assert numbers(feed, seq) == missed


def test_topics_are_globs() -> None:
    assert matches("worker.lost", ["worker.*"])
    assert matches("worker.lost", ["*"])
    assert not matches("worker.lost", ["job.*", "worker"])
