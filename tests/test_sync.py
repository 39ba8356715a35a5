"""One pass over real folders into a real catalog.

Its many lines are one kind of change to a folder each.
"""

import os
import shutil
import threading
from pathlib import Path

import pytest

from brain import readers
from brain import sync as sync_module
from brain.embed import embed_pending
from brain.events import (
    FileFailed,
    FileIndexed,
    FileMoved,
    FileRemoved,
    FolderSkipped,
    SyncFinished,
    SyncStarted,
    VectorsAdded,
)
from brain.listing import listing
from brain.places import Place
from brain.planning import MANY
from brain.store.catalog import Catalog
from brain.sync import Pass, sync
from tests.fakes import HashingEmbedder


class House:
    """A folder of notes, a catalog, and passes over them."""

    def __init__(self, root: Path) -> None:
        self.notes = root / "notes"
        self.notes.mkdir()
        self.catalog = Catalog(root / "catalog.db")
        self.embedder = HashingEmbedder()
        self.catalog.add_folder(self.notes)
        self.words_written = 0

    def write(self, name: str, text: str) -> Path:
        path = self.notes / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def sync(
        self,
        *,
        cancel=None,
        tokenizer=None,
        words_only=False,
        on_event=None,
        interrupted=lambda: False,
        places=None,
        news=tuple,
        **notes,
    ):
        cancel = cancel or threading.Event()
        one_pass = Pass(self.catalog, readers, tokenizer or self.embedder, **{"max_bytes": 1_000_000, **notes})

        def write_words():
            self.words_written += 1

        def vectors():
            return embed_pending(self.catalog, self.embedder, cancel=cancel)

        events = []
        for event in sync(
            one_pass,
            write_words,
            None if words_only else vectors,
            places=places,
            cancel=cancel,
            interrupted=interrupted,
            news=news,
        ):
            events.append(event)
            if on_event:
                on_event(event)
        return events

    def finished(self, **options) -> SyncFinished:
        return self.sync(**options)[-1]

    def texts(self) -> set[str]:
        return {self.catalog.document(path).text for path in self.catalog.stamps() if path.exists()}


@pytest.fixture
def house(tmp_path):
    built = House(tmp_path)
    yield built
    built.catalog.close()
    readers.close()


def counts(finished: SyncFinished) -> dict[str, int]:
    names = ("added", "changed", "moved", "removed", "failed", "chunks_embedded", "chunks_reused")
    return {name: getattr(finished, name) for name in names if getattr(finished, name)}


def test_a_first_pass_reads_and_embeds_everything(house):
    house.write("a.md", "# One\n\nFirst note.")
    house.write("deep/b.txt", "Second note.")
    events = house.sync()
    assert events[0] == SyncStarted(2)
    assert {event.path.name for event in events if isinstance(event, FileIndexed)} == {"a.md", "b.txt"}
    assert counts(events[-1]) == {"added": 2, "chunks_embedded": 2}
    assert house.catalog.vectors_pending(house.embedder.name) == 0


def test_a_second_pass_finds_nothing_to_do(house):
    house.write("a.md", "First note.")
    house.sync()
    events = house.sync()
    assert events[0] == SyncStarted(0)
    assert counts(events[-1]) == {}
    assert len(events) == 2


def test_an_edit_embeds_only_what_changed(house):
    parts = [f"## Part {at}\n\n" + f"Paragraph about subject{at}. " * 60 for at in range(8)]
    path = house.write("long.md", "\n\n".join(parts))
    first = house.finished()
    parts[3] = parts[3].replace("subject3", "gardening", 1)
    path.write_text("\n\n".join(parts))
    second = house.finished()
    assert second.changed == 1
    assert 1 <= second.chunks_embedded <= 3
    assert first.chunks_embedded >= 8


@pytest.mark.parametrize("target", ["renamed.md", "other/a.md"])
def test_a_moved_note_is_not_embedded_again(house, target):
    path = house.write("a.md", "# Title\n\nA note that moves.")
    house.sync()
    (house.notes / target).parent.mkdir(exist_ok=True)
    path.rename(house.notes / target)
    events = house.sync()
    assert FileMoved(house.notes / target, path) in events
    assert counts(events[-1]) == {"moved": 1}
    assert house.catalog.document(house.notes / target).text.endswith("A note that moves.")


def test_a_renamed_folder_embeds_nothing(house):
    for at in range(5):
        house.write(f"old/{at}.md", f"# Note {at}\n\nText number {at}.")
    house.sync()
    (house.notes / "old").rename(house.notes / "new")
    assert counts(house.finished()) == {"moved": 5}


def test_a_move_by_copy_and_delete_is_a_move(house):
    path = house.write("a.md", "# Title\n\nA note that is copied and deleted.")
    house.sync()
    shutil.copy(path, house.notes / "b.md")
    path.unlink()
    assert counts(house.finished()) == {"moved": 1}


def test_a_copy_reuses_the_vectors(house):
    path = house.write("a.md", "# Title\n\nA note that is copied.")
    house.sync()
    shutil.copy(path, house.notes / "b.md")
    assert counts(house.finished()) == {"added": 1, "chunks_reused": 1}


def test_a_touched_file_is_not_read_into_new_chunks(house):
    path = house.write("a.md", "Same text.")
    house.sync()
    os.utime(path)
    assert counts(house.finished()) == {}
    assert counts(house.finished()) == {}


def test_a_deleted_note_is_forgotten(house):
    path = house.write("a.md", "Gone soon.")
    house.sync()
    path.unlink()
    events = house.sync()
    assert FileRemoved(path) in events
    assert counts(events[-1]) == {"removed": 1}
    assert house.catalog.counts().files == 0


def test_one_bad_file_never_stops_the_pass_and_waits_for_a_change(house):
    bad = house.write("bad.txt", "")
    bad.write_bytes(b"\x7fELF\x00\x00\x00binary\x00\x01\x02" * 50)
    house.write("good.md", "A good note.")
    events = house.sync()
    (failure,) = [event for event in events if isinstance(event, FileFailed)]
    assert failure.path == bad
    assert failure.reason
    assert counts(events[-1]) == {"added": 1, "failed": 1, "chunks_embedded": 1}
    assert counts(house.finished()) == {}
    assert [entry.path for entry in house.catalog.failures()] == [bad]
    bad.write_text("Now it is text.")
    assert counts(house.finished()) == {"added": 1, "chunks_embedded": 1}
    assert house.catalog.failures() == []


@pytest.mark.parametrize(
    ("name", "make", "word"),
    [
        ("big.txt", lambda path: path.write_text("x" * 1_000_001), "limit"),
        ("link.md", lambda path: path.symlink_to(path.parent / "nowhere.md"), "link"),
        ("pipe.md", os.mkfifo, ""),
        ("closed.pdf", lambda path: path.write_bytes(b"%PDF-1.7 but nothing else"), "PDF"),
    ],
)
def test_what_cannot_be_read_fails_with_a_reason_and_a_next_step(house, name, make, word):
    house.write("good.md", "A good note.")
    make(house.notes / name)
    events = house.sync()
    (failure,) = [event for event in events if isinstance(event, FileFailed)]
    assert word in failure.reason
    assert name in failure.reason
    assert failure.hint
    assert house.catalog.counts().files == 1


def test_an_empty_file_is_a_note_without_passages(house):
    house.write("empty.md", "")
    (indexed,) = [event for event in house.sync() if isinstance(event, FileIndexed)]
    assert indexed.chunks == 0
    assert counts(house.finished()) == {}


def test_a_missing_folder_keeps_what_is_known_of_it(house):
    house.write("a.md", "Kept.")
    house.sync()
    house.notes.rename(house.notes.with_name("away"))
    events = house.sync()
    assert any(isinstance(event, FolderSkipped) and "missing" in event.reason for event in events)
    assert counts(events[-1]) == {}
    assert house.catalog.counts().files == 1
    house.notes.with_name("away").rename(house.notes)
    assert counts(house.finished()) == {}


def test_a_folder_that_is_suddenly_empty_is_taken_for_unmounted(house):
    paths = [house.write(f"{at}.md", f"Note {at}.") for at in range(MANY)]
    house.sync()
    for path in paths:
        path.unlink()
    events = house.sync()
    assert any(isinstance(event, FolderSkipped) and "empty" in event.reason for event in events)
    assert house.catalog.counts().files == MANY


def kept_and_why(house) -> tuple[int, str]:
    events = house.sync()
    return house.catalog.counts().files, " ".join(event.reason for event in events if isinstance(event, FolderSkipped))


def test_deletes_from_an_emptied_folder_can_be_accepted(house):
    paths = [house.write(f"{at}.md", f"Note {at}.") for at in range(MANY)]
    house.sync()
    for path in paths:
        path.unlink()
    files, why = kept_and_why(house)
    assert files == MANY and "empty" in why
    assert house.finished(accept_deletes=True).removed == MANY
    assert kept_and_why(house) == (0, "")


def test_many_deletes_from_a_folder_that_is_still_the_same_are_believed(house):
    paths = [house.write(f"{at}.md", f"Note {at}.") for at in range(3 * MANY)]
    house.sync()
    for path in paths[1:]:
        path.unlink()
    assert house.finished().removed == 3 * MANY - 1


def test_another_folder_in_its_place_is_not_believed_until_most_files_are_back(house):
    paths = [house.write(f"{at}.md", f"Note {at}.") for at in range(5)]
    house.sync()
    away = house.notes.with_name("away")
    house.notes.rename(away)
    house.write("stray.md", "A stray note under the mount point.")
    files, why = kept_and_why(house)
    assert files == 6 and "not the one it was" in why
    shutil.rmtree(house.notes)
    away.rename(house.notes)
    paths[0].unlink()
    events = house.sync()
    assert counts(events[-1]) == {"removed": 2}
    assert not any(isinstance(event, FolderSkipped) for event in events)


def test_a_copy_of_the_folder_in_its_place_becomes_the_folder(house):
    for at in range(5):
        house.write(f"{at}.md", f"Note {at}.")
    house.sync()
    shutil.copytree(house.notes, house.notes.with_name("copy"))
    shutil.rmtree(house.notes)
    house.notes.with_name("copy").rename(house.notes)
    house.sync()
    for at in range(4):
        (house.notes / f"{at}.md").unlink()
    assert house.finished().removed == 4


def test_a_folder_unmounted_during_a_pass_loses_nothing(house):
    for at in range(5):
        house.write(f"{at}.md", f"Note {at}.")
    house.sync()
    for at in range(5):
        (house.notes / f"{at}.md").unlink()
    house.write("new.md", "Other 0")  # of the size of those that are gone: read ahead of their removal
    away = house.notes.with_name("away")
    house.sync(on_event=lambda event: house.notes.rename(away) if isinstance(event, FileIndexed) else None)
    assert house.catalog.counts().files == 6
    away.rename(house.notes)
    assert house.finished().removed == 5


def test_a_note_that_becomes_ignored_is_forgotten_and_comes_back(house):
    house.write("a.md", "Kept.")
    house.write("drafts/b.md", "A draft.")
    house.sync()
    (house.notes / ".brainignore").write_text("drafts/\n")
    assert counts(house.finished()) == {"removed": 1}
    (house.notes / ".brainignore").unlink()
    assert house.finished().added == 1
    assert counts(house.finished(ignore=("drafts/",))) == {"removed": 1}


def test_a_note_in_the_cloud_only_stays_known(house):
    path = house.write("a.md", "Kept although it is in the cloud.")
    house.sync()
    path.rename(house.notes / ".a.md.icloud")
    assert counts(house.finished()) == {}
    assert house.catalog.document(path).text.startswith("Kept")


def test_links_are_read_where_they_lead_only_when_they_are_followed(house):
    outside = house.notes.with_name("outside")
    outside.mkdir()
    (outside / "o.md").write_text("An outside note.")
    (house.notes / "link.md").symlink_to(outside / "o.md")
    (house.notes / "folder").symlink_to(outside)
    (house.notes / "broken.md").symlink_to(outside / "nowhere.md")
    assert counts(house.finished()) == {"failed": 2}
    assert house.catalog.counts().files == 0
    found = house.finished(follow_links=True)
    assert (found.added, house.catalog.counts().files) == (1, 1)
    assert counts(house.finished(follow_links=True)) == {}
    (outside / "o.md").write_text("An outside note, edited.")
    assert house.finished(follow_links=True).changed == 1


def test_a_failed_file_is_tried_again_once_the_limit_is_raised(house):
    house.write("big.txt", "x" * 1_000_001)
    assert counts(house.finished()) == {"failed": 1}
    assert counts(house.finished()) == {}
    assert house.finished(max_bytes=2_000_000).added == 1
    assert counts(house.finished(max_bytes=2_000_000)) == {}


def test_a_young_file_with_coarse_times_is_looked_at_once_more(house, monkeypatch):
    path = house.write("a.md", "before")
    second = 1_700_000_000 * 1_000_000_000
    os.utime(path, ns=(second, second))
    real = sync_module.stamp_now

    def coarse(path, *, follow):
        return real(path, follow=follow)._replace(ctime_ns=second)

    def coarse_listing(folder, suffixes, **options):
        seen = listing(folder, suffixes, **options)
        seen.files = {path: stamp._replace(ctime_ns=second) for path, stamp in seen.files.items()}
        return seen

    monkeypatch.setattr(sync_module, "stamp_now", coarse)
    monkeypatch.setattr(sync_module, "listing", coarse_listing)
    young, old = second + 1_000_000_000, second + 10_000_000_000
    assert house.finished(now=lambda: young).added == 1
    path.write_text("after!")
    os.utime(path, ns=(second, second))
    assert house.finished(now=lambda: young).changed == 1
    assert house.sync(now=lambda: old)[0] == SyncStarted(1)
    assert house.sync(now=lambda: old)[0] == SyncStarted(0)


@pytest.mark.parametrize("day", [-(10**9), -1, 0, 4_102_444_800, 15_032_385_535], ids=str)
def test_a_file_of_another_century_is_a_file_like_any_other(house, day):
    path = house.write("a.md", "A note from 1938, 1969, 1970, 2100 or 2446.")
    os.utime(path, (day, day))
    assert house.finished().added == 1
    assert house.sync()[0] == SyncStarted(0)
    path.write_text("A note from 1938, 1969, 1970, 2100 or 2447.")
    os.utime(path, (day, day))
    assert house.finished().changed == 1
    assert house.sync()[0] == SyncStarted(0)
    assert house.texts() == {"A note from 1938, 1969, 1970, 2100 or 2447."}


def test_a_clock_that_jumps_between_two_passes_changes_nothing(house):
    second = 1_000_000_000
    house.write("a.md", "One note.")
    assert house.finished(now=lambda: 1_700_000_000 * second).added == 1
    for now in (4_102_444_800, 0, 946_684_800, -5):
        assert house.sync(now=lambda now=now: now * second)[0] == SyncStarted(0)
        path = house.write(f"{now}.md", f"Written at {now}.")
        os.utime(path, (max(0, now), max(0, now)))
        assert counts(house.finished(now=lambda now=now: now * second))["added"] == 1
        house.write("a.md", f"One note, edited at {now}.")
        assert counts(house.finished(now=lambda now=now: now * second))["changed"] == 1
    assert house.sync()[0] == SyncStarted(0)
    assert len(house.texts()) == 5


def test_an_interrupted_pass_keeps_what_it_has_and_the_next_begins_with_the_newest(house):
    for at in range(6):
        os.utime(house.write(f"{at}.md", f"Note number {at}."), (at, at))
    done = []
    house.sync(on_event=done.append, interrupted=lambda: len(done) >= 3)
    assert house.words_written >= 1
    house.write("saved.md", "Saved meanwhile.")
    events = house.sync()
    assert next(event.path.name for event in events if isinstance(event, FileIndexed)) == "saved.md"
    assert house.catalog.counts().files == 7


def test_a_pass_over_one_folder_leaves_the_others_alone(house):
    other = house.notes.with_name("other")
    other.mkdir()
    house.catalog.add_folder(other)
    (other / "o.md").write_text("Elsewhere.")
    house.write("a.md", "Here.")
    house.sync()
    (other / "o.md").unlink()
    (house.notes / "a.md").unlink()
    one_pass = Pass(house.catalog, readers, house.embedder, max_bytes=1_000_000)
    steps, skipped = one_pass.steps((), [Place(str(house.notes))])
    assert [step.path for step in steps] == [house.notes / "a.md"]
    assert skipped == []


def own(folder: Path) -> Place:
    return Place(str(folder), is_deep=False)


def test_only_the_places_that_are_named_are_looked_at(house):
    first, second = house.write("a/one.md", "One."), house.write("b/two.md", "Two.")
    house.sync()
    first.write_text("One, edited.")
    second.write_text("Two, edited.")
    house.write("a/new.md", "New.")
    house.write("a/deep/newer.md", "Newer.")
    assert counts(house.finished(places=[own(first.parent)])) == {"added": 1, "changed": 1, "chunks_embedded": 2}
    assert counts(house.finished(places=[Place(str(first.parent))])) == {"added": 1, "chunks_embedded": 1}
    assert counts(house.finished(places=[])) == {}
    assert counts(house.finished()) == {"changed": 1, "chunks_embedded": 1}


def test_a_note_moved_to_another_place_is_not_embedded_again_whichever_end_is_named(house):
    path = house.write("a/note.md", "# Note\n\nA note that moves.")
    other = house.write("b/other.md", "Other.").parent
    house.sync()
    path.rename(other / "note.md")
    assert counts(house.finished(places=[own(path.parent), own(other)])) == {"moved": 1}
    (other / "note.md").rename(path)
    assert counts(house.finished(places=[own(other)])) == {"moved": 1}, "it is missing: the whole folder is looked at"
    path.rename(other / "note.md")
    assert counts(house.finished(places=[own(other)])) == {"added": 1, "chunks_reused": 1}
    assert counts(house.finished(places=[own(path.parent)])) == {"removed": 1}
    assert house.catalog.vectors_pending(house.embedder.name) == 0


def test_what_is_deleted_in_a_place_is_forgotten(house):
    path = house.write("a/one.md", "One.")
    house.write("b/deep/two.md", "Two.")
    house.write("c.md", "Kept.")
    house.sync()
    path.unlink()
    shutil.rmtree(house.notes / "b")
    assert counts(house.finished(places=[own(path.parent)])) == {"removed": 2}
    shutil.rmtree(house.notes / "a")
    assert counts(house.finished(places=[Place(str(house.notes / "a"))])) == {}


@pytest.mark.parametrize("place", [own, lambda notes: Place(str(notes / "sub"))])
def test_a_place_in_a_folder_that_looks_unmounted_loses_nothing(house, place):
    for at in range(MANY):
        house.write(f"sub/{at}.md", f"Note {at}.")
    house.write("top.md", "Top.")
    house.sync()
    shutil.rmtree(house.notes / "sub")
    (house.notes / "top.md").unlink()
    events = house.sync(places=[place(house.notes)])
    assert any(isinstance(event, FolderSkipped) and "empty" in event.reason for event in events)
    house.notes.rmdir()
    events = house.sync(places=[place(house.notes)])
    assert any(isinstance(event, FolderSkipped) and "missing" in event.reason for event in events)
    assert house.catalog.counts().files == MANY + 1


def test_rules_that_change_count_for_all_that_lies_below_them(house):
    house.write("a/drafts/b.md", "A draft.")
    house.write("a/c.md", "No draft.")
    house.sync()
    (house.notes / "a" / ".brainignore").write_text("drafts/\n")
    assert counts(house.finished(places=[own(house.notes / "a" / "drafts")])) == {"removed": 1}
    (house.notes / "a" / ".brainignore").unlink()
    assert house.finished(places=[Place(str(house.notes / "a"))]).added == 1


def test_where_links_are_followed_a_place_stands_for_its_whole_folder(house):
    house.write("a/one.md", "One.")
    house.write("b/two.md", "Two.")
    assert house.finished(places=[own(house.notes / "a")], follow_links=True).added == 2


def test_a_place_in_two_watched_folders_is_looked_at_for_both(house):
    inner = house.write("left/inner/a.md", "Inner.").parent
    (house.notes / ".brainignore").write_text("left/\n")
    house.catalog.add_folder(inner)
    assert house.finished(places=[own(inner)]).added == 1
    (inner / "b.md").write_text("Also.")
    assert house.finished(places=[own(inner)]).added == 1
    (inner / "a.md").unlink()
    assert counts(house.finished(places=[own(inner)])) == {"removed": 1}


def test_news_in_the_midst_of_a_pass_come_first_and_nothing_is_lost(house):
    for at in range(6):
        os.utime(house.write(f"old/{at}.md", f"Note number {at}."), (at, at))
    gone = house.write("b/gone.md", "Gone.")
    house.sync(words_only=True)
    for at in range(6):
        os.utime(house.write(f"old/{at}.md", f"Note number {at}, edited."), (at, at))
    saved = house.notes / "new" / "saved.md"
    told = []

    def news():
        if told.count("indexed") != 2:
            return ()
        told.append("saved")
        house.write("new/saved.md", "Saved meanwhile.")
        house.write("old/3.md", "Note number 3, edited again.")
        gone.unlink()
        return (Place(str(saved.parent)), own(house.notes / "old"), own(gone.parent))

    def on_event(event):
        if isinstance(event, FileIndexed):
            told.append("indexed" if event.path != saved else "saved")

    events = house.sync(on_event=on_event, news=news)
    names = [event.path.name for event in events if isinstance(event, FileIndexed)]
    assert names[:2] == ["5.md", "4.md"]
    assert set(names[2:4]) == {"saved.md", "3.md"}
    assert names[4:] == ["2.md", "1.md", "0.md"]
    assert FileRemoved(gone) in events
    assert [event for event in events if isinstance(event, SyncStarted)] == [SyncStarted(6), SyncStarted(6)]
    assert events[-1].chunks_embedded == 7
    assert counts(house.finished()) == {}


def test_news_during_the_vectors_are_read_and_embedded_in_the_same_pass(house):
    house.write("a.md", "First.")
    waiting = [None, (own(house.notes),)]

    def news():
        if not any(one is not None for one in waiting) or not house.embedder.embedded:
            return ()
        house.write("b.md", "Second.")
        house.write("c.md", "Third.")
        return waiting.pop()

    events = house.sync(news=news)
    assert [event.done for event in events if isinstance(event, VectorsAdded)] == [1, 3]
    assert counts(events[-1]) == {"added": 3, "chunks_embedded": 3}


class Slow:
    """Readers that finish a large file only once they are allowed to."""

    def __init__(self, monkeypatch) -> None:
        self.may = threading.Event()
        self.began = threading.Event()
        real = readers.parse

        def parse(path, data):
            if path.stem.startswith("large"):
                self.began.set()
                assert self.may.wait(20)
            return real(path, data)

        monkeypatch.setattr(readers, "parse", parse)


def test_a_large_file_does_not_keep_others_waiting(house, monkeypatch):
    slow = Slow(monkeypatch)
    large = [house.write(f"large{at}.md", f"Large {at}. " * 2000) for at in range(2)]
    house.write("small.md", "Small.")
    told = []

    def news():
        if told != ["small.md"]:
            return ()
        told.append("news")
        return (own(house.write("new/saved.md", "Saved meanwhile.").parent), own(house.notes))

    def on_event(event):
        if isinstance(event, FileIndexed):
            told.append(event.path.name)
            if event.path.name == "saved.md":
                slow.may.set()

    os.utime(house.notes / "small.md", (1, 1))
    events = house.sync(on_event=on_event, news=news)
    assert told[:3] == ["small.md", "news", "saved.md"]
    assert sorted(told[3:]) == [path.name for path in large]
    assert counts(events[-1])["added"] == 4
    assert counts(house.finished()) == {}


def test_a_large_file_that_changes_or_goes_while_it_is_read_is_left_for_the_next_pass(house, monkeypatch):
    slow = Slow(monkeypatch)
    changed, gone = house.write("large 1.md", "Old. " * 3000), house.write("large 2.md", "Gone. " * 3000)

    def news():
        if not slow.may.is_set():
            changed.write_text("New. " * 3000)
            gone.unlink()
            slow.may.set()
        return ()

    house.write("small.md", "Small.")
    assert house.finished(news=news).added == 1
    assert house.finished().added == 1
    assert house.catalog.document(changed).text.startswith("New.")
    assert len(house.catalog.stamps()) == 2


def test_a_pass_that_is_cancelled_does_not_wait_for_a_large_file(house, monkeypatch):
    slow = Slow(monkeypatch)
    house.write("large.md", "Large. " * 3000)
    cancel = threading.Event()
    thread = threading.Thread(target=lambda: (slow.began.wait(20), cancel.set()))
    thread.start()
    finished = house.finished(cancel=cancel)
    thread.join()
    assert (finished.added, finished.cancelled) == (0, True)
    slow.may.set()
    assert house.finished().added == 1


def test_cancel_keeps_what_was_done_and_the_next_pass_does_the_rest(house):
    for at in range(6):
        house.write(f"{at}.md", f"Note number {at}.")
    cancel = threading.Event()
    finished = house.finished(
        cancel=cancel, on_event=lambda event: cancel.set() if isinstance(event, FileIndexed) else None
    )
    assert finished.cancelled
    assert finished.added == 1
    assert house.finished().added == 5


def test_words_only_leaves_the_vectors_for_the_next_pass(house):
    house.write("a.md", "A note.")
    assert counts(house.finished(words_only=True)) == {"added": 1}
    assert house.catalog.vectors_pending(house.embedder.name) == 1
    assert house.finished().chunks_embedded == 1


def test_a_folder_that_becomes_a_link_once_it_is_listed_leads_nowhere(house, monkeypatch):
    house.write("deep/er/a.md", "A note of one's own.")
    house.write("b.md", "Another note.")
    outside = house.notes.with_name("outside")
    (outside / "er").mkdir(parents=True)
    (outside / "er" / "a.md").write_text("The secret of somebody else.")
    real = readers.open_bytes

    def swapped(path, max_bytes, **more):
        (house.notes / "deep").rename(house.notes / "aside")
        (house.notes / "deep").symlink_to(outside)
        try:
            return real(path, max_bytes, **more)
        finally:
            (house.notes / "deep").unlink()
            (house.notes / "aside").rename(house.notes / "deep")

    monkeypatch.setattr(readers, "open_bytes", swapped)
    assert counts(house.finished()) == {"added": 1, "chunks_embedded": 1}
    assert house.texts() == {"Another note."}
    monkeypatch.undo()
    assert counts(house.finished()) == {"added": 1, "chunks_embedded": 1}
    assert house.texts() == {"Another note.", "A note of one's own."}


def test_a_watched_folder_inside_another_is_read_by_its_own_name(house):
    inner = house.notes / "inner"
    (inner / "deep").mkdir(parents=True)
    (inner / "deep" / "a.md").write_text("An inner note.")
    house.catalog.add_folder(inner)
    assert house.finished().added == 1
    inner.rename(house.notes.with_name("elsewhere"))
    inner.symlink_to(house.notes.with_name("elsewhere"))
    (inner / "deep" / "a.md").write_text("An inner note, edited.")
    assert house.finished().changed == 1


def test_another_tokenizer_cuts_again_but_an_estimate_leaves_things_alone(house):
    house.write("a.md", "A note about something.")
    house.sync()
    other = HashingEmbedder()
    other.recipe = "other/1"
    assert counts(house.finished(tokenizer=other, cut_again=False)) == {}
    assert house.finished(tokenizer=other).changed == 1
    assert house.finished(tokenizer=other).changed == 0


def test_a_file_that_is_being_written_waits_for_the_next_pass(house, monkeypatch):
    path = house.write("a.md", "half")
    real = readers.open_bytes

    def slow(path, max_bytes, **more):
        data = real(path, max_bytes, **more)
        path.write_text("half and the other half")
        return data

    monkeypatch.setattr(readers, "open_bytes", slow)
    assert counts(house.finished()) == {}
    monkeypatch.undo()
    assert house.finished().added == 1
    assert house.catalog.document(path).text == "half and the other half"
