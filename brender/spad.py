"""`spa_ctl` and `spa_conn`: spad's own words and options on the same commands of the table, for scripts of 2019.

What it adds to `brender` is the remembered project of the person, `--wait` with `stop`, `log` of a whole workflow,
files (files.py), and that a task may speak of itself. It keeps no list of parameters and decides nothing about the
farm. Exit codes are those of `brender` (cli.py).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brender import address, chosen, files, logs, watch
from brender.caller import NoMaster, conversation
from brender.commands import COMMANDS as table
from brender.errors import BrenderError, InvalidParams, NotFound, UnknownCommand, nearest

COMMANDS = (
    "select_project", "create", "recreate", "update", "delete", "run", "start", "stop", "kill_all", "status", "dump",
    "set_status", "log", "file",
)  # fmt: skip
ANY_PROJECT = ("job.stop", "job.create", "job.recreate", "job.update")  # these find or name their project themselves

_FILES = "Copy, move, link, list and remove files of tasks, bin and home. See spa_ctl file --help."
_OTHER = "Beside each: --master HOST:PORT, --json; with run, start and stop --wait. spa_ctl COMMAND --help says more."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options = {name: name in words for name in ("--json", "--wait")}
        words = [word for word in words if word not in options]
        master = _taken(words, "--master") or os.environ.get("BRENDER_MASTER", "")
        if not words or words[0] in ("-h", "--help", "help"):
            print(_usage())
            return 0
        return _say(words, master, options["--json"], options["--wait"])
    except (UnknownCommand, InvalidParams) as error:
        print(f"spa_ctl: {error.sentence()}", file=sys.stderr)
        return 2
    except NoMaster as error:
        print(f"spa_ctl: {error}", file=sys.stderr)
        return 3
    except BrenderError as error:
        print(f"spa_ctl: {error.sentence()}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"spa_ctl: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _taken(words: list[str], option: str) -> str:
    """The value of an option, taken out of the words; empty when it is not there."""
    if option not in words:
        return ""
    at = words.index(option)
    if at + 1 == len(words):
        raise InvalidParams(f"{option} needs a value after it.")
    value = words[at + 1]
    del words[at : at + 2]
    return value


def _usage() -> str:
    found = [(word, table.find(word)) for word in COMMANDS]
    lines = [f"  {word:15} {_FILES if row is None else row.summary}" for word, row in found]
    return "\n".join(["spa_ctl COMMAND …", *lines, _OTHER])


def _say(words: list[str], master: str, as_json: bool, wait: bool) -> int:
    name = words[0].lower().replace("-", "_")
    if name in ("log", "file") and not {"-h", "--help"} & set(words):
        which = [_taken(words, option) for option in ("-p", "-w", "-t")]
        which[0] = which[0] or ("" if "/" in which[1] else chosen.project(address.in_words(*address.parse(master))))
        project, job, task = which
        if name == "file":
            return files.run(words[1:], master, project, job, task, as_json)
        return _log(words[1:], master, which, as_json)
    if name == "file":
        print(files.usage())
        return 0
    row = table.find(name)
    if name not in COMMANDS or row is None:
        raise UnknownCommand(f"spa_ctl has no command {words[0]!r}.", hint=nearest(name, COMMANDS) or "spa_ctl --help")
    if {"-h", "--help"} & set(words):
        letters = [f"  -{one.short}  {one.text}" for one in table.signature(row).parameters if one.short]
        print("\n".join([row.text, "", table.signature(row).usage, *letters, _OTHER]))
        return 0
    if wait and row.name not in ("job.run", "job.stop"):
        raise InvalidParams(f"--wait goes with run, start and stop, not with {words[0]}.")
    if row.name == "task.set_status":
        words = [name, *of_myself(words[1:], os.environ)]
    row, params = table.resolve([name, *words[1:]])
    given = _with_file(table.signature(row).given(params))
    place = address.in_words(*address.parse(master))
    own = table.signature(row).by_short.get("p")
    if own is not None and row.name not in ANY_PROJECT and not {"project", "json"} & given.keys():
        remembered = chosen.project(place)
        if remembered and "/" not in str(given.get("job", given.get("jobs", ""))):
            given["project"] = remembered
    answer = next(conversation(master, row.name, given))
    if row.selects or row.name == "project.select":
        _remember(place, str(answer.get("project", "")))
    if not wait:
        _print(row.name, answer, as_json)
        return 0
    return _wait(master, answer, as_json)


def _log(words: list[str], master: str, which: list[str], as_json: bool) -> int:
    """What a task has printed (-w, -t), or one after another all tasks of a workflow; -f follows the one task."""
    project, job, task = which
    if not job:
        raise InvalidParams(
            "log needs a workflow: -w WORKFLOW [-t TASK].",
            hint="The master's own log is what it prints where it was started.",
        )
    asked = {"job": job, **({"project": project} if project else {})}
    status = next(conversation(master, "job.status", {**asked, **({"step": task} if task else {})}))
    steps = [row["name"] for row in status["steps"]]
    for step in steps:
        if len(steps) > 1:
            print(f"== {step}", flush=True)
        _, params = table.resolve(["task", "log", f"{status['id']}/{step}", *words])
        try:
            logs.read_log(master, table.signature(table.rows["task.log"]).given(params), as_json)
        except NotFound as error:
            if len(steps) == 1:
                raise
            print(error.message)
    return 0


def of_myself(words: list[str], environment: Mapping[str, str]) -> list[str]:
    """What a task says of itself without naming itself: the worker told it who it is (SP-30)."""
    attempt = environment.get("BRENDER_ATTEMPT", "").rpartition(".")[2]
    if not attempt or "-w" in words or any(word.startswith(("job=", "--job")) for word in words):
        return words
    mine = [environment.get(name, "") for name in ("BRENDER_JOB_ID", "BRENDER_STEP", "BRENDER_TASK")]
    return ["-w", mine[0], "-t", mine[1], f"index={mine[2]}", f"attempt={attempt}", *words]


def _with_file(given: dict[str, Any]) -> dict[str, Any]:
    """The contents of the file after -f; the master reads no files of callers."""
    name = given.pop("file", "")
    if not name:
        return given
    if "json" in given:
        raise InvalidParams("-j and -f are two sources of one JSON text.", hint="Give one of them.")
    try:
        return {**given, "json": sys.stdin.read() if name == "-" else Path(name).read_text("utf-8-sig")}
    except (OSError, ValueError) as error:
        raise InvalidParams(f"{name} cannot be read: {error}.") from None


def _wait(master: str, answer: dict[str, Any], as_json: bool) -> int:
    """Until the run that was started or stopped has ended; 0 if it ended well, or as asked. A master may restart."""
    watch.watch(master, {"job": answer["job"]}, quiet=True)
    status = next(conversation(master, "job.status", {"job": answer["job"]}))
    _print("job.status", status, as_json)
    asked = "stopping" in answer and not status["progress"]["live"]
    return 0 if watch.succeeded(status) or asked else 1


def _print(method: str, answer: Any, as_json: bool) -> None:
    from brender.commands import text

    print(json.dumps(answer, indent=2) if as_json else text.render(method, answer, (120, 24)))


def _remember(place: str, project: str) -> None:
    try:
        chosen.choose(place, project)
    except OSError as error:
        print(f"spa_ctl: the project is not remembered: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
