"""Runs the engine for the screen: generators in thread workers, what they yield as messages.

The engine is opened in a thread after the first frame, so that nothing heavy is imported before the bar can be typed
in. Only `post_message` crosses from a thread to the screen. Nothing here draws or decides what is drawn.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, TypeVar

from brain.errors import BrainError, FolderMissing, SettingsError
from brain.events import Answered, Event, Failed, Leaving, StatusChanged, SyncFinished, VectorsAdded
from brain.querying import whole_file
from brain.types import Choice, Consent, Scope
from brain.types import Message as Turn
from tui import messages, texts

if TYPE_CHECKING:
    from textual.app import App
    from textual.message import Message
    from textual.message_pump import MessagePump
    from textual.worker import Worker

    from brain.seams import Brain, Conversations


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on its way: what it goes on with, where to look, who answers, what may leave, and whether it is kept."""

    ticket: int
    question: str
    history: tuple[Turn, ...] = ()
    scope: Scope = Scope()
    conversation: int | None = None  # the saved one that it goes on with
    is_kept: bool = True
    model: str | None = None  # None: the one of the settings
    consent: Consent = Consent()


Connect = Callable[[], AbstractContextManager["Brain"]]

T = TypeVar("T")
_log = logging.getLogger("brain.tui")
_QUOTES = "quotes"  # no model: the notes' own sentences
_STATUS_EVERY = 1.0  # seconds between two looks at the status while events come in


def failure(error: Exception) -> Failed:
    """An exception as something to show: our own with reason and hint, any other as an apology; that one is logged."""
    if isinstance(error, BrainError):
        return Failed(error.reason, error.hint)
    _log.error("front end failed", exc_info=error)
    return Failed(texts.BUG, texts.BUG_HINT)


def attempt(work: Callable[[], T]) -> T | Failed:
    """What `work` returns, or its failure as something to show: a bug in one part must not take the screen down."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001
        return failure(error)


class Bridge:
    """Between one app and one engine. Every method returns at once; answers come as messages: what belongs to a question
    or a search to the desk, the rest to the app."""

    def __init__(self, app: App[int], desk: MessagePump, connect: Connect, folders: Sequence[Path] = ()) -> None:
        self._app = app
        self._desk = desk
        self._connect = connect
        self._folders = list(folders)
        self._brain: Brain | None = None
        self._closing = threading.Event()
        self.ended = threading.Event()  # the engine is closed, or never was open
        self._asking: dict[int, threading.Event] = {}
        self._lock = threading.Lock()
        self._wanted: str | None = None
        self._searching = False
        self._limit = 10
        self._stale = threading.Event()  # something newer was typed than what is searched for

    @property
    def is_open(self) -> bool:
        """The engine can be asked."""
        return self._brain is not None

    @property
    def is_asking(self) -> bool:
        """A question is running, or was stopped and has not ended."""
        return bool(self._asking)

    def open(self) -> None:
        """Open the engine and follow it until `close`. Connected, Standing and Happened come, or Disconnected."""
        self._run(self._stay_connected, "engine")

    def close(self) -> None:
        """End everything that runs. Returns at once; the threads end by themselves."""
        self._closing.set()
        self._stale.set()
        for cancel in list(self._asking.values()):
            cancel.set()

    def ask(self, asked: Asked) -> None:
        """Ask; Happened events with its ticket come, Saved where the answer is to be kept, and AskEnded at the end."""
        cancel = self._asking[asked.ticket] = threading.Event()
        self._run(lambda: self._ask(asked, cancel), "ask")

    def talks(self, asker: MessagePump, work: Callable[[Conversations], T], say: Callable[[T], Message]) -> None:
        """Do something with the saved conversations; what `say` makes of it goes to the asker, or Trouble comes."""

        def do() -> None:
            result = attempt(lambda: work(self._need().conversations))
            if isinstance(result, Failed):
                self._app.post_message(messages.Trouble(result))
            else:
                asker.post_message(say(result))

        self._run(do, "talks")

    def stop(self, ticket: int) -> None:
        """Stop a running question; its last events still come."""
        if cancel := self._asking.get(ticket):
            cancel.set()

    def search(self, text: str, *, limit: int) -> None:
        """Search while typing: Found comes for the newest text. One search runs at a time; texts in between are skipped."""
        with self._lock:
            self._wanted, self._limit = text, limit
            self._stale.set()
            if self._searching or self._brain is None:
                return
            self._searching = True
        self._run(self._search, "search")

    def fetch(self, source: messages.Source, purpose: messages.Purpose) -> None:
        """Read a document from the store; Fetched comes."""
        self._run(lambda: self._fetch(source, purpose), "fetch")

    def add(self, folder: Path) -> None:
        """Watch one more folder; FolderAdded comes."""
        self._run(lambda: self._add(folder), "folder")

    def remove(self, folder: Path) -> None:
        """Forget a folder; FolderRemoved comes."""
        self._run(lambda: self._remove(folder), "folder")

    def models(self) -> None:
        """Look what can answer; Models comes to the desk."""

        def look() -> None:
            found = attempt(lambda: self._need().models())
            if isinstance(found, Failed):
                self._app.post_message(messages.Trouble(found))
            else:
                self._desk.post_message(messages.Models(found))

        self._run(look, "models")

    def warm(self, model: str) -> None:
        """Load a model; Warmed comes to the desk."""

        def load() -> None:
            failed = attempt(lambda: self._need().warm(model))
            self._desk.post_message(messages.Warmed(model, failed))

        self._run(load, "warm")

    def prefer(self, choice: Choice) -> None:
        """Write a model into the settings; Preferred comes to the desk."""

        def tell(failed: Failed | None) -> None:
            self._desk.post_message(messages.Preferred(choice, failed))

        def write() -> None:
            from brain.settings import save  # reading settings is another one's work: the first frame needs none

            try:
                save(self._need().status().home, "chat", "model", choice.name)
            except OSError as error:
                reason = texts.UNWRITTEN.format(reason=error.strerror)
                raise SettingsError(reason, hint=texts.UNWRITTEN_HINT) from error

        self._run(lambda: tell(attempt(write)), "settings")

    def pause(self, rests: bool) -> None:
        """Let the indexing rest, or go on; Standing comes."""
        self._run(lambda: self._pause(rests), "pause")

    def sync(self) -> None:
        """Look at the folders now; its events come as Happened, and Looked at the end."""
        self._run(self._sync, "sync")

    def _run(self, work: Callable[[], None], group: str) -> Worker[None]:
        return self._app.run_worker(work, thread=True, group=group, name=f"brain {group}", exit_on_error=False)

    def _stay_connected(self) -> None:
        try:
            self._connect_again_and_again()
        finally:
            self.ended.set()

    def _connect_again_and_again(self) -> None:
        while not self._closing.is_set():
            failed = attempt(self._connect_once)
            if failed is not None and not self._closing.is_set():
                self._app.post_message(messages.Disconnected(failed))
                return
            # The owner of the store left: claim it, or attach to whoever did.
            self._closing.wait(0.2)

    def _connect_once(self) -> None:
        with self._connect() as brain:
            self._brain = brain
            try:
                self._app.post_message(messages.Connected())
                self._follow(brain)
            finally:
                self._brain = None

    def _follow(self, brain: Brain) -> None:
        while self._folders:
            self._add(self._folders.pop(0))
        looked = time.monotonic()
        for event in brain.follow(cancel=self._closing):
            self._app.post_message(messages.Happened(event))
            if _moves_status(event) or time.monotonic() - looked >= _STATUS_EVERY:
                self._app.post_message(messages.Standing(brain.status()))
                looked = time.monotonic()

    def _ask(self, asked: Asked, cancel: threading.Event) -> None:
        left = False  # something left this machine: how much did is another number now

        def stream() -> None:
            nonlocal left
            whole, brain = whole_file(asked.question), self._need()
            quotes = asked.model == _QUOTES
            model = None if quotes else asked.model
            if whole is not None:
                events = brain.ask_whole(
                    whole[1], whole[0], cancel=cancel, quotes=quotes, model=model, consent=asked.consent
                )
            else:
                events = brain.ask(
                    asked.question,
                    history=asked.history,
                    cancel=cancel,
                    quotes=quotes,
                    model=model,
                    scope=asked.scope,
                    consent=asked.consent,
                )
            for event in events:
                left = left or (isinstance(event, Leaving) and event.allowed)
                self._desk.post_message(messages.Happened(event, asked.ticket))
                if isinstance(event, Answered) and asked.is_kept and (event.answer or not event.stopped):
                    self._keep(asked, event)

        if failed := attempt(stream):
            self._desk.post_message(messages.Happened(failed, asked.ticket))
        if left:
            self._standing()
        self._asking.pop(asked.ticket, None)
        self._desk.post_message(messages.AskEnded(asked.ticket))

    def _keep(self, asked: Asked, answered: Answered) -> None:
        key = token_hex(16)

        def keep(number: int | None) -> int | Failed:
            talks = self._need().conversations
            return attempt(lambda: talks.append(answered, key=key, conversation=number, scope=asked.scope))

        kept = keep(asked.conversation)
        if isinstance(kept, Failed) and asked.conversation is not None:
            kept = keep(None)  # it was deleted meanwhile
        said = (
            messages.Saved(asked.ticket, None, kept) if isinstance(kept, Failed) else messages.Saved(asked.ticket, kept)
        )
        self._desk.post_message(said)

    def _search(self) -> None:
        while True:
            with self._lock:
                text, limit, self._wanted, self._stale = self._wanted, self._limit, None, threading.Event()
                if text is None or self._closing.is_set():
                    self._searching = False
                    return
            if failed := attempt(partial(self._find, text, limit)):
                self._desk.post_message(messages.Found(text, None, failed))

    def _find(self, text: str, limit: int) -> None:
        """Show what words find, then, unless something newer was typed meanwhile, what words and meaning find."""
        for found in self._need().find(text, cancel=self._stale, limit=limit):
            self._desk.post_message(messages.Found(text, found))

    def _fetch(self, source: messages.Source, purpose: messages.Purpose) -> None:
        result = attempt(lambda: self._need().document(source.path))
        if isinstance(result, Failed):
            self._desk.post_message(messages.Fetched(source, purpose, None, result))
        else:
            self._desk.post_message(messages.Fetched(source, purpose, result))

    def _add(self, folder: Path) -> None:
        failed = attempt(lambda: self._need().add(folder))
        if failed is None:
            self._standing()
        self._app.post_message(messages.FolderAdded(folder, failed))

    def _remove(self, folder: Path) -> None:
        forgotten = attempt(lambda: self._need().remove(folder))
        failed = forgotten if isinstance(forgotten, Failed) else None
        self._standing()
        self._app.post_message(
            messages.FolderRemoved(folder, 0 if isinstance(forgotten, Failed) else forgotten, failed)
        )

    def _sync(self) -> None:
        def look() -> None:
            for event in self._need().sync(cancel=self._closing):
                self._app.post_message(messages.Happened(event))
                if isinstance(event, SyncFinished) and not event.cancelled:
                    self._app.post_message(messages.Looked(event))

        if failed := attempt(look):
            self._app.post_message(messages.Trouble(failed))
        self._standing()

    def _pause(self, rests: bool) -> None:
        if failed := attempt(lambda: self._need().pause() if rests else self._need().resume()):
            self._app.post_message(messages.Trouble(failed))
        self._standing()

    def _standing(self) -> None:
        status = attempt(lambda: self._need().status())
        if not isinstance(status, Failed):
            self._app.post_message(messages.Standing(status))

    def _need(self) -> Brain:
        if self._brain is None:
            raise FolderMissing(texts.OPENING)
        return self._brain


def _moves_status(event: Event) -> bool:
    return isinstance(event, StatusChanged | SyncFinished) or (isinstance(event, VectorsAdded) and not event.pending)
