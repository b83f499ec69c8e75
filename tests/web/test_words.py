"""What the page asks by name is in the table of commands, with the parameters that it gives."""

from __future__ import annotations

import re
from pathlib import Path

from brender.commands import COMMANDS

WEB = Path(__file__).parents[2] / "web"
OWN = {"gateway.say"}  # answered by the gateway itself


def test_every_action_is_a_command_that_takes_rows_as_the_page_gives_them() -> None:
    found = re.findall(r"'(\w+\.\w+)': \{.*?rows: '(\w+)'(, many: true)?", (WEB / "parts/actions.js").read_text())

    assert len(found) > 8
    for method, name, many in found:
        parameter = COMMANDS.signature(COMMANDS.rows[method]).by_name[name]
        assert bool(many) == ("list" in str(parameter.wire)), method


def test_what_is_asked_early_is_what_is_asked_first() -> None:
    """Answers to early.js are taken for those to the questions of feed.js: methods, order and topics are the same."""
    early, feed = (WEB / "early.js").read_text(), (WEB / "feed.js").read_text()
    asked = re.findall(r"\['(\w+\.\w+)', \{", early)
    greeting = feed[feed.index("export async function greet") :]
    wanted = re.findall(r"\['([\w.]+)', 1\]", feed[feed.index("const wanted") : feed.index("export const events")])

    assert asked == re.findall(r"await rpc\('(\w+\.\w+)'", greeting)[:3]
    assert re.findall(r"topics: \[([^\]]*)\]", early)[0] == ", ".join(f"'{topic}'" for topic in ["*", *wanted])


def test_every_question_is_a_command() -> None:
    asked = {name for path in WEB.rglob("*.js") for name in re.findall(r"rpc\('([\w.]+)'", path.read_text())}

    assert len(asked) > 15
    assert asked - OWN <= set(COMMANDS.rows)


def test_every_module_is_fetched_with_the_page_and_not_one_after_another() -> None:
    preloaded = set(re.findall(r'modulepreload" href="([^"]+)"', (WEB / "index.html").read_text()))
    own = {str(path.relative_to(WEB)) for path in WEB.rglob("*.js")} - {"app.js", "early.js"}

    assert {name for name in preloaded if not name.startswith("vendor/")} == own
