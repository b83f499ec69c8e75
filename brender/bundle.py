"""An Open Job Description template or job bundle on this machine's disk, read and judged by the reference library.

It imports openjd-model (0.3 s, the extra `openjd`), so only what a person starts imports this; the master never does.
It must not know the farm: openjd.py says what the job means there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from brender import openjd
from brender.errors import Invalid, Unsupported

try:
    from openjd import model
except ImportError:
    raise Unsupported(
        "Open Job Description needs the packages openjd-model and openjd-sessions.",
        hint='pip install "brender[openjd]"',
    ) from None

KINDS = (".yaml", ".yml", ".json")


class Bundle(Struct, frozen=True):
    """What is on the disk: `template` decodes, `values` are the bundle's own, `settings` say deadline:priority etc."""

    path: Path
    template: dict[str, Any]
    decoded: Any
    values: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


class Made(Struct, frozen=True):
    """A job with all its parameters: what openjd.tree takes."""

    name: str
    parameters: dict[str, Any]
    steps: list[openjd.StepFacts]


def check(path: Path) -> str:
    """The sentence of the reference command about a template that is right; Invalid with its sentence otherwise."""
    try:
        document = _document(path)
        version = document["specificationVersion"]
        if str(version).startswith("environment-"):
            model.decode_environment_template(template=document, supported_extensions=openjd.EXTENSIONS)
        else:
            model.decode_job_template(template=document, supported_extensions=openjd.EXTENSIONS)
    except KeyError:
        raise Invalid("ERROR: Missing field 'specificationVersion'") from None
    except (model.DecodeValidationError, NotImplementedError) as error:
        raise Invalid(f"ERROR: '{path}' failed checks: {error}") from None
    return f"Template at '{path}' passes validation checks."


def template_of(path: Path) -> Path:
    """The template itself: the file, or the one in the folder of a job bundle."""
    file = _member(path, "template") if path.is_dir() else path
    if file is None:
        raise Invalid(f"{path} holds no template.yaml or template.json.", hint="Name a template or a job bundle.")
    return file


def read(path: Path) -> Bundle:
    """A template file, or a folder with template.yaml and perhaps parameter_values and asset_references."""
    file = template_of(path)
    document = _document(file)
    if file is path:
        return Bundle(path, document, _decoded(path, document))
    values, settings = _values_of(path)
    bundle = Bundle(file, document, _decoded(file, document), values, settings)
    _check_assets(path)
    paths = {one.name for one in bundle.decoded.parameterDefinitions or () if one.type.name == "PATH"}
    for name in paths & values.keys():
        # A bundle's own relative paths are relative to it, and not to where somebody stands.
        values[name] = os.path.normpath(path.absolute() / str(values[name])) if values[name] else ""
    return bundle


def from_text(text: str, name: str) -> Bundle:
    """A template that somebody has typed or sent; `name` is what it is called in what is said of it. Raises Invalid.

    It lies in no folder: whoever makes a job of it sees to it that no path in it is relative.
    """
    document = _parsed(text, name, text.lstrip().startswith("{"))
    return Bundle(Path("/template"), document, _decoded(name, document))


def make(bundle: Bundle, given: Mapping[str, Any], here: Path) -> Made:
    """The job with these parameters over the bundle's own. Invalid with all that is wrong with them at once."""
    try:
        values = model.preprocess_job_parameters(
            job_template=bundle.decoded,
            job_parameter_values={**bundle.values, **given},
            job_template_dir=bundle.path.absolute().parent,
            current_working_dir=here,
            allow_job_template_dir_walk_up=True,
        )
        job = model.create_job(job_template=bundle.decoded, job_parameter_values=values)
    except (ValueError, model.DecodeValidationError) as error:
        raise Invalid(str(error)) from None
    parameters = {name: {"type": value.type.value, "value": value.value} for name, value in values.items()}
    return Made(str(job.name), parameters, [_facts(step) for step in job.steps])


def given_parameters(words: Sequence[str]) -> dict[str, Any]:
    """`Name=value`, `file://FILE` or a JSON object, as the reference command takes them; all faults at once."""
    found: dict[str, Any] = {}
    faults = []
    for word in words:
        text = word.strip()
        try:
            if text.startswith("file://"):
                found |= parameter_file(Path(text.removeprefix("file://")).expanduser())
            elif text.startswith("{"):
                found |= json.loads(text)
            elif "=" in text:
                name, _, value = text.partition("=")
                found[name] = value
            else:
                faults.append(f"Job parameter ('{word}') not formatted correctly. It must be Name=value.")
        except (Invalid, ValueError, RecursionError) as error:
            faults.append(str(error))
    if faults:
        raise Invalid("\n".join(faults))
    return found


def parameter_file(path: Path) -> dict[str, Any]:
    """Names and values from a YAML or JSON file: a mapping, or a bundle's list under parameterValues."""
    document = _document(path)
    listed = document.get("parameterValues", document)
    if isinstance(listed, dict):
        return listed
    pairs: list[Any] = listed if isinstance(listed, list) else [None]
    if not all(isinstance(one, dict) and one.keys() >= {"name", "value"} for one in pairs):
        raise Invalid(f"{path}: parameterValues is a list of name and value.", hint="See docs/openjd.md.")
    return {str(one["name"]): one["value"] for one in pairs}


def _values_of(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A bundle's parameter values, and beside them what it tells another farm's scheduler (deadline:priority)."""
    file = _member(folder, "parameter_values")
    found = parameter_file(file) if file is not None else {}
    settings = {name: value for name, value in found.items() if ":" in name}
    return {name: value for name, value in found.items() if ":" not in name}, settings


def _check_assets(folder: Path) -> None:
    """The inputs that a bundle lists must be here: workers see the same paths, or map them."""
    file = _member(folder, "asset_references")
    references = (_document(file).get("assetReferences") or {}) if file is not None else {}
    inputs = (references.get("inputs") or {}) if isinstance(references, dict) else {}
    listed = [*(inputs.get("filenames") or ()), *(inputs.get("directories") or ())]
    missing = [str(one) for one in listed if not (folder / str(one)).exists()]
    if missing:
        raise Invalid(
            f"{file} lists inputs that are not there: {', '.join(missing)}.", hint="Correct it, or copy them."
        )


def _member(folder: Path, name: str) -> Path | None:
    return next((file for kind in KINDS if (file := folder / f"{name}{kind}").is_file()), None)


def _document(path: Path) -> dict[str, Any]:
    as_json = path.suffix == ".json"
    try:
        with path.open("rb") as file:
            data = file.read(openjd.MOST_BYTES + 1)
        text = data.decode("utf-8-sig", "ignore" if len(data) > openjd.MOST_BYTES else "strict")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    return _parsed(text, str(path), as_json)


def _parsed(text: str, what: str, as_json: bool) -> dict[str, Any]:
    openjd.check_document(text, what, as_json)
    kind = model.DocumentType.JSON if as_json else model.DocumentType.YAML
    try:
        found: dict[str, Any] = model.document_string_to_object(document=text, document_type=kind)
    except model.DecodeValidationError as error:
        raise Invalid(f"ERROR: '{what}' failed checks: {error}") from None
    return found


def _decoded(what: object, document: dict[str, Any]) -> Any:
    try:
        return model.decode_job_template(template=document, supported_extensions=openjd.EXTENSIONS)
    except (model.DecodeValidationError, NotImplementedError) as error:
        raise Invalid(f"ERROR: '{what}' failed checks: {error}") from None


def space(step: Any) -> Any:
    """The points of a created step's parameter space, by their place. A chunk has its default size: which points are
    a task is known before the first of them runs."""
    found = model.StepParameterSpaceIterator(space=step.parameterSpace)
    if found.chunks_adaptive:
        size = found.chunks_default_task_count
        found = model.StepParameterSpaceIterator(space=step.parameterSpace, chunks_task_count_override=size)
    return found


def _facts(step: Any) -> openjd.StepFacts:
    points_ = space(step)
    try:
        points = len(points_)
    except OverflowError:
        points = sys.maxsize
    names = list(points_.names)
    plain = len(names) == 1 and step.parameterSpace.taskParameterDefinitions[names[0]].type.name == "INT"
    shown = range(points if plain and points <= openjd.LABELLED else 0)
    label = [int(points_[place][names[0]].value) for place in shown]
    after = [one.dependsOn for one in step.dependencies or ()]
    requires = step.hostRequirements.model_dump(mode="json") if step.hostRequirements is not None else {}
    return openjd.StepFacts(str(step.name), points, after, requires, label)
