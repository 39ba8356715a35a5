"""The Ask screen: the bar, passages while typing, the conversation as it grows, and the lines around them.

It decides what a key does here and which message goes where; the parts draw themselves. What belongs to the whole app
(the engine, the clipboard, the editor, help) is the app's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from brain.cleaning import one_line
from tui import keys, messages, texts
from tui.panels.hints import always, hint, hints
from tui.panels.results import FEW, MANY, TALL
from tui.panels.standing import Answers, standing
from tui.panels.welcome import Welcome, welcome
from tui.reading_screen import BESIDE
from tui.sending_screen import SendingScreen
from tui.widgets.line import Line, Part

if TYPE_CHECKING:
    from tui.app import BrainApp
    from tui.turns import Turn

_SEARCHED_FROM = 2  # characters
_SWITCH = "/model "
_SMALLEST = (40, 10)
_SLIM, _LOW = 60, 16  # fewer columns or rows: only the answer, the bar and the bottom line


class AskScreen(SendingScreen):
    """Ask, read, check."""

    AUTO_FOCUS = "#prompt"

    def __init__(self, house: BrainApp, today: Callable[[], date]) -> None:
        super().__init__(house, today)
        self._asked: list[str] = []
        self._recalled: int | None = None
        self._is_stale = False
        self._title = Line(id="title")
        self._welcome = Welcome()
        self._hints = Line(id="hints")
        self._standing = Line(id="standing")
        self._tiny = Static(id="tiny")

    # What is on the screen

    def compose(self) -> ComposeResult:
        """From the top line to the bottom line. Conversation, results and source join when there is something in them:
        every widget costs the first frame about a millisecond."""
        yield self._title
        with Horizontal(id="middle"), Vertical(id="empty"):
            yield self._welcome
        yield self._bar
        yield self._hints
        yield self._standing

    def on_mount(self) -> None:
        """The first frame."""
        self.draw()
        self.set_interval(0.25, self._tick)

    async def on_resize(self, event: Resize) -> None:
        """Say so where the window is too small, and make room for as many results as fit."""
        width, height = event.size
        is_tiny = width < _SMALLEST[0] or height < _SMALLEST[1]
        # Not Textual's breakpoints: those set a class at every size, and a class on the screen styles all of it again.
        self.set_class(width < BESIDE, "narrow")
        self.set_class(width < _SLIM, "slim")
        self.set_class(height < _LOW, "low")
        self.set_class(is_tiny, "tiny")
        if is_tiny:
            if not self._tiny.is_attached:
                await self.mount(self._tiny)
            self._tiny.update(Content(texts.TOO_SMALL.format(width=width, height=height)))
        self._results.fits(MANY if height >= TALL else FEW if height >= 20 else 2)
        self.draw()

    def on_descendant_focus(self) -> None:
        """Hints follow the focus."""
        self._draw_hints()

    def draw(self) -> None:
        """Everything but the conversation; each part draws only what changed."""
        if not self.is_mounted:
            return
        house = self._house
        is_talking = bool(self._conversation.turns)
        self.set_class(is_talking, "talking")
        self.set_class(self._is_previewing, "previewing")
        if not is_talking:
            self._welcome.show(welcome(house.status, house.lost, house.progress))
        title = Content.assemble((texts.APP, "bold $text-primary"), "  ", one_line(self._conversation.title))
        self._title.set([Part(title, keep=10)], [self.badge()])
        left, right = standing(house.status, house.progress, self._answers(), is_lost=house.lost is not None)
        if self.has_class("slim") or self.has_class("low"):  # there is no line above that says it
            right.append(self.badge())
        self._standing.set(left, right)
        documents = texts.counted(house.status.indexed, "document") if house.status and house.status.folders else ""
        narrowed = texts.scope(self._scope) if self._scope is not None else ""
        self._bar.show_scope("  ".join(part for part in (narrowed, documents) if part))
        self._draw_hints()

    def draw_soon(self) -> None:
        """Draw with the next tick: many events come while folders are read."""
        self._is_stale = True

    def _tick(self) -> None:
        if self._is_stale:
            self._is_stale = False
            self.draw()
        elif self._conversation.running:
            self._draw_hints()

    def _draw_hints(self) -> None:
        if not self.is_running:
            return
        where = self._where()
        turn = self._conversation.running or self._conversation.current
        letters = where in ("reading", "source")
        left = hints(
            where,
            turn,
            self._house.key,
            has_text=bool(self._bar.text.strip()),
            now=self._house.now(),
            motion=self.app.animation_level != "none",
        )
        if self._house.status and not self._house.status.folders and where == "bar" and not turn:
            left.insert(0, hint("Tab", texts.ADD_FOLDER_SHORT, 6))
        if letters or (where != "form" and not self._bar.text):
            right = always(lambda command: self._house.key(command, letters))
        else:
            right = always(lambda command: keys.keys(command, "key", self._house.live_keys))
        self._hints.set(left, right)

    def _answers(self) -> Answers:
        return Answers(self.model_shown, self.being_loaded, bool(self.host), *self.traffic)

    # What the engine says

    def connected(self) -> None:
        """The engine is open: search what is typed, ask what waits."""
        self._search()
        self.ask_waiting()
        status = self._house.status
        if status is not None and not status.stays_home and not self.choices:
            self._house.bridge.models()  # they say to which host what is asked would go
        self.draw()

    async def offer_folders(self) -> None:
        """The first-run form, while there is no folder."""
        status = self._house.status
        empty = self.query_one("#empty")
        forms = list(empty.query("FolderForm"))
        if status and not status.folders and not forms:
            from tui.panels.sheets import FolderForm

            await empty.mount(FolderForm())
            if not self._bar.text:
                empty.query_one("#folder").focus()
        elif status and status.folders and forms:
            await forms[0].remove()
            self._bar.prompt.focus()
            self._search()

    def on_happened(self, message: messages.Happened) -> None:
        """An event of a question."""
        if message.ticket is None:
            return
        self._conversation.show(message.event, message.ticket)
        turn = self._conversation.turn(message.ticket)
        if turn is not None:
            self.mind(turn, message.event)
            if not turn.pieces:
                self._draw_hints()

    def on_ask_ended(self) -> None:
        """The engine is free for the next question."""
        self._conversation.flush()
        self.load()
        self.ask_waiting()
        self.draw()

    async def on_found(self, message: messages.Found) -> None:
        """Passages for what is typed; what came too late is dropped."""
        if message.text == self._query():
            if not self._results.is_attached:
                await self.mount(self._results, before=self._bar)
            self._results.show(message.text, message.result, message.failed)
            self._draw_hints()

    # What the person does

    def on_typed(self) -> None:
        """Search while typing."""
        self._results.pick(None)
        if len(self._query()) < _SEARCHED_FROM:
            self._results.close()
        self._search()
        self._draw_hints()

    async def on_submitted(self, message: messages.Submitted) -> None:
        """Open the picked result, or ask what was typed."""
        if self._house.lost is not None:
            self._house.connect_again()
        question = message.text.strip()
        if self._results.picked is not None:
            self._open_picked()
        elif question.startswith(_SWITCH):
            self.switch_to(question.removeprefix(_SWITCH).strip())
        elif question and not await self._ask(question) and not self._bar.text:
            self._bar.put(question)
        elif not question and (turn := self._conversation.current) is not None and turn.could_stay:
            self.answer_here(turn)

    def action_newline(self) -> None:
        """A new line in the bar."""
        self._bar.prompt.insert("\n")

    def action_pick(self, by: int) -> None:
        """Pick a result; in an empty bar, an earlier question. In a text of several lines: move."""
        prompt = self._bar.prompt
        if self._results.is_open and self._results.step(by):
            self._draw_hints()
            return
        if prompt.text and self._recalled is None:
            (prompt.action_cursor_down if by > 0 else prompt.action_cursor_up)()
            return
        if not self._asked:
            return
        at = (len(self._asked) if self._recalled is None else self._recalled) + by
        self._recalled = max(0, at) if at < len(self._asked) else None
        self._bar.put("" if self._recalled is None else self._asked[self._recalled])

    async def action_back(self) -> None:
        """One step back: let go, close, stop, clear, leave the bar."""
        running = self._conversation.running
        if self._where() == "source":
            self._close_preview()
        elif self._results.picked is not None:
            self._results.pick(None)
        elif self._is_previewing and (self.focused is not self._bar.prompt or not running):
            self._close_preview()
        elif running:
            self.stop(running)
        elif self.focused is not self._bar.prompt:
            self._bar.prompt.focus()
        elif self._bar.text:
            self._recalled = None
            self._bar.put("")
        elif self._conversation.turns:
            self._conversation.scroll.focus()
        self.draw()

    async def action_new_conversation(self) -> None:
        """Begin anew; a running answer is stopped."""
        if running := self._conversation.running:
            self.stop(running)
        self._close_preview()
        await self._conversation.clear()
        self.begin_anew()
        self._bar.prompt.focus()
        self.draw()

    async def action_again(self) -> None:
        """Ask the current question again."""
        turn = self._conversation.current
        if turn is not None and not turn.is_running:
            await self._ask(turn.question)

    def stop_running(self) -> bool:
        """Stop the answer that runs; False if none does."""
        running = self._conversation.running
        if running:
            self.stop(running)
        return running is not None

    # Steps that several of these share

    def _query(self) -> str:
        return self._bar.text.strip()

    def _search(self) -> None:
        text = self._query()
        if len(text) >= _SEARCHED_FROM and self._house.status is not None and self._house.status.folders:
            self._house.bridge.search(text, limit=MANY)

    async def _ask(self, question: str) -> bool:
        """Ask, or wait for the answer that runs. False: one question waits already."""
        if self._conversation.waiting:
            self._house.say(texts.QUEUE_FULL, "warning")
            return False
        self._tickets += 1
        from tui.turns import Turn  # the first frame knows no turn

        turn = Turn(self._tickets, question, state="waiting", began=self._house.now())
        self._asked.append(question)
        self._recalled = None
        await self.show_conversation()
        await self._conversation.add(turn)
        self.add_class("talking")
        self._close_preview()
        self.ask_waiting()
        if turn.state == "waiting" and not self._house.bridge.is_open:
            self._house.say(texts.NOT_OPEN_YET)
        self.draw()
        return True

    def ask_waiting(self) -> None:
        """Ask what waits, unless something runs or stands at the gate."""
        turn = self._conversation.waiting
        if turn is None or self._conversation.running or not self._house.bridge.is_open or self._house.bridge.is_asking:
            return
        turn.state = "searching"
        self._house.bridge.ask(self.asked(turn))
        self._conversation.changed(turn)

    def stop(self, turn: Turn) -> None:
        """Stop a turn that runs, or stands at the gate."""
        self._house.bridge.stop(turn.ticket)
        turn.stop()
        self.leave_gate(turn)
        self._conversation.changed(turn)
        self.draw()
