"""Conversations that last: the half of the Ask screen that reopens saved ones, goes on with them, and exports them.

An answer is saved by the bridge the moment it is there; this remembers which conversation it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from brain.cleaning import one_line
from tui import messages, texts
from tui.reading_screen import ReadingScreen

if TYPE_CHECKING:
    from brain.conversations import Conversation
    from brain.seams import Conversations
    from brain.types import Scope, Verdict
    from tui.app import BrainApp
    from tui.bridge import Asked
    from tui.turns import Turn

_NAME_LENGTH = 60


class TalkingScreen(ReadingScreen):
    """A conversation with a number and a scope, once it has them."""

    def __init__(self, house: BrainApp, today: Callable[[], date]) -> None:
        super().__init__(house, today)
        self._tickets = 0
        self._number: int | None = None  # of the saved conversation on the screen
        self._scope: Scope | None = None  # where it looks; None: everywhere
        self._is_unsaved_said = False

    async def show_conversation(self) -> None:
        """Put the conversation on the screen, if it is not there yet: every widget costs the first frame a millisecond."""
        if not self._conversation.is_attached:
            await self.query_one("#middle").mount(self._conversation, before=self._panel)

    # What comes in

    def on_saved(self, message: messages.Saved) -> None:
        """An answer is kept, or why not: that is said once."""
        if self._conversation.turn(message.ticket) is None:
            return
        if message.number is not None:
            self._number = message.number
        elif message.failed and not self._is_unsaved_said:
            self._is_unsaved_said = True
            self._house.say(texts.UNSAVED.format(reason=message.failed.reason), "warning")

    async def on_reopened(self, message: messages.Reopened) -> None:
        """A saved conversation is here: show it, and go on with it."""
        from tui.turns import Turn

        if running := self._conversation.running:
            self._house.bridge.stop(running.ticket)
        self._close_preview()
        await self._conversation.clear()
        self.begin_anew()
        await self.show_conversation()
        kept = message.conversation
        self._number, self._scope, self._conversation.named = kept.id, kept.scope, kept.title
        for turn, verdicts in zip(kept.turns, message.verdicts, strict=False):
            self._tickets += 1
            answered = replace(turn.answered, verdicts=verdicts)
            made = Turn(self._tickets, answered.question, began=self._house.now(), forgotten=turn.forgotten)
            made.take(answered, self._house.now())
            await self._conversation.add(made)
        self.add_class("talking")
        last = self._conversation.current
        self._conversation.focus_source(0 if last and last.sources else None)
        self._conversation.scroll.focus()
        self.draw()

    # What the keys do

    def action_conversations(self, searching: bool) -> None:
        """Show the saved ones."""
        from tui.panels.talks import TalkSheet

        if self._house.bridge.is_open:
            self.app.push_screen(TalkSheet(self._house, searching=searching))

    def action_export(self) -> None:
        """Write the conversation on the screen as Markdown."""
        if self._number is None:
            self._house.say(texts.NOTHING_TO_EXPORT)
        else:
            self._house.export(self._number)

    # Steps that several of these share

    def asked(self, turn: Turn) -> Asked:
        """A question as the bridge takes it."""
        from brain.types import Scope
        from tui.bridge import Asked

        return Asked(
            turn.ticket,
            turn.question,
            tuple(self._conversation.history(turn)),
            Scope() if self._scope is None else self._scope,
            self._number,
            self._house.is_keeping,
        )

    def begin_anew(self) -> None:
        """The next answer begins a conversation of its own."""
        self._number = self._scope = None

    def lost_talk(self, number: int) -> None:
        """A conversation was deleted: what is asked next does not go on with it."""
        if number == self._number:
            self._number = None


def fetch(number: int) -> Callable[[Conversations], tuple[Conversation, tuple[tuple[Verdict, ...], ...]]]:
    """A saved conversation, and how what it quotes stands in the files now."""
    return lambda talks: (talks.get(number), talks.verdicts(number))


def write_export(number: int, folder: Path, place: Callable[[Path], str]) -> Callable[[Conversations], Path]:
    """Write a saved conversation into a folder, as a file that is not there yet. Raises BrainError."""

    def write(talks: Conversations) -> Path:
        from brain.errors import BrainError
        from brain.exporting import as_markdown

        kept = talks.get(number)
        text = as_markdown(kept, talks.verdicts(number), place=place)
        for at in count():
            path = folder / f"{_name(kept.title)}{f' {at + 1}' if at else ''}.md"
            try:
                with path.open("x", encoding="utf-8", errors="replace") as file:
                    file.write(text)
            except FileExistsError:
                continue
            except OSError as error:
                reason = f"{path} cannot be written: {error.strerror}."
                raise BrainError(reason, hint=texts.EXPORT_HINT.format(number=number)) from error
            return path
        raise AssertionError

    return write


def _name(title: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_" else " " for letter in one_line(title))
    return " ".join(kept.split())[:_NAME_LENGTH].strip() or texts.CONVERSATION
