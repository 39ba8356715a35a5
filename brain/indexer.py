"""Keeps the store current: passes on demand, and in the background after every hint and every sweep. Makes way for questions."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from brain.embed import embed_pending, fill_index
from brain.errors import BrainError, ModelError, StoreError
from brain.events import Event, Failed, FellBack, FolderSkipped, SyncFinished, SyncStarted
from brain.log import log
from brain.parts import Parts
from brain.seams import Cancel
from brain.sync import Pass, sync
from brain.watch import Watcher

SWEEP_SECONDS = 30.0  # a walk of 10 000 files takes about 50 ms; events make most changes known long before
QUIET_SECONDS = 0.3  # an editor's save is several events: look once they have ended


class Indexer:
    """The one writer of the store. Passes never overlap."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._passing = threading.Lock()
        self._asking = 0
        self._idle = threading.Condition()
        self._ending = threading.Event()
        self._look_again = threading.Event()
        self._in_background = False
        self._followers: list[tuple[str | None, queue.SimpleQueue[Event]]] = []  # each with who asked
        self.watcher = Watcher(self._look_again.set)

    def passing(self, *, cancel: Cancel, words_only: bool = False, asker: str | None = None) -> Iterator[Event]:
        """One pass in the caller's thread, after any that is running; see `_in_turn` for `asker`."""
        yield from self._in_turn(lambda: self._pass(cancel, words_only=words_only), cancel, asker)

    def rebuilding(self, *, cancel: Cancel, vectors: bool, asker: str | None = None) -> Iterator[Event]:
        """Both indexes made anew from the catalog, then a pass; with `vectors` every passage is embedded again."""

        def rebuild() -> Iterator[Event]:
            self._parts.drop_indexes()
            if vectors:
                self._parts.catalog.drop_vectors()
            yield from self._pass(cancel, words_only=False)

        yield from self._in_turn(rebuild, cancel, asker)

    def _in_turn(self, begin: Callable[[], Iterator[Event]], cancel: Cancel, asker: str | None) -> Iterator[Event]:
        """A pass once the one before it is over.

        With an `asker`, a process that is not this one, everyone who follows for somebody else hears of it too, and the
        asker of the pass it waits for: that may have done what this one was asked for, so both are counted.
        """
        if asker is None and not self._in_background:
            asker = ""  # nobody in this process follows, but others may
        before, is_ours = SyncFinished(), False
        with self._following(asker) as heard:
            while not is_ours:
                is_ours = self._passing.acquire(timeout=0.1)
                meanwhile = _all_of(heard) if asker is not None else []
                before = next((event for event in meanwhile if isinstance(event, SyncFinished)), before)
                if not is_ours:
                    yield from (event for event in meanwhile if not isinstance(event, SyncStarted | SyncFinished))
                    if cancel.is_set():
                        yield SyncFinished(cancelled=True)
                        return
        try:
            for event in begin():
                if asker is not None:
                    self.tell(event, asker=asker)
                yield _with(before, event) if isinstance(event, SyncFinished) else event
        finally:
            self._passing.release()
            if self._in_background:
                self.hint()  # a folder may be new: it is to be watched from now on

    @contextmanager
    def background(self) -> Iterator[None]:
        """While this lasts one thread keeps the store current: a pass at once, then after every hint and every sweep."""
        self._in_background = True
        thread = threading.Thread(target=self._run, name="indexer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.end()
            self.watcher.close()
            thread.join(timeout=30)

    def follow(self, cancel: Cancel, *, asker: str | None = None) -> Iterator[Event]:
        """What the background thread does, and passes for others than `asker`, until `cancel` is set or the indexer ends."""
        with self._following(asker) as heard:
            while not cancel.is_set() and not self._ending.is_set():
                try:
                    yield heard.get(timeout=0.2)
                except queue.Empty:
                    continue

    @contextmanager
    def _following(self, asker: str | None) -> Iterator[queue.SimpleQueue[Event]]:
        mine: queue.SimpleQueue[Event] = queue.SimpleQueue()
        entry = (asker, mine)
        self._followers.append(entry)
        try:
            yield mine
        finally:
            self._followers.remove(entry)

    def hint(self) -> None:
        """Something may have changed: look soon."""
        self._look_again.set()

    def tell(self, event: Event, *, asker: str | None = None) -> None:
        """Hand an event to everyone who follows, but not to the `asker`, who has it already."""
        for who, follower in tuple(self._followers):
            if who is None or who != asker:
                follower.put(event)

    def end(self) -> None:
        """Stop whatever runs, at the next batch."""
        self._ending.set()
        self._look_again.set()
        with self._idle:
            self._idle.notify_all()

    @contextmanager
    def question(self) -> Iterator[None]:
        """While this lasts the background work pauses between two batches."""
        with self._idle:
            self._asking += 1
        try:
            yield
        finally:
            with self._idle:
                self._asking -= 1
                self._idle.notify_all()

    def _give_way(self) -> None:
        with self._idle:
            self._idle.wait_for(lambda: not self._asking or self._ending.is_set())

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self.watcher.watch(path for path in self._parts.catalog.folders() if path.is_dir())
                with self._passing:
                    for event in _worth_telling(self._pass(self._ending, give_way=self._give_way)):
                        self.tell(event)
            except BrainError as error:
                log.warning("pass failed", extra={"kind": type(error).__name__})
                self.tell(Failed(error.reason, error.hint))
            except Exception:  # noqa: BLE001 - a bug here must not end the watching for good: logged, and tried again
                log.exception("pass broke")
                self.tell(Failed("Indexing stopped unexpectedly.", "It is tried again; details are in the log."))
            self._look_again.wait(SWEEP_SECONDS)
            while self._look_again.is_set() and not self._ending.is_set():
                self._look_again.clear()
                self._ending.wait(QUIET_SECONDS)

    def _pass(
        self, cancel: Cancel, *, words_only: bool = False, give_way: Callable[[], None] = lambda: None
    ) -> Iterator[Event]:
        parts = self._parts
        tokenizer, is_real = parts.tokenizer()
        one_pass = Pass(
            parts.catalog,
            parts.readers,
            tokenizer,
            max_bytes=parts.settings.notes.max_mb * 1_000_000,
            cut_again=is_real,
        )

        yield from sync(
            one_pass,
            parts.write_words,
            None if words_only else lambda: self._embed(cancel, give_way),
            skip=(parts.settings.home,),
            cancel=cancel,
            give_way=give_way,
        )

    def _embed(self, cancel: Cancel, give_way: Callable[[], None]) -> Iterator[Event]:
        parts = self._parts
        try:
            embedder = parts.embedder()
            for event in embed_pending(parts.catalog, embedder, cancel=cancel, give_way=give_way):
                parts.chroma_is_current = False
                yield event
        except ModelError as error:
            yield FellBack("vectors", error.reason, error.hint)
        try:
            self._fill_chroma(cancel)
        except StoreError as error:
            yield FellBack("vectors", error.reason, error.hint)

    def _fill_chroma(self, cancel: Cancel) -> None:
        """Bring Chroma up to the catalog, which needs no model. It is not even imported when there is nothing to do."""
        parts = self._parts
        model = parts.catalog.model_in_use()
        if model is None or not (parts.chroma_is_open or parts.catalog.index_pending()):
            return
        parts.chroma_is_current = False
        fill_index(parts.catalog, parts.chroma(model), model, cancel=cancel)
        parts.chroma_is_current = not cancel.is_set()


def _all_of(heard: queue.SimpleQueue[Event]) -> list[Event]:
    """What has come so far."""
    return [heard.get() for _ in range(heard.qsize())]


def _with(before: SyncFinished, last: SyncFinished) -> SyncFinished:
    """What two passes did together."""
    counts = ("added", "changed", "moved", "removed", "failed", "chunks_embedded", "chunks_reused", "seconds")
    return replace(last, **{name: getattr(before, name) + getattr(last, name) for name in counts})


def _worth_telling(events: Iterator[Event]) -> Iterator[Event]:
    """The events of a pass, unless it finds nothing to do: a sweep twice a minute is no news."""
    held: list[Event] = []
    for event in events:
        if isinstance(event, FolderSkipped) or (isinstance(event, SyncStarted) and not event.steps):
            held.append(event)
        elif not (held and isinstance(event, SyncFinished)):
            yield from held
            held.clear()
            yield event
