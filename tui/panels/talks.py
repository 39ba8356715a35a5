"""Saved conversations over the screen: searched, reopened, renamed, exported, deleted and brought back.

It shows and asks; what is done with the store is the bridge's, and reopening is the screen's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from brain.cleaning import one_line
from tui import messages, texts

if TYPE_CHECKING:
    from brain.conversations import Conversation, Summary
    from tui.app import BrainApp

UNDO_SECONDS = 10.0
MOST = 200  # in the list; words find the rest


class TalkList(OptionList):
    """The list; letters act on the conversation that is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("slash", "screen.look_for", show=False),
        Binding("d", "screen.delete", show=False),
        Binding("u", "screen.undo", show=False),
        Binding("e", "screen.rename", show=False),
        Binding("x", "screen.export", show=False),
        Binding("q", "screen.step_back", show=False),
    ]


class TalkSheet(ModalScreen[None]):
    """All of them, the last used first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "step_back", show=False),
        Binding("f4,ctrl+r", "dismiss", show=False),
        Binding("down", "to_list", show=False),
    ]
    DEFAULT_CSS = """
    TalkSheet { align: center middle; background: $background 60%; }
    TalkSheet > Vertical { width: 90%; max-width: 100; height: 90%; border: round $border; background: $surface; padding: 0 1; }
    TalkSheet Input { background: transparent; border: none; height: 1; padding: 0; margin-bottom: 1; }
    TalkSheet TalkList { height: 1fr; background: transparent; border: none; padding: 0; scrollbar-size-vertical: 1; }
    TalkSheet TalkList:focus { border: none; }
    TalkSheet #talks-said { height: auto; min-height: 1; color: $foreground 60%; }
    """

    def __init__(self, house: BrainApp, *, searching: bool) -> None:
        super().__init__()
        self._house = house
        self._searching = searching
        self._found: tuple[Summary, ...] = ()
        self._words = ""
        self._renaming: int | None = None
        self._sure: int | None = None  # `d` was pressed once on it
        self._lost: tuple[float, Conversation] | None = None

    def compose(self) -> ComposeResult:
        """What is looked for, what is there, what can be done."""
        with Vertical() as frame:
            frame.border_title = Content.styled(texts.TALKS, "bold")
            frame.border_subtitle = Content.styled(texts.CLOSE_HINT, "dim")
            words = Input(placeholder=texts.TALKS_PLACEHOLDER, select_on_focus=False, id="talks-words")
            words.cursor_blink = self.app.animation_level != "none"
            yield words
            yield TalkList(id="talks-list")
            yield Static(id="talks-said")

    def on_mount(self) -> None:
        """Look."""
        self.query_one("#talks-words" if self._searching else "#talks-list").focus()
        self._say(texts.TALKS_LOOKING)
        self._look()

    # What comes in

    def on_listed(self, message: messages.Listed) -> None:
        """What was found for exactly these words."""
        if message.words != self._words:
            return
        self._found = message.found
        marked = self._marked
        rows = self.query_one(TalkList)
        rows.clear_options()
        width = max(20, rows.size.width - 2)
        days = _days(self._found, self._house.today(), self._house.zone)
        rows.add_options(
            Option(_shown(one, day, width), id=str(one.id)) for one, day in zip(self._found, days, strict=True)
        )
        at = next((at for at, one in enumerate(self._found) if marked and one.id == marked.id), 0)
        rows.highlighted = at if self._found else None
        if not self._lost:
            self._hint()

    def on_talk_deleted(self, message: messages.TalkDeleted) -> None:
        """It is gone, and can be brought back for a while."""
        self._lost = (self._house.now(), message.lost)
        self.set_timer(UNDO_SECONDS, self._forget)
        self._house.lost_talk(message.lost.id)
        self._look()
        self._say(texts.TALK_DELETED.format(title=one_line(message.lost.title)))

    def on_talks_changed(self) -> None:
        """Look again."""
        self._look()
        self._hint()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while typing."""
        event.stop()
        if self._renaming is None:
            self._words = event.value
            self._look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the new title, or go to what was found."""
        event.stop()
        number, title = self._renaming, event.value
        if number is None:
            self.query_one(TalkList).focus()
            return
        self._leave_renaming()
        if title.strip():
            self._house.bridge.talks(self, lambda talks: talks.rename(number, title), messages.TalksChanged)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open it."""
        event.stop()
        number = int(event.option_id or 0)
        self.dismiss()
        self._house.reopen(number)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another one is marked: nothing is asked about it yet."""
        event.stop()
        if self._sure is not None:
            self._sure = None
            self._hint()

    # What the keys do

    def action_look_for(self) -> None:
        """Type words."""
        self.query_one("#talks-words", Input).focus()

    def action_to_list(self) -> None:
        """From the words to what was found."""
        self.query_one(TalkList).focus()

    def action_step_back(self) -> None:
        """Leave the title as it is; or keep what was about to be deleted; or close."""
        if self._renaming is not None:
            self._leave_renaming()
        elif self._sure is not None:
            self._sure = None
            self._hint()
        else:
            self.dismiss()

    def action_delete(self) -> None:
        """Ask; the second time, delete."""
        if (marked := self._marked) is None:
            return
        if self._sure != marked.id:
            self._sure = marked.id
            self._say(texts.TALK_DELETE.format(title=one_line(marked.title)))
            return
        self._sure = None
        self._house.bridge.talks(self, lambda talks: talks.delete(marked.id), messages.TalkDeleted)

    def action_undo(self) -> None:
        """Bring back what was deleted last."""
        if self._lost is None or self._house.now() - self._lost[0] > UNDO_SECONDS:
            return
        lost, self._lost = self._lost[1], None
        self._house.bridge.talks(self, lambda talks: talks.restore(lost), messages.TalksChanged)

    def action_rename(self) -> None:
        """Type another title."""
        if (marked := self._marked) is None:
            return
        self._renaming = marked.id
        words = self.query_one("#talks-words", Input)
        words.placeholder = texts.TALK_TITLE
        words.value = marked.title
        words.focus()
        self._say(texts.TALK_RENAME)

    def action_export(self) -> None:
        """Write it as Markdown."""
        if (marked := self._marked) is not None:
            self._house.export(marked.id)

    # Steps that several of these share

    @property
    def _marked(self) -> Summary | None:
        at = self.query_one(TalkList).highlighted
        return self._found[at] if at is not None and at < len(self._found) else None

    def _look(self) -> None:
        words = self._words
        self._house.bridge.talks(
            self, lambda talks: talks.summaries(words, limit=MOST), lambda found: messages.Listed(words, found)
        )

    def _leave_renaming(self) -> None:
        self._renaming = None
        words = self.query_one("#talks-words", Input)
        with words.prevent(Input.Changed):
            words.value = self._words
        words.placeholder = texts.TALKS_PLACEHOLDER
        self.query_one(TalkList).focus()
        self._hint()

    def _forget(self) -> None:
        if self._lost is not None and self._house.now() - self._lost[0] >= UNDO_SECONDS:
            self._lost = None
            self._hint()

    def _hint(self) -> None:
        if self._found:
            self._say(texts.TALKS_HINT)
        else:
            self._say(texts.TALKS_NONE_WITH if self._words.strip() else texts.TALKS_NONE)

    def _say(self, text: str) -> None:
        self.query_one("#talks-said", Static).update(Content(text))


def _days(found: Sequence[Summary], today: date, zone: tzinfo | None) -> list[str]:
    """When each was last used, all as wide: with the time where it is recent, or where another of its title is of that day."""
    when = [datetime.fromisoformat(one.changed).astimezone(zone) for one in found]
    seen = Counter((one.title, at.date()) for one, at in zip(found, when, strict=True))
    days = []
    for one, at in zip(found, when, strict=True):
        old = (today - at.date()).days
        day = {0: texts.TODAY_DAY, 1: texts.YESTERDAY}.get(old, at.date().isoformat())
        days.append(f"{day} {at:%H:%M}" if old in (0, 1) or seen[one.title, at.date()] > 1 else day)
    widest = max(map(len, days), default=0)
    return [day.ljust(widest) for day in days]


def _shown(one: Summary, day: str, width: int) -> Content:
    many = texts.counted(one.questions, "question")
    head = Content.assemble((f"{day}  ", "dim"), (one_line(one.title), "bold"))
    room = width - len(many) - 2
    head = head.truncate(max(8, room), ellipsis=True)
    row = Content.assemble(head, " " * max(2, width - head.cell_length - len(many)), (many, "dim"))
    if not one.found or one.found == one.title:
        return row
    found = Content.styled(f"{' ' * (len(day) + 2)}… {one_line(one.found)}", "dim").truncate(width, ellipsis=True)
    return Content("\n").join([row, found])
