"""A probe of your own: a scale that tells its weight over TCP, a line of text for each connection.

Put this file into a folder, and name that where the manager runs:

    BRENDER_CHANNEL_PATH=/etc/brender/probes brender client

    device add kitchen driver=scale config={"host": "10.0.0.7"}
    key add weight unit=kg
    channel add kitchen.weight type=delta delta=0.1 period=2
"""

from __future__ import annotations

import socket
from typing import Any

from msgspec import Struct

from brender.probes import Probe, Surroundings, Values


class ScaleConfig(Struct, forbid_unknown_fields=True, frozen=True):
    """What can be set of it: its JSON schema is made of this."""

    host: str
    port: int = 4001


class Scale(Probe):
    """The driver's name is `driver`, or else the name of the class in lower case."""

    Config = ScaleConfig
    keys = {"weight": "kg"}
    deadline = 3.0  # seconds for one read

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._where = (config.host, config.port)

    def read(self) -> Values:
        with socket.create_connection(self._where, timeout=2.0) as line:
            return {"weight": float(line.makefile().readline())}
