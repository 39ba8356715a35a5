"""What stands in the middle before anything was asked: what Brain knows, what is missing, and the next step."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from brain.cleaning import one_line
from tui import texts

if TYPE_CHECKING:
    from brain.events import Failed
    from brain.types import Status
    from tui.progress import Progress


def is_foreign(status: Status) -> bool:
    """Another process owns the index."""
    return status.owner is not None and status.owner.pid != os.getpid()


def welcome(
    status: Status | None, failed: Failed | None, progress: Progress | None, notes: Sequence[str] = ()
) -> Content:
    """The lines for how things stand. The first one says what it is, dim ones what to do."""
    lines: list[tuple[str, str]] = []
    if failed:
        lines = [(f"! {one_line(failed.reason)}", "$text-error"), (one_line(failed.hint), "dim"), (texts.LOST, "dim")]
    elif status is None:
        lines = [(texts.OPENING, "dim")]
    elif not status.folders:
        lines = [(texts.NO_FOLDERS, "bold")]
    else:
        lines = [(texts.READY, "bold"), *((line, "dim") for line in _counts(status, progress))]
        if status.chat is None:
            lines += [("", ""), (texts.NO_MODEL, "$text-warning"), (texts.NO_MODEL_HINT, "bold")]
        if is_foreign(status) and status.owner:
            lines += [("", ""), (texts.OWNED.format(pid=status.owner.pid), "dim")]
    lines += [(note, "dim") for note in notes]
    return Content("\n").join(Content.styled(text, style) if style else Content(text) for text, style in lines)


def _counts(status: Status, progress: Progress | None) -> list[str]:
    if progress and progress.is_running and progress.total:
        return [texts.READY_READING.format(done=texts.number(progress.done), total=texts.number(progress.total))]
    if not status.chunks:
        return [texts.READY_EMPTY]
    documents, passages = texts.counted(status.indexed, "document"), texts.counted(status.chunks, "passage")
    return [texts.READY_COUNT.format(documents=documents, passages=passages)]


class Welcome(Widget):
    """Draws `welcome` in the middle of what room there is."""

    DEFAULT_CSS = "Welcome { width: 1fr; height: auto; text-align: center; padding: 0 2; }"

    def __init__(self) -> None:
        super().__init__(id="welcome")
        self._content = Content.styled(texts.OPENING, "dim")

    def show(self, content: Content) -> None:
        """Show other lines."""
        if content.markup != self._content.markup:
            self._content = content
            self.refresh(layout=True)

    def render(self) -> RenderResult:
        """The lines."""
        return self._content
