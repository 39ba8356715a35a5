"""Days in plain words: the window each question means, and what only looks like one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.almanac import easter
from brain.periods import LONGEST, period
from brain.querying import narrow, parse, scope_from
from tests.dates.questions import ASKED, NO_DATE, OF_THE_CONTENT, OTHERS, TODAY


@pytest.mark.parametrize(("question", "after", "before", "use"), ASKED, ids=[asked[0] for asked in ASKED])
def test_the_right_days_are_understood(question: str, after: str | None, before: str | None, use: str) -> None:
    found = period(question, today=TODAY)
    assert found is not None
    assert (found.window.after, found.window.before, found.window.use) == (after, before, use)
    assert all(0 <= start < end <= len(question) for start, end in found.spans)
    assert bool(found.spans) == (use == "only")


@pytest.mark.parametrize(("question", "after", "before"), OTHERS, ids=[asked[0] for asked in OTHERS])
def test_other_ways_of_saying_it_are_understood(question: str, after: str | None, before: str | None) -> None:
    found = period(question, today=TODAY)
    assert ((found.window.after, found.window.before) if found else (None, None)) == (after, before)


@pytest.mark.parametrize("question", NO_DATE)
def test_what_only_looks_like_a_date_is_left_alone(question: str) -> None:
    query = parse(question, today=TODAY)
    assert query.window is None
    assert query.text == question.replace('"', "")


@pytest.mark.parametrize("question", OF_THE_CONTENT)
def test_a_day_that_is_told_of_filters_nothing(question: str) -> None:
    query = parse(question, today=TODAY)
    assert query.window is not None and query.window.use == "first"
    assert (query.text, query.scope) == (question, scope_from())


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("yesterday's meeting", "meeting"),
        ("What did I do yesterday?", "What did I do?"),
        ("the garden pump last December #tax @home/", "the garden pump"),
        ("last week’s notes about the roof", "notes about the roof"),
        ("Yesterday, who called?", "who called?"),
        (
            "what have I learned since I moved to the new job in 2024",
            "what have I learned since I moved to the new job",
        ),
        ("last March", "last March"),
        ("what to prune in March", "what to prune in March"),
    ],
)
def test_words_that_only_say_when_are_not_searched_for(typed: str, searched: str) -> None:
    assert parse(typed, today=TODAY).text == searched


@pytest.mark.parametrize(
    "typed", ["pump last March after:2024", "pump last March before:2024", "pump last March on:2024"]
)
def test_a_written_filter_wins_over_plain_words(typed: str) -> None:
    query = parse(typed, today=TODAY)
    assert query.window is None
    assert query.text == "pump last March"


def test_flags_win_over_plain_words() -> None:
    query = narrow(parse("pump last March", today=TODAY), scope_from(after=["2024"]))
    assert (query.window, query.scope.after) == (None, "2024-01-01")


def test_dates_in_quotes_and_without_a_today_are_words() -> None:
    assert parse('"last March" pump', today=TODAY).window is None
    assert parse("pump last March").window is None
    assert parse("pump last March", today=TODAY, in_words=False).text == "pump last March"


@pytest.mark.parametrize(
    ("today", "question", "after", "before"),
    [
        (date(2024, 2, 29), "a year ago", "2023-01-01", "2023-12-31"),
        (date(2024, 2, 29), "in the last year", None, None),
        (date(2024, 3, 31), "one month ago", "2024-02-01", "2024-02-29"),
        (date(2026, 1, 1), "yesterday", "2025-12-31", "2025-12-31"),
        (date(2026, 1, 1), "last month", "2025-12-01", "2025-12-31"),
        (date(2026, 1, 1), "last winter", "2024-12-01", "2025-02-28"),
        (date(2026, 1, 1), "this winter", "2025-12-01", "2026-02-28"),
        (date(2026, 1, 1), "last quarter", "2025-10-01", "2025-12-31"),
        (date(2026, 6, 13), "last weekend", "2026-06-06", "2026-06-07"),
        (date(2026, 6, 14), "last weekend", "2026-06-06", "2026-06-07"),
        (date(2026, 6, 15), "last Monday", "2026-06-08", "2026-06-08"),
        (date(2026, 6, 17), "my notes of 29 February", "2024-02-29", "2024-02-29"),
        (date(2024, 3, 1), "my notes of 29 February", "2024-02-29", "2024-02-29"),
    ],
)
def test_edges_of_the_calendar(today: date, question: str, after: str | None, before: str | None) -> None:
    found = period(question, today=today)
    assert found is not None
    if after:
        assert (found.window.after, found.window.before) == (after, before)
    else:
        assert found.window.after == "2023-02-28"


def test_easter() -> None:
    assert [easter(year) for year in (1818, 1943, 2024, 2025, 2026, 2038)] == [
        date(1818, 3, 22), date(1943, 4, 25), date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2038, 4, 25),
    ]  # fmt: skip


def test_a_pasted_page_has_no_window() -> None:
    assert period("my notes of last March " + "and so on " * LONGEST, today=TODAY) is None


_PIECES = (
    [asked[0] for asked in ASKED]
    + list(NO_DATE)
    + ["since", "before", "31 June", "the", "0", "0000", "１２", "ago", "–"]
)


@given(
    st.lists(st.sampled_from(_PIECES) | st.text(max_size=12), max_size=4).map(" ".join),
    st.dates(date.min, date.max) | st.just(TODAY),
)
def test_no_question_and_no_day_is_too_odd(question: str, today: date) -> None:
    found = period(question, today=today)
    if found is not None and found.window.after and found.window.before:
        assert date.fromisoformat(found.window.after) <= date.fromisoformat(found.window.before) + timedelta(days=1)
