"""The console as operators meet it: Debian's telnet in tmux, a real farm behind it, and a console that gets killed."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from brender.wire.screen import escape, width

from .peers import Farm, until
from .test_telnet import CONTROLS, NASTY
from .tmux import Pane, at_prompt

GONE = "The console has ended; this is the master's own prompt, and the farm goes on."


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A master with its console, and two workers."""
    made = Farm(tmp_path_factory.mktemp("farm"), console=True)
    try:
        made.worker("render-01")
        made.worker("render-02")
        yield made
        log = made.master.log.read_text()
    finally:
        made.end()
    assert "Traceback" not in log, log[-8000:]


@pytest.fixture
def doors(room: Farm) -> Iterator[Farm]:
    yield room
    room.hang_up()
    assert room.master.process.poll() is None, room.master.log.read_text()[-8000:]


@pytest.fixture
def pane(doors: Farm, tmp_path: Path) -> Pane:
    """An operator's terminal of 80 by 24 with a telnet in it, at its first prompt."""
    made = telnet(doors, tmp_path / "one")
    made.prompt()
    return made


def telnet(farm: Farm, folder: Path, columns: int = 80, rows: int = 24) -> Pane:
    made = Pane(folder, ["telnet", "127.0.0.1", str(farm.port)], columns, rows)
    farm.peers.append(made)
    return made


def consoles(farm: Farm) -> list[int]:
    """The pids of the master's console."""
    found = []
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"brender.console" in words and str(farm.data).encode() in words:
            found.append(pid)
    return found


def test_telnet_gets_the_console_with_the_farm_at_a_glance(pane: Pane, doors: Farm) -> None:
    """BR-05, BR-18..20: the same words, colours for states, the bar that follows the farm by itself."""
    assert "brender 3.0.0. Type help, or press Tab." in pane.text
    pane.see("2/2 online, 2 enabled   0 running   0 queued")
    assert pane.say("disable render-01") == ["OK 1 worker disabled: render-01."]
    assert doors.workers()["render-01"]["state"] == "disabled"
    pane.see("2/2 online, 1 enabled")
    assert "render-01" in "".join(pane.say("clients"))
    assert re.search(r"render-01  \x1b\[31mdisabled", pane.coloured)
    assert re.search(r"render-02  \x1b\[32menabled", pane.coloured)
    assert pane.say("ENABLE ALL")[0].startswith("OK 1 worker enabled: render-01.")
    assert pane.say("disable")[0].startswith("ERR 1006 No worker selected.")
    assert pane.say("test --json") == ['{"text":"test>"}']
    assert pane.say("nonsense")[0].startswith("ERR -32601 There is no command 'nonsense'.")
    pane.type("\x04")
    pane.see("Bye.")
    pane.closed()


def test_who_is_there_shows_the_person_not_the_console_in_between(pane: Pane) -> None:
    lines = pane.say("who")
    assert any(re.search(r"telnet +127\.0\.0\.1:\d+ .*\(you\)", line) for line in lines), lines
    assert sum("telnet" in line for line in lines) == 1


def test_history_is_each_operators_own_and_outlives_the_login(pane: Pane, doors: Farm, tmp_path: Path) -> None:
    """BR-05: kept in the console's folder, 0600; what names a secret is not kept."""
    pane.say("session hello anna")
    pane.say("echo annas first words")
    pane.say("session hello anna token=s3cret")
    pane.say("session hello bert")
    pane.say("echo berts words")
    pane.enter("quit")
    pane.closed()
    path = doors.data / "console" / "history" / "anna"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "s3cret" not in path.read_text()
    again = telnet(doors, tmp_path / "two")
    again.prompt()
    again.say("session hello anna")
    again.press("Up")
    again.see("brender> session hello bert")  # what anna entered last, though it made her bert
    again.press("Up", "Up")
    again.see("brender> echo annas first words")
    again.press("C-c")
    again.prompt()
    again.press("C-r")
    again.type("first")
    again.wait(lambda text: "brender> echo annas first words" in text.split("I-search")[0], "the search finds it")
    again.press("Enter")
    again.press("Enter")
    again.see("\nannas first words")


def test_tab_shows_what_each_word_is_and_completes_names(pane: Pane) -> None:
    """BR-05: the master's own completion, with descriptions."""
    pane.type("worker ")
    pane.press("Tab")
    pane.see("disable   Give workers no more tasks; what they run goes on")
    pane.type("disa")
    pane.press("Tab")
    pane.see("brender> worker disable")
    pane.type("rend")
    pane.press("Tab")
    pane.wait(lambda text: re.search(r"render-01 +online, enabled", text), "names and how they are")
    pane.press("Tab")  # the first of the menu
    pane.see("brender> worker disable render-01")
    pane.press("Enter")  # closes the menu and enters nothing
    pane.wait(lambda text: "online, enabled" not in text, "the menu is closed")
    pane.press("C-c")
    pane.prompt()
    pane.type("watch jo")
    pane.press("Tab")
    pane.wait(lambda text: "brender> watch job" in text, "what can be watched")
    pane.press("C-c")


def test_the_line_is_coloured_as_it_is_typed(pane: Pane) -> None:
    pane.type("worker list --json nonsense=1")
    pane.see("nonsense=1")
    first = next(line for line in pane.coloured.split("\n") if "nonsense=1" in line)
    assert re.search(r"\x1b\[[\d;]*36m\x1b?\[?[\d;]*m?worker", first) and "\x1b[35m--json" in first
    pane.press("C-u")
    pane.type("wroker list")
    pane.see("wroker list")
    assert "\x1b[31mwroker" in pane.coloured
    pane.press("C-c")


def test_a_paste_of_several_lines_of_json_is_one_command(pane: Pane, doors: Farm) -> None:
    """DESIGN 12: what a document shows can be pasted; nothing of it is obeyed before Enter."""
    params = json.dumps({"words": ["one", "two words"]}, indent=2)
    pane.paste(f"job create pasted function=echo frames=1-4 params={params}")
    pane.see("...   ]")
    assert "OK" not in pane.text
    pane.press("Enter")
    pane.see("OK job pasted is there")
    assert doors.json().call("step.show", step="pasted/echo")["params"] == {"words": ["one", "two words"]}
    pane.prompt()
    pane.enter("job create typed function=echo params={")
    pane.see("     ...")
    pane.enter('"words": ["x"]}')
    pane.see("OK job typed is there")


def test_lines_that_are_typed_ahead_are_done_in_their_order(pane: Pane) -> None:
    pane.type("echo one\recho two\recho three\r")
    text = pane.wait(lambda text: at_prompt(text) and "\nthree\n" in text, "all three")
    assert re.search(r"\none\nbrender> echo two\ntwo\nbrender> echo three\nthree\n", text)


def test_long_answers_come_a_page_at_a_time(pane: Pane) -> None:
    pane.enter("help job create")
    first = pane.see("23 of 37 lines")
    assert first.startswith("job create [<name>]")
    pane.press("/")
    pane.type("needs    ")
    pane.press("Enter")
    pane.wait(lambda text: at_prompt(text) and "\n  needs   " in text, "the rest, from what was sought")
    pane.enter("help job create")
    pane.see("23 of 37 lines")
    pane.press("Enter")
    pane.see("24 of 37 lines")
    pane.press("q")
    pane.prompt()
    assert "Example: job create" not in pane.text.rpartition("help job create")[2]


def test_what_takes_from_several_is_asked_about_and_keys_from_before_do_not_say_yes(pane: Pane, doors: Farm) -> None:
    """The count is the master's own; a single one is not asked about."""
    pane.type("disable all\ry")
    text = pane.see("worker disable touches 2 workers: render-01, render-02. Do it? y or n")
    assert {row["state"] for row in doors.workers().values()} == {"enabled"}, text
    pane.press("n")
    pane.see("OK nothing was done.")
    pane.wait(lambda text: text.split("\n")[-2] == "brender> y", "what was typed ahead is at the prompt")
    pane.press("C-u")
    pane.prompt()
    pane.enter("disable render-*")
    pane.wait(lambda text: text.endswith("Do it? y or n"), "the question")
    pane.press("y")
    pane.see("OK 2 workers disabled: render-01, render-02.")
    assert pane.say("enable all") == ["OK 2 workers enabled: render-01, render-02."]
    assert pane.say("disable render-02") == ["OK 1 worker disabled: render-02."]
    assert pane.say("undo")[0].startswith("OK")
    assert {row["state"] for row in doors.workers().values()} == {"enabled"}


def test_a_watched_list_is_drawn_in_its_place_until_a_key(pane: Pane, doors: Farm) -> None:
    pane.enter("watch projects")
    pane.see("As it changes. Any key ends this.")
    height = len(pane.lines)
    doors.json().call("project.add", name="seen-in-the-watch")
    text = pane.wait(lambda text: "seen-in-the-watch" in text and text.count("\n") == height, "one line more")
    assert text.count("description") <= 1 and text.count("default") == 1
    pane.resize(100, 30)
    pane.wait(lambda text: "seen-in-the-watch" in text and text.count("\n") < 20, "drawn again in the new window")
    pane.press("x")
    pane.see("OK project list is no longer watched; it changed once.")
    pane.prompt()
    assert "Any key" not in pane.text and "brender> x" not in pane.text
    assert pane.say("watch nothing-of-this-name")[0].startswith("ERR 1003 There is no job 'nothing-of-this-name'.")


def test_watched_channels_are_drawn_in_their_place_with_lines_of_marks(pane: Pane, doors: Farm) -> None:
    """Issue 5, 8: `channel watch` in the prompt with a sparkline; nothing of it is JSON, and a key ends it."""
    with doors.json() as peer:
        peer.call("channel.add", channels=[{"name": "wave", "type": "easy"}])
    pane.enter("channel watch wave")
    pane.wait(lambda text: "wave" in text and "▁" in text and "█" in text, "a line of marks")
    assert "rpc.watched" not in pane.text and pane.text.count(" wave ") == 1
    pane.see("As it changes. Any key ends this.")
    pane.type("x")
    pane.see("OK channel list is no longer watched")
    with doors.json() as peer:
        peer.call("channel.delete", channels=["wave"])


def test_a_watched_job_is_drawn_in_its_place_until_it_has_ended(pane: Pane, doors: Farm) -> None:
    peer = doors.json()
    peer.call("worker.disable", workers=["all"])  # so that it does not end before it is watched
    peer.call("job.create", name="watched", function="sleep", frames="1-6", params={"seconds": 0.3}, run=True)
    pane.enter("job watch watched")
    pane.see("As it changes, until the job has ended. Any key ends this.")
    peer.call("worker.enable", workers=["all"])
    pane.see("Job watched is success0:")
    text = pane.prompt()
    assert text.count("job watched (id") == 1, text
    doors.json().call("job.create", name="endless", function="sleep", frames="1-2", params={"seconds": 600}, run=True)
    pane.enter("watch endless")
    pane.see("Any key ends this.")
    pane.press("C-c")
    pane.see("You left it:")
    pane.prompt()
    doors.json().call("job.stop", job="endless")


def test_ctrl_c_ends_a_log_that_is_followed_and_drops_a_line(pane: Pane, doors: Farm) -> None:
    """BR-05: it does not end the session; events end with it, too."""
    peer = doors.json()
    job = peer.call("job.create", name="talks", function="simple", params=["600"], run=True)["jobs"][0]["id"]
    until(lambda: peer.call("task.list", job="talks")["tasks"][0]["state"] == "running", "the task runs")
    pane.enter("task log talks/simple 0 --follow")
    pane.see("working for 600 s")
    pane.press("C-c")
    pane.see("You left it: the log of task talks/simple 0")
    pane.prompt()
    pane.type("disable ALL")
    pane.press("C-c")
    pane.see("brender> disable ALL^C")
    pane.prompt()
    assert doors.workers()["render-01"]["state"] == "enabled"
    peer.call("job.stop", job=job)


def test_an_event_appears_above_the_line_that_is_being_typed(pane: Pane, doors: Farm) -> None:
    pane.say("subscribe project.created")
    pane.type("echo half a li")
    pane.see("echo half a li")
    doors.json().call("project.add", name="seen-above")
    pane.wait(
        lambda text: re.search(r"\[project\.created\] .*seen-above.*\n(?:.*\n)?brender> echo half a li\n", text),
        "the event",
    )
    pane.type("ne")
    pane.press("Enter")
    pane.see("\nhalf a line\n")
    pane.press("C-c")  # at the prompt it ends the events
    assert pane.say("echo ended") == ["ended"]
    doors.json().call("project.add", name="not-seen")
    assert pane.say("echo done") == ["done"]
    assert "not-seen" not in pane.text


def test_a_new_window_is_used_at_once(pane: Pane) -> None:
    """BR-05: NAWS."""
    pane.resize(50, 20)
    pane.wait(
        lambda text: text.split("\n")[-1].startswith(" workers") and len(text.split("\n")[-1]) <= 50, "the bar fits"
    )
    pane.enter("help worker set")
    pane.see("brender> help worker set")
    pane.wait(at_prompt, "the help")
    assert max(map(len, pane.lines)) <= 50
    pane.resize(120, 40)

    def wide() -> bool:
        pane.run("help job create")
        return max(map(len, pane.lines)) > 80

    until(wide, "help for the wide window")


def test_a_killed_console_takes_nobody_along(pane: Pane, doors: Farm, tmp_path: Path) -> None:
    """DESIGN 1: the connection goes on with the master's editor, the farm notices nothing, new sessions have it."""
    peer = doors.json()
    peer.call("worker.disable", workers=["all"])  # so that it does not end before anybody watches
    peer.call("job.create", name="rendered", function="sleep", frames="1-4", params={"seconds": 0.5}, run=True)
    second = telnet(doors, tmp_path / "two")
    second.prompt()
    second.enter("watch rendered")
    second.see("Any key ends this.")
    pane.say("session hello anna")
    pane.type("worker li")
    pane.see("brender> worker li")
    (pid,) = consoles(doors)
    os.kill(pid, signal.SIGKILL)
    for one in (pane, second):
        one.wait(lambda text: text.endswith(f"{GONE}\nbrender>"), "the master's own prompt")
    peer.call("worker.enable", workers=["all"])
    pane.enter("who")
    assert re.search(r"anna .*telnet .*\(you\)", pane.see("(you)"))
    pane.type("worker disa\trend\t\t")
    pane.see("render-02")
    until(lambda: peer.call("job.status", job="rendered")["state"] == "success0", "the job has ended as if nothing was")
    until(lambda: [one for one in consoles(doors) if one != pid], "a new console")
    third = telnet(doors, tmp_path / "three")
    third.prompt()
    third.press("Up")
    assert len(consoles(doors)) == 1
    assert "the console ended (-9)" in doors.master.log.read_text()


def test_two_people_who_type_at_once_each_see_their_own_line(pane: Pane, doors: Farm, tmp_path: Path) -> None:
    """prompt_toolkit gives the keys of all to the newest prompt, unless each has a session of its own."""
    second = telnet(doors, tmp_path / "two")
    second.prompt()
    for place in range(12):
        pane.type("abcdefghijkl"[place])
        second.type("zyxwvutsrqpo"[place])
    pane.see("brender> abcdefghijkl")
    second.see("brender> zyxwvutsrqpo")
    pane.press("C-c")
    second.press("C-c")


def test_sessions_that_come_and_go_leave_room_for_the_next(doors: Farm, tmp_path: Path) -> None:
    """A socket that is closed under asyncio's hands makes the next one of its number deaf."""
    for turn in range(4):
        panes = [telnet(doors, tmp_path / f"{turn}-{place}") for place in range(3)]
        for one in panes:
            one.prompt()
        for one in panes:
            assert one.say("test") == ["test>"]
        panes[0].press("C-d")
        panes[0].closed()
        doors.hang_up()


def test_poor_terminals_have_the_masters_own_editor(doors: Farm) -> None:
    """TERM=dumb and nc: no sequence but the editor's own, from the first byte to the last."""
    screen = doors.telnet(terminal="dumb")
    assert screen.prompt().endswith("brender 3.0.0. Type help, or press Tab.\nbrender> ")
    assert screen.enter("echo hello") == ["hello"]
    screen.type("quit\r")
    screen.finish()
    assert b"\x1b[?" not in screen.raw
    said = doors.nc("echo one\nclients\ntest\n", "-N")
    assert b"\x1b" not in said and b"\xff" not in said
    assert said.startswith(b"one\r\nbrender> id") and said.endswith(b"test>\r\nbrender> ")


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY.keys())
def test_a_hostile_name_shows_harmlessly_and_keeps_the_columns(doors: Farm, tmp_path: Path, name: str) -> None:
    """S23: only our own sequences reach the terminal, and what stands right of the name stands in its column."""
    peer = doors.json()
    peer.ask("project.add", {"name": name, "values": {"description": name}})
    peer.ask("project.add", {"name": "hostile"})
    peer.call("project.update", project="hostile", values={"description": name})
    peer.ask("job.create", {"name": name, "function": "echo", "params": {"words": [name]}, "project": "hostile"})
    peer.call("worker.update", workers=["render-01"], values={"tags": [name], "warning": name})
    pane = telnet(doors, tmp_path / "wide", 200, 50)
    pane.prompt()
    for line in ("project list", "job list", "worker show all", "project list --json", "clients", "watch clients"):
        pane.run(line)
    shown = pane.all
    assert not CONTROLS.search(shown.replace("\n", ""))
    assert "\nbrender> OK all workers deleted" not in shown
    table = pane.say("clients")
    assert [width_before(line, "online") for line in table[1:3]] == [table[0].index("presence")] * 2
    assert all(len(line) <= 200 for line in table)
    screen = doors.telnet(columns=200, rows=50)
    screen.wait(lambda _: b"enabled" in screen.raw, "the bar")
    screen.type("clients\rproject list\rjob list\rtest\r")
    screen.wait(lambda _: b"test>" in screen.raw, "all answers")
    raw = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", screen.raw.decode())
    assert not CONTROLS.search(raw) and "\x1b" not in raw and "\u202e" not in raw
    peer.call("worker.update", workers=["render-01"], values={"tags": [], "warning": ""})


def width_before(line: str, word: str) -> int:
    """The column a word stands in: wide characters fill two."""
    return width(line[: line.index(word)])


FOREIGN = (
    "👨\u200d👩\u200d👧 family",
    "🇩🇪 flag",
    "ẞ ﷺ",
    "க்ஷ कि",
    "\u1100\u1161\u11a8 각",
    "שלום العربية",
    "e\u0301\u0302",
    "東京 ｆｕｌｌ",
    "a\u00adb",
    "👍🏽 ⌚ ☃",
    "\u202ebackwards",
)


@pytest.mark.parametrize("name", FOREIGN)
def test_our_columns_are_those_of_a_real_terminal(tmp_path: Path, name: str) -> None:
    """S23: emoji, RTL, wide and combined characters; what tmux makes of them is where its cursor stands after them."""
    pane = Pane(tmp_path, ["sh", "-c", f"printf '%s' '{escape(name)}'; exec cat"])
    try:
        until(lambda: pane.cursor == width(escape(name)), f"{width(escape(name))} columns, not {pane.cursor}")
    finally:
        pane.close()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_the_console_ends_with_its_master(tmp_path: Path, ending: signal.Signals) -> None:
    """Stopped or killed: nobody is left holding a connection."""
    farm = Farm(tmp_path, console=True)
    try:
        pane = telnet(farm, tmp_path / "pane")
        pane.prompt()
        assert len(consoles(farm)) == 1
        farm.master.process.send_signal(ending)
        assert farm.master.wait() == (0 if ending == signal.SIGTERM else -9)
        pane.closed()
        until(lambda: not consoles(farm), "the console ends")
    finally:
        farm.end()
        assert "Traceback" not in farm.master.log.read_text()
