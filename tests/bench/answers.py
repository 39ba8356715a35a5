"""How well questions are answered on many sets, by quotes and by chat models, in one table.

    python -m tests.bench.answers SET… [--systems quotes,MODEL…] [--keep DIR] [--models DIR] [--questions N] [--json FILE]

SET is a folder as `brain eval run --answers` takes it; of one that has a `sample-*.txt` only the questions named there
are asked. The documents of each are indexed in a home of this script's own; with --keep in DIR, where a second run finds
them, and where one that was stopped goes on. What is measured, and how, is what `brain eval run --help` says. Seconds are
those of this machine under its load: compare them within one run only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from brain.cli.answer_figures import COMPARED, SHORT, verdict
from brain.cli.output import Progress, say
from brain.cli.stopping import cancelling
from brain.errors import BrainError
from brain.evaluating.answer_reports import AnswerReport, Measure, to_json
from brain.evaluating.answers import Answers, MeasuredAnswers, measure_answers, systems_of
from brain.evaluating.sets import QuestionSet, read_set
from brain.settings import Settings, load

COLUMNS: tuple[tuple[Measure, str], ...] = (
    ("f1", "F1"),
    ("contains", "contains"),
    ("cites_right", "cite P"),
    ("cites_whole", "cite R"),
    ("refusals_right", "refuse P"),
    ("refusals_made", "refuse R"),
    ("lost", "lost"),
    ("unsupported", "unsupp."),
    ("fell_back", "fell back"),
    ("first", "s first"),
    ("total", "s total"),
)


def chosen(folder: Path) -> QuestionSet:
    """A set, or the sample that lies beside it."""
    whole = read_set(folder, for_answers=True)
    samples = sorted(folder.glob("sample-*.txt"))
    if not samples:
        return whole
    wanted = set(samples[0].read_text(encoding="utf-8").split())
    return replace(whole, questions=tuple(question for question in whole.questions if question.id in wanted))


def measured(folder: Path, settings: Settings, systems: tuple[str, ...], count: int | None) -> AnswerReport | None:
    """The report of one set; None where it was stopped."""
    with cancelling() as cancel, Progress(sys.stderr) as progress:
        for event in measure_answers(settings, chosen(folder), systems, sample=count, cancel=cancel):
            match event:
                case MeasuredAnswers(report):
                    return report
                case Answers(system, done, total):
                    progress.advance(f"{system} on {folder.name}", done, total)
                case _:
                    progress.show(event)
    return None


def rows(reports: list[AnswerReport]) -> list[str]:
    """A row for each system of each set, then the systems against each other where it is no tie."""
    told = [f"{'set':<18}{'with, without':>14}  {'system':<24}" + "".join(f"{head:>10}" for _, head in COLUMNS)]
    for report in reports:
        without = sum(not row.is_answerable for row in report.questions)
        counts = f"{len(report.questions) - without}, {without}"
        for system, figures in report.figures().items():
            cells = (f"{figures[name].mean:.3f}" if name in figures else "–" for name, _ in COLUMNS)
            told.append(f"{report.name:<18}{counts:>14}  {system:<24}" + "".join(f"{cell:>10}" for cell in cells))
    for report in reports:
        for one in report.differences():
            found = {name: one.figures[name] for name in COMPARED if name in one.figures}
            clear = [f"{SHORT[name]} {verdict(name, each)}" for name, each in found.items() if not each.holds_zero]
            told.append(f"{report.name}: {one.system} against {one.against}: {'; '.join(clear) or 'ties alone'}")
    return told


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sets", nargs="+", type=Path, metavar="SET")
    options.add_argument("--systems", default="", metavar="A,B", help="quotes, or names of chat models")
    options.add_argument("--keep", type=Path, metavar="DIR", help="where the indexed documents are kept")
    options.add_argument("--models", type=Path, default=load().shelf, help="where the models are")
    options.add_argument("--questions", type=int, metavar="N", help="of each set, always the same ones")
    options.add_argument("--json", type=Path, metavar="FILE", help="write every report as well")
    given = options.parse_args()
    reports: list[AnswerReport] = []
    with ExitStack() as scratch:
        home = given.keep or Path(scratch.enter_context(tempfile.TemporaryDirectory()))
        settings = replace(load(home), models_folder=str(given.models.absolute()))
        systems = systems_of(settings, [name for name in given.systems.split(",") if name])
        for folder in given.sets:
            try:
                report = measured(folder, settings, systems, given.questions)
            except BrainError as error:
                say(f"{folder.name}: {error.reason} {error.hint}", to=sys.stderr)
                continue
            if report is None:
                break
            reports.append(report)
    for row in rows(reports):
        say(row)
    if given.json is not None:
        given.json.write_text(json.dumps([to_json(report) for report in reports]), encoding="utf-8")


if __name__ == "__main__":
    main()
