"""The days that a question speaks of in plain words: "last March", "two weeks ago", "since May", "between 3 and 10 April".

A window of whole days comes out, with where its words stand and how sure it is that they say when the note was written:

    only    documents of other days are left out: "last March", or "in 2024" where it is about one's own notes
    first   documents of these days come before others: "the world war in 1944", "what to prune in March", "next week"

A week runs from Monday to Sunday, a season begins with a month, what has no year is the latest that has begun, and
"since", "before", "until", "after" leave one end open. What is in quotes, and what only looks like a date ("May I",
"Windows 95", "spring boot"), is left alone: a month, a year or a weekday counts behind a word that makes it one.

Own code, because the libraries answer another question: dateparser and parsedatetime give instants without a length
("in March 2024" is a day in March), take "may", "march", "sat", "second" and bare numbers for dates, and read one
expression, not the relation around it ("since", "between … and"); timefhuman wants the date alone; ctparse has ranges but has
been asleep since 2021. English only: words in other languages are searched for as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from brain.almanac import DAY
from brain.days import NOTES, Expression, Kind, expressions
from brain.types import Window

LONGEST = 300  # characters; what is longer is a pasted text, and the dates in it are not meant

_BEFORE = re.compile(
    r"(?:^|(?<=\s))(?P<word>since|before|after|until|till|between|from|in|during|over|at|on|of|for|throughout|around|the)"
    r"(?:\s+the)?\s+$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\b(?P<word>since|before|after|until|till)\s+(?:I|we|you|he|she|they|it|my|our|the|his|her|their)\b[^,;?.!]*$",
    re.IGNORECASE,
)
_OPENING = ("since", "before", "after", "until", "till")
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


def period(text: str, *, today: date) -> Period | None:
    """The days a question speaks of; None where it speaks of none. Never raises."""
    if len(text) > LONGEST:
        return None
    is_ours = _is_ours(text)
    try:
        found = [one for one in _stretches(text, today) if one.kind != "today" or is_ours]
    except OverflowError:  # before the first day or after the last one that a calendar has
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
        word = before["word"].lower() if before else ""
        start = before.start() if before else one.start
        if other is not None and (stretch := _range(text, start, word, one, other)) is not None:
            made.append(stretch)
            at += 2
            continue
        at += 1
        if one.days.bare and word in ("", "the"):
            continue
        made.append(_opened(text, one, start, word))
    return made


def _range(text: str, start: int, word: str, one: Expression, other: Expression) -> _Stretch | None:
    """From the one to the other, where the words between them say so."""
    between = text[one.end : other.start]
    if not _AND.match(between + " " if between.strip() else between):
        return None
    is_dash = not any(letter.isalpha() for letter in between)
    if word not in ("between", "from") and (not is_dash or (one.days.bare and other.days.bare)):
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
    match word:
        case "since":
            return _Stretch(start, end, first, None, days.kind, word)
        case "before":
            return _Stretch(start, end, None, (heart or first) - DAY, days.kind, word)
        case "after":
            return _Stretch(start, end, (heart or last) + DAY, None, days.kind, word)
        case "until" | "till":
            return _Stretch(start, end, None, last, days.kind, word)
    return _Stretch(start, end, first, last, days.kind, word)


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
        return True
    if one.kind in ("vague", "future"):
        return False
    if one.kind == "recurring" and not set(re.findall(r"\w+", rest.lower())) - _EMPTY:
        return True  # "what happened on Monday"
    if not is_ours or (one.preposition == "for" and not re.search(rf"\b(?:{NOTES})\b", text, re.IGNORECASE)):
        return False
    return one.kind != "recurring" or not _HABIT.search(rest)  # "what do I plant in April"


def _is_ours(text: str) -> bool:
    """Whether a question is of one's own notes and doings: "did I", "our", "meeting"; not "World War I", "the US"."""
    if any(found[0] != "US" for found in _OURS.finditer(text)):
        return True
    return any(
        not found["before"] or found["before"].lower() in _ASKING or found["before"][0].islower()
        for found in _I.finditer(text)
    )


def _without(text: str, found: Iterable[_Stretch]) -> str:
    for one in sorted(found, key=lambda one: -one.start):
        text = text[: one.start] + " " + text[one.end :]
    return text
