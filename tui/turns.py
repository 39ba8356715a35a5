"""One question and what becomes of it: a value that takes the engine's events in. It draws nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from brain.events import (
    Answered,
    Event,
    Failed,
    FellBack,
    Leaving,
    PartRead,
    Planned,
    Reading,
    Retrieved,
    Thought,
    Token,
)
from brain.types import Citation, Consent, Evidence, Message, Verdict
from tui.messages import Source

if TYPE_CHECKING:
    from tui.parcels import Parcels

State = Literal["waiting", "searching", "gated", "reading", "thinking", "writing", "answered", "stopped", "failed"]
RUNNING: tuple[State, ...] = ("searching", "gated", "reading", "thinking", "writing")


@dataclass(slots=True)
class Turn:
    """A question, its passages, the words so far, and how it ended."""

    ticket: int
    question: str
    state: State = "searching"
    pieces: list[str] = field(default_factory=list)
    retrieved: Retrieved | None = None
    reading: Reading | None = None
    planned: Planned | None = None
    part: PartRead | None = None
    answered: Answered | None = None
    failed: Failed | None = None
    fell_back: FellBack | None = None
    began: float = 0.0
    thinking_since: float = 0.0
    writing_since: float = 0.0
    forgotten: int = 0  # how many of its sources were forgotten with their folder
    leaving: Leaving | None = None  # what would leave this machine for it, or has
    parcels: Parcels | None = None  # the same, as it is decided about
    consent: Consent | None = None  # what a person said to that; None: nothing yet
    model: str | None = None  # that answers it, where that was chosen for it alone
    goes_out: bool = False  # it was asked of a model elsewhere

    @property
    def is_running(self) -> bool:
        """An answer is on its way."""
        return self.state in RUNNING

    @property
    def text(self) -> str:
        """The words so far."""
        return "".join(self.pieces)

    @property
    def words(self) -> int:
        """How many words there are so far."""
        return len(self.text.split())

    @property
    def sent(self) -> int:
        """Bytes that left this machine for it."""
        if self.answered is not None:
            return self.answered.sent
        return len(self.leaving.body.encode()) if self.leaving and self.leaving.allowed else 0

    @property
    def cost(self) -> float:
        """USD that it cost."""
        return self.answered.usage.cost_usd if self.answered else 0.0

    @property
    def could_stay(self) -> bool:
        """A model elsewhere was asked and gave nothing: this machine could answer instead."""
        return self.goes_out and self.state in ("failed", "stopped") and not self.pieces

    @property
    def is_settled(self) -> bool:
        """The answer came to its own end."""
        return self.state == "answered" and self.answered is not None

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What the answer cites."""
        return self.answered.citations if self.answered and not self.answered.abstained else ()

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The passages the model was given."""
        if self.answered:
            return self.answered.evidence
        return self.retrieved.evidence if self.retrieved else ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """What can be opened, in the order it is listed: the citations, or the closest passages of an abstention."""
        if self.answered and self.answered.abstained:
            return tuple(Source.found(item) for item in self.answered.evidence[:5])
        return tuple(Source.cited(item, self.verdict(item.number)) for item in self.citations)

    def verdict(self, number: int) -> Verdict | None:
        """How the citation [number] stands in the files; None where nobody has looked."""
        verdicts = self.answered.verdicts if self.answered else ()
        return next((one for one in verdicts if one.number == number), None)

    def is_stale(self, number: int) -> bool:
        """The words of the citation [number] were changed or deleted since."""
        verdict = self.verdict(number)
        return verdict is not None and verdict.standing in ("changed", "gone")

    def numbered(self, number: int) -> int | None:
        """The place in `sources` of what the answer calls [number]."""
        for at, citation in enumerate(self.citations):
            if citation.number == number:
                return at
        return None

    def messages(self) -> tuple[Message, ...]:
        """The turn as history for a follow-up; empty unless it was answered."""
        if not self.is_settled or self.answered is None:
            return ()
        from brain.conversations import exchange  # with an answer there is no first frame left to wait for it

        return exchange(self.question, self.answered, is_known=not self.forgotten)

    def take(self, event: Event, now: float) -> None:
        """Take one event in. What comes after a stop only completes what is there."""
        match event:
            case Retrieved():
                self.retrieved = event
                self._move("reading")
            case Planned():
                self.planned = event
                self._move("reading")
            case PartRead():
                self.part = event
            case Leaving():
                self.leaving = event
                self._move("reading" if event.allowed else "gated")
            case Reading():
                self.reading = event
                self._move("reading")
            case Thought() if self.is_running:
                if self.state != "thinking":
                    self.thinking_since = now
                self._move("thinking")
            case Token() if self.is_running:
                if self.state != "writing":
                    self.writing_since = now
                self.pieces.append(event.text)
                self._move("writing")
            case FellBack():  # what comes now is the answer; what came before it is not
                self.fell_back = event
                self.pieces.clear()
            case Answered():
                self._end(event)
            case Failed() if self.state != "stopped":
                self.failed = event
                self.state = "failed"
            case _:
                pass

    def stop(self) -> None:
        """The person stopped it: what there is stays."""
        if self.is_running:
            self.state = "stopped"

    def ask_again(self, consent: Consent | None = None, *, model: str | None = None) -> None:
        """It waits to be asked once more, with another consent, or of another model."""
        self.consent, self.model, self.state = consent, model, "waiting"
        self.leaving = self.failed = self.fell_back = None
        self.pieces.clear()

    def _move(self, state: State) -> None:
        if self.is_running:
            self.state = state

    def _end(self, event: Answered) -> None:
        self.answered = event
        if not event.stopped:
            self.state = "answered"
        elif event.answer or self.pieces:
            self.state = "stopped"
            self.pieces = [event.answer or self.text]
        else:
            self.state, self.answered = "stopped", None
