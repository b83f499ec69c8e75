"""What a step's function takes, judged before a step is written: a function nobody has, a parameter of the wrong type.

The rules are those of the workers (worker/functions.py), which judge again: only they know what lies on their disks.
It must not know what a job or a tree is beyond the tasks in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from brender.commands.calls import Call
from brender.commands.workers import Limit, Offset
from brender.core import frames as frames_
from brender.core.farm import Farm
from brender.core.orders import StepSpec
from brender.core.rows import Step, Worker
from brender.core.rules import presets
from brender.core.rules.tree import TASKS, WORKFLOWS, children
from brender.errors import BrenderError, NotFound, nearest
from brender.worker.functions import RESERVED, Catalogue, Parameter, Template
from brender.worker.picture_functions import PARAMS, picture_templates

TAKES: Final = "takes"  # in what a worker tells of itself: the typed parameters of its functions, by name
_PROGRAM: Final = "program"  # the name of one does not matter here
_OWN: Final = Catalogue(templates=picture_templates([_PROGRAM], {}), blender=True, openjd=(_PROGRAM,))


def listing(call: Call, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """List the functions that steps may name, with the workers that offer them and what they take."""
    offers: dict[str, list[Worker]] = {}
    for worker in call.farm.workers.values():
        for name in worker.functions:
            offers.setdefault(name, []).append(worker)
    names = sorted(offers)[offset : offset + limit]
    rows = [_line(call.farm, name, offers[name]) for name in names]
    return {"functions": rows, "total": len(offers), "offset": offset}


def _line(farm: Farm, name: str, workers: list[Worker]) -> dict[str, Any]:
    taken = next(iter(_schemas(farm, name)), None) or PARAMS.get(name, {})
    return {
        "name": name,
        "workers": [worker.name for worker in workers],
        "online": sum(worker.presence == "online" for worker in workers),
        "params": {key: parameter.type for key, parameter in taken.items()},
    }


def check_tree(farm: Farm, tree: Mapping[str, Any]) -> None:
    """Every task of spad's tree, the project object itself. Raises what check raises; odd shapes are for the rules."""
    for workflow in children(dict(tree), "project", WORKFLOWS):
        for task in children(workflow, "workflow", TASKS):
            check(farm, task)


def check_change(farm: Farm, step: Step, values: Mapping[str, Any]) -> None:
    """What a step would be with these values, where they touch its function."""
    if values.keys() & {"function", "params", "frames"}:
        now = {"name": step.name, "function": step.function, "params": step.params, "frames": step.frames}
        check(farm, {**now, **values})


def check(farm: Farm, task: Mapping[str, Any]) -> None:
    """One step as it is to be. Raises NotFound for a function that no worker has, InvalidParams naming the parameter.

    Before the first worker has told what it offers nobody knows, and every name passes.
    """
    name, params = task.get("function"), task.get("params") or []
    if not isinstance(name, str) or not name or not isinstance(params, list | dict):
        return  # the rules of a step say what is wrong with that
    frames = str(task.get("frames") or "")
    if frames:
        frames_.parse(frames)
    spec = StepSpec(0, 0, str(task.get("name")), "", name, presets.expanded(farm, name, params), frames, 1)
    if name in RESERVED:
        _OWN.resolve(spec, 0)
        return
    offered = any(name in worker.functions for worker in farm.workers.values())
    if not offered and name not in PARAMS:
        _refuse_unknown(farm, name)
    elif not offered:
        _OWN.resolve(spec, 0)
    else:
        _judge(spec, list(_schemas(farm, name)))


def _judge(spec: StepSpec, schemas: list[dict[str, Parameter] | None]) -> None:
    """It is well formed when one of the workers that offer it would take it; else the first one's refusal is raised."""
    refusals = []
    for taken in schemas:
        if taken is None:
            return
        try:
            Catalogue(templates={spec.function: Template([_PROGRAM], taken)}).resolve(spec, 0)
            return
        except BrenderError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


def _schemas(farm: Farm, name: str) -> Iterator[dict[str, Parameter] | None]:
    """What the workers that offer it say that it takes, each different answer once; None: one does not say."""
    seen: list[Any] = []
    for worker in farm.workers.values():
        if name not in worker.functions:
            continue
        told = worker.facts.get(TAKES)
        found = told.get(name) if isinstance(told, dict) else None
        if found in seen:
            continue
        seen.append(found)
        try:
            yield None if found is None else msgspec.convert(found, dict[str, Parameter])
        except msgspec.ValidationError:
            yield None


def _refuse_unknown(farm: Farm, name: str) -> None:
    known = {function for worker in farm.workers.values() for function in worker.functions}
    if known:
        raise NotFound(
            f"step function: no worker of the farm has {name!r}.",
            hint=nearest(name, sorted(known | set(PARAMS)))
            or "function list shows what there is. A new one goes into a worker's --functions folder: restart it.",
        )
