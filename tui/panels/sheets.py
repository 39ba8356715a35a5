"""Sheets over the screen: the keys, why an answer is what it is, and a place to type a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from brain.cleaning import one_line
from brain.dating import window_in_words
from brain.events import Failed
from brain.types import Evidence, Scores
from tui import keys, texts
from tui.messages import AddFolder, Source
from tui.turns import Turn
from tui.widgets.folder_line import FolderLine
from tui.widgets.turn_view import shorten, where

_CLOSES: list[BindingType] = [Binding("escape,ctrl+g,q,f1", "dismiss", show=False)]

_STEPS_BACK: list[BindingType] = [Binding("escape,ctrl+g", "dismiss", show=False)]


class Sheet(ModalScreen[None]):
    """Lines under a title, to read and to close."""

    BINDINGS = _CLOSES
    DEFAULT_CSS = """
    Sheet { align: center middle; background: $background 60%; }
    Sheet > Vertical { width: 90%; max-width: 100; height: auto; max-height: 92%; border: round $border; background: $surface; }
    Sheet VerticalScroll { height: auto; padding: 0 1; scrollbar-size-vertical: 1; }
    """

    def __init__(self, title: str, draw: Callable[[int], Content]) -> None:
        super().__init__()
        self._heading = title
        self._draw = draw

    def compose(self) -> ComposeResult:
        """The frame and the lines."""
        with Vertical() as frame:
            frame.border_title = Content.styled(self._heading, "bold")
            frame.border_subtitle = Content.styled(texts.CLOSE_HINT, "dim")
            width = min(100, self.app.size.width * 9 // 10) - 5
            with VerticalScroll():
                yield Static(self._draw(width))


class FolderForm(Vertical):
    """A line to type a folder into. It sends AddFolder; `say` shows what became of it."""

    DEFAULT_CSS = """
    FolderForm { width: 1fr; height: auto; align: center top; }
    FolderForm > Input { width: 76; max-width: 100%; background: transparent; border: round $foreground 30%; }
    FolderForm > Input:focus { border: round $border; }
    FolderForm > Static { width: 76; max-width: 100%; height: auto; padding: 0 1; color: $foreground 60%; }
    """

    def compose(self) -> ComposeResult:
        """The line and what is said under it."""
        folder = FolderLine(placeholder=texts.FOLDER_PLACEHOLDER, select_on_focus=False, id="folder")
        folder.cursor_blink = self.app.animation_level != "none"
        yield folder
        yield Static(Content(texts.FOLDER_HINT), id="folder-said")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand the folder up."""
        event.stop()
        if event.value.strip():
            self.say(texts.FOLDER_BUSY.format(folder=one_line(event.value)), "")
            self.post_message(AddFolder(event.value.strip()))

    def say(self, text: str, style: str) -> None:
        """Show what became of it."""
        self.query_one("#folder-said", Static).update(Content.styled(one_line(text), style or "dim"))

    def fail(self, failed: Failed) -> None:
        """Show why the folder was not added."""
        self.say(f"! {failed.reason} {failed.hint}", "$text-error")


class FolderSheet(ModalScreen[None]):
    """The folder form over whatever else is on the screen."""

    BINDINGS = _STEPS_BACK
    DEFAULT_CSS = """
    FolderSheet { align: center middle; background: $background 60%; }
    FolderSheet > Vertical { width: 80; max-width: 96%; height: auto; border: round $border; background: $surface; padding: 0 1; }
    """

    def compose(self) -> ComposeResult:
        """The form in a frame."""
        with Vertical() as frame:
            frame.border_title = Content.styled(texts.ADD_FOLDER, "bold")
            frame.border_subtitle = Content.styled(texts.CLOSE_HINT, "dim")
            yield FolderForm()


def help_lines(keymap: Mapping[str, str]) -> Callable[[int], Content]:
    """Every command with its live keys, by where they work."""

    def draw(width: int) -> Content:
        places: tuple[tuple[keys.Place, str], ...] = (
            ("key", texts.HELP_WHILE_TYPING),
            ("bar", texts.HELP_BAR),
            ("letter", texts.HELP_READING),
            ("sheet", texts.HELP_SHEETS),
        )
        lines: list[Content] = []
        for place, title in places:
            lines += [Content(""), Content.styled(title, "bold $text-primary")]
            for command in keys.COMMANDS:
                shown = keys.keys(command.id, place, keymap)
                if not shown or command.id.startswith("source.open_"):
                    continue
                label = "; ".join(filter(None, (command.label, command.back)))
                lines.append(Content.assemble((f"  {shown:<12}", "bold"), label).truncate(width, ellipsis=True))
            if place == "letter":
                lines.append(Content.assemble(("  1-9         ", "bold"), keys.BY_ID["source.preview"].label))
        return Content("\n").join(lines[1:])

    return draw


def why_lines(turn: Turn | None, place: Callable[[Path], str]) -> Callable[[int], Content]:
    """The passages with their scores, and the seconds each step took."""

    def draw(width: int) -> Content:
        if turn is None or (turn.retrieved is None and turn.answered is None):
            return Content(texts.WHY_NOTHING)
        query = turn.retrieved.query if turn.retrieved else turn.question
        lines = [Content.assemble((f"{texts.WHY_SEARCHED}  ", "dim"), one_line(query)), Content("")]
        if turn.retrieved is not None and turn.retrieved.window is not None:
            understood = texts.DATES.format(days=one_line(window_in_words(turn.retrieved.window)))
            lines.insert(1, Content.styled(understood, "dim"))
        cited = {citation.number for citation in turn.citations}
        room = max(12, width - 37)
        head = texts.WHY_HEAD
        lines.append(
            Content.styled(f"{'':>3} {head[1]:<{room}} {head[2]:>7} {head[3]:>8} {head[4]:>7} {head[5]:>6}", "dim")
        )
        for item in turn.evidence:
            name = Content(shorten(where(one_line(place(item.chunk.path)), Source.found(item)), room))
            mark = "●" if item.number in cited else "·"
            start = Content.assemble((f"{item.number:>3} ", "bold"), name, " " * (room - name.cell_length))
            lines.append(Content.assemble(start, _scored(item.scores), f" {mark:>6}").truncate(width, ellipsis=True))
            lines.append(Content.styled(f"    {_words_in(item, query)}", "dim").truncate(width, ellipsis=True))
        off = turn.answered.degraded if turn.answered else turn.retrieved.degraded if turn.retrieved else ()
        if off:
            lines += [Content(""), Content.styled(texts.WHY_OFF.format(parts=", ".join(off)), "$text-warning")]
        for part in turn.retrieved.impaired if turn.retrieved else ():
            lines += Content.styled(one_line(f"{part.part}: {part.why}"), "dim").wrap(width)
        return Content("\n").join([*lines, Content(""), *_took(turn, width)])

    return draw


def _words_in(item: Evidence, query: str) -> str:
    from brain.explaining import explain  # not needed before the sheet is opened

    explained = explain(item, one_line(query))
    matched = " ".join(word for word, _ in explained.matched)
    return one_line(
        matched + (texts.WHY_MISSING.format(words=" ".join(explained.missing)) if explained.missing else "")
    )


def _scored(scores: Scores) -> str:
    def number(score: float | None, wide: int) -> str:
        return f"{'–' if score is None else format(score, '.3g'):>{wide}}"

    return f" {number(scores.words, 7)} {number(scores.vectors, 8)} {number(scores.rerank, 7)}"


def _took(turn: Turn, width: int) -> list[Content]:
    answered = turn.answered
    if answered is None:
        return []
    seconds, usage = answered.seconds, answered.usage
    took = texts.WHY_SECONDS.format(
        retrieve=round(seconds.retrieve * 1000), first=f"{seconds.first_token:.1f}", total=f"{seconds.total:.1f}"
    )
    lines = Content.styled(took, "dim").wrap(width)
    if usage.prompt_tokens:
        said = texts.WHY_USAGE.format(
            prompt=texts.number(usage.prompt_tokens),
            cached=texts.number(usage.cached_tokens),
            completion=texts.counted(usage.completion_tokens, "token"),
        )
        lines += Content.styled(said, "dim").wrap(width)
    return lines
