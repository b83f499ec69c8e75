"""The master: owns the farm's state, decides, listens on port 6000. This file only composes; it decides nothing.

`brender master [--listen HOST:PORT] [--data DIR]`. Exit codes: 0 stopped, 2 usage, 75 the disk failed while
it ran (a restart looks at it again), 78 refused as things are: another master, a damaged or newer database, a foreign
address.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from msgspec.structs import replace

from brender import __version__, address, options
from brender.commands import COMMANDS
from brender.commands.calls import Call, Who
from brender.commands.completion import words_of
from brender.config import DEFAULT
from brender.core.engine import Core
from brender.errors import BrenderError
from brender.hub.clock import Pulse, SteadyClock
from brender.hub.consoles import Consoles
from brender.hub.hub import Hub
from brender.hub.port import Port
from brender.hub.readings import Readings
from brender.hub.room import watch
from brender.hub.sockets import most_connections, unix_socket
from brender.hub.writer import Writer
from brender.storage.keeper import open_keeper
from brender.store import Store
from brender.wire.feed import Feed
from brender.wire.session import Conversation

log = logging.getLogger("brender.master")

EXIT_USAGE, EXIT_BROKEN, EXIT_REFUSED = 2, 75, 78
SEQUENCES_PER_EPOCH = 1_000_000_000  # event numbers of one master's life; they grow over restarts


class Master:
    """Everything a running master consists of, made in order and ended in reverse."""

    def __init__(self, directory: Path, host: str, port: int, given: argparse.Namespace) -> None:
        self.clock = SteadyClock()
        self.pulse = Pulse(given.pulse)
        self.stopping = Event()
        self.exit_code = 0
        store = Store.open(directory, given.force)
        farm = store.load()
        farm.epoch = store.next_epoch()
        self.store_version, owner = store.version(), store.farm_id()
        gc.collect()
        gc.freeze()
        # The writer's thread gives the GIL back sooner: halves a commit beside a busy hub (measured 19 -> 9 ms).
        sys.setswitchinterval(0.0005)
        gc.set_threshold(50_000, 20, 50)
        self.writer = Writer(store, self._fatal)
        self.core = Core(farm, replace(DEFAULT, inventory_poll=given.inventory_poll))
        feed = Feed(DEFAULT.feed_events, farm.epoch * SEQUENCES_PER_EPOCH + 1)
        keeper = open_keeper(directory, owner, given.database, options.terms(vars(given)), self.clock.now)
        self.readings = Readings(keeper, farm, self.clock.wall)
        self.hub = Hub(self.core, self.writer, feed, self.clock, self.info, self.readings)
        most = most_connections(given.connections or DEFAULT.connections)
        settings = replace(DEFAULT, connections=most, connections_of_loopback=most)
        self.consoles = Consoles(directory, not given.no_console)
        self.port = Port(self._conversation, self.hub.take, self.hub.gone, settings, self.consoles)
        self.directory, self.host, self.tcp_port = directory, host, port

    def run(self) -> int:
        """Serve until told to stop; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(number, self.stopping.set)
        self.hub.boot()
        gevent.signal_handler(signal.SIGHUP, self.hub.inventory.ask)
        gevent.spawn(self.hub.inventory.run)
        gevent.spawn(watch, self.directory, self.hub.tell)
        loop = gevent.spawn(self.hub.run)
        loop.link_exception(lambda dead: self._fatal(dead.exception))
        gevent.spawn(self.pulse.run)
        server = self.port.listen((self.host, self.tcp_port))
        self.tcp_port = server.server_port
        self.port.listen(unix_socket(self.directory / "brender.sock"))
        where = address.in_words(self.host, self.tcp_port)
        print(f"brender master {__version__} on {where}, data in {self.directory}", flush=True)
        self.stopping.wait()
        self.port.stop()
        self.readings.close()
        self.consoles.stop()
        if self.exit_code == 0 and not self.writer.close():
            self.exit_code = EXIT_BROKEN
        print("brender master stopped" + ("; the farm is saved." if self.exit_code == 0 else "."), flush=True)
        return self.exit_code

    def info(self) -> dict[str, Any]:
        """What `farm status` shows besides the farm."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "address": address.in_words(self.host, self.tcp_port),
            "data": str(self.directory),
            "store": self.store_version,
            "readings": self.readings.status(),
            "writer": {"commits": self.writer.commits, "waiting": self.writer.waiting, "full": self.writer.full},
            "hub": {"turns": self.hub.turns, "links": len(self.hub.links), "late": self.pulse.figures()},
            "epoch": self.core.farm.epoch,
            "web": self.hub.web(),
        }

    def _conversation(self) -> Conversation:
        words = words_of(Call(farm=self.core.farm, who=Who(role="admin", door="telnet"), table=COMMANDS))
        banner, lends = f"brender {__version__}. Type help, or press Tab.", self.consoles.lends
        return Conversation(complete=words, banner=banner, web=self._web, lends=lends)

    def _web(self) -> str:
        """Where the page is, in words."""
        where = self.hub.web()
        return f"http://{where}/" if where else DEFAULT.web_address

    def _fatal(self, error: BaseException) -> None:
        """The disk, or the hub itself, cannot be trusted any more: stop, so that a restart replays what was stored."""
        log.critical("%s", error.sentence() if isinstance(error, BrenderError) else error, exc_info=error)
        self.exit_code = EXIT_BROKEN
        self.stopping.set()


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="brender master", description="Run the farm's master.")
    words.add_argument("--listen", default="127.0.0.1:6000", metavar="HOST:PORT", help="default 127.0.0.1:6000")
    words.add_argument("--data", type=Path, default=None, metavar="DIR", help="where the farm's database lives")
    options.add_flags(words, {"connections": options.CONNECTIONS})
    words.add_argument(
        "--force", action="store_true", help="also on a network's file system, which may lose what it has"
    )
    words.add_argument(
        "--inventory-poll",
        type=float,
        default=DEFAULT.inventory_poll,
        metavar="SECONDS",
        help="how often to look whether devices, keys or channels were edited in the database (%(default)g)",
    )
    words.add_argument("--pulse", type=float, default=0.05, metavar="SECONDS", help="how often lateness is measured")
    words.add_argument("--no-console", action="store_true", help="the master's own line editor for everybody")
    words.add_argument("--verbose", action="store_true", help="log everything")
    options.add_flags(words.add_argument_group("of readings"), options.READINGS)
    return words


def main(argv: list[str] | None = None) -> int:
    """Run a master in this process until it is stopped; returns the exit code."""
    given = parser().parse_args(argv)
    level = logging.DEBUG if given.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        host, port = address.parse(given.listen)
        address.check_loopback(host, port)
        directory = given.data or address.state_directory("master")
        return Master(directory, host, port, given).run()
    except BrenderError as error:
        print(f"brender master: {error.sentence()}", file=sys.stderr)
        return EXIT_REFUSED
    except OSError as error:
        print(f"brender master: cannot listen on {given.listen} or use its data directory: {error}", file=sys.stderr)
        return EXIT_REFUSED


if __name__ == "__main__":
    sys.exit(main())
