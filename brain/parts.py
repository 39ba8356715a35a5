"""The drawers of one store, each opened at first use, all closed together. It alone knows which drawer file is in use."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from brain import readers
from brain.choosing import Chosen, choose
from brain.chunking import EstimatedTokenizer
from brain.doctor import Patient
from brain.embedders import Embedders
from brain.errors import ModelError, SettingsError
from brain.models.prefixes import Prefixes
from brain.models.prices import price_of
from brain.models.shelf import Shelf
from brain.outgoing import Gate
from brain.planning import Step
from brain.power import fitting_threads, is_on_battery
from brain.privacy import Rules
from brain.seams import Tokenizer, VectorIndex
from brain.search import Judging, Searcher
from brain.settings import CONFIG_FILE, Settings, load
from brain.store.catalog import CHROMA_MARK, Catalog
from brain.store.claim import Claim
from brain.store.gates import GATE, Gates
from brain.store.ledger import LEDGER_FILE, Ledger
from brain.store.rates import Rates

if TYPE_CHECKING:
    from brain.models.local import GgufChat, GgufEmbedder, GgufReranker
    from brain.models.warmth import Chats
    from brain.store.chroma_server import ServedVectors
    from brain.store.vectors import ChromaVectors, ExactVectors
    from brain.store.words import Words

WORDS_BATCH = 5000
LEFTOVERS = ("words.new", "words.old", "chroma.old")  # of a replacement that was cut short


class Parts:
    """What a Brain stands on. Thread-safe; every part raises its own BrainError when it cannot be opened."""

    def __init__(self, settings: Settings, catalog: Catalog, claim: Claim) -> None:
        self.settings = settings
        self.catalog = catalog
        self.claim = claim
        self.readers = readers
        self.shelf = Shelf(settings.shelf, offline=settings.offline)
        self.prefixes = Prefixes(settings.home / "prefixes", most=settings.chat.keep_mb * 1_000_000)
        self.rates = Rates(settings.home / "rates.json")
        self.ledger = Ledger(settings.home / LEDGER_FILE)
        self.gate = Gate(
            self.ledger,
            partial(price_of, home=settings.home),
            day=settings.budget.day,
            month=settings.budget.month,
            offline=settings.offline,
            always=settings.privacy.ask == "always",
        )
        self.gates = Gates(settings.home / GATE)
        judging = Judging(self.reranker, settings.rerank.passages, settings.rerank.milliseconds / 1000)
        self.searcher = Searcher(
            catalog, self.words, self.vectors, self.embedder, judging=judging, rules=lambda: self.rules
        )
        self._rules = Rules(settings.privacy.private, real=self._real)
        self._config = settings.home / CONFIG_FILE
        self._written = _stamp(self._config)
        self._lock = threading.RLock()
        self._writing_words = threading.RLock()
        self.embedders = Embedders(catalog, self._open_embedder, settings.embed.model, follows=not claim.ours)
        self._words: Words | None = None
        self._exact: ExactVectors | None = None
        self._chroma: ChromaVectors | ServedVectors | None = None
        self._chats: Chats | None = None
        self._reranker: GgufReranker | None = None
        if settings.store.chroma:
            from brain.store.chroma_server import address

            address(settings.store.chroma)  # a wrong one is said now, not by the first pass
        if claim.ours:
            self._clear_away()
        self.polite = False  # the embedder lets other programs go first
        self.chroma_is_current = False  # it holds every vector of the catalog: searches may use it

    @property
    def rules(self) -> Rules:
        """What is private now: in the folders that are watched, by config.toml as it stands. While that is not right, all is."""
        private = self._rules.private
        if (written := _stamp(self._config)) != self._written:
            self._written = written
            try:
                private = load(self.settings.home).privacy.private
            except SettingsError:
                private = ("/",)
        rules = self._rules if private == self._rules.private else Rules(private, real=self._real)
        if rules.of_places and (folders := tuple(self.catalog.folders())) != rules.folders:
            rules = Rules(private, folders=folders, real=self._real)
        self._rules = rules
        return rules

    def gate_now(self) -> Gate:
        """The way out, as narrow as config.toml has made it since it was read; shut while that is not right."""
        try:
            now = load(self.settings.home)
        except SettingsError:
            return replace(self.gate, offline=True)
        always = now.privacy.ask == "always"
        return self.gate.narrowed(day=now.budget.day, month=now.budget.month, offline=now.offline, always=always)

    @property
    def _real(self) -> Callable[[str], str] | None:
        return os.path.realpath if self.settings.notes.follow_links else None

    def words(self) -> Words:
        """The words index. What it lost, being made anew, is marked as pending."""
        with self._lock:
            if self._words is None:
                from brain.store.words import Words

                self._words = Words(self.settings.home / "words", read_only=not self.claim.ours)
                if self.claim.ours and self._words.fresh:
                    self.catalog.all_words_pending()
            return self._words

    def write_words(self) -> None:
        """Commit to the words index what is pending in the catalog."""
        with self._writing_words:
            words = self.words()
            while True:
                rows, gone = self.catalog.words_todo(WORDS_BATCH), self.catalog.words_gone(WORDS_BATCH)
                if not rows and not gone:
                    return
                words.write(rows, gone)
                self.catalog.words_done([row.id for row in rows], gone)

    def forget_deleted(self) -> None:
        """Make the indexes anew without what was deleted: words beside the old ones, which serve meanwhile; Chroma is
        left empty for the next pass to fill. Then no file of them holds a deleted word or vector."""
        from brain.store.words import Words

        home = self.settings.home
        with self._writing_words:
            self._clear_away()
            with Words(home / "words.new") as anew:
                last = 0
                while rows := self.catalog.words_rows(last, WORDS_BATCH):
                    anew.write(rows, ())
                    last = rows[-1].id
                signed = not anew.fresh
            with self._lock:  # cut short in here, the words are missing and are written again from the catalog
                self._close_words()
                if (home / "words").exists():
                    (home / "words").rename(home / "words.old")
                if signed:
                    (home / "words.new").rename(home / "words")
                self.words()
        self.drop_chroma()
        self._clear_away()

    def vectors(self) -> VectorIndex:
        """Chroma where this process has it open and current, else exact search over the catalog's vectors."""
        with self._lock:
            if self._chroma is not None and self.chroma_is_current:
                return self._chroma
            return self._exact_vectors()

    def _exact_vectors(self) -> ExactVectors:
        with self._lock:
            name = self.embedder().name
            if self._exact is None or self._exact.model != name:
                from brain.store.vectors import ExactVectors

                self._exact = ExactVectors(self.catalog, name)
            return self._exact

    def chroma(self, model: str) -> ChromaVectors | ServedVectors:
        """Chroma, which only the owner of the store may open; its import alone takes a second."""
        with self._lock:
            if self._chroma is None and self.settings.store.chroma:
                from brain.store.chroma_server import ServedVectors

                self._chroma = ServedVectors(self.settings.store.chroma, self.catalog, model, exact=self._exact_vectors)
            elif self._chroma is None:
                from brain.store.vectors import ChromaVectors

                self._chroma = ChromaVectors(self.settings.home / "chroma", self.catalog, model)
            return self._chroma

    @property
    def chroma_trouble(self) -> str:
        """Why a Chroma server does not serve; empty where it does, or there is none."""
        return getattr(self._chroma, "trouble", "")

    @property
    def chroma_is_open(self) -> bool:
        """Whether this process holds Chroma."""
        return self._chroma is not None

    def embedder(self) -> GgufEmbedder:
        """The embedder whose vectors are searched; its process starts at first use. Raises ModelError."""
        with self._lock:
            return self.embedders.serving()

    def coming(self) -> GgufEmbedder | None:
        """The chosen embedder, where another one still serves. Raises ModelError."""
        self.embedder()
        return self.embedders.coming

    def embedder_names(self) -> tuple[str, str | None]:
        """What the embedder that serves is called on the shelf, and the chosen one where that is another. Raises ModelError."""
        following = None if self.coming() is None else self.embedders.wanted
        return (self.catalog.embedder_file() if following else None) or self.embedders.wanted, following

    def choose_embedder(self, name: str) -> None:
        """Another embedder is wanted: what serves now goes on until that one has read everything. Raises ModelError."""
        with self._lock:
            self.embedders.choose(name)

    def take_over(self) -> None:
        """The chosen embedder has read every passage: from now on it is the one that is searched."""
        with self._lock:
            if self.embedders.take_over():
                self.drop_chroma()

    def note_embedder(self) -> None:
        """Write down what the embedder in use is called on the shelf, so that it can serve on when another is chosen."""
        with self._lock:
            self.embedders.note(self.embedder())

    def reranker(self) -> GgufReranker | None:
        """The reranker, its header read; None where none is chosen. Raises ModelError."""
        chosen = self.settings.rerank
        with self._lock:
            if self._reranker is None and chosen.model:
                from brain.models.local import open_reranker

                self._reranker = open_reranker(self.shelf.find(chosen.model), threads=chosen.threads)
            return self._reranker

    def tokenizer(self) -> tuple[Tokenizer, bool]:
        """What counts tokens, and whether it is the embedder's own or only an estimate."""
        try:
            return self.embedder(), True
        except ModelError:
            return EstimatedTokenizer(), False

    def chosen(self, name: str | None = None) -> Chosen:
        """Who answers to a name: one on the shelf, a GGUF file, "quotes", NAME or NAME/MODEL of an endpoint.

        Without a name, the one in the settings. Contacts nothing. Raises ModelError, SettingsError.
        """
        return choose(name or self.settings.chat.model, self.shelf, self.settings.endpoints)

    def chat(self, path: Path) -> GgufChat:
        """The chat model in a file; its process starts at first use. The one used before stays warm where memory allows."""
        with self._lock:
            if self._chats is None:
                from brain.models.warmth import Chats

                self._chats = Chats(self._open_chat)
        return self._chats.open(path)

    def _open_chat(self, path: Path, make_room: Callable[[], None]) -> GgufChat:
        from brain.models.local import open_chat

        chosen = self.settings.chat
        return open_chat(
            path,
            window=chosen.window,
            threads=chosen.threads,
            gpu_layers=chosen.gpu_layers,
            batch=chosen.batch,
            make_room=make_room,
        )

    def drop_indexes(self) -> None:
        """Delete both derived indexes; the catalog marks all of their content as pending."""
        self.drop_words()
        self.drop_chroma()
        self._clear_away()

    def drop_words(self) -> None:
        """Delete the words index; all of its content is pending."""
        with self._writing_words, self._lock:
            self._close_words()
            shutil.rmtree(self.settings.home / "words", ignore_errors=True)
            self.catalog.all_words_pending()

    def drop_chroma(self) -> None:
        """Delete Chroma and what of the vectors is in memory; all of its content is pending."""
        with self._lock:
            if self._chroma is not None:
                self._chroma.drop()
            self._close_chroma()
            self._exact = None
            shutil.rmtree(self.settings.home / "chroma", ignore_errors=True)
            self.catalog.set_setting(CHROMA_MARK, "")  # where no vector is left nothing would make it anew
            self.catalog.all_index_pending()

    def close_chroma(self) -> bool:
        """Close Chroma in good order; says whether it was open. Until it is opened again search is exact."""
        with self._lock:
            was_open = self._chroma is not None
            self._close_chroma()
            return was_open

    def chroma_was_left_open(self) -> bool:
        """Whether a process that is gone has left Chroma unclosed: then it must be made anew."""
        from brain.store.vectors import is_unclean

        with self._lock:
            return self._chroma is None and is_unclean(self.catalog)

    def patient(self, steps: Callable[[], list[Step]]) -> Patient:
        """What doctor examines."""
        from brain.store.chroma_look import ailments
        from brain.store.ledger import LEDGER_FILE, Ledger
        from brain.store.words import Words
        from brain.store.words_check import damage

        home = self.settings.home
        return Patient(
            home=home,
            catalog=self.catalog,
            readers=self.readers,
            steps=steps,
            words=lambda: Words(
                home / "words", read_only=True
            ),  # opened to write it would start over, and hide what is wrong
            damaged_words=lambda: damage(home / "words"),
            ailing_vectors=lambda model, sample: ailments(home / "chroma", self.catalog, model, sample=sample),
            embedder=self.embedder,
            models=lambda thorough: self.shelf.damaged(thorough=thorough),
            leftovers=(*LEFTOVERS, "config.toml.new"),
            max_bytes=self.settings.notes.max_mb * 1_000_000,
            beside=not self.claim.ours,
            ledger=Ledger(home / LEDGER_FILE).verify,
        )

    def close(self) -> None:
        """End the model processes and close every index in good order; the catalog stays open."""
        with self._lock, ExitStack() as last:
            last.callback(self._close_indexes)
            last.callback(self.readers.close)
            last.callback(self.embedders.close)
            if self._reranker is not None:
                last.callback(self._reranker.close)
            if self._chats is not None:
                last.callback(self._chats.close)

    def _open_embedder(self, name: str) -> GgufEmbedder:
        from brain.models.local import open_embedder
        from brain.models.machine import physical_cores

        chosen = self.settings.embed
        threads = chosen.threads or fitting_threads(physical_cores(), on_battery=is_on_battery())
        return open_embedder(self.shelf.find(name), threads=threads, polite=self.polite, gpu_layers=chosen.gpu_layers)

    def _clear_away(self) -> None:
        """Delete what an index that was being replaced has left."""
        for name in LEFTOVERS:
            shutil.rmtree(self.settings.home / name, ignore_errors=True)

    def _close_indexes(self) -> None:
        self._close_chroma()
        self._close_words()

    def _close_chroma(self) -> None:
        chroma, self._chroma, self.chroma_is_current = self._chroma, None, False
        if chroma is not None:
            chroma.close()

    def _close_words(self) -> None:
        words, self._words = self._words, None
        if words is not None:
            words.close()


def _stamp(path: Path) -> tuple[int, int, int]:
    """What tells whether a file has changed; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
