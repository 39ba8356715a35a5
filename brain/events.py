"""Everything the engine can say while it works. An event is a fact; it says nothing about drawing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from brain.types import (
    Citation,
    Coverage,
    Degraded,
    Evidence,
    Impaired,
    Parcel,
    Sentence,
    Unread,
    Usage,
    Verdict,
    Window,
    Withheld,
)


@dataclass(frozen=True, slots=True)
class SyncStarted:
    """A pass begins; `steps` files differ from what is stored."""

    steps: int


@dataclass(frozen=True, slots=True)
class FileIndexed:
    """A file's text and chunks are stored and its words can be found."""

    path: Path
    chunks: int  # all of them
    fresh: int  # those that were not there before
    added: bool  # False: it was known and has changed


@dataclass(frozen=True, slots=True)
class FileMoved:
    """A known file stands at another path; nothing was read again."""

    path: Path
    old: Path


@dataclass(frozen=True, slots=True)
class FileFailed:
    """A file could not be read; the pass goes on."""

    path: Path
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FileRemoved:
    """A file is gone from its folder and from the store."""

    path: Path


@dataclass(frozen=True, slots=True)
class FolderSkipped:
    """A folder could not be listed; what is known of it is kept."""

    path: Path
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class VectorsAdded:
    """Progress of the vectors: how many of this pass are done, how many are left."""

    done: int
    pending: int


@dataclass(frozen=True, slots=True)
class SyncFinished:
    """A pass is over."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    failed: int = 0
    chunks_embedded: int = 0
    chunks_reused: int = 0
    seconds: float = 0.0
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds a search spent on each part."""

    words: float = 0.0
    vectors: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found, before any model speaks. `documents` is how many the scope left to search."""

    query: str
    evidence: tuple[Evidence, ...]
    degraded: tuple[Degraded, ...] = ()
    seconds: Timings = Timings()
    documents: int = 0
    window: Window | None = None  # the days that were understood
    impaired: tuple[Impaired, ...] = ()  # why each part in `degraded` is


@dataclass(frozen=True, slots=True)
class Reading:
    """The model reads the prompt: how many of how many tokens."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """What would leave this machine, before a byte of it has; the exact body, and what it is made of.

    With `allowed` it leaves now and the answer follows. Without, nothing was sent and no answer follows: asking again with a
    `Consent` to this `sha256` sends these bytes.
    """

    url: str
    host: str
    model: str
    key: str  # the name of the key that is shown to the endpoint, never the key; "": none
    body: str  # the bytes of the request, which are UTF-8
    sha256: str  # of the body
    tokens: int  # of the body, estimated
    cost_usd: float  # estimated, answer included
    cost_peak_usd: float  # at the dearest hour of the day
    parcels: tuple[Parcel, ...]
    withheld: tuple[Withheld, ...] = ()
    allowed: bool = False
    why: str = (
        ""  # why it is asked: "the first question of this conversation that leaves", "the text has changed since"
    )


Way = Literal["quotes", "prompt", "parts"]


@dataclass(frozen=True, slots=True)
class Planned:
    """How a whole file is going to be read, said before the work begins."""

    path: Path
    way: Way  # its own sentences; the model reads it at once; the model reads it part by part
    model: str
    stays_home: bool
    characters: int
    tokens: int  # of the document, as the model counts; estimated where no model reads
    parts: int
    seconds: float  # what it will take
    measured: bool  # by a rate that was measured on this machine
    pages: int | None = None
    without_text: tuple[int, ...] = ()
    kept: bool = False  # the model has read it before: its memory of it is on disk
    cost_usd: float = 0.0
    why: str = ""  # one sentence, where another way might have been expected


@dataclass(frozen=True, slots=True)
class PartRead:
    """One more part of a whole file has been read: which of how many, and up to which page of how many."""

    part: int
    parts: int
    page: int | None = None
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of the model's own thinking, not of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence of the running answer is complete and has been looked up in the sources; it comes after its last Token."""

    sentence: Sentence


@dataclass(frozen=True, slots=True)
class AnswerTimings:
    """Seconds an answer took: to the passages, to the first token, to the end."""

    retrieve: float = 0.0
    first_token: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer, whole: its sentences, what carries them, and what it cost."""

    question: str
    answer: str
    abstained: bool
    model: str
    stays_home: bool
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    evidence: tuple[Evidence, ...]
    unread: tuple[Unread, ...] = ()
    degraded: tuple[Degraded, ...] = ()
    usage: Usage = Usage()
    seconds: AnswerTimings = AnswerTimings()
    stopped: bool = False  # the person stopped it; what there is of it is kept
    coverage: Coverage | None = None  # of an answer from a whole file
    verdicts: tuple[Verdict, ...] = ()  # of each citation, against the file on disk
    doubt: str = ""  # what of the question the notes may not speak of, a sentence; "": no doubt
    withheld: tuple[Withheld, ...] = ()  # what did not leave this machine
    sent: int = 0  # bytes that left this machine for it
    broken: str = ""  # why the answer is incomplete, a sentence; "": it is whole
    earlier: tuple[Path, ...] = ()  # files that the earlier turns which the model was told of were made from
    tainted: bool = (
        False  # it may come from private notes through those turns, or holds a secret that does not show as one
    )


@dataclass(frozen=True, slots=True)
class FellBack:
    """A part could not do its work; the rest goes on without it."""

    part: Degraded
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """What was asked for could not be done."""

    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """Something that `status()` reports is different now."""


@dataclass(frozen=True, slots=True)
class Pulling:
    """A model is on its way: bytes so far, of how many (0: not known), and from where."""

    name: str
    done: int
    total: int
    source: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model is on the shelf. `fetched` is False when it was there already."""

    name: str
    path: Path
    fetched: bool
    verified: bool = True  # False: nobody knows the SHA-256 that it should have


Event = (
    SyncStarted
    | FileIndexed
    | FileMoved
    | FileFailed
    | FileRemoved
    | FolderSkipped
    | VectorsAdded
    | SyncFinished
    | Retrieved
    | Reading
    | Leaving
    | Planned
    | PartRead
    | Thought
    | Token
    | Checked
    | Answered
    | FellBack
    | Failed
    | StatusChanged
    | Pulling
    | Pulled
)
