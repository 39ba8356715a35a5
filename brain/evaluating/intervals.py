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

    def difference(self, values: Sequence[float], others: Sequence[float]) -> Interval:
        """How much higher the first are, question by question."""
        return self.interval([one - other for one, other in zip(values, others, strict=True)])


@lru_cache(maxsize=1)  # a report asks several times, and drawing for thousands of questions takes half a second
def _drawn(count: int) -> NDArray[np.float64]:
    """For each draw, how often each question is in it, as a share of all."""
    if not count:
        return np.empty((DRAWS, 0))
    return np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), size=DRAWS) / count
