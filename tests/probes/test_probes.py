"""The built-in probes, each by the contract that any plug-in can be held to, and what each says of something known."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from brender.errors import BrenderError, Invalid, Unsupported
from brender.probes import Probe, Surroundings
from brender.probes.local import printed
from brender.probes.machine import present
from brender.probes.places import translated, translated_url
from brender.probes.registry import BUILT_IN, NEEDS, Registry
from brender.probes.remote import metrics
from brender.worker.instruments import INSTRUMENTS, check_key

from .contract import ProbeContract, TypeContract

PAGE = """# HELP jobs_total Jobs.
# TYPE jobs_total counter
jobs_total{state="done",host="a"} 5
jobs_total{host="b", state="fail\\"ed"} 2 1700000000
up 1
odd NaN
not a line at all {
"""


class Answers(http.server.BaseHTTPRequestHandler):
    """/metrics, /missing, and where the request says it was going."""

    def do_GET(self) -> None:
        body = PAGE if self.path == "/metrics" else self.headers["Host"]
        self.send_response(404 if self.path == "/missing" else 200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def web() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


class TestHost(ProbeContract):
    driver = "host"

    def test_what_a_machine_reports_unasked_is_what_it_says(self, around: Surroundings) -> None:
        """RM-26: each machine reports itself."""
        probe = self.open({}, around)
        assert set(present()) <= set(probe.keys or ())
        assert {"cpu", "memory", "load", "disk"} <= set(present()) <= {*probe.read(), "cpu"}


class TestCpu(ProbeContract):
    driver = "cpu"

    def test_it_is_a_part_of_a_hundred(self, around: Surroundings) -> None:
        value = self.open({}, around).read()["cpu"]
        assert value is None or 0 <= value <= 100


class TestMemory(ProbeContract):
    driver = "memory"


class TestSwap(ProbeContract):
    driver = "swap"


class TestLoad(ProbeContract):
    driver = "load"


class TestTemperatures(ProbeContract):
    driver = "temperatures"


class TestNetwork(ProbeContract):
    driver = "network"
    config: ClassVar[dict[str, Any]] = {"interface": "lo"}

    def test_an_interface_that_is_not_there_is_named(self, around: Surroundings) -> None:
        with pytest.raises(LookupError, match="there are "):
            self.open({"interface": "eth99"}, around)

    def test_its_addresses_are_those_by_which_others_reach_it(self, around: Surroundings) -> None:
        """RM-51: a text, so that a rule may tell of its change; nobody reaches a machine by its loopback."""
        assert self.open({"interface": "lo"}, around).read()["address"] == ""
        told = self.open({}, around).read()["address"]
        known = {one.address for some in psutil.net_if_addrs().values() for one in some}
        assert all(one in known and not ip_address(one).is_loopback for one in told.split(", ") if one)


class TestDisk(ProbeContract):
    driver = "disk"

    def test_it_says_what_df_says(self, around: Surroundings) -> None:
        found = self.open({"path": "/"}, around).read()
        assert 0 < found["disk"] <= 100
        with pytest.raises(OSError):
            self.open({"path": "/no/such/place"}, around).read()


class TestFile(ProbeContract):
    driver = "file"
    config: ClassVar[dict[str, Any]] = {"path": "/etc"}
    bad: ClassVar[list[dict[str, Any]]] = [{}, {"path": ""}, {"path": 3}]

    def test_a_number_a_text_a_folder_and_nothing(self, around: Surroundings, tmp_path: Path) -> None:
        (tmp_path / "number").write_text("21.5\n")
        (tmp_path / "text").write_text("warm")
        assert self.open({"path": str(tmp_path / "number")}, around).read()["value"] == 21.5
        assert self.open({"path": str(tmp_path / "text")}, around).read()["value"] is None
        assert self.open({"path": str(tmp_path)}, around).read()["count"] == 2
        assert self.open({"path": str(tmp_path / "none")}, around).read() == {"exists": 0.0}


class TestRender(ProbeContract):
    driver = "render"

    def test_it_says_what_the_worker_tells_it(self) -> None:
        assert self.open({}, Surroundings(tasks=lambda: {"frames": 3.0})).read() == {"frames": 3.0}


class TestCommand(ProbeContract):
    driver = "command"
    config: ClassVar[dict[str, Any]] = {"command": "meter", "arguments": ["a b", "$(id)"]}
    bad: ClassVar[list[dict[str, Any]]] = [
        {},
        {"command": "../meter"},
        {"command": "a/b"},
        {"command": "x", "timeout": 0},
    ]

    @pytest.fixture
    def around(self, tmp_path: Path) -> Surroundings:
        for name, text in {
            "meter": 'printf "%s\\n" 12.5 "volts 3" "said $1 $2"',
            "fails": "echo out of range >&2; exit 3",
            "hangs": "exec sleep 60",
        }.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / name).chmod(0o755)
        (tmp_path / "data").write_text("no program")
        return Surroundings(commands=tmp_path)

    def test_what_it_prints_are_values_and_no_shell_sees_its_arguments(self, around: Surroundings) -> None:
        found = self.open(self.config, around).read()
        assert found == {"value": 12.5, "volts": 3.0, "said": "a b $(id)"}

    def test_only_programs_of_the_owners_folder_are_run(self, around: Surroundings) -> None:
        """Allow-listed on the worker."""
        for name in ("data", "none", "..", "."):
            with pytest.raises(BrenderError):
                self.open({"command": name}, around)
        with pytest.raises(Unsupported, match="no channel commands"):
            self.open({"command": "meter"}, Surroundings())

    def test_one_that_fails_or_hangs_says_so(self, around: Surroundings) -> None:
        with pytest.raises(RuntimeError, match="exit code 3: out of range"):
            self.open({"command": "fails"}, around).read()
        with pytest.raises(TimeoutError, match=r"0\.2 s"):
            self.open({"command": "hangs", "timeout": 0.2}, around).read()


class TestHttp(ProbeContract):
    driver = "http"
    bad: ClassVar[list[dict[str, Any]]] = [{}, {"url": "file:///etc/passwd"}, {"url": "http://a b"}]

    @pytest.fixture
    def real(self, web: int) -> dict[str, Any]:
        return {"url": f"http://127.0.0.1:{web}/"}

    def test_up_is_an_answer_that_is_no_error_and_holds_what_it_shall(self, around: Surroundings, web: int) -> None:
        base = f"http://127.0.0.1:{web}"
        assert self.open({"url": f"{base}/metrics", "find": "jobs_total"}, around).read()["up"] == 1.0
        assert self.open({"url": f"{base}/metrics", "find": "elsewhere"}, around).read()["up"] == 0.0
        found = self.open({"url": f"{base}/missing"}, around).read()
        assert (found["up"], found["status"]) == (0.0, 404.0)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        assert self.open({"url": f"http://127.0.0.1:{port}/"}, around).read() == {"up": 0.0}

    def test_a_test_rig_sends_it_elsewhere_and_the_server_hears_the_name(
        self, around: Surroundings, web: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """CL-37."""
        monkeypatch.setenv("BRENDER_TRANSLATE_NAS_EXAMPLE_80", f"127.0.0.1:{web}")
        found = self.open({"url": "http://nas.example/", "find": "nas.example"}, around).read()
        assert found["up"] == 1.0


class TestTcp(ProbeContract):
    driver = "tcp"
    bad: ClassVar[list[dict[str, Any]]] = [{"host": "a"}, {"host": "a", "port": 0}, {"host": "a", "port": 70000}]

    @pytest.fixture
    def real(self, web: int) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": web}

    def test_the_seeds_variable_is_honoured(
        self, around: Surroundings, web: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """CL-37: CX_TRANSLATE_LINAC1_34=:34."""
        monkeypatch.setenv("CX_TRANSLATE_LINAC1_34", f":{web}")
        assert self.open({"host": "linac1", "port": 34}, around).read()["up"] == 1.0


class TestPrometheus(ProbeContract):
    driver = "prometheus"
    bad: ClassVar[list[dict[str, Any]]] = [{}, {"url": "gopher://a"}]

    @pytest.fixture
    def real(self, web: int) -> dict[str, Any]:
        return {"url": f"http://127.0.0.1:{web}/metrics"}

    def test_names_are_sums_and_labels_are_sorted(self) -> None:
        found = metrics(PAGE)
        assert found == {
            "jobs_total": 7.0,
            "up": 1.0,
            'jobs_total{host="a",state="done"}': 5.0,
            'jobs_total{host="b",state="fail\\"ed"}': 2.0,
        }

    def test_a_page_that_is_not_there_is_an_error(self, around: Surroundings, web: int) -> None:
        with pytest.raises(RuntimeError, match="404"):
            self.open({"url": f"http://127.0.0.1:{web}/missing"}, around).read()


class TestSimple(TypeContract):
    name = "simple"


class TestScalar(TypeContract):
    name = "scalar"
    params: ClassVar[dict[str, Any]] = {"delta": 2, "timedelta": 5, "burst": 3}


class TestDelta(TypeContract):
    name = "delta"
    bad: ClassVar[list[dict[str, Any]]] = [{"delta": -1}, {"timedelta": 1}]


class TestNTime(TypeContract):
    name = "ntime"


class TestVector(TypeContract):
    name = "vector"


def test_what_a_program_prints_is_read_line_by_line() -> None:
    assert printed("3\n") == {"value": 3.0}
    assert printed("a 1\n\nb two words\n") == {"a": 1.0, "b": "two words"}


def test_every_built_in_driver_is_described_and_found_and_no_other_name_is() -> None:
    """CL-33: a registry, never a name that is imported."""
    registry = Registry({}, print)
    assert set(BUILT_IN) == set(INSTRUMENTS)
    assert set(registry.names()) >= set(BUILT_IN) - set(NEEDS)
    for name in set(BUILT_IN) - set(NEEDS):
        kind = registry.find(name)
        assert kind.Config is INSTRUMENTS[name].config
        assert dict(kind.keys or {}) == INSTRUMENTS[name].keys
    for name in ("hosst", "os.system", "brender.probes.machine:Host", "__import__"):
        with pytest.raises(Invalid):
            registry.find(name)
    with pytest.raises(Invalid, match="measures no 'cup'"):
        check_key("cpu", "cup")


@pytest.mark.parametrize("variable", ["BRENDER_CHANNEL_PATH", "CHLCLIENTS_PATH"])
def test_modules_of_a_folder_are_drivers_and_a_broken_one_is_named_and_passed_over(
    tmp_path: Path, variable: str
) -> None:
    """CL-36, RM-48."""
    (tmp_path / "good.py").write_text(
        "from brender.probes import Probe\n"
        "class Scale(Probe):\n    keys = {'kg': 'kg'}\n    def read(self):\n        return {'kg': 1.0}\n"
        "class Other(Scale):\n    driver = 'my-scale'\n"
    )
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "_private.py").write_text("raise SystemExit\n")
    (tmp_path / "exits.py").write_text("raise SystemExit(3)\n")
    said: list[str] = []
    registry = Registry({variable: f"{tmp_path}{os.pathsep}{tmp_path / 'none'}"}, said.append)
    assert {"scale", "my-scale"} <= set(registry.names())
    assert registry.find("scale")(None, Surroundings()).read() == {"kg": 1.0}
    assert len(said) == 3
    assert "broken.py is passed over: ModuleNotFoundError" in said[0]
    assert "exits.py is passed over: SystemExit: 3" in said[1]


@pytest.mark.parametrize(
    ("name", "value", "asked", "there"),
    [
        ("BRENDER_TRANSLATE_NAS_80", "127.0.0.1:8080", ("nas", 80), ("127.0.0.1", 8080)),
        ("BRENDER_TRANSLATE_NAS_80", "other", ("nas", 80), ("other", 80)),
        ("BRENDER_TRANSLATE_A_B_C_1", ":2", ("a.b-c", 1), ("127.0.0.1", 2)),
        ("CX_TRANSLATE_LINAC1_34", ":34", ("linac1", 34), ("127.0.0.1", 34)),
        ("BRENDER_TRANSLATE_NAS_81", ":1", ("nas", 80), ("nas", 80)),
    ],
)
def test_addresses_are_translated(name: str, value: str, asked: tuple[str, int], there: tuple[str, int]) -> None:
    """CL-37."""
    assert translated(*asked, {name: value}) == there


def test_urls_are_translated_and_odd_values_refused() -> None:
    assert translated_url("https://nas/a?b", {"BRENDER_TRANSLATE_NAS_443": ":8443"}) == (
        "https://127.0.0.1:8443/a?b",
        "nas",
    )
    assert translated_url("http://nas:81/", {}) == ("http://nas:81/", "nas:81")
    with pytest.raises(Invalid, match="no HOST:PORT"):
        translated("nas", 80, {"BRENDER_TRANSLATE_NAS_80": "x:y"})


def test_a_probe_that_reads_nothing_is_refused_when_it_is_opened() -> None:
    """CL-36: what a plug-in lacks is its channels' error before anybody waits for a value."""

    class Mute(Probe):
        keys: ClassVar = {"kg": "kg"}

    with pytest.raises(TypeError, match="read"):
        Mute(None, Surroundings())  # type: ignore[abstract]
