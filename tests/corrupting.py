"""Sentences as a model might say them of some passages, some of them made wrong: by rule, the same every time.

A true sentence is one of a passage, said a little differently: without what stands in brackets, without the clause behind
it, with its beginning at its end, numbers in words. A wrong one is a true one with one thing changed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from brain.comparing import COUNTS, MONTHS, NUMBER
from brain.wording import STOP_WORDS, plain, sentences

_MONTH = re.compile(rf"\b(?:{'|'.join(name.title() for name in MONTHS if len(name) > 3 and name != 'may')})\b")
_YEAR = re.compile(r"(?<![\d.,])(?:1[5-9]|20)\d\d(?![\d.,]\d|\d)")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*")
_DOER = re.compile(r"^(?:The )?[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*")
_AUXILIARY = re.compile(r"\b(?:is|was|are|were|can|will|has|have|had|does|did|must|should|may|could|would)\b(?! not)")
_NOT = re.compile(r" (?:not|never)\b")
_NOUN = re.compile(r"(?<=\bthe )[a-z]{4,}\b|(?<=\ba )[a-z]{4,}\b|(?<=\ban )[a-z]{4,}\b")
_WRITTEN = {value: name for name, value in COUNTS.items()}

NAMED = ("number", "name", "date", "negation")  # what must be noticed
HARDER = ("noun", "roles")  # the same form with another common noun; who did it to whom turned round


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about `passages[at]`, and what is wrong with it: one of the kinds, or "" where it is true."""

    text: str
    at: int
    fault: str


def said(passages: Sequence[str], *, wrong: int, kinds: Sequence[str] = NAMED, seed: int = 1) -> list[Said]:
    """`wrong` sentences with a fault, the kinds in equal parts as far as the passages allow, and as many true ones."""
    dice = random.Random(seed)
    true = [(text, at) for at, passage in enumerate(passages) for text in _statements(passage)]
    dice.shuffle(true)
    found: list[Said] = []
    used: set[str] = set()
    for kind in kinds:
        made = 0
        for text, at in true:
            if made == wrong // len(kinds):
                break
            if text in used:
                continue
            changed = _FAULTS[kind](text, passages, at, dice)
            if changed and changed != text:
                used.add(text)
                made += 1
                found.append(Said(reworded(changed, dice), at, kind))
    rest = [Said(reworded(text, dice), at, "") for text, at in true if text not in used]
    return found + rest[: len(found)]


def reworded(text: str, dice: random.Random) -> str:
    """The sentence said differently, without a change of what it says."""
    text = re.sub(r" \([^()]*\)", "", text)
    opening = re.match(r"((?:In|On|At|Since|After|During) [^,]{3,40}), ([a-z]\w*|[A-Z]\w+) ", text)
    if opening and dice.random() < 0.6:
        rest = text[opening.end(1) + 2 :].rstrip(".")
        text = f"{rest[0].upper()}{rest[1:]} {opening[1][0].lower()}{opening[1][1:]}."
    clause = re.search(r",? (?:which|because|so that) .*$", text)
    if clause and clause.start() > 40 and dice.random() < 0.6:
        text = text[: clause.start()] + "."
    if dice.random() < 0.5:
        text = re.sub(
            r"(?<![\d.,–-])\b([2-9])\b(?![\d.,–-]| ?[%°€$]|st|nd|rd|th)", lambda m: _WRITTEN[m[1]], text, count=1
        )
    return text


def _statements(passage: str) -> Iterator[str]:
    for start, end in sentences(passage):
        text = " ".join(plain(passage[start:end], "markdown").split())
        words = text.split()
        if 6 <= len(words) <= 32 and text[0].isupper() and text.endswith(".") and "|" not in text:
            yield text


def _number(text: str, passages: Sequence[str], at: int, dice: random.Random) -> str:
    """Another number of the same passage where there is one, else one a little off."""
    own = [m for m in NUMBER.finditer(text) if not _YEAR.fullmatch(m[0])]
    if not own:
        return ""
    match = dice.choice(own)
    others = [m[0] for m in NUMBER.finditer(passages[at]) if m[0] not in text and not _YEAR.fullmatch(m[0])]
    digits = re.sub(r"\D", "", match[0])
    other = dice.choice(others) if others and dice.random() < 0.5 else str(int(digits) + dice.randint(1, 7))
    return text[: match.start()] + other + text[match.end() :]


def _name(text: str, passages: Sequence[str], at: int, dice: random.Random) -> str:
    """Another name of the same passage, or of any."""
    own = list(_NAME.finditer(text))
    near = passages[at] if dice.random() < 0.5 else dice.choice(passages)
    others = [
        m[0] for m in _NAME.finditer(near) if not set(m[0].split()) & set(text.split()) and m[0].lower() not in MONTHS
    ]
    own = [m for m in own if not _MONTH.search(m[0])]
    if not own or not others:
        return ""
    match = dice.choice(own)
    return text[: match.start()] + dice.choice(others) + text[match.end() :]


def _date(text: str, passages: Sequence[str], at: int, dice: random.Random) -> str:
    """Another month, or another year."""
    if match := _MONTH.search(text):
        names = [name.title() for name in MONTHS if len(name) > 4 and name.title() not in text]
        return text[: match.start()] + dice.choice(names) + text[match.end() :]
    if match := _YEAR.search(text):
        return text[: match.start()] + str(int(match[0]) + dice.choice((-10, -1, 1, 3, 20))) + text[match.end() :]
    return ""


def _negation(text: str, passages: Sequence[str], at: int, dice: random.Random) -> str:
    if match := _NOT.search(text):
        return text[: match.start()] + text[match.end() :]
    match = _AUXILIARY.search(text)
    return text[: match.end()] + " not" + text[match.end() :] if match else ""


def _noun(text: str, passages: Sequence[str], at: int, dice: random.Random) -> str:
    """Another noun of the same passage."""
    own = [m for m in _NOUN.finditer(text) if m[0] not in STOP_WORDS]
    others = [m[0] for m in _NOUN.finditer(passages[at]) if m[0] not in text and m[0] not in STOP_WORDS]
    if not own or not others:
        return ""
    match = dice.choice(own)
    return text[: match.start()] + dice.choice(others) + text[match.end() :]


def _roles(text: str, passages: Sequence[str], at: int, dice: random.Random) -> str:
    """The name that the sentence begins with and another one change places."""
    doer = _DOER.match(text)
    others = [m for m in _NAME.finditer(text) if not _MONTH.search(m[0])]
    if not doer or not others or doer[0] in STOP_WORDS or doer[0].lower() in STOP_WORDS or " and " in text:
        return ""
    other = others[-1]
    if other.start() < doer.end() + 4:
        return ""
    return f"{other[0]}{text[doer.end() : other.start()]}{doer[0]}{text[other.end() :]}"


_FAULTS: dict[str, Callable[[str, Sequence[str], int, random.Random], str]] = {
    "number": _number,
    "name": _name,
    "date": _date,
    "negation": _negation,
    "noun": _noun,
    "roles": _roles,
}
