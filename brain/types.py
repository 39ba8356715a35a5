"""The words that flow through Brain. Frozen values only; positions are character offsets into `Document.text`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BlockKind = Literal["heading", "prose", "list", "table", "code"]
Role = Literal["system", "user", "assistant"]
Standing = Literal["ok", "moved", "changed", "gone"]
Degraded = Literal["words", "vectors", "rerank", "ocr", "chat", "watcher"]
DateOrigin = Literal["frontmatter", "name", "title", "folder", "metadata", "modified"]


@dataclass(frozen=True, slots=True)
class Block:
    """A span of a document that the reader recognised. Blocks are in order and do not overlap."""

    kind: BlockKind
    start: int
    end: int
    headings: tuple[str, ...] = ()  # the path of headings above it, outermost first
    page: int | None = None  # counted from 1; a block never crosses a page


@dataclass(frozen=True, slots=True)
class Document:
    """What a reader returns. `text` is the one canonical text that every offset counts in.

    For text formats it is the file's own text: decoded, newlines as "\\n", and every control or bidi character
    replaced one for one, so offsets and line numbers are those of the file.
    """

    path: Path
    title: str
    text: str
    blocks: tuple[Block, ...]
    format: str = "text"  # "markdown", "text" or "pdf"
    titled: bool = False  # the title is written in the document, not taken from the file's name
    date: str | None = None  # an ISO day, month or year, from the document itself
    date_origin: DateOrigin | None = None  # "frontmatter", "title" or "metadata" where there is a date
    tags: tuple[str, ...] = ()  # without "#"
    aliases: tuple[str, ...] = ()
    pages: int | None = None  # how many pages, for formats that have them
    unread_pages: tuple[int, ...] = ()  # pages without readable text, counted from 1
    page_labels: tuple[str, ...] = ()  # one a page where they differ from 1, 2, 3 …
    machine_written: bool = False  # it says of itself that a machine wrote it: an answer that was saved as a note
    private: bool = False  # it says of itself that it must not leave this machine


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage small enough to embed, and where it came from."""

    path: Path
    start: int
    end: int
    text: str  # always document.text[start:end]
    headings: tuple[str, ...] = ()
    page: int | None = None
    line: int = 1  # of `start`, counted from 1
    format: str = "text"
    id: int = 0  # given by the catalog; 0 before it is stored


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry of one ranking. Scores compare only within one list."""

    chunk_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents a question is about. Empty fields do not narrow."""

    within: tuple[str, ...] = ()  # folder or file names, "work/" or "plan.md", matched against the path's end or parts
    tags: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()  # "pdf", "markdown", "text"
    after: str | None = None  # ISO dates, inclusive
    before: str | None = None
    machine: bool = False  # with notes that a machine wrote; this alone does not narrow

    def __bool__(self) -> bool:
        return bool(self.within or self.tags or self.formats or self.after or self.before)


@dataclass(frozen=True, slots=True)
class Window:
    """The days that a question speaks of in plain words, and what is made of them."""

    after: str | None  # ISO days, inclusive; None: no bound
    before: str | None
    words: str  # as they stand in the question
    use: Literal["only", "first", "none"] = "only"  # these documents only; these before others; none there, so all


@dataclass(frozen=True, slots=True)
class Query:
    """A question taken apart: what to look for, and where."""

    text: str  # what is left for words and meaning when the filters are taken out
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    scope: Scope = Scope()
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Where a passage's score comes from; None where that part did not look at it."""

    words: float | None = None
    vectors: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage as it is shown to the model and the reader, as [number]. Neighbours may be joined into it."""

    number: int
    chunk: Chunk
    title: str
    score: float
    scores: Scores = Scores()
    date: str | None = None
    tags: tuple[str, ...] = ()
    date_origin: DateOrigin | None = None  # where the date was found
    copies: tuple[Path, ...] = ()  # other files that say nearly the same
    private: str = ""  # why it must not leave this machine; "": it may


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact span that carries a sentence. `quote` is cut from the stored text: document.text[start:end]."""

    number: int
    path: Path
    title: str
    start: int
    end: int
    quote: str
    page: int | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a citation stands in the files as they are now: its words stand where they stood, elsewhere, changed, or nowhere.

    The place is where its words, or what has become of them, stand now; `now` is what they were changed into.
    """

    number: int
    standing: Standing
    path: Path
    start: int
    end: int
    line: int = 1
    page: int | None = None
    now: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer and the numbers of the citations that carry it."""

    text: str
    citations: tuple[int, ...] = ()
    supported: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    `private`: whether it was made from private notes; None, not known, counts as private where text would leave the machine.
    """

    role: Role
    text: str
    sources: tuple[Path, ...] = ()  # of an answer: every file it was made from
    private: bool | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """One streamed piece from a chat model. An empty thought: what was said before it was a thought as well."""

    text: str
    thought: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    thought_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Consent:
    """What of a question may leave this machine.

    Either the body whose `sha256` was shown, and no other; or, with `conversation`, whatever this conversation needs. Private
    notes and what looks like a secret never leave, whatever is allowed.
    """

    sha256: str = ""
    conversation: bool = False
    without: tuple[int, ...] = ()  # numbers of passages that the person took out
    history: bool = True  # earlier questions and answers may go along
    url: str = ""  # the address that it was given for, and no other; "": whichever the model has


@dataclass(frozen=True, slots=True)
class Parcel:
    """One part of what leaves: the question, earlier turns, or a passage."""

    kind: Literal["instructions", "question", "history", "passage"]
    bytes: int  # UTF-8, of its own text
    number: int = 0  # of a passage, as the answer will cite it
    path: Path | None = None
    title: str = ""
    lines: tuple[int, ...] = ()  # first and last of a passage, counted from 1
    page: int | None = None
    turns: int = 0  # of history: how many questions with their answers


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something that did not leave this machine: what, and why."""

    what: Literal["passage", "history", "secret"]
    why: str  # "the note says private: true", "a card number"
    path: Path | None = None
    count: int = 1  # passages of that file, turns, or places where it stood


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that can be switched to: a file on this machine, an endpoint, or none at all (the notes' own sentences)."""

    name: str  # what `ask` takes as its model
    kind: Literal["file", "endpoint", "quotes"]
    stays_home: bool
    window: int = 0  # tokens; 0: not known
    bytes: int = 0  # of the file
    memory: int = 0  # bytes needed to run it
    fits: bool = True  # in what is free now
    used: bool = False  # the one in the settings
    host: str = ""  # of an endpoint
    has_key: bool = True  # the endpoint needs none, or its key is there
    note: str = ""  # price of an endpoint, licence of a file, or why it cannot be used


@dataclass(frozen=True, slots=True)
class Unread:
    """A file whose pages could not all be read."""

    path: Path
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of characters of a document."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of one document was read for an answer. Every page is in exactly one of `read`, `without_text` and `not_read`."""

    path: Path
    characters: int  # of the document
    spans: tuple[Span, ...]  # what was read, in order, those that touch joined
    pages: int | None = None  # None for formats that have none
    read: tuple[int, ...] = ()  # pages read whole
    without_text: tuple[int, ...] = ()  # pages that hold no text to read
    not_read: tuple[int, ...] = ()  # pages left out, because it was stopped
    complete: bool = False  # every character of the document was read


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, why, and what to do."""

    path: Path
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Impaired:
    """A part that is off or fell back: the part, why, and what to do next."""

    part: Degraded
    why: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """A watched folder."""

    path: Path
    files: int = 0
    watching: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that owns the store."""

    pid: int
    command: str
    since: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand."""

    version: str
    home: Path
    folders: tuple[Folder, ...]
    indexed: int
    failed: int
    unreadable_pages: int
    chunks: int
    vectors_done: int
    vectors_pending: int
    chat: str | None
    embed: str | None
    rerank: str | None
    owner: Owner | None
    degraded: tuple[Impaired, ...]
    failures: tuple[Failure, ...]
    paused: bool = False  # the owner looks at no folder by itself until it is told to go on
    embed_next: str | None = (
        None  # an embedder that takes over once it has read every passage; `embed` serves until then
    )
    embed_next_left: int = 0  # passages that it has not read
    stays_home: bool = True  # the chat model of the settings runs on this machine
    sent_today: int = 0  # bytes that left this machine, this local day
    spent_today: float = 0.0  # USD
    budget_day: float = 0.0  # USD; 0: no limit
    private: int = 0  # documents that never leave this machine, by what they say and by the settings


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the store that is not as it should be. A note is no fault; warnings and errors are."""

    part: Literal["notes", "catalog", "words", "vectors", "models", "files"]
    what: str
    where: str = ""  # a file or folder, or the name of a model
    level: Literal["note", "warning", "error"] = "warning"
    repair: Literal["", "sync", "reread", "catalog", "words", "vectors", "chroma", "modes", "clear"] = ""
    hint: str = ""  # what a person can do where there is no repair


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found, and what of it is left; without a repair that is the same."""

    found: tuple[Finding, ...]
    left: tuple[Finding, ...]
    seconds: float = 0.0
