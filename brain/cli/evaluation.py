"""`brain eval`: questions from notes, a set run and scored, reports side by side."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from brain.cleaning import one_line
from brain.cli import CANCELLED, DONE, answer_figures
from brain.cli.figures import against_the_first, heading, not_scored, rows_of, table
from brain.cli.output import Progress, print_json, say, told
from brain.cli.stopping import cancelling
from brain.errors import BrainError, ReadError, SettingsError
from brain.evaluating import answer_reports
from brain.evaluating.answer_reports import AnswerReport
from brain.evaluating.answers import Answers, MeasuredAnswers, Verdicts, measure_answers, systems_of
from brain.evaluating.facts import CAVEAT as ANSWERS_CAVEAT
from brain.evaluating.facts import answerable_from
from brain.evaluating.frames import interval_json
from brain.evaluating.making import CAVEAT, Note, questions_from
from brain.evaluating.measuring import Asked, Measured, measure
from brain.evaluating.notes import read_notes, write_set
from brain.evaluating.reports import Report, compared, from_json, read_json, to_json
from brain.evaluating.runs import Scored, trec_lines
from brain.evaluating.sets import QuestionSet, read_set
from brain.settings import Settings

SETS = Path("eval", "sets")

AnyReport = TypeVar("AnyReport", Report, AnswerReport)


def make(options: argparse.Namespace, settings: Settings) -> int:
    """Questions from notes, frozen in a folder."""
    folder = _new_folder(options, settings)
    notes: list[Note] = []
    digests: dict[str, str] = {}
    failed: dict[str, BrainError] = {}
    with cancelling() as cancel, Progress(sys.stderr) as progress:
        for read in read_notes(options.notes, settings, cancel=cancel):
            progress.advance(f"reading {read.path.name}", read.done, read.total)
            if read.error is not None:
                failed[str(read.path)] = read.error
                progress.line(f"! {read.path}: {told(read.error.reason, read.error.hint)}")
            if read.note is not None:
                notes.append(read.note)
                digests[read.note.path] = read.sha256
    if cancel.is_set():
        return CANCELLED
    searched, answered = questions_from(notes, options.questions), answerable_from(notes, options.questions)
    made = [*searched, *answered]
    if not made:
        raise ReadError(
            f"No question could be made from {len(notes)} notes.",
            hint="Questions come from headings of two telling words or more, and from sentences of six.",
        )
    write_set(folder, made, digests)
    if options.json:
        asked = [
            {
                "_id": f"q{at:04}",
                "text": one.text,
                "kind": one.kind,
                "answers": list(one.answers),
                "path": one.path or None,
                "line": one.spans[0].line if one.spans else None,
            }
            for at, one in enumerate(made, start=1)
        ]
        failures = [{"path": path, "reason": error.reason} for path, error in failed.items()]
        print_json({"set": str(folder), "questions": asked, "notes": len(notes), "failed": failures})
        return DONE
    for some, what in ((searched, "search"), (answered, "answers")):
        kinds = Counter(one.kind for one in some)
        say(
            f"{len(some)} questions for {what} ({', '.join(f'{count} {kind}' for kind, count in kinds.items()) or 'none'})"
        )
        for one in some[:3]:
            place = f"{one.path}:{one.spans[0].line}" if one.spans else "nowhere"
            say(f"  {one_line(one.text)}   {place}")
        if len(some) < options.questions:
            say(f"  No more than that could be made of {len(notes)} notes; {options.questions} were asked for.")
    say(f"In {folder}; look through queries.jsonl, and change or delete lines as you like.")
    say(CAVEAT)
    say(ANSWERS_CAVEAT)
    say("No model made them: the small chat models that run here phrase questions wrong too often.")
    say(f"Have them answered: brain eval run --answers {folder}")
    say(f"Ask them: brain eval run {folder}")
    return DONE


def run(options: argparse.Namespace, settings: Settings) -> int:
    """One set, every question, the figures."""
    if options.answers:
        return _run_answers(options, settings)
    if options.models or options.anew or options.judge:
        raise SettingsError("--models, --anew and --judge are about answers.", hint="Add --answers, or leave them out.")
    question_set = _chosen(read_set(options.set), options.ids)
    measured: Measured | None = None
    with cancelling() as cancel, Progress(sys.stderr) as progress:
        for event in measure(settings, question_set, sample=options.questions, cancel=cancel):
            match event:
                case Asked(done, total):
                    progress.advance("asking questions", done, total)
                case Measured():
                    measured = event
                case _:
                    progress.show(event)
    if measured is None:
        say("Stopped. What is indexed is kept: the next run goes on from there.", to=sys.stderr)
        return CANCELLED
    body = to_json(measured.report, texts=options.texts)
    if options.save is not None:
        _write(options.save, [json.dumps(body)])
    if options.trec is not None:
        _write_rankings(options.trec, measured.report, measured.scored)
    if options.json:
        print_json(body)
        return DONE
    for row in rows_of(measured.report, losses=options.losses, texts=options.texts or sys.stdout.isatty()):
        say(row)
    return DONE


def _run_answers(options: argparse.Namespace, settings: Settings) -> int:
    if options.trec is not None:
        raise SettingsError("--trec writes rankings, and --answers makes none.", hint="Leave one of them out.")
    systems = systems_of(settings, options.models)
    question_set = _chosen(read_set(options.set, for_answers=True), options.ids)
    measured: MeasuredAnswers | None = None
    with cancelling() as cancel, Progress(sys.stderr) as progress:
        for event in measure_answers(
            settings,
            question_set,
            systems,
            sample=options.questions,
            anew=options.anew,
            texts=options.texts,
            judge=options.judge,
            cancel=cancel,
        ):
            match event:
                case Answers(system, done, total):
                    progress.advance(f"{system} answers", done, total)
                case Verdicts(done, total):
                    progress.advance(f"{options.judge} judges", done, total)
                case MeasuredAnswers():
                    measured = event
                case _:
                    progress.show(event)
    if measured is None:
        say("Stopped. What was asked is kept: the same command goes on from there.", to=sys.stderr)
        return CANCELLED
    body = answer_reports.to_json(measured.report, texts=options.texts)
    if options.save is not None:
        _write(options.save, [json.dumps(body)])
    if options.json:
        print_json(body)
        return DONE
    for row in answer_figures.rows_of(measured.report, texts=options.texts or sys.stdout.isatty()):
        say(row)
    return DONE


def _chosen(question_set: QuestionSet, ids: Path | None) -> QuestionSet:
    """The set with those questions only that a file names. Raises ReadError where it names none of them."""
    if ids is None:
        return question_set
    try:
        wanted = set(ids.expanduser().read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{ids} cannot be read.", hint="It should hold an _id a line.") from error
    kept = tuple(question for question in question_set.questions if question.id in wanted)
    if not kept:
        raise ReadError(f"{ids} names no question of the set.", hint="It should hold an _id a line.")
    return replace(question_set, questions=kept)


def show(options: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001 - every command is called alike
    """Reports that were kept."""
    found: list[tuple[Path, Report]] = []
    answered: list[tuple[Path, AnswerReport]] = []
    for path in options.reports:
        value = read_json(path)
        if answer_reports.is_answers(value):
            answered.append((path, answer_reports.from_json(value, str(path))))
        else:
            found.append((path, from_json(value, str(path))))
    groups, answer_groups = _by_set(found), _by_set(answered)
    if options.json:
        shown = [
            *(_without_questions(to_json(report)) for _, report in found),
            *(_without_questions(answer_reports.to_json(report)) for _, report in answered),
        ]
        print_json({"reports": shown, "differences": [*_differences(groups), *_answer_differences(answer_groups)]})
        return DONE
    shown_groups = [*map(_rows_of_group, groups), *map(_rows_of_answers, answer_groups)]
    for number, rows in enumerate(shown_groups):
        if number:
            say()
        for row in rows:
            say(row)
    return DONE


def _by_set(reports: Sequence[tuple[Path, AnyReport]]) -> list[list[tuple[Path, AnyReport]]]:
    groups: dict[str, list[tuple[Path, AnyReport]]] = {}
    for path, report in reports:
        groups.setdefault(report.sha256, []).append((path, report))
    return list(groups.values())


def _rows_of_group(group: Sequence[tuple[Path, Report]]) -> Iterator[str]:
    own = [report for _, report in group]
    if len(own) == 1:
        yield from rows_of(own[0], losses=5, texts=True)
        return
    yield from _headings([(path, heading(report)) for path, report in group])
    yield from ("", *table(own), "", *against_the_first(own))
    for at, report in enumerate(own, start=1):
        yield from (f"[{at}] {row}" for row in not_scored(report) if row)


def _rows_of_answers(group: Sequence[tuple[Path, AnswerReport]]) -> Iterator[str]:
    own = [report for _, report in group]
    if len(own) == 1:
        yield from answer_figures.rows_of(own[0], texts=True)
        return
    yield from _headings([(path, answer_figures.heading(report)) for path, report in group])
    yield from ("", *answer_figures.table(own), "", *answer_figures.against_the_first(own))
    for at, report in enumerate(own, start=1):
        yield from (f"[{at}] {row}" for row in not_scored(report) if row)


def _headings(reports: Sequence[tuple[Path, Iterator[str]]]) -> Iterator[str]:
    for at, (path, (first, *rest)) in enumerate(reports, start=1):
        yield f"[{at}] {path}: {first}"
        yield from (f"    {row}" for row in rest)


def _without_questions(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name != "per_question"}


def _differences(groups: Sequence[Sequence[tuple[Path, Report]]]) -> Iterator[dict[str, object]]:
    for (first_path, first), *others in groups:
        for path, report in others:
            metrics = compared(report, first) or {}
            figures = {metric: interval_json(interval, tie=True) for metric, interval in metrics.items()}
            yield {"report": str(path), "against": str(first_path), **figures}


def _answer_differences(groups: Sequence[Sequence[tuple[Path, AnswerReport]]]) -> Iterator[dict[str, object]]:
    for (first_path, first), *others in groups:
        for path, report in others:
            for one in answer_reports.compared(report, first):
                figures = answer_reports.figures_json(one.figures, ties=True)
                yield {"report": str(path), "against": str(first_path), "system": one.system, **figures}


def _new_folder(options: argparse.Namespace, settings: Settings) -> Path:
    """Where the set will be. Raises SettingsError where something stands there, before any note is read."""
    if options.to is not None:
        chosen: Path = options.to.expanduser().absolute()
        if chosen.exists():
            raise SettingsError(f"{chosen} is there already.", hint="Name a folder that is not there yet.")
        return chosen
    name = f"{one_line(options.notes[0].expanduser().resolve().stem) or 'notes'}-{date.today().isoformat()}"
    folder, number = settings.home / SETS / name, 2
    while folder.exists():
        folder, number = settings.home / SETS / f"{name}-{number}", number + 1
    return folder


def _write_rankings(folder: Path, report: Report, scored: tuple[Scored, ...]) -> None:
    for system in report.systems:
        _write(folder / f"{system}.trec", list(trec_lines(scored, system)))


def _write(path: Path, lines: list[str]) -> None:
    path = path.expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.", hint="Choose another place.") from error
