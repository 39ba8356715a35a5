"""The catalog among other processes, full disks, damaged files, other versions; and what is left of forgotten text."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from brain.errors import StoreBusy, StoreError
from brain.store import schema
from brain.store.catalog import Catalog
from tests.fakes import HashingEmbedder
from tests.store.making import ROOT, VAULT, embed_all, in_child, put, stamp_of

WRITER = """
import sys
from pathlib import Path
from brain.store.catalog import Catalog
from tests.store.making import put
with Catalog(Path(sys.argv[1])) as catalog:
    for number in range(int(sys.argv[2])):
        put(catalog, f"{number}.md", f"note {number}")
"""
KILLED = """
import os, sys
from pathlib import Path
from brain.store.catalog import Catalog
from tests.store.making import put
catalog = Catalog(Path(sys.argv[1]))
put(catalog, "kept.md", "kept")
with catalog._database.writing() as database:
    database.execute("DELETE FROM pieces")
    os.kill(os.getpid(), 9)
"""
FULL = """
import resource, signal, sys
from pathlib import Path
from brain.errors import StoreError
from brain.store.catalog import Catalog
from tests.store.making import VAULT, put
catalog = Catalog(Path(sys.argv[1]))
stored = 0
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    while True:
        put(catalog, f"{stored}.md", f"{stored} " * 3000)
        stored += 1
except StoreError as error:
    print(error.reason, error.hint)
print(stored, len(catalog.stamps()), len(catalog.document(VAULT / "0.md").text))
"""


def test_a_reader_sees_what_the_owner_commits(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with Catalog(path) as owner, Catalog(path, read_only=True) as reader:
        put(owner, "a.md", "one")
        before = reader.changes()
        assert reader.document(VAULT / "a.md").text == "one"
        child = in_child(WRITER, path, 7)
        assert child.returncode == 0, child.stderr
        assert reader.counts().files == owner.counts().files == 8
        assert reader.changes() != before
        with pytest.raises(StoreError, match="reading only"):
            put(reader, "b.md", "two")


def test_a_reader_may_come_when_no_owner_is_there(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    assert in_child(WRITER, path, 3).returncode == 0
    with Catalog(path, read_only=True) as reader:
        assert reader.counts().files == 3
        assert in_child(WRITER, path, 5).returncode == 0
        assert reader.counts().files == 5


def test_a_reader_needs_no_writable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalog.db"
    with Catalog(path) as owner:
        put(owner, "a.md", "one")
    monkeypatch.setattr("brain.store.database.os.access", lambda *_: False)  # root may write everywhere
    with Catalog(path, read_only=True) as reader:
        assert reader.document(VAULT / "a.md").text == "one"
    assert [file.name for file in tmp_path.iterdir()] == ["catalog.db"]


def test_nothing_to_read_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Nothing is indexed yet") as raised:
        Catalog(tmp_path / "catalog.db", read_only=True)
    assert "brain add" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_kill_inside_a_transaction_loses_nothing_committed(tmp_path: Path) -> None:
    assert in_child(KILLED, tmp_path / "catalog.db").returncode == -9
    with Catalog(tmp_path / "catalog.db") as catalog:
        assert catalog.document(VAULT / "kept.md").text == "kept"


def test_a_locked_store_is_busy_after_two_seconds_and_can_still_be_read(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with Catalog(path) as catalog:
        put(catalog, "a.md", "one")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreBusy):
            put(catalog, "b.md", "two")
        assert 1.5 < time.monotonic() - began < 4
        assert catalog.counts().files == 1
        other.execute("ROLLBACK")
        other.close()
        put(catalog, "b.md", "two")


def test_a_full_disk_stops_writing_and_nothing_else(tmp_path: Path) -> None:
    child = in_child(FULL, tmp_path / "catalog.db")
    assert child.returncode == 0, child.stderr
    said, counted = child.stdout.splitlines()
    stored, known, length = map(int, counted.split())
    assert "disk" in said
    assert stored == known >= 3
    assert length == 6000
    with Catalog(tmp_path / "catalog.db") as catalog:
        assert len(catalog.stamps()) == stored
        put(catalog, "more.md", "there is room again")


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("damage", ["no database", "cut", "zeroed"])
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, damage: str, read_only: bool) -> None:
    path = tmp_path / "catalog.db"
    with Catalog(path) as catalog:
        for number in range(30):
            put(catalog, f"{number}.md", f"{number} word " * 500)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "no database": b"hello " * 5000,
            "cut": whole[: len(whole) // 2],
            "zeroed": whole[:8192] + bytes(len(whole) - 8192),
        }[damage]
    )
    with pytest.raises(StoreError, match="damaged") as raised, Catalog(path, read_only=read_only) as catalog:
        for number in range(30):
            catalog.document(VAULT / f"{number}.md")
    assert "Move that file away" in raised.value.hint


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    Catalog(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="newer Brain"):
            Catalog(path, read_only=read_only)
    assert path.read_bytes()[100:] == before[100:]


def test_a_store_of_the_version_before_is_brought_up_with_all_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, embedder = tmp_path / "catalog.db", HashingEmbedder()
    with Catalog(path) as catalog:
        document = put(catalog, "a.md", "one", "two", tags=("x",))
        embed_all(catalog, embedder)
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (x)", "INSERT INTO later VALUES (7)"))
    )
    with pytest.raises(StoreError, match="older Brain"):
        Catalog(path, read_only=True)
    with Catalog(path) as catalog:
        assert catalog.document(document.path) == document
        assert catalog.vectors_done(embedder.name) == 2
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT x FROM later").fetchall() == [(7,)]
    database.close()


def test_a_store_from_before_dates_had_origins_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((ROOT / "tests/store/catalog_v1.sql").read_text())
        for file, (name, format, date) in enumerate(
            (
                ("2024_03_01.md", "markdown", "2024-03-01"),  # a date from the name, as it was kept then
                ("2024-03-02.md", "markdown", "2020-01-01"),
                ("a.pdf", "pdf", "2019-01-01"),
                ("2018/b.pdf", "pdf", "2019-01-01"),
                ("journal/2024/03/04.txt", "text", None),
            ),
            10,
        ):
            values = (file, f"/vault/{name}".encode(), format, date)
            query = "INSERT INTO files (id, path, stamp, modified, format, date) VALUES (?, ?, '1 1 1 1', 1, ?, ?)"
            database.execute(query, values)
        database.commit()
    Catalog(path).close()
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT date, date_origin, dated, dated_by FROM files WHERE id >= 10 ORDER BY id"
        assert database.execute(query).fetchall() == [
            (None, None, "2024-03-01", "name"),
            ("2020-01-01", "frontmatter", "2020-01-01", "frontmatter"),
            ("2019-01-01", "metadata", "2019-01-01", "metadata"),
            ("2019-01-01", "metadata", "2018", "folder"),
            (None, None, "2024-03-04", "folder"),
        ]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalog.db"
    with Catalog(path) as catalog:
        put(catalog, "a.md", "one")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("DELETE FROM files", "nonsense")))
        with pytest.raises(StoreError):
            Catalog(path)
    with Catalog(path) as catalog:
        assert catalog.document(VAULT / "a.md").text == "one"


def test_files_are_for_the_user_alone(tmp_path: Path) -> None:
    with Catalog(tmp_path / "catalog.db") as catalog:
        put(catalog, "a.md", "one")
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
        assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        Catalog(tmp_path / "missing" / "catalog.db")


@pytest.mark.parametrize("way", ["forget", "edit", "fail"])
def test_forgotten_text_is_gone_from_the_disk_after_compacting(tmp_path: Path, way: str) -> None:
    secret = "xylophone-4711-canary"
    with Catalog(tmp_path / "catalog.db") as catalog:
        for number in range(40):
            put(
                catalog,
                f"{number}.md",
                f"common words {number} " * 30,
                *([secret, f"{secret} again"] if number % 3 else []),
            )
        embed_all(catalog, HashingEmbedder())
        for number in range(40):
            if way == "forget":
                catalog.forget(VAULT / f"{number}.md")
            elif way == "edit":
                put(catalog, f"{number}.md", f"common words {number} " * 30)
            else:
                catalog.fail(VAULT / f"{number}.md", stamp_of(2), "broken", "")
        catalog.compact(thorough=True)
        assert b"".join(file.read_bytes() for file in tmp_path.iterdir()).count(secret.encode()) == 0
        assert catalog.sweep_vectors() == 0


def test_compacting_gives_space_back(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with Catalog(path) as catalog:
        for number in range(60):
            put(catalog, f"{number}.md", f"{number} word " * 3000)
        catalog.compact()
        before = path.stat().st_size
        for number in range(5, 60):
            catalog.forget(VAULT / f"{number}.md")
        catalog.compact()
        assert path.stat().st_size < before / 3
        assert catalog.document(VAULT / "4.md").text.startswith("4 word")
