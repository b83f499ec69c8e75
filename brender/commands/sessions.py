"""Commands about the conversation itself: who is there, hello, goodbye, echo, help, and the API described."""

from __future__ import annotations

from typing import Annotated, Any

from brender.commands import discovery
from brender.commands.calls import Call, Introduce, Quit, Unsubscribe
from brender.commands.kinds import SENTENCE, Arg, Others, WordList, starting
from brender.errors import UnknownCommand, nearest


class CommandWords(WordList):
    """A noun, or a noun and a verb, or an alias."""

    expects = "a command"

    def complete(self, call: Call, prefix: str, others: Others) -> list[str]:
        given = others.get("words") or []
        if given:
            return starting(prefix, [row.verb for row in call.table.verbs(given[0])])
        return starting(prefix, call.table.nouns())

    def parse(self, call: Call, value: Any, others: Others) -> list[str]:
        return [value] if isinstance(value, str) else value


def listing(call: Call) -> dict[str, Any]:
    """Show who is connected."""
    return {"sessions": call.sessions(), "you": call.who.session}


def hello(
    call: Call,
    name: Annotated[str, Arg(text="who you are")],
    *,
    token: Annotated[str, Arg(text="what proves it, where the farm asks for it")] = "",
    remember: Annotated[bool, Arg(text="false: what is made or run selects no project")] = True,
) -> Introduce:
    """Say who you are."""
    return Introduce(name, token, remember)


def bye(call: Call) -> Quit:
    """End this session."""
    return Quit()


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
    both = "_".join(words[:2]).lower().replace("-", "_")
    if table.verbs(both):
        words = [both, *words[2:]]
    row = table.find(".".join(words[:2])) or (table.find(words[0]) if len(words) == 1 else None)
    if row is not None:
        return discovery.page(table, row)
    noun = words[0].lower().replace("-", "_")
    if table.verbs(noun) and len(words) == 1:
        return discovery.of_noun(table, noun)
    known = [*table.nouns(), *(row.words for row in table.rows.values()), *table.aliases]
    asked = " ".join(words)[:80]
    raise UnknownCommand(f"There is no command {asked!r}.", hint=nearest(asked, known) or "Type help.")


def discover(call: Call) -> dict[str, Any]:
    """Describe every method as an OpenRPC document, for programs (BR-12)."""
    return discovery.openrpc(call.table, str(call.info().get("version", "2.0")))
