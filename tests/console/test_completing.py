"""The master's words as a menu: whole words in their place, what each is, harmless, and none when nobody answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import to_plain_text

from brender.console.completing import LONGEST, Words
from brender.console.upstream import Gone
from brender.errors import BrenderError, Busy


def offered(answer: dict[str, Any] | Exception, line: str, cursor: int | None = None) -> list[Completion]:
    async def ask(text: str, at: int) -> dict[str, Any]:
        assert (text, at) == (line, len(line) if cursor is None else cursor)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def all_of() -> list[Completion]:
        document = Document(line, len(line) if cursor is None else cursor)
        return [one async for one in Words(ask).get_completions_async(document, CompleteEvent())]

    return asyncio.run(all_of())


def items(*words: str) -> list[dict[str, str]]:
    return [{"text": word, "about": f"about {word}"} for word in words]


def put_in(line: str, completion: Completion) -> str:
    return line[: len(line) + completion.start_position] + completion.text


def test_one_word_is_put_in_with_a_blank_unless_it_goes_on() -> None:
    (found,) = offered({"start": 0, "items": items("worker")}, "wor")
    assert put_in("wor", found) == "worker "
    (found,) = offered({"start": 12, "items": items("limit=")}, "worker list li")
    assert put_in("worker list li", found) == "worker list limit="
    (found,) = offered({"start": 0, "items": items("worker")}, "wor list", 3)
    assert found.text == "worker"


def test_several_are_a_menu_with_what_each_is() -> None:
    found = offered({"start": 4, "items": items("list", "load")}, "job l")
    assert [put_in("job l", one) for one in found] == ["job list", "job load"]
    assert [to_plain_text(one.display_meta) for one in found] == ["about list", "about load"]


def test_foreign_words_are_shown_harmlessly_and_long_descriptions_cut() -> None:
    answer = {"start": 0, "items": [{"text": "'a b'", "about": "\x1b[2J" + "x" * 200}, {"text": "c", "about": ""}]}
    first, _ = offered(answer, "")
    assert first.text == "'a b'"
    meta = to_plain_text(first.display_meta)
    assert meta.startswith("\\x1b[2J") and len(meta) <= LONGEST + 10


@pytest.mark.parametrize("error", [Gone("no"), Busy("later")])
def test_a_master_that_does_not_answer_offers_nothing(error: BrenderError | Gone) -> None:
    assert offered(error, "wor") == []
