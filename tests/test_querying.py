"""The question language: what is a filter, what is an ordinary word, and what a wrong one is told."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.errors import QueryError
from brain.querying import LONGEST, filters, narrow, parse, scope_from
from brain.types import Query, Scope

TODAY = date(2025, 6, 15)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("garden pump", Query("garden pump")),
        ("fees @work/", Query("fees", scope=Scope(within=("work/",)))),
        ("@plan.md, fees?", Query(", fees?", scope=Scope(within=("plan.md",)))),
        ('fees @"my folder/"', Query("fees", scope=Scope(within=("my folder/",)))),
        ('fees in:work in:"my folder/"', Query("fees", scope=Scope(within=("work", "my folder/")))),
        ("fees #tax", Query("fees", scope=Scope(tags=("tax",)))),
        ("fees tag:tax #2025/spring", Query("fees", scope=Scope(tags=("tax", "2025/spring")))),
        ("fees tag:#tax #tax", Query("fees", scope=Scope(tags=("tax",)))),
        ("fees type:pdf", Query("fees", scope=Scope(formats=("pdf",)))),
        ("fees type:md Type:TXT", Query("fees", scope=Scope(formats=("markdown", "text")))),
        ("fees after:2025", Query("fees", scope=Scope(after="2025-01-01"))),
        ("fees after:2025-02", Query("fees", scope=Scope(after="2025-02-01"))),
        ("fees before:2025-03", Query("fees", scope=Scope(before="2025-02-28"))),
        ("fees before:2025-03-15", Query("fees", scope=Scope(before="2025-03-14"))),
        ("fees on:2024-02", Query("fees", scope=Scope(after="2024-02-01", before="2024-02-29"))),
        ("fees on:2024", Query("fees", scope=Scope(after="2024-01-01", before="2024-12-31"))),
        ("fees on:2024-2-9", Query("fees", scope=Scope(after="2024-02-09", before="2024-02-09"))),
        ("fees on:today", Query("fees", scope=Scope(after="2025-06-15", before="2025-06-15"))),
        ("fees after:yesterday", Query("fees", scope=Scope(after="2025-06-14"))),
        ("fees after:2024 after:2025", Query("fees", scope=Scope(after="2025-01-01"))),
        ('where is "the blue gate" now', Query("where is the blue gate now", phrases=("the blue gate",))),
        ("“the blue gate”?", Query("the blue gate?", phrases=("the blue gate",))),
        ("jaguar -car -cars", Query("jaguar", excluded=("car", "cars"))),
        ('jaguar -"fast car"', Query("jaguar", excluded=("fast car",))),
    ],
)
def test_filters_are_taken_out_of_the_words(typed: str, expected: Query) -> None:
    assert parse(typed, today=TODAY) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "http://example.org/a?b=c",
        "see https://example.org now",
        "note: text",
        "meet at 12:30",
        "C++ or C# or F#",
        "below -5 degrees",
        "what does tar -x do",
        "git commit --amend",
        "issue #12",
        "# heading",
        "write to ann@example.org",
        "what did @john say",
        "a - b",
        "- item",
        'a 6" pipe and an 8" one',
        'an "open quote',
        "std::vector",
        "note:text todo:later",
        "re:plan and pro:con",
        "type: pdf",
        "before: 2025",
        "the in: box",
        "well-known x-ray",
        "2025-03-12",
        "who? what!",
        "???",
    ],
)
def test_ordinary_words_stay_words(typed: str) -> None:
    assert parse(typed) == Query(typed)


@pytest.mark.parametrize(
    ("typed", "reason", "hint"),
    [
        ("fees before:2025-13", "before:2025-13 is not a date.", "2025-03"),
        ("fees on:2025-02-30", "on:2025-02-30 is not a date.", "2025-03-15"),
        ("fees after:lunch", "after:lunch is not a date.", "year"),
        ("fees after:today", "after:today is not a date.", "year"),
        ("fees after:٢٠٢٥", "is not a date.", "year"),
        ("fees before:0001", "no day before 0001", "2025"),
        ("fees type:doc", "type:doc is not a type.", "markdown"),
        ("fees typ:pdf", "There is no filter typ:.", "Did you mean type:?"),
        ("fees tags:tax", "There is no filter tags:.", "Did you mean tag:?"),
        ("fees befor:2025", "There is no filter befor:.", "Did you mean before:?"),
        ("fees after:2025-06 before:2025-01", "No day", "date"),
        ("", "The question is empty.", "Type"),
        (" \n\t ", "The question is empty.", "Type"),
        ("\x1b[0m", "The question is empty.", "Type"),
        ("@work/ #tax", "only filters", "word"),
        ("-word", "only filters", "word"),
    ],
)
def test_what_is_wrong_is_named(typed: str, reason: str, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(typed)
    assert reason in caught.value.reason
    assert hint in caught.value.hint


def test_filters_are_found_where_they_stand() -> None:
    typed = 'fees @work/, #tax before:2025-13 "the gate" -car'
    found = filters(typed)
    assert [typed[one.start : one.end] for one in found] == ["@work/", "#tax", "before:2025-13", '"the gate"', "-car"]
    assert [one.kind for one in found] == ["in", "tag", "before", "phrase", "without"]
    assert [one.problem for one in found] == ["", "", "before:2025-13 is not a date.", "", ""]


def test_flags_are_checked_like_filters() -> None:
    scope = scope_from(within=["work/"], tags=["#tax"], types=["md"], after=["2025"], before=["2025-03"])
    assert scope == Scope(("work/",), ("tax",), ("markdown",), "2025-01-01", "2025-02-28")
    assert not scope_from()
    with pytest.raises(QueryError, match="type:doc"):
        scope_from(types=["doc"])


def test_second_scope_narrows() -> None:
    query = parse("fees @work/ after:2024 before:2026")
    narrowed = narrow(query, scope_from(within=["home/", "work/"], tags=["tax"], after=["2025"], before=["2027"]))
    assert narrowed.text == "fees"
    assert narrowed.scope == Scope(("work/", "home/"), ("tax",), (), "2025-01-01", "2025-12-31")
    assert narrow(query, Scope()) == query
    with pytest.raises(QueryError, match="No day"):
        narrow(query, scope_from(after=["2026"]))


def test_long_question_keeps_its_beginning_and_end_and_is_quick() -> None:
    began = time.perf_counter()
    query = parse("first question? " + 'lorem "ipsum -dolor @x/ ' * 90_000 + " last question?")
    assert time.perf_counter() - began < 2
    assert len(query.text) <= LONGEST
    assert query.text.startswith("first question?")
    assert query.text.endswith("last question?")


@settings(max_examples=100)
@given(st.text(max_size=200))
def test_any_text_is_a_question_or_a_query_error(typed: str) -> None:
    try:
        query = parse(typed, today=TODAY)
    except QueryError as error:
        assert error.reason and error.hint
        return
    assert query.text == " ".join(query.text.split()) != ""
    query.text.encode()


def test_notes_that_a_machine_wrote_are_asked_for():
    assert not parse("garden").scope.machine
    asked = parse("garden is:machine")
    assert (asked.text, asked.scope) == ("garden", Scope(machine=True))
    assert not asked.scope, "this alone does not narrow"
    assert parse("what is:this").text == "what is:this"
    assert narrow(parse("garden"), Scope(machine=True)).scope.machine
    assert narrow(asked, Scope()).scope.machine
