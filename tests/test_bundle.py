"""Templates and job bundles on the disk, judged by the reference library: its words, all faults at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brender import bundle
from brender.errors import Invalid

EXAMPLES = sorted((Path(__file__).parent.parent / "examples" / "openjd").glob("*.yaml"))
PLAIN = """
specificationVersion: jobtemplate-2023-09
name: Plain {{Param.Count}}
parameterDefinitions:
  - {name: Count, type: INT, minValue: 1, maxValue: 9}
  - {name: Where, type: PATH, default: out/here}
  - {name: Exact, type: FLOAT, default: 0.1}
steps:
  - name: Only
    parameterSpace:
      taskParameterDefinitions:
        - {name: A, type: INT, range: "1-{{Param.Count}}"}
        - {name: B, type: STRING, range: [x, y]}
    script: {actions: {onRun: {command: "true"}}}
"""


def written(folder: Path, **files: Any) -> Path:
    """A folder with these YAML files."""
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_pass_in_the_words_of_the_reference_command(path: Path) -> None:
    assert bundle.check(path) == f"Template at '{path}' passes validation checks."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x", "ERROR: Missing field 'specificationVersion'"),
        ("specificationVersion: jobtemplate-2099-01", "failed checks: Unknown template version"),
        ("[" * 500_000, "failed checks: The document is not a valid YAML document"),
        ("- 1", "failed checks: The document is not a valid YAML document"),
        (
            PLAIN.replace("command", "comand"),
            "(?s)failed checks: 2 validation errors for JobTemplate.*comand:\n\tExtra inputs are not permitted",
        ),
        (PLAIN.replace("{{Param.Count}}", "{{Param.Cuont}}"), "Cuont"),
    ],
)
def test_a_faulty_template_is_refused_in_the_librarys_words(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, t=text) / "t.yaml"
    with pytest.raises(Invalid, match=words):
        bundle.check(path)


def test_an_environment_template_can_be_checked_too(tmp_path: Path) -> None:
    text = "specificationVersion: environment-2023-09\nenvironment: {name: E, variables: {A: b}}"
    assert "passes" in bundle.check(written(tmp_path, e=text) / "e.yaml")


def test_all_faults_of_the_parameters_are_told_at_once(tmp_path: Path) -> None:
    found = bundle.read(written(tmp_path, t=PLAIN) / "t.yaml")
    with pytest.raises(Invalid) as refused:
        bundle.make(found, {"Count": "12", "Exact": "much", "Nope": "1"}, tmp_path)
    assert all(word in refused.value.message for word in ("Nope", "Count", "at most 9", "Exact"))
    with pytest.raises(Invalid, match="Values missing for required job parameters: Count"):
        bundle.make(found, {}, tmp_path)
    with pytest.raises(Invalid, match=r"(?s)'oops'.*'again'"):
        bundle.given_parameters(["oops", "A=1", "again"])


def test_points_are_those_of_the_library_in_its_order(tmp_path: Path) -> None:
    found = bundle.make(bundle.read(written(tmp_path, t=PLAIN) / "t.yaml"), {"Count": "3"}, tmp_path)
    assert (found.name, found.steps[0].points, list(found.steps[0].label)) == ("Plain 3", 6, [])
    assert found.parameters["Where"] == {"type": "PATH", "value": str(tmp_path / "out/here")}
    assert found.parameters["Exact"] == {"type": "FLOAT", "value": "0.1"}


def test_a_space_that_nobody_can_count_costs_nothing(tmp_path: Path) -> None:
    for points, count in (("1-1000000000", 10**9 * 2), ("1-1000000000000000000", None)):
        text = PLAIN.replace('"1-{{Param.Count}}"', f'"{points}"')
        found = bundle.make(bundle.read(written(tmp_path, t=text) / "t.yaml"), {"Count": "3"}, tmp_path)
        assert found.steps[0].points == (count or 2 * 10**18)
    names = "".join(f'\n        - {{name: P{n}, type: INT, range: "1-1000000000"}}' for n in range(4))
    text = PLAIN.replace("taskParameterDefinitions:", f"taskParameterDefinitions:{names}")
    found = bundle.make(bundle.read(written(tmp_path, t=text) / "t.yaml"), {"Count": "3"}, tmp_path)
    assert found.steps[0].points > 10**18


def test_an_adaptive_chunk_has_its_default_size(tmp_path: Path) -> None:
    chunks = "{defaultTaskCount: 10, targetRuntimeSeconds: 60, rangeConstraint: CONTIGUOUS}"
    text = PLAIN.replace("name: Plain", "extensions: [TASK_CHUNKING]\nname: Plain").replace(
        'type: INT, range: "1-{{Param.Count}}"', f'type: "CHUNK[INT]", range: 1-95, chunks: {chunks}'
    )
    found = bundle.make(bundle.read(written(tmp_path, t=text) / "t.yaml"), {"Count": "3"}, tmp_path)
    assert found.steps[0].points == 20


def test_a_bundle_brings_its_parameters_and_what_it_tells_the_scheduler(tmp_path: Path) -> None:
    values = [
        {"name": "Count", "value": 4},
        {"name": "Where", "value": "inside"},
        {"name": "deadline:priority", "value": 77},
    ]
    (tmp_path / "in.txt").touch()
    references = {"assetReferences": {"inputs": {"filenames": ["in.txt"], "directories": ["."]}, "outputs": {}}}
    folder = written(
        tmp_path, template=PLAIN, parameter_values={"parameterValues": values}, asset_references=references
    )
    found = bundle.read(folder)
    assert found.settings == {"deadline:priority": 77}
    made = bundle.make(found, {"Exact": "2"}, Path("/elsewhere"))
    assert {name: one["value"] for name, one in made.parameters.items()} == {
        "Count": "4", "Where": str(tmp_path / "inside"), "Exact": "2"
    }  # fmt: skip
    references["assetReferences"]["inputs"]["filenames"] = ["gone.txt", "in.txt", str(tmp_path / "lost")]
    with pytest.raises(Invalid, match=r"gone.txt, .*lost\."):
        bundle.read(written(tmp_path, asset_references=references))


@pytest.mark.parametrize(
    "text", ["[1, 2]", "{parameterValues: [1]}", "{parameterValues: 3}", "{parameterValues: [{name: a}]}"]
)
def test_a_parameter_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid):
        bundle.parameter_file(written(tmp_path, p=text) / "p.yaml")


def test_parameters_come_as_words_files_and_json(tmp_path: Path) -> None:
    file = written(tmp_path, p="{A: 1, B: two}") / "p.yaml"
    words = [f"file://{file}", '{"B": "three", "C": 4}', "D=e=f"]
    assert bundle.given_parameters(words) == {"A": 1, "B": "three", "C": 4, "D": "e=f"}


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a: " + b"x" * 2_000_000])
def test_a_file_that_is_no_text_or_too_long_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.yaml").write_bytes(data)
    with pytest.raises(Invalid, match=r"t\.yaml"):
        bundle.check(tmp_path / "t.yaml")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No such file"):
        bundle.read(tmp_path / "absent.yaml")
    with pytest.raises(Invalid, match=r"no template\.yaml"):
        bundle.read(tmp_path)
