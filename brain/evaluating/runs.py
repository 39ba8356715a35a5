"""Every question of a set through the code that answers: the rankings of each side, of both fused, and what is shown.

A document counts by its best passage. Baselines are made here, so that they stay what they are while Brain changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, cast

from brain.errors import QueryError
from brain.evaluating.metrics import CUT, first_right, fuse_by_rank, measures
from brain.evaluating.sets import Question, Span
from brain.querying import filters
from brain.seams import Cancel, Embedder, Tokenizer, Vectors
from brain.search import Searcher
from brain.types import Chunk, Impaired

System = Literal["words", "vectors", "rrf", "brain", "shown"]
SYSTEMS: tuple[System, ...] = ("words", "vectors", "rrf", "brain", "shown")
BASELINES: tuple[System, ...] = ("words", "vectors", "rrf")
DEPTH = 100  # passages of each side for the baselines
SHOWN = 10  # passages of a search as it is shown
REMEMBERED = 16  # vectors of what was asked last: the rankings of one question ask for the same
PASSAGE = "passage@10"  # whether a passage that overlaps the right one is among the first ten; for notes only


@dataclass(frozen=True, slots=True)
class Scored:
    """One question: its measures under each system, and the rank of the first right document."""

    id: str
    text: str
    values: Mapping[System, Mapping[str, float]]
    first: Mapping[System, int | None]
    ranked: Mapping[System, tuple[str, ...]]  # documents, best first
    has_filters: bool = False
    refused: str = ""  # why Brain would not answer
    degraded: tuple[Impaired, ...] = ()


class Chunks(Protocol):
    """The part of the catalog that says where a passage stands."""

    def chunks(self, ids: Collection[int]) -> Mapping[int, Chunk]: ...


def ask_all(
    searcher: Searcher,
    catalog: Chunks,
    unit: Callable[[Path], str],
    questions: Sequence[Question],
    *,
    cancel: Cancel,
) -> Iterator[Scored]:
    """Each question, asked and scored; fewer once `cancel` is set. `unit` names the document that stands at a path."""
    searcher = replace(searcher, embedder=_Remembering(searcher.embedder).embedder)
    places = _Places(catalog, unit)
    for question in questions:
        if cancel.is_set():
            return
        yield _scored(question, *_asked(searcher, places, question))


def trec_lines(scored: Iterable[Scored], system: System) -> Iterator[str]:
    """The rankings of one system as a run file that trec_eval reads."""
    for one in scored:
        for rank, document in enumerate(one.ranked[system], start=1):
            yield f"{one.id} Q0 {document} {rank} {1000 - rank} {system}"


def _asked(
    searcher: Searcher, places: _Places, question: Question
) -> tuple[dict[System, list[_Place]], str, tuple[Impaired, ...]]:
    try:
        sides = searcher.rankings(question.text, depth=DEPTH)
        own = searcher.rankings(question.text)
        shown = searcher.search(question.text, limit=SHOWN)
    except QueryError as error:
        return {system: [] for system in SYSTEMS}, error.reason, ()
    words = [hit.chunk_id for hit in sides.words]
    vectors = [hit.chunk_id for hit in sides.vectors]
    fused = fuse_by_rank((words, vectors))
    lists: dict[System, list[_Place]] = {
        "words": places.of(words),
        "vectors": places.of(vectors),
        "rrf": places.of(fused),
        "brain": places.of([hit.chunk_id for hit in own.fused]),
        "shown": [places.at(evidence.chunk) for evidence in shown.evidence],
    }
    return lists, "", sides.degraded


def _scored(
    question: Question, lists: Mapping[System, Sequence[_Place]], refused: str, degraded: tuple[Impaired, ...]
) -> Scored:
    ranked = {system: tuple(dict.fromkeys(place.unit for place in places)) for system, places in lists.items()}
    values = {system: measures(documents, question.gold) for system, documents in ranked.items()}
    for system, places in lists.items() if question.spans else ():
        values[system][PASSAGE] = float(any(_overlap(place, span) for place in places[:CUT] for span in question.spans))
    return Scored(
        id=question.id,
        text=question.text,
        values=values,
        first={system: first_right(documents, question.gold) for system, documents in ranked.items()},
        ranked=ranked,
        has_filters=bool(filters(question.text)),
        refused=refused,
        degraded=degraded,
    )


def _overlap(place: _Place, span: Span) -> bool:
    return place.unit == span.path and place.start < span.end and span.start < place.end


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a passage stands."""

    unit: str
    start: int
    end: int


class _Places:
    """Where passages stand; each is looked up once."""

    def __init__(self, catalog: Chunks, unit: Callable[[Path], str]) -> None:
        self._catalog = catalog
        self._unit = unit
        self._known: dict[int, _Place] = {}

    def of(self, ids: Sequence[int]) -> list[_Place]:
        """In this order; passages that are gone meanwhile are left out."""
        if missing := [id for id in ids if id not in self._known]:
            self._known.update({id: self.at(chunk) for id, chunk in self._catalog.chunks(missing).items()})
        return [self._known[id] for id in ids if id in self._known]

    def at(self, chunk: Chunk) -> _Place:
        return _Place(self._unit(chunk.path), chunk.start, chunk.end)


class _CountingEmbedder(Embedder, Tokenizer, Protocol):
    """What the embedders of a home are: they count tokens as well."""


class _Remembering:
    """An embedder that is asked for the vectors of a question once, though several rankings want them."""

    def __init__(self, opener: Callable[[], Embedder]) -> None:
        self._opener = cast(Callable[[], _CountingEmbedder], opener)
        self._known: dict[tuple[str, ...], Vectors] = {}

    def embedder(self) -> _CountingEmbedder:
        """Itself, once the real one could be opened. Raises what opening it raises."""
        self._real = self._opener()
        self.name, self.dimensions = self._real.name, self._real.dimensions
        self.recipe, self.window = self._real.recipe, self._real.window
        return self

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:
        """As the real one."""
        if kind != "query":
            return self._real.embed(texts, kind=kind)
        asked = tuple(texts)
        if asked not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[asked] = self._real.embed(texts, kind=kind)
        return self._known[asked]

    def count(self, texts: Sequence[str]) -> list[int]:
        """As the real one."""
        return self._real.count(texts)
