"""The tutorial is the same at every door: plain lines, JSON, and the command line, each of which is a new session."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from brender.commands import COMMANDS
from brender.commands.tutorial import STEPS
from brender.wire.words import split

from .peers import Farm, Plain, until

Say = Callable[[str], Any]


def follow(doors: Farm, say: Say) -> list[str]:
    """Type what is shown until the end; the titles of the steps."""
    titles: list[str] = []
    for _ in range(2 * len(STEPS)):
        shown = say("tutorial")
        if shown["finished"]:
            return list(dict.fromkeys(titles))
        titles.append(shown["title"])
        say(shown["line"])
        with doors.json() as peer:
            until(lambda: all(job["run"] == 0 or job["progress"]["live"] == 0 for job in _jobs(peer)), "it has run")
    raise AssertionError(shown)


def _jobs(peer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = peer.call("job.list")["jobs"]
    return [job for job in found if "hello" in job["name"] and job["state"] != "success0"]


def test_in_plain_lines(doors: Farm) -> None:
    plain = Plain(doors.port)

    def say(line: str) -> Any:
        plain.say(f"{line} --json")
        answer = plain.until("}\r\n")
        return json.loads(answer[answer.index("{") : answer.rindex("}") + 1])

    assert follow(doors, say) == [step.title for step in STEPS]
    plain.close()


def test_in_json(doors: Farm) -> None:
    """For a page without a prompt: every line is a method, too."""
    peer = doors.json()
    peer.call("session.hello", name="jo")

    def say(line: str) -> Any:
        row, params = COMMANDS.resolve(split(line))
        return peer.call(row.name, **COMMANDS.signature(row).given(params))

    assert follow(doors, say) == [step.title for step in STEPS]


def test_from_a_shell_it_goes_by_the_persons_name(doors: Farm) -> None:
    assert follow(doors, lambda line: doors.cli(*split(line))[1]) == [step.title for step in STEPS]
