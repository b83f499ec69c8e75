"""The base of all events."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct):
    """Base of all events; `by` is the actor for the audit and the story."""
