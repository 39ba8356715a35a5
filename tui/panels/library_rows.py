"""What stands in the Library, row by row: folders, what became of their files, and the two lines above. It only draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.content import Content

from brain.cleaning import one_line
from brain.progress import in_words
from tui import texts
from tui.panels.welcome import is_foreign
from tui.widgets.line import Part
from tui.widgets.turn_view import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from brain.types import Folder, Impaired, Status
    from tui.progress import Progress

MOST = 300  # files that could not be read stand in a row; of more it is said how many
_BAR = 14
_ROOMY = 72  # columns from which words are written out


@dataclass(frozen=True, slots=True)
class Row:
    """A folder or a file that can be marked, or, without a path, a line between them; `told` is all there is to say of it."""

    kind: Literal["folder", "file", "line"]
    shown: Content
    path: Path | None = None
    told: str = ""
    documents: int = 0

    @property
    def key(self) -> tuple[str, Path | str]:
        """What makes it the same row after something has changed."""
        return self.kind, self.path or self.shown.plain


def rows(
    status: Status,
    progress: Progress | None,
    leaving: Collection[Path],
    place: Callable[[Path], str],
    width: int,
) -> list[Row]:
    """All of them, each one line high."""
    done = _folders(status, progress, leaving, width)
    if title := _title(status):
        done += [Row("line", Content("")), Row("line", Content(" · ").join(title).truncate(width, ellipsis=True))]
    return [*done, *_failures(status, place, width)]


def counts(status: Status) -> tuple[list[Part], list[Part]]:
    """The line of figures."""
    left = [
        Part(
            Content(texts.counted(status.indexed, "document")),
            keep=9,
            short=Content(f"{texts.short_number(status.indexed)} docs"),
        ),
        Part(Content(texts.counted(status.chunks, "passage")), keep=4),
    ]
    if status.failed:
        said = texts.FILES_FAILED.format(files=texts.counted(status.failed, "file"))
        left.append(Part(Content.styled(said, "$text-warning"), keep=8))
    if status.owner is None or not is_foreign(status):
        return left, []
    return left, [Part(Content.styled(texts.ATTACHED.format(pid=status.owner.pid), "dim"), keep=7)]


def activity(status: Status, progress: Progress | None) -> list[Part]:
    """The line of what is done now: how far, and how long it may still take."""
    paused = [Part(Content.styled(texts.PAUSED, "$text-warning"), keep=10)] if status.paused else []
    if progress is not None and progress.vectors:
        vectors = progress.vectors
        return [*paused, *_going(texts.LIBRARY_MEANING, vectors.done, vectors.done + vectors.pending, progress.left)]
    if progress is not None and progress.is_running:
        if not progress.total:
            return [*paused, Part(Content.styled(texts.LOOKING, "$text-primary"), keep=9)]
        return [*paused, *_going(texts.LIBRARY_READING, progress.done, progress.total, progress.left)]
    if paused:
        return [*paused, Part(Content.styled(texts.PAUSED_NOW, "dim"), keep=3)]
    if status.vectors_pending and status.chunks and "vectors" not in _off(status):
        percent = 100 * status.vectors_done // (status.vectors_done + status.vectors_pending)
        return [Part(Content.styled(f"◐ {texts.MEANING_PART.format(percent=percent)}", "$text-primary"), keep=9)]
    watched = sum(folder.watching for folder in status.folders if folder.path not in _troubles(status))
    if not watched:
        return [Part(Content(texts.NOT_WATCHED), keep=9)]
    said = texts.WATCHING.format(folders=texts.counted(watched, "folder"))
    return [Part(Content(said).stylize("$text-success", 0, 1), keep=9)]


def _going(form: str, done: int, total: int, left: float | None) -> list[Part]:
    share = min(1.0, done / total) if total else 0.0
    nouns = {"files": texts.counted(total, "file"), "passages": texts.counted(total, "passage")}
    filled = round(_BAR * share)
    parts = [
        Part(Content.styled(form.format(done=texts.number(done), **nouns), "$text-primary"), keep=9),
        Part(Content.assemble(("█" * filled, "$text-primary"), ("░" * (_BAR - filled), "dim")), keep=3),
        Part(Content(texts.LIBRARY_PERCENT.format(percent=int(100 * share))), keep=5),
    ]
    if left is not None:
        parts.append(Part(Content(texts.LIBRARY_ABOUT.format(time=in_words(left))), keep=7))
    return parts


def _folders(status: Status, progress: Progress | None, leaving: Collection[Path], width: int) -> list[Row]:
    troubles = _troubles(status)
    states = [_state(folder, status, progress, leaving, troubles.get(folder.path)) for folder in status.folders]
    noun = "document" if width >= _ROOMY else "doc"
    files = [texts.counted(folder.files, noun) for folder in status.folders]
    names = [texts.home(folder.path) for folder in status.folders]
    many = max(map(len, files), default=0)
    widest = max((state.cell_length for state, _ in states), default=0)
    room = max(10, width - many - 4 - min(widest, max(width // 3, 22)))
    longest = min(room, max((Content(name).cell_length for name in names), default=0))
    done = []
    for folder, name, count, (state, told) in zip(status.folders, names, files, states, strict=True):
        head = Content.styled(shorten(name, longest), "bold")
        shown = Content.assemble(head, " " * (longest - head.cell_length + 2), f"{count:>{many}}  ", state)
        done.append(Row("folder", shown.truncate(width, ellipsis=True), folder.path, told, folder.files))
    return done


def _state(
    folder: Folder, status: Status, progress: Progress | None, leaving: Collection[Path], trouble: Impaired | None
) -> tuple[Content, str]:
    """How a folder stands, in a few words and in whole sentences."""
    if folder.path in leaving:
        return Content.styled(texts.LIBRARY_REMOVING, "$text-warning"), ""
    if trouble is not None:
        why = one_line(trouble.why)
        said = f"{why} {one_line(trouble.next)}".strip()
        rest = why.partition(f"{one_line(str(folder.path))} ")[2].removeprefix("is ").rstrip(".")
        if "looked at every" in trouble.next:
            return Content.styled(texts.LIBRARY_ASIDE.format(why=rest), "$text-warning"), said
        short = texts.LIBRARY_MISSING if rest == "missing" else f"! {rest}"
        return Content.styled(short, "$text-error"), said
    is_running = progress is not None and progress.is_running
    told = texts.LIBRARY_WATCHED if folder.watching else texts.LIBRARY_POLLED
    if progress is not None and is_running and (done := progress.below(folder.path)):
        said = texts.LIBRARY_ONE_READING.format(done=texts.number(done))
        return Content.styled(said, "$text-primary"), told
    if status.paused:
        return Content.styled(texts.PAUSED, "$text-warning"), texts.PAUSED_NOW
    if not folder.watching:
        return Content(texts.LIBRARY_UNWATCHED), told
    is_done = not is_running and (not status.vectors_pending or "vectors" in _off(status))
    said = texts.LIBRARY_UP_TO_DATE if is_done else texts.LIBRARY_WATCHING
    return Content(said).stylize("$text-success", 0, 1), told


def _off(status: Status) -> set[str]:
    return {impaired.part for impaired in status.degraded}


def _troubles(status: Status) -> dict[Path, Impaired]:
    """What is said of single folders. The sentences name the folder that they are about."""
    found: dict[Path, Impaired] = {}
    by_length = sorted((folder.path for folder in status.folders), key=lambda path: -len(str(path)))
    for impaired in status.degraded:
        about = impaired.why.removeprefix("The folder ")
        folder = next((path for path in by_length if about.startswith(f"{path} ")), None)
        if impaired.part == "watcher" and folder is not None:
            found.setdefault(folder, impaired)
    return found


def _title(status: Status) -> list[Content]:
    """What could not be read, all in all; no key leads to a line that stands below the last row that can be marked."""
    done = []
    if status.failures:
        said = texts.LIBRARY_FAILED.format(files=texts.counted(len(status.failures), "file"))
        more = texts.LIBRARY_MORE.format(count=texts.number(MOST)) if len(status.failures) > MOST else ""
        done.append(Content.styled(said + more, "$text-warning"))
    if status.unreadable_pages:
        said = texts.LIBRARY_NO_TEXT.format(pages=texts.counted(status.unreadable_pages, "page"))
        done.append(Content.styled(said, "dim"))
    return done


def _failures(status: Status, place: Callable[[Path], str], width: int) -> list[Row]:
    shown = status.failures[:MOST]
    names = [one_line(place(failure.path)) for failure in shown]
    longest = min(width // 2, max((Content(name).cell_length for name in names), default=0))
    done = []
    for failure, name in zip(shown, names, strict=True):
        head = shorten(name, longest)
        reason, hint = one_line(failure.reason), one_line(failure.hint)
        line = Content.assemble(
            head, " " * (longest - Content(head).cell_length + 2), reason, (f" {hint}" if hint else "", "dim")
        )
        told = f"{name}: {reason} {hint}".strip() + f" {texts.LIBRARY_AGAIN}"
        done.append(Row("file", line.truncate(width, ellipsis=True), failure.path, told))
    return done
