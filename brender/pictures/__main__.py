"""`python -m brender.pictures …`: the reader of a worker daemon, and the functions a task may run as a process.

Arguments are checked here, by name, before anything is written; the last line on stderr is the reason for people.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from brender.errors import BrenderError, Invalid


def main(argv: Sequence[str] | None = None) -> int:
    """0: done, with the file's path on stdout; 1: refused or failed, with the reason on stderr."""
    given = _parser().parse_args(argv)
    try:
        return int(given.run(given))
    except BrenderError as error:
        reason = error.sentence()
    except OSError as error:
        reason = f"{error.filename or ''}: {error.strerror}".removeprefix(": ") if error.strerror else str(error)
    except MemoryError:
        reason = "The pictures are too large for the memory that this may use."
    print(f"{given.what}: {reason}", file=sys.stderr, flush=True)
    return 1


def _serve(_given: argparse.Namespace) -> int:
    from brender.pictures.thumbnails import serve

    return serve()


def _movie(given: argparse.Namespace) -> int:
    from brender.pictures import reading
    from brender.pictures.movie import FRAME_RATE, Movie, make
    from brender.pictures.sequence import rate_of, sequence

    reading.confine()
    output = Path(_absolute("output", given.output))
    found = sequence(Path(_absolute("source", given.source)), given.pattern, given.range, given.holes)
    fps = given.fps or rate_of(found) or FRAME_RATE
    made = make(found.paths, output, Movie(fps, given.codec, given.quality))
    print(f"{made}: {len(found.paths)} frames at {fps:g} a second{found.in_words()}", flush=True)
    return 0


def _contact_sheet(given: argparse.Namespace) -> int:
    from brender.pictures import reading
    from brender.pictures.sequence import sequence
    from brender.pictures.sheet import sheet

    reading.confine()
    source = Path(_absolute("source", given.source))
    output = Path(_absolute("output", given.output)) if given.output else source / "contact_sheet.jpg"
    found = sequence(source, given.pattern, given.range, holes=True)
    print(f"{sheet(found, output, given.columns, given.size)}: {len(found.paths)} frames{found.in_words()}", flush=True)
    return 0


def _last_frame(given: argparse.Namespace) -> int:
    from brender.pictures.sequence import copy_last, sequence

    source = Path(_absolute("source", given.source))
    output = Path(_absolute("output", given.output)) if given.output else None
    frame, made = copy_last(sequence(source, given.pattern, given.range, holes=True), output)
    print(f"{made}: frame {frame}", flush=True)
    return 0


def _merge(given: argparse.Namespace) -> int:
    from brender.pictures import reading
    from brender.pictures.merge import merge
    from brender.pictures.sequence import sequence

    reading.confine()
    output = Path(_absolute("output", given.output))
    words = f"{given.first}-{given.first + given.count - 1}" if given.count > 1 else str(given.first)
    parts = sequence(Path(_absolute("source", given.source)), given.pattern, words)
    print(f"{merge(parts.paths, output, given.tiles, given.samples)}: {given.count} parts", flush=True)
    return 0


def _absolute(name: str, text: str) -> str:
    if not text.startswith("/") or ".." in text.split("/") or "\0" in text:
        raise Invalid(f"parameter {name} {text!r} is no absolute path without '..'.", hint="For example /srv/out.")
    return text


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m brender.pictures", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("serve").set_defaults(run=_serve)
    for name, run in (
        ("movie", _movie),
        ("contact_sheet", _contact_sheet),
        ("last_frame", _last_frame),
        ("merge", _merge),
    ):
        add = commands.add_parser(name)
        add.set_defaults(run=run)
        add.add_argument("--source", required=True)
        add.add_argument("--pattern", default="")
        add.add_argument("--output", default="")
        if name != "merge":
            add.add_argument("--range", default="")
        if name == "movie":
            add.add_argument("--fps", type=lambda text: float(text or 0), default=0.0)
            add.add_argument("--codec", choices=("h264", "prores", "lossless"), default="h264")
            add.add_argument("--quality", type=int, default=16)
            add.add_argument("--holes", type=_truth, default=False)
        if name == "contact_sheet":
            add.add_argument("--columns", type=int, default=0)
            add.add_argument("--size", type=int, default=320)
        if name == "merge":
            add.add_argument("--count", type=int, required=True)
            add.add_argument("--first", type=int, default=1)
            add.add_argument("--tiles", default="")
            add.add_argument("--samples", type=_truth, default=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
