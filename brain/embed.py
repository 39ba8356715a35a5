"""Chunks without vectors → vectors in the catalog → the vector index, newest files first, in batches of like length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from brain.events import VectorsAdded
from brain.seams import Cancel, Embedder, VectorIndex, Vectors

READ_AHEAD = 256  # sorted by length together: near neighbours in time, so the newest files still come first
BATCH = 16  # texts between two looks at `cancel` and at waiting questions: well under a second of work
INDEX_BATCH = 2000


class Pending(Protocol):
    """The part of the catalog that knows what has no vector yet."""

    def unembedded(self, model: str, limit: int) -> list[tuple[str, str]]: ...
    def put_vectors(self, model: str, keys: list[str], vectors: Vectors) -> None: ...
    def vectors_pending(self, model: str) -> int: ...


class Unindexed(Protocol):
    """The part of the catalog that knows which vectors the derived index lacks, and which it holds too many."""

    def index_todo(self, model: str, limit: int) -> tuple[list[int], Vectors]: ...
    def index_gone(self, limit: int) -> list[int]: ...
    def index_done(self, added: list[int], gone: list[int]) -> None: ...


def embed_pending(
    catalog: Pending, embedder: Embedder, *, cancel: Cancel, give_way: Callable[[], None] = lambda: None
) -> Iterator[VectorsAdded]:
    """Give every chunk a vector, reusing each that the catalog holds for the same text. Says how far it is after each batch.

    `give_way` is called between batches and may wait, so that a question is never slowed for long. Raises ModelError.
    """
    done = 0
    while rows := catalog.unembedded(embedder.name, READ_AHEAD):
        rows.sort(key=lambda row: len(row[1]))
        for at in range(0, len(rows), BATCH):
            give_way()
            if cancel.is_set():
                return
            batch = rows[at : at + BATCH]
            vectors = embedder.embed([text for _, text in batch], kind="passage")
            catalog.put_vectors(embedder.name, [key for key, _ in batch], vectors)
            done += len(batch)
            yield VectorsAdded(done, catalog.vectors_pending(embedder.name))


def fill_index(catalog: Unindexed, index: VectorIndex, model: str, *, cancel: Cancel) -> int:
    """Bring the vector index up to the catalog. Returns how many vectors it was given."""
    added = 0
    while not cancel.is_set():
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
