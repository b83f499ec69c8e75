"""What a terminal may be shown (S23)."""

import json
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from brender.wire.screen import escape, escape_json, in_columns, safe, width

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\x1b\x9b\x07\x00\x7f\x85\r\n\t[]0;m31\u202e\u2066\ud800é漢\u0301"),
        st.characters(),
    ),
    max_size=40,
)
OUR_SGR = re.compile(r"\x1b\[[0-9;]*m")


def controls(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in "\u202e\u2066"}


@given(HOSTILE)
def test_escaped_text_holds_no_control_at_all(text: str) -> None:
    assert controls(escape(text)) == set()


@given(HOSTILE)
def test_safe_text_holds_only_newlines_and_our_colours(text: str) -> None:
    assert controls(OUR_SGR.sub("", safe(text))) <= {"\n"}
    assert controls(safe(text, colour=False)) <= {"\n"}


@given(st.recursive(HOSTILE.filter(lambda t: t.isprintable() or "\ud800" not in t), st.lists, max_leaves=5))
def test_escaped_json_is_the_same_document_without_controls(document: object) -> None:
    text = json.dumps(document, ensure_ascii=False)

    assert json.loads(escape_json(text)) == document
    assert controls(escape_json(text)) == set()


def test_colours_pass_and_always_end_but_tricks_become_visible() -> None:
    assert safe("\x1b[31mred\x1b[0m") == "\x1b[31mred\x1b[0m"
    assert safe("\x1b[1;32mgreen") == "\x1b[1;32mgreen\x1b[0m"
    assert safe("\x1b[31mred", colour=False) == "red"
    assert safe("\x1b]52;c;aGk=\x07") == "\\x1b]52;c;aGk=\\x07"
    assert safe("\x1b[2J\x1b[8mhidden") == "\\x1b[2J\\x1b[8mhidden"
    assert safe("a\tb\r\n") == "a    b\\x0d\n"


def test_wide_and_combining_characters_are_counted_in_columns() -> None:
    assert width("aé漢e\u0301") == 5


@given(st.lists(st.text("abcxyz-漢", min_size=1, max_size=30), max_size=60), st.integers(20, 200))
def test_columns_fit_the_window_and_show_every_word(words: list[str], columns: int) -> None:
    lines = in_columns(words, columns)

    assert all(width(line) < columns for line in lines)
    if all(width(word) < columns for word in words):
        assert sorted(" ".join(lines).split()) == sorted(words)


def test_a_long_list_says_how_many_are_left_out() -> None:
    assert in_columns([f"w{n}" for n in range(250)], 80)[-1] == "and 50 more"


def test_emoji_that_some_terminals_join_stand_apart_and_scripts_that_need_the_joiner_keep_it() -> None:
    """S23: one column that is right in every terminal."""
    assert escape("\U0001f468\u200d\U0001f469") == "\U0001f468\\u200d\U0001f469"
    assert escape("❤️\u200d🔥") == "❤️\\u200d🔥"
    assert json.loads(escape_json('"\U0001f468\u200d\U0001f469"')) == "\U0001f468\u200d\U0001f469"
    persian, malayalam = "\u0645\u06cc\u200c\u0634\u0648\u062f", "\u0d28\u0d4d\u200d"
    assert (escape(persian), escape(malayalam)) == (persian, malayalam)
