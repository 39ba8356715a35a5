"""`brain eval`: questions from notes, a set run and scored, reports side by side."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from brain.cleaning import one_line
from brain.cli import CANCELLED, DONE
from brain.cli.figures import against_the_first, heading, not_scored, rows_of, table
from brain.cli.output import Progress, print_json, say, told
from brain.cli.stopping import cancelling
from brain.errors import BrainError, ReadError, SettingsError
from brain.evaluating.intervals import Interval
from brain.evaluating.making import CAVEAT, Note, questions_from
from brain.evaluating.measuring import Asked, Measured, measure
from brain.evaluating.notes import read_notes, write_set
from brain.evaluating.reports import Report, compared, load, to_json
from brain.evaluating.runs import Scored, trec_lines
from brain.evaluating.sets import read_set
from brain.settings import Settings

SETS = Path("eval", "sets")


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
    made = questions_from(notes, options.questions)
    if not made:
        raise ReadError(
            f"No question could be made from {len(notes)} notes.",
            hint="Questions come from headings of two telling words or more, and from sentences of six.",
        )
    write_set(folder, made, digests)
    if options.json:
        asked = [
            {"_id": question.id, "text": question.text, "kind": one.kind, "path": one.span.path, "line": one.span.line}
            for question, one in zip(read_set(folder).questions, made, strict=True)
        ]
        failures = [{"path": path, "reason": error.reason} for path, error in failed.items()]
        print_json({"set": str(folder), "questions": asked, "notes": len(notes), "failed": failures})
        return DONE
    headings = sum(one.kind == "heading" for one in made)
    say(f"{len(made)} questions ({headings} headings, {len(made) - headings} sentences) from {len(notes)} notes:")
    for one in made[:3]:
        say(f"  {one_line(one.text)}   {one.span.path}:{one.span.line}")
    if len(made) < options.questions:
        say(f"No more than that could be made of them; {options.questions} were asked for.")
    say(f"In {folder}; look through queries.jsonl, and change or delete lines as you like.")
    say(CAVEAT)
    say(f"Ask them: brain eval run {folder}")
    return DONE


def run(options: argparse.Namespace, settings: Settings) -> int:
    """One set, every question, the figures."""
    question_set = read_set(options.set)
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


def show(options: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001 - every command is called alike
    """Reports that were kept."""
    reports = [load(path) for path in options.reports]
    groups: dict[str, list[tuple[Path, Report]]] = {}
    for path, report in zip(options.reports, reports, strict=True):
        groups.setdefault(report.sha256, []).append((path, report))
    if options.json:
        print_json({"reports": [_short(report) for report in reports], "differences": _differences(groups)})
        return DONE
    for number, group in enumerate(groups.values()):
        if number:
            say()
        own = [report for _, report in group]
        if len(own) == 1:
            for row in rows_of(own[0], losses=5, texts=True):
                say(row)
            continue
        for at, (path, report) in enumerate(group, start=1):
            first, *rest = heading(report)
            for row in (f"[{at}] {path}: {first}", *(f"    {one}" for one in rest)):
                say(row)
        for row in ("", *table(own), "", *against_the_first(own)):
            say(row)
        for at, report in enumerate(own, start=1):
            for row in filter(None, not_scored(report)):
                say(f"[{at}] {row}")
    return DONE


def _short(report: Report) -> dict[str, object]:
    return {name: value for name, value in to_json(report).items() if name != "per_question"}


def _differences(groups: dict[str, list[tuple[Path, Report]]]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for (first_path, first), *others in groups.values():
        for path, report in others:
            metrics = compared(report, first) or {}
            figures = {metric: _figures(interval) for metric, interval in metrics.items()}
            found.append({"report": str(path), "against": str(first_path), **figures})
    return found


def _figures(found: Interval) -> dict[str, object]:
    return {"mean": found.mean, "low": found.low, "high": found.high, "tie": found.holds_zero}


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
