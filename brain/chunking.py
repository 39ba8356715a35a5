"""A Document cut into Chunks: exact slices, small enough to embed, whole where a reader would want them whole.

Pure: counting tokens is the tokenizer's. Blocks of one section are put together until they are near the target;
what is too large is cut at the best border there is: paragraph, item or row, sentence, word, character.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import accumulate, groupby, pairwise

from brain.seams import Tokenizer
from brain.types import Block, BlockKind, Chunk, Document
from brain.wording import embedded, sentences

_BATCH = 2_000  # texts a call of the tokenizer: few calls, and no list of a million strings
_ROOM = 8  # tokens kept free for what joining parts may add
_GAP = 400  # characters between two blocks that may lie inside one chunk
_LIST_WHOLE = 1.5  # of the target: a longer list is cut between its items
_STRETCH = 2.0  # of the target: a longer section is parted where its text says, whatever stands around it
_MARGIN = 0.5  # of the target, from the ends of what is parted
_TINY = 1 / 3  # of the target: a smaller section may share a chunk with its neighbours

_Span = tuple[int, int]
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")
_BULLET = re.compile(r"^([ \t]*)(?:[-*+•]|\d{1,9}[.)])(?=[ \t\n]|$)", re.MULTILINE)
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Part:
    """A span that is not cut any more, what it weighs, and the block it comes from."""

    start: int
    end: int
    tokens: int
    block: Block


@dataclass(frozen=True, slots=True)
class _Run:
    """Parts that will be one chunk."""

    parts: tuple[_Part, ...]
    headings: tuple[str, ...]
    tokens: int

    @property
    def page(self) -> int | None:
        return self.parts[0].block.page

    @property
    def only_headings(self) -> bool:
        return all(part.block.kind == "heading" for part in self.parts)


def cut(document: Document, tokenizer: Tokenizer, *, target: int = 200) -> list[Chunk]:
    """The passages of a document in order, never overlapping, each at most the tokenizer's window as embedded.

    Every character of every block that is not white space is in exactly one of them. A chunk keeps to one page and to
    one section; sections too small to stand alone share a chunk under the headings they have in common. Code and
    tables are cut only where they do not fit the window, between lines; long lists between items.
    """
    if not document.blocks:
        return []
    return _Cutter(document, tokenizer, target).chunks()


class _Cutter:
    def __init__(self, document: Document, tokenizer: Tokenizer, target: int) -> None:
        self._document = document
        self._text = document.text
        self._tokenizer = tokenizer
        self._title = document.title if document.titled else None
        self._special = tokenizer.count([""])[0]
        # A path of headings may be longer than what stands under it: the outer ones give way.
        self._paths = self._fitting({block.headings for block in document.blocks})
        most = max(tokens for _, tokens in self._paths.values())
        self._limit = max(8, tokenizer.window - most - _ROOM)
        self._target = min(target, self._limit)

    def chunks(self) -> list[Chunk]:
        runs = self._joined(self._runs(self._parts()))
        newlines = [found.start() for found in re.finditer("\n", self._text)]
        chunks = [
            Chunk(
                self._document.path,
                start := run.parts[0].start,
                end := run.parts[-1].end,
                self._text[start:end],
                run.headings,
                run.page,
                line=bisect_left(newlines, start) + 1,
                format=self._document.format,
            )
            for run in runs
        ]
        return list(self._within_window(chunks, newlines))

    def _count(self, texts: Iterable[str]) -> Iterator[int]:
        batch: list[str] = []
        for text in texts:
            batch.append(text)
            if len(batch) == _BATCH:
                yield from self._tokenizer.count(batch)
                batch = []
        if batch:
            yield from self._tokenizer.count(batch)

    def _fitting(self, paths: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[tuple[str, ...], int]]:
        """For every path, the inner part of it that takes at most a third of the window, and its tokens."""
        fitting: dict[tuple[str, ...], tuple[tuple[str, ...], int]] = {}
        waiting = [(path, path) for path in paths]
        while waiting:
            counts = self._count(embedded(self._title, kept, "", self._document.format) for _, kept in waiting)
            again = []
            for (path, kept), tokens in zip(waiting, list(counts), strict=True):
                if kept and tokens * 3 > self._tokenizer.window:
                    again.append((path, kept[1:]))
                else:
                    fitting[path] = (kept, tokens)
            waiting = again
        return fitting

    # -- parts ---------------------------------------------------------------------------------------------------

    def _parts(self) -> list[_Part]:
        """Every block in parts that fit, cut no finer than its kind allows. A level of borders is one counting."""
        parts: list[_Part] = []
        waiting = [(block.start, block.end, block, 0) for block in self._document.blocks]
        while waiting:
            counts = self._weights([(start, end) for start, end, _, _ in waiting])
            finer: list[tuple[int, int, Block, int]] = []
            for (start, end, block, level), tokens in zip(waiting, counts, strict=True):
                borders = _BORDERS[block.kind]
                if tokens <= self._allowed(block.kind, level) or end - start <= 1:
                    if self._text[start:end].strip():
                        parts.append(_Part(start, end, tokens, block))
                elif level < len(borders):
                    spans = borders[level](self._text, start, end)
                    finer.extend((first, last, block, level + 1) for first, last in spans)
                else:
                    finer.extend((*span, block, level + 1) for span in self._hard(start, end, level - len(borders)))
            waiting = finer
        return sorted(parts, key=lambda part: part.start)

    def _allowed(self, kind: BlockKind, level: int) -> int:
        if kind == "prose" and level < 2:
            return self._target
        return int(min(self._limit, self._target * _LIST_WHOLE)) if kind == "list" and level == 0 else self._limit

    def _weights(self, spans: Sequence[_Span]) -> list[int]:
        """Tokens of each span without the special ones. What is clearly too large is not counted but reckoned."""
        most = 10 * self._limit
        plainly = [end - start <= most for start, end in spans]
        texts = (
            embedded(None, (), self._text[start:end], self._document.format)
            for (start, end), counted in zip(spans, plainly, strict=True)
            if counted
        )
        counts = self._count(texts)
        return [
            max(1, next(counts) - self._special) if counted else max(self._limit + 1, (end - start) // 4)
            for (start, end), counted in zip(spans, plainly, strict=True)
        ]

    def _hard(self, start: int, end: int, finer: int) -> Iterator[_Span]:
        """Words put together, and words of endless length cut, into pieces of so many characters."""
        most = max(1, min(self._limit, end - start - 1) >> finer)
        first = last = start
        for word in _WORD.finditer(self._text, start, end):
            if last > first and word.end() - first > most:
                yield first, last
                first = last = word.start()
            if last == first:
                first = word.start()
            last = word.end()
            if last - first > most:
                yield from ((at, min(at + most, last)) for at in range(first, last, most))
                first = last
        if last > first:
            yield first, last

    # -- runs ----------------------------------------------------------------------------------------------------

    def _runs(self, parts: Sequence[_Part]) -> Iterator[list[_Run]]:
        """The chunks of each section: parts in order while they fit the target, no small rest left over."""
        for (_, headings), section in groupby(parts, key=lambda part: (part.block.page, part.block.headings)):
            yield [run for stretch in self._stretches(list(section)) for run in self._filled(stretch, headings)]

    def _stretches(self, section: Sequence[_Part]) -> Iterator[Sequence[_Part]]:
        """A long section in stretches of a few chunks, so that a change moves no border beyond its own stretch.

        Filling chunks one after the other from the start of a section would shift every later border when a paragraph
        is put in. Here what stands at a border decides: the section is parted at the part with the least hash, and so
        is each half, until they are short. A part that comes or goes changes nothing for stretches it is not in.
        """
        ends = [0, *accumulate(part.tokens for part in section)]
        longest, margin = self._target * _STRETCH, self._target * _MARGIN
        hashes = [self._hash(part) for part in section] if ends[-1] > longest else []
        waiting = [(0, len(section))]
        while waiting:
            first, last = waiting.pop()
            if ends[last] - ends[first] > longest:
                middle = (ends[first] + ends[last]) / 2
                best = min(
                    (
                        (hashes[at], abs(ends[at] - middle), at)  # alike parts would else be taken off one by one
                        for at in range(first + 1, last)
                        if ends[first] + margin <= ends[at] <= ends[last] - margin
                        and section[at - 1].block.kind != "heading"
                    ),
                    default=None,
                )
                if best is not None:
                    waiting += [(best[2], last), (first, best[2])]
                    continue
            yield section[first:last]

    def _hash(self, part: _Part) -> bytes:
        return blake2b(self._text[part.start : part.end].encode(errors="replace"), digest_size=8).digest()

    def _filled(self, stretch: Sequence[_Part], headings: tuple[str, ...]) -> list[_Run]:
        kept = self._paths[headings][0]
        runs: list[_Run] = []
        for part in stretch:
            if runs and self._takes(runs[-1], part):
                runs[-1] = _Run((*runs[-1].parts, part), kept, runs[-1].tokens + part.tokens)
            else:
                runs.append(_Run((part,), kept, part.tokens))
        if len(runs) > 1 and self._may_join(runs[-2], runs[-1], self._limit) and self._is_tiny(runs[-1]):
            runs[-2:] = [_Run(runs[-2].parts + runs[-1].parts, kept, runs[-2].tokens + runs[-1].tokens)]
        return runs

    def _takes(self, run: _Run, part: _Part) -> bool:
        if part.start - run.parts[-1].end > _GAP or run.tokens + part.tokens > self._limit:
            return False
        return run.tokens + part.tokens <= self._target or run.only_headings or run.tokens < self._target * _TINY

    def _is_tiny(self, run: _Run) -> bool:
        return run.tokens < self._target * _TINY

    def _may_join(self, run: _Run, after: _Run, most: int) -> bool:
        near = after.parts[0].start - run.parts[-1].end <= _GAP
        return near and run.page == after.page and run.tokens + after.tokens <= most

    def _joined(self, sections: Iterable[list[_Run]]) -> list[_Run]:
        """Tiny sections put with their neighbours; a heading that nothing stands under goes with the next section."""
        runs: list[_Run] = []
        for section in sections:
            for run in section:
                before = runs[-1] if runs else None
                if before is None or before.headings == run.headings:
                    runs.append(run)
                elif before.only_headings and run.headings[: len(before.headings)] == before.headings:
                    if self._may_join(before, run, self._limit):
                        runs[-1] = replace(run, parts=before.parts + run.parts, tokens=before.tokens + run.tokens)
                    else:
                        runs.append(run)
                elif self._are_near(before, run) and self._may_join(before, run, self._target):
                    shared = _shared(before.headings, run.headings)
                    runs[-1] = _Run(before.parts + run.parts, shared, before.tokens + run.tokens)
                else:
                    runs.append(run)
        return runs

    def _are_near(self, run: _Run, after: _Run) -> bool:
        """One of them is tiny, and they are siblings, or one is the other's parent."""
        shared = len(_shared(run.headings, after.headings))
        depth = min(len(run.headings), len(after.headings))
        return (self._is_tiny(run) or self._is_tiny(after)) and shared >= depth - 1

    # -- the last word -------------------------------------------------------------------------------------------

    def _within_window(self, chunks: Sequence[Chunk], newlines: Sequence[int]) -> Iterator[Chunk]:
        """The chunks, with those that turn out over the window as embedded cut in two until they fit."""
        texts = (embedded(self._title, chunk.headings, chunk.text, chunk.format) for chunk in chunks)
        for chunk, tokens in zip(chunks, self._count(texts), strict=True):
            if tokens <= self._tokenizer.window or len(chunk.text) < 2:
                yield chunk
                continue
            middle = _middle(chunk.text)
            for start, end in ((0, middle), (middle, len(chunk.text))):
                text = chunk.text[start:end]
                at = chunk.start + start + len(text) - len(text.lstrip())
                text = text.strip()
                if text:
                    line = bisect_left(newlines, at) + 1
                    half = replace(chunk, start=at, end=at + len(text), text=text, line=line)
                    yield from self._within_window([half], newlines)


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _middle(text: str) -> int:
    """A border near the middle: a newline, else a space, else the middle itself."""
    half = len(text) // 2
    for border in ("\n", " "):
        for at in (text.rfind(border, len(text) // 4, half), text.find(border, half, 3 * len(text) // 4)):
            if at > 0:
                return at
    return half


def _lines(text: str, start: int, end: int) -> list[_Span]:
    return [found.span() for found in _LINE.finditer(text, start, end)]


def _paragraphs(text: str, start: int, end: int) -> list[_Span]:
    return [found.span() for found in _PARAGRAPH.finditer(text, start, end)]


def _sentences(text: str, start: int, end: int) -> list[_Span]:
    return [(start + first, start + last) for first, last in sentences(text[start:end])]


def _items(text: str, start: int, end: int) -> list[_Span]:
    """The items of the outermost level that has more than one; lines where there are none."""
    found = [(len(bullet[1].expandtabs(4)), bullet.start()) for bullet in _BULLET.finditer(text, start, end)]
    for depth in sorted({depth for depth, _ in found}):
        starts = [at for own, at in found if own <= depth]
        if len(starts) > 1:
            edges = [start, *(at for at in starts if at > start), end]
            return [
                (first, first + len(text[first:last].rstrip()))
                for first, last in pairwise(edges)
                if text[first:last].strip()
            ]
    return _lines(text, start, end)


_Borders = Callable[[str, int, int], list[_Span]]
_BORDERS: dict[BlockKind, tuple[_Borders, ...]] = {
    "heading": (),
    "prose": (_paragraphs, _sentences, _lines),
    "list": (_items, _items, _lines, _sentences),
    "table": (_lines,),
    "code": (_paragraphs, _lines),
}


_RUN = re.compile(r"[a-z]+", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")


class EstimatedTokenizer:
    """Counts without a model, rather too many than too few: for when no embedder is there to count."""

    recipe = "estimate/1"

    def __init__(self, window: int = 256) -> None:
        self.window = window

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, two special ones included."""
        return [2 + _estimate(text) for text in texts]


def _estimate(text: str) -> int:
    """A word of Latin letters is a token for every 3.2 letters, digits two a token, anything else one each."""
    words = _RUN.findall(text)
    letters = sum(map(len, words))
    numbers = _DIGITS.findall(text)
    digits = sum(map(len, numbers))
    blank = sum(map(text.count, " \n\t"))
    return (
        max(len(words), round(letters / 3.2))
        + len(numbers) // 2
        + (digits + 1) // 2
        + len(text)
        - letters
        - digits
        - blank
    )
