"""One thing put in the place of another is noticed; the same thing said otherwise is not held against a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.aligning import is_changed

SOURCE = "The board of the garden club asked the mason to repair the fence before October."


@pytest.mark.parametrize(
    "said",
    [
        "The board of the garden club asked the plumber to repair the fence before October.",
        "The board of the garden club asked the mason to repair the roof before October.",
        "The board of the garden school asked the mason to repair the fence before October.",
    ],
)
def test_another_thing_is_noticed(said: str) -> None:
    assert is_changed(said, SOURCE)


@pytest.mark.parametrize(
    "said",
    [
        SOURCE,
        "The mason was asked to repair the fence.",
        "The board asked the mason to repair the fence before October.",
        "They asked the mason to repair the fence before October.",
        "The board of the garden club asked masons to repair the fences before October.",
        "The club's board wants the fence repaired.",
        "",
    ],
)
def test_the_same_said_otherwise_is_not(said: str) -> None:
    assert not is_changed(said, SOURCE)


def test_two_things_that_change_places_are_noticed() -> None:
    assert is_changed("Tom paid Anna for the seeds in spring.", "Anna paid Tom for the seeds in spring.")
    assert not is_changed("Anna paid Tom for the seeds.", "Anna paid Tom for the seeds in spring.")


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_survived(said: str, source: str) -> None:
    assert is_changed(said, source) in (True, False)
    assert not is_changed(said, said)
