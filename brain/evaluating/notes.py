"""Sets of questions on one's own notes: made and frozen in a folder, and held against the notes as they are now.

The notes themselves stay where they are; a set keeps their paths, their SHA-256 and the passages asked about.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from brain import readers
from brain.errors import BrainError, FolderMissing, SettingsError
from brain.evaluating.making import Made, Note
from brain.evaluating.sets import NOTES, QUERIES, Question, QuestionSet, Span
from brain.listing import listing
from brain.planning import Stored
from brain.seams import Cancel
from brain.settings import Settings


@dataclass(frozen=True, slots=True)
class NoteRead:
    """One note that questions may be made from; without a document, why it could not be read."""

    path: Path
    done: int
    total: int
    note: Note | None
    sha256: str = ""
    error: BrainError | None = None


def read_notes(places: Sequence[Path], settings: Settings, *, cancel: Cancel) -> Iterator[NoteRead]:
    """Every note at these files and in these folders. Raises FolderMissing where a place is not there."""
    paths: dict[Path, None] = {}
    for place in places:
        here = place.expanduser().resolve()
        if here.is_file():
            paths[here] = None
            continue
        if not here.is_dir():
            raise FolderMissing(f"{here} does not exist.", hint="Check the spelling.")
        notes = settings.notes
        found = listing(
            here, readers.suffixes(), skip=(settings.home,), ignore=notes.ignore, follow_links=notes.follow_links
        )
        paths.update(dict.fromkeys(map(Path, sorted(found.files))))
    for done, path in enumerate(paths, start=1):
        if cancel.is_set():
            return
        try:
            data = readers.open_bytes(path, settings.notes.max_mb * 1_000_000)
            document = readers.parse(path, data)
        except BrainError as error:
            yield NoteRead(path, done, len(paths), None, error=error)
        else:
            yield NoteRead(path, done, len(paths), Note(str(path), document), hashlib.sha256(data).hexdigest())


def write_set(folder: Path, made: Sequence[Made], notes: Mapping[str, str]) -> None:
    """Write a set into a new folder. Raises SettingsError where something stands there already."""
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise SettingsError(
            f"{folder} cannot be made: {error.strerror}.", hint="Name a folder that is not there yet."
        ) from error
    asked = [
        {
            "_id": f"q{at:04}",
            "text": one.text,
            "kind": one.kind,
            "gold": [asdict(span) for span in one.spans],
            **({"answers": one.answers} if one.answers else {}),
            **({"all_of": one.parts} if one.parts else {}),
            **({"answerable": False, "absent": one.absent} if not one.spans else {}),
        }
        for at, one in enumerate(made, start=1)
    ]
    frozen = [{"path": path, "sha256": digest} for path, digest in notes.items()]
    for name, rows in ((QUERIES, asked), (NOTES, frozen)):
        # Paths may hold bytes that are no text; escaped, they survive any encoding.
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def held_against(question_set: QuestionSet, stored: Mapping[Path, Stored], text: Callable[[Path], str]) -> QuestionSet:
    """The set as far as the store still holds its notes: what is gone is left out, what has moved in a note found again.

    `text` gives the stored text of a note.
    """
    now = {str(path): (path, known) for path, known in stored.items() if not known.failed}
    gone = [path for path in question_set.notes if path not in now]
    changed = [path for path, digest in question_set.notes.items() if path in now and now[path][1].sha256 != digest]
    flaws: dict[str, list[str]] = {flaw: list(ids) for flaw, ids in question_set.flaws.items()}
    flaws |= {flaw: paths for flaw, paths in (("gone_notes", gone), ("changed_notes", changed)) if paths}
    texts: dict[str, str] = {}
    kept: list[Question] = []
    for question in question_set.questions:
        if not question.is_answerable:
            kept.append(question)
            continue
        gold = {path: gain for path, gain in question.gold.items() if path in now}
        if not any(gain >= 1 for gain in gold.values()):
            flaws.setdefault("all_documents_missing", []).append(question.id)
            continue
        spans: list[Span] = []
        for span in question.spans:
            if span.path not in now:
                continue
            if span.path not in changed:
                spans.append(span)
                continue
            if span.path not in texts:
                texts[span.path] = text(now[span.path][0])
            if (found := _found_again(span, texts[span.path])) is not None:
                spans.append(found)
        if question.spans and not spans:
            flaws.setdefault("gone_passages", []).append(question.id)
            continue
        if not set(spans) <= set(question.spans):
            flaws.setdefault("moved_passages", []).append(question.id)
        kept.append(replace(question, gold=gold, spans=tuple(spans)))
    return replace(question_set, questions=tuple(kept), flaws={flaw: tuple(ids) for flaw, ids in flaws.items()})


def _found_again(span: Span, text: str) -> Span | None:
    """Where the passage stands now: the place nearest to where it stood."""
    starts = []
    at = text.find(span.quote)
    while at >= 0:
        starts.append(at)
        at = text.find(span.quote, at + 1)
    if not starts or not span.quote:
        return None
    start = min(starts, key=lambda at: abs(at - span.start))
    line = text.count("\n", 0, start) + 1
    end = start + len(span.quote)
    return Span(span.path, start, end, line, line + span.quote.count("\n"), span.quote)
