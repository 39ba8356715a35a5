"""Whether a sentence says what a source says with one thing put in the place of another, word laid beside word.

Only for sentences that follow their source closely. It knows no synonyms: "the fee starts at 3 €" for "the fee begins at
3 €" counts as changed, which costs less than a sentence with another thing in it. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from brain.comparing import COUNTS, MONTHS, root
from brain.wording import STOP_WORDS, term_spans

_CLOSE = 0.6  # share of the sentence's words that must stand in the source in the same order
_ALIKE = 4  # letters at the start that make two words forms of one: "encrypts" and "encryption"
_RUN = 3  # words that a name, or a thing with its adjectives, may have
_LEADS = frozenset(  # what stands before a thing
    "the a an of in on at to for from by with into about as no each every his her its their this that these those".split()
)
_EMPTY = STOP_WORDS | frozenset(  # words that can change without the thing they go with
    "he she they him her his hers we us our you your who which that this these those too also well over under than more "
    "less most least very just only so up down out about around during until since after before".split()
)

_EITHER_WAY = frozenset(
    root(word) for word in "and or by with of is was are were".split()
)  # what does not say who did it

Blocks = Sequence[tuple[str, int, int, int, int]]


@dataclass(frozen=True, slots=True)
class _Words:
    roots: list[str]
    things: frozenset[int]  # places of words that name something, as their look or the words before them tell
    names: frozenset[int]  # places of words written with a capital


def is_changed(said: str, source: str) -> bool:
    """Whether `said` names other things at places where the rest agrees with `source`, or two of its things swapped."""
    ours, theirs = _words(said), _words(source)
    blocks: Blocks = SequenceMatcher(None, ours.roots, theirs.roots, autojunk=False).get_opcodes()
    if sum(end - start for kind, start, end, _, _ in blocks if kind == "equal") < _CLOSE * len(ours.roots):
        return False
    swapped: list[tuple[str, str]] = []
    for at, (kind, start, end, from_, to) in enumerate(blocks):
        if kind != "replace" or max(end - start, to - from_) > _RUN or not ours.things & frozenset(range(start, end)):
            continue
        mine, other = _telling(ours.roots[start:end]), _telling(theirs.roots[from_:to])
        if not mine or not other or not _is_held(blocks, at):
            continue
        if not set(other) & set(ours.roots):
            if not any(one[:_ALIKE] == two[:_ALIKE] for one in mine for two in other):
                return True
        elif set(mine) <= set(theirs.roots) and set(other) <= set(ours.roots):
            swapped.append((" ".join(mine), " ".join(other)))
    return any((other, mine) in swapped for mine, other in swapped) or _is_turned(ours, theirs)


def _is_turned(ours: _Words, theirs: _Words) -> bool:
    """Whether two names stand around the same words the other way round: "Anna paid Tom", "Tom paid Anna"."""
    names = [
        at for at in sorted(ours.names) if ours.roots.count(ours.roots[at]) == theirs.roots.count(ours.roots[at]) == 1
    ]
    for first, second in pairwise(names):
        then, now = theirs.roots.index(ours.roots[first]), theirs.roots.index(ours.roots[second])
        between = ours.roots[first + 1 : second]
        if now < then and between == theirs.roots[now + 1 : then] and between and not _EITHER_WAY & set(between):
            return True
    return False


def _words(text: str) -> _Words:
    found: list[str] = []
    things: set[int] = set()
    names: set[int] = set()
    before, earlier = "the", ""  # a sentence begins with what it is about
    for start, _, term in term_spans(text):
        if term not in ("a", "an", "the"):
            is_name = text[start].isupper()
            is_second = (
                earlier in _LEADS and before not in _LEADS and not term.endswith(("ed", "s"))
            )  # no verb, that is
            if is_name or before in _LEADS or is_second:
                things.add(len(found))
            if is_name:
                names.add(len(found))
            found.append(root(term))
        before, earlier = term, before
    return _Words(found, frozenset(things), frozenset(names))


def _telling(words: Sequence[str]) -> list[str]:
    """The words that name something; numbers and days are compared elsewhere, in one form."""
    return [
        word
        for word in words
        if len(word) > 2 and word not in _EMPTY and word not in COUNTS and word not in MONTHS and not word[0].isdigit()
    ]


def _is_held(blocks: Blocks, at: int) -> bool:
    """Whether the words on both sides agree; the beginning or end of both texts is as good as a word."""
    before = at == 0 or blocks[at - 1][0] == "equal"
    after = at == len(blocks) - 1 or blocks[at + 1][0] == "equal"
    return before and after
