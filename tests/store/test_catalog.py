"""The catalog, through what its callers see."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from brain.errors import StoreError
from brain.places import Place
from brain.planning import Stamp, Stored
from brain.store.catalog import Catalog
from brain.types import Block, Chunk, Document, Failure, Scope, Unread
from tests.fakes import HashingEmbedder
from tests.store.making import VAULT, chunks_of, embed_all, ids_of, put, stamp_of


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.db") as opened:
        yield opened


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


def test_a_document_comes_back_as_it_went_in(catalog: Catalog) -> None:
    text = "# 日本語 🎉\n\nnul-free, long: " + "é漢🎉 word\n" * 4000
    document = Document(
        VAULT / "odd\udcff name.md",
        "Title",
        text,
        (Block("heading", 0, 8, (), 1), Block("prose", 10, len(text), ("日本語", "b"), 2)),
        format="markdown",
        titled=True,
        date="2025-03-01",
        tags=("b", "a", "a/b"),
        aliases=("other name",),
        pages=3,
        unread_pages=(2, 3),
        page_labels=("i", "ii", "1"),
    )
    chunks = [
        Chunk(document.path, at, at + 77, text[at : at + 77], ("日本語",), 1, at + 1, "markdown")
        for at in range(0, len(text) - 77, 70)
    ]
    assert catalog.put(document, chunks, stamp=stamp_of(1), sha256="s", recipe="r") == (len(chunks), len(chunks))
    assert catalog.document(document.path) == document
    stored = catalog.chunks([row.id for row in catalog.words_todo(10_000)])
    assert [(chunk.text, chunk.start, chunk.line, chunk.page, chunk.headings) for chunk in stored.values()] == [
        (chunk.text, chunk.start, chunk.line, chunk.page, chunk.headings) for chunk in chunks
    ]


@pytest.mark.parametrize(("start", "end"), [(0, 0), (0, 5), (8190, 8195), (8192, 8192), (8192, 16384), (3, 99_999)])
def test_a_span_is_a_slice_of_the_text(catalog: Catalog, start: int, end: int) -> None:
    document = put(catalog, "a.txt", "🎉é漢a" * 5000)
    assert catalog.text(document.path, start, end) == document.text[start:end]


def test_lone_surrogates_and_huge_stamps_can_be_stored(catalog: Catalog) -> None:
    stamp = Stamp(2**63 + 5, -1, 0, 2**64 - 1)
    document = Document(VAULT / "a.md", "t\ud800", "x\ud800y", (), tags=("\ud800",))
    catalog.put(document, [Chunk(document.path, 0, 3, document.text)], stamp=stamp, sha256="s", recipe="r")
    assert catalog.stamps() == {document.path: Stored(stamp, "s", "r", False)}
    assert catalog.document(document.path).text == "x?y"


def test_edit_keeps_ids_and_vectors_of_what_stayed(catalog: Catalog, embedder: HashingEmbedder) -> None:
    before = ids_of(catalog, put(catalog, "a.md", "one", "two", "three"))
    assert embed_all(catalog, embedder) == 3
    catalog.words_done(before.values(), [])
    after = ids_of(catalog, document := put(catalog, "a.md", "zero", "three", "one"))
    assert (after["one"], after["three"]) == (before["one"], before["three"])
    assert [row.text for row in catalog.words_todo(10)] == ["zero"]
    assert catalog.words_gone(10) == catalog.index_gone(10) == [before["two"]]
    assert embed_all(catalog, embedder) == 1
    assert [chunk.text for chunk in catalog.neighbours(after["three"])] == ["zero", "three", "one"]
    assert all(
        document.text[chunk.start : chunk.end] == chunk.text for chunk in catalog.chunks(after.values()).values()
    )


def test_equal_chunks_in_one_file_are_told_apart_by_their_order(catalog: Catalog) -> None:
    document = put(catalog, "a.md", "same", "same", "other")
    before = list(catalog.chunks([1, 2, 3]).values())
    put(catalog, "a.md", "new", "same", "same", "same")
    after = sorted((chunk.start, chunk.id) for chunk in catalog.chunks(range(1, 9)).values())
    assert [chunk for _, chunk in after][1:3] == [before[0].id, before[1].id]
    assert len(after) == 4
    assert document.path in catalog.stamps()


def test_ids_are_never_given_twice(catalog: Catalog) -> None:
    first = ids_of(catalog, put(catalog, "a.md", "one"))["one"]
    catalog.forget(VAULT / "a.md")
    assert ids_of(catalog, put(catalog, "a.md", "one"))["one"] > first


def test_a_copy_is_not_embedded_again(catalog: Catalog, embedder: HashingEmbedder) -> None:
    put(catalog, "a.md", "one", "two")
    embed_all(catalog, embedder)
    put(catalog, "copy.md", "one", "two")
    assert catalog.vectors_pending(embedder.name) == 0
    catalog.forget(VAULT / "a.md")
    assert catalog.vectors_done(embedder.name) == 2
    assert catalog.all_vectors(embedder.name)[1].shape == (2, 64)


def test_moved_note_is_not_embedded_again_but_found_by_its_new_name(
    catalog: Catalog, embedder: HashingEmbedder
) -> None:
    before = ids_of(catalog, put(catalog, "old.md", "one", "two"))
    embed_all(catalog, embedder)
    catalog.words_done(before.values(), [])
    catalog.move(VAULT / "old.md", VAULT / "sub/new.md", stamp_of(2))
    document = catalog.document(VAULT / "sub/new.md")
    assert ids_of(catalog, document) == before
    assert document.title == "new"
    assert catalog.vectors_pending(embedder.name) == 0
    assert [row.title for row in catalog.words_todo(9)] == ["new", "new"]
    assert catalog.stamps()[document.path].stamp == stamp_of(2)
    with pytest.raises(StoreError):
        catalog.document(VAULT / "old.md")


def test_a_title_of_its_own_survives_a_move_and_no_words_are_pending(catalog: Catalog) -> None:
    ids = ids_of(catalog, put(catalog, "old.md", "one", title="Own", titled=True))
    catalog.words_done(ids.values(), [])
    catalog.move(VAULT / "old.md", VAULT / "new.md", stamp_of(2))
    assert catalog.document(VAULT / "new.md").title == "Own"
    assert catalog.words_pending() == 0


def test_a_move_onto_a_known_file_replaces_it(catalog: Catalog) -> None:
    put(catalog, "a.md", "one")
    put(catalog, "b.md", "two")
    catalog.move(VAULT / "a.md", VAULT / "b.md", stamp_of(2))
    assert list(catalog.stamps()) == [VAULT / "b.md"]
    assert catalog.document(VAULT / "b.md").text == "one"
    with pytest.raises(StoreError):
        catalog.move(VAULT / "a.md", VAULT / "c.md", stamp_of(2))


def test_a_failure_takes_the_content_away_and_a_reading_takes_the_failure_away(catalog: Catalog) -> None:
    document = put(catalog, "a.pdf", "one", unread_pages=(1, 4))
    assert catalog.unread([document.path]) == [Unread(document.path, (1, 4))]
    catalog.fail(document.path, stamp_of(2), "It is broken.", "Mend it.")
    assert catalog.failures() == [Failure(document.path, "It is broken.", "Mend it.")]
    assert catalog.stamps() == {document.path: Stored(stamp_of(2), "", "", True)}
    assert (catalog.counts().files, catalog.counts().failed, catalog.counts().chunks) == (0, 1, 0)
    assert catalog.words_gone(9) == [1]
    put(catalog, "a.pdf", "one", unread_pages=(1, 4))
    assert catalog.failures() == []
    assert catalog.counts().unreadable_pages == 2


def test_only_other_bytes_count_as_an_erasure(catalog: Catalog) -> None:
    put(catalog, "a.md", "one", "two")
    put(catalog, "a.md", "one", "two", stamp=2)
    assert catalog.erased()[0] == 0
    put(catalog, "a.md", "one")
    assert catalog.erased()[0] == 1


def test_restamp_changes_nothing_else(catalog: Catalog) -> None:
    document = put(catalog, "a.md", "one")
    catalog.restamp(document.path, stamp_of(5))
    assert catalog.stamps()[document.path] == Stored(stamp_of(5), "sha of one", "1", False)
    with pytest.raises(StoreError):
        catalog.restamp(VAULT / "unknown.md", stamp_of(5))


def test_folders_are_remembered_and_forgotten_with_what_only_they_hold(catalog: Catalog) -> None:
    for folder in (VAULT, VAULT / "work", Path("/vault2")):
        catalog.add_folder(folder)
    catalog.add_folder(VAULT)
    for name in ("a.md", "work/b.md", "../vault2/c.md", "workshop/d.md"):
        document = put(catalog, name, name)
        catalog.move(document.path, Path(str(document.path).replace("/vault/../", "/")), stamp_of(1))
    assert catalog.folders() == [VAULT, VAULT / "work", Path("/vault2")]
    assert catalog.files_by_folder() == {VAULT: 3, VAULT / "work": 1, Path("/vault2"): 1}
    assert catalog.remove_folder(VAULT) == 2
    assert set(catalog.stamps()) == {VAULT / "work/b.md", Path("/vault2/c.md")}


def test_what_waits_for_an_index_waits_until_it_is_done(catalog: Catalog, embedder: HashingEmbedder) -> None:
    ids = list(ids_of(catalog, put(catalog, "a.md", "one", "two")).values())
    assert catalog.index_todo(embedder.name, 9)[0] == []
    embed_all(catalog, embedder)
    todo, matrix = catalog.index_todo(embedder.name, 9)
    assert todo == ids
    assert np.allclose(matrix, embedder.embed(["one", "two"], kind="passage"))
    assert catalog.index_pending() == 2
    catalog.index_done(todo, [])
    assert catalog.index_pending() == 0
    catalog.forget(VAULT / "a.md")
    assert catalog.index_gone(9) == catalog.words_gone(9) == ids
    catalog.index_done([], ids)
    catalog.words_done([], ids)
    assert catalog.index_gone(9) == catalog.words_gone(9) == []


def test_everything_can_be_made_pending_again(catalog: Catalog, embedder: HashingEmbedder) -> None:
    ids = list(ids_of(catalog, put(catalog, "a.md", "one", "two")).values())
    embed_all(catalog, embedder)
    catalog.words_done(ids, [])
    catalog.index_done(ids, [])
    put(catalog, "a.md", "two")
    catalog.all_words_pending()
    catalog.all_index_pending()
    assert (catalog.words_pending(), catalog.words_gone(9)) == (1, [])
    assert (catalog.index_pending(), catalog.index_gone(9)) == (1, [])


def test_another_model_starts_anew_and_the_first_finds_its_vectors_again(catalog: Catalog) -> None:
    put(catalog, "a.md", "one", "two")
    first, second = HashingEmbedder("first"), HashingEmbedder("second", dimensions=32)
    assert embed_all(catalog, first) == 2
    assert (catalog.vectors_done("second"), catalog.vectors_pending("second")) == (0, 2)
    assert embed_all(catalog, second) == 2
    assert catalog.all_vectors("second")[1].shape == (2, 32)
    assert catalog.vectors("first", [1, 2])[0] == []
    assert embed_all(catalog, first) == 0
    assert catalog.vectors("first", [1, 2])[0] == [1, 2]
    assert catalog.index_pending() == 2


def test_the_newest_files_are_embedded_first_and_equal_texts_once(catalog: Catalog) -> None:
    put(catalog, "old.md", "old", "shared", stamp=1)
    put(catalog, "new.md", "new", "shared", "shared", stamp=9)
    assert [text for _, text in catalog.unembedded("m", 10)] == ["new", "shared", "old"]


@pytest.mark.parametrize("bad", [np.full((1, 4), np.nan), np.ones((2, 4)), np.ones(4)])
def test_bad_vectors_are_refused(catalog: Catalog, bad: np.ndarray) -> None:
    put(catalog, "a.md", "one")
    ((key, _),) = catalog.unembedded("m", 10)
    with pytest.raises(StoreError):
        catalog.put_vectors("m", [key], bad.astype(np.float32))
    catalog.put_vectors("m", [key], np.ones((1, 4), np.float32))
    with pytest.raises(StoreError, match="5 numbers"):
        catalog.put_vectors("m", [key], np.ones((1, 5), np.float32))


def test_a_vector_for_a_text_forgotten_meanwhile_is_not_kept(catalog: Catalog, embedder: HashingEmbedder) -> None:
    put(catalog, "a.md", "one", "two")
    rows = catalog.unembedded(embedder.name, 9)
    put(catalog, "a.md", "two")
    catalog.put_vectors(embedder.name, [key for key, _ in rows], embedder.embed(["one", "two"], kind="passage"))
    assert catalog.vectors_done(embedder.name) == 1
    assert catalog.sweep_vectors() == 0
    put(catalog, "a.md", "one", "two")
    assert catalog.vectors_pending(embedder.name) == 1


def test_facts_neighbours_and_gone_ids(catalog: Catalog) -> None:
    put(catalog, "a.md", "one", "two", "three", "four", tags=("x",), date="2025-01-02")
    facts = catalog.facts([3, 99])
    assert list(facts) == [3]
    assert (facts[3].title, facts[3].date, facts[3].tags, facts[3].position) == ("a", "2025-01-02", ("x",), 2)
    assert [chunk.text for chunk in catalog.neighbours(1, reach=2)] == ["one", "two", "three"]
    assert catalog.neighbours(99) == []
    assert list(catalog.chunks([4, 99, 2])) == [4, 2]


def test_aliases_belong_to_the_words_of_a_title(catalog: Catalog) -> None:
    ids = ids_of(catalog, put(catalog, "a.md", "one"))
    catalog.words_done(ids.values(), [])
    put(catalog, "a.md", "one", aliases=("Other",))
    assert [row.title for row in catalog.words_todo(9)] == ["a\nOther"]


def test_settings_are_kept(catalog: Catalog) -> None:
    assert catalog.setting("x") is None
    catalog.set_setting("x", "1")
    catalog.set_setting("x", "2")
    assert catalog.setting("x") == "2"


def test_find_by_sha(catalog: Catalog) -> None:
    put(catalog, "a.md", "one")
    put(catalog, "b.md", "one")
    assert catalog.find_by_sha("sha of one") == [VAULT / "a.md", VAULT / "b.md"]
    assert catalog.find_by_sha("other") == []


def test_scope_gives_the_chunks_and_documents_it_leaves(catalog: Catalog) -> None:
    catalog.add_folder(VAULT)
    put(catalog, "work/a.md", "one", "two", tags=("tax/2025",), format="markdown")
    put(catalog, "home/b.pdf", "three", format="pdf")
    assert catalog.scope(Scope()) is None
    assert catalog.documents(Scope()) == 2
    assert catalog.scope(Scope(within=("work/",))) == {1, 2}
    assert catalog.scope(Scope(formats=("pdf",))) == {3}
    assert catalog.scope(Scope(tags=("tax",))) == {1, 2}
    assert catalog.documents(Scope(within=("nowhere/",))) == 0
    put(catalog, "work/c.md", "four")
    assert catalog.scope(Scope(within=("work/",))) == {1, 2, 4}
    assert catalog.tags() == {"tax/2025": 1}
    assert catalog.places() == ["vault/", "vault/work/", "vault/home/", "a.md", "b.pdf", "c.md"]


def test_threads_write_and_read_side_by_side(catalog: Catalog) -> None:
    wrong: list[object] = []

    def write(name: str) -> None:
        for number in range(20):
            put(catalog, f"{name}{number}.md", *(f"{name} {number} {part}" for part in range(3)))

    def read() -> None:
        for _ in range(60):
            counts = catalog.counts()
            if counts.chunks != 3 * counts.files:
                wrong.append(counts)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"] + [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert catalog.counts().chunks == 120


def test_a_span_that_is_none_and_a_closed_catalog_say_so(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    document = put(catalog, "a.md", "one")
    with pytest.raises(StoreError):
        catalog.text(document.path, 2, 1)
    catalog.close()
    catalog.close()
    with pytest.raises(StoreError, match="closed"):
        catalog.counts()
    with pytest.raises(StoreError, match="closed"):
        put(catalog, "b.md", "two")


def test_chunks_of_is_what_the_catalog_gives_back(catalog: Catalog) -> None:
    document = put(catalog, "a.md", "one", "two\nlines", "three")
    given = [(chunk.text, chunk.start, chunk.line) for chunk in chunks_of(document)]
    assert [(chunk.text, chunk.start, chunk.line) for chunk in catalog.chunks([1, 2, 3]).values()] == given


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (Scope(after="2025-03-15", before="2025-03-15"), {"day", "month", "year", "noon", "late"}),
        (Scope(after="2025-03-16"), {"month", "year", "after"}),
        (Scope(before="2025-03-14"), {"month", "year", "before"}),
        (Scope(after="2025-03", before="2025-03"), {"day", "month", "year", "noon", "late", "after", "before"}),
        (Scope(after="2025", before="2025"), {"day", "month", "year", "noon", "late", "after", "before"}),
        (Scope(after="2025-03-15", before="2025-03-15", formats=("text",)), {"day", "month", "year", "noon", "late"}),
        (Scope(after="2025-04-01"), {"year"}),
    ],
)
def test_dates_of_every_length_and_the_local_day_of_a_change_count(
    catalog: Catalog, scope: Scope, names: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")  # 14 hours ahead of UTC
    time.tzset()
    try:
        for name, date in (("day", "2025-03-15"), ("month", "2025-03"), ("year", "2025")):
            put(catalog, f"{name}.md", name, date=date, date_origin="frontmatter")
        for name, when in (
            ("before", datetime(2025, 3, 14, 23, 59)),
            ("noon", datetime(2025, 3, 15, 12)),
            ("late", datetime(2025, 3, 15, 23, 59)),
            ("after", datetime(2025, 3, 16, 0, 1)),
        ):
            put(catalog, f"{name}.md", name, stamp=int(when.timestamp()))
        chunks = catalog.chunks(catalog.scope(scope) or ())
        assert {chunk.path.stem for chunk in chunks.values()} == names
        assert catalog.documents(scope) == len(names)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_files_of_a_place_are_known_by_it_alone(catalog):
    paths = [VAULT / name for name in ("a.md", "sub/b.md", "sub/deep/c.md", "sub-2/d.md", "sub/x.md/e.md")]
    for path in paths:
        catalog.fail(path, stamp_of(1), "No.", "")

    def known(path, *, is_deep):
        return {Path(one) for one in catalog.stored([Place(str(path), is_deep)])}

    assert {Path(one) for one in catalog.stored()} == set(paths)
    assert known(VAULT, is_deep=True) == set(paths)
    assert known(VAULT, is_deep=False) == {VAULT / "a.md"}
    assert known(VAULT / "sub", is_deep=False) == {VAULT / "sub/b.md"}
    assert known(VAULT / "sub", is_deep=True) == {path for path in paths if path.is_relative_to(VAULT / "sub")}
    assert known(VAULT / "a.md", is_deep=True) == {VAULT / "a.md"}
    assert known(Path("/"), is_deep=True) == set(paths)
    assert catalog.stored([]) == {}
    both = [Place(str(VAULT), is_deep=False), Place(str(VAULT / "sub"))]
    assert len(catalog.stored(both)) == 4
