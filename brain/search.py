"""A question → the passages that may answer it: words and vectors fused by score, near copies dropped, neighbours joined."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Protocol

from brain.errors import ModelError, StoreError
from brain.events import Retrieved, Timings
from brain.privacy import Rules
from brain.querying import narrow, parse, unknown, within
from brain.ranking import LEANING, Fused, dated_first, fold_copies, fuse, join, judged, knowledge, mixed, spread
from brain.seams import Embedder, Reranker, Tokenizer, VectorIndex, Vectors
from brain.types import Chunk, DateOrigin, Evidence, Hit, Impaired, Message, Query, Scope
from brain.wording import key_terms, plain, terms

CANDIDATES = 60  # of each list: beyond it the fused order of the first ten no longer changed on the tuning sets
SPARE = 3  # times as many candidates as are shown, because near copies and neighbours melt together
REACH = 2  # chunks on either side that may be joined into a passage
ROOMY = 2  # the first passages that also take the chunk before and after them
LONG_ENOUGH = 500  # characters that show which language a question is in
FOLLOW_UP_TERMS = 4  # a question with fewer words of its own is read in two ways: alone, and behind the one before it
HARDLY_KNOWN = 0.25  # of an embedder's `knowledge` of a language
LETTERS = 6  # of a question that its language is judged by: fewer are a code or a name
STRANGE_LANGUAGE = Impaired(
    "vectors",
    "The embedding model hardly knows the language of this question: words decide.",
    "A model that knows it: brain models use NAME",
)
POINTING = frozenset("it its he him his she her they them their".split())


class Facts(Protocol):
    """What is known of a passage's document."""

    @property
    def title(self) -> str: ...
    @property
    def date(self) -> str | None: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def date_origin(self) -> DateOrigin | None: ...
    @property
    def private(self) -> bool: ...


class Passages(Protocol):
    """The part of the catalog that a search reads."""

    def scope(self, scope: Scope) -> frozenset[int] | None: ...
    def documents(self, scope: Scope) -> int: ...
    def tags(self) -> Mapping[str, int]: ...
    def places(self) -> Sequence[str]: ...
    def chunks(self, ids: Collection[int]) -> dict[int, Chunk]: ...
    def facts(self, ids: Collection[int]) -> Mapping[int, Facts]: ...
    def neighbours(self, chunk_id: int, reach: int = 1) -> list[Chunk]: ...
    def text(self, path: Path, start: int, end: int) -> str: ...
    def vectors(self, model: str, ids: Collection[int]) -> tuple[list[int], Vectors]: ...
    def vectors_pending(self, model: str) -> int: ...
    def words_pending(self) -> int: ...


class Words(Protocol):
    """The words index."""

    def search(
        self,
        query: str,
        limit: int,
        within: Collection[int] | None = None,
        *,
        phrases: Sequence[str] = (),
        excluded: Sequence[str] = (),
    ) -> list[Hit]: ...
    def together(self, query: str, among: Collection[int]) -> dict[int, float]: ...


class QueryEmbedder(Embedder, Tokenizer, Protocol):
    """Vectors, and the pieces that a question is cut into."""


@dataclass(slots=True)
class Found:
    """What one search found and how, before it is numbered."""

    words: list[Hit] = field(default_factory=list)
    vectors: list[Hit] = field(default_factory=list)
    hits: list[Fused] = field(default_factory=list)
    degraded: list[Impaired] = field(default_factory=list)
    words_seconds: float = 0.0
    vectors_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the embedder says to one question: the nearest, and the vectors of all candidates of either list."""

    near: list[Hit]
    question: Vectors
    ids: list[int]
    rows: Vectors
    known: float

    def cosines(self) -> dict[int, float]:
        """Exact, of every candidate that has a vector."""
        return self._to(self.question)

    def leaning(self, to: Sequence[int]) -> dict[int, float]:
        """The cosines to the question moved towards these candidates."""
        if not to:
            return self.cosines()
        at = {id: row for row, id in enumerate(self.ids)}
        moved = self.question + LEANING * self.rows[[at[id] for id in to]].mean(axis=0)
        return self._to(moved / (moved @ moved) ** 0.5)

    def _to(self, vector: Vectors) -> dict[int, float]:
        return dict(zip(self.ids, (self.rows @ vector).tolist(), strict=True)) if self.ids else {}


@dataclass(frozen=True, slots=True)
class Rankings:
    """One question's candidates as each side ranks them, best first, and as they are fused; what measuring looks at."""

    words: tuple[Hit, ...]  # scores are BM25 as a share of the best there could be
    vectors: tuple[Hit, ...]  # scores are cosines
    fused: tuple[Fused, ...]
    degraded: tuple[Impaired, ...] = ()


@dataclass(frozen=True, slots=True)
class Judging:
    """A reranker, and how much it may do in one search. `open` gives None where none is chosen, and may raise ModelError."""

    open: Callable[[], Reranker | None] = lambda: None
    passages: int = 20
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Searcher:
    """What a search stands on. `embedder` and `vectors` are called for when needed and may raise BrainError: words go on alone."""

    catalog: Passages
    words: Callable[[], Words]
    vectors: Callable[[], VectorIndex]
    embedder: Callable[[], QueryEmbedder]
    today: Callable[[], date] = date.today
    judging: Judging = Judging()
    rules: Callable[[], Rules] = Rules

    def search(
        self,
        question: str,
        *,
        limit: int,
        history: Sequence[Message] = (),
        scope: Scope = Scope(),
        join_neighbours: bool = False,
    ) -> Retrieved:
        """The best `limit` passages, numbered from 1. `join_neighbours` makes one passage of chunks that follow each other.

        Raises QueryError for an empty question, a filter that is not understood, and a place or tag that no note has. A
        part that fails is named in `degraded`.
        """
        stages = self.find(question, limit=limit, history=history, scope=scope, join_neighbours=join_neighbours)
        *_, best = stages
        return best

    def find(
        self,
        question: str,
        *,
        limit: int,
        history: Sequence[Message] = (),
        scope: Scope = Scope(),
        join_neighbours: bool = False,
        words_first: bool = False,
    ) -> Iterator[Retrieved]:
        """What `search` returns; with `words_first`, for a search while typing, what words alone find comes before it, if
        they find anything, and no reranker is asked.

        Whoever stops after the first pays for no embedding. Raises as `search` does.
        """
        began = time.monotonic()
        query, among, dated = self._understood(question, scope)
        rules = self.rules()

        def retrieved() -> Retrieved:
            return Retrieved(
                query=query.text,
                evidence=self._evidence(found.hits, rules, limit=limit, joined=join_neighbours),
                degraded=tuple(dict.fromkeys(part.part for part in found.degraded)),
                seconds=Timings(found.words_seconds, found.vectors_seconds, time.monotonic() - began),
                documents=self.catalog.documents(query.scope),
                window=query.window,
                impaired=tuple(dict.fromkeys(found.degraded)),
            )

        found = self._by_words(query, query.text, among, CANDIDATES)
        if words_first and found.words:
            found.hits = dated_first(fuse(found.words, {}), dated)
            yield retrieved()
        self._by_meaning(found, query, query.text, among, CANDIDATES)
        if query.window and query.window.use == "only" and not found.hits:
            query, among, dated = self._understood(question, scope, none_there=True)
            found = self._both(query, query.text, among, CANDIDATES)
        if (asked := _in_context(query.text, history)) != query.text:
            in_context = self._both(query, asked, among, CANDIDATES)
            said_itself = min(0.5, len(key_terms(query.text)) / (2 * FOLLOW_UP_TERMS))  # of what it looks for
            found.hits = mixed(found.hits, in_context.hits, share=said_itself)
        found.hits = dated_first(found.hits, dated)
        if not words_first:
            self._judge(found, query.text)
        yield retrieved()

    def rankings(self, question: str, *, depth: int = CANDIDATES, scope: Scope = Scope()) -> Rankings:
        """The first `depth` of each side and all of them fused, before near copies are dropped. Raises QueryError."""
        query, among, dated = self._understood(question, scope)
        found = self._both(query, query.text, among, depth)
        fused = dated_first(found.hits, dated)
        return Rankings(tuple(found.words), tuple(found.vectors), tuple(fused), tuple(found.degraded))

    def _understood(
        self, question: str, scope: Scope, *, none_there: bool = False
    ) -> tuple[Query, Collection[int] | None, Collection[int]]:
        """The question taken apart, the chunks to search (None: all), and those that its days put first.

        Days in plain words that no document is of count for nothing, nor does a window with `none_there`.
        """
        has_dates = bool(scope.after or scope.before)
        query = narrow(parse(question, today=self.today(), in_words=not has_dates), scope)
        window, every = query.window, self.catalog.scope(query.scope)
        if every is not None and not every:
            self._refuse_unknown(query.scope)
        if window is None:
            return query, every, ()
        dated = None if none_there else self.catalog.scope(within(query.scope, window))
        if dated and window.use == "only":
            return replace(query, scope=within(query.scope, window)), dated, ()
        if dated:
            return query, every, dated
        undated = narrow(parse(question, today=self.today(), in_words=False), scope)
        return replace(undated, window=replace(window, use="none") if window.use == "only" else None), every, ()

    def _refuse_unknown(self, scope: Scope) -> None:
        """Name the right ones where a place or a tag is of no note. Raises QueryError."""
        if not self.catalog.documents(Scope()):
            return
        for place in scope.within:
            if not self.catalog.documents(Scope(within=(place,), machine=True)):
                raise unknown("in", place, self.catalog.places())
        for tag in scope.tags:
            if not self.catalog.documents(Scope(tags=(tag,), machine=True)):
                raise unknown("tag", tag, self.catalog.tags())

    def _both(self, query: Query, asked: str, among: Collection[int] | None, depth: int) -> Found:
        found = self._by_words(query, asked, among, depth)
        self._by_meaning(found, query, asked, among, depth)
        return found

    def _judge(self, found: Found, question: str) -> None:
        """Let the reranker, if there is one, order the best passages, as many as it can read in its time."""
        try:
            reranker = self.judging.open()
            if reranker is None or not found.hits:
                return
            chunks = self.catalog.chunks([hit.chunk_id for hit in found.hits[: self.judging.passages]])
            wanted = [hit.chunk_id for hit in found.hits if hit.chunk_id in chunks]
            texts = [plain(chunks[id].text, chunks[id].format) for id in wanted]
            verdicts = reranker.score(question, texts, seconds=self.judging.seconds)
            found.hits = judged(found.hits, dict(zip(wanted, verdicts, strict=False)))
            if len(verdicts) < len(wanted):
                late = f"It judged {len(verdicts)} of {len(wanted)} passages in its {self.judging.seconds:g} s."
                found.degraded.append(Impaired("rerank", late, "Raise milliseconds below [rerank], or lower passages."))
        except (ModelError, StoreError) as error:
            found.degraded.append(Impaired("rerank", error.reason, error.hint))

    def _by_words(self, query: Query, asked: str, within: Collection[int] | None, depth: int) -> Found:
        found = Found()
        clock = time.monotonic()
        try:
            found.words = self.words().search(asked, depth, within, phrases=query.phrases, excluded=query.excluded)
            if pending := self.catalog.words_pending():
                found.degraded.append(Impaired("words", f"{pending} passages wait to be indexed.", "brain sync"))
        except StoreError as error:
            found.degraded.append(Impaired("words", error.reason, error.hint))
        found.words_seconds = time.monotonic() - clock
        return found

    def _by_meaning(self, found: Found, query: Query, asked: str, within: Collection[int] | None, depth: int) -> None:
        """The nearest passages, and everything fused."""
        clock = time.monotonic()
        meaning = None
        try:
            meaning = self._meaning(query, asked, found.words, within, depth)
            found.vectors = meaning.near
            if pending := self.catalog.vectors_pending(self.embedder().name):
                found.degraded.append(Impaired("vectors", f"{pending} passages have no vector yet.", "brain sync"))
        except (ModelError, StoreError) as error:
            found.degraded.append(Impaired("vectors", error.reason, error.hint))
        found.vectors_seconds = time.monotonic() - clock
        if meaning is not None and meaning.known < HARDLY_KNOWN and sum(map(str.isalpha, asked)) >= LETTERS:
            found.degraded.append(STRANGE_LANGUAGE)

        if meaning is None:
            found.hits = fuse(found.words, {})
            return
        clock = time.monotonic()
        together = self._together(found, asked, meaning.ids)
        found.words_seconds += time.monotonic() - clock
        found.hits = fuse(
            found.words, meaning.cosines(), together=together, known=meaning.known, leaning=meaning.leaning
        )

    def _together(self, found: Found, asked: str, among: Sequence[int]) -> dict[int, float]:
        try:
            return self.words().together(asked, among) if found.words else {}
        except StoreError as error:
            found.degraded.append(Impaired("words", error.reason, error.hint))
            return {}

    def _meaning(
        self, query: Query, asked: str, word_hits: Sequence[Hit], within: Collection[int] | None, depth: int
    ) -> Meaning:
        embedder = self.embedder()
        vector = embedder.embed([asked], kind="query")[0]
        none, pieces = embedder.count(["", asked[:LONG_ENOUGH]])
        near = self.vectors().search(vector, depth, within)
        if query.phrases or query.excluded:
            near = self._obeying(near, query)
        wanted = list(dict.fromkeys([*(hit.chunk_id for hit in word_hits), *(hit.chunk_id for hit in near)]))
        ids, rows = self.catalog.vectors(embedder.name, wanted)
        if self.embedder().name != embedder.name:  # another one took over: their vectors have nothing in common
            return self._meaning(query, asked, word_hits, within, depth)
        return Meaning(near, vector, ids, rows, knowledge(asked[:LONG_ENOUGH], pieces - none))

    def _obeying(self, hits: Sequence[Hit], query: Query) -> list[Hit]:
        """Only the hits whose text holds every phrase and none of the excluded words: meaning knows neither."""
        chunks = self.catalog.chunks([hit.chunk_id for hit in hits])
        kept = []
        for hit in hits:
            if (chunk := chunks.get(hit.chunk_id)) is None:
                continue
            said = _folded(plain(chunk.text, chunk.format))
            if all(_folded(phrase) in said for phrase in query.phrases) and not any(
                _folded(word) in said for word in query.excluded
            ):
                kept.append(hit)
        return kept

    def _evidence(self, hits: Sequence[Fused], rules: Rules, *, limit: int, joined: bool) -> tuple[Evidence, ...]:
        best = list(hits[: limit * SPARE])
        chunks = self.catalog.chunks([hit.chunk_id for hit in best])
        best, copies = fold_copies(best, chunks)
        best = spread(best, chunks)
        if joined:
            around = ((hit.chunk_id, self.catalog.neighbours(hit.chunk_id, REACH)) for hit in best[: limit * 2])
            siblings = {id: some for id, some in around if some}
        else:
            siblings = {id: [chunk] for id, chunk in chunks.items()}
        shown = join(best, siblings, self.catalog.text, limit=limit, roomy=ROOMY if joined else 0)
        facts = self.catalog.facts([passage.chunk.id for passage in shown])
        there = [(passage, facts[passage.chunk.id]) for passage in shown if passage.chunk.id in facts]
        return tuple(
            Evidence(
                number,
                passage.chunk,
                about.title,
                passage.score,
                passage.scores,
                about.date,
                about.tags,
                about.date_origin,
                copies=_others(passage.chunk.path, [chunks[id].path for id in copies.get(passage.chunk.id, ())]),
                private=rules.why(passage.chunk.path, tags=about.tags, marked=about.private),
            )
            for number, (passage, about) in enumerate(there, start=1)
        )  # a note that was deleted since the chunks were read has no neighbours and no facts any more


def _in_context(question: str, history: Sequence[Message]) -> str:
    """The question behind the one before it, where it has too few words of its own or speaks of what was named there."""
    earlier = [message.text for message in history if message.role == "user"]
    is_whole = len(key_terms(question)) >= FOLLOW_UP_TERMS and not POINTING & set(terms(question))
    if not earlier or is_whole:
        return question
    return f"{earlier[-1]} {question}"


def _others(path: Path, copies: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(copy for copy in copies if copy != path))


def _folded(text: str) -> str:
    return f" {' '.join(terms(text))} "
