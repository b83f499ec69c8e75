"""What is asked over the network: a web address, a port, a page of metrics, the farm's own limits."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from typing import Any

from brender.errors import from_envelope
from brender.probes import Probe, Surroundings, Values
from brender.probes.places import translated, translated_url
from brender.worker.instruments import INSTRUMENTS, OfHttp, OfLicence, OfScrape, OfTcp

MOST_BODY = 8 << 20
TIMEOUT = 5.0
_METRIC = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$")
_LABEL = re.compile(r'([A-Za-z_]\w*)\s*=\s*("(?:[^"\\]|\\.)*")')


def fetch(url: str, timeout: float) -> tuple[int, bytes]:
    """The status and body of an address, over the translated one where there is a translation; follows redirects."""
    where, host = translated_url(url, os.environ)
    asked = urllib.request.Request(where, headers={"Host": host, "User-Agent": "brender"})
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as answer:
            return int(answer.status), answer.read(MOST_BODY)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(MOST_BODY)


class Http(Probe):
    """`up` is 1 where it answers with a status under 400, and with the text it shall hold; nobody answering is 0."""

    Config = OfHttp
    keys = INSTRUMENTS["http"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._config = config
        self.deadline = 2 * config.timeout + 2.0

    def read(self) -> Values:
        began = time.monotonic()
        try:
            status, body = fetch(self._config.url, self._config.timeout)
        except (OSError, ssl.SSLError):
            return {"up": 0.0}
        found = not self._config.find or self._config.find.encode() in body
        up = float(status < 400 and found)
        return {"up": up, "status": float(status), "seconds": time.monotonic() - began, "bytes": float(len(body))}


class Tcp(Probe):
    Config = OfTcp
    keys = INSTRUMENTS["tcp"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._where = translated(config.host, config.port, os.environ)
        self._timeout = config.timeout
        self.deadline = config.timeout + 2.0

    def read(self) -> Values:
        began = time.monotonic()
        try:
            socket.create_connection(self._where, self._timeout).close()
        except OSError:
            return {"up": 0.0}
        return {"up": 1.0, "seconds": time.monotonic() - began}


class Prometheus(Probe):
    """Each line of the page is a key, with its labels sorted; the bare name is the sum of a metric."""

    Config = OfScrape

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._config = config
        self.deadline = 2 * config.timeout + 2.0

    def read(self) -> Values:
        status, body = fetch(self._config.url, self._config.timeout)
        if status >= 400:
            raise RuntimeError(f"{self._config.url} answers {status}")
        return metrics(body.decode(errors="replace"))


def metrics(text: str) -> Values:
    """The values of a page in the text format; a line that is none is passed over, as is NaN."""
    values: Values = {}
    sums: Values = {}
    for line in text.splitlines():
        found = _METRIC.match(line.strip())
        if found is None or line.startswith("#"):
            continue
        try:
            value = float(found[3])
        except ValueError:
            continue
        if value != value:
            continue
        if found[2]:
            labels = ",".join(f"{name}={given}" for name, given in sorted(_LABEL.findall(found[2])))
            values[f"{found[1]}{{{labels}}}"] = value
        sums[found[1]] = sums.get(found[1], 0.0) + value
    return {**sums, **values}


class Licence(Probe):
    """A limit of the farm, asked from its master as anybody may."""

    Config = OfLicence
    keys = INSTRUMENTS["licence"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._limit = config.limit
        self._master = surroundings.master

    def read(self) -> Values:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "limit.show", "params": {"limit": self._limit}}
        with socket.create_connection(self._master, TIMEOUT) as line, line.makefile("rb") as answers:
            line.sendall(json.dumps(asked).encode() + b"\n")
            said = answers.readline(MOST_BODY)
        answer = json.loads(said[max(said.find(b"{"), 0) :])  # before it may stand a telnet offer, if we were slow
        if "error" in answer:
            raise from_envelope(answer["error"])
        used, count = float(answer["result"]["used"]), float(answer["result"]["count"])
        return {"used": used, "count": count, "free": count - used}
