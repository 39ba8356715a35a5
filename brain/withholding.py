"""What of a question's passages and earlier turns may leave this machine, and what is withheld and why. Pure.

In doubt it is withheld: a passage of a private file or one that says the same, a turn whose sources are private or not known
any more, a part of something that looks like a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from brain import hiding
from brain.types import Chunk, Consent, Evidence, Message, Withheld
from brain.wording import terms

TAKEN_OUT = "you took it out"  # why something is withheld that the person unticked

RUN = 8  # words in a row that are nobody's by chance
LEAST = 4  # words of a private passage that is shorter than a run

Runs = frozenset[tuple[str, ...]]

hidden = lru_cache(maxsize=64)(hiding.hidden)  # a question that is shown first is asked twice


@dataclass(frozen=True, slots=True)
class Cleared:
    """What may leave."""

    evidence: tuple[Evidence, ...]  # as it stands in the notes
    masked: dict[int, Evidence]  # those with a secret in them, without it, by number
    history: tuple[Message, ...]
    withheld: tuple[Withheld, ...]
    private: Runs  # of the private passages that were found


def clear(
    evidence: Sequence[Evidence],
    history: Sequence[Message],
    *,
    consent: Consent,
    why: Mapping[Path, str],
    around: Callable[[Chunk], str],
) -> Cleared:
    """`why` says of every file among the sources why it must not leave, or ""; one that is missing must not.

    `around` gives a passage with some of its document before and after it.
    """
    held: list[Withheld] = []
    private = frozenset().union(*(_own_runs(one.chunk.text) for one in evidence if _reason(one, why)))
    kept, masked = [], {}
    for one in evidence:
        reason = _reason(one, why) or _alike(one, why, private)
        if not reason and one.number in consent.without:
            reason = TAKEN_OUT
        text, secrets = hidden(one.chunk.text)
        if not reason and text not in hidden(around(one.chunk))[0]:
            reason = "it is part of something that looks like a secret"
        if reason:
            held.append(Withheld("passage", reason, one.chunk.path))
            continue
        kept.append(one)
        if text != one.chunk.text:
            masked[one.number] = replace(one, chunk=replace(one.chunk, text=text))
            held.extend(replace(secret, path=one.chunk.path) for secret in secrets)
    turns, reasons = _turns(history, why, private, allowed=consent.history)
    held.extend(Withheld("history", reason) for reason in reasons)
    return Cleared(tuple(kept), masked, turns, merged(held), private)


def tells_a_secret(answer: str, evidence: Iterable[Evidence]) -> bool:
    """Whether an answer holds a secret of its passages that does not show as one in it: "It is …" without what it is."""
    left = _squeezed(hidden(answer)[0])
    texts = [one.chunk.text for one in evidence] if left else []
    values = {_squeezed(text[start:end]) for text in texts for start, end, _ in hiding.secrets(text)}
    return any(value in left for value in values if value)


def _squeezed(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def is_cut(text: str, start: int, end: int) -> bool:
    """Whether a part of a text begins or ends within something that looks like a secret."""
    return hidden(text[start:end])[0] not in hidden(text)[0]


def runs(text: str) -> Runs:
    """Every eight words in a row."""
    words = terms(text)
    return frozenset(tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1))


def merged(withheld: Iterable[Withheld]) -> tuple[Withheld, ...]:
    """The same thing of the same file for the same reason said once, with how often."""
    counts: dict[Withheld, int] = {}
    for one in withheld:
        plain = replace(one, count=1)
        counts[plain] = counts.get(plain, 0) + one.count
    return tuple(replace(one, count=count) for one, count in counts.items())


def _own_runs(text: str) -> Runs:
    words = terms(text)
    return runs(text) if len(words) >= RUN else frozenset({tuple(words)} if len(words) >= LEAST else ())


def _holds(text: str, private: Runs) -> bool:
    """Whether a private passage, or eight words of it, stands in a text."""
    if not private:
        return False
    if runs(text) & private:
        return True
    short = [run for run in private if len(run) < RUN]
    words = f" {' '.join(terms(text))} " if short else ""
    return any(f" {' '.join(run)} " in words for run in short)


def _reason(one: Evidence, why: Mapping[Path, str]) -> str:
    return one.private or why.get(one.chunk.path, "it is not in the index any more")


def _alike(one: Evidence, why: Mapping[Path, str], private: Runs) -> str:
    if any(why.get(copy, "?") for copy in one.copies) or _holds(one.chunk.text, private):
        return "a private note says the same"
    return ""


def _turns(
    history: Sequence[Message], why: Mapping[Path, str], private: Runs, *, allowed: bool
) -> tuple[tuple[Message, ...], list[str]]:
    """The earlier questions with their answers that may leave, and a reason for each pair that may not."""
    kept: list[Message] = []
    reasons = []
    at = 0
    while at + 1 < len(history):
        asked, answered = history[at], history[at + 1]
        if asked.role != "user" or answered.role != "assistant":
            at += 1
            continue
        at += 2
        if reason := _about(asked, answered, why, private, allowed=allowed):
            reasons.append(reason)
        else:
            kept += [asked, answered]
    return tuple(kept), reasons


def _about(asked: Message, answered: Message, why: Mapping[Path, str], private: Runs, *, allowed: bool) -> str:
    if not allowed:
        return TAKEN_OUT
    pair = (asked, answered)
    if any(turn.private for turn in pair):
        return "it was made from private notes"
    if any(turn.private is None for turn in pair):
        return "it is not known what it was made from"
    for path in dict.fromkeys((*asked.sources, *answered.sources)):
        if path not in why:
            return "a note it was made from is not in the index any more"
        if why[path]:
            return f"it was made from a private note ({why[path]})"
    return "it repeats a private note" if any(_holds(turn.text, private) for turn in pair) else ""
