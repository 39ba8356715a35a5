"""Keeps the store current: passes on demand, and in the background after every hint and every sweep. Makes way for questions.

A hint is looked into by the pass that is under way, at its next batch: so the words of a note that was saved can be found
at once, however long the vectors of all others take.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from brain.errors import BrainError, StoreError
from brain.events import (
    Event,
    Failed,
    FolderSkipped,
    Retrieved,
    StatusChanged,
    SyncFinished,
    SyncStarted,
    VectorsAdded,
)
from brain.following import Followers, all_of
from brain.hints import Hints
from brain.log import log
from brain.parts import Parts
from brain.passes import Passes
from brain.places import Place
from brain.seams import Cancel
from brain.types import Finding
from brain.watch import Watcher

SWEEP_SECONDS = 30.0  # a walk of 10 000 files takes about 0.1 s; events make most changes known long before
POLL_SECONDS = 10.0  # between sweeps while a folder cannot be watched
CHECK_SECONDS = 2.0  # between two looks at whether the watching still works
SWEEP_SHARE, POLL_SHARE = 100, 20  # times as long as a sweep took pass before the next: no disk is walked all day
UNSETTLED_SECONDS = 2.5  # until a file that was being written, or has too coarse a time, is looked at again
FIRST_COST = 5.0  # seconds that a look is taken for at most, as long as no other is known
BREATH_SECONDS = 0.3  # of work, at least, between two looks at what has changed
COMPACT_AGAIN_SECONDS = 600.0  # where a reader is in the way, a stopped one, all is written anew for nothing
WATCHED, PAUSED = "watched", "paused"  # the settings that name the folders, and the owner that rests
ASKED_FOR = 20  # files that were shown most often: their vectors come before those of older files


class Indexer:
    """The one writer of the store. Passes never overlap."""

    def __init__(self, parts: Parts, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._passes = Passes(parts)
        self._asking = 0
        self._idle = threading.Condition()
        self._ending = threading.Event()
        self._hints = Hints()
        self._in_background = False
        self._followers = Followers()
        self._shown: Counter[Path] = Counter()
        self._sweep_at = 0.0  # by the clock
        self._looking = _Looking((), 0.0)
        self._compact_at = 0.0
        self._cost = {True: FIRST_COST, False: FIRST_COST}  # seconds of the last sweep, and of the last look at a hint
        self._carried: SyncFinished | None = None  # what the pass did that was interrupted: the next one finishes it
        self._is_told = False  # whether anyone was told of it
        self._skipped: dict[Path, FolderSkipped] = {}
        self._is_paused = False
        self.watcher = Watcher(self._hints.add)

    def passing(
        self, *, cancel: Cancel, words_only: bool = False, accept_deletes: bool = False, asker: str | None = None
    ) -> Iterator[Event]:
        """One pass in the caller's thread, after any that is running; see `_in_turn` for `asker`."""

        def one_pass() -> Iterator[Event]:
            yield from self._passes.bring_up(cancel, words_only=words_only, accept_deletes=accept_deletes)
            if not words_only and not cancel.is_set() and self._passes.compaction_is_due():
                self._passes.compact(cancel)

        yield from self._in_turn(one_pass, cancel, asker)

    def rebuilding(self, *, cancel: Cancel, vectors: bool, asker: str | None = None) -> Iterator[Event]:
        """Both indexes made anew from the catalog, then a pass; with `vectors` every passage is embedded again."""
        yield from self._in_turn(lambda: self._passes.rebuild(cancel, vectors=vectors), cancel, asker)

    def compacting(self, *, cancel: Cancel, refill: bool) -> None:
        """Let go of everything deleted: after this no file of the store holds a word or vector of it."""
        with self._passes.turn:
            self._passes.compact(cancel, refill=refill)

    def forget_read(self) -> None:
        """Let go of what models have kept of files that are not watched any more."""
        self._passes.forget_read()

    def examining(self, *, thorough: bool) -> list[Finding]:
        """What is wrong with the store."""
        return self._passes.examine(thorough=thorough)

    def mending(self, findings: Sequence[Finding], *, cancel: Cancel) -> None:
        """Mend what was found, with a pass at the end. No note is written."""
        with self._passes.turn:
            self._passes.mend(findings, cancel)

    def _in_turn(self, begin: Callable[[], Iterator[Event]], cancel: Cancel, asker: str | None) -> Iterator[Event]:
        """A pass once the one before it is over.

        With an `asker`, a process that is not this one, everyone who follows for somebody else hears of it too, and the
        asker of the pass it waits for: that may have done what this one was asked for, so both are counted.
        """
        if asker is None and not self._in_background:
            asker = ""  # nobody in this process follows, but others may
        before, is_ours = SyncFinished(), False
        with self._followers.following(asker) as heard:
            while not is_ours:
                is_ours = self._passes.turn.acquire(timeout=0.1)
                meanwhile = all_of(heard) if asker is not None else []
                before = next((event for event in meanwhile if isinstance(event, SyncFinished)), before)
                if not is_ours:
                    yield from (event for event in meanwhile if not isinstance(event, SyncStarted | SyncFinished))
                    if cancel.is_set():
                        yield SyncFinished(cancelled=True)
                        return
        try:
            for event in begin():
                if asker is not None:
                    self.tell(event, asker=asker)
                yield _joined(before, event) if isinstance(event, SyncFinished) else event
        finally:
            self._passes.turn.release()
            if self._in_background:
                self.hint()  # a folder may be new: it is to be watched from now on

    @contextmanager
    def background(self) -> Iterator[None]:
        """While this lasts one thread keeps the store current: a pass at once, then after every hint and every sweep."""
        self._parts.polite = self._in_background = True
        thread = threading.Thread(target=self._run, name="indexer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.end()
            thread.join(timeout=30)
            self.watcher.close()
            self._note_watched()

    def follow(self, cancel: Cancel, *, asker: str | None = None) -> Iterator[Event]:
        """What the background thread does, and passes for others than `asker`, until `cancel` is set or the indexer ends.

        It begins with StatusChanged: what was known before may be old, and from here on nothing is missed.
        """
        with self._followers.following(asker) as heard:
            yield StatusChanged()
            while not cancel.is_set() and not self._ending.is_set():
                try:
                    yield heard.get(timeout=0.2)
                except queue.Empty:
                    continue

    def hint(self) -> None:
        """Something may have changed: look soon."""
        self._hints.add()

    def pause(self) -> None:
        """Let the background rest after the batch it is at, until `resume` or the end of this process.

        Nothing is looked at meanwhile; passes on demand still run. Whoever owns the store next does not rest: a pause from
        days ago that nobody remembers would leave the index behind.
        """
        self._set_paused(True)

    def resume(self) -> None:
        """Let the background catch up with what was missed."""
        self._set_paused(False)

    @property
    def is_paused(self) -> bool:
        """Whether the background was told to rest: ours or, where another process owns the store, that one's."""
        if self._parts.claim.ours:
            return self._is_paused
        noted = self._parts.catalog.setting(PAUSED) if self._parts.claim.owner is not None else None
        return noted is not None and noted == self._owner_named()

    def shown(self, found: Retrieved) -> None:
        """A search showed these passages: what else is in their files is likely to be asked for."""
        self._shown.update({evidence.chunk.path for evidence in found.evidence})

    @property
    def skipped(self) -> tuple[FolderSkipped, ...]:
        """The folders that the last look in the background left as they were."""
        return tuple(self._skipped.values())

    def tell(self, event: Event, *, asker: str | None = None) -> None:
        """Hand an event to everyone who follows, but not to the `asker`, who has it already."""
        self._followers.tell(event, asker=asker)

    def end(self) -> None:
        """Stop whatever runs, at the next batch."""
        self._ending.set()
        self._hints.wake()
        with self._idle:
            self._idle.notify_all()

    @contextmanager
    def question(self) -> Iterator[None]:
        """While this lasts the background work pauses between two batches."""
        with self._idle:
            self._asking += 1
        try:
            yield
        finally:
            with self._idle:
                self._asking -= 1
                self._idle.notify_all()

    def _give_way(self) -> None:
        with self._idle:
            self._idle.wait_for(lambda: not self._asking or self._ending.is_set())

    def _set_paused(self, is_paused: bool) -> None:
        with self._idle:
            self._is_paused = is_paused
            self._idle.notify_all()
        with suppress(StoreError):  # for those who read the store beside us; it is said of this owner only
            self._parts.catalog.set_setting(PAUSED, self._owner_named() if is_paused else "")
        self._hints.add()
        self.tell(StatusChanged())

    def _owner_named(self) -> str:
        owner = self._parts.claim.owner
        return "" if owner is None else f"{owner.pid} since {owner.since}"

    def _run(self) -> None:
        while not self._ending.is_set():
            with self._idle:
                self._idle.wait_for(lambda: not self._is_paused or self._ending.is_set())
            try:
                self._watch()
                with self._passes.turn:
                    if self._carried is not None or self._has_news():  # hints that rest wake nobody
                        self._look()
                    is_idle = self._carried is None and not self._hints.is_ripe()
                    if is_idle and self._clock() >= self._compact_at and self._passes.compaction_is_due():
                        self._give_way()
                        self._compact_at = self._clock() + COMPACT_AGAIN_SECONDS
                        self._passes.compact(self._ending)
            except BrainError as error:
                log.warning("pass failed", extra={"kind": type(error).__name__})
                self._sweep_at = self._clock() + SWEEP_SECONDS
                self.tell(Failed(error.reason, error.hint))
            except Exception:  # noqa: BLE001 - a bug here must not end the watching for good: logged, and tried again
                log.exception("pass broke")
                self._sweep_at = self._clock() + SWEEP_SECONDS
                self.tell(Failed("Indexing stopped unexpectedly.", "It is tried again; details are in the log."))
            self._hints.wait(min(CHECK_SECONDS, max(0.0, self._sweep_at - self._clock())))

    def _watch(self) -> None:
        before = self.watcher.watched, tuple(self.watcher.refused)
        self.watcher.watch(path for path in self._parts.catalog.folders() if path.is_dir())
        if before != (self.watcher.watched, tuple(self.watcher.refused)):
            self._note_watched()
            self.tell(StatusChanged())

    def _note_watched(self) -> None:
        """For those who read the store beside us, and want to say what is watched."""
        with suppress(StoreError):
            self._parts.catalog.set_setting(WATCHED, json.dumps(sorted(map(str, self.watcher.watched))))

    def watched(self) -> frozenset[Path]:
        """The folders that this process watches or, where another owns the store, that one does."""
        if self._parts.claim.ours:
            return self.watcher.watched
        noted = self._parts.catalog.setting(WATCHED) if self._parts.claim.owner is not None else None
        return frozenset(map(Path, json.loads(noted or "[]")))

    def _look(self) -> None:
        """One pass in the background: over the places that hints name, or over everything where a sweep is due."""
        carried, was_interrupted = self._carried, False
        places = self._news()
        if carried is not None:
            self._looking = _Looking(None, self._clock())  # it was not brought to its end: nobody knows how far it came
        elif places == ():
            return

        def interrupted() -> bool:
            nonlocal was_interrupted
            was_interrupted = was_interrupted or self._is_paused or self._ending.is_set()
            return was_interrupted

        events = self._passes.bring_up(
            self._ending,
            give_way=self._give_way,
            interrupted=interrupted,
            places=self._looking.places,
            has_news=self._has_news,
            news=self._news_meanwhile,
            asked_for=lambda: [path for path, _ in self._shown.most_common(ASKED_FOR)],
            settle=self._look_soon,
        )
        skipped: dict[Path, FolderSkipped] = {}
        held: list[Event] = []  # until something happens: a sweep that finds nothing to do is no news
        is_news, is_begun, is_sweep = carried is not None and self._is_told, False, False
        for event in events:
            if is_sweep and not isinstance(event, FolderSkipped):
                is_sweep = False
                if self._skipped != skipped:
                    self._skipped = skipped
                    self.tell(StatusChanged())
            match event:
                case SyncStarted(steps):
                    self._note_look(self._looking)
                    is_sweep = self._looking.places is None
                    skipped = {}
                    if steps or not (is_news or is_begun):
                        held.append(event)
                    is_news, is_begun = is_news or steps > 0, True
                case FolderSkipped(path):
                    skipped[path] = event
                    is_news = is_news or self._skipped.get(path) != event
                    self._skipped = {**self._skipped, path: event}
                    held.append(event)
                case SyncFinished():
                    finished = event if carried is None else _joined(carried, event)
                    if was_interrupted and self._is_paused:  # nobody knows for how long: it is over for now
                        finished, was_interrupted = replace(finished, cancelled=True), False
                    self._carried, self._is_told = (finished if was_interrupted else None), is_news
                    if is_news and not was_interrupted:
                        held.append(finished)
                case VectorsAdded(done, pending):
                    is_news = True
                    held.append(VectorsAdded(done + (carried.chunks_embedded if carried else 0), pending))
                case _:
                    is_news = True
                    held.append(event)
            if is_news:
                for one in held:
                    self.tell(one)
                held.clear()

    def _has_news(self) -> bool:
        return self._hints.is_ripe() or self._clock() >= self._sweep_at

    def _news_meanwhile(self) -> Collection[Place] | None:
        """The same in the midst of a pass, which may last for hours."""
        if not self._has_news():
            return ()
        self._watch()  # a folder may be new
        return self._news()

    def _news(self) -> Collection[Place] | None:
        """Where to look now: where ripe hints name, else everywhere (None) where a sweep is due, else where any hints name."""
        is_ripe, hinted = self._hints.is_ripe(), self._hints.take()
        is_sweep = hinted is None or (not (is_ripe and hinted) and self._clock() >= self._sweep_at)
        self._looking = _Looking(None if is_sweep else tuple(hinted or ()), self._clock())
        return self._looking.places

    def _note_look(self, looking: _Looking) -> None:
        """A look is over: what it took says when the next may be."""
        is_sweep, took = looking.places is None, self._clock() - looking.began
        # Where the process was stopped or the machine slept, one look seems to take hours: the next must not.
        cost, self._cost[is_sweep] = min(took, self._cost[is_sweep]), took
        self._hints.rest(max(BREATH_SECONDS, cost))
        if is_sweep:
            polled = bool(self.watcher.refused)
            usual, share = (POLL_SECONDS, POLL_SHARE) if polled else (SWEEP_SECONDS, SWEEP_SHARE)
            self._sweep_at = self._clock() + max(usual, share * cost)

    def _look_soon(self) -> None:
        self._sweep_at = min(self._sweep_at, self._clock() + UNSETTLED_SECONDS)


@dataclass(frozen=True, slots=True)
class _Looking:
    """A look at some places, or everywhere, and since when."""

    places: Collection[Place] | None
    began: float


def _joined(first: SyncFinished, second: SyncFinished) -> SyncFinished:
    """Two passes, of which the second finished what the first began, as one."""
    counted = ("added", "changed", "moved", "removed", "failed", "chunks_embedded", "chunks_reused", "seconds")
    return replace(second, **{name: getattr(first, name) + getattr(second, name) for name in counted})
