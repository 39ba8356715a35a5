"""Keeps the store current: passes on demand, and in the background after every hint and every sweep. Makes way for questions."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from brain.doctor import examine, mend
from brain.embed import embed_pending, fill_index
from brain.errors import BrainError, ModelError, StoreError
from brain.events import Event, Failed, FellBack, FolderSkipped, SyncFinished, SyncStarted
from brain.log import log
from brain.parts import Parts
from brain.seams import Cancel
from brain.sync import Pass, sync
from brain.types import Finding
from brain.watch import Watcher

SWEEP_SECONDS = 30.0  # a walk of 10 000 files takes about 50 ms; events make most changes known long before
COMPACT_SECONDS = 24 * 3600.0  # deleted text is in no file of the store after this long
MUCH = 200  # deletions, and a fifth of the files: worth compacting at once
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
        self._followers: list[queue.SimpleQueue[Event]] = []
        self.watcher = Watcher(self._look_again.set)

    def passing(self, *, cancel: Cancel, words_only: bool = False) -> Iterator[Event]:
        """One pass in the caller's thread, after any that is running."""
        with self._passing:
            yield from self._pass(cancel, words_only=words_only)
            if not words_only and not cancel.is_set() and self._compaction_is_due():
                self._compact(cancel)

    def compacting(self, *, cancel: Cancel, refill: bool) -> None:
        """Let go of everything deleted: after this no file of the store holds a word or vector of it."""
        with self._passing:
            self._compact(cancel, refill=refill)

    def rebuilding(self, *, cancel: Cancel, vectors: bool) -> Iterator[Event]:
        """Both indexes made anew from the catalog, then a pass; with `vectors` every passage is embedded again."""
        with self._passing:
            self._parts.drop_indexes()
            if vectors:
                self._parts.catalog.drop_vectors()
            self._compact_catalog()
            yield from self._pass(cancel, words_only=False)

    def examining(self, *, thorough: bool) -> list[Finding]:
        """What is wrong with the store. It is not written meanwhile, unless another process owns it."""
        parts = self._parts
        patient = parts.patient(lambda: self._new_pass().steps((parts.settings.home,))[0])
        if patient.beside:
            return list(examine(patient, thorough=thorough))
        with self._passing:
            was_open = parts.close_chroma()
            try:
                return list(examine(patient, thorough=thorough))
            finally:
                if was_open:
                    self._fill_chroma(threading.Event(), even_if_idle=True)

    def mending(self, findings: Sequence[Finding], *, cancel: Cancel) -> None:
        """Mend what was found, with a pass at the end. No note is written."""
        parts = self._parts
        repairs = {finding.repair for finding in findings}
        with self._passing:
            mend(parts.patient(list), findings)
            if "words" in repairs:
                parts.drop_words()
            if repairs & {"chroma", "vectors"}:
                parts.drop_chroma()
            for _ in self._pass(cancel):
                pass
            if "reread" in repairs:
                parts.catalog.index_again([Path(one.where) for one in findings if one.repair == "reread"])
                for _ in self._pass(cancel):
                    pass

    @contextmanager
    def background(self) -> Iterator[None]:
        """While this lasts one thread keeps the store current: a pass at once, then after every hint and every sweep."""
        thread = threading.Thread(target=self._run, name="indexer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.end()
            self.watcher.close()
            thread.join(timeout=30)

    def follow(self, cancel: Cancel) -> Iterator[Event]:
        """What the background thread does, as it happens, until `cancel` is set or the indexer ends."""
        mine: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._followers.append(mine)
        try:
            while not cancel.is_set() and not self._ending.is_set():
                try:
                    yield mine.get(timeout=0.2)
                except queue.Empty:
                    continue
        finally:
            self._followers.remove(mine)

    def hint(self) -> None:
        """Something may have changed: look soon."""
        self._look_again.set()

    def tell(self, event: Event) -> None:
        """Hand an event to everyone who follows."""
        for follower in tuple(self._followers):
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
                    if not self._look_again.is_set() and self._compaction_is_due():
                        self._give_way()
                        self._compact(self._ending)
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
        yield from sync(
            self._new_pass(),
            parts.write_words,
            None if words_only else lambda: self._embed(cancel, give_way),
            skip=(parts.settings.home,),
            cancel=cancel,
            give_way=give_way,
        )

    def _new_pass(self) -> Pass:
        parts = self._parts
        tokenizer, is_real = parts.tokenizer()
        return Pass(
            parts.catalog,
            parts.readers,
            tokenizer,
            max_bytes=parts.settings.notes.max_mb * 1_000_000,
            cut_again=is_real,
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

    def _fill_chroma(self, cancel: Cancel, *, even_if_idle: bool = False) -> None:
        """Bring Chroma up to the catalog, which needs no model. It is not even imported when there is nothing to do."""
        parts = self._parts
        model = parts.catalog.model_in_use()
        if model is None or not (
            even_if_idle or parts.chroma_is_open or parts.catalog.index_pending() or parts.chroma_was_left_open()
        ):
            return
        parts.chroma_is_current = False
        fill_index(parts.catalog, parts.chroma(model), model, cancel=cancel)
        parts.chroma_is_current = not cancel.is_set()

    def _compaction_is_due(self) -> bool:
        erased, when = self._parts.catalog.erased()
        return _is_due(erased, time.time() - when, self._parts.catalog.counts().files if erased else 0)

    def _compact(self, cancel: Cancel, *, refill: bool = True) -> None:
        self._parts.forget_deleted()
        self._compact_catalog()
        if refill:
            self._fill_chroma(cancel)

    def _compact_catalog(self) -> None:
        """The indexes hold nothing deleted any more: nor does the catalog after this, unless a reader is in the way."""
        catalog = self._parts.catalog
        erased, _ = catalog.erased()
        if catalog.compact(thorough=True):
            catalog.compacted(erased, time.time())


def _is_due(erased: int, since: float, files: int) -> bool:
    """A day after something was deleted; at once where much was. A clock that was set back counts as a day."""
    return erased > 0 and (not 0 <= since < COMPACT_SECONDS or erased >= MUCH + files // 5)


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
