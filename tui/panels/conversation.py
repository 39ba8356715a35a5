"""The conversation: its turns from the first to the last, scrolled to the end until someone scrolls up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.geometry import Region
from textual.widgets import Static

from tui import keys, texts
from tui.messages import Scrolled
from tui.widgets.turn_view import Look, TurnView

if TYPE_CHECKING:
    from brain.events import Event
    from brain.types import Message
    from tui.turns import Turn

MOUNTED = 20  # turns on the screen's tree; older ones come back when scrolled to
_FLUSH = 1 / 12


class Scroll(VerticalScroll, can_focus=True):
    """Holds the turns; says when it was scrolled."""

    BINDINGS = keys.bindings("letter")
    DEFAULT_CSS = "Scroll { scrollbar-size-vertical: 1; }"

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell the conversation, too."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(Scrolled())


class Pill(Static):
    """Says how many lines stand below; a click goes there."""

    DEFAULT_CSS = """
    Pill { display: none; dock: bottom; height: 1; width: 1fr; text-align: right; padding: 0 2; color: $text-primary; }
    Pill.shown { display: block; }
    """

    async def on_click(self, event: Click) -> None:
        """Go to the end."""
        event.stop()
        await self.run_action("app.end")


class Conversation(Vertical):
    """All turns of one conversation. It takes events for a turn, draws them at most 12 times a second, and knows which
    answer and which of its sources is the current one."""

    DEFAULT_CSS = """
    Conversation { width: 1fr; height: 1fr; }
    /* An anchored scroll would push a short conversation down to the bar; this keeps it at the top. */
    Conversation #turns { height: auto; min-height: 100%; }
    Conversation > #earlier { display: none; height: 1; padding: 0 2; color: $foreground 60%; }
    Conversation > #earlier.shown { display: block; }
    """

    def __init__(self, look: Look) -> None:
        super().__init__(id="conversation")
        self.turns: list[Turn] = []
        self.named = ""  # the title it was given
        self._look = look
        self._views: dict[int, TurnView] = {}
        self._current: int | None = None  # an index into turns; None: the last
        self._dirty: set[int] = set()
        self._seen_height = 0
        self.scroll = Scroll(id="scroll")
        self._list = Vertical(id="turns")
        self._earlier = Static(id="earlier")
        self._pill = Pill(id="pill")

    def compose(self) -> ComposeResult:
        """The turns, what is above them, what is below."""
        yield self._earlier
        with self.scroll:
            yield self._list
        yield self._pill

    def on_mount(self) -> None:
        """Follow the end; draw what is dirty twelve times a second."""
        self.scroll.anchor()
        self.set_interval(_FLUSH, self.flush)

    @property
    def title(self) -> str:
        """The title it was given, or the first question."""
        return self.named or (self.turns[0].question if self.turns else "")

    @property
    def current(self) -> Turn | None:
        """The answer that keys act on: the last one, or one that was stepped to."""
        if not self.turns:
            return None
        return self.turns[-1 if self._current is None else self._current]

    @property
    def running(self) -> Turn | None:
        """The turn whose answer is on its way."""
        return next((turn for turn in self.turns if turn.is_running), None)

    @property
    def waiting(self) -> Turn | None:
        """The question that waits for it."""
        return next((turn for turn in self.turns if turn.state == "waiting"), None)

    @property
    def focused_source(self) -> int | None:
        """Which source of the current answer is the focused one."""
        view = self._view(self.current)
        return view.focused_source if view else None

    def history(self, before: Turn) -> list[Message]:
        """What was said before a turn, for a follow-up."""
        earlier = self.turns[: self.turns.index(before)]
        return [message for turn in earlier for message in turn.messages()]

    def turn(self, ticket: int) -> Turn | None:
        """The turn of a ticket; None once its conversation is gone."""
        return next((turn for turn in self.turns if turn.ticket == ticket), None)

    async def add(self, turn: Turn) -> None:
        """Put a turn at the end and follow it."""
        self.turns.append(turn)
        self._current = None
        view = self._views[turn.ticket] = TurnView(turn, self._look)
        await self._list.mount(view)
        await self._prune()
        self.scroll.anchor()

    async def clear(self) -> None:
        """Begin anew."""
        self.turns.clear()
        self.named = ""
        self._views.clear()
        self._current = None
        await self._list.remove_children()
        self._say_earlier()
        self.scroll.anchor()

    def show(self, event: Event, ticket: int) -> None:
        """Take an event for a turn in; it is drawn with the next flush."""
        if turn := self.turn(ticket):
            turn.take(event, self._look.now())
            self._dirty.add(ticket)
            if turn.is_settled and turn.sources and turn is self.turns[-1]:
                self.focus_source(0)

    def changed(self, turn: Turn) -> None:
        """A turn was changed by hand: draw it now."""
        self._dirty.add(turn.ticket)
        self.flush()

    def flush(self) -> None:
        """Draw what has changed."""
        if any(turn.state == "thinking" for turn in self.turns[-2:]):
            self._dirty.update(turn.ticket for turn in self.turns[-2:] if turn.state == "thinking")
        if not self._dirty:
            return
        for ticket in self._dirty:
            if view := self._views.get(ticket):
                view.redraw()
        self._dirty.clear()
        self.call_after_refresh(self._say_below)

    def focus_source(self, at: int | None) -> None:
        """Make a source of the current answer the focused one, and show its row."""
        turn = self.current
        for ticket, view in self._views.items():
            view.focus_source(at if turn and ticket == turn.ticket else None)
        if at is not None:
            self.call_after_refresh(self._reveal, at)

    def step_answer(self, by: int) -> None:
        """Make the previous or next answer the current one and scroll to it."""
        if not self.turns:
            return
        at = len(self.turns) - 1 if self._current is None else self._current
        at = max(0, min(len(self.turns) - 1, at + by))
        self._current = None if at == len(self.turns) - 1 else at
        turn = self.turns[at]
        self.focus_source(0 if turn.sources else None)
        if view := self._view(turn):
            self.scroll.scroll_to_widget(view, top=True, animate=False)

    def choose(self, ticket: int) -> None:
        """Make the answer of a ticket the current one."""
        for at, turn in enumerate(self.turns):
            if turn.ticket == ticket:
                self._current = None if at == len(self.turns) - 1 else at

    async def page(self, by: int) -> None:
        """A page up or down; older turns come back at the top."""
        if by < 0 and self.scroll.scroll_y <= 0:
            await self._mount_earlier()
        self.scroll.release_anchor()
        self.scroll.scroll_relative(y=by * max(1, self.scroll.size.height - 2), animate=False)

    def line(self, by: int) -> None:
        """A line up or down."""
        self.scroll.scroll_relative(y=by, animate=False)

    def end(self) -> None:
        """Go to the end and follow it."""
        self.scroll.anchor()
        self._say_below()

    def on_scrolled(self) -> None:
        """Say how much stands below."""
        self._say_below()

    def on_resize(self) -> None:
        """Keep the focused source in sight at another width."""
        if self.focused_source is not None and not self._is_following():
            self.call_after_refresh(self._reveal, self.focused_source)

    def _view(self, turn: Turn | None) -> TurnView | None:
        return self._views.get(turn.ticket) if turn else None

    def _is_following(self) -> bool:
        return self.scroll.scroll_y >= self.scroll.max_scroll_y - 1

    def _reveal(self, at: int) -> None:
        view = self._view(self.current)
        row = view.row_of(at) if view and view.is_attached else None
        if view is None or row is None:
            return
        y = view.virtual_region_with_margin.y + row
        top, height = self.scroll.scroll_offset.y, self.scroll.size.height
        if not top <= y < top + height:
            self.scroll.scroll_to_region(Region(0, y, 1, 1), animate=False)

    def _say_below(self) -> None:
        height = self.scroll.virtual_size.height
        if self._is_following():
            self._seen_height = height
        below = height - max(self._seen_height, round(self.scroll.scroll_y) + self.scroll.size.height)
        if below > 0:
            self._pill.update(Content(texts.NEW_LINES.format(lines=texts.counted(below, "new line"))))
        self._pill.set_class(below > 0, "shown")

    def _say_earlier(self) -> None:
        hidden = len(self.turns) - len(self._views)
        if hidden:
            said = texts.EARLIER.format(count=texts.counted(hidden, "earlier question"))
            self._earlier.update(Content(said))
        self._earlier.set_class(hidden > 0, "shown")

    async def _prune(self) -> None:
        for turn in self.turns[: max(0, len(self.turns) - MOUNTED)]:
            if view := self._views.pop(turn.ticket, None):
                await view.remove()
        self._say_earlier()

    async def _mount_earlier(self) -> None:
        hidden = [turn for turn in self.turns if turn.ticket not in self._views]
        views = [TurnView(turn, self._look) for turn in hidden[-MOUNTED // 2 :]]
        if not views:
            return
        await self._list.mount(*views, before=0)
        self._views.update({view.turn.ticket: view for view in views})
        self._say_earlier()
        self.scroll.scroll_to_widget(views[-1], top=False, animate=False)
