"""One task of an Open Job Description step, in a process of its own: `python -m brender.daemon.openjd_session`.

Its arguments are a file of path mapping rules (or nothing) and the order as JSON, in pieces.

It opens a session, enters the job's and the step's environments, runs the task's points and exits what it entered,
also after a failure and a stop. Its output is the task's log and its last line the reason of a failure. It knows
openjd-model and openjd-sessions, which use threads and subprocesses freely here, and nothing of the farm.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import shutil
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from openjd import model
from openjd.sessions import LOG, ActionState, PathMappingRule, Session, SessionState

from brender import openjd
from brender.bundle import space
from brender.daemon import kin

# brender gives a stopped task 6 seconds between SIGTERM and SIGKILL: these for the action, the rest to leave
# the environments.
CANCEL_S = 3.0
_PR_SET_CHILD_SUBREAPER = 36
BUSY = (SessionState.RUNNING, SessionState.CANCELING)
NEWS, STOP = "news", "stop"


class Failed(Exception):
    """An action did not end well; the words say which and why."""


class Printed(logging.StreamHandler[Any]):
    """Prints what the library logs, secrets blotted out by it already, and remembers the last line of it."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()
        super().emit(record)


class Visit:
    """A session from its first environment to its last. `stopped` once somebody wants it ended, `_until` when by."""

    def __init__(self, order: dict[str, Any], rules: list[PathMappingRule], root: Path, printed: Printed) -> None:
        self._printed = printed
        template = model.decode_job_template(template=order["template"], supported_extensions=openjd.EXTENSIONS)
        values = {
            name: model.ParameterValue(type=model.ParameterValueType(one["type"]), value=one["value"])
            for name, one in order["parameters"].items()
        }
        made = model.create_job_with_symbol_tables(job_template=template, job_parameter_values=values)
        self.job, self.step = made.job, made.job.steps[0]
        self._job_scope = made.job_symbol_table
        self._step_scope = made.step_symbol_tables[str(self.step.name)]
        self._news: SimpleQueue[str] = SimpleQueue()
        self.stopped, self._until = False, 0.0
        self._exits: list[tuple[str, str, Any]] = []
        signal.signal(signal.SIGTERM, self._on_term)
        self._name = f"brender-{os.environ.get('BRENDER_JOB_ID', '0')}-{os.environ.get('BRENDER_TASK', '0')}"
        # Secrets are blotted out whether or not the template asks for the extension that says so.
        extensions = sorted({*(template.extensions or ()), "REDACTED_ENV_VARS"})
        self.session = Session(
            session_id=self._name,
            job_parameter_values=values,
            job_name=str(self.job.name),
            path_mapping_rules=rules or None,
            callback=lambda _id, _status: self._news.put(NEWS),
            session_root_directory=root,
            revision_extensions=model.RevisionExtensions(
                spec_rev=model.SpecificationRevision.v2023_09, supported_extensions=extensions
            ),
        )

    def _on_term(self, signum: int, frame: object) -> None:
        # It may come while the session holds a lock: what follows from it is done where the main thread waits.
        if not self.stopped:
            self.stopped, self._until = True, time.monotonic() + CANCEL_S
        self._news.put(STOP)

    def run(self, places: range) -> None:
        """Everything in its order. Raises Failed with the first reason, after the environments were left."""
        fault: Failed | None = None
        try:
            self._enter_all()
            points = space(self.step)
            for place in places:
                self._refuse_if_stopped()
                self.session.run_task(
                    step_script=self.step.script,
                    task_parameter_values=points[place],
                    step_name=str(self.step.name),
                    resolved_symtab=self._step_scope,
                )
                self._finish(f"step {self.step.name}")
        except Failed as failed:
            fault = failed
        except (RuntimeError, ValueError, LookupError) as error:  # what was entered is left all the same
            fault = Failed(str(error))
        for name, identifier, scope in reversed(self._exits):
            self.session.exit_environment(identifier=identifier, resolved_symtab=scope)
            try:
                self._finish(f"leaving environment {name}", leaving=True)
            except Failed as failed:
                fault = fault or failed
        if fault is not None:
            fault = Failed(self._blotted(str(fault)))
        self.session.cleanup()
        if fault is not None:
            raise fault

    def _blotted(self, text: str) -> str:
        """The text without the values of openjd_redacted_env, as the library's own filter leaves it."""
        LOG.info("%s", text, extra={"session_id": self._name})
        return self._printed.last

    def _enter_all(self) -> None:
        entered: list[tuple[Any, Any, str | None]] = [
            (one, self._job_scope, None) for one in self.job.jobEnvironments or ()
        ]
        entered += [(one, self._step_scope, str(self.step.name)) for one in self.step.stepEnvironments or ()]
        for one, scope, step_name in entered:
            self._refuse_if_stopped()
            identifier = self.session.enter_environment(environment=one, step_name=step_name, resolved_symtab=scope)
            self._exits.append((str(one.name), identifier, scope))  # also what failed to be entered is left
            self._finish(f"environment {one.name}")

    def _refuse_if_stopped(self) -> None:
        if self.stopped:
            raise Failed("stopped before it was done")

    def _finish(self, what: str, leaving: bool = False) -> None:
        """Wait for the end of the action that runs; a stop ends it, but not the leaving of an environment."""
        while self.session.state in BUSY:
            pressed = self.stopped and not leaving
            try:
                word = self._news.get(timeout=max(0.0, self._until - time.monotonic()) if pressed else None)
            except Empty:
                # The library waits for whoever holds the action's output, also when the action is long dead.
                kill_all()
                self._until += 1.0
                continue
            # A stop that came before the action ran is in the queue still.
            if word == STOP and not leaving and self.session.state == SessionState.RUNNING:
                self.session.cancel_action(time_limit=timedelta(seconds=CANCEL_S))
        status = self.session.action_status
        if status is None or status.state == ActionState.SUCCESS:
            return
        if self.stopped and not leaving:
            raise Failed(f"{what}: stopped")
        if status.fail_message:
            raise Failed(status.fail_message)
        if status.state == ActionState.TIMEOUT:
            raise Failed(f"{what}: it ran longer than its timeout")
        code = "" if status.exit_code is None else f" with exit code {status.exit_code}"
        raise Failed(f"{what}: {status.state.value}{code}")


def kill_all() -> None:
    """SIGKILL to everything that this process has started and that is left of it."""
    me, table = os.getpid(), kin.processes()
    for pid in kin.family(table, [me]) - {me}:
        kin.send_signal(pid, table[pid].start, signal.SIGKILL)


def rules_of(file: str) -> list[PathMappingRule]:
    """The path mapping rules of this machine (pathmapping-1.0), none without a file."""
    if not file:
        return []
    found = json.loads(Path(file).read_text("utf-8"))["path_mapping_rules"]
    return [PathMappingRule.from_dict(one) for one in found]


def main(argv: list[str]) -> int:
    """0: all points ran and every environment was left in order; 1: not so, and the last line says why."""
    printed = Printed(sys.stdout)
    LOG.addHandler(printed)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    # What an action leaves behind stays ours to end, and does not go to the guardian.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    root = Path("openjd").absolute()
    try:
        # One task at a time has this folder: what is there was left by one that was killed.
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(mode=0o700, exist_ok=True)
        order = json.loads("".join(argv[1:]))
        Visit(order, rules_of(argv[0]), root, printed).run(range(order["first"], order["last"] + 1))
    except Failed as failed:
        print(" ".join(str(failed).split()), flush=True)
        return 1
    except (model.DecodeValidationError, OSError, RuntimeError, ValueError, KeyError) as error:
        print(f"the session could not be opened: {' '.join(str(error).split())}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
