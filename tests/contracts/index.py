"""What every VectorIndex promises. Used as: `class TestX(VectorIndexContract)` with a fixture `index` of DIMENSIONS."""

from __future__ import annotations

import numpy as np
import pytest

from brain.errors import StoreError
from brain.seams import VectorIndex, Vectors

DIMENSIONS = 16


def unit_vectors(count: int, seed: int = 0) -> Vectors:
    """Random directions, the same for the same seed."""
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


class VectorIndexContract:
    """Adds, removes and searches; knows nothing of how."""

    def test_every_vector_is_its_own_nearest(self, index: VectorIndex) -> None:
        vectors = unit_vectors(40)
        index.add(range(1, 41), vectors)
        for chunk, vector in enumerate(vectors, start=1):
            (hit,) = index.search(vector, 1)
            assert hit.chunk_id == chunk
            assert hit.score == pytest.approx(1.0, abs=1e-5)

    def test_hits_come_best_first_with_their_cosines(self, index: VectorIndex) -> None:
        vectors = unit_vectors(40)
        index.add(range(1, 41), vectors)
        asked = unit_vectors(1, seed=9)[0]
        cosines = {chunk: float(vector @ asked) for chunk, vector in enumerate(vectors, start=1)}
        hits = index.search(asked, 10)
        assert [hit.chunk_id for hit in hits] == sorted(cosines, key=cosines.__getitem__, reverse=True)[:10]
        assert [hit.score for hit in hits] == pytest.approx([cosines[hit.chunk_id] for hit in hits], abs=1e-5)

    def test_an_empty_index_finds_nothing(self, index: VectorIndex) -> None:
        assert index.search(unit_vectors(1)[0], 5) == []

    def test_more_than_there_is_gives_all(self, index: VectorIndex) -> None:
        index.add([7, 8], unit_vectors(2))
        assert {hit.chunk_id for hit in index.search(unit_vectors(1)[0], 50)} == {7, 8}

    def test_removed_vectors_are_not_found_and_unknown_ids_are_fine(self, index: VectorIndex) -> None:
        index.add(range(1, 11), unit_vectors(10))
        index.remove([1, 5, 10, 999])
        assert {hit.chunk_id for hit in index.search(unit_vectors(1)[0], 50)} == {2, 3, 4, 6, 7, 8, 9}

    def test_an_id_added_again_is_replaced(self, index: VectorIndex) -> None:
        vectors = unit_vectors(10)
        index.add(range(1, 11), vectors)
        index.add([3], unit_vectors(1, seed=4))
        assert index.search(unit_vectors(1, seed=4)[0], 1)[0].chunk_id == 3
        assert len(index.search(vectors[0], 50)) == 10

    def test_adding_and_removing_nothing_is_fine(self, index: VectorIndex) -> None:
        index.add([], unit_vectors(0))
        index.remove([])

    @pytest.mark.parametrize("size", [0, 1, 7, 60])
    def test_within_is_the_best_among_those(self, index: VectorIndex, size: int) -> None:
        vectors = unit_vectors(80)
        index.add(range(1, 81), vectors)
        within = frozenset(range(2, 2 + size))
        asked = unit_vectors(1, seed=3)[0]
        best = sorted(within, key=lambda chunk: -float(vectors[chunk - 1] @ asked))[:5]
        assert [hit.chunk_id for hit in index.search(asked, 5, within)] == best

    def test_a_vector_that_is_not_numbers_is_refused(self, index: VectorIndex) -> None:
        with pytest.raises(StoreError):
            index.add([1], np.full((1, DIMENSIONS), np.nan, np.float32))

    def test_a_vector_of_another_length_is_refused(self, index: VectorIndex) -> None:
        index.add([1], unit_vectors(1))
        with pytest.raises(StoreError):
            index.add([2], np.ones((1, DIMENSIONS + 1), np.float32))
        with pytest.raises(StoreError):
            index.search(np.ones(DIMENSIONS + 1, np.float32), 1)
