"""A real master and a real worker in a folder of their own, and spa_ctl as a person has it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brender import spad
from brender.caller import NoMaster, conversation
from brender.daemon.offer import SAMPLES

LIMIT_S = 60.0
ROOT = Path(__file__).parents[2]


class Site:
    """One machine with spad on it. `say` is spa_ctl in this process, `ask` one JSON-RPC request."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = int(server.getsockname()[1])
        self.address = f"127.0.0.1:{self.port}"
        self.functions = folder / "bin"
        self.functions.mkdir()
        for sample in SAMPLES.iterdir():
            (self.functions / sample.name).symlink_to(sample)
        self.children: list[subprocess.Popen[bytes]] = []

    def function(self, name: str, text: str) -> None:
        """A program that tasks may run."""
        (self.functions / name).write_text(text)
        (self.functions / name).chmod(0o755)

    def start(self, slots: int = 4) -> None:
        """Master and worker, both ready."""
        self._run("master", "--listen", self.address, "--data", str(self.folder / "master"))
        words = ["--master", self.address, "--data", str(self.folder / "worker"), "--slots", str(slots)]
        self._run("client", *words, "--functions", str(self.functions))
        self.until(lambda: self.ask("worker.list")["workers"][0]["presence"] == "online")

    def _run(self, program: str, *words: str) -> None:
        path = os.pathsep.join([str(self.folder), os.environ["PATH"]])
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, "SITE": str(self.folder)}
        with (self.folder / f"{program}.log").open("ab") as log:
            argv = [sys.executable, "-m", "brender.cli", program, *words]
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self.folder)
        self.children.append(child)

    def power_cut(self) -> None:
        """Everything dies at once."""
        for child in self.children:
            child.send_signal(signal.SIGKILL)
        for child in self.children:
            child.wait()
        self.children.clear()

    def ask(self, method: str, **params: Any) -> Any:
        return next(conversation(self.address, method, params))

    def until(self, question: Callable[[], Any]) -> Any:
        """The first truthy answer."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                found = question()
            except (NoMaster, IndexError):
                found = None
            if found:
                return found
            assert time.monotonic() < deadline, (self.folder / "master.log").read_text()[-3000:]
            select.select([], [], [], 0.01)

    def say(self, *words: str, code: int = 0) -> str:
        """What spa_ctl prints; a refusal is printed on stderr."""
        self._capsys.readouterr()
        found = spad.main(words)
        said = self._capsys.readouterr()
        assert found == code, (found, said.err or said.out)
        return said.out if code == 0 else said.err + said.out

    def json(self, *words: str) -> Any:
        return json.loads(self.say(*words, "--json"))

    def labels(self, workflow: str) -> dict[str, str]:
        """What status prints for each task."""
        return {row["name"]: row["state"] for row in self.ask("status", workflow=workflow)["steps"]}

    def becomes(self, workflow: str, **labels: str) -> None:
        """Wait until these tasks are so."""
        self.until(lambda: labels.items() <= self.labels(workflow).items())

    def create(self, workflow: str, *tasks: dict[str, Any], project: str = "pr1") -> None:
        """A workflow; each task has a name and a function."""
        tree = {"project": {"name": project, "workflows": [{"name": workflow, "tasks": list(tasks)}]}}
        self.say("create", "-j", json.dumps(tree))

    def pid(self, workflow: str, task: str) -> int:
        """The process of a task that runs."""
        live = self.ask("task.show", step=f"{workflow}/{task}")["live"]
        return int(live["pid"]) if live and live["pid"] else 0


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(tmp_path, capsys)
    monkeypatch.setenv("BRENDER_MASTER", made.address)
    monkeypatch.setenv("BRENDER_HOME", str(tmp_path / "home"))
    try:
        yield made
    finally:
        made.power_cut()
    for program in ("master", "client"):
        log = tmp_path / f"{program}.log"
        assert not log.exists() or "Traceback" not in log.read_text(), log.read_text()[-5000:]
