"""The composition root: `open_brain` and `LocalBrain`, the Brain of this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, overload

from brain import __version__
from brain.ask import ask
from brain.attached import Attached, Reached, reach_soon
from brain.errors import FolderMissing, ModelError, OwnerEnded, StoreBusy, StoreError
from brain.events import Event, FellBack, Retrieved, StatusChanged
from brain.indexer import SWEEP_SECONDS, Indexer
from brain.log import log
from brain.parts import Parts
from brain.remote import attach
from brain.seams import Brain, Cancel
from brain.serve import Server
from brain.settings import Settings
from brain.store.catalog import Catalog
from brain.store.claim import Claim, Door, claim_store, look_at_store
from brain.types import Document, Evidence, Folder, Impaired, Message, Scope, Status, Unread

ATTACH_SECONDS = 1.0  # an owner that has just begun has no socket yet, one that ends has none any more
EVIDENCE = 6  # passages for one answer, neighbours joined
TINY_BYTES = 600_000_000  # files up to this size hold models of well under a billion parameters


class LocalBrain:
    """The Brain of this process. Without the claim it reads: search, ask, document and status work, the rest raises StoreBusy."""

    def __init__(self, settings: Settings, catalog: Catalog, claim: Claim) -> None:
        self._settings = settings
        self._catalog = catalog
        self._claim = claim
        self._parts = Parts(settings, catalog, claim)
        self._indexer = Indexer(self._parts)
        self.shelf = self._parts.shelf

    def search(self, query: str, *, limit: int = 10, scope: Scope = Scope()) -> Retrieved:
        """The best passages. Raises QueryError for a filter that is not understood."""
        self._require_something()
        with self._indexer.question():
            return self._parts.searcher.search(query, limit=limit, scope=scope)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Message] = (),
        cancel: Cancel,
        quotes: bool = False,
        model: str | None = None,
        scope: Scope = Scope(),
    ) -> Iterator[Event]:
        """Retrieved, then the answer as it comes, then Answered. Raises QueryError; ModelError for a `model` that is not there."""
        began = time.monotonic()
        self._require_something()
        path = self._parts.chat_path(model) if model and not quotes else None
        with self._indexer.question():
            found = self._parts.searcher.search(
                question, limit=EVIDENCE, history=history, scope=scope, join_neighbours=True
            )
            yield found
            if not quotes and path is None:
                try:
                    path = self._parts.chat_path()
                except ModelError as error:
                    yield FellBack("chat", error.reason, error.hint)
                    found = replace(found, degraded=(*found.degraded, "chat"))
            yield from ask(
                question,
                found,
                chat=None if path is None else lambda: self._parts.chat(path),
                tiny=path is not None and path.stat().st_size <= TINY_BYTES,
                history=history,
                limit=self._settings.chat.limit,
                unread=self._unread,
                began=began,
                cancel=cancel,
            )

    def sync(self, *, cancel: Cancel, words_only: bool = False, asker: str | None = None) -> Iterator[Event]:
        """One pass, in this thread. `asker`: the process it is for, if another. Raises StoreBusy where another one owns it."""
        self._require_claim()
        yield from self._indexer.passing(cancel=cancel, words_only=words_only, asker=asker)

    def rebuild(self, *, cancel: Cancel, vectors: bool = False, asker: str | None = None) -> Iterator[Event]:
        """Make both indexes again from the catalog; with `vectors`, embed every passage again too."""
        self._require_claim()
        yield from self._indexer.rebuilding(cancel=cancel, vectors=vectors, asker=asker)

    def follow(self, *, cancel: Cancel, asker: str | None = None) -> Iterator[Event]:
        """What the indexer does, as it happens, until `cancel` is set or this is closed; an `asker` hears no pass of its own."""
        yield from self._indexer.follow(cancel, asker=asker)

    def add(self, folder: Path, *, soon: bool = True) -> None:
        """Watch one more folder; `soon`, the background looks at it without being asked. Raises FolderMissing, StoreBusy."""
        self._require_claim()
        folder = folder.expanduser().absolute()
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "does not exist"
            hint = f"Add the folder it is in: brain add {folder.parent}" if folder.exists() else "Check the spelling."
            raise FolderMissing(f"{folder} {what}.", hint=hint)
        try:
            next(iter(folder.iterdir()), None)
        except OSError as error:
            raise FolderMissing(
                f"{folder} cannot be read ({error.strerror}).", hint="Check its permissions."
            ) from error
        self._catalog.add_folder(folder.resolve())
        self._changed(soon=soon)

    def remove(self, folder: Path) -> int:
        """Forget a folder, not its files. Returns how many documents were forgotten. Raises FolderMissing, StoreBusy."""
        self._require_claim()
        asked = folder.expanduser().absolute()
        known = self._catalog.folders()
        wanted = next((path for path in (asked, asked.resolve()) if path in known), None)
        if wanted is None:
            listed = ", ".join(str(path) for path in known) or "none"
            raise FolderMissing(f"{asked} is not a watched folder.", hint=f"Watched: {listed}.")
        forgotten = self._catalog.remove_folder(wanted)
        self._parts.write_words()
        self._changed()
        return forgotten

    def document(self, path: Path) -> Document:
        """The stored document. Raises StoreError for a path that is not in the store."""
        return self._catalog.document(path)

    def status(self) -> Status:
        """How things stand now."""
        catalog = self._catalog
        counts, files = catalog.counts(), catalog.files_by_folder()
        impaired = list(self._impaired())
        missing = {part.part for part in impaired}
        embed = None if "vectors" in missing else self._parts.embedder().name
        return Status(
            version=__version__,
            home=self._settings.home,
            folders=tuple(
                Folder(path, files.get(path, 0), path in self._indexer.watcher.watched) for path in catalog.folders()
            ),
            indexed=counts.files,
            failed=counts.failed,
            unreadable_pages=counts.unreadable_pages,
            chunks=counts.chunks,
            vectors_done=catalog.vectors_done(embed) if embed else 0,
            vectors_pending=catalog.vectors_pending(embed) if embed else counts.chunks,
            chat=None if "chat" in missing else self._settings.chat.model,
            embed=None if embed is None else self._settings.embed.model,
            rerank=None,
            owner=self._claim.owner,
            degraded=tuple(impaired),
            failures=tuple(catalog.failures()),
        )

    def warm(self) -> None:
        """Start the processes of embedder and chat model, so that the first question need not wait. Either may be missing."""
        try:
            self._parts.embedder().warm()
            self._parts.chat(self._parts.chat_path()).warm()
        except ModelError:
            return  # status() says so, and so does the first question

    def background(self) -> AbstractContextManager[None]:
        """While this lasts the store is kept current."""
        return self._indexer.background()

    def close(self) -> None:
        """End the models and close the indexes in good order."""
        self._indexer.end()
        self._parts.close()

    def _impaired(self) -> Iterator[Impaired]:
        try:
            self._parts.embedder()
        except ModelError as error:
            yield Impaired("vectors", error.reason, error.hint)
        try:
            self._parts.chat(self._parts.chat_path())
        except ModelError as error:
            yield Impaired("chat", error.reason, error.hint)
        for folder, why in self._indexer.watcher.refused.items():
            yield Impaired(
                "watcher",
                f"{folder} is not watched ({why}).",
                f"Looking every {SWEEP_SECONDS:.0f} s instead.",
            )

    def _unread(self, evidence: Sequence[Evidence]) -> Sequence[Unread]:
        return self._catalog.unread([item.chunk.path for item in evidence])

    def _require_claim(self) -> None:
        if not self._claim.ours:
            raise _busy(self._claim)

    def _require_something(self) -> None:
        if not self._catalog.folders():
            raise StoreError("Nothing is indexed yet.", hint="Add a folder of notes: brain add FOLDER")

    def _changed(self, *, soon: bool = True) -> None:
        if soon:
            self._indexer.hint()
        self._indexer.tell(StatusChanged())


@overload
def open_brain(settings: Settings, *, own: bool, background: bool = ...) -> AbstractContextManager[LocalBrain]: ...
@overload
def open_brain(settings: Settings, *, own: None = ..., background: bool = ...) -> AbstractContextManager[Brain]: ...
def open_brain(
    settings: Settings, *, own: bool | None = None, background: bool = False
) -> AbstractContextManager[LocalBrain] | AbstractContextManager[Brain]:
    """The Brain of `settings.home`.

    `own` True: own the store or raise StoreBusy. False: read it beside whoever owns it. None: own it if it is free, else
    let its owner answer and take its place when it ends; where that owner cannot be talked to, read.
    `background`: an owner keeps the store current while this lasts. Every owner answers other processes.
    Raises StoreError for a store that cannot be opened.
    """
    if own is None:
        return _with_whoever(settings, background=background)
    return _owning(settings, background=background) if own else _beside(settings)


@contextmanager
def _with_whoever(settings: Settings, *, background: bool) -> Iterator[Brain]:
    reach = partial(_reach, settings, background=background)
    read = partial(_kept_open, lambda: _beside(settings), "reader")
    first = reach_soon(reach, ATTACH_SECONDS) or read()
    if first.role == "owner":
        with ExitStack() as house:
            house.callback(first.close)
            yield first.brain
    else:
        with closing(Attached(first, reach, read)) as brain:
            yield brain


def _reach(settings: Settings, *, background: bool) -> Reached | None:
    """Own the store or reach its owner. None: not now, perhaps soon. Raises StoreBusy for an owner that cannot be talked to."""
    try:
        return _kept_open(lambda: _owning(settings, background=background), "owner")
    except _Owned as busy:
        if busy.door is None:
            return None
        try:
            brain = attach(busy.door.address, busy.door.key, offline=settings.offline)
        except OwnerEnded:
            return None
        return Reached(brain, "guest", brain.close, brain.wait_for_end)


def _kept_open(opening: Callable[[], AbstractContextManager[LocalBrain]], role: Literal["owner", "reader"]) -> Reached:
    with ExitStack() as house:
        brain = house.enter_context(opening())
        return Reached(brain, role, house.pop_all().close)


@contextmanager
def _owning(settings: Settings, *, background: bool) -> Iterator[LocalBrain]:
    with ExitStack() as house:
        claim = house.enter_context(claim_store(settings.home))
        if not claim.ours:
            raise _Owned(claim)
        server = _server(settings, claim)
        if server is not None:
            house.callback(server.close)
        catalog = Catalog(settings.home / "catalog.db")
        house.callback(catalog.close)
        brain = LocalBrain(settings, catalog, claim)
        house.callback(brain.close)
        if background:
            house.enter_context(brain.background())
        if server is not None:
            house.enter_context(server.answering(brain))
        yield brain


def _server(settings: Settings, claim: Claim) -> Server | None:
    """The socket, announced before the store is open, so that whoever is refused finds it. Without one, others only read."""
    try:
        server = Server(settings.home, offline=settings.offline)
        claim.announce(Door(server.address, server.key))
    except OSError as error:
        log.warning("no socket", extra={"why": error.strerror})
        return None
    return server


@contextmanager
def _beside(settings: Settings) -> Iterator[LocalBrain]:
    path = settings.home / "catalog.db"
    if not path.exists():
        with claim_store(settings.home) as claim:
            if claim.ours:
                Catalog(path).close()  # an empty store can be read like any other
    with ExitStack() as house:
        catalog = Catalog(path, read_only=True)
        house.callback(catalog.close)
        brain = LocalBrain(settings, catalog, look_at_store(settings.home))
        house.callback(brain.close)
        yield brain


class _Owned(StoreBusy):
    """Who owns the store, and where it answers."""

    def __init__(self, claim: Claim) -> None:
        busy = _busy(claim)
        super().__init__(busy.reason, hint=busy.hint)
        self.door = claim.door


def _busy(claim: Claim) -> StoreBusy:
    owner = claim.owner
    who = f"Another Brain (pid {owner.pid}, {owner.command})" if owner else "Another Brain"
    return StoreBusy(f"{who} owns the index.", hint="Do it there, or close it and try again.")
