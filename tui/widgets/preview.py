"""The text of a note, drawn line by line: line numbers, wrapped lines, and the evidence marked.

Only the lines on the screen are drawn, so a large file opens like a small one. Offsets are those of the stored text.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from brain.cleaning import clean
from brain.types import Document
from tui import keys

_WRAP_LIMIT = 2_000_000  # characters; longer texts are not wrapped, they scroll sideways
_TAB = "    "
_MARKED = "▌"


def wrap(text: str, width: int) -> list[int]:
    """Where the rows of one line start. Every row fits `width` cells; rows break after a space where there is one."""
    starts = [0]
    if len(text) <= width and text.isascii() and "\t" not in text:
        return starts
    at, cells, space = 0, 0, 0
    plain = text.isascii()
    while at < len(text):
        letter = text[at]
        size = len(_TAB) if letter == "\t" else 1 if plain else cell_len(letter)
        if cells + size > width and at > starts[-1]:
            starts.append(space if space > starts[-1] else at)
            at, cells = starts[-1], 0
            continue
        cells += size
        at += 1
        if letter in " \t":
            space = at
    return starts


class Preview(ScrollView, can_focus=True):
    """A document with one span of it marked."""

    BINDINGS = keys.bindings("letter")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"preview--number", "preview--evidence", "preview--mark"}
    DEFAULT_CSS = """
    Preview { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    Preview > .preview--number { color: $foreground 60%; }
    Preview > .preview--evidence { background: $primary 40%; color: $foreground; }
    Preview > .preview--mark { color: $text-primary; text-style: bold; }
    """
    ALLOW_SELECT = False  # text is copied as a quote
    document: reactive[Document | None] = reactive(None, init=False)

    def __init__(self) -> None:
        super().__init__(id="preview")
        self._span = (0, 0)
        self._line_starts = [0]
        self._page_first: list[int] = [0]  # the first line of each page
        self._rows: list[tuple[int, int, int]] = []  # line, start, end in the document's text
        self._first_row: list[int] = []  # of each line
        self._wrapped_for = 0

    @property
    def lines(self) -> int:
        """How many lines the document has."""
        return len(self._line_starts)

    def open(self, document: Document, start: int, end: int) -> None:
        """Show a document with the span from `start` to `end` marked and in sight."""
        if document is not self.document:
            self.set_reactive(Preview.document, document)
            self._line_starts = [0, *(at + 1 for at, letter in enumerate(document.text) if letter == "\n")]
            pages = {block.page: block.start for block in reversed(document.blocks) if block.page is not None}
            self._page_first = sorted({0, *(self.line_of(at) - 1 for at in pages.values())}) if pages else [0]
            self._wrapped_for = 0
        length = len(document.text)
        self._span = (max(0, min(start, length)), max(0, min(end, length)))
        self._wrap()
        self._show_span()
        self.call_after_refresh(self._show_span)  # a panel just opened has no height yet to scroll in
        self.refresh()

    def line_of(self, offset: int) -> int:
        """The line, counted from 1, that an offset stands on."""
        return bisect_right(self._line_starts, offset)

    def column_of(self, offset: int) -> int:
        """The column, counted from 1, that an offset stands at."""
        return offset - self._line_starts[self.line_of(offset) - 1] + 1

    def on_resize(self) -> None:
        """Wrap again, and keep the evidence in sight."""
        if self.document is not None and self._wrapped_for != self._room():
            self._wrap()
            self.call_after_refresh(self._show_span)

    def render_line(self, y: int) -> Strip:
        """One row: the mark, the line's number, the text with the evidence in it."""
        width = self.size.width
        base = self.rich_style
        row = y + self.scroll_offset.y
        document = self.document
        if document is None or row >= len(self._rows):
            return Strip.blank(width, base)
        line, start, end = self._rows[row]
        low, high = max(start, self._span[0]), min(end, self._span[1])
        is_marked = low < high
        first = self._first_row[line] == row
        page_line = line - self._page_first[bisect_right(self._page_first, line) - 1] + 1
        digits = self._gutter() - 3
        number = str(page_line).rjust(digits) if first else " " * digits
        evidence = base + self.get_component_rich_style("preview--evidence")
        segments = [
            Segment(_MARKED if is_marked else " ", base + self.get_component_rich_style("preview--mark")),
            Segment(f"{number}  ", base + self.get_component_rich_style("preview--number")),
        ]
        spans = [(start, low, base), (low, high, evidence), (high, end, base)] if is_marked else [(start, end, base)]
        segments += [Segment(_drawn(document.text[a:b]), style) for a, b, style in spans if a < b]
        return Strip(segments).adjust_cell_length(width, base)

    def _gutter(self) -> int:
        return len(str(self.lines)) + 3

    def _room(self) -> int:
        return max(8, self.scrollable_content_region.width - self._gutter() - 1)

    def _wrap(self) -> None:
        document = self.document
        if document is None:
            return
        text, starts, width = document.text, self._line_starts, self._room()
        is_wrapping = len(text) <= _WRAP_LIMIT
        rows: list[tuple[int, int, int]] = []
        first_row: list[int] = []
        for line, start in enumerate(starts):
            end = starts[line + 1] - 1 if line + 1 < len(starts) else len(text)
            first_row.append(len(rows))
            if end - start <= width // 4 or not is_wrapping:  # no character is wider than a tab
                rows.append((line, start, end))
                continue
            cuts = [start + at for at in wrap(text[start:end], width)]
            rows.extend((line, a, b) for a, b in zip(cuts, [*cuts[1:], end], strict=True))
        self._rows, self._first_row = rows, first_row
        self._wrapped_for = width
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows))

    def _show_span(self) -> None:
        """Scroll so that the evidence stands in the upper third."""
        if not self._rows:
            return
        line = self.line_of(self._span[0]) - 1
        row = self._first_row[line]
        while row + 1 < len(self._rows) and self._rows[row][2] <= self._span[0] and self._rows[row + 1][0] == line:
            row += 1
        height = self.scrollable_content_region.height
        last = self._first_row[self.line_of(max(self._span)) - 1]
        if not (self.scroll_offset.y <= row and last < self.scroll_offset.y + height - 1):
            self.scroll_to(y=max(0, row - height // 3), animate=False)


def _drawn(text: str) -> str:
    return clean(text).replace("\t", _TAB).replace("\n", " ")
