"""`brender job submit` and `brender job check`: an Open Job Description template, read where its author is.

The reference library decodes it here; the master gets an ordinary tree of a job and never imports that library.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brender import endings, openjd
from brender.caller import Master, NoMaster, conversation
from brender.commandline.settings import master_of
from brender.errors import BrenderError, Invalid
from brender.wire.limits import DEFAULT as LIMITS

if TYPE_CHECKING:
    from brender.bundle import Bundle, Made

# What a bundle tells Deadline Cloud's scheduler -> what it is here.
SUSPENDED = "deadline:targetTaskRunStatus"
PRIORITY = "deadline:priority"
RETRIES = "deadline:maxRetriesPerTask"


def parser() -> argparse.ArgumentParser:
    """The words of both commands."""
    words = argparse.ArgumentParser(prog="brender job", description="Open Job Description: submit a job, or check it.")
    both = words.add_subparsers(dest="command", required=True)
    check = both.add_parser("check", help="check a template, as the reference command does")
    submit = both.add_parser("submit", help="make and start a job from a template or a job bundle")
    for one in (check, submit):
        one.add_argument("template", type=Path, help="template.yaml or .json, or the folder of a job bundle")
        one.add_argument("--json", action="store_true", help="say nothing but one JSON document")
    add = submit.add_argument
    add("-p", "--job-param", action="append", default=[], metavar="Name=value", help="or file://FILE, or JSON")
    add("--parameters", type=Path, metavar="FILE", help="more of them, YAML or JSON; -p wins over it")
    add("--name", help="the job's, default the template's with the time")
    add("--project", default="default", help="the job's project, made if new")
    add("--priority", type=int, help="0 to 100, default the bundle's or 50")
    add("--chunk", type=int, default=1, metavar="N", help="points of the parameter space in one session, default 1")
    add("--run", action=argparse.BooleanOptionalAction, default=None, help="start it at once, default")
    add("--master", metavar="HOST:PORT", help="which farm; else as brender config says")
    return words


def main(argv: list[str] | None = None) -> int:
    """0 done, 1 refused (the template, a parameter, the farm), 3 no master."""
    given = parser().parse_args(argv)
    try:
        if given.command == "check":
            return _check(given)
        given.master = master_of(given.master)
        return _submit(given)
    except NoMaster as error:
        return endings.tell(error, "brender job submit", "json" if given.json else "text")
    except BrenderError as error:
        if given.json:
            print(json.dumps({"status": "error", "message": error.message, "error": error.envelope()}, indent=2))
        elif given.command == "check":
            print(error.sentence())
        else:
            print(f"brender job submit: {error.sentence()}", file=sys.stderr)
        return endings.REFUSED


def _check(given: argparse.Namespace) -> int:
    from brender import bundle

    path = bundle.template_of(given.template)
    said = bundle.check(path)
    print(json.dumps({"status": "success", "message": said}, indent=2) if given.json else said)
    return 0


def _submit(given: argparse.Namespace) -> int:
    from brender import bundle

    found = bundle.read(given.template)
    values = bundle.parameter_file(given.parameters) if given.parameters else {}
    made = bundle.make(found, {**values, **bundle.given_parameters(given.job_param)}, Path.cwd())
    wish = _wish(given, found, made)
    tree = openjd.tree(found.template, made.parameters, made.steps, wish)
    run = found.settings.get(SUSPENDED) != "SUSPENDED" if given.run is None else given.run
    size = len(json.dumps(tree))
    if size > LIMITS.json_line - 1024:
        raise Invalid(
            f"{found.path} makes a job of {size} bytes; the master takes {LIMITS.json_line}.",
            hint="Keep data in files beside the template, not in it.",
        )
    job = next(conversation(given.master, "job.create", {"json": tree, "run": run}))["jobs"][0]
    if given.json:
        print(json.dumps({"status": "success", "job": job}, indent=2))
        return 0
    counts = ((len(made.steps), "step"), (job["tasks"], "task"))
    said = ", ".join(f"{count} {noun}{'s' * (count != 1)}" for count, noun in counts)
    print(f"Job {job['name']} (id {job['id']}): {said}.", flush=True)
    if run:
        _warn(given.master, tree)
    print(f"Watch it: brender job watch {job['id']}" if run else f"Start it: brender job run {job['id']}")
    return 0


def _wish(given: argparse.Namespace, found: Bundle, made: Made) -> openjd.Wish:
    # Two jobs of one name would be one job with twice the steps, so the name says when.
    name = given.name or f"{made.name[:200]} {time.strftime('%m%d-%H%M%S')}-{os.getpid() % 1000:03}"
    priority = _number(found.settings, PRIORITY) if given.priority is None else given.priority
    if given.chunk < 1:
        raise Invalid(f"--chunk is 1 or more, not {given.chunk}.")
    return openjd.Wish(
        name.replace("/", "-").strip(), given.project, priority, _number(found.settings, RETRIES), given.chunk
    )


def _number(settings: dict[str, Any], name: str) -> int | None:
    value = settings.get(name)
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Invalid(f"The bundle's {name} is a whole number, not {value!r}.") from None


def _warn(master: Master, tree: dict[str, Any]) -> None:
    """A job that nobody can take is no mistake, but whoever waits for it should know."""
    workers = next(conversation(master, "worker.show", {"workers": "all"}))["workers"]
    online = [one for one in workers if one["presence"] == "online" and openjd.FUNCTION in one["functions"]]
    tags = tree["project"]["workflows"][0].get("tags", [])
    if not online:
        print(
            "No worker that is online allows OpenJD, so the job waits. On such a machine: brender client --allow-openjd"
        )
    elif not any(set(tags) <= set(one["tags"]) for one in online):
        print(f"No worker that allows OpenJD has the tags {', '.join(tags)}, so the job waits: worker set NAME tags=…")


if __name__ == "__main__":
    sys.exit(main())
