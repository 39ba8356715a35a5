"""What the gate makes of every question of a set: its signals measured on the passages that an answer would stand on."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from brain.ask import ASKING_FOR_A_DAY
from brain.errors import QueryError, ReadError
from brain.evaluating.answers import without_found
from brain.evaluating.fitting import ANSWERABLE, MOST_LOST, UNANSWERABLE, Fit, Weighed, fit, starting, wanting
from brain.evaluating.homes import Home, answering_notes, index, open_corpus, open_notes
from brain.evaluating.measuring import Asked
from brain.evaluating.notes import held_against
from brain.evaluating.sets import Question, QuestionSet
from brain.events import Event, Retrieved
from brain.gating import UNKNOWN, Marks, enough, marks_of, worth
from brain.local import EVIDENCE
from brain.seams import Cancel, Embedder
from brain.settings import Settings
from brain.store.gates import GATE, Gates, Kept
from brain.types import Evidence
from brain.wording import terms

COMPARED = 64  # questions and passages held against each other for what unrelated texts have in common
LEAST_UNRELATED = 0.3  # a lower cosine of unrelated texts is not taken off
KEPT_SET_NAME = 80


@dataclass(frozen=True, slots=True)
class Fitted:
    """The end: the embedder, what was fitted to it, and how it may be kept."""

    embedder: str
    fit: Fit
    kept: Kept


@dataclass(frozen=True, slots=True)
class _Seen:
    """A question, what of it the gate is asked, and the passages."""

    question: Question
    asked: str
    evidence: Sequence[Evidence]


def fit_gate(
    settings: Settings,
    question_set: QuestionSet,
    *,
    sample: int | None = None,
    most_lost: float = MOST_LOST,
    cancel: Cancel,
) -> Iterator[Event | Asked | Fitted]:
    """The events of indexing, Asked…, Fitted. Once `cancel` is set it ends without the last. Nothing is kept here.

    Raises ReadError where the set has too few questions, ModelError without an embedder, StoreBusy, and StoreError where
    no notes are indexed.
    """
    if question_set.is_of_notes:
        with answering_notes(settings) as answering:
            catalog = answering.catalog
            fitting = held_against(question_set, catalog.stamps(), lambda path: catalog.document(path).text)
            chosen = without_found(fitting.sample(sample), answering.brain)
        with open_notes(settings) as home:
            yield from _fitted(home, settings, chosen, most_lost, cancel)
        return
    chosen = question_set.sample(sample)
    _require([Weighed(one.id, one.is_answerable, 0.0, False) for one in chosen.questions], chosen)
    with open_corpus(settings, chosen) as home:
        yield from index(home, chosen.documents, cancel=cancel)
        if not cancel.is_set():
            yield from _fitted(home, settings, chosen, most_lost, cancel)


def keep(settings: Settings, fitted: Fitted) -> None:
    """Use these marks from now on. Raises StoreError where the home cannot be written."""
    Gates(settings.home / GATE).keep(fitted.embedder, fitted.kept)


def forget(settings: Settings) -> tuple[str, ...]:
    """Go back to the marks that Brain comes with; the embedders that had others. Raises StoreError."""
    return Gates(settings.home / GATE).forget()


def _fitted(
    home: Home, settings: Settings, question_set: QuestionSet, most_lost: float, cancel: Cancel
) -> Iterator[Asked | Fitted]:
    _require([Weighed(one.id, one.is_answerable, 0.0, False) for one in question_set.questions], question_set)
    embedder = home.parts.embedder()
    present = Gates(settings.home / GATE).marks(embedder.name) or marks_of(embedder.name)
    found: list[_Seen] = []
    for done, question in enumerate(question_set.questions, start=1):
        if cancel.is_set():
            return
        if (seen := _seen(home, question)) is not None:
            found.append(seen)
        yield Asked(done, len(question_set.questions))
    packaged = marks_of(embedder.name)
    spaced = starting(_unrelated(embedder, found)) if packaged == UNKNOWN else packaged
    weighed = [_weighed(one, embedder.name, present, spaced) for one in found]
    _require(weighed, question_set)
    result = fit(weighed, present, spaced, most_lost=most_lost)
    kept = Kept(
        result.marks,
        date.today().isoformat(),
        question_set.name[:KEPT_SET_NAME],
        result.answerable,
        result.unanswerable,
    )
    yield Fitted(embedder.name, result, kept)


def _seen(home: Home, question: Question) -> _Seen | None:
    """One question, searched for; None for a question that never comes before it."""
    try:
        found: Retrieved = home.parts.searcher.search(question.text, limit=EVIDENCE, join_neighbours=True)
    except QueryError:
        return None
    is_narrowed = found.window is not None and found.window.use == "only"
    if is_narrowed and found.evidence and set(terms(found.query)) <= ASKING_FOR_A_DAY:
        return None
    return _Seen(question, found.query if is_narrowed else question.text, found.evidence)


def _weighed(seen: _Seen, embedder: str, present: Marks, spaced: Marks) -> Weighed:
    has_vectors = any(one.scores.vectors is not None for one in seen.evidence)
    verdict = enough(seen.asked, seen.evidence, embedder=embedder if has_vectors else None, marks=present)
    value = worth(seen.asked, seen.evidence, spaced) if has_vectors else None
    return Weighed(seen.question.id, seen.question.is_answerable, value, not verdict.answer)


def _unrelated(embedder: Embedder, found: Sequence[_Seen]) -> float:
    """The middle cosine of questions to the passages of other questions; 0 where it is low."""
    some = [(one.asked, one.evidence[0]) for one in found if one.evidence][:COMPARED]
    if len(some) < 2:
        return 0.0
    asked = embedder.embed([text for text, _ in some], kind="query")
    passages = embedder.embed([one.chunk.text for _, one in some], kind="passage")
    cosines = asked @ passages.T
    others = [
        float(cosines[row, column])
        for row, (_, own) in enumerate(some)
        for column, (_, one) in enumerate(some)
        if own.chunk.path != one.chunk.path
    ]
    middle = statistics.median(others) if others else 0.0
    return round(middle, 2) if middle > LEAST_UNRELATED else 0.0


def _require(weighed: Sequence[Weighed], question_set: QuestionSet) -> None:
    answerable, unanswerable = wanting(weighed)
    if not answerable and not unanswerable:
        return
    has = sum(one.is_answerable for one in weighed)
    raise ReadError(
        f"{question_set.name} has {has} questions with an answer and {len(weighed) - has} without; a fit needs "
        f"{ANSWERABLE} and {UNANSWERABLE}: {answerable} and {unanswerable} are wanting.",
        hint="Make a larger set: brain eval make NOTES -n 100",
    )
