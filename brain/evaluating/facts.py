"""Questions with a known answer, made from notes without a model, and questions that the notes cannot answer.

    fact           a sentence that holds one date, number or name, asked for by the sentence's other telling words
    two-note       two facts of two notes that share a word few other notes have, asked for in one question
    dated          a fact of a note that has a date of its own, asked for with the month: "in March 2024"
    near miss      a fact asked of a name or a number that stands in no note: the words are there, the answer is not
    not in notes   a question about somebody who stands in no note at all

Pure. They read as somebody types, not as somebody speaks: no model phrases them, since one that is small enough to be here
phrases them wrong, and a wrong question has no right answer. Scripts without spaces between words give no facts.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from brain.comparing import COUNTS, NUMBER
from brain.dating import dated as day_of
from brain.evaluating.making import (
    ENOUGH,
    SEED,
    Made,
    Note,
    counted,
    folded,
    is_prose,
    rarest,
    sentences_of,
    span_of,
    spread,
    typed_words,
)
from brain.wording import terms

CAVEAT = (
    "Questions with answers ask for one date, number or name by the other words of its sentence. They tell whether a change of "
    "model or settings helps on your notes, and whether what is not in them is refused; they are easier to find than what "
    "people ask in words of their own, and harder to read."
)
SHARES = {"two-note": 8, "dated": 8, "near miss": 8, "not in notes": 8}  # one in so many; facts are the rest
FEW = 5  # notes that a word of two facts may stand in
LONGEST_NAME = 4  # words

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    rf"\b\d{{4}}-\d\d-\d\d\b|\b(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?)?(?:{_MONTHS})(?: \d{{1,2}}(?:st|nd|rd|th)?)?,? \d{{4}}\b"
    rf"|\b(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTHS})\b|\b(?:1[5-9]|20)\d\d\b"
)
_SPELLED = "|".join(name for name in COUNTS if name not in ("one", "twice"))
_COUNT = re.compile(rf"\b(?:{_SPELLED})(?:[- ](?:{_SPELLED}|hundred|thousand|million|billion))*\b", re.IGNORECASE)
_NAME = re.compile(r"\b[a-z][\w’'-]*,? ([A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*)")
_SMALL = re.compile(r"\b[^\W\d_A-Z][\w’'-]*")
# A plain word or the sign of a currency stands before what is counted: no key, no version, no number of an issue.
_BEFORE = re.compile(r"(?:\b(?!version\b)[a-z’'-]+[ \u00a0]|[ \u00a0][€$£])\Z")
_AFTER = re.compile(r"[ \u00a0]?(?:[a-z%€$£°]|(?:EUR|USD|CHF|GBP|[KMGT]B)\b)|[.,;]?\Z")
_COUNTED = re.compile(r"[1-9]\d{0,2}(?:[ ,]?\d{3})*(?:\.\d+)?|0\.\d+|[^\W\d]+(?:[- ][^\W\d]+)*")
_ASKS = {"date": "When", "number": "How many", "name": "Who or what"}
# Nobody is called so, and no note is likely to speak of them; each is looked for before it is used.
_NOBODY = (
    "Quillfeather", "Brondelius", "Okonjuwe", "Strachwitza", "Vandermolle", "Tschirnau", "Pellegrotti", "Wexcombe", "Kjeldrup",
    "Abernathol", "Zubrowsky", "Marchetelli", "Oyelaranti", "Hinkelbach", "Dunsworthy", "Fjellmark", "Castronuevo", "Imhoffer",
    "Ploskonka", "Grimsditch", "Nakatomura", "Ravencroftson", "Szymborek", "Tallberger", "Umbriacci", "Yellowleaf",
)  # fmt: skip
_ABOUT_NOBODY = (
    "When was {} born?",
    "What is the telephone number of {}?",
    "How much does {} owe us?",
    "Which train does {} take to work?",
    "Who introduced {} to the committee?",
    "What colour is the front door of {}?",
    "How many horses does {} keep?",
    "Where did {} go to school?",
)


@dataclass(frozen=True, slots=True)
class _Fact:
    """A sentence that answers one question."""

    asks: str  # "date", "number" or "name"
    words: tuple[str, ...]  # the others of its sentence that it is asked by
    said: tuple[str, ...]  # all of them
    made: Made
    month: str = ""  # of its note, as a person says it


def answerable_from(notes: Sequence[Note], count: int) -> list[Made]:
    """Up to `count` questions for answers, of every kind that the notes give, spread over the notes; the same each time."""
    holds = Counter(term for note in notes for term in set(terms(note.document.text)))
    said = counted(said for note in notes for _, _, said in sentences_of(note.document))
    small = {word for note in notes for word in _SMALL.findall(note.document.text)}
    common = max(FEW, len(notes) // 20)
    facts = [
        fact
        for note in notes
        for fact in _facts(note, said, holds)
        if fact.asks != "name" or _is_name(fact.made.answers[0], small, holds, common)
    ]
    draw = random.Random(SEED)
    draw.shuffle(facts)
    wanted = {kind: max(1, count // share) for kind, share in SHARES.items()}
    made: list[Made] = []

    def take(kind: str, found: Iterator[Made]) -> None:
        waiting: dict[str, list[Made]] = {}
        for one in found:
            waiting.setdefault(one.path, []).append(one)
        made.extend(spread(list(waiting.values()), min(wanted[kind], count - len(made))))

    if facts and count:
        wanted["fact"] = count  # what is left by the others
        take("two-note", _of_two(facts, holds))
        take("dated", (_dated(fact) for fact in facts if fact.month and fact.asks != "date"))
        take("near miss", _near_misses(facts, holds, draw))
        take("not in notes", _of_nobody(holds))
        dated = {one.spans for one in made if one.kind == "dated"}
        take("fact", (fact.made for fact in facts if fact.made.spans not in dated))
    draw.shuffle(made)
    return made


def _facts(note: Note, seen: Counter[str], holds: Counter[str]) -> Iterator[_Fact]:
    month = _month(note)
    for start, end, said in sentences_of(note.document):
        if not is_prose(said) or seen[folded(said)] != 1 or (found := _answer(said)) is None:
            continue
        asks, answer = found
        held = set(terms(answer))
        words = [word for word in typed_words(said.replace(answer, " ")) if not held & set(terms(word))]
        if len(words) < ENOUGH:
            continue
        typed = rarest(words, holds)
        bare = re.sub(r"(?<=\d)[ ,](?=\d{3})", "", answer)
        answers = tuple(dict.fromkeys((answer, bare)))
        text = f"{_ASKS[asks]} {' '.join(typed)}?"
        yield _Fact(asks, tuple(typed), tuple(words), Made(text, "fact", (span_of(note, start, end),), answers), month)


def _answer(said: str) -> tuple[str, str] | None:
    """What of a sentence can be asked for: its one date, else its one number, else its one name; None where it has none."""
    dates = [found[0] for found in _DATE.finditer(said)]
    if dates:
        return ("date", dates[0]) if len(dates) == 1 else None
    numbers = [found for pattern in (NUMBER, _COUNT) for found in pattern.finditer(said)]
    if numbers:
        first = numbers[0]
        is_count = (
            _COUNTED.fullmatch(first[0]) and _BEFORE.search(said, 0, first.start()) and _AFTER.match(said, first.end())
        )
        return ("number", first[0]) if len(numbers) == 1 and is_count else None
    names = [found[1] for found in _NAME.finditer(said)]
    if len(names) == 1 and len(names[0].split()) <= LONGEST_NAME:
        return "name", names[0]
    return None


def _is_name(written: str, small: Collection[str], holds: Counter[str], common: int) -> bool:
    """Whether it is never written small, and no word that most of the notes are about."""
    return all(word.lower() not in small for word in written.split()) and all(
        holds[term] <= common for term in terms(written)
    )


def _month(note: Note) -> str:
    """The month a note is of, as a person says it; empty where it does not say."""
    day, _ = day_of(note.document.date, note.document.date_origin, (Path(note.path).stem,))
    if day is None or len(day) < 7:
        return ""
    return f"{_MONTHS.split('|')[int(day[5:7]) - 1]} {day[:4]}"


def _dated(fact: _Fact) -> Made:
    return replace(fact.made, kind="dated", text=f"{fact.made.text.rstrip('?')} in {fact.month}?")


def _of_two(facts: Sequence[_Fact], holds: Counter[str]) -> Iterator[Made]:
    """Facts of two notes that have a rare word in common."""
    by_term: dict[str, list[_Fact]] = {}
    for fact in facts:
        for term in {term for word in fact.said for term in terms(word)}:
            if 2 <= holds[term] <= FEW:
                by_term.setdefault(term, []).append(fact)
    for some in by_term.values():
        for one, other in combinations(some, 2):
            if one.made.path != other.made.path:
                first, second = one.made, other.made
                text = f"{first.text.rstrip('?')}, and {second.text[0].lower()}{second.text[1:]}"
                yield Made(
                    text,
                    "two-note",
                    (*first.spans, *second.spans),
                    (f"{first.answers[0]}; {second.answers[0]}",),
                    (first.answers, second.answers),
                )
                break


def _near_misses(facts: Sequence[_Fact], holds: Counter[str], draw: random.Random) -> Iterator[Made]:
    """Facts asked of somebody else: the rarest word, a name where there is one, gives way to one that no note has."""
    names = _strangers(holds)
    for fact in facts:
        if not names:
            return
        written = [word for word in fact.words if word[0].isupper()] or list(fact.words)
        given_up = min(written, key=lambda word: min((holds[term] for term in terms(word)), default=0))
        stranger = draw.choice(names)
        words = [stranger if word == given_up else word for word in fact.words]
        yield Made(f"{_ASKS[fact.asks]} {' '.join(words)}?", "near miss", (), absent=stranger)


def _of_nobody(holds: Counter[str]) -> Iterator[Made]:
    for at, name in enumerate(_strangers(holds)):
        yield Made(_ABOUT_NOBODY[at % len(_ABOUT_NOBODY)].format(name), "not in notes", (), absent=name)


def _strangers(holds: Counter[str]) -> list[str]:
    return [name for name in _NOBODY if not any(holds[term] for term in terms(name))]
