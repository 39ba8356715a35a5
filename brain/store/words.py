"""The words index (tantivy): BM25 over titles, headings and texts of chunks. Derived from the catalog; may be deleted.

Texts themselves are not kept in it. It decides nothing about ranking beyond its own scores.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from brain.errors import StoreBusy, StoreError
from brain.languages import language_of
from brain.store.native import translated
from brain.store.questions import Question, languages_in
from brain.store.queues import WordsRow
from brain.store.tokens import parts, tokens
from brain.types import Hit

RECIPE = 2  # counts up with every change to fields or tokens: an index of another recipe is built anew
NAMES = 2  # times that a title and headings are written into the index
FEW = 5_000  # ids that tantivy is asked to look among; among more it is quicker to ask for more hits and drop some
HEAP = 50_000_000

_MARK = "brain.json"


class Words:
    """One words index. Any number of threads may search; one at a time writes."""

    def __init__(self, folder: Path, read_only: bool = False) -> None:
        """Open it. The owner starts over where it is missing, of another version, or broken: then `fresh` is True.

        Whoever finds it fresh marks all words as pending before the first `write`.
        """
        self.fresh = False
        self._folder = folder
        self._read_only = read_only
        self._lock = threading.RLock()
        self._writer: Any = None
        self._index: Any = None
        self._seen: object = None
        self._changes = 0
        self._languages: tuple[int, list[str]] = (-1, [])  # after so many changes
        self._links: tempfile.TemporaryDirectory[str] | None = None
        with self._lock:
            if not read_only and not self._open():
                self._create()

    def write(self, rows: Sequence[WordsRow], gone: Collection[int]) -> None:
        """Insert or replace chunks and drop others: all of it is findable when this returns, or StoreError."""
        with self._lock, self._translated():
            index = self._need_index()
            writer = self._writer_of(index)
            try:
                if stale := [int(chunk) for chunk in (*gone, *(row.id for row in rows))]:
                    # delete_documents_by_term finds no unsigned number and says nothing (0.27).
                    writer.delete_documents_by_query(_ids(index.schema, stale))
                for row in rows:
                    writer.add_document(_document(row))
                writer.commit()
            except BaseException:
                self._drop_writer()
                raise
            index.reload()
            self._changes += 1
            if self.fresh:
                self._sign()
                self.fresh = False

    def search(
        self,
        query: str,
        limit: int,
        within: Collection[int] | None = None,
        *,
        phrases: Sequence[str] = (),
        excluded: Sequence[str] = (),
    ) -> list[Hit]:
        """The best chunks with any word of the query, every phrase, and none of the excluded; any string will do.

        Scores are BM25 as a share of what a chunk nears that says all of it again and again: 0 to 1, whatever was asked.
        """
        if limit <= 0 or (within is not None and not within):
            return []
        with self._translated():
            index, searcher = self._current()
            question = Question(index.schema, searcher, self._languages_in(searcher)).put(query, phrases, excluded)
            if question is None:
                return []
            wanted, most = question
            if within is None:
                found = _hits(searcher, wanted, limit)
            elif len(within) <= FEW:
                found = _hits(searcher, _among(index.schema, wanted, within), limit)
            else:
                found = _filtered(searcher, wanted, limit, within)
            return [Hit(hit.chunk_id, min(1.0, hit.score / most)) for hit in found]

    def together(self, query: str, among: Collection[int]) -> dict[int, float]:
        """Of these chunks, those that hold words side by side which follow each other in the query: how much of it, 0 to 1."""
        if not among:
            return {}
        with self._translated():
            index, searcher = self._current()
            pairs = Question(index.schema, searcher, self._languages_in(searcher)).pairs(query)
            if pairs is None:
                return {}
            wanted, most = pairs
            found = _hits(searcher, _among(index.schema, wanted, among), len(among))
            return {hit.chunk_id: min(1.0, hit.score / most) for hit in found}

    def count(self) -> int:
        """How many chunks it holds."""
        with self._translated():
            return int(self._current()[1].num_docs)

    def ids(self) -> list[int]:
        """The id of every chunk it holds, ascending; one that it holds twice stands there twice."""
        from tantivy import Query

        with self._translated():
            _, searcher = self._current()
            if not searcher.num_docs:
                return []
            found = searcher.search(Query.all_query(), searcher.num_docs, count=False).hits
            return sorted(int(one) for one in searcher.fast_field_values("id", [address for _, address in found]))

    def clear(self) -> None:
        """Start over with nothing: words of forgotten texts leave the disk. Then `fresh` is True."""
        with self._lock:
            self._create()

    def close(self) -> None:
        """Finish merging and let go of the folder. A second call does nothing."""
        with self._lock:
            self._drop_writer()
            self._index = None
            self._drop_links()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> bool:
        """Open what is there; False where it is not an index of this recipe and version."""
        import tantivy

        self._index = None
        seen = self._look()
        try:
            if json.loads((self._folder / _MARK).read_text(encoding="utf-8")) != _mark():
                return False
            with self._translated():
                index = tantivy.Index.open(str(self._writable()))
                index.register_tokenizer("brain", _analyzer())
                index.config_reader("manual")
                index.reload()
                index.searcher()
        except (OSError, ValueError, StoreError):
            return False
        self._index, self._seen = index, seen
        self._changes += 1
        return True

    def _writable(self) -> Path:
        """The folder, or one of links to its files: tantivy takes a lock to read as well, which is a file it makes."""
        if not self._read_only or os.access(self._folder, os.W_OK):
            return self._folder
        self._drop_links()
        self._links = tempfile.TemporaryDirectory(prefix="brain-words-")
        for path in self._folder.iterdir():
            if not path.name.endswith(".lock"):
                Path(self._links.name, path.name).symlink_to(path.absolute())
        return Path(self._links.name)

    def _drop_links(self) -> None:
        links, self._links = self._links, None
        if links is not None:
            links.cleanup()

    def _create(self) -> None:
        import tantivy

        self._drop_writer()
        self._index = None
        with self._translated():
            if self._folder.exists():
                shutil.rmtree(self._folder)
            self._folder.mkdir(mode=0o700, parents=True)
            index = tantivy.Index(_schema(), str(self._folder))
            index.register_tokenizer("brain", _analyzer())
            index.config_reader("manual")
        self._index, self.fresh = index, True
        self._changes += 1

    def _sign(self) -> None:
        """Only an index that has been written to is signed: one left empty by a crash is fresh again."""
        draft = self._folder / f"{_MARK}.new"
        draft.write_text(json.dumps(_mark()), encoding="utf-8")
        draft.replace(self._folder / _MARK)

    def _look(self) -> object:
        """What changes on disk with every commit, and with every index that is started over."""
        try:
            meta, mark = (self._folder / "meta.json").stat(), (self._folder / _MARK).stat()
        except OSError:
            return None
        return meta.st_mtime_ns, meta.st_ino, meta.st_size, mark.st_mtime_ns, mark.st_ino

    def _current(self) -> tuple[Any, Any]:
        """The index and a view of its last commit, in a reading process too."""
        with self._lock:
            if self._read_only and (self._index is None or self._look() != self._seen) and not self._open():
                raise StoreError("The words of your notes are not indexed yet.", hint="Run: brain sync")
            index = self._need_index()
            return index, index.searcher()

    def _languages_in(self, searcher: Any) -> list[str]:
        changes = self._changes
        if self._languages[0] != changes:
            self._languages = (changes, languages_in(searcher))
        return self._languages[1]

    def _need_index(self) -> Any:
        if self._index is None:
            raise StoreError("The words index is closed.")
        return self._index

    def _writer_of(self, index: Any) -> Any:
        if self._read_only:
            raise StoreError("The words index is open for reading only.")
        if self._writer is None:
            self._writer = index.writer(HEAP, 1)
        return self._writer

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(StoreError), self._translated():  # what is not committed is pending in the catalog
                writer.rollback()
                writer.wait_merging_threads()

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._failed)

    def _failed(self, said: str) -> StoreError:
        if "lock" in said.lower():
            return StoreBusy("Another process is writing to the words index.", hint="Try again in a moment.")
        reason = f"The words index {self._folder} could not be used: {said}"
        return StoreError(reason, hint="It holds nothing of its own: delete that folder, then run: brain sync")


def _mark() -> dict[str, object]:
    import tantivy

    return {"recipe": RECIPE, "tantivy": tantivy.__version__}


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder().add_unsigned_field("id", indexed=True, fast=True)
    return (
        builder.add_text_field("text", tokenizer_name="brain").add_text_field("language", tokenizer_name="raw").build()
    )


@cache
def _analyzer() -> Any:
    """Words come to the index as `tokens` made them, parted by spaces."""
    from tantivy import TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.whitespace()).build()


def _document(row: WordsRow) -> Any:
    import tantivy

    language = language_of(f"{row.title}\n{row.headings}\n{row.text}")
    document = tantivy.Document()
    document.add_unsigned("id", row.id)
    document.add_text("language", language)
    names = [*row.title.split("\n"), *row.headings.split("\n")]
    for words in (
        tokens(row.text, language),
        parts(row.text, language),
        *(tokens(name, language) for name in names * NAMES),
    ):
        if words:  # each a value of its own: no phrase reaches from one into the next
            document.add_text("text", " ".join(words))
    return document


def _among(schema: Any, wanted: Any, within: Collection[int]) -> Any:
    from tantivy import Occur, Query

    here = Query.const_score_query(_ids(schema, within), 0.0)
    return Query.boolean_query([(Occur.Must, wanted), (Occur.Must, here)])


def _ids(schema: Any, ids: Collection[int]) -> Any:
    from tantivy import Query

    return Query.term_set_query(schema, "id", [int(chunk) for chunk in ids])


def _hits(searcher: Any, wanted: Any, limit: int) -> list[Hit]:
    found = searcher.search(wanted, limit, count=False).hits
    ids = searcher.fast_field_values("id", [address for _, address in found])
    return [Hit(int(chunk), float(score)) for chunk, (score, _) in zip(ids, found, strict=True)]


def _filtered(searcher: Any, wanted: Any, limit: int, within: Collection[int]) -> list[Hit]:
    """The best among many ids: ask for more and more hits until enough of them are among these."""
    allowed = within if isinstance(within, (set, frozenset)) else frozenset(within)
    ask = limit * 4
    while True:
        hits = _hits(searcher, wanted, ask)
        kept = [hit for hit in hits if hit.chunk_id in allowed][:limit]
        if len(kept) == limit or len(hits) < ask:
            return kept
        ask *= 8


__all__ = ["Words", "WordsRow"]
