"""The line editor, watched through a terminal that obeys what it is sent."""

from hypothesis import given, settings
from hypothesis import strategies as st

from brender.wire.editor import Editor
from brender.wire.screen import cells, width

from .peers import Screen

PROMPT = "brender> "
WORDS = ["enable", "enlist", "help", "host=render-01", "host=render-02", "shots/", "漢字"]


def words_like(line: str, cursor: int) -> tuple[int, list[str]]:
    word = line[:cursor].rpartition(" ")[2]
    return cursor - len(word), [known for known in WORDS if known.startswith(word)]


class Desk:
    """An editor and the terminal before it."""

    def __init__(self, columns: int = 80, limit: int = 8192) -> None:
        self.editor = Editor(PROMPT, limit, words_like)
        self.editor.plain, self.editor.drawing, self.editor.columns = False, True, columns
        self.screen = Screen()
        self.entered: list[str] = []
        self.actions: list[str] = []
        self.editor.redraw()
        self._look()

    def type(self, keys: str) -> "Desk":
        for key in keys:
            action = self.editor.press(key)
            if action == "enter":
                self.entered.append(self.editor.take())
                self.editor.redraw()
            if action:
                self.actions.append(action)
            self._look()
        return self

    def _look(self) -> None:
        self.screen.show(self.editor.drawn())
        assert 0 <= self.screen.column < self.editor.columns
        assert width(self.screen.text) < self.editor.columns

    @property
    def shown(self) -> str:
        return self.screen.text.removeprefix(PROMPT)


def test_typing_and_enter_gives_the_line() -> None:
    assert Desk().type("enable ALL\r\n\nhelp\r\0").entered == ["enable ALL", "", "help"]


def test_the_cursor_walks_and_edits_in_the_middle() -> None:
    desk = Desk().type("enble\x1b[D\x1b[D\x1b[Da\x1b[F!\x01>\x05\x7f")

    assert desk.shown == ">enable"
    assert desk.type("\r").entered == [">enable"]


def test_the_killing_keys() -> None:
    assert Desk().type("one two\x17\r").entered == ["one "]
    assert Desk().type("one two\x01\x0b\x19\x19\r").entered == ["one twoone two"]
    assert Desk().type("one two\x1bb\x15\r").entered == ["two"]
    assert Desk().type("one two\x01\x1bd\r").entered == [" two"]
    assert Desk().type("abc\x1b[D\x1b[3~\x04\x02\x04\r").entered == ["a"]


def test_history_goes_back_and_the_draft_returns() -> None:
    desk = Desk().type("one\rtwo\rtwo\r \rdra")

    assert desk.type("\x1b[A").shown == "two"
    assert desk.type("\x1bOA\x1b[A\x10").shown == "one"
    assert desk.type("\x0e\x1b[B\x1b[B").shown == "dra"
    assert desk.type("\x1b[A!\r").entered[-1] == "two!"


def test_one_match_is_put_in_and_several_are_listed_at_the_second_tab() -> None:
    assert Desk().type("h\x15he\t").shown == "help "
    desk = Desk().type("e\t")
    assert desk.shown == "en" and desk.screen.rows == []
    desk.type("\t")
    assert desk.screen.rows[-1] == "enable  enlist" and desk.shown == "en"
    assert desk.type("a\tho\t1\x7f").shown == "enable host=render-0"
    assert Desk().type("sh\t").shown == "shots/"


def test_completion_in_the_middle_keeps_the_rest() -> None:
    assert Desk().type("hel me\x01\x1bf\t\r").entered == ["help me"]


def test_a_word_in_quotes_is_replaced_from_its_quote_on() -> None:
    desk = Desk()
    desk.editor._complete = lambda line, cursor: (5, ["'my film'"])

    assert desk.type("show 'my fi\t").shown == "show 'my film' "


def test_a_hostile_candidate_is_never_put_in() -> None:
    desk = Desk()
    desk.editor._complete = lambda line, cursor: (0, ["\x1b[2Jrm", ""])

    assert desk.type("a\t\t").shown == "a" and desk.screen.rows == []


def test_control_c_clears_and_control_d_leaves_only_from_an_empty_line() -> None:
    desk = Desk().type("some\x03")
    assert desk.shown == "" and desk.screen.rows == [f"{PROMPT}some^C"] and desk.actions == ["interrupt"]
    assert desk.type("x\x02\x04\x04").actions == ["interrupt", "quit"]


def test_control_l_clears_the_screen_and_keeps_the_line() -> None:
    desk = Desk().type("a\rsome\x0c")

    assert desk.screen.rows == [] and desk.shown == "some"


def test_unknown_and_endless_sequences_do_nothing() -> None:
    desk = Desk().type("a\x1b[99;99~b\x1bzc\x1b[" + "1" * 5000 + "Ad\x1bOPe\x1b\x1b[Df\x1b\r")

    assert desk.entered == ["abcdfe"]


def test_controls_marks_and_surrogates_do_not_enter_a_line() -> None:
    assert Desk().type("a\x00\x9b\u202e\ufeff\x07b\r").entered == ["ab"]


def test_a_long_line_scrolls_and_comes_back_whole() -> None:
    text = "0123456789" * 30
    desk = Desk(columns=40).type(text)

    assert text.endswith(desk.shown) and len(desk.shown) >= 14
    assert desk.type("\x01").shown == text[:30]
    assert desk.type("\r").entered == [text]


def test_a_narrower_window_is_drawn_again() -> None:
    desk = Desk().type("x" * 50)
    desk.editor.resize(30)
    desk._look()

    assert set(desk.shown) == {"x"} and len(desk.shown) <= 21


def test_an_overlong_line_is_marked() -> None:
    desk = Desk(limit=10).type("0123456789")
    assert not desk.editor.overlong
    assert desk.type("x").editor.overlong
    assert desk.type("\x03ok").editor.overlong is False


def test_pasting_does_not_redraw_for_each_character() -> None:
    editor = Editor(PROMPT, 8192, words_like)
    editor.plain, editor.drawing = False, True
    for char in "y" * 8000:
        editor.press(char)

    assert len(editor.drawn()) < 5 * 8000


KEYS = st.sampled_from(
    [
        "\x1b[D",
        "\x1b[C",
        "\x1b[H",
        "\x1b[F",
        "\x7f",
        "\x1b[3~",
        "\x15",
        "\x0b",
        "\x17",
        "\x1bb",
        "\x1bf",
        "\x19",
    ]
)
TYPED = st.text("ab 漢e\u0301é-", min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(KEYS | TYPED, max_size=25), st.integers(20, 60))
def test_the_terminal_always_shows_the_line_around_the_cursor(keys: list[str], columns: int) -> None:
    desk = Desk(columns)
    for key in keys:
        desk.type(key)

    line = desk.editor._line
    assert desk.shown in line.text
    before = "".join(line.chars[: line.cursor])
    if width(line.text) + len(PROMPT) < columns - 1 and not desk.editor._left:
        assert desk.shown == line.text
        assert desk.screen.column == width(PROMPT + before)
    visible = "".join(char for char in desk.screen.row[len(PROMPT) : desk.screen.column])
    assert before.endswith(visible)
    assert desk.type("\r").entered == [line_text(keys)]


def line_text(keys: list[str]) -> str:
    """The same keys on the simplest editor there is: the letters before and after the cursor, marks included."""
    left: list[str] = []
    right: list[str] = []
    killed: list[str] = []
    for key in keys:
        back = {"\x1b[D": 1, "\x7f": 1, "\x1bb": word(left[::-1]), "\x17": word(left[::-1])}.get(key, len(left))
        on = {"\x1b[C": 1, "\x1b[3~": 1, "\x1bf": word(right)}.get(key, len(right))
        if key in ("\x1b[D", "\x1bb", "\x1b[H"):
            left, right = left[: len(left) - min(back, len(left))], left[len(left) - min(back, len(left)) :] + right
        elif key in ("\x1b[C", "\x1bf", "\x1b[F"):
            left, right = left + right[:on], right[on:]
        elif key in ("\x7f", "\x17", "\x15"):
            kept = len(left) - min(back, len(left))
            left, gone = left[:kept], left[kept:]
            killed = gone if gone and key != "\x7f" else killed
        elif key in ("\x1b[3~", "\x0b"):
            gone, right = right[:on], right[on:]
            killed = gone if gone and key == "\x0b" else killed
        elif key == "\x19":
            left = left + killed
        else:
            left = with_typed(left, key)
    return "".join(left + right)


def with_typed(left: list[str], text: str) -> list[str]:
    for char in text:
        if cells(char):
            left = [*left, char]
        elif left:
            left = [*left[:-1], left[-1] + char]
    return left


def word(letters: list[str]) -> int:
    at = 0
    while at < len(letters) and letters[at] == " ":
        at += 1
    while at < len(letters) and letters[at] != " ":
        at += 1
    return at
