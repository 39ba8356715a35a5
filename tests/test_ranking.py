"""Ranking: scores are fused, copies fall out, neighbours become one exact slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.ranking import Fused, fold_copies, fuse, join, knowledge, spread
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


def order(found: Sequence[Fused]) -> list[int]:
    return [one.chunk_id for one in found]


def test_both_sides_count() -> None:
    found = fuse([Hit(1, 0.5), Hit(2, 0.2)], {1: 0.4, 2: 0.3, 3: 0.8})
    assert order(found) == [1, 3, 2]
    assert (found[0].words, found[0].vectors) == (0.5, 0.4)
    assert found[1].words is None
    assert all(0 <= one.score <= 1 for one in found)


def test_margins_count_and_not_only_ranks() -> None:
    words = [Hit(1, 0.6), Hit(2, 0.06)]
    assert order(fuse(words, {1: 0.50, 2: 0.55}))[0] == 1
    assert order(fuse(words, {1: 0.05, 2: 0.85}))[0] == 2


def test_a_weak_match_of_words_is_weak_though_it_is_the_best_there_is() -> None:
    assert order(fuse([Hit(1, 0.05)], {1: 0.1, 2: 0.4})) == [2, 1]
    assert order(fuse([Hit(1, 0.70)], {1: 0.1, 2: 0.4})) == [1, 2]


def test_words_side_by_side_as_in_the_question_decide_between_equals() -> None:
    words, cosines = [Hit(1, 0.4), Hit(2, 0.4)], {1: 0.5, 2: 0.5}
    assert order(fuse(words, cosines)) == [1, 2]
    assert order(fuse(words, cosines, together={2: 0.3})) == [2, 1]


def test_cosines_of_a_language_the_embedder_does_not_know_count_for_nothing() -> None:
    words, cosines = [Hit(1, 0.4), Hit(2, 0.3)], {1: 0.1, 2: 0.9}
    assert order(fuse(words, cosines)) == [2, 1]
    assert order(fuse(words, cosines, known=0.0)) == [1, 2]
    assert order(fuse([], cosines, known=0.0)) == [2, 1], "there is nothing else to go by"


def test_what_resembles_the_first_hits_gains() -> None:
    asked: list[Sequence[int]] = []

    def leaning(to: Sequence[int]) -> Mapping[int, float]:
        asked.append(to)
        return {1: 0.9, 2: 0.5, 3: 0.6}

    found = fuse([], {1: 0.9, 2: 0.55, 3: 0.5}, leaning=leaning)
    assert asked == [[1, 2, 3]]
    assert order(found) == [1, 3, 2]
    assert [one.vectors for one in found] == [0.9, 0.5, 0.55], "what is shown is the cosine to the question itself"


def test_a_candidate_without_a_vector_yet_is_taken_for_a_middling_one() -> None:
    words = [Hit(1, 0.5), Hit(2, 0.5), Hit(3, 0.5), Hit(4, 0.5)]
    assert order(fuse(words, {1: 0.2, 2: 0.8, 3: 0.4})) == [2, 3, 4, 1]


@pytest.mark.parametrize(
    ("question", "pieces", "known"),
    [
        ("How many points did they surrender?", 7, 1.0),
        ("Сколько очков уступила защита?", 26, 0.0),
        ("¿Cuántos puntos dejaron escapar?", 11, pytest.approx(0.45, abs=0.1)),
        ("東京の人口は", 6, 0.0),
        ("東京の人口は", 3, 1.0),
        ("what did I do?", 5, 1.0),
        ("C++ or Go?", 6, 1.0),
        ("zither xylophone kazoo", 8, pytest.approx(0.5)),
        ("?!", 2, 1.0),
        ("", 0, 1.0),
    ],
)
def test_an_embedder_knows_a_language_by_the_pieces_it_cuts_it_into(question: str, pieces: int, known: float) -> None:
    assert knowledge(question, pieces) == known


@pytest.mark.parametrize(
    ("words", "cosines", "ids", "best"),
    [
        ([Hit(4, 0.64), Hit(2, 0.4)], {}, [4, 2], pytest.approx(0.8)),
        ([], {4: 0.3, 2: 0.7}, [2, 4], pytest.approx(0.7 / 1.3)),
        ([], {}, [], None),
        ([Hit(4, 0.0)], {4: 0.3}, [4], pytest.approx(0.3 / 1.3)),
        ([], {1: -0.4, 2: 0.1}, [2, 1], pytest.approx(0.1 / 1.3)),
    ],
)
def test_one_side_alone_is_enough(
    words: list[Hit], cosines: dict[int, float], ids: list[int], best: float | None
) -> None:
    found = fuse(words, cosines)
    assert [one.chunk_id for one in found] == ids
    assert (found[0].score if found else None) == best


def test_equal_scores_keep_one_order() -> None:
    assert [one.chunk_id for one in fuse([Hit(9, 1.0), Hit(3, 1.0), Hit(5, 1.0)], {})] == [3, 5, 9]


def told(texts: Mapping[int, str], format: str = "text") -> dict[int, Chunk]:
    return {id: Chunk(Path(f"{id}.md"), 0, len(text), text, format=format, id=id) for id, text in texts.items()}


LONG = "the quick brown fox jumps over the lazy dog near the old river bank while the sun goes down " * 2


def test_near_copies_are_folded_into_the_best_and_named() -> None:
    texts = {1: LONG, 2: "Another matter altogether.", 3: LONG.upper(), 4: LONG + "today", 5: "Different."}
    kept, copies = fold_copies(ranked(3, 2, 1, 4, 5, 6), told(texts))
    assert order(kept) == [3, 2, 5]
    assert copies == {3: (1, 4)}


def test_marks_of_the_format_make_no_difference() -> None:
    texts = {
        1: "# Plan\n- **one** thing, then the other thing after it",
        2: "Plan\none thing, then the *other* thing after it",
    }
    assert fold_copies(ranked(1, 2), told(texts, "markdown"))[1] == {1: (2,)}


@pytest.mark.parametrize("texts", [{1: "", 2: ""}, {1: "Yes", 2: "yes."}, {1: "日本語の本", 2: "日本語の本"}])
def test_tiny_copies_are_folded(texts: dict[int, str]) -> None:
    kept, copies = fold_copies(ranked(1, 2), told(texts))
    assert (order(kept), copies) == ([1], {1: (2,)})


def test_versions_of_a_table_are_no_copies() -> None:
    texts = {1: "March 2024: rent 900, power 80, water 20", 2: "March 2025: rent 950, power 90, water 25"}
    assert len(fold_copies(ranked(1, 2), told(texts))[0]) == 2


def test_a_file_keeps_its_share_and_more_only_where_it_is_clearly_better() -> None:
    chunks = {chunk.id: chunk for chunk in [*file_of(6), *file_of(3, path=Path("other.md"), first=11)]}
    close = [
        Fused(id, score)
        for id, score in zip((1, 2, 3, 4, 5, 11, 12), (0.9, 0.89, 0.88, 0.87, 0.86, 0.85, 0.84), strict=True)
    ]
    assert order(spread(close, chunks)) == [1, 2, 3, 11, 12, 4, 5]
    clear = [Fused(id, score) for id, score in zip((1, 2, 3, 4, 11), (0.9, 0.89, 0.88, 0.87, 0.4), strict=True)]
    assert order(spread(clear, chunks)) == [1, 2, 3, 4, 11]


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
