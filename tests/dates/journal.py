"""A made-up journal of three years: an entry a day, dated in each of the ways that people's notes are dated."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from brain.types import DateOrigin
from tests.dates.questions import ASKED, TODAY

FIRST, LAST = date(2023, 6, 18), date(2026, 6, 30)  # the last two weeks are planned ahead

_MONTHS = "January February March April May June July August September October November December".split()
_DOINGS = (
    "Read about bees with Ana; the garden needs rain.",
    "Meeting with Tom: the offer of the roofer is too high, we agreed to wait.",
    "Standup: the pump was decided, I promised the drawings.",
    "Went to the dentist, wrote to the bank, cooked soup.",
    "Hiking with the kids; what a mood, the car broke down.",
    "Shipped the release and spent the evening on the review.",
    "Visited the house; the heating is cold, the weight of snow on the roof.",
)


def _logseq(day: date) -> tuple[str, str]:
    return f"journals/{day:%Y_%m_%d}.md", ""


def _iso(day: date) -> tuple[str, str]:
    return f"daily/{day:%Y-%m-%d} {'Standup' if day.weekday() < 5 else 'Weekend'}.md", ""


def _dendron(day: date) -> tuple[str, str]:
    return f"journal.{day:%Y.%m.%d}.md", ""


def _folders(day: date) -> tuple[str, str]:
    return f"diary/{day:%Y}/{day:%m}/{day:%d}.md", ""


def _front(day: date) -> tuple[str, str]:
    return f"entries/entry {day.toordinal()}.md", f"---\ndate: {day.isoformat()}\n---\n"


def _written(day: date) -> tuple[str, str]:
    return f"letters/{day.day} {_MONTHS[day.month - 1]} {day.year}.txt", ""


def _title(day: date) -> tuple[str, str]:
    return f"pages/page {day.toordinal()}.md", f"# {_MONTHS[day.month - 1][:3]} {day.day}th, {day.year}\n\n"


def _modified(day: date) -> tuple[str, str]:
    return f"loose/thought {day.toordinal()}.txt", ""


WAYS: tuple[tuple[DateOrigin, Callable[[date], tuple[str, str]]], ...] = (
    ("name", _logseq),
    ("frontmatter", _front),
    ("folder", _folders),
    ("name", _iso),
    ("modified", _modified),
    ("name", _dendron),
    ("title", _title),
    ("name", _written),
)


def days() -> Iterator[date]:
    """Every day of the last weeks; before, every tenth one, and those that a question's window begins with."""
    asked = {after for _, after, _, _ in ASKED}
    day = FIRST
    while day <= LAST:
        if day > LAST - timedelta(days=50) or day.toordinal() % 10 == 0 or day.isoformat() in asked:
            yield day
        day += timedelta(days=1)


def write_journal(folder: Path) -> dict[Path, tuple[str, DateOrigin]]:
    """Write it; returns the day of each file and where it is to be found. Every file was last changed on its day's noon,
    or, where something else says the day, today.
    """
    written: dict[Path, tuple[str, DateOrigin]] = {}
    for at, day in enumerate(days()):
        origin, way = WAYS[at % len(WAYS)]
        name, head = way(day)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{head}{_DOINGS[at % len(_DOINGS)]} Entry number {at}.\n")
        noon = datetime.combine(day if origin == "modified" else TODAY, datetime.min.time()).timestamp() + 12 * 3600
        os.utime(path, (noon, noon))
        written[path] = (day.isoformat(), origin)
    return written
