"""The bottom line: what is watched, what is being read, what is off, and which model answers. It never lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from brain.cleaning import one_line
from tui import texts
from tui.widgets.line import Part

if TYPE_CHECKING:
    from brain.types import Status
    from tui.progress import Progress


@dataclass(frozen=True, slots=True)
class Answers:
    """Who answers this conversation, and what left this machine for it: bytes, USD."""

    model: str | None
    loading: str = ""  # the model that is being loaded
    is_remote: bool = False
    sent: int = 0
    cost: float = 0.0


def search_parts(status: Status) -> tuple[str, bool]:
    """The parts of the search that work, and whether one is missing: ("words, meaning off", True)."""
    off = {impaired.part for impaired in status.degraded}
    working = [] if "words" in off else [texts.WORDS_ON]
    missing = [texts.WORDS_OFF] if "words" in off else []
    total = status.vectors_done + status.vectors_pending
    if "vectors" in off:
        missing.append(texts.MEANING_OFF)
    elif status.vectors_pending and total:
        missing.append(texts.MEANING_PART.format(percent=100 * status.vectors_done // total))
    else:
        working.append(texts.MEANING_ON)
    if "rerank" in off:
        missing.append(texts.RERANK_OFF)
    elif status.rerank:
        working.append(texts.RERANK_ON)
    missing += [name for part, name in (("ocr", texts.OCR_OFF), ("watcher", texts.WATCHER_OFF)) if part in off]
    return ", ".join(["+".join(working) or texts.SEARCH_OFF, *missing]), bool(off)


def standing(
    status: Status | None, progress: Progress | None, answers: Answers, *, is_lost: bool
) -> tuple[list[Part], list[Part]]:
    """The parts of the line, left and right."""
    if status is None or is_lost:
        said = Content.styled(texts.CLOSED, "$text-error") if is_lost else Content(texts.OPENING_SHORT)
        return [Part(said, keep=10)], []
    searching, is_degraded = search_parts(status)
    is_foreign = status.owner is not None and status.owner.pid != os.getpid()
    is_running = progress is not None and progress.is_running
    left = [] if is_foreign and not is_running and not status.paused else [_watching(status, progress)]
    if status.paused and is_running:
        left.append(Part(Content.styled(texts.PAUSED, "$text-warning"), keep=9))
    if status.failed:
        files = texts.counted(status.failed, "file")
        left.append(Part(Content.styled(texts.FILES_FAILED.format(files=files), "$text-warning"), keep=10))
    if is_foreign and status.owner:  # that one watches and indexes
        left.insert(0, Part(Content(texts.ATTACHED.format(pid=status.owner.pid)), keep=8))
    left.append(
        Part(
            Content(texts.counted(status.indexed, "document")),
            keep=4,
            short=Content(f"{texts.short_number(status.indexed)} docs"),
        )
    )
    left.append(Part(Content(texts.counted(status.chunks, "passage")), keep=2))
    left.append(Part(Content.styled(searching, "$text-warning") if is_degraded else Content(searching), keep=10))
    return left, [_model(answers), _left(status, answers)]


def _model(answers: Answers) -> Part:
    if answers.loading:
        return Part(Content.styled(texts.LOADING.format(name=one_line(answers.loading)), "$text-primary"), keep=9)
    if answers.model is None:
        return Part(Content.styled(texts.NO_MODEL_SHORT, "$text-warning"), keep=10)
    return Part(Content(one_line(answers.model)), keep=9 if answers.is_remote else 6)


def _left(status: Status, answers: Answers) -> Part:
    """What left this machine and what it cost: of this conversation, and today."""
    spent = texts.dollars(status.spent_today) if 0 < status.spent_today < 0.005 else f"${status.spent_today:.2f}"
    of = f"${status.budget_day:.2f}"
    today = (texts.TODAY_OF if status.budget_day else texts.TODAY).format(spent=spent, limit=of)
    if answers.sent:
        cost = texts.dollars(answers.cost)
        said = texts.SENT_TODAY.format(size=texts.size(answers.sent), cost=cost, today=today)
        return Part(Content(said), keep=9, short=Content(today))
    size = texts.size(status.sent_today)
    said = texts.LEFT_TODAY.format(size=size)
    if status.sent_today or answers.is_remote:
        return Part(Content(f"{said}  {today}"), keep=9, short=Content(today))
    return Part(Content(said), keep=3, short=Content.styled(texts.LEFT_TODAY_SHORT.format(size=size), "dim"))


def _watching(status: Status, progress: Progress | None) -> Part:
    later = progress.left if progress else None
    ending = f"  {texts.span(later)}" if later is not None else ""
    if progress and progress.vectors:
        done, total = progress.vectors.done, progress.vectors.done + progress.vectors.pending
        text = texts.MEANING_LEFT.format(done=texts.number(done), total=texts.number(total)) + ending
        return Part(Content.styled(text, "$text-primary"), keep=9, short=Content.styled("◐", "$text-primary"))
    if progress and progress.is_running:
        text = texts.INDEXING.format(done=texts.number(progress.done), total=texts.number(progress.total)) + ending
        text = text if progress.total else texts.LOOKING
        return Part(Content.styled(text, "$text-primary"), keep=9)
    if status.paused:
        return Part(Content.styled(texts.PAUSED, "$text-warning"), keep=10)
    if not status.folders:
        return Part(Content(texts.NO_FOLDER), keep=9)
    if not any(folder.watching for folder in status.folders):
        return Part(Content(texts.NOT_WATCHED), keep=8)
    folders = texts.counted(len(status.folders), "folder")
    text = texts.WATCHING.format(folders=folders)
    return Part(Content(text).stylize("$text-success", 0, 1), keep=8, short=Content.styled("●", "$text-success"))
