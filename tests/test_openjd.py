"""What an Open Job Description job is on a farm: names, tasks, waits, needs, and what is refused before it is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core import frames
from brender.errors import Invalid
from brender.openjd import MOST_BYTES, StepFacts, Wish, check_document, tree

SCRIPT = {"actions": {"onRun": {"command": "true"}}}
BOMB = "a: &a [1,2,3,4,5,6,7,8,9]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def template(*names: str) -> dict[str, Any]:
    return {"specificationVersion": "x", "name": "n", "steps": [{"name": name, "script": SCRIPT} for name in names]}


def made(*steps: StepFacts, **wish: Any) -> dict[str, Any]:
    found = tree(template(*(step.name for step in steps)), {}, steps, Wish("job", **wish))
    return found["project"]["workflows"][0]


@pytest.mark.parametrize(
    ("text", "as_json", "word"),
    [
        ("a: " + "x" * MOST_BYTES, False, "bytes"),
        ("a: " + "[" * 100 + "]" * 100, False, "deeper"),
        ('{"a": ' + "[" * 500_000, True, "deeper"),
        (BOMB, False, "aliases"),
        ("a: &a [*a]", False, "aliases"),
        ("a: &a {b: &b [*a, *b]}", False, "aliases"),
    ],
    ids=["long", "deep", "json", "bomb", "endless", "crossed"],
)
def test_a_document_that_would_hurt_is_refused_before_it_is_built(text: str, as_json: bool, word: str) -> None:
    with pytest.raises(Invalid, match=f"t.yaml .*{word}"):
        check_document(text, "t.yaml", as_json)


@pytest.mark.parametrize(
    ("text", "as_json"),
    [
        ("name: &n x\nother: *n\nmore: &m {<<: {a: 1}}\nagain: [*m, *m]", False),
        (json.dumps({"a": ["[" * 100, '\\"[[' * 50, "{" * 99]}), True),
        ("this is: [no: yaml", False),
        ("[" * 500_000, False),  # the scanner itself gives up
        ('{"this is": no json', True),
    ],
)
def test_a_document_of_a_usual_size_passes_whatever_it_says(text: str, as_json: bool) -> None:
    check_document(text, "t", as_json)


def test_each_step_carries_its_own_part_of_the_template_only() -> None:
    whole = {
        **template("a", "b"),
        "description": "long",
        "parameterDefinitions": [{"name": "P", "type": "INT", "userInterface": {"control": "SPIN_BOX"}}],
        "jobEnvironments": [{"name": "env", "variables": {"A": "1"}}],
    }
    whole["steps"][1] |= {"dependencies": [{"dependsOn": "a"}], "hostRequirements": {}}
    steps = [StepFacts("a", 1), StepFacts("b", 1, ["a"])]
    found = tree(whole, {"P": {"type": "INT", "value": "1"}}, steps, Wish("job"))["project"]["workflows"][0]["tasks"]
    assert [one["params"]["template"]["steps"] for one in found] == [
        [{"name": "a", "script": SCRIPT}],
        [{"name": "b", "script": SCRIPT}],
    ]
    assert found[1]["params"]["template"]["parameterDefinitions"] == [{"name": "P", "type": "INT"}]
    assert found[1]["params"]["template"]["jobEnvironments"] == whole["jobEnvironments"]
    assert found[1]["params"]["parameters"] == {"P": {"type": "INT", "value": "1"}}
    assert [one["after"] for one in found] == [[], ["a"]]
    assert {(one["place"], one["exec"], one["function"]) for one in found} == {(1, "parallel", "openjd")}


def test_names_that_brender_does_not_take_are_bent_and_dependencies_follow() -> None:
    names = ["a/b", "a-b", "12", "sim:frame", "Ünï"]
    steps = [StepFacts(name, 1, names[:place]) for place, name in enumerate(names)]
    found = made(*steps)["tasks"]
    assert [one["name"] for one in found] == ["a-b", "a-b'", "step-12", "sim-frame", "Ünï"]
    assert found[-1]["after"] == ["a-b", "a-b'", "step-12", "sim-frame"]


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (StepFacts("a", 1), ""),
        (StepFacts("a", 1, label=[7]), "7"),
        (StepFacts("a", 3, label=[1, 2, 3]), "1-3"),
        (StepFacts("a", 4, label=[1, 4, 7, 10]), "1-10x3"),
        (StepFacts("a", 3, label=[9, 3, 5]), "9,3,5"),
        (StepFacts("a", 3, label=[-5, -4, -3]), "-5--3"),
        (StepFacts("a", 3, label=[3, 3, 4]), "0-2"),
        (StepFacts("a", 12), "0-11"),
        (StepFacts("a", 2, label=[10**10, 10**10 + 1]), "0-1"),
    ],
)
def test_tasks_are_called_by_their_frame_where_there_is_one(step: StepFacts, text: str) -> None:
    assert made(step)["tasks"][0]["frames"] == text


@given(st.lists(st.integers(-(10**10), 10**10), min_size=1, max_size=30), st.integers(1, 5))
def test_there_are_as_many_tasks_as_points_whatever_they_are_called(values: list[int], chunk: int) -> None:
    task = made(StepFacts("a", len(values), label=values), chunk=chunk)["tasks"][0]
    assert frames.task_count(task["frames"], 1) == len(values)
    assert frames.task_count(task["frames"], task["chunk"]) == -(-len(values) // chunk)


def test_requirements_become_needs_limits_and_tags() -> None:
    requires = {
        "amounts": [
            {"name": "amount.worker.vcpu", "min": "4"},
            {"name": "amount.worker.memory", "min": 2048},
            {"name": "amount.worker.gpu", "min": 0, "max": 1},
            {"name": "amount.worker.disk.scratch", "min": 10},
            {"name": "amount.nuke", "min": 1},
        ],
        "attributes": [
            {"name": "attr.worker.os.family", "anyOf": ["windows", "linux"]},
            {"name": "attr.worker.cpu.arch", "anyOf": ["x86_64", "arm64"]},
            {"name": "attr.software", "allOf": ["maya", "arnold"]},
        ],
    }
    job = made(StepFacts("a", 1, requires=requires), priority=80, retries=0, project="film")
    task = job["tasks"][0]
    assert task["needs"] == {"cores": 4.0, "memory_mb": 2048.0, "disk_gb": pytest.approx(10.737, abs=0.001)}
    assert (task["limits"], task["retries"]) == (["nuke"], 0)
    assert (job["tags"], job["priority"]) == (["software=maya", "software=arnold"], 80)


def test_all_that_the_farm_cannot_keep_is_named_at_once() -> None:
    requires = {
        "amounts": [{"name": "amount.nuke", "min": 2}, {"name": "amount.worker.new", "min": 1}],
        "attributes": [
            {"name": "attr.worker.os.family", "anyOf": ["windows"]},
            {"name": "attr.software", "anyOf": ["maya", "houdini"]},
        ],
    }
    with pytest.raises(Invalid) as refused:
        made(StepFacts("a", 10**9), StepFacts("b", 1, requires=requires))
    said = refused.value.message
    assert all(word in said for word in ("a: its parameter space has 1000000000 points", "b: 2 of amount.nuke"))
    assert all(word in said for word in ("amount.worker.new", "windows", "any of maya, houdini"))


def test_what_is_no_json_is_named_with_its_step() -> None:
    for value in (float("nan"), {1, 2}, "x" * MOST_BYTES):
        whole = template("a")
        whole["steps"][0]["script"] = value
        with pytest.raises(Invalid, match=r"cannot keep: a: .*"):
            tree(whole, {}, [StepFacts("a", 1)], Wish("job"))
