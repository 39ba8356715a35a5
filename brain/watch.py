"""File events → "look again". It decides nothing: a lost or doubled event costs nothing, because a slow sweep looks as well."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

log = logging.getLogger("brain")
QUIET = ("opened", "closed_no_write")  # reading a note changes nothing


class Watcher:
    """Calls `look_again` whenever something below one of the folders changes. Folders that refuse are named in `refused`."""

    def __init__(self, look_again: Callable[[], None]) -> None:
        self._look_again = look_again
        self._observer: BaseObserver | None = None
        self.watched: frozenset[Path] = frozenset()
        self.refused: dict[Path, str] = {}

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch exactly these folders from now on."""
        wanted = frozenset(folders)
        if wanted == self.watched | frozenset(self.refused):
            return
        self.close()
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        look_again = self._look_again

        class Hint(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in QUIET:
                    look_again()

        self._observer = observer = Observer()
        observer.start()
        watched = set()
        for folder in sorted(wanted):
            try:
                observer.schedule(Hint(), str(folder), recursive=True)
                watched.add(folder)
            except OSError as error:  # the folder is gone, or the system allows no more watches
                self.refused[folder] = error.strerror or str(error)
        self.watched = frozenset(watched)
        if self.refused:
            log.warning("not watched", extra={"folders": len(self.refused)})

    def close(self) -> None:
        """Watch nothing."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=5)
        self._observer = None
        self.watched = frozenset()
        self.refused = {}
