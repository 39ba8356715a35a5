"""One answer against what is known to be right, by rule: words, citations, refusals. Pure; no model judges here.

Exact match and token F1 are those of SQuAD (Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of
Text", EMNLP 2016, and "Know What You Don't Know", ACL 2018): lower case, no punctuation, no "a", "an" and "the", the best
of the accepted answers; a refusal scores 0 where there is an answer. Scripts without spaces between words are compared
by character, as XQuAD, MLQA and CMRC do. Answers in whole sentences are long beside a gold answer of two words, so their
exact match and F1 are low by nature: `contains` asks whether the gold answer stands in them whole.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from brain.ask import QUOTES
from brain.evaluating.sets import Question
from brain.events import Answered

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_REFUSAL = re.compile(
    r"i (?:don['’]?t|do not) know|(?:not|n['’]t) (?:mentioned|stated|specified|provided|covered|contained|found|available)\b"
    r"|no (?:information|mention|answer|relevant (?:notes?|documents?|passages?|sources?|information))"
    r"|(?:can(?:no|['’])t|could(?:n['’]?t| not)|unable to) (?:find|answer|determine)"
    r"|(?:do(?:es)?n['’]?t|do(?:es)? not) (?:contain|mention|say|specify|provide|have (?:any |enough )?information)"
    r"|insufficient information|unanswerable|not enough information"
    r"|文档信息不足|无法回答|没有(?:相关)?信息|不知道|わかりません|分かりません|情報がありません",
    re.IGNORECASE,
)
_RANGE = re.compile("[–—]")  # in "1115–1234" each year stands whole
_LOOKED_AT = 400  # characters in which a refusal in words would stand


@dataclass(frozen=True, slots=True)
class Judged:
    """One question as one system answered it. A measure that does not apply to it is not in `values`."""

    id: str
    kind: str  # as the set calls it: "fact", "two-note" …; may be empty
    is_answerable: bool
    is_refused: bool
    fell_back: bool  # the quotes answered, though a chat model was asked
    values: Mapping[str, float]
    text: str = ""  # what was asked
    answer: str = ""
    degraded: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document of the set: of a citation, or of what was found."""

    unit: str
    start: int
    end: int
    text: str


def judge(question: Question, answered: Answered, unit: Callable[[Path], str], *, by_model: bool = False) -> Judged:
    """The measures of one answer. `unit` names the document that stands at a path; `by_model`: a chat model was to give it.

    exact f1 contains           of questions with known answers; 0 for a refusal
    cites_right cites_whole     of answered ones: the share of the citations that carry what is right, and the share of
                                what is right that a citation carries: the passage where it is known, else the answer
                                itself, else the document
    documents_right/_whole      the same by document alone, where right documents are known
    found                       1 where what is right was among the passages that were found, answered or not
    trapped                     1 where the wrong answer of a question with a trap was given
    sentences, unsupported      how many the answer has, and how many no source carries
    first total                 seconds; `prompt` and `completion` in tokens, `cost` in dollars
    """
    is_refused = answered.abstained or _refuses_in_words(answered)
    said = "" if is_refused else answered.answer
    values: dict[str, float] = {
        "total": answered.seconds.total,
        "prompt": float(answered.usage.prompt_tokens),
        "completion": float(answered.usage.completion_tokens),
        "cost": answered.usage.cost_usd,
    }
    if not is_refused:
        values["first"] = answered.seconds.first_token
        values["sentences"] = float(len(answered.sentences))
        values["unsupported"] = float(sum(not sentence.supported for sentence in answered.sentences))
    if question.is_answerable:
        cited = [Passage(unit(one.path), one.start, one.end, one.quote) for one in answered.citations]
        found = [
            Passage(unit(one.chunk.path), one.chunk.start, one.chunk.end, one.chunk.text) for one in answered.evidence
        ]
        values |= _of_words(question, said)
        if (whole := carried(question, found)) is not None:
            values["found"] = float(whole[1] > 0)
        if not is_refused:
            values |= _of_citations(question, cited)
    if question.trap:
        is_right = values.get("contains", 0.0) > 0
        values["trapped"] = float(bool(said) and contains(said, question.trap) and not is_right)
    return Judged(
        id=question.id,
        kind=question.kind,
        is_answerable=question.is_answerable,
        is_refused=is_refused,
        fell_back=by_model and not is_refused and answered.model == QUOTES,
        values=values,
        text=question.text,
        answer=answered.answer,
        degraded=tuple(answered.degraded),
    )


def carried(question: Question, passages: Sequence[Passage]) -> tuple[float, float] | None:
    """The share of the passages that carry something right, and the share of what is right that they carry.

    None where nothing is known that could be held against a passage.
    """
    tests: list[Callable[[Passage], bool]]
    if question.spans:
        tests = [
            lambda one, span=span: one.unit == span.path and one.start < span.end and span.start < one.end  # type: ignore[misc]
            for span in question.spans
        ]
    elif question.answers and not question.yes_or_no:
        wanted = question.parts or (question.answers,)
        tests = [
            lambda one, accepted=accepted: any(contains(one.text, answer) for answer in accepted)  # type: ignore[misc]
            for accepted in wanted
        ]
    elif right := _right(question):
        tests = [lambda one, document=document: one.unit == document for document in right]  # type: ignore[misc]
    else:
        return None
    holding = sum(any(test(one) for test in tests) for one in passages)
    held = sum(any(test(one) for one in passages) for test in tests)
    return holding / len(passages) if passages else 0.0, held / len(tests)


def exact(said: str, answer: str) -> float:
    """1 where both say the same, folded."""
    return float("".join(words(said)) == "".join(words(answer)))


def f1(said: str, answer: str) -> float:
    """The harmonic mean of the shares of shared words in each."""
    mine, right = words(said), words(answer)
    if not mine or not right:
        return float(mine == right)
    shared = (Counter(mine) & Counter(right)).total()
    return 2 * shared / (len(mine) + len(right))


def contains(said: str, answer: str) -> bool:
    """Whether an answer stands whole in what was said, be it one end of a range; one of signs alone, such as "---", must
    stand by itself.
    """
    held, wanted = words(_RANGE.sub(" ", said)), words(_RANGE.sub(" ", answer))
    if wanted:
        return any(held[at : at + len(wanted)] == wanted for at in range(len(held) - len(wanted) + 1))
    sign = answer.strip()
    if not sign:
        return False
    first, last = re.escape(sign[0]), re.escape(sign[-1])
    return re.search(rf"(?<![\w{first}]){re.escape(sign)}(?![\w{last}])", said) is not None


def words(text: str) -> list[str]:
    """The words of a text as SQuAD folds them; characters of scripts without spaces each stand alone."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(
        one for one in text if one not in string.punctuation and not unicodedata.category(one).startswith("P")
    )
    found: list[str] = []
    for word in _ARTICLES.sub(" ", text).split():
        found += filter(None, re.split(f"({_UNSPACED.pattern})", word)) if _UNSPACED.search(word) else [word]
    return found


def _of_words(question: Question, said: str) -> dict[str, float]:
    if not question.answers:
        return {}
    return {
        "exact": max(exact(said, answer) for answer in question.answers),
        "f1": max(f1(said, answer) for answer in question.answers),
        "contains": _contains(question, said),
    }


def _contains(question: Question, said: str) -> float:
    """Whether the answer is in it: of one in several parts, the share; of yes or no, the first that is said."""
    if question.yes_or_no:
        first = next((word for word in words(said) if word in ("yes", "no")), None)
        others = [answer for answer in question.answers if answer.lower() not in ("yes", "no")]
        is_said = first is None and any(contains(said, answer) for answer in others)
        return float(first == question.yes_or_no or is_said)
    if question.parts:
        held = sum(any(contains(said, answer) for answer in accepted) for accepted in question.parts)
        return held / len(question.parts)
    return float(any(contains(said, answer) for answer in question.answers))


def _of_citations(question: Question, cited: Sequence[Passage]) -> dict[str, float]:
    values: dict[str, float] = {}
    if (shares := carried(question, cited)) is not None:
        values["cites_right"], values["cites_whole"] = shares
    if right := _right(question):
        documents = {one.unit for one in cited}
        values["documents_right"] = len(documents & right) / len(documents) if documents else 0.0
        values["documents_whole"] = len(documents & right) / len(right)
    return values


def _right(question: Question) -> set[str]:
    return {document for document, gain in question.gold.items() if gain >= 1}


def _refuses_in_words(answered: Answered) -> bool:
    """Whether a chat model said that it does not know; quotes may well hold such words and mean something else."""
    if answered.model == QUOTES or any(sentence.supported for sentence in answered.sentences):
        return False
    return not answered.answer.strip() or _REFUSAL.search(answered.answer[:_LOOKED_AT]) is not None
