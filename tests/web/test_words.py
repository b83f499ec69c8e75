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


def test_every_question_is_a_command() -> None:
    asked = {name for path in WEB.rglob("*.js") for name in re.findall(r"rpc\('([\w.]+)'", path.read_text())}

    assert len(asked) > 15
    assert asked - OWN <= set(COMMANDS.rows)


def test_every_module_is_fetched_with_the_page_and_not_one_after_another() -> None:
    preloaded = set(re.findall(r'modulepreload" href="([^"]+)"', (WEB / "index.html").read_text()))
    own = {str(path.relative_to(WEB)) for path in WEB.rglob("*.js")} - {"app.js"}

    assert {name for name in preloaded if not name.startswith("vendor/")} == own
