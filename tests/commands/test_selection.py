"""How people name things: selectors, names, ids, globs, ranges; and what a slip is answered."""

from __future__ import annotations

from typing import Any

import pytest

from brender.core import events as ev
from brender.errors import Forbidden, Invalid, NotFound, Unsupported, WrongState

from . import world


def names(answer: dict[str, Any]) -> list[str]:
    return [row["name"] for row in answer["workers"]]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("", ["render-01", "render-02", "weaver"]),
        ("all", ["render-01", "render-02", "weaver"]),
        ("ALL", ["render-01", "render-02", "weaver"]),
        ("render-01", ["render-01"]),
        ("RENDER-01", ["render-01"]),
        ("2", ["render-02"]),
        ("render-*", ["render-01", "render-02"]),
        ("*", ["render-01", "render-02", "weaver"]),
        ("enabled", ["render-01", "weaver"]),
        ("disabled", ["render-02"]),
        ("online", ["render-01", "render-02"]),
        ("lost", ["weaver"]),
        ("offline", []),
        ("idle", ["render-01", "render-02"]),
        ("busy", []),
        ("tag=gpu", ["render-01"]),
        ("TAG=CPU", ["render-02"]),
        ("weaver render-01", ["render-01", "weaver"]),
        ("weaver,render-01", ["render-01", "weaver"]),
        ("tag=gpu lost render-01", ["render-01", "weaver"]),
        ("000000000003", ["weaver"]),
    ],
)
def test_a_selector_means_the_union_of_all_that_matches(words: str, wanted: list[str]) -> None:
    """BR-18, BR-36: every match counts, not only the first."""
    assert names(world.ask(world.stage(), f"clients {words}")) == wanted


@pytest.mark.parametrize("verb", ["enable", "disable", "worker delete", "worker set name=x"])
def test_no_selector_on_a_changing_verb_changes_nothing(verb: str) -> None:
    """BR-20: a warning, and nothing changed."""
    with pytest.raises(Invalid, match=r"No worker selected\. Name one, or use 'all'\."):
        world.ask(world.stage(), verb)


def test_disable_hits_all_matches_and_says_which_were_so_already() -> None:
    """BR-19, BR-36."""
    stage = world.stage()
    answer = world.ask(stage, "disable render-*")
    assert answer["changed"] == [{"id": 1, "name": "render-01"}]
    assert answer["unchanged"] == [{"id": 2, "name": "render-02"}]
    assert names(world.ask(stage, "clients disabled")) == ["render-01", "render-02"]
    assert world.shown(stage, "enable ALL")[0].startswith("OK 2 workers enabled: render-01, render-02.")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("enable rendr-01", "Did you mean render-01"),
        ("enable tag=gpo", "Did you mean gpu?"),
        ("enable x-*", "See worker list."),
        ("job run shoot", "Did you mean shot?"),
        ("project show flim", "Did you mean film?"),
        ("job run effects simm", "Did you mean sim?"),
        ("task list effects/simm", "Did you mean sim?"),
        ("job run 99", "See job list."),
    ],
)
def test_a_slip_is_answered_with_the_nearest_name(line: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        world.ask(world.stage(), line)
    assert caught.value.hint.startswith(hint)


def test_a_job_is_named_by_name_path_or_id_and_an_ambiguous_name_lists_the_candidates() -> None:
    stage = world.stage()
    with pytest.raises(Invalid, match=r"'shot' may be advert/shot \(id 3\), film/shot \(id 1\)"):
        world.ask(stage, "job show shot")
    for line in ("job show film/shot", "job show shot -p film", "job show 1", "job show shot project=film"):
        assert world.ask(stage, line)["id"] == 1
    assert world.ask(stage, "job show shot", project="advert")["id"] == 3


def test_a_step_is_named_by_path_or_through_its_job() -> None:
    stage = world.stage()
    assert world.ask(stage, "step show film/shot/render")["name"] == "render"
    assert world.ask(stage, "step show effects/bake")["name"] == "bake"
    assert world.ask(stage, "step show film/shot")["name"] == "render"
    with pytest.raises(Invalid, match="has 2 steps: bake, sim"):
        world.ask(stage, "step show effects")


def failed_shot() -> Any:
    """film/shot has run on render-01 and failed: four tasks of three frames, exit codes 13, signal 9, success, none."""
    stage = world.stage()
    stage.do(ev.RunJob(1))
    for ended in (
        {"state": "error", "exit_code": 13, "reason": "no file"},
        {"state": "terminated", "signal": 9},
        {},
        {},
    ):
        attempt = min(stage.live(1), key=lambda one: one.id)
        stage.start(1, attempt)
        stage.end(1, attempt, **ended)
    return stage


def test_tasks_are_chosen_by_number_range_or_state() -> None:
    stage = failed_shot()
    assert world.ask(stage, "task retry film/shot 0")["tasks"] == 1
    with pytest.raises(NotFound, match="no task 4; they are 0 to 3"):
        world.ask(stage, "task retry film/shot 1-4")
    with pytest.raises(Invalid, match="No task of step render is running"):
        world.ask(failed_shot(), "task retry film/shot running")
    assert world.ask(failed_shot(), "task retry film/shot/render failed")["tasks"] == 2
    assert world.ask(failed_shot(), "task retry film/shot")["tasks"] == 2


def test_a_task_list_prints_the_seeds_labels() -> None:
    """SP-31, SP-33, SP-34: error13, terminated-9, success0."""
    found = world.ask(failed_shot(), "task list film/shot")
    assert [row["state"] for row in found["tasks"]] == ["error13", "terminated-9", "success0", "success0"]
    assert [row["frames"] for row in found["tasks"]] == ["1-3", "4-6", "7-9", "10"]
    assert found["tasks"][0]["reason"] == "no file" and found["tasks"][0]["worker"] == "render-01"
    only = world.ask(failed_shot(), "task list film/shot failed limit=1 offset=1")
    assert [row["task"] for row in only["tasks"]] == [1] and only["total"] == 2


def test_a_step_of_one_task_shows_the_label_with_its_code() -> None:
    """SP-26, SP-31."""
    stage = world.stage()
    job = stage.job({"name": "only", "retries": 0}, name="single")
    attempt = stage.live(1)[0]
    stage.start(1, attempt)
    stage.end(1, attempt, "error", exit_code=7)
    assert world.ask(stage, f"status {job.id}")["steps"][0]["state"] == "error7"


def test_pages_of_tasks_go_over_steps_without_touching_the_others() -> None:
    stage = world.stage()
    stage.job({"name": "a", "frames": "1-3"}, {"name": "b", "frames": "1-1000000"}, name="huge", run=False)
    found = world.ask(stage, "task list huge limit=3 offset=2")
    assert [(row["step"], row["task"]) for row in found["tasks"]] == [("a", 2), ("b", 0), ("b", 1)]
    assert found["total"] == 1_000_003


def test_an_artist_changes_only_jobs_of_their_own() -> None:
    stage = world.stage()
    world.ask(stage, "job create mine function=noop", role="artist", name="ben")
    world.ask(stage, "job run mine", role="artist", name="ben")
    with pytest.raises(Forbidden, match="submitted by ben"):
        world.ask(stage, "job stop mine", role="artist", name="eve")
    world.ask(stage, "job stop mine", role="operator", name="eve")


def test_spads_words_do_what_they_did() -> None:
    """SP-16, SP-20, SP-21, SP-23, SP-25, SP-26, SP-39: create -j, run -p -w, status, dump, stop, delete."""
    stage = world.stage()
    tree = '{"context": {"project": {"name": "pr1", "workflows": [{"name": "wf1", "tasks": [%s]}]}}}'
    tasks = '{"id": 1, "name": "t11", "place": 1, "exec": "parallel", "function": "noop", "params": ["0"]}'
    made = world.ask(stage, f"create -j '{tree % tasks}'")
    assert made["jobs"][0]["steps"] == 1
    dumped = world.ask(stage, "dump -p pr1 -w wf1")
    assert dumped["project"]["workflows"][0]["tasks"][0]["params"] == ["0"]
    assert world.ask(stage, "run -p pr1 -w wf1")["run"] == 1
    assert world.ask(stage, "status -p pr1")["jobs"][0]["name"] == "wf1"
    assert world.ask(stage, "status -p pr1 -w wf1 -t t11")["steps"][0]["name"] == "t11"
    with pytest.raises(Invalid, match="not stopped alone"):
        world.ask(stage, "stop -w wf1 -t t11")
    with pytest.raises(WrongState):
        world.ask(stage, "delete -p pr1 -w wf1")
    world.ask(stage, "stop -w wf1")
    stage.end(1, stage.live(1)[0], "stopped")
    leaf = tree % '{"name": "t11"}'
    gone = world.ask(stage, f"delete -j '{leaf}'")
    step = stage.farm.next_ids["step"] - 1
    assert gone == {"project": "pr1", "deleted": [{"noun": "step", "id": step, "name": "t11", "job": "wf1"}]}
    assert world.ask(stage, "delete -p pr1 -w wf1")["noun"] == "job"


def test_a_job_can_be_made_again_from_its_dump() -> None:
    """SP-39: the dump is what create takes."""
    stage = world.stage()
    before = world.ask(stage, "dump -p film -w effects")
    world.ask(stage, "delete -p film -w effects")
    stage.do(ev.SubmitTree(before["project"]))
    again = world.ask(stage, "dump -p film -w effects")
    for one in (before, again):
        workflow = one["project"]["workflows"][0]
        workflow.pop("id")
        for task in workflow["tasks"]:
            task.pop("id")
    assert again == before


def test_the_master_reads_no_files_of_its_callers() -> None:
    """CONTRACT S10: -f is read by the brender program only."""
    for line in ("create -f /etc/passwd", "delete -f x.json"):
        with pytest.raises(Unsupported, match="does not read"):
            world.ask(world.stage(), line)


def test_a_project_is_never_deleted_and_the_reason_is_said() -> None:
    """SP-20."""
    stage = world.stage()
    for line in ("project delete film", 'delete -j \'{"project": {"name": "film"}}\''):
        with pytest.raises(WrongState, match="stands for something") as caught:
            world.ask(stage, line)
        assert "project archive film" in caught.value.hint
    assert world.ask(stage, "project archive film")["rows"][0]["state"] == "archived"


def test_a_job_in_one_line_is_one_step_with_its_frames() -> None:
    stage = world.stage()
    line = (
        "job create quick function=echo frames=1-100 chunk=10 params=hello retries=3 tags=gpu priority=80 -p film --run"
    )
    made = world.ask(stage, line)
    assert made["jobs"][0]["tasks"] == 10 and made["jobs"][0]["run"] == 1
    job = stage.farm.jobs[made["jobs"][0]["id"]]
    step = stage.step(job, "echo")
    assert (job.priority, job.tags, job.submitter) == (80, ["gpu"], "anna")
    assert (step.params, step.frames, step.chunk, step.retries, step.timeout) == (["hello"], "1-100", 10, 3, None)


def test_attributes_are_read_as_the_type_they_have() -> None:
    """BR-07: values are JSON if they parse, else strings."""
    stage = world.stage()
    row = world.ask(stage, """worker set render-01 tags=a,b config='{"x": 1}' name=king""")["rows"][0]
    assert (row["tags"], row["config"], row["name"]) == (["a", "b"], {"x": 1}, "king")
    step = world.ask(stage, """step set effects/sim params='[1, "two"]' retries=5 timeout=2.5 frames=1-4""")["rows"][0]
    assert (step["params"], step["retries"], step["timeout"], step["frames"]) == ([1, "two"], 5, 2.5, "1-4")
    with pytest.raises(Invalid, match="retries='many' does not fit a step"):
        world.ask(stage, "step set effects/sim retries=many")


def test_a_selected_project_and_a_subscription_are_acts_of_the_session() -> None:
    stage = world.stage()
    assert world.ask(stage, "select_project film").name == "film"
    act = world.ask(stage, "subscribe job.* task.error since=12")
    assert (act.topics, act.since) == (["job.*", "task.error"], 12)
    assert world.ask(stage, "quit") == world.ask(stage, "OFFLINE")
