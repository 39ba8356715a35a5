"""From a set of questions to a report: its documents indexed, every question asked and scored. One way in for all who measure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from brain.errors import ModelError, ReadError
from brain.evaluating.homes import Home, index, open_corpus, open_notes
from brain.evaluating.notes import held_against
from brain.evaluating.reports import Report, report_of
from brain.evaluating.runs import Scored, ask_all
from brain.evaluating.sets import QuestionSet
from brain.events import Event
from brain.seams import Cancel
from brain.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """How many of the questions are done."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Measured:
    """The end of a run: its report, and each question with its rankings."""

    report: Report
    scored: tuple[Scored, ...]


def measure(
    settings: Settings, question_set: QuestionSet, *, sample: int | None = None, cancel: Cancel
) -> Iterator[Event | Asked | Measured]:
    """The events of indexing, Asked…, Measured. Once `cancel` is set it ends without the last; what is indexed is kept.

    Raises ReadError for a set of which no question can be scored, StoreBusy, and StoreError where no notes are indexed.
    """
    if question_set.is_of_notes:
        with open_notes(settings) as home:
            catalog = home.catalog
            fitting = held_against(question_set, catalog.stamps(), lambda path: catalog.document(path).text)
            yield from _asking(home, fitting.sample(sample), cancel)
        return
    chosen = question_set.sample(sample)
    _require_questions(chosen)
    with open_corpus(settings, chosen) as home:
        yield from index(home, chosen.documents, cancel=cancel)
        yield from _asking(home, chosen, cancel)


def _asking(home: Home, question_set: QuestionSet, cancel: Cancel) -> Iterator[Asked | Measured]:
    _require_questions(question_set)
    began = time.monotonic()
    searcher = home.parts.searcher
    scored: list[Scored] = []
    for one in ask_all(searcher, home.catalog, home.unit, question_set.questions, cancel=cancel):
        scored.append(one)
        yield Asked(len(scored), len(question_set.questions))
    if cancel.is_set():
        return
    counts = home.catalog.counts()
    report = report_of(
        question_set,
        scored,
        documents=counts.files,
        passages=counts.chunks,
        embedder=_embedder(home),
        seconds=time.monotonic() - began,
    )
    yield Measured(report, tuple(scored))


def _require_questions(question_set: QuestionSet) -> None:
    if not question_set.questions:
        why = ", ".join(f"{len(ids)} {flaw.replace('_', ' ')}" for flaw, ids in question_set.flaws.items())
        raise ReadError(f"No question of {question_set.folder} can be scored ({why or 'there are none'}).")


def _embedder(home: Home) -> str:
    try:
        return home.parts.embedder().name
    except ModelError:
        return ""
