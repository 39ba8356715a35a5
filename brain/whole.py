"""A question about one file, read from its first page to its last: a plan first, then the answer, then the log of what was read.

Three ways: its own sentences, where no model is to read or the model is too small for it; the model reads it at once; the
model reads it part by part, and what stands in a part for what it says of it is put together. A model elsewhere with a
large window is the second way with a price.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from brain.ask import QUOTES
from brain.briefing import OTHER, TURNS, brief, parcels
from brain.errors import ModelError
from brain.estimating import Clock, Meaning, Model, quotes_take, quotes_work, reading_takes
from brain.events import (
    Answered,
    AnswerTimings,
    Checked,
    Event,
    FellBack,
    Leaving,
    PartRead,
    Planned,
    Reading,
    Token,
    Way,
)
from brain.gathering import Near, gather, wants_all
from brain.gating import enough
from brain.outgoing import Outgoing
from brain.partition import Part, covered, parts, passages, unit_at, units
from brain.phrasing import Phrasing, said
from brain.prompting import messages
from brain.quoting import answer_from, quotes
from brain.seams import Cancel, ChatModel, Rates
from brain.types import Citation, Delta, Document, Evidence, Message, Sentence, Span, Unread, Usage

PART, SMALL_PART = 6000, 1200  # tokens of a part; a small model overlooks less in a short one
LETTERS = 4  # characters of a token, where no model counts them
FEW = 3  # sentences that need no model to put them together


@dataclass(slots=True)
class _Findings:
    """What the model found, part by part."""

    sentences: list[Sentence] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    read: list[Span] = field(default_factory=list)
    usage: Usage = Usage()

    def add(self, sentences: Sequence[Sentence], citations: Sequence[Citation]) -> None:
        """What of it stands in the part; the same place is said once."""
        by_number = {one.number: one for one in citations}
        known = {(one.start, one.end): one.number for one in self.citations}
        for sentence in sentences:
            carried = [by_number[number] for number in sentence.citations if number in by_number]
            if not sentence.supported or all((one.start, one.end) in known for one in carried):
                continue
            for one in carried:
                if (one.start, one.end) not in known:
                    known[one.start, one.end] = len(self.citations) + 1
                    self.citations.append(replace(one, number=len(self.citations) + 1))
            numbers = tuple(known[one.start, one.end] for one in carried)
            self.sentences.append(replace(sentence, citations=numbers))

    def count(self, usage: Usage) -> None:
        old = self.usage
        self.usage = Usage(
            old.prompt_tokens + usage.prompt_tokens,
            old.cached_tokens + usage.cached_tokens,
            old.completion_tokens + usage.completion_tokens,
            old.thought_tokens + usage.thought_tokens,
            old.cost_usd + usage.cost_usd,
        )


def ask_whole(
    question: str,
    document: Document,
    *,
    model: Model | None,
    meaning: Meaning | None,
    rates: Rates,
    why: str = "",
    plan_only: bool = False,
    began: float,
    cancel: Cancel,
) -> Iterator[Event]:
    """Planned, then Reading and PartRead as it goes, then the answer as it comes, then Answered with its coverage.

    Without a `model` the document's own sentences answer; so they do after a FellBack where the model fails. `why` says why
    there is none. With `plan_only` nothing follows the plan.
    """
    reading = _Reading(question, document, model=model, meaning=meaning, rates=rates, began=began, cancel=cancel)
    plan = reading.plan(why)
    yield plan
    if plan_only:
        return
    if model is not None:
        try:
            yield from reading.at_once(model) if plan.way == "prompt" else reading.by_parts(model)
            return
        except ModelError as error:
            yield FellBack("chat", error.reason, error.hint)
            reading.answer = replace(reading.answer, degraded=(*reading.answer.degraded, "chat"))
        except _NothingStands:
            yield FellBack("chat", "What the model said stands nowhere in the file: these are its own words.")
    yield from reading.by_quotes()


class _NothingStands(Exception):
    """Nothing that a small model said stands in the document."""


class _Reading:
    """One question and one document."""

    def __init__(
        self,
        question: str,
        document: Document,
        *,
        model: Model | None,
        meaning: Meaning | None,
        rates: Rates,
        began: float,
        cancel: Cancel,
    ) -> None:
        self._question, self._document = question, document
        self._model, self._meaning, self._rates = model, meaning, rates
        self._began, self._cancel, self._first = began, cancel, 0.0
        self._is_held = False  # what would leave this machine is not allowed to
        self._laid = units(document)
        self._passages = passages(document, self._laid)
        self._parts: list[Part] = []
        unread = (Unread(document.path, document.unread_pages),) if document.unread_pages else ()
        self.answer = Answered(
            question=question, answer="", abstained=True, model=QUOTES, stays_home=True, sentences=(), citations=(),
            evidence=(), unread=unread, coverage=covered(document, self._laid, ()),
        )  # fmt: skip

    def plan(self, why: str) -> Planned:
        """What is going to be done, and how long it takes. Where no rate is known, one is measured on the beginning."""
        document, model = self._document, self._model
        way: Way = "quotes"
        kept, usd = False, 0.0
        if model is None:
            tokens = len(document.text) // LETTERS
            self._parts = [Part(tuple(self._laid))] if self._laid else []
            seconds = quotes_take(self._question, document, self._laid, self._meaning, self._rates)
            measured = True
        else:
            sizes = [model.chat.count(one.chunk.text) + 1 for one in self._passages]
            tokens = sum(sizes)
            frame = sum(
                model.chat.count(turn.text) for turn in brief(self._question, (), is_part=True, small=model.tiny)
            )
            room = model.chat.window - min(model.limit, model.chat.window // 2) - frame - TURNS
            way = "prompt" if tokens <= room else "parts"
            most = room if way == "prompt" else max(1, min(room, SMALL_PART if model.tiny else PART))
            self._parts = parts(self._laid, sizes, most=most)
            kept = way == "prompt" and model.is_kept
            shown = self._shown(self._parts[0]) if self._parts else ()
            prompt = brief(self._question, shown, is_part=way == "parts", small=model.tiny)
            each = frame + (0 if kept else tokens // max(1, len(self._parts)))
            if isinstance(model.chat, Outgoing):
                usd = len(self._parts) * model.chat.cost(frame + tokens // max(1, len(self._parts)), model.limit)
                if way == "parts":
                    model.chat.in_parts = (
                        f"It leaves in {len(self._parts)} parts: only all of this conversation can be allowed."
                    )
            seconds, measured = reading_takes(
                model, prompt, each, self._rates, times=len(self._parts), cancel=self._cancel
            )
        return Planned(
            path=document.path,
            way=way,
            model=QUOTES if model is None else model.chat.name,
            stays_home=model is None or model.chat.stays_home,
            characters=len(document.text),
            tokens=tokens,
            parts=len(self._parts),
            seconds=round(seconds, 1),
            measured=measured,
            pages=document.pages,
            without_text=self.answer.coverage.without_text if self.answer.coverage else (),
            kept=kept,
            cost_usd=usd,
            why=why,
        )

    def at_once(self, model: Model) -> Iterator[Event]:
        """The model reads the document in one prompt."""
        prompt = brief(self._question, self._passages, is_part=False, small=model.tiny)
        chat = model.pin(brief(OTHER, self._passages, is_part=False, small=model.tiny))
        phrasing = Phrasing(self._question, self._passages, tiny=model.tiny)
        self._load(chat, prompt, self._passages)
        yield from self._say(phrasing, chat, prompt, model)
        if self._is_held:
            return
        sentences, citations = phrasing.cited()
        stopped = self._cancel.is_set()
        if model.tiny and not stopped and not any(sentence.supported for sentence in sentences):
            self.answer = replace(self.answer, usage=chat.usage)
            raise _NothingStands
        read = () if stopped and not self._first else (Span(0, len(self._document.text)),)
        yield PartRead(1, 1, self._document.pages, self._document.pages)
        yield self._whole(
            read,
            answer=phrasing.text,
            abstained=not phrasing.text and not stopped,
            model=chat.name,
            stays_home=chat.stays_home,
            sentences=sentences,
            citations=citations,
            usage=chat.usage,
        )

    def by_parts(self, model: Model) -> Iterator[Event]:
        """The model reads every part and copies out what answers; what really stands there is put together."""
        found = _Findings()
        for number, part in enumerate(self._parts, 1):
            shown = self._shown(part)
            phrasing = Phrasing(self._question, shown, tiny=model.tiny)
            prompt = brief(self._question, shown, is_part=True, small=model.tiny)
            self._load(model.chat, prompt, shown)
            if isinstance(model.chat, Outgoing):
                model.chat.check_part(self._document.text, part.start, part.end)
            heard = self._say(phrasing, model.chat, prompt, model)
            yield from (event for event in heard if isinstance(event, Reading | Leaving))
            if self._is_held:
                return
            found.count(model.chat.usage)
            found.add(*phrasing.cited())
            if self._cancel.is_set():
                break
            found.read.append(Span(part.start, part.end))
            yield PartRead(number, len(self._parts), part.page, self._document.pages)
        if model.tiny and not found.sentences and not self._cancel.is_set():
            self.answer = replace(self.answer, usage=found.usage)
            raise _NothingStands
        yield from self._put_together(model, found)

    def by_quotes(self) -> Iterator[Event]:
        """The document's own sentences: all that a list asks for, or the few that answer best."""
        began = time.monotonic()
        around: Sequence[float] | None = None
        meaning, degraded = self._meaning, self.answer.degraded
        try:
            around = meaning.around(self._laid) if meaning is not None else None
            spans, read = self._quoted(around, meaning.near if meaning is not None else None)
        except ModelError as error:
            yield FellBack("vectors", error.reason, error.hint)
            (spans, read), around = self._quoted(None, None), None
        if around is None:
            degraded = (*degraded, "vectors")
        text, sentences, citations = answer_from(spans)
        work = quotes_work(self._question, by_meaning=around is not None)
        if not self._cancel.is_set():
            self._rates.note(work, len(self._document.text), time.monotonic() - began)
        self._first = time.monotonic() - self._began
        for sentence in sentences:
            yield Token(sentence.text + "\n")
            yield Checked(sentence)
        yield PartRead(1, 1, self._document.pages, self._document.pages)
        yield self._whole(
            read,
            answer=text,
            abstained=not citations and not self._cancel.is_set(),
            sentences=sentences,
            citations=citations,
            degraded=degraded,
            evidence=tuple(one for one, _, _ in spans),
        )

    def _quoted(
        self, around: Sequence[float] | None, near: Near | None
    ) -> tuple[list[tuple[Evidence, int, int]], Sequence[Span]]:
        """The sentences that answer, and what was looked through for them."""
        text, laid = self._document.text, self._laid
        if wants_all(self._question):
            near = near if around else None
            alike = self._meaning.alike if near and self._meaning else None
            found, end = gather(
                self._question,
                text,
                laid,
                cosines=around,
                near=near,
                alike=partial(alike, laid) if alike else None,
                stopped=self._cancel.is_set,
            )
            places = [replace(laid[unit_at(laid, one.start)], start=one.start, end=one.end) for one in found]
            shown = passages(self._document, places)
            scored = [replace(one, score=place.score) for one, place in zip(shown, found, strict=True)]
            return [(one, one.chunk.start, one.chunk.end) for one in scored], [Span(0, end)]
        shown = passages(self._document, laid, around)
        best = sorted(shown, key=lambda one: -one.score) if around else shown
        chosen = quotes(self._question, shown)
        cited = [one for one, _, _ in chosen]
        is_enough = self._meaning.enough if self._meaning else enough
        if not is_enough(self._question, [*cited, *(one for one in best[:2] if one not in cited)]).answer:
            chosen = []
        return chosen, [Span(0, len(text))]

    def _put_together(self, model: Model, found: _Findings) -> Iterator[Event]:
        """The findings as they are, where they are a list, few, or the model small; else the model's own words from them."""
        sentences, citations = tuple(found.sentences), tuple(found.citations)
        text = "\n".join(sentence.text for sentence in sentences)
        stopped = self._cancel.is_set()
        if not (stopped or model.tiny or wants_all(self._question) or len(sentences) <= FEW):
            evidence = [self._cited(one) for one in citations if not self._cuts(model.chat, one)]
            room = model.chat.window - min(model.limit, model.chat.window // 2)
            prompt, shown = messages(self._question, evidence, (), budget=room, count=model.chat.count, small=False)
            phrasing = Phrasing(self._question, shown, tiny=False)
            self._load(model.chat, prompt, shown)
            yield from self._say(phrasing, model.chat, prompt, model)
            found.count(model.chat.usage)
            cited = phrasing.cited()
            if any(sentence.supported for sentence in cited[0]):
                (sentences, citations), text = cited, phrasing.text
            else:
                yield FellBack("chat", "What the model made of its findings stands nowhere in the file: here they are.")
                yield from _tokens(sentences)
        else:
            self._first = self._first or time.monotonic() - self._began
            yield from _tokens(sentences)
        yield self._whole(
            found.read,
            answer=text,
            abstained=not text and not stopped,
            model=model.chat.name,
            stays_home=model.chat.stays_home,
            sentences=sentences,
            citations=citations,
            usage=found.usage,
        )

    def _say(self, phrasing: Phrasing, chat: ChatModel, prompt: Sequence[Message], model: Model) -> Iterator[Event]:
        """The model's answer to a prompt as it comes; how fast it read and spoke is noted."""
        clock = Clock(self._rates, model)

        def hear(delta: Delta | Reading | Leaving) -> None:
            if isinstance(delta, Leaving):
                self._is_held = not delta.allowed
                return
            clock.hear(delta if isinstance(delta, Reading) else None)
            if not isinstance(delta, Reading):
                self._first = self._first or time.monotonic() - self._began

        yield from said(phrasing, chat, prompt, limit=model.limit, cancel=self._cancel, hear=hear)
        if not self._cancel.is_set() and not self._is_held:
            clock.end()

    def _load(self, chat: ChatModel, prompt: Sequence[Message], shown: Sequence[Evidence]) -> None:
        """Say what a prompt is made of, where it is about to leave this machine."""
        if isinstance(chat, Outgoing):
            chat.load(parcels(self._question, prompt, shown))

    def _shown(self, part: Part) -> list[Evidence]:
        """A part's passages."""
        return [self._passages[unit_at(self._laid, unit.start)] for unit in part.units]

    def _cuts(self, chat: ChatModel, one: Citation) -> bool:
        return isinstance(chat, Outgoing) and chat.cuts(self._document.text, one.start, one.end)

    def _cited(self, citation: Citation) -> Evidence:
        """A citation as a passage of its own."""
        unit = self._laid[unit_at(self._laid, citation.start)]
        (one,) = passages(self._document, [replace(unit, start=citation.start, end=citation.end)])
        return replace(one, number=citation.number)

    def _whole(self, read: Sequence[Span], **known: object) -> Answered:
        """The finished answer. Its evidence, if not given, are the passages that were cited."""
        answer = replace(self.answer, **known)  # type: ignore[arg-type]
        if not answer.evidence:
            held = {unit_at(self._laid, citation.start) for citation in answer.citations}
            answer = replace(answer, evidence=tuple(self._passages[at] for at in sorted(held)))
        total = time.monotonic() - self._began
        return replace(
            answer,
            stopped=self._cancel.is_set(),
            coverage=covered(self._document, self._laid, read),
            seconds=AnswerTimings(first_token=self._first, total=total),
        )


def _tokens(sentences: Sequence[Sentence]) -> Iterator[Event]:
    for sentence in sentences:
        yield Token(sentence.text + "\n")
        yield Checked(sentence)


__all__ = ["Meaning", "Model", "ask_whole"]
