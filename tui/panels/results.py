"""Passages found while typing, above the bar. Rows never move under one that was picked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import RenderResult
from textual.content import Content
from textual.events import Click
from textual.style import Style
from textual.widget import Widget

from brain.cleaning import clean, one_line
from tui import texts
from tui.messages import OpenResult, Source
from tui.widgets.turn_view import shorten, where

if TYPE_CHECKING:
    from brain.events import Failed, Retrieved
    from brain.types import Evidence

FEW, MANY, TALL = 5, 10, 36
ROOMY = 100  # columns from which a date says where it was found


def emphasised(passage: str, query: str, typed: str, width: int) -> Content:
    """One line of a passage around the words of the query, those in bold, with … where it was cut."""
    from brain.snippets import snippet  # not needed before something is found

    typing = typed.rsplit(maxsplit=1)[-1] if typed and not typed[-1].isspace() else ""
    shown = snippet(passage, query, length=max(4, width - 4), typing=typing)
    line = Content(shown.text)
    for start, end in shown.marks:
        line = line.stylize("bold $foreground", start, end)
    return Content.assemble("… " if shown.is_cut_before else "", line, " …" if shown.is_cut_after else "").truncate(
        max(4, width), ellipsis=True
    )


class Results(Widget):
    """The passages of the newest search. The bar keeps the focus; the app moves the pick."""

    DEFAULT_CSS = """
    Results { height: auto; width: 1fr; display: none; text-wrap: nowrap; padding: 0 1; }
    Results.shown { display: block; }
    """

    def __init__(self, place: Callable[[Path], str], today: Callable[[], date]) -> None:
        super().__init__(id="results")
        self._place = place
        self._today = today
        self._typed = ""
        self._result: Retrieved | None = None
        self._failed: Failed | None = None
        self.picked: int | None = None
        self.limit = FEW

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The passages that are shown."""
        return self._result.evidence[: self.limit] if self._result else ()

    @property
    def is_open(self) -> bool:
        """Something is shown."""
        return self._result is not None or self._failed is not None

    def source(self, at: int) -> Source | None:
        """The place of a shown passage."""
        return Source.found(self.evidence[at]) if 0 <= at < len(self.evidence) else None

    def show(self, typed: str, result: Retrieved | None, failed: Failed | None = None) -> None:
        """Show what was found, or why nothing was; nothing moves while a row is picked."""
        if self.picked is None:
            self._typed, self._result, self._failed = typed, result, failed
            self._redraw()

    def close(self) -> None:
        """Show nothing."""
        self._result, self._failed, self.picked = None, None, None
        self._redraw()

    def pick(self, at: int | None) -> None:
        """Pick a row, or none."""
        self.picked = at
        self.refresh()

    def step(self, by: int) -> bool:
        """Move the pick; stepping off either end lets go. False: there is nothing to pick."""
        count = len(self.evidence)
        if not count:
            return False
        at = (0 if by > 0 else count - 1) if self.picked is None else self.picked + by
        self.pick(at if 0 <= at < count else None)
        return True

    def fits(self, limit: int) -> None:
        """How many passages there is room for."""
        if limit != self.limit:
            self.limit = limit
            self._redraw()

    def render(self) -> RenderResult:
        """Two lines a passage, one that says what it took, and one for the days that were understood."""
        width = self.content_size.width
        if self._failed is not None:
            said = Content(f"! {one_line(self._failed.reason)} {one_line(self._failed.hint)}").stylize("$text-warning")
            return said.truncate(width, ellipsis=True)
        if self._result is None:
            return Content("")
        understood = self._understood(self._result, width)
        if not self._result.evidence:
            documents = texts.counted(self._result.documents, "document")
            nothing = Content.styled(texts.NO_PASSAGE.format(documents=documents), "dim")
            return Content("\n").join([*understood, nothing])
        query = self._result.query
        rows = understood + [
            line for at, item in enumerate(self.evidence) for line in self._row(at, item, query, width)
        ]
        return Content("\n").join([*rows, self._ending(self._result, width)])

    def on_click(self, event: Click) -> None:
        """A click on a passage opens it."""
        at = event.style.meta.get("result")
        if isinstance(at, int):
            event.stop()
            self.post_message(OpenResult(at))

    def _row(self, at: int, item: Evidence, query: str, width: int) -> list[Content]:
        is_picked = at == self.picked
        right = f"{_found_by(item):<13}  {self._dated(item, width)}" if width >= 60 else ""
        name = shorten(where(one_line(self._place(item.chunk.path)), Source.found(item)), width - len(right) - 5)
        left = Content.styled(name, "bold $text-accent" if is_picked else "$text-accent")
        gap = " " * max(1, width - 2 - left.cell_length - len(right))
        from brain.wording import plain

        text = plain(clean(item.chunk.text), item.chunk.format)
        shown = emphasised(text, query, self._typed, width - 3)
        rows = [
            Content.assemble(("▸ " if is_picked else "  ", "bold $text-accent"), left, gap, (right, "dim")),
            Content.assemble("  ", shown.stylize_before("$foreground 65%")),
        ]
        return [row.stylize(Style.from_meta({"result": at})) for row in rows]

    def _dated(self, item: Evidence, width: int) -> str:
        """How old a passage's document is; where there is room, its date and where that was found."""
        if width < ROOMY or not item.date or item.date_origin is None:
            return f"{texts.age(item.date, self._today()):<9}"
        from brain.dating import ORIGINS

        return f"{one_line(item.date)} ({ORIGINS[item.date_origin]})".ljust(len("2024-03-01 (front matter)"))

    def _understood(self, result: Retrieved, width: int) -> list[Content]:
        """A line that says which days were understood, where the question named some."""
        if result.window is None:
            return []
        from brain.dating import window_in_words

        said = texts.DATES.format(days=one_line(window_in_words(result.window)))
        return [Content.styled(said, "dim").truncate(width, ellipsis=True)]

    def _ending(self, result: Retrieved, width: int) -> Content:
        more = len(result.evidence) - len(self.evidence)
        seconds = result.seconds
        if seconds.vectors:
            took = texts.SEARCH_TIMES.format(words=round(seconds.words * 1000), vectors=round(seconds.vectors * 1000))
        else:
            took = texts.SEARCH_TIME.format(total=round(seconds.total * 1000))
        left = f"  {texts.MORE.format(count=more)}" if more > 0 else ""
        return Content.styled(left + took.rjust(max(len(took) + 1, width - len(left))), "dim")

    def _redraw(self) -> None:
        self.set_class(self.is_open, "shown")
        self.refresh(layout=True)


def _found_by(item: Evidence) -> str:
    words, vectors = item.scores.words is not None, item.scores.vectors is not None
    return texts.BY_BOTH if words and vectors else texts.BY_MEANING if vectors else texts.BY_WORDS if words else ""
