"""Hints that a folder may have changed, gathered until its changes pause. It decides only when to look, never what has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

QUIET_SECONDS = 0.3  # a save is several events: look once they have ended
LONGEST_SECONDS = 1.0  # but no later than this, also while they go on


class Hints:
    """A set of folders to look at, from many threads to one. Times are monotonic: no clock that is set back delays a look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._folders: set[Path] | None = set()  # None: all of them
        self._first = self._last = 0.0
        self._not_before = 0.0
        self._is_woken = False

    def add(self, folder: Path | None = None) -> None:
        """Something may have changed in a folder, or in any of them."""
        with self._changed:
            self._last = self._clock()
            if not self._is_pending():
                self._first = self._last
            if folder is None:
                self._folders = None
            elif self._folders is not None:
                self._folders.add(folder)
            self._changed.notify_all()

    def is_ripe(self) -> bool:
        """Whether it is time to look: changes have paused, or have gone on for long enough."""
        with self._changed:
            return self._seconds_left() == 0.0

    def take(self) -> Collection[Path] | None:
        """The folders to look at, None for all of them; from now on there are no hints."""
        with self._changed:
            taken, self._folders = self._folders, set()
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
        return self._folders is None or bool(self._folders)

    def _seconds_left(self) -> float | None:
        if not self._is_pending():
            return None
        ripe = max(min(self._last + QUIET_SECONDS, self._first + LONGEST_SECONDS), self._not_before)
        return max(0.0, ripe - self._clock())
