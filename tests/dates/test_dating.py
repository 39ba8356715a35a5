"""The day of a document: as it is written, from its name, its folders, and which of them counts."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.dating import date_in_name, dated, days_in_words, window_in_words, written_date
from brain.types import Window


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-03-09", "2024-03-09"),
        ("2024-03-09T10:11:12+01:00", "2024-03-09"),
        ("2024/3/9", "2024-03-09"),
        ("20240309", "2024-03-09"),
        ("2024-03", "2024-03"),
        ("2024", "2024"),
        ("March 2024", "2024-03"),
        ("9.3.2024", "2024-03-09"),
        ("[[Mar 9th, 2025]]", "2025-03-09"),
        ("9 March 2025", "2025-03-09"),
        ("9th of March 2025", "2025-03-09"),
        ("Sunday, March 9, 2025", "2025-03-09"),
        (date(2024, 3, 9), "2024-03-09"),
        (datetime(2024, 3, 9, 12), "2024-03-09"),
        ("1612345678901", "2021-02-03"),
        ("2024-13-45", None),
        ("31 June 2024", None),
        ("soon", None),
        ("", None),
        ("99999999999999999999", None),
        ([1], None),
    ],
)
def test_a_date_is_read_as_people_and_programs_write_it(written: object, day: str | None) -> None:
    assert written_date(written) == day


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2024-03-01", "2024-03-01"),
        ("2024_03_01", "2024-03-01"),
        ("2024.03.01", "2024-03-01"),
        ("2024 03 01 standup", "2024-03-01"),
        ("2024-3-1", "2024-03-01"),
        ("20240301", "2024-03-01"),
        ("202403011530 an idea", "2024-03-01"),
        ("20240301153000", "2024-03-01"),
        ("20240301T1530", "2024-03-01"),
        ("IMG_20240301_153000", "2024-03-01"),
        ("Standup 2024-03-01", "2024-03-01"),
        ("meeting-2024-03-01-board", "2024-03-01"),
        ("journal.2024.03.01", "2024-03-01"),
        ("daily.journal.2024.03.01.work", "2024-03-01"),
        ("1 March 2024", "2024-03-01"),
        ("1st of March 2024", "2024-03-01"),
        ("01-Mar-2024", "2024-03-01"),
        ("March 1, 2024", "2024-03-01"),
        ("Mar 1st, 2024", "2024-03-01"),
        ("2024 March 1", "2024-03-01"),
        ("Protokoll 01.03.2024", "2024-03-01"),
        ("2024-W09", "2024-02-26"),
        ("2024-03", "2024-03"),
        ("2024_03 review", "2024-03"),
        ("March 2024", "2024-03"),
        ("Budget Mar 2024", "2024-03"),
        ("2024", "2024"),
        ("2024-Q1", "2024"),
        ("Windows 2000", None),
        ("2025-plan", None),
        ("plan 2025", None),
        ("2024-13-45", None),
        ("2024-02-30", None),
        ("20241399", None),
        ("1234567890", None),
        ("120240301", None),
        ("v1.2.2024.5", None),
        ("march of progress", None),
        ("summary 2024", None),
        ("10.1145.2024", None),
        ("", None),
    ],
)
def test_a_name_is_dated_by_the_date_in_it(name: str, day: str | None) -> None:
    assert date_in_name(name) == day


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("notes/2024-03-01", ("2024-03-01", "name")),
        ("notes/journal/2024/03/01", ("2024-03-01", "folder")),
        ("notes/journal/2024/03/01 Standup", ("2024-03-01", "folder")),
        ("notes/journal/2024/03-March/1", ("2024-03-01", "folder")),
        ("notes/journal/2024/March/1st", ("2024-03-01", "folder")),
        ("notes/journal/2024/03-01", ("2024-03-01", "folder")),
        ("notes/journal/2024-03/01", ("2024-03-01", "folder")),
        ("notes/2024-03-01 trip/packing", ("2024-03-01", "folder")),
        ("notes/2024/March", ("2024-03", "folder")),
        ("notes/2024/03/ideas", ("2024-03", "folder")),
        ("notes/2024/03/99", ("2024-03", "folder")),
        ("notes/taxes/2024/receipt", ("2024", "folder")),
        ("notes/taxes/2024/10 things to remember", ("2024", "folder")),
        ("notes/2023/2024-03-01", ("2024-03-01", "name")),
        ("notes/03/01", (None, None)),
        ("notes 2024/a", (None, None)),
        ("a", (None, None)),
    ],
)
def test_a_path_is_dated_by_the_name_and_else_by_its_folders(path: str, expected: tuple[str, str]) -> None:
    assert dated(None, None, path.split("/")) == expected


@pytest.mark.parametrize(
    ("origin", "path", "expected"),
    [
        ("frontmatter", "2024/2024-03-01", ("2020-01-01", "frontmatter")),
        ("title", "2024/2024-03-01", ("2024-03-01", "name")),
        ("title", "2024/a", ("2020-01-01", "title")),
        ("metadata", "2024/2024-03-01", ("2024-03-01", "name")),
        ("metadata", "2024/a", ("2024", "folder")),
        ("metadata", "a", ("2020-01-01", "metadata")),
    ],
)
def test_what_a_document_says_counts_by_where_it_says_it(origin, path: str, expected: tuple[str, str]) -> None:
    assert dated("2020-01-01", origin, path.split("/")) == expected


@given(st.text(max_size=60), st.lists(st.text("0123456789-_. WQTabmr/", max_size=12), max_size=4))
def test_no_name_is_too_odd(name: str, folders: list[str]) -> None:
    found, origin = dated(None, None, [*folders, name])
    assert (found is None) == (origin is None)
    if found:
        date.fromisoformat(found + "-01-01"[len(found) - 4 :] if len(found) < 10 else found)


@pytest.mark.parametrize(
    ("after", "before", "written"),
    [
        ("2026-03-01", "2026-03-31", "1–31 March 2026"),
        ("2026-06-16", "2026-06-16", "16 June 2026"),
        ("2025-01-01", "2025-12-31", "2025"),
        ("2026-03-17", "2026-06-17", "17 March – 17 June 2026"),
        ("2025-12-01", "2026-02-28", "1 December 2025 – 28 February 2026"),
        ("2026-05-01", None, "since 1 May 2026"),
        (None, "2025-12-24", "until 24 December 2025"),
    ],
)
def test_days_are_written_as_people_write_them(after: str | None, before: str | None, written: str) -> None:
    assert days_in_words(after, before) == written
    assert window_in_words(Window(after, before, "last\n March")) == f"{written} (from “last March”)"
    assert window_in_words(Window(after, before, "w", "first")) == f"{written} first (from “w”)"
    assert window_in_words(Window(after, before, "w", "none")) == f"nothing from {written} (“w”), so all were searched"
