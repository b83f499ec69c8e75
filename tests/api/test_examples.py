"""The examples for Python, PHP and JavaScript do what they say, with the real programs and a real farm."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from doors.peers import LIMIT, ROOT
from doors.peers import Farm as Programs

import brender

from .test_connection import server
from .wire import Wire

EXAMPLES = ROOT / "examples"


def start(address: str, *words: str | Path) -> subprocess.Popen[str]:
    """A program of a person whose farm this is."""
    environment = {**os.environ, "BRENDER_MASTER": address, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [str(word) for word in words],
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd="/",
    )  # fmt: skip


def ended(child: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit code and what it said."""
    with child:
        try:
            out, errors = child.communicate(timeout=LIMIT)
        finally:
            child.kill()
    return child.returncode, out, errors


def run(address: str, *words: str | Path) -> tuple[int, str, str]:
    return ended(start(address, *words))


def python(name: str) -> tuple[str, Path]:
    return sys.executable, EXAMPLES / "python" / name


OTHERS = {"php": ("php", EXAMPLES / "php" / "client.php"), "js": ("node", EXAMPLES / "js" / "client.mjs")}
ALL = {**OTHERS, "python": python("submit_and_wait.py")}
PHP_OF_2013 = """
$link = stream_socket_client($argv[1]);
fwrite($link, $argv[2] . "\\n");
echo $argv[3] === 'once' ? fread($link, 2048) : stream_get_contents($link);
"""


def test_submit_and_wait_shows_a_bar_and_ends_well(address: str) -> None:
    code, out, errors = run(address, *python("submit_and_wait.py"), "good", "echo", "1-12", "hello")
    assert (code, errors) == (0, "")
    assert re.fullmatch(r"examples/good is job \d+", out.splitlines()[0])
    assert out.rstrip().endswith(f"[{'#' * 30}] 12 of 12, 0 failed")


def test_submit_and_wait_names_what_failed_with_the_end_of_its_log(address: str) -> None:
    code, out, errors = run(address, *python("submit_and_wait.py"), "bad", "error", "7")
    assert (code, errors) == (1, "")
    assert "frame 7 error13 on render-01: error: ending with exit code 13" in out
    assert "    error: ending with exit code 13" in out.splitlines()


def test_an_example_without_a_farm_says_what_to_do(tmp_path: Path) -> None:
    code, _, errors = run("127.0.0.1:1", *python("submit_and_wait.py"), "x", "noop", "1")
    assert code == 1 and "brender up" in errors and "Traceback" not in errors


def test_watch_farm_writes_a_mail_for_every_job_that_ends(farm: brender.Farm, address: str, tmp_path: Path) -> None:
    """The second run begins where the first has ended, though the job ended between them."""
    seen = tmp_path / "last.txt"
    with farm.events() as events:
        seen.write_text(str(events.last))
    farm.jobs.create("first", function="noop", frames="1-3", project="film", run=True).wait()
    farm.jobs.create("second", function="error", frames="5-6", retries=0, run=True).wait()
    words = (*python("watch_farm.py"), "anna@film.example", "--mails", "1", "--seen", seen)
    code, out, errors = run(address, *words)
    assert (code, errors) == (0, "")
    assert "To: anna@film.example\nSubject: [farm] first has ended: success0\n" in out
    assert "film/first: 3 of 3 tasks are a success" in out
    code, out, _ = run(address, *words)
    assert "Subject: [farm] second has ended: error\n" in out
    assert "  frame 5: error13 on render-01: error: ending with exit code 13" in out
    assert out.splitlines()[-2] == "1 of 1 machines are online, 0 of them at work."


def test_watch_farm_tells_of_a_machine_that_is_lost(programs: Programs, address: str, farm: brender.Farm) -> None:
    lost = programs.worker("render-02")
    with farm.events() as events:
        since = events.last
    lost.end()
    seen = programs.folder / "seen.txt"
    seen.write_text(str(since))
    code, out, _ = run(address, *python("watch_farm.py"), "x@y.example", "--mails", "1", "--seen", seen)
    assert code == 0 and "Subject: [farm] render-02 is lost\n" in out


@pytest.fixture
def desk(programs: Programs, farm: brender.Farm) -> brender.Worker:
    if "desk-01" not in {worker.name for worker in farm.workers}:
        programs.worker("desk-01")
    found = farm.workers["desk-01"]
    found.set(tags=["desk"])
    return found


def test_nightly_lends_machines_and_takes_them_back_when_their_tasks_have_ended(
    address: str, farm: brender.Farm, desk: brender.Worker
) -> None:
    desk.disable()
    code, out, _ = run(address, *python("nightly.py"), "evening", "desk")
    assert (code, out) == (0, "1 lent to the farm, 0 were already.\n") and desk.refresh().enabled
    job = farm.jobs.create("night", function="sleep", params=[1.0], frames="1-2", tags=["desk"])
    with farm.events("job.state") as events:
        job.run()
        while job.refresh().state != "running":
            assert events.wait(LIMIT)
    code, out, errors = run(address, *python("nightly.py"), "morning", "desk")
    assert (code, out, errors) == (0, "Nothing runs there any more.\n", "")
    assert job.wait().succeeded and not desk.refresh().enabled
    assert farm.workers["render-01"].enabled


def test_nightly_names_what_does_not_end_in_time(address: str, farm: brender.Farm, desk: brender.Worker) -> None:
    desk.enable()
    job = farm.jobs.create("endless", function="sleep", params=[600], frames="1", tags=["desk"])
    with farm.events("job.state") as events:
        job.run()
        while job.refresh().state != "running":
            assert events.wait(LIMIT)
    code, out, _ = run(address, *python("nightly.py"), "morning", "desk", "--minutes", "0")
    assert (code, out) == (1, "desk-01 is still at work: endless/sleep[0]\n")
    job.stop(force=True)
    code, _, errors = run(address, *python("nightly.py"), "evening", "nowhere")
    assert code == 1 and "No worker has the tag 'nowhere'" in errors


@pytest.mark.parametrize("language", OTHERS)
def test_a_client_in_another_language_lists_and_enables_workers(
    address: str, farm: brender.Farm, language: str
) -> None:
    """BR-04, issue 4."""
    farm.workers["render-01"].disable()
    code, out, errors = run(address, *OTHERS[language], "list")
    assert (code, errors) == (0, "")
    assert ["render-01", "disabled", "online", "idle"] in [line.split() for line in out.splitlines()]
    assert run(address, *OTHERS[language], "enable", "render-*")[1] == "enabled: render-01\n"
    assert run(address, *OTHERS[language], "enable", "render-01")[1] == "enabled: nothing new\n"
    assert farm.workers["render-01"].enabled


@pytest.mark.parametrize("language", OTHERS)
def test_a_client_in_another_language_follows_a_job_to_its_end(address: str, farm: brender.Farm, language: str) -> None:
    """BR-11: the events are there because it subscribed before the job ran; their numbers grow."""
    code, out, errors = run(address, *OTHERS[language], "submit", f"{language}-höhle", "echo", "1-30")
    assert (code, errors) == (0, "")
    job = farm.jobs[f"{language}-höhle"]
    head, *lines = out.splitlines()
    assert head == f"job {job.id}, 30 tasks" and job.succeeded and job.project == language
    topics = [line.split()[1] for line in lines]
    assert topics[0] == "job.created" and "job.started" in topics and lines[-1].endswith("job.ended success0")
    numbers = [int(line.split()[0]) for line in lines]
    assert numbers == sorted(set(numbers))
    code, out, _ = run(address, *OTHERS[language], "submit", f"{language}-bad", "error", "1")
    assert code == 1 and "task.error error: ending with exit code 13" in out and "job.ended error" in out


@pytest.mark.parametrize("language", OTHERS)
def test_a_client_in_another_language_says_what_it_is_refused_with(address: str, language: str) -> None:
    code, _, errors = run(address, *OTHERS[language], "enable", "rendr-01")
    assert code == 1 and errors.startswith("There is no worker 'rendr-01'. Did you mean render-01")
    code, _, errors = run(address, *OTHERS[language], "dance")
    assert code != 0 and errors.startswith("Say list, enable")
    code, _, errors = run("127.0.0.1:1", *OTHERS[language], "list")
    assert code == 3 and errors.startswith("No master answers at 127.0.0.1:1")
    with server(b"SSH-2.0-OpenSSH_9.2\r\n") as stranger:
        code, _, errors = run(stranger, *OTHERS[language], "list")
    assert code == 3 and "This is no brender master" in errors and "SSH-2.0" in errors


@pytest.mark.parametrize("language", ALL)
def test_every_client_speaks_with_its_first_packet_and_passes_over_a_telnet_offer(wire: Wire, language: str) -> None:
    """FINDINGS B 1.1 and 5: the 200 ms rule. The wire keeps back what is said until the master has offered telnet."""
    wire.make_late()
    words = ("submit",) if language in OTHERS else ()
    code, out, errors = run(wire.address, *ALL[language], *words, f"late-{language}", "noop", "1-3")
    assert (code, errors) == (0, ""), out
    assert wire.said.startswith(b'{"jsonrpc"')


def test_the_request_of_the_first_php_page_is_answered(address: str) -> None:
    """BR-04, FIELD 6.1: it said `test`, read once, showed what came, and hung up."""
    code, out, errors = run(address, "php", "-r", PHP_OF_2013, f"tcp://{address}", "test", "once")
    assert (code, out.partition("\n")[0].rstrip(), errors) == (0, "test>", "")


def test_the_datatables_requests_of_php_are_answered_to_their_end(address: str, farm: brender.Farm) -> None:
    """BR-06, BR-32: read until the end of file, which comes because the master hangs up."""
    line = {"item": "client", "action": "read", "filters": "", "values": ""}
    code, out, _ = run(address, "php", "-r", PHP_OF_2013, f"tcp://{address}", json.dumps(line), "all")
    assert (code, json.loads(out)["aaData"][0]["DT_RowId"]) == (0, "client_1")
    line = {"item": "client", "action": "update", "filters": {"id": 1}, "values": {"status": "disabled"}}
    code, out, _ = run(address, "php", "-r", PHP_OF_2013, f"tcp://{address}", json.dumps(line), "all")
    assert (code, out, farm.workers[1].enabled) == (0, "", False)
    farm.workers[1].enable()


@pytest.mark.parametrize("language", ["python", "sh"])
def test_the_code_on_the_page_about_clients_runs(
    programs: Programs, address: str, farm: brender.Farm, language: str, tmp_path: Path
) -> None:
    """docs/clients.md: the ten lines are ten, and do what they say."""
    page = (ROOT / "docs" / "clients.md").read_text()
    (block,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    (tmp_path / "code").write_text(block.replace("6000", str(programs.port)))
    farm.workers["render-01"].set(tags=[])
    farm.workers.enable("all") if language == "python" else farm.workers.disable("all")
    program = sys.executable if language == "python" else "sh"
    code, out, errors = run(address, program, tmp_path / "code")
    assert (code, errors) == (0, "")
    assert "render-01" in out and farm.workers["render-01"].enabled == (language == "sh")
    assert len(block.splitlines()) == (10 if language == "python" else 1)
    farm.workers.enable("all")
