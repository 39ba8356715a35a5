"""The marks of the gate for one's own notes: fitted to questions of which it is known whether the notes answer them. Pure.

One mark is looked for, below which a question is refused: where most of the questions without an answer are refused for
the fewest of those with one, and never more than a given share of these lost. The marks for "surely" and "surely not" keep
their distance from it. What is told is held out: the questions are parted into `FOLDS`, and those of each are judged by the
mark that the others gave.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from brain.evaluating.intervals import SEED, Bootstrap, Interval, Pair
from brain.gating import Marks

ANSWERABLE, UNANSWERABLE = 50, 20  # questions that a fit needs at least
FOLDS = 5
MOST_LOST = 0.1  # of the answerable ones
SURELY_NOT, SURELY = 0.15, 0.13  # below and above the mark, where the embedder has no marks to go by
_STEP = 0.01
_NOTHING = 1e-9

Figure = Literal["refusals_right", "refusals_made", "lost"]
FIGURES: tuple[Figure, ...] = ("refusals_right", "refusals_made", "lost")


@dataclass(frozen=True, slots=True)
class Weighed:
    """One question: what the gate makes of its evidence, and whether it is refused as things are."""

    id: str
    is_answerable: bool
    value: float | None  # what is compared with the mark; None where the mark plays no part
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """What came out. `before` and `after` are of the same questions, `after` held out; `difference` is after less before."""

    marks: Marks
    present: Marks
    answerable: int
    unanswerable: int
    before: Mapping[Figure, Interval]
    after: Mapping[Figure, Interval]
    difference: Mapping[Figure, Interval]

    @property
    def is_tie(self) -> bool:
        """No figure differs by more than chance would have it."""
        return all(found.holds_zero for found in self.difference.values())


def wanting(weighed: Sequence[Weighed]) -> tuple[int, int]:
    """How many questions with an answer, and without, a fit still needs."""
    answerable = sum(one.is_answerable for one in weighed)
    return max(0, ANSWERABLE - answerable), max(0, UNANSWERABLE - (len(weighed) - answerable))


def fit(weighed: Sequence[Weighed], present: Marks, fitted: Marks, *, most_lost: float = MOST_LOST) -> Fit:
    """The marks that these questions give. `present` are in use, `fitted` says how far apart marks stand, and from where.

    Raises ValueError where questions are `wanting`.
    """
    if any(wanting(weighed)):
        raise ValueError("too few questions")
    near = fitted.enough
    mark = _best(weighed, near, most_lost)
    held_out: dict[str, bool] = {}
    for part in _folds(weighed):
        inside = {one.id for one in part}
        own = _best([one for one in weighed if one.id not in inside], near, most_lost)
        held_out.update({one.id: _refuses(one, own) for one in part})
    after = [held_out[one.id] for one in weighed]
    before = [one.is_refused for one in weighed]
    draws = Bootstrap(len(weighed))
    figures: tuple[dict[Figure, Interval], ...] = ({}, {}, {})
    for figure in FIGURES:
        old, new = ([_pair(one, it, figure) for one, it in zip(weighed, some, strict=True)] for some in (before, after))
        found = draws.ratio(old), draws.ratio(new), draws.ratio_difference(new, old)
        for kept, interval in zip(figures, found, strict=True):
            if interval is not None:
                kept[figure] = interval
    return Fit(
        Marks(
            round(mark - (fitted.enough - fitted.surely_not), 2),
            mark,
            round(mark + (fitted.surely - fitted.enough), 2),
            fitted.unrelated,
        ),
        present,
        sum(one.is_answerable for one in weighed),
        sum(not one.is_answerable for one in weighed),
        *figures,
    )


def starting(unrelated: float, mark: float = 0.55) -> Marks:
    """Marks as far apart as they usually are, for an embedder of which nothing is known."""
    return Marks(round(mark - SURELY_NOT, 2), mark, round(mark + SURELY, 2), unrelated)


def _best(weighed: Sequence[Weighed], near: float, most_lost: float) -> float:
    """The mark that parts the questions best; of equally good ones `near` itself, else the middle one."""
    answerable = [one for one in weighed if one.is_answerable]
    without = [one for one in weighed if not one.is_answerable]
    tried: list[tuple[float, float]] = []
    for step in range(int(2 / _STEP)):
        mark = round(step * _STEP, 2)
        lost = sum(_refuses(one, mark) for one in answerable) / max(1, len(answerable))
        made = sum(_refuses(one, mark) for one in without) / max(1, len(without))
        if lost <= most_lost or not step:
            tried.append((made - lost, mark))
    most = max(gain for gain, _ in tried)
    best = [mark for gain, mark in tried if gain >= most - _NOTHING]
    return near if near in best else best[len(best) // 2]


def _refuses(one: Weighed, mark: float) -> bool:
    return one.is_refused if one.value is None else one.value < mark


def _folds(weighed: Sequence[Weighed]) -> Iterator[list[Weighed]]:
    """Parts with the same share of answerable questions each, always the same."""
    dice = random.Random(SEED)
    parts: list[list[Weighed]] = [[] for _ in range(FOLDS)]
    for kind in (True, False):
        some = [one for one in weighed if one.is_answerable is kind]
        dice.shuffle(some)
        for at, one in enumerate(some):
            parts[at % FOLDS].append(one)
    yield from parts


def _pair(one: Weighed, is_refused: bool, figure: Figure) -> Pair:
    refused = float(is_refused)
    match figure:
        case "refusals_right":
            return refused * (not one.is_answerable), refused
        case "refusals_made":
            return (0.0, 0.0) if one.is_answerable else (refused, 1.0)
        case "lost":
            return (refused, 1.0) if one.is_answerable else (0.0, 0.0)
