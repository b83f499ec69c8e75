"""An Open Job Description job as brender's own tree: steps, their tasks, what they wait for and what they need.

Pure, over plain data: submit.py has the reference library decode a template, this says what it means on a farm. What
a farm cannot keep is named in one refusal, all of it, before anything is sent. It must not know files or the library.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import yaml
from msgspec import Struct, field

from brender.core import frames as frames_
from brender.errors import Invalid

FUNCTION: Final = "openjd"
EXTENSIONS: Final = ("TASK_CHUNKING", "REDACTED_ENV_VARS", "FEATURE_BUNDLE_1", "EXPR", "WRAP_ACTIONS")
MOST_BYTES: Final = 1_000_000  # of a template, and of what one step sends to a worker
MOST_DEPTH: Final = 24
MOST_NODES: Final = 200_000  # of a document with every alias written out
LABELLED: Final = 10_000  # tasks of a step that are named by their frame and not by their place
LONGEST_LABEL: Final = 4000  # characters

# An amount of the standard -> what brender calls it, and how many of brender's units one of theirs is.
_AMOUNTS: Final = {
    "amount.worker.vcpu": ("cores", 1.0),
    "amount.worker.memory": ("memory_mb", 1.0),
    "amount.worker.gpu": ("gpus", 1.0),
    "amount.worker.gpu.memory": ("gpu_memory_mb", 1.0),
    "amount.worker.disk.scratch": ("disk_gb", 1.073741824),
}
_ARCHITECTURES: Final = {"x86_64", "arm64"}
_SHOWN_ONLY: Final = ("userInterface", "description")


class StepFacts(Struct, frozen=True):
    """A step as the library made it: `label` is its only parameter's values where that is a whole number."""

    name: str
    points: int
    after: list[str] = field(default_factory=list)
    requires: dict[str, Any] = field(default_factory=dict)
    label: Sequence[int] = ()


class Wish(Struct, frozen=True):
    """What the person, not the template, says of the job. `chunk`: points of a step that share one session."""

    name: str
    project: str = "default"
    priority: int | None = None
    retries: int | None = None
    chunk: int = 1


def check_document(text: str, what: str, as_json: bool = False) -> None:
    """Raise Invalid for a document that is too big, too deep or grows when its aliases are written out.

    What is no YAML or JSON at all passes: the reference library says so in its own words.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        raise Invalid(f"{what} has {size} bytes, over the most, {MOST_BYTES}.", hint="Keep data in files of its own.")
    depth, nodes = (_of_json if as_json else _of_yaml)(text)
    if depth > MOST_DEPTH:
        raise Invalid(f"{what} nests deeper than {MOST_DEPTH} levels.", hint="No template needs that.")
    if nodes > MOST_NODES:
        raise Invalid(f"{what} has more than {MOST_NODES} values, aliases written out.", hint="Use fewer aliases.")


def _of_json(text: str) -> tuple[int, int]:
    """Depth by brackets outside of strings; without aliases the size bounds everything else."""
    depth = deepest = 0
    inside = escaped = False
    for letter in text:
        if escaped:
            escaped = False
        elif inside:
            escaped, inside = letter == "\\", letter != '"'
        elif letter == '"':
            inside = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest, 0


def _of_yaml(text: str) -> tuple[int, int]:
    """Depth and values of a YAML text by its events: nothing is built, so nothing can grow."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    sizes: dict[str, int] = {}  # anchor -> values in it
    open_: list[tuple[str | None, int]] = []  # anchor, values before it
    nodes = deepest = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                # An alias within what it names never ends.
                endless = any(event.anchor == name for name, _ in open_)
                nodes += MOST_NODES if endless else sizes.get(str(event.anchor), 1)
            elif isinstance(event, yaml.ScalarEvent):
                nodes += 1
                sizes |= {event.anchor: 1} if event.anchor else {}
            elif isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, nodes))
                nodes += 1
                deepest = max(deepest, len(open_))
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_.pop()
                sizes |= {anchor: nodes - before} if anchor else {}
            if deepest > MOST_DEPTH or nodes > MOST_NODES:
                break
    except yaml.YAMLError:
        return 0, 0
    return deepest, nodes


def tree(
    template: dict[str, Any], parameters: Mapping[str, Any], steps: Sequence[StepFacts], wish: Wish
) -> dict[str, Any]:
    """The tree that `job create -j` takes. Raises Invalid naming everything that this farm cannot keep."""
    names = _usable([step.name for step in steps])
    faults: list[str] = []
    tags: dict[str, None] = {}
    tasks = []
    for step in steps:
        if step.points > frames_.MOST_FRAMES:
            faults.append(f"{step.name}: its parameter space has {step.points} points, over {frames_.MOST_FRAMES}")
            continue
        needs, asked, limits = _requirements(step, faults)
        tags |= dict.fromkeys(asked)
        task: dict[str, Any] = {
            "name": names[step.name],
            "place": 1,
            "exec": "parallel",
            "function": FUNCTION,
            "params": {"template": _alone(template, step.name), "step": step.name, "parameters": dict(parameters)},
            "frames": _frames(step),
            "chunk": wish.chunk,
            "after": [names[other] for other in step.after],
        }
        task |= {"needs": needs} if needs else {}
        task |= {"limits": limits} if limits else {}
        task |= {} if wish.retries is None else {"retries": wish.retries}
        _check_size(step.name, task["params"], faults)
        tasks.append(task)
    if faults:
        raise Invalid(f"This farm cannot keep: {'; '.join(faults)}.", hint="See docs/openjd.md.")
    job: dict[str, Any] = {"name": wish.name, "tasks": tasks}
    job |= {"tags": list(tags)} if tags else {}
    job |= {} if wish.priority is None else {"priority": wish.priority}
    return {"project": {"name": wish.project, "workflows": [job]}}


def _alone(template: dict[str, Any], name: str) -> dict[str, Any]:
    """The template with this step only, and nothing that only a person or a scheduler reads: a valid one again."""
    kept = {key: value for key, value in template.items() if key not in ("steps", "description")}
    if kept.get("parameterDefinitions"):
        kept["parameterDefinitions"] = [
            {key: value for key, value in one.items() if key not in _SHOWN_ONLY} for one in kept["parameterDefinitions"]
        ]
    step = next(one for one in template["steps"] if one["name"] == name)
    dropped = ("dependencies", "hostRequirements", "description")
    return {**kept, "steps": [{key: value for key, value in step.items() if key not in dropped}]}


def _check_size(name: str, params: dict[str, Any], faults: list[str]) -> None:
    try:
        size = len(json.dumps(params, allow_nan=False))
    except (TypeError, ValueError) as error:
        faults.append(f"{name}: a value in the template is no plain text or number ({error})")
        return
    if size > MOST_BYTES:
        faults.append(f"{name}: its part of the template has {size} bytes, over {MOST_BYTES}")


def _usable(names: Iterable[str]) -> dict[str, str]:
    """Names that brender takes too: no slash, no bare number, no two alike."""
    found: dict[str, str] = {}
    for name in names:
        kept = "".join("-" if letter == "/" or not letter.isprintable() else letter for letter in name).strip()
        # "sim:frame" in a step's `after` waits for sim task by task: no name of ours may look so.
        kept = kept.replace(":frame", "-frame") or "step"
        kept = f"step-{kept}" if kept.isdigit() else kept
        while kept in found.values():
            kept += "'"
        found[name] = kept
    return found


def _frames(step: StepFacts) -> str:
    """A task for each point. A single whole number, such as a frame, is what its task is called; else its place."""
    if step.points == 1 and not step.label:
        return ""
    values = list(step.label)
    if len(values) == step.points <= LABELLED and len(set(values)) == len(values):
        gap = values[1] - values[0] if len(values) > 1 else 1
        even = values == [values[0] + gap * place for place in range(len(values))]
        text = f"{values[0]}-{values[-1]}x{gap}" if even and gap != 1 and len(values) > 2 else frames_.in_words(values)
        if len(text) < LONGEST_LABEL and max(map(abs, values)) < 10**9 and list(frames_.parse(text)) == values:
            return text
    return f"0-{step.points - 1}"


def _requirements(step: StepFacts, faults: list[str]) -> tuple[dict[str, float], list[str], list[str]]:
    """Needs, tags and limits of a step. Vendors' amounts are limits of the farm, of which a task takes one."""
    needs: dict[str, float] = {}
    limits: list[str] = []
    for one in step.requires.get("amounts") or ():
        name, least = str(one["name"]).lower(), float(one.get("min") or 0)
        if name in _AMOUNTS:
            key, unit = _AMOUNTS[name]
            needs |= {key: least * unit} if least > 0 else {}
        elif name.startswith("amount.worker."):
            faults.append(f"{step.name}: {name}, which no worker tells of")
        elif least == 1:
            limits.append(name.partition("amount.")[2])
        else:
            faults.append(f"{step.name}: {least:g} of {name} (a task takes one of a limit)")
    tags: list[str] = []
    for one in step.requires.get("attributes") or ():
        tags += _tags(step.name, one, faults)
    return needs, tags, limits


def _tags(step: str, one: Mapping[str, Any], faults: list[str]) -> list[str]:
    """The tags that stand for an attribute, such as software.maya=2024; a worker has those that its owner gave it."""
    name = str(one["name"]).lower()
    every, some = [str(word) for word in one.get("allOf") or ()], [str(word) for word in one.get("anyOf") or ()]
    if name == "attr.worker.os.family":
        if set(every) - {"linux"} or (some and "linux" not in some):
            faults.append(f"{step}: {name} {', '.join(every or some)} (brender's workers run on linux)")
        return []
    if name == "attr.worker.cpu.arch" and set(some) >= _ARCHITECTURES:
        some = []
    if len(some) > 1:
        faults.append(f"{step}: any of {', '.join(some)} for {name} (tags of a job hold all together)")
        return []
    return [f"{name.partition('attr.')[2]}={word}" for word in [*every, *some]]
