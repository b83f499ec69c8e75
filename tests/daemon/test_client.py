"""The real daemon process against a scripted master that speaks packed frames over a real socket."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from brender.core.orders import Ack, Drop, Order, Recall, Run, StepSpec, Stop, Welcome
from brender.daemon.dial import delay
from brender.daemon.probes import Nic, choose_mac, identity
from brender.wire.packed import FrameReader, frame
from brender.wire.session import Conversation

LIMIT_S = 60.0


class Master:
    """One connection at a time; every wait has a deadline."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(LIMIT_S)
        self.port = self._server.getsockname()[1]
        self.sock: Any = None
        self.heard: list[tuple[str, Any]] = []

    def accept(self, epoch: int = 1, heartbeat: float = 5.0, first: bytes = b"") -> dict[str, Any]:
        """The next connection, welcomed; returns its hello. `first` is said before that."""
        fresh, _ = self._server.accept()
        self.close()
        self.sock = fresh
        self.sock.sendall(first)
        self.sock.settimeout(LIMIT_S)
        self.reader = FrameReader()
        self.heard = []
        hello: dict[str, Any] = self.wait("worker.hello")
        self.say(Welcome(1, "render-07", epoch, heartbeat))
        return hello

    def say(self, *orders: Order) -> None:
        self.sock.sendall(frame([{"jsonrpc": "2.0", "method": one.wire, "params": asdict(one)} for one in orders]))

    def wait(self, method: str, wanted: Callable[[Any], bool] = bool) -> Any:
        """The params of the next notification of this name that is wanted; all others are passed over."""
        while True:
            while self.heard:
                name, params = self.heard.pop(0)
                if name == method and (not params or wanted(params)):
                    return params
            data = self.sock.recv(1 << 16)
            assert data, f"the client hung up before {method}"
            self.heard += [(one.method, one.params_as(object)) for one in self.reader.feed(data)]

    def results(self, count: int) -> dict[int, list[Any]]:
        """The next `count` results by attempt."""
        found: dict[int, list[Any]] = {}
        while len(found) < count:
            found |= {one[0]: one for one in self.wait("worker.results")["results"]}
        return found

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()

    def shut(self) -> None:
        self._server.close()
        self.close()


class Farm:
    """A master and its clients; the fixture ends whatever a test left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master = Master()
        self.clients: list[subprocess.Popen[str]] = []

    def client(self, *more: str, data: str = "data") -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "brender.client", "--master", f"127.0.0.1:{self.master.port}"]
        child = subprocess.Popen(
            [*argv, "--data", str(self.folder / data), *more], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.clients.append(child)
        return child

    def shut(self) -> None:
        for child in self.clients:
            child.kill()
            child.communicate()
        self.master.shut()


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path)
    yield made
    made.shut()


def work(function: str, params: Any, *attempts: int, **more: Any) -> Run:
    spec = StepSpec(1, 1, "step", "job", function, params, **more)
    return Run(1, spec, [(attempt, index) for index, attempt in enumerate(attempts)])


def gone(pid: int, limit_s: float = LIMIT_S) -> bool:
    """Whether the process ends in time."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], limit_s)[0])
    finally:
        os.close(fd)


def script(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(textwrap.dedent(text))
    (folder / name).chmod(0o755)


def test_a_client_says_who_it_is_and_runs_what_it_is_told(farm: Farm) -> None:
    """BR-03, RM-01, RM-03, SP-13, SP-31, SP-33."""
    farm.client("--slots", "2", "--name", "render-07")

    hello = farm.master.accept()
    assert re.fullmatch(r"[0-9a-f]{12}", hello["mac"])
    assert hello["key"] == f"brender_{hello['mac']}_render-07"
    assert (hello["slots"], hello["name"], hello["running"], hello["held"]) == (2, "render-07", [], [])
    assert {"simple", "error", "wait", "noop", "echo", "sleep"} <= set(hello["functions"])

    farm.master.say(
        work("simple", [0], 1), work("error", [], 2), work("error", [7], 3), work("simpel", [], 4),
        work("noop", [], 5), work("sleep", [0.01], 6), work("echo", ["hola"], 7),
    )  # fmt: skip
    found = farm.master.results(7)
    assert {attempt: one[1] for attempt, one in found.items()} == {
        1: "success0", 2: "error", 3: "error", 4: "error", 5: "success0", 6: "success0", 7: "success0"
    }  # fmt: skip
    assert (found[2][3], found[3][3], found[3][5]) == (13, 7, "error: ending with exit code 7")
    assert "Did you mean simple?" in found[4][5]
    assert (farm.folder / "data/logs/7.log").read_text() == "hola\n"


def test_a_machine_that_was_too_busy_to_speak_at_once_passes_over_the_telnet_that_was_offered(farm: Farm) -> None:
    """docs/protocol.md: the port takes it for a person after 200 ms; that is no reason to hang up."""
    farm.client("--slots", "1")
    offer, _ = Conversation().silence()
    assert farm.master.accept(first=offer)["running"] == []
    farm.master.say(work("noop", [], 1))
    assert farm.master.results(1)[1][1] == "success0"


def test_a_stop_reaches_the_process_and_a_recall_only_the_queue(farm: Farm) -> None:
    """BR-34, SP-36: what runs is a process of its own, and the master is heard meanwhile."""
    farm.client("--slots", "1")
    farm.master.accept()
    farm.master.say(work("wait", [], 1, 2, 3))
    pid = farm.master.wait("worker.started")["attempts"][0][1]

    farm.master.say(Recall([1, 2]), Stop([1]))

    assert farm.master.wait("worker.returned") == {"attempts": [2]}
    assert farm.master.results(1)[1][1] == "stopped"
    assert gone(pid)
    pid = farm.master.wait("worker.started")["attempts"][0][1]
    farm.master.say(Drop([3]))
    assert gone(pid)


def test_a_task_sees_a_bare_environment_and_its_slots_folder(farm: Farm) -> None:
    """CONTRACT 4.7."""
    text = "import json, os, sys\njson.dump([os.getcwd(), dict(os.environ)], open(sys.argv[1], 'w'))\n"
    script(farm.folder / "bin", "show.py", text)
    os.environ["BRENDER_SECRET_OF_THE_OWNER"] = "x"
    try:
        farm.client("--slots", "1", "--functions", str(farm.folder / "bin"))
    finally:
        del os.environ["BRENDER_SECRET_OF_THE_OWNER"]
    farm.master.accept()
    farm.master.say(work("show.py", [str(farm.folder / "seen")], 8, 9, frames="10-11"))

    assert farm.master.results(2)[9][1] == "success0"
    cwd, env = json.loads((farm.folder / "seen").read_text())
    assert cwd == str(farm.folder / "data/work/0") == env["HOME"] == env["TMPDIR"]
    assert {name for name in env if name.startswith("BRENDER")} == {
        "BRENDER_ATTEMPT", "BRENDER_FRAME", "BRENDER_FRAMES", "BRENDER_JOB", "BRENDER_JOB_ID", "BRENDER_MASTER",
        "BRENDER_SITE", "BRENDER_STEP", "BRENDER_TASK",
    }  # fmt: skip
    assert (env["BRENDER_TASK"], env["BRENDER_FRAME"]) == ("1", "11")
    assert set(env) - {"LC_CTYPE"} <= {"PATH", "LANG", "HOME", "TMPDIR", "PWD", *(n for n in env if "BRENDER" in n)}


def test_a_function_file_offers_typed_programs(farm: Farm) -> None:
    (farm.folder / "f.toml").write_text('[functions.say]\nargv=["echo", "{n}"]\nparams={n={type="int"}}\n')
    farm.client("--function-file", str(farm.folder / "f.toml"))
    assert "say" in farm.master.accept()["functions"]

    farm.master.say(work("say", {"n": 3}, 1), work("say", {"n": "x"}, 2))

    found = farm.master.results(2)
    assert (found[1][1], found[2][5]) == ("success0", "say: parameter n is of type int, 'x' is not.")


def test_results_wait_for_a_master_that_went_away(farm: Farm) -> None:
    """F08: work goes on while nobody listens; hello says what runs and what is held, then the results come."""
    farm.client("--slots", "2")
    farm.master.accept()
    farm.master.say(work("wait", [], 1), work("sleep", [0.1], 2))
    farm.master.wait("worker.started", lambda said: 2 in [one[0] for one in said["attempts"]])
    farm.master.close()
    hello = farm.master.accept(epoch=2)

    held = farm.master.results(1)[2]
    assert (held[1], set(hello["running"]) | set(hello["held"])) == ("success0", {1, 2})
    farm.master.say(Ack([held[6]]))
    farm.master.close()
    hello = farm.master.accept(epoch=2)
    assert (hello["running"], hello["held"]) == ([1], [])


def test_a_killed_daemon_leaves_no_process_and_loses_no_result(farm: Farm) -> None:
    """F11, F12: SIGKILL; what had ended is told by the next life, numbers go on."""
    first = farm.client("--slots", "1")
    boot = farm.master.accept()["boot"]
    farm.master.say(work("error", [5], 1), work("wait", [], 2))
    pid = farm.master.wait("worker.started", lambda said: said["attempts"][0][0] == 2)["attempts"][0][1]

    first.kill()
    assert gone(pid)
    farm.client("--slots", "1")
    hello = farm.master.accept()

    assert hello["boot"] != boot and (hello["running"], hello["held"]) == ([], [1])
    again = farm.master.results(1)[1]
    assert (again[1], again[3], again[6]) == ("error", 5, 1)
    farm.master.say(work("noop", [], 3))
    assert farm.master.results(1)[3][6] == 2


def test_sigterm_gives_back_says_bye_and_leaves_nothing(farm: Farm) -> None:
    """CONTRACT 4.10: though the task ignores SIGTERM."""
    script(farm.folder / "bin", "deaf.sh", "trap '' TERM\necho $$\nwhile :; do sleep 60; done\n")
    child = farm.client("--slots", "1", "--functions", str(farm.folder / "bin"))
    farm.master.accept()
    farm.master.say(work("deaf.sh", [], 1, 2))
    pid = farm.master.wait("worker.started")["attempts"][0][1]

    child.terminate()
    assert {attempt: one[1] for attempt, one in farm.master.results(2).items()} == {1: "returned", 2: "returned"}
    farm.master.wait("worker.bye")
    assert child.wait(LIMIT_S) == 0
    assert gone(pid)


def test_a_second_daemon_on_one_folder_is_refused_with_the_first_ones_pid(farm: Farm) -> None:
    first = farm.client()
    farm.master.accept()

    second = farm.client()

    assert second.wait(LIMIT_S) == 1
    assert second.stderr is not None and f"in use by the client with pid {first.pid}" in second.stderr.read()


def test_an_old_master_is_refused_though_the_daemon_was_restarted(farm: Farm) -> None:
    """CONTRACT 4.2: the epoch seen outlives the daemon."""
    first = farm.client()
    farm.master.accept(epoch=5, heartbeat=0.05)
    farm.master.wait("worker.heartbeat")
    first.send_signal(signal.SIGINT)
    assert first.wait(LIMIT_S) == 0

    second = farm.client()
    farm.master.accept(epoch=4)
    assert farm.master.sock.recv(10) == b""
    assert second.stderr is not None
    assert any("epoch 4, but epoch 5 was seen" in second.stderr.readline() for _ in range(3))


FAKE_BLENDER = """\
    #!/usr/bin/env python3
    import json, os, struct, sys, zlib
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    def say(event, **facts):
        print("brender: " + json.dumps({"event": event, **facts}), flush=True)
    rows = zlib.compress(b"".join(b"\\0" + bytes(range(24)) for _ in range(8)))
    def render(ask):
        if ask["blend"].endswith("missing.blend"):
            print("Error: Cannot read file '%s': No such file or directory" % ask["blend"])
            return 9
        for frame in ask["frames"]:
            with open("%s.%d.part.png" % (ask["prefix"], frame), "wb") as file:
                file.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)))
                file.write((chunk(b"IDAT", rows) if "torn" not in ask["blend"] else b"") + chunk(b"IEND", b""))
            say("frame", frame=frame, seconds=0.1, width=8, height=8, format="PNG")
        return 0
    if sys.argv[-1] != "serve":
        sys.exit(render(json.loads(sys.argv[-1])))
    print(os.getpid(), file=open("pids", "a"))
    for line in sys.stdin:
        ask = json.loads(line)
        say("done", request=ask["request"], code=render(ask))
    """


@pytest.mark.parametrize("more", [[], ["--cold"]], ids=["warm", "cold"])
def test_frames_get_their_names_only_when_they_are_whole(farm: Farm, more: list[str]) -> None:
    """CONTRACT 4.8: part, judged, renamed; a failure speaks in Blender's own words and leaves no part."""
    script(farm.folder / "bin", "blender", FAKE_BLENDER)
    farm.client("--slots", "2", "--blender", str(farm.folder / "bin/blender"), *more)
    assert "blender" in farm.master.accept()["functions"]
    out = farm.folder / "out"
    for attempt, name in enumerate(("good", "torn", "missing"), 1):
        params = {"blend": f"/scenes/{name}.blend", "output": str(out / name)}
        farm.master.say(work("blender", params, attempt, frames="1-2", chunk=2))

    found = farm.master.results(3)

    assert {attempt: one[1] for attempt, one in found.items()} == {1: "success0", 2: "error", 3: "error"}
    assert sorted(path.name for path in (out / "good").iterdir() if path.is_file()) == [
        "frame_0001.png",
        "frame_0002.png",
    ]
    assert "not whole" in found[2][5] and "Cannot read file" in found[3][5]
    assert not [path for path in (out / "torn").iterdir() if path.is_file()]


def test_a_killed_daemon_leaves_no_open_blender(farm: Farm) -> None:
    """F10: a Blender that waits for its next frame is the guardian's child like any other process."""
    script(farm.folder / "bin", "blender", FAKE_BLENDER)
    daemon = farm.client("--slots", "1", "--blender", str(farm.folder / "bin/blender"))
    farm.master.accept()
    params = {"blend": "/scenes/good.blend", "output": str(farm.folder / "out")}
    farm.master.say(work("blender", params, 1, 2, frames="1-2"))
    assert [one[1] for one in farm.master.results(2).values()] == ["success0", "success0"]
    (pid,) = map(int, (farm.folder / "data/work/0/pids").read_text().split())  # one process for both frames
    assert not gone(pid, 0.0)

    daemon.kill()

    assert gone(pid)


def test_a_wrong_command_line_is_answered_with_the_reason(farm: Farm) -> None:
    (farm.folder / "bad.yml").write_text("functions: {x: {argv: ['{y}']}}")
    for more, words in (
        (["--slots", "-1"], "--slots -1 is not between"),
        (["--functions", "/nowhere"], "Functions folder /nowhere: No such file"),
        (["--function-file", str(farm.folder / "bad.yml")], "fixed program"),
        (["--blender", "/nowhere"], "--blender /nowhere is no program"),
    ):
        child = farm.client(*more)
        assert child.wait(LIMIT_S) == 1
        assert child.stderr is not None and words in child.stderr.read()


def nic(name: str, order: int, physical: bool = True, wireless: bool = False) -> Nic:
    return Nic(name, f"{order:012x}", order, physical, wireless)


def test_the_mac_is_of_the_first_wired_physical_interface() -> None:
    """RM-02, FINDINGS F13."""
    nics = [nic("docker0", 2, physical=False), nic("wlan0", 3, wireless=True), nic("eth1", 5), nic("eth0", 4)]

    assert choose_mac(nics, 0, 0) == "000000000004"
    assert choose_mac(nics[:2], 0, 0) == "000000000003"
    assert choose_mac(nics[:1], 0xBCAEC57122FC, 0) == "bcaec57122fc"
    assert choose_mac([], 0x0000C57122FC, 0) == "0000c57122fc"
    assert choose_mac([], 0x01AEC57122FC, 0xFD0000000001) == "fe0000000001"


def test_an_identity_once_chosen_stays(tmp_path: Path) -> None:
    """RM-02: stable though the interfaces change; RM-03."""
    (tmp_path / "identity.json").write_text('{"mac": "bcaec57122fc"}')

    assert identity(tmp_path).key == "brender_bcaec57122fc"
    assert identity(tmp_path, "left").key == "brender_bcaec57122fc_left"
    (tmp_path / "identity.json").write_text("{")
    assert identity(tmp_path) == identity(tmp_path)


def test_reconnects_spread_over_a_growing_time_up_to_thirty_seconds() -> None:
    """CONTRACT 4.3."""
    assert [delay(tries, 1.0) for tries in (0, 1, 2, 6, 7, 5000)] == [0.5, 1.0, 2.0, 30.0, 30.0, 30.0]
    assert delay(9, 0.0) == 0.0
