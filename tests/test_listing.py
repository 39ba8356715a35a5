"""Which files of a folder are notes."""

import os
from pathlib import Path

import pytest

from brain.errors import FolderMissing
from brain.listing import listing, listing_of
from brain.places import Place

SUFFIXES = frozenset({".md", ".txt"})


def names(folder: Path, **options) -> set[str]:
    return {os.path.relpath(path, folder) for path in listing(folder, SUFFIXES, **options).files}


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
    before = listing(tmp_path, SUFFIXES).files[str(tmp_path / "a.md")]
    (tmp_path / "new").write_text("TEXT")
    os.utime(tmp_path / "new", ns=(before.mtime_ns, before.mtime_ns))
    (tmp_path / "new").replace(tmp_path / "a.md")
    after = listing(tmp_path, SUFFIXES).files[str(tmp_path / "a.md")]
    assert (after.mtime_ns, after.size) == (before.mtime_ns, before.size)
    assert after != before


def rules(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".brainignore").write_text(text)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("", {"a.md", "draft.md", "sub/b.md", "sub/draft.md", "sub/deep/c.md"}),
        ("draft.md", {"a.md", "sub/b.md", "sub/deep/c.md"}),
        ("/draft.md", {"a.md", "sub/b.md", "sub/draft.md", "sub/deep/c.md"}),
        ("sub/", {"a.md", "draft.md"}),
        ("sub/**/c.md", {"a.md", "draft.md", "sub/b.md", "sub/draft.md"}),
        ("*.md\n!a.md", {"a.md"}),
        ("# *.md\n\n", {"a.md", "draft.md", "sub/b.md", "sub/draft.md", "sub/deep/c.md"}),
        ("!\n[\n\\\ndraft.md", {"a.md", "sub/b.md", "sub/deep/c.md"}),
        ("\ufeffdraft.md\r\nsub/\r\n", {"a.md"}),
        ("!.hidden/", {"a.md", "draft.md", "sub/b.md", "sub/draft.md", "sub/deep/c.md", ".hidden/h.md"}),
    ],
)
@pytest.mark.parametrize("where", ["file", "settings"])
def test_rules_are_those_of_gitignore(tmp_path, written, left, where):
    write(tmp_path, "a.md", "draft.md", "sub/b.md", "sub/draft.md", "sub/deep/c.md", ".hidden/h.md")
    if where == "file":
        rules(tmp_path, written)
        assert names(tmp_path) == left
    else:
        assert names(tmp_path, ignore=written.removeprefix("\ufeff").splitlines()) == left


def test_a_deeper_file_of_rules_counts_before_the_ones_above_it_and_the_settings(tmp_path):
    write(tmp_path, "a.md", "sub/a.md", "sub/b.md", "other/b.md")
    rules(tmp_path, "a.md")
    rules(tmp_path / "sub", "!a.md\nb.md")
    assert names(tmp_path, ignore=["b.md"]) == {"sub/a.md"}


def test_rules_and_names_meet_in_either_spelling_of_an_accent(tmp_path):
    write(tmp_path, "cafe\u0301.md", "caf\u00e9 2.md", "a.md")
    rules(tmp_path, "caf\u00e9.md\ncafe\u0301 2.md")
    assert names(tmp_path) == {"a.md"}


def test_changed_rules_count_at_once(tmp_path):
    write(tmp_path, "a.md", "b.md")
    rules(tmp_path, "a.md")
    assert names(tmp_path) == {"b.md"}
    rules(tmp_path, "b.md")
    assert names(tmp_path) == {"a.md"}
    (tmp_path / ".brainignore").unlink()
    assert names(tmp_path) == {"a.md", "b.md"}


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/etc/passwd", path)], ids=["pipe", "link"])
def test_rules_that_cannot_be_read_close_the_folder(tmp_path, make):
    write(tmp_path, "a.md", "private/b.md")
    make(tmp_path / "private" / ".brainignore")
    seen = listing(tmp_path, SUFFIXES)
    assert set(seen.files) == {str(tmp_path / "a.md")}
    assert seen.closed == {str(tmp_path / "private")}


def test_a_subfolder_that_may_not_be_entered_is_closed_not_empty(tmp_path, monkeypatch):
    write(tmp_path, "a.md", "shut/b.md")
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    seen = listing(tmp_path, SUFFIXES)
    assert set(seen.files) == {str(tmp_path / "a.md")}
    assert seen.closed == {str(tmp_path / "shut")}


def test_a_note_that_icloud_has_taken_away_is_closed_not_gone(tmp_path):
    write(tmp_path, ".b.md.icloud", "a.md")
    seen = listing(tmp_path, SUFFIXES)
    assert set(seen.files) == {str(tmp_path / "a.md")}
    assert seen.closed == {str(tmp_path / "b.md")}


@pytest.mark.skipif(not hasattr(os, "chflags"), reason="only macOS marks a file as being in the cloud by a flag")
def test_a_plain_file_is_not_taken_for_one_in_the_cloud(tmp_path):
    write(tmp_path, "a.md")
    assert listing(tmp_path, SUFFIXES).closed == set()


PLACES = [
    "",
    "a.md",
    "sub",
    "sub/deep",
    "sub/deep/d.md",
    "left",
    "left/in",
    "shut/in",
    ".hidden",
    "own",
    "link",
    "gone/x",
]


@pytest.mark.parametrize("is_deep", [True, False])
@pytest.mark.parametrize("where", PLACES)
def test_a_place_is_listed_as_it_stands_in_the_whole_folder(tmp_path, where, is_deep):
    write(
        tmp_path,
        *(f"{name}/{at}.md" for name in ("sub", "sub/deep", "sub/deep/d.md", "left", "left/in") for at in (1, 2)),
    )
    write(
        tmp_path, "a.md", "shut/b.md", "shut/in/c.md", ".hidden/h.md", "own/o.md", "sub/drafts/x.md", "sub/deep/skip.md"
    )
    rules(tmp_path, "left/\nskip.md\n")
    rules(tmp_path / "sub", "drafts/\n")
    os.mkfifo(tmp_path / "shut" / ".brainignore")
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    place = Place(str(tmp_path / where), is_deep)
    options = {"skip": [tmp_path / "own"], "ignore": ["2.md"]}
    whole = listing(tmp_path, SUFFIXES, **options)
    near = listing_of([place], tmp_path, SUFFIXES, **options)
    assert near.files == {
        path: stamp for path, stamp in whole.files.items() if place.holds(path) and path != place.path
    }
    if where.startswith("shut"):
        assert near.closed == {str(tmp_path / "shut")}


def test_a_place_spelled_otherwise_than_it_is_on_disk_cannot_be_told(tmp_path, monkeypatch):
    write(tmp_path, "Sub/a.md")
    real = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: real(str(path).replace("sub", "Sub")))
    assert listing_of([Place(str(tmp_path / "sub"))], tmp_path, SUFFIXES) is None
    assert listing_of([Place(str(tmp_path / "sob"))], tmp_path, SUFFIXES).files == {}


def test_links_are_followed_only_when_asked_to_and_each_real_file_is_seen_once(tmp_path):
    write(tmp_path, "notes/a.md", "notes/sub/b.md", "outside/c.md", "outside/deep/d.md", "elsewhere/e.md")
    notes, outside = tmp_path / "notes", tmp_path / "outside"
    (notes / "loop").symlink_to(notes)
    (notes / "up").symlink_to(tmp_path)
    (notes / "again.md").symlink_to(notes / "a.md")
    (notes / "e1.md").symlink_to(tmp_path / "elsewhere" / "e.md")
    (notes / "e2.md").symlink_to(tmp_path / "elsewhere" / "e.md")
    (notes / "x").symlink_to(outside)
    (notes / "y").symlink_to(outside / "deep")
    (outside / "back").symlink_to(notes / "sub")
    (outside / "round").symlink_to(outside)
    assert names(notes) == {"a.md", "sub/b.md", "e1.md", "e2.md"}
    followed = listing(notes, SUFFIXES, follow_links=True).files
    assert {"a.md", "sub/b.md"} < {os.path.relpath(path, notes) for path in followed}
    real = sorted(os.path.relpath(os.path.realpath(path), tmp_path) for path in followed)
    assert real == ["elsewhere/e.md", "notes/a.md", "notes/sub/b.md", "outside/c.md", "outside/deep/d.md"]


def test_a_folder_replaced_while_it_is_read_is_not_believed(tmp_path, monkeypatch):
    write(tmp_path, "notes/a.md", "notes/sub/b.md")
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("sub"):
            (tmp_path / "notes").rename(tmp_path / "away")
            (tmp_path / "notes").mkdir()
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(FolderMissing, match="replaced"):
        listing(tmp_path / "notes", SUFFIXES)


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
