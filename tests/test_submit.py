"""`brender job submit` and `job check` without a farm, and the launcher's leave to run what they send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brender import submit, up
from brender.errors import Invalid

EXAMPLE = str(Path(__file__).parent.parent / "examples" / "openjd" / "command.yaml")
NOBODY = "127.0.0.1:1"


def test_without_a_master_it_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert submit.main(["submit", EXAMPLE, "--master", NOBODY]) == 3
    assert "No master answers" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-p", "Times=0"], ["--chunk", "0"], ["-p", "Times"], ["--parameters", "/no/file"]])
def test_a_fault_is_exit_code_1_and_one_document_for_scripts(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(["submit", EXAMPLE, "--master", NOBODY, "--json", *words]) == 1
    assert json.loads(capsys.readouterr().out)["status"] == "error"


@pytest.mark.parametrize("points", ["1-1000000000", "1-1000001"])
def test_more_points_than_a_step_holds_are_refused_at_home(
    points: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(EXAMPLE).read_text().replace("1-{{Param.Times}}", points)
    (tmp_path / "t.yaml").write_text(text)
    assert submit.main(["submit", str(tmp_path / "t.yaml"), "--master", NOBODY]) == 1
    assert "its parameter space has 1000" in capsys.readouterr().err


def test_a_job_larger_than_the_masters_door_is_refused_at_home(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step is within the cap, and carries the job's environments: together they are not."""
    step = "  - name: S{n}\n    script: {{actions: {{onRun: {{command: 'true'}}}}}}\n"
    file = "{name: F, type: TEXT, data: '" + "x" * 100_000 + "'}"
    environment = f"{{name: E, script: {{actions: {{onEnter: {{command: 'true'}}}}, embeddedFiles: [{file}]}}}}"
    text = f"specificationVersion: jobtemplate-2023-09\nname: big\njobEnvironments: [{environment}]\nsteps:\n"
    (tmp_path / "t.yaml").write_text(text + "".join(step.format(n=n) for n in range(12)))
    assert submit.main(["submit", str(tmp_path / "t.yaml"), "--master", NOBODY]) == 1
    assert "the master takes 1048576" in capsys.readouterr().err


def test_a_bundle_is_checked_by_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "template.yaml").write_text(Path(EXAMPLE).read_text())
    assert submit.main(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"Template at '{tmp_path}/template.yaml' passes validation checks.\n"


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"deadline:priority": "high"}, "deadline:priority"), ({"deadline:maxRetriesPerTask": []}, "maxRetriesPerTask")],
)
def test_what_a_bundle_tells_the_scheduler_is_a_number(
    settings: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "template.yaml").write_text(Path(EXAMPLE).read_text())
    values = [{"name": name, "value": value} for name, value in settings.items()]
    (tmp_path / "parameter_values.yaml").write_text(json.dumps({"parameterValues": values}))
    assert submit.main(["submit", str(tmp_path), "--master", NOBODY]) == 1
    assert words in capsys.readouterr().err


# ---- brender up


def launched(*words: str) -> list[str]:
    found = up.programs(up.settings(up.parser().parse_args(["--data", "/nowhere", *words])), up.Refusal())
    return [str(word) for word in next(one for one in found if one["name"] == "worker-1")["args"]]


def test_the_launcher_hands_the_leave_to_its_workers_and_only_when_told(tmp_path: Path) -> None:
    assert "--allow-openjd" not in launched()
    assert "--allow-openjd" in launched("--allow-openjd")
    (tmp_path / "farm.yml").write_text("allow_openjd: true\npath_mapping: /etc/rules.json\n")
    assert {"--allow-openjd", "--path-mapping=/etc/rules.json"} <= set(launched("-f", str(tmp_path / "farm.yml")))
    (tmp_path / "farm.yml").write_text("allow_openjd: 'yes please'\n")
    with pytest.raises(Invalid, match="allow_openjd is true or false"):
        launched("-f", str(tmp_path / "farm.yml"))
