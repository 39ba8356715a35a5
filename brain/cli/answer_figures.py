"""How the figures of answers look on a terminal, and what they say to try next."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from brain.ask import QUOTES
from brain.cleaning import one_line
from brain.cli.figures import TEXT_LENGTH, WIDTH, difference, not_scored
from brain.evaluating.answer_reports import AnswerReport, Difference, Measure, compared
from brain.evaluating.intervals import Interval
from brain.evaluating.judging import Judged
from brain.evaluating.model_judge import JUDGED, agreement

# Each block of the table: what it is about, and its columns.
BLOCKS: tuple[tuple[str, tuple[tuple[Measure, str], ...]], ...] = (
    ("answerable questions", (("f1", "F1"), ("contains", "holds the answer"), ("exact", "exact"), ("lost", "refused"))),
    (
        "its citations",
        (
            ("cites_right", "carry it"),
            ("cites_whole", "it is cited"),
            ("documents_right", "right document"),
            ("unsupported", "unsupported"),
        ),
    ),
    ("its refusals", (("refusals_right", "right"), ("refusals_made", "of unanswerable"), ("trapped", "trapped"))),
)
COMPARED: tuple[Measure, ...] = ("f1", "contains", "cites_whole", "refusals_right", "refusals_made", "unsupported")
SHORT: Mapping[Measure, str] = {
    "f1": "F1",
    "exact": "exact",
    "contains": "holds the answer",
    "cites_whole": "it is cited",
    "refusals_right": "refusals right",
    "refusals_made": "of unanswerable refused",
    "unsupported": "unsupported sentences",
}
NAME, COLUMN = 24, 19
TRUSTED = 0.6  # a kappa below this: the judge is not worth much
NAMED = 5  # ids of one advice
MANY = 0.1  # share of the questions from which on an advice is worth its line


def rows_of(report: AnswerReport, *, texts: bool) -> Iterator[str]:
    """One report: the table, the systems against each other, what to try next, and what was not judged.

    `texts`: questions are told with what was asked, where the report has it.
    """
    yield from heading(report)
    yield ""
    yield from table([report])
    if differences := report.differences():
        yield ""
        yield from against(differences)
    if report.judge:
        yield ""
        yield from judged(report)
    for system, rows in report.rows.items():
        if told := list(advice(system, rows, texts=texts)):
            yield ""
            yield f"{one_line(system)}:"
            yield from told
    yield from not_scored(report)


def heading(report: AnswerReport) -> Iterator[str]:
    """What was measured."""
    questions = report.questions
    without = sum(not row.is_answerable for row in questions)
    about = "your notes" if report.kind == "notes" else "its own documents"
    held = f"{report.documents:,} documents, {report.passages:,} passages"
    counts = f"{len(questions) - without} questions with an answer, {without} without"
    yield f"{one_line(report.name)}: {counts}, about {about} ({held})"
    yield f"meaning by {report.embedder or 'nothing: no embedder'}; judged by rule; 95 % intervals; {report.made}"


def table(reports: Sequence[AnswerReport]) -> Iterator[str]:
    """Three blocks of figures and one of times, a row for each system of each report."""
    named = [
        (f"[{number}] {system}" if len(reports) > 1 else system, figures)
        for number, report in enumerate(reports, start=1)
        for system, figures in report.figures().items()
    ]
    for title, columns in BLOCKS:
        shown = [(measure, head) for measure, head in columns if any(measure in figures for _, figures in named)]
        if not shown:
            continue
        yield f"{title:<{NAME}}" + "".join(f"{head:<{COLUMN}}" for _, head in shown).rstrip()
        for system, figures in named:
            yield _row(system, [_share(figures.get(measure)) for measure, _ in shown])
    heads = ("to the first word", "to the end", "tokens in, out", "cost")
    yield f"{'its seconds':<{NAME}}" + "".join(f"{head:<{COLUMN}}" for head in heads).rstrip()
    for system, figures in named:
        tokens = f"{_mean(figures, 'prompt', 0)}, {_mean(figures, 'completion', 0)}"
        cost = f"${figures['cost'].mean:.5f}" if "cost" in figures and figures["cost"].mean else "none"
        cells = [_mean(figures, "first", 2), _mean(figures, "total", 2), tokens, cost]
        yield _row(system, cells)


def judged(report: AnswerReport) -> Iterator[str]:
    """What the model that judges says beside the rules, and how far to trust it."""
    yield f"{one_line(report.judge)} judges beside the rules, of answers to questions with a known answer:"
    heads = ("right by it", "right by rule", "the same", "kappa")
    yield f"{'':<{NAME}}" + "".join(f"{head:<{COLUMN}}" for head in heads).rstrip()
    for system, rows in report.rows.items():
        found, seen = agreement(rows), [row for row in rows if JUDGED in row.values]
        if not seen:
            yield _row(system, ["no verdict at all", "", "", ""])
            continue
        by_it = sum(row.values[JUDGED] for row in seen) / len(seen)
        by_rule = sum(row.values["contains"] >= 1 for row in seen) / len(seen)
        kappa = "means nothing here" if found.kappa is None else f"{found.kappa:.2f}"
        yield _row(system, [f"{by_it:.3f}", f"{by_rule:.3f}", f"{found.same} of {found.verdicts}", kappa])
        if found.silent:
            yield f"    no verdict on {found.silent} of {found.silent + found.verdicts}"
        if found.kappa is None or found.kappa < TRUSTED:
            yield "    Do not lean on this judge: it agrees with the rules too little beyond chance."


def against(differences: Sequence[Difference]) -> Iterator[str]:
    """Systems against each other, question by question, and whether that is a difference at all."""
    for one in differences:
        yield f"{one_line(one.system)} against {one_line(one.against)}:"
        for measure in COMPARED:
            if measure in one.figures:
                yield f"  {SHORT[measure]:<{NAME}}{verdict(measure, one.figures[measure])}"


def against_the_first(reports: Sequence[AnswerReport]) -> Iterator[str]:
    """Each system of each further report of the same set against itself in the first, paired."""
    for number, report in enumerate(reports[1:], start=2):
        for one in compared(report, reports[0]):
            yield f"{one_line(one.system)} in [{number}] against [1]:"
            for measure in COMPARED:
                if measure in one.figures:
                    yield f"  {SHORT[measure]:<{NAME}}{verdict(measure, one.figures[measure])}"


def advice(system: str, rows: Sequence[Judged], *, texts: bool = False) -> Iterator[str]:
    """What went wrong most, whether search or the answer is to blame, and what to try next."""
    answerable = [row for row in rows if row.is_answerable]
    answered = [row for row in answerable if not row.is_refused]
    lost = [row for row in answerable if row.is_refused]
    if _worth_telling(lost, answerable):
        found = [row for row in lost if row.values.get("found")]
        yield from _told(
            f"refuses {len(lost)} of {len(answerable)} questions that have an answer; for {len(found)} of them the right "
            "passage was found, so the gate is too strict there. For the others search does not find it: see "
            "`brain eval run` without --answers.",
            found or lost,
            texts,
        )
    wrong = [row for row in answered if row.values.get("contains", row.values.get("cites_whole", 1.0)) < 1]
    if _worth_telling(wrong, answered):
        missed = [row for row in wrong if row.values.get("found") == 0]
        next_step = (
            "try a larger chat model (--models)" if system != QUOTES else "try a chat model (--models)"
        )  # the passage is there: what is wanting is reading it
        yield from _told(
            f"{len(wrong)} of {len(answered)} answers lack the right words; for {len(missed)} of them the right passage "
            f"was not found (search), for {len(wrong) - len(missed)} it was: {next_step}.",
            wrong,
            texts,
        )
    without = [row for row in rows if not row.is_answerable]
    claimed = [row for row in without if not row.is_refused]
    if _worth_telling(claimed, without):
        yield from _told(
            f"answers {len(claimed)} of {len(without)} questions that have no answer{_by_kind(claimed, without)}: read the "
            "citations before believing.",
            claimed,
            texts,
        )
    fallen = [row for row in rows if row.fell_back]
    if fallen:
        own = [row for row in answered if not row.fell_back and "contains" in row.values]
        right = sum(row.values["contains"] == 1 for row in own)
        yield from _told(
            f"in {len(fallen)} of {sum(not row.is_refused for row in rows)} answers nothing it said stood in the notes, or it "
            f"failed: the quotes answered in its place and are judged as its own. Of {len(own)} answers in its own words to "
            f"questions that have one, {right} hold the right words.",
            fallen,
            texts,
        )


def _by_kind(some: Sequence[Judged], whole: Sequence[Judged]) -> str:
    """How many of each kind, where the set tells kinds apart."""
    kinds, of = Counter(row.kind for row in some), Counter(row.kind for row in whole)
    told = ", ".join(f"{one_line(kind)} {kinds[kind]} of {of[kind]}" for kind in of if kind)
    return f" ({told})" if told else ""


def _worth_telling(some: Sequence[Judged], whole: Sequence[Judged]) -> bool:
    return bool(some) and len(some) >= MANY * len(whole)


def _told(said: str, rows: Sequence[Judged], texts: bool) -> Iterator[str]:
    yield from textwrap.wrap(said, WIDTH, initial_indent="  ", subsequent_indent="    ")
    if texts and any(row.text for row in rows):
        for row in rows[:NAMED]:
            yield "      " + textwrap.shorten(f"{one_line(row.id)} {one_line(row.text)}", TEXT_LENGTH, placeholder=" …")
        return
    ids = ", ".join(one_line(row.id) for row in rows[:NAMED]) + (" …" if len(rows) > NAMED else "")
    yield f"    ({textwrap.shorten(ids, TEXT_LENGTH, placeholder='…')})"


def verdict(measure: Measure, found: Interval) -> str:
    """A difference, its interval, and which way it speaks: of unsupported sentences fewer are better."""
    told = difference(found)
    if measure != "unsupported" or found.holds_zero:
        return told
    figures, _, said = told.rpartition(" ")
    return f"{figures} {'worse' if said == 'better' else 'better'}"


def _row(system: str, cells: Sequence[str]) -> str:
    name = one_line(system)
    name = name if len(name) < NAME - 2 else f"{name[: NAME - 4]}…"
    return f"  {name:<{NAME - 2}}{''.join(f'{cell:<{COLUMN}}' for cell in cells)}".rstrip()


def _share(found: Interval | None) -> str:
    if found is None:
        return "–"
    return f"{found.mean:.3f} ({found.low:.2f}–{found.high:.2f})"


def _mean(figures: Mapping[Measure, Interval], measure: Measure, digits: int) -> str:
    return f"{figures[measure].mean:.{digits}f}" if measure in figures else "–"
