"""The exact bytes of a request, to be read before they are sent: cleaned for the terminal, character for character."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from brain.cleaning import defuse, one_line
from brain.types import Document
from tui import texts
from tui.widgets.preview import Preview

if TYPE_CHECKING:
    from brain.events import Leaving


class Body(Preview, inherit_bindings=False):
    """The body; no key but those that scroll does anything here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", show=False),
        Binding("k,up", "scroll_up", show=False),
        Binding("space,pagedown", "page_down", show=False),
        Binding("b,pageup", "page_up", show=False),
        Binding("home", "scroll_home", show=False),
        Binding("end,G", "scroll_end", show=False),
    ]


class RequestSheet(ModalScreen[None]):
    """The body under its address, size and hash."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+g,q,v", "dismiss", show=False)]
    DEFAULT_CSS = """
    RequestSheet { align: center middle; background: $background 60%; }
    RequestSheet > Vertical { width: 100%; max-width: 120; height: 100%; border: round $border; background: $surface; }
    RequestSheet Static { height: auto; padding: 0 1 1 1; color: $foreground 60%; }
    RequestSheet Body { height: 1fr; }
    """

    def __init__(self, leaving: Leaving, size: int) -> None:
        super().__init__()
        self._leaving = leaving
        self._bytes = size
        self._body = Body()

    def compose(self) -> ComposeResult:
        """What it is, and the body."""
        leaving = self._leaving
        with Vertical() as frame:
            frame.border_title = Content.styled(texts.BYTES, "bold")
            frame.border_subtitle = Content.styled(texts.CLOSE_HINT, "dim")
            said = texts.BYTES_SAID.format(
                url=one_line(leaving.url), bytes=texts.counted(self._bytes, "byte"), sha256=one_line(leaving.sha256)
            )
            yield Static(Content(said))
            yield self._body

    def on_mount(self) -> None:
        """Show it, once it has a width to be wrapped for."""
        self._body.focus()
        document = Document(Path("request"), "", defuse(self._leaving.body), ())
        self.call_after_refresh(lambda: self._body.open(document, 0, 0))
