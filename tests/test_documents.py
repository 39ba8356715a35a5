"""Which document is meant by a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brain import readers
from brain.documents import open_document
from brain.errors import QueryError, ReadError
from brain.listing import stamp_of
from brain.planning import Stored
from brain.types import Block, Document


class Shelf:
    """What a store knows of some files."""

    def __init__(self) -> None:
        self.known: dict[Path, Stored] = {}

    def add(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.known[path] = Stored(stamp_of(path.stat()), "", "")
        return path

    def stamps(self):
        return self.known

    def document(self, path):
        return Document(path, path.stem, "stored", (Block("prose", 0, 6),))

    def chunks_in(self, path):
        return []


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def opened(given, shelf):
    return open_document(str(given), shelf, readers, max_bytes=10_000)


def test_a_watched_note_comes_out_of_the_store_by_its_path_or_its_end(tmp_path, shelf):
    path = shelf.add(tmp_path / "work" / "Plan.md", "on disk")
    for given in (path, "plan.md", "work/plan.md", "WORK/PLAN.MD"):
        found = opened(given, shelf)
        assert (found.document.path, found.document.text, found.watched) == (path, "stored", True)


def test_a_note_that_changed_since_is_read_anew(tmp_path, shelf):
    path = shelf.add(tmp_path / "plan.md", "old")
    path.write_text("newer")
    os.utime(path, ns=(1, 1))
    found = opened("plan.md", shelf)
    assert (found.document.text, found.watched, found.chunks) == ("newer", True, ())


def test_any_readable_file_will_do_and_a_link_is_followed(tmp_path, shelf, monkeypatch):
    (tmp_path / "apart.md").write_text("by itself")
    (tmp_path / "link.md").symlink_to(tmp_path / "apart.md")
    monkeypatch.chdir(tmp_path)
    for given in ("apart.md", tmp_path / "link.md"):
        found = opened(given, shelf)
        assert (found.document.path, found.document.text, found.watched) == (tmp_path / "apart.md", "by itself", False)


@pytest.mark.parametrize("given", ["plna.md", "x" * 5000, "", "a\x00b", "~nobody-here/x.md", "/"])
def test_a_name_that_is_no_file_is_said_so(given, tmp_path, shelf):
    shelf.add(tmp_path / "plan.md", "x")
    with pytest.raises(QueryError) as caught:
        opened(given, shelf)
    assert given != "plna.md" or "plan.md" in caught.value.hint


def test_a_name_that_two_notes_have_wants_more_of_the_path(tmp_path, shelf):
    for folder in ("a", "b"):
        shelf.add(tmp_path / folder / "plan.md", "x")
    with pytest.raises(QueryError, match="2 notes are called plan"):
        opened("plan.md", shelf)
    assert opened("b/plan.md", shelf).document.path == tmp_path / "b" / "plan.md"


def test_a_file_that_cannot_be_read_says_why(tmp_path, shelf):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(ReadError):
        opened(tmp_path / "picture.png", shelf)
    with pytest.raises(QueryError, match="is a folder"):
        opened(tmp_path, shelf)
