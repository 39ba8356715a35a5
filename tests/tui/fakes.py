"""A scripted Brain for the terminal UI: it says what it is told to say, when it is told to.

Nothing waits for a clock. A `Gate` in a script holds the answer until the test opens it, or until it is cancelled.
"""

from __future__ import annotations

import hashlib
import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date
from pathlib import Path

from brain.conversations import Conversation, Summary, Turn
from brain.errors import BrainError, FolderMissing, StoreError
from brain.events import (
    Answered,
    AnswerTimings,
    Event,
    FileIndexed,
    Leaving,
    Reading,
    Retrieved,
    StatusChanged,
    SyncFinished,
    SyncStarted,
    Timings,
    Token,
)
from brain.types import (
    Block,
    Choice,
    Chunk,
    Citation,
    Consent,
    Document,
    Evidence,
    Folder,
    Message,
    Parcel,
    Scope,
    Scores,
    Sentence,
    Status,
    Usage,
    Verdict,
    Withheld,
)
from brain.withholding import TAKEN_OUT
from tui.app import BrainApp

HOME = Path("/home/ana/.local/share/brain")
NOTES = Path("/home/ana/notes")
TODAY = date(2025, 11, 20)
WHEN = "2025-11-19T18:30:00Z"

BOARD = """---
date: 2025-03-12
---
# Board meeting

Present: Ana, Tom, Li

## Garden

The first draft asked for 55 000 €.

After discussion the board agreed on 40 000 € for the garden, to be spent before October.
Soil contract: not signed yet.

## Roof

Tom asks two firms for an offer by April.
Next meeting: 9 April, Ana reports.
"""
ROLES = """# Roles

- Ana owns the budget of the garden and reports to the board every month.
- Tom signs orders above 5 000 €.
"""
OFFER = (
    "Offer 2025-118\nPump set P3 for the garden well\n"
    "Pump set P3 for the garden well, delivery in week 24, valid until 30 June.\nOrder by 2 May.\n"
)
_PAGE_TWO = OFFER.index("Pump set P3 for the garden well, delivery")


def documents() -> dict[Path, Document]:
    """A small vault: two notes and a PDF."""
    board, roles, offer = (
        NOTES / "meetings/2025-03-12-board.md",
        NOTES / "projects/roles.md",
        NOTES / "quotes/offer.pdf",
    )
    return {
        board: Document(board, "Board meeting", BOARD, (), format="markdown"),
        roles: Document(roles, "Roles", ROLES, (), format="markdown"),
        offer: Document(
            offer,
            "Offer",
            OFFER,
            (Block("prose", 0, _PAGE_TWO, page=1), Block("prose", _PAGE_TWO, len(OFFER), page=2)),
            format="pdf",
            pages=2,
        ),
    }


def chunk(document: Document, quote: str, page: int | None = None) -> Chunk:
    """The passage of a document that begins with these words and runs to the end of their line."""
    start = document.text.index(quote)
    end = document.text.find("\n", start)
    end = len(document.text) if end < 0 else end
    line = document.text.count("\n", 0, start) + 1
    return Chunk(document.path, start, end, document.text[start:end], page=page, line=line, format=document.format)


def evidence() -> tuple[Evidence, ...]:
    """Three passages from three files."""
    board, roles, offer = documents().values()
    return (
        Evidence(
            1, chunk(board, "After discussion"), board.title, 0.92, Scores(words=7.31, vectors=0.71), "2025-03-12"
        ),
        Evidence(2, chunk(roles, "Ana owns"), roles.title, 0.64, Scores(words=4.2, vectors=0.66)),
        Evidence(
            3, chunk(offer, "Pump set P3 for the garden well, d", 2), offer.title, 0.41, Scores(words=3.9), "2025-05-20"
        ),
    )


def citation(number: int, quote: str) -> Citation:
    """The span of these words in one of the passages' documents."""
    item = evidence()[number - 1]
    document = documents()[item.chunk.path]
    start = document.text.index(quote, item.chunk.start)
    line = document.text.count("\n", 0, start) + 1
    return Citation(number, document.path, document.title, start, start + len(quote), quote, item.chunk.page, line)


ANSWER = (
    "The board agreed on **40 000 €** for the garden, down from 55 000 €. Ana Ruiz owns the spending and reports "
    "monthly. Two points are still open:\n\n- the pump quote is valid until 30 June\n- nobody knows who waters it"
)


def answered(question: str = "What was decided about the garden budget?", **changes: object) -> Answered:
    """An answer with three citations and one sentence without support."""
    done = Answered(
        question=question,
        answer=ANSWER,
        abstained=False,
        model="qwen3-4b",
        stays_home=True,
        sentences=(
            Sentence("The board agreed on **40 000 €** for the garden, down from 55 000 €.", (1,), True),
            Sentence("Ana Ruiz owns the spending and reports monthly.", (2,), True),
            Sentence("Two points are still open:", (), False),
            Sentence("the pump quote is valid until 30 June", (3,), True),
            Sentence("nobody knows who waters it", (), False),
        ),
        citations=(
            citation(1, "agreed on 40 000 €"),
            citation(2, "Ana owns the budget of the garden"),
            citation(3, "valid until 30 June"),
        ),
        evidence=evidence(),
        usage=Usage(prompt_tokens=1204, cached_tokens=310, completion_tokens=61),
        seconds=AnswerTimings(retrieve=0.038, first_token=0.9, total=4.1),
    )
    return replace(done, **changes)  # type: ignore[arg-type]


def nothing_found(question: str = "Who won the chess cup?") -> Answered:
    """An abstention with the nearest passages."""
    return answered(question, answer="", abstained=True, sentences=(), citations=())


def retrieved(query: str = "garden budget") -> Retrieved:
    """The three passages."""
    return Retrieved(query, evidence(), seconds=Timings(0.004, 0.031, 0.036), documents=214)


def status(**changes: object) -> Status:
    """Everything in order."""
    done = Status(
        version="0.1.0",
        home=HOME,
        folders=(Folder(NOTES, 214, watching=True),),
        indexed=214,
        failed=0,
        unreadable_pages=0,
        chunks=1418,
        vectors_done=1418,
        vectors_pending=0,
        chat="qwen3-4b",
        embed="all-minilm-l6-v2",
        rerank=None,
        owner=None,
        degraded=(),
        failures=(),
    )
    return replace(done, **changes)  # type: ignore[arg-type]


HOST = "api.deepseek.com"
CHOICES = (
    Choice("qwen3-4b", "file", True, 32768, 2_497_000_000, 4_100_000_000, used=True, note="Apache 2.0"),
    Choice("smollm2-135m-instruct", "file", True, 8192, 98_000_000, 310_000_000),
    Choice("llama-3.3-70b", "file", True, 131_072, 42_500_000_000, 46_000_000_000, fits=False),
    Choice("quotes", "quotes", True),
    Choice("deepseek", "endpoint", False, 131_072, host=HOST, note="$0.28 a million tokens in, $0.42 out"),
    Choice("openrouter", "endpoint", False, 131_072, host="openrouter.ai", has_key=False),
)
WITHHELD = (
    Withheld("passage", "journal/ is private", NOTES / "journal/2025-04.md", 2),
    Withheld("secret", "a card number", NOTES / "projects/roles.md"),
)


def leaving(
    question: str, history: Sequence[Message], consent: Consent, *, salt: str = "", **changes: object
) -> Leaving:
    """What would leave for a question with the three passages, and whether this consent is to that."""
    passages = [item for item in evidence() if item.number not in consent.without]
    said = [one.text for one in history] if consent.history else []
    texts = [item.chunk.text for item in passages]
    body = json.dumps({"model": "deepseek-flash", "said": said, "passages": texts, "question": question + salt})
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    out = [Withheld("passage", TAKEN_OUT, item.chunk.path) for item in evidence() if item.number in consent.without]
    earlier = [Parcel("history", sum(len(text.encode()) for text in said), turns=len(said) // 2)] if said else []
    parcels = [
        Parcel(
            "passage",
            len(item.chunk.text.encode()),
            item.number,
            item.chunk.path,
            item.title,
            () if item.chunk.page else (item.chunk.line, item.chunk.line + item.number - 1),
            item.chunk.page,
        )
        for item in passages
    ]
    done = Leaving(
        url=f"https://{HOST}/v1/chat/completions",
        host=HOST,
        model="deepseek-flash",
        key="DEEPSEEK_API_KEY",
        body=body,
        sha256=sha256,
        tokens=len(body) // 4,
        cost_usd=0.001,
        cost_peak_usd=0.002,
        parcels=(Parcel("question", len(question)), *earlier, *parcels),
        withheld=(*WITHHELD, *out),
        allowed=consent.conversation or consent.sha256 == sha256,
    )
    return replace(done, **changes)  # type: ignore[arg-type]


class Gate:
    """A place in a script where the answer waits for the test."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()

    def open(self) -> None:
        """Let the answer go on."""
        self._open.set()

    def wait(self, cancel: threading.Event) -> None:
        """Hold until opened or cancelled."""
        self.reached.set()
        while not cancel.is_set() and not self._open.wait(0.005):
            pass


Script = Sequence[Event | Gate | Exception]


def streamed(*, gate: Gate | None = None, question: str = "What was decided about the garden budget?") -> Script:
    """Passages, the prompt being read, the words one by one, the answer; a gate stands before the last word."""
    words = [Token(word) for word in ANSWER.replace(" ", " \0").split("\0")]
    middle: list[Event | Gate] = [*words[:-1], gate, words[-1]] if gate else list(words)
    return [retrieved(question), Reading(500, 1204), *middle, answered(question)]


class FakeConversations:
    """Saved conversations in memory. `broken` makes every change fail; `changed` are the verdicts of citation 1."""

    def __init__(self) -> None:
        self.kept: dict[int, Conversation] = {}
        self.broken: BrainError | None = None
        self.changed: tuple[Verdict, ...] = ()
        self._next = 1

    def hold(self, title: str, *turns: Answered, scope: Scope = Scope(), forgotten: int = 0) -> int:
        """One that was saved earlier."""
        number, self._next = self._next, self._next + 1
        made = tuple(Turn(WHEN, turn, (), forgotten) for turn in turns)
        self.kept[number] = Conversation(number, title, scope, WHEN, made)
        return number

    def summaries(self, words: str = "", *, limit: int = 100) -> tuple[Summary, ...]:
        found = []
        for one in reversed(self.kept.values()):
            questions = [
                turn.answered.question for turn in one.turns if words.lower() in turn.answered.question.lower()
            ]
            if questions or words.lower() in one.title.lower():
                shown = questions[0] if words and questions else ""
                found.append(Summary(one.id, one.title, one.began, one.began, len(one.turns), shown))
        return tuple(found[:limit])

    def get(self, id: int) -> Conversation:
        if id not in self.kept:
            raise StoreError(f"There is no conversation {id}.")
        return self.kept[id]

    def append(self, answered: Answered, *, key: str, conversation: int | None = None, scope: Scope = Scope()) -> int:
        if self.broken:
            raise self.broken
        if conversation is None:
            return self.hold(answered.question, answered, scope=scope)
        before = self.get(conversation)
        self.kept[conversation] = replace(before, turns=(*before.turns, Turn(WHEN, answered)))
        return conversation

    def rename(self, id: int, title: str) -> None:
        self.kept[id] = replace(self.get(id), title=title)

    def delete(self, id: int) -> Conversation:
        if self.broken:
            raise self.broken
        lost = self.get(id)
        del self.kept[id]
        return lost

    def restore(self, lost: Conversation) -> None:
        self.kept[lost.id] = lost

    def verdicts(self, id: int) -> tuple[tuple[Verdict, ...], ...]:
        return tuple(self.changed for _ in self.get(id).turns)


class FakeBrain:
    """Says what its scripts say. Each question takes the next script; the last one serves for the rest."""

    def __init__(self, *scripts: Script, standing: Status | None = None) -> None:
        self.scripts = list(scripts) or [streamed()]
        self.standing = standing or status()
        self.documents = documents()
        self.asked: list[tuple[str, tuple[Message, ...]]] = []
        self.read_whole = ""
        self.scopes: list[Scope] = []
        self.conversations = FakeConversations()
        self.searched: list[str] = []
        self.added: list[Path] = []
        self.removing: Gate | None = None
        self.refusal: BrainError | None = None  # of whoever wants to write the store
        self.closed = threading.Event()
        self.found: Callable[[str], Retrieved] = retrieved
        self.by_words: Callable[[str], Retrieved] | None = None  # shown before `meaning` is open
        self.meaning = Gate()
        self.choices = CHOICES
        self.consents: list[Consent] = []  # one for each question
        self.answerers: list[str | None] = []
        self.salts: list[str] = []  # each makes the next body another one
        self.leaving = leaving
        self.sent: list[str] = []  # the bodies that left
        self.loaded: list[str | None] = []
        self.loading: Gate | None = None
        self.unfinished: list[str] = []  # searches that were left because something newer was typed
        self._events: queue.Queue[Event | None] = queue.Queue()

    def say(self, *events: Event) -> None:
        """What the indexer does."""
        for event in events:
            self._events.put(event)

    def leave(self) -> None:
        """The owner of the store goes away."""
        self._events.put(None)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Message] = (),
        cancel: threading.Event,
        quotes: bool = False,
        model: str | None = None,
        scope: Scope = Scope(),
        consent: Consent = Consent(),
    ) -> Iterator[Event]:
        self.asked.append((question, tuple(history)))
        self.scopes.append(scope)
        self.consents.append(consent)
        self.answerers.append("quotes" if quotes else model)
        left = 0
        if not quotes and not self._is_home(model):
            yield retrieved(question)
            salt = self.salts.pop(0) if self.salts else ""
            going = self.leaving(question, history, consent, salt=salt)
            yield going
            if not going.allowed:
                return
            self.sent.append(going.body)
            left = len(going.body)
            before = self.standing
            self.standing = replace(
                before, sent_today=before.sent_today + left, spent_today=before.spent_today + 0.001, budget_day=1.0
            )
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        text = ""
        for step in script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Gate):
                step.wait(cancel)
                continue
            if cancel.is_set():
                yield answered(question, answer=text, stopped=True, sentences=(), citations=(), abstained=not text)
                return
            text += step.text if isinstance(step, Token) else ""
            yield self._remote(step, left) if isinstance(step, Answered) and left else step

    def _is_home(self, model: str | None) -> bool:
        if model is None:
            return self.standing.stays_home
        return next(one for one in self.choices if one.name == model).stays_home

    def _remote(self, answer: Answered, left: int) -> Answered:
        usage = replace(answer.usage, cost_usd=0.001)
        return replace(answer, model="deepseek", stays_home=False, sent=left, usage=usage, withheld=WITHHELD)

    def models(self) -> tuple[Choice, ...]:
        return self.choices

    def warm(self, model: str | None = None) -> None:
        if self.loading is not None:
            self.loading.wait(threading.Event())
        self.loaded.append(model)

    def ask_whole(
        self,
        question: str,
        file: str,
        *,
        cancel: threading.Event,
        quotes: bool = False,
        model: str | None = None,
        consent: Consent = Consent(),
    ) -> Iterator[Event]:
        self.read_whole = file
        yield from self.ask(question, cancel=cancel, quotes=quotes, model=model, consent=consent)

    def find(self, query: str, *, cancel: threading.Event, limit: int = 10) -> Iterator[Retrieved]:
        self.searched.append(query)
        if self.by_words is not None:
            yield self.by_words(query)
            self.meaning.wait(cancel)
            if cancel.is_set():
                self.unfinished.append(query)
                return
        yield self.found(query)

    def sync(
        self, *, cancel: threading.Event, words_only: bool = False, accept_deletes: bool = False
    ) -> Iterator[Event]:
        yield SyncStarted(1)
        yield FileIndexed(NOTES / "new.md", 2, 2, True)
        yield SyncFinished(added=1)

    def follow(self, *, cancel: threading.Event) -> Iterator[Event]:
        yield StatusChanged()
        while not cancel.is_set():
            try:
                event = self._events.get(timeout=0.005)
            except queue.Empty:
                continue
            if event is None:
                return
            yield event

    def add(self, folder: Path) -> None:
        if folder.name == "missing":
            raise FolderMissing(f"{folder} does not exist.", hint="Check the spelling.")
        self.added.append(folder)
        self.standing = replace(self.standing, folders=(*self.standing.folders, Folder(folder, 0, True)))
        self.say(StatusChanged())

    def remove(self, folder: Path) -> int:
        if self.removing is not None:
            self.removing.wait(threading.Event())
        if self.refusal is not None:
            raise self.refusal
        (lost,) = (one for one in self.standing.folders if one.path == folder)
        left = tuple(one for one in self.standing.folders if one.path != folder)
        self.standing = replace(self.standing, folders=left, indexed=self.standing.indexed - lost.files)
        self.say(StatusChanged())
        return lost.files

    def pause(self) -> None:
        self._set_paused(True)

    def resume(self) -> None:
        self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        self.standing = replace(self.standing, paused=paused)
        self.say(StatusChanged())

    def document(self, path: Path) -> Document:
        if path not in self.documents:
            raise StoreError(f"{path.name} is not in the store.", hint="It may have been moved.")
        return self.documents[path]

    def status(self) -> Status:
        return self.standing


def app(brain: FakeBrain, *, fails: BrainError | None = None, **options: object) -> BrainApp:
    """The app on a fake, with a clock that stands still."""

    @contextmanager
    def connect() -> Iterator[FakeBrain]:
        if fails is not None:
            raise fails
        try:
            yield brain
        finally:
            brain.closed.set()

    options.setdefault("now", lambda: 1000.0)
    options.setdefault("zone", UTC)
    made = BrainApp(connect, today=lambda: TODAY, **options)  # type: ignore[arg-type]
    made.animation_level = "none"
    return made
