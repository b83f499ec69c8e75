"""The programs of a farm that measures: a master that has channels, and a worker that yields their samples.

`python measured.py master …` and `python measured.py client …` are brender's own programs with the channels 1 to N of
one machine; the environment says N (CHANNELS), how many samples a second of each (RATE), and which life of the worker
this is (LIFE). A sample's value is its number in this life and ten million for each life before.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from typing import Any

CHANNELS = int(os.environ["CHANNELS"])


def master() -> int:
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
    import gevent

    from brender import client
    from brender.daemon import daemon

    class Measuring(daemon.Daemon):
        def run(self) -> None:
            gevent.spawn(self.measure)
            super().run()

        def measure(self) -> None:
            life, pause = int(os.environ["LIFE"]), 1 / float(os.environ["RATE"])
            for number in count():
                now = time.time()
                for channel in range(1, CHANNELS + 1):
                    self.readings.spool.put(channel, now, life * 10_000_000 + number)
                gevent.sleep(pause)

    daemon.Daemon = Measuring  # type: ignore[misc]
    return client.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit({"master": master, "client": client}[sys.argv[1]]())
