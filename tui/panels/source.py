"""The source beside the conversation: the text of a note with the evidence marked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from brain.cleaning import one_line
from brain.types import Document
from tui import texts
from tui.messages import Source
from tui.widgets.line import Line, Part
from tui.widgets.preview import Preview
from tui.widgets.turn_view import shorten


class SourcePanel(Vertical):
    """A heading that says which source of how many, and the text under it."""

    DEFAULT_CSS = """
    SourcePanel { width: 1fr; height: 1fr; border-left: vkey $foreground 30%; }
    SourcePanel:focus-within { border-left: vkey $border; }
    SourcePanel > #source-title { background: $boost; }
    """

    def __init__(self, place: Callable[[Path], str]) -> None:
        super().__init__(id="source")
        self._place = place
        self.source: Source | None = None
        self.preview = Preview()
        self._title = Line(id="source-title", gap=2)

    def compose(self) -> ComposeResult:
        """The heading and the text."""
        yield self._title
        yield self.preview

    def open(self, source: Source, document: Document, *, at: int | None, count: int) -> None:
        """Show a source; `at` of `count` where it belongs to an answer."""
        self.source = source
        self.preview.open(document, source.start, source.end)
        if source.page is not None and document.pages:
            place = texts.PAGE_OF.format(page=source.page, pages=document.pages)
        else:
            line = self.preview.line_of(source.start)
            place = texts.LINE_OF.format(line=texts.number(line), lines=texts.number(self.preview.lines))
        name = one_line(self._place(source.path))
        parts = [
            Part(
                Content.styled(name, "bold"),
                keep=10,
                short=Content.styled(shorten(name, max(12, self.size.width - 36)), "bold"),
            )
        ]
        if at is not None:
            parts.insert(0, Part(Content.styled(texts.PREVIEW_PLACE.format(at=at + 1, count=count), "dim"), keep=5))
        self._title.set(parts, [Part(Content.styled(place, "dim"), keep=8)])

    def place_in(self, document: Document, source: Source) -> tuple[int, int]:
        """Line and column of a source, counted from 1."""
        if self.preview.document is document:
            return self.preview.line_of(source.start), self.preview.column_of(source.start)
        before = document.text[: source.start]
        return before.count("\n") + 1, source.start - (before.rfind("\n") + 1) + 1
