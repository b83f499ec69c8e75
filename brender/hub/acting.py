"""What concerns only the session that asks: what it hears, how it is called, which project it is at.

It must not change the farm.
"""

from __future__ import annotations

from typing import Any

from brender.commands import calls
from brender.errors import InternalError
from brender.hub.later import Later
from brender.hub.lessons import Lessons
from brender.hub.links import Link
from brender.hub.logs import OWN_TOPIC
from brender.hub.logs import TOPIC as LOG_TOPIC
from brender.hub.moments import VALUES, Moments
from brender.hub.watches import TOPIC as WATCH_TOPIC
from brender.hub.watches import Watches
from brender.wire.feed import Feed


class Acting:
    """Carries out acts, at once: no turn, nothing for the disk."""

    def __init__(self, feed: Feed, moments: Moments, later: Later, watches: Watches, lessons: Lessons) -> None:
        self._feed, self._moments, self._later = feed, moments, later
        self._watches, self._lessons = watches, lessons

    def carry_out(self, link: Link, act: calls.Act) -> Any:
        """Do it and return its answer."""
        if isinstance(act, calls.Subscribe):
            link.topics = sorted({*link.topics, *act.topics})
            if VALUES in act.topics:
                link.channels = None if act.channels is None else frozenset(act.channels)
            self._moments.heed(link)
            missed = self._feed.since(act.since, act.topics) if act.since is not None else []
            if missed and act.since is not None:
                link.resume(self._feed, act.since)
            chosen = {} if link.channels is None else {"channels": sorted(link.channels)}
            return {"topics": link.topics, "seq": link.told(self._feed), "resumed": missed is not None, **chosen}
        if isinstance(act, calls.Unsubscribe):
            link.topics = [topic for topic in link.topics if act.topics and topic not in act.topics]
            self._moments.heed(link)
            if not act.topics or {LOG_TOPIC, OWN_TOPIC} & {*act.topics}:
                self._later.end(link)
            if not act.topics or WATCH_TOPIC in act.topics:
                self._watches.end(link)
            return {"topics": link.topics}
        if isinstance(act, calls.Unwatch):
            return {"names": self._watches.end(link, act.name)}
        if isinstance(act, calls.Teach):
            self._lessons.keep(link.who.actor, act.lesson)
            return act.shown
        self._watches.touched()
        if isinstance(act, calls.SelectProject):
            link.project = act.name
            return {"project": act.name}
        if isinstance(act, calls.SetType):
            link.type = act.type
            return {"type": act.type}
        if isinstance(act, calls.Introduce):
            link.name, link.remembers, link.web = act.name, act.remember, act.web
            self._lessons.named(link.number, act.name)
            return {"name": act.name, "role": link.who.role}
        raise InternalError(f"Nobody carries out {type(act).__name__}.")
