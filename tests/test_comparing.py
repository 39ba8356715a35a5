"""Comparing: numbers in any spelling are one number, words meet their kin, and passages fall into quotable parts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.comparing import numbers_in, pieces, root, roots


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("1,000", "1000"),
        ("40 000 €", "40,000 €"),
        ("four", "4"),
        ("2025-03-12", "12 March 2025"),
        ("March 12, 2025", "2025-03-12"),
        ("2.50", "2.5"),
        ("in May 2024", "2024-05"),
        ("07", "7"),
        ("four thousand", "4,000"),
        ("2.5 million", "2,500,000"),
    ],
)
def test_same_numbers_in_other_words(written: str, other: str) -> None:
    assert numbers_in(written) == numbers_in(other)


def test_pieces_are_sentences_items_rows_and_lines() -> None:
    listing = "\n".join(f"    command --option-{at} value" for at in range(20))
    text = f"One. Two!\n\n- item\n- other item\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n{listing}"
    found = [text[start:end] for start, end in pieces(text)]
    assert found[:6] == ["One.", "Two!", "- item", "- other item", "| a | b |", "| 1 | 2 |"]
    assert found[6:] == [line.strip() for line in listing.splitlines()]


@pytest.mark.parametrize(
    ("one", "other"),
    [("encrypted", "encryption"), ("planned", "plan"), ("installs", "installing"), ("delivery", "deliveries")],
)
def test_kin_share_a_root(one: str, other: str) -> None:
    assert roots(one) == roots(other)


@pytest.mark.parametrize("word", ["age", "its", "2025", "über", "会", "a"])
def test_short_and_foreign_words_are_their_own_root(word: str) -> None:
    assert root(word) == word


@given(st.text(max_size=300))
def test_pieces_are_in_order_and_never_overlap(text: str) -> None:
    spans = pieces(text)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    numbers_in(text)
