"""Why a passage was found: which words of the query stand in it, and where. Pure; scores are in the evidence itself."""

from __future__ import annotations

from dataclasses import dataclass

from brain.snippets import matches
from brain.types import Evidence
from brain.wording import key_terms, plain


@dataclass(frozen=True, slots=True)
class Explanation:
    """What of the query stands in a passage. Words are folded as `wording.terms` does it."""

    matched: tuple[tuple[str, tuple[str, ...]], ...]  # each word with its places: "title", "headings", "text"
    missing: tuple[str, ...]


def explain(evidence: Evidence, query: str) -> Explanation:
    """Which words of `query`, free of filters, stand in the passage, in the order of the query."""
    chunk = evidence.chunk
    places = {
        "title": evidence.title,
        "headings": " ".join(chunk.headings),
        "text": plain(chunk.text, chunk.format),
    }
    held = {place: {word for _, _, word in matches(text, query)} for place, text in places.items()}
    words = dict.fromkeys(key_terms(query))
    found = {word: tuple(place for place in places if word in held[place]) for word in words}
    return Explanation(
        matched=tuple((word, where) for word, where in found.items() if where),
        missing=tuple(word for word, where in found.items() if not where),
    )
