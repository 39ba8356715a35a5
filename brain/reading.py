"""Everything that a question about a whole file stands on, made of the parts of a store."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial

from brain.documents import Opened, open_document
from brain.errors import ModelError, QueryError, SettingsError
from brain.estimating import Meaning, Model
from brain.events import Answered, Event, FellBack
from brain.gathering import Near
from brain.gating import enough
from brain.models.local import GgufChat
from brain.models.prefixes import Belongs
from brain.outgoing import Outgoing
from brain.partition import Unit, units
from brain.parts import Parts
from brain.seams import Cancel, ChatModel, Endpoint, Vectors
from brain.sending import is_tiny, why_private, with_private, with_sent
from brain.types import Consent, Message, Span
from brain.whole import ask_whole

AT_ONCE = 8  # texts between two looks at `cancel`
MANY_UNITS = 120  # of a file that is not stored: embedding more takes longer than a person waits


def read_whole(
    parts: Parts,
    question: str,
    file: str,
    *,
    cancel: Cancel,
    quotes: bool,
    model: str | None,
    plan_only: bool,
    consent: Consent = Consent(),
) -> Iterator[Event]:
    """The events of one question about one file; see `whole.ask_whole`."""
    began = time.monotonic()
    if not question.strip():
        raise QueryError("There is no question.", hint="Write what you want to know about the file.")
    opened = open_document(file, parts.catalog, parts.readers, max_bytes=parts.settings.notes.max_mb * 1_000_000)
    reader, why, outgoing = None, "", None
    if not quotes:
        try:
            chosen = parts.chosen(model)
            if chosen.endpoint is not None:
                outgoing, why = outgoing_for(parts, opened, question, chosen.endpoint, consent, file=file)
                reader = None if outgoing is None else endpoint_for(parts, outgoing)
            elif (path := chosen.path) is not None:
                tiny = is_tiny(path)
                if model is None and tiny:
                    why = (
                        f"{path.stem} is too small to read a whole file well; "
                        f"--model {path.stem} has it read all the same."
                    )
                else:
                    reader = model_for(parts, opened, parts.chat(path), tiny=tiny)
        except (ModelError, SettingsError) as error:
            if model is not None:
                raise
            why = " ".join((error.reason, error.hint)).strip()
    meaning, without = None, None
    try:
        nearness = Nearness(parts, opened, question, cancel)
        meaning = nearness.meaning() if nearness.is_within_reach else None
    except ModelError as error:
        if reader is None and not plan_only:
            without = FellBack("vectors", error.reason, error.hint)
    events = ask_whole(
        question,
        opened.document,
        model=reader,
        meaning=meaning,
        rates=parts.rates,
        why=why,
        plan_only=plan_only,
        began=began,
        cancel=cancel,
    )
    yield next(events)  # the plan comes first
    if without is not None:
        yield without
    for event in events:
        if not isinstance(event, Answered):
            yield event
            continue
        answered = with_private(event, why_private(parts, opened.document, file))
        yield with_sent(answered, outgoing) if outgoing is not None else answered


def outgoing_for(
    parts: Parts, opened: Opened, question: str, endpoint: Endpoint, consent: Consent, *, file: str
) -> tuple[Outgoing | None, str]:
    """The endpoint that is to read this document; None where it must not, with a sentence that says why."""
    if not endpoint.stays_home and (reason := why_private(parts, opened.document, file)):
        return None, f"{opened.document.path.name} never leaves this machine ({reason}): its own sentences answer."
    return Outgoing(endpoint, parts.gate_now(), consent=consent, question=question), ""


def endpoint_for(parts: Parts, outgoing: Outgoing) -> Model:
    """An endpoint as a reader. It keeps nothing of a document that we could ask it for again."""
    return Model(outgoing, outgoing.name, False, parts.settings.chat.limit, lambda _: outgoing, False)


def model_for(parts: Parts, opened: Opened, chat: GgufChat, *, tiny: bool) -> Model:
    """The chat model as a reader of this document, its memory of it kept on disk."""
    document, stamp = opened.document, opened.stamp
    belongs = Belongs(
        path=os.fspath(document.path),
        stamp=(stamp.mtime_ns, stamp.size, stamp.inode),
        watched=opened.watched,
        text=hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest(),
        model=chat.fingerprint,
        window=chat.window,
    )

    def pin(other: Sequence[Message]) -> ChatModel:
        return parts.prefixes.pinned(chat, belongs, other)

    key = f"{chat.name}@{chat.fingerprint} {parts.settings.chat.threads}"
    return Model(chat, key, tiny, parts.settings.chat.limit, pin, parts.prefixes.has(belongs))


class Nearness:
    """How near a document's passages and sentences are to one question. Raises ModelError where there is no embedder."""

    def __init__(self, parts: Parts, opened: Opened, question: str, cancel: Cancel) -> None:
        self._embedder = parts.embedder()
        self._parts, self._opened, self._question, self._cancel = parts, opened, question, cancel
        self._asked: Vectors | None = None
        self._held: tuple[list[Span], Vectors] | None = None

    def meaning(self) -> Meaning:
        """It as whole-file answers want it."""
        embedder = self._embedder.name
        return Meaning(
            self.around,
            self.near,
            self.alike,
            partial(enough, embedder=embedder, marks=self._parts.gates.marks(embedder)),
        )

    @property
    def is_within_reach(self) -> bool:
        """Whether the document's vectors are stored, or it is short enough to make them now."""
        return bool(self._opened.chunks) or len(units(self._opened.document)) <= MANY_UNITS

    def around(self, laid: Sequence[Unit]) -> list[float] | None:
        """A cosine a unit: that of the nearest stored passage in it, or its own; None where too many would have to be embedded."""
        return self._around(laid, self._query())

    def near(self, texts: Sequence[str]) -> list[float]:
        """A cosine a text; fewer where it was stopped."""
        return (self._embedded(texts) @ self._query()).tolist()  # type: ignore[no-any-return]

    def alike(self, laid: Sequence[Unit], texts: Sequence[str]) -> tuple[list[float], Near] | None:
        """The same two, by how near they are to the middle of some texts instead of the question."""
        middle = self._embedded(texts).sum(axis=0)
        length = float((middle @ middle) ** 0.5)
        if not length:
            return None
        middle = middle / length
        around = self._around(laid, middle)
        return None if around is None else (around, lambda more: (self._embedded(more) @ middle).tolist())

    def _around(self, laid: Sequence[Unit], to: Vectors) -> list[float] | None:
        if self._held is None:
            self._held = self._vectors(laid)
        if self._held is None:
            return None
        spans, vectors = self._held
        cosines = (vectors @ to).tolist()
        found, at = [], 0
        for unit in laid:
            while at < len(spans) and spans[at].end <= unit.start:
                at += 1
            best, later = 0.0, at
            while later < len(spans) and spans[later].start < unit.end:
                best, later = max(best, cosines[later]), later + 1
            found.append(best)
        return found

    def _vectors(self, laid: Sequence[Unit]) -> tuple[list[Span], Vectors] | None:
        """Those of the stored passages, or of the units, with where they stand, in order."""
        places = {chunk.id: Span(chunk.start, chunk.end) for chunk in self._opened.chunks}
        ids, vectors = self._parts.catalog.vectors(self._embedder.name, list(places))
        if ids:
            order = sorted(range(len(ids)), key=lambda at: places[ids[at]].start)
            return [places[ids[at]] for at in order], vectors[order]
        if len(laid) > MANY_UNITS:
            return None
        text = self._opened.document.text
        own = self._embedded([text[unit.start : unit.end] for unit in laid])
        return [Span(unit.start, unit.end) for unit in laid[: len(own)]], own

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        """A vector a text; fewer where it was stopped."""
        import numpy as np  # a tenth of a second that opening a store does not pay

        some = [self._embedder.embed([], kind="passage")]
        for start in range(0, len(texts), AT_ONCE):
            if self._cancel.is_set():
                break
            some.append(self._embedder.embed(texts[start : start + AT_ONCE], kind="passage"))
        return np.concatenate(some)

    def _query(self) -> Vectors:
        if self._asked is None:
            self._asked = self._embedder.embed([self._question], kind="query")[0]
        return self._asked
