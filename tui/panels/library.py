"""The Library over the screen: watched folders and how far they are read, files that could not be read, and what to do.

It shows and asks; folders are added, forgotten and looked at by the app, beside the screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from brain.cleaning import one_line
from tui import keys, texts
from tui.panels.hints import hint
from tui.panels.library_rows import Row, activity, counts, rows
from tui.panels.welcome import is_foreign
from tui.widgets.line import Line, Part
from tui.widgets.turn_view import shorten

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.app import BrainApp

_LOOK = 0.25  # seconds between two looks at whether something has changed
_NOTICE = 8.0  # seconds that a notice stands
_NAMED = 40  # cells of a folder's name in a question


class LibraryList(OptionList):
    """The rows; letters act on the one that is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]


class LibrarySheet(ModalScreen[None]):
    """All folders, then the files that could not be read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g,q", "step_back", show=False),
        Binding("f2,l", "dismiss", show=False),
        *keys.bindings("sheet", "Library"),
    ]
    DEFAULT_CSS = """
    LibrarySheet { align: center middle; background: $background 60%; }
    LibrarySheet > Vertical { width: 96%; max-width: 110; height: 92%; border: round $border; background: $surface; }
    LibrarySheet LibraryList { height: 1fr; background: transparent; border: none; padding: 0 1; margin: 1 0 0 0;
        scrollbar-size-vertical: 1; }
    LibrarySheet LibraryList:focus { border: none; }
    LibrarySheet #library-empty { height: 1fr; display: none; content-align: center middle; text-align: center; padding: 0 1; }
    LibrarySheet.empty #library-empty { display: block; }
    LibrarySheet.empty LibraryList, LibrarySheet.empty Line { display: none; }
    LibrarySheet.empty #library-hints { display: block; }
    LibrarySheet #library-said { height: auto; min-height: 2; max-height: 5; padding: 0 1; margin-top: 1; }
    """

    def __init__(self, house: BrainApp) -> None:
        super().__init__()
        self._house = house
        self._shown: list[Row] = []
        self._sure: Path | None = None  # `d` was pressed once on it
        self._stamp: object = None
        self._heard: tuple[str, str] | None = None  # a notice and its style
        self._forgets: Timer | None = None
        self._counts = Line(id="library-counts")
        self._activity = Line(id="library-activity")
        self._rows = LibraryList(id="library-list")
        self._empty = Static(id="library-empty")
        self._said = Static(id="library-said")
        self._hints = Line(id="library-hints", gap=2)

    def compose(self) -> ComposeResult:
        """Figures, what is done now, the rows, what there is to say of the marked one, and the keys."""
        with Vertical() as frame:
            frame.border_title = Content.styled(texts.LIBRARY, "bold")
            frame.border_subtitle = Content.styled(texts.CLOSE_HINT, "dim")
            yield self._counts
            yield self._activity
            yield self._rows
            yield self._empty
            yield self._said
            yield self._hints

    def on_mount(self) -> None:
        """Look, and look again."""
        self._rows.focus()
        self.set_interval(_LOOK, self._look)

    def on_resize(self) -> None:
        """Draw for this width."""
        self.call_after_refresh(self.draw)

    def on_screen_resume(self) -> None:
        """Draw what has changed while something else was above."""
        self.call_after_refresh(self.draw)

    def hear(self, text: str, severity: str) -> None:
        """A notice: it stands above what is said of the marked row for a while, and covers nothing."""
        self._heard = (text, "$foreground" if severity == "information" else f"$text-{severity}")
        if self._forgets is not None:
            self._forgets.stop()
        self._forgets = self.set_timer(_NOTICE, self._forget)
        self._tell()

    def _forget(self) -> None:
        self._heard = None
        self._tell()

    # What is on it

    def draw(self) -> None:
        """How things stand now. What has not changed is not drawn again, and the marked row stays where it is."""
        status, progress = self._house.status, self._house.progress
        is_empty = status is None or self._house.lost is not None or not status.folders
        self.set_class(is_empty, "empty")
        if status is None or is_empty:
            self._shown, self._sure = [], None
            self._rows.clear_options()
            self._empty.update(self._nothing())
        else:
            self._counts.set(*counts(status))
            self._activity.set(activity(status, progress))
            width = max(20, self._rows.scrollable_content_region.width - 2)
            self._put(rows(status, progress, self._house.leaving, self._house.place, width))
            if not self._rows.has_focus and self.is_current:
                self._rows.focus()
        self._tell()

    def _look(self) -> None:
        if not self.is_current:
            return
        house, progress = self._house, self._house.progress
        going = (progress.is_running, progress.done, progress.total, progress.vectors) if progress else None
        stamp = (house.status, going, house.lost, frozenset(house.leaving))
        if stamp != self._stamp:
            self._stamp = stamp
            self.draw()

    def _nothing(self) -> Content:
        """What stands there while there are no rows."""
        if lost := self._house.lost:
            lines = [(f"! {one_line(lost.reason)}", "$text-error"), (one_line(lost.hint), "dim")]
        elif self._house.status is None:
            lines = [(texts.OPENING, "dim")]
        else:
            key = keys.keys("library.add", "sheet", self._house.live_keys)
            lines = [(texts.NO_FOLDERS, "bold"), ("", ""), (f"{key}  {texts.ADD_FOLDER_SHORT}", "$text-accent")]
            lines.append((texts.LIBRARY_READ_ONLY, "dim"))
        return Content("\n").join(Content.styled(text, style) if style else Content(text) for text, style in lines)

    def _put(self, fresh: list[Row]) -> None:
        before, self._shown = self._shown, fresh
        if [row.key for row in before] == [row.key for row in fresh]:
            for at, (old, new) in enumerate(zip(before, fresh, strict=True)):
                if old.shown.markup != new.shown.markup:
                    self._rows.replace_option_prompt_at_index(at, new.shown)
            return
        was = self._rows.highlighted
        marked = before[was].key if was is not None and was < len(before) else None
        over = (was or 0) - self._rows.scroll_offset.y  # rows are one line high
        self._rows.clear_options()
        self._rows.add_options(Option(row.shown, disabled=row.kind == "line") for row in fresh)
        choices = [at for at, row in enumerate(fresh) if row.kind != "line"]
        same = next((at for at in choices if fresh[at].key == marked), None)
        alike = [at for at in choices if marked is None or fresh[at].kind == marked[0]] or choices
        at = same if same is not None else next((at for at in alike if at >= (was or 0)), alike[-1])
        self._rows.highlighted = at
        if same is not None:
            self.call_after_refresh(lambda: self._rows.scroll_to(y=at - over, animate=False, immediate=True))

    def _tell(self) -> None:
        """What there is to say of the marked row, and the keys that do something there."""
        status, marked = self._house.status, self._marked
        if self._sure is not None and (marked is None or marked.path != self._sure):
            self._sure = None
        live = self._house.live_keys
        if self._sure is not None and marked is not None:
            text = texts.LIBRARY_REMOVE.format(
                folder=shorten(texts.home(self._sure), _NAMED),
                files=texts.counted(marked.documents, "document"),
                key=keys.keys("library.remove", "sheet", live),
                keep="Esc",
            )
            self._said.update(Content.styled(text, "$text-warning"))
        else:
            is_attached = status is not None and is_foreign(status)
            owned = texts.OWNED.format(pid=status.owner.pid) if status and status.owner and is_attached else ""
            told = marked.told if marked else ""
            lines = [self._heard] if self._heard else []
            lines += [(text, "dim") for text in (told, owned) if text]
            self._said.update(Content("\n").join(Content.styled(text, style) for text, style in lines))
        self._hints.set(self._keys(marked))

    def _keys(self, marked: Row | None) -> list[Part]:
        def key(command: str, does: str, keep: int) -> Part:
            return hint(keys.keys(command, "sheet", self._house.live_keys), does, keep)

        if self._house.status is None or self._house.lost is not None:
            return [hint("Esc", "back", 8)]
        parts = [key("library.add", "add", 8)]
        if marked is not None:
            parts += [key("library.remove", "remove", 7)] if marked.kind == "folder" else []
            parts += [key("library.open", "open", 5)]
        if self._shown:
            parts += [key("library.sync", "look again", 6)]
            parts += [key("library.pause", "resume" if self._house.is_paused else "pause", 6)]
        return [*parts, hint("Esc", "back", 9)]

    # What the keys do

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another row is marked: nothing is asked about it yet."""
        event.stop()
        self._tell()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click only marks."""
        event.stop()

    def action_step_back(self) -> None:
        """Keep what was about to be removed; or close."""
        if self._sure is not None:
            self._sure = None
            self._tell()
        else:
            self.dismiss()

    def action_remove(self) -> None:
        """Ask; the second time, forget the folder."""
        marked = self._marked
        if marked is None or marked.kind != "folder" or marked.path is None or marked.path in self._house.leaving:
            return
        if self._sure != marked.path:
            self._sure = marked.path
        else:
            self._sure = None
            self._house.forget(marked.path)
        self.draw()

    def action_open_marked(self) -> None:
        """Open a folder or a PDF with the system's own program, a text in the editor."""
        if (marked := self._marked) is None or marked.path is None:
            return
        if marked.kind == "folder" or marked.path.suffix.lower() == ".pdf":
            self._house.view(marked.path)
        else:
            self._house.edit(marked.path, 1, 1)

    @property
    def _marked(self) -> Row | None:
        at = self._rows.highlighted
        row = self._shown[at] if at is not None and at < len(self._shown) else None
        return row if row is not None and row.path is not None else None
