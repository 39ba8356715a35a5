"""Everything in a document that a question asks for: not the best few sentences but all of them, in reading order. Pure.

For "list all …", "every …", "which … are …". Words decide; meaning, where there is an embedder, tells like from unlike, and
of a short document or the likeliest sentences of a long one finds what is said in other words: sentences that share other
words with those found are looked at first, and may be a little less near.
How many there are is not known beforehand: the scores of all sentences say where the answers end.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from brain.comparing import pieces, root, roots
from brain.partition import Unit, unit_at
from brain.wording import key_terms, terms

Near = Callable[[Sequence[str]], Sequence[float]]  # texts → how near each is to the question, as cosines
# Texts → how near each unit is to what they have in common, and what tells the same of other texts; None where nothing can.
Alike = Callable[[Sequence[str]], tuple[Sequence[float], Near] | None]

MOST = 400  # sentences of one answer
JUDGED = 160  # sentences whose own meaning is looked at: about 5 s on two slow cores
COMPARED = 500  # sentences compared with those that were found: 5 s on two quiet cores
COMPARED_AGAIN = 200  # with those that this has found
EXAMPLES = 40  # of those that were found
FEW = 3  # fewer have nothing in common that could be told from chance
LOOK = 500  # sentences between two looks at whether anybody still wants them
REPEATED = 3  # times the same line: the head or foot of the pages, said once
LOWEST, HIGHEST = 0.42, 0.72  # between these shares of a good score the answers end, at the widest gap
_OF_HEADING, _OF_LEAD = 0.35, 0.9  # what a heading lends to the prose, and a lead-in to the items, below it
_ASKED = 0.3  # weight of a word that only asks for a list
_SIDE_BY_SIDE = 0.15
WORTHLESS = 0.3  # a best score below this: the document says nothing of the kind
_MEANING = 0.5  # weight of a cosine beside the share of the words
_AS_LIKE, _FAR = 0.62, 4.0  # of the middle of what they are like each other; times the usual spread
_SPREAD = 0.03  # at least
_AS_LIKE_SHARING, _NEAR_SHARING = 0.5, 0.3  # the same of what shares words as well
_SHARING = 1.0  # at least: about one word that only the others kept have
_ONE_SUBJECT = 0.2  # a middle cosine above this: the whole document is about the same
_NEAR = 0.4  # a cosine that means something by itself

_MANY = r"[\w’'-]*[^\W\d_s]e?(?<![ui])s\b"  # a word that looks like more than one of something
_ALL = re.compile(
    r"\b(?:list|enumerate|all|every|each|everything|everyone|everybody|alle[rsn]?|sämtliche\w*|jede[rnms]?|liste)\b"
    rf"|\b(?:which|what)\s+(?:[\w’'-]+\s+){{0,3}}?{_MANY}\s+(?:are|were|have|had|do|does|did)\b"
    r"|\bwh(?:at|o)\s+(?:are|were)\s+the\b"
    r"|^\W*(?:please\s+)?(?:name|find|show|give|collect|extract|gather|identify|tell)\s+(?:me\s+)?(?:the\s+)?"
    rf"(?:[\w’'-]+\s+){{0,2}}?{_MANY}",
    re.IGNORECASE,
)
# Words that ask for a list, and words for its members, which say less than what kind of members they are.
_COMMANDS = frozenset(
    root(word)
    for word in "list enumerate all every each everything everyone everybody name mention mentioned occur occurring appear "
    "appearing find found give whole entire complete full following contained contain collect extract gather identify".split()
)
_MEMBERS = frozenset(
    root(word) for word in "item items thing things names document file report text book notes page pages place".split()
)
_ITEM = re.compile(r"[ \t]*(?:[-*+•|]|\d{1,3}[.)])[ \t]")
_NUMBER = re.compile(r"(\d{1,9})[.)]\s*")
_HEADING = re.compile(r"[-*+> \t]*#{1,6}[ \t]")


@dataclass(frozen=True, slots=True)
class Found:
    """A sentence that belongs to the answer."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    text: str
    roots: frozenset[str]
    lent: frozenset[str]  # of the lead-in or headings above it
    share: float  # how much of what is lent counts


def wants_all(question: str) -> bool:
    """Whether a question asks for everything of a kind, rather than for one fact."""
    return _ALL.search(question) is not None


def gather(
    question: str,
    text: str,
    laid: Sequence[Unit],
    *,
    cosines: Sequence[float] | None = None,
    near: Near | None = None,
    alike: Alike | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[list[Found], int]:
    """The spans of `text` that a list question asks for, in reading order, and where looking for them ended.

    None where nothing is near the question. `cosines`, one a unit, and `near` bring in the meaning, `alike` what is like
    the answers found but put in other words; without them words alone decide. Once `stopped` says so, what was looked at
    until then has to do.
    """
    split, end = _split(text, laid, stopped, questions=root("question") in roots(question))
    scores = _scored(question, split)
    judged: dict[int, float] = {}
    if cosines is not None and near is not None and split:
        around = [cosines[unit_at(laid, one.start)] for one in split]
        judged = _judged(split, scores, around, near)
        scores = [score + _MEANING * max(0.0, judged.get(at, 0.6 * around[at])) for at, score in enumerate(scores)]
    ranked = sorted(range(len(split)), key=lambda at: -scores[at])
    kept = set(ranked[: _cut([scores[at] for at in ranked[: MOST + 1]])])
    if judged and kept:  # as near in meaning as the middle one of these, in whatever words
        typical = statistics.median(judged.get(at, 0.0) for at in kept)
        kept |= {at for at, cosine in judged.items() if cosine >= max(_NEAR, typical)}
    if alike is not None and FEW <= len(kept) < MOST:
        kept |= _like_these(question, split, laid, kept, alike)
    return [Found(split[at].start, split[at].end, scores[at]) for at in sorted(kept)], end


def _split(
    text: str, laid: Sequence[Unit], stopped: Callable[[], bool], *, questions: bool
) -> tuple[list[_Piece], int]:
    """The document's sentences, items and rows, without headings, lines that every page repeats, and `questions` if unwanted."""
    found: list[_Piece] = []
    seen: Counter[str] = Counter()
    lead: frozenset[str] = frozenset()
    spans = _mended(text, pieces(text))
    folded = [" ".join(text[start:end].split()).casefold() for start, end in spans]
    repeated = Counter(folded)
    for number, ((start, end), same) in enumerate(zip(spans, folded, strict=True)):
        if number % LOOK == 0 and stopped():
            return found, start
        body = text[start:end]
        if _HEADING.match(body) or body.endswith((":", "：")):
            lead = roots(body)
            continue
        is_item = _ITEM.match(text, _line_start(text, start)) is not None
        if not is_item:
            lead = frozenset()
        seen[same] += 1
        if (body.endswith("?") and not questions) or (repeated[same] >= REPEATED and seen[same] > 1):
            continue
        above = roots(" ".join(laid[unit_at(laid, start)].headings))
        found.append(_Piece(start, end, body, roots(body), above | lead, _OF_LEAD if is_item and lead else _OF_HEADING))
    return found, len(text)


def _mended(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans with a number that only a line break has put at the beginning of one back at the end of the one before."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        marker = _NUMBER.match(text, start, end)
        if marker is None or marker[1] == "1" or not found or not _runs_on(text, *found[-1], start):
            found.append((start, end))
            continue
        found[-1] = (found[-1][0], marker.end(1) + 1)
        if marker.end() < end:
            found.append((marker.end(), end))
    return found


def _runs_on(text: str, start: int, end: int, following: int) -> bool:
    """Whether a span stops in the middle of a sentence, at the end of a line."""
    is_item = _ITEM.match(text, _line_start(text, start)) is not None
    return (
        text[end:following].strip(" \t") == "\n" and (text[end - 1].isalnum() or text[end - 1] == ",") and not is_item
    )


def _line_start(text: str, start: int) -> int:
    return text.rfind("\n", 0, start) + 1


def _scored(question: str, split: Sequence[_Piece]) -> list[float]:
    """By words: the share of the question's telling words, each by how rare it is, and whether two stand side by side."""
    said = [root(term) for term in key_terms(question)]
    counts = {one: sum(one in piece.roots or one in piece.lent for piece in split) for one in set(said)}
    named = [one for one in counts if one not in _COMMANDS]
    telling = [one for one in named if one not in _MEMBERS] or named or list(counts)
    weights = {
        one: math.log(1 + len(split) / count) * (1.0 if one in telling else _ASKED)
        for one, count in counts.items()
        if count
    }
    total = sum(weights.values())
    if not total or not any(counts[one] for one in telling):
        return [0.0] * len(split)
    pairs = frozenset(pairwise(said))
    scores = []
    for piece in split:
        own = sum(weight for one, weight in weights.items() if one in piece.roots)
        lent = sum(weight for one, weight in weights.items() if one in piece.lent and one not in piece.roots)
        score = (own + piece.share * lent) / total
        if own and any(first in piece.roots and second in piece.roots for first, second in pairs):
            words = [root(term) for term in terms(piece.text)]
            score += _SIDE_BY_SIDE * any(pair in pairs for pair in pairwise(words))
        scores.append(score)
    return scores


def _judged(split: Sequence[_Piece], scores: Sequence[float], around: Sequence[float], near: Near) -> dict[int, float]:
    """The own cosines of the sentences that may belong to the answer, by their places; of all, where they are not many."""
    guessed = [score + _MEANING * max(0.0, cosine) for score, cosine in zip(scores, around, strict=True)]
    best = sorted(range(len(split)), key=lambda at: -guessed[at])[:JUDGED]
    return dict(zip(best, near([split[at].text for at in best]), strict=False))  # fewer where it was stopped


def _like_these(question: str, split: Sequence[_Piece], laid: Sequence[Unit], kept: set[int], alike: Alike) -> set[int]:
    """Sentences as like the ones kept as those are like each other, and far more so than the rest: other words for the same.

    What is looked at, of a long document, is first what shares other words with the ones kept than the question's (what was
    hidden "below the bridge" leads to what was concealed there), then its likeliest parts; what is found so leads to more,
    once. Where everything is about one subject nothing stands out.
    """
    found: set[int] = set()
    apart: float | None = None  # how near a sentence must be to stand out from the rest
    for most in (COMPARED, COMPARED_AGAIN):
        examples = [split[at].text for at in sorted(kept | found)][:EXAMPLES]
        if (common := alike(examples)) is None:
            break
        around, near = common
        shared, usual_share = _shared(question, split, kept | found)
        others = [at for at in range(len(split)) if at not in kept | found and (shared[at] or apart is None)]
        others.sort(key=lambda at: (-shared[at], -around[unit_at(laid, split[at].start)]))
        own, cosines = near(examples), near([split[at].text for at in others[:most]])
        if not own or not cosines:
            break
        if apart is None:
            usual = statistics.median(cosines)
            apart = usual + _FAR * max(statistics.median(abs(cosine - usual) for cosine in cosines), _SPREAD)
            if usual > _ONE_SUBJECT and apart > statistics.median(own):
                break  # the ones kept are no more alike than the document is
        middle = statistics.median(own)
        alone, together = max(_NEAR, _AS_LIKE * middle, apart), max(_NEAR_SHARING, _AS_LIKE_SHARING * middle, apart)
        found |= {
            at
            for at, cosine in zip(others, cosines, strict=False)
            if cosine >= alone or (cosine >= together and shared[at] >= max(_SHARING, usual_share / 2))
        }
        if not found:
            break
    return found


def _shared(question: str, split: Sequence[_Piece], kept: Collection[int]) -> tuple[list[float], float]:
    """How far each sentence is made of words that the ones kept have more often than the rest, the question's left out; and
    how far the middle one of these is, by the words of the others.
    """
    asked = roots(question)
    said = [frozenset(root(term) for term in key_terms(one.text)) - asked for one in split]
    everywhere = Counter(one for held in said for one in held)
    inside = Counter(one for at in kept for one in said[at])
    rest = max(1, len(split) - len(kept))

    def share(at: int) -> float:
        own, others = (1, len(kept) - 1) if at in kept else (0, len(kept))
        total = 0.0
        for one in said[at]:
            count = inside[one] - own
            if count > 0 and others:
                total += max(0.0, math.log(count / others * rest / (everywhere[one] - inside[one] + 0.5)))
        return total / math.sqrt(max(FEW, len(said[at])))

    shares = [share(at) for at in range(len(split))]
    return shares, statistics.median(shares[at] for at in kept)


def _cut(ranked: Sequence[float]) -> int:
    """How many of these, best first, belong together: down to the widest gap below a good score. The best two may be outliers."""
    if not ranked or ranked[0] < WORTHLESS:
        return 0
    good = next(score for score in reversed(ranked[:3]) if score >= ranked[0] / 2)
    best, widest = len([score for score in ranked if score >= LOWEST * good]), 0.0
    for at, (score, following) in enumerate(zip(ranked, [*ranked[1:], 0.0], strict=True), 1):
        if score < LOWEST * good:
            break
        if following < HIGHEST * good and score - following > widest:
            best, widest = at, score - following
    return min(best, MOST)
