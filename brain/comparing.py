"""What two texts can be compared by: the roots of their words, their numbers in one form, their quotable parts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from brain.wording import sentences, terms

_LONG = 400  # characters; a longer "sentence" with line breaks is a listing and quoted by the line

WORD = re.compile(r"[^\W_]+(?:[.’'&-][^\W_]+)*")
NUMBER = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?![\d.,]*\d)|\d+(?:[.,:/-]\d+)*")
MONTHS = {
    name: str(at)
    for at, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct"
        "|november nov|december dec".split("|"),
        1,
    )
    for name in names.split()
}
COUNTS = {
    name: str(value)
    for value, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split()
    )
} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "twice": "2",
}

_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_SCALED = re.compile(
    rf"(?<![\w.,])(\d{{1,12}}(?:,\d{{3}})*(?:\.\d{{1,6}})?|{'|'.join(COUNTS)})[ -]({'|'.join(_SCALES)})\b",
    re.IGNORECASE,
)


def pieces(text: str) -> list[tuple[int, int]]:
    """The quotable parts of a passage as (start, end): sentences, list items, table rows, and the lines of listings."""
    spans: list[tuple[int, int]] = []
    for start, end in sentences(text):
        if end - start <= _LONG or "\n" not in text[start:end]:
            spans.append((start, end))
            continue
        for line in re.finditer(r"[^\n]*\S", text[start:end]):
            indent = len(line[0]) - len(line[0].lstrip())
            spans.append((start + line.start() + indent, start + line.end()))
    return [(start, end) for start, end in spans if any(letter.isalnum() for letter in text[start:end])]


def root(term: str) -> str:
    """A folded word without its commonest endings, so that "encrypted" meets "encryption"."""
    if len(term) > 4 and term.isascii() and term.isalpha():
        for ending in _ENDINGS:
            if term.endswith(ending) and len(term) - len(ending) >= 3:
                term = term[: -len(ending)]
                break
        if len(term) > 3 and term[-1] == term[-2] and term[-1] not in "aeiouls":
            term = term[:-1]  # "planned" → "plan"
    return term


_ENDINGS = (
    "ization", "isation", "ational", "fulness", "ations", "ation", "ments", "ment", "ness", "ings", "ing", "ions",
    "ion", "edly", "ally", "ors", "ers", "ies", "ied", "ed", "er", "or", "ly", "es", "e", "y", "s",
)  # fmt: skip


# Pairs of which one cannot stand for the other.
OPPOSITES = tuple(
    frozenset(root(word) for word in pair.split("/"))
    for pair in (
        "increase/decrease increase/reduce rise/fall rose/fell grew/shrank more/less more/fewer most/least higher/lower "
        "highest/lowest larger/smaller largest/smallest before/after first/last earlier/later allow/forbid allow/prohibit "
        "enable/disable always/never accept/reject win/lose won/lost open/close start/stop begin/end above/below "
        "inside/outside north/south east/west northern/southern eastern/western male/female older/younger oldest/youngest "
        "better/worse best/worst newer/older new/old faster/slower fast/slow public/private free/paid true/false "
        "possible/impossible add/remove buy/sell bought/sold import/export left/right up/down cheap/expensive hot/cold "
        "day/night on/off"
    ).split()
)
OPPOSITE_WORDS = frozenset(word for pair in OPPOSITES for word in pair)


def roots(text: str) -> frozenset[str]:
    """The roots of all words of a text."""
    return frozenset(root(term) for term in terms(text))


def comparable(text: str) -> frozenset[str]:
    """The roots of a text's words, and its numbers in their one form."""
    return roots(text) | numbers_in(text)


def numbers_in(text: str) -> frozenset[str]:
    """Every number of a text in one form: "1,000" is 1000, "four" is 4, a month is its number behind an "m"."""
    found: set[str] = set()
    for match in _SCALED.finditer(text):
        count = COUNTS.get(match[1].lower()) or match[1].replace(",", "")
        found.add(f"{round(float(count) * _SCALES[match[2].lower()], 6):.12g}")
    text = _SCALED.sub(" ", text)
    for match in NUMBER.finditer(text):
        found.update(_number(match[0]))
    words = [word.lower() for word in WORD.findall(text)]
    for at, word in enumerate(words):
        for part in word.split("-"):
            if part in COUNTS:
                found.add(COUNTS[part])
        if word in MONTHS and (word != "may" or any(near[:1].isdigit() for near in words[max(0, at - 1) : at + 2])):
            found.add("m" + MONTHS[word])
    return frozenset(found)


def _number(written: str) -> Iterable[str]:
    day = re.fullmatch(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?", written)
    if day and 1 <= int(day[2]) <= 12:
        return [day[1], f"m{int(day[2])}", *([str(int(day[3]))] if day[3] else [])]
    if re.fullmatch(r"\d{1,3}(?:[,\s]\d{3})+", written):
        return [re.sub(r"[,\s]", "", written)]
    if re.fullmatch(r"\d+[.]\d+", written):
        return [written.rstrip("0").rstrip(".")]
    if re.fullmatch(r"\d{1,2}:\d{2}", written):
        return [written.lstrip("0")]
    return [part.lstrip("0") or "0" for part in re.split(r"[.,:/-]", written)]
