"""The line under the operator's fingers: prompt_toolkit's editor with our words, colours, menu, search and bar.

It reads one line at a time; what a line does is not its business. While it is open, `above` shows text over it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_completions, has_focus, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import HighlightIncrementalSearchProcessor
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import BaseStyle, Style, merge_styles
from prompt_toolkit.styles.defaults import default_ui_style
from prompt_toolkit.widgets import SearchToolbar

from brender.commands import COMMANDS
from brender.console.lexing import goes_on, pieces
from brender.console.seat import Seat

PROMPT = "brender> "
MORE = "     ... "
MENU_ROWS = 8
MOST_ROWS = 12  # of a line that has many

STYLE = Style.from_dict(
    {
        "noun": "bold ansicyan",
        "verb": "bold",
        "flag": "ansimagenta",
        "key": "ansiblue",
        "string": "ansigreen",
        "error": "ansired",
        "bar": "noinherit reverse",
        "bar.warning": "noinherit reverse ansiyellow",
        "bar.failed": "noinherit reverse ansired",
        "bar.alarm": "noinherit reverse bold ansired",
        "completion-menu.completion": "bg:ansigray ansiblack",
        "completion-menu.completion.current": "noreverse bg:ansiblack ansiwhite bold",
        "completion-menu.meta.completion": "bg:ansigray ansiblack",
        "completion-menu.meta.completion.current": "noreverse bg:ansiblack ansiwhite",
    }
)


@lru_cache(maxsize=1)
def styles() -> BaseStyle:
    """One style for all sessions."""
    return merge_styles([default_ui_style(), STYLE])


class Dropped(Exception):
    """Ctrl-C: the operator wants another line. (KeyboardInterrupt would end asyncio's loop, and everybody in it.)"""


class Coloured(Lexer):
    """Our pieces as prompt_toolkit's lines."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines: list[StyleAndTextTuples] = [[]]
        for kind, text in pieces(COMMANDS, document.text):
            first, *others = text.split("\n")
            lines[-1].append((f"class:{kind}", first))
            lines += [[(f"class:{kind}", one)] for one in others]
        return lambda number: lines[number] if number < len(lines) else []


class Prompt:
    """The editor of one session. `bar()` gives the pieces under the line."""

    def __init__(self, seat: Seat, completer: Completer, past: History, bar: Callable[[], StyleAndTextTuples]) -> None:
        self._seat = seat
        self._buffer = Buffer(
            name=DEFAULT_BUFFER,
            completer=completer,
            history=past,
            complete_while_typing=False,
            multiline=True,
            accept_handler=self._accept,
        )
        self._app: Application[str] = Application(
            layout=self._layout(bar),
            style=styles(),
            include_default_pygments_style=False,
            key_bindings=self._keys(),
            input=seat.input,
            output=seat.output,
            # It would draw only when the loop has nothing else to do, or after 10 ms: two who type at the same moment
            # see each other's wish to draw, and both spin that long.
            max_render_postpone_time=None,
        )
        self._app.terminal_size_polling_interval = None

    async def read(self) -> str:
        """One entered line. Raises Dropped for Ctrl-C and EOFError for Ctrl-D or when the operator left."""
        self._buffer.reset()
        self._seat.resized = self._app._on_resize  # prompt_toolkit's own, for which it has no public name
        try:
            return await self._app.run_async(set_exception_handler=False, handle_sigint=False)
        finally:
            self._seat.resized = lambda: None

    def remember(self, past: History) -> None:
        """Another operator sits here: their history, from the next line on."""
        self._buffer.history = past

    def above(self, text: str) -> None:
        """Show text over the line that is being typed."""
        if self._app.is_running:
            self._app.renderer.erase()
            self._seat.write(text)
            self._app.renderer.reset()
            self._app.invalidate()
        else:
            self._seat.write(text)

    def refresh(self) -> None:
        """The bar has changed."""
        if self._app.is_running:
            self._app.invalidate()

    # ---- inside

    def _accept(self, buffer: Buffer) -> bool:
        self._app.exit(result=buffer.text)
        return True  # the text stays until the next line begins

    def _layout(self, bar: Callable[[], StyleAndTextTuples]) -> Layout:
        search = SearchToolbar(ignore_case=True)
        line = Window(
            BufferControl(
                self._buffer,
                input_processors=[HighlightIncrementalSearchProcessor()],
                include_default_input_processors=False,
                lexer=Coloured(),
                search_buffer_control=search.control,
                preview_search=True,
            ),
            get_line_prefix=_prefix,
            wrap_lines=True,
            height=self._height,
            dont_extend_height=True,
        )
        menu = CompletionsMenu(max_height=MENU_ROWS, scroll_offset=1, extra_filter=has_focus(self._buffer))
        under = Window(FormattedTextControl(bar), height=1, style="class:bar", dont_extend_height=True)
        return Layout(
            HSplit(
                [
                    FloatContainer(line, [Float(xcursor=True, ycursor=True, transparent=True, content=menu)]),
                    ConditionalContainer(search, ~is_done),
                    ConditionalContainer(under, ~is_done),
                ]
            ),
            focused_element=line,
        )

    def _height(self) -> Dimension:
        """Room for the menu while it is open; a long line scrolls in a few rows until it is entered."""
        if self._app.is_done:
            return Dimension()
        return Dimension(min=MENU_ROWS if self._buffer.complete_state else 1, max=MOST_ROWS)

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        typing = has_focus(DEFAULT_BUFFER)

        @Condition
        def chosen() -> bool:
            state = self._buffer.complete_state
            return state is not None and state.current_completion is not None

        @keys.add("enter", filter=typing & chosen & has_completions)
        def _(event: KeyPressEvent) -> None:
            self._buffer.complete_state = None  # the word stays; the next Enter enters the line

        @keys.add("enter", filter=typing & ~(chosen & has_completions))
        def _(event: KeyPressEvent) -> None:
            if goes_on(self._buffer.text) and self._buffer.document.is_cursor_at_the_end:
                self._buffer.newline(copy_margin=False)
            else:
                self._buffer.validate_and_handle()

        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            self._buffer.cursor_position = len(self._buffer.text)
            self._buffer.insert_text("^C")
            event.app.exit(exception=Dropped, style="class:aborting")

        @keys.add("c-z")
        def _(event: KeyPressEvent) -> None:
            if self._seat.local:
                event.app.suspend_to_background()

        @keys.add("c-d", filter=typing & Condition(lambda: not self._buffer.text))
        def _(event: KeyPressEvent) -> None:
            self._buffer.insert_text("quit")
            event.app.exit(exception=EOFError)

        return keys


def _prefix(line: int, wrap: int) -> StyleAndTextTuples:
    if wrap:
        return []
    return [("class:prompt", PROMPT if line == 0 else MORE)]
