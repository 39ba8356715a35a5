"""Both vector indexes under one contract; and Chroma among kills, damage, other versions and models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brain.errors import StoreError
from brain.seams import Vectors
from brain.store.catalog import Catalog
from brain.store.chroma_check import Damaged, elements
from brain.store.vectors import ChromaVectors, ExactVectors
from tests.contracts.index import DIMENSIONS, VectorIndexContract, unit_vectors
from tests.store.making import MODEL, VAULT, fill, in_child, put

# Fills and closes in order, or is killed inside a write after that many vectors.
CHILD = """
import os, sys
from pathlib import Path
import chromadb
from brain.store.catalog import Catalog
from brain.store.vectors import ChromaVectors
from tests.store.making import MODEL
from tests.store.test_vectors import follow
home, kill_after = Path(sys.argv[1]), int(sys.argv[2])
catalog = Catalog(home / "catalog.db")
if kill_after:  # save after every few changes, so that the kill finds a half-saved index
    create = chromadb.api.client.Client.get_or_create_collection
    def often(self, name, **more):
        more["configuration"]["hnsw"].update(sync_threshold=20, batch_size=10)
        return create(self, name, **more)
    chromadb.api.client.Client.get_or_create_collection = often
chroma = ChromaVectors(home / "chroma", catalog, MODEL)
print(chroma.rebuilt, flush=True)
if kill_after:
    import threading, time
    def kill():
        while catalog.index_pending() > 300 - kill_after:
            time.sleep(0.0005)
        os.kill(os.getpid(), 9)
    threading.Thread(target=kill).start()
follow(catalog, chroma, batch=30)
vector = catalog.vectors(MODEL, [7])[1][0]
print(*[hit.chunk_id for hit in chroma.search(vector, 5)])
chroma.close()
catalog.close()
"""


def follow(catalog: Catalog, index: ChromaVectors, *, batch: int = 2000) -> None:
    """Bring the index up to the catalog."""
    while True:
        gone, (ids, vectors) = catalog.index_gone(batch), catalog.index_todo(MODEL, batch)
        if not gone and not ids:
            return
        index.remove(gone)
        if ids:
            index.add(ids, vectors)
        catalog.index_done(ids, gone)


def exact(catalog: Catalog, vector: Vectors) -> list[int]:
    return [hit.chunk_id for hit in ExactVectors(catalog, MODEL).search(vector, 5)]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.db") as opened:
        yield opened


class TestExact(VectorIndexContract):
    @pytest.fixture
    def index(self) -> ExactVectors:
        return ExactVectors()


class TestChroma(VectorIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[ChromaVectors]:
        with Catalog(tmp_path / "catalog.db") as catalog:
            fill(catalog, 80, DIMENSIONS, each=80)  # the same vectors: among few ids those of the catalog are compared
            with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
                yield index


def test_exact_search_follows_the_catalog(catalog: Catalog) -> None:
    index = ExactVectors(catalog, MODEL)
    assert index.search(unit_vectors(1)[0], 5) == []
    fill(catalog, 30, DIMENSIONS, each=1)
    asked = catalog.vectors(MODEL, [12])[1][0]
    assert index.search(asked, 1)[0].chunk_id == 12
    catalog.forget(VAULT / "0-11.md")
    assert index.count() == 29
    assert 12 not in [hit.chunk_id for hit in index.search(asked, 30)]
    fill(catalog, 5, DIMENSIONS, seed=3)
    newest = catalog.vectors(MODEL, [33])[1][0]
    assert index.search(newest, 1)[0].chunk_id == 33
    ids, matrix = catalog.all_vectors(MODEL)
    best = ids[np.argsort(-(matrix @ asked))][:8].tolist()
    assert [hit.chunk_id for hit in index.search(asked, 8)] == best
    index.close()
    assert index.count() == 34


def test_a_scope_that_is_asked_again_is_as_the_catalog_is_by_then(catalog: Catalog) -> None:
    index, scope = ExactVectors(catalog, MODEL), frozenset(range(1, 50))
    fill(catalog, 30, DIMENSIONS, each=1)
    asked = catalog.vectors(MODEL, [12])[1][0]
    for _ in range(2):
        assert {hit.chunk_id for hit in index.search(asked, 50, scope)} == set(range(1, 31))
    catalog.forget(VAULT / "0-11.md")
    fill(catalog, 5, DIMENSIONS, seed=3)
    expected = catalog.vectors(MODEL, scope)[1] @ asked
    found = index.search(asked, 50, scope)
    assert {hit.chunk_id for hit in found} == {*range(1, 36)} - {12}
    np.testing.assert_allclose([hit.score for hit in found], sorted(expected, reverse=True), atol=1e-6)


def test_closed_in_order_it_is_opened_again(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog, 60, DIMENSIONS)
    with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
        assert index.rebuilt == "It is new."
        assert not index.ready
        follow(catalog, index)
        assert index.ready
    with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
        assert index.rebuilt == ""
        assert index.ready
        assert index.count() == 60
    with pytest.raises(StoreError, match="closed"):
        index.search(unit_vectors(1)[0], 1)


def test_no_text_and_no_open_file_mode_is_left_in_its_folder(catalog: Catalog, tmp_path: Path) -> None:
    put(catalog, "a.md", "xylophone-canary")
    fill(catalog, 5, DIMENSIONS)
    with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
        follow(catalog, index)
    files = [path for path in (tmp_path / "chroma").rglob("*") if path.is_file()]
    assert files
    assert not any(b"canary" in path.read_bytes() for path in files)
    assert (tmp_path / "chroma").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", ["version", "model", "count", "mark", "folder"])
def test_what_is_not_as_it_was_left_is_built_anew(catalog: Catalog, tmp_path: Path, change: str) -> None:
    fill(catalog, 20, DIMENSIONS)
    with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
        follow(catalog, index)
    mark = json.loads(catalog.setting("chroma") or "")
    model = MODEL
    if change == "version":
        catalog.set_setting("chroma", json.dumps({**mark, "version": "0.0"}))
    elif change == "model":
        catalog.set_setting("chroma", json.dumps({**mark, "model": "other"}))
    elif change == "count":
        catalog.all_index_pending()
        catalog.index_done([1], [])
    elif change == "mark":
        catalog.set_setting("chroma", json.dumps({**mark, "files": None}))
    else:
        shutil.rmtree(tmp_path / "chroma")
    with ChromaVectors(tmp_path / "chroma", catalog, model) as index:
        assert index.rebuilt
        assert not index.ready
        follow(catalog, index)
        asked = catalog.vectors(MODEL, [7])[1][0]
        assert [hit.chunk_id for hit in index.search(asked, 5)] == exact(catalog, asked)


def test_much_that_was_deleted_is_a_reason_to_build_anew(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brain.store.vectors.WORN_SLACK", 0)
    fill(catalog, 1200, DIMENSIONS, each=50)  # more than Chroma keeps in its log alone
    with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
        follow(catalog, index)
        for number in range(12):
            catalog.forget(VAULT / f"0-{number}.md")
        follow(catalog, index)
    assert elements(tmp_path / "chroma") > 900
    with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
        assert "deleted" in index.rebuilt


def test_after_a_failed_write_the_folder_is_not_trusted(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog, 5, DIMENSIONS)
    with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
        follow(catalog, index)
        with pytest.raises(StoreError):
            index.add([99], np.ones((1, 3), np.float32))
    with ChromaVectors(tmp_path / "chroma", catalog, MODEL) as index:
        assert index.rebuilt == "It was not closed in order."


@pytest.mark.parametrize("kill_after", [30, 130])
def test_a_process_killed_while_saving_costs_a_rebuild_and_nothing_else(tmp_path: Path, kill_after: int) -> None:
    with Catalog(tmp_path / "catalog.db") as catalog:
        fill(catalog, 300, DIMENSIONS)
        asked = catalog.vectors(MODEL, [7])[1][0]
        expected = exact(catalog, asked)
    killed = in_child(CHILD, tmp_path, kill_after)
    assert killed.returncode == -9, killed.stderr
    after = in_child(CHILD, tmp_path, 0)
    assert after.returncode == 0, after.stderr
    said, nearest = after.stdout.splitlines()
    assert said == "It was not closed in order."
    assert [int(chunk) for chunk in nearest.split()] == expected


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose Chroma index was saved whole and closed in order."""
    home = tmp_path_factory.mktemp("healthy")
    with Catalog(home / "catalog.db") as catalog:
        fill(catalog, 1100, DIMENSIONS, each=50)
        with ChromaVectors(home / "chroma", catalog, MODEL) as index:
            follow(catalog, index)
    assert elements(home / "chroma") > 0
    return home


HNSW = ["header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle"]


def damage(path: Path, how: str) -> None:
    whole = bytearray(path.read_bytes())
    if how == "cut":
        del whole[len(whole) // 2 :]
    elif how == "zeroed":
        whole = bytearray(len(whole))
    elif how == "flipped":
        whole[len(whole) // 3] ^= 0xFF
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(whole)


@pytest.mark.parametrize("how", ["cut", "zeroed", "flipped", "gone"])
@pytest.mark.parametrize("name", [*HNSW, "chroma.sqlite3"])
def test_a_damaged_file_is_never_opened(healthy: Path, tmp_path: Path, name: str, how: str) -> None:
    home = tmp_path / "home"
    shutil.copytree(healthy, home)
    (path,) = (home / "chroma").rglob(name)
    damage(path, how)
    with Catalog(home / "catalog.db") as catalog, ChromaVectors(home / "chroma", catalog, MODEL) as index:
        assert "as they were left" in index.rebuilt
        assert index.count() == 0
        assert catalog.index_pending() == 1100


# A zeroed length.bin is not among them: hnswlib computes anew what stands there. The fingerprint sees it.
@pytest.mark.parametrize(
    ("name", "how"),
    [(name, how) for name in HNSW for how in ("cut", "zeroed", "gone") if (name, how) != ("length.bin", "zeroed")],
)
def test_the_check_alone_finds_files_that_do_not_fit(healthy: Path, tmp_path: Path, name: str, how: str) -> None:
    shutil.copytree(healthy / "chroma", tmp_path / "chroma")
    (path,) = (tmp_path / "chroma").rglob(name)
    damage(path, how)
    with pytest.raises(Damaged):
        elements(tmp_path / "chroma")


def test_a_mark_that_lies_does_not_end_the_process(healthy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(healthy, home)
    code = """
import json, sys
from pathlib import Path
from brain.store.catalog import Catalog
from brain.store.chroma_check import fingerprint
home = Path(sys.argv[1])
(path,) = (home / "chroma").rglob("link_lists.bin")
path.write_bytes(bytes(path.stat().st_size))
with Catalog(home / "catalog.db") as catalog:
    mark = json.loads(catalog.setting("chroma"))
    catalog.set_setting("chroma", json.dumps({**mark, "files": fingerprint(home / "chroma")}))
"""
    assert in_child(code, home).returncode == 0
    after = in_child(CHILD, home, 0)
    assert after.returncode == 0, after.stderr
    assert after.stdout.startswith("It is damaged: ")


def test_a_pickle_that_asks_for_a_class_is_refused(healthy: Path, tmp_path: Path) -> None:
    shutil.copytree(healthy / "chroma", tmp_path / "chroma")
    (path,) = (tmp_path / "chroma").rglob("index_metadata.pickle")
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(Damaged, match="pickle"):
        elements(tmp_path / "chroma")


def test_reading_the_catalog_does_not_load_the_heavy_libraries(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from brain.store.catalog import Catalog
from brain.store.claim import claim_store
from brain.store.vectors import ExactVectors
from brain.store.words import Words
Words(Path(sys.argv[1]) / "words", read_only=True)
print([name for name in ("chromadb", "tantivy") if name in sys.modules])
"""
    assert in_child(code, tmp_path).stdout == "[]\n"
