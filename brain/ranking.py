"""From two rankings to the passages that are shown: fuse by score, fold near copies, spread files, join neighbours.

It looks nothing up: candidates, texts and siblings are handed in.

A candidate's score is its cosine and its share of BM25, weighed; the numbers are nDCG@10 of thirteen sets with MiniLM:
notes, encyclopedia paragraphs in four languages, chats, abstracts, Chinese snippets (means; in the same run words alone .783,
vectors alone .586, their ranks fused .721, this .817).

- BM25 counts as the geometric mean of its share of the best there could be and its share of the best there is. The second
  alone makes any weak match a full one (.813); the first alone is too small for long questions (.8165, and below rank fusion on
  one set).
- `knowledge`: cosines count as far as the embedder knows the question's language. Without it .802: Arabic falls from .940 to
  .787, because its cosines are high for everything. What is known already of each language costs nothing to English.
- `together`: words that follow each other in the question stand so in the passage. Without it .815 (questions on paragraphs
  .898 to .890, on chats .832 to .823).
- `leaning`: the question moved towards the three first hits. Without it .815 (abstracts with many right answers .448 to .438
  and .561 to .548; the others hold).

The weights lie on a plateau: of a hundred combinations the best of all sets but one, measured on that one, gives .8174 on
average, these .8168. Tried and left out, as they moved the mean by less than .002 or took more from one set than they gave:
exact BM25 of what only vectors found, the best window of the passage, the title as a signal of its own, siblings in the same
file, smoothing over similar candidates, products and powers of the scores, and how far words and vectors agree in place of
`knowledge`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from brain.languages import UNSPACED
from brain.types import Chunk, Hit, Scores
from brain.wording import plain, terms

MEANING = 0.55  # the weight of cosines where the embedder knows the language
TOGETHER = 0.3  # of words side by side, as a part of the cosine's
LEANING, LEANED_ON = 0.4, 3  # how far a question moves, and towards how many hits
SPELT, WHOLE = 0.3, 0.12  # how far words are spelt: from the first on an embedder knows nothing of a language
SHORT, LONG = 2.0, 3.0  # letters a piece: up to the first it knows nothing of it either
DENSER = 1.75  # letters that a character of a script without spaces counts for
DATED = 0.05  # what a document of the days that a question may speak of is given: decides between equals, not against a better
FAIR_SHARE, FADING = 3, 0.9  # passages of one file that count in full, and what each further one keeps
TELLING, BARELY = 8, 0.5  # so many different words show at a glance whether two texts are alike: by so much at least
_WORD = re.compile(r"[^\W_]+")
NOTHING: Mapping[int, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fused:
    """One candidate with its score (0 to 1) and where it comes from; None where that side did not find it."""

    chunk_id: int
    score: float
    words: float | None = None  # BM25 as a share of the best there could be
    vectors: float | None = None  # cosine
    rerank: float | None = None  # what a reranker says, 0 to 1


@dataclass(frozen=True, slots=True)
class Passage:
    """One result as it is shown: a chunk, or neighbouring chunks of a file joined into one exact slice."""

    chunk: Chunk  # its id is that of its best part
    score: float
    scores: Scores
    parts: tuple[int, ...]  # the chunk ids in it, in reading order


def fuse(
    word_hits: Sequence[Hit],
    cosines: Mapping[int, float],
    *,
    together: Mapping[int, float] = NOTHING,
    known: float = 1.0,
    leaning: Callable[[Sequence[int]], Mapping[int, float]] | None = None,
) -> list[Fused]:
    """One ranking of every candidate of either list, best first.

    `word_hits` are shares of the best score there could be; `cosines` should hold every candidate, those that only words
    found included; `together` says how far the words of the question stand side by side in a candidate; `known` how well
    the embedder knows the language (see `knowledge`); `leaning` gives the cosines to the question moved towards some
    candidates. With one of the lists alone, or words in a language that the embedder does not know, the order is that
    side's. Equal scores keep the lower id first, so that a ranking never flickers.
    """
    best = max((hit.score for hit in word_hits), default=0.0)
    words = {hit.chunk_id: hit.score for hit in word_hits} if best > 0 else {}
    weight = MEANING * known
    if not cosines:
        weight = 0.0
    elif not words:
        weight = 1.0
    unknown = _typical([cosines[id] for id in words if id in cosines])

    def ranked(nearness: Mapping[int, float]) -> list[Fused]:
        fused = [
            Fused(
                id,
                (
                    weight * (max(0.0, nearness.get(id, unknown)) + TOGETHER * together.get(id, 0.0))
                    + (1 - weight) * (words.get(id, 0.0) / best**0.5 if words else 0.0)
                )
                / (1 + weight * TOGETHER),
                words.get(id),
                cosines.get(id),
            )
            for id in {**words, **cosines}
        ]
        return sorted(fused, key=lambda one: (-one.score, one.chunk_id))

    first = ranked(cosines)
    if leaning is None or not weight:
        return first
    return ranked(leaning([one.chunk_id for one in first if one.vectors is not None][:LEANED_ON]))


def mixed(one: Sequence[Fused], other: Sequence[Fused], *, share: float) -> list[Fused]:
    """Two rankings, of one question read in two ways, as one: `share` of the first's score and the rest of the other's."""
    first, second = ({fused.chunk_id: fused.score for fused in ranked} for ranked in (one, other))
    both = [
        replace(fused, score=share * first.get(id, 0.0) + (1 - share) * second.get(id, 0.0))
        for id, fused in {fused.chunk_id: fused for fused in (*other, *one)}.items()
    ]
    return sorted(both, key=lambda fused: (-fused.score, fused.chunk_id))


def judged(ranked: Sequence[Fused], verdicts: Mapping[int, float]) -> list[Fused]:
    """The ranking with what a reranker has judged (0 to 1) in its order and in front; the rest keeps its order behind it."""
    worst = min(verdicts.values(), default=1.0)
    placed = [
        replace(one, score=verdicts[one.chunk_id], rerank=verdicts[one.chunk_id])
        if one.chunk_id in verdicts
        else replace(one, score=one.score * worst)
        for one in ranked
    ]
    return sorted(placed, key=lambda one: (one.rerank is None, -one.score, one.chunk_id))


def dated_first(ranked: Sequence[Fused], dated: Collection[int], *, bonus: float = DATED) -> list[Fused]:
    """The ranking with a bonus for the chunks in `dated`, best first."""
    raised = [replace(one, score=one.score + bonus) if one.chunk_id in dated else one for one in ranked]
    return sorted(raised, key=lambda one: (-one.score, one.chunk_id))


def knowledge(question: str, pieces: int) -> float:
    """How well an embedder knows the language of a question, 0 to 1, by the pieces that its tokenizer cuts it into.

    Of a language it was trained on a word is a piece or two, of one it was not every letter is. Two signs of that, and the
    better one counts: how far the pieces go from one a word (0) towards one a letter (1), punctuation left out, which rare
    words spoil; and how many letters a piece has, which short words spoil. Means of MiniLM on eleven sets of questions, of
    the first: English .02 to .09, Spanish .19, Chinese and Japanese .42 to .47, Russian and Arabic .93 and more; of the
    second: English 3.9, Spanish 2.5, the others 1. A character of a script without spaces says more than a letter, and a
    third of a word.
    """
    unspaced = sum(len(run[0]) for run in UNSPACED.finditer(question))
    spaced = UNSPACED.sub(" ", question)
    found = _WORD.findall(spaced)
    words, letters = len(found) + unspaced / 3, sum(map(len, found)) + DENSER * unspaced
    marks = sum(not (letter.isalnum() or letter.isspace()) for letter in spaced)
    if letters <= words or pieces <= 0:
        return 1.0
    by_words = (SPELT - (pieces - marks - words) / (letters - words)) / (SPELT - WHOLE)
    by_letters = (letters / pieces - SHORT) / (LONG - SHORT)
    return min(1.0, max(0.0, by_words, by_letters))


def fold_copies(
    ranked: Sequence[Fused], chunks: Mapping[int, Chunk], *, alike: float = 0.9
) -> tuple[list[Fused], dict[int, tuple[int, ...]]]:
    """The ranking without near copies, and for each that stays the ids that were folded into it.

    Of passages whose word pairs are `alike` (Jaccard) only the best stays. Each is compared with each, quickly first: a
    passage whose bare words differ is no copy. Hand in the first hundred or so; those not among `chunks` are left out.
    """
    texts = {one.chunk_id: _Text(chunks[one.chunk_id]) for one in ranked if one.chunk_id in chunks}
    kept: list[Fused] = []
    copies: dict[int, list[int]] = {}
    for one in ranked:
        if one.chunk_id not in texts:
            continue
        text = texts[one.chunk_id]
        twin = next((other for other in kept if text.is_like(texts[other.chunk_id], alike)), None)
        if twin is None:
            kept.append(one)
        else:
            copies.setdefault(twin.chunk_id, []).append(one.chunk_id)
    return kept, {id: tuple(ids) for id, ids in copies.items()}


def spread(ranked: Sequence[Fused], chunks: Mapping[int, Chunk]) -> list[Fused]:
    """The ranking with every file's passages after its first `FAIR_SHARE` a tenth weaker than the one before: they stay
    in front only where they are clearly better than what other files have."""
    shown: Counter[Path] = Counter()
    faded = []
    for one in ranked:
        path = chunks[one.chunk_id].path
        over = max(0, shown[path] - FAIR_SHARE + 1)
        shown[path] += 1
        faded.append(replace(one, score=one.score * FADING**over))
    return sorted(faded, key=lambda one: (-one.score, one.chunk_id))


def join(
    ranked: Sequence[Fused],
    siblings: Mapping[int, Sequence[Chunk]],
    text: Callable[[Path, int, int], str],
    *,
    limit: int = 10,
    longest: int = 2400,
    roomy: int = 0,
) -> list[Passage]:
    """The best candidates as up to `limit` passages, neighbours among them joined; best first.

    `siblings` holds for a chunk id all chunks of its file in reading order, itself included; an id without an entry is
    left out. `text(path, start, end)` cuts from the stored document. Chunks that follow each other on one page are
    joined while the result stays within `longest` characters. The first `roomy` passages also take the chunk before
    and after them under the same headings, where that fits.
    """
    known = [one for one in ranked if one.chunk_id in siblings]
    chosen = {one.chunk_id for one in known[: 2 * limit]}
    taken: set[int] = set()
    runs: list[tuple[Fused, list[Chunk]]] = []
    for one in known:
        if len(runs) == limit:
            break
        if one.chunk_id in taken:
            continue
        run = _run(one.chunk_id, siblings[one.chunk_id], lambda chunk: chunk.id in chosen, taken, longest)
        taken.update(chunk.id for chunk in run)
        runs.append((one, run))
    passages = []
    for rank, (one, run) in enumerate(runs):
        wider = _with_context(run, siblings[one.chunk_id], taken, longest) if rank < roomy else run
        taken.update(chunk.id for chunk in wider)
        passages.append(_passage(one, wider, text))
    return passages


def _run(
    chunk_id: int, file: Sequence[Chunk], wanted: Callable[[Chunk], bool], taken: set[int], longest: int
) -> list[Chunk]:
    """The chunk and the wanted ones next to it, as far as they follow each other on its page."""
    at = next(index for index, chunk in enumerate(file) if chunk.id == chunk_id)
    first = last = at
    grown = True
    while grown:
        grown = False
        for index in (last + 1, first - 1):
            if not 0 <= index < len(file) or file[index].id in taken or not wanted(file[index]):
                continue
            low, high = min(first, index), max(last, index)
            if file[index].page == file[at].page and file[high].end - file[low].start <= longest:
                first, last, grown = low, high, True
    return list(file[first : last + 1])


def _with_context(run: list[Chunk], file: Sequence[Chunk], taken: set[int], longest: int) -> list[Chunk]:
    """The run with one more chunk on either side where it belongs to the same section."""
    first = next(index for index, chunk in enumerate(file) if chunk.id == run[0].id)
    last = first + len(run) - 1
    for index in (last + 1, first - 1):
        if not 0 <= index < len(file) or file[index].id in taken:
            continue
        low, high = min(first, index), max(last, index)
        same = file[index].headings == file[first].headings and file[index].page == file[first].page
        if same and file[high].end - file[low].start <= longest:
            first, last = low, high
    return list(file[first : last + 1])


def _passage(best: Fused, run: Sequence[Chunk], text: Callable[[Path, int, int], str]) -> Passage:
    first, scores = run[0], Scores(words=best.words, vectors=best.vectors, rerank=best.rerank)
    parts = tuple(chunk.id for chunk in run)
    if len(run) == 1:
        return Passage(first, best.score, scores, parts)
    start, end = first.start, max(chunk.end for chunk in run)
    joined = Chunk(
        path=first.path,
        start=start,
        end=end,
        text=text(first.path, start, end),
        headings=_shared(run),
        page=first.page,
        line=first.line,
        format=first.format,
        id=best.chunk_id,
    )
    return Passage(joined, best.score, scores, parts)


def _shared(run: Sequence[Chunk]) -> tuple[str, ...]:
    """The headings above all of them."""
    shared = run[0].headings
    for chunk in run[1:]:
        same = 0
        while same < min(len(shared), len(chunk.headings)) and shared[same] == chunk.headings[same]:
            same += 1
        shared = shared[:same]
    return shared


def _typical(values: Sequence[float]) -> float:
    """The middle one: what a candidate is taken for that has no vector yet."""
    return sorted(values)[len(values) // 2] if values else 0.0


class _Text:
    """What tells two passages apart: quickly by their bare words, for certain by their pairs of words."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._bare = frozenset(chunk.text.casefold().split())
        self._pairs: frozenset[tuple[str, ...]] | None = None

    def is_like(self, other: _Text, alike: float) -> bool:
        small, large = sorted((len(self._bare), len(other._bare)))
        if small >= TELLING and (small < BARELY * large or _jaccard(self._bare, other._bare) < BARELY):
            return False
        return _jaccard(self.pairs, other.pairs) >= alike

    @property
    def pairs(self) -> frozenset[tuple[str, ...]]:
        if self._pairs is None:
            words = terms(plain(self._chunk.text, self._chunk.format))
            self._pairs = frozenset(pairwise(words)) if len(words) > 1 else frozenset([tuple(words)])
        return self._pairs


def _jaccard(one: frozenset[Any], other: frozenset[Any]) -> float:
    if not one or not other:
        return float(one == other)
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
