"""File events become hints, and what cannot be watched is said."""

import errno
import logging
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from brain import watching
from brain.places import Place
from brain.watch import TRY_AGAIN, Watcher, concerns_notes, place_of
from tests.waiting import until

WAIT = 10


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hinted(clock):
    hint = threading.Event()
    watcher = Watcher(lambda folder: hint.set(), is_on_network=lambda folder: folder.name == "nfs", clock=clock)
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
    assert hint.wait(WAIT)


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
    assert hint.wait(WAIT)


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
    assert hint.wait(WAIT)


def test_what_programs_write_beside_the_notes_gives_no_hint(tmp_path, hinted):
    watcher, hint = hinted
    for name in (".git", ".obsidian", "node_modules"):
        (tmp_path / name).mkdir()
    watcher.watch([tmp_path])
    for name in (".git/index", ".obsidian/workspace.json", "node_modules/readme.md", "~$a.md", ".a.md.swp"):
        (tmp_path / name).write_text("x")
    assert not hint.wait(0.5)
    (tmp_path / ".brainignore").write_text("x")
    assert hint.wait(WAIT)


@pytest.mark.parametrize(
    ("path", "does"),
    [
        ("/n/.x/a.md", True),
        ("/n/.x/sub/.git/index", False),
        ("/n/.x/.brainignore", True),
        ("/n/.x", True),
        (b"/n/.x/bad\xff.md", True),
        ("", False),
    ],
)
def test_only_what_lies_below_the_folder_is_judged(path, does):
    assert concerns_notes(Path("/n/.x"), path) is does


@pytest.mark.parametrize(
    ("path", "is_folder", "place"),
    [
        ("/n/a/b.md", False, Place("/n/a", is_deep=False)),
        ("/n/b.md", False, Place("/n", is_deep=False)),
        (b"/n/bad\xff/b.md", False, Place("/n/bad\udcff", is_deep=False)),
        ("/n/a/b", True, Place("/n/a/b")),
        ("/n/a/.brainignore", False, Place("/n/a")),
        ("/n", True, Place("/n")),
        ("/private/n/a.md", False, Place("/n")),
    ],
)
def test_a_change_is_named_by_its_place(path, is_folder, place):
    assert place_of(Path("/n"), path, is_folder=is_folder) == place


def test_both_ends_of_a_move_are_named(tmp_path):
    heard = []
    watcher = Watcher(heard.append)
    for name in ("one", "two", "tree"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "a.md").write_text("x")
    watcher.watch([tmp_path])
    (tmp_path / "one" / "a.md").rename(tmp_path / "two" / "a.md")
    until(lambda: {Place(str(tmp_path / name), is_deep=False) for name in ("one", "two")} <= set(heard))
    (tmp_path / "tree").rename(tmp_path / "moved")
    until(lambda: {Place(str(tmp_path / name)) for name in ("tree", "moved")} <= set(heard))
    watcher.close()


def test_a_folder_that_is_deleted_and_comes_back_is_watched_again(tmp_path, hinted):
    watcher, hint = hinted
    notes = tmp_path / "notes"
    notes.mkdir()
    watcher.watch([notes])
    shutil.rmtree(notes)
    watcher.watch([])
    notes.mkdir()
    watcher.watch([notes])
    hint.clear()
    (notes / "a.md").write_text("x")
    assert hint.wait(WAIT)


@pytest.mark.parametrize("replace", ["deleted", "moved"])
def test_a_folder_that_was_replaced_unseen_is_watched_again(tmp_path, hinted, replace):
    watcher, hint = hinted
    notes = tmp_path / "notes"
    notes.mkdir()
    watcher.watch([notes])
    if replace == "deleted":
        shutil.rmtree(notes)
    else:
        notes.rename(tmp_path / "away")
    notes.mkdir()
    heard = 0

    def hears() -> bool:
        """As in the background, it is asked to watch again and again; the deletion itself may be heard of late, once."""
        nonlocal heard
        watcher.watch([notes])
        hint.clear()
        (notes / "a.md").write_text(str(heard))
        heard = heard + 1 if hint.wait(0.5) else 0
        return heard == 4

    until(hears)


def test_a_folder_within_a_watched_one_is_watched_with_it(tmp_path, hinted):
    watcher, hint = hinted
    inner = tmp_path / "inner"
    inner.mkdir()
    watcher.watch([inner, tmp_path])
    assert watcher.watched == {inner, tmp_path}
    assert watcher.refused == {}
    hint.clear()
    (inner / "a.md").write_text("x")
    assert hint.wait(WAIT)


def test_a_network_folder_is_refused_and_the_others_are_watched(tmp_path, hinted):
    watcher, _ = hinted
    for name in ("nfs", "here"):
        (tmp_path / name).mkdir()
    watcher.watch([tmp_path / "nfs", tmp_path / "here"])
    assert watcher.watched == {tmp_path / "here"}
    assert "network" in watcher.refused[tmp_path / "nfs"].reason


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_the_innermost_mount_says_what_a_folder_is_on(tmp_path, monkeypatch, kind):
    import psutil

    class Mount:
        def __init__(self, mountpoint, fstype):
            self.mountpoint, self.fstype = str(mountpoint), fstype

    far = tmp_path / "far"
    (far / "deep").mkdir(parents=True)
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [Mount("/", "ext4"), Mount(far, kind)])
    assert watching.is_on_network(far / "deep")
    assert not watching.is_on_network(tmp_path)


def many(folder: Path, count: int) -> Path:
    for at in range(count):
        (folder / str(at)).mkdir(parents=True)
    return folder


def test_more_folders_than_may_be_watched_are_refused_ahead(tmp_path, hinted, monkeypatch, clock):
    watcher, _ = hinted
    notes = many(tmp_path / "notes", 30)
    monkeypatch.setattr(watching, "watches_allowed", lambda: 100)
    monkeypatch.setattr(watching, "watches_held", lambda everywhere=False: 80 if everywhere else 0)
    watcher.watch([notes])
    assert watcher.watched == frozenset()
    assert "more folders than the system lets" in watcher.refused[notes].reason
    assert "max_user_watches=524288" in watcher.refused[notes].hint
    monkeypatch.undo()
    watcher.watch([notes])
    assert notes in watcher.refused, "it is not tried at every sweep"
    clock.now += TRY_AGAIN
    watcher.watch([notes])
    assert watcher.watched == {notes}


@pytest.mark.skipif(sys.platform != "linux", reason="only inotify runs out of watches in silence")
def test_watches_that_are_silently_missing_are_noticed(tmp_path, hinted, monkeypatch):
    watcher, _ = hinted
    notes = many(tmp_path / "notes", 30)
    held = iter([0, 30, 30])  # before; after; and once more, in case folders went away meanwhile
    monkeypatch.setattr(watching, "watches_held", lambda everywhere=False: next(held))
    watcher.watch([notes])
    assert "more folders" in watcher.refused[notes].reason


@pytest.mark.skipif(sys.platform != "linux", reason="only inotify runs out of watches in silence")
def test_the_watches_this_process_holds_are_counted(tmp_path, hinted):
    watcher, _ = hinted
    before = watching.watches_held()
    watcher.watch([many(tmp_path / "notes", 30)])
    assert watching.watches_held() == before + 31
    assert watching.watches_held(everywhere=True) >= before + 31


LIMITED = """
import sys, pathlib
pathlib.Path("/proc/sys/user/max_inotify_watches").write_text("20")
from brain.watch import Watcher
watcher = Watcher(lambda folder: None)
watcher.watch([pathlib.Path(sys.argv[1])])
print(len(watcher.watched), *(refusal.reason for refusal in watcher.refused.values()))
watcher.close()
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("unshare") or subprocess.call(["unshare", "-rU", "true"]) != 0,
    reason="needs a user namespace",
)
def test_a_real_limit_is_noticed(tmp_path):
    notes = many(tmp_path / "notes", 30)
    done = subprocess.run(
        ["unshare", "-rU", sys.executable, "-c", LIMITED, str(notes)],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("0 "), done.stdout
    assert "more folders" in done.stdout


def test_without_any_instance_left_every_folder_is_refused(tmp_path, hinted, monkeypatch):
    import watchdog.observers

    watcher, _ = hinted

    def none_left():
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watchdog.observers, "Observer", none_left)
    watcher.watch([tmp_path])
    assert watcher.watched == frozenset()
    assert "max_user_instances" in watcher.refused[tmp_path].hint


def test_lost_events_give_a_hint_for_every_folder(tmp_path, clock):
    heard = []
    watcher = Watcher(heard.append, clock=clock)
    watcher.watch([tmp_path])
    logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; filesystem events were lost")
    assert heard == [None]
    watcher.close()
    logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; filesystem events were lost")
    assert heard == [None]


def test_watches_that_could_not_be_made_again_are_made_again_later(tmp_path, hinted):
    watcher, _ = hinted
    watcher.watch([tmp_path])
    first = watcher._observer
    watcher.watch([tmp_path])
    assert watcher._observer is first
    logging.getLogger("watchdog.observers.inotify").error("Unable to rebuild recursive inotify watches")
    watcher.watch([tmp_path])
    assert watcher._observer is not first


def test_a_thread_that_dies_within_watching_is_noticed(tmp_path, hinted):
    watcher, hint = hinted
    watcher.watch([tmp_path])
    first = watcher._observer
    assert watcher._threads
    dead = threading.Thread(target=lambda: None)
    watcher._threads = (*watcher._threads, dead)
    watcher.watch([tmp_path])
    assert watcher._observer is not first
    assert hint.wait(WAIT)


def test_all_watching_ends_although_a_folder_is_just_on_its_way_into_it(tmp_path, hinted, monkeypatch):
    from watchdog.observers import Observer

    watcher, _ = hinted
    starting, go_on, made = threading.Event(), threading.Event(), []
    start = Observer.start

    def slowly(self):
        made.append(self)
        starting.set()
        go_on.wait(WAIT)
        start(self)

    monkeypatch.setattr(Observer, "start", slowly)
    watching = threading.Thread(target=watcher.watch, args=([tmp_path],))
    watching.start()
    assert starting.wait(WAIT)
    ending = threading.Thread(target=watcher.close)
    ending.start()
    ending.join(0.2)
    go_on.set()
    watching.join(WAIT)
    ending.join(WAIT)
    assert not made[0].is_alive() and watcher.watched == frozenset()
