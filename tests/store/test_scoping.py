"""Which files a scope leaves."""

from __future__ import annotations

import pytest

from brain.store.scoping import Candidate, is_at_one_of, is_in_scope
from brain.types import Scope

FOLDERS = ["/home/me/Notes", "/home/me/Notes/work", "/srv/x"]


@pytest.mark.parametrize(
    ("path", "place", "wanted"),
    [
        ("/home/me/Notes/work/plan.md", "work/", True),
        ("/home/me/Notes/work/plan.md", "WORK/", True),
        ("/home/me/Notes/work/plan.md", "notes/work/", True),
        ("/home/me/Notes/work/plan.md", "Notes/", True),
        ("/home/me/Notes/work/plan.md", "me/", False),  # above the watched folder
        ("/home/me/Notes/workshop/plan.md", "work/", False),
        ("/home/me/Notes/a/b/c.md", "a/b/", True),
        ("/home/me/Notes/a/b/c.md", "b/a/", False),
        ("/home/me/Notes/work/plan.md", "plan.md", True),
        ("/home/me/Notes/work/plan.md", "plan", True),
        ("/home/me/Notes/work/plan.md", "work/plan.md", True),
        ("/home/me/Notes/work/plan.md", "work/PLAN", True),
        ("/home/me/Notes/work/plan.md", "./work/plan.md", True),
        ("/home/me/Notes/work/plan.md", "an.md", False),
        ("/home/me/Notes/work/plan.md", "plan.md/", False),
        ("/home/me/Notes/work/plan.md", "work", True),
        ("/home/me/Notes/work/plan.md", "/home/me/Notes/work/", True),
        ("/home/me/Notes/work/plan.md", "/home/me/Notes/work/plan.md", True),
        ("/home/me/Notes/work/plan.md", "/work/", False),
        ("/home/me/Notes/cafe\u0301/x.md", "Café/", True),
        ("/home/me/Notes/x.md", "/", True),
        ("/home/me/Notes/x.md", "", False),
        ("/elsewhere/y.md", "elsewhere/", True),
    ],
)
def test_places(path: str, place: str, wanted: bool) -> None:
    assert is_at_one_of(path, [place], FOLDERS) is wanted


def file(**more: object) -> Candidate:
    known: dict[str, object] = {"path": "/srv/x/a.md", "format": "markdown", "date": None, "modified": 0, "tags": ()}
    return Candidate(**{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("date", "scope", "wanted"),
    [
        ("2025-03-15", Scope(after="2025-03-15"), True),
        ("2025-03-15", Scope(before="2025-03-15"), True),
        ("2025-03-15", Scope(after="2025-03-16"), False),
        ("2025-03-15T10:00:00", Scope(before="2025-03-15"), True),
        ("2025-03-15", Scope(after="2025-03", before="2025-03"), True),
        ("2025-04-01", Scope(before="2025-03"), False),
        ("2025", Scope(after="2025-03-01"), True),
        ("2024", Scope(after="2025-03-01"), False),
        (None, Scope(after="1980"), False),
        (None, Scope(before="1980"), True),
    ],
)
def test_dates(date: str | None, scope: Scope, wanted: bool) -> None:
    assert is_in_scope(file(date=date), scope, FOLDERS) is wanted


@pytest.mark.parametrize("modified", [10**15, -(10**15)])
def test_a_time_no_calendar_has_is_no_error(modified: int) -> None:
    assert not is_in_scope(file(modified=modified), Scope(after="1980"), FOLDERS)


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        (Scope(tags=("tax",)), True),
        (Scope(tags=("Tax/2025",)), True),
        (Scope(tags=("ta",)), False),
        (Scope(tags=("tax", "home")), True),
        (Scope(tags=("tax", "work")), False),
        (Scope(formats=("pdf", "markdown")), True),
        (Scope(formats=("pdf",)), False),
        (Scope(within=("a.md",), tags=("work",)), False),
    ],
)
def test_tags_and_formats(scope: Scope, wanted: bool) -> None:
    assert is_in_scope(file(tags=("tax/2025/q1", "home")), scope, FOLDERS) is wanted
