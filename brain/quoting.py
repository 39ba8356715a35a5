"""An answer without a model: the sentences of the sources that answer best, word for word."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brain.citing import citation
from brain.comparing import numbers_in, root, roots
from brain.material import follows, material
from brain.types import Citation, Evidence, Sentence
from brain.wording import key_terms, plain, terms

Quote = tuple[Evidence, int, int]  # a passage and a span of it; the offsets count in the document, as a citation's do

_HOW_MUCH = re.compile(
    r"\bhow (?:many|much|long|far|old|often|tall|high|big|large|deep|fast)\b|\bwhat (?:percent\w*|number)\b|\bup to how\b",
    re.I,
)
_WHEN = re.compile(r"\bwhen\b|\b(?:what|which|in what|in which) (?:year|date|day|month|century|decade|time)\b", re.I)
_WHO = re.compile(
    r"\bwho(?:m|se)?\b|\bwhere\b|\b(?:what|which) (?:person|people|country|countries|city|state|company|team|name)\b",
    re.I,
)
_DATE = re.compile(
    r"\b(?:1\d{3}|20\d{2})s?\b|\b\d{1,2}(?:st|nd|rd|th) centur|\b(?:january|february|march|april|june|july|august|september"
    r"|october|november|december)\b|\bMay \d",
    re.I,
)
_NAME = re.compile(r"(?<![.!?\n] )(?<!^)\b[A-Z][\w’'-]+")
_HEADING = re.compile(r"[-*+> \t]*#{1,6}[ \t]")  # also as the item of an outline
_ROOM = 400  # characters of a heading or lead-in with what follows it
_DANGLING = re.compile(r"(?:he|she|it|they|his|her|its|their|this|these|those|such)\b", re.I)


@dataclass(frozen=True, slots=True)
class _Candidate:
    evidence: Evidence
    start: int  # in the chunk's text
    end: int
    score: float


def quotes(question: str, evidence: Sequence[Evidence], *, limit: int = 3) -> list[Quote]:
    """The spans that answer a question best, best first, cut exactly at sentences, list items and table rows.

    Never more than `limit`, only those about as good as the best, and none where nothing in the evidence shares a
    word with the question. A sentence that begins with "It" or "They" comes with the one before it, a heading or a line
    that ends in a colon with what follows.
    """
    candidates = _candidates(question, evidence)
    if not candidates:
        return []
    candidates.sort(key=lambda one: -one.score)
    chosen: list[Quote] = []
    for one in candidates:
        if len(chosen) == limit or one.score < 0.5 * candidates[0].score:
            break
        start, end = one.evidence.chunk.start + one.start, one.evidence.chunk.start + one.end
        if all(not _overlap(other, (one.evidence, start, end)) for other in chosen):
            chosen.append((one.evidence, start, end))
    return chosen


def openings(question: str, evidence: Sequence[Evidence], *, limit: int = 3) -> list[Quote]:
    """What the best passages begin with, a heading with what follows it: for a question that asks for a day and nothing else."""
    begun = []
    for one in evidence[:limit]:
        text = one.chunk.text
        parts = [(start, end, frozenset[str]()) for start, end in material(text, question=question)]
        if parts:
            start, end = _whole(text, parts, 0)
            begun.append((one, one.chunk.start + start, one.chunk.start + end))
    return begun


def answer_from(spans: Sequence[Quote]) -> tuple[str, tuple[Sentence, ...], tuple[Citation, ...]]:
    """The answer that the quotes make: its text, its sentences and their citations, all supported by what they are.

    A sentence reads without Markdown's marks; its citation's quote is the source's own text.
    """
    found: list[Sentence] = []
    citations: list[Citation] = []
    for number, (evidence, start, end) in enumerate(spans, 1):
        chunk = evidence.chunk
        made = citation(number, evidence, start - chunk.start, end - chunk.start)
        text = " ".join(plain(made.quote, chunk.format).split()) or made.quote
        found.append(Sentence(text, (number,), True))
        citations.append(made)
    return "\n\n".join(sentence.text for sentence in found), tuple(found), tuple(citations)


def _candidates(question: str, evidence: Sequence[Evidence]) -> list[_Candidate]:
    asked = frozenset(root(term) for term in key_terms(question))
    split = [
        [
            (start, end, roots(plain(one.chunk.text[start:end], one.chunk.format)))
            for start, end in material(one.chunk.text, question=question)
        ]
        for one in evidence
    ]
    weights = _weights(asked, [held for parts in split for _, _, held in parts])
    total = sum(weights.values())
    best = max((one.score for one in evidence), default=0.0) or 1.0
    found = []
    for one, parts in zip(evidence, split, strict=True):
        above = roots(" ".join((one.title, *one.chunk.headings)))
        nearby = (
            _weight(weights, frozenset().union(*(held for _, _, held in parts))) / total if total and parts else 0.0
        )
        for at, (start, end, held) in enumerate(parts):
            own = _weight(weights, held)
            if not own and not asked & above:
                continue
            before = parts[at - 1][2] if at else frozenset[str]()
            lent = 0.4 * _weight(weights, (before | above) - held)
            text = one.chunk.text[start:end]
            if _HEADING.match(text) or text.endswith("?"):
                own *= 0.6  # a heading or a question seldom answers
            score = (own + lent) / total + _cue(question, text) + 0.8 * one.score / best + 0.2 * nearby
            found.append(_Candidate(one, *_whole(one.chunk.text, parts, at), score))
    return found


def _whole(text: str, parts: Sequence[tuple[int, int, frozenset[str]]], at: int) -> tuple[int, int]:
    """A span that can stand alone: with the sentence it leans on, or with the list or section that it opens."""
    start, end, _ = parts[at]
    if at and _DANGLING.match(text[start:end]):
        between = parts[at - 1][1], start
        if "\n" not in text[slice(*between)] and follows(text, *between):
            start = parts[at - 1][0]
    if _HEADING.match(text, start) or text.endswith(":", 0, end):
        for begin, after, _ in parts[at + 1 : at + 5]:
            if after - start > _ROOM or _HEADING.match(text, begin) or not follows(text, end, begin):
                break
            end = after
    return start, end


def _weights(asked: frozenset[str], parts: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """How much each word of the question tells the parts apart."""
    return {one: math.log(1 + len(parts) / (1 + sum(one in roots for roots in parts))) + 0.1 for one in asked}


def _weight(weights: Mapping[str, float], roots: frozenset[str]) -> float:
    return sum(weight for one, weight in weights.items() if one in roots)


def _cue(question: str, text: str) -> float:
    """What a span gains by holding the kind of thing that is asked for."""
    if _HOW_MUCH.search(question):
        return 0.2 if numbers_in(text) - numbers_in(question) else 0.0
    if _WHEN.search(question):
        return 0.2 if _DATE.search(text) and numbers_in(text) - numbers_in(question) else 0.0
    if _WHO.search(question):
        known = frozenset(terms(question))
        return 0.1 if any(not frozenset(terms(name[0])) <= known for name in _NAME.finditer(text)) else 0.0
    return 0.0


def _overlap(one: Quote, other: Quote) -> bool:
    same = one[0].chunk.path == other[0].chunk.path
    return same and one[1] < other[2] and other[1] < one[2]
