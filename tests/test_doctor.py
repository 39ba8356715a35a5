"""Doctor: every planted fault is found and named, each is mended, and a healthy store is left in peace.

Its many lines are a table of faults, one case each.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from brain.cli import DONE, FAILED, main
from brain.engine import LocalBrain, open_brain
from brain.errors import StoreBusy
from brain.parts import Parts
from brain.settings import load
from brain.store import vectors
from brain.store.catalog import Catalog
from brain.store.chroma_check import fingerprint
from brain.store.words import Words, WordsRow
from brain.types import Finding
from tests.crash.child import QuickEmbedder
from tests.crash.vault import Vault

NOTES = 12
Plant = Callable[[Path], None]


@pytest.fixture(scope="module", autouse=True)
def _quick_parts() -> Iterator[None]:
    """The stand-in for the embedder; and Chroma saves its index early, so that a small store has all of its files."""
    embedder = QuickEmbedder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Parts, "embedder", lambda self: embedder)
        patch.setitem(vectors._HNSW, "sync_threshold", 20)
        patch.setitem(vectors._HNSW, "batch_size", 10)
        yield


def sync(brain: LocalBrain) -> None:
    for _ in brain.sync(cancel=threading.Event()):
        pass


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a dozen notes. Tests take a copy; the notes stay where they are and as they are."""
    root = tmp_path_factory.mktemp("healthy")
    vault = Vault(root / "notes", seed=5)
    vault.fill(NOTES)
    (root / "notes" / "titled.md").write_text("---\ntitle: The well\n---\n\n# Pump\n\nIt comes in week 24.\n")
    with open_brain(load(root / "home"), own=True) as brain:
        brain.add(root / "notes")
        sync(brain)
    return root / "home"


@pytest.fixture
def store(healthy: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoiled."""
    copy = tmp_path / "store"
    shutil.copytree(healthy, copy)
    return copy


def sql(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "catalog.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def some_vector(home: Path) -> bytes:
    with closing(sqlite3.connect(home / "catalog.db")) as database:
        found: bytes = database.execute("SELECT vector FROM vectors WHERE id = 3").fetchone()[0]
    return found


def set_vector(home: Path, vector: bytes) -> None:
    with closing(sqlite3.connect(home / "catalog.db")) as database, database:
        database.execute("UPDATE vectors SET vector = ? WHERE id = 3", (vector,))


def row_of(home: Path, chunk: int) -> WordsRow:
    with Catalog(home / "catalog.db") as catalog:
        return catalog.words_rows_of([chunk])[0]


def write_words(home: Path, rows: list[WordsRow], gone: list[int]) -> None:
    with Words(home / "words") as words:
        words.write(rows, gone)


def double_words(home: Path) -> None:
    row = row_of(home, 3)
    with Words(home / "words") as words:
        from brain.store import words as drawer

        writer = words._writer_of(words._index)
        writer.add_document(drawer._document(row))
        writer.commit()


def segment(home: Path, kind: str) -> Path:
    return next(path for path in sorted((home / "words").iterdir()) if path.suffix == f".{kind}")


def hnsw(home: Path, name: str) -> Path:
    return next((home / "chroma").glob(f"*/{name}"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 20])


def flip(path: Path, at: float = 0.4) -> None:
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * at)] ^= 0xFF
    path.write_bytes(raw)


def left_as_it_is(home: Path) -> None:
    """Note the files of Chroma as they are now, as an orderly end does."""
    with Catalog(home / "catalog.db") as catalog:
        mark = json.loads(catalog.setting("chroma") or "")
        catalog.set_setting("chroma", json.dumps({**mark, "files": fingerprint(home / "chroma")}))


def in_chroma(home: Path, change: Callable[[vectors.ChromaVectors], None]) -> None:
    with Catalog(home / "catalog.db") as catalog:
        index = vectors.ChromaVectors(home / "chroma", catalog, "hashing/1")
        assert not index.rebuilt
        change(index)
        index.close()


def in_hnsw(name: str, change: Callable[[Path], None]) -> Plant:
    def plant(home: Path) -> None:
        change(hnsw(home, name))
        left_as_it_is(home)

    return plant


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal((1, 64)).astype(np.float32)
    return vector / np.linalg.norm(vector)


FAULTS: dict[str, tuple[Plant, str]] = {
    "a letter of a text": (
        lambda home: sql(home, "UPDATE pieces SET text = replace(text, 'a', 'o') WHERE id = 3"),
        "catalog: a passage is not the text",
    ),
    "a piece of text is gone": (
        lambda home: sql(home, "DELETE FROM pieces WHERE id = 3"),
        "catalog: its text has gaps",
    ),
    "a piece of text is short": (
        lambda home: sql(home, "UPDATE pieces SET text = substr(text, 1, 50) WHERE id = 3"),
        "catalog: its text has gaps",
    ),
    "a passage begins elsewhere": (
        lambda home: sql(home, "UPDATE chunks SET start = start + 3 WHERE id = 3"),
        "catalog: a passage is not the text",
    ),
    "a passage ends beyond the text": (
        lambda home: sql(home, 'UPDATE chunks SET "end" = 99999 WHERE id = 3'),
        "catalog: a passage ends beyond",
    ),
    "a key": (
        lambda home: sql(home, "UPDATE chunks SET key = randomblob(16) WHERE id = 3"),
        "catalog: a passage is not the text",
    ),
    "headings": (
        lambda home: sql(home, "UPDATE chunks SET headings = '[\"Other\"]' WHERE id = 3"),
        "catalog: a passage is not the text",
    ),
    "broken headings": (
        lambda home: sql(home, "UPDATE chunks SET headings = '[' WHERE headings <> ''"),
        "catalog: a passage is not the text",
    ),
    "a title": (
        lambda home: sql(home, "UPDATE files SET title = 'Other' WHERE titled"),
        "catalog: a passage is not the text",
    ),
    "an outline is gone": (lambda home: sql(home, "DELETE FROM outlines WHERE file = 2"), "catalog: its text has gaps"),
    "a file is gone, its passages not": (
        lambda home: sql(home, "DELETE FROM files WHERE id = 2"),
        "catalog: row .* that is not there",
    ),
    "a piece of text too many": (
        lambda home: sql(home, "INSERT INTO pieces (file, part, text) VALUES (999, 0, 'ghost')"),
        "catalog: 1 pieces of text that belong to nothing",
    ),
    "a vector too many": (
        lambda home: sql(
            home, "INSERT INTO vectors (model, key, vector) SELECT model, randomblob(16), vector FROM vectors LIMIT 1"
        ),
        "catalog: 1 vectors that belong to nothing",
    ),
    "a vector is gone": (lambda home: sql(home, "DELETE FROM vectors WHERE id = 3"), "catalog: 1 passages point at"),
    "a vector of another passage": (
        lambda home: sql(home, "UPDATE chunks SET vector = 4 WHERE id = 3"),
        "catalog: 1 passages point at",
    ),
    "a short vector": (
        lambda home: set_vector(home, some_vector(home)[:-4]),
        "catalog: 1 vectors have the wrong length",
    ),
    "a vector that is no number": (
        lambda home: set_vector(home, np.full(64, np.nan, "<f4").tobytes()),
        "catalog: 1 vectors are not numbers",
    ),
    "a vector of nothing": (lambda home: set_vector(home, bytes(256)), "catalog: 1 vectors are not numbers"),
    "no vector": (
        lambda home: sql(home, "UPDATE chunks SET vector = NULL, indexed = 0 WHERE id = 3"),
        "vectors: 1 passages have no vector",
    ),
    "indexed without a vector": (
        lambda home: sql(home, "UPDATE chunks SET vector = NULL WHERE id = 3"),
        "catalog: 1 passages point at",
    ),
    "a stale removal from the vector index": (
        lambda home: sql(home, "INSERT INTO index_gone VALUES (3)"),
        "catalog: 1 removals from the vector index",
    ),
    "a stale removal from the words index": (
        lambda home: sql(home, "INSERT INTO words_gone VALUES (3)"),
        "catalog: 1 removals from the words index",
    ),
    "words were not written": (
        lambda home: sql(home, "UPDATE chunks SET words = 0 WHERE id = 3"),
        "words: 1 passages wait",
    ),
    "the vector index is behind": (
        lambda home: sql(home, "UPDATE chunks SET indexed = 0 WHERE id = 3"),
        "vectors: 1 changes wait",
    ),
    "words are missing": (lambda home: write_words(home, [], [3]), "words: 1 passages are missing"),
    "words too many": (
        lambda home: write_words(home, [WordsRow(999, "ghost", "", "ghost", "text")], []),
        "words: 1 passages that are gone",
    ),
    "words of another passage": (
        lambda home: write_words(home, [WordsRow(3, "ghost", "", "ghost", "text")], []),
        "words: 1 of .* are not found by their own words, passage 3",
    ),
    "words twice": (double_words, "words: 1 passages are in the words index twice"),
    "words: a file is cut": (lambda home: cut(segment(home, "idx")), r"words: \w+\.idx is cut off"),
    "words: a byte is flipped": (lambda home: flip(segment(home, "term")), r"words: \w+\.term is not as it was"),
    "words: a file is gone": (lambda home: segment(home, "pos").unlink(), r"words: \w+\.pos is missing"),
    "words: no list of files": (
        lambda home: (home / "words" / "meta.json").unlink(),
        "words: meta.json cannot be read",
    ),
    "words: of another version": (
        lambda home: (home / "words" / "brain.json").write_text("{}"),
        "words: The words of your notes are not indexed",
    ),
    "words: the folder is gone": (lambda home: shutil.rmtree(home / "words"), "words: meta.json cannot be read"),
    "chroma lacks a vector": (
        lambda home: in_chroma(home, lambda index: index.remove([3])),
        "lacks 1 vectors, of chunk 3",
    ),
    "chroma holds a ghost": (
        lambda home: in_chroma(home, lambda index: index.add([999], unit(1))),
        "holds 1 vectors of chunks that are gone, 999",
    ),
    "chroma has another vector": (
        lambda home: in_chroma(home, lambda index: index.add([3], unit(2))),
        "1 of .* vectors differ from the catalog's, that of chunk 3",
    ),
    "chroma: a file is cut": (lambda home: cut(hnsw(home, "data_level0.bin")), "files are not as they were left"),
    "chroma: a byte is flipped": (lambda home: flip(hnsw(home, "link_lists.bin")), "files are not as they were left"),
    "chroma: a cut pickle, marked as sound": (in_hnsw("index_metadata.pickle", cut), "damaged: index_metadata.pickle"),
    "chroma: a cut index, marked as sound": (in_hnsw("data_level0.bin", cut), "damaged: data_level0.bin is too short"),
    "chroma: a wrong header, marked as sound": (
        in_hnsw("header.bin", lambda path: flip(path, 0.1)),
        "damaged: header.bin",
    ),
    "chroma: a missing file, marked as sound": (in_hnsw("length.bin", Path.unlink), "damaged: length.bin is missing"),
    "chroma: changed vectors, marked as sound": (
        in_hnsw("data_level0.bin", lambda path: [flip(path, at / 100) for at in range(1, 99)] and None),
        "vector index:",
    ),
    "chroma: the folder is gone": (lambda home: shutil.rmtree(home / "chroma"), "files are not as they were left"),
    "chroma was not closed": (
        lambda home: sql(home, "UPDATE settings SET value = json_set(value, '$.files', NULL) WHERE key = 'chroma'"),
        "not closed in order",
    ),
    "chroma of another version": (
        lambda home: sql(home, "UPDATE settings SET value = json_set(value, '$.version', '0.4') WHERE key = 'chroma'"),
        "another version of Chroma",
    ),
    "chroma's mark is gone": (lambda home: sql(home, "DELETE FROM settings WHERE key = 'chroma'"), "never made"),
    "others may read the folder": (lambda home: home.chmod(0o755), r"files: other users .* \(mode 755\)"),
    "others may read the catalog": (lambda home: (home / "catalog.db").chmod(0o644), r"files: other users .*mode 644"),
}


def told(findings: tuple[Finding, ...]) -> str:
    return "\n".join(f"{finding.part}: {finding.what}" for finding in findings)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_named_and_mended(store: Path, fault: str) -> None:
    plant, named = FAULTS[fault]
    plant(store)
    with open_brain(load(store), own=True) as brain:
        found = brain.doctor().found
        assert re.search(named, told(found)), told(found)
        mended = brain.doctor(thorough=True, repair=True)
        assert not mended.left, told(mended.left)
    with open_brain(load(store), own=True) as brain:
        assert not brain.doctor().found
        assert brain.search("well pump").evidence[0].title == "The well"
        assert not brain.search("well pump").degraded


def vault_of(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path / "notes", seed=2)
    vault.fill(25)
    return vault


def fresh(brain: LocalBrain, vault: Vault) -> None: ...


def edited(brain: LocalBrain, vault: Vault) -> None:
    for _ in range(15):
        vault.edit()
        vault.same_size()
    sync(brain)


def moved(brain: LocalBrain, vault: Vault) -> None:
    for _ in range(5):
        vault.move()
        vault.swap()
        vault.rename_folder()
        sync(brain)


def deleted(brain: LocalBrain, vault: Vault) -> None:
    for _ in range(5):
        vault.delete()
    sync(brain)


def copied(brain: LocalBrain, vault: Vault) -> None:
    for _ in range(5):
        vault.copy()
    sync(brain)


def rebuilt(brain: LocalBrain, vault: Vault) -> None:
    list(brain.rebuild(cancel=threading.Event(), vectors=True))


def compacted(brain: LocalBrain, vault: Vault) -> None:
    deleted(brain, vault)
    brain.compact(cancel=threading.Event())


def all_deleted(brain: LocalBrain, vault: Vault) -> None:
    (vault.root / "a.txt").write_text("one that is left, and cannot be read any more")
    for note in vault.notes():
        note.unlink()
    sync(brain)
    (vault.root / "a.txt").write_text("")
    sync(brain)
    brain.compact(cancel=threading.Event())
    list(brain.rebuild(cancel=threading.Event()))


def failing(brain: LocalBrain, vault: Vault) -> None:
    (vault.root / "broken.pdf").write_bytes(b"not a PDF")
    (vault.root / "empty.md").write_bytes(b"")
    (vault.root / "odd.txt").write_text("日本語の文 \u202e x" * 900)
    sync(brain)


@pytest.mark.parametrize(
    "made",
    [fresh, edited, moved, deleted, copied, rebuilt, compacted, all_deleted, failing],
    ids=lambda made: made.__name__,
)
def test_a_healthy_store_gives_no_alarm(tmp_path: Path, made: Callable[[LocalBrain, Vault], None]) -> None:
    vault, home = vault_of(tmp_path), load(tmp_path / "home")
    with open_brain(home, own=True) as brain:
        brain.add(vault.root)
        sync(brain)
        made(brain, vault)
        with open_brain(home, own=False) as beside:
            assert not beside.doctor(thorough=True).found
        checkup = brain.doctor(thorough=True)
        assert not checkup.found, told(checkup.found)
        assert not brain.search("anything at all").degraded
    with open_brain(home, own=True) as brain:
        assert not brain.doctor().found


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda notes: (notes / "new.md").write_text("A zebra came."), "it is not indexed yet"),
        (lambda notes: (notes / "titled.md").write_text("Something else."), "it has changed since"),
        (lambda notes: (notes / "titled.md").unlink(), "it is gone, and still in the index"),
        (lambda notes: (notes / "titled.md").rename(notes / "renamed.md"), "it was moved"),
    ],
    ids=["new", "changed", "gone", "moved"],
)
def test_what_the_folder_has_and_the_index_has_not_is_told(
    tmp_path: Path, change: Callable[[Path], None], named: str
) -> None:
    vault, home = vault_of(tmp_path), load(tmp_path / "home")
    (vault.root / "titled.md").write_text("Some words.")
    with open_brain(home, own=True) as brain:
        brain.add(vault.root)
        sync(brain)
        change(vault.root)
        (finding,) = brain.doctor().found
        assert named in finding.what
        assert finding.where.startswith(str(vault.root))
        assert not brain.doctor(repair=True).left


def test_a_change_that_left_no_trace_in_the_stamp_is_found_and_read(tmp_path: Path) -> None:
    vault, home = vault_of(tmp_path), load(tmp_path / "home")
    note = vault.root / "a.md"
    note.write_text("The zebra came.")
    with open_brain(home, own=True) as brain:
        brain.add(vault.root)
        sync(brain)
    note.write_text("The whale came.")
    seen = note.stat()
    stamp = f"{seen.st_mtime_ns} {seen.st_ctime_ns} {seen.st_size} {seen.st_ino}"
    sql(home.home, f"UPDATE files SET stamp = '{stamp}' WHERE sha256 <> '' AND length = 15")
    with open_brain(home, own=True) as brain:
        sync(brain)
        assert brain.search("whale").evidence[0].scores.words is None, "no pass sees it"
        (finding,) = brain.doctor(thorough=True).found
        assert (finding.where, finding.repair) == (str(note), "reread")
        assert not brain.doctor(thorough=True, repair=True).left
        assert "whale" in brain.search("whale").evidence[0].chunk.text


def test_a_vector_of_another_text_is_found_by_asking_the_model(store: Path) -> None:
    right = some_vector(store)
    set_vector(store, unit(7).astype("<f4").tobytes())
    with open_brain(load(store), own=True) as brain:
        brain.rebuild(cancel=threading.Event())
        found = brain.doctor(thorough=True).found
        assert "of a sample, 1 vectors are not what the model makes of their text" in told(found)
        assert not brain.doctor(thorough=True, repair=True).left
        assert right in [vector.tobytes() for vector in brain._catalog.all_vectors("hashing/1")[1]]


def test_only_the_owner_mends_and_everyone_may_look(store: Path) -> None:
    with open_brain(load(store), own=True), open_brain(load(store), own=False) as reader:
        assert not reader.doctor().found
        with pytest.raises(StoreBusy):
            reader.doctor(repair=True)


def test_an_unclosed_chroma_is_never_opened_to_be_examined(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["chroma was not closed"][0](store)
    before = fingerprint(store / "chroma")
    with open_brain(load(store), own=True) as brain:
        assert any(finding.repair == "chroma" for finding in brain.doctor(thorough=True).found)
    assert fingerprint(store / "chroma") == before


def test_a_damaged_catalog_is_named_and_no_bug(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = bytearray((store / "catalog.db").read_bytes())
    for at in range(8192 * 3, len(raw), 8192):
        raw[at : at + 64] = os.urandom(64)
    (store / "catalog.db").write_bytes(raw)
    assert main(["doctor", "--home", str(store)]) == FAILED
    printed = capsys.readouterr()
    assert "catalog" in printed.out + printed.err
    assert "bug" not in printed.err


def test_what_a_replacement_cut_short_has_left_is_told_and_gone_with_the_next_owner(store: Path) -> None:
    (store / "words.new").mkdir()
    shutil.copytree(store / "chroma", store / "chroma.old")
    (store / "config.toml.new").write_text("")
    with open_brain(load(store), own=True) as brain:
        (finding,) = brain.doctor().found
        assert (finding.where, finding.repair) == (str(store / "config.toml.new"), "clear")
        assert not brain.doctor(repair=True).left
    assert {path.name for path in store.iterdir()} >= {"words", "chroma", "catalog.db"}
    assert not [path.name for path in store.iterdir() if path.suffix in (".new", ".old")]


def test_little_space_is_told(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(store)._replace(free=150_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with open_brain(load(store), own=True) as brain:
        (finding,) = brain.doctor().found
    assert finding.what == "only 150 MB are free on this disk"


def test_a_broken_model_is_told(store: Path) -> None:
    (store / "models").mkdir()
    (store / "models" / "mine.gguf").write_bytes(b"GGUF but not really")
    with open_brain(load(store), own=True) as brain:
        (finding,) = brain.doctor().found
    assert (finding.part, finding.where) == ("models", "mine")


def test_the_command_says_what_is_wrong_and_exits_3_until_it_is_mended(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--home", str(store)]) == DONE
    assert capsys.readouterr().out.startswith("All is well")
    write_words(store, [], [3])
    (store / "catalog.db").chmod(0o644)
    assert main(["doctor", "--home", str(store)]) == FAILED
    printed = capsys.readouterr().out
    assert "words: " in printed
    assert "brain doctor --repair" in printed
    assert main(["doctor", "--home", str(store), "--json"]) == FAILED
    body = json.loads(capsys.readouterr().out)
    assert not body["healthy"]
    assert {finding["part"] for finding in body["found"]} == {"words", "files"}
    assert body["left"] == body["found"]
    assert main(["doctor", "--home", str(store), "--repair", "--thorough", "--json"]) == DONE
    body = json.loads(capsys.readouterr().out)
    assert body["healthy"]
    assert body["left"] == []
