"""The Brain of another process: the same promises as the one of this process, and what happens when its owner ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from brain.attached import Attached
from brain.choosing import Chosen
from brain.engine import LocalBrain, open_brain
from brain.errors import OwnerEnded, StoreBusy
from brain.events import Answered, Failed, Retrieved, StatusChanged, SyncFinished, SyncStarted, Token
from brain.parts import Parts
from brain.remote import attach
from brain.settings import load
from brain.store.claim import Door, claim_store, look_at_store
from brain.types import Delta
from tests.contracts.brain import QUESTION, BrainContract, Following, index, names
from tests.fakes import HashingEmbedder, ScriptedChat
from tests.waiting import once, until

ROOT = Path(__file__).parents[1]
WAIT = 30.0

# Owns the store in another process until it is told to end, with the same embedder.
OWNER = """
import sys
from pathlib import Path
from brain.engine import open_brain
from brain.choosing import Chosen
from brain.parts import Parts
from brain.settings import load
from tests.fakes import HashingEmbedder
made = HashingEmbedder()
Parts.embedder = lambda self: made
with open_brain(load(), own=True, background=True) as brain:
    brain.add(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def embedder(monkeypatch):
    made = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    return made


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "board.md").write_text("# Board\n\nThe board agreed on 40 000 € for the garden.")
    (folder / "pump.txt").write_text("The pump for the well is delivered in week 24.")
    return folder


@pytest.fixture
def owner(home, embedder):
    with open_brain(load(), own=True) as brain:
        yield brain


@pytest.fixture
def remote(owner, home):
    door = look_at_store(home).door
    assert door is not None
    brain = attach(door.address, door.key)
    yield brain
    brain.close()


@pytest.fixture
def talker(monkeypatch, notes):
    """A chat model that begins to speak and then only waits to be stopped. The event says that it was."""
    chat, stopped = ScriptedChat(), threading.Event()

    def stream(messages, *, limit, cancel):
        yield Delta("The board agreed ")
        until(cancel.is_set)
        stopped.set()

    chat.stream = stream
    monkeypatch.setattr(Parts, "chosen", lambda self, name=None: Chosen("board", path=notes / "board.md"))
    monkeypatch.setattr(Parts, "chat", lambda self, path: chat)
    return stopped


class OwnerProcess:
    """Another process that owns the store."""

    def __init__(self, notes: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(notes)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.process.communicate(timeout=WAIT)


@pytest.fixture
def other(home, notes, embedder):
    running = OwnerProcess(notes)
    yield running
    running.process.kill()
    running.end()


def is_allowed(work) -> bool:
    try:
        work()
    except StoreBusy:
        return False
    return True


class TestLocal(BrainContract):
    @pytest.fixture
    def brain(self, owner):
        return owner


class TestRemote(BrainContract):
    @pytest.fixture
    def brain(self, remote):
        return remote


class TestAttached(BrainContract):
    @pytest.fixture
    def brain(self, owner):
        with open_brain(load()) as brain:
            assert isinstance(brain, Attached)
            yield brain


class TestOwnedByWhoeverComesFirst(BrainContract):
    @pytest.fixture
    def brain(self, home, embedder):
        with open_brain(load()) as brain:
            assert isinstance(brain, LocalBrain)
            yield brain


def test_a_pass_asked_for_from_outside_is_heard_by_everyone_else(owner, remote, notes):
    following = Following(owner)
    own_ears = Following(remote)
    try:
        until(lambda: len(owner._indexer._followers) == 2)
        assert index(remote, notes).added == 2
        following.until(lambda event: isinstance(event, SyncFinished) and event.added == 2)
        own_ears.until(lambda event: isinstance(event, StatusChanged))
    finally:
        following.end()
        own_ears.end()
    assert not [event for event in own_ears.events if isinstance(event, SyncFinished) and event.added]


def test_an_answer_comes_as_it_is_made_and_stops_when_it_is_cancelled(owner, remote, notes, talker):
    index(remote, notes)
    cancel = threading.Event()
    answer = remote.ask(QUESTION, cancel=cancel)
    assert isinstance(next(answer), Retrieved)
    assert isinstance(next(answer), Token)  # while the model has more to say
    cancel.set()
    *_, last = answer
    assert isinstance(last, Answered)
    assert last.stopped
    until(lambda: owner._indexer._asking == 0)


def test_a_client_that_vanishes_stops_the_model(owner, remote, notes, talker):
    index(remote, notes)
    answer = remote.ask(QUESTION, cancel=threading.Event())
    while not isinstance(next(answer), Token):
        pass
    remote.close()
    assert talker.wait(WAIT)
    until(lambda: owner._indexer._asking == 0)
    with pytest.raises(OwnerEnded):
        list(answer)


def test_the_end_of_the_owner_ends_every_call(home, embedder, notes):
    with open_brain(load(), own=True) as owner:
        door = look_at_store(home).door
        remote = attach(door.address, door.key)
        index(remote, notes)
        follow = remote.follow(cancel=threading.Event())
        listener = threading.Thread(target=remote.wait_for_end)
        listener.start()
        adding = once(lambda: owner._indexer._followers, lambda: owner.add(notes))
        assert [next(follow), next(follow)] == [StatusChanged(), StatusChanged()]
        adding.join()
    with pytest.raises(OwnerEnded, match="has ended"):
        list(follow)
    with pytest.raises(OwnerEnded):
        remote.status()
    listener.join(WAIT)
    assert not listener.is_alive()
    remote.close()


def test_a_brain_of_another_version_is_read_beside(owner, notes, monkeypatch):
    index(owner, notes)
    monkeypatch.setattr("brain.remote.__version__", "0.0.0")
    door = look_at_store(Path(os.environ["BRAIN_HOME"])).door
    with pytest.raises(StoreBusy, match="another version"):
        attach(door.address, door.key)
    with open_brain(load()) as brain:
        assert names(brain.search("board garden"))[0] == "board.md"
        with pytest.raises(StoreBusy, match="owns the index"):
            brain.add(notes)


def test_one_that_must_stay_offline_asks_no_owner_that_need_not(owner, notes):
    index(owner, notes)
    with open_brain(load(offline=True)) as brain:
        assert names(brain.search("board garden"))[0] == "board.md"
        with pytest.raises(StoreBusy):
            brain.add(notes)


def test_one_that_only_reads_owns_the_store_once_it_is_free(home, notes, embedder):
    with open_brain(load(), own=True) as owner:
        index(owner, notes)
    with ExitStack() as ours:
        with claim_store(home) as claim:
            claim.announce(Door(home / "nobody", b"x" * 32))
            brain = ours.enter_context(open_brain(load()))
            assert names(brain.search("board garden"))[0] == "board.md"
            with pytest.raises(StoreBusy):
                brain.add(notes)
        until(lambda: is_allowed(lambda: brain.add(notes)))


@pytest.mark.parametrize("how", ["kill", "end"])
def test_whoever_is_attached_takes_the_place_of_the_owner(other, home, notes, how):
    with open_brain(load(), background=True) as brain:
        following = Following(brain)
        try:
            until(lambda: brain.status().vectors_done == 2)
            assert brain.status().owner.pid == other.process.pid
            found = names(brain.search("board garden"))
            getattr(other, how)()
            assert brain.status().owner.pid == os.getpid()
            assert names(brain.search("board garden")) == found
            assert brain.status().vectors_done == 2
            (notes / "new.md").write_text("A zebra came to the garden.")
            following.until(lambda event: isinstance(event, SyncFinished) and event.added == 1)
            assert names(brain.search("zebra"))[0] == "new.md"
        finally:
            following.end()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("brain.remote.SILENT_SECONDS", 0.2)
    monkeypatch.setattr("brain.remote.KNOCKS", 2)


def test_an_owner_that_is_stopped_is_read_beside_and_asked_again_once_it_goes_on(other, notes, impatient):
    with open_brain(load(), background=True) as brain:
        following = Following(brain)
        try:
            until(lambda: brain.status().vectors_done == 2)
            os.kill(other.process.pid, signal.SIGSTOP)
            assert names(brain.search("board garden"))[0] == "board.md"
            status = brain.status()
            assert status.owner.pid == other.process.pid
            (said,) = [part for part in status.degraded if "does not answer" in part.why]
            assert said.next
            following.until(lambda event: isinstance(event, Failed) and "does not answer" in event.reason)
            with pytest.raises(StoreBusy, match="owns the index"):
                brain.add(notes)
            assert isinstance(list(brain.ask(QUESTION, cancel=threading.Event(), quotes=True))[-1], Answered)
            os.kill(other.process.pid, signal.SIGCONT)
            until(lambda: is_allowed(lambda: brain.add(notes)))
            until(lambda: not [part for part in brain.status().degraded if "does not answer" in part.why])
        finally:
            os.kill(other.process.pid, signal.SIGCONT)
            following.end()


def test_an_owner_that_thinks_long_is_waited_for(owner, remote, notes, impatient, monkeypatch):
    index(remote, notes)
    done = threading.Event()
    looks = []
    connects = remote._connect

    def connect():
        looks.append(1)
        if len(looks) >= 4:
            done.set()
        return connects()

    def slow(query, **more):
        assert done.wait(WAIT)
        return search(query, **more)

    search = owner.search
    monkeypatch.setattr(owner, "search", slow)
    monkeypatch.setattr(remote, "_connect", connect)
    assert names(remote.search("board garden"))[0] == "board.md"


def test_an_owner_that_was_stopped_for_a_while_finds_what_changed_meanwhile(other, notes):
    with open_brain(load()) as brain:
        until(lambda: brain.status().vectors_done == 2)
        os.kill(other.process.pid, signal.SIGSTOP)
        (notes / "new.md").write_text("A zebra came to the garden.")
        (notes / "pump.txt").unlink()
        os.kill(other.process.pid, signal.SIGCONT)
        until(lambda: names(brain.search("zebra"))[:1] == ["new.md"])
        until(lambda: "pump.txt" not in names(brain.search("pump")))
        assert brain.status().owner.pid == other.process.pid


def test_a_pass_whose_owner_is_killed_is_begun_again(other, notes):
    with open_brain(load()) as brain:
        until(lambda: brain.status().vectors_done == 2)
        os.kill(other.process.pid, signal.SIGSTOP)
        events: list = []
        passing = threading.Thread(target=lambda: events.extend(brain.sync(cancel=threading.Event())))
        passing.start()
        other.kill()
        passing.join(WAIT)
        assert isinstance(events[-1], SyncFinished)
        assert not events[-1].cancelled
        assert isinstance(list(brain.ask(QUESTION, cancel=threading.Event(), quotes=True))[-1], Answered)


def test_a_running_answer_fails_with_a_reason_when_its_owner_ends(home, notes, embedder, talker):
    with ExitStack() as ours:
        with open_brain(load(), own=True) as owner:
            index(owner, notes)
            brain = ours.enter_context(open_brain(load()))
            answer = brain.ask(QUESTION, cancel=threading.Event())
            while not isinstance(next(answer), Token):
                pass
        (failed,) = answer
        assert isinstance(failed, Failed)
        assert "has ended" in failed.reason
        assert isinstance(list(brain.ask(QUESTION, cancel=threading.Event(), quotes=True))[-1], Answered)


def test_a_pass_that_had_to_wait_counts_what_was_done_meanwhile(owner, remote, notes):
    remote.add(notes)
    (notes / "later.md").write_text("A zebra came to the garden.")
    first = owner.sync(cancel=threading.Event(), asker="")
    assert isinstance(next(first), SyncStarted)
    waited: list = []
    waiting = threading.Thread(target=lambda: waited.extend(remote.sync(cancel=threading.Event())))
    waiting.start()
    until(lambda: owner._indexer._followers)
    list(first)
    waiting.join(WAIT)
    assert [type(event) for event in waited].count(SyncFinished) == 1
    assert (waited[-1].added, waited[-1].chunks_embedded) == (3, 3)
