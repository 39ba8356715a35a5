"""Reading and checking: the half of the Ask screen that is about answers and their sources.

It holds the parts of the screen and does what opens, copies and scrolls them. What is asked, and how the screen is
drawn, is in `tui.ask_screen`, which builds on this.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from textual.screen import Screen

from tui import messages, texts
from tui.messages import Source
from tui.panels.conversation import Conversation
from tui.panels.hints import Where
from tui.panels.results import Results
from tui.widgets.bar import AskBar
from tui.widgets.turn_view import Look

if TYPE_CHECKING:
    from tui.app import BrainApp
    from tui.panels.source import SourcePanel

BESIDE = 110  # columns from which the source stands beside the conversation


class ReadingScreen(Screen[None]):
    """A conversation, results, a bar and a source, and everything that is done with what is already there."""

    def __init__(self, house: BrainApp, today: Callable[[], date]) -> None:
        super().__init__(id="ask")
        self._house = house
        self._panel: SourcePanel | None = None
        self._opened_from: tuple[int, int] | None = None  # which source of how many stands in the preview
        look = Look(house.place, lambda: house.key("ask.why"), lambda: house.key("ask.again"), house.now)
        self._conversation = Conversation(look)
        self._results = Results(house.place, today)
        self._bar = AskBar(house.live_keys, lambda: self._results.picked is not None)

    def draw(self) -> None:
        """Draw what stands around the conversation."""
        raise NotImplementedError

    @property
    def selected_text(self) -> str:
        """What is selected in the bar or with the mouse."""
        return self._bar.prompt.selected_text or self.get_selected_text() or ""

    @property
    def _is_previewing(self) -> bool:
        return self._panel is not None and self._panel.source is not None

    def _where(self) -> Where:
        focused = self.focused
        if self._panel is not None and focused is self._panel.preview:
            return "source"
        if focused is self._conversation.scroll:
            return "reading"
        if focused is not None and focused.id == "folder":
            return "form"
        if self._results.picked is not None:
            return "picked"
        return "results" if self._results.is_open else "bar"

    # What comes in

    async def on_fetched(self, message: messages.Fetched) -> None:
        """A document, for the preview or for the editor."""
        source, document = message.source, message.document
        if document is None:
            if message.failed:
                self._house.say(f"{message.failed.reason} {message.failed.hint}", "error")
            if message.purpose == "editor":
                self._house.edit(source.path, source.line, 1)
            return
        if message.purpose == "editor":
            before = document.text[: source.start]
            self._house.edit(source.path, before.count("\n") + 1, source.start - before.rfind("\n"))
            return
        panel = await self._source_panel()
        panel.source = source
        self.add_class("previewing")
        at, count = self._opened_from or (None, 0)
        # The panel has no size before it is laid out, and lines are wrapped for a size.
        self.call_after_refresh(lambda: panel.open(source, document, at=at, count=count))
        if self.size.width < BESIDE or self.focused is self._bar.prompt:
            panel.preview.focus()
        self.draw()

    def on_open_result(self, message: messages.OpenResult) -> None:
        """A result was clicked."""
        self._results.pick(message.at)
        self._open_picked()

    def on_open_citation(self, message: messages.OpenCitation) -> None:
        """A mark or a source row was clicked."""
        self._conversation.choose(message.ticket)
        self._conversation.focus_source(message.at)
        self.action_preview()

    # What the keys do

    async def action_copy_answer(self) -> None:
        """Copy the answer's words."""
        turn = self._conversation.current
        if turn is None or not (turn.answered or turn.pieces):
            self._house.say(texts.NOTHING_TO_COPY)
            return
        await self._house.copy(turn.answered.answer if turn.answered else turn.text, texts.THE_ANSWER)

    async def action_copy_with_sources(self) -> None:
        """Copy the answer and its sources as Markdown."""
        turn = self._conversation.current
        if turn is None or turn.answered is None:
            self._house.say(texts.NOTHING_TO_COPY)
            return
        from tui.widgets.prose import as_markdown

        await self._house.copy(as_markdown(turn.answered, self._house.place), texts.THE_ANSWER_SOURCES)

    async def action_copy_quote(self) -> None:
        """Copy the words a source is cited for."""
        if source := self._current_source():
            await self._house.copy(source.quote, texts.THE_QUOTE)

    def action_step_source(self, by: int) -> None:
        """Focus the next or previous source; an open preview follows."""
        turn = self._conversation.current
        if turn is None or not turn.sources:
            return
        at = self._conversation.focused_source
        at = (0 if by > 0 else -1) if at is None else at + by
        self._conversation.focus_source(at % len(turn.sources))
        if self._is_previewing:
            self.action_preview()

    async def action_open_source(self, number: int) -> None:
        """Open the source that the answer calls by this number."""
        turn = self._conversation.current
        if turn is None:
            return
        at = turn.numbered(number) if turn.citations else number - 1
        if at is not None and at < len(turn.sources):
            self._conversation.focus_source(at)
            self.action_preview()

    def action_preview(self) -> None:
        """Show the focused source."""
        turn, at = self._conversation.current, self._conversation.focused_source
        if turn is None or not turn.sources:
            return
        at = 0 if at is None else at
        self._conversation.focus_source(at)
        self._opened_from = (at, len(turn.sources))
        self._house.bridge.fetch(turn.sources[at], "preview")

    def action_open_editor(self) -> None:
        """Open the source in the person's editor, at its line; a PDF in the system's viewer."""
        source = self._current_source()
        if source is None:
            return
        if source.page is not None:
            self.action_open_viewer()
        else:
            self._house.bridge.fetch(source, "editor")

    def action_open_viewer(self) -> None:
        """Open the source with the system's own program."""
        if source := self._current_source():
            self._house.view(source.path)

    def action_why(self) -> None:
        """Show the passages, their scores, and the seconds."""
        from tui.panels.sheets import Sheet, why_lines

        self.app.push_screen(Sheet(texts.WHY, why_lines(self._conversation.current, self._house.place)))

    def action_focus_bar(self) -> None:
        """Back to the bar."""
        self._bar.prompt.focus()

    async def action_page(self, by: int) -> None:
        """A page up or down, in the source if it has the focus."""
        if self._where() == "source" and self._panel:
            preview = self._panel.preview
            preview.scroll_relative(y=by * max(1, preview.size.height - 2), animate=False)
        else:
            await self._conversation.page(by)

    def action_line(self, by: int) -> None:
        """A line up or down."""
        if self._where() == "source" and self._panel:
            self._panel.preview.scroll_relative(y=by, animate=False)
        else:
            self._conversation.line(by)

    def action_end(self) -> None:
        """To the end, and follow."""
        if self._where() == "source" and self._panel:
            self._panel.preview.scroll_end(animate=False)
        else:
            self._conversation.end()

    def action_step_answer(self, by: int) -> None:
        """To the previous or next answer."""
        self._conversation.step_answer(by)
        self.draw()

    # Steps that several of these share

    def _open_picked(self) -> None:
        if self._results.picked is not None and (source := self._results.source(self._results.picked)):
            self._opened_from = (self._results.picked, len(self._results.evidence))
            self._house.bridge.fetch(source, "preview")

    def _current_source(self) -> Source | None:
        """The picked result, the source in the preview, or the focused one of the current answer."""
        if self._results.picked is not None:
            return self._results.source(self._results.picked)
        if self._panel is not None and self._panel.source is not None:
            return self._panel.source
        turn, at = self._conversation.current, self._conversation.focused_source
        return turn.sources[at or 0] if turn and turn.sources else None

    async def _source_panel(self) -> SourcePanel:
        if self._panel is None:
            from tui.panels.source import SourcePanel

            self._panel = SourcePanel(self._house.place)
            await self.query_one("#middle").mount(self._panel)
        return self._panel

    def _close_preview(self) -> None:
        if self._panel is None or self._panel.source is None:
            return
        had_focus = self._where() == "source"
        self._panel.source = None
        self._opened_from = None
        self.remove_class("previewing")
        if had_focus:
            is_reading = bool(self._conversation.turns) and not self._results.is_open
            (self._conversation.scroll if is_reading else self._bar.prompt).focus()
