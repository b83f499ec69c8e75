"""Submit a job, show how far it is, and end with what failed: exit code 0 when every task is a success.

    python submit_and_wait.py shot-010 blender 1-48 blend=/film/shot.blend output=/film/frames percentage=50
    python submit_and_wait.py test echo 1-6 hello

The farm is the one of $BRENDER_MASTER, else this machine's.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import brender


def main() -> int:
    name, function, frames, *words = sys.argv[1:]
    with brender.connect() as farm:
        job = farm.jobs.create(name, function=function, frames=frames, params=parameters(words), project="examples")
        job.run()
        print(f"{job.path} is job {job.id}")
        job.wait(progress=show)
        print()
        for task in job.tasks("failed"):
            print(f"frame {task.frames} {task.state} on {task.worker}: {task.reason}")
            for line in task.log(lines=5):
                print(f"    {line}")
        return 0 if job.succeeded else 1


def parameters(words: list[str]) -> dict[str, Any] | list[Any]:
    """`key=value …` as an object, plain words as a list: functions take either."""
    pairs = [word.partition("=") for word in words]
    if pairs and all(equals for _, equals, _ in pairs):
        return {key: loosely(value) for key, _, value in pairs}
    return [loosely(word) for word in words]


def loosely(word: str) -> Any:
    """A number, true or a list as what it is; anything else is text."""
    try:
        return json.loads(word)
    except ValueError:
        return word


def show(status: dict[str, Any]) -> None:
    """One line that is written over itself; called whenever something has changed, once a second at the most."""
    sums = status["progress"]
    over = sums["done"] + sums["failed"]
    left = f", about {status['remaining']:.0f} s left" if status["remaining"] else ""
    bar = "#" * (30 * over // max(1, sums["total"]))
    print(f"\r[{bar:30}] {over} of {sums['total']}, {sums['failed']} failed{left}   ", end="", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except brender.BrenderError as error:
        sys.exit(f"{error.message}\n{error.hint}")
