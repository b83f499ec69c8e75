"""`Storage`: what keeps readings, for whoever does not care how. It puts the parts together and starts them; no more.

It must not know the wire, files or SQL: the listener (the seed's ZeroMQServer), the buffer (BerkeleyStorage) and the
archive (PostgresqlStorage, or SQLite) do, and may be others (CL-06, CL-10).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

from brender import address
from brender.disk import Lock
from brender.storage.keeper import Keeper, open_keeper
from brender.storage.listener import Listener
from brender.storage.terms import Terms

PAUSE = 1.0  # seconds between two looks for what is to be moved
PORT = 6001


class Storage:
    """Readings in a directory, taken in and asked for on a TCP port. `start()` is all there is to it.

    `database` is the URL of a PostgreSQL database; without one they are in SQLite, in the directory. `keeper` and
    `listener` make the parts.
    """

    def __init__(
        self,
        directory: Path,
        listen: str = f"127.0.0.1:{PORT}",
        database: str = "",
        terms: Terms | None = None,
        keeper: Callable[[Path, str, str, Terms], Keeper] = open_keeper,
        listener: Callable[[str, int, Keeper], Listener] = Listener,
    ) -> None:
        self._directory, self._database, self._terms = directory, database, terms or Terms()
        self._listen = address.parse(listen)
        self._make_keeper, self._make_listener = keeper, listener

    def start(self) -> None:
        """Serve until SIGINT or SIGTERM. Raises StoreRefused, OSError, and what a URL or an address is refused with."""
        address.check_loopback(*self._listen)
        self._directory.mkdir(parents=True, exist_ok=True)
        lock = Lock(self._directory)
        try:
            keeper = self._make_keeper(self._directory, "", self._database, self._terms)
            listener = self._make_listener(*self._listen, keeper)
            self._serve(keeper, listener)
            keeper.close()
        finally:
            lock.release()

    def _serve(self, keeper: Keeper, listener: Listener) -> None:
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: listener.stop())
        tending = threading.Thread(target=_tend_for_ever, args=(keeper, over), name="tending")
        tending.start()
        place = address.in_words(*listener.address)
        print(f"brender storage on {place}, data in {self._directory}", flush=True)
        try:
            listener.serve()
        finally:
            over.set()
            tending.join()
        print("brender storage stopped; what was acknowledged is saved.", flush=True)


def _tend_for_ever(keeper: Keeper, over: threading.Event) -> None:
    while not over.is_set():
        if not keeper.tend():
            over.wait(PAUSE)
