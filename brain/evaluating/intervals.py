"""How sure a mean is: 95 % intervals by the bootstrap (Efron, 1979), the same draws for everything that is compared. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """Draws of `count` questions with replacement. Values drawn by the same object are paired: differences are told as such."""

    def __init__(self, count: int, *, draws: int = DRAWS, seed: int = SEED) -> None:
        self._count = count
        share = np.full(count, 1 / count) if count else np.empty(0)
        self._weights: NDArray[np.float64] = (
            np.random.default_rng(seed).multinomial(count, share, size=draws) / count if count else np.empty((draws, 0))
        )

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
