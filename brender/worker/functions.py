"""What a task may run on this machine: the allow-list. The master names a function, only this list says what that is.

Every call becomes an exact argv, never a shell line; values never choose the program and never turn into options.
It must not know files: who made the list has looked at the disk already.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from brender.core import frames as frames_
from brender.core.orders import StepSpec
from brender.errors import Invalid, InvalidParams, NotFound, nearest
from brender.worker.blender import BlenderJob, named, read_params

BUILT_IN: Final = ("noop", "echo", "sleep")
RESERVED: Final = (*BUILT_IN, "blender", "openjd")
PIECE: Final = 100_000  # characters of one argument; the kernel takes 131,071 bytes
LONGEST_SLEEP: Final = 366 * 86400.0
_PLACE: Final = re.compile(r"\{(\w+)\}")
_FROM_STEP: Final = ("frame", "frames")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class Parameter(Struct, forbid_unknown_fields=True):
    """One typed parameter of a template; without a default it must be given. min and max bound numbers."""

    type: Literal["int", "float", "str", "path", "bool"] = "str"
    min: float | None = None
    max: float | None = None
    choices: list[Any] | None = None
    default: int | float | str | bool | UnsetType | None = UNSET


class Template(Struct, forbid_unknown_fields=True):
    """A function of the function file: argv with {param}, {frame} and {frames} in it. The program itself is fixed."""

    argv: list[str]
    params: dict[str, Parameter] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = ""
    description: str = ""


class Call(Struct, frozen=True):
    """What to do for one task. kind process: argv; sleep: seconds; echo: text; blender: job and frames."""

    kind: Literal["process", "blender", "sleep", "echo", "noop"]
    argv: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = ""  # empty: the slot's own folder
    seconds: float = 0.0
    text: str = ""
    job: BlenderJob | None = None
    frames: tuple[int, ...] = ()


def read_templates(given: Any) -> dict[str, Template]:
    """The decoded function file → templates by name; Invalid names the function and the rule it breaks."""
    listed = given.get("functions") or {} if isinstance(given, dict) and not set(given) - {"functions"} else None
    if not isinstance(listed, dict):
        raise Invalid("A function file holds one key, functions.", hint="functions: {name: {argv: [program, …]}}")
    found: dict[str, Template] = {}
    for name, body in listed.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
            raise Invalid(f"Function {name!r}: no usable name, or one that brender has itself.", hint="Rename it.")
        try:
            found[name] = msgspec.convert(body, Template)
        except msgspec.ValidationError as error:
            raise Invalid(f"Function {name}: {error}.", hint="See docs/functions.md.") from None
        _check_template(name, found[name])
    return found


def _check_template(name: str, template: Template) -> None:
    if not template.argv or not template.argv[0] or _PLACE.search(template.argv[0]):
        raise Invalid(f"Function {name}: the first word of argv is a fixed program.", hint="No {…} in it.")
    for word in template.argv[1:]:
        for place in _PLACE.findall(word):
            if place not in template.params and place not in _FROM_STEP:
                raise Invalid(f"Function {name}: {{{place}}} is no parameter of it.", hint="List it under params.")
    for key, parameter in template.params.items():
        if not _PLACE.fullmatch(f"{{{key}}}") or key in _FROM_STEP:
            raise Invalid(f"Function {name}: parameter {key!r} needs a plain name of its own.", hint="Rename it.")
        if not isinstance(parameter.default, UnsetType):
            _word(name, key, parameter, parameter.default)


class Catalogue:
    """All functions of one worker.

    `executables` maps names to absolute paths; `blender` says whether there is a renderer; `openjd` is the command of
    an Open Job Description session, empty where the owner does not allow them.
    """

    def __init__(
        self,
        executables: Mapping[str, str] | None = None,
        templates: Mapping[str, Template] | None = None,
        blender: bool = False,
        python: str = "python3",
        bash: str = "bash",
        openjd: tuple[str, ...] = (),
    ) -> None:
        self._executables = dict(executables or {})
        self._templates = dict(templates or {})
        self._blender, self._openjd = blender, openjd
        self._runners = {".py": python, ".sh": bash}

    def names(self) -> list[str]:
        """What the worker offers, for its hello."""
        own = (set(self._executables) | set(self._templates)) - {"openjd"}
        mine = {"blender": bool(self._blender), "openjd": bool(self._openjd)}
        return sorted({*BUILT_IN, *own, *(name for name, offered in mine.items() if offered)})

    def takes(self) -> dict[str, Any]:
        """The typed parameters of the templates, as plain data for the hello: the master refuses what they would."""
        return {name: msgspec.to_builtins(one.params) for name, one in sorted(self._templates.items())}

    def bundled(self) -> list[str]:
        """Functions whose programs are told all their frames, so that one may do several tasks: it has {frames}."""
        return sorted(name for name, one in self._templates.items() if any("{frames}" in word for word in one.argv))

    def resolve(self, spec: StepSpec, index: int, *others: int) -> Call:
        """What to do for task `index` of a step, and for others of it in the same process. Raises a BrenderError whose
        sentence is the reason for people."""
        name = spec.function
        if name == "noop":
            return Call("noop")
        if name == "echo":
            return Call("echo", text=_echo(spec.params))
        if name == "sleep":
            return Call("sleep", seconds=_seconds(spec.params))
        frames = tuple(frame for task in (index, *others) for frame in _frames(spec, task))
        if name == "blender" and self._blender:
            return _blender(spec, frames, _about(spec, index, frames))
        if name == "openjd" and self._openjd:
            return Call("process", self._openjd + _order(spec, index), _about(spec, index, frames), frames=frames)
        if name in self._templates:
            return _fill(name, self._templates[name], spec, frames, _about(spec, index, frames))
        if name in self._executables and name != "openjd":
            argv = (*self._program(name), *_positional(name, spec.params))
            return Call("process", argv, _about(spec, index, frames), frames=frames)
        offered = self.names()
        near = nearest(name, offered) or f"It offers {', '.join(offered)}."
        raise NotFound(f"This worker has no function {name!r}.", hint=near)

    def _program(self, name: str) -> Iterator[str]:
        """Seed rule (SP-52): `.py` by python, `.sh` by bash, anything else executes itself."""
        runner = self._runners.get(name[-3:])
        if runner:
            yield runner
        yield self._executables[name]


def _frames(spec: StepSpec, index: int) -> tuple[int, ...]:
    if not spec.frames:
        return ()
    found = tuple(frames_.frames_of(frames_.parse(spec.frames), max(1, spec.chunk), index))
    if not found:
        raise Invalid(f"Step {spec.name} has no task {index}.", hint="Submit it again.")
    return found


def _about(spec: StepSpec, index: int, frames: tuple[int, ...]) -> dict[str, str]:
    """What a program may want to know of its task."""
    env = {
        "BRENDER_JOB": spec.job_name,
        "BRENDER_JOB_ID": str(spec.job),
        "BRENDER_STEP": spec.name,
        "BRENDER_TASK": str(index),
    }
    if frames:
        env["BRENDER_FRAME"] = str(frames[0])
        env["BRENDER_FRAMES"] = frames_.in_words(frames)
    return env


def _blender(spec: StepSpec, frames: tuple[int, ...], env: dict[str, str]) -> Call:
    if not isinstance(spec.params, dict):
        raise InvalidParams(
            "blender takes named parameters.", hint='For example {"blend": "/a.blend", "output": "/out"}.'
        )
    if not frames:
        raise InvalidParams(f"Step {spec.name} names no frames to render.", hint="Give it frames, for example 1-100.")
    job = named(read_params(spec.params), spec.job_name, spec.name)
    return Call("blender", env=env, job=job, frames=frames)


def _order(spec: StepSpec, index: int) -> tuple[str, ...]:
    """What the session program is told of a task, in pieces that fit into arguments: the points `first` to `last`."""
    if not isinstance(spec.params, dict) or spec.params.keys() != {"template", "step", "parameters"}:
        raise InvalidParams("openjd takes what `brender job submit` makes of a template.", hint="Submit it by that.")
    chunk, points = max(1, spec.chunk), frames_.task_count(spec.frames, 1)
    first = index * chunk
    order = json.dumps({**spec.params, "first": first, "last": min(first + chunk, points) - 1})
    return tuple(order[at : at + PIECE] for at in range(0, len(order), PIECE))


def _echo(params: list[Any] | dict[str, Any]) -> str:
    if isinstance(params, dict):
        return " ".join(f"{key}={_plain(value)}" for key, value in params.items()) + "\n"
    return " ".join(map(_plain, params)) + "\n"


def _seconds(params: list[Any] | dict[str, Any]) -> float:
    values = list(params.values()) if isinstance(params, dict) else params
    if (isinstance(params, dict) and set(params) - {"seconds"}) or len(values) > 1:
        raise InvalidParams("sleep takes one parameter, seconds.", hint="For example [2.5].")
    try:
        seconds = float(values[0]) if values else 1.0
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_SLEEP:
        raise InvalidParams(
            f"sleep: {values[0]!r} is no number of seconds from 0 to a year.", hint="For example [2.5]."
        )
    return seconds


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _positional(name: str, params: list[Any] | dict[str, Any]) -> Iterator[str]:
    """spad's list of parameters: each is one argument of the program."""
    if isinstance(params, dict):
        if params:
            raise InvalidParams(f"{name} is a program and takes a list of parameters.", hint='For example ["a", 2].')
        return
    for place, value in enumerate(params, 1):
        if not isinstance(value, str | int | float):
            raise InvalidParams(f"{name}: parameter {place} is no text and no number.", hint="Give plain values.")
        yield _without_nul(name, f"parameter {place}", _plain(value))


def _fill(name: str, template: Template, spec: StepSpec, frames: tuple[int, ...], env: dict[str, str]) -> Call:
    given = spec.params
    if isinstance(given, list):
        if len(given) > len(template.params):
            raise InvalidParams(f"{name} takes {len(template.params)} parameters, {len(given)} were given.")
        given = dict(zip(template.params, given, strict=False))
    for key in given:
        if key not in template.params:
            hint = nearest(key, template.params) or f"It has {', '.join(template.params) or 'none'}."
            raise InvalidParams(f"{name} has no parameter {key!r}.", hint=hint)
    words: dict[str, str] = {}
    for key, parameter in template.params.items():
        value = given.get(key, parameter.default)
        if isinstance(value, UnsetType):
            raise InvalidParams(f"{name}: parameter {key} is missing.", hint=f"It is of type {parameter.type}.")
        words[key] = _word(name, key, parameter, value)
    if frames:
        words |= {"frame": str(frames[0]), "frames": frames_.in_words(frames)}

    def put(place: re.Match[str]) -> str:
        if place[1] not in words:
            raise InvalidParams(f"{name} needs frames: its command holds {place[0]}.", hint="Give the step frames.")
        return words[place[1]]

    argv = (template.argv[0], *(_PLACE.sub(put, word) for word in template.argv[1:]))
    return Call("process", argv, {**template.env, **env}, template.cwd, frames=frames)


def _word(name: str, key: str, parameter: Parameter, value: Any) -> str:
    """One value as it stands in the argv; InvalidParams names function, parameter and rule."""
    what = f"parameter {key}"
    if value is None and parameter.default is None:
        return ""
    if parameter.choices is not None and value not in parameter.choices:
        raise InvalidParams(f"{name}: {what} is one of {', '.join(map(str, parameter.choices))}, not {value!r}.")
    if parameter.type == "bool":
        if not isinstance(value, bool):
            raise InvalidParams(f"{name}: {what} is true or false, not {value!r}.")
        return "true" if value else "false"
    if parameter.type in ("int", "float"):
        return _number(name, what, parameter, value)
    if not isinstance(value, str):
        raise InvalidParams(f"{name}: {what} is text, not {value!r}.")
    # A value that looks like an option would be read as one; a choice was written by this machine's owner.
    if value.startswith("-") and parameter.choices is None:
        raise InvalidParams(f"{name}: {what} may not begin with '-'.", hint="Write ./-name for such a file.")
    if parameter.type == "path" and not value:
        raise InvalidParams(f"{name}: {what} is an empty path.")
    return _without_nul(name, what, value)


def _number(name: str, what: str, parameter: Parameter, value: Any) -> str:
    kinds = (int,) if parameter.type == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise InvalidParams(f"{name}: {what} is of type {parameter.type}, {value!r} is not.")
    if parameter.min is not None and value < parameter.min:
        raise InvalidParams(f"{name}: {what} is {value}, under its least, {parameter.min:g}.")
    if parameter.max is not None and value > parameter.max:
        raise InvalidParams(f"{name}: {what} is {value}, over its most, {parameter.max:g}.")
    return str(value)


def _without_nul(name: str, what: str, text: str) -> str:
    if "\0" in text:
        raise InvalidParams(f"{name}: {what} holds a NUL character.", hint="Take it out.")
    return text
