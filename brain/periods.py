"""The days that a question speaks of in plain words: "last March", "two weeks ago", "since May", "between 3 and 10 April".

A window of whole days comes out, with where its words stand and how sure it is that they say when the note was written:

    only    documents of other days are left out: "last March", or "in 2024" where it is about one's own notes
    first   documents of these days come before others: "the world war in 1944", "what to prune in March", "next week"

A week runs from Monday to Sunday, a season begins with a month, what has no year is the latest that has begun, and
"since", "before", "until", "after" leave one end open. What is in quotes, and what only looks like a date ("May I",
"Windows 95", "spring boot"), is left alone: a month, a year or a weekday counts behind a word that makes it one.

Own code, because the libraries answer another question. Of the hundred questions in the tests dateparser 1.5 finds the
first day of 22, parsedatetime 2.6 (asleep since 2020) and timefhuman 0.1.5 of 23 each, and of 73 traps ("sat exams", "a
second opinion", "they march") they take 43, 47 and 25 for dates: they give instants without a length, read one
expression and not what "since" or "between" makes of it, and cost 0.5 and 1.7 s to import. English only: words of other
languages are searched for as they always were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from brain.almanac import DAY
from brain.days import NOTES, Expression, Kind, expressions
from brain.types import Window

LONGEST = 300  # characters; what is longer is a pasted text, and the dates in it are not meant

_BEFORE = re.compile(
    r"(?:^|(?<=\s))(?P<word>since|before|prior\s+to|up\s+to|by|after|until|till|between|from|in|during|over|at|on|of|for|throughout|around|the)"
    r"(?:\s+the)?\s+$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\b(?P<word>since|before|after|until|till)\s+(?:I|we|you|he|she|they|it|my|our|the|his|her|their)\b[^,;?.!]*$",
    re.IGNORECASE,
)
_OPENING = {"since": "since", "before": "before", "prior to": "before", "after": "after"} | dict.fromkeys(
    ("until", "till", "up to", "by"), "until"
)
_AND = re.compile(r"\s*(?:,?\s(?:and|to|until|till|through)\s+(?:the\s+)?|[-–—]\s*)$", re.IGNORECASE)
_ONWARDS = re.compile(r"\s+on(?:wards?)?\b", re.IGNORECASE)
_OURS = re.compile(rf"\b(?:we|my|our|ours|me|mine|us|{NOTES})\b", re.IGNORECASE)
_I = re.compile(r"(?:(?P<before>[\w’']+)\s+)?\b[Ii]\b(?!\.)")
_HABIT = re.compile(r"\b(?:do|does|should|can|could|must|will|shall|would|to)\b", re.IGNORECASE)
# Words that ask of nothing but the days.
_EMPTY = frozenset(
    "a about all and are at did do does for from happened happen has have i in is it me my new notes of on our show the "
    "there things us was we were what whats which who you".split()
)
_ASKING = frozenset(
    "what when where who which how why did do does have has was were am is are will if and that".split()
)


_NUMBERED = frozenset("type phase part war class stage grade level book volume chapter section article group".split())


@dataclass(frozen=True, slots=True)
class Period:
    """A window where it stands in a question: `spans` are the words that say nothing else."""

    window: Window
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Days from words that stand together, a preposition included; None for an open end."""

    start: int
    end: int
    first: date | None
    last: date | None
    kind: Kind
    preposition: str = ""
    again: Callable[[date], tuple[date, date]] | None = None


def period(text: str, *, today: date) -> Period | None:
    """The days a question speaks of; None where it speaks of none. Never raises."""
    if len(text) > LONGEST:
        return None
    is_ours = _is_ours(text)
    try:
        found = _settled([one for one in _stretches(text, today) if one.kind != "today" or is_ours])
    except (ValueError, OverflowError):  # before the first day or after the last one that a calendar has
        return None
    if not found:
        return None
    first, last, fits = _meeting(found)
    rest = _without(text, found)
    sure = fits and all(_is_sure(one, text, rest, is_ours) for one in found)
    window = Window(
        first.isoformat() if first else None,
        last.isoformat() if last else None,
        " … ".join(text[one.start : one.end].strip() for one in found),
        "only" if sure else "first",
    )
    return Period(window, tuple((one.start, one.end) for one in found) if sure else ())


def _stretches(text: str, today: date) -> list[_Stretch]:
    """The expressions with their prepositions, two ends of a range as one; bare ones that nothing makes a date are gone."""
    found, made = list(expressions(text, today=today)), []
    at = 0
    while at < len(found):
        one, other = found[at], found[at + 1] if at + 1 < len(found) else None
        before = _BEFORE.search(text, 0, one.start)
        word = " ".join(before["word"].lower().split()) if before else ""
        start = before.start() if before else one.start
        if other is not None and (stretch := _range(text, start, word, one, other)) is not None:
            made.append(stretch)
            at += 2
            continue
        at += 1
        if one.days.bare and word in ("", "the", "by"):
            continue
        made.append(_opened(text, one, start, word))
    return made


def _range(text: str, start: int, word: str, one: Expression, other: Expression) -> _Stretch | None:
    """From the one to the other, where the words between them say so."""
    between = text[one.end : other.start]
    if not _AND.match(between + " " if between.strip() else between):
        return None
    is_dash = not any(letter.isalpha() for letter in between)
    if is_dash and word not in ("between", "from") and one.days.bare and other.days.bare:
        return None
    if not is_dash and (not word or word in _OPENING or ("and" not in between and word not in ("between", "from"))):
        return None
    first = one.days.first if one.days.again is None else one.days.again(other.days.first)[0]
    if first > other.days.last:
        return None
    kind: Kind = "dated" if "dated" in (one.days.kind, other.days.kind) else other.days.kind
    return _Stretch(start, other.end, first, other.days.last, kind, "in")


def _opened(text: str, one: Expression, start: int, word: str) -> _Stretch:
    """One expression, with one end open where "since", "before" and their like stand before it."""
    days, end = one.days, one.end
    first, last = days.first, days.last
    if word not in _OPENING and days.kind in ("past", "present", "today", "vague", "future") and not days.bare:
        start, word = one.start, ""  # "what did I work on this week"
    if word not in _OPENING and (clause := _CLAUSE.search(text, 0, start)):
        # "since I moved in 2024": the day is not known, its year bounds it
        opened = clause["word"].lower()
        return _Stretch(
            start,
            end,
            first if opened in ("since", "after") else None,
            None if opened in ("since", "after") else last,
            days.kind,
            opened,
        )
    if word == "from" and (onwards := _ONWARDS.match(text, end)):
        return _Stretch(start, onwards.end(), first, None, days.kind, "since")
    heart = days.heart
    match _OPENING.get(word):
        case "since":
            return _Stretch(start, end, first, None, days.kind, word)
        case "before":
            return _Stretch(start, end, None, (heart or first) - DAY, days.kind, word)
        case "after":
            return _Stretch(start, end, (heart or last) + DAY, None, days.kind, word)
        case "until":
            return _Stretch(start, end, None, last, days.kind, word)
    return _Stretch(start, end, first, last, days.kind, word, days.again)


def _settled(found: Sequence[_Stretch]) -> list[_Stretch]:
    """What recurs in the year that stands beside it: "two years ago in May"."""
    whole = [one for one in found if one.first and one.last and not one.again]
    if len(whole) != 1 or not whole[0].last:
        return list(found)
    known = [one.again(whole[0].last) if one.again else (one.first, one.last) for one in found]
    return [
        replace(one, first=days[0], last=days[1]) if days[0] and whole[0].first and days[0] >= whole[0].first else one
        for one, days in zip(found, known, strict=True)
    ]


def _meeting(found: Sequence[_Stretch]) -> tuple[date | None, date | None, bool]:
    """The days that all of them share; else from the first of any to the last of any, which is not certain."""
    firsts, lasts = [one.first for one in found if one.first], [one.last for one in found if one.last]
    first, last = max(firsts, default=None), min(lasts, default=None)
    if first is None or last is None or first <= last:
        return first, last, True
    return min(firsts), max(lasts), False


def _is_sure(one: _Stretch, text: str, rest: str, is_ours: bool) -> bool:
    """Whether the words say when the note was written, not what it tells of."""
    if one.kind in ("past", "today"):
        # "Where did Caroline move from 4 years ago" is told of later: whoever asks of others may mean the event.
        is_event = not is_ours and one.first and one.last and one.last - one.first > 31 * DAY
        return not (is_event and text.split(None, 1)[0].lower() in _ASKING)
    if one.kind in ("vague", "future"):
        return False
    if one.kind == "recurring" and not set(re.findall(r"\w+", rest.lower())) - _EMPTY:
        return True  # "what happened on Monday"
    # "our goals for 2024" were set before, and "my 2024-01 invoice" names it: only notes are of the day beside them
    names_it = one.preposition == "for" or (one.kind == "dated" and not one.preposition)
    if not is_ours or (names_it and not re.search(rf"\b(?:{NOTES})\b", text, re.IGNORECASE)):
        return False
    return one.kind != "recurring" or not _HABIT.search(rest)  # "what do I plant in April"


def _is_ours(text: str) -> bool:
    """Whether a question is of one's own notes and doings: "did I", "our", "meeting"; not "World War I", "the US"."""
    if any(found[0] != "US" for found in _OURS.finditer(text)):
        return True
    return any(
        not found["before"]
        or found["before"].lower() in _ASKING
        or (found["before"][0].islower() and found["before"] not in _NUMBERED)
        for found in _I.finditer(text)
    )


def _without(text: str, found: Iterable[_Stretch]) -> str:
    for one in sorted(found, key=lambda one: -one.start):
        text = text[: one.start] + " " + text[one.end :]
    return text
