"""A question, in a straight line: passages, the gate, the prompt, the stream, and the span that carries each sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from brain.errors import ModelError
from brain.events import Answered, AnswerTimings, Checked, Event, FellBack, Leaving, Reading, Retrieved, Token
from brain.gating import Marks, enough
from brain.outgoing import Outgoing
from brain.phrasing import Phrasing, said
from brain.prompting import messages, parcels
from brain.quoting import Quote, answer_from, openings, quotes
from brain.seams import Cancel, ChatModel
from brain.types import Delta, Evidence, Message, Unread
from brain.wording import STOP_WORDS, terms

QUOTES = "quotes"  # the name of the answerer that needs no model
# "What happened yesterday?", "what did I do last week": once the days are understood nothing is left to look for.
ASKING_FOR_A_DAY = STOP_WORDS | frozenset(
    "happen happened happening go going went up new day note write wrote written".split()
)

Choose = Callable[[Sequence[Evidence]], Sequence[Quote]]


def ask(
    question: str,
    found: Retrieved,
    *,
    chat: Callable[[], ChatModel] | None,
    tiny: bool,
    history: Sequence[Message],
    limit: int,
    unread: Callable[[Sequence[Evidence]], Sequence[Unread]],
    began: float,
    cancel: Cancel,
    embedder: str | None = None,
    instead: Retrieved | None = None,
    marks: Marks | None = None,
) -> Iterator[Event]:
    """Reading, Thought, Token and Checked as they come, then Answered. `found` has been shown already.

    `chat` opens the chat model; None leaves the quotes, and so does a model that fails, after a FellBack that says
    why. `tiny` asks for the prompt that a model of a few hundred million parameters can follow; where none of what it
    says stands in a source, the quotes answer as well. `limit` is in tokens,
    `began` is when the question came, on the monotonic clock; `embedder` names what made the cosines, `marks` are those
    that were fitted to it here. `instead` is what is quoted where the model fails, if not what it is told. Of a model elsewhere
    Leaving comes first, and last where it may not leave.
    """
    evidence = found.evidence
    answer = Answered(
        question=question,
        answer="",
        abstained=True,
        model=QUOTES,
        stays_home=True,
        sentences=(),
        citations=(),
        evidence=evidence,
        unread=tuple(unread(evidence)),
        degraded=found.degraded,
        seconds=AnswerTimings(retrieve=found.seconds.total),
    )
    # Where the days were narrowed, words that only say when are answered for, and need not stand in a passage.
    is_narrowed = found.window is not None and found.window.use == "only"
    asked = found.query if is_narrowed else question
    is_of_days_alone = is_narrowed and bool(evidence) and set(terms(asked)) <= ASKING_FOR_A_DAY
    if not is_of_days_alone:
        verdict = enough(asked, evidence, embedder=embedder, marks=marks)
        if not verdict.answer:
            yield _timed(answer, began, first=0.0)
            return
        answer = replace(answer, doubt=verdict.doubt)
    choose = partial(openings, question) if is_of_days_alone else partial(quotes, asked)
    if chat is not None and not (
        tiny and is_of_days_alone
    ):  # a tiny model is shown what shares words with the question
        try:
            yield from _phrased(
                answer, choose, chat(), tiny=tiny, history=history, limit=limit, began=began, cancel=cancel
            )
            return
        except ModelError as error:
            yield FellBack("chat", error.reason, error.hint)
            evidence = evidence if instead is None else instead.evidence
            answer = replace(answer, evidence=evidence, degraded=(*answer.degraded, "chat"))
    yield from _quoted(answer, choose, began)


def _quoted(answer: Answered, choose: Choose, began: float) -> Iterator[Event]:
    """The best sentences as they stand in the notes."""
    text, sentences, citations = answer_from(choose(answer.evidence))
    first = time.monotonic() - began
    for sentence in sentences:
        yield Token(sentence.text + " ")
        yield Checked(sentence)
    yield _timed(
        replace(answer, answer=text, abstained=not citations, sentences=sentences, citations=citations),
        began,
        first=first,
    )


def _phrased(
    answer: Answered,
    choose: Choose,
    chat: ChatModel,
    *,
    tiny: bool,
    history: Sequence[Message],
    limit: int,
    began: float,
    cancel: Cancel,
) -> Iterator[Event]:
    """The chat model's words, then what of them stands in the sources."""
    room = chat.window - min(limit, chat.window // 2)
    told = chat.told(answer.evidence) if isinstance(chat, Outgoing) else answer.evidence
    asked = chat.asked if isinstance(chat, Outgoing) else answer.question  # without a secret, and before it may be cut
    prompt, shown = messages(asked, told, history, budget=room, count=chat.count, small=tiny)
    if isinstance(chat, Outgoing):
        chat.load(parcels(asked, prompt, shown))
        shown = chat.untold(answer.evidence, shown)
    phrasing, first, is_held = Phrasing(answer.question, shown, tiny=tiny), 0.0, False

    def hear(delta: Delta | Reading | Leaving) -> None:
        nonlocal first, is_held
        if isinstance(delta, Leaving):
            is_held = not delta.allowed
        elif not isinstance(delta, Reading):
            first = first or time.monotonic() - began

    yield from said(phrasing, chat, prompt, limit=limit, cancel=cancel, hear=hear)
    if is_held:
        return
    if not tiny and history:
        earlier = tuple(dict.fromkeys(path for turn in history for path in turn.sources))
        answer = replace(answer, earlier=earlier, tainted=any(turn.private is not False for turn in history))
    sentences, citations = phrasing.cited()
    if tiny and sentences and not any(sentence.supported for sentence in sentences) and not cancel.is_set():
        yield FellBack("chat", "What the model said stands nowhere in your notes: these are their own words.")
        yield from _quoted(replace(answer, usage=chat.usage), choose, began)
        return
    yield _timed(
        replace(
            answer,
            answer=phrasing.text,
            abstained=not phrasing.text and not cancel.is_set(),
            model=chat.name,
            stays_home=chat.stays_home,
            sentences=sentences,
            citations=citations,
            usage=chat.usage,
            stopped=cancel.is_set(),
        ),
        began,
        first=first,
    )


def _timed(answer: Answered, began: float, *, first: float) -> Answered:
    return replace(answer, seconds=replace(answer.seconds, first_token=first, total=time.monotonic() - began))


__all__ = ["QUOTES", "ask"]
