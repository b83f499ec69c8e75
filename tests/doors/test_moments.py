"""What changes too often for the feed, heard by a program at the door; and the mirror that it begins with."""

from __future__ import annotations

import base64

from .peers import Farm, Json


def test_the_states_of_tasks_come_to_who_names_the_topic_and_make_the_grid(doors: Farm) -> None:
    """Issue 6: the frame grid is a byte a task, and what comes after it."""
    watcher, doer = doors.json(), doors.json()
    doer.call("job.create", name="gridded", function="noop", frames="1-300")
    step = doer.call("step.list", job="gridded")["steps"][0]["id"]
    assert watcher.call("farm.subscribe", topics=["task.states", "job.ended"])["resumed"]
    begin = watcher.call("task.grid", step="gridded")
    states = bytearray(base64.b64decode(begin["states"]))
    assert set(states) == {0}
    doer.call("job.run", job="gridded")
    anew = False
    while states.count(7) < 300:
        event = watcher.event("task.states")
        assert event["data"]["step"] == step
        anew = anew or event["data"].get("anew", False)
        if event["data"].get("anew"):
            states = bytearray(base64.b64decode(watcher.call("task.grid", step=step)["states"]))
        for index, state, tenths in event["data"]["changes"]:
            states[index] = state
            assert (tenths > 0) == (state == 7)
    assert anew  # the run made all of them new at once
    assert bytes(states) == base64.b64decode(doer.call("task.grid", step=step)["states"])


def test_a_star_leaves_out_what_changes_all_the_time(doors: Farm) -> None:
    watcher, doer = doors.json(), doors.json()
    watcher.call("farm.subscribe", topics=["*"])
    doer.call("job.create", name="starred", function="noop", frames="1-20", run=True)
    seen = []
    while "job.ended" not in seen:
        seen.append(watcher.event()["topic"])
    watcher.call("session.test")
    seen += [event["topic"] for event in watcher.events]
    assert not {"task.states", "worker.load", "job.progress", "channel.values"} & set(seen)


def test_loads_and_progress_are_told_as_they_are(doors: Farm) -> None:
    watcher, doer = doors.json(), doors.json()
    watcher.call("farm.subscribe", topics=["worker.load", "job.progress"])
    doer.call("job.create", name="counted", function="noop", frames="1-40", run=True)
    job = doer.call("job.show", job="counted")["id"]
    done, load = 0, {"activity": "unknown", "used": -1}
    while done < 40 or load["used"] or load["activity"] != "idle":
        event = watcher.event()
        done = max([done, *(row["progress"]["done"] for row in event["data"].get("jobs", []) if row["id"] == job)])
        load = {"load": load, **event["data"]}.get("workers", [load])[0]
    assert load["jobs"] == []


def test_what_channels_measure_is_told_as_it_is_and_no_sample_twice(doors: Farm) -> None:
    """Issue 6 item 5: plots go on without asking."""
    watcher, doer = doors.json(), doors.json()
    made = doer.call("channel.add", names=["told", "untold"], values={"type": "simple"})["channels"]
    watcher.call("farm.subscribe", topics=["channel.values"])
    doer.call("reading.put", source="told", key="-", value=3.5)
    doer.call("reading.put", source="told", key="-", value="x" * 300)
    found = []
    while not found or found[-1][2] == 3.5:
        found += [one for one in watcher.event("channel.values")["data"]["values"] if one[0] == made[0]["id"]]
    assert [at for _, at, _ in found] == sorted({at for _, at, _ in found})
    assert {value for _, _, value in found} <= {3.5, "x" * 200}
    watcher.call("farm.unsubscribe", topics=["channel.values"])
    doer.call("channel.delete", channels=["told", "untold"])


def test_a_session_hears_the_values_of_the_channels_that_it_chose(doors: Farm) -> None:
    """Issue 6: who shows three plots pays for three of ten thousand channels."""
    some, everything, doer = doors.json(), doors.json(), doors.json()
    made = doer.call("channel.add", names=["wanted", "other", "later"], values={"type": "simple"})["channels"]
    wanted, other, later = (one["id"] for one in made)
    everything.call("farm.subscribe", topics=["channel.values"])
    assert some.call("farm.subscribe", topics=["channel.values"], channels=[wanted])["channels"] == [wanted]

    def told(who: Json, until: int) -> set[int]:
        """The channels of the events up to the first that tells of this one."""
        found: set[int] = set()
        while until not in found:
            found |= {one[0] for one in who.event("channel.values")["data"]["values"]}
        return found & {wanted, other, later}

    for name in ("other", "later", "wanted"):
        doer.call("reading.put", source=name, key="-", value=1.0)
    assert told(some, wanted) == {wanted}
    assert told(everything, wanted) == {wanted, other, later}
    some.call("farm.subscribe", topics=["channel.values", "job.*"], channels=[later])  # in place of the first
    some.call("farm.subscribe", topics=["worker.*"])  # of another topic: nothing else happens
    for name in ("wanted", "later"):
        doer.call("reading.put", source=name, key="-", value=2.0)
    assert told(some, later) == {later}
    assert "channels" not in some.call("farm.subscribe", topics=["channel.values"])
    doer.call("reading.put", source="other", key="-", value=3.0)
    assert told(some, other) == {other}
    doer.call("channel.delete", channels=["wanted", "other", "later"])


def test_an_event_of_a_row_says_what_can_be_done_with_it(doors: Farm) -> None:
    watcher, doer = doors.json(), doors.json()
    watcher.call("farm.subscribe", topics=["worker.changed"])
    doer.call("worker.disable", workers=["render-01"])
    assert "worker.enable" in watcher.event("worker.changed")["data"]["can"]
    doer.call("worker.enable", workers=["render-01"])
    assert "worker.disable" in watcher.event("worker.changed")["data"]["can"]


def test_an_event_of_a_channel_says_what_its_numbers_are_called(doors: Farm) -> None:
    """The names that its row in a mirror has, so that a page need not ask."""
    watcher, doer = doors.json(), doors.json()
    doer.call("device.add", name="tank", values={"driver": "http", "config": {"url": "http://127.0.0.1:9/"}})
    doer.call("key.add", name="seconds", values={"unit": "s"})
    watcher.call("farm.subscribe", topics=["channel.changed"])
    doer.call("channel.add", names=["tank.seconds"], values={"type": "simple"})
    told = watcher.event("channel.changed")["data"]
    row = {one["name"]: one for one in doer.call("farm.mirror")["channels"]}["tank.seconds"]
    assert {told[name] for name in ("device", "key", "unit")} == {"tank", "seconds", "s"}
    assert told.keys() <= row.keys()
    assert row.keys() - told.keys() == {"value", "at", "age"}
    doer.call("channel.delete", channels="tank.seconds")


def test_events_after_the_number_of_a_mirror_keep_it_current(doors: Farm) -> None:
    """No change is missed between the answer and the subscription."""
    page, doer = doors.json(), doors.json()
    mirror = page.call("farm.mirror")
    doer.call("project.add", name="between")
    assert page.call("farm.subscribe", topics=["*"], since=mirror["seq"])["resumed"]
    assert page.event("project.changed")["data"]["name"] == "between"
