"""The day a document is of, from what it says, its name and its folders; and dates as people and programs write them.

A date is an ISO day, or a month or a year where no more is written. What the document says of itself counts most, then
its name, its title, its folders, and the day its file was made; where all are silent the store takes the day of its last
change. Of Git nothing is asked: the first commit of most vaults is the day they were put into Git.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from brain.types import DateOrigin, Window

# What people read of an origin.
ORIGINS: dict[DateOrigin, str] = {
    "frontmatter": "front matter",
    "name": "file name",
    "title": "title",
    "folder": "folder",
    "metadata": "PDF",
    "modified": "last change",
}
MONTHS = {name: at for at, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)

_YEAR = r"(?:19|20)\d\d"
_ISO = re.compile(r"(\d{4})[-/._](\d{1,2})(?:[-/._](\d{1,2}))?(?![\d])")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T\d{4,6}|\d{6})?Z?$")
_DAY_MONTH = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th)?\.?[ ,]+(?:of )?({MONTH})\b\.?,?[ ]+(\d{{4}})", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"\b({MONTH})\.?[ ]+(\d{{1,2}})(?:st|nd|rd|th)?,?[ ]+(\d{{4}})", re.IGNORECASE)
_MONTH_YEAR = re.compile(rf"({MONTH})\.?,? (\d{{4}})", re.IGNORECASE)

# Names: words run into dates with any of these between them.
_GAP = r"[ ._,-]+"
_NAMED = re.compile(
    rf"(?<!\d)(?P<y1>{_YEAR})(?P<gap>[-_. ])(?P<m1>\d{{1,2}})(?P=gap)(?P<d1>\d{{1,2}})(?!\d)"
    rf"|(?<!\d)(?P<y2>{_YEAR})(?P<m2>\d\d)(?P<d2>\d\d)(?:[T_-]?\d{{4,6}})?(?![^\W_])"
    rf"|(?<![\d.])(?P<d3>\d{{1,2}})\.(?P<m3>\d{{1,2}})\.(?P<y3>{_YEAR})(?![\d.])"
    rf"|(?<!\d)(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?{_GAP}(?:of{_GAP})?(?P<m4>{MONTH}){_GAP}(?P<y4>{_YEAR})(?!\d)"
    rf"|(?<![^\W_])(?P<m5>{MONTH}){_GAP}(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?{_GAP}(?P<y5>{_YEAR})(?!\d)"
    rf"|(?<!\d)(?P<y6>{_YEAR}){_GAP}(?P<m6>{MONTH})(?:{_GAP}(?P<d6>\d{{1,2}}))?(?![^\W_])"
    rf"|(?<!\d)(?P<y7>{_YEAR})-?W(?P<w7>\d\d)(?!\d)"
    rf"|(?<!\d)(?P<y8>{_YEAR})[-_.](?P<m8>0[1-9]|1[0-2])(?![-_.]?\d)"
    rf"|(?<![^\W_])(?P<m9>{MONTH}){_GAP}(?P<y9>{_YEAR})(?!\d)"
    rf"|^(?P<y0>{_YEAR})(?:[-_. ]?Q[1-4])?$",
    re.IGNORECASE,
)
_MONTH_PART = re.compile(rf"(?:(?P<number>0?[1-9]|1[0-2])(?:{_GAP}(?:{MONTH}))?|(?P<name>{MONTH}))$", re.IGNORECASE)
_MONTH_AND_DAY = re.compile(r"(0[1-9]|1[0-2])[-_.]([0-3]\d)(?!\d)")
_DAY_PART = re.compile(r"([0-3]?\d)(?:st|nd|rd|th)?$|([0-3]\d)(?=[ ._-])")


def written_date(value: Any) -> str | None:
    """A date from a value that is meant as one: "2025-03-09", "2025-03" or "2025"; None for anything else."""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d") if value.year >= 1000 else None
    written = str(value).strip().strip("[]\"'")[:60]
    try:
        if found := _ISO.match(written):
            return _checked(found[1], found[2], found[3])
        if found := _COMPACT.match(written):
            return _checked(found[1], found[2], found[3])
        if written.isdecimal() and len(written) in (10, 13):  # seconds or milliseconds since 1970
            return datetime.fromtimestamp(int(written[:10]), UTC).date().isoformat()
        if found := _DAY_MONTH.search(written):
            return _checked(found[3], found[2], found[1])
        if found := _MONTH_DAY.search(written):
            return _checked(found[3], found[1], found[2])
        if found := _MONTH_YEAR.fullmatch(written):
            return _checked(found[2], found[1])
        if found := re.fullmatch(rf"(?:0?(\d|[12]\d|3[01]))\.(?:0?(\d|1[0-2]))\.({_YEAR})", written):
            return _checked(found[3], found[2], found[1])
    except (ValueError, OverflowError, OSError):
        return None
    return written if re.fullmatch(_YEAR, written) else None


def date_in_name(name: str) -> str | None:
    """The first date in a name: "2024-03-01 Standup", "2024_03_01", "Scan 20240301", "1 March 2024", "journal.2024.03.01",
    "2024-W09", "2024-03", "March 2024"; a year only where it is the whole name.
    """
    for found in _NAMED.finditer(name.strip()[:300]):
        parts = {key[0]: value for key, value in found.groupdict().items() if value and key != "gap"}
        try:
            if "w" in parts:
                return date.fromisocalendar(int(parts["y"]), int(parts["w"]), 1).isoformat()
            return _checked(parts["y"], parts.get("m"), parts.get("d"))
        except ValueError:
            continue  # "2024-13-45" is a number of something
    return None


def date_of_path(parts: Sequence[str]) -> tuple[str, DateOrigin] | None:
    """The date in a file's name, else in its folders; `parts` is the path from the watched folder on, the name without suffix."""
    if named := date_in_name(parts[-1]):
        return named, "name"
    for at in range(len(parts) - 2, -1, -1):
        if found := date_in_name(parts[at]):
            return _refined(found, parts[at + 1 :]), "folder"
    return None


def dated(
    said: str | None, origin: DateOrigin | None, parts: Sequence[str]
) -> tuple[str, DateOrigin] | tuple[None, None]:
    """The date that counts of what a document says of itself and what its path says; (None, None) where neither does."""
    own: tuple[str, DateOrigin] | None = (said, origin or "frontmatter") if said else None
    if own and own[1] == "frontmatter":
        return own
    found = date_of_path(parts)
    if own and (found is None or (own[1] == "title" and found[1] != "name")):
        return own
    return found or (None, None)


def _refined(found: str, rest: Sequence[str]) -> str:
    """A year or a month with what the next names of the path add to it: "2024", "03", "01" are a day."""
    for name in rest:
        try:
            if len(found) == 4 and (both := _MONTH_AND_DAY.match(name)):
                return _checked(found, both[1], both[2])
            if len(found) == 4 and (month := _MONTH_PART.match(name)):
                found = _checked(found, month["number"] or month["name"])
            elif len(found) == 7 and (day := _DAY_PART.match(name)):
                return _checked(found[:4], found[5:], day[1] or day[2])
            else:
                return found
        except ValueError:
            return found
    return found


def _checked(year: str, month: str | None = None, day: str | None = None) -> str:
    """The parts as an ISO date. Raises ValueError where no calendar has it."""
    number = None if month is None else MONTHS.get(month[:3].lower()) or int(month)
    whole = date(int(year), number or 1, int(day or 1)).isoformat()
    return whole if day else whole[:7] if number else whole[:4]


def window_in_words(window: Window) -> str:
    """What was understood, for a person, on one line: "1–31 March 2026 (from “last March”)"."""
    words, days = " ".join(window.words.split()), days_in_words(window.after, window.before)
    match window.use:
        case "only":
            return f"{days} (from “{words}”)"
        case "first":
            return f"{days} first (from “{words}”)"
        case "none":
            return f"nothing from {days} (“{words}”), so all were searched"


def days_in_words(after: str | None, before: str | None) -> str:
    """Two ISO days, both inclusive, as people write them: "3 May 2025", "3–9 May 2025", "since 3 May 2025", "2025"."""
    if after is None or before is None:
        return f"until {_day_in_words(before)}" if before else f"since {_day_in_words(after)}" if after else "any day"
    if after == before:
        return _day_in_words(after)
    if after[:4] == before[:4] and (after[5:], before[5:]) == ("01-01", "12-31"):
        return after[:4]
    first = _day_in_words(after)
    if after[:7] == before[:7]:
        return f"{int(after[8:])}–{_day_in_words(before)}"
    return f"{first.rsplit(' ', 1)[0] if after[:4] == before[:4] else first} – {_day_in_words(before)}"


def _day_in_words(day: str | None) -> str:
    whole = date.fromisoformat(day or "")
    return f"{whole.day} {_WRITTEN[whole.month - 1]} {whole.year:04}"


_WRITTEN = "January February March April May June July August September October November December".split()
