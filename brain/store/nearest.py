"""What both ways to Chroma, and exact search, have in common: what a vector is, what is nearest, and searching in a scope."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.errors import StoreError
from brain.seams import Vectors
from brain.store.catalog import Catalog
from brain.types import Hit

FEW = 10_000  # ids whose vectors are read from the catalog and compared exactly
KEPT = 20_000  # vectors of one scope that stay in memory: 30 MB of 384 numbers each
SPARE = 1.5  # times as many hits are asked for as would hold enough of a scope, were it spread evenly
MOST_ASKED = 4000  # hits of Chroma; a hit costs as much as two vectors compared exactly


class ScopedSearch(ABC):
    """Searching a Chroma collection: in a scope either many hits are asked for, or the catalog's vectors compared exactly."""

    _catalog: Catalog
    _model: str
    _scope: tuple[frozenset[int], NDArray[np.int64], Vectors] | None  # of the last exact search

    @abstractmethod
    def _ask(self, vector: Vectors, limit: int) -> list[Hit]:
        """The nearest of all that Chroma holds."""

    def search(self, vector: Vectors, limit: int, within: Collection[int] | None = None) -> list[Hit]:
        """The nearest to one vector, best first; scores are cosines. Raises StoreError."""
        if limit <= 0 or (within is not None and not within):
            return []
        if within is None:
            return self._ask(vector, limit)
        if len(within) > FEW and (self._scope is None or self._scope[0] is not within):
            allowed = within if isinstance(within, (set, frozenset)) else frozenset(within)
            ask = max(limit, int(SPARE * limit * self._catalog.vectors_done(self._model) / len(within)))
            while ask <= min(MOST_ASKED, len(within) // 2):
                hits = self._ask(vector, ask)
                kept = [hit for hit in hits if hit.chunk_id in allowed][:limit]
                if len(kept) == limit or len(hits) < ask:
                    return kept
                ask *= 4
        ids, rows = self._vectors_of(within)
        return nearest(ids, rows @ vector, limit) if len(ids) else []

    def _vectors_of(self, within: Collection[int]) -> tuple[NDArray[np.int64], Vectors]:
        """The vectors of these chunks from the catalog. Those of a scope are kept: the next question is often about it."""
        if (kept := self._scope) is not None and kept[0] is within:
            return kept[1], kept[2]
        found, rows = self._catalog.vectors(self._model, within)
        ids = np.array(found, np.int64)
        if isinstance(within, frozenset) and len(within) <= KEPT:
            self._scope = within, ids, rows
        return ids, rows


def checked(ids: Sequence[int], vectors: Vectors) -> Vectors:
    """The vectors as one float32 matrix. Raises StoreError for anything but finite numbers, one row an id."""
    matrix = np.ascontiguousarray(vectors, np.float32)
    if matrix.ndim != 2 or len(matrix) != len(ids) or not np.isfinite(matrix).all():
        raise StoreError("Vectors must be numbers, one row an id.")
    return matrix


def other_length(given: int, held: int) -> StoreError:
    """What is said of a vector that does not fit the others."""
    return StoreError(f"A vector of {given} numbers does not fit vectors of {held}.", hint="Run: brain rebuild")


def nearest(ids: NDArray[np.int64], cosines: Vectors, limit: int) -> list[Hit]:
    """The `limit` highest cosines, best first."""
    if limit < len(ids):
        best = np.argpartition(-cosines, limit)[:limit]
        ids, cosines = ids[best], cosines[best]
    order = np.lexsort((ids, -cosines))
    return [Hit(int(ids[row]), float(cosines[row])) for row in order]


def refuse_functions(collection: Any) -> None:
    """A stored configuration can name an embedding function that Chroma would construct here: ours names none."""
    stored = collection._model.configuration_json
    named = stored.get("embedding_function") if isinstance(stored, dict) else None
    if named not in (None, {}) and not (isinstance(named, dict) and named.get("type") in ("legacy", None)):
        raise StoreError("The vector index names an embedding function.")
