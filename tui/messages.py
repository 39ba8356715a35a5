"""The small messages of the terminal UI. Events of the engine travel inside `Happened`; everything else goes up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:  # the first frame needs none of them
    from brain.conversations import Conversation, Summary
    from brain.events import Event, Failed, Retrieved, SyncFinished
    from brain.types import Choice, Citation, Document, Evidence, Status, Verdict

Purpose = Literal["preview", "editor"]


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a note that can be opened: a span of its text, its line or page, and the words that stand there."""

    path: Path
    start: int
    end: int
    line: int
    page: int | None
    quote: str

    @classmethod
    def cited(cls, citation: Citation, verdict: Verdict | None = None) -> Source:
        """The place a citation points at, or where its words stand now."""
        if verdict is not None and verdict.standing in ("moved", "changed"):
            return cls(verdict.path, verdict.start, verdict.end, verdict.line, verdict.page, citation.quote)
        return cls(citation.path, citation.start, citation.end, citation.line, citation.page, citation.quote)

    @classmethod
    def found(cls, passage: Evidence) -> Source:
        """The place a passage stands at."""
        chunk = passage.chunk
        return cls(chunk.path, chunk.start, chunk.end, chunk.line, chunk.page, chunk.text)


class Happened(Message):
    """The engine said something. `ticket` is the question it belongs to; None: it is about the store."""

    def __init__(self, event: Event, ticket: int | None = None) -> None:
        super().__init__()
        self.event = event
        self.ticket = ticket


class AskEnded(Message):
    """Nothing more will come for this question."""

    def __init__(self, ticket: int) -> None:
        super().__init__()
        self.ticket = ticket


class Connected(Message):
    """The engine is open."""


class Disconnected(Message):
    """The engine could not be opened, or is gone; `failed` says why."""

    def __init__(self, failed: Failed) -> None:
        super().__init__()
        self.failed = failed


class Trouble(Message):
    """Something about the store could not be done."""

    def __init__(self, failed: Failed) -> None:
        super().__init__()
        self.failed = failed


class Standing(Message):
    """How things stand now."""

    def __init__(self, status: Status) -> None:
        super().__init__()
        self.status = status


class Found(Message):
    """What a search while typing found for exactly this text, or why it found nothing."""

    def __init__(self, text: str, result: Retrieved | None, failed: Failed | None = None) -> None:
        super().__init__()
        self.text = text
        self.result = result
        self.failed = failed


class Fetched(Message):
    """A document that was asked for, or why it cannot be had."""

    def __init__(
        self, source: Source, purpose: Purpose, document: Document | None, failed: Failed | None = None
    ) -> None:
        super().__init__()
        self.source = source
        self.purpose = purpose
        self.document = document
        self.failed = failed


class FolderAdded(Message):
    """A folder is watched now, or why not."""

    def __init__(self, folder: Path, failed: Failed | None) -> None:
        super().__init__()
        self.folder = folder
        self.failed = failed


class Typed(Message):
    """The text in the ask bar changed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Submitted(Message):
    """Enter was pressed in the bar, which held this text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class OpenResult(Message):
    """A search result was clicked."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at


class OpenCitation(Message):
    """A citation or a source row of an answer was clicked."""

    def __init__(self, ticket: int, at: int) -> None:
        super().__init__()
        self.ticket = ticket
        self.at = at


class FolderRemoved(Message):
    """A folder was forgotten with so many documents, or why it was not."""

    def __init__(self, folder: Path, documents: int, failed: Failed | None = None) -> None:
        super().__init__()
        self.folder = folder
        self.documents = documents
        self.failed = failed


class Looked(Message):
    """The folders were looked at because the person asked for it."""

    def __init__(self, finished: SyncFinished) -> None:
        super().__init__()
        self.finished = finished


class AddFolder(Message):
    """A folder was typed in."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder


class Scrolled(Message):
    """The conversation stands elsewhere, or has grown."""


class Models(Message):
    """What can answer."""

    def __init__(self, choices: tuple[Choice, ...]) -> None:
        super().__init__()
        self.choices = choices


class Warmed(Message):
    """A model is loaded, or why it is not."""

    def __init__(self, name: str, failed: Failed | None) -> None:
        super().__init__()
        self.name = name
        self.failed = failed


class Preferred(Message):
    """A model is the usual one from now on, or why it is not."""

    def __init__(self, choice: Choice, failed: Failed | None) -> None:
        super().__init__()
        self.choice = choice
        self.failed = failed


class Saved(Message):
    """An answer is kept in the conversation of this number, or why it is not."""

    def __init__(self, ticket: int, number: int | None, failed: Failed | None = None) -> None:
        super().__init__()
        self.ticket = ticket
        self.number = number
        self.failed = failed


class Listed(Message):
    """The saved conversations that hold exactly these words."""

    def __init__(self, words: str, found: tuple[Summary, ...]) -> None:
        super().__init__()
        self.words = words
        self.found = found


class Reopened(Message):
    """A saved conversation, and for each of its turns how what it quotes stands in the files now."""

    def __init__(self, kept: tuple[Conversation, tuple[tuple[Verdict, ...], ...]]) -> None:
        super().__init__()
        self.conversation, self.verdicts = kept


class TalkDeleted(Message):
    """A saved conversation was deleted: this one."""

    def __init__(self, lost: Conversation) -> None:
        super().__init__()
        self.lost = lost


class TalksChanged(Message):
    """A saved conversation has another title, or is there again."""

    def __init__(self, _: None = None) -> None:
        super().__init__()


class Exported(Message):
    """A conversation was written here."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
