"""The programs of a farm that measures, for benches and tests: a master that has channels, workers that yield samples.

`python bench/measured.py master …` and `… client …` are brender's own programs with channels of one machine. The
environment says which: channels FIRST to FIRST + CHANNELS - 1 (of a master: 1 to CHANNELS), RATE samples a second of
each, ROUNDS of them (0: for ever), and which LIFE of the worker this is. A sample's value is its number in this life
and ten million for each life. `… push PORT` sends ready batches as fast as they are taken, ROUNDS of them.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from array import array
from itertools import count
from typing import Any

CHANNELS, FIRST = int(os.environ["CHANNELS"]), int(os.environ.get("FIRST", "1"))
ROUNDS = int(os.environ.get("ROUNDS", "0"))
WINDOW = 4  # batches on their way, as a worker's daemon


def master() -> int:
    """`brender master` with the channels in its farm."""
    from brender import master
    from brender.core.rows import Channel, Device, Key

    class Measured(master.Master):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words)
            farm = self.core.farm
            farm.devices, farm.keys = {1: Device(1, "host")}, {1: Key(1, "value", "V")}
            farm.channels = {number: Channel(number, f"c{number}", "", 1, 1) for number in range(1, CHANNELS + 1)}

    master.Master = Measured  # type: ignore[misc]
    return master.main(sys.argv[2:])


def client() -> int:
    """`brender client` that measures."""
    import gevent

    from brender import client
    from brender.daemon import daemon

    class Measuring(daemon.Daemon):
        def run(self) -> None:
            gevent.spawn(self.measure)
            super().run()

        def measure(self) -> None:
            life, pause = int(os.environ.get("LIFE", "1")), 1 / float(os.environ["RATE"])
            due = time.monotonic()
            for number in range(ROUNDS) if ROUNDS else count():
                now = time.time()
                for channel in range(FIRST, FIRST + CHANNELS):
                    self.readings.spool.put(channel, now, life * 10_000_000 + number)
                due += pause
                gevent.sleep(max(0.0, due - time.monotonic()))

    daemon.Daemon = Measuring  # type: ignore[misc]
    return client.main([*sys.argv[2:], "--channels", "none"])  # no others than these


def push() -> int:
    """Batches of one sample of each channel, a millisecond apart, ending now."""
    from brender.wire.packed import FrameReader, frame
    from brender.wire.readings import METHOD, SAVED, Columns

    reader, sent, saved = FrameReader(), 0, 0
    begin = time.time() - ROUNDS / 1000
    channels = array("I", range(FIRST, FIRST + CHANNELS))
    values = array("d", (round(20 + number % 300 / 10, 1) for number in range(CHANNELS)))
    with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as link:
        while saved < ROUNDS:
            while sent < ROUNDS and sent - saved < WINDOW:
                columns = Columns(channels, array("d", [begin + sent / 1000] * CHANNELS), values, [])
                link.sendall(frame([{"method": METHOD, "params": columns.batch(sent)}]))
                sent += 1
            for message in reader.feed(link.recv(1 << 16)):
                assert message.method == SAVED, message
                saved += 1
    return 0


if __name__ == "__main__":
    sys.exit({"master": master, "client": client, "push": push}[sys.argv[1]]())
