"""A document laid out for reading it whole: every character in exactly one unit, every unit in exactly one part; and the log
of what was read. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from brain.types import Chunk, Coverage, Document, Evidence, Scores, Span
from brain.wording import sentences

UNIT = 1200  # characters; about a third of a page


@dataclass(frozen=True, slots=True)
class Unit:
    """A run of a document that is not cut any more: of one page and one section."""

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Units that are read together."""

    units: tuple[Unit, ...]

    @property
    def start(self) -> int:
        return self.units[0].start

    @property
    def end(self) -> int:
        return self.units[-1].end

    @property
    def page(self) -> int | None:
        """The last page of it."""
        return self.units[-1].page


def units(document: Document, *, most: int = UNIT) -> list[Unit]:
    """The document from its first character to its last, without gaps or overlaps, each unit at most `most` characters.

    Borders are, where they can be, those of blocks, then of sentences, then of words.
    """
    length = len(document.text)
    if not length:
        return []
    blocks = document.blocks
    edges = [0, *(block.start for block in blocks[1:]), length] if blocks else [0, length]
    found: list[Unit] = []
    for at, (start, end) in enumerate(pairwise(edges)):
        headings, page = (blocks[at].headings, blocks[at].page) if blocks else ((), None)
        for piece_start, piece_end in _cut(document.text, start, end, most):
            last = found[-1] if found else None
            if last is not None and (last.headings, last.page) == (headings, page) and piece_end - last.start <= most:
                found[-1] = Unit(last.start, piece_end, headings, page)
            else:
                found.append(Unit(piece_start, piece_end, headings, page))
    return found


def parts(laid: Sequence[Unit], sizes: Sequence[int], *, most: int) -> list[Part]:
    """The units in runs of at most `most`, by their `sizes`; a larger unit is a part of its own. None is left out."""
    runs: list[list[Unit]] = []
    used = 0
    for unit, size in zip(laid, sizes, strict=True):
        if runs and used + size <= most:
            runs[-1].append(unit)
            used += size
        else:
            runs.append([unit])
            used = size
    return [Part(tuple(run)) for run in runs]


def covered(document: Document, laid: Sequence[Unit], read: Iterable[Span]) -> Coverage:
    """The log: which spans were read, and so which pages. A page counts as read only where all of its units were."""
    spans = _joined(read)
    starts = [span.start for span in spans]

    def is_read(unit: Unit) -> bool:
        at = bisect_right(starts, unit.start) - 1
        return at >= 0 and unit.end <= spans[at].end

    missed = {unit.page for unit in laid if not is_read(unit)}
    with_text = {unit.page for unit in laid if unit.page is not None}
    pages = range(1, (document.pages or 0) + 1)
    return Coverage(
        path=document.path,
        characters=len(document.text),
        spans=tuple(spans),
        pages=document.pages,
        read=tuple(page for page in pages if page in with_text and page not in missed),
        without_text=tuple(page for page in pages if page not in with_text),
        not_read=tuple(page for page in pages if page in missed),
        complete=not missed and spans == ([Span(0, len(document.text))] if document.text else []),
    )


def passages(document: Document, laid: Iterable[Unit], cosines: Sequence[float] | None = None) -> tuple[Evidence, ...]:
    """Each unit as a passage numbered from 1; `cosines` are its scores."""
    found: list[Evidence] = []
    line, at = 1, 0
    for number, unit in enumerate(laid, 1):
        line, at = line + document.text.count("\n", at, unit.start), unit.start
        text = document.text[unit.start : unit.end]
        chunk = Chunk(document.path, unit.start, unit.end, text, unit.headings, unit.page, line, document.format)
        cosine = None if cosines is None else cosines[number - 1]
        scores = Scores(vectors=cosine)
        found.append(Evidence(number, chunk, document.title, cosine or 0.0, scores, document.date, document.tags))
    return tuple(found)


def unit_at(laid: Sequence[Unit], position: int) -> int:
    """The place in `laid` of the unit that holds a character."""
    return max(0, bisect_right(laid, position, key=lambda unit: unit.start) - 1)


def _cut(text: str, start: int, end: int, most: int) -> list[tuple[int, int]]:
    if end - start <= most:
        return [(start, end)]
    edges = [start]
    for first, last in sentences(text[start:end]):
        if start + last - edges[-1] <= most:
            continue
        if start + first > edges[-1]:
            edges.append(min(start + first, edges[-1] + most))
        while start + last - edges[-1] > most:
            blank = text.rfind(" ", edges[-1] + most // 2, edges[-1] + most)
            edges.append(blank + 1 if blank > 0 else edges[-1] + most)
    while end - edges[-1] > most:  # white space behind the last sentence
        edges.append(edges[-1] + most)
    return list(pairwise([*edges, end]))


def _joined(read: Iterable[Span]) -> list[Span]:
    spans: list[Span] = []
    for span in sorted(read, key=lambda one: (one.start, one.end)):
        if spans and span.start <= spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(spans[-1].end, span.end))
        elif span.end > span.start:
            spans.append(span)
    return spans
