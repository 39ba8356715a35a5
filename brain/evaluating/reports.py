"""What came out of a run, as JSON that can be kept and read back, with every mean and difference worked out from the questions.

Texts of questions are in it only where they were asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from brain.errors import FileVanished, ReadError
from brain.evaluating.frames import Frame, frame_from, framed, interval_json, reading, require_format
from brain.evaluating.intervals import DRAWS, SEED, Bootstrap, Interval
from brain.evaluating.metrics import METRICS
from brain.evaluating.runs import BASELINES, DEPTH, PASSAGE, SHOWN, SYSTEMS, Scored, System
from brain.evaluating.sets import QuestionSet
from brain.readers.opening import open_bytes

FORMAT = 1
LARGEST = 500_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One question as a report keeps it. `text` is empty where texts were not asked for."""

    id: str
    values: Mapping[System, Mapping[str, float]]
    first: Mapping[System, int | None]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """A question at which Brain did worse than a baseline."""

    row: Row
    difference: float  # of nDCG@10, below 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Frame):
    """One set, searched once."""

    systems: tuple[System, ...]
    rows: tuple[Row, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured: for questions made from passages also whether the passage itself is found."""
        has_passages = bool(self.rows) and all(PASSAGE in row.values[self.systems[0]] for row in self.rows)
        return (*METRICS, PASSAGE) if has_passages else METRICS

    def values(self, system: System, metric: str) -> list[float]:
        """One value a question, in the order of the rows."""
        return [row.values[system][metric] for row in self.rows]

    def means(self) -> dict[System, dict[str, Interval]]:
        """Every mean with its interval."""
        draws = Bootstrap(len(self.rows))
        return {
            system: {metric: draws.interval(self.values(system, metric)) for metric in self.metrics}
            for system in self.systems
        }

    def differences(self, system: System = "brain") -> dict[System, dict[str, Interval]]:
        """How much better one is than each baseline, paired by question."""
        draws = Bootstrap(len(self.rows))
        return {
            baseline: {
                metric: draws.difference(self.values(system, metric), self.values(baseline, metric))
                for metric in self.metrics
            }
            for baseline in BASELINES
            if baseline in self.systems
        }

    def losses(self, baseline: System) -> list[Loss]:
        """The questions at which Brain did worse than a baseline, the worst first."""
        found = [Loss(row, row.values["brain"]["ndcg@10"] - row.values[baseline]["ndcg@10"]) for row in self.rows]
        return sorted((loss for loss in found if loss.difference < 0), key=lambda loss: (loss.difference, loss.row.id))


def report_of(
    question_set: QuestionSet,
    scored: Sequence[Scored],
    *,
    documents: int,
    passages: int,
    embedder: str,
    seconds: float = 0.0,
) -> Report:
    """What a run found. A side that never found anything because it is off is left out, and its fusion with it."""
    degraded = tuple(dict.fromkeys(part.part for one in scored for part in one.degraded))
    systems = tuple(system for system in SYSTEMS if not _is_off(system, degraded, scored))
    filtered = [one.id for one in scored if one.has_filters]
    refused = [one.id for one in scored if one.refused]
    counted = {**question_set.flaws, "obeyed_filters": tuple(filtered), "refused_questions": tuple(refused)}
    return Report(
        **framed(question_set),
        documents=documents,
        passages=passages,
        embedder=embedder,
        systems=systems,
        rows=tuple(
            Row(
                one.id,
                {system: one.values[system] for system in systems},
                {system: one.first[system] for system in systems},
                one.text,
            )
            for one in scored
        ),
        counted={what: ids for what, ids in counted.items() if ids},
        degraded=degraded,
        seconds=seconds,
    )


def _is_off(system: System, degraded: Sequence[str], scored: Sequence[Scored]) -> bool:
    needs: tuple[Literal["words", "vectors"], ...]
    match system:
        case "words" | "vectors":
            needs = (system,)
        case "rrf":
            needs = ("words", "vectors")
        case _:
            return False
    return any(side in degraded and not any(one.ranked[side] for one in scored) for side in needs)


def to_json(report: Report, *, texts: bool = False) -> dict[str, Any]:
    """The object of `brain eval run --json`."""
    means, differences = report.means(), report.differences()
    return {
        "report": FORMAT,
        **report.frame_json(),
        "questions": {"asked": report.asked, "scored": len(report.rows)},
        "settings": {"depth": DEPTH, "shown": SHOWN, "draws": DRAWS, "seed": SEED},
        "systems": {
            system: {metric: interval_json(found) for metric, found in each.items()} for system, each in means.items()
        },
        "differences": {
            system: {metric: interval_json(found, tie=True) for metric, found in each.items()}
            for system, each in differences.items()
        },
        "losses": {
            system: [loss.row.id for loss in report.losses(system)] for system in ("words", "vectors")
            if system in report.systems
        },
        "per_question": [
            {"_id": row.id, **({"text": row.text} if texts else {}), "first": dict(row.first), "values": dict(row.values)}
            for row in report.rows
        ],
    }  # fmt: skip


def from_json(value: Any, where: str) -> Report:
    """A report that was kept. Means are worked out again. Raises ReadError for anything else."""
    with reading(where):
        require_format(value["report"], FORMAT, where)
        systems = tuple(system for system in SYSTEMS if system in value["systems"])
        rows = tuple(
            Row(
                str(one["_id"]),
                {
                    system: {str(name): float(figure) for name, figure in one["values"][system].items()}
                    for system in systems
                },
                {system: one["first"][system] for system in systems},
                str(one.get("text", "")),
            )
            for one in value["per_question"]
        )
        if "brain" not in systems:
            raise KeyError("brain")
        if any(metric not in row.values[system] for row in rows for system in systems for metric in METRICS):
            raise KeyError("metrics")
        return Report(**frame_from(value), systems=systems, rows=rows)


def load(path: Path) -> Report:
    """A report from its file. Raises ReadError."""
    return from_json(read_json(path), str(path))


def read_json(path: Path) -> Any:
    """What a file that should be a report holds. Raises ReadError."""
    try:
        return json.loads(open_bytes(path.expanduser().absolute().resolve(), LARGEST))
    except FileVanished as error:
        raise ReadError(f"There is no file {path}.", hint="brain eval run SET --json > FILE") from error
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{path} is not JSON.", hint="brain eval run SET --json > FILE") from error


def compared(report: Report, other: Report) -> dict[str, Interval] | None:
    """How much better Brain did in one report than in another of the same set, over the questions both have."""
    if report.sha256 != other.sha256:
        return None
    theirs = {row.id: row for row in other.rows}
    pairs = [(row, theirs[row.id]) for row in report.rows if row.id in theirs]
    draws = Bootstrap(len(pairs))
    return {
        metric: draws.difference(
            [mine.values["brain"][metric] for mine, _ in pairs], [its.values["brain"][metric] for _, its in pairs]
        )
        for metric in report.metrics
        if metric in other.metrics
    }
