"""How readings are sent: a batch a second, few at a time, the newest first, again until the master has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brender.daemon import readings as module
from brender.daemon.readings import Readings
from brender.daemon.spool import Limits, Spool
from brender.wire.packed import FrameReader, Message, frame
from brender.wire.readings import METHOD, Batch, columns_of

START = 1_790_000_000.0


class Machine:
    """A sender with a clock that the test moves; `sent` are the batches that nobody looked at yet."""

    def __init__(self, folder: Path, chance: float = 0.0, **limits: int) -> None:
        self.now = 100.0
        self.said: list[str] = []
        self.sent: list[Batch] = []
        spool = Spool(folder, Limits(**limits), self.said.append)
        self.readings = Readings(spool, self._post, self.said.append, lambda: chance, lambda: self.now)
        self._reader = FrameReader()

    def _post(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            assert message.method == METHOD
            self.sent.append(message.params_as(Batch))

    def second(self, count: int = 1) -> None:
        """So many seconds, with a sample each."""
        for _ in range(count):
            self.readings.spool.put(1, START + self.now, self.now)
            self.now += 1.0
            self.readings.step()

    def hear(self, method: str, **params: Any) -> bool:
        (message,) = FrameReader().feed(frame([{"method": method, "params": params}]))
        heard = self.readings.hear(message)
        self.readings.step()
        return heard

    def values(self) -> list[float]:
        """What was sent since the last look, by its value."""
        found = [columns_of(batch).values[0] for batch in self.sent]
        self.sent.clear()
        return found

    def saves_all(self) -> list[float]:
        """The master acknowledges whatever comes, until nothing more comes; the values in the order they came."""
        found: list[float] = []
        while self.sent:
            batch = self.sent.pop(0)
            found += columns_of(batch).values
            self.hear("saved", batch=batch.batch)
        return found


def test_a_second_is_a_batch_and_goes_at_once(tmp_path: Path) -> None:
    """CL-41."""
    machine = Machine(tmp_path)
    machine.readings.welcomed()
    for second in range(5):
        machine.second()
        assert machine.saves_all() == [100.0 + second]
    assert machine.readings.spool.pending == {}


def test_nothing_is_sent_while_there_is_no_master(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.second(3)
    assert machine.sent == []
    machine.readings.welcomed()
    machine.second()
    machine.readings.cut()
    sent = machine.values()
    machine.second(2)
    assert machine.sent == []
    machine.readings.welcomed()
    machine.second()
    assert set(sent) <= set(machine.saves_all()) | {103.0}
    assert machine.readings.spool.pending == {}


def test_the_newest_goes_first_and_the_old_ones_fill_in(tmp_path: Path) -> None:
    """A farm wants to know what is now; a backlog may take its time, and never the last place."""
    machine = Machine(tmp_path)
    machine.second(20)
    machine.readings.welcomed()
    machine.second()
    assert machine.values() == [120.0, 100.0, 101.0]
    machine.second()
    assert machine.values() == [121.0]
    machine.second()
    assert machine.values() == []  # four are on their way


def test_old_batches_wait_a_random_while_after_a_reconnect(tmp_path: Path) -> None:
    """RM-50: a thousand workers do not come with their backlogs at once."""
    machine = Machine(tmp_path, chance=0.99)
    machine.second(10)
    machine.readings.welcomed()
    machine.second(4)
    assert machine.saves_all() == [110.0, 111.0, 112.0, 113.0]
    machine.second(2)
    assert sorted(machine.saves_all()) == [float(value) for value in (*range(100, 110), 114, 115)]


def test_what_could_not_be_stored_is_sent_again_when_the_master_says(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.readings.welcomed()
    machine.second()
    (batch,) = machine.sent
    machine.sent.clear()
    machine.hear("unsaved", batch=batch.batch, reason="the disk is full", after=5.0)
    machine.second(4)
    assert machine.sent == []
    machine.second(2)
    assert sorted(machine.saves_all()) == [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0]


def test_an_answer_that_never_comes_is_waited_for_a_minute(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.readings.welcomed()
    machine.second()
    assert machine.values() == [100.0]
    machine.now += module.PATIENCE + 1
    machine.readings.step()
    assert machine.values() == [100.0]


def test_refusals_are_told_once_each(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.readings.welcomed()
    for _ in range(3):
        machine.second()
        machine.hear("saved", batch=machine.sent.pop().batch, refused=[[1, "there is no such channel", 1]])
    assert machine.said == ["the master refuses readings of channel 1 (1 so far): there is no such channel"]
    assert machine.readings.spool.pending == {}


def test_other_words_are_for_others(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.readings.hear(Message(method="log.more")) is False
