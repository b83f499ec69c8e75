"""Probes that are open: one for each device and its config, opened and read in a thread, with a deadline.

A thread that hangs cannot be ended: it is counted, its place in the pool is made good, and its instrument is left alone
until it returns. It must not know channels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import gevent
import msgspec
from gevent.event import AsyncResult
from gevent.threadpool import ThreadPool

from brender.core.orders import ChannelSpec
from brender.errors import BrenderError
from brender.probes import Probe, Surroundings
from brender.probes.registry import Registry
from brender.worker.instruments import as_config
from brender.worker.sampling import Filter

OPEN_S: Final = 10.0
AGAIN_S: Final = 30.0  # after a probe could not be opened
THREADS: Final = 16
MOST_HUNG: Final = 128
Found = Callable[[dict[str, Any] | str], None]


class Instrument:
    """One probe. `ready` says that it is open; `fault` why it is not."""

    def __init__(
        self, spec: ChannelSpec, kind: type[Probe], config: Any, threads: Threads, around: Surroundings
    ) -> None:
        self.users: set[int] = set()
        self.keys = kind.keys
        self.fault = ""
        self._driver, self._kind, self._config, self._around = spec.driver, kind, config, around
        self._threads = threads
        self._probe: Probe | None = None
        self._busy = False
        self._again_at = 0.0
        self._waiting: list[Callable[[Instrument], None]] = []
        self._over = False

    @property
    def ready(self) -> bool:
        return self._probe is not None

    def when_open(self, tell: Callable[[Instrument], None]) -> None:
        """Open it, and call back when it is open or cannot be."""
        self._waiting.append(tell)
        if not self._busy:
            self._busy = True
            gevent.spawn(self._open)

    def read(self, found: Found) -> None:
        """Read it, unless it is being read; `found` gets values, or why there are none."""
        if self._busy or self._over:
            return
        probe = self._probe
        if probe is None:
            if time.monotonic() >= self._again_at:
                self.when_open(lambda _: None)
            if self.fault:
                found(self.fault)
        elif probe.quick:
            found(_guarded(probe.read))
        else:
            self._busy = True
            gevent.spawn(self._read, probe, found)

    def reopen(self) -> None:
        """Nothing was heard of it for too long: begin anew, if it does not hang."""
        if self._busy or self._probe is None:
            return
        probe, self._probe = self._probe, None
        gevent.spawn(self._threads.run, probe.close, OPEN_S)

    def close(self) -> None:
        """It is no longer needed; what hangs is closed when it returns, if ever."""
        self._over = True
        if not self._busy and self._probe is not None:
            probe, self._probe = self._probe, None
            gevent.spawn(self._threads.run, probe.close, OPEN_S)

    def _open(self) -> None:
        late = f"driver {self._driver} did not open in {OPEN_S:g} s"
        made = self._threads.run(lambda: self._kind(self._config, self._around), OPEN_S, lambda: self._fail(late))
        self._busy = False
        if isinstance(made, Probe):
            self._probe, self.fault = made, ""
            if self._over:
                self.close()
        else:
            self._fail(made)
        self._tell()

    def _fail(self, why: Any) -> None:
        self.fault = str(why)
        self._again_at = time.monotonic() + AGAIN_S
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for tell in waiting:
            tell(self)

    def _read(self, probe: Probe, found: Found) -> None:
        late = f"driver {self._driver} has not answered for {probe.deadline:g} s"
        values = self._threads.run(probe.read, probe.deadline, lambda: found(late))
        self._busy = False
        if self._over:
            self.close()
        else:
            found(values if isinstance(values, (dict, str)) else f"driver {self._driver} says no values by key")


class Threads:
    """A pool that has as many threads that work as ever, however many hang."""

    def __init__(self) -> None:
        self._pool = ThreadPool(THREADS)
        self.hung = 0

    def run(self, work: Callable[[], Any], limit_s: float, late: Callable[[], None] = lambda: None) -> Any:
        """What it returns, or why it failed as a text. After `limit_s` seconds `late` is called, and it waits on."""
        if self.hung >= MOST_HUNG:
            return f"{self.hung} probes hang on this machine; no more are asked until some return"
        result: AsyncResult[Any] = self._pool.spawn(_guarded, work)
        if result.wait(limit_s) is None and not result.ready():
            self.hung += 1
            self._pool.maxsize = THREADS + self.hung
            late()
            result.wait()
            self.hung -= 1
            self._pool.maxsize = THREADS + self.hung
        return result.get()


def _guarded(work: Callable[[], Any]) -> Any:
    """What a probe returns; what it raises in words. Nothing that it raises may end its thread."""
    try:
        return work()
    except BrenderError as error:
        return error.sentence()
    except BaseException as error:
        said = " ".join(str(error).split())
        return f"{type(error).__name__}: {said}" if said else type(error).__name__


class Instruments:
    """All that are open, by device and what it is asked with."""

    def __init__(self, registry: Registry, around: Surroundings) -> None:
        self._registry, self._around = registry, around
        self._threads = Threads()
        self._open: dict[tuple[int, str, bytes], Instrument] = {}

    @property
    def drivers(self) -> list[str]:
        """What this machine can ask."""
        return self._registry.names()

    @property
    def types(self) -> Mapping[str, type[Filter]]:
        """Channel types of plug-ins on this machine."""
        return self._registry.types

    def of(self, spec: ChannelSpec) -> Instrument:
        """The instrument of a channel's device. Raises Invalid: no such driver, or its config does not fit."""
        key = (spec.device, spec.driver, msgspec.json.encode(spec.config, order="sorted"))
        found = self._open.get(key)
        if found is None:
            kind = self._registry.find(spec.driver)
            config = as_config(spec.driver, kind.Config, spec.config)
            found = self._open[key] = Instrument(spec, kind, config, self._threads, self._around)
        return found

    def forget(self, instrument: Instrument) -> None:
        """Nobody needs it any more."""
        for key in [key for key, one in self._open.items() if one is instrument]:
            del self._open[key]
        instrument.close()

    def close(self) -> None:
        """The daemon ends."""
        for one in self._open.values():
            one.close()
        self._open.clear()
