"""The launcher: a master and workers on this machine under Circus, from flags or a farm.yml. One Ctrl-C stops all.

It composes and supervises; what the programs do is theirs. Every program is an ordinary `brender <name>` process,
so a farm that outgrows one machine starts the same commands by hand or by systemd.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brender import address, client, master, options, web
from brender.disk import Lock
from brender.errors import BrenderError, Invalid
from brender.notify import credentials

GRACE = 30  # seconds a program has between SIGTERM and SIGKILL
FARM = {
    "listen": options.Setting(options.TEXT, "HOST:PORT", "the master's address, default 127.0.0.1:6000"),
    "data": options.Setting(options.TEXT, "DIR", "where everything is kept"),
    "connections": options.CONNECTIONS,
    "workers": options.Setting(options.WHOLE, "N", "worker daemons to start, default 1"),
    "web": options.Setting(options.WEB, "HOST:PORT", "the page's address, default 127.0.0.1:8060, or any that is free"),
    "credentials": options.Setting(
        options.TEXT, "FILE", "how mail leaves (docs/alarms.md): starts brender notify, too"
    ),
}
KNOWN = FARM | options.READINGS | options.WORKER


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="brender up", description="Start a farm on this machine; Ctrl-C stops it.")
    words.add_argument(
        "-f", "--file", "--config", type=Path, metavar="FARM.YML", help="settings from a file; flags win over it"
    )
    options.add_flags(words, FARM, defaults=False)
    words.add_argument("--no-web", dest="web", action="store_false", default=None, help="no page")
    options.add_flags(words.add_argument_group("of readings"), options.READINGS, defaults=False)
    options.add_flags(words.add_argument_group("of each worker"), options.WORKER, defaults=False)
    return words


def settings(given: argparse.Namespace) -> dict[str, Any]:
    """File, then flags, then defaults. Raises Invalid naming the file, the key and what was expected."""
    found: dict[str, Any] = {}
    if given.file:
        kinds = {key: one.kind for key, one in KNOWN.items()}
        found = options.read_file(given.file, kinds, "brender up without -f uses defaults.")
    found.update({key: value for key in KNOWN if (value := getattr(given, key)) is not None})
    found.setdefault("listen", "127.0.0.1:6000")
    found.setdefault("data", str(address.state_directory("farm")))
    found.setdefault("workers", 1)
    found.setdefault("web", True)
    found.setdefault("slots", os.cpu_count() or 1)
    if found["workers"] < 0 or found["slots"] < 1:
        asked = f"{found['workers']} of {found['slots']}"
        raise Invalid(f"A farm has 0 or more workers of 1 or more slots, not {asked}.")
    address.check_loopback(*address.parse(found["listen"]))
    if found.get("credentials"):
        credentials.read(Path(found["credentials"]))
    client.read(options.in_flags(found, options.WORKER))  # refused here, not by each worker over and over
    return found


def check_free(found: dict[str, Any]) -> None:
    """Raises Busy or StoreRefused where a farm runs already: our master would not start, and our workers would join
    that one and take the place of its own, which have the same MAC."""
    host, port = address.parse(found["listen"])
    hint = f"If a farm runs there, use it: telnet {host} {port}. Else give this one another port with --listen."
    web.listener(host, port, hint).close()
    found["web"] = web.chosen(found["web"])
    folder = Path(found["data"]).absolute() / "master"
    if folder.is_dir():
        Lock(folder).release()


def programs(found: dict[str, Any], refused: Callable[..., bool]) -> list[dict[str, Any]]:
    """The processes of the farm as Circus watchers, the master first; `refused` is called when that has ended."""
    data = Path(found["data"]).absolute()
    leash = [sys.executable, "-I", "-S", str(Path(__file__).with_name("leash.py")), str(os.getpid())]
    brender = [*leash, sys.executable, "-m", "brender.cli"]
    words = [*brender, "master", "--listen", found["listen"], "--data", str(data / "master")]
    words += options.in_flags(found, {"connections": options.CONNECTIONS} | options.READINGS)
    watchers = [{**_watcher("master", words), "hooks": {"after_reap": (refused, True)}}]
    if found.get("credentials"):
        file = str(Path(found["credentials"]).absolute())
        watchers[0]["hooks"]["before_stop"] = (_letters_first, True)
        words = [*brender, "notify", "--master", found["listen"], "--credentials", file]
        watchers.append({**_watcher("notify", words), "priority": 0})  # started last, asked to stop first
    for number in range(1, found["workers"] + 1):
        words = [*brender, "client", "--master", found["listen"], *options.in_flags(found, options.WORKER)]
        words += ["--data", str(data / f"worker-{number}")]
        if found["workers"] > 1:
            words += ["--name", f"{os.uname().nodename}-{number}"]
        watchers.append(_watcher(f"worker-{number}", words))
    if isinstance(found["web"], str) and found["web"]:
        words = ["--listen", found["web"], "--master", found["listen"], "--data", str(data / "web")]
        watchers.append(_watcher("web", [*brender, "web", *words]))
    return watchers


def _watcher(name: str, words: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "priority": 1,
        "cmd": words[0],
        "args": words[1:],
        "graceful_timeout": GRACE,
        "copy_env": True,
        "stop_children": True,
        "max_retry": -1,
        "stdout_stream": {"class": "StdoutStream"},
        "stderr_stream": {"class": "StdoutStream"},
    }


def _letters_first(watcher: Any, arbiter: Any, hook_name: str, **_: object) -> bool:
    """The master is asked to stop when the sender of letters has said goodbye: its last words go through the master."""
    ends = time.monotonic() + GRACE - 1
    for process in arbiter.get_watcher("notify").processes.values():
        while process.is_alive() and time.monotonic() < ends:
            time.sleep(0.02)
    return True


class Refusal:
    """Ends the farm when its master has said that it cannot start as things are: it would say so again and again."""

    def __init__(self) -> None:
        self.exit_code = 0

    def __call__(self, watcher: Any, exit_code: int, **_: object) -> bool:
        if exit_code in (master.EXIT_USAGE, master.EXIT_REFUSED):
            self.exit_code, watcher.respawn = exit_code, False
            print("brender up: the master cannot start as things are; the farm is stopped.", flush=True)
            signal.raise_signal(signal.SIGTERM)
        return True


def _insist(loop: Any) -> None:
    """Ask Circus to end until it does: it drops what it is told while it still starts programs."""
    theirs: dict[int, Any] = {}

    def ask(heard: Callable[..., Any], number: int) -> None:
        heard(number)
        loop.call_later(0.1, ask, heard, number)

    def asked(number: int, _: object) -> None:
        if number in theirs:
            loop.add_callback_from_signal(ask, theirs.pop(number), number)

    for number in (signal.SIGINT, signal.SIGTERM):
        theirs[number] = signal.getsignal(number)
        signal.signal(number, asked)


def _no_defect(record: logging.LogRecord) -> bool:
    """Circus looks after its programs by a clock, also while it stops them, and reports that meeting as a crash."""
    return not (record.exc_info and type(record.exc_info[1]).__name__ == "ConflictError")


def _hang_up(*_: object) -> None:
    """The terminal is gone: end as for SIGTERM. Circus would start everything anew."""
    signal.raise_signal(signal.SIGTERM)


def main(argv: list[str] | None = None) -> int:
    """Run the farm until Ctrl-C or SIGTERM; returns the exit code."""
    try:
        found = settings(parser().parse_args(argv))
        check_free(found)
    except BrenderError as error:
        print(f"brender up: {error.sentence()}", file=sys.stderr)
        return 1
    from circus import get_arbiter

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("tornado.application").addFilter(_no_defect)
    data = Path(found["data"]).absolute()
    data.mkdir(parents=True, exist_ok=True)
    host, port = address.parse(found["listen"])
    page = f", in a browser http://{found['web']}/" if found["web"] else ""
    print(f"brender up: telnet {host} {port}{page}; Ctrl-C stops the farm.", flush=True)
    run_directory = Path("/proc/self/cwd") if len(str(data)) > 80 else data
    endpoints = {f"{kind}": f"ipc://{run_directory}/circus-{kind}.sock" for kind in ("endpoint", "pubsub_endpoint")}
    before, refusal = signal.getsignal(signal.SIGHUP), Refusal()
    arbiter = get_arbiter(
        programs(found, refusal), controller=endpoints["endpoint"], pubsub_endpoint=endpoints["pubsub_endpoint"]
    )
    _insist(arbiter.loop)
    signal.signal(signal.SIGHUP, before if before is signal.SIG_IGN else _hang_up)
    try:
        arbiter.start()
    finally:
        arbiter.stop()
    return refusal.exit_code


if __name__ == "__main__":
    sys.exit(main())
