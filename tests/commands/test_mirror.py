"""What a page is told when it opens, and the grid of a step."""

from __future__ import annotations

import base64
import shlex
from array import array
from typing import Any

from core.builders import Stage, add_channel
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import json

from brender.commands import COMMANDS, told
from brender.core import events as ev
from brender.core.lifecycle import TaskState
from brender.core.rules.rows import row_of
from brender.errors import BrenderError

from .world import call, stage


def ask(stage: Stage, method: str, role: str = "admin", **params: Any) -> Any:
    row, read = COMMANDS.read(method, params)
    return COMMANDS.run(call(stage, role=role), row, read)


def test_a_mirror_has_every_noun_with_what_may_be_done_with_each_row() -> None:
    found = ask(stage(), "farm.mirror")
    assert [row["name"] for row in found["jobs"]] == ["shot", "effects", "shot"]  # the newest first
    assert {row["name"]: row["presence"] for row in found["workers"]}["weaver"] == "lost"
    for noun in ("workers", "projects", "jobs"):
        assert all(row["can"] for row in found[noun]), noun
    assert found["totals"]["job"] == 3
    assert found["status"]["workers"]["known"] == 3
    assert json.decode(json.encode(found)) == found


def test_a_viewer_is_offered_nothing_that_changes() -> None:
    found = ask(stage(), "farm.mirror", role="viewer")
    assert [row["can"] for row in (*found["jobs"], *found["workers"]) if row["can"]] == []
    assert "worker.enable" not in found["may"]
    assert "worker.list" in found["may"]


def test_the_rows_of_a_mirror_have_the_names_that_their_events_have() -> None:
    """A page lays `job.changed` over its row."""
    farm = stage()
    found = ask(farm, "farm.mirror")
    job, worker = found["jobs"][0], found["workers"][0]
    assert row_of(farm.farm.jobs[job["id"]]).items() <= job.items()
    told = row_of(farm.farm.workers[worker["id"]])
    assert {name: value for name, value in told.items() if name in worker}.items() <= worker.items()
    assert {"id", "name", "admin_state", "presence", "slots", "tags", "warning", "version"} <= worker.keys()


def test_a_mirror_is_bounded_and_says_how_much_there_is() -> None:
    found = ask(stage(), "farm.mirror", limit=1)
    assert [len(found[noun]) for noun in ("workers", "jobs", "projects")] == [1, 1, 1]
    assert found["totals"]["worker"] == 3


def test_a_grid_has_a_byte_of_state_and_the_tenths_of_each_success() -> None:
    farm = Stage()
    worker = farm.worker(slots=1)
    job = farm.job({"frames": "1-4"})
    attempt = farm.live(worker)[0]
    farm.start(worker, attempt)
    farm.now += 2.34
    farm.end(worker, attempt, seconds=2.34)
    found = ask(farm, "task.grid", step=f"{job.name}/s1")
    states = base64.b64decode(found["states"])
    assert len(states) == found["tasks"] == 4
    assert states[0] == TaskState.SUCCESS
    assert found["labels"][states[0]] == "success0"
    seconds = array("H", base64.b64decode(found["seconds"]))
    assert list(seconds) == [23, 0, 0, 0]


def test_what_a_success_took_is_forgotten_when_it_is_made_again() -> None:
    farm = Stage()
    worker = farm.worker(slots=1)
    job = farm.job({"frames": "1-2"})
    for _ in range(2):
        attempt = farm.live(worker)[0]
        farm.start(worker, attempt)
        farm.now += 1
        farm.end(worker, attempt, seconds=1)
    tasks = farm.farm.tasks[farm.step(job).id]
    assert [tasks.took(0), tasks.took(1)] == [10, 10]
    farm.do(ev.RetryTasks(farm.step(job).id, [0], "anna", True))
    assert [tasks.took(0), tasks.took(1)] == [0, 10]


def test_a_turn_tells_which_tasks_moved_and_who_is_busy() -> None:
    farm = Stage()
    worker = farm.worker(slots=1)
    job = farm.job({"frames": "1-3"})
    step = farm.step(job).id
    attempt = farm.live(worker)[0]
    turn = farm.turn(ev.Started(farm.session(worker), [(attempt.id, 77)]))
    assert turn.moved[step] == {attempt.task}
    assert turn.busy == {worker}
    assert farm.turn(ev.Tick()).moved == {}
    assert farm.turn(ev.StopJob(job.id)).moved[step] is None or farm.live(worker)


WATCHED = ("schedule", "alarm_rule", "alarm", "delivery")
PLURAL = {"delivery": "deliveries"}
OVER = {"alarm": "resolved", "delivery": "sent"}  # web/farm.js
ANEW = ("schedule.started", "schedule.stopped")  # web/feed.js
HAPPENS = (
    "schedule repeat-every 5m name=often job run shot", "schedule cron '0 8 * * *' tz=Europe/Madrid disable render-01",
    "schedule once-after 30s log info farm done", "schedule pause 1", "schedule resume 1", "schedule remove 1",
    "schedule run-now 1", "schedule stop", "schedule start", "worker calendar render-01 'Mon-Fri 20:00-08:00'",
    "worker calendar render-01 none", "alarm rule add hot condition=above threshold=85", "alarm rule set hot name=warm",
    "alarm rule set warm name=hot", "alarm rule set hot enabled=false", "alarm rule delete hot",
    "alarm ack all", "alarm skip all for=10s", "alarm skip all", "log alert render water", "log info render news",
    "log flush", "delivery retry all", "worker set render-01 name=renamed", "hot", "cold", "take", "sent", "failed",
    "given up", "lost", "second", "minutes",
)  # fmt: skip


class Page(Stage):
    """A farm with a page before it, which does with events what web/feed.js does."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, dict[str, Any]]] = {}
        super().__init__()

    def turn(self, *events: ev.Event) -> Any:
        turn = super().turn(*events)
        told.tell(COMMANDS, self.farm, turn.notices)
        for topic, data in turn.notices:
            noun, _, verb = topic.partition(".")
            if topic in ANEW:
                self.load()
            elif noun in self.rows and verb == "changed":
                self.rows[noun].pop(data["id"]) if data.get("state") == OVER.get(noun, "") else self.put(noun, data)
            elif noun in self.rows and verb == "deleted":
                self.rows[noun].pop(data["id"], None)
        return turn

    def put(self, noun: str, row: dict[str, Any]) -> None:
        self.rows[noun][row["id"]] = self.rows[noun].get(row["id"], {}) | row

    def load(self) -> None:
        found = ask(self, "farm.mirror")
        self.rows = {noun: {row["id"]: row for row in found[PLURAL.get(noun, f"{noun}s")]} for noun in WATCHED}

    def shown(self) -> dict[str, Any]:
        """What is on the page: names of rules and machines, and whose a calendar is, it takes from their own rows."""
        rules, names = self.rows["alarm_rule"], {row.id: row.name for row in self.farm.workers.values()}
        found: dict[str, Any] = {noun: dict(rows) for noun, rows in self.rows.items()}
        for number, row in found["alarm"].items():
            rule, worker = rules[row["rule_id"]]["name"], names.get(row["worker_id"], row["worker"])
            found["alarm"][number] = row | {"rule": rule, "worker": worker}
        for number, row in found["schedule"].items():
            if row["kind"] == "calendar":
                found["schedule"][number] = row | {"command": [names.get(one) for one in row["params"]["workers"]]}
        return found


def happen(page: Page, words: str) -> None:
    """One thing; what is refused changes nothing."""
    letter = next(iter(page.farm.deliveries), 0)
    match words:
        case "hot" | "cold":
            page.turn(ev.Readings([(1, page.now, 90.0 if words == "hot" else 20.0)]))
        case "take":
            page.turn(ev.TakeDelivery("here"))
        case "sent":
            page.turn(ev.DeliverySent(letter, ["anna@example.org"], {}))
        case "failed" | "given up":
            page.turn(ev.DeliveryFailed(letter, "nobody answers", [], {}, words == "given up"))
        case "lost":
            session = page.farm.loads[page.farm.worker_keys["brender_000000000002"]].session
            page.turn(*([ev.Disconnected(session)] if session is not None else []))
        case "second" | "minutes":
            page.wait(1.0 if words == "second" else 150.0, 1.0 if words == "second" else 15.0)
        case _:
            page.turn(*events_of(page, words))


def events_of(page: Page, line: str) -> list[ev.Event]:
    try:
        row, params = COMMANDS.resolve(shlex.split(line))
        found = COMMANDS.run(call(page), row, params)
    except BrenderError:
        return []
    return [found] if isinstance(found, ev.Event) else []


@given(st.lists(st.sampled_from(HAPPENS), min_size=4, max_size=25))
@example(["log alert render water", "take", "minutes"])
@example(["schedule once-after 30s log info farm done", "schedule stop", "schedule start", "schedule remove 1"])
@example(["alarm rule add hot condition=above threshold=85", "hot", "alarm ack all", "alarm rule delete hot"])
@example(["alarm rule add hot condition=above threshold=85", "hot", "lost", "second", "cold"])
def test_a_page_that_only_hears_events_has_what_a_fresh_one_has(acts: list[str]) -> None:
    """Issue 6: live and without polling. For schedules, alarms, their rules and letters, `can` and names included."""
    page = Page()
    page.worker("render-01")
    page.worker("render-02")
    page.job({}, name="shot", run=False)
    add_channel(page, "render-02.temperature")
    page.load()
    for words in acts:
        happen(page, words)
    heard = page.shown()
    page.load()
    assert heard == page.shown()


def test_whatever_goes_is_told_once_and_the_steps_of_a_job_with_it() -> None:
    farm = Stage()
    worker = farm.worker("render-01")
    job = farm.job({}, {}, name="shot", run=False)
    for line in ("limit add nuke 4", "preset add mine samples=8", "schedule once-after 9h name=x enable all"):
        row, params = COMMANDS.resolve(line.split())
        farm.do(COMMANDS.run(call(farm), row, params))
    farm.do(ev.Disconnected(farm.session(worker)))
    gone = []
    for noun, row_id in (("job", job.id), ("limit", 1), ("preset", 1), ("schedule", 1), ("worker", worker)):
        turn = farm.turn(ev.Delete(noun, [row_id], "anna"))
        gone += [(topic, data) for topic, data in turn.notices if topic.endswith(".deleted")]
    assert gone == [
        ("job.deleted", {"id": 1, "name": "shot"}),
        ("limit.deleted", {"id": 1, "name": "nuke"}),
        ("preset.deleted", {"id": 1, "name": "mine"}),
        ("schedule.deleted", {"id": 1, "name": "x"}),
        ("worker.deleted", {"id": 1, "name": "render-01"}),
        ("alarm.deleted", {"id": 1, "name": ""}),  # that it was lost
    ]
    assert farm.turn(ev.Tick()).notices == []


def test_what_is_refused_is_not_told_as_gone() -> None:
    farm = Stage()
    farm.job({}, name="shot", run=False)
    going = farm.job({}, name="other")
    turn = farm.turn(ev.Delete("job", [1, going.id], "anna"))
    assert isinstance(turn.answers[0], BrenderError)
    assert [topic for topic, _ in turn.notices if topic.endswith(".deleted")] == []


def test_a_page_of_a_viewer_is_told_of_schedules_alarms_and_letters_and_offered_nothing() -> None:
    farm = stage()
    for line in ("schedule once-after 9h name=x enable all", "log alert render water"):
        row, params = COMMANDS.resolve(line.split())
        farm.do(COMMANDS.run(call(farm), row, params))
    found = ask(farm, "farm.mirror", role="viewer")
    assert [row["command"] for row in found["schedules"]] == ["worker enable all"]
    assert [row["logger"] for row in found["deliveries"]] == ["render"]
    assert {tuple(row["can"]) for noun in ("schedules", "alarm_rules", "deliveries") for row in found[noun]} == {()}
    assert found["halted"] is False
    assert ask(farm, "farm.mirror")["schedules"][0]["can"] == ["schedule.run_now", "schedule.pause", "schedule.remove"]


def test_a_channel_of_a_mirror_says_whose_machine_it_is_of_and_what_may_be_done_with_it() -> None:
    """A page puts what a machine measures of itself beside the machine."""
    farm = stage()
    worker = farm.farm.worker_keys["brender_000000000001"]
    farm.do(ev.Create("device", {"name": "render-01", "worker_id": worker}, "anna"))
    farm.do(ev.Create("key", {"name": "cpu", "unit": "%"}, "anna"))
    farm.do(ev.AddChannels([{"name": "render-01.cpu", "device_id": 1, "key_id": 1, "placement": "floating"}], "anna"))
    farm.do(ev.AddChannels([{"name": "made-up", "type": "easy"}], "anna"))
    farm.farm.latest[1] = (7.0, 41.5)
    own, other = ask(farm, "farm.mirror")["channels"]
    assert (own["worker_id"], own["device"], own["key"], own["unit"]) == (worker, "render-01", "cpu", "%")
    assert (own["at"], own["value"]) == (7.0, 41.5)
    assert (other["worker_id"], other["at"], other["value"]) == (0, None, None)
    assert {"channel.stop", "channel.set", "channel.move", "channel.delete"} <= set(own["can"])
    told = row_of(farm.farm.channels[1])
    assert told.items() <= own.items()


def test_a_mirror_says_which_files_a_worker_has_warm() -> None:
    farm = stage()
    worker = next(iter(farm.farm.workers))
    farm.farm.loads[worker].opens("/srv/shot.blend", 2)
    assert ask(farm, "farm.mirror")["workers"][0]["warm"] == ["/srv/shot.blend"]


def test_only_a_machine_that_is_away_can_be_woken() -> None:
    rows = {row["name"]: row["can"] for row in ask(stage(), "farm.mirror")["workers"]}
    assert {name: "worker.wake" in can for name, can in rows.items()} == {
        "render-01": False,
        "render-02": False,
        "weaver": True,
    }


def test_channels_that_a_mirror_has_no_room_for_come_in_parts_of_the_same_shape() -> None:
    farm = stage()
    farm.do(ev.AddChannels([{"name": f"c{at}", "type": "easy"} for at in range(7)], "anna"))
    whole = ask(farm, "farm.mirror")["channels"]
    assert [row["name"] for row in ask(farm, "farm.mirror", limit=3)["channels"]] == ["c0", "c1", "c2"]
    parts = [ask(farm, "channel.mirror", offset=at, limit=2) for at in (3, 5, 7)]
    assert [row for part in parts for row in part["channels"]] == whole[3:]
    assert {part["total"] for part in parts} == {7}
    assert [row["can"] for row in ask(farm, "channel.mirror", role="viewer")["channels"]] == [[]] * 7


def test_every_job_is_found_by_pages_the_newest_first() -> None:
    """Issue 6: a mirror has the newest jobs only, a search has to reach the others."""
    farm = stage()
    for number in range(20):
        farm.job({"name": "render"}, name=f"many-{number}", run=False)
    held = ask(farm, "farm.mirror")["jobs"]
    found: list[Any] = []
    more = True
    while more:
        before = {"before": found[-1]["id"]} if found else {}
        page = ask(farm, "job.mirror", limit=7, **before)
        assert (page["total"], page["of"]) == (len(held), len(held))
        found += page["jobs"]
        more = page["more"]
    assert found == held
    assert [row["can"] for row in ask(farm, "job.mirror", role="viewer")["jobs"] if row["can"]] == []


def test_jobs_are_found_by_all_their_words_and_by_how_they_are() -> None:
    farm = stage()
    names = lambda **given: [row["name"] for row in ask(farm, "job.mirror", **given)["jobs"]]  # noqa: E731
    assert names(words="ADVERT") == ["shot"]  # its project
    assert names(words="shot not run") == ["shot", "shot"]
    assert names(words="shot advert effects") == []
    assert names(which="active") == names(which="failed") == names(which="done") == []
    job = next(row.id for row in farm.farm.jobs.values() if row.name == "effects")
    farm.do(ev.RunJob(job))
    assert names(which="active") == ["effects"]
    page = ask(farm, "job.mirror", words="shot", limit=1)
    assert (page["total"], page["of"], page["more"]) == (2, 3, True)
