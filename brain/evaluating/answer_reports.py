"""What came out of asking for answers, as JSON that can be kept and read back; every figure is worked out from the questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from brain.evaluating.frames import Frame, frame_from, framed, interval_json, reading, require_format
from brain.evaluating.intervals import DRAWS, SEED, Bootstrap, Interval, Pair
from brain.evaluating.judging import Judged
from brain.evaluating.model_judge import agreement
from brain.evaluating.sets import QuestionSet

FORMAT = 1

Measure = Literal[
    "f1", "exact", "contains", "f1_all", "exact_all", "found",
    "cites_right", "cites_whole", "documents_right", "documents_whole",
    "refusals_right", "refusals_made", "lost", "unsupported", "trapped", "fell_back", "judged",
    "first", "total", "prompt", "completion", "cost",
]  # fmt: skip
MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReport(Frame):
    """One set, answered by one system or several: the same questions in the same order."""

    rows: Mapping[str, tuple[Judged, ...]]  # by system
    judge: str = ""  # the model that judged beside the rules

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems, in the order in which they were asked for."""
        return tuple(self.rows)

    @property
    def questions(self) -> tuple[Judged, ...]:
        """The questions, as the first system answered them."""
        return next(iter(self.rows.values()), ())

    def figures(self) -> dict[str, dict[Measure, Interval]]:
        """Every figure with its interval; one that applies to no question is left out."""
        draws = Bootstrap(len(self.questions))
        figures: dict[str, dict[Measure, Interval]] = {}
        for system, rows in self.rows.items():
            found = {measure: draws.ratio([pair(row, measure) for row in rows]) for measure in MEASURES}
            figures[system] = {measure: interval for measure, interval in found.items() if interval is not None}
        return figures

    def differences(self) -> list[Difference]:
        """Every later system against each before it, paired by question."""
        systems = self.systems
        return [
            Difference(system, against, differences_of(self.rows[system], self.rows[against]))
            for at, system in enumerate(systems)
            for against in systems[:at]
        ]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the figures of one system are than those of another."""

    system: str
    against: str
    figures: Mapping[Measure, Interval]


def pair(row: Judged, measure: Measure) -> Pair:
    """What a question adds to a figure, above and below the line; (0, 0) where it does not count for it."""
    refused = float(row.is_refused)
    match measure:
        case "f1_all" | "exact_all":  # SQuAD 2.0: a question without an answer is right where it is refused
            if not row.is_answerable:
                return refused, 1.0
            value = row.values.get("f1" if measure == "f1_all" else "exact")
            return (0.0, 0.0) if value is None else (value, 1.0)
        case "refusals_right":
            return refused * (not row.is_answerable), refused
        case "refusals_made":
            return (0.0, 0.0) if row.is_answerable else (refused, 1.0)
        case "lost":
            return (refused, 1.0) if row.is_answerable else (0.0, 0.0)
        case "unsupported":
            return row.values.get("unsupported", 0.0), row.values.get("sentences", 0.0)
        case "fell_back":
            return (0.0, 0.0) if row.is_refused else (float(row.fell_back), 1.0)
        case _:
            value = row.values.get(measure)
            return (0.0, 0.0) if value is None else (value, 1.0)


def differences_of(rows: Sequence[Judged], others: Sequence[Judged]) -> dict[Measure, Interval]:
    """How much higher each figure of the first is; both are of the same questions in the same order."""
    draws = Bootstrap(len(rows))
    found = {
        measure: draws.ratio_difference([pair(row, measure) for row in rows], [pair(row, measure) for row in others])
        for measure in MEASURES
    }
    return {measure: interval for measure, interval in found.items() if interval is not None}


def compared(report: AnswerReport, other: AnswerReport) -> list[Difference]:
    """Each system of one report against itself in another of the same set, over the questions both have."""
    if report.sha256 != other.sha256:
        return []
    found: list[Difference] = []
    for system in report.systems:
        theirs = {row.id: row for row in other.rows.get(system, ())}
        pairs = [(row, theirs[row.id]) for row in report.rows[system] if row.id in theirs]
        if pairs:
            figures = differences_of([mine for mine, _ in pairs], [its for _, its in pairs])
            found.append(Difference(system, system, figures))
    return found


def answer_report_of(
    question_set: QuestionSet,
    rows: Mapping[str, Sequence[Judged]],
    *,
    documents: int,
    passages: int,
    embedder: str,
    judge: str = "",
    seconds: float = 0.0,
) -> AnswerReport:
    """What a run found."""
    parts = dict.fromkeys(part for judged in rows.values() for row in judged for part in row.degraded if part != "chat")
    return AnswerReport(
        **framed(question_set),
        documents=documents,
        passages=passages,
        embedder="" if "vectors" in parts else embedder,
        rows={system: tuple(judged) for system, judged in rows.items()},
        judge=judge,
        counted=dict(question_set.flaws),
        degraded=tuple(parts),
        seconds=seconds,
    )


def to_json(report: AnswerReport, *, texts: bool = False) -> dict[str, Any]:
    """The object of `brain eval run --answers --json`."""
    questions = report.questions
    unanswerable = sum(not row.is_answerable for row in questions)
    return {
        "answers": FORMAT,
        **report.frame_json(),
        "questions": {
            "asked": report.asked,
            "answerable": len(questions) - unanswerable,
            "unanswerable": unanswerable,
        },
        "settings": {"draws": DRAWS, "seed": SEED, "judge": "rules"},
        **({"judge": {"model": report.judge, "systems": _agreements(report)}} if report.judge else {}),
        "systems": {system: figures_json(figures) for system, figures in report.figures().items()},
        "differences": [
            {"system": one.system, "against": one.against, **figures_json(one.figures, ties=True)}
            for one in report.differences()
        ],
        "per_question": [
            {
                "_id": row.id,
                "kind": row.kind,
                "answerable": row.is_answerable,
                **({"text": row.text} if texts else {}),
                "systems": {system: _row(rows[at], texts) for system, rows in report.rows.items()},
            }
            for at, row in enumerate(questions)
        ],
    }


def _agreements(report: AnswerReport) -> dict[str, dict[str, int | float | None]]:
    found: dict[str, dict[str, int | float | None]] = {}
    for system, rows in report.rows.items():
        one = agreement(rows)
        kappa = None if one.kappa is None else round(one.kappa, 6)
        found[system] = {"verdicts": one.verdicts, "no_verdict": one.silent, "same": one.same, "kappa": kappa}
    return found


def figures_json(figures: Mapping[Measure, Interval], *, ties: bool = False) -> dict[str, dict[str, float | bool]]:
    """Figures as JSON; of differences also whether each is a tie."""
    return {measure: interval_json(found, tie=ties) for measure, found in figures.items()}


def _row(row: Judged, texts: bool) -> dict[str, Any]:
    return {
        "refused": row.is_refused,
        "fell_back": row.fell_back,
        **({"answer": row.answer} if texts else {}),
        "values": {name: round(value, 6) for name, value in row.values.items()},
    }


def is_answers(value: Any) -> bool:
    """Whether JSON looks like a report of answers."""
    return isinstance(value, dict) and "answers" in value


def from_json(value: Any, where: str) -> AnswerReport:
    """A report that was kept. Figures are worked out again. Raises ReadError for anything else."""
    with reading(where, " --answers"):
        require_format(value["answers"], FORMAT, where)
        rows = {
            str(system): tuple(_judged(one, one["systems"][system]) for one in value["per_question"])
            for system in value["systems"]
        }
        judge = value.get("judge") or {}
        return AnswerReport(**frame_from(value), rows=rows, judge=str(judge.get("model", "")))


def _judged(question: Mapping[str, Any], row: Mapping[str, Any]) -> Judged:
    return Judged(
        id=str(question["_id"]),
        kind=str(question["kind"]),
        is_answerable=bool(question["answerable"]),
        is_refused=bool(row["refused"]),
        fell_back=bool(row["fell_back"]),
        values={str(name): float(value) for name, value in row["values"].items()},
        text=str(question.get("text", "")),
        answer=str(row.get("answer", "")),
    )
