"""`spa_ctl file …` and `spad_cp`: files from a person to a workflow's tasks, back, and between tasks (SP-41, SP-51).

Inside a task the workflow need not be named: the worker has told the task whose it is. The master is asked for names
only.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from brender import address
from brender.caller import NoMaster, conversation
from brender.errors import BrenderError, InvalidParams, UnknownCommand, nearest
from brender.site import Site, Workflow

USAGE = """spa_ctl file upload LOCAL… [ADDRESS] [-p P] [-w W] [-t T]   into a task's folder (-t), or to an address
spa_ctl file download ADDRESS [LOCAL]         to the folder you are in, or to LOCAL
spa_ctl file copy | move | link FROM TO       between addresses
spa_ctl file remove ADDRESS                   one file
spa_ctl file list [ADDRESS]                   what is there
spad_cp FROM TO                               copy, in the script of a task
An ADDRESS is task:NAME/FILE (a task of the workflow), bin:FILE or home:FILE. Files are in %s (BRENDER_SITE)."""


def main(argv: Sequence[str] | None = None) -> int:
    """`spad_cp FROM TO`; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if not words or set(words) & {"-h", "--help"}:
            print(usage())
            return 0
        _opened(words, os.environ.get("BRENDER_MASTER", ""), "", "").copy(*_two(words, "copy"))
        return 0
    except (UnknownCommand, InvalidParams) as error:
        print(f"spad_cp: {error.sentence()}", file=sys.stderr)
        return 2
    except NoMaster as error:
        print(f"spad_cp: {error}", file=sys.stderr)
        return 3
    except (BrenderError, OSError) as error:
        print(f"spad_cp: {error}", file=sys.stderr)
        return 1


def usage() -> str:
    return USAGE % address.site_directory()


def run(words: Sequence[str], master: str, project: str, job: str, task: str, as_json: bool) -> int:
    """One file command: its verb (spad wrote it as an option) and its words; what -p, -w and -t said, or nothing."""
    verb, given = (words[0].lstrip("-"), list(words[1:])) if words else ("", [])
    if verb not in VERBS:
        raise UnknownCommand(f"file has no verb {verb!r}.", hint=nearest(verb, VERBS) or "spa_ctl file --help")
    if verb == "upload" and task:
        given.append(f"task:{task}/")
    elif verb == "list" and not given and task:
        given.append(f"task:{task}")
    site = _opened(given, master, project, job)
    done = [_row(site, place) for place in VERBS[verb](site, given)]
    if as_json:
        print(json.dumps({"verb": verb, "files": done}, indent=2))
    elif verb == "list":
        print("\n".join(f"{row['size']:>12}  {row['file']}" for row in done) or "There are no files yet.")
    else:
        print("\n".join(f"OK {verb}: {row['file']}" for row in done))
    return 0


def _opened(words: Sequence[str], master: str, project: str, job: str) -> Site:
    """The site; the master is only asked where a word is about a task."""
    named = any(word.startswith("task:") for word in words)
    return Site(address.site_directory(), _workflow(master, project, job) if named else None)


def _workflow(master: str, project: str, job: str) -> Workflow:
    """The workflow that -w names, or whose task this is."""
    which = job or os.environ.get("BRENDER_JOB_ID", "")
    if not which:
        raise InvalidParams("An address task:NAME/FILE needs a workflow.", hint="Name it: -w WORKFLOW.")
    asked = {"job": which, **({"project": project} if project else {})}
    status = next(conversation(master, "job.status", asked))
    return Workflow(status["project"], status["name"], [row["name"] for row in status["steps"]])


def _two(words: list[str], verb: str) -> tuple[str, str]:
    if len(words) != 2:
        raise InvalidParams(f"file {verb} takes two words, from and to.", hint=f"spa_ctl file {verb} FROM TO")
    return words[0], words[1]


def _upload(site: Site, words: list[str]) -> list[Path]:
    *sources, target = words or [""]
    if not sources or not site.holds(target):
        raise InvalidParams("file upload needs files of yours, and where they go.", hint="-w W -t T, bin: or home:")
    if len(sources) > 1 and not target.endswith(("/", ":")):
        target += "/"
    return [site.copy(source, target) for source in sources]


def _download(site: Site, words: list[str]) -> list[Path]:
    source, target = _two([*words, "."] if len(words) == 1 else words, "download")
    if not site.holds(source) or site.holds(target):
        raise InvalidParams(
            "file download goes from an address to a path of yours.", hint="file download task:NAME/FILE -w W"
        )
    return [site.copy(source, target)]


def _copy(site: Site, words: list[str]) -> list[Path]:
    return [site.copy(*_two(words, "copy"))]


def _move(site: Site, words: list[str]) -> list[Path]:
    return [site.move(*_two(words, "move"))]


def _link(site: Site, words: list[str]) -> list[Path]:
    return [site.link(*_two(words, "link"))]


def _remove(site: Site, words: list[str]) -> list[Path]:
    if not words:
        raise InvalidParams("file remove needs an address.", hint="task:NAME/FILE, bin:FILE or home:FILE")
    return site.remove(words)


def _list(site: Site, words: list[str]) -> list[Path]:
    return [place for word in words or ["bin:", "home:"] for place in site.listing(word)]


def _row(site: Site, place: Path) -> dict[str, Any]:
    """What is said of a file: its address or path, where that is on the disk, and its size; none once it is gone."""
    size = place.lstat().st_size if os.path.lexists(place) else None
    return {"file": site.named(place) + "/" * place.is_dir(), "path": str(place), "size": size}


VERBS: dict[str, Callable[[Site, list[str]], list[Path]]] = {
    "upload": _upload,
    "download": _download,
    "copy": _copy,
    "move": _move,
    "link": _link,
    "remove": _remove,
    "list": _list,
}


if __name__ == "__main__":
    sys.exit(main())
