"""The passes over one store: bring it up to the folders, make its indexes anew, let go of what was deleted, examine and mend it.

Only one runs at a time: whoever begins one holds `turn`. When a pass is due, and who hears of it, is the indexer's business.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

from brain.doctor import examine, mend
from brain.embed import embed_beside, embed_pending, fill_index
from brain.errors import BrainError, ModelError, StoreError
from brain.events import Event, FellBack, StatusChanged
from brain.parts import Parts
from brain.places import Place
from brain.seams import Cancel
from brain.settings import load
from brain.sync import Pass, sync
from brain.types import Finding

COMPACT_SECONDS = 24 * 3600.0  # deleted text is in no file of the store after this long
MUCH = 200  # deletions, and a fifth of the files: worth compacting at once


def _never() -> bool:
    return False


def _nothing() -> None:
    return None


class Passes:
    """What the one writer of the store does, each to its end in the caller's thread."""

    def __init__(self, parts: Parts) -> None:
        self.turn = threading.Lock()
        self._parts = parts
        self._wanted: str | None = None  # the embedder that the settings named when they were last read

    def bring_up(
        self,
        cancel: Cancel,
        *,
        words_only: bool = False,
        accept_deletes: bool = False,
        give_way: Callable[[], None] = _nothing,
        interrupted: Callable[[], bool] = _never,
        places: Collection[Place] | None = None,
        has_news: Callable[[], bool] = _never,
        news: Callable[[], Collection[Place] | None] = tuple,
        asked_for: Callable[[], Sequence[Path]] = tuple,
        settle: Callable[[], None] = _nothing,
    ) -> Iterator[Event]:
        """One pass over `places`, or everything: SyncStarted … SyncFinished.

        `give_way` may wait between two batches; once `interrupted` says so the rest is left to the next pass. Where it
        `has_news`, the places in `news` are looked at in between, and the words there come ahead of all vectors. Of what
        has no vector, the files `asked_for` come first. `settle` is called where a file must be looked at once more.
        """
        self._heed_settings()
        one_pass = self._new_pass(accept_deletes=accept_deletes)
        unsettled = 0
        for event in sync(
            one_pass,
            self._parts.write_words,
            None
            if words_only
            else lambda: self._embed(cancel, give_way, lambda: interrupted() or has_news(), asked_for),
            skip=(self._parts.settings.home,),
            places=places,
            cancel=cancel,
            give_way=give_way,
            interrupted=interrupted,
            news=news,
        ):
            if one_pass.counts["unsettled"] > unsettled:
                unsettled = one_pass.counts["unsettled"]
                settle()
            yield event
        self.forget_read()

    def forget_read(self) -> None:
        """What models have kept of whole files goes where the file has changed, or is not watched any more."""
        catalog = self._parts.catalog
        self._parts.prefixes.sweep(lambda path: bool(catalog.stored([Place(os.fspath(path))])))

    def rebuild(self, cancel: Cancel, *, vectors: bool) -> Iterator[Event]:
        """Both indexes made anew from the catalog, then a pass; with `vectors` every passage is embedded again."""
        self._parts.drop_indexes()
        if vectors:
            self._parts.catalog.drop_vectors()
        self._compact_catalog()
        yield from self.bring_up(cancel)

    def compaction_is_due(self) -> bool:
        """Whether much was deleted, or something a day ago."""
        erased, when = self._parts.catalog.erased()
        return is_due(erased, time.time() - when, self._parts.catalog.counts().files if erased else 0)

    def compact(self, cancel: Cancel, *, refill: bool = True) -> None:
        """After this no file of the store holds a word or vector of what was deleted. Without `refill` Chroma is left empty."""
        self._parts.forget_deleted()
        self._compact_catalog()
        if refill:
            self._fill_chroma(cancel)

    def examine(self, *, thorough: bool) -> list[Finding]:
        """What is wrong with the store. It is not written meanwhile, unless another process owns it."""
        parts = self._parts
        patient = parts.patient(lambda: self._new_pass().steps((parts.settings.home,))[0])
        with nullcontext() if patient.beside else self.turn:
            was_open = parts.close_chroma()
            try:
                return list(examine(patient, thorough=thorough))
            finally:
                if was_open:
                    self._fill_chroma(threading.Event(), even_if_idle=True)

    def mend(self, findings: Sequence[Finding], cancel: Cancel) -> None:
        """Mend what was found, with a pass at the end. No note is written."""
        parts = self._parts
        repairs = {finding.repair for finding in findings}
        mend(parts.patient(list), findings)
        if "words" in repairs:
            parts.drop_words()
        if repairs & {"chroma", "vectors"}:
            parts.drop_chroma()
        for _ in self.bring_up(cancel):
            pass
        if "reread" in repairs:
            parts.catalog.index_again([Path(one.where) for one in findings if one.repair == "reread"])
            for _ in self.bring_up(cancel):
                pass

    def _new_pass(self, *, accept_deletes: bool = False) -> Pass:
        parts = self._parts
        notes = parts.settings.notes
        tokenizer, is_real = parts.tokenizer()
        return Pass(
            parts.catalog,
            parts.readers,
            tokenizer,
            max_bytes=notes.max_mb * 1_000_000,
            cut_again=is_real,
            as_good=parts.catalog.cuts(tokenizer.recipe),
            ignore=notes.ignore,
            follow_links=notes.follow_links,
            accept_deletes=accept_deletes,
        )

    def _embed(
        self,
        cancel: Cancel,
        give_way: Callable[[], None],
        interrupted: Callable[[], bool],
        asked_for: Callable[[], Sequence[Path]],
    ) -> Iterator[Event]:
        parts = self._parts
        try:
            for event in embed_pending(
                parts.catalog,
                parts.embedder(),
                cancel=cancel,
                give_way=give_way,
                interrupted=interrupted,
                asked_for=asked_for,
            ):
                parts.chroma_is_current = False
                yield event
            parts.note_embedder()
            yield from self._embed_for_another(cancel, give_way, interrupted)
        except ModelError as error:
            yield FellBack("vectors", error.reason, error.hint)
        if interrupted():
            return
        try:
            self._fill_chroma(cancel, interrupted)
        except StoreError as error:
            yield FellBack("vectors", error.reason, error.hint)

    def _embed_for_another(
        self, cancel: Cancel, give_way: Callable[[], None], interrupted: Callable[[], bool]
    ) -> Iterator[Event]:
        """Where another embedder was chosen: its vectors, beside those that serve; with the last of them it takes over."""
        parts = self._parts
        if (chosen := parts.coming()) is None or cancel.is_set() or interrupted():
            return
        yield from embed_beside(parts.catalog, chosen, cancel=cancel, give_way=give_way, interrupted=interrupted)
        if not cancel.is_set() and not parts.catalog.lacking(chosen.name):
            parts.take_over()
            yield StatusChanged()

    def _heed_settings(self) -> None:
        """Another embedder may have been chosen since the last pass: `brain models use` only writes it down."""
        self._parts.embedders.let_go()
        with suppress(BrainError):  # whoever reads the settings next says what is wrong with them
            wanted = load(self._parts.settings.home).embed.model
            if self._wanted not in (None, wanted):
                self._parts.choose_embedder(wanted)
            self._wanted = wanted

    def _fill_chroma(
        self, cancel: Cancel, interrupted: Callable[[], bool] = _never, *, even_if_idle: bool = False
    ) -> None:
        """Bring Chroma up to the catalog, which needs no model. It is not even imported when there is nothing to do."""
        parts = self._parts
        model = parts.catalog.model_in_use()
        if model is None or not (
            even_if_idle or parts.chroma_is_open or parts.catalog.index_pending() or parts.chroma_was_left_open()
        ):
            return
        parts.chroma_is_current = False
        chroma = parts.chroma(model)
        chroma.look()
        fill_index(parts.catalog, chroma, model, cancel=cancel, interrupted=interrupted)
        parts.chroma_is_current = not cancel.is_set() and not interrupted()

    def _compact_catalog(self) -> None:
        """The indexes hold nothing deleted any more: nor does the catalog after this, unless a reader is in the way."""
        catalog = self._parts.catalog
        erased, _ = catalog.erased()
        if catalog.compact(thorough=True):
            catalog.compacted(erased, time.time())


def is_due(erased: int, since: float, files: int) -> bool:
    """A day after something was deleted; at once where much was. A clock that was set back counts as a day."""
    return erased > 0 and (not 0 <= since < COMPACT_SECONDS or erased >= MUCH + files // 5)
