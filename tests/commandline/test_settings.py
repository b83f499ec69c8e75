"""Flags win over the environment, that over the file, the file over defaults; each value knows who said it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from brender import cli
from brender.commandline import settings
from brender.commandline.flags import take
from brender.commandline.settings import DEFAULT, KNOWN, Said
from brender.errors import InvalidParams

SAYS = {
    "master": ("10.0.0.1:7000", "10.0.0.2:7000", "10.0.0.3:7000"),
    "name": ("anna", "bert", "cleo"),
    "colour": ("always", "never", "auto"),
    "format": ("json", "json-lines", "text"),
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"BRENDER_CONFIG": str(tmp_path / "config.yml"), "USER": "dora"}


def write(environ: Mapping[str, str], text: str) -> None:
    Path(environ["BRENDER_CONFIG"]).write_text(text)


def every_way() -> Iterator[tuple[str, bool, bool, bool]]:
    for key in KNOWN:
        for by_flag, by_environment, by_file in itertools.product((True, False), repeat=3):
            yield key, by_flag, by_environment, by_file


@pytest.mark.parametrize(("key", "by_flag", "by_environment", "by_file"), list(every_way()))
def test_the_first_who_says_something_wins(
    environ: dict[str, str], key: str, by_flag: bool, by_environment: bool, by_file: bool
) -> None:
    flag, variable, filed = SAYS[key]
    said = {key: Said(flag, "--flag")} if by_flag else {}
    if by_environment:
        environ[KNOWN[key].variable] = variable
    write(environ, f"{key}: {json.dumps(filed)}\n" if by_file else "")
    wanted = Said(KNOWN[key].default(environ), DEFAULT)
    wanted = Said(filed, environ["BRENDER_CONFIG"]) if by_file else wanted
    wanted = Said(variable, KNOWN[key].variable) if by_environment else wanted
    wanted = Said(flag, "--flag") if by_flag else wanted

    found = settings.read(said, environ)

    assert found.said[key] == wanted
    assert all(found.said[other].origin == DEFAULT for other in KNOWN if other != key)


def test_defaults_are_this_machine_and_its_user(environ: dict[str, str]) -> None:
    write(environ, "")
    found = settings.read({}, environ)
    assert {key: found[key] for key in KNOWN} == {
        "master": "127.0.0.1:6000", "name": "dora", "colour": "auto", "format": "text",
    }  # fmt: skip
    assert settings.read({}, {**environ, "BRENDER_MASTER": "farm"})["master"] == "farm:6000"


def test_a_file_that_nobody_named_may_be_missing_and_a_named_one_may_not(tmp_path: Path) -> None:
    assert settings.read({}, {"XDG_CONFIG_HOME": str(tmp_path)}).path == tmp_path / "brender" / "config.yml"
    with pytest.raises(InvalidParams, match="cannot be read"):
        settings.read({}, {"BRENDER_CONFIG": str(tmp_path / "nowhere.yml")})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour: red", "Did you mean|one of auto"),
        ("format: jsn", "Did you mean json"),
        ("mastr: farm", "Did you mean master"),
        ("master: farm:sixthousand", "is no port"),
        ("master: [1]", "master is a word"),
        ("name: ''", "is no name"),
        ("- master", "key: value lines"),
        ("a: b: c", "is not YAML"),
    ],
)
def test_what_a_file_cannot_say_is_refused_with_its_name_and_the_nearest(
    environ: dict[str, str], text: str, said: str
) -> None:
    write(environ, text)
    with pytest.raises(InvalidParams) as refused:
        settings.read({}, environ)
    whole = refused.value.sentence()
    assert environ["BRENDER_CONFIG"] in whole
    assert re.search(said, whole), whole


@pytest.mark.parametrize(("text", "wanted"), [("no", "never"), ("off", "never"), ("yes", "auto"), ("always", "always")])
def test_a_colour_may_be_said_as_yaml_says_no(environ: dict[str, str], text: str, wanted: str) -> None:
    write(environ, f"colour: {text}")
    assert settings.read({}, environ)["colour"] == wanted


def test_no_color_means_no_colour_unless_brender_is_told_otherwise(environ: dict[str, str]) -> None:
    """no-color.org: set and not empty."""
    write(environ, "colour: always")
    assert settings.read({}, {**environ, "NO_COLOR": "1"}).said["colour"] == Said("never", "NO_COLOR")
    assert settings.read({}, {**environ, "NO_COLOR": ""})["colour"] == "always"
    assert settings.read({}, {**environ, "NO_COLOR": "1", "BRENDER_COLOUR": "auto"})["colour"] == "auto"
    assert settings.read(take(["--color=always"]).settings, {**environ, "NO_COLOR": "1"})["colour"] == "always"


def test_an_impossible_value_names_the_flag_or_variable_that_said_it(environ: dict[str, str]) -> None:
    write(environ, "")
    for said, variables, origin in (
        ({"format": Said("xml", "--format")}, {}, "--format"),
        ({}, {"BRENDER_FORMAT": "xml"}, "BRENDER_FORMAT"),
    ):
        with pytest.raises(InvalidParams) as refused:
            settings.read(said, {**environ, **variables})
        assert f"{origin} says so." in refused.value.sentence()


def test_config_shows_every_setting_and_who_says_so(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(environ, "name: cleo")
    monkeypatch.setenv("BRENDER_CONFIG", environ["BRENDER_CONFIG"])
    monkeypatch.setenv("BRENDER_MASTER", "farm:7000")
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["config", "--no-color"]) == 0
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert lines[1:5] == [
        ["master", "farm:7000", "BRENDER_MASTER"],
        ["name", "cleo", environ["BRENDER_CONFIG"]],
        ["colour", "never", "--no-color"],
        ["format", "text", "the default"],
    ]
    assert cli.main(["config", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["file"] == environ["BRENDER_CONFIG"] and document["there"] is True
    assert {row["name"]: row["value"] for row in document["settings"]}["format"] == "json"
    assert cli.main(["config", "--json-lines"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(KNOWN)


def test_config_tells_what_is_wrong_and_takes_no_words(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(environ, "mastr: farm")
    monkeypatch.setenv("BRENDER_CONFIG", environ["BRENDER_CONFIG"])
    assert cli.main(["config"]) == 2
    assert "Did you mean master?" in capsys.readouterr().err
    assert cli.main(["worker", "list"]) == 2
    assert "Did you mean master?" in capsys.readouterr().err
    assert cli.main(["config", "show"]) == 2
    assert cli.main(["config", "--help"]) == 0
    page = capsys.readouterr().out
    assert all(one.variable in page for one in KNOWN.values())
