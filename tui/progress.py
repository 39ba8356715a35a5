"""How far the indexer is and how long it may still take, from its events. Pure but for the clock it is handed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from brain.events import (
    Event,
    FileFailed,
    FileIndexed,
    FileMoved,
    FileRemoved,
    FolderSkipped,
    SyncFinished,
    SyncStarted,
    VectorsAdded,
)

_REMEMBER = 60.0  # seconds of progress that the time left is worked out from
_TOO_EARLY = 5.0  # seconds before a time left is worth saying


class Progress:
    """How far the indexer is, from its events."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.is_running = False
        self.done = 0
        self.total = 0
        self.vectors: VectorsAdded | None = None
        self._seen: deque[tuple[float, int]] = deque()

    def take(self, event: Event) -> None:
        """Take an event of the indexer in."""
        match event:
            case SyncStarted():
                self.is_running, self.done, self.total, self.vectors = True, 0, event.steps, None
                self._seen.clear()
            case FileIndexed() | FileMoved() | FileFailed() | FileRemoved() | FolderSkipped():
                self.done += 1
                self.total = max(self.total, self.done)
                self._note(self.done)
            case VectorsAdded():
                if self.vectors is None:
                    self._seen.clear()
                self.vectors = event if event.pending else None
                self._note(event.done)
            case SyncFinished():
                self.is_running, self.vectors = False, None
                self._seen.clear()
            case _:
                pass

    @property
    def left(self) -> float | None:
        """Seconds left, once that can be told."""
        if len(self._seen) < 2 or self._seen[-1][0] - self._seen[0][0] < _TOO_EARLY:
            return None
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        pending = self.vectors.pending if self.vectors else self.total - self.done
        return pending * (ended - began) / (last - first) if last > first and pending > 0 else None

    def _note(self, count: int) -> None:
        now = self._now()
        self._seen.append((now, count))
        while self._seen and now - self._seen[0][0] > _REMEMBER:
            self._seen.popleft()
