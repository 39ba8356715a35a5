"""What of a passage is shown for a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.snippets import Snippet, snippet

PASSAGE = (
    "The association met on a cold evening. Nobody wanted to sit near the door. "
    "After long discussion the board agreed on a budget for the garden. The pump quote is valid until June. "
    "Everybody went home late, and the lights were left on."
)


def marked(shown: Snippet) -> list[str]:
    return [shown.text[start:end] for start, end in shown.marks]


def test_snippet_is_the_sentence_that_holds_the_words() -> None:
    shown = snippet(PASSAGE, "what is the budget of the garden?", length=80)
    assert shown.text == "After long discussion the board agreed on a budget for the garden."
    assert marked(shown) == ["budget", "garden"]
    assert shown.is_cut_before
    assert shown.is_cut_after


def test_sentence_is_cut_rather_than_a_match_left_out() -> None:
    passage = f"Notes are versatile, and that is worth a sentence. The linked reference {'is seen by everyone ' * 9}."
    shown = snippet(passage, "linked reference", length=90)
    assert marked(shown) == ["linked", "reference"]


def test_short_passage_is_shown_whole() -> None:
    shown = snippet("Water the\n  tomatoes.", "tomato", length=80)
    assert shown == Snippet("Water the tomatoes.", ((10, 18),))


def test_passage_without_the_words_is_shown_from_its_beginning() -> None:
    shown = snippet(PASSAGE, "zebra", length=60)
    assert shown.text == "The association met on a cold evening."
    assert not shown.marks
    assert not shown.is_cut_before


def test_long_sentence_is_cut_between_words_around_the_match() -> None:
    passage = "word " * 60 + "needle " + "word " * 60 + "."
    shown = snippet(passage, "needle", length=50)
    assert marked(shown) == ["needle"]
    assert set(shown.text.split()) == {"word", "needle"}
    assert len(shown.text) <= 50


@pytest.mark.parametrize(
    ("query", "passage", "words"),
    [
        ("planting", "We planted beans and plan more.", ["planted"]),
        ("universities", "A university town.", ["university"]),
        ("Café", "The cafe opens at nine.", ["cafe"]),
        ("general", "They generate heat in general.", ["general"]),
        ("東京", "昨日東京へ行った。", ["東", "京"]),
    ],
)
def test_forms_of_a_word_are_marked(query: str, passage: str, words: list[str]) -> None:
    assert marked(snippet(passage, query, length=80)) == words


def test_word_that_is_being_typed_is_marked_where_words_begin_with_it() -> None:
    shown = snippet("The garden and its gardener.", "the gar", length=80, typing="gar")
    assert marked(shown) == ["garden", "gardener"]


@given(st.text(max_size=400), st.text(max_size=40), st.integers(1, 120))
def test_any_passage_gives_marks_inside_a_text_that_fits(passage: str, query: str, length: int) -> None:
    shown = snippet(passage, query, length=length)
    assert len(shown.text) <= length
    ends = [0, *(place for mark in shown.marks for place in mark), len(shown.text)]
    assert ends == sorted(ends)
