"""Any managers, any channels, anything in any order: counts are true, placement is even, and all that can log logs."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from brender.core import events as ev
from brender.core.rules import census
from brender.errors import BrenderError
from core.builders import Stage

from .managers import Managers

which = st.integers(0, 3)
few = st.integers(0, 30)


class HostingMachine(RuleBasedStateMachine):
    """The stage checks every promise of the farm after each turn."""

    @initialize(count=st.integers(1, 4), portion=st.sampled_from([2, 250]))
    def begin(self, count: int, portion: int) -> None:
        census.A_TURN = portion  # in one turn, so that a move takes several
        self.stage = Stage()
        self.managers = Managers(self.stage)
        self.number = 0
        for at in range(count):
            self.managers.hello(f"m{at}", boot="0")

    def _of(self, at: int) -> int:
        ids = sorted(self.managers.hosts)
        return ids[at % len(ids)]

    def _channel(self, at: int) -> int:
        ids = sorted(self.stage.farm.channels) or [404]
        return ids[at % len(ids)]

    def _online(self, worker: int) -> bool:
        return self.stage.farm.loads[worker].session is not None

    def _tell(self, event: ev.Event) -> None:
        answer = self.stage.turn(event).answers[0]
        assert not isinstance(answer, BrenderError) or answer.code != -32603, answer
        self.managers.play()

    @rule(count=st.integers(1, 7), pinned=st.booleans(), at=which)
    def add(self, count: int, pinned: bool, at: int) -> None:
        more = {"manager_id": self._of(at)} if pinned else {}
        names = [f"c{self.number + n}" for n in range(count)]
        self.number += count
        self._tell(ev.AddChannels([{"name": name, "type": "easy", **more} for name in names]))

    @rule(at=few)
    def delete(self, at: int) -> None:
        self._tell(ev.Delete("channel", [self._channel(at)]))

    @rule(at=few, act=st.sampled_from(["start", "stop", "restart"]))
    def switch(self, at: int, act: str) -> None:
        self._tell(ev.SwitchChannels([self._channel(at)], act))

    @rule(at=few, period=st.integers(1, 3))
    def alter(self, at: int, period: int) -> None:
        self._tell(ev.Update("channel", [self._channel(at)], {"params": {"period": period}}))

    @rule(at=few, to=which, anybody=st.booleans())
    def move(self, at: int, to: int, anybody: bool) -> None:
        self._tell(ev.MoveChannels([self._channel(at)], 0 if anybody else self._of(to)))

    @rule(at=which, state=st.sampled_from(["enabled", "disabled"]))
    def admin(self, at: int, state: str) -> None:
        self._tell(ev.SetAdmin([self._of(at)], state))

    @rule(at=which, groups=st.sampled_from([["a"], ["a", "b"], ["b", "c"]]))
    def group(self, at: int, groups: list[str]) -> None:
        self._tell(ev.SetGroups(self._of(at), groups))

    @rule(at=which)
    def die(self, at: int) -> None:
        worker = self._of(at)
        if self._online(worker):
            self.managers.dies(worker)
            self.managers.play()

    @rule(at=which)
    def cut(self, at: int) -> None:
        """The connection ends, the daemon goes on."""
        worker = self._of(at)
        if self._online(worker):
            self.stage.do(ev.Disconnected(self.stage.session(worker)))
            self.stage.inbox.pop(worker, None)
            self.managers.play()

    @rule(at=which)
    def back(self, at: int) -> None:
        worker = self._of(at)
        if not self._online(worker):
            self.managers.hello(self.stage.farm.workers[worker].name)

    @rule(at=few, state=st.sampled_from(["logging", "stale", "error"]))
    def say(self, at: int, state: str) -> None:
        channel = self.stage.farm.channels.get(self._channel(at))
        if channel is not None and channel.manager_id and self._online(channel.manager_id):
            self._tell(ev.ChannelStates(self.stage.session(channel.manager_id), [(channel.id, state, "so")]))

    @rule()
    def restart(self) -> None:
        """Of the master: every connection is gone."""
        self.stage.do(ev.Boot())
        self.stage.inbox.clear()

    @rule(silent=st.booleans(), at=which)
    def census(self, silent: bool, at: int) -> None:
        """Somebody does not answer it."""
        (self.managers.silent.add if silent else self.managers.silent.discard)(self._of(at))

    @rule(seconds=st.sampled_from([0.5, 1.0, 70.0]))
    def time(self, seconds: float) -> None:
        self.stage.now += seconds
        self._tell(ev.PlaceChannels())

    @invariant()
    def what_an_online_manager_hosts_is_what_the_farm_counts(self) -> None:
        """CL-30, CL-49: nobody hosts what was deleted, moved or stopped."""
        if hasattr(self, "stage"):
            for worker, mine in self.managers.hosts.items():
                if self._online(worker):
                    assert set(mine) == self.stage.farm.hosting.of.get(worker, set())

    def teardown(self) -> None:
        """Liveness: when all are back, all that is to run logs, and new ones even the counts out."""
        if not hasattr(self, "stage"):
            return
        self.managers.play()
        self.managers.silent.clear()
        for at in range(len(self.managers.hosts)):
            self.back(at)
        self._tell(ev.SetAdmin(list(self.managers.hosts), "enabled"))
        self.time(70.0)
        self._tell(ev.SwitchChannels(list(self.stage.farm.channels), "restart"))
        assert {one.state for one in self.stage.farm.channels.values()} <= {"logging"}
        for _ in range(max(self.managers.counts()) * len(self.managers.hosts) + 1):
            self.add(1, False, 0)
        assert max(self.managers.counts()) - min(self.managers.counts()) <= 1
        self.add(7, False, 0)
        census.A_TURN = 250
        assert max(self.managers.counts()) - min(self.managers.counts()) <= 1


HostingMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestHostingMachine = HostingMachine.TestCase
