"""File events → "look again". It decides nothing: a lost or doubled event costs nothing, because a slow sweep looks as well.

Where the system cannot tell of every change the folder is refused, with the reason, and the sweep is all there is.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brain import watching
from brain.errors import FolderMissing
from brain.ignoring import IGNORE_FILE, is_left_out
from brain.listing import Identity, identity_of
from brain.places import Place

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers.api import BaseObserver

log = logging.getLogger("brain")
TELLING = ("watchdog.observers.inotify_c", "watchdog.observers.inotify")  # the only ones to tell of lost events
TRY_AGAIN = 300.0  # seconds until a folder that was refused is tried again: limits are raised, disks come back
COUNT_AGAIN = 600.0  # seconds until folders and watches are compared again
MOST_COUNTED = 1_000_000
_MORE_WATCHES = "To have it watched, raise the limit: sudo sysctl fs.inotify.max_user_watches={}"
_MORE_INSTANCES = "To have it watched, raise the limit: sudo sysctl fs.inotify.max_user_instances=512"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a folder is not watched, as a sentence, and what can be done about it."""

    reason: str
    hint: str = ""


class Watcher:
    """Calls `look_again` with the place of whatever changes, or with None when events of any folder may be lost.

    Folders that cannot be watched are named in `refused`. Everything but `look_again` happens in the caller's thread.
    """

    def __init__(
        self,
        look_again: Callable[[Place | None], None],
        *,
        is_on_network: Callable[[Path], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_again = look_again
        self._is_on_network = is_on_network or watching.is_on_network
        self._clock = clock
        self._lock = threading.RLock()  # a folder may be on its way into the watching when all of it is to end
        self._observer: BaseObserver | None = None
        self._ears: logging.Handler | None = None
        self._threads: tuple[threading.Thread, ...] = ()
        self._watched: dict[Path, Identity] = {}
        self._tried = self._counted = 0.0
        self._is_shaken = False  # the watching itself reported a failure
        self.refused: dict[Path, Refusal] = {}

    @property
    def watched(self) -> frozenset[Path]:
        """The folders whose every change is heard of."""
        return frozenset(self._watched)

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch exactly these folders from now on. To be called again and again: it mends what has stopped working."""
        with self._lock:
            self._watch(frozenset(folders))

    def close(self) -> None:
        """Watch nothing."""
        with self._lock:
            if self._observer is not None:
                self._observer.stop()
                self._observer.join(timeout=5)
            if self._ears is not None:
                for name in TELLING:
                    logging.getLogger(name).removeHandler(self._ears)
            self._observer = self._ears = None
            self._threads = ()
            self._watched = {}
            self.refused = {}
            self._is_shaken = False

    def _watch(self, wanted: frozenset[Path]) -> None:
        if wanted == self.watched | frozenset(self.refused) and self._is_well():
            return
        had_watched = bool(self._watched)
        self.close()
        self._tried = self._counted = self._clock()
        near = {folder for folder in wanted if not self._refuse_far(folder)}
        if near:
            self._listen(near)
        if self.refused:
            log.warning("not watched", extra={"folders": len(self.refused)})
        if had_watched:
            self._look_again(None)  # between the two watchings nothing was heard

    def _is_well(self) -> bool:
        if self._is_shaken or (self.refused and self._clock() - self._tried >= TRY_AGAIN):
            return False
        if self._watched and self._clock() - self._counted >= COUNT_AGAIN and watching.watches_allowed() is not None:
            self._counted = self._clock()
            outermost = [
                at for at in self._watched if not any(at != one and at.is_relative_to(one) for one in self._watched)
            ]
            if watching.watches_held() < sum(watching.folders_below(at, MOST_COUNTED) for at in outermost):
                return False  # folders that came since got no watch
        try:
            return all(thread.is_alive() for thread in self._threads) and all(
                identity_of(at) == identity for at, identity in self._watched.items()
            )
        except FolderMissing:
            return False

    def _refuse_far(self, folder: Path) -> bool:
        if not self._is_on_network(folder):
            return False
        self.refused[folder] = Refusal(f"{folder} is on a network, where changes by others are not announced.")
        return True

    def _listen(self, folders: Iterable[Path]) -> None:
        from watchdog.observers import Observer

        # It warns, on stderr, that it has registered a folder twice, which happens whenever folders are made quickly.
        warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
        before = frozenset(threading.enumerate())
        try:
            self._observer = observer = Observer()
            observer.start()
        except OSError as error:  # no instance of inotify is left, or no file descriptor
            self._observer = None
            self.refused.update((folder, _refusal(folder, error)) for folder in folders)
            return
        self._ears = _Ears(self._on_trouble)
        for name in TELLING:
            logging.getLogger(name).addHandler(self._ears)
        for folder in sorted(folders):  # an outer one comes before those in it
            try:
                identity = identity_of(folder)
                if not any(folder.is_relative_to(one) for one in self._watched):
                    self._schedule(observer, folder)
                self._watched[folder] = identity
            except OSError as error:  # the folder is gone, or the system allows no more watches
                self.refused[folder] = _refusal(folder, error)
            except FolderMissing as error:
                self.refused[folder] = Refusal(error.reason, error.hint)
        # One thread reads from the kernel for all folders. It can die while those of the folders live, and nobody hears.
        others = (thread for thread in threading.enumerate() if thread not in before)
        self._threads = tuple(thread for thread in others if type(thread).__module__.startswith("watchdog."))

    def _schedule(self, observer: BaseObserver, folder: Path) -> None:
        """Watch one folder, all of it or not at all. Raises OSError."""
        allowed, needed, held = watching.watches_allowed(), 0, 0
        if allowed is not None:
            needed, held = watching.folders_below(folder, MOST_COUNTED), watching.watches_held()
            if needed > allowed // 10 and needed > allowed - watching.watches_held(everywhere=True):
                raise OSError(errno.ENOSPC, "too many folders")
        handler, kinds = _hinting(folder, self._look_again)
        watch = observer.schedule(handler, str(folder), recursive=True, event_filter=kinds)
        # Nobody is told when a folder below gets no watch: the ones this process holds are counted instead, and the
        # folders once more, because some may have gone in between.
        if watching.watches_held() - held < needed and self._is_short(folder, held):
            observer.unschedule(watch)
            raise OSError(errno.ENOSPC, "too many folders")

    def _is_short(self, folder: Path, held: int) -> bool:
        return watching.watches_held() - held < watching.folders_below(folder, MOST_COUNTED)

    def _on_trouble(self, level: int) -> None:
        self._is_shaken = self._is_shaken or level >= logging.ERROR
        self._look_again(None)


class _Ears(logging.Handler):
    """Hears what watchdog says only to its log: that events were lost, that watches could not be made again."""

    def __init__(self, on_trouble: Callable[[int], None]) -> None:
        super().__init__(logging.WARNING)
        self._on_trouble = on_trouble

    def emit(self, record: logging.LogRecord) -> None:
        if "inactive" not in record.msg:  # said of a watch that is being taken down
            self._on_trouble(record.levelno)


def _hinting(
    folder: Path, look_again: Callable[[Place], None]
) -> tuple[FileSystemEventHandler, list[type[FileSystemEvent]]]:
    from watchdog import events

    # Opening and reading is not among them: the kernel need not tell of it, and a note that is read has not changed.
    kinds: list[type[FileSystemEvent]] = [
        events.FileCreatedEvent,
        events.FileModifiedEvent,
        events.FileAttribEvent,
        events.FileMovedEvent,
        events.FileDeletedEvent,
        events.DirCreatedEvent,
        events.DirMovedEvent,
        events.DirDeletedEvent,
    ]

    class Hint(events.FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            for path in (event.src_path, event.dest_path):
                if concerns_notes(folder, path):
                    look_again(place_of(folder, path, is_folder=event.is_directory))

    return Hint(), kinds


def concerns_notes(folder: Path, path: str | bytes) -> bool:
    """Whether a change at a path can matter: not what programs write beside the notes, all day long in .git and .obsidian."""
    text = path.decode(errors="surrogateescape") if isinstance(path, bytes) else path
    if not text:
        return False
    below = text.removeprefix(str(folder)).strip("/\\")
    parts = below.replace("\\", "/").split("/")
    return parts[-1] == IGNORE_FILE or not any(is_left_out(part) for part in parts)


def place_of(folder: Path, path: str | bytes, *, is_folder: bool) -> Place:
    """Where to look after a change at a path below a watched folder; all of that folder where the path is not below it."""
    text, root = os.fsdecode(path).rstrip(os.sep), os.fspath(folder)
    if not text.startswith(root.rstrip(os.sep) + os.sep):
        return Place(root)
    if is_folder:
        return Place(text)
    around, _, name = text.rpartition(os.sep)
    return Place(around or os.sep, is_deep=name == IGNORE_FILE)


def _refusal(folder: Path, error: OSError) -> Refusal:
    if error.errno == errno.ENOSPC:
        allowed = watching.watches_allowed() or 0
        reason = f"{folder} has more folders than the system lets Brain watch (the limit is {allowed} in all)."
        return Refusal(reason, _MORE_WATCHES.format(max(524_288, allowed * 2)))
    if error.errno == errno.EMFILE:
        return Refusal(f"{folder} is not watched: other programs use all that the system allows.", _MORE_INSTANCES)
    return Refusal(f"{folder} is not watched ({error.strerror or error}).")
