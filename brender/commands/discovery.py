"""The table described: help for people, an OpenRPC document for programs. Both come from the signatures alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from brender.commands.calls import ANYBODY
from brender.commands.parameters import Parameter, refuses_none
from brender.commands.table import Row, Table

NOUNS = {
    "worker": "the machines",
    "project": "what the work is for",
    "function": "what a step may run",
    "limit": "what there is only so much of, such as licences",
    "preset": "named settings of renders, such as HD",
    "job": "workflows: run, stop, look",
    "step": "the parts of a job",
    "task": "single frames or chunks",
    "channel": "what is measured, and where it runs",
    "device": "what is measured at",
    "key": "what is measured, in which unit",
    "manager": "the machines that host channels",
    "reading": "what was measured, and when",
    "schedule": "commands that the clock runs",
    "alarm": "what is wrong now, and was",
    "alarm_rule": "when somebody is to be told",
    "log": "lines that are mailed, at once or in digests",
    "delivery": "the letters: sent, waiting, given up",
    "farm": "the whole, and its events",
    "session": "this conversation",
    "rpc": "help and the API",
}

# Keys of key=value that a kind of argument takes for a value of its own.
CLAIMED = ("tag",)


def first_words(nouns: Sequence[str]) -> dict[str, str]:
    """The words that these nouns begin with, and what each is about: a noun may have two."""
    return {noun.partition("_")[0]: NOUNS.get(noun, "") for noun in reversed(nouns)}


def second_words(table: Table, word: str) -> dict[str, str]:
    """The second words of the nouns that begin with this one, and what each is about."""
    return {noun.partition("_")[2]: NOUNS.get(noun, "") for noun in table.nouns() if noun.startswith(f"{word}_")}


def overview(table: Table, role: str) -> dict[str, Any]:
    """All nouns with their verbs, those first that the role may use, and the short words."""
    allowed = {row.name for row in table.allowed(role)} if role else set(table.rows)
    nouns = [
        {
            "noun": noun.replace("_", " "),
            "about": NOUNS.get(noun, ""),
            "verbs": [row.verb.replace("_", "-") for row in table.verbs(noun) if row.name in allowed],
        }
        for noun in table.nouns()
    ]
    short = sorted(alias for alias in table.aliases if "." not in alias)
    return {"nouns": nouns, "short": short}


def of_noun(table: Table, noun: str) -> dict[str, Any]:
    """The commands of one noun, one line each."""
    return {
        "noun": noun.replace("_", " "),
        "about": NOUNS.get(noun, ""),
        "commands": [line(table, row) for row in table.verbs(noun)],
    }


def line(table: Table, row: Row) -> dict[str, Any]:
    """One command in one line."""
    return {
        "command": row.words,
        "usage": row.usage or table.signature(row).usage,
        "summary": row.summary,
        "role": row.role or "anybody",
    }


def page(table: Table, row: Row) -> dict[str, Any]:
    """Everything about one command."""
    parameters = [
        {
            "name": parameter.name,
            "short": parameter.short,
            "flag": parameter.flag,
            "needed": parameter.required,
            "expects": parameter.expects,
            "text": parameter.text,
        }
        for parameter in table.signature(row).parameters
    ]
    return {
        **line(table, row),
        "method": row.name,
        "text": row.text,
        "parameters": parameters,
        "example": row.example,
        "aliases": [alias.replace(".", " ") for alias in table.aliases_of(row)],
    }


def openrpc(table: Table, version: str) -> dict[str, Any]:
    """The OpenRPC 1.3 document of all methods, machines' reports included."""
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "brender",
            "version": version,
            "description": "A render farm you run from a prompt.",
        },
        "methods": [_method(table, row) for row in table.rows.values()],
    }


def _method(table: Table, row: Row) -> dict[str, Any]:
    signature = table.signature(row)
    (_,), components = msgspec.json.schema_components([signature.params], ref_template="#/{name}")
    schema = components[signature.params.__name__]
    needed = schema.get("required", [])
    return {
        "name": row.name,
        "summary": row.summary,
        "description": row.text,
        "paramStructure": "by-name",
        "params": [
            {
                "name": parameter.name,
                "description": parameter.text or parameter.expects,
                "required": parameter.name in needed,
                "schema": schema["properties"][parameter.name],
                **({"x-word": _word(parameter)} if row.spoken else {}),
            }
            for parameter in signature.parameters
        ],
        "result": {"name": "result", "schema": {}},
        "x-role": row.role or ANYBODY,
        "x-changes": row.changes,
        "x-example": row.example,
        "x-aliases": table.aliases_of(row),
        "x-spoken": row.spoken,
        "x-usage": row.usage,
        "x-destructive": row.destructive,
        "x-destructive-with": row.destructive_with,
        "x-watched": row.watched,
        "x-machines": row.machines,
    }


def _word(parameter: Parameter) -> dict[str, Any]:
    """How a parameter is written in words, for who reads lines by this document: only what is not as usual."""
    told: dict[str, Any] = {"positional": parameter.positional, "short": parameter.short}
    kind = parameter.kind
    if kind is not None:
        told |= {"expects": kind.expects, "many": kind.many, "loose": kind.loose, "file": kind.file, "rest": kind.rest}
        told["asked"] = refuses_none(parameter)
        told["attributes"] = kind.described()
        told["claims"] = ["*"] if kind.claims("") else [key for key in CLAIMED if kind.claims(key)]
    return {name: value for name, value in told.items() if value}
