"""The requests of February 2013: dataTables rows for the PHP pages, and the handshake of the old clients (FIELD 6.1).

wire/legacy.py knows the shapes of the lines; here is only what stands in the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Struct

from brender.commands.calls import Call
from brender.commands.kinds import Arg
from brender.commands.states import frames_in
from brender.core import events
from brender.core.farm import Farm
from brender.core.lifecycle import ADMIN_STATES, summary
from brender.core.rows import Worker
from brender.errors import InvalidParams, Unsupported

ITEMS = ("client", "project", "sequence", "shot", "job", "brender_server")
Item = Annotated[str, Arg(text="client, project, sequence, shot, job or brender_server")]
Fields = Annotated[dict[str, Any] | None, Arg(text="an object")]


def read(
    call: Call, *, item: Item, action: str = "read", filters: Fields = None, values: Fields = None
) -> list[dict[str, Any]]:
    """Read all rows of an item in the shape of 2013's dataTables."""
    rows = _ROWS.get(item)
    if rows is not None:
        return rows(call.farm)
    if item in ITEMS:
        return []
    raise InvalidParams(f"There is no item {item!r}.", hint=f"One of {', '.join(ITEMS)}.")


def _clients(farm: Farm) -> list[dict[str, Any]]:
    return [
        {
            "DT_RowId": f"client_{worker.id}",
            "DT_RowClass": _link(worker),
            "0": worker.hostname,
            "1": worker.admin_state,
            "2": _link(worker),
        }
        for worker in farm.workers.values()
    ]


def _link(worker: Worker) -> str:
    return "online" if worker.presence == "online" else "offline"


def _projects(farm: Farm) -> list[dict[str, Any]]:
    return [
        {
            "DT_RowId": project.id,
            "DT_RowClass": int(project.state == "active"),
            "0": project.name,
            "1": project.description,
            "2": int(project.state == "active"),
        }
        for project in farm.projects.values()
    ]


def _shots(farm: Farm) -> list[dict[str, Any]]:
    """Jobs stand where shots stood, and their projects where sequences did."""
    return [
        {"0": farm.projects[job.project_id].name, "1": job.name, "2": "", "3": job.state, "4": "", "5": ""}
        for job in farm.jobs.values()
    ]


def _jobs(farm: Farm) -> list[dict[str, Any]]:
    """Steps stand where jobs stood: they have the frames."""
    rows = []
    for step in farm.steps.values():
        job = farm.jobs[step.job_id]
        parts = frames_in(step)
        first, last = (parts[0], parts[-1]) if parts is not None else (0, 0)
        state = summary(farm.tasks[step.id].counts)
        rows.append({"0": job.name, "1": first, "2": last, "3": step.function, "4": state, "5": job.submitter})
    return rows


_ROWS = {"client": _clients, "project": _projects, "shot": _shots, "job": _jobs}
_FIELDS: dict[str, Callable[[Worker], Any]] = {
    "id": lambda worker: worker.id,
    "hostname": lambda worker: worker.hostname,
    "mac_address": lambda worker: worker.mac,
    "status": lambda worker: worker.admin_state,
    "is_online": lambda worker: _link(worker),
}


def update(
    call: Call, *, item: Item, action: str = "update", filters: Fields = None, values: Fields = None
) -> events.Event:
    """Enable or disable clients as 2013's pages did. One filter; without one, the enabled clients are meant."""
    state = (values or {}).get("status")
    if item != "client" or list(values or {}) != ["status"] or state not in ADMIN_STATES:
        raise Unsupported(
            "Can't perform this action via JSON: 2013's update sets the status of clients to enabled or disabled.",
            hint="Use JSON-RPC for everything else: call rpc.discover.",
        )
    wanted = filters or {"status": "enabled"}
    for name in wanted:
        if name not in _FIELDS:
            raise InvalidParams(f"Clients have no filter {name!r}.", hint=f"One of {', '.join(_FIELDS)}.")
    chosen = [worker.id for worker in call.farm.workers.values() if _matches(worker, wanted)]
    return events.SetAdmin(chosen, state, call.who.name)


def _matches(worker: Worker, filters: dict[str, Any]) -> bool:
    return all(str(_FIELDS[name](worker)) == str(wanted) for name, wanted in filters.items())


def refuse(call: Call, *, item: Item, action: str = "", filters: Fields = None, values: Fields = None) -> events.Event:
    """Refused, as in 2013: creating and deleting were never written for these requests."""
    raise Unsupported("Can't perform this action via JSON.", hint="Use JSON-RPC: call rpc.discover.")


class Greeting(Struct):
    """What an old client says of itself."""

    mac: str
    hostname: str = ""


class Word(Struct):
    """One of ready, busy, finished, warning, chunk_finished, job_finished, quit."""

    word: str


def hello(session: int, greeting: Greeting) -> events.Event:
    """An old client is there: it is listed, and online while connected (BR-30)."""
    return events.LegacyHello(session, greeting.mac, greeting.hostname)


def word(session: int, said: Word) -> events.Event:
    """An old client speaks: it is alive, has a warning, or leaves."""
    if said.word == "quit":
        return events.Disconnected(session, bye=True)
    return events.Heartbeat(session, "the client says: warning" if said.word == "warning" else "")
