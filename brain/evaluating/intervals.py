"""How sure a mean is: 95 % intervals by the bootstrap (Efron, 1979), the same draws for everything that is compared. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
SEED = 0
LOW, HIGH = 2.5, 97.5  # percentiles
_NOTHING = 1e-12

Pair = tuple[float, float]  # what a question adds above and below the line of a ratio


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over questions, and where it would lie in 95 of 100 sets of such questions."""

    mean: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """For a difference: it may as well be none."""
        return self.low <= 0 <= self.high


class Bootstrap:
    """Draws of `count` questions with replacement: always the same ones, so that what is compared is drawn alike."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._weights = _drawn(count)

    def interval(self, values: Sequence[float]) -> Interval:
        """The mean of one value a question, with its interval. Of no question at all: zeros."""
        if len(values) != self._count:
            raise ValueError(f"{len(values)} values for {self._count} questions")
        if not self._count:
            return Interval(0.0, 0.0, 0.0)
        each = np.asarray(values, dtype=np.float64)
        low, high = np.percentile(self._weights @ each, (LOW, HIGH))
        return Interval(float(each.mean()), float(low), float(high))

    def ratio(self, pairs: Sequence[Pair]) -> Interval | None:
        """One sum over another: of (1, 0) pairs a share, of (value, 1) a mean; (0, 0) leaves a question out.

        None where nothing is left to divide by.
        """
        top, bottom = self._drawn_sums(pairs)
        return _interval(sum(one for one, _ in pairs), sum(one for _, one in pairs), top, bottom)

    def ratio_difference(self, pairs: Sequence[Pair], others: Sequence[Pair]) -> Interval | None:
        """How much higher the first ratio is than the other, both of the same questions in every draw."""
        whole, other = self.ratio(pairs), self.ratio(others)
        if whole is None or other is None:
            return None
        mine, theirs = self._drawn_sums(pairs), self._drawn_sums(others)
        both = (mine[1] > _NOTHING) & (theirs[1] > _NOTHING)
        drawn = mine[0][both] / mine[1][both] - theirs[0][both] / theirs[1][both]
        low, high = np.percentile(drawn, (LOW, HIGH)) if drawn.size else (0.0, 0.0)
        return Interval(whole.mean - other.mean, float(low), float(high))

    def _drawn_sums(self, pairs: Sequence[Pair]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if len(pairs) != self._count:
            raise ValueError(f"{len(pairs)} values for {self._count} questions")
        each = np.asarray(pairs, dtype=np.float64).reshape(self._count, 2)
        sums = self._weights @ each
        return sums[:, 0], sums[:, 1]

    def difference(self, values: Sequence[float], others: Sequence[float]) -> Interval:
        """How much higher the first are, question by question."""
        return self.interval([one - other for one, other in zip(values, others, strict=True)])


def _interval(
    top: float, bottom: float, drawn_top: NDArray[np.float64], drawn_bottom: NDArray[np.float64]
) -> Interval | None:
    if not bottom:
        return None
    some = drawn_bottom > _NOTHING  # a draw may hold none of the few questions that count
    low, high = np.percentile(drawn_top[some] / drawn_bottom[some], (LOW, HIGH))
    return Interval(top / bottom, float(low), float(high))


@lru_cache(maxsize=1)  # a report asks several times, and drawing for thousands of questions takes half a second
def _drawn(count: int) -> NDArray[np.float64]:
    """For each draw, how often each question is in it, as a share of all."""
    if not count:
        return np.empty((DRAWS, 0))
    return np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), size=DRAWS) / count
