"""The launcher: a master and workers on this machine under Circus, from flags or a farm.yml. One Ctrl-C stops all.

It composes and supervises; what the programs do is theirs. Every program is an ordinary `brender <name>` process,
so a farm that outgrows one machine starts the same commands by hand or by systemd.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from brender import address
from brender.errors import BrenderError, Invalid, nearest

GRACE = 10  # seconds a program has between SIGTERM and SIGKILL
KNOWN = {
    "listen": str,
    "data": str,
    "workers": int,
    "slots": int,
    "functions": str,
    "function_file": str,
    "blender": str,
}


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="brender up", description="Start a farm on this machine; Ctrl-C stops it.")
    words.add_argument("-f", "--file", type=Path, metavar="FARM.YML", help="settings from a file; flags win over it")
    words.add_argument("--listen", metavar="HOST:PORT", help="the master's address, default 127.0.0.1:6000")
    words.add_argument("--data", metavar="DIR", help="where everything is kept")
    words.add_argument("--workers", type=int, metavar="N", help="worker daemons to start, default 1")
    words.add_argument("--slots", type=int, metavar="N", help="slots of each worker, default one per core")
    words.add_argument("--functions", metavar="DIR", help="directory of executables that tasks may run")
    words.add_argument("--function-file", metavar="FILE", help="file of functions with typed parameters")
    words.add_argument("--blender", metavar="PATH", help="the Blender to use, default the one on PATH")
    return words


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """File, then flags, then defaults. Raises Invalid naming the file, the key and what was expected."""
    found: dict[str, Any] = dict(read_file(options.file)) if options.file else {}
    found.update({key: value for key in KNOWN if (value := getattr(options, key)) is not None})
    found.setdefault("listen", "127.0.0.1:6000")
    found.setdefault("data", str(address.state_directory("farm")))
    found.setdefault("workers", 1)
    found.setdefault("slots", os.cpu_count() or 1)
    if found["workers"] < 0 or found["slots"] < 1:
        given = f"{found['workers']} of {found['slots']}"
        raise Invalid(f"A farm has 0 or more workers of 1 or more slots, not {given}.")
    address.check_loopback(*address.parse(found["listen"]))
    return found


def read_file(path: Path) -> dict[str, Any]:
    """The settings in a farm.yml. Raises Invalid; nothing is started from a file that is not understood (ON-03)."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Invalid(
            f"{path} cannot be read: {error.strerror}.", hint="brender up without -f uses defaults."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise Invalid(f"{path} holds a {type(document).__name__}; it should hold key: value lines.")
    for key, value in document.items():
        kind = KNOWN.get(str(key))
        if kind is None:
            hint = nearest(str(key), KNOWN) or f"It has {', '.join(KNOWN)}."
            raise Invalid(f"{path}: there is no setting {key!r}.", hint=hint)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise Invalid(f"{path}: {key} is {'a whole number' if kind is int else 'text'}, not {value!r}.")
    return document


def programs(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The processes of the farm as Circus watchers, the master first."""
    data = Path(found["data"]).absolute()
    brender = [sys.executable, "-m", "brender.cli"]
    watchers = [_watcher("master", [*brender, "master", "--listen", found["listen"], "--data", str(data / "master")])]
    for number in range(1, found["workers"] + 1):
        words = [*brender, "client", "--master", found["listen"], "--slots", str(found["slots"])]
        words += ["--data", str(data / f"worker-{number}")]
        if found["workers"] > 1:
            words += ["--name", f"{os.uname().nodename}-{number}"]
        for key in ("functions", "function_file", "blender"):
            if key in found:
                words += [f"--{key.replace('_', '-')}", str(found[key])]
        watchers.append(_watcher(f"worker-{number}", words))
    return watchers


def _watcher(name: str, words: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "cmd": words[0],
        "args": words[1:],
        "graceful_timeout": GRACE,
        "copy_env": True,
        "stop_children": True,
        "max_retry": -1,
        "stdout_stream": {"class": "StdoutStream"},
        "stderr_stream": {"class": "StdoutStream"},
    }


def _no_defect(record: logging.LogRecord) -> bool:
    """Circus looks after its programs by a clock, also while it stops them, and reports that meeting as a crash."""
    return not (record.exc_info and type(record.exc_info[1]).__name__ == "ConflictError")


def main(argv: list[str] | None = None) -> int:
    """Run the farm until Ctrl-C or SIGTERM; returns the exit code."""
    options = parser().parse_args(argv)
    try:
        found = settings(options)
    except BrenderError as error:
        print(f"brender up: {error.sentence()}", file=sys.stderr)
        return 1
    from circus import get_arbiter

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("tornado.application").addFilter(_no_defect)
    data = Path(found["data"]).absolute()
    data.mkdir(parents=True, exist_ok=True)
    host, port = address.parse(found["listen"])
    print(f"brender up: telnet {host} {port} once the master answers; Ctrl-C stops the farm.", flush=True)
    run_directory = Path("/proc/self/cwd") if len(str(data)) > 80 else data
    endpoints = {f"{kind}": f"ipc://{run_directory}/circus-{kind}.sock" for kind in ("endpoint", "pubsub_endpoint")}
    arbiter = get_arbiter(
        programs(found), controller=endpoints["endpoint"], pubsub_endpoint=endpoints["pubsub_endpoint"]
    )
    try:
        arbiter.start()
    finally:
        arbiter.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
