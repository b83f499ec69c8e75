"""The kinds of arguments: what a person may write for one, how it is read, and how Tab completes it.

A kind stands in a command's signature: `Annotated[list[Worker], WORKERS]`. `wire` is its type in JSON; reading
words gives the same wire values, so all doors meet in `parse`. What needs the farm's rows is in references.py.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from brender.commands.calls import Call
from brender.commands.offers import Offer, starting
from brender.commands.vocabulary import ABOUT, choices_of, values_of
from brender.core.durations import EXPECTS, UNITS, seconds_of
from brender.core.frames import AUTO_WORD
from brender.core.rows import Job, Limit, Project, Step, Worker
from brender.core.rules.presets import OF_A_JOB
from brender.errors import Invalid, InvalidParams, nearest
from brender.worker.blender import BlenderJob

Others = Mapping[str, Any]


class Arg(Struct, frozen=True):
    """More about a parameter: its one-letter option and what it means."""

    short: str = ""
    text: str = ""


class Kind:
    """Base of all kinds. One with `many` takes all words that are left, one with `loose` all unknown key=value.

    One with `rest` takes from its first word on whatever stands there, options too: a command in a command.
    """

    wire: ClassVar[Any] = str
    expects: ClassVar[str] = "a word"
    many: ClassVar[bool] = False
    loose: ClassVar[bool] = False
    rest: ClassVar[bool] = False
    file: ClassVar[bool] = False  # names a file on the caller's machine, which its client reads

    def claims(self, key: str) -> bool:
        """Whether `key=value` is a value of this kind rather than a named parameter."""
        return False

    def parse(self, call: Call, value: Any, others: Others) -> Any:
        """The value a command gets. `others` are the wire values of all parameters of the call.

        Raises BrenderErrors that name what was given and what is near it.
        """
        return value

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        """What may follow `prefix`, whole words."""
        return []

    def described(self) -> list[dict[str, Any]]:
        """Each attribute that the value may have, as a form shows it: its name, what it is about, and its choices."""
        return []


class Sentence(Kind):
    """Words that belong together as one text."""

    wire = str | list[str]
    expects = "any text"
    many = True

    def claims(self, key: str) -> bool:
        return True

    def parse(self, call: Call, value: Any, others: Others) -> str:
        return value if isinstance(value, str) else " ".join(value)


class WordList(Kind):
    """Some words, kept apart; one word with commas counts as several."""

    wire = str | list[str]
    expects = "one or more words"
    many = True

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.known = tuple(known)

    def parse(self, call: Call, value: Any, others: Others) -> list[str]:
        words = [value] if isinstance(value, str) else value
        return [part for word in words for part in word.split(",") if part]

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, self.known)


class Known(Kind):
    """A word, or words with commas, of which the farm knows some: a function, tags, limits. Any other may be right."""

    def __init__(self, name: str) -> None:
        self.name = name

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return values_of(call.farm, self.name, prefix)


class JsonText(Kind):
    """A JSON object, or the same written as text (`-j`)."""

    wire = str | dict[str, Any]
    expects = "a JSON object in quotes"

    def parse(self, call: Call, value: Any, others: Others) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        try:
            found = msgspec.json.decode(value)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise InvalidParams(f"The JSON text does not parse: {error}.", hint="Put it in single quotes.") from None
        if not isinstance(found, dict):
            raise InvalidParams("The JSON text is no object.", hint='It looks like {"project": {"name": …}}.')
        return found


class LocalFile(Kind):
    """A file of the person who asks; `brender` on their machine reads it and sends it as `json`, else as `lines`."""

    expects = "a file on your machine"
    file = True


class Loose(Kind):
    """A list or object of any shape; words are JSON if they parse, else one text (BR-07)."""

    wire = str | list[Any] | dict[str, Any]
    expects = "a JSON list or object, or one text"

    def parse(self, call: Call, value: Any, others: Others) -> list[Any] | dict[str, Any]:
        if isinstance(value, (list, dict)):
            return value
        found = _json_or_text(value)
        return found if isinstance(found, (list, dict)) else [value]


def loosely(text: str) -> Any:
    """A word as JSON if it parses, else as the text it is. NaN and infinities stay text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return text


def _json_or_text(text: str) -> Any:
    """The same where only a list or object is meant: what begins like one and is none has lost its quotes."""
    found = loosely(text)
    if isinstance(found, str) and found.lstrip().startswith(("{", "[")):
        raise InvalidParams(f"{text[:80]} is no JSON.", hint="Put it in single quotes, so that its own are kept.")
    return found


class Attributes(Kind):
    """key=value pairs for the attributes of one noun, each read as the type that attribute has."""

    wire = dict[str, Any]
    expects = "key=value"
    loose = True

    def __init__(self, noun: str, row: type[Struct], names: tuple[str, ...]) -> None:
        self.noun = noun
        self.names = names
        hints = get_type_hints(row)
        self.types = {name: hints[name] for name in names}

    def parse(self, call: Call, value: Any, others: Others) -> dict[str, Any]:
        return {name: self.read(name, given) for name, given in value.items()}

    def described(self) -> list[dict[str, Any]]:
        """Each attribute as people write it, what it is and the words it may be, where these are few: for forms."""
        return [
            {"name": name, "about": ABOUT.get(name, ""), "choices": list(choices_of(self.types[name]))}
            for name in self.names
        ]

    def read(self, name: str, given: Any) -> Any:
        """One attribute; a text is read as the attribute's own type."""
        if name not in self.types:
            raise InvalidParams(
                f"A {self.noun} has no attribute {name!r} that can be set.",
                hint=nearest(name, self.names) or f"It has {', '.join(self.names)}.",
            )
        kind = self.types[name]
        if name == "chunk" and given == AUTO_WORD:
            return given
        if name == "stalled_after" and isinstance(given, str) and given[-1:] in UNITS:
            return seconds_of(given)
        try:
            return msgspec.convert(_shaped(given, kind), kind, strict=not isinstance(given, str))
        except (msgspec.ValidationError, ValueError, RecursionError) as error:
            raise Invalid(f"{name}={given!r} does not fit a {self.noun}: {error}.") from None

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        name, equals, typed = prefix.partition("=")
        if equals and name in self.types:
            choices = [Offer(word) for word in choices_of(self.types[name]) if word.lower().startswith(typed.lower())]
            found = values_of(call.farm, name, typed) or choices
            return [Offer(f"{name}={one.word}", one.about) for one in found]
        return starting(prefix, [f"{name}=" for name in self.names], lambda word: ABOUT.get(word[:-1], ""))


def _shaped(given: Any, kind: Any) -> Any:
    """A typed word in the shape its attribute wants: JSON for lists and objects, `a,b` for a list of words."""
    if not isinstance(given, str):
        return given
    shapes = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    origins = {get_origin(shape) or shape for shape in shapes}
    if type(None) in origins and given.lower() in ("none", "null", ""):
        return None
    if not origins & {list, dict}:
        return given
    found = _json_or_text(given)
    if isinstance(found, (list, dict)):
        return found
    return [part for part in given.split(",") if part] if dict not in origins or len(origins) == 1 else [given]


class Span(Kind):
    """A stretch of time, in seconds or with a unit."""

    wire = str | int | float
    expects = EXPECTS

    def parse(self, call: Call, value: Any, others: Others) -> float:
        return seconds_of(value)


class Chunk(Kind):
    """How many frames a task has, or `auto`: one a task, and as many in one process as measured seconds say."""

    wire = int | str
    expects = "a whole number, or auto"

    def parse(self, call: Call, value: Any, others: Others) -> int | str:
        if str(value).lower() == AUTO_WORD:
            return AUTO_WORD
        try:
            found = int(value)
        except ValueError:
            found = 0
        if found < 1:
            raise Invalid(f"chunk is auto, or 1 or more frames a task, not {value!r}.", hint="chunk=10 or chunk=auto")
        return found

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [AUTO_WORD], lambda _: "as many frames as the measured seconds say")


SPAN = Span()
CHUNK = Chunk()
SENTENCE = Sentence()
FUNCTION, ORDER = Known("function"), Known("order")
TAGS, LIMITS, AFTER = Known("tags"), Known("limits"), Known("after")
TOPICS = WordList(
    (
        "worker.*",
        "job.*",
        "step.*",
        "task.*",
        "project.*",
        "schedule.*",
        "alarm.*",
        "log.*",
        "delivery.*",
        "farm.*",
        "*",
    )
)
WORD_LIST = WordList()
JSON_TEXT = JsonText()
LOCAL_FILE = LocalFile()
LOOSE = Loose()
WORKER_VALUES = Attributes("worker", Worker, ("name", "tags", "config", "warning"))
NEW_WORKER_VALUES = Attributes("worker", Worker, ("mac", "tags", "config", "warning", "admin_state"))
PROJECT_VALUES = Attributes("project", Project, ("name", "description", "weight", "state"))
NEW_PROJECT_VALUES = Attributes("project", Project, ("description", "weight"))
LIMIT_VALUES = Attributes("limit", Limit, ("count", "description"))
PRESET_VALUES = Attributes(
    "preset", BlenderJob, tuple(name for name in BlenderJob.__struct_fields__ if name not in OF_A_JOB)
)
JOB_VALUES = Attributes(
    "job", Job, ("name", "priority", "tags", "submitter", "after", "start_at", "most_workers", "most_tasks")
)
STEP_NAMES = (
    "place",
    "exec",
    "function",
    "params",
    "frames",
    "chunk",
    "order",
    "after",
    "limits",
    "needs",
    "retries",
    "timeout",
    "stalled_after",
    "stop_stalled",
)
STEP_VALUES = Attributes("step", Step, ("name", *STEP_NAMES))
NEW_STEP_VALUES = Attributes("step", Step, STEP_NAMES)
