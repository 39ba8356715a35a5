"""How well search does on many sets, against words alone, vectors alone and their fusion by rank, in the same run.

    python -m tests.bench.retrieval SET… [--keep DIR] [--models DIR] [--questions N] [--metric ndcg@10] [--json FILE]

SET is a folder as `brain eval run` takes it. The documents of each are indexed in a home of this script's own; with --keep
in DIR, where a second run finds them. What is measured, and how, is what `brain eval run --help` says.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from brain.cli.figures import HEADS, NAMES, difference
from brain.cli.output import Progress, say
from brain.errors import BrainError
from brain.evaluating.measuring import Asked, Measured, measure
from brain.evaluating.reports import Report, to_json
from brain.evaluating.runs import SYSTEMS, System
from brain.evaluating.sets import read_set
from brain.settings import Settings, load

BEST_OF: tuple[System, ...] = ("words", "vectors")


def measured(folder: Path, settings: Settings, questions: int | None) -> Report:
    """The report of one set."""
    with Progress(sys.stderr) as progress:
        for event in measure(settings, read_set(folder), sample=questions, cancel=threading.Event()):
            match event:
                case Measured(report):
                    return report
                case Asked(done, total):
                    progress.advance(f"asking {folder.name}", done, total)
                case _:
                    progress.show(event)
    raise AssertionError("nothing was cancelled")


def mean(report: Report, system: System, metric: str) -> float | None:
    return fmean(report.values(system, metric)) if system in report.systems else None


def rows(reports: list[Report], metric: str) -> list[str]:
    """A row a set, the average, and on how many sets Brain is at or above the best."""
    head = f"{HEADS[metric]:<20}{'questions':>10}" + "".join(f"{NAMES[system]:>17}" for system in SYSTEMS)
    told = [f"{head}   Brain against RRF"]
    for report in reports:
        found = [mean(report, system, metric) for system in SYSTEMS]
        cells = "".join(f"{'–' if one is None else f'{one:.4f}':>17}" for one in found)
        against = report.differences()
        verdict = difference(against["rrf"][metric]) if "rrf" in against else ""
        told.append(f"{report.name:<20}{len(report.rows):>10}{cells}   {verdict}")
    whole = [report for report in reports if set(report.systems) == set(SYSTEMS)]
    if not whole:
        return told
    averages = {system: sum(mean(report, system, metric) or 0 for report in whole) / len(whole) for system in SYSTEMS}
    told.append(f"{'average':<30}" + "".join(f"{averages[system]:>17.4f}" for system in SYSTEMS))
    for name, best in (("the better of words and vectors", BEST_OF), ("the best of all three", (*BEST_OF, "rrf"))):
        held = sum(
            (mean(report, "brain", metric) or 0) >= max(mean(report, one, metric) or 0 for one in best) - 1e-9
            for report in whole
        )
        told.append(f"Brain at or above {name}: {held} of {len(whole)} sets")
    return told


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sets", nargs="+", type=Path, metavar="SET")
    options.add_argument("--keep", type=Path, metavar="DIR", help="where the indexed documents are kept")
    options.add_argument("--models", type=Path, default=load().shelf, help="where the starter models are")
    options.add_argument("--questions", type=int, metavar="N", help="of each set, always the same ones")
    options.add_argument("--metric", choices=tuple(HEADS), default="ndcg@10")
    options.add_argument("--json", type=Path, metavar="FILE", help="write every report as well")
    chosen = options.parse_args()
    reports = []
    with ExitStack() as scratch:
        home = chosen.keep or Path(scratch.enter_context(tempfile.TemporaryDirectory()))
        settings = replace(load(home), models_folder=str(chosen.models.absolute()))
        for folder in chosen.sets:
            try:
                reports.append(measured(folder, settings, chosen.questions))
            except BrainError as error:
                say(f"{folder.name}: {error.reason} {error.hint}", to=sys.stderr)
    for row in rows(reports, chosen.metric):
        say(row)
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([to_json(report) for report in reports]), encoding="utf-8")


if __name__ == "__main__":
    main()
