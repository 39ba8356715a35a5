"""How long it will take to read a document, by rates measured on this machine; and the measuring, while the work is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from brain.errors import ModelError
from brain.events import Reading
from brain.gathering import COMPARED, JUDGED, Near, gather, wants_all
from brain.gating import Verdict, enough
from brain.outgoing import Outgoing
from brain.partition import Unit
from brain.phrasing import Either
from brain.seams import Cancel, ChatModel, Rates
from brain.types import Document, Evidence, Message

SAMPLE = 20_000  # characters that a first rate is measured on
WRITTEN = 60  # tokens that a model is expected to say
ELSEWHERE = 10_000.0  # tokens that a server elsewhere reads in a second
GUESSED = 5.0  # seconds that it speaks
UNMEASURED = 100.0  # tokens a second, for a model that does not say how far it has read


@dataclass(frozen=True, slots=True)
class Model:
    """The chat model that reads."""

    chat: ChatModel
    key: str  # names it among the rates
    tiny: bool
    limit: int  # tokens of an answer
    pin: Callable[
        [Sequence[Message]], ChatModel
    ]  # the same, its memory of the document kept; given another prompt on it
    is_kept: bool  # such a memory is there


@dataclass(frozen=True, slots=True)
class Meaning:
    """How near texts are to the question."""

    around: Callable[[Sequence[Unit]], Sequence[float] | None]  # units; None where they are too many to look at
    near: Near
    alike: Callable[[Sequence[Unit], Sequence[str]], tuple[Sequence[float], Near] | None] | None = None
    enough: Callable[[str, Sequence[Evidence]], Verdict] = enough  # whether passages with such cosines answer


def reading_takes(
    model: Model, prompt: Sequence[Message], tokens: int, rates: Rates, *, times: int, cancel: Cancel
) -> tuple[float, bool]:
    """Seconds for `times` prompts of so many tokens, and whether a measured rate says so.

    Where there is none yet, the model reads the beginning of the first `prompt`, which it need not read again.
    """
    if isinstance(model.chat, Outgoing):  # nothing is sent to find out
        speaks = rates.seconds(_speaks(model), WRITTEN)
        return times * (tokens / ELSEWHERE + (GUESSED if speaks is None else speaks)), False
    if times and rates.seconds(_reads(model), tokens) is None:
        _measure(model, prompt, rates, cancel)
    reads = rates.seconds(_reads(model), tokens)
    speaks = rates.seconds(_speaks(model), WRITTEN)
    if reads is None:
        return times * tokens / UNMEASURED, False
    return times * (reads + (2 * WRITTEN * reads / max(1, tokens) if speaks is None else speaks)), True


def quotes_take(
    question: str, document: Document, laid: Sequence[Unit], meaning: Meaning | None, rates: Rates
) -> float:
    """Seconds for going through the document's own sentences; measured on its beginning where no rate is known."""
    length = len(document.text)
    known = rates.seconds(quotes_work(question, by_meaning=meaning is not None), length)
    if known is not None or not length:
        return known or 0.0
    began = time.monotonic()
    gather(question, document.text[:SAMPLE], laid)
    seconds = (time.monotonic() - began) * length / min(length, SAMPLE)
    if meaning is None:
        return seconds
    try:
        meaning.near(["The model is opened by this."])
        began = time.monotonic()
        meaning.near([document.text[at : at + 150] for at in range(0, 600, 150)])
    except ModelError:
        return seconds
    return seconds + (time.monotonic() - began) / 4 * min(JUDGED + COMPARED * wants_all(question), length // 100)


def quotes_work(question: str, *, by_meaning: bool) -> str:
    """What going through a document for this question is called among the rates."""
    return f"quotes {'list' if wants_all(question) else 'fact'} by {'meaning' if by_meaning else 'words'}"


class Clock:
    """How fast a model reads and speaks, from what it says while it does."""

    def __init__(self, rates: Rates, model: Model, *, least: int = 200) -> None:
        """Fewer tokens than `least` are too few to note."""
        self._rates, self._model, self._least = rates, model, least
        self._reading: tuple[float, int] | None = None
        self._spoken: float | None = None
        self._pieces = 0
        self._seconds = 0.0
        self.read = 0

    def hear(self, reading: Reading | None) -> None:
        """How far the prompt is read; None: the model speaks."""
        now = time.monotonic()
        if reading is None:
            self._spoken = self._spoken or now
            self._pieces += 1
        elif self._reading is None:
            self._reading = now, reading.done
        else:
            self._seconds, self.read = now - self._reading[0], reading.done - self._reading[1]

    def end(self) -> None:
        """Note it."""
        if self.read >= self._least:
            self._rates.note(_reads(self._model), self.read, self._seconds)
        if self._spoken is not None and self._pieces > 8:
            self._rates.note(_speaks(self._model), self._pieces, time.monotonic() - self._spoken)


def _measure(model: Model, prompt: Sequence[Message], rates: Rates, cancel: Cancel) -> None:
    heard_enough = Either(cancel)
    clock = Clock(rates, model, least=1)
    for delta in model.chat.stream(prompt, limit=1, cancel=heard_enough):
        clock.hear(delta if isinstance(delta, Reading) else None)
        if clock.read:
            heard_enough.set()
    clock.end()


def _reads(model: Model) -> str:
    return f"{model.key} reads"


def _speaks(model: Model) -> str:
    return f"{model.key} speaks"
