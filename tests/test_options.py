"""What workers and farms can be told: flags win over the file, the file over the defaults, nonsense starts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brender import client, master, options, up
from brender.errors import Forbidden, Invalid
from brender.storage.terms import Kept, Terms


def written(folder: Path, text: str) -> str:
    (folder / "it.yml").write_text(text)
    return str(folder / "it.yml")


def _never(**_: Any) -> bool:
    """No program of the farm has ended as one that cannot start."""
    return False


EVERYTHING = """\
slots: 4
tags: [gpu, fast]
functions: /srv/bin
function_file: /srv/f.yml
blender: /opt/blender
cold: true
warm_frames: 50
warm_idle: 5
warm_growth: 2.5
gpus: false
memory_floor: 1000
spool_warning: 500
spool_most: 600
stalled_after: 30m
stop_stalled: true
allow_openjd: true
path_mapping: /srv/map.json
channels: hosted
channel_commands: /srv/commands
"""


def test_a_file_may_say_everything_that_flags_say(tmp_path: Path) -> None:
    assert {line.split(":")[0] for line in EVERYTHING.splitlines()} == set(options.WORKER)
    given = client.read(
        ["--config", written(tmp_path, EVERYTHING + "name: left\nmaster: 127.0.0.1:7000\ndata: /srv/w\n")]
    )
    assert (given.slots, given.tags, given.blender, given.cold) == (4, ["gpu", "fast"], "/opt/blender", True)
    assert (given.warm_frames, given.warm_idle, given.warm_growth) == (50, 5.0, 2.5)
    assert (given.gpus, given.memory_floor, given.stalled_after, given.stop_stalled) == (False, 1000, 1800.0, True)
    assert (given.channels, given.channel_commands) == ("hosted", "/srv/commands")
    assert (given.allow_openjd, given.name, given.master, given.data) == (True, "left", "127.0.0.1:7000", "/srv/w")


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    words = ["--slots", "1", "--no-cold", "--gpus", "--stalled-after", "90s", "--tags", "slow"]
    given = client.read(["--config", written(tmp_path, EVERYTHING), *words])
    assert (given.slots, given.cold, given.gpus, given.stalled_after) == (1, False, True, 90.0)
    assert (given.tags, given.warm_frames) == (["slow"], 50)


def test_a_worker_that_is_told_nothing_has_the_defaults() -> None:
    given = client.read([])
    assert (given.slots, given.tags, given.cold, given.gpus, given.stalled_after) == (None, [], False, True, None)
    assert (given.warm_frames, given.warm_idle, given.warm_growth) == (200, 60.0, 1.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slotz: 2", "no setting 'slotz'. Did you mean slots?"),
        ("slots: two", "slots is a whole number, not 'two'"),
        ("slots: true", "slots is a whole number, not True"),
        ("cold: 1", "cold is true or false, not 1"),
        ("warm_idle: soon", "warm_idle is a number, not 'soon'"),
        ("stalled_after: later", "stalled_after is a stretch of time such as 90s, 30m or 2h, not 'later'"),
        ("stalled_after: 0", "stalled_after is a stretch of time"),
        ("tags: [1]", "tags is a list of words"),
        ("[1, 2]", "holds a list"),
        ("a: [", "is not YAML"),
        ("slots: 2000", "--slots 2000 is not between"),
        ("warm_frames: 0", "--warm-frames 0"),
        ("memory_floor: -1", "less than nothing"),
        ("spool_warning: 40000", "--spool-warning 40000 --spool-most 30000 cannot be"),
    ],
)
@pytest.mark.parametrize("program", ["client", "up"])
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, program: str, text: str, words: str) -> None:
    """For `up` too, before it has started anything."""
    file = written(tmp_path, text)
    with pytest.raises(Invalid) as refused:
        client.read(["--config", file]) if program == "client" else settings("--config", file)
    assert words in refused.value.sentence()


def settings(*words: str) -> dict[str, Any]:
    return up.settings(up.parser().parse_args(words))


def test_each_worker_of_a_farm_is_told_what_the_farm_was_told(tmp_path: Path) -> None:
    """Issue 3: the warm flags through `brender up`; what nobody said is left to the worker."""
    file = written(tmp_path, EVERYTHING + "workers: 2\nconnections: 9\n")
    master, *workers = up.programs(settings("-f", file, "--warm-frames", "7", "--no-cold"), _never)
    assert "master" in master["args"] and "--connections=9" in master["args"]
    for watcher in workers:
        words = watcher["args"][watcher["args"].index("client") + 1 :]
        given = client.read(words)
        assert (given.warm_frames, given.cold, given.slots, given.stalled_after) == (7, False, 4, 1800.0)
        assert (given.tags, given.allow_openjd, given.gpus) == (["gpu", "fast"], True, False)
    bare = up.programs(settings(), _never)[1]["args"]
    assert not [word for word in bare if "warm" in word or "openjd" in word or "stalled" in word]
    with pytest.raises(Invalid, match="connections is a whole number of 1 or more, not 0"):
        settings("-f", written(tmp_path, "connections: 0\n"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read: No such file"):
        client.read(["--config", str(tmp_path / "none.yml")])


@pytest.mark.parametrize(("text", "web"), [("web: false", False), ("web: 127.0.0.1:9", "127.0.0.1:9"), ("", True)])
def test_the_page_of_a_farm_is_left_out_or_put_elsewhere(tmp_path: Path, text: str, web: Any) -> None:
    given = up.parser().parse_args(["-f", written(tmp_path, text)])
    assert up.settings(given)["web"] == web
    assert up.settings(up.parser().parse_args(["-f", written(tmp_path, text), "--no-web"]))["web"] is False


def test_a_page_for_other_machines_is_refused_while_there_are_no_keys(tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match=r"0\.0\.0\.0"):
        up.settings(up.parser().parse_args(["-f", written(tmp_path, "web: 0.0.0.0:8060")]))


def test_how_long_readings_are_kept_reaches_the_master(tmp_path: Path) -> None:
    """CL-48, RM-32: by time, by size or both; what is not said stays as it is."""
    text = "keep_raw: 7d,500M\nkeep_minutes: 2T\nbuffer: 1G\ndatabase: postgresql://x\n"
    found = up.settings(up.parser().parse_args(["-f", written(tmp_path, text), "--keep-hours", "400d"]))
    words = up.programs(found, _never)[0]["args"]
    assert {"--keep-raw=7d,500M", "--keep-minutes=2T", "--keep-hours=400d", "--database=postgresql://x"} <= set(words)
    assert f"--buffer={1 << 30}" in words
    terms = options.terms(vars(master.parser().parse_args(words[words.index("master") + 1 :])))
    usual = Terms()
    assert terms.raw == Kept(7 * 86_400.0, 500 << 20)
    assert terms.minutes == Kept(usual.minutes.seconds, 2 << 40)
    assert terms.hours == Kept(400 * 86_400.0, usual.hours.bytes)
    assert terms.buffer_bytes == 1 << 30
    assert options.terms({}) == usual


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keep_raw: 30", "keep_raw is a time, a size or both, such as 30d,20G, not 30"),
        ("keep_raw: 30d,20G,1h", "keep_raw is a time, a size or both"),
        ("keep_hours: -1d", "keep_hours is a time, a size or both"),
        ("buffer: much", "buffer is a size such as 500M or 20G, not 'much'"),
        ("buffer: 0", "buffer is a size"),
    ],
)
def test_what_cannot_be_of_readings_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        up.settings(up.parser().parse_args(["-f", written(tmp_path, text)]))
    assert words in refused.value.message


def test_a_worker_finds_its_master_and_its_folder_by_the_environment_that_units_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SP-58, CL-38: what examples/systemd and examples/supervisor set counts; the file and flags win over it."""
    monkeypatch.setenv("BRENDER_MASTER", "127.0.0.1:6001")
    monkeypatch.setenv("BRENDER_HOME", str(tmp_path))
    found = client.read([])
    assert (found.master, found.data) == ("127.0.0.1:6001", str(tmp_path / "client"))
    assert client.read(["--config", written(tmp_path, "master: 127.0.0.1:6002\n")]).master == "127.0.0.1:6002"
    assert client.read(["--master", "127.0.0.1:6003"]).master == "127.0.0.1:6003"
    monkeypatch.setenv("BRENDER_MASTER", "render.example:6000")
    with pytest.raises(Forbidden, match=r"render\.example"):
        client.read([])
    monkeypatch.delenv("BRENDER_MASTER")
    assert client.read([]).master == "127.0.0.1:6000"
