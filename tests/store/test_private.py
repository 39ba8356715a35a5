"""What the catalog knows of private documents, those of an older Brain too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from brain.planning import Move
from brain.privacy import Rules
from brain.store.catalog import Catalog, Mark
from tests.store.making import ROOT, VAULT, put, stamp_of


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.db") as opened:
        yield opened


def test_marks_of_many_documents_and_of_none(catalog: Catalog) -> None:
    odd = put(catalog, "odd \udcff.md", "a", private=True)
    put(catalog, "open.md", "b", tags=("x", "y/z"))
    catalog.fail(VAULT / "broken.pdf", stamp_of(1), "no", "")
    many = [VAULT / f"{at}.md" for at in range(1200)]
    found = catalog.marks([*many, odd.path, VAULT / "open.md", VAULT / "broken.pdf"])
    assert found == {odd.path: Mark(True, ()), VAULT / "open.md": Mark(False, ("x", "y/z"))}
    assert catalog.marks([]) == {}
    assert catalog.document(odd.path).private


def test_a_document_that_becomes_private_counts_at_once_and_stays_so_when_it_moves(catalog: Catalog) -> None:
    put(catalog, "a.md", "text")
    assert catalog.private_count(Rules()) == 0
    put(catalog, "a.md", "text, edited", private=True)
    assert catalog.private_count(Rules()) == 1
    catalog.move_all([Move(VAULT / "b.md", VAULT / "a.md", stamp_of(1))])
    assert catalog.marks([VAULT / "b.md"])[VAULT / "b.md"].marked
    put(catalog, "b.md", "text again")
    assert not catalog.marks([VAULT / "b.md"])[VAULT / "b.md"].marked


def test_private_documents_are_counted_by_marks_places_and_tags(catalog: Catalog) -> None:
    catalog.add_folder(VAULT)
    put(catalog, "a.md", "1", private=True)
    put(catalog, "journal/b.md", "2")
    put(catalog, "journal/c.pdf", "3", format="pdf")
    put(catalog, "d.md", "4", tags=("health/eyes",))
    put(catalog, "e.md", "5")
    catalog.fail(VAULT / "journal" / "broken.pdf", stamp_of(1), "no", "")
    for rules, many in (((), 1), (("journal/",), 3), (("#health",), 2), (("journal/", "#health"), 4), (("/",), 5)):
        assert catalog.private_count(Rules(rules, folders=[VAULT])) == many


@pytest.mark.parametrize("version", [1, 2, 3])
def test_notes_of_an_older_brain_are_private_where_they_say_so(tmp_path: Path, version: int) -> None:
    path = tmp_path / "catalog.db"
    long = "---\ntitle: x\nabout: " + "a word " * 3000 + "\nprivate: true\n---\nBody"
    texts = {
        "yaml.md": ("markdown", "---\nprivate: true\n---\nBody", ()),
        "long.md": ("markdown", long, ()),
        "tag.md": ("markdown", "Body", ("a", "private")),
        "property.md": ("markdown", "private:: true\n- a", ()),
        "lost.md": ("markdown", None, ()),
        "open.md": ("markdown", "Body", ("a",)),
        "said.pdf": ("pdf", "private: true", ()),
    }
    with closing(sqlite3.connect(path)) as database:
        database.executescript((ROOT / f"tests/store/catalog_v{version}.sql").read_text())
        for file, (name, (format, text, tags)) in enumerate(texts.items(), 20):
            query = "INSERT INTO files (id, path, stamp, modified, format, length) VALUES (?, ?, '1 1 1 1', 1, ?, 9)"
            database.execute(query, (file, f"/vault/{name}".encode(), format))
            for part in range(0 if text is None else len(text) // 8192 + 1):
                piece = (text or "")[part * 8192 : (part + 1) * 8192]
                database.execute("INSERT INTO pieces (file, part, text) VALUES (?, ?, ?)", (file, part, piece))
            database.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(file, at, tag) for at, tag in enumerate(tags)])
        database.commit()
    with Catalog(path) as catalog:
        marks = catalog.marks([VAULT / name for name in (*texts, "well.md")])
        private = {path.name for path, mark in marks.items() if mark.marked}
    # Nothing is left of the text of one: what it says is not known.
    assert private == {"yaml.md", "long.md", "tag.md", "property.md", "lost.md"}
    assert len(marks) == len(texts) + 1
    with closing(sqlite3.connect(path)) as database:  # a row that nobody has judged
        database.execute("INSERT INTO files (path, stamp, modified) VALUES (?, '1 1 1 1', 1)", (b"/vault/new.md",))
        database.commit()
    with Catalog(path) as catalog:
        assert catalog.marks([VAULT / "new.md"])[VAULT / "new.md"].marked
