"""How fast a long work goes and when it will be done: figures that are shown only once they are worth something. Pure."""

from __future__ import annotations

import statistics
from collections import deque

WINDOW_SECONDS = 60.0  # what lies further back says nothing about the rest
SLICE_SECONDS = 1.0  # figures within one are taken together: batches are of unequal size
ENOUGH_SLICES = 6  # and this share of the work: before, a guess is off by more than it tells
ENOUGH_SHARE = 0.02


class Pace:
    """Fed with (seconds, done) as a work goes on, both growing. Doubling back starts it anew."""

    def __init__(self) -> None:
        self._slices: deque[tuple[float, int]] = deque()

    def at(self, seconds: float, done: int) -> None:
        """So much is done at this time of a monotonic clock."""
        if self._slices and done < self._slices[-1][1]:
            self._slices.clear()
        if not self._slices or seconds - self._slices[-1][0] >= SLICE_SECONDS:
            self._slices.append((seconds, done))
        while seconds - self._slices[0][0] > WINDOW_SECONDS:
            self._slices.popleft()

    @property
    def rate(self) -> float | None:
        """How much a second: the middle of the rates of the last minute, so that one slow file does not count for all."""
        if len(self._slices) <= ENOUGH_SLICES:
            return None
        marks = list(self._slices)
        # Over spans of several slices: single ones are too coarse where a batch takes as long as a slice.
        rates = [
            (later[1] - earlier[1]) / (later[0] - earlier[0])
            for earlier, later in zip(marks, marks[ENOUGH_SLICES // 2 :], strict=False)
        ]
        return statistics.median(rates)

    def seconds_left(self, pending: int) -> float | None:
        """How long the rest will take; None while that is not worth saying."""
        rate = self.rate
        if not rate or self._slices[-1][1] < ENOUGH_SHARE * (self._slices[-1][1] + pending):
            return None
        return pending / rate


def in_words(seconds: float) -> str:
    """A duration as it is told to a person, no more exact than it is known: "40 s", "3 min", "2 h 10 min"."""
    if seconds < 55:
        return f"{max(10, round(seconds / 10) * 10):.0f} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" + (f" {minutes % 60 // 10 * 10} min" if minutes % 60 >= 10 else "")
