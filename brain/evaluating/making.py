"""Questions made from notes without a model: known items, each with the passage it was made from.

    heading     a heading that stands in one place only, as somebody types what a section is called
    sentence    the telling words of a sentence, as somebody types what is half remembered: names and numbers that
                stand in no other note are left out where enough is left without them

Pure. Both are in the note's own words, so they favour the search for words; what they can tell is in `CAVEAT`.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from brain.evaluating.sets import Span
from brain.types import Document
from brain.wording import STOP_WORDS, key_terms, plain, sentences, terms

CAVEAT = (
    "Such questions are made of the notes' own words, and only one note counts as right. They tell whether what you have "
    "is found again, and whether a change of model or settings helps or harms on your notes. They do not tell how well "
    "questions in other words, or over several notes, are answered, and they flatter the search for words."
)
FEWEST, MOST = 2, 12  # telling words of a heading
SHORT, LONG = 6, 40  # telling words of a sentence
TYPED = 6  # of them in a question, at most
ENOUGH = 4  # left of a sentence without the words no other note has
UNSPACED_LONG = 200  # where every character is a word of its own
UNSPACED_LONGEST = 24  # characters of a question in a script without spaces
SEED = 0

_WORD = re.compile(r"[^\s,;:!?。、，；：！？()\[\]{}<>\"“”«»|]+")
# Said in passing: nobody types these to find a sentence again.
_LITTLE = STOP_WORDS | frozenset(
    "after again almost already also although always another because before being between both don't during each either "
    "even every first here however instead it's itself just least less let's like may might more most must never now once "
    "one only other over perhaps probably quite rather same since still such through thus too two under until upon used "
    "using usually very via well while within without yet you're".split()
)
_SPOKEN = re.compile(r"[^\W\d]+(?:['’-][^\W\d]+)*|\d{1,4}(?:[.,]\d+)?")  # a word or a number, no key or code
_NO_PROSE = re.compile(r"::|https?:|[{}<>=|\\]|\w/\w|\]\(")  # properties, addresses, code
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it is named in a set."""

    path: str
    document: Document


@dataclass(frozen=True, slots=True)
class Made:
    """A question, the passages it was made from, and its answer where it has a short one."""

    text: str
    kind: str
    spans: tuple[Span, ...]  # none where nothing answers it
    answers: tuple[str, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()  # of an answer in several parts: what is accepted of each
    absent: str = ""  # what it asks for that stands in no note

    @property
    def path(self) -> str:
        """The note it was made from, or the first of them; empty where nothing answers it."""
        return self.spans[0].path if self.spans else ""


def questions_from(notes: Sequence[Note], count: int) -> list[Made]:
    """Up to `count` questions, half of them headings where there are enough, spread over the notes; the same each time."""
    documents = [note.document for note in notes]
    holds = Counter(term for document in documents for term in set(terms(document.text)))
    said = counted(said for document in documents for _, _, said in sentences_of(document))
    headings = counted(
        block.headings[-1]
        for document in documents
        for block in document.blocks
        if block.kind == "heading" and block.headings
    )
    ways: tuple[list[list[Made]], list[list[Made]]] = (
        [],
        [],
    )  # headings, sentences: what each note has, as it is drawn
    for note in sorted(notes, key=lambda note: random.Random(f"{SEED} {note.path}").random()):
        for way, found in zip(ways, (_of_headings(note, headings), _of_sentences(note, said, holds)), strict=True):
            some = list(found)
            random.Random(f"{SEED} {note.path}").shuffle(some)
            way.append(some)
    chosen: dict[str, Made] = {}  # by what is asked, folded: no question twice
    _spread(ways[0], count // 2, chosen)
    _spread(ways[1], count - len(chosen), chosen)
    _spread(ways[0], count - len(chosen), chosen)
    made = list(chosen.values())
    random.Random(SEED).shuffle(made)
    return made


def _spread(waiting: Sequence[list[Made]], count: int, chosen: dict[str, Made]) -> None:
    """Move `count` questions over: one of each note, notes not asked about yet first, then another of each …"""
    wanted = len(chosen) + count
    while len(chosen) < wanted and any(waiting):
        asked_about = Counter(one.path for one in chosen.values())
        for some in sorted(filter(None, waiting), key=lambda some: asked_about[some[0].path]):
            if len(chosen) == wanted:
                return
            one = some.pop(0)
            chosen.setdefault(folded(one.text), one)


def counted(texts: Iterable[str]) -> Counter[str]:
    """How often each text stands in the notes, folded."""
    return Counter(folded(text) for text in texts)


def _of_headings(note: Note, seen: Counter[str]) -> Iterator[Made]:
    blocks = note.document.blocks
    for block, after in pairwise(blocks):
        if block.kind != "heading" or not block.headings or after.kind == "heading" or after.page != block.page:
            continue
        heading = block.headings[-1]
        if FEWEST <= len(_telling(heading)) <= MOST and seen[folded(heading)] == 1:
            yield Made(heading, "heading", (span_of(note, block.start, after.end),))


def _of_sentences(note: Note, seen: Counter[str], holds: Counter[str]) -> Iterator[Made]:
    for start, end, said in sentences_of(note.document):
        if is_prose(said) and seen[folded(said)] == 1 and (text := _typed(said, holds)):
            yield Made(text, "sentence", (span_of(note, start, end),))


def _typed(said: str, holds: Counter[str]) -> str:
    """What somebody might type who half remembers a sentence; empty where it says too little."""
    if _UNSPACED.search(said):
        clauses = [clause for clause in _WORD.findall(said) if len(clause) >= SHORT]
        return max(clauses, key=len, default="")[:UNSPACED_LONGEST]
    telling = typed_words(said)
    shared = [word for word in telling if all(holds[term] > 1 for term in terms(word))]
    chosen = shared if len(shared) >= ENOUGH else telling
    if len(chosen) < ENOUGH:
        return ""
    return " ".join(rarest(chosen, holds))


def typed_words(said: str) -> list[str]:
    """The words of a sentence that somebody would type to find it again, each once, in order."""
    words = [word.strip(".…'’`*_~=#") for word in _WORD.findall(said)]
    telling = [
        word
        for word in words
        if len(word) > 2 and word.lower().replace("’", "'") not in _LITTLE and _SPOKEN.fullmatch(word)
    ]
    return list({folded(word): word for word in reversed(telling)}.values())[::-1]


def rarest(words: Sequence[str], holds: Counter[str]) -> list[str]:
    """As many as a person would type, those that stand in the fewest notes, in their order."""
    chosen = sorted(words, key=lambda word: min((holds[term] for term in terms(word)), default=0))[:TYPED]
    return [word for word in words if word in chosen]


def is_prose(said: str) -> bool:
    """Whether it is a sentence that says something, and no property, address or code."""
    longest = LONG if _UNSPACED.search(said) is None else UNSPACED_LONG
    return not _NO_PROSE.search(said) and SHORT <= len(_telling(said)) <= longest


def spread(waiting: Sequence[list[Made]], count: int) -> list[Made]:
    """`count` of them, from as many notes as there are; none twice."""
    chosen: dict[str, Made] = {}
    _spread(waiting, count, chosen)
    return list(chosen.values())


def sentences_of(document: Document) -> Iterator[tuple[int, int, str]]:
    """The sentences of running text and lists: where each stands, and how it reads."""
    for block in document.blocks:
        if block.kind in ("prose", "list"):
            text = document.text[block.start : block.end]
            for start, end in sentences(text):
                said = " ".join(plain(text[start:end], document.format).split())
                yield block.start + start, block.start + end, said


def _telling(text: str) -> list[str]:
    return [term for term in key_terms(text) if term not in STOP_WORDS]


def folded(text: str) -> str:
    """What is asked, in the form in which two questions are the same."""
    return " ".join(terms(text))


def span_of(note: Note, start: int, end: int) -> Span:
    """A passage of a note, with its lines."""
    text = note.document.text
    return Span(note.path, start, end, text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 1, text[start:end])
