"""Commands about the conversation itself: who is there, hello, goodbye, echo, help, and the API described."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from brender.commands import discovery
from brender.commands.calls import Call, Introduce, Quit, SetType, Unsubscribe, check
from brender.commands.kinds import SENTENCE, Arg, Kind, Others, WordList
from brender.commands.offers import Offer, starting
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.acts import newest
from brender.core.rules.undo import nothing_to_undo
from brender.errors import Exists, Invalid, nearest


class CommandWords(WordList):
    """A noun, or a noun and a verb, or an alias."""

    expects = "a command"

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        given = others.get("words") or []
        if given:
            noun, words = call.table.noun(given)
            verbs = {row.verb.replace("_", "-"): row.summary for row in call.table.verbs(noun)}
            verbs |= discovery.second_words(call.table, noun) if len(words) == 1 else {}
            return starting(prefix, verbs, lambda word: verbs[word])
        nouns = discovery.first_words(call.table.nouns())
        return starting(prefix, nouns, nouns.__getitem__)

    def parse(self, call: Call, value: Any, others: Others) -> list[str]:
        return [value] if isinstance(value, str) else value


class ClientType(Kind):
    """What kind of client a session is."""

    expects = "a client type"

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, TYPES)


def listing(call: Call, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """Show who is connected."""
    rows = call.sessions()
    return {"sessions": rows[offset : offset + limit], "you": call.who.session, "total": len(rows), "offset": offset}


def hello(
    call: Call,
    name: Annotated[str, Arg(text="who you are")],
    token: Annotated[str, Arg(text="what proves it, where the farm asks for it")] = "",
    remember: Annotated[bool, Arg(text="false: what is made or run selects no project")] = True,
    web: Annotated[str, Meta(pattern=r"^[\w.:\[\]-]{0,100}$"), Arg(text="of a web page: where it is, HOST:PORT")] = "",
) -> Introduce:
    """Say who you are."""
    return Introduce(name, token, remember, web)


def online(
    call: Call,
    name: Annotated[str, Arg(text="who you are")],
    token: Annotated[str, Arg(text="what proves it, where the farm asks for it")] = "",
) -> Introduce:
    """Say who you are, under a name that nobody else has at the moment (CL-39)."""
    other = next((row for row in call.sessions() if row["name"] == name and row["id"] != call.who.session), None)
    if other is not None:
        raise Exists(
            f"Somebody is here as {name!r} already: session {other['id']}, by {other['door']} from {other['peer']}.",
            hint=f"Take another name; session hello {name} says that both are you.",
        )
    worker = call.farm.workers.get(call.farm.names.get(("worker", 0, name), 0))
    if worker is not None and worker.presence == "online":
        raise Exists(f"A worker named {name!r} is online.", hint="Take another name.")
    return Introduce(name, token)


TYPES = ("unknown", "user", "gui", "manager", "worker", "program")


def set_type(call: Call, type: Annotated[str, ClientType(), Arg(text=", ".join(TYPES))]) -> SetType:
    """Say what kind of client this is; lists show it. One that is `unknown` may do nothing until it says another."""
    if type not in TYPES:
        raise Invalid(f"There is no client type {type!r}.", hint=nearest(type, TYPES) or f"One of {', '.join(TYPES)}.")
    return SetType(type)


def users(call: Call) -> dict[str, Any]:
    """Show the sessions that are of type user or gui."""
    rows = [row for row in call.sessions() if row.get("type") in ("user", "gui")]
    return {"sessions": rows, "you": call.who.session, "total": len(rows), "offset": 0}


def bye(call: Call) -> Quit:
    """End this session."""
    return Quit()


def undo(call: Call) -> events.Event:
    """Take back your last enable, disable, priority, pause or resume; once more, the one before it.

    Each worker or job gets its former value. What was changed, deleted or ended since is left alone and named. Whoever
    said hello with a name takes back what they did in any session of that name. The last 20 are kept, in memory: after
    a restart of the master there is nothing to undo.
    """
    act = newest(call.farm.acts, call.who.actor)
    if act is None:
        raise nothing_to_undo()
    row = call.table.rows[f"{act.noun}.{act.verb}"]
    check(call.who.role, row.role, f"undo of {row.words}")
    return events.Undo(call.who.name, call.who.session)


def interrupt(call: Call) -> Unsubscribe:
    """End what goes on in this session: Ctrl-C at the prompt."""
    return Unsubscribe([])


def echo(call: Call, text: Annotated[str, SENTENCE, Arg(text="what to say")]) -> dict[str, Any]:
    """Answer with the same text."""
    return {"text": text}


def test(call: Call) -> dict[str, Any]:
    """Answer, to show that the farm is there; 2013's PHP page asks this first."""
    return {"text": "test>"}


def assist(
    call: Call, words: Annotated[list[str], CommandWords(), Arg(text="a noun, or a whole command")]
) -> dict[str, Any]:
    """Show what can be said: all commands, those of a noun, or how one is written."""
    table = call.table
    if not words:
        return discovery.overview(table, call.who.role)
    noun, rest = table.noun(words)
    if len(rest) == 1 and table.verbs(noun):
        return discovery.of_noun(table, noun)
    return discovery.page(table, table.split(words)[0])


def discover(call: Call) -> dict[str, Any]:
    """Describe every method as an OpenRPC document, for programs (BR-12)."""
    return discovery.openrpc(call.table, str(call.info().get("version", "2.0")))
