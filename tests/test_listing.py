"""Which files of a folder are notes."""

import os
from pathlib import Path

import pytest

from brain.errors import FolderMissing
from brain.listing import listing

SUFFIXES = frozenset({".md", ".txt"})


def names(folder: Path, **options) -> set[str]:
    return {str(path.relative_to(folder)) for path in listing(folder, SUFFIXES, **options)}


def write(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("text")


def test_notes_are_found_at_any_depth_and_by_any_case_of_suffix(tmp_path):
    write(tmp_path, "a.md", "deep/er/b.TXT", "picture.png", "no suffix")
    assert names(tmp_path) == {"a.md", "deep/er/b.TXT"}


def test_hidden_temporary_and_program_folders_are_left_out(tmp_path):
    write(
        tmp_path,
        ".hidden.md",
        ".obsidian/x.md",
        ".trash/x.md",
        "node_modules/x.md",
        "~$lock.md",
        "a.md~",
        "b.md.tmp",
        "c.md",
    )
    assert names(tmp_path) == {"c.md"}


def test_brains_own_folder_is_skipped(tmp_path):
    write(tmp_path, "a.md", "brain/models/readme.md")
    assert names(tmp_path, skip=[tmp_path / "brain"]) == {"a.md"}


def test_folder_called_like_a_note_is_a_folder(tmp_path):
    write(tmp_path, "x.md/inside.md")
    assert names(tmp_path) == {"x.md/inside.md"}


def test_links_never_list_a_file_twice_nor_leave_the_folder(tmp_path):
    write(tmp_path, "notes/a.md", "notes/sub/b.md", "outside/c.md")
    notes = tmp_path / "notes"
    (notes / "loop").symlink_to(notes)
    (notes / "again.md").symlink_to(notes / "a.md")
    (notes / "folder.md").symlink_to(tmp_path / "outside")
    (notes / "out.md").symlink_to(tmp_path / "outside" / "c.md")
    (notes / "broken.md").symlink_to(notes / "nowhere.md")
    assert names(notes) == {"a.md", "sub/b.md", "out.md", "broken.md"}


def test_stamps_change_when_a_file_is_replaced_under_the_same_time_and_size(tmp_path):
    write(tmp_path, "a.md")
    before = listing(tmp_path, SUFFIXES)[tmp_path / "a.md"]
    (tmp_path / "new").write_text("TEXT")
    os.utime(tmp_path / "new", ns=(before.mtime_ns, before.mtime_ns))
    (tmp_path / "new").replace(tmp_path / "a.md")
    after = listing(tmp_path, SUFFIXES)[tmp_path / "a.md"]
    assert (after.mtime_ns, after.size) == (before.mtime_ns, before.size)
    assert after != before


def test_odd_names_are_listed(tmp_path):
    odd = ["new\nline.md", "emoji 🧠.md", "\x1b[31mred.md", os.fsdecode(b"bad\xff.md")]
    write(tmp_path, *odd)
    assert names(tmp_path) == set(odd)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("a file")], ids=["missing", "file"])
def test_folder_that_cannot_be_listed_says_so_and_what_to_do(tmp_path, make):
    make(tmp_path / "notes")
    with pytest.raises(FolderMissing, match="notes") as caught:
        listing(tmp_path / "notes", SUFFIXES)
    assert "brain remove" in caught.value.hint
