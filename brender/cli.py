"""`brender`: starts the farm's programs, and says any command of the table to a master from a shell.

The words are read by the same grammar as at the prompt, sent as JSON-RPC, and the answer is put in words here. It
decides nothing and keeps no list of commands. Exit codes: 0 done, 1 refused, 2 not understood, 3 no master.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brender import __version__
from brender.caller import NoMaster, conversation
from brender.errors import BrenderError, InvalidParams, UnknownCommand

PROGRAMS = {
    "master": "brender.master",
    "client": "brender.client",
    "up": "brender.up",
    "demo": "brender.demo",
    "render": "brender.render",
    "notify": "brender.notify.program",
}
SUBMITTED = (["job", "submit"], ["job", "check"])  # read where the person is: no words for a master
SHOWN_AS_IT_COMES = {"job.watch": ("brender.watch", "watch_job"), "task.log": ("brender.logs", "read_log")}
USAGE = """brender WORDS… [--master HOST:PORT] [--json]   any command, such as: brender worker list
brender render SCENE.blend [--frames 1-100] [--help]   render it, watch it, end with the paths
brender job submit TEMPLATE [-p Name=value] | job check TEMPLATE   Open Job Description; --help says more
brender logs JOB[/STEP] TASK [-f]   what a task has printed; -f: and prints from now on
brender job run JOB --wait   start it and wait for its end; exit code 0 when every task is a success
brender master | client | up | notify | demo [--help]   the programs of a farm
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in PROGRAMS:
        return int(importlib.import_module(PROGRAMS[words[0]]).main(words[1:]) or 0)
    if words[:2] in SUBMITTED:
        return int(importlib.import_module("brender.submit").main(words[1:]))
    as_json = "--json" in words
    try:
        return _say(words, _options(words))
    except NoMaster as error:
        print(f"brender: {error}", file=sys.stderr)
        return 3
    except BrenderError as error:
        if as_json:
            print(json.dumps({"error": error.envelope()}, indent=2))
        else:
            print(f"brender: {error.sentence()}", file=sys.stderr)
        return 2 if isinstance(error, (UnknownCommand, InvalidParams)) else 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has enough
        return 0
    except KeyboardInterrupt:
        return 130


def _options(words: list[str]) -> dict[str, str]:
    """Take --master, --json, --wait and --version out of the words, wherever they stand before a `--`."""
    found: dict[str, str] = {}
    end = words.index("--") if "--" in words else len(words)
    at = 0
    while at < end:
        name, equals, value = words[at].partition("=")
        taken = 1
        if name == "--master":
            if not equals and at + 1 >= end:
                raise InvalidParams("--master needs an address after it.", hint="Write --master HOST:PORT.")
            found["master"] = value if equals else words[at + 1]
            taken = 1 if equals else 2
        elif words[at] in ("--json", "--wait", "--version"):
            found[name[2:]] = "yes"
        else:
            at += 1
            continue
        del words[at : at + taken]
        end -= taken
    return found


def _say(words: list[str], options: dict[str, str]) -> int:
    """Resolve the words, ask the master unless it is help, and print the answer."""
    from brender.commands import COMMANDS

    if "version" in options:
        print(f"brender {__version__}")
        return 0
    if not words:
        print(USAGE)
    row, params = COMMANDS.resolve(words if words and words[0] not in ("--help", "-h") else ["help", *words[1:]])
    if row.noun == "rpc":
        _print(row.name, _told_here(row, params), options)
        return 0
    signature = COMMANDS.signature(row)
    given = _with_file(signature.parameters, signature.given(params))
    if row.name in SHOWN_AS_IT_COMES:
        module, name = SHOWN_AS_IT_COMES[row.name]
        return int(getattr(importlib.import_module(module), name)(_master(options), given, "json" in options))
    if "wait" in options:
        return _run_and_wait(row.name, given, options)
    answers = conversation(_master(options), row.name, given)
    _print(row.name, next(answers), options)
    if row.name == "farm.subscribe":
        for event in answers:
            line = json.dumps(event, ensure_ascii="json" in options) if "json" in options else _event(event)
            print(line, flush=True)
    return 0


def _run_and_wait(method: str, given: dict[str, Any], options: dict[str, str]) -> int:
    """Start a job and stay until its run has ended; a bar at a terminal, else only a failure says something."""
    if method != "job.run":
        raise InvalidParams("--wait goes with job run only.", hint="To follow what runs already: brender job watch JOB")
    from brender import watch

    started = next(conversation(_master(options), method, given))
    return watch.wait(_master(options), int(started["job"]), "json" in options)


def _master(options: dict[str, str]) -> str:
    return options.get("master", os.environ.get("BRENDER_MASTER", ""))


def _told_here(row: Any, params: Any) -> Any:
    """Help and the API's description need no farm."""
    from brender.commands import COMMANDS
    from brender.commands.calls import Call, Who
    from brender.core.farm import Farm

    return COMMANDS.run(Call(farm=Farm(), who=Who(), table=COMMANDS), row, params)


def _with_file(parameters: Sequence[Any], given: dict[str, Any]) -> dict[str, Any]:
    """The contents of a file in place of its name (-f): files are read where the person is, never by the master."""
    for parameter in parameters:
        if parameter.kind is not None and parameter.kind.file and given.get(parameter.name):
            path = Path(str(given.pop(parameter.name)))
            if "json" in given:
                raise InvalidParams("-j and -f are two sources of one JSON text.", hint="Give one of them.")
            try:
                given["json"] = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError, ValueError) as error:
                raise InvalidParams(f"{path} cannot be read: {error}.") from None
    return given


def _print(method: str, data: Any, options: dict[str, str]) -> None:
    if "json" in options:
        print(json.dumps(data, indent=2, default=str))
        return
    import shutil

    from brender.commands import text

    size = shutil.get_terminal_size()
    print(text.render(method, data, (size.columns, size.lines)))


def _event(event: dict[str, Any]) -> str:
    from brender.commands.layout import plain

    return f"{event['seq']}  {plain(event['topic'])}  {plain(event['data'])}"


if __name__ == "__main__":
    sys.exit(main())
