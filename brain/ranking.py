"""From two rankings to the passages that are shown: fuse by score, drop near copies, join neighbours.

It looks nothing up: candidates, texts and siblings are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from brain.types import Chunk, Hit, Scores
from brain.wording import terms

# Measured with MiniLM and stemmed BM25 on five sets: the best weight lies between .5 and .7 in each of them.
MEANING = 0.6
# What a document of the days that a question may speak of is given: decides between equals, not against a better answer.
DATED = 0.05


@dataclass(frozen=True, slots=True)
class Fused:
    """One candidate with its score (0 to 1) and where it comes from; None where that side did not find it."""

    chunk_id: int
    score: float
    words: float | None = None  # BM25 as a share of the best
    vectors: float | None = None  # cosine


@dataclass(frozen=True, slots=True)
class Passage:
    """One result as it is shown: a chunk, or neighbouring chunks of a file joined into one exact slice."""

    chunk: Chunk  # its id is that of its best part
    score: float
    scores: Scores
    parts: tuple[int, ...]  # the chunk ids in it, in reading order


def fuse(word_hits: Sequence[Hit], cosines: Mapping[int, float], *, weight: float = MEANING) -> list[Fused]:
    """One ranking of every candidate of either list, best first: weight × cosine + (1 − weight) × BM25 ÷ best BM25.

    `cosines` should hold the cosine of every candidate, those that only words found included. With only one of the
    lists the score is that side's alone. Equal scores keep the lower id first, so that a ranking never flickers.
    """
    best = max((hit.score for hit in word_hits), default=0.0)
    words = {hit.chunk_id: hit.score / best for hit in word_hits} if best > 0 else {}
    if not cosines:
        weight = 0.0
    elif not words:
        weight = 1.0
    fused = [
        Fused(
            chunk_id,
            weight * max(0.0, cosines.get(chunk_id, 0.0)) + (1 - weight) * words.get(chunk_id, 0.0),
            words.get(chunk_id),
            cosines.get(chunk_id),
        )
        for chunk_id in {**words, **cosines}
    ]
    return sorted(fused, key=lambda one: (-one.score, one.chunk_id))


def dated_first(ranked: Sequence[Fused], dated: Collection[int], *, bonus: float = DATED) -> list[Fused]:
    """The ranking with a bonus for the chunks in `dated`, best first."""
    raised = [replace(one, score=one.score + bonus) if one.chunk_id in dated else one for one in ranked]
    return sorted(raised, key=lambda one: (-one.score, one.chunk_id))


def drop_copies(ranked: Sequence[Fused], texts: Mapping[int, str], *, alike: float = 0.9) -> list[Fused]:
    """The ranking without near copies: of passages whose word pairs are `alike` (Jaccard) only the best stays.

    `texts` may leave out candidates; those are kept unseen. Compares each with each: hand in the first hundred or so.
    """
    kept: list[Fused] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    for one in ranked:
        if one.chunk_id in texts:
            shingles = _shingles(texts[one.chunk_id])
            if any(_alike(shingles, other) >= alike for other in seen):
                continue
            seen.append(shingles)
        kept.append(one)
    return kept


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
    first, scores = run[0], Scores(words=best.words, vectors=best.vectors)
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


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = terms(text)
    if len(words) < 2:
        return frozenset([tuple(words)])
    return frozenset(pairwise(words))


def _alike(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    small, large = sorted((len(one), len(other)))
    if small < 0.8 * large:  # cannot reach the mark: saves most comparisons
        return 0.0
    shared = len(one & other)
    return shared / (small + large - shared)
