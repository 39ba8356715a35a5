"""Chunks without vectors → vectors in the catalog → the vector index, what is wanted first, in batches of like length."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Protocol

from brain.events import VectorsAdded
from brain.seams import Cancel, Embedder, VectorIndex, Vectors

READ_AHEAD = 256  # sorted by length together: near neighbours in time, so the newest files still come first
BATCH = 16  # texts between two looks at `cancel`, and in one transaction, at most
TOGETHER = 2  # texts between two looks at whether a question waits: more at once are not done any quicker
FIRST_BATCH = 4  # until it is known how long a text takes this model
TURN_SECONDS = 0.5  # a batch should take no longer: a note that was saved meanwhile waits for its end
NEWEST = 32  # of the texts read ahead come first, then those of files that were asked for
INDEX_BATCH = 500  # about 0.7 s of Chroma's time


class Pending(Protocol):
    """The part of the catalog that knows what has no vector yet."""

    def unembedded(self, model: str, limit: int, *, among: Collection[Path] | None = None) -> list[tuple[str, str]]: ...
    def put_vectors(self, model: str, keys: list[str], vectors: Vectors) -> None: ...
    def vectors_pending(self, model: str) -> int: ...


class Beside(Protocol):
    """The part of the catalog that gathers the vectors of an embedder that does not serve yet."""

    def lacking(self, model: str) -> int: ...
    def lacking_texts(self, model: str, after: int, limit: int) -> tuple[int, list[tuple[str, str]]]: ...
    def keep_vectors(self, model: str, keys: list[str], vectors: Vectors) -> None: ...


class Unindexed(Protocol):
    """The part of the catalog that knows which vectors the derived index lacks, and which it holds too many."""

    def index_todo(self, model: str, limit: int) -> tuple[list[int], Vectors]: ...
    def index_gone(self, limit: int) -> list[int]: ...
    def index_done(self, added: list[int], gone: list[int]) -> None: ...


def embed_pending(
    catalog: Pending,
    embedder: Embedder,
    *,
    cancel: Cancel,
    give_way: Callable[[], None] = lambda: None,
    interrupted: Callable[[], bool] = lambda: False,
    asked_for: Callable[[], Collection[Path]] = lambda: (),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[VectorsAdded]:
    """Give every chunk a vector, reusing each that the catalog holds for the same text. Says how far it is after each batch.

    The newest files come first, then those `asked_for`. `give_way` is called within batches and may wait, so that a
    question shares the processor with at most `TOGETHER` texts. It ends after the batch during which `interrupted` came
    true, and does at least one, so that a file that changes all the time cannot keep the rest from getting done. Raises
    ModelError.
    """
    work = _Work(embedder, cancel, give_way, interrupted, clock)
    while rows := _next(catalog, embedder.name, asked_for()):
        for keys, vectors in work.through(rows):
            catalog.put_vectors(embedder.name, keys, vectors)
            yield VectorsAdded(work.done, catalog.vectors_pending(embedder.name))
        if work.is_over:
            return


def embed_beside(
    catalog: Beside,
    embedder: Embedder,
    *,
    cancel: Cancel,
    give_way: Callable[[], None] = lambda: None,
    interrupted: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[VectorsAdded]:
    """Give every chunk a vector of an embedder that is not in use, while another one serves. Ends as `embed_pending` does."""
    work = _Work(embedder, cancel, give_way, interrupted, clock)
    left, after = catalog.lacking(embedder.name), 0
    while not work.is_over:
        after, rows = catalog.lacking_texts(embedder.name, after, READ_AHEAD)
        if not rows:
            return
        for keys, vectors in work.through(rows):
            catalog.keep_vectors(embedder.name, keys, vectors)
            yield VectorsAdded(work.done, max(0, left - work.done))


class _Work:
    """Texts embedded in batches of a fitting size, until it is over: cancelled, or interrupted by something more urgent."""

    def __init__(
        self,
        embedder: Embedder,
        cancel: Cancel,
        give_way: Callable[[], None],
        interrupted: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self.done, self.is_over = 0, False
        self._size = FIRST_BATCH
        self._embedder, self._cancel, self._clock = embedder, cancel, clock
        self._give_way, self._interrupted = give_way, interrupted

    def through(self, rows: list[tuple[str, str]]) -> Iterator[tuple[list[str], Vectors]]:
        """The keys and vectors of these (key, text), batch by batch, texts of like length together."""
        rows = sorted(rows, key=lambda row: len(row[1]))
        at = 0
        while at < len(rows) and not self.is_over:
            self._give_way()
            if self._cancel.is_set():
                self.is_over = True
                return
            batch = rows[at : at + self._size]
            at += self._size
            texts = [text for _, text in batch]
            vectors, seconds = _embedded(self._embedder, texts, self._give_way, self._cancel, self._clock)
            self._size = _fitting(self._size, seconds)
            self.done += len(vectors)
            yield [key for key, _ in batch[: len(vectors)]], vectors
            self.is_over = self._interrupted()


def _embedded(
    embedder: Embedder, texts: list[str], give_way: Callable[[], None], cancel: Cancel, clock: Callable[[], float]
) -> tuple[Vectors, float]:
    """A vector a text, until `cancel` is set, and the seconds of work that took, without what was spent giving way."""
    import numpy as np

    vectors: list[Vectors] = []
    seconds = 0.0
    for at in range(0, len(texts), TOGETHER):
        give_way()
        if vectors and cancel.is_set():
            break
        began = clock()
        vectors.append(embedder.embed(texts[at : at + TOGETHER], kind="passage"))
        seconds += clock() - began
    return np.concatenate(vectors), seconds


def _next(catalog: Pending, model: str, asked_for: Collection[Path]) -> list[tuple[str, str]]:
    newest = catalog.unembedded(model, READ_AHEAD)
    if not asked_for:
        return newest
    wanted = catalog.unembedded(model, READ_AHEAD, among=asked_for)
    return list(dict([*newest[:NEWEST], *wanted, *newest]).items())[:READ_AHEAD]


def _fitting(size: int, seconds: float) -> int:
    """The size of the next batch, after one of `size` took so long."""
    if seconds > TURN_SECONDS:
        return max(1, size // 2)
    return min(BATCH, size * 2) if seconds <= TURN_SECONDS / 2 else size


def fill_index(
    catalog: Unindexed,
    index: VectorIndex,
    model: str,
    *,
    cancel: Cancel,
    interrupted: Callable[[], bool] = lambda: False,
) -> int:
    """Bring the vector index up to the catalog. Returns how many vectors it was given."""
    added = 0
    while not cancel.is_set() and not interrupted():
        gone = catalog.index_gone(INDEX_BATCH)
        ids, vectors = catalog.index_todo(model, INDEX_BATCH)
        if not gone and not ids:
            break
        if gone:
            index.remove(gone)
        if ids:
            index.add(ids, vectors)
        catalog.index_done(ids, gone)
        added += len(ids)
    return added
