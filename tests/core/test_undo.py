"""Undo: what an operator did last is taken back, but for what has changed since; held against a plain history."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from brender.core import acts, invariants
from brender.core import events as ev
from brender.core.farm import Farm
from brender.errors import BrenderError, WrongState

from .builders import Stage

Key = tuple[str, int, str]
ANNA, BEN, NOBODY = "anna", "ben", 7  # NOBODY said no name: session 7
WHO = st.sampled_from([ANNA, ANNA, ANNA, BEN, NOBODY])


def by(who: str | int) -> dict[str, Any]:
    return {"by": who, "session": 1} if isinstance(who, str) else {"session": who}


def stage() -> Stage:
    """Three workers, of which the last is away, and three jobs that run and wait for a worker that never comes."""
    found = Stage()
    for name in ("a", "b", "c"):
        found.worker(name)
    found.do(ev.Disconnected(found.session(3)))
    for number in range(3):
        found.job({"function": "nobody"}, name=f"j{number}", priority=50 + number)
    return found


def values(farm: Farm) -> dict[Key, Any]:
    """All that can be undone."""
    found: dict[Key, Any] = {("worker", w.id, "admin_state"): w.admin_state for w in farm.workers.values()}
    for job in farm.jobs.values():
        found |= {("job", job.id, "priority"): job.priority, ("job", job.id, "paused"): job.paused}
    return found


class Entry(Struct):
    value: Any
    act: int | None = None  # the number of the act that wrote it, None: no act
    run: int = 0


class History:
    """The same farm remembered the simplest way: every value an attribute ever had, and whose act it was."""

    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        self.of: dict[Key, list[Entry]] = {key: [Entry(value)] for key, value in values(farm).items()}
        self.done: dict[str | int, list[int]] = {}
        self.number = 0

    def wrote(self, who: str | int | None) -> None:
        """Something happened; what differs now is one act of whoever it was, if it was one."""
        self.number += 1
        new = values(self.farm)
        for key in [key for key in self.of if key not in new]:
            del self.of[key]
        changed = [key for key in new if key not in self.of or self.of[key][-1].value != new[key]]
        for key in changed:
            run = self.farm.jobs[key[1]].run if key[0] == "job" else 0
            self.of.setdefault(key, []).append(Entry(new[key], None if who is None else self.number, run))
        if who is not None and changed:
            self.done.setdefault(who, []).append(self.number)

    def undone(self, who: str | int) -> None:
        """Of the newest act of this actor, what nobody wrote over goes."""
        act = self.done[who].pop()
        for key, entries in self.of.items():
            if entries[-1].act == act and not self._ended(key, entries[-1]):
                entries.pop()

    def _ended(self, key: Key, entry: Entry) -> bool:
        return key[2] == "paused" and (
            self.farm.jobs[key[1]].desired != "run" or self.farm.jobs[key[1]].run != entry.run
        )

    def now(self) -> dict[Key, Any]:
        return {key: entries[-1].value for key, entries in self.of.items()}


WORKERS = st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True)
JOBS = st.lists(st.integers(1, 3), min_size=1, max_size=2, unique=True)
ACTS = st.one_of(
    st.tuples(st.just("admin"), WHO, WORKERS, st.sampled_from(["enabled", "disabled"])),
    st.tuples(st.just("priority"), WHO, JOBS, st.sampled_from([10, 50, 90])),
    st.tuples(st.just("pause"), WHO, st.integers(1, 3), st.booleans()),
    st.tuples(st.just("undo"), WHO),
    st.tuples(st.just("undo"), st.just(ANNA)),
    st.tuples(st.sampled_from(["stop", "run", "tree", "both", "delete job"]), st.integers(1, 3)),
    st.tuples(st.just("delete worker")),
)


def event_of(step: tuple[Any, ...]) -> tuple[ev.Event, str | int | None]:
    """What happens, and whose act it is (None: no act that could be undone)."""
    match step:
        case "admin", who, ids, state:
            return ev.SetAdmin(ids, state, **by(who)), who
        case "priority", who, ids, priority:
            return ev.Update("job", ids, {"priority": priority}, **by(who)), who
        case "pause", who, job, paused:
            return ev.PauseJob(job, paused, **by(who)), who
        case "undo", who:
            return ev.Undo(**by(who)), who
        case "stop", job:
            return ev.StopJob(job, ANNA), None
        case "run", job:
            return ev.RunJob(job, by=ANNA), None
        case "tree", job:
            flow = {"name": f"j{job - 1}", "priority": 33, "tasks": [{"name": "s1", "function": "nobody"}]}
            return ev.UpdateTree({"name": "film", "workflows": [flow]}, ANNA), None
        case "both", job:
            return ev.Update("job", [job], {"priority": 20, "tags": ["x"]}, **by(ANNA)), None
        case "delete job", job:
            return ev.Delete("job", [job]), None
    return ev.Delete("worker", [3]), None


@settings(max_examples=400, deadline=None)
@given(st.lists(ACTS, max_size=14))
def test_undo_gives_every_row_its_former_value_unless_it_was_changed_since(steps: list[tuple[Any, ...]]) -> None:
    """Whatever else happens between, and however many acts are taken back in a row."""
    here = stage()
    history = History(here.farm)
    for step in steps:
        event, who = event_of(step)
        answer = here.turn(event).answers[0]
        if not isinstance(event, ev.Undo):
            history.wrote(who)
        elif isinstance(answer, BrenderError):
            assert isinstance(answer, WrongState) and not history.done.get(who)
        else:
            history.undone(who)
            assert answer["more"] == len(history.done[who])
        assert values(here.farm) == history.now()


@settings(deadline=None)
@given(st.lists(ACTS.filter(lambda step: step[0] in ("admin", "priority", "pause")), min_size=1, max_size=12))
def test_all_of_ones_acts_undone_leave_no_row_changed_that_others_left_alone(steps: list[tuple[Any, ...]]) -> None:
    """The promise itself, without a history to compare: only rows that others changed may differ in the end."""
    here = stage()
    before = values(here.farm)
    touched: set[Key] = set()
    for step in steps:
        event, who = event_of(step)
        was = values(here.farm)
        here.turn(event)
        if who != ANNA:
            touched |= {key for key, value in values(here.farm).items() if was[key] != value}
    for _ in range(acts.count(here.farm.acts, ANNA)):
        here.do(ev.Undo(ANNA))

    after = values(here.farm)
    assert {key: after[key] for key in after.keys() - touched} == {key: before[key] for key in after.keys() - touched}


def test_what_was_changed_deleted_or_ended_since_is_left_alone_and_named() -> None:
    here = stage()
    here.do(ev.SetAdmin([1, 2, 3], "disabled", ANNA))
    here.do(ev.SetAdmin([2], "enabled", BEN))
    here.do(ev.SetAdmin([2], "disabled", BEN))
    here.do(ev.Delete("worker", [3]))

    assert here.do(ev.Undo(ANNA)) == {
        "verb": "disable",
        "noun": "worker",
        "field": "admin_state",
        "seconds": 0.0,
        "done": [{"id": 1, "name": "a", "value": "enabled"}],
        "left": [{"id": 2, "name": "b", "why": "changed"}, {"id": 3, "name": "c", "why": "deleted"}],
        "more": 0,
    }
    assert here.farm.workers[2].admin_state == "disabled"

    here.do(ev.PauseJob(1, True, ANNA))
    here.do(ev.PauseJob(1, False, ANNA))
    here.do(ev.StopJob(1))
    here.do(ev.RunJob(1))
    answer = here.do(ev.Undo(ANNA))
    assert (answer["verb"], answer["done"], answer["left"]) == ("resume", [], [{"id": 1, "name": "j0", "why": "ended"}])
    assert not here.farm.jobs[1].paused


def test_what_a_machine_says_meanwhile_is_no_change_of_what_people_want() -> None:
    here = stage()
    here.do(ev.SetAdmin([1], "disabled", ANNA))
    here.do(ev.Disconnected(here.session(1)))
    here.worker("a", tags=["new"])

    assert [row["id"] for row in here.do(ev.Undo(ANNA))["done"]] == [1]


def test_a_worker_that_is_disabled_again_by_undo_gives_back_what_it_has_not_begun() -> None:
    """An undo has the same consequences as the command whose former value it writes."""
    here = Stage()
    worker = here.worker(slots=1)
    here.do(ev.SetAdmin([worker], "disabled", ANNA))
    here.do(ev.SetAdmin([worker], "enabled", ANNA))
    here.job({"frames": "1-5"})
    waiting = [attempt.id for attempt in here.live(worker) if attempt.state == "assigned"]
    assert waiting

    here.do(ev.Undo(ANNA))
    assert here.farm.loads[worker].recalled == set(waiting)
    assert invariants.check(here.farm) == []


def test_names_meet_in_all_sessions_and_sessions_without_a_name_stay_apart() -> None:
    here = stage()
    here.do(ev.SetAdmin([1], "disabled", ANNA, session=3))
    here.do(ev.SetAdmin([2], "disabled", session=4))

    assert isinstance(here.refused(ev.Undo(session=3)), WrongState)
    assert here.do(ev.Undo(ANNA, session=9))["done"][0]["id"] == 1
    assert here.do(ev.Undo(session=4))["done"][0]["id"] == 2
    assert "nothing to undo" in here.refused(ev.Undo(session=4)).message


def test_nothing_that_changed_nothing_is_an_act() -> None:
    here = stage()
    here.do(ev.SetAdmin([1, 2], "enabled", ANNA))
    here.do(ev.Update("job", [1], {"priority": 50}, None, ANNA))
    assert here.farm.acts == ()
    here.do(ev.SetAdmin([1], "disabled"))
    assert here.farm.acts == ()


def test_memory_is_bounded_for_one_for_all_and_in_rows() -> None:
    here = stage()
    for turn in range(30):
        here.do(ev.SetAdmin([1], ("disabled", "enabled")[turn % 2], ANNA))
    assert acts.count(here.farm.acts, ANNA) == acts.MOST_OF_ACTOR
    for session in range(1, 600):
        here.do(ev.SetAdmin([1], ("disabled", "enabled")[session % 2 == 0], session=session))
    assert len(here.farm.acts) == acts.MOST_ACTS and acts.newest(here.farm.acts, ANNA) is None

    was = tuple(acts.Was(number, "x", 1, 2, 0, 1) for number in range(9_000))
    kept: tuple[acts.Act, ...] = ()
    for number in range(4):
        kept = acts.plus(kept, acts.Act(number, "disable", "worker", "admin_state", 0.0, was))
    assert [act.actor for act in kept] == [2, 3]
    huge = acts.Act("big", "disable", "worker", "admin_state", 0.0, was * 3)
    assert acts.plus(kept, huge) == (huge,)


def test_a_deleted_row_leaves_no_stamp_behind() -> None:
    here = stage()
    here.do(ev.SetAdmin([3], "disabled", ANNA))
    here.do(ev.Update("job", [1], {"priority": 1}, None, ANNA))
    here.do(ev.StopJob(1))
    here.do(ev.Delete("worker", [3]))
    here.do(ev.Delete("job", [1]))
    assert here.farm.stamps == {}


def test_an_act_that_was_undone_by_its_own_error_is_none() -> None:
    """The second id does not exist: the first is as it was, and nothing is remembered."""
    here = stage()
    here.refused(ev.SetAdmin([1, 99], "disabled", ANNA))
    assert here.farm.acts == () and here.farm.stamps == {}
