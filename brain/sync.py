"""One pass over the folders: what changed on disk is read, cut and stored, and its words can be found. See embed.py for vectors."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from brain.chunking import cut
from brain.errors import BrainError, FileVanished, FolderMissing, StoreError
from brain.events import (
    Event,
    FellBack,
    FileFailed,
    FileIndexed,
    FileMoved,
    FileRemoved,
    FolderSkipped,
    SyncFinished,
    SyncStarted,
    VectorsAdded,
)
from brain.listing import listing, stamp_of
from brain.planning import Look, Move, Remove, Stamp, Step, Stored, plan
from brain.seams import Cancel, Tokenizer
from brain.types import Chunk, Document

CUT_VERSION = "1"  # part of the recipe: a change to the reading or cutting of files reads every file again
WORDS_EVERY = 1.0  # seconds between two commits of the words
WORDS_BATCH = 5000
MANY = 10  # a folder that held this many files and now holds none at all is taken for unmounted, not for deleted


class Reading(Protocol):
    """The drawer of readers."""

    def suffixes(self) -> frozenset[str]: ...
    def open_bytes(self, path: Path, max_bytes: int) -> bytes: ...
    def parse(self, path: Path, data: bytes) -> Document: ...


class Files(Protocol):
    """The part of the catalog that a pass writes."""

    def folders(self) -> list[Path]: ...
    def stamps(self) -> dict[Path, Stored]: ...
    def find_by_sha(self, sha256: str) -> list[Path]: ...
    def put(
        self, document: Document, chunks: Sequence[Chunk], *, stamp: Stamp, sha256: str, recipe: str
    ) -> tuple[int, int]: ...
    def move(self, old: Path, new: Path, stamp: Stamp) -> None: ...
    def restamp(self, path: Path, stamp: Stamp) -> None: ...
    def forget(self, path: Path) -> None: ...
    def fail(self, path: Path, stamp: Stamp, reason: str, hint: str) -> None: ...


def recipe_of(tokenizer: Tokenizer) -> str:
    """Names how files are cut: another tokenizer or another version of the cutting gives another name."""
    return f"{CUT_VERSION}/{tokenizer.recipe}"


def look(
    catalog: Files, suffixes: Collection[str], *, recipe: str | None, skip: Collection[Path] = ()
) -> tuple[list[Step], list[FolderSkipped]]:
    """What a pass would do now, and the folders that could not be listed. No file is opened."""
    stored = catalog.stamps()
    seen: dict[Path, Stamp] = {}
    kept: dict[Path, FolderSkipped] = {}
    for folder in catalog.folders():
        try:
            here = listing(folder, suffixes, skip=skip)
        except FolderMissing as missing:
            kept[folder] = FolderSkipped(folder, missing.reason, missing.hint)
            continue
        known = 0 if here else sum(path.is_relative_to(folder) for path in stored)
        if known >= MANY:
            kept[folder] = FolderSkipped(
                folder,
                f"The folder {folder} is empty; its {known} documents are kept.",
                "If it is not mounted, mount it. If they are really gone: brain remove FOLDER",
            )
            continue
        seen.update(here)
    return plan(seen, stored, kept=tuple(kept), recipe=recipe), list(kept.values())


class Pass:
    """One pass, step by step: it holds what the steps share, and counts.

    `cut_again` is False where `tokenizer` only estimates: then what a real one has cut is left as it is.
    """

    def __init__(
        self,
        catalog: Files,
        readers: Reading,
        tokenizer: Tokenizer,
        *,
        max_bytes: int,
        cut_again: bool = True,
    ) -> None:
        self._catalog = catalog
        self._readers = readers
        self._tokenizer = tokenizer
        self._max_bytes = max_bytes
        self._cut_again = cut_again
        self._recipe = recipe_of(tokenizer)
        self._gone: set[Path] = (
            set()
        )  # removals of this pass that have not been made: a file with the same text moves there
        self.counts: Counter[str] = Counter()

    def steps(self, skip: Collection[Path]) -> tuple[list[Step], list[FolderSkipped]]:
        """What is to be done, and the folders that could not be listed."""
        steps, skipped = look(
            self._catalog,
            self._readers.suffixes(),
            recipe=self._recipe if self._cut_again else None,
            skip=skip,
        )
        self._gone = {step.path for step in steps if isinstance(step, Remove)}
        return steps, skipped

    def apply(self, step: Step) -> Iterator[Event]:
        """Make one step true. A file that cannot be read is noted and never stops the pass; a store that fails does."""
        match step:
            case Move(path, old, stamp):
                self._catalog.move(old, path, stamp)
                self.counts["moved"] += 1
                yield FileMoved(path, old)
            case Remove(path):
                if path in self._gone:
                    self._catalog.forget(path)
                    self.counts["removed"] += 1
                    yield FileRemoved(path)
            case Look():
                try:
                    yield from self._read(step)
                except FileVanished:
                    pass  # the next listing says whether it moved or went
                except StoreError:
                    raise
                except BrainError as error:
                    self._catalog.fail(step.path, step.stamp, error.reason, error.hint)
                    self.counts["failed"] += 1
                    yield FileFailed(step.path, error.reason, error.hint)

    def _read(self, step: Look) -> Iterator[Event]:
        path, known = step.path, step.known
        data = self._readers.open_bytes(path, self._max_bytes)
        if _stamp_now(path) != step.stamp:
            return  # it is being written; the next pass reads it whole
        digest = hashlib.sha256(data).hexdigest()
        if known is not None and not known.failed and known.sha256 == digest and known.recipe == self._recipe:
            self._catalog.restamp(path, step.stamp)
            return
        if known is None and (old := self._moved_from(digest)) is not None:
            self._gone.discard(old)
            self._catalog.move(old, path, step.stamp)
            self.counts["moved"] += 1
            yield FileMoved(path, old)
            return
        document = self._readers.parse(path, data)
        chunks = cut(document, self._tokenizer)
        total, fresh = self._catalog.put(document, chunks, stamp=step.stamp, sha256=digest, recipe=self._recipe)
        added = known is None or known.failed
        self.counts["added" if added else "changed"] += 1
        self.counts["fresh"] += fresh
        yield FileIndexed(path, total, fresh, added)

    def _moved_from(self, digest: str) -> Path | None:
        return next((path for path in self._catalog.find_by_sha(digest) if path in self._gone), None)


def sync(
    one_pass: Pass,
    write_words: Callable[[], None],
    vectors: Callable[[], Iterator[Event]] | None,
    *,
    skip: Collection[Path] = (),
    cancel: Cancel,
    give_way: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """SyncStarted, an event a file, VectorsAdded…, SyncFinished. Idempotent: a second pass finds nothing to do.

    `write_words` commits what is pending in the words index; `vectors` embeds and indexes what is pending and says so;
    None leaves that for another pass.
    """
    began = written = clock()
    steps, skipped = one_pass.steps(skip)
    yield SyncStarted(len(steps))
    yield from skipped
    for step in steps:
        if cancel.is_set():
            break
        give_way()
        yield from one_pass.apply(step)
        if clock() - written >= WORDS_EVERY:
            write_words()
            written = clock()
    write_words()
    embedded = pending = 0
    for event in vectors() if vectors is not None else ():
        if isinstance(event, VectorsAdded):
            embedded, pending = event.done, event.pending
        elif isinstance(event, FellBack):
            pending = one_pass.counts["fresh"]
        yield event
    counts: Mapping[str, int] = one_pass.counts
    yield SyncFinished(
        added=counts["added"],
        changed=counts["changed"],
        moved=counts["moved"],
        removed=counts["removed"],
        failed=counts["failed"],
        chunks_embedded=embedded,
        chunks_reused=max(0, counts["fresh"] - embedded - pending) if vectors is not None else 0,
        seconds=clock() - began,
        cancelled=cancel.is_set(),
    )


def _stamp_now(path: Path) -> Stamp | None:
    try:
        return stamp_of(path.lstat())
    except OSError:
        return None
