"""Readings through a real hub, port and storage: batches in frames, commands in lines, faults of the disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gevent import socket
from parts import LIMIT_S, Farm

from brender.commands.text import render
from brender.core import farm as rows
from brender.core.rows import Channel, Device, Key
from brender.errors import Busy
from brender.hub import readings as module
from brender.storage.terms import Terms
from brender.wire.packed import FrameReader, frame
from brender.wire.readings import METHOD, Batch, collected


def measuring(farm: rows.Farm) -> None:
    """Two devices with three channels."""
    farm.devices = {1: Device(1, "render-01"), 2: Device(2, "render-02")}
    farm.keys = {1: Key(1, "temperature", "°C"), 2: Key(2, "state")}
    farm.channels = {
        7: Channel(7, "t1", "T", 1, 1), 8: Channel(8, "t2", "", 2, 1), 9: Channel(9, "door", "", 1, 2)
    }  # fmt: skip


class Sender:
    """Frames, as a worker's daemon speaks."""

    def __init__(self, address: Any) -> None:
        self.sock = socket.create_connection(address, LIMIT_S)
        self.reader = FrameReader()
        self.heard: list[tuple[str, Any]] = []
        hello = {"key": "brender_1", "mac": "1", "hostname": "hal", "name": "hal", "boot": "1", "slots": 0}
        self.sock.sendall(frame([{"method": "worker.hello", "params": hello}]))
        while self.hear()[0] != "welcome":
            pass

    def say(self, *batches: Batch) -> None:
        self.sock.sendall(b"".join(frame([{"method": METHOD, "params": batch}]) for batch in batches))

    def close(self) -> None:
        self.sock.close()

    def hear(self) -> tuple[str, Any]:
        while not self.heard:
            data = self.sock.recv(65536)
            assert data, "hung up"
            self.heard += [(one.method, one.params_as(object)) for one in self.reader.feed(data)]
        return self.heard.pop(0)


def sender_of(farm: Farm) -> Sender:
    return farm.known(Sender(farm.address))  # type: ignore[no-any-return]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path, fill=measuring)
    try:
        yield made
    finally:
        made.close()


def test_a_batch_is_saved_and_read_back(farm: Farm) -> None:
    """CL-03, CL-41: columns in, `saved` when they are on the disk, the same numbers out."""
    now = round(time.time(), 6)
    sender, line = sender_of(farm), farm.line()
    sender.say(collected([(7, now - 2, 60.5), (8, now - 2, 1.0), (7, now - 1, 61.0), (9, now, "open")]).batch(41))
    assert sender.hear() == ("saved", {"batch": 41, "refused": []})

    found = line.ask("reading.range", channel="t1")
    assert (found["times"], found["values"]) == ([now - 2, now - 1], [60.5, 61.0])
    assert (found["name"], found["unit"], found["source"], found["step"]) == ("t1", "°C", "raw", 0.0)
    assert line.ask("reading.range", channel="render-01/state")["values"] == ["open"]
    assert line.ask("reading.range", channel="T", step=3600, agg="max", **{"from": now - 60, "to": now})["values"] == [
        61.0
    ]
    assert farm.farm.latest == {7: (now - 1, 61.0), 8: (now - 2, 1.0), 9: (now, "open")}
    assert line.ask("farm.status")["readings"]["samples"] == 4


def test_what_may_not_be_kept_is_refused_by_name_and_the_rest_is_kept(farm: Farm) -> None:
    """RM-33, CL-48: an unknown channel, a time in the future, NaN; a batch that is none is refused as a whole."""
    now = time.time()
    sender = sender_of(farm)
    sender.say(
        collected([(7, now, float("nan")), (7, now, 1.0), (77, now, 1.0), (77, now, 2.0), (8, now + 900, 3.0)]).batch(
            1
        ),
        Batch(2, b"\1\0\0\0", b"", b""),
        collected([(77, now, 1.0)]).batch(3),
    )
    answers = {
        said["batch"]: (word, {(channel, count) for channel, _, count in said["refused"]})
        for word, said in (sender.hear(), sender.hear(), sender.hear())
    }
    assert answers == {
        1: ("saved", {(7, 1), (77, 2), (8, 1)}), 2: ("saved", {(0, 0)}), 3: ("saved", {(77, 1)})
    }  # fmt: skip
    assert farm.line().ask("reading.range", channel="t1")["values"] == [1.0]
    assert farm.farm.latest == {7: (now, 1.0)}


def test_an_alarm_rule_judges_the_batches_of_its_channels_and_nobody_elses(farm: Farm) -> None:
    """RM-51 with real readings: without a rule no sample becomes an event; with one it fires, and is over."""
    now = time.time()
    sender, line = sender_of(farm), farm.line()
    sender.say(collected([(7, now - 9, 99.0), (9, now - 9, "open")]).batch(1))
    sender.hear()
    line.ask("job.list")
    assert farm.farm.watch.samples == {}

    added = line.ask("alarm_rule.add", name="hot", values={"selector": "t*", "condition": "above", "threshold": 85})
    assert "rows" in added or "row" in added, added
    sender.say(collected([(7, now - 5, 60.0), (8, now - 5, 91.0), (9, now - 5, "open")]).batch(2))
    sender.hear()
    (alarm,) = line.ask("alarm.list")["alarms"]
    assert (alarm["about"], alarm["state"], alarm["value"], alarm["rule"]) == ("t2", "firing", 91.0, "hot")
    assert farm.farm.watch.samples == {7: (now - 5, 60.0), 8: (now - 5, 91.0)}

    assert line.ask("reading.put", source="render-02", key="temperature", value=40) == {"saved": 1, "refused": []}
    assert line.ask("alarm.list")["alarms"] == []


def test_readings_go_by_the_clock_on_the_wall_also_after_it_was_set(farm: Farm) -> None:
    """F24: the master's machine slept for an hour, or its clock was put right: those of the workers run on."""
    sender, line = sender_of(farm), farm.line()
    farm.ahead = 3600.0
    now = round(time.time() + farm.ahead, 6)
    sender.say(collected([(7, now, 61.0)]).batch(1))
    assert sender.hear() == ("saved", {"batch": 1, "refused": []})
    while farm.farm.shift < 3599.0:
        line.ask("farm.status")
    line.ask("reading.put", source="t1", key="-", value=62.0)
    found = line.ask("reading.range", channel="t1")
    assert found["values"] == [61.0, 62.0]
    assert found["to"] > now and found["times"][1] > now
    assert line.ask("channel.list")["channels"][0]["age"] < 60.0


def test_late_samples_change_no_latest_value(farm: Farm) -> None:
    now = time.time()
    sender = sender_of(farm)
    sender.say(collected([(7, now, 2.0)]).batch(2), collected([(7, now - 60, 1.0), (9, now - 60, "old")]).batch(1))
    sender.hear(), sender.hear()
    assert farm.farm.latest == {7: (now, 2.0), 9: (now - 60, "old")}


def test_people_put_readings_by_device_and_key_or_channel(farm: Farm) -> None:
    """REQUIREMENTS 8.2: one at the prompt, many in JSON; each that is refused is named with its reason."""
    line, now = farm.line(), time.time()
    assert line.ask("reading.put", source="render-01", key="temperature", value=55) == {"saved": 1, "refused": []}
    error = line.ask("reading.put", source="render-09", key="temperature", value=55)
    assert error["message"] == "There is no device 'render-09'."
    assert "render-01" in error["data"]["hint"]
    found = line.ask(
        "reading.put",
        samples=[
            ["t2", "", now, 1.5], ["render-01", "state", now, "ok"], ["render-01", "colour", now, 1],
            ["render-02", "state", now, 1], ["render-01", "temperature", now + 3600, 1], ["t2", None, None, [1, 2]],
            ["t2", "-", "soon", 1], 7,
        ],
    )  # fmt: skip
    assert found["saved"] == 3
    refused = {name: why for name, why, _ in found["refused"]}
    assert refused["render-01/colour"].startswith("There is no key 'colour'.")
    assert refused["render-02/state"].startswith("Device render-02 has no channel for key state.")
    assert "60 s in the future" in refused["render-01/temperature"]
    assert set(refused) == {
        "render-01/colour", "render-02/state", "render-01/temperature", "['t2', '-', 'soon', 1]", "7"
    }  # fmt: skip
    assert "60 s in the future" in " ".join(render("reading.put", found).split())
    assert line.ask("reading.range", channel="door")["values"] == ["ok"]
    assert line.ask("reading.range", channel="t2")["values"] == [1.5, [1.0, 2.0]]


def test_machines_may_put_readings_and_ask_for_nothing_else(farm: Farm) -> None:
    """Roles: a collector speaks frames; what changes the farm is not for it."""
    sender = sender_of(farm)
    params = {"source": "t1", "key": "-", "value": 3.5}
    sender.sock.sendall(
        frame([{"id": 1, "method": "reading.put", "params": params}, {"id": 2, "method": "reading.stats"}])
    )
    answers = {}
    while len(answers) < 2:
        for message in sender.reader.feed(sender.sock.recv(65536)):
            answers[message.id] = message
    assert answers[1].result_as(object) == {"saved": 1, "refused": []}
    assert "needs the role viewer" in str(answers[2].failure())


def test_questions_that_cannot_be_answered_are_refused(farm: Farm) -> None:
    line = farm.line()
    assert "There is no channel 'T1'" in line.ask("reading.range", channel="T1")["message"]
    assert line.ask("reading.range", channel="t1", to="-2h", **{"from": "-1h"})["code"] == 1006
    assert line.ask("reading.range", channel="t1", **{"from": "yesterday"})["code"] == 1006
    assert line.ask("reading.range", channel="t1", agg="median")["code"] == -32602


def test_when_nothing_can_be_stored_senders_keep_theirs_and_the_farm_goes_on(farm: Farm) -> None:
    """CL-42: `unsaved` says why and when to try again; commands are refused; status says it; then all is well."""
    sender, line = sender_of(farm), farm.line()
    farm.keeper._buffer._terms = Terms(reserve_bytes=1 << 62)
    now = time.time()
    sender.say(collected([(7, now, 1.0)]).batch(1))
    word, said = sender.hear()
    assert (word, said["batch"], said["after"]) == ("unsaved", 1, module.AGAIN)
    assert "MiB are free" in said["reason"]
    error = line.ask("reading.put", source="t1", key="-", value=1)
    assert (error["code"], "not saved" in error["message"]) == (Busy.code, True)
    assert "MiB are free" in line.ask("farm.status")["readings"]["refusing"]
    assert "row" in line.ask("project.add", name="film")

    farm.keeper._buffer._terms = Terms(reserve_bytes=0)
    sender.say(collected([(7, now, 1.0)]).batch(1))
    assert sender.hear() == ("saved", {"batch": 1, "refused": []})
    assert line.ask("farm.status")["readings"]["refusing"] == ""
    assert line.ask("reading.range", channel="t1")["values"] == [1.0]


def test_when_more_waits_than_may_batches_are_sent_back(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-pressure: memory is bounded, and a worker is read on, so that its heartbeats and results come through."""
    monkeypatch.setattr(module, "MOST_WAITING", 5)
    now = time.time()
    sender = sender_of(farm)
    sender.say(*(collected((7, now - at, 1.0) for at in range(4)).batch(number) for number in range(20)))
    words = [sender.hear()[0] for _ in range(20)]
    assert words.count("saved") >= 2
    assert words.count("unsaved") >= 1
    sender.say(collected([(7, now, 1.0)]).batch(99))
    assert sender.hear() == ("saved", {"batch": 99, "refused": []})
