"""What a saved conversation is: questions with their answers, and the files these were made from. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.events import Answered
from brain.types import Message, Scope

TITLE_LENGTH = 200


def lost_sources(count: int) -> str:
    """What is said of an answer that has lost so many of its sources."""
    return f"What this answer took from {count} forgotten file{'s' * (count != 1)} is gone."


def exchange(
    question: str, answered: Answered, files: Sequence[Path] = (), *, is_known: bool = True
) -> tuple[Message, ...]:
    """A question and its answer as history, with every file they were made from; empty where nothing was answered.

    `is_known` is False where some of those files were forgotten. What the model was told of earlier turns it may have said
    again, so the files of those count as well; what was withheld from it does not.
    """
    if answered.abstained or not answered.answer:
        return ()
    shown = [one.chunk.path for one in answered.evidence] + [one.path for one in answered.citations]
    shown += [answered.coverage.path] if answered.coverage is not None else []
    withheld = {one.path for one in answered.withheld}.difference(shown, answered.earlier)
    sources = tuple(path for path in dict.fromkeys((*files, *shown, *answered.earlier)) if path not in withheld)
    private = answered.tainted or any(one.private for one in answered.evidence) if is_known else None
    return (Message("user", question, sources, private), Message("assistant", answered.answer, sources, private))


@dataclass(frozen=True, slots=True)
class Source:
    """A file that an answer was made from, and the SHA-256 of its bytes then; empty where that is not known."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, as they were."""

    asked: str  # ISO 8601, UTC
    answered: Answered
    sources: tuple[Source, ...] = ()
    forgotten: int = 0  # how many of its sources were forgotten with their folder, and all that came from them

    def messages(self) -> tuple[Message, ...]:
        """The turn as history for a follow-up; empty where nothing was answered."""
        files = [source.path for source in self.sources]
        return exchange(self.answered.question, self.answered, files, is_known=not self.forgotten)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with everything in it."""

    id: int
    title: str
    scope: Scope
    began: str  # ISO 8601, UTC
    turns: tuple[Turn, ...]

    def history(self) -> tuple[Message, ...]:
        """What was said, for a follow-up."""
        return tuple(message for turn in self.turns for message in turn.messages())


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list."""

    id: int
    title: str
    began: str  # ISO 8601, UTC
    changed: str
    questions: int
    found: str = ""  # the question of the first turn in which what was searched for stands
