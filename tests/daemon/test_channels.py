"""A manager's channels with real probes and real time: what hangs or raises harms nobody else, what stays goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import msgspec
import pytest
from gevent.event import Event as Bell

from brender.core.orders import ChannelSpec, CountChannels, Host
from brender.daemon.channels import Channels, own_devices
from brender.daemon.instrument import Instruments
from brender.daemon.tally import Tally
from brender.probes import Probe, Surroundings, Values
from brender.probes.registry import Registry
from brender.wire.packed import FrameReader, Message, frame
from brender.worker.instruments import INSTRUMENTS

LIMIT_S = 60.0


class Good(Probe):
    """Says how often it was read."""

    keys = {"n": "", "none": ""}

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self.n = 0

    def read(self) -> Values:
        self.n += 1
        return {"n": float(self.n), "none": None}


class Quick(Good):
    quick = True


class Raises(Good):
    def read(self) -> Values:
        raise ValueError("the scale\n is broken")


class Wont(Good):
    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        raise OSError(5, "no such bus")


class Odd(Good):
    """Says what is no answer."""

    keys = None

    def read(self) -> Values:
        return {"text": "on", "nan": float("nan"), "vector": [1, 2.5]}


class Hangs(Good):
    """Waits until the test lets it go."""

    deadline = 0.1
    gate = threading.Event()
    entered = 0

    def read(self) -> Values:
        Hangs.entered += 1
        Hangs.gate.wait(LIMIT_S)
        return {"n": 1.0}


class Drivers(Registry):
    """These classes, and the built-in ones."""

    def __init__(self) -> None:
        super().__init__({}, print)
        self._classes |= {kind.__name__.lower(): kind for kind in (Good, Quick, Raises, Wont, Odd, Hangs)}


class Manager:
    """Channels, what they kept and what they said."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, float, Any]] = []
        self.said: list[Message] = []
        self._bell = Bell()
        self._reader = FrameReader()
        self.channels = Channels(Instruments(Drivers(), Surroundings()), self._keep, self._hear)
        self._greenlet = gevent.spawn(self.channels.run)

    def _keep(self, *sample: Any) -> None:
        self.kept.append(sample)
        self._bell.set()

    def _hear(self, data: bytes) -> None:
        self.said.extend(self._reader.feed(data))
        self._bell.set()

    def tell(self, order: Host | CountChannels) -> None:
        (message,) = FrameReader().feed(frame([{"method": order.wire, "params": msgspec.structs.asdict(order)}]))
        assert self.channels.hear(message)

    def host(self, *specs: ChannelSpec, **more: Any) -> None:
        self.tell(Host(list(specs), **more))

    def until(self, question: Callable[[], Any]) -> Any:
        end = time.monotonic() + LIMIT_S
        while not (found := question()):
            self._bell.clear()
            rung = self._bell.wait(max(0.0, end - time.monotonic()))
            assert rung, (self.states(), self.kept[-5:], self.said[-5:])
        return found

    def values(self, channel: int) -> list[Any]:
        return [value for one, _, value in self.kept if one == channel]

    def states(self) -> dict[int, tuple[str, str]]:
        """How the master was last told that each is."""
        found: dict[int, tuple[str, str]] = {}
        for message in self.said:
            params = message.params_as(dict)
            for channel in [*params.get("started", ()), *params.get("kept", ())]:
                found[channel] = ("logging", "")
            for channel, why in params.get("failed", ()):
                found[channel] = ("error", why)
            for channel, state, why in params.get("channels", ()):
                found[channel] = (state, why)
        return found

    def began(self) -> list[int]:
        return [one for message in self.said for one in message.params_as(dict).get("started", ())]

    def close(self) -> None:
        self._greenlet.kill()
        self.channels.close()


@pytest.fixture
def manager() -> Iterator[Manager]:
    Hangs.gate.clear()
    Hangs.entered = 0
    made = Manager()
    yield made
    Hangs.gate.set()
    made.close()


def spec(channel: int, driver: str = "quick", key: str = "n", **more: Any) -> ChannelSpec:
    params = {"period": 0.02, **more.pop("params", {})}
    return ChannelSpec(channel, f"c{channel}", more.pop("type", "simple"), params, channel, driver, key=key, **more)


def test_channels_begin_and_only_then_are_reported(manager: Manager) -> None:
    """CL-17, CL-18."""
    manager.host(spec(1), spec(2, "good"), spec(3, mul=2.0, add=1.0), ChannelSpec(4, "c4", "easy"))
    manager.until(lambda: manager.states().keys() >= {1, 2, 3, 4})
    manager.until(lambda: all(len(manager.values(one)) >= 3 for one in (1, 2, 3, 4)))
    assert set(manager.states().values()) == {("logging", "")}
    assert manager.values(1)[:3] == [1.0, 2.0, 3.0]
    assert manager.values(3)[:2] == [4.0, 6.0]
    manager.tell(CountChannels(7))
    assert manager.said[-1].params_as(dict) == {"census": 7, "count": 4}


def test_one_that_raises_hangs_or_cannot_be_opened_harms_no_other(manager: Manager) -> None:
    """Issue 5, bad input: contained and named."""
    manager.host(spec(1, "good"), spec(2, "raises"), spec(3, "hangs"), spec(4, "wont"), spec(5, "odd", "nan"))
    manager.until(lambda: [manager.states().get(one, ("",))[0] for one in (2, 3, 4, 5)] == ["error"] * 4)
    states = manager.states()
    assert states[2][1] == "ValueError: the scale is broken"
    assert states[3][1] == "driver hangs has not answered for 0.1 s"
    assert "no such bus" in states[4][1]
    assert "nan is no number" in states[5][1]
    count = len(manager.values(1))
    manager.until(lambda: len(manager.values(1)) > count + 10)
    assert states[1] == ("logging", "")
    assert Hangs.entered == 1
    Hangs.gate.set()
    manager.until(lambda: manager.states()[3] == ("logging", ""))
    assert manager.values(3)


def test_a_key_that_a_probe_does_not_have_is_named(manager: Manager) -> None:
    manager.host(spec(1, "odd", "colour"), spec(2, "odd", "text"), spec(3, "odd", "vector"), spec(4, "good", "none"))
    manager.until(lambda: manager.states().get(1, ("",))[0] == "error")
    assert "odd says nothing of 'colour', but of text, nan, vector" in manager.states()[1][1]
    manager.until(lambda: manager.values(2) and manager.values(3))
    assert manager.values(2)[0] == "on"
    assert manager.values(3)[0] == [1.0, 2.5]
    assert manager.values(4) == []


def test_what_does_not_fit_is_refused_by_name_and_the_rest_begins(manager: Manager) -> None:
    """CL-18, CL-34: per-channel failures are reported by name."""
    manager.host(
        spec(1, "nothing-like-it"),
        spec(2, "cpu", "cup"),
        spec(3, type="delta", params={"colour": 1}),
        ChannelSpec(4, "c4", "delta", device=4, driver="tcp", config={"host": "a"}, key="up"),
        spec(5),
    )
    states = manager.until(lambda: manager.states() if len(manager.states()) == 5 else None)
    assert [states[one][0] for one in range(1, 6)] == ["error"] * 4 + ["logging"]
    for channel, word in {1: "nothing-like-it", 2: "cup", 3: "colour", 4: "port"}.items():
        assert word in states[channel][1]
    assert len(manager.channels) == 1


def test_adding_altering_and_dropping_one_leaves_the_others_as_they_are(manager: Manager) -> None:
    """CL-35: no restart, no gap: the probe of the other counts on."""
    manager.host(spec(1), spec(2))
    manager.until(lambda: len(manager.values(1)) > 3)
    manager.host(spec(2, params={"period": 0.03}), spec(1), spec(3))
    manager.until(lambda: len(manager.values(1)) > 12 and manager.values(3))
    manager.host(drop=[2])
    assert sorted(manager.began()) == [1, 2, 2, 3]
    assert manager.values(1) == [float(n) for n in range(1, len(manager.values(1)) + 1)]
    count = len(manager.values(2))
    manager.until(lambda: len(manager.values(1)) > 25)
    assert len(manager.values(2)) == count
    assert len(manager.channels) == 2


def test_channels_of_one_device_and_period_share_a_read(manager: Manager) -> None:
    manager.host(*(msgspec.structs.replace(spec(1), id=number, name=f"c{number}") for number in range(1, 6)))
    manager.until(lambda: len(manager.values(5)) > 3)
    assert manager.values(1)[:3] == manager.values(4)[:3] == [1.0, 2.0, 3.0]


def test_after_a_reconnect_what_is_still_wanted_goes_on_and_the_rest_ends(manager: Manager) -> None:
    manager.host(spec(1), spec(2), spec(3, "raises"))
    manager.until(lambda: len(manager.values(1)) > 3 and manager.states()[3][0] == "error")
    manager.said.clear()
    manager.host(keep=[1, 3])
    manager.host(spec(1), spec(3, "raises"), spec(4))
    manager.until(lambda: len(manager.values(4)) > 3)
    assert manager.began() == [4]
    assert manager.states()[1] == ("logging", "")
    assert manager.states()[3][0] == "error"
    assert manager.values(1) == [float(n) for n in range(1, len(manager.values(1)) + 1)]
    manager.host(spec(1), again=True)
    manager.until(lambda: manager.began() == [4, 1])
    assert len(manager.channels) == 3


def test_another_group_moves_a_channel_and_begins_nothing_anew(manager: Manager) -> None:
    """CL-40."""
    manager.host(spec(1, group="fast"))
    manager.until(lambda: len(manager.values(1)) > 3)
    manager.host(spec(1, group="slow"))
    manager.until(lambda: len(manager.values(1)) > 12)
    assert manager.began() == [1]
    assert manager.values(1) == [float(n) for n in range(1, len(manager.values(1)) + 1)]


def test_silence_is_told_and_marked_by_a_gap(manager: Manager) -> None:
    """RM-49."""
    manager.host(spec(1, "hangs", params={"stale": 0.5, "period": 0.02}))
    manager.until(lambda: Hangs.entered and None in manager.values(1))
    assert manager.values(1) == [None]


def test_what_is_not_of_channels_is_left_to_others(manager: Manager) -> None:
    assert not manager.channels.hear(Message(method="saved"))


def test_this_machine_reports_itself() -> None:
    """RM-26, RM-28."""
    host, tasks, *gpus = own_devices(Drivers(), 2)
    assert (host["driver"], tasks["driver"]) == ("host", "render")
    assert {"cpu", "memory", "load", "disk"} <= set(host["keys"])
    assert all(gpu["driver"] == "nvidia" for gpu in gpus)
    assert [one["driver"] for one in own_devices(Drivers(), 0)][:1] == ["host"]
    assert "render" not in [one["driver"] for one in own_devices(Drivers(), 0)]


def test_the_tally_counts_frames_of_successes() -> None:
    from brender.core.events import Result
    from brender.worker.functions import Call
    from brender.worker.world import Launch, Turn

    tally = Tally({1: 64}.get)
    assert {key: value for key, value in tally.values().items() if value is None} == {
        "frame_seconds": None,
        "samples": None,
        "peak_memory": None,
    }
    tally.count(Turn(launch=[Launch(1, 0, Call("blender", frames=(1, 2, 3, 4))), Launch(2, 1, Call("noop"))]))
    peak = Result(1, "success0", 8.0, memory_mb=900)
    tally.count(Turn(keep=[peak, Result(2, "error", 1.0), Result(9, "success0", 3.0)]))
    found = tally.values()
    assert (found["frames"], found["frame_seconds"]) == (5.0, 3.0)
    assert (found["samples"], found["peak_memory"]) == (64.0, 900.0)
    assert found["frames_per_minute"] > 0
    assert found["task_memory"] >= 0
    assert found.keys() == INSTRUMENTS["render"].keys.keys()


def test_frames_that_come_together_in_one_process_are_counted_once_each() -> None:
    """A bundle of 10 attempts is one launch with 10 frames, and 10 results of a tenth of its time each."""
    from brender.core.events import Result
    from brender.worker.functions import Call
    from brender.worker.world import Launch, Turn

    tally = Tally(lambda attempt: None)
    call, members = Call("process", frames=tuple(range(10))), tuple(range(1, 11))
    tally.count(Turn(launch=[Launch(1, 0, call, members=members)]))
    tally.count(Turn(keep=[Result(attempt, "success0", 2.0) for attempt in members]))
    assert (tally.values()["frames"], tally.values()["frame_seconds"]) == (10.0, 2.0)


def test_a_driver_that_hangs_leaves_threads_for_the_others() -> None:
    """Twenty hang, more than the pool has threads; the next is read all the same."""
    Hangs.gate.clear()
    made = Manager()
    try:
        made.host(*(spec(number, "hangs") for number in range(1, 21)))
        made.until(lambda: len([one for one in made.states().values() if one[0] == "error"]) == 20)
        made.host(spec(30, "good"))
        made.until(lambda: len(made.values(30)) > 3)
    finally:
        Hangs.gate.set()
        made.close()
