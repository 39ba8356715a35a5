"""The ask bar: where every question is typed. It sends `Typed`; what its keys do is decided by the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Key
from textual.widgets import Static, TextArea

from brain.cleaning import clean
from tui import keys, texts
from tui.messages import Submitted, Typed


class Prompt(TextArea):
    """The text that is typed. Every printable key goes into it."""

    BINDINGS = keys.bindings("bar")
    DEFAULT_CSS = """
    Prompt { height: auto; max-height: 6; background: transparent; border: none; padding: 0; scrollbar-size-vertical: 1; }
    Prompt:focus { background: transparent; border: none; }
    """

    def __init__(self, keymap: Mapping[str, str], is_picking: Callable[[], bool]) -> None:
        super().__init__(
            compact=True,
            highlight_cursor_line=False,
            tab_behavior="focus",
            placeholder=Content(texts.PLACEHOLDER),
            id="prompt",
        )
        self._keymap = keymap
        self._is_picking = is_picking

    def on_mount(self) -> None:
        """No blinking where nothing should move."""
        self.cursor_blink = self.app.animation_level != "none"

    async def _on_key(self, event: Key) -> None:
        """Keys that do something are kept from being typed.

        They are looked at here, in the order in which they were pressed: the app would see a quick Enter before the
        letters that were typed ahead of it.
        """
        command = keys.in_bar(event.key, self._keymap)
        if command is None or (command.empty_bar and self.text):
            return
        event.prevent_default()
        if command.id == "ask.submit":
            event.stop()
            self.post_message(Submitted(clean(self.text)))
            if not self._is_picking():  # then Enter opens the result and leaves the text alone
                self.load_text("")

    def on_text_area_changed(self) -> None:
        """Tell the app what is typed now."""
        self.post_message(Typed(self.text))


class AskBar(Horizontal):
    """The prompt in its frame; what can be searched stands in the frame."""

    DEFAULT_CSS = """
    AskBar { height: auto; border: round $foreground 30%; border-title-color: $foreground 60%; padding: 0 1; }
    AskBar:focus-within { border: round $border; border-title-color: $text-primary; }
    AskBar > #caret { width: 2; color: $text-primary; text-style: bold; }
    """

    def __init__(self, keymap: Mapping[str, str], is_picking: Callable[[], bool]) -> None:
        super().__init__(id="bar")
        self.prompt = Prompt(keymap, is_picking)
        self._scope = ""

    def compose(self) -> ComposeResult:
        """The caret and the prompt."""
        yield Static(Content(">"), id="caret")
        yield self.prompt

    @property
    def text(self) -> str:
        """What is typed, cleaned."""
        return clean(self.prompt.text)

    def put(self, text: str) -> None:
        """Replace what is typed; the cursor goes to its end."""
        self.prompt.load_text(clean(text))
        self.prompt.move_cursor(self.prompt.document.end)

    def show_scope(self, scope: str) -> None:
        """What is searched, at the right of the frame."""
        if scope != self._scope:
            self._scope = scope
            self._title()

    def on_resize(self) -> None:
        """The frame's text spans its width."""
        self._title()

    def _title(self) -> None:
        title = Content.styled(texts.BAR_TITLE, "bold")
        # 8: corners, a dash and a space at both ends, two spaces
        fill = self.outer_size.width - 8 - title.cell_length - len(self._scope)
        if self._scope and fill > 0:
            title = Content.assemble(title, " ", "─" * fill, " ", (self._scope, "$foreground 60%"))
        self.border_title = title
