"""How far the indexer is and how long it may still take, from its events. Pure but for the clock it is handed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

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
from brain.progress import Pace


class Progress:
    """How far the indexer is, from its events. The same event may come twice: a pass that was asked for is told to whoever
    asked and to whoever follows."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.is_running = False
        self.total = 0
        self.files: set[Path] = set()  # those this pass is done with
        self.vectors: VectorsAdded | None = None
        self._pace = Pace()

    def take(self, event: Event) -> None:
        """Take an event of the indexer in."""
        match event:
            case SyncStarted():
                self.is_running, self.total, self.vectors = True, event.steps, None
                self.files, self._pace = set(), Pace()
            case FileIndexed() | FileMoved() | FileFailed() | FileRemoved() | FolderSkipped():
                self.files.add(event.path)
                self.total = max(self.total, self.done)
                self._pace.at(self._now(), self.done)
            case VectorsAdded():
                if self.vectors is None:
                    self._pace = Pace()
                self.vectors = event if event.pending else None
                self._pace.at(self._now(), event.done)
            case SyncFinished():
                self.is_running, self.vectors, self._pace = False, None, Pace()
            case _:
                pass

    @property
    def done(self) -> int:
        """Files that this pass is done with."""
        return len(self.files)

    def below(self, folder: Path) -> int:
        """How many of them stand in a folder."""
        inside = str(folder).rstrip(os.sep) + os.sep  # Path.is_relative_to costs ten times as much
        return sum(str(path).startswith(inside) for path in self.files)

    @property
    def left(self) -> float | None:
        """Seconds left, once that is worth saying."""
        pending = self.vectors.pending if self.vectors else self.total - self.done
        return self._pace.seconds_left(pending) if pending > 0 else None
