"""A set of questions as it lies in a folder: read, checked, and what is wrong with it counted instead of scored.

    corpus.jsonl    {"_id", "title", "text"} a line: the documents
    queries.jsonl   {"_id", "text", "answerable"?} a line: the questions; for answers also "answers": [TEXT…], and maybe
                    "all_of": [TEXT or [TEXT…]…], "yesno": "yes"|"no", "trap_answer", "kind" or "category"
    qrels.tsv       question, document, judgment a line, with a heading line: what is right (0: looked at and wrong);
                    may be missing where answers are asked for

A set on one's own notes has notes.jsonl in place of corpus.jsonl: {"path", "sha256"} a line, the notes as they were when
the questions were made. Its questions hold what is right themselves: "gold": [{"path", "start", "end", "line",
"last_line", "quote"}…]; one without an answer has none, and "absent" names the word that stood in no note.

Nothing is searched here.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from brain.errors import FileVanished, ReadError, SettingsError
from brain.readers.opening import open_bytes

CORPUS, QUERIES, JUDGMENTS, NOTES = "corpus.jsonl", "queries.jsonl", "qrels.tsv", "notes.jsonl"
LARGEST = 4_000_000_000  # bytes of one file of a set
SAMPLE_SEED = 0

# What of a set is not scored, or not as it should be, as it is told.
SAID: Mapping[str, str] = {
    "unanswerable": "questions marked as without an answer: counted apart",
    "unjudged": "questions of which nobody said what is right: left out",
    "all_documents_missing": "questions whose right documents are all missing: left out",
    "without_answer": "questions whose answer nobody gave: left out",
    "for_search": "questions about what is found, without a short answer: left out (run the set without --answers)",
    "found_by_now": "questions that were without an answer, and ask for what is in the notes by now: left out",
    "gone_passages": "questions whose passage is no longer in its note: left out",
    "missing_documents": "judgments of documents that are not in the set: ignored",
    "unknown_questions": "questions that are judged but not asked: ignored",
    "repeated_documents": "documents whose _id another one has: the first counts",
    "repeated_questions": "questions whose _id another one has: the first counts",
    "repeated_judgments": "judgments given twice: the first counts",
    "empty_documents": "documents without any text: they cannot be found",
    "changed_notes": "notes have changed since the set was made",
    "gone_notes": "notes of the set are not in the index",
    "moved_passages": "passages were found again at another place of their note",
    "obeyed_filters": "questions hold filters (quotes, -words, #tags …), which Brain obeys",
    "refused_questions": "questions Brain refused: they count as found nothing",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One document of a corpus."""

    id: str
    title: str
    text: str

    @property
    def sha256(self) -> str:
        """Of what it says."""
        return hashlib.sha256(json.dumps([self.id, self.title, self.text]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Span:
    """The passage of a note that a question was made from, as it was then."""

    path: str
    start: int
    end: int
    line: int
    last_line: int
    quote: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question and what is right: documents and their judgments, and answers where they are known."""

    id: str
    text: str
    gold: Mapping[str, int]
    spans: tuple[Span, ...] = ()  # the passages that are right, where they are known
    answers: tuple[str, ...] = ()  # any of them is right
    parts: tuple[tuple[str, ...], ...] = ()  # an answer in several parts: of each, what is accepted
    yes_or_no: str = ""
    trap: str = ""  # the wrong answer that a careless system gives
    kind: str = ""
    is_answerable: bool = True
    absent: str = ""  # of a question without an answer: what it asks for that stood in no note


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A set as it can be scored. `flaws` names by id what of it is not, or is not as it should be."""

    name: str
    folder: Path
    sha256: str  # of the questions and judgments, and of the corpus or the list of notes
    corpus_sha256: str
    documents: tuple[Source, ...]
    questions: tuple[Question, ...]  # each with a right document in the set, or those that an answer is known of
    asked: int  # questions in the file
    notes: Mapping[str, str] = field(default_factory=dict)  # path → SHA-256; empty for a set with a corpus
    flaws: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_of_notes(self) -> bool:
        """Asked of one's own notes, not of documents of its own."""
        return bool(self.notes)

    def sample(self, count: int | None) -> QuestionSet:
        """The same `count` questions each time, or all where there are no more."""
        if count is None or count >= len(self.questions):
            return self
        chosen = sorted(random.Random(SAMPLE_SEED).sample(range(len(self.questions)), count))
        return replace(self, questions=tuple(self.questions[at] for at in chosen))


def read_set(folder: Path, *, for_answers: bool = False) -> QuestionSet:
    """A set from its folder. Raises SettingsError for a folder that holds none, ReadError for a file that is broken.

    `for_answers`: its questions are those with known answers, and those known to have none; no judgments are needed.
    """
    folder = folder.expanduser().absolute()
    is_of_notes = not (folder / CORPUS).exists() and (folder / NOTES).exists()
    needed = (NOTES, QUERIES) if is_of_notes else (CORPUS, QUERIES, JUDGMENTS)
    if for_answers and not (folder / JUDGMENTS).exists():
        needed = needed[:2]
    for name in needed:
        if not (folder / name).exists():
            raise SettingsError(
                f"{folder} is not a set of questions: there is no {name}.",
                hint=f"A set is a folder with {CORPUS}, {QUERIES} and {JUDGMENTS}. Make one: brain eval make NOTES",
            )
    held = {name: _read(folder / name) for name in needed}
    flaws: dict[str, list[str]] = {}
    asked = list(_questions(folder / QUERIES, held[QUERIES], flaws, of_notes=is_of_notes))
    documents: tuple[Source, ...] = ()
    notes: dict[str, str] = {}
    judged: dict[str, Mapping[str, int]] = {}
    if is_of_notes:
        notes = dict(_notes(folder / NOTES, held[NOTES]))
        judged.update({question.id: question.gold for question in asked})
    else:
        documents = tuple(_documents(folder / CORPUS, held[CORPUS], flaws))
        if JUDGMENTS in held:
            judged.update(_judgments(folder / JUDGMENTS, held[JUDGMENTS], flaws))
    if not documents and not notes:
        raise ReadError(f"{folder / needed[0]} is empty.", hint="There is nothing to search in.")
    there = {document.id for document in documents} | notes.keys()
    questions = tuple((_answerable if for_answers else _scorable)(asked, judged, there, flaws))
    digests = [hashlib.sha256(data).hexdigest() for data in held.values()]
    return QuestionSet(
        name=folder.name,
        folder=folder,
        sha256=hashlib.sha256(" ".join(digests).encode()).hexdigest(),
        corpus_sha256=digests[0],
        documents=documents,
        questions=questions,
        asked=len(asked),
        notes=notes,
        flaws={flaw: tuple(ids) for flaw, ids in flaws.items()},
    )


def _scorable(
    asked: Sequence[Question],
    judged: Mapping[str, Mapping[str, int]],
    there: set[str],
    flaws: dict[str, list[str]],
) -> Iterator[Question]:
    for question in asked:
        gold = judged.get(question.id, {})
        missing = [document for document in gold if document not in there]
        if missing:
            flaws.setdefault("missing_documents", []).extend(f"{question.id} {document}" for document in missing)
        left = {document: gain for document, gain in gold.items() if document in there}
        if any(gain >= 1 for gain in left.values()):
            yield replace(question, gold=left)
        elif any(gain >= 1 for gain in gold.values()):
            flaws.setdefault("all_documents_missing", []).append(question.id)
        else:
            flaws.setdefault("unjudged" if question.is_answerable else "unanswerable", []).append(question.id)
    unknown = judged.keys() - {question.id for question in asked}
    if unknown:
        flaws["unknown_questions"] = sorted(unknown)


def _answerable(
    asked: Sequence[Question],
    judged: Mapping[str, Mapping[str, int]],
    there: set[str],
    flaws: dict[str, list[str]],
) -> Iterator[Question]:
    """The questions that an answer can be held against, or a refusal; an answer in a document that is missing is none."""
    for question in asked:
        gold = judged.get(question.id, {})
        left = {document: gain for document, gain in gold.items() if document in there}
        is_missing = any(gain >= 1 for gain in gold.values()) and not any(gain >= 1 for gain in left.values())
        if is_missing and question.is_answerable:
            flaws.setdefault("all_documents_missing", []).append(question.id)
        elif question.answers or not question.is_answerable:
            yield replace(question, gold=left)
        else:
            flaws.setdefault("for_search" if question.spans else "without_answer", []).append(question.id)


def _documents(path: Path, data: bytes, flaws: dict[str, list[str]]) -> Iterator[Source]:
    seen: set[str] = set()
    for number, row in _rows(path, data):
        id, title, text = _text(path, number, row, "_id"), _maybe(row, "title"), _text(path, number, row, "text")
        if id in seen:
            flaws.setdefault("repeated_documents", []).append(id)
            continue
        seen.add(id)
        if not title.strip() and not text.strip():
            flaws.setdefault("empty_documents", []).append(id)
        yield Source(id, title, text)


def _notes(path: Path, data: bytes) -> Iterator[tuple[str, str]]:
    for number, row in _rows(path, data):
        yield _text(path, number, row, "path"), _text(path, number, row, "sha256")


def _questions(path: Path, data: bytes, flaws: dict[str, list[str]], *, of_notes: bool) -> Iterator[Question]:
    """Each question, still without its judgments in a set with a corpus."""
    seen: set[str] = set()
    for number, row in _rows(path, data):
        id, text = _text(path, number, row, "_id"), _text(path, number, row, "text")
        if id in seen:
            flaws.setdefault("repeated_questions", []).append(id)
            continue
        seen.add(id)
        spans = tuple(_spans(path, number, row)) if of_notes else ()
        answers = tuple(_texts(path, number, row, "answers"))
        # A list of answers that is there and empty says the same as the mark.
        is_answerable = row.get("answerable") is not False and (bool(answers) or row.get("answers") != [])
        yield Question(
            id,
            text,
            {span.path: 1 for span in spans},
            spans,
            answers=answers if is_answerable else (),
            parts=tuple(_parts(path, number, row)),
            yes_or_no=_maybe(row, "yesno").strip().lower(),
            trap=_maybe(row, "trap_answer"),
            kind=_maybe(row, "kind") or _maybe(row, "category"),
            is_answerable=is_answerable,
            absent=_maybe(row, "absent"),
        )


def _texts(path: Path, number: int, row: Mapping[str, Any], name: str) -> list[str]:
    value = row.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _broken(path, number, f'"{name}" should be a list of texts')
    return [one for one in value if one.strip()]


def _parts(path: Path, number: int, row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    value = row.get("all_of") or []
    for one in value if isinstance(value, list) else [None]:
        accepted = [one] if isinstance(one, str) else one
        if not isinstance(accepted, list) or not accepted or not all(isinstance(text, str) for text in accepted):
            raise _broken(path, number, '"all_of" should be a list of texts, or of lists of them')
        yield tuple(accepted)


def _spans(path: Path, number: int, row: Mapping[str, Any]) -> Iterator[Span]:
    kinds = {"path": str, "start": int, "end": int, "line": int, "last_line": int, "quote": str}
    gold = row.get("gold") or []
    for one in gold if isinstance(gold, list) else [None]:
        if not isinstance(one, dict) or any(type(one.get(name)) is not kind for name, kind in kinds.items()):
            raise _broken(path, number, f'each of "gold" needs {", ".join(kinds)}')
        yield Span(**{name: one[name] for name in kinds})


def _judgments(path: Path, data: bytes, flaws: dict[str, list[str]]) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for number, line in _lines(path, data):
        parts = [part.strip() for part in line.split("\t")] if "\t" in line else line.split()
        if number == 1 and parts[0] in ("query-id", "query_id", "qid"):
            continue
        if len(parts) == 4:  # as TREC writes them: question, 0, document, judgment
            parts = [parts[0], *parts[2:]]
        if len(parts) != 3:
            raise _broken(path, number, "it should hold question, document and judgment, parted by tabs")
        try:
            gain = int(float(parts[2]))
        except (ValueError, OverflowError) as error:
            raise _broken(path, number, f"the judgment {parts[2]!r} is no number") from error
        gold = judged.setdefault(parts[0], {})
        if parts[1] in gold:
            flaws.setdefault("repeated_judgments", []).append(f"{parts[0]} {parts[1]}")
        gold.setdefault(parts[1], gain)
    return judged


def _read(path: Path) -> bytes:
    try:
        return open_bytes(path.resolve(), LARGEST)
    except FileVanished as error:
        raise ReadError(f"{path} is gone.", hint="Bring it back.") from error


def _lines(path: Path, data: bytes) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            try:
                yield number, line.decode("utf-8").rstrip("\r")
            except UnicodeDecodeError as error:
                raise _broken(path, number, "it is not UTF-8") from error


def _rows(path: Path, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in _lines(path, data):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = f"it is not JSON ({error})" if isinstance(error, json.JSONDecodeError) else "it is not JSON"
            raise _broken(path, number, why) from error
        if not isinstance(row, dict):
            raise _broken(path, number, "it is not a JSON object")
        yield number, row


def _text(path: Path, number: int, row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if name == "_id" and type(value) is int:
        return str(value)
    if not isinstance(value, str) or (name == "_id" and not value.strip()):
        raise _broken(path, number, f'"{name}" is missing or no text')
    return value.strip() if name == "_id" else value


def _maybe(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _broken(path: Path, number: int, why: str) -> ReadError:
    return ReadError(f"{path}, line {number}: {why}.", hint="Mend that line; nothing of the set was scored.")
