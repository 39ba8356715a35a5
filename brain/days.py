"""Words of the calendar in a text and the days that they mean: "last March", "two weeks ago", "Q3 2023", "the 3rd of April".

Each expression by itself: what "since" and "between" make of them, and how sure they are, is for `periods` to say. A
week runs from Monday to Sunday, a season begins with a month, what has no year is the latest that has begun. English only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from brain.almanac import DAY, SEASONS, around, back, feast, latest, month_end, season, third
from brain.dating import MONTH, MONTHS

# How an expression says when: gone by for certain; of now; "today", which may be nowadays; with its year; without one;
# about; and to come.
Kind = Literal["past", "present", "today", "dated", "recurring", "vague", "future"]


@dataclass(frozen=True, slots=True)
class Days:
    """The days some words mean. `bare`: they count only behind a preposition or in a range ("May", "2024", "Friday")."""

    first: date
    last: date
    kind: Kind
    bare: bool = False
    again: Callable[[date], tuple[date, date]] | None = None  # of what recurs, the latest that begins by a day
    heart: date | None = None  # what "before" and "after" count from, where it is not all of it


@dataclass(frozen=True, slots=True)
class Expression:
    """Days, and where in the text they are named."""

    start: int
    end: int
    days: Days


_NUMBERS = {
    name: at for at, name in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
} | {"a": 1, "an": 1}
_NUMBER = rf"\d{{1,3}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))}"
_ORDINALS = {
    name: at for at, name in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)
}
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_WEEKDAY = "|".join(_WEEKDAYS)
_SHORT_DAY = "mon|tues?|thu(?:rs?)?|fri"
_SEASON = "|".join(SEASONS)
_UNITS = "day|week|month|year"
_YEAR = r"(?:19|20)\d\d"
_NTH = r"(?:st|nd|rd|th)"
_PART = r"(?:(?:the\s+)?(?P<part>early|mid|late|beginning\s+of|start\s+of|middle\s+of|end\s+of)[\s-]+)"
_OF_YEAR = r"(?:,?\s+(?:of\s+)?(?P<year>(?:1\d|20)\d\d)(?![\w-]))"
_NAMED_DAYS = re.compile(r"\b(?:black|good|bloody|ash|easter|cyber|super|palm|fat|shrove|holy|casual|man)\s+$", re.I)
# Behind a number these say that it counts something.
_COUNTED = (
    r"(?!\s+(?:miles?|km|steps?|times|people|users?|pages?|euros?|dollars?|bytes|words|items|degrees|hours?|minutes)\b)"
)


def _month(name: str) -> int:
    return MONTHS[name[:3].lower()]


def _count(word: str) -> int:
    return _NUMBERS.get(word.lower()) or int(word)


def _recurring(today: date, at: Callable[[int], tuple[date, date]], *, bare: bool) -> Days:
    """What comes every year, as the latest that has begun."""

    def again(by: date) -> tuple[date, date]:
        for year in range(by.year, by.year - 9, -1):  # 29 February may be eight years back
            try:
                days = at(year)
            except ValueError:
                continue
            if days[0] <= by:
                return days
        raise ValueError(by)

    return Days(*again(today), "recurring", bare, again)


def _yearly(found: re.Match[str], today: date, at: Callable[[int], tuple[date, date]], *, bare: bool) -> Days:
    year = found.groupdict().get("year")
    return Days(*at(int(year)), "dated") if year else _recurring(today, at, bare=bare)


def _iso_day(found: re.Match[str], _today: date) -> Days:
    day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    return Days(day, day, "dated")


def _iso_month(found: re.Match[str], _today: date) -> Days:
    year, month = int(found["y"]), int(found["m"])
    return Days(date(year, month, 1), month_end(year, month), "dated")


def _day_of_month(found: re.Match[str], today: date) -> Days:
    written, month = found["d"].lower(), _month(found["month"])
    number = _ORDINALS.get(written) or int(written)
    is_plain = found["nth"] or written in _ORDINALS or (found["month"][0].isupper() and len(found["month"]) >= 3)
    return _yearly(found, today, lambda year: (date(year, month, number), date(year, month, number)), bare=not is_plain)


def _days_of_month(found: re.Match[str], today: date) -> Days:
    month, first, last = _month(found["month"]), int(found["d"]), int(found["e"])
    return _yearly(found, today, lambda year: (date(year, month, first), date(year, month, last)), bare=False)


NOTES = (
    "notes?|journals?|diar(?:y|ies)|entry(?! into)|entries|meetings?(?! of the)|stand-?ups?|retros?|1:1s?|workshops?|"
    "calls?(?! (?:for|it|him|her|them|on|to)\\b)|logbooks?"
)
_PARTS = {"early": (1, 10), "mid": (11, 20), "late": (21, 31)}


def _part(words: str) -> Literal["early", "mid", "late"]:
    words = words.lower()
    return "mid" if words.startswith("mid") else "late" if words.startswith(("end", "late")) else "early"


def _part_of_month(found: re.Match[str], today: date) -> Days:
    month, (first, last) = _month(found["month"]), _PARTS[_part(found["part"])]
    return _yearly(
        found,
        today,
        lambda year: (date(year, month, first), date(year, month, min(last, month_end(year, month).day))),
        bare=False,
    )


def _part_of_year(found: re.Match[str], _today: date) -> Days:
    return Days(*third(int(found["year"]), _part(found["part"])), "dated")


def _half(found: re.Match[str], _today: date) -> Days:
    year, at = int(found["year"]), int(found["half"].lower() == "second")
    return Days(date(year, 6 * at + 1, 1), month_end(year, 6 * at + 6), "dated")


def _week_of_month(found: re.Match[str], today: date) -> Days:
    month, which = _month(found["month"]), found["which"].lower()

    def at(year: int) -> tuple[date, date]:
        last = month_end(year, month)
        if which == "last":
            return last - 6 * DAY, last
        first = date(year, month, 7 * _ORDINALS[which] - 6)
        return first, min(last, first + 6 * DAY)

    return _yearly(found, today, at, bare=False)


def _week_around(found: re.Match[str], today: date) -> Days:
    month, day = _month(found["month"] or found["month_"]), int(found["d"] or found["d_"])
    unit = found["unit"].lower()
    return _yearly(found, today, lambda year: around(date(year, month, day), unit), bare=False)


def _whole_month(found: re.Match[str], today: date) -> Days:
    month = _month(found["month"])
    return _yearly(found, today, lambda year: (date(year, month, 1), month_end(year, month)), bare=True)


def _quarter(found: re.Match[str], today: date) -> Days:
    named = found["quarter"].lower()
    at = _ORDINALS.get(named) or int(named)
    return _yearly(found, today, lambda year: (date(year, 3 * at - 2, 1), month_end(year, 3 * at)), bare=True)


def _season(found: re.Match[str], today: date) -> Days:
    days = _yearly(found, today, lambda year: season(year, found["season"]), bare=True)
    # "in summer" is said of every summer.
    return days if found["year"] else replace(days, kind="vague")


def _year(found: re.Match[str], _today: date) -> Days:
    year = int(found["year"])
    return Days(date(year, 1, 1), date(year, 12, 31), "dated", bare=True)


def _relative_day(found: re.Match[str], today: date) -> Days | None:
    word, before = " ".join(found[0].lower().split()), found.string[: found.start()].rstrip()
    if found[0][0].isupper() and before and not before.endswith((".", "?", "!")):
        return None  # "the song Yesterday"
    step = _STEPS.get(word, 0)
    kind: Kind = "today" if word == "today" else "future" if step > 0 else "past"
    return Days(today + step * DAY, today + step * DAY, kind)


_STEPS = {
    "the day before yesterday": -2,
    "day before yesterday": -2,
    "yesterday": -1,
    "last night": -1,
    "tomorrow": 1,
    "the day after tomorrow": 2,
    "day after tomorrow": 2,
}


def _ago(found: re.Match[str], today: date) -> Days:
    unit, word = found["unit"].lower(), found["count"].lower()
    if "few" in word or "several" in word:
        return Days(back(today, 5, unit), back(today, 2, unit), "vague")
    if "couple" in word:
        return Days(back(today, 3, unit), back(today, 1, unit), "vague")
    return Days(*around(back(today, _count(word), unit), unit), "past")


def _stretch(found: re.Match[str], today: date) -> Days:
    count, unit = (found["count"] or "one").lower(), found["unit"].lower()
    if "few" in count or "several" in count or "couple" in count:
        return Days(back(today, 3 if "couple" in count else 5, unit), today, "vague")
    return Days(back(today, _count(count), unit), today, "past")


def _neighbour(found: re.Match[str], today: date) -> Days:
    """Last, this or next week, weekend, month, quarter or year; or the one before the last."""
    step, unit = -2 if found["before"] else _STEP_TO[found["which"].lower()], found["unit"].lower()
    if unit == "weekend":
        saturday = today + (5 - today.weekday()) * DAY + 7 * step * DAY
        return Days(saturday, saturday + DAY, _KIND_OF_STEP[step])
    first, last = around(today, unit)
    for _ in range(abs(step)):
        first, last = around(first - DAY if step < 0 else last + DAY, unit)
    if found["part"] and unit == "year":
        first, last = third(first.year, _part(found["part"]))
    elif found["part"] and unit == "month":
        begin, end = _PARTS[_part(found["part"])]
        first, last = first.replace(day=begin), min(last, first + (end - 1) * DAY)
    return Days(first, last, _KIND_OF_STEP[step])


_STEP_TO = {"last": -1, "previous": -1, "past": -1, "this past": -1, "this": 0, "the": 0, "next": 1}
_KIND_OF_STEP: dict[int, Kind] = {-2: "past", -1: "past", 0: "present", 1: "future"}


def _neighbour_of_year(found: re.Match[str], today: date) -> Days:
    """Last, this or next March, summer."""
    which, named = found["which"].lower(), found["named"].lower()

    def at(year: int) -> tuple[date, date]:
        return (
            season(year, named) if named in SEASONS else (date(year, _month(named), 1), month_end(year, _month(named)))
        )

    every = [at(year) for year in range(today.year - 2, today.year + 3)]
    if which in ("last", "previous"):
        return Days(*[days for days in every if days[1] < today][-1], "past")
    if which == "this":
        return Days(*at(today.year - (named == "winter" and today.month < 3)), "present")
    return Days(*next(days for days in every if days[0] > today), "future")


def _weekday(found: re.Match[str], today: date) -> Days:
    which, number = (found["which"] or "").lower(), [day[:3] for day in _WEEKDAYS].index(found["day"][:3].lower())
    if which == "next":
        day = today + ((number - today.weekday() - 1) % 7 + 1) * DAY
        return Days(day, day, "future")
    if which == "this":
        day = today + (number - today.weekday()) * DAY
        return Days(day, day, "present" if day <= today else "future")
    day = today - ((today.weekday() - number - 1) % 7 + 1) * DAY
    if which:
        return Days(day, day, "past")
    is_said = found["owns"] is not None and not _NAMED_DAYS.search(found.string[: found.start()])
    return Days(day, day, "recurring", bare=not is_said, again=lambda by: latest(number, by))


def _ordinal_day(found: re.Match[str], today: date) -> Days:
    number = int(found["d"])
    for months in range(14):
        first = back(today.replace(day=1), months, "month")
        if number <= month_end(first.year, first.month).day and first.replace(day=number) <= today:
            return Days(first.replace(day=number), first.replace(day=number), "recurring", bare=True)
    raise ValueError(number)


def _feast(found: re.Match[str], today: date) -> Days:
    name = " ".join(found["feast"].lower().split())
    days = _yearly(found, today, lambda year: feast(name, year), bare=True)
    heart = {"christmas": 1, "xmas": 1, "easter": 2}.get(name)  # days from the first one on
    return days if heart is None else replace(days, heart=days.first + heart * DAY)


# ---- how they are written; of two that begin at one place the first counts ------------------------------------------

_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Days | None]], ...] = tuple(
    (re.compile(rf"(?<![\w.-])(?:{pattern})(?!\w)", re.IGNORECASE), reader)
    for pattern, reader in (
        (rf"(?P<y>{_YEAR})([-_/.])(?P<m>\d\d?)\2(?P<d>\d\d?)(?![-.]\d)", _iso_day),
        (rf"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>{_YEAR})(?![-.]\d)", _iso_day),
        (rf"(?P<d>1[3-9]|2\d|3[01])/(?P<m>0?[1-9]|1[0-2])/(?P<y>{_YEAR})", _iso_day),
        (rf"(?P<m>0?[1-9]|1[0-2])/(?P<d>1[3-9]|2\d|3[01])/(?P<y>{_YEAR})", _iso_day),
        (rf"(?P<y>{_YEAR})-(?P<m>0[1-9]|1[0-2])(?![-.]\d)", _iso_month),
        (
            rf"(?P<d>\d\d?){_NTH}?\s*(?:to|and|until|[-–—])\s*(?P<e>\d\d?){_NTH}?\s+(?:of\s+)?(?P<month>{MONTH})\.?{_OF_YEAR}?",
            _days_of_month,
        ),
        (
            rf"(?P<month>{MONTH})\.?\s+(?P<d>\d\d?){_NTH}?\s*[-–—]\s*(?P<e>\d\d?){_NTH}?(?!\d){_OF_YEAR}?",
            _days_of_month,
        ),
        (
            rf"(?:the\s+)?(?P<which>first|second|third|fourth|last)\s+week\s+of\s+(?P<month>{MONTH})\b{_OF_YEAR}?",
            _week_of_month,
        ),
        (
            rf"(?:the\s+)?(?P<unit>week|weekend)\s+of\s+(?:the\s+)?(?:(?P<d>\d\d?){_NTH}?\s+(?:of\s+)?(?P<month>{MONTH})"
            rf"|(?P<month_>{MONTH})\s+(?P<d_>\d\d?){_NTH}?)\b{_OF_YEAR}?",
            _week_around,
        ),
        (
            rf"(?:the\s+)?(?P<d>\d\d?)(?P<nth>{_NTH})?\s+(?:of\s+)?(?P<month>{MONTH})\b\.?{_OF_YEAR}?",
            _day_of_month,
        ),
        (rf"(?:the\s+)?(?P<d>{'|'.join(_ORDINALS)})(?P<nth>)\s+of\s+(?P<month>{MONTH})\b{_OF_YEAR}?", _day_of_month),
        (
            rf"(?P<month>{MONTH})\.?\s+(?:the\s+)?(?P<d>\d\d?)(?P<nth>{_NTH})?(?![\d:]){_COUNTED}{_OF_YEAR}?",
            _day_of_month,
        ),
        (rf"{_PART}(?P<month>{MONTH})\b{_OF_YEAR}?", _part_of_month),
        (rf"{_PART}(?P<year>{_YEAR})", _part_of_year),
        (rf"(?:the\s+)?(?P<half>first|second)\s+half\s+of\s+(?P<year>{_YEAR})", _half),
        (rf"(?P<month>{MONTH})\b\.?{_OF_YEAR}?", _whole_month),
        (rf"Q(?P<quarter>[1-4])(?:/|\s)?{_OF_YEAR}?", _quarter),
        (rf"(?:the\s+)?(?P<quarter>first|second|third|fourth)\s+quarter{_OF_YEAR}?", _quarter),
        (rf"(?:the\s+)?(?P<season>{_SEASON}){_OF_YEAR}?", _season),
        (
            r"(?:the\s+day\s+before\s+|day\s+before\s+)?yesterday|(?:(?:the\s+)?day\s+after\s+)?tomorrow|today",
            _relative_day,
        ),
        (r"last\s+night|this\s+(?:morning|afternoon|evening)|tonight", _relative_day),
        (rf"(?P<count>{_NUMBER}|(?:a\s+)?(?:few|couple(?:\s+of)?)|several)\s+(?P<unit>{_UNITS})s?\s+ago", _ago),
        (
            rf"(?:(?:in|over|during|within|for|from|of)\s+)?(?:the\s+(?:last|past)|this\s+past)\s+"
            rf"(?:(?P<count>{_NUMBER}|few|couple\s+of|several)\s+)?(?P<unit>{_UNITS})s?(?!\s+of\b)",
            _stretch,
        ),
        (
            rf"(?:last|(?:this\s+)?past)\s+(?P<count>{_NUMBER}|few|couple\s+of|several)\s+(?P<unit>{_UNITS})s?(?!\s+of\b)",
            _stretch,
        ),
        (
            rf"{_PART}?(?P<which>last|previous|past(?=\s+weekend)|this\s+past(?=\s+weekend)|this|next)\s+"
            rf"(?P<unit>{_UNITS}|weekend|quarter)(?P<before>)?(?!\s+of\b)",
            _neighbour,
        ),
        (rf"{_PART}(?P<which>the)\s+(?P<unit>month|year)(?P<before>)?(?!\s+of\b)", _neighbour),
        (rf"(?P<part>)?(?P<which>)the\s+(?P<unit>{_UNITS}|weekend|quarter)\s+(?P<before>before\s+last)", _neighbour),
        (rf"(?P<which>last|previous|this|next)\s+(?P<named>{MONTH}|{_SEASON})(?!\s+of\b)", _neighbour_of_year),
        (
            rf"(?P<which>last|this|next)\s+(?P<owns>)(?P<day>{_WEEKDAY}|{_SHORT_DAY})(?:\s+(?:morning|afternoon|evening|night))?",
            _weekday,
        ),
        (
            rf"(?P<which>)(?P<day>{_WEEKDAY})(?:\s+(?:morning|afternoon|evening|night))?(?P<owns>(?=['’]s\b|\s+(?:{NOTES})\b))?",
            _weekday,
        ),
        (r"(?:the\s+)?(?P<d>\d\d?)(?:st|nd|rd|th)(?=\s*(?:[?.!,;]|$)|\s+(?:about|at|with)\b)", _ordinal_day),
        (
            rf"(?P<feast>christmas(?:\s+eve)?|xmas|easter|halloween|new\s+year(?:['’]s(?:\s+(?:eve|day))?)?){_OF_YEAR}?",
            _feast,
        ),
        (rf"(?P<year>{_YEAR})(?:['’]s)?(?![-./]\d){_COUNTED}", _year),
    )
)


def expressions(text: str, *, today: date) -> Iterator[Expression]:
    """Every expression in order, none inside another. One that no calendar has is left out."""
    at = 0
    found = [
        (match.start(), -match.end(), order, match)
        for order, (p, _) in enumerate(_READERS)
        for match in p.finditer(text)
    ]
    for start, end, order, match in sorted(found, key=lambda one: one[:3]):
        if start < at:
            continue
        try:
            days = _READERS[order][1](match, today)
        except (ValueError, OverflowError):  # 31 June; a day before the first year there is
            continue
        if days is not None:
            at = -end
            yield Expression(start, at, days)
