"""All that `status` can say of a task, brought about by real processes (SP-27…SP-38, REQUIREMENTS 7.3, 7.4)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

from .conftest import ROOT, Site
from .test_spa_ctl import task

DEAF = "#!/bin/sh\ntrap '' TERM\nwhile :; do /bin/sleep 1; done\n"
ONCE = '#!/bin/sh\n[ -e "$1" ] && exit 0\n: > "$1"\nexit 13\n'
HELD = f"""#!/bin/sh
export PYTHONPATH={ROOT}
trap 'echo asked >> "$1"; exit 0' TERM
{sys.executable} -m brender.spad set_status waiting limit=60 && echo in >> "$1"
read word < "$2"
{sys.executable} -m brender.spad set_status running && echo out >> "$1"
while :; do /bin/sleep 0.05; done
"""
PTRACE_SEIZE = 0x4206
WALL = 0x40000000


def test_a_task_that_fails_is_rerun_once_or_as_often_as_it_is_told(site: Site) -> None:
    """SP-05, SP-31, SP-32."""
    site.function("once", ONCE)
    site.start()
    bad = [
        task("never", "error", "13", exec="parallel", retries=0),
        task("thrice", "error", "7", exec="parallel", retries=2),
    ]
    site.create(
        "wf", task("twice", "error", "3", exec="parallel"), *bad, task("saved", "once", str(site.folder / "mark"))
    )
    site.say("run", "-w", "wf", "--wait", code=4)
    assert site.labels("wf") == {"twice": "error3", "never": "error13", "thrice": "error7", "saved": "success0"}
    attempts = {row["step"]: row["attempts"] for row in site.ask("task.list", job="wf")["tasks"]}
    assert attempts == {"twice": 2, "never": 1, "thrice": 3, "saved": 2}


def test_a_task_that_somebody_else_ends_is_terminated_with_the_signal(site: Site) -> None:
    """SP-27, SP-29, SP-34."""
    site.start()
    site.create("wf", task("a", "wait", retries=0), task("b"))
    site.say("run", "-w", "wf")
    site.becomes("wf", a="running")
    assert site.labels("wf")["b"] == "new"
    os.kill(site.until(lambda: site.pid("wf", "a")), signal.SIGKILL)
    site.becomes("wf", a="terminated-9")
    assert site.labels("wf")["b"] == "stopped"
    assert site.ask("status", workflow="wf")["state"] == "terminated"


def test_a_stop_is_answered_at_once_and_the_master_answers_meanwhile(site: Site) -> None:
    """SP-11, SP-35, SP-37, SP-55, SP-59: 50 tasks that do not obey; bench/stops.py takes the time."""
    site.function("deaf", DEAF)
    site.start(slots=50)
    site.create("wf", *(task(f"t{number}", "deaf", exec="parallel") for number in range(50)))
    site.say("run", "-w", "wf")
    site.until(lambda: set(site.labels("wf").values()) == {"running"})
    answer = site.ask("stop", workflow="wf")
    assert (answer["state"], answer["stopping"]) == ("stopping", 50)
    answered = 0
    while site.labels("wf")["t0"] == "stopping":  # each is a question of its own
        answered += 1
    assert answered > 1  # in the 6 s of the ladder; a master that waited for the tasks would have answered one
    site.until(lambda: set(site.labels("wf").values()) == {"killed"})


def test_a_stop_that_is_obeyed_is_over_before_anybody_is_killed(site: Site) -> None:
    """SP-36: less than the six seconds after which what does not obey is killed."""
    site.start()
    site.create("wf", task("a", "wait"), task("b"))
    site.say("run", "-w", "wf")
    site.becomes("wf", a="running")
    site.say("stop", "-w", "wf", "--wait")
    assert site.labels("wf") == {"a": "stopped", "b": "stopped"}


def test_a_task_says_of_itself_that_it_waits_and_a_stop_is_held_back(site: Site) -> None:
    """SP-30, SP-40, REQUIREMENTS 10.8: by spa_ctl in its own script, without naming itself."""
    site.function("held", HELD)
    journal, gate = site.folder / "journal", site.folder / "gate"
    os.mkfifo(gate)
    site.start()
    site.create("wf", task("lib", "held", str(journal), str(gate)))
    site.say("run", "-w", "wf")
    site.becomes("wf", lib="waiting")
    assert "must not be stopped goes on" in " ".join(site.say("stop", "-w", "wf").split())
    assert "held by waiting lib" in site.say("status", "-w", "wf")
    assert site.labels("wf") == {"lib": "waiting"}
    with gate.open("w") as out:
        out.write("go\n")
    site.becomes("wf", lib="stopped")
    assert journal.read_text().split() in (["in", "out", "asked"], ["in", "asked"])


def test_an_admin_ends_what_waits_by_force(site: Site) -> None:
    """REQUIREMENTS 10.8, 7.3."""
    site.start()
    site.create("wf", task("a", "wait"))
    site.say("run", "-w", "wf")
    site.becomes("wf", a="running")
    site.say("set_status", "-p", "pr1", "-w", "wf", "-t", "a", "waiting")
    assert "stopping" in site.say("stop", "-w", "wf")
    assert site.labels("wf") == {"a": "waiting"}
    site.say("stop", "-w", "wf", "--force", "--wait")
    assert site.labels("wf") == {"a": "stopped"}


def test_what_nothing_ends_is_immortal_by_its_pid_until_the_pid_is_gone(site: Site) -> None:
    """SP-38, SP-55, SP-59: a tracer keeps the dead process from its parent, as a hung disk would."""
    site.start()
    site.create("wf", task("a", "wait"))
    site.say("run", "-w", "wf")
    pid = site.until(lambda: site.pid("wf", "a"))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.ptrace(PTRACE_SEIZE, pid, None, None) == 0, os.strerror(ctypes.get_errno())
    began = time.monotonic()
    site.say("stop", "-w", "wf")
    site.becomes("wf", a=f"immortal({pid})")
    assert time.monotonic() - began >= 8.0
    assert site.ask("status", workflow="wf")["state"] == "immortal"
    while not os.WIFSIGNALED(os.waitpid(pid, WALL)[1]):
        pass
    site.becomes("wf", a="killed")
