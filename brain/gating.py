"""Whether the evidence is enough to answer at all, decided before any model is asked: yes, yes with a doubt, or no.

A passage counts by its cosine and by the share of the question's telling words in it, names and numbers twice. What
speaks against it: a question that denies something where the passage does not ("who never …"), the opposite of one of
its words, a number or a name of the question that stands in no passage. A doubt names what is missing.

Measured on seven collections, eight best passages of the product's ranking, cosines of all-MiniLM-L6-v2. Questions that
another collection answers: 97 % refused; of its own answerable ones 6 % are on average (none to 8 % by collection; 5 of 37 of
the smallest), 7 % of all: precision .94 at equal numbers. Without vectors 92 % and 6 %. Of 1 529 questions written to look
answerable from their paragraph but not so (SQuAD 2.0) 26 % are refused, 13 % without what speaks against; precision .79, at 8 % of
the 1 299 answerable ones lost; another 26 % are answered with a doubt, as are 19 % of the answerable ones. On chat logs
with questions about the wrong person 10 % and 20 %.

A logistic fit of 24 signals, checked on paragraphs it had not seen, refuses 35 % of those questions at 10 % lost. Cosines of
single words and of the question with one word left out add nothing to it (area under the curve .69 with and without); how
likely the 135M chat model finds the question after the passage tells no more than the cosine does (.63 and .61). To refuse
60 % costs three answerable questions in ten: telling these apart takes a model that reads.

Nor does what kind of thing is asked for: a day, a number with its noun, a person, a place or the "which …" itself is missing
from the nearest sentence for 26 % of these questions and for 19 % of the answerable ones, since they are written so that
something of the kind stands there. Forty signals of type, clause, order of words, swapped neighbours and opposites, in a
logistic fit or in trees, each judging an article by the seven others, refuse 31 to 34 % at 10 % lost; this gate 29 %.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brain.comparing import OPPOSITE_WORDS, OPPOSITES, numbers_in, root, roots
from brain.material import material
from brain.types import Evidence
from brain.wording import STOP_WORDS, key_terms, plain, term_spans, terms

_NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z][\w’'-]*")
_DENIAL = re.compile(
    r"\b(?:not|no|never|none|neither|nor|nobody|nothing|nowhere|without|cannot|except|unlike|least|nicht|kein\w*|nie|jamais"
    r"|nunca|sin)\b|n[’']t\b",
    re.IGNORECASE,
)
_FIRST = 5  # passages looked at
# What is taken from the value of the evidence.
_DENIED, _OPPOSITE, _NUMBER_MISSING, _NAME_MISSING = 0.3, 0.25, 0.15, 0.1


@dataclass(frozen=True, slots=True)
class Marks:
    """Below the first: surely not; below the second: refuse; from the third on: surely.

    `unrelated` is the cosine that the embedder gives to texts that have nothing to do with each other: about 0 for
    MiniLM, .6 and more for some others.
    """

    surely_not: float
    enough: float
    surely: float
    unrelated: float = 0.0


# By the beginning of the embedder's name; a new line comes from `python -m tests.bench.gate`, one's own from `brain eval fit`.
FITTED: Mapping[str, Marks] = {"all-minilm-l6": Marks(0.40, 0.55, 0.68)}
WORDS = Marks(0.25, 0.48, 0.75)  # of words alone, while there are no vectors
UNKNOWN = Marks(0.15, 0.25, 0.75)  # of words alone, where meaning may have found what they do not say


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to answer, whether without a doubt, and why (one sentence for the trace).

    `doubt` is a sentence for the reader, "" where there is none: what of the question the notes do not speak of.
    """

    answer: bool
    sure: bool
    why: str
    doubt: str = ""


def enough(
    question: str, evidence: Sequence[Evidence], *, embedder: str | None = None, marks: Marks | None = None
) -> Verdict:
    """Whether these passages are likely to answer the question. Best passages first; none is never enough.

    `embedder` is the name of what made the cosines. With one that is not in `FITTED` they are not looked at, and only
    what shares hardly a word is refused; so it is without vectors, with the marks for words. `marks` were fitted to
    this embedder on one's own notes, and count in place of those; without vectors they do not.
    """
    if not evidence:
        return Verdict(False, True, "Nothing was found.")
    judged = _judged(question, evidence, _marks(evidence, embedder, marks))
    marks, doubt = judged.marks, judged.doubt
    answer = judged.value >= marks.enough
    sure = judged.value < marks.surely_not or (judged.value >= marks.surely and not doubt)
    if answer and not sure and not doubt:
        doubt = _missing(question, judged)
    why = f"{judged.why}. {doubt}".strip() + f" That is {'enough' if answer else 'too little'}."
    return Verdict(answer, sure, why, doubt if answer else "")


def worth(question: str, evidence: Sequence[Evidence], marks: Marks) -> float:
    """What `enough` compares with the marks; of them only `unrelated` counts here. For fitting."""
    return _judged(question, evidence, marks).value


@dataclass(frozen=True, slots=True)
class _Judged:
    value: float
    marks: Marks
    asked: Mapping[str, float]  # weights of the question's words
    everywhere: frozenset[str]  # the roots of all passages
    why: str
    doubt: str


def _judged(question: str, evidence: Sequence[Evidence], marks: Marks) -> _Judged:
    first = evidence[:_FIRST]
    asked = _weights(question)
    held = [_held(one) for one in first]
    shares = [_share(asked, roots) for roots in held]
    value, why = max(shares), f"{max(shares):.0%} of the question's words stand in one passage"
    if marks not in (WORDS, UNKNOWN):
        cosines = [((one.scores.vectors or 0.0) - marks.unrelated) / (1 - marks.unrelated) for one in first]
        value = max(cosine + share / 3 for cosine, share in zip(cosines, shares, strict=True))
        why = f"The closest passage has cosine {max(cosines):.2f}; {why}"
    everywhere = frozenset[str]().union(*held)
    against, doubt = _against(question, asked, first, everywhere)
    return _Judged(value - against, marks, asked, everywhere, why, doubt)


def _marks(evidence: Sequence[Evidence], embedder: str | None, fitted: Marks | None) -> Marks:
    has_vectors = any(one.scores.vectors is not None for one in evidence[:_FIRST])
    return (fitted or marks_of(embedder)) if has_vectors else WORDS


def marks_of(embedder: str | None) -> Marks:
    """The marks of an embedder, by the beginning of its name; None stands for the starter model."""
    if embedder is None:
        return FITTED["all-minilm-l6"]
    return next((marks for name, marks in FITTED.items() if embedder.lower().startswith(name)), UNKNOWN)


def _weights(question: str) -> dict[str, float]:
    """The roots of the question's key words; names and numbers count twice."""
    names = {term for match in _NAME.finditer(question) for term in terms(match[0])}
    return {
        root(term): 2.0 if term in names or any(letter.isdigit() for letter in term) else 1.0
        for term in key_terms(question)
    }


def _held(evidence: Evidence) -> frozenset[str]:
    """The roots of all that a passage and what stands above it say."""
    chunk = evidence.chunk
    return roots("\n".join((evidence.title, *chunk.headings, plain(chunk.text, chunk.format))))


def _share(asked: Mapping[str, float], held: frozenset[str]) -> float:
    total = sum(asked.values())
    return sum(weight for one, weight in asked.items() if one in held) / total if total else 0.0


def _against(
    question: str, asked: Mapping[str, float], evidence: Sequence[Evidence], everywhere: frozenset[str]
) -> tuple[float, str]:
    """What speaks against the evidence though it is near, and the gravest of it in a sentence."""
    nearest = _nearest(asked, evidence)
    found: list[tuple[float, str]] = []
    denial = _DENIAL.search(question)
    if denial and not _DENIAL.search(nearest):
        found.append((_DENIED, f"Your question says “{denial[0]}”, the nearest passage does not."))
    said = roots(nearest)
    for start, end, term in term_spans(question):
        word = root(term)
        if word in OPPOSITE_WORDS and word not in said:
            other = next((pair for pair in OPPOSITES if word in pair and (pair - {word}) & said - asked.keys()), None)
            if other:
                found.append(
                    (_OPPOSITE, f"Your question says “{question[start:end]}”, the nearest passage the opposite.")
                )
    numbers = frozenset[str]().union(*(numbers_in(f"{one.title}\n{one.chunk.text}") for one in evidence))
    if absent := numbers_in(question) - numbers - {"1"}:
        written = next(
            (question[start:end] for start, end, term in term_spans(question) if absent & numbers_in(term)), ""
        )
        found.append((_NUMBER_MISSING, f"“{written}” was not found in them." if written else ""))
    for match in _NAME.finditer(question):
        name = [term for term in terms(match[0]) if term not in STOP_WORDS]  # "I" is none
        if name and not any(root(term) in everywhere for term in name):
            found.append((_NAME_MISSING, f"“{match[0]}” was not found in them."))
            break
    return sum(weight for weight, _ in found), next((doubt for _, doubt in sorted(found, reverse=True) if doubt), "")


def _nearest(asked: Mapping[str, float], evidence: Sequence[Evidence]) -> str:
    """The sentence that holds most of the question's words, of the earliest passage where several do."""
    best, most = "", -1.0
    for one in evidence:
        for start, end in material(one.chunk.text):
            text = plain(one.chunk.text[start:end], one.chunk.format)
            if (share := _share(asked, roots(text))) > most:
                best, most = text, share
    return best


def _missing(question: str, judged: _Judged) -> str:
    """The words of the question that stand in none of the passages, as a sentence."""
    absent = [
        question[start:end]
        for start, end, term in term_spans(question)
        if root(term) in judged.asked and root(term) not in judged.everywhere
    ]
    if not absent:
        return "The passages found are only near to what you ask."
    return f"Nothing was found about {' or '.join(f'“{word}”' for word in dict.fromkeys(absent[:3]))}."
