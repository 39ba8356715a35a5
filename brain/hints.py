"""Hints of where something may have changed, gathered until changes pause. They say when and where to look, never what changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

from brain.places import Place

QUIET_SECONDS = 0.3  # a save is several events: look once they have ended
LONGEST_SECONDS = 1.0  # but no later than this, also while they go on
MOST = 100  # places: more are not told apart, and everything is looked at


class Hints:
    """A set of places to look at, from many threads to one. Times are monotonic: no clock that is set back delays a look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._places: set[Place] | None = set()  # None: everywhere
        self._first = self._last = 0.0
        self._not_before = 0.0
        self._is_woken = False

    def add(self, place: Place | None = None) -> None:
        """Something may have changed in a place, or anywhere."""
        with self._changed:
            self._last = self._clock()
            if not self._is_pending():
                self._first = self._last
            if place is None:
                self._places = None
            elif self._places is not None:
                self._places.add(place)
                if len(self._places) > MOST:
                    self._places = None
            self._changed.notify_all()

    def is_ripe(self) -> bool:
        """Whether it is time to look: changes have paused, or have gone on for long enough."""
        with self._changed:
            return self._seconds_left() == 0.0

    def take(self) -> Collection[Place] | None:
        """The places to look at, None for everywhere; from now on there are no hints."""
        with self._changed:
            taken, self._places = self._places, set()
            self._is_woken = False
            return taken

    def rest(self, seconds: float) -> None:
        """Let no hint ripen for so long: a file that changes all the time must not take all of the time."""
        with self._changed:
            self._not_before = self._clock() + seconds

    def wake(self) -> None:
        """End the wait that is under way."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def wait(self, timeout: float) -> None:
        """Wait until hints are ripe, `wake` is called, or the time is over."""
        until = self._clock() + timeout
        with self._changed:
            while not self._is_woken and (left := until - self._clock()) > 0:
                ripens = self._seconds_left()
                if ripens == 0.0:
                    return
                self._changed.wait(min(left, left if ripens is None else ripens))

    def _is_pending(self) -> bool:
        return self._places is None or bool(self._places)

    def _seconds_left(self) -> float | None:
        if not self._is_pending():
            return None
        ripe = max(min(self._last + QUIET_SECONDS, self._first + LONGEST_SECONDS), self._not_before)
        return max(0.0, ripe - self._clock())
