"""The background: words before vectors, newest first, pausing, folders that come and go, and what the status says of it."""

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from brain import hints, indexer
from brain.engine import open_brain
from brain.events import FileIndexed, FileRemoved, FolderSkipped, SyncFinished, VectorsAdded
from brain.indexer import Indexer
from brain.listing import listing
from brain.models.shelf import Shelf
from brain.parts import Parts
from brain.passes import Passes
from brain.places import Place
from brain.settings import load
from brain.watch import Refusal, Watcher
from tests.fakes import HashingEmbedder
from tests.test_engine import Following, names
from tests.waiting import until

WAIT = 20.0


class SlowEmbedder(HashingEmbedder):
    """Embeds one batch for each permit it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.permits = threading.Semaphore(0)

    def embed(self, texts, *, kind):
        if kind == "passage":
            assert self.permits.acquire(timeout=WAIT)
        return super().embed(texts, kind=kind)


class Permitting:
    """Gives permits, one after the other, until something has happened."""

    def __init__(self, embedder, following):
        self._embedder, self._following = embedder, following

    def until(self, wanted) -> None:
        ends = time.monotonic() + WAIT
        while not any(wanted(event) for event in tuple(self._following.events)):
            self._embedder.permits.release()
            assert time.monotonic() < ends
            threading.Event().wait(0.3)  # slowly: the vectors of all must not be done before a hint ripens


@pytest.fixture
def embedder(monkeypatch):
    made = SlowEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    return made


@pytest.fixture
def notes(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(hints, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(indexer, "BREATH_SECONDS", 0.05)
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def working(home, notes, embedder):
    """A brain in the background, what it says, and a way to let it embed."""
    with open_brain(load(), own=True, background=True) as brain:
        following = Following(brain)
        try:
            yield brain, following, Permitting(embedder, following)
        finally:
            embedder.permits.release(1_000_000)
            following.end()


def fill(notes: Path, count: int) -> None:
    for at in range(count):
        (notes / f"{at}.md").write_text(f"Note number{at} about subject{at}.")


def long_text(at: int) -> str:
    """A note of 120 passages."""
    return "\n\n".join(f"## Part {part}\n\n" + f"This is about matter{at}x{part} only. " * 25 for part in range(120))


def indexed(name):
    return lambda event: isinstance(event, FileIndexed) and event.path.name == name


def test_words_of_a_saved_note_come_before_the_vectors_of_all_others(working, notes, embedder):
    brain, following, permitting = working
    fill(notes, 8)
    for at in range(10):
        (notes / f"long{at}.md").write_text(long_text(at))
    brain.add(notes)
    permitting.until(lambda event: isinstance(event, VectorsAdded))
    (notes / "saved.md").write_text("A zebra came to the garden.")
    (notes / "7.md").unlink()
    permitting.until(indexed("saved.md"))
    permitting.until(lambda event: isinstance(event, FileRemoved) and event.path.name == "7.md")
    assert brain.status().vectors_pending > 0
    assert names(brain.search("zebra"))[0] == "saved.md"
    assert "7.md" not in names(brain.search("number7"))
    embedder.permits.release(1_000_000)
    following.until(lambda event: isinstance(event, SyncFinished))
    (finished,) = [event for event in following.events if isinstance(event, SyncFinished)]
    assert (finished.added, finished.removed, finished.cancelled) == (19, 1, False)
    done = [event.done for event in following.events if isinstance(event, VectorsAdded)]
    assert done == sorted(done)
    assert brain.status().vectors_pending == 0


def test_a_process_that_stood_still_during_a_look_looks_again_as_soon_as_ever(home, notes, embedder, monkeypatch):
    embedder.permits.release(1_000_000)
    now = [1000.0]
    stands_still = [0.0]

    def slow_listing(*arguments, **more):
        now[0] += stands_still[0]
        return listing(*arguments, **more)

    monkeypatch.setattr("brain.sync.listing", slow_listing)
    with open_brain(load(), own=True) as brain:
        brain.add(notes)
        indexer_of = Indexer(brain._parts, clock=lambda: now[0])
        for stands_still[0] in (0.0, 3600.0, 0.0, 3600.0):
            indexer_of.hint()
            indexer_of._look()
            assert indexer_of._sweep_at - now[0] <= indexer.SWEEP_SECONDS
        for stands_still[0] in (60.0, 60.0):  # a disk that is as slow as that
            indexer_of.hint()
            indexer_of._look()
        assert indexer_of._sweep_at - now[0] == indexer.SWEEP_SHARE * 60.0


def test_hints_that_never_end_do_not_put_off_a_sweep(home, notes, embedder, monkeypatch):
    embedder.permits.release(1_000_000)
    now, taken = [1000.0], []

    class Endless(hints.Hints):
        def take(self):
            found = super().take()
            self.add(Place(str(notes)))
            taken.append(found)
            assert len(taken) < 10
            return found

    monkeypatch.setattr(indexer, "BREATH_SECONDS", 3600.0)
    monkeypatch.setattr(indexer, "Hints", Endless)
    with open_brain(load(), own=True) as brain:
        brain.add(notes)
        indexer_of = Indexer(brain._parts, clock=lambda: now[0])
        indexer_of._look()
        now[0] = indexer_of._sweep_at
        indexer_of._look()
        assert indexer_of._sweep_at > now[0]


def test_between_two_looks_hints_rest_for_as_long_as_they_were_told(home, notes, embedder, monkeypatch):
    embedder.permits.release(1_000_000)
    passes, looks = [], []
    bring_up, watch = Passes.bring_up, Watcher.watch

    def counted(self, *arguments, **more):
        yield from bring_up(self, *arguments, **more)
        passes.append(1)

    monkeypatch.setattr(indexer, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(indexer, "SWEEP_SECONDS", 3600.0)
    monkeypatch.setattr(Passes, "bring_up", counted)
    monkeypatch.setattr(Watcher, "watch", lambda self, folders: (looks.append(1), watch(self, folders)))
    with open_brain(load(), own=True, background=True) as brain:
        until(lambda: passes)
        brain._indexer._hints.rest(3600.0)
        brain._indexer._hints.add(Place(str(notes)))
        seen = len(looks)
        until(lambda: len(looks) >= seen + 20)
        assert len(passes) == 1


def test_a_compaction_that_cannot_end_is_not_begun_again_and_again(home, notes, embedder, monkeypatch):
    embedder.permits.release(1_000_000)
    compactions, looks = [], []
    watch = Watcher.watch
    monkeypatch.setattr(indexer, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(Passes, "compaction_is_due", lambda self: True)  # as where a stopped reader is in the way
    monkeypatch.setattr(Passes, "compact", lambda self, cancel: compactions.append(1))
    monkeypatch.setattr(Watcher, "watch", lambda self, folders: (looks.append(1), watch(self, folders)))
    with open_brain(load(), own=True, background=True):
        until(lambda: compactions and len(looks) >= 20)
    assert len(compactions) == 1


def test_what_was_asked_for_is_embedded_before_what_is_older(working, notes, embedder):
    brain, following, permitting = working
    for at in range(5):
        (notes / f"{at}.md").write_text(long_text(at))
        os.utime(notes / f"{at}.md", (at, at))
    brain.add(notes)
    permitting.until(lambda event: isinstance(event, VectorsAdded))
    assert names(brain.search("matter0x7", limit=1)) == ["0.md"]
    embedder.permits.release(1_000_000)
    following.until(lambda event: isinstance(event, SyncFinished))
    order = [next(word[6] for word in text.split() if word.startswith("matter")) for text in embedder.embedded]
    assert order.index("0") < order.index("1"), "the oldest file was asked for"


def test_nothing_is_done_while_paused_and_everything_afterwards(working, notes, embedder):
    brain, following, _ = working
    embedder.permits.release(1_000_000)
    brain.add(notes)
    brain.pause()
    assert brain.status().paused
    with brain._indexer._passes.turn:
        pass  # whatever was under way has ended
    (notes / "a.md").write_text("A zebra.")
    *_, finished = brain.sync(cancel=threading.Event())
    assert finished.added == 1, "what is asked for runs"
    (notes / "b.md").write_text("A giraffe.")
    assert not any(indexed("b.md")(event) for event in following.events)
    brain.resume()
    following.until(indexed("b.md"))
    assert not brain.status().paused


def test_a_pause_ends_the_pass_that_runs_and_says_what_it_did(working, notes, embedder):
    brain, following, permitting = working
    for at in range(4):
        (notes / f"{at}.md").write_text(long_text(at))
    brain.add(notes)
    permitting.until(lambda event: isinstance(event, VectorsAdded))
    brain.pause()
    permitting.until(lambda event: isinstance(event, SyncFinished) and event.cancelled)
    (cut,) = [event for event in following.events if isinstance(event, SyncFinished)]
    assert cut.added == 4
    assert 0 < cut.chunks_embedded < 480
    assert brain.search("matter3x7", limit=1).evidence
    embedder.permits.release(1_000_000)
    brain.resume()
    following.until(lambda event: isinstance(event, SyncFinished) and not event.cancelled)
    assert brain.status().vectors_pending == 0
    done = [event for event in following.events if isinstance(event, SyncFinished)]
    assert [event.added for event in done] == [4, 0], "nothing is counted twice"
    assert sum(event.chunks_embedded for event in done) == 480


def test_a_folder_that_goes_and_comes_back_is_kept_and_watched_again(working, notes, embedder, tmp_path):
    brain, following, _ = working
    embedder.permits.release(1_000_000)
    fill(notes, 5)
    brain.add(notes)
    following.until(lambda event: isinstance(event, SyncFinished) and event.added == 5)
    before = len(embedder.embedded)
    notes.rename(tmp_path / "away")
    brain._indexer.hint()
    following.until(lambda event: isinstance(event, FolderSkipped))
    status = brain.status()
    assert status.indexed == 5
    assert not status.folders[0].watching
    assert "is missing" in " ".join(part.why for part in status.degraded)
    (tmp_path / "away").rename(notes)
    brain._indexer.hint()
    (notes / "new.md").write_text("A zebra.")
    following.until(indexed("new.md"))
    following.until(lambda event: isinstance(event, SyncFinished) and event.added == 1)
    (notes / "later.md").write_text("A giraffe, told by an event.")
    following.until(indexed("later.md"))
    assert brain.status().folders[0].watching
    assert not any("missing" in part.why for part in brain.status().degraded)
    assert len(embedder.embedded) - before <= 2
    assert sum(isinstance(event, FolderSkipped) for event in following.events) == 1, "said once, not at every sweep"


def test_an_emptied_folder_is_kept_until_deletes_are_accepted(working, notes, embedder):
    brain, following, _ = working
    embedder.permits.release(1_000_000)
    fill(notes, 20)
    brain.add(notes)
    following.until(lambda event: isinstance(event, SyncFinished) and event.added == 20)
    shutil.rmtree(notes)
    notes.mkdir()
    brain._indexer.hint()
    following.until(lambda event: isinstance(event, FolderSkipped) and "empty" in event.reason)
    assert brain.status().indexed == 20
    *_, finished = brain.sync(cancel=threading.Event(), accept_deletes=True)
    assert finished.removed == 20


def test_the_status_says_what_is_not_watched_and_what_to_do(home, notes, embedder):
    with open_brain(load(), own=True) as brain:
        brain._indexer.watcher.refused[notes] = Refusal("It has too many folders.", "Raise the limit.")
        (part,) = [part for part in brain.status().degraded if part.part == "watcher"]
    assert part.why == "It has too many folders."
    assert part.next == "It is looked at every 10 s. Raise the limit."


def test_a_change_without_an_event_is_found_by_a_sweep(home, notes, embedder, monkeypatch):
    from brain import watching

    monkeypatch.setattr(watching, "is_on_network", lambda folder: True)
    monkeypatch.setattr(indexer, "POLL_SECONDS", 0.2)
    embedder.permits.release(1_000_000)
    with open_brain(load(), own=True, background=True) as brain:
        following = Following(brain)
        try:
            brain.add(notes)
            (notes / "a.md").write_text("A zebra.")
            following.until(indexed("a.md"))
            (notes / "b.md").write_text("A giraffe.")
            following.until(indexed("b.md"))
            assert not brain.status().folders[0].watching
            assert "network" in " ".join(part.why for part in brain.status().degraded)
        finally:
            following.end()


@pytest.mark.parametrize(("written", "threads"), [("", 4), ("[embed]\nthreads = 3\n", 3)])
def test_indexing_in_the_background_lets_others_go_first_and_spares_the_battery(home, monkeypatch, written, threads):
    opened = []

    def open_embedder(path, *, threads, polite, gpu_layers):
        opened.append((threads, polite))
        assert gpu_layers == -1
        return HashingEmbedder()

    monkeypatch.setattr("brain.models.local.open_embedder", open_embedder)
    monkeypatch.setattr("brain.models.machine.physical_cores", lambda: 8)
    monkeypatch.setattr("brain.parts.is_on_battery", lambda: True)
    monkeypatch.setattr(Shelf, "find", lambda self, name: home / "no.gguf")
    (home / "config.toml").write_text(written)
    with open_brain(load(), own=True, background=True) as brain:
        brain.status()
    assert opened == [(threads, True)]
