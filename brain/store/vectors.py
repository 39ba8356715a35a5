"""The two vector indexes: exact (numpy, nothing on disk) and Chroma (quick for very many). Both derived from the catalog.

Chroma is never opened on trust: a process killed while it saves leaves a folder that can end every later process. It
is opened only behind a mark that says "closed in order", with every file as it was left; else it is built anew.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from brain.errors import StoreError
from brain.seams import Vectors
from brain.store.catalog import CHROMA_MARK, Catalog
from brain.store.chroma_check import Damaged, elements, fingerprint
from brain.store.native import translated
from brain.store.nearest import ScopedSearch, checked, nearest, other_length, refuse_functions
from brain.types import Hit

BATCH = 2000  # Chroma takes 5461 at most
DELETE_BATCH = 500
WORN = 1.5  # elements kept for each live one: Chroma never frees a deleted vector
WORN_SLACK = 2000

_COLLECTION = "vectors"
# Chroma saves its index after 1000 changes. That stays: saving more often only opens more windows for a kill to hit.
_HNSW: dict[str, Any] = {"space": "cosine"}


class ExactVectors:
    """Every vector in memory, compared with one matrix product. Given a catalog, it follows what is committed there."""

    def __init__(self, catalog: Catalog | None = None, model: str = "") -> None:
        self.model = model
        self._catalog = catalog
        self._lock = threading.RLock()
        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._matrix: Vectors = np.empty((0, 0), np.float32)
        self._rows: dict[int, int] = {}
        self._seen: int | None = None
        self._scope: tuple[frozenset[int], NDArray[np.int64]] | None = None  # of the last search within one

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace. Raises StoreError for vectors of another length."""
        matrix = checked(ids, vectors)
        if not len(matrix):
            return
        with self._lock:
            self._scope = None
            if self._rows and matrix.shape[1] != self._matrix.shape[1]:
                raise other_length(matrix.shape[1], self._matrix.shape[1])
            fresh = [chunk for chunk in dict.fromkeys(map(int, ids)) if chunk not in self._rows]
            self._reserve(len(self._rows) + len(fresh), matrix.shape[1])
            for chunk in fresh:
                self._ids[len(self._rows)] = chunk
                self._rows[chunk] = len(self._rows)
            self._matrix[[self._rows[int(chunk)] for chunk in ids]] = matrix

    def remove(self, ids: Sequence[int]) -> None:
        """Forget; unknown ids are fine."""
        with self._lock:
            self._scope = None
            for chunk in map(int, ids):
                if (row := self._rows.pop(chunk, None)) is None:
                    continue
                last = len(self._rows)
                if row != last:  # the last one takes its place
                    self._ids[row], self._matrix[row] = self._ids[last], self._matrix[last]
                    self._rows[int(self._ids[row])] = row

    def search(self, vector: Vectors, limit: int, within: Collection[int] | None = None) -> list[Hit]:
        """The nearest to one vector, best first; scores are cosines. Raises StoreError."""
        with self._lock:
            self._follow()
            count = len(self._rows)
            if limit <= 0 or not count:
                return []
            if len(vector) != self._matrix.shape[1]:
                raise other_length(len(vector), self._matrix.shape[1])
            if within is None:
                return nearest(self._ids[:count], self._matrix[:count] @ vector, limit)
            rows = self._rows_of(within)
            if len(rows) * 4 < count:
                return nearest(self._ids[rows], self._matrix[rows] @ vector, limit)
            return nearest(self._ids[rows], (self._matrix[:count] @ vector)[rows], limit)

    def count(self) -> int:
        """How many vectors it holds."""
        with self._lock:
            self._follow()
            return len(self._rows)

    def close(self) -> None:
        """Let go of the memory."""
        with self._lock:
            self._rows, self._ids, self._matrix = {}, np.empty(0, np.int64), np.empty((0, 0), np.float32)
            self._seen = self._scope = None

    def _rows_of(self, within: Collection[int]) -> NDArray[np.int64]:
        """The rows of these chunks, ascending. Those of a scope are kept: the next question is often about the same one."""
        if self._scope is None or self._scope[0] is not within:
            found = [self._rows[chunk] for chunk in within if chunk in self._rows]
            rows = np.sort(np.array(found, np.int64))
            if not isinstance(within, frozenset):
                return rows
            self._scope = within, rows
        return self._scope[1]

    def _follow(self) -> None:
        """Take over what was committed since the last look; a vector of a chunk never changes, so ids tell all."""
        if self._catalog is None or (now := self._catalog.changes()) == self._seen:
            return
        self._scope = None
        if not self._rows:
            ids, self._matrix = self._catalog.all_vectors(self.model)
            self._ids = ids
            self._rows = {chunk: row for row, chunk in enumerate(ids.tolist())}
        else:
            stored = self._catalog.vector_ids(self.model)
            held = self._ids[: len(self._rows)]
            self.remove(np.setdiff1d(held, stored).tolist())
            missing = np.setdiff1d(stored, self._ids[: len(self._rows)])
            self.add(*self._catalog.vectors(self.model, missing.tolist()))
        self._seen = now

    def _reserve(self, rows: int, width: int) -> None:
        if rows > len(self._matrix) or width != self._matrix.shape[1]:
            room = max(rows, len(self._matrix) * 3 // 2, 64)
            held = len(self._rows)
            matrix, ids = np.zeros((room, width), np.float32), np.zeros(room, np.int64)
            if held:
                matrix[:held], ids[:held] = self._matrix[:held], self._ids[:held]
            self._matrix, self._ids = matrix, ids


class ChromaVectors(ScopedSearch):
    """Vectors and ids in a Chroma folder of this process alone; texts never. Opening may take seconds: do it aside.

    `rebuilt` says why it starts from nothing, or is empty. Then the catalog has every vector pending for it.
    """

    def __init__(self, folder: Path, catalog: Catalog, model: str) -> None:
        """Open the folder if it was closed in order and is as it was left; else start over. Raises StoreError."""
        self._folder = folder
        self._catalog = catalog
        self._model = model
        self._lock = threading.RLock()
        self._client: Any = None
        self._in_order = True
        self._scope = None
        self.rebuilt = self._why_not()
        if not self.rebuilt:
            self.rebuilt = self._try_to_open()
        if self.rebuilt:
            self._start_over()

    @property
    def ready(self) -> bool:
        """It holds every vector that the catalog has."""
        return self._catalog.index_pending() == 0

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace. Raises StoreError."""
        matrix = checked(ids, vectors)
        with self._lock, self._writing():
            collection = self._open_collection()
            for at in range(0, len(matrix), BATCH):
                names = [str(int(chunk)) for chunk in ids[at : at + BATCH]]
                collection.upsert(ids=names, embeddings=matrix[at : at + BATCH])

    def remove(self, ids: Sequence[int]) -> None:
        """Forget; unknown ids are fine. Raises StoreError."""
        with self._lock, self._writing():
            collection = self._open_collection()
            for at in range(0, len(ids), DELETE_BATCH):
                collection.delete(ids=[str(int(chunk)) for chunk in ids[at : at + DELETE_BATCH]])

    def look(self) -> None:
        """A folder that is open is nobody else's: it holds what it was given."""

    def count(self) -> int:
        """How many vectors it holds."""
        with self._translated():
            return int(self._open_collection().count())

    def close(self) -> None:
        """Close Chroma, put its files on disk, and only then mark them as closed in order. A second call does nothing."""
        with self._lock:
            if self._client is None:
                return
            client, self._client, self._collection = self._client, None, None
            with self._translated():
                client.close()
                if self._in_order:
                    _put_on_disk(self._folder)
                    self._mark(files=fingerprint(self._folder))

    def drop(self) -> None:
        """Let go of the folder, which is going to be deleted."""
        self._in_order = False
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _why_not(self) -> str:
        """Why the folder may not be opened; empty where it may."""
        mark = json.loads(self._catalog.setting(CHROMA_MARK) or "{}")
        if not mark:
            return "It is new."
        if mark.get("files") is None:
            return "It was not closed in order."
        if (mark["version"], mark["model"]) != (chroma_version(), self._model):
            return "It was made by another version or model."
        try:
            if fingerprint(self._folder) != mark["files"]:
                return "Its files are not as they were left."
            kept = elements(self._folder)
        except (Damaged, OSError) as error:
            return f"It is damaged: {error}."
        given, gone = self._catalog.indexed()
        if kept > WORN * (given + gone) + WORN_SLACK:
            return "It holds too much that was deleted."
        return ""

    def _try_to_open(self) -> str:
        """Open a folder that looks sound; returns why it is not, or nothing."""
        try:
            self._open()
            held = self.count()
        except StoreError as error:
            return error.reason
        given, gone = self._catalog.indexed()
        return "" if given <= held <= given + gone else f"It holds {held} vectors of {given}."

    def _start_over(self) -> None:
        if self._client is not None:
            client, self._client, self._collection = self._client, None, None
            with suppress(StoreError), self._translated():
                client.close()
        self._mark(files=None)
        with self._translated():
            _discard(self._folder)
        self._catalog.all_index_pending()
        self._in_order = True
        self._open()

    def _open(self) -> None:
        # The mark goes first: opening alone writes to the folder, and a first query may save the whole index.
        self._mark(files=None)
        with self._translated():
            import chromadb
            from chromadb.config import Settings

            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # It would read a `.env` of whatever folder it is started in, and send traces where that says.
            quiet = Settings(_env_file=None, anonymized_telemetry=False, chroma_otel_granularity=None)
            self._client = chromadb.PersistentClient(str(self._folder), quiet)
            self._collection = self._client.get_or_create_collection(
                _COLLECTION, embedding_function=None, configuration={"hnsw": dict(_HNSW)}
            )
            refuse_functions(self._collection)

    def _open_collection(self) -> Any:
        if self._client is None:
            raise StoreError("The vector index is closed.")
        return self._collection

    def _ask(self, vector: Vectors, limit: int) -> list[Hit]:
        with self._translated():
            collection = self._open_collection()
            found = collection.query(query_embeddings=[vector], n_results=limit, include=["distances"])
            ids, distances = found["ids"][0], found["distances"][0]
        return [Hit(int(chunk), 1.0 - float(far)) for chunk, far in zip(ids, distances, strict=True)]

    def _mark(self, files: dict[str, str] | None) -> None:
        mark = {"version": chroma_version(), "model": self._model, "files": files}
        self._catalog.set_setting(CHROMA_MARK, json.dumps(mark))

    def _writing(self) -> AbstractContextManager[None]:
        return translated(self._write_failed)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._failed)

    def _write_failed(self, said: str) -> StoreError:
        self._in_order = False  # what a failed write left behind is not to be trusted after this process
        return self._failed(said)

    def _failed(self, said: str) -> StoreError:
        hint = "It holds nothing of its own and is built anew at the next start."
        return StoreError(f"The vector index {self._folder} could not be used: {said}", hint=hint)


def is_unclean(catalog: Catalog) -> bool:
    """Chroma was opened and not closed in order. True too while it is open: ask before opening."""
    mark = json.loads(catalog.setting(CHROMA_MARK) or "{}")
    return bool(mark) and mark.get("files") is None


def chroma_version() -> str:
    """The version of Chroma that is installed."""
    from importlib.metadata import version  # without importing chromadb, which costs a second

    return version("chromadb")


def _put_on_disk(folder: Path) -> None:
    """Chroma saves its index without fsync: do it for every file and folder."""
    for path in (folder, *folder.rglob("*")):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _discard(folder: Path) -> None:
    """Delete a folder; renamed first, so that a half-deleted one is never taken for it."""
    old = folder.with_name(f"{folder.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if folder.exists():
        folder.rename(old)
        shutil.rmtree(old)
