"""Which files a scope leaves."""

from __future__ import annotations

import pytest

from brain.scoping import Places, day_of, is_within, tags_named
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
    places = Places([place], FOLDERS)
    assert places.hold(path) is wanted
    assert places.hold(path) is wanted  # the folder is known by now


def test_any_of_several_places_will_do_and_siblings_are_told_apart() -> None:
    places = Places(["plan.md", "archive/"], FOLDERS)
    held = {name: places.hold(f"/srv/x/{name}") for name in ("plan.md", "plan.txt", "plans.md", "archive/a.md", "b.md")}
    assert [name for name, is_held in held.items() if is_held] == ["plan.md", "archive/a.md"]


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
    ],
)
def test_dates(date: str, scope: Scope, wanted: bool) -> None:
    assert is_within(date, scope) is wanted


@pytest.mark.parametrize("modified", [10**15, -(10**15)])
def test_a_time_no_calendar_has_is_no_error(modified: int) -> None:
    assert day_of(modified) == "1970-01-01"


@pytest.mark.parametrize(
    ("tag", "named"),
    [
        ("tax", ["tax", "tax/2025/q1"]),
        ("Tax/2025", ["tax/2025/q1"]),
        ("#tax/", ["tax", "tax/2025/q1"]),
        ("ta", []),
        ("cafe\u0301", ["Café"]),
    ],
)
def test_a_tag_names_itself_and_what_is_below_it(tag: str, named: list[str]) -> None:
    assert tags_named(tag, ["tax", "tax/2025/q1", "taxi", "home", "Café"]) == named
