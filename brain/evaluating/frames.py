"""What every report says of its run, whatever was measured, and how that and its figures are kept as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from brain import __version__
from brain.errors import ReadError
from brain.evaluating.intervals import Interval
from brain.evaluating.sets import QuestionSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One set, run once."""

    name: str
    sha256: str
    kind: str  # "corpus" or "notes"
    documents: int
    passages: int
    asked: int
    embedder: str  # empty: there was none
    counted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what was not scored, or not as it should be
    degraded: tuple[str, ...] = ()
    made: str = ""
    version: str = __version__
    seconds: float = 0.0

    def frame_json(self) -> dict[str, Any]:
        """All of it but `asked`, which stands among the other counts of questions."""
        return {
            "version": self.version,
            "made": self.made,
            "set": {
                "name": self.name,
                "kind": self.kind,
                "sha256": self.sha256,
                "documents": self.documents,
                "passages": self.passages,
            },
            "embedder": self.embedder or None,
            "counted": {what: list(ids) for what, ids in self.counted.items()},
            "degraded": list(self.degraded),
            "seconds": round(self.seconds, 3),
        }


def framed(question_set: QuestionSet) -> dict[str, Any]:
    """The fields of a frame that a set and the moment give."""
    return {
        "name": question_set.name,
        "sha256": question_set.sha256,
        "kind": "notes" if question_set.is_of_notes else "corpus",
        "asked": question_set.asked,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def frame_from(value: Any) -> dict[str, Any]:
    """The fields of a frame from a report that was kept. Raises what `reading` translates."""
    about = value["set"]
    return {
        "name": str(about["name"]),
        "sha256": str(about["sha256"]),
        "kind": str(about["kind"]),
        "documents": int(about["documents"]),
        "passages": int(about["passages"]),
        "asked": int(value["questions"]["asked"]),
        "embedder": str(value["embedder"] or ""),
        "counted": {str(what): tuple(map(str, ids)) for what, ids in value["counted"].items()},
        "degraded": tuple(map(str, value["degraded"])),
        "made": str(value["made"]),
        "version": str(value["version"]),
        "seconds": float(value["seconds"]),
    }


@contextmanager
def reading(where: str, options: str = "") -> Iterator[None]:
    """Taking apart what should be a report of `brain eval run` with these options: anything else becomes a ReadError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{where} is no report of `brain eval run{options}`."
        raise ReadError(reason, hint=f"brain eval run SET{options} --json > FILE") from error


def require_format(found: object, known: int, where: str) -> None:
    """Raise ReadError where a report is of a format that this version does not know."""
    if found != known:
        raise ReadError(f"{where} is a report of another version of Brain.", hint="Run the set again.")


def interval_json(found: Interval, *, tie: bool = False) -> dict[str, float | bool]:
    """A figure as JSON; with `tie`, for a difference, also whether it is one."""
    figures = {"mean": round(found.mean, 6), "low": round(found.low, 6), "high": round(found.high, 6)}
    return {**figures, **({"tie": found.holds_zero} if tie else {})}
