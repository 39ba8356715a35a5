"""The Brain of whoever owns the store, whoever that is by now: when the owner ends, its place is taken or the next one found.

It decides only who answers; how a store is owned, reached or read is handed in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from brain.conversations import Conversation, Summary
from brain.errors import BrainError, OwnerEnded, OwnerSilent, StoreBusy
from brain.events import Answered, Event, Failed, Retrieved, StatusChanged
from brain.log import log
from brain.seams import Brain, Cancel
from brain.types import Choice, Consent, Document, Impaired, Message, Scope, Status, Verdict

SOON_SECONDS = 3.0  # an owner that leaves in good order may need as long
AGAIN_SECONDS = 0.05
LOOK_SECONDS = 1.0  # how often one who only reads looks whether it could do more
PATIENCE_SECONDS = 15.0  # how long a call waits for somebody to answer it

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reached:
    """A Brain that answers, and what it is to us. `ended` returns when a guest's owner has ended; `close` lets go of it."""

    brain: Brain
    role: Literal["owner", "guest", "reader"]
    close: Callable[[], None]
    ended: Callable[[], None] = lambda: None


Reach = Callable[[], Reached | None]


def reach_soon(reach: Reach, seconds: float, stopping: threading.Event | None = None) -> Reached | None:
    """Own the store or reach its owner, trying for a while; None where it cannot be."""
    until = time.monotonic() + seconds
    stopping = stopping or threading.Event()
    while not stopping.is_set():
        try:
            if (found := reach()) is not None:
                return found
        except StoreBusy as error:
            log.info("not attached", extra={"kind": type(error).__name__})
            return None
        if time.monotonic() >= until:
            return None
        stopping.wait(AGAIN_SECONDS)
    return None


class Attached:
    """A Brain that outlives its owner, and reads beside one that does not answer.

    Calls that can be repeated are; a running answer fails with a Failed that says why.
    """

    def __init__(self, first: Reached, reach: Reach, read: Callable[[], Reached]) -> None:
        """`first` answers to begin with. `reach` owns the store or reaches its owner; `read` opens it beside an owner."""
        self._reach = reach
        self._read = read
        self._now: Reached | None = first
        self._failed: BrainError | None = None
        self._silent: OwnerSilent | None = None  # why we only read, where we once did more
        self._past: list[Reached] = []  # readers: calls may still be running in them
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self.conversations = _Conversations(self._call)
        self._keeper = threading.Thread(target=self._keep, name="attached", daemon=True)
        self._keeper.start()

    def search(self, query: str, *, limit: int = 10, scope: Scope = Scope()) -> Retrieved:
        """The best passages. Raises QueryError."""
        return self._call(lambda brain: brain.search(query, limit=limit, scope=scope))

    def find(self, query: str, *, cancel: Cancel, limit: int = 10, scope: Scope = Scope()) -> Iterator[Retrieved]:
        """What words find, at once, then what `search` returns. Raises QueryError."""
        yield from self._stream(lambda brain: brain.find(query, cancel=cancel, limit=limit, scope=scope))

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
        """Retrieved, then the answer as it comes, then Answered; Failed where the owner ends meanwhile."""

        def begin(brain: Brain) -> Iterator[Event]:
            return brain.ask(
                question, history=history, cancel=cancel, quotes=quotes, model=model, scope=scope, consent=consent
            )

        try:
            yield from self._stream(begin, again=False)
        except OwnerEnded as error:
            yield Failed(error.reason, "Ask again: another Brain takes its place.")

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
        """Planned, then the answer as it comes, then Answered; Failed where the owner ends meanwhile."""

        def begin(brain: Brain) -> Iterator[Event]:
            return brain.ask_whole(
                question, file, cancel=cancel, quotes=quotes, model=model, plan_only=plan_only, consent=consent
            )

        try:
            yield from self._stream(begin, again=False)
        except OwnerEnded as error:
            yield Failed(error.reason, error.hint)

    def sync(self, *, cancel: Cancel, words_only: bool = False, accept_deletes: bool = False) -> Iterator[Event]:
        """One pass; begun again where the owner ends in the middle. Raises StoreBusy where the store can only be read."""
        yield from self._stream(
            lambda brain: brain.sync(cancel=cancel, words_only=words_only, accept_deletes=accept_deletes)
        )

    def rebuild(self, *, cancel: Cancel, vectors: bool = False) -> Iterator[Event]:
        """Both indexes made again. Raises StoreBusy where the store can only be read."""
        yield from self._stream(lambda brain: brain.rebuild(cancel=cancel, vectors=vectors))

    def pause(self) -> None:
        """Let the background rest, until `resume` or the end of whoever owns the store now. Raises StoreBusy."""
        self._call(lambda brain: brain.pause())

    def resume(self) -> None:
        """Let the background catch up. Raises StoreBusy where the store can only be read."""
        self._call(lambda brain: brain.resume())

    def follow(self, *, cancel: Cancel) -> Iterator[Event]:
        """What the indexer does, whoever owns it, until `cancel` is set. A new owner's begins with StatusChanged as well."""
        heard: Reached | None = None
        while not cancel.is_set() and not self._closing.is_set():
            now = self._now
            if now is not None and now is not heard:
                heard = now
                if now.role != "reader":
                    try:
                        yield from now.brain.follow(cancel=cancel)
                    except OwnerEnded:
                        continue
                else:
                    yield StatusChanged()
                    if self._silent is not None:
                        yield Failed(self._silent.reason, self._silent.hint)
            with self._changed:
                self._changed.wait(0.2)
            if now is not None and now is self._now and now.role == "guest":
                heard = None  # only this line was cut: follow again

    def add(self, folder: Path, *, soon: bool = True) -> None:
        """Watch one more folder. Raises FolderMissing, StoreBusy."""
        self._call(lambda brain: brain.add(folder, soon=soon))

    def remove(self, folder: Path) -> int:
        """Forget a folder. Raises FolderMissing, StoreBusy; OwnerEnded where it may or may not have been done."""
        reached = self._brain(time.monotonic() + PATIENCE_SECONDS)
        try:
            return reached.brain.remove(folder)
        except OwnerSilent as silent:
            self._give_up(reached, silent)
            raise

    def document(self, path: Path) -> Document:
        """The stored document. Raises StoreError."""
        return self._call(lambda brain: brain.document(path))

    def status(self) -> Status:
        """How things stand now."""
        now, silent = self._call(lambda brain: brain.status()), self._silent
        if silent is None:
            return now
        return replace(now, degraded=(*now.degraded, Impaired("watcher", silent.reason, silent.hint)))

    def models(self) -> tuple[Choice, ...]:
        """What can answer."""
        return self._call(lambda brain: brain.models())

    def warm(self, model: str | None = None) -> None:
        """Start the models of whoever answers."""
        self._call(lambda brain: brain.warm(model))

    def close(self) -> None:
        """Let go of whoever answers; an owner closes the store in good order."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
            now = self._now
        if now is not None and now.role == "guest":
            now.close()  # wakes the keeper
        self._keeper.join()
        last, self._now = self._now, None
        for reached in (*self._past, last):
            if reached is not None:
                reached.close()

    def _call(self, do: Callable[[Brain], T]) -> T:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            reached = self._brain(until)
            try:
                return do(reached.brain)
            except OwnerEnded as ended:
                if isinstance(ended, OwnerSilent):
                    self._give_up(reached, ended)
                if time.monotonic() >= until:
                    raise
                self._wait_for_another(reached)

    def _stream(self, begin: Callable[[Brain], Iterator[T]], *, again: bool = True) -> Iterator[T]:
        """Its events; begun anew when the owner ends, but only if nothing has come yet or it may come `again`."""
        while True:
            reached, begun = self._brain(time.monotonic() + PATIENCE_SECONDS), False
            try:
                for event in begin(reached.brain):
                    begun = True
                    yield event
                return
            except OwnerEnded as ended:
                if isinstance(ended, OwnerSilent):
                    self._give_up(reached, ended)
                if self._closing.is_set() or (begun and not again):
                    raise
                self._wait_for_another(reached)

    def _brain(self, until: float) -> Reached:
        """Who answers now, waited for if need be. Raises OwnerEnded where nobody does, or why nobody can."""
        with self._changed:
            self._changed.wait_for(lambda: self._now or self._closing.is_set(), max(0.0, until - time.monotonic()))
            if self._now is not None:
                return self._now
            if self._failed is not None:
                raise self._failed
        raise OwnerEnded("The Brain that owned the index has ended.", hint="Try again.")

    def _give_up(self, reached: Reached, silent: OwnerSilent) -> None:
        """Hang up on an owner that does not answer: then the keeper looks for another, and reads where there is none."""
        with self._changed:
            if self._now is reached:
                self._silent = silent
        log.warning("owner is silent")
        reached.close()

    def _wait_for_another(self, reached: Reached) -> None:
        with self._changed:  # not for ever: where only this line was cut, the same one answers again
            self._changed.wait_for(lambda: self._now is not reached or self._closing.is_set(), 0.5)

    def _keep(self) -> None:
        while not self._closing.is_set():
            now = self._now
            if now is not None and now.role == "owner":
                return
            if now is not None and now.role == "guest":
                now.ended()
            else:
                self._closing.wait(LOOK_SECONDS)
            if not self._closing.is_set():
                self._change(now)

    def _change(self, old: Reached | None) -> None:
        reading = old is not None and old.role == "reader"
        if not reading:
            self._settle(None)  # who asks now waits
            if old is not None:
                old.close()
        try:
            found = reach_soon(self._reach, 0.0 if reading else SOON_SECONDS, self._closing)
            if found is None and not reading and not self._closing.is_set():
                found = self._read()
        except BrainError as error:
            log.warning("no store", extra={"kind": type(error).__name__})
            self._failed = error
            return
        if found is None:
            return
        if self._closing.is_set():
            found.close()
            return
        if reading and old is not None:
            self._past.append(old)
        log.info("attached", extra={"role": found.role})
        self._failed = None
        if found.role != "reader":
            self._silent = None
        self._settle(found)

    def _settle(self, reached: Reached | None) -> None:
        with self._changed:
            self._now = reached
            self._changed.notify_all()


class _Call(Protocol):
    def __call__(self, do: Callable[[Brain], T]) -> T: ...


class _Conversations:
    """The saved conversations of whoever answers. Only deleting twice fails: the second time there is nothing to delete."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    def summaries(self, words: str = "", *, limit: int = 100) -> tuple[Summary, ...]:
        return self._call(lambda brain: brain.conversations.summaries(words, limit=limit))

    def get(self, id: int) -> Conversation:
        return self._call(lambda brain: brain.conversations.get(id))

    def append(self, answered: Answered, *, key: str, conversation: int | None = None, scope: Scope = Scope()) -> int:
        return self._call(
            lambda brain: brain.conversations.append(answered, key=key, conversation=conversation, scope=scope)
        )

    def rename(self, id: int, title: str) -> None:
        self._call(lambda brain: brain.conversations.rename(id, title))

    def delete(self, id: int) -> Conversation:
        return self._call(lambda brain: brain.conversations.delete(id))

    def restore(self, lost: Conversation) -> None:
        self._call(lambda brain: brain.conversations.restore(lost))

    def verdicts(self, id: int) -> tuple[tuple[Verdict, ...], ...]:
        return self._call(lambda brain: brain.conversations.verdicts(id))
