"""How the figures of a report look on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from brain.cleaning import one_line
from brain.evaluating.answer_reports import AnswerReport
from brain.evaluating.intervals import Interval
from brain.evaluating.metrics import METRICS
from brain.evaluating.reports import Loss, Report, compared
from brain.evaluating.runs import PASSAGE, System
from brain.evaluating.sets import SAID

NAMES: dict[System, str] = {
    "words": "words alone",
    "vectors": "vectors alone",
    "rrf": "RRF(60) of both",
    "brain": "Brain",
    "shown": "Brain as shown",
}
HEADS = {"ndcg@10": "nDCG@10", "recall@5": "recall@5", "recall@10": "recall@10", "mrr@10": "MRR@10", "hit@1": "hit@1"}
COLUMNS = METRICS[:4]  # the rest is told in a line of its own: five columns do not fit a terminal
WIDTH = 100
TEXT_LENGTH = 90
NAMED = 3  # ids of what was not scored


def rows_of(report: Report, *, losses: int, texts: bool) -> Iterator[str]:
    """One report: the table, Brain against each baseline, the worst losses, and what was not scored.

    `texts`: the losses are told with what was asked, not by their ids alone.
    """
    yield from heading(report)
    yield ""
    yield from table([report])
    yield ""
    yield from against_baselines(report)
    for system in ("words", "vectors"):
        if system in report.systems:
            yield from _losses(system, report.losses(system)[:losses], texts=texts)
    yield from not_scored(report)


def heading(report: Report) -> Iterator[str]:
    """What was measured."""
    kind = "your notes" if report.kind == "notes" else "its own documents"
    held = f"{report.documents:,} documents, {report.passages:,} passages"
    yield f"{one_line(report.name)}: {len(report.rows)} questions about {kind} ({held})"
    yield f"meaning by {report.embedder or 'nothing: no embedder'}; 95 % intervals; {report.made}"


def table(reports: Sequence[Report]) -> Iterator[str]:
    """A row for each system of each report."""
    yield f"{'':<17}" + "".join(f"{HEADS[metric]:<16}" for metric in COLUMNS).rstrip()
    for number, report in enumerate(reports, start=1):
        if len(reports) > 1:
            yield f"[{number}]"
        means = report.means()
        for system in report.systems:
            yield f"{NAMES[system]:<17}" + "".join(f"{_mean(means[system][metric]):<16}" for metric in COLUMNS).rstrip()
        for metric, name in (("hit@1", "first one right"), (PASSAGE, "right passage among the first ten")):
            if metric in report.metrics:
                told = ", ".join(f"{NAMES[system]} {_figure(means[system][metric].mean)}" for system in report.systems)
                yield from textwrap.wrap(f"{name}: {told}", WIDTH, subsequent_indent="  ")


def against_baselines(report: Report) -> Iterator[str]:
    """Brain less each baseline, paired."""
    if not report.rows:
        return
    yield "Brain against      nDCG@10                         questions better, worse, alike"
    for system, metrics in report.differences().items():
        pairs = list(zip(report.values("brain", "ndcg@10"), report.values(system, "ndcg@10"), strict=True))
        better, worse = sum(mine > its for mine, its in pairs), sum(mine < its for mine, its in pairs)
        counts = f"{better}, {worse}, {len(pairs) - better - worse}"
        yield f"  {NAMES[system]:<17}{difference(metrics['ndcg@10']):<32}{counts}"


def against_the_first(reports: Sequence[Report]) -> Iterator[str]:
    """Brain in each further report of the same set, less Brain in the first, paired."""
    for number, report in enumerate(reports[1:], start=2):
        found = compared(report, reports[0])
        if found is not None:
            told = "   ".join(f"{HEADS[metric]} {difference(found[metric])}" for metric in COLUMNS)
            yield from textwrap.wrap(f"Brain in [{number}] against [1]: {told}", WIDTH, subsequent_indent="  ")


def not_scored(report: Report | AnswerReport) -> Iterator[str]:
    """What of the set was not scored, or not as it should be, and which part was off."""
    if report.degraded:
        yield ""
        off = ", ".join(report.degraded)
        yield f"! Off or incomplete in this run: {off}. What needs it is not in the table, or scored too low."
    if report.counted:
        yield ""
    for what, ids in report.counted.items():
        named = ", ".join(one_line(id) for id in ids[:NAMED]) + (" …" if len(ids) > NAMED else "")
        yield f"{len(ids):>6} {SAID.get(what, what)} ({textwrap.shorten(named, TEXT_LENGTH, placeholder='…')})"


def difference(found: Interval) -> str:
    """A difference, its interval, and whether it is one."""
    verdict = "tie" if found.holds_zero else "better" if found.mean > 0 else "worse"
    return f"{_signed(found.mean)} ({_signed(found.low)} … {_signed(found.high)}) {verdict}"


def _losses(system: System, losses: Sequence[Loss], *, texts: bool) -> Iterator[str]:
    if not losses:
        return
    yield ""
    yield f"Worst against {NAMES[system]} (nDCG@10; the rank of the first right document there and in Brain):"
    for loss in losses:
        there, here = (loss.row.first[one] or "–" for one in (system, "brain"))
        text = f"  {one_line(loss.row.text)}" if texts else ""
        asked = textwrap.shorten(one_line(loss.row.id) + text, TEXT_LENGTH, placeholder=" …")
        yield f"  {_signed(loss.difference)}  {there:>3} → {here:<3}  {asked}"


def _mean(found: Interval) -> str:
    return f"{_figure(found.mean)} ({_figure(found.low, 2)}–{_figure(found.high, 2)})"


def _figure(value: float, digits: int = 3) -> str:
    told = f"{value:.{digits}f}"
    return told.removeprefix("0") if told.startswith("0") else told[:-1]


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("+0.", "+.").replace("-0.", "−.").replace("-", "−")
