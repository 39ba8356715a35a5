"""A question as a query for tantivy, and the score that nothing surpasses: it turns BM25 into a share of what there could be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

from brain.languages import DEFAULT, LANGUAGES
from brain.store.tokens import asked, is_gram, tokens

MAX_TERMS = 64  # of a question, the rarest
MAX_CHARACTERS = 20_000  # of a question
MAX_PARTS = 16  # phrases, and excluded words
MAX_PAIRS = 24  # of words that follow each other in a question
APART = 2  # words that may stand between two that belong together: "capital of the country"
K1 = 1.2  # fixed in tantivy


def languages_in(searcher: Any) -> list[str]:
    """The languages that chunks of the index are stemmed as."""
    return [one for one in LANGUAGES if one == DEFAULT or searcher.doc_freq("language", one)]


class Question:
    """What is asked, in the words of one state of the index."""

    def __init__(self, schema: Any, searcher: Any, languages: Sequence[str]) -> None:
        self._schema, self._searcher, self._languages = schema, searcher, languages
        self._holders: dict[tuple[str, ...], int] = {}

    def put(self, query: str, phrases: Sequence[str], excluded: Sequence[str]) -> tuple[Any, float] | None:
        """The query for tantivy, and the score that a passage nears which says all of it again and again; None where
        nothing is asked for."""
        from tantivy import Occur, Query

        # What a long question says again is what it is about: that took CACM's from .466 to .513, and cost no set .003.
        terms = {ways: 1 + math.log(times) for ways, times in self._rarest(query).items()}
        parts = [
            (Occur.Should, Query.boost_query(self._any_of([(way,) for way in ways]), weight))
            for ways, weight in terms.items()
        ]
        most = sum(weight * self._rarity(ways) for ways, weight in terms.items()) * (K1 + 1)
        exact = [ways for phrase in phrases[:MAX_PARTS] if (ways := self._ways(phrase))]
        parts += [(Occur.Must, self._any_of(ways)) for ways in exact]
        most += sum(self._rarity((token,)) for ways in exact for token in ways[0]) * (K1 + 1)
        if not parts:
            return None
        if not exact:
            parts = [(Occur.Must, Query.boolean_query(parts))]
        parts += [(Occur.MustNot, self._any_of(ways)) for word in excluded[:MAX_PARTS] if (ways := self._ways(word))]
        return Query.boolean_query(parts), most

    def pairs(self, query: str) -> tuple[Any, float] | None:
        """The words that follow each other, two and two, and the score that a passage nears which holds them all so."""
        from tantivy import Occur, Query

        pairs = [
            (one, other)
            for one, other in pairwise(self._rarest(query))
            if one[0] != other[0] and not is_gram(one[0]) and not is_gram(other[0])
        ][:MAX_PAIRS]
        if not pairs:
            return None
        parts = [(Occur.Should, self._any_of(list(zip(*pair, strict=True)), APART)) for pair in pairs]
        return Query.boolean_query(parts), sum(map(self._rarity, chain.from_iterable(pairs))) * (K1 + 1)

    def _ways(self, phrase: str) -> list[tuple[str, ...]]:
        """The words of a phrase as each language stems them."""
        return [way for one in self._languages if (way := tuple(tokens(phrase[:MAX_CHARACTERS], one)))]

    def _any_of(self, ways: Sequence[tuple[str, ...]], apart: int = 0) -> Any:
        """Chunks that hold the tokens side by side, in one way or another."""
        from tantivy import Query

        queries = [
            Query.phrase_query(self._schema, "text", list(way), apart)
            if len(way) > 1  # tantivy panics at a phrase of one word
            else Query.term_query(self._schema, "text", way[0], "freq")
            for way in dict.fromkeys(ways)
        ]
        return queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries)

    def _held(self, ways: tuple[str, ...]) -> int:
        if ways not in self._holders:
            self._holders[ways] = max(int(self._searcher.doc_freq("text", way)) for way in dict.fromkeys(ways))
        return self._holders[ways]

    def _rarity(self, ways: tuple[str, ...]) -> float:
        """As BM25 reckons it. Chunks that were deleted are still among those that hold a word, for a while."""
        held = self._held(ways)
        return math.log(1 + (max(0, self._searcher.num_docs - held) + 0.5) / (held + 0.5))

    def _rarest(self, query: str) -> Mapping[tuple[str, ...], int]:
        """The words that are asked for, the rarest of too many, and how often each is."""
        terms = asked(query[:MAX_CHARACTERS], self._languages)
        if len(terms) <= MAX_TERMS:
            return terms
        kept = set(sorted(filter(self._held, terms), key=self._held)[:MAX_TERMS])
        return {ways: times for ways, times in terms.items() if ways in kept}
