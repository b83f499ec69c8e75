"""Who is at which step of the tutorial, in memory. It must not know the steps."""

from __future__ import annotations

from msgspec.structs import replace

from brender.commands.calls import Lesson

MOST = 200  # people; who began first is forgotten first
Actor = str | int


class Lessons:
    """By name, or by the number of a session without one."""

    def __init__(self) -> None:
        self._of: dict[Actor, Lesson] = {}

    def of(self, actor: Actor) -> Lesson | None:
        """How far somebody is; None for who has not begun."""
        return self._of.get(actor)

    def keep(self, actor: Actor, lesson: Lesson | None) -> None:
        """They are here now, or at the end."""
        self._of.pop(actor, None)
        if lesson is not None:
            self._of[actor] = lesson
            if len(self._of) > MOST:
                del self._of[next(iter(self._of))]

    def used(self, actor: Actor, method: str) -> None:
        """They have given a command that was not refused."""
        lesson = self._of.get(actor)
        if lesson is not None and method not in lesson.used:
            self._of[actor] = replace(lesson, used=lesson.used | {method})

    def named(self, session: int, name: str) -> None:
        """A session has said who it is: it goes on where it was, unless that name is further already."""
        lesson = self._of.pop(session, None)
        if lesson is not None:
            self._of.setdefault(name, lesson)
