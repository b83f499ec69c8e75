"""Legal moves as tables: total, closed, and the same for a report and for a load from disk."""

from __future__ import annotations

import itertools

import pytest

from brender.core.lifecycle import (
    ATTEMPT_LIVE,
    ATTEMPT_MOVES,
    ATTEMPT_OVER,
    CRASH_LIMIT,
    FAILED,
    LABELS,
    LIVE,
    OVER,
    PENDING,
    PRESENCE_MOVES,
    READY,
    TASK_MOVES,
    TASK_OF_LIVE,
    WORST_FIRST,
    TaskState,
    check_task_move,
    summary,
    task_after,
)
from brender.errors import WrongState


def test_every_task_state_is_exactly_one_of_not_run_ready_live_over() -> None:
    kinds = [{TaskState.NOT_RUN}, PENDING, LIVE, OVER]
    for state in TaskState:
        assert sum(state in kind for kind in kinds) == 1, state
    assert FAILED | {TaskState.SUCCESS} == OVER


def test_every_task_state_has_moves_a_label_and_a_rank() -> None:
    assert set(TASK_MOVES) == set(LABELS) == set(WORST_FIRST) == set(TaskState)


def test_the_labels_are_the_words_of_the_seed() -> None:
    """SP-27..SP-38."""
    words = "new, running, waiting, error, rerun, success0, terminated, stopping, stopped, killed, immortal"
    assert set(LABELS.values()) == {*words.split(", "), "not run"}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(TaskState, TaskState)))
def test_a_task_move_is_either_in_the_table_or_refused(old: TaskState, new: TaskState) -> None:
    if new in TASK_MOVES[old]:
        check_task_move("s[0]", old, new)
    else:
        with pytest.raises(WrongState, match=r"s\[0\]"):
            check_task_move("s[0]", old, new)


@pytest.mark.parametrize("live", ATTEMPT_LIVE)
def test_every_way_a_live_attempt_may_end_is_a_legal_move_of_its_task(live: str) -> None:
    """The table is total: no ended attempt leaves a task in a state it cannot enter (CONTRACT 4.2)."""
    for ended in ATTEMPT_MOVES[live] & set(ATTEMPT_OVER):
        for errors, crashes in itertools.product(range(3), range(CRASH_LIMIT + 1)):
            assert task_after(ended, errors, crashes, 1) in TASK_MOVES[TASK_OF_LIVE[live]], (live, ended)


def test_task_after_is_total() -> None:
    for ended, errors, crashes, retries in itertools.product(ATTEMPT_OVER, range(4), range(7), range(4)):
        assert task_after(ended, errors, crashes, retries) in OVER | READY


def test_an_error_is_forgiven_as_often_as_the_step_says() -> None:
    """SP-05: once by default."""
    assert task_after("error", 1, 0, 1) is TaskState.RERUN
    assert task_after("error", 2, 0, 1) is TaskState.ERROR
    assert task_after("terminated", 1, 0, 0) is TaskState.TERMINATED


def test_a_task_lost_with_too_many_workers_is_given_up() -> None:
    """F46."""
    assert task_after("lost", 0, CRASH_LIMIT - 1, 1) is TaskState.NEW
    assert task_after("lost", 0, CRASH_LIMIT, 1) is TaskState.ERROR


def test_attempt_and_presence_moves_lead_only_to_known_states() -> None:
    assert set(ATTEMPT_MOVES) <= {*ATTEMPT_LIVE, *ATTEMPT_OVER}
    assert set().union(*ATTEMPT_MOVES.values()) <= {*ATTEMPT_LIVE, *ATTEMPT_OVER}
    assert set().union(*PRESENCE_MOVES.values()) == set(PRESENCE_MOVES)
    assert set(TASK_OF_LIVE) == set(ATTEMPT_LIVE)


def test_a_job_is_as_bad_as_the_worst_of_its_tasks() -> None:
    """REQUIREMENTS 7.3."""

    def of(**states: int) -> str:
        counts = [0] * len(TaskState)
        for name, count in states.items():
            counts[TaskState[name]] = count
        return summary(counts)

    assert of() == of(NOT_RUN=3) == "not run"
    assert of(SUCCESS=3) == "success0"
    assert of(SUCCESS=2, ERROR=1) == of(KILLED=1, ERROR=1) == "error"
    assert of(ERROR=1, RUNNING=1) == of(NEW=1, SUCCESS=1) == "running"
    assert of(IMMORTAL=1, ERROR=1) == "immortal"
    assert of(STOPPING=1, RUNNING=3) == "stopping"
    assert of(SKIPPED=1, SUCCESS=1) == "stopped"
    assert of(NEW=2) == "new"
