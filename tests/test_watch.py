"""File events become hints."""

import threading

import pytest

from brain.watch import Watcher


@pytest.fixture
def hinted(tmp_path):
    hint = threading.Event()
    watcher = Watcher(hint.set)
    yield watcher, hint
    watcher.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "new.md").write_text("x"),
        lambda folder: (folder / "old.md").write_text("y"),
        lambda folder: (folder / "old.md").unlink(),
        lambda folder: (folder / "old.md").rename(folder / "deep" / "moved.md"),
        lambda folder: (folder / "deep" / "er.md").write_text("x"),
    ],
    ids=["create", "edit", "delete", "move", "below"],
)
def test_every_kind_of_change_gives_a_hint(tmp_path, hinted, change):
    watcher, hint = hinted
    (tmp_path / "deep").mkdir()
    (tmp_path / "old.md").write_text("x")
    watcher.watch([tmp_path])
    assert watcher.watched == {tmp_path}
    hint.clear()
    change(tmp_path)
    assert hint.wait(5)


def test_reading_a_note_gives_no_hint(tmp_path, hinted):
    watcher, hint = hinted
    (tmp_path / "old.md").write_text("x")
    watcher.watch([tmp_path])
    hint.clear()
    (tmp_path / "old.md").read_text()
    assert not hint.wait(0.5)


def test_a_folder_that_cannot_be_watched_is_named_and_the_others_are_watched(tmp_path, hinted):
    watcher, hint = hinted
    here = tmp_path / "here"
    here.mkdir()
    watcher.watch([here, tmp_path / "gone"])
    assert watcher.watched == {here}
    assert set(watcher.refused) == {tmp_path / "gone"}
    (here / "a.md").write_text("x")
    assert hint.wait(5)


def test_watching_other_folders_lets_go_of_the_first(tmp_path, hinted):
    watcher, hint = hinted
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    watcher.watch([first])
    watcher.watch([second])
    hint.clear()
    (first / "a.md").write_text("x")
    assert not hint.wait(0.5)
    (second / "a.md").write_text("x")
    assert hint.wait(5)
