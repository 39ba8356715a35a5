"""Every question of a set asked through the Brain that answers people, each model in turn, and judged.

The figures of what is asked are kept until the run is whole, so that one that was stopped goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from brain import __version__
from brain.ask import QUOTES
from brain.errors import ModelError, QueryError, ReadError, StoreError
from brain.evaluating import judging
from brain.evaluating.answer_reports import AnswerReport, answer_report_of
from brain.evaluating.homes import Answering, answering_corpus, answering_notes, index, open_corpus, opened_chat
from brain.evaluating.judging import Judged
from brain.evaluating.model_judge import SILENT, is_for_judge, judge_path, judged_by
from brain.evaluating.notes import held_against
from brain.evaluating.sets import Question, QuestionSet
from brain.events import Answered, Event
from brain.models.shelf import Shelf
from brain.seams import Brain, Cancel
from brain.settings import Settings
from brain.store.gates import GATE, Gates

KEPT = Path("eval", "answers")  # in the home


@dataclass(frozen=True, slots=True)
class Answers:
    """How many questions one system has answered."""

    system: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many answers the model that judges has judged."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class MeasuredAnswers:
    """The end of a run."""

    report: AnswerReport


@dataclass(frozen=True, slots=True)
class _Asking:
    """How a run is to go."""

    systems: Sequence[str]
    anew: bool
    texts: bool
    judge: str
    cancel: Cancel

    def told(self, row: Judged, question: Question) -> Judged:
        """A row as the report has it: what was answered only where that is wanted."""
        return replace(row, text=question.text, answer=row.answer if self.texts else "")


def systems_of(settings: Settings, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Which systems to ask; without names the quotes, and the chat model of the settings where it is here.

    Raises ModelError for a model that is not here.
    """
    shelf = Shelf(settings.shelf, offline=settings.offline)
    if not names:
        try:
            shelf.find(settings.chat.model)
        except ModelError:
            return (QUOTES,)
        return (QUOTES, settings.chat.model)
    for name in names:
        if name != QUOTES:
            shelf.find(name)
    return tuple(dict.fromkeys(names))


def measure_answers(
    settings: Settings,
    question_set: QuestionSet,
    systems: Sequence[str],
    *,
    sample: int | None = None,
    anew: bool = False,
    texts: bool = False,
    judge: str = "",
    cancel: Cancel,
) -> Iterator[Event | Answers | Verdicts | MeasuredAnswers]:
    """The events of indexing, Answers…, Verdicts… where a model is to `judge`, MeasuredAnswers.

    Once `cancel` is set it ends without the last; what was asked is kept.

    `anew`: what a run that was stopped has kept is asked again. `texts`: keep what was answered as well, not its figures alone.
    Raises ReadError for a set of which no answer can be judged, SettingsError for a model that may not judge, StoreBusy, and
    StoreError where no notes are indexed.
    """
    asking = _Asking(systems, anew, texts, judge, cancel)
    if judge:
        judge_path(judge, Shelf(settings.shelf, offline=settings.offline).find, systems)
    if question_set.is_of_notes:
        with answering_notes(settings) as home:
            catalog = home.catalog
            fitting = held_against(question_set, catalog.stamps(), lambda path: catalog.document(path).text)
            chosen = without_found(fitting.sample(sample), home.brain)
            yield from _run(home, settings, chosen, asking)
        return
    chosen = question_set.sample(sample)
    _require_questions(chosen)
    with open_corpus(settings, chosen) as corpus:
        yield from index(corpus, chosen.documents, cancel=cancel)
    if not cancel.is_set():
        with answering_corpus(settings, chosen) as home:
            yield from _run(home, settings, chosen, asking)


def without_found(question_set: QuestionSet, brain: Brain) -> QuestionSet:
    """The set without the questions that had no answer when they were made, and ask for what is in the notes by now."""
    found = {
        question.id
        for question in question_set.questions
        if question.absent and brain.search(f'"{question.absent}"', limit=1).evidence
    }
    if not found:
        return question_set
    kept = tuple(question for question in question_set.questions if question.id not in found)
    return replace(question_set, questions=kept, flaws={**question_set.flaws, "found_by_now": tuple(sorted(found))})


def _run(
    home: Answering, settings: Settings, question_set: QuestionSet, asking: _Asking
) -> Iterator[Answers | Verdicts | MeasuredAnswers]:
    _require_questions(question_set)
    began = time.monotonic()
    stored = sorted((str(path), known.sha256) for path, known in home.catalog.stamps().items())
    gates = repr(Gates(settings.home / GATE).all())
    state = [question_set.sha256, stored, __version__, repr(settings), gates, asking.texts, asking.judge]
    kept = {system: _Kept(settings, system, state, anew=asking.anew) for system in asking.systems}
    for system in asking.systems:
        yield from _ask_all(home, question_set.questions, system, kept[system], asking)
        if asking.cancel.is_set():
            return
    if asking.judge:
        yield from _judge_all(settings, question_set.questions, kept, asking)
        if asking.cancel.is_set():
            return
    counts = home.catalog.counts()
    report = answer_report_of(
        question_set,
        {
            system: [asking.told(kept[system].judged[one.id], one) for one in question_set.questions]
            for system in asking.systems
        },
        documents=counts.files,
        passages=counts.chunks,
        embedder=settings.embed.model,
        judge=asking.judge,
        seconds=time.monotonic() - began,
    )
    for one in kept.values():
        one.forget()
    yield MeasuredAnswers(report)


def _ask_all(
    home: Answering, questions: Sequence[Question], system: str, kept: _Kept, asking: _Asking
) -> Iterator[Answers]:
    is_first = True  # it also starts the models: its seconds are no one's
    for done, question in enumerate(questions, start=1):
        if question.id not in kept.judged:
            judged = _asked(home, question, system, asking.cancel)
            if judged is None:
                return
            if is_first:
                timeless = {name: value for name, value in judged.values.items() if name not in ("first", "total")}
                judged, is_first = replace(judged, values=timeless), False
            kept.add(replace(judged, text="", answer=judged.answer if asking.texts or asking.judge else ""))
        yield Answers(system, done, len(questions))


def _judge_all(
    settings: Settings, questions: Sequence[Question], kept: Mapping[str, _Kept], asking: _Asking
) -> Iterator[Verdicts]:
    """What the judge says of each answer that it has not judged yet."""
    waiting = [
        (one, some, row)
        for some in kept.values()
        for one in questions
        if is_for_judge(row := some.judged[one.id]) and SILENT not in row.values
    ]
    if not waiting:
        return
    path = judge_path(asking.judge, Shelf(settings.shelf, offline=settings.offline).find, asking.systems)
    with opened_chat(settings, path) as chat:
        for done, (question, some, row) in enumerate(waiting, start=1):
            judged = judged_by(chat, question, row, cancel=asking.cancel)
            if asking.cancel.is_set():
                return
            some.add(judged)
            yield Verdicts(done, len(waiting))


def _asked(home: Answering, question: Question, system: str, cancel: Cancel) -> Judged | None:
    """One question, answered and judged; None where it was stopped. A question that Brain does not understand is refused."""
    if cancel.is_set():
        return None
    model = None if system == QUOTES else system
    answered: Answered | None = None
    try:
        for event in home.brain.ask(question.text, quotes=model is None, model=model, cancel=cancel):
            if isinstance(event, Answered):
                answered = event
    except QueryError:
        answered = Answered(question.text, "", True, QUOTES, True, (), (), ())
    if answered is None or cancel.is_set():
        return None
    return judging.judge(question, answered, home.unit, by_model=model is not None)


def _require_questions(question_set: QuestionSet) -> None:
    if not question_set.questions:
        why = ", ".join(f"{len(ids)} {flaw.replace('_', ' ')}" for flaw, ids in question_set.flaws.items())
        raise ReadError(
            f"No answer to a question of {question_set.folder} can be judged ({why or 'there are none'}).",
            hint='A question needs "answers": [TEXT…], or "answerable": false.',
        )


class _Kept:
    """What one system has answered of a set, in a file of its own until the run is whole."""

    def __init__(self, settings: Settings, system: str, state: Sequence[object], *, anew: bool) -> None:
        model: list[object] = []
        if system != QUOTES:
            path = Shelf(settings.shelf, offline=settings.offline).find(system)
            model = [str(path), path.stat().st_size, path.stat().st_mtime_ns]
        digest = hashlib.sha256(json.dumps([system, model, *state]).encode("utf-8", "surrogatepass"))
        self._path = settings.home / KEPT / f"{digest.hexdigest()[:24]}.jsonl"
        self.judged: dict[str, Judged] = {}
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if anew:
                self._path.unlink(missing_ok=True)
            lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        except OSError as error:
            raise StoreError(f"{self._path.parent} cannot be used: {error.strerror}.") from error
        for line in lines:
            try:
                row = json.loads(line)
                judged = Judged(**{**row, "degraded": tuple(row["degraded"])})
            except (ValueError, TypeError, KeyError):
                continue  # the last line of a run that was killed may be cut
            self.judged[judged.id] = judged

    def add(self, judged: Judged) -> None:
        """Keep one more."""
        self.judged[judged.id] = judged
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(judged)) + "\n")

    def forget(self) -> None:
        """The run is whole."""
        self._path.unlink(missing_ok=True)
