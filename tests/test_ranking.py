"""Ranking: scores are fused, copies fall out, neighbours become one exact slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.ranking import Fused, drop_copies, fuse, join
from brain.types import Chunk, Hit

NOTE = Path("note.md")
TEXT = "".join(f"Sentence number {at:02} of the note. " for at in range(40))


def file_of(count: int, *, size: int = 60, path: Path = NOTE, first: int = 1, pages: int = 0) -> list[Chunk]:
    return [
        Chunk(
            path,
            at * size,
            (at + 1) * size,
            TEXT[at * size : (at + 1) * size],
            ("Top", "Left" if at < count // 2 else "Right"),
            page=1 + at // pages if pages else None,
            id=first + at,
        )
        for at in range(count)
    ]


def siblings(*files: Sequence[Chunk]) -> Mapping[int, Sequence[Chunk]]:
    return {chunk.id: file for file in files for chunk in file}


def cut(path: Path, start: int, end: int) -> str:
    return TEXT[start:end]


def ranked(*ids: int) -> list[Fused]:
    return [Fused(id, 1.0 - at / 100, words=0.5, vectors=0.4) for at, id in enumerate(ids)]


def test_both_sides_count() -> None:
    found = fuse([Hit(1, 20.0), Hit(2, 10.0)], {1: 0.2, 2: 0.3, 3: 0.9}, weight=0.5)
    assert [(one.chunk_id, round(one.score, 3)) for one in found] == [(1, 0.6), (3, 0.45), (2, 0.4)]
    assert found[0] == Fused(1, 0.6, words=1.0, vectors=0.2)
    assert found[1].words is None


def test_margins_count_and_not_only_ranks() -> None:
    words = [Hit(1, 30.0), Hit(2, 3.0)]
    assert fuse(words, {1: 0.50, 2: 0.55})[0].chunk_id == 1
    assert fuse(words, {1: 0.05, 2: 0.85})[0].chunk_id == 2


@pytest.mark.parametrize(
    ("words", "cosines", "order", "best"),
    [
        ([Hit(4, 8.0), Hit(2, 4.0)], {}, [4, 2], 1.0),
        ([], {4: 0.3, 2: 0.7}, [2, 4], 0.7),
        ([], {}, [], None),
        ([Hit(4, 0.0)], {4: 0.3}, [4], 0.3),
        ([], {1: -0.4, 2: 0.1}, [2, 1], 0.1),
    ],
)
def test_one_side_alone_is_enough(
    words: list[Hit], cosines: dict[int, float], order: list[int], best: float | None
) -> None:
    found = fuse(words, cosines)
    assert [one.chunk_id for one in found] == order
    assert (found[0].score if found else None) == best


def test_equal_scores_keep_one_order() -> None:
    assert [one.chunk_id for one in fuse([Hit(9, 1.0), Hit(3, 1.0), Hit(5, 1.0)], {})] == [3, 5, 9]


def test_near_copies_fall_out_and_the_best_stays() -> None:
    text = "the quick brown fox jumps over the lazy dog near the old river bank while the sun goes down " * 2
    texts = {1: text, 2: "Another matter altogether.", 3: text.upper(), 4: text + "today", 5: "Different."}
    assert [one.chunk_id for one in drop_copies(ranked(3, 2, 1, 4, 5, 6), texts)] == [3, 2, 5, 6]


@pytest.mark.parametrize("texts", [{1: "", 2: ""}, {1: "Yes", 2: "yes."}])
def test_tiny_copies_fall_out(texts: dict[int, str]) -> None:
    assert [one.chunk_id for one in drop_copies(ranked(1, 2), texts)] == [1]


def test_versions_of_a_table_are_no_copies() -> None:
    texts = {1: "March 2024: rent 900, power 80, water 20", 2: "March 2025: rent 950, power 90, water 25"}
    assert len(drop_copies(ranked(1, 2), texts)) == 2


def test_neighbours_that_are_both_hits_become_one_slice() -> None:
    file = file_of(6)
    passages = join(ranked(3, 6, 2), siblings(file), cut)
    assert [one.parts for one in passages] == [(2, 3), (6,)]
    best = passages[0]
    assert (best.chunk.start, best.chunk.end, best.chunk.id) == (60, 180, 3)
    assert best.chunk.text == TEXT[60:180]
    assert best.score == 1.0
    assert best.scores.vectors == 0.4


def test_joined_sections_keep_the_headings_they_share() -> None:
    passages = join(ranked(3, 4), siblings(file_of(6)), cut)
    assert passages[0].chunk.headings == ("Top",)


def test_pages_are_never_joined() -> None:
    passages = join(ranked(2, 3), siblings(file_of(6, pages=2)), cut)
    assert [one.parts for one in passages] == [(2,), (3,)]


def test_passages_stay_within_their_length() -> None:
    passages = join(ranked(1, 2, 3, 4), siblings(file_of(6)), cut, longest=130)
    assert [one.parts for one in passages] == [(1, 2), (3, 4)]


def test_best_passages_take_in_their_section() -> None:
    passages = join(ranked(2, 5), siblings(file_of(6)), cut, roomy=1)
    assert [one.parts for one in passages] == [(1, 2, 3), (5,)]
    assert passages[0].chunk.text == TEXT[0:180]


def test_limit_counts_passages() -> None:
    other = file_of(3, path=Path("other.md"), first=11)
    passages = join(ranked(1, 2, 11, 13, 5), siblings(file_of(6), other), cut, limit=3)
    assert [one.parts for one in passages] == [(1, 2), (11,), (13,)]


def test_unknown_chunks_are_left_out() -> None:
    assert [one.parts for one in join(ranked(99, 1), siblings(file_of(2)), cut)] == [(1,)]


@settings(max_examples=60)
@given(st.lists(st.integers(1, 24), unique=True), st.integers(1, 8), st.integers(0, 4), st.integers(60, 400))
def test_passages_never_overlap_and_are_exact(ids: list[int], limit: int, roomy: int, longest: int) -> None:
    files = [file_of(12), file_of(12, path=Path("b.md"), first=13, pages=3)]
    passages = join(ranked(*ids), siblings(*files), cut, limit=limit, roomy=roomy, longest=longest)
    parts = [part for one in passages for part in one.parts]
    assert len(parts) == len(set(parts))
    assert len(passages) <= limit
    assert [one.score for one in passages] == sorted((one.score for one in passages), reverse=True)
    for one in passages:
        assert one.chunk.text == TEXT[one.chunk.start : one.chunk.end]
        assert len(one.chunk.text) <= longest
