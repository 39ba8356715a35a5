"""What a person deletes leaves the disk: after a compaction no file of the store holds a word, a byte or a vector of it."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from brain.cli import DONE, main
from brain.engine import open_brain
from brain.parts import Parts
from brain.passes import COMPACT_SECONDS, MUCH, is_due
from brain.settings import load
from brain.store import vectors
from brain.store.words import Words
from tests.crash.child import QuickEmbedder
from tests.crash.vault import Vault

CANARIES = ("zqxbody71", "zqxhead72", "zqxtitle73", "zqxtag74", "zqxalias75", "zqxfile76")
NOTE = """---
title: About zqxtitle73
tags: [zqxtag74]
aliases: [zqxalias75]
---

# All of zqxhead72

The secret is zqxbody71, and nobody else may know it.
"""


@pytest.fixture(autouse=True)
def _quick_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = QuickEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: embedder)
    monkeypatch.setitem(vectors._HNSW, "sync_threshold", 20)  # so that its vectors reach the files of Chroma
    monkeypatch.setitem(vectors._HNSW, "batch_size", 10)


@pytest.fixture
def secret(home: Path, tmp_path: Path) -> Path:
    """An indexed note among others."""
    vault = Vault(tmp_path / "notes", seed=3)
    vault.fill(25)
    path = vault.root / "zqxfile76.md"
    path.write_text(NOTE)
    assert main(["add", str(vault.root)]) == DONE
    return path


def vector_of(home: Path, canary: str) -> bytes:
    with closing(sqlite3.connect(home / "catalog.db")) as database:
        query = (
            "SELECT v.vector FROM vectors v JOIN chunks c ON c.vector = v.id JOIN pieces p ON p.file = c.file "
            "WHERE p.text LIKE ?"
        )
        found: bytes = database.execute(query, (f"%{canary}%",)).fetchone()[0]
    return found


def traces(home: Path, *needles: bytes) -> list[str]:
    """Files that hold one of these byte strings, and fields of the words index that know one as a word."""
    wanted = [*(canary.encode() for canary in CANARIES), *needles]
    found = [
        f"{needle[:20]!r} in {path.name}"
        for path in sorted(home.rglob("*"))
        if path.is_file()
        for needle in wanted
        if needle in path.read_bytes().lower() or needle in path.read_bytes()
    ]
    if not (home / "words" / "brain.json").exists():  # nothing was ever written to it
        return found
    with Words(home / "words", read_only=True) as words:  # its lists of words are packed: bytes alone tell nothing
        _, searcher = words._current()
        known = [canary for canary in CANARIES if searcher.doc_freq("text", canary)]
    return found + [f"{canary} in the words index" for canary in known]


def a_day_passes(home: Path) -> None:
    with closing(sqlite3.connect(home / "catalog.db")) as database, database:
        changed = database.execute("UPDATE settings SET value = value - 90000 WHERE key = 'compacted'").rowcount
    assert changed == 1


def deleted(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_text("Nothing is left.")
    path.rename(path.with_name("other.md"))


def made_unreadable(path: Path) -> None:
    path.write_bytes(b"")
    path.unlink()


@pytest.mark.parametrize("lose", [deleted, emptied, made_unreadable])
@pytest.mark.parametrize("on_command", [True, False], ids=["on command", "after a day"])
def test_a_deleted_note_is_gone_from_every_file(home: Path, secret: Path, lose, on_command: bool) -> None:
    vector = vector_of(home, "zqxbody71")
    assert len(traces(home, vector)) > 3
    lose(secret)
    assert main(["sync"]) == DONE
    if on_command:
        assert main(["rebuild"]) == DONE
    else:
        a_day_passes(home)
        assert main(["sync"]) == DONE
    assert traces(home, vector) == []
    with open_brain(load(), own=True) as brain:
        assert not brain.doctor(thorough=True).found


def test_a_forgotten_folder_is_gone_from_every_file_at_once(home: Path, secret: Path, tmp_path: Path) -> None:
    vector = vector_of(home, "zqxbody71")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "well.md").write_text("The well is deep.")
    assert main(["add", str(tmp_path / "other")]) == DONE
    assert main(["remove", str(secret.parent)]) == DONE
    assert traces(home, vector) == []
    with open_brain(load(), own=True) as brain:
        assert brain.search("well deep").evidence
        other = vector_of(home, "well is deep")
        assert main(["remove", str(tmp_path / "other")]) == DONE, "the owner does it"
    assert traces(home, other, b"well is deep") == []
    assert main(["doctor", "--thorough"]) == DONE


def test_when_all_is_forgotten_nothing_is_left(home: Path, secret: Path) -> None:
    vector = vector_of(home, "zqxbody71")
    assert main(["remove", str(secret.parent)]) == DONE
    assert traces(home, vector) == []


def test_the_background_compacts_by_itself(home: Path, secret: Path) -> None:
    secret.unlink()
    assert main(["sync"]) == DONE
    a_day_passes(home)
    with open_brain(load(), background=True) as brain:
        deadline = time.monotonic() + 30
        while brain._catalog.erased()[0] and time.monotonic() < deadline:
            threading.Event().wait(0.02)
    assert traces(home) == []


def test_a_reader_in_the_way_puts_the_compaction_off(home: Path, secret: Path) -> None:
    secret.unlink()
    assert main(["sync"]) == DONE
    with closing(sqlite3.connect(home / "catalog.db")) as reader, open_brain(load(), own=True) as brain:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM files").fetchone()
        brain.compact(cancel=threading.Event())
        assert brain._catalog.erased()[0] > 0, "it is not taken for done"
        reader.execute("COMMIT")
        brain.compact(cancel=threading.Event())
        assert brain._catalog.erased()[0] == 0
        assert traces(home) == []


def test_the_words_stay_findable_while_they_are_written_anew(home: Path, secret: Path, monkeypatch) -> None:
    seen = []
    with open_brain(load(), own=True) as brain:
        write = Words.write

        def watched(self: Words, *given) -> None:
            write(self, *given)
            seen.append(len(brain.search("zqxbody71").evidence))

        monkeypatch.setattr(Words, "write", watched)
        brain.compact(cancel=threading.Event())
        assert seen
        assert all(seen)


@pytest.mark.parametrize(
    ("erased", "since", "files", "due"),
    [
        (0, COMPACT_SECONDS * 9, 100, False),
        (1, COMPACT_SECONDS - 1, 100, False),
        (1, COMPACT_SECONDS, 100, True),
        (1, -COMPACT_SECONDS, 100, True),
        (MUCH, 5, 1000, False),
        (MUCH + 200, 5, 1000, True),
    ],
)
def test_a_compaction_is_due_a_day_after_a_deletion_or_after_many(erased, since, files, due) -> None:
    assert is_due(erased, since, files) is due
