"""A command's signature as a grammar: words of a prompt and params of JSON become the same Struct of wire values.

Nothing here needs a farm, so the CLI reads its words with the same code before it has spoken to any master.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Struct, field

from brender.commands.calls import Call
from brender.commands.parameters import Parameter, field_of, read_parameter, union_of
from brender.errors import InvalidParams, nearest
from brender.wire.messages import unstorable

# What people write for a switch; programs say true or false.
SWITCHES = {"yes": True, "on": True, "true": True, "1": True, "no": False, "off": False, "false": False, "0": False}
_KEYED = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)=(.*)", re.DOTALL)
SEED_WORDS = (("workflow", "job"), ("workflow", "jobs"), ("task", "step"))
LONGEST_USAGE = 160  # characters, two lines of a window
UNREADABLE = (msgspec.ValidationError, ValueError, RecursionError, OverflowError)


class Signature(Struct):
    """What a command takes: its parameters in order and the Struct that carries their wire values."""

    name: str
    parameters: list[Parameter]
    params: type[Struct]
    by_name: dict[str, Parameter] = field(default_factory=dict)
    by_short: dict[str, Parameter] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The command as a person writes it; a noun may have two words."""
        noun, _, verb = self.name.partition(".")
        return f"{noun.replace('_', ' ')} {verb}"

    @property
    def usage(self) -> str:
        """One line that shows what to write; a command in a command comes last, for nothing behind it is ours."""
        parameters = sorted(self.parameters, key=lambda one: one.rest)
        return " ".join([self.words.replace("_", "-"), *(parameter.usage for parameter in parameters)])

    def refuse(self, message: str, hint: str = "") -> InvalidParams:
        """The error for arguments that do not fit, with the usage line, or where it stands if it is a long one."""
        usage = self.usage
        shown = usage if len(usage) <= LONGEST_USAGE else f"help {self.words.replace('_', '-')}"
        return InvalidParams(message, hint=f"{hint} Usage: {shown}".strip(), usage=usage)

    def read(self, params: Any) -> Struct:
        """The Struct from JSON params: an object, a list in order of the parameters, or nothing.

        Raises InvalidParams naming the parameter.
        """
        if params is None:
            params = {}
        if isinstance(params, list):
            params = self._in_order(params)
        return self._convert(self._in_our_words(params), strict=True)

    def _in_our_words(self, params: Any) -> Any:
        """spad's `workflow` and `task` as job and step, in commands that have no such parameter themselves."""
        for word, ours in SEED_WORDS if isinstance(params, dict) else ():
            if word in params and word not in self.by_name and ours in self.by_name and ours not in params:
                params = {ours if name == word else name: value for name, value in params.items()}
        return params

    def _in_order(self, values: list[Any]) -> dict[str, Any]:
        if len(values) == 1 and isinstance(values[0], dict) and not self._takes_object():
            return values[0]  # spad sent its one object in a list
        if len(values) > len(self.parameters):
            raise self.refuse(f"{self.words} takes {len(self.parameters)} values at the most, not {len(values)}.")
        return {parameter.name: value for parameter, value in zip(self.parameters, values, strict=False)}

    def _takes_object(self) -> bool:
        return bool(self.parameters) and dict in {
            get_origin(kind) or kind for kind in union_of(self.parameters[0].base)
        }

    def read_words(self, words: Sequence[str]) -> Struct:
        """The Struct from the words after the command. Raises InvalidParams naming the word or parameter."""
        reading = self.reading()
        reading.all(list(words))
        for parameter in self.parameters:
            if parameter.required and parameter.name not in reading.values:
                raise self.refuse(f"{self.words} needs <{parameter.name}>: {parameter.expects}.")
        return self._convert(reading.values, strict=False)

    def reading(self) -> Reading:
        """A reader of this command's words; completion looks at how far it came."""
        return Reading(self)

    def _convert(self, values: Any, strict: bool) -> Struct:
        try:
            return msgspec.convert(values, self.params, strict=strict)
        except UNREADABLE as error:
            raise self._told(str(error), strict) from None

    def _told(self, error: str, strict: bool) -> InvalidParams:
        """msgspec's words about one value, as a sentence about one parameter."""
        unknown = re.fullmatch(r"Object contains unknown field `(.*)`", error, re.DOTALL)
        if unknown:
            return self.unknown(unknown[1])
        missing = re.fullmatch(r"Object missing required field `(.*)`", error)
        if missing:
            return self.refuse(f"{self.words} needs {missing[1]}: {self.by_name[missing[1]].expects}.")
        place = re.fullmatch(r"(.*) - at `\$\.(\w+).*`", error, re.DOTALL)
        if place and place[2] in self.by_name:
            slip = re.fullmatch(r"Invalid enum value '(.*)'", place[1], re.DOTALL)
            if slip:
                return self._no_choice(self.by_name[place[2]], slip[1])
            typed = not strict and re.fullmatch(r"Expected `\w+`, got `\w+`", place[1])  # words are all text
            more = "" if typed else f": {place[1].lower()}"
            return self.refuse(f"{place[2]} must be {self.by_name[place[2]].expects}{more}.")
        return self.refuse(f"{error}.")

    def _no_choice(self, parameter: Parameter, word: str) -> InvalidParams:
        return self.refuse(
            f"{parameter.name} must be {parameter.expects}, not {word[:80]!r}.", nearest(word, parameter.choices)
        )

    def unknown(self, name: str) -> InvalidParams:
        """The error for a parameter that this command does not have."""
        return self.refuse(f"{self.words} has no parameter {name!r}.", nearest(name, self.by_name))

    def given(self, params: Struct) -> dict[str, Any]:
        """The wire values that were given, by name."""
        values = ((parameter.name, getattr(params, parameter.name)) for parameter in self.parameters)
        return {name: value for name, value in values if value is not UNSET}

    def arguments(self, call: Call, params: Struct) -> dict[str, Any]:
        """What the command's function gets: each given value read by its kind. Raises BrenderErrors."""
        given = self.given(params)
        arguments: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.name in given:
                value = given[parameter.name]
                kind = parameter.kind
                read = value if kind is None else kind.parse(call, value, given)
                if unstorable(read):
                    raise self.refuse(
                        f"{parameter.name} holds a number that cannot be stored: over 63 bits, or no number."
                    )
                arguments[parameter.argument] = read
        return arguments


class Reading:
    """One pass over the words of one command."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.values: dict[str, Any] = {}
        self.free = [parameter for parameter in signature.parameters if parameter.positional]
        self.loose = next((parameter for parameter in signature.parameters if parameter.loose), None)

    def all(self, words: list[str]) -> None:
        while words:
            word = words.pop(0)
            if self.inside_rest:
                self.positional(word)
            elif word == "--":
                for rest in words:
                    self.positional(rest)
                return
            elif word.startswith("--") and len(word) > 2 and word[2].isalpha():
                self.option(word, words)
            elif len(word) == 2 and word[0] == "-" and word[1].isalpha():
                self.short(word, words)
            else:
                self.word(word)

    @property
    def inside_rest(self) -> bool:
        """Whether what comes next is no longer ours: it belongs to a command in this command."""
        return bool(self.free) and self.free[0].rest and self.free[0].name in self.values

    def option(self, word: str, words: list[str]) -> None:
        name, equals, value = word[2:].partition("=")
        parameter = self.signature.by_name.get(name.replace("-", "_"))
        if parameter is None or parameter.loose:
            raise self.signature.unknown(word)
        if equals:
            self.put(parameter, value)
        elif parameter.flag:
            self.put(parameter, True)
        else:
            self.put(parameter, self.after(word, words))

    def short(self, word: str, words: list[str]) -> None:
        parameter = self.signature.by_short.get(word[1])
        if parameter is None:
            raise self.signature.unknown(word)
        self.put(parameter, True if parameter.flag else self.after(word, words))

    def after(self, word: str, words: list[str]) -> str:
        if not words:
            raise self.signature.refuse(f"{word} needs a value after it.")
        return words.pop(0)

    def word(self, word: str) -> None:
        keyed = _KEYED.fullmatch(word)
        if keyed is None:
            return self.positional(word)
        key, value = keyed[1], keyed[2]
        parameter = self.signature.by_name.get(key.replace("-", "_"))
        if parameter is not None and not parameter.loose:
            return self.put(parameter, value)
        if self.free and self.claimed(key):
            return self.positional(word)
        if self.loose is not None:
            return self.put_loose(key, value)
        raise self.signature.unknown(key)

    def claimed(self, key: str) -> bool:
        kind = self.free[0].kind
        return kind is not None and kind.claims(key)

    def positional(self, word: str) -> None:
        while self.free and not self.free[0].many and self.free[0].name in self.values:
            self.free.pop(0)
        if not self.free:
            raise self.signature.refuse(f"{word!r} is one word too many.")
        parameter = self.free[0]
        if parameter.many:
            self.values.setdefault(parameter.name, [])
            if not isinstance(self.values[parameter.name], list):
                self.values[parameter.name] = [self.values[parameter.name]]
            self.values[parameter.name].append(word)
        else:
            self.put(self.free.pop(0), word)

    def put(self, parameter: Parameter, value: Any) -> None:
        if parameter.name in self.values:
            raise self.signature.refuse(f"{parameter.name} is given twice.")
        if parameter.flag and isinstance(value, str):
            value = SWITCHES.get(value.lower(), value)
        self.values[parameter.name] = value

    def put_loose(self, key: str, value: str) -> None:
        assert self.loose is not None
        values = self.values.setdefault(self.loose.name, {})
        if key in values:
            raise self.signature.refuse(f"{key} is given twice.")
        values[key] = value


def signature_of(name: str, run: Callable[..., Any]) -> Signature:
    """Read a command's function. Its first parameter is the Call; keyword-only ones are never positional in words."""
    hints = get_type_hints(run, include_extras=True)
    given = list(inspect.signature(run).parameters.values())[1:]
    parameters = [read_parameter(one, hints[one.name]) for one in given]
    fields = [
        field_of(one, has_default=known.default is not inspect.Parameter.empty)
        for one, known in zip(parameters, given, strict=True)
    ]
    return signature_from(name, parameters, fields)


def signature_from(name: str, parameters: list[Parameter], fields: list[Any]) -> Signature:
    """The signature of these parameters, whose wire values are these fields of msgspec.defstruct."""
    params = msgspec.defstruct(
        name.replace(".", "_"), fields, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
    )
    return Signature(
        name,
        parameters,
        params,
        {parameter.name: parameter for parameter in parameters},
        {parameter.short: parameter for parameter in parameters if parameter.short},
    )


def report_signature(name: str, reads: type[Struct]) -> Signature:
    """The signature of a machine's report: the fields of the Struct it is decoded into."""
    parameters = [
        Parameter(name=one.name, base=one.type, wire=one.type, required=one.required, positional=False)
        for one in msgspec.structs.fields(reads)
    ]
    return Signature(name, parameters, reads, {parameter.name: parameter for parameter in parameters})
