"""The catalog against a plain dict, over random lives of a vault; the derived indexes are played along."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from brain.planning import Stamp
from brain.store.catalog import Catalog
from tests.fakes import HashingEmbedder
from tests.store.making import VAULT, chunks_of, document_of, stamp_of

NAMES = st.sampled_from(["a.md", "b.md", "sub/a.md", "sub/c.md"])
PARAGRAPHS = st.lists(st.sampled_from(["one", "two", "three 🎉", "four 漢字", "five"]), max_size=5)


class Life(RuleBasedStateMachine):
    """files: what the catalog should hold; words and index: what the derived indexes were told so far."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.catalog = Catalog(self.home / "catalog.db")
        self.embedder = HashingEmbedder(dimensions=8)
        self.files: dict[Path, list[str] | None] = {}  # None: failed
        self.stamped: dict[Path, Stamp] = {}
        self.words: dict[int, tuple[str, str]] = {}
        self.index: dict[int, bytes] = {}
        self.clock = 0
        self.ever: set[int] = set()

    def teardown(self) -> None:
        self.catalog.close()
        shutil.rmtree(self.home)

    def _tick(self) -> Stamp:
        self.clock += 1
        return stamp_of(self.clock)

    @rule(name=NAMES, paragraphs=PARAGRAPHS)
    def write(self, name: str, paragraphs: list[str]) -> None:
        document = document_of(name, *paragraphs)
        stamp = self._tick()
        before = self.files.get(document.path) or []
        total, fresh = self.catalog.put(document, chunks_of(document), stamp=stamp, sha256=document.text, recipe="1")
        kept = sum(min(before.count(one), paragraphs.count(one)) for one in set(paragraphs))
        assert (total, fresh) == (len(paragraphs), len(paragraphs) - kept)
        self.files[document.path], self.stamped[document.path] = paragraphs, stamp

    @rule(name=NAMES)
    def fail(self, name: str) -> None:
        path, stamp = VAULT / name, self._tick()
        self.catalog.fail(path, stamp, "broken", "")
        self.files[path], self.stamped[path] = None, stamp

    @rule(name=NAMES)
    def forget(self, name: str) -> None:
        self.catalog.forget(VAULT / name)
        self.files.pop(VAULT / name, None)
        self.stamped.pop(VAULT / name, None)

    @rule(old=NAMES, new=NAMES)
    def move(self, old: str, new: str) -> None:
        if self.files.get(VAULT / old) is None or old == new:
            return
        embedded, stamp = len(self.embedder.embedded), self._tick()
        self.catalog.move(VAULT / old, VAULT / new, stamp)
        self.files[VAULT / new], self.stamped[VAULT / new] = self.files.pop(VAULT / old), stamp
        del self.stamped[VAULT / old]
        assert len(self.embedder.embedded) == embedded

    @rule(limit=st.integers(1, 6))
    def embed(self, limit: int) -> None:
        rows = self.catalog.unembedded(self.embedder.name, limit)
        matrix = self.embedder.embed([text for _, text in rows], kind="passage")
        self.catalog.put_vectors(self.embedder.name, [key for key, _ in rows], matrix)

    @rule(limit=st.integers(1, 6))
    def write_words(self, limit: int) -> None:
        rows, gone = self.catalog.words_todo(limit), self.catalog.words_gone(limit)
        for chunk in gone:
            self.words.pop(chunk, None)
        self.words.update({row.id: (row.title, row.text) for row in rows})
        self.catalog.words_done([row.id for row in rows], gone)

    @rule(limit=st.integers(1, 6))
    def write_index(self, limit: int) -> None:
        gone, (ids, matrix) = self.catalog.index_gone(limit), self.catalog.index_todo(self.embedder.name, limit)
        for chunk in gone:
            self.index.pop(chunk, None)
        self.index.update({chunk: row.tobytes() for chunk, row in zip(ids, matrix, strict=True)})
        self.catalog.index_done(ids, gone)

    @rule()
    def start_again(self) -> None:
        self.catalog.close()
        self.catalog = Catalog(self.home / "catalog.db")

    @rule()
    def compact(self) -> None:
        self.catalog.compact(thorough=True)

    @invariant()
    def holds_what_it_was_given(self) -> None:
        stored = self.catalog.stamps()
        assert {path: one.stamp for path, one in stored.items()} == self.stamped
        assert {path for path, one in stored.items() if one.failed} == {p for p, t in self.files.items() if t is None}
        for path, paragraphs in self.files.items():
            if paragraphs is not None:
                document = self.catalog.document(path)
                assert document.text == "\n\n".join(paragraphs)
                assert document.title == path.stem
        assert self.catalog.sweep_vectors() == 0

    @invariant()
    def derived_indexes_end_up_equal(self) -> None:
        """What the indexes hold, less what is gone, with what waits, is exactly the chunks there are."""
        ids = range(1, 2000)
        chunks = self.catalog.chunks(ids)
        expected = sorted((p, text) for p, texts in self.files.items() for text in texts or ())
        assert sorted((chunk.path, chunk.text) for chunk in chunks.values()) == expected
        todo = {row.id: (row.title, row.text) for row in self.catalog.words_todo(999)}
        gone = set(self.catalog.words_gone(999))
        words = {chunk: said for chunk, said in self.words.items() if chunk not in gone} | todo
        assert words == {chunk.id: (chunk.path.stem, chunk.text) for chunk in chunks.values()}
        held, matrix = self.catalog.all_vectors(self.embedder.name)
        waiting, rows = self.catalog.index_todo(self.embedder.name, 999)
        left = set(self.catalog.index_gone(999))
        index = {chunk: row for chunk, row in self.index.items() if chunk not in left}
        index |= {chunk: row.tobytes() for chunk, row in zip(waiting, rows, strict=True)}
        assert index == {int(chunk): row.tobytes() for chunk, row in zip(held, matrix, strict=True)}
        done = self.catalog.vectors_done(self.embedder.name)
        assert done + self.catalog.vectors_pending(self.embedder.name) == len(chunks)
        assert done == len(held)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
