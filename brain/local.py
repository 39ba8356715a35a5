"""The Brain of this process: what a front end may use, made of the parts, the indexer and the verbs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from brain import __version__
from brain.ask import ask
from brain.choices import choices
from brain.errors import FolderMissing, ModelError, SettingsError, StoreBusy, StoreError
from brain.events import Answered, Event, FellBack, Retrieved, StatusChanged
from brain.indexer import POLL_SECONDS, Indexer
from brain.models.local import GgufChat
from brain.parts import Parts
from brain.querying import narrow, parse
from brain.reading import read_whole
from brain.seams import Cancel
from brain.sending import ready, shrunk
from brain.settings import Settings
from brain.store.catalog import Catalog
from brain.store.claim import Claim
from brain.store.ledger import Spent
from brain.talks import LocalConversations
from brain.types import Checkup, Choice, Consent, Document, Evidence, Folder, Impaired, Message, Scope, Status, Unread
from brain.withholding import tells_a_secret
from brain.witness import Witness

ROUNDS = 2  # of mending: one repair may bring to light what another is for
EVIDENCE = 6  # passages for one answer, neighbours joined
FEW_NAMED = 5  # files with unread pages in a place that a question names; of more, only those with evidence are told


class LocalBrain:
    """The Brain of this process. Without the claim it reads: search, ask, document and status work, the rest raises StoreBusy."""

    def __init__(self, settings: Settings, catalog: Catalog, claim: Claim) -> None:
        self._settings = settings
        self._catalog = catalog
        self._claim = claim
        self._parts = Parts(settings, catalog, claim)
        self._indexer = Indexer(self._parts)
        self.shelf = self._parts.shelf
        self._witness = Witness(catalog, self._parts.readers, settings.notes.max_mb * 1_000_000)
        self._told_of: set[tuple[str, str]] = set()  # chat models whose shorter window was told
        self.conversations = LocalConversations(catalog, self._witness, self._require_claim)

    def search(self, query: str, *, limit: int = 10, scope: Scope = Scope()) -> Retrieved:
        """The best passages. Raises QueryError for a filter that is not understood."""
        self._require_something()
        with self._indexer.question():
            found = self._parts.searcher.search(query, limit=limit, scope=replace(scope, machine=True))
        self._indexer.shown(found)
        return found

    def find(self, query: str, *, cancel: Cancel, limit: int = 10, scope: Scope = Scope()) -> Iterator[Retrieved]:
        """What words find, at once, then what `search` returns. Ends early once `cancel` is set. Raises QueryError."""
        self._require_something()
        with self._indexer.question():
            every = replace(scope, machine=True)
            for found in self._parts.searcher.find(query, limit=limit, scope=every, words_first=True):
                yield found
                if cancel.is_set():
                    return
        self._indexer.shown(found)

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
        """Retrieved, then the answer as it comes, then Answered, its quotes compared with the files on disk.

        Notes that a machine wrote are evidence only where the scope asks for them. Raises QueryError; ModelError for a
        `model` that is not there.
        """
        began = time.monotonic()
        self._require_something()
        chosen = self._parts.chosen(model) if model and not quotes else None
        with self._indexer.question():
            found = self._parts.searcher.search(
                question, limit=EVIDENCE, history=history, scope=scope, join_neighbours=True
            )
            self._indexer.shown(found)
            yield found
            if not quotes and chosen is None:
                try:
                    chosen = self._parts.chosen()
                except (ModelError, SettingsError) as error:
                    yield FellBack("chat", error.reason, error.hint)
                    found = replace(found, degraded=(*found.degraded, "chat"))
            told = ready(self._parts, chosen, question, found, history=history, consent=consent)
            if chosen is not None and chosen.path is not None:
                yield from shrunk(self._parts, chosen.path, self._told_of)
            embedder = self._parts.embedder().name if any(one.scores.vectors for one in found.evidence) else None
            events = ask(
                question,
                told.found,
                chat=told.chat,
                tiny=told.tiny,
                history=told.history,
                limit=self._settings.chat.limit,
                unread=lambda evidence: self._unread(question, scope, evidence),
                began=began,
                cancel=cancel,
                embedder=embedder,
                marks=self._parts.gates.marks(embedder),
                instead=found,
            )
            for event in told.told(events):
                yield self._verified(event) if isinstance(event, Answered) else event

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
        """Planned, then the answer as it comes, then Answered with its coverage: one file from beginning to end.

        A model too small for it reads only where `model` names it. Raises QueryError, ReadError; ModelError for a `model`
        that is not there.
        """
        with self._indexer.question():
            for event in read_whole(
                self._parts,
                question,
                file,
                cancel=cancel,
                quotes=quotes,
                model=model,
                plan_only=plan_only,
                consent=consent,
            ):
                yield self._verified(event) if isinstance(event, Answered) else event

    def sync(
        self, *, cancel: Cancel, words_only: bool = False, accept_deletes: bool = False, asker: str | None = None
    ) -> Iterator[Event]:
        """One pass, in this thread. Raises StoreBusy where another process owns the store.

        `asker`: the process it is for, if another. With `accept_deletes` a folder that looks unmounted is believed: what
        is gone from it is forgotten.
        """
        self._require_claim()
        yield from self._indexer.passing(
            cancel=cancel, words_only=words_only, accept_deletes=accept_deletes, asker=asker
        )

    def pause(self) -> None:
        """Let the background rest, until `resume` or the end of this process. Questions and passes on demand go on."""
        self._require_claim()
        self._indexer.pause()

    def resume(self) -> None:
        """Let the background catch up."""
        self._require_claim()
        self._indexer.resume()

    def rebuild(self, *, cancel: Cancel, vectors: bool = False, asker: str | None = None) -> Iterator[Event]:
        """Make both indexes again from the catalog; with `vectors`, embed every passage again too."""
        self._require_claim()
        yield from self._indexer.rebuilding(cancel=cancel, vectors=vectors, asker=asker)

    def compact(self, *, cancel: Cancel, refill: bool = True) -> None:
        """After this no file of the store holds a word or vector of what was deleted. It happens by itself once a day.

        Without `refill` the next pass fills Chroma; until then search is exact.
        """
        self._require_claim()
        self._indexer.compacting(cancel=cancel, refill=refill)

    def doctor(self, *, thorough: bool = False, repair: bool = False, cancel: Cancel | None = None) -> Checkup:
        """Everything in the store that is not as it should be; with `repair`, mended and looked at again. Notes are never written.

        Raises StoreBusy for a repair of what another process owns.
        """
        began = time.monotonic()
        if repair:
            self._require_claim()
        found = left = self._indexer.examining(thorough=thorough)
        for _ in range(ROUNDS if repair else 0):
            if all(not finding.repair for finding in left):
                break
            self._indexer.mending(left, cancel=cancel or threading.Event())
            left = self._indexer.examining(thorough=thorough)
        return Checkup(tuple(found), tuple(left), time.monotonic() - began)

    def follow(self, *, cancel: Cancel, asker: str | None = None) -> Iterator[Event]:
        """What the indexer does, as it happens, until `cancel` is set or this is closed; an `asker` hears no pass of its own."""
        yield from self._indexer.follow(cancel, asker=asker)

    def add(self, folder: Path, *, soon: bool = True) -> None:
        """Watch one more folder; `soon`, the background looks at it without being asked. Raises FolderMissing, StoreBusy."""
        self._require_claim()
        folder = folder.expanduser().absolute()
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "does not exist"
            hint = f"Add the folder it is in: brain add {folder.parent}" if folder.exists() else "Check the spelling."
            raise FolderMissing(f"{folder} {what}.", hint=hint)
        try:
            next(iter(folder.iterdir()), None)
        except OSError as error:
            raise FolderMissing(
                f"{folder} cannot be read ({error.strerror}).", hint="Check its permissions."
            ) from error
        self._catalog.add_folder(folder.resolve())
        self._changed(soon=soon)

    def remove(self, folder: Path) -> int:
        """Forget a folder, not its files: no file of the store holds a word of it afterwards.

        Returns how many documents were forgotten. Raises FolderMissing, StoreBusy.
        """
        self._require_claim()
        asked = folder.expanduser().absolute()
        known = self._catalog.folders()
        wanted = next((path for path in (asked, asked.resolve()) if path in known), None)
        if wanted is None:
            listed = ", ".join(str(path) for path in known) or "none"
            raise FolderMissing(f"{asked} is not a watched folder.", hint=f"Watched: {listed}.")
        forgotten = self._catalog.remove_folder(wanted)
        self._indexer.forget_read()
        self._parts.write_words()
        self.compact(cancel=threading.Event(), refill=False)
        self._changed()
        return forgotten

    def document(self, path: Path) -> Document:
        """The stored document. Raises StoreError for a path that is not in the store."""
        return self._catalog.document(path)

    def status(self) -> Status:
        """How things stand now."""
        catalog = self._catalog
        counts, files = catalog.counts(), catalog.files_by_folder()
        watched = self._indexer.watched()
        impaired = list(self._impaired())
        if counts.chunks and (deaf := self._words_impaired()):
            impaired.append(deaf)
        missing = {part.part for part in impaired}
        try:
            spent = self._parts.ledger.spent(now=datetime.now())
        except StoreError as error:
            spent = Spent()
            impaired.append(Impaired("chat", error.reason, error.hint))
        embed = self._serving()
        serving, following = (None, None) if embed is None else self._parts.embedder_names()
        coming = None if embed is None else self._parts.coming()
        return Status(
            version=__version__,
            home=self._settings.home,
            folders=tuple(Folder(path, files.get(path, 0), path in watched) for path in catalog.folders()),
            indexed=counts.files,
            failed=counts.failed,
            unreadable_pages=counts.unreadable_pages,
            chunks=counts.chunks,
            vectors_done=catalog.vectors_done(embed) if embed else 0,
            vectors_pending=catalog.vectors_pending(embed) if embed else counts.chunks,
            chat=None if "chat" in missing else self._settings.chat.model,
            embed=serving,
            embed_next=following,
            embed_next_left=0 if coming is None else catalog.lacking(coming.name),
            rerank=(self._settings.rerank.model or None) if "rerank" not in missing else None,
            owner=self._claim.owner,
            degraded=tuple(impaired),
            failures=tuple(catalog.failures()),
            paused=self._indexer.is_paused,
            stays_home=self._stays_home(),
            sent_today=spent.bytes_today,
            spent_today=spent.usd_today,
            budget_day=self._settings.budget.day,
            private=catalog.private_count(self._parts.rules),
        )

    def models(self) -> tuple[Choice, ...]:
        """What can answer."""
        return choices(self._parts)

    def warm(self, model: str | None = None) -> None:
        """Start the processes of the models, so that the first question need not wait. Any of them may be missing."""
        parts = self._parts
        for opened in (parts.embedder, parts.reranker, lambda: self._chat(model)):
            with suppress(ModelError, SettingsError):  # status() says so, and so does the first question
                if (part := opened()) is not None:
                    part.warm()

    def background(self) -> AbstractContextManager[None]:
        """While this lasts the store is kept current."""
        return self._indexer.background()

    def close(self) -> None:
        """End the models and close the indexes in good order."""
        self._indexer.end()
        self._parts.close()

    def _impaired(self) -> Iterator[Impaired]:
        try:
            self._parts.embedder()
        except ModelError as error:
            yield Impaired("vectors", error.reason, error.hint)
        try:
            self._chat()
        except (ModelError, SettingsError) as error:
            yield Impaired("chat", error.reason, error.hint)
        try:
            self._parts.reranker()
        except ModelError as error:
            yield Impaired("rerank", error.reason, error.hint)
        if trouble := self._parts.chroma_trouble:
            yield Impaired("vectors", trouble, "Search is exact meanwhile, and misses nothing.")
        for skipped in self._indexer.skipped:
            yield Impaired("watcher", skipped.reason, skipped.hint)
        for refusal in tuple(self._indexer.watcher.refused.values()):
            yield Impaired(
                "watcher", refusal.reason, f"It is looked at every {POLL_SECONDS:.0f} s. {refusal.hint}".strip()
            )

    def _serving(self) -> str | None:
        try:
            return self._parts.embedder().name
        except ModelError:
            return None

    def _stays_home(self) -> bool:
        try:
            return self._parts.chosen().stays_home
        except (ModelError, SettingsError):
            return True  # nobody answers, so nothing leaves

    def _chat(self, model: str | None = None) -> GgufChat | None:
        """The chat model of that name, else the usual one; None where it is no file. Raises ModelError, SettingsError."""
        path = self._parts.chosen(model).path
        return None if path is None else self._parts.chat(path)

    def _words_impaired(self) -> Impaired | None:
        try:
            self._parts.words().count()
        except StoreError as error:
            return Impaired("words", error.reason, error.hint)
        return None

    def _unread(self, question: str, scope: Scope, evidence: Sequence[Evidence]) -> Sequence[Unread]:
        """Files with pages that nobody has read, among those with evidence and the few that the question names itself."""
        found = {one.path: one for one in self._catalog.unread([item.chunk.path for item in evidence])}
        named = narrow(parse(question), scope).scope
        if named.within and len(asked_for := self._catalog.unread_in(named)) <= FEW_NAMED:
            found |= {one.path: one for one in asked_for}
        return sorted(found.values(), key=lambda one: one.path)

    def _verified(self, answered: Answered) -> Answered:
        verdicts = self._witness.verdicts(answered.citations)
        tainted = answered.tainted or tells_a_secret(answered.answer, answered.evidence)
        return replace(answered, verdicts=verdicts, tainted=tainted)

    def _require_claim(self) -> None:
        if self._claim.ours:
            return
        if self._claim.owner is None and not os.access(self._settings.home, os.W_OK):
            reason = f"The folder {self._settings.home} cannot be written."
            raise StoreError(reason, hint="Check its permissions, or set BRAIN_HOME.")
        raise busy(self._claim)

    def _require_something(self) -> None:
        if not self._catalog.folders():
            raise StoreError("Nothing is indexed yet.", hint="Add a folder of notes: brain add FOLDER")

    def _changed(self, *, soon: bool = True) -> None:
        if soon:
            self._indexer.hint()
        self._indexer.tell(StatusChanged())


def busy(claim: Claim) -> StoreBusy:
    """What is said to whoever wants to write a store that is another's."""
    owner = claim.owner
    who = f"Another Brain (pid {owner.pid}, {owner.command})" if owner else "Another Brain"
    return StoreBusy(f"{who} owns the index.", hint="Do it there, or close it and try again.")
