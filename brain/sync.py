"""One pass over the folders: what changed on disk is read, cut and stored, and its words can be found. See embed.py for vectors."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from brain.beside import Beside
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
from brain.listing import Identity, Listing, identity_of, listing, listing_of, stamp_now
from brain.places import Place
from brain.planning import Look, Move, Remove, Stamp, Step, Stored, is_kept, is_large, looks_unmounted, plan
from brain.seams import Cancel, Tokenizer
from brain.types import Chunk, Document

CUT_VERSION = "2"  # part of the recipe: a change to the reading or cutting of files reads every file again
WORDS_FIRST = 0.2  # seconds until the first commit of the words: what was saved just now is read first
MOVES_AT_ONCE = 500  # in one transaction: about 0.1 s
WORDS_EVERY = 1.0  # seconds between two further ones
YOUNG_NS = 2_000_000_000  # a file changed this lately may change again within one tick of a coarse clock
MOST_BESIDE = 3  # large files that are being read while others are, unless one was saved just now
PAUSE_SECONDS = 0.1  # between two looks at whether it is read
COARSE_NS = 10_000_000  # FAT, exFAT, HFS+ and some network drives count times in such steps or larger ones


class Reading(Protocol):
    """The drawer of readers."""

    def suffixes(self) -> frozenset[str]: ...
    def open_bytes(self, path: Path, max_bytes: int, *, within: Path | None = None) -> bytes: ...
    def parse(self, path: Path, data: bytes) -> Document: ...


class Files(Protocol):
    """The part of the catalog that a pass writes."""

    def setting(self, key: str) -> str | None: ...
    def set_setting(self, key: str, value: str) -> None: ...
    def folders(self) -> list[Path]: ...
    def stored(self, places: Collection[Place] | None = None) -> Mapping[str, Stored]: ...
    def find_by_sha(self, sha256: str) -> list[Path]: ...
    def put(
        self, document: Document, chunks: Sequence[Chunk], *, stamp: Stamp, sha256: str, recipe: str
    ) -> tuple[int, int]: ...
    def move(self, old: Path, new: Path, stamp: Stamp) -> None: ...
    def move_all(self, moves: Sequence[Move]) -> None: ...
    def restamp(self, path: Path, stamp: Stamp) -> None: ...
    def forget(self, path: Path) -> None: ...
    def fail(self, path: Path, stamp: Stamp, reason: str, hint: str, recipe: str = "") -> None: ...


def recipe_of(tokenizer: Tokenizer) -> str:
    """Names how files are cut: another tokenizer or another version of the cutting gives another name."""
    return f"{CUT_VERSION}/{tokenizer.recipe}"


class Pass:
    """One pass, step by step: it holds what the steps share, and counts.

    `cut_again` is False where `tokenizer` only estimates: then what a real one has cut is left as it is, and so is what
    tokenizers `as_good` have cut, by their recipes. `ignore` and
    `follow_links` say what counts as a note, as in `listing`. With `accept_deletes` a folder that looks unmounted is
    believed: what is gone from it is forgotten.
    """

    def __init__(
        self,
        catalog: Files,
        readers: Reading,
        tokenizer: Tokenizer,
        *,
        max_bytes: int,
        cut_again: bool = True,
        as_good: Collection[str] = (),
        ignore: Sequence[str] = (),
        follow_links: bool = False,
        accept_deletes: bool = False,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._catalog = catalog
        self._readers = readers
        self._tokenizer = tokenizer
        self._max_bytes = max_bytes
        self._cut_again = cut_again
        self._ignore = ignore
        self._follow_links = follow_links
        self._accept_deletes = accept_deletes
        self._now = now
        self._recipe = recipe_of(tokenizer)
        self._right = frozenset((self._recipe, *(f"{CUT_VERSION}/{recipe}" for recipe in as_good)))
        self._reading = f"{CUT_VERSION}/{max_bytes}"
        self._roots: dict[str, Identity] = {}  # the folders of this pass as they were listed
        self._gone: set[Path] = set()  # removals not made yet: a file with the same text moves there
        self.counts: Counter[str] = Counter()

    def steps(
        self, skip: Collection[Path], places: Collection[Place] | None = None, left: Iterable[Step] = ()
    ) -> tuple[list[Step], list[FolderSkipped]]:
        """What is to be done, in `places` or everywhere, and the folders that are left as they are. Opens no note.

        `left` is what an earlier look found and is not done yet: what of it is not looked at again here comes last.
        A place is looked at alone. Where a file is missing from it, its whole watched folder is looked at: only that
        tells a deleted file from a moved one, and a deleted folder from one that is not mounted.
        """
        skipped: list[FolderSkipped] = []
        looked = places
        planned = None if places is None else self._near(places, skip)
        if planned is None:
            looked = None if places is None else self._around(places)
            planned, skipped = self._whole(skip, looked)
        rest = () if looked is None else (step for step in left if not any(one.holds(str(step.path)) for one in looked))
        steps = [*planned, *rest]
        self._gone = {step.path for step in steps if isinstance(step, Remove)}
        return steps, skipped

    def _near(self, places: Collection[Place], skip: Collection[Path]) -> list[Step] | None:
        """What is to be done in some places; None where that cannot be told without all that is around them."""
        if self._follow_links:
            return None
        seen: dict[str, Stamp] = {}
        kept: set[str] = set()
        for folder in self._catalog.folders():
            if Place(os.fspath(folder)) in places:
                return None
            near = [place for place in places if is_kept(place.path, (os.fspath(folder),))]
            try:
                here = near and listing_of(near, folder, self._readers.suffixes(), skip=skip, ignore=self._ignore)
            except FolderMissing:
                return None
            if here is None:
                return None
            if here:
                seen.update(here.files)
                kept.update(here.closed)
        steps = self._plan(seen, self._catalog.stored(places), kept)
        return None if any(isinstance(step, Remove) for step in steps) else steps

    def _around(self, places: Collection[Place]) -> list[Place]:
        """The watched folders that places lie in, or that lie in them."""
        folders = [Place(os.fspath(folder)) for folder in self._catalog.folders()]
        return [
            folder
            for folder in folders
            if any(folder.holds(place.path) or (place.is_deep and place.holds(folder.path)) for place in places)
        ]

    def _plan(self, seen: Mapping[str, Stamp], stored: Mapping[str, Stored], kept: Collection[str]) -> list[Step]:
        return plan(seen, stored, kept=kept, recipes=self._right if self._cut_again else None, reading=self._reading)

    def _whole(
        self, skip: Collection[Path], places: Collection[Place] | None
    ) -> tuple[list[Step], list[FolderSkipped]]:
        """What is to be done in whole watched folders, or in all of them."""
        stored = self._catalog.stored(places)
        seen: dict[str, Stamp] = {}
        kept: set[str] = set()
        skipped: list[FolderSkipped] = []
        for folder in self._catalog.folders():
            if places is not None and not any(place.holds(os.fspath(folder)) for place in places):
                continue
            try:
                here = listing(
                    folder,
                    self._readers.suffixes(),
                    skip=skip,
                    ignore=self._ignore,
                    follow_links=self._follow_links,
                )
            except FolderMissing as missing:
                kept.add(os.fspath(folder))
                skipped.append(FolderSkipped(folder, missing.reason, missing.hint))
                continue
            seen.update(here.files)
            kept.update(here.closed)
            if (doubt := self._doubt(folder, here, stored)) is not None:
                kept.add(os.fspath(folder))
                skipped.append(doubt)
        return self._plan(seen, stored, kept), skipped

    def _doubt(self, folder: Path, here: Listing, stored: Mapping[str, Stored]) -> FolderSkipped | None:
        """Why nothing of a folder is to be forgotten, where it looks unmounted. One that does not is remembered as it is."""
        self._roots[os.fspath(folder)] = here.identity
        key, now = f"root {os.fsencode(folder).hex()}", f"{here.identity[0]} {here.identity[1]}"
        before = self._catalog.setting(key)
        is_another = before not in (None, now)
        if (is_another or here.is_bare) and not self._accept_deletes:
            known = [path for path in stored if is_kept(path, (os.fspath(folder),))]
            gone = sum(path not in here.files and not is_kept(path, here.closed) for path in known)
            if looks_unmounted(known=len(known), gone=gone, is_bare=here.is_bare, is_another=is_another):
                return FolderSkipped(
                    folder,
                    f"The folder {folder} is "
                    + ("empty" if here.is_bare else "not the one it was")
                    + f"; {gone} of its {len(known)} documents are missing, and are kept.",
                    "If it is not mounted, mount it. If they are really gone: brain sync --accept-deletes",
                )
        if before != now:
            self._catalog.set_setting(key, now)
        return None

    def apply(self, step: Step) -> Iterator[Event | None]:
        """Make one step true. A file that cannot be read is noted and never stops the pass; a store that fails does.

        Gives None, again and again, while a large file is being read: something else may be done meanwhile. Whoever goes
        no further then leaves the file as it was.
        """
        match step:
            case Move():
                yield from self.apply_all([step])
            case Remove(path):
                if path in self._gone and self._stands(path):
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
                    self._catalog.fail(step.path, step.stamp, error.reason, error.hint, self._reading)
                    self.counts["failed"] += 1
                    yield FileFailed(step.path, error.reason, error.hint)

    def apply_all(self, moves: Sequence[Move]) -> Iterator[Event]:
        """Make many moves true at once: a commit each would cost more than all else in a renamed folder."""
        self._catalog.move_all(moves)
        self.counts["moved"] += len(moves)
        yield from (FileMoved(move.path, move.old) for move in moves)

    def _read(self, step: Look) -> Iterator[Event | None]:
        path, known = step.path, step.known
        data = self._readers.open_bytes(self._source(path), self._max_bytes, within=self._bounds(path))
        if stamp_now(path, follow=self._follow_links) != step.stamp:
            self.counts["unsettled"] += 1
            return  # it is being written; the next pass reads it whole
        stamp = self._settled(step.stamp)
        digest = hashlib.sha256(data).hexdigest()
        if known is not None and not known.failed and known.sha256 == digest and known.recipe in self._right:
            self._catalog.restamp(path, stamp)
            return
        if known is None and (old := self._moved_from(digest)) is not None:
            self._gone.discard(old)
            self._catalog.move(old, path, stamp)
            self.counts["moved"] += 1
            yield FileMoved(path, old)
            return
        reading = Beside(lambda: self._parsed(path, data)) if is_large(step) else None
        while reading is not None and not reading.wait(PAUSE_SECONDS):
            yield None
        document, chunks = self._parsed(path, data) if reading is None else reading.result()
        if reading is not None and stamp_now(path, follow=self._follow_links) != step.stamp:
            self.counts["unsettled"] += 1
            return
        total, fresh = self._catalog.put(document, chunks, stamp=stamp, sha256=digest, recipe=self._recipe)
        added = known is None or known.failed
        self.counts["added" if added else "changed"] += 1
        self.counts["fresh"] += fresh
        yield FileIndexed(path, total, fresh, added)

    def _parsed(self, path: Path, data: bytes) -> tuple[Document, list[Chunk]]:
        document = self._readers.parse(path, data)
        return document, cut(document, self._tokenizer)

    def _settled(self, stamp: Stamp) -> Stamp:
        """The stamp to remember: one that no file has where this one may still change without a change of its own."""
        is_coarse = stamp.mtime_ns % COARSE_NS == 0 and stamp.ctime_ns % COARSE_NS == 0
        if is_coarse and abs(self._now() - stamp.mtime_ns) <= YOUNG_NS:
            self.counts["unsettled"] += 1
            return stamp._replace(ctime_ns=-1)
        return stamp

    def _stands(self, path: Path) -> bool:
        """Whether the folder a file is missing from is still the one that was listed: it may have been unmounted since."""
        try:
            return all(
                identity_of(root) == identity
                for root, identity in self._roots.items()
                if is_kept(os.fspath(path), (root,))
            )
        except FolderMissing:
            return False

    def _source(self, path: Path) -> Path:
        """What is opened: readers refuse links, so where links are followed it is what the link leads to."""
        return path.resolve() if self._follow_links and path.is_symlink() and path.exists() else path

    def _bounds(self, path: Path) -> Path | None:
        """The folder that reading a file must not leave; None where links are followed."""
        around = [root for root in self._roots if is_kept(os.fspath(path), (root,))]
        return None if self._follow_links or not around else Path(max(around, key=len))

    def _moved_from(self, digest: str) -> Path | None:
        return next((path for path in self._catalog.find_by_sha(digest) if path in self._gone), None)


def sync(
    one_pass: Pass,
    write_words: Callable[[], None],
    vectors: Callable[[], Iterator[Event]] | None,
    *,
    skip: Collection[Path] = (),
    places: Collection[Place] | None = None,
    cancel: Cancel,
    give_way: Callable[[], None] = lambda: None,
    interrupted: Callable[[], bool] = lambda: False,
    news: Callable[[], Collection[Place] | None] = tuple,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """SyncStarted, an event a file, VectorsAdded…, SyncFinished. Idempotent: a second pass finds nothing to do.

    `write_words` commits what is pending in the words index; `vectors` embeds and indexes what is pending and says so;
    None leaves that for another pass. `news` names the places that have changed meanwhile, None for everywhere: they are
    looked at between two steps, and once `vectors` has ended because of them; what is to be done there comes first, after
    another SyncStarted. Once `interrupted` says so the pass ends after the step it is at, with what it has found committed.
    """
    began = clock()
    steps: deque[Step] = deque()
    beside: deque[tuple[Step, Iterator[Event | None]]] = deque()  # large files that are being read
    fresh: Collection[Place] | None = places
    embedded = pending = 0
    while True:
        found, skipped = one_pass.steps(skip, fresh, steps)
        urgent = set() if fresh is None else {id(step) for step in found} - {id(step) for step in steps}
        steps = deque(step for step in found if step not in [one for one, _ in beside])
        yield SyncStarted(len(steps) + len(beside))
        yield from skipped
        words_due = clock() + WORDS_FIRST
        fresh = ()
        while (steps or beside) and fresh == () and not cancel.is_set() and not interrupted():
            give_way()
            if moves := _leading_moves(steps):
                yield from one_pass.apply_all(moves)
            else:
                waits = not steps or (len(beside) >= MOST_BESIDE and is_large(steps[0]) and id(steps[0]) not in urgent)
                step, work = beside.popleft() if waits else (steps[0], one_pass.apply(steps.popleft()))
                for event in work:
                    if event is None:
                        beside.append((step, work))
                        break
                    yield event
            if clock() >= words_due:
                write_words()
                words_due = clock() + WORDS_EVERY
            fresh = () if moves else news()  # where a move is from is no place of its own: nothing comes between
        if fresh != ():
            continue
        write_words()
        before = embedded
        for event in vectors() if vectors is not None and not interrupted() else ():
            if isinstance(event, VectorsAdded):
                embedded, pending = before + event.done, event.pending
                yield VectorsAdded(embedded, pending)
                continue
            if isinstance(event, FellBack):
                pending = one_pass.counts["fresh"]
            yield event
        if cancel.is_set() or interrupted() or (fresh := news()) == ():
            break
    counts: Mapping[str, int] = one_pass.counts
    yield SyncFinished(
        added=counts["added"],
        changed=counts["changed"],
        moved=counts["moved"],
        removed=counts["removed"],
        failed=counts["failed"],
        chunks_embedded=embedded,
        chunks_reused=max(0, counts["fresh"] - embedded - pending) if vectors is not None and not interrupted() else 0,
        seconds=clock() - began,
        cancelled=cancel.is_set(),
    )


def _leading_moves(steps: deque[Step]) -> list[Move]:
    """The moves that steps begin with, as many as go into one transaction, taken from them."""
    moves: list[Move] = []
    while steps and isinstance(steps[0], Move) and len(moves) < MOVES_AT_ONCE:
        moves.append(steps[0])
        steps.popleft()
    return moves
