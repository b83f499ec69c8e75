"""Workers: hello, silence, enable and disable; admin_state is people's, presence is the link's."""

from __future__ import annotations

from typing import Any

import pytest

from brender.config import DEFAULT
from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.lifecycle import CRASH_LIMIT
from brender.core.orders import Drop, Hangup, Recall, Run, Stop, Welcome
from brender.errors import Conflict, Exists, Invalid, NotFound, WrongState

from .builders import Stage


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


# ---- who is there


def test_an_unknown_client_gets_one_row_and_is_listed_at_once(stage: Stage) -> None:
    """BR-16."""
    worker = stage.worker("render-01")
    again = stage.worker("render-01")

    assert worker == again
    assert [(w.name, w.presence, w.admin_state) for w in stage.farm.workers.values()] == [
        ("render-01", "online", "enabled")
    ]


def test_a_client_that_leaves_stays_listed(stage: Stage) -> None:
    """BR-36: the seed removed it from its list."""
    worker = stage.worker()
    stage.do(ev.Disconnected(stage.session(worker), bye=True))
    assert stage.farm.workers[worker].presence == "offline"


def test_after_a_start_everybody_known_is_listed_offline(stage: Stage) -> None:
    """BR-13."""
    worker = stage.worker()
    assert stage.do(ev.Boot())["workers"] == 1
    assert stage.farm.workers[worker].presence == "offline"
    assert stage.farm.sessions == {}


def test_a_known_client_that_connects_stays_disabled_if_a_person_disabled_it(stage: Stage) -> None:
    """BR-15 as read by REQUIREMENTS 10.3."""
    worker = stage.worker()
    stage.do(ev.SetAdmin([worker], "disabled"))
    stage.worker()
    assert stage.farm.workers[worker].admin_state == "disabled"


def test_two_machines_of_one_name_get_two_names(stage: Stage) -> None:
    first = stage.worker("render")
    mac = "ff" * 6
    stage.do(ev.Hello(99, f"brender_{mac}", mac, "render"))
    assert [w.name for w in stage.farm.workers.values()] == ["render", "render-2"]
    assert stage.farm.workers[first].name == "render"


def test_the_newer_session_wins_and_the_older_is_closed(stage: Stage) -> None:
    """F16."""
    worker = stage.worker()
    old = stage.session(worker)
    turn = stage.turn(ev.Hello(77, stage.farm.workers[worker].key, "m", "render-01"))

    assert [(session, type(order)) for session, order in turn.orders] == [(old, Hangup), (77, Welcome)]
    stage.do(ev.Heartbeat(old, "late words of the old one"))
    stage.do(ev.Disconnected(old))
    assert (stage.session(worker), stage.farm.workers[worker].warning) == (77, "")


def test_a_session_that_says_hello_as_another_machine_leaves_the_first_one_behind(stage: Stage) -> None:
    first = stage.worker("a")
    stage.do(ev.Hello(stage.session(first), "brender_other", "other", "b"))
    assert [(w.name, w.presence) for w in stage.farm.workers.values()] == [("a", "lost"), ("b", "online")]


def test_what_an_unknown_session_says_is_ignored(stage: Stage) -> None:
    for event in (
        ev.Heartbeat(5),
        ev.Started(5, [(1, 1)]),
        ev.Results(5, [ev.Result(1, "success0")]),
        ev.Returned(5, [1]),
        ev.Immortal(5, [(1, 1)]),
        ev.Disconnected(5),
    ):
        assert stage.turn(event).answers == [None]


def test_a_2013_client_is_online_while_connected_and_gets_no_work(stage: Stage) -> None:
    """BR-30."""
    stage.do(ev.LegacyHello(9, "bcaec57122fc", "old"))
    stage.job({})
    worker = stage.farm.worker_keys["brender_bcaec57122fc"]
    assert stage.farm.workers[worker].presence == "online"
    assert stage.orders(worker, Run) == []
    stage.do(ev.Disconnected(9))
    assert stage.farm.workers[worker].presence == "offline"


def test_a_machine_that_comes_back_as_a_2013_client_gives_its_work_to_others(stage: Stage) -> None:
    worker = stage.worker("new")
    job = stage.job({})
    stage.do(ev.LegacyHello(50, stage.farm.workers[worker].mac, "new"))
    assert stage.words(job) == ["new"]
    assert stage.farm.attempts == {}


# ---- silence


def test_a_silent_worker_is_lost_after_its_lease_and_its_task_goes_to_another(stage: Stage) -> None:
    """CONTRACT 4.3; F14."""
    silent = stage.worker("a")
    job = stage.job({})
    stage.start(silent)
    stage.wait(DEFAULT.lost_after - 1)
    assert stage.words(job) == ["running"]
    stage.wait(2)
    assert stage.farm.workers[silent].presence == "lost"
    other = stage.worker("b")
    assert [a.task for a in stage.live(other)] == [0]


def test_a_cut_link_is_forgiven_for_a_while(stage: Stage) -> None:
    """F08: what runs there goes on."""
    worker = stage.worker()
    stage.job({})
    stage.start(worker)
    (attempt,) = stage.live(worker)
    stage.do(ev.Disconnected(stage.session(worker)))
    stage.wait(DEFAULT.gone_after - 1)
    stage.worker("render-01", running=[attempt.id])
    assert stage.live(worker) == [attempt]
    assert attempt.state == "running"


def test_after_a_start_nobody_is_declared_dead_before_the_grace_is_over(stage: Stage) -> None:
    """F09: ten minutes without a master, and nothing is requeued."""
    worker = stage.worker()
    stage.job({})
    stage.start(worker)
    stage.now += 600
    stage.do(ev.Boot())
    stage.wait(DEFAULT.boot_grace - 1)
    assert len(stage.live(worker)) == 1
    stage.wait(2)
    assert stage.live(worker) == []


def test_the_masters_own_sleep_is_charged_to_nobody(stage: Stage) -> None:
    """F10: SIGSTOP for a minute."""
    worker = stage.worker()
    stage.job({})
    stage.wait(3)
    stage.now += 60
    stage.turn(ev.Tick())
    assert len(stage.live(worker)) == 1
    assert stage.farm.workers[worker].presence == "online"


def test_the_masters_own_sleep_does_not_lengthen_the_lease_of_who_was_heard_since(stage: Stage) -> None:
    """F10: heartbeats that waited in the socket are read before the tick."""
    worker = stage.worker()
    stage.wait(3)
    stage.now += 60
    stage.turn(ev.Heartbeat(stage.session(worker)), ev.Tick())
    stage.wait(DEFAULT.lost_after + 2)
    assert stage.farm.workers[worker].presence != "online"


def test_a_suspect_gets_no_new_work_until_it_is_heard_again(stage: Stage) -> None:
    """CONTRACT 4.3: suspect after 15 s. Any word counts, not only a heartbeat."""
    worker = stage.worker()
    stage.wait(DEFAULT.suspect_after + 1)
    job = stage.job({})
    assert stage.live(worker) == []
    stage.do(ev.Started(stage.session(worker), []))
    assert [a.task for a in stage.live(worker)] == [0]
    assert stage.words(job) == ["new"]


def test_after_the_masters_own_sleep_work_is_given_out_again(stage: Stage) -> None:
    worker = stage.worker()
    stage.wait(3)
    stage.now += 20
    stage.job({})
    assert stage.live(worker) == []
    stage.turn(ev.Tick())
    assert len(stage.live(worker)) == 1


# ---- hello: three ways to agree


def test_hello_adopts_what_runs_keeps_what_is_held_and_requeues_the_rest(stage: Stage) -> None:
    """CONTRACT 4.1.4 and 4.2."""
    worker = stage.worker(slots=3)
    job = stage.job({"frames": "1-3"})
    runs, held, unknown = stage.live(worker)
    stage.do(ev.Disconnected(stage.session(worker)))
    stage.worker("render-01", slots=2, running=[runs.id, 999], held=[held.id])

    assert stage.orders(worker, Welcome)[-1].drop == [999]
    assert {runs.id, held.id} < set(stage.farm.loads[worker].live)
    assert unknown.id not in stage.farm.attempts
    stage.end(worker, held)
    assert sorted(stage.words(job)) == ["new", "new", "success0"]


def test_a_stop_that_was_lost_with_the_link_is_asked_again(stage: Stage) -> None:
    """SP-35: a task may run for ever; stopping must not."""
    worker = stage.worker()
    job = stage.job({})
    stage.start(worker)
    (attempt,) = stage.live(worker)
    stage.do(ev.Disconnected(stage.session(worker)))
    stage.do(ev.StopJob(job.id))
    stage.orders(worker)
    stage.worker("render-01", running=[attempt.id])
    assert stage.orders(worker, Stop) == [Stop([attempt.id])]


def test_a_planned_goodbye_is_no_crash(stage: Stage) -> None:
    """CONTRACT 4.3: planned stops never count."""
    job = stage.job({})
    for _ in range(CRASH_LIMIT + 1):
        worker = stage.worker()
        stage.start(worker)
        stage.do(ev.Disconnected(stage.session(worker), bye=True))
    assert stage.words(job) == ["new"]


def test_a_shutdown_that_an_absent_master_hears_of_later_is_no_crash(stage: Stage) -> None:
    """F35: the next life of the daemon brings the word, as a result it held; a repeated one changes nothing."""
    worker = stage.worker(boot="0")
    job = stage.job({})
    for life in range(1, CRASH_LIMIT + 2):
        stage.start(worker)
        (attempt,) = stage.live(worker)
        stage.worker("render-01", boot=str(life), held=[attempt.id])
        stage.end(worker, attempt, "returned", reason="render-01 was shut down")
        stage.end(worker, attempt, "returned", reason="render-01 was shut down")
        assert stage.live(worker)[0].number == life + 1
    assert stage.farm.tasks[stage.step(job).id].trouble[0].crashes == 0


def test_a_poison_task_is_given_up_and_what_waited_behind_it_is_not(stage: Stage) -> None:
    """F46: the queue behind a poisoned slot is innocent."""
    worker = stage.worker(boot="0")
    job = stage.job({"frames": "1-2"})
    for life in range(1, CRASH_LIMIT + 1):
        assert stage.live(worker)[0].task == 0
        stage.start(worker, stage.live(worker)[0])
        stage.worker("render-01", boot=str(life))
        if life < CRASH_LIMIT and stage.live(worker)[0].task == 1:
            stage.end(worker, stage.live(worker)[0], "error", exit_code=1)
    assert stage.words(job)[0] == "error"
    trouble = stage.farm.tasks[stage.step(job).id].trouble
    assert "given up after 5 workers" in trouble[0].last.reason
    assert 1 not in trouble or trouble[1].crashes == 0


def test_an_order_that_never_arrived_is_no_crash(stage: Stage) -> None:
    """The same life of the daemon says hello without it: the link lost the order."""
    job = stage.job({})
    worker = stage.worker(boot="one life")
    for _ in range(CRASH_LIMIT + 1):
        stage.do(ev.Disconnected(stage.session(worker)))
        stage.worker("render-01", boot="one life")
    assert stage.words(job) == ["new"]


# ---- enable and disable


def test_disable_reports_what_changed_and_takes_back_what_waits(stage: Stage) -> None:
    """BR-19, BR-20: draining."""
    a, b = stage.worker("a"), stage.worker("b")
    stage.job({"frames": "1-9"})
    running = stage.live(a)[0]
    stage.start(a, running)
    waiting = [x.id for x in stage.live(a)[1:]]

    answer = stage.do(ev.SetAdmin([a, b], "disabled"))
    assert answer == {
        "state": "disabled",
        "changed": [{"id": a, "name": "a"}, {"id": b, "name": "b"}],
        "unchanged": [],
    }
    assert stage.do(ev.SetAdmin([a], "disabled"))["unchanged"] == [{"id": a, "name": "a"}]
    assert waiting and stage.orders(a, Recall)[0] == Recall(waiting)
    stage.do(ev.Returned(stage.session(a), waiting))
    assert stage.live(a) == [running]
    stage.end(a, running)
    assert stage.live(a) == []


def test_a_selector_that_names_nobody_known_changes_nobody(stage: Stage) -> None:
    """BR-36, and a dying rule leaves no trace: also not in what the scheduler believes was recalled."""
    worker = stage.worker()
    stage.job({"frames": "1-3"})
    error = stage.refused(ev.SetAdmin([worker, 404], "disabled"))
    assert isinstance(error, NotFound)
    assert stage.farm.workers[worker].admin_state == "enabled"
    assert stage.farm.loads[worker].recalled == set()
    assert isinstance(stage.refused(ev.SetAdmin([worker], "asleep")), Invalid)


def test_enabling_gives_work_in_the_same_turn(stage: Stage) -> None:
    worker = stage.worker()
    stage.do(ev.SetAdmin([worker], "disabled"))
    stage.job({})
    assert stage.live(worker) == []
    stage.do(ev.SetAdmin([worker], "enabled"))
    assert len(stage.live(worker)) == 1


# ---- attributes


def test_attributes_of_a_worker_are_made_changed_and_removed(stage: Stage) -> None:
    """BR-07."""
    made = stage.do(ev.Create("worker", {"name": "blade", "mac": "BC:AE:C5:71:22:FC", "tags": "gpu, big"}))
    assert (made["row"]["key"], made["row"]["tags"]) == ("brender_bcaec57122fc", ["gpu", "big"])
    worker = made["row"]["id"]
    assert isinstance(stage.refused(ev.Create("worker", {"name": "x", "mac": "bcaec57122fc"})), Exists)
    assert isinstance(stage.refused(ev.Create("worker", {"name": "x", "mac": "nonsense"})), Invalid)
    stage.do(ev.Update("worker", [worker], {"name": "blade-1"}))
    version = stage.farm.workers[worker].version
    assert isinstance(stage.refused(ev.Update("worker", [worker], {"name": "b"}, version=version - 1)), Conflict)
    assert stage.do(ev.Delete("worker", [worker]))["deleted"] == [{"id": worker, "name": "blade-1"}]
    assert stage.farm.workers == {}


def test_a_worker_that_is_there_cannot_be_deleted(stage: Stage) -> None:
    worker = stage.worker()
    assert isinstance(stage.refused(ev.Delete("worker", [worker])), WrongState)


def test_heartbeats_change_no_row_unless_they_warn(stage: Stage) -> None:
    """BR-14: 2,000 workers say it all day."""
    worker = stage.worker()
    assert stage.turn(ev.Heartbeat(stage.session(worker))).changes == []
    assert len(stage.turn(ev.Heartbeat(stage.session(worker), "disk full")).changes) == 1


def test_dropped_attempts_need_no_second_order(stage: Stage) -> None:
    worker = stage.worker()
    assert stage.orders(worker, Drop) == []


@pytest.mark.parametrize(
    ("said", "name"),
    [("rack/7", "rack-7"), ("42", "w42"), ("a\x1b[2Jb", "a-[2Jb"), (" spaced ", "spaced"), ("x" * 400, "x" * 255)],
)
def test_a_machine_cannot_take_a_name_that_nobody_could_type(stage: Stage, said: str, name: str) -> None:
    """Names follow one rule, whoever gives them."""
    stage.do(ev.Hello(5, "brender_0a", "0a", said))
    assert [worker.name for worker in stage.farm.workers.values()] == [name]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"slots": -5}, "-5 slots"),
        ({"slots": 10**9}, "1000000000 slots"),
        ({"mac": "zz:\x1b"}, "MAC"),
        ({"key": ""}, "key"),
        ({"functions": ["f" * 300]}, "function or tag"),
        ({"tags": ["t"] * 2000}, "functions or tags"),
    ],
)
def test_a_hello_that_makes_no_sense_is_hung_up_with_the_reason(stage: Stage, wrong: dict[str, Any], word: str) -> None:
    """CONTRACT S27: what a machine says of itself must not harm the farm; its own log tells why it was refused."""
    said = {"key": "brender_02fc", "mac": "02fc", "hostname": "odd", "slots": 2, **wrong}

    turn = stage.turn(ev.Hello(31, **said))

    assert [(session, type(order)) for session, order in turn.orders] == [(31, Hangup)]
    assert word in turn.orders[0][1].reason  # type: ignore[attr-defined]
    assert stage.farm.workers == {} and turn.changes == []


def test_what_a_person_wrote_as_warning_stays_until_the_machine_has_something_new_to_say(stage: Stage) -> None:
    """BR-07, BR-32: a heartbeat every five seconds says nothing new, and must not undo what was acknowledged."""
    worker = stage.worker()
    row = stage.farm.workers[worker]

    def beat(warning: str = "") -> str:
        stage.do(ev.Heartbeat(stage.session(worker), warning))
        return row.warning

    assert beat("the disk is full") == "the disk is full" and beat() == ""
    stage.do(ev.Update("worker", [worker], {"warning": "the fan rattles"}))
    assert beat() == beat() == "the fan rattles"
    stage.worker()
    assert beat() == "the fan rattles"
    assert beat("the disk is full") == "the disk is full"
    stage.worker()
    assert row.warning == ""
    stage.do(ev.Heartbeat(stage.session(worker), "the disk is full"))
    stage.turn(ev.Boot())
    stage.worker()
    assert beat() == ""


def test_a_clock_that_is_wrong_is_told_and_nothing_is_refused() -> None:
    """RM-53: warn, do not refuse."""
    stage = Stage()
    worker = stage.worker()
    turn = stage.turn(ev.Clock(stage.session(worker), stage.now - 30.0))
    assert ("worker.clock_skew", {"id": worker, "name": "render-01", "seconds": -30.0}) in turn.notices
    assert stage.farm.workers[worker].facts["clock_skew"] == -30.0
    stage.do(ev.Clock(stage.session(worker), stage.now + 1.9))
    assert "clock_skew" not in stage.farm.workers[worker].facts
    stage.do(ev.ClockMoved(3600.0))  # the master's own clock was put right
    stage.do(ev.Clock(stage.session(worker), stage.now + 3600.0))
    assert "clock_skew" not in stage.farm.workers[worker].facts
    assert stage.farm.workers[worker].presence == "online"
