"""Which span of a source carries each sentence of an answer, worked out from the texts alone.

A model's own `[n]` marks are no evidence: they are taken out and only break ties. A sentence is supported where the
words of one span, or of two, cover it, and where every number, date, name and quoted phrase in it stands there too.
It does not understand the texts. Of 200 sentences of encyclopedia paragraphs, half of them with a wrong number, name or date
or a denial, the wrong ones are marked with F1 .96 to .98; with another noun or two names swapped .77 to .92. A sentence turned
round by other means ("was paid by" for "paid") goes unnoticed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from brain.aligning import is_changed
from brain.comparing import (
    COUNTS,
    MONTHS,
    NUMBER,
    OPPOSITE_WORDS,
    OPPOSITES,
    WORD,
    comparable,
    numbers_in,
    root,
    roots,
)
from brain.material import follows, material
from brain.types import Citation, Evidence, Sentence
from brain.wording import STOP_WORDS, plain, sentences, terms

# Share of a sentence's weighted words that must stand in its spans. The labelled answers in the tests come out best
# between .58 and .66; lower lets a small model's mixtures through, higher refuses plain rewording.
ENOUGH = 0.64
_PAIR_GAIN, _SECOND_GAIN = 0.12, 0.2  # what a neighbouring sentence, or a second place, must add to be cited as well
# Weight of a word that stands in no source, where the rarest that does has 1; less where the question brought it in.
_UNSEEN, _ASKED = 1.4, 0.5

_MARKER = re.compile(
    r"[ \t]*(?:\[(?:\^|sources?\s*|source:\s*)?(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\](?!\()|【(\d{1,3})[^】\n]*】"
    r"|\((?:sources?|see)\s+\[?(\d{1,3})\]?\))",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^\s*(?:>\s*)*(?:#{1,6}\s+|[-*+•]\s+(?:\[[ xX]\]\s+)?|\d{1,2}[.)]\s+)?")
_ADDRESS = re.compile(r"(?:https?|ftp|file|data|javascript|mailto|obsidian):[^\s)>\]\"']+", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{3,}?)[\"”“»]")

_CLAUSE = re.compile(
    r"[,;:()—–|]|\s-\s|\b(?:but|although|though|while|whereas|however|except|unless|and)\b", re.IGNORECASE
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|nobody|nothing|nowhere|without|cannot|hardly|nicht|kein\w*|nie|ohne|ne|pas|jamais)\b"
    r"|n[’']t\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:he|she|it|they|his|her|its|their|him|them|this|these|that|those|we|i|who|which)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence or line of a source, and what can be compared."""

    start: int  # in the chunk's text
    end: int
    text: str
    roots: frozenset[str]
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Source:
    evidence: Evidence
    pieces: tuple[_Piece, ...]
    context: frozenset[str]  # roots of the title and headings, which stand above every piece
    context_numbers: frozenset[str]
    words: str  # the whole passage, folded, for quoted phrases


@dataclass(frozen=True, slots=True)
class _Span:
    """One piece of a source or two that follow each other."""

    source: _Source
    pieces: tuple[_Piece, ...]
    share: float  # of the claim's weight, title and headings counted in
    roots: frozenset[str]
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence of the answer, and what must be found for it."""

    text: str
    weights: Mapping[str, float]  # its key words' roots
    numbers: frozenset[str]
    names: frozenset[str]
    quoted: tuple[str, ...]
    addresses: tuple[str, ...]  # of links and pictures
    hints: frozenset[int]  # source numbers the model wrote beside it


def cite(
    answer: str, evidence: Sequence[Evidence], *, question: str = ""
) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
    """Every sentence of an answer with the citations that carry it, and the citations, numbered by first use.

    Each citation's `quote` is `chunk.text` cut at its offsets, which count in the document. A sentence that no span
    carries comes back unsupported and without citations, so does one without any word to look for ("Yes."). Pass the
    question: its words count for less where the sources say it differently, and it chooses among spans that do equally
    well, as for the answer "1066".
    """
    return Citing(evidence, question=question).cite(answer)


class Citing:
    """The evidence of one answer, made ready. While the answer grows each of its sentences is looked for once."""

    def __init__(self, evidence: Sequence[Evidence], *, question: str = "") -> None:
        self._sources = [_source(one, question) for one in evidence]
        self._rarity = _rarity(self._sources)
        self._asked = roots(question)
        self._known: dict[tuple[str, frozenset[int]], list[_Span]] = {}

    def cite(self, answer: str) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
        """What `cite` gives for the answer as it is now."""
        numbers: dict[tuple[int, int, int], int] = {}
        citations: list[Citation] = []
        found: list[Sentence] = []
        for text, hints in _claims(answer):
            used = []
            for span in self._carriers(text, hints):
                start, end = span.pieces[0].start, span.pieces[-1].end
                key = (self._sources.index(span.source), start, end)
                if key not in numbers:
                    numbers[key] = len(numbers) + 1
                    citations.append(citation(numbers[key], span.source.evidence, start, end))
                used.append(numbers[key])
            found.append(Sentence(text, tuple(used), bool(used)))
        return tuple(found), tuple(citations)

    def _carriers(self, text: str, hints: frozenset[int]) -> list[_Span]:
        if (text, hints) not in self._known:
            claim = _claim(text, hints, self._rarity, self._sources, self._asked)
            self._known[text, hints] = _carriers(claim, self._sources, self._rarity, self._asked)
        return self._known[text, hints]


def without_markers(answer: str) -> str:
    """The answer without the `[1]` marks a model wrote into it."""
    return _MARKER.sub("", answer)


def citation(number: int, evidence: Evidence, start: int, end: int) -> Citation:
    """The citation of `evidence.chunk.text[start:end]`; its offsets then count in the document."""
    chunk = evidence.chunk
    return Citation(
        number=number,
        path=chunk.path,
        title=evidence.title,
        start=chunk.start + start,
        end=chunk.start + end,
        quote=chunk.text[start:end],
        page=chunk.page,
        line=chunk.line + chunk.text.count("\n", 0, start),
    )


def _claims(answer: str) -> list[tuple[str, frozenset[int]]]:
    """The answer's sentences without marks, each with the source numbers that stood in or right behind it."""
    claims: list[tuple[str, frozenset[int]]] = []
    for start, end in sentences(answer):
        raw = answer[start:end]
        hints = frozenset(int(digits) for match in _MARKER.finditer(raw) for digits in re.findall(r"\d+", match[0]))
        text = _MARKER.sub("", raw).strip()
        if any(letter.isalnum() for letter in text):
            claims.append((text, hints))
        elif hints and claims:  # "… in 1066. [2]"
            claims[-1] = (claims[-1][0], claims[-1][1] | hints)
    return claims


def _source(evidence: Evidence, question: str) -> _Source:
    text = evidence.chunk.text
    seen = [
        (start, end, plain(text[start:end], evidence.chunk.format)) for start, end in material(text, question=question)
    ]
    above = " ".join((evidence.title, *evidence.chunk.headings))
    return _Source(
        evidence,
        tuple(_Piece(start, end, text[start:end], comparable(said), numbers_in(said)) for start, end, said in seen),
        comparable(above),
        numbers_in(above),
        " ".join(term for _, _, said in seen for term in terms(said)),
    )


def _rarity(sources: Sequence[_Source]) -> dict[str, float]:
    """How much a root tells pieces apart: 1 for one that stands in one piece only, less for common ones."""
    counts: dict[str, int] = {}
    total = 0
    for source in sources:
        for piece in source.pieces:
            total += 1
            for one in piece.roots:
                counts[one] = counts.get(one, 0) + 1
    top = math.log(1 + max(total, 1))
    return {one: max(0.25, math.log(1 + total / count) / top) for one, count in counts.items()}


def _claim(
    text: str,
    hints: frozenset[int],
    rarity: Mapping[str, float],
    sources: Sequence[_Source],
    asked: frozenset[str],
) -> _Claim:
    body = _LEAD.sub("", plain(text, "markdown"))
    numbers = numbers_in(body) - {"1"} | ({"1"} & frozenset(NUMBER.findall(body)))  # "one" is mostly no number
    said = [term for term in terms(body) if not (term[0].isdigit() or term in COUNTS or term in MONTHS)]
    keys = {root(term) for term in said if term not in STOP_WORDS and term not in _FILLERS} | numbers
    # A claim that says no more than the question ("Yes, it runs on your phone.") stands on just those words.
    asked = asked if keys - asked else frozenset()
    return _Claim(
        text,
        {one: rarity.get(one, _ASKED if one in asked else _UNSEEN) for one in keys},
        numbers,
        _names(body, sources),
        tuple(" ".join(terms(match[1])) for match in _QUOTED.finditer(body)),
        tuple(_ADDRESS.findall(text)),
        hints,
    )


_FILLERS = frozenset(
    "according also additionally furthermore moreover however therefore thus hence overall source sources document "
    "documents note notes passage text provided information context mentioned states stated based answer question "
    "yes no following include includes including such as well both which".split()
)


def _names(body: str, sources: Sequence[_Source]) -> frozenset[str]:
    """Roots of words written like names. The first word of a sentence counts where something says it is one."""
    words = list(WORD.finditer(body))
    found: set[str] = set()
    for at, match in enumerate(words):
        word = match[0]
        if not word[0].isupper() or word.lower() in STOP_WORDS or word.lower() in _FILLERS or word.lower() in MONTHS:
            continue
        opens = at == 0 or body[: match.start()].rstrip()[-1:] in '.!?:"“'
        if opens and not _is_opening_name(word, words[at + 1][0] if at + 1 < len(words) else "", sources):
            continue
        found.update(root(term) for term in terms(word) if term not in STOP_WORDS and not term.isdigit())
    return frozenset(found)


_SINGULAR = frozenset("is was has had did does will would must should can could may wrote said says became".split())


def _is_opening_name(word: str, following: str, sources: Sequence[_Source]) -> bool:
    if any(letter.isupper() for letter in word[1:]):
        return True
    lower = re.compile(rf"(?<![\w]){re.escape(word.lower())}(?![\w])")
    if any(lower.search(source.evidence.chunk.text) for source in sources):
        return False
    seen = any(word in source.evidence.chunk.text for source in sources)
    return seen or following[:1].isupper() or following in _SINGULAR or not following


def _carriers(
    claim: _Claim, sources: Sequence[_Source], rarity: Mapping[str, float], asked: frozenset[str]
) -> list[_Span]:
    """The one or two spans that carry a claim; none where it is not supported."""
    total = sum(claim.weights.values())
    if not total or claim.text.endswith(("?", "？", "؟")):  # a question claims nothing; tiny models repeat the reader's
        return []
    spans = [span for source in sources for span in _spans(claim, source, total)]
    if not spans:
        return []
    spans.sort(key=lambda span: -_merit(span, claim, rarity, asked))
    for best in spans[:8]:
        if best.share >= ENOUGH and _holds(claim, [best]):
            return [best]
    for best in spans[:3]:
        for other in spans[:40]:
            if best.pieces[0].text[0] == other.pieces[0].text[0] == "|":
                continue  # two rows of a table hold any combination of their cells
            both = _share(claim, best.roots | other.roots | best.source.context | other.source.context, total)
            gains = both - max(best.share, other.share) >= _SECOND_GAIN and min(best.share, other.share) >= 0.3
            if both >= ENOUGH + 0.1 and gains and _holds(claim, [best, other]):
                return [best, other]
    return []


def _spans(claim: _Claim, source: _Source, total: float) -> list[_Span]:
    """Every piece that shares something with the claim, and pairs of neighbours where both are needed."""
    shares = [_share(claim, piece.roots, total) for piece in source.pieces]
    found: list[_Span] = []

    def add(*pieces: _Piece) -> None:
        roots = frozenset().union(*(piece.roots for piece in pieces))
        numbers = frozenset().union(*(piece.numbers for piece in pieces))
        found.append(_Span(source, pieces, _share(claim, roots | source.context, total), roots, numbers))

    for at, piece in enumerate(source.pieces):
        if not shares[at]:
            continue
        add(piece)
        if at + 1 < len(source.pieces) and shares[at + 1] and not piece.text.startswith("|"):
            after = source.pieces[at + 1]
            is_next = follows(source.evidence.chunk.text, piece.end, after.start)
            if (
                is_next
                and _share(claim, piece.roots | after.roots, total) >= max(shares[at], shares[at + 1]) + _PAIR_GAIN
            ):
                add(piece, after)
    return found


def _share(claim: _Claim, roots: Collection[str], total: float) -> float:
    return sum(weight for one, weight in claim.weights.items() if one in roots) / total


def _merit(span: _Span, claim: _Claim, rarity: Mapping[str, float], asked: frozenset[str]) -> float:
    """What orders spans: coverage first; then the model's own mark, the question's words, and being short."""
    own = sum(weight for one, weight in claim.weights.items() if one in span.roots) / sum(claim.weights.values())
    length = sum(len(piece.roots) for piece in span.pieces)
    hinted = span.source.evidence.number in claim.hints
    near = sum(rarity.get(one, 0.0) for one in asked & span.roots if one not in STOP_WORDS)
    missing = len(claim.numbers - span.numbers)
    return 0.6 * own + 0.4 * span.share + 0.04 * hinted + 0.03 * min(near, 5) - 0.1 * missing - 0.001 * length


def _holds(claim: _Claim, spans: Sequence[_Span]) -> bool:
    """Whether everything exact in the claim stands in the spans, and nothing in it turns them into their opposite."""
    roots = frozenset().union(*(span.roots | span.source.context for span in spans))
    numbers = frozenset().union(*(span.numbers | span.source.context_numbers for span in spans))
    if not claim.numbers <= numbers:
        return False
    if any(not any(address in piece.text for span in spans for piece in span.pieces) for address in claim.addresses):
        return False
    missing = claim.names - roots
    if missing and not missing <= frozenset().union(*(_referred(span) for span in spans)):
        return False
    if any(not any(quote in span.source.words for span in spans) for quote in claim.quoted):
        return False
    closest = max((piece for span in spans for piece in span.pieces), key=lambda piece: _share(claim, piece.roots, 1.0))
    if _is_opposite(claim, closest.roots) or _denies(claim.text, closest.text, claim):
        return False
    return not is_changed(claim.text, closest.text)


def _referred(span: _Span) -> frozenset[str]:
    """What a pronoun in the span can stand for: the words of the passage before it."""
    if not any(_PRONOUN.search(piece.text) for piece in span.pieces):
        return frozenset()
    before = (piece.roots for piece in span.source.pieces if piece.end <= span.pieces[0].start)
    return frozenset().union(*before)


def _is_opposite(claim: _Claim, held: Collection[str]) -> bool:
    words = roots(claim.text)
    for word in words & OPPOSITE_WORDS - frozenset(held):
        for pair in OPPOSITES:
            if word in pair and any(other in held and other not in words for other in pair - {word}):
                return True
    return False


def _denies(said: str, source: str, claim: _Claim) -> bool:
    """Whether one of two texts about the same thing denies what the other says, as a whole or clause by clause."""
    if not _NEGATION.search(said) and not _NEGATION.search(source):
        return False
    if _is_negated(said, claim) != _is_negated(source, claim):
        return True
    clauses = [(clause, roots(clause) - STOP_WORDS) for clause in _CLAUSE.split(source) if clause.strip()]
    for clause in _CLAUSE.split(said):
        held = roots(clause) - STOP_WORDS
        match, shared = max(((other, len(held & theirs)) for other, theirs in clauses), key=lambda pair: pair[1])
        if (
            shared >= 2
            and shared >= 0.6 * len(held)
            and bool(_NEGATION.search(clause)) != bool(_NEGATION.search(match))
        ):
            return True
    return False


def _is_negated(text: str, claim: _Claim) -> bool:
    """Whether the part of a text that speaks of the claim denies it."""
    if not _NEGATION.search(text):
        return False
    clauses = [(clause, _share(claim, roots(clause), 1.0)) for clause in _CLAUSE.split(text) if clause]
    most = max(share for _, share in clauses)
    return any(share >= 0.5 * most and _NEGATION.search(clause) for clause, share in clauses)
