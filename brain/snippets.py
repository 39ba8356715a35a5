"""The part of a passage that shows why it was found: whole sentences around the words of the query. Pure; draws nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from brain.wording import key_terms, sentences, term_spans

LEAD = 24  # characters kept before the first match where a sentence is longer than the room
_STEM = 4  # letters that two forms of one word share at least
_ENDINGS = frozenset(
    ("", *"d e s y al ed er es al est ers ing ion ity ies ive ly ions ings ation ations ment ments".split())
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A few sentences on one line. `marks` are (start, end) offsets into `text`, in order, never overlapping."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()
    is_cut_before: bool = False  # something of the passage stands before it
    is_cut_after: bool = False


def snippet(passage: str, query: str, *, length: int, typing: str = "") -> Snippet:
    """At most `length` characters of the passage, where most of the query's words stand, earliest where several are as good.

    It begins and ends at sentence borders as far as they fit, else between words. White space becomes single spaces.
    `typing` is a word that is not finished yet: words that begin with it are marked as well.
    """
    pieces = [" ".join(passage[start:end].split()) for start, end in sentences(passage)]
    line = " ".join(pieces)
    starts = list(accumulate((len(piece) + 1 for piece in pieces), initial=0))
    found = list(matches(line, query, typing))
    if len(line) <= length:
        return Snippet(line, tuple((start, end) for start, end, _ in found))
    window = _Window(line, starts, found, length)
    start, end = window.best() if found else (0, window.end(0))
    marks = [(a - start, b - start) for a, b, _ in found if start <= a and b <= end]
    return Snippet(line[start:end].rstrip(), tuple(marks), start > 0, end < len(line))


def matches(line: str, query: str, typing: str = "") -> Iterator[tuple[int, int, str]]:
    """Every word of the line that the query asks for, in any of its forms: start, end, and the query's word, folded."""
    wanted = list(dict.fromkeys(key_terms(query)))
    exact = set(wanted)
    begun = typing.casefold() if len(typing) > 1 else None
    known: dict[str, str | None] = {}
    for start, end, term in term_spans(line):
        if term not in known:
            same = term if term in exact else next((word for word in wanted if _same_word(word, term)), None)
            known[term] = begun if same is None and begun and term.startswith(begun) else same
        if (word := known[term]) is not None:
            yield start, end, word


def _same_word(one: str, other: str) -> bool:
    """Whether two words look like forms of one: "planting" and "planted", "universe" and "university"."""
    stem = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return stem >= _STEM and one[stem:] in _ENDINGS and other[stem:] in _ENDINGS


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of the line that is wide enough."""

    line: str
    borders: list[int]  # where sentences begin, and the end
    found: list[tuple[int, int, str]]
    length: int

    def best(self) -> tuple[int, int]:
        """Where most different words stand: from a sentence border, else from a little before a match."""
        inside = (self._word_border(max(0, start - LEAD)) for start, _, _ in self.found)
        start = max((*self.borders[:-1], *inside), key=lambda start: self._held(start, start + self.length))
        return start, self.end(start)

    def end(self, start: int) -> int:
        """The last sentence border within reach where the rest is not worth showing, else the last gap between words."""
        reach = start + self.length
        if reach >= len(self.line):
            return len(self.line)
        border = max((one for one in self.borders if one <= reach + 1), default=start)
        if border - start > self.length // 2 and self._held(start, border) == self._held(start, reach):
            return border
        gap = self.line.rfind(" ", start + 1, reach + 1)
        return gap if gap > start else reach

    def _held(self, start: int, end: int) -> int:
        return len({word for a, b, word in self.found if start <= a and b <= end})

    def _word_border(self, at: int) -> int:
        """The beginning of the word after the one that would be cut; where there are no spaces, right here."""
        if at == 0 or self.line[at - 1] == " ":
            return at
        gap = self.line.find(" ", at, at + LEAD)
        return gap + 1 if gap >= 0 else at
