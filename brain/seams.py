"""The Protocols between the floors: what a part does, never how. Each has two real implementations, or one and a fake."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from brain.conversations import Conversation, Summary
from brain.events import Answered, Event, Leaving, Reading, Retrieved
from brain.types import Choice, Consent, Delta, Document, Hit, Message, Scope, Status, Usage, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # shape (texts, dimensions), every row of length 1
else:
    Vectors = Any  # numpy costs a tenth of a second that a first frame does not pay

Cancel = threading.Event


class Reader(Protocol):
    """One file format: a module in `brain/readers/`."""

    SUFFIXES: tuple[str, ...]

    def read(self, path: Path) -> Document:
        """Read one file whole. Raises ReadError with a reason a person understands."""


class Tokenizer(Protocol):
    """Counts tokens as the embedder does, so that chunks fit its window."""

    recipe: str  # names the tokenizer: chunks cut by another one are cut again
    window: int  # tokens one text may have, special tokens included

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included."""


class Embedder(Protocol):
    """Texts to unit vectors."""

    name: str  # model and recipe; a new name means new vectors
    dimensions: int

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:
        """One unit vector a text; a text over the window is cut. Raises ModelError."""


class ChatModel(Protocol):
    """A model that answers, here or elsewhere."""

    name: str
    window: int  # tokens, prompt and answer together
    stays_home: bool  # False: text leaves this machine; front ends must say so
    usage: Usage  # of the last stream

    def count(self, text: str) -> int:
        """Tokens of a text."""

    def stream(self, messages: Sequence[Message], *, limit: int, cancel: Cancel) -> Iterator[Delta | Reading | Leaving]:
        """How far the prompt is read, where the model can tell, then the answer piece by piece, at most `limit` tokens.

        Of a model elsewhere: what leaves, first; nothing comes after it where that is not allowed. Ends early, without
        error, once `cancel` is set. Raises ModelError.
        """


class Endpoint(Protocol):
    """A chat model behind an address: what would be sent can be seen before it is sent."""

    name: str  # as it is asked for: "deepseek", "deepseek/deepseek-v4-pro"
    model: str  # as the endpoint calls it
    url: str
    host: str
    key: str  # the name of its key; "": it has none
    window: int
    stays_home: bool  # the address is this machine's own
    usage: Usage  # of the last answer; its cost is not filled in
    broken: str  # why the last answer is incomplete; "": it is whole
    tries: int  # how often the body, or a part of it, left for the last answer: a busy server is asked again
    note: str  # what is to be known of it, a sentence: "deepseek-chat is retired: …"; or ""

    def count(self, text: str) -> int:
        """Tokens of a text, estimated; rather too many than too few."""

    def body(self, messages: Sequence[Message], *, limit: int) -> bytes:
        """The exact bytes of the request for an answer of at most `limit` tokens."""

    def send(self, body: bytes, *, cancel: Cancel) -> Iterator[Delta]:
        """Send these bytes, and the answer piece by piece. Ends early, without error, once `cancel` is set.

        Raises EndpointError before the first piece; an answer that breaks off later ends, and `broken` says why.
        """


class VectorIndex(Protocol):
    """Nearest vectors by cosine."""

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace."""

    def remove(self, ids: Sequence[int]) -> None:
        """Forget; unknown ids are fine."""

    def search(self, vector: Vectors, limit: int, within: Collection[int] | None = None) -> list[Hit]:
        """The nearest to one vector of shape (dimensions,), best first; scores are cosines."""


class LexicalIndex(Protocol):
    """BM25 over words."""

    def search(self, query: str, limit: int, within: Collection[int] | None = None) -> list[Hit]:
        """The best passages holding any of the words, best first. Any string is a valid query."""


class Reranker(Protocol):
    """A slower, better judge of a few passages."""

    def score(self, question: str, texts: Sequence[str], *, seconds: float) -> list[float]:
        """A score from 0 to 1 for each text, in order, until `seconds` are over: then fewer, or none. Raises ModelError."""


class Rates(Protocol):
    """How fast this machine does what it has done before."""

    def seconds(self, work: str, amount: float) -> float | None:
        """How long this much of it would take; None where it was never measured."""

    def note(self, work: str, amount: float, seconds: float) -> None:
        """This much of it took so long."""


class Conversations(Protocol):
    """The saved conversations. What writes raises StoreBusy where the store can only be read."""

    def summaries(self, words: str = "", *, limit: int = 100) -> tuple[Summary, ...]:
        """Those that hold all of these words, in the title, a question or an answer; last used first."""

    def get(self, id: int) -> Conversation:
        """One with all its turns. Raises StoreError for one that is not there."""

    def append(self, answered: Answered, *, key: str, conversation: int | None = None, scope: Scope = Scope()) -> int:
        """Keep an answer, at the end of a conversation or as a new one, and return its number. It is on disk then.

        The same `key` again changes nothing, so that whoever does not know whether it was kept may say it again.
        """

    def rename(self, id: int, title: str) -> None:
        """Give it another title."""

    def delete(self, id: int) -> Conversation:
        """Delete it and return it. After the next compaction no file of the store holds a byte of it."""

    def restore(self, lost: Conversation) -> None:
        """Put back what was deleted."""

    def verdicts(self, id: int) -> tuple[tuple[Verdict, ...], ...]:
        """For each turn, how each of its citations stands in the files as they are now."""


class Brain(Protocol):
    """All that a front end may use."""

    @property
    def conversations(self) -> Conversations:
        """The saved ones."""

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Message] = (),
        cancel: Cancel,
        quotes: bool = False,
        model: str | None = None,
        scope: Scope = Scope(),
        consent: Consent = Consent(),
    ) -> Iterator[Event]:
        """Retrieved, then Reading/Thought/Token…, then Answered; or Failed. `quotes` forbids the chat model.

        Where the model is not of this machine, Leaving comes ahead of the answer; it is the last event where what would
        leave is not in `consent`.
        """

    def ask_whole(
        self,
        question: str,
        file: str,
        *,
        cancel: Cancel,
        quotes: bool = False,
        model: str | None = None,
        plan_only: bool = False,
        consent: Consent = Consent(),
    ) -> Iterator[Event]:
        """Planned, then Reading/PartRead/Token…, then Answered with its coverage: one file read from beginning to end.

        `file` is a path, or the end of a watched note's. Raises QueryError, ReadError.
        """

    def search(self, query: str, *, limit: int = 10, scope: Scope = Scope()) -> Retrieved:
        """The passages, best first. Raises QueryError for a filter it does not understand."""

    def find(self, query: str, *, cancel: Cancel, limit: int = 10, scope: Scope = Scope()) -> Iterator[Retrieved]:
        """For a search while typing: what words find, at once, then what `search` returns. Ends early once `cancel` is set."""

    def sync(self, *, cancel: Cancel, words_only: bool = False, accept_deletes: bool = False) -> Iterator[Event]:
        """One pass over the folders: SyncStarted … SyncFinished. Raises StoreBusy where another process owns the store."""

    def rebuild(self, *, cancel: Cancel, vectors: bool = False) -> Iterator[Event]:
        """Both indexes made again from the catalog; with `vectors` every passage is embedded again too. Raises StoreBusy."""

    def pause(self) -> None:
        """Let the background rest until `resume`, or until the owner of the store ends: whoever owns it next begins afresh.

        Nothing is looked at by itself meanwhile, so not even the words of a note that was saved are found. Searches,
        questions and passes that are asked for go on. Raises StoreBusy where the store can only be read.
        """

    def resume(self) -> None:
        """Let the background catch up with what was missed. Raises StoreBusy where the store can only be read."""

    def follow(self, *, cancel: Cancel) -> Iterator[Event]:
        """What the indexer does, as it happens, until `cancel` is set.

        It begins with StatusChanged: whoever looks at `status` then misses nothing.
        """

    def add(self, folder: Path, *, soon: bool = True) -> None:
        """Watch one more folder. Not `soon`: whoever adds it asks for the pass as well. Raises FolderMissing, StoreBusy."""

    def remove(self, folder: Path) -> int:
        """Forget a folder; its files are not touched. Returns how many documents were forgotten."""

    def document(self, path: Path) -> Document:
        """The stored document. Raises StoreError for a path that is not in the store."""

    def status(self) -> Status:
        """How things stand now."""

    def warm(self, model: str | None = None) -> None:
        """Start the models, so that the first question need not wait; with `model`, that chat model in place of the usual."""

    def models(self) -> tuple[Choice, ...]:
        """What can answer: the chat models on the shelf, the endpoints, and the notes' own sentences."""
