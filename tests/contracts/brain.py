"""What every Brain promises. A test class inherits these and brings a fixture `brain`: its own store or another's, and empty.

The embedder is the fake of the seam; there is no chat model. `notes` is a folder of two files.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from brain.errors import FolderMissing, ModelError, QueryError, StoreError
from brain.events import Answered, FileIndexed, Planned, Retrieved, StatusChanged, SyncFinished, SyncStarted, Token
from brain.types import Message, Scope

WAIT = 30.0
QUESTION = "How much did the board agree on for the garden?"


def index(brain: Any, folder: Path) -> SyncFinished:
    """Add a folder and bring everything up to date."""
    brain.add(folder)
    *_, finished = brain.sync(cancel=threading.Event())
    assert isinstance(finished, SyncFinished)
    return finished


def names(found: Retrieved) -> list[str]:
    return [evidence.chunk.path.name for evidence in found.evidence]


class Following:
    """Collects what the indexer says, in a thread, and waits for what is asked of it."""

    def __init__(self, brain: Any) -> None:
        self.cancel = threading.Event()
        self.events: list[Any] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._follow, args=(brain,))
        self._thread.start()

    def _follow(self, brain: Any) -> None:
        for event in brain.follow(cancel=self.cancel):
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    def until(self, wanted: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(wanted(event) for event in self.events), WAIT), self.events

    def end(self) -> None:
        self.cancel.set()
        self._thread.join(WAIT)
        assert not self._thread.is_alive()


class BrainContract:
    def test_a_pass_says_what_it_does(self, brain: Any, notes: Path) -> None:
        brain.add(notes)
        events = list(brain.sync(cancel=threading.Event()))
        assert events[0] == SyncStarted(2)
        assert {event.path.name for event in events if isinstance(event, FileIndexed)} == {"board.md", "pump.txt"}
        assert isinstance(events[-1], SyncFinished)
        assert (events[-1].added, events[-1].chunks_embedded) == (2, 2)

    def test_words_only_leaves_the_vectors_for_later(self, brain: Any, notes: Path) -> None:
        brain.add(notes)
        list(brain.sync(cancel=threading.Event(), words_only=True))
        assert brain.status().vectors_pending == 2
        list(brain.sync(cancel=threading.Event()))
        assert brain.status().vectors_pending == 0

    def test_finding_shows_words_first_and_ends_with_what_a_search_returns(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        by_words, both = brain.find("board garden", cancel=threading.Event())
        assert all(evidence.scores.vectors is None for evidence in by_words.evidence)
        assert names(by_words) == ["board.md"]
        assert both.evidence == brain.search("board garden").evidence

    def test_finding_says_what_is_wrong_with_a_filter(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        with pytest.raises(QueryError):
            list(brain.find("garden before:2025-13", cancel=threading.Event()))

    def test_search_finds_exact_slices_within_limit_and_scope(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        found = brain.search("board garden")
        assert names(found)[0] == "board.md"
        assert found.degraded == ()
        chunk = found.evidence[0].chunk
        assert brain.document(chunk.path).text[chunk.start : chunk.end] == chunk.text
        assert len(brain.search("board garden pump", limit=1).evidence) == 1
        assert names(brain.search("garden well", scope=Scope(formats=("text",)))) == ["pump.txt"]
        with pytest.raises(QueryError, match="typ"):
            brain.search("typ:pdf garden")

    def test_ask_streams_and_ends_with_the_whole(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        events = list(brain.ask(QUESTION, cancel=threading.Event(), quotes=True))
        assert isinstance(events[0], Retrieved)
        assert any(isinstance(event, Token) for event in events)
        answered = events[-1]
        assert isinstance(answered, Answered)
        assert "40 000 €" in answered.citations[0].quote
        document = brain.document(answered.citations[0].path)
        citation = answered.citations[0]
        assert document.text[citation.start : citation.end] == citation.quote

    def test_a_follow_up_uses_the_history_and_a_scope_narrows(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        history = (Message("user", "Tell me about the pump for the well"), Message("assistant", "It is a pump."))
        cancel = threading.Event()
        found, *_ = brain.ask("And when?", history=history, cancel=cancel, quotes=True)
        assert names(found)[0] == "pump.txt"
        found, *_ = brain.ask(QUESTION, cancel=cancel, quotes=True, scope=Scope(formats=("text",)))
        assert set(names(found)) <= {"pump.txt"}

    def test_an_unknown_model_and_an_empty_store_are_said(self, brain: Any, notes: Path) -> None:
        with pytest.raises(StoreError, match="Nothing is indexed"):
            brain.search("garden")
        index(brain, notes)
        with pytest.raises(ModelError, match="nonsense"):
            list(brain.ask(QUESTION, cancel=threading.Event(), model="nonsense"))

    def test_rebuild_changes_nothing_that_is_found(self, brain: Any, notes: Path, embedder: Any) -> None:
        index(brain, notes)
        before = names(brain.search("board garden"))
        embedder.embedded.clear()
        list(brain.rebuild(cancel=threading.Event()))
        assert (names(brain.search("board garden")), embedder.embedded) == (before, [])
        list(brain.rebuild(cancel=threading.Event(), vectors=True))
        assert (names(brain.search("board garden")), len(embedder.embedded)) == (before, 2)

    def test_a_whole_file_is_read_to_its_end_and_the_log_says_so(
        self, brain: Any, notes: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index(brain, notes)
        monkeypatch.chdir(notes)
        for given in ("board.md", str(notes / "board.md"), "notes/board.md"):
            plan, *_, answer = brain.ask_whole(QUESTION, given, cancel=threading.Event(), quotes=True)
            assert isinstance(plan, Planned) and isinstance(answer, Answered)
            assert (plan.way, plan.path) == ("quotes", notes / "board.md")
            assert answer.coverage is not None and answer.coverage.complete
            assert "40 000 €" in answer.citations[0].quote
        (only,) = brain.ask_whole(QUESTION, "pump.txt", cancel=threading.Event(), plan_only=True)
        assert only.why  # there is no chat model
        for wrong in ("missing.md", str(notes)):
            with pytest.raises(QueryError):
                list(brain.ask_whole(QUESTION, wrong, cancel=threading.Event()))
        with pytest.raises(ModelError):
            list(brain.ask_whole(QUESTION, "board.md", cancel=threading.Event(), model="no-such-model"))

    def test_folders_come_and_go(self, brain: Any, notes: Path) -> None:
        with pytest.raises(FolderMissing, match="does not exist"):
            brain.add(notes / "missing")
        index(brain, notes)
        assert [(folder.path, folder.files) for folder in brain.status().folders] == [(notes, 2)]
        with pytest.raises(FolderMissing, match="not a watched folder"):
            brain.remove(notes / "missing")
        assert brain.remove(notes) == 2
        assert brain.status().folders == ()
        assert brain.status().chunks == 0

    def test_folders_are_those_of_the_caller(self, brain: Any, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(notes.parent)
        brain.add(Path(notes.name))
        assert [folder.path for folder in brain.status().folders] == [notes]

    def test_documents_come_back_as_they_were_read(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        document = brain.document(notes / "board.md")
        assert (document.text, document.title) == ((notes / "board.md").read_text(), "Board")
        assert document.blocks
        with pytest.raises(StoreError):
            brain.document(Path("/not/there.md"))

    def test_status_says_who_owns_the_store(self, brain: Any, notes: Path, home: Path) -> None:
        status = brain.status()
        assert status.owner is not None
        assert status.home == home
        assert "chat" in {part.part for part in status.degraded}

    def test_a_pause_is_told_of_and_passes_that_are_asked_for_go_on(self, brain: Any, notes: Path) -> None:
        assert not brain.status().paused
        brain.pause()
        brain.pause()
        assert brain.status().paused
        assert index(brain, notes).added == 2
        assert names(brain.search("board garden"))[0] == "board.md"
        brain.resume()
        assert not brain.status().paused

    def test_follow_tells_of_changes_until_it_is_cancelled(self, brain: Any, notes: Path) -> None:
        following = Following(brain)
        try:
            following.until(lambda event: following.events == [StatusChanged()])  # from here on nothing is missed
            brain.add(notes)
            following.until(lambda event: following.events.count(StatusChanged()) > 1)
        finally:
            following.end()

    def test_a_cancelled_pass_says_so(self, brain: Any, notes: Path) -> None:
        brain.add(notes)
        cancel = threading.Event()
        cancel.set()
        *_, finished = brain.sync(cancel=cancel)
        assert isinstance(finished, SyncFinished)

    def test_an_answer_nobody_hears_to_its_end_does_not_block_the_next(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        for _ in range(3):
            answer = brain.ask(QUESTION, cancel=threading.Event(), quotes=True)
            assert isinstance(next(answer), Retrieved)
            answer.close()
        assert isinstance(list(brain.ask(QUESTION, cancel=threading.Event(), quotes=True))[-1], Answered)
        assert index(brain, notes).added == 0

    def test_a_conversation_is_kept_found_continued_renamed_and_deleted(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        chats = brain.conversations
        assert chats.summaries() == ()
        *_, answered = brain.ask(QUESTION, cancel=threading.Event(), quotes=True)
        number = chats.append(answered, key="one", scope=Scope(tags=("garden",)))
        assert chats.append(answered, key="one") == number, "said twice, kept once"
        kept = chats.get(number)
        assert (kept.title, kept.scope, len(kept.turns)) == (QUESTION, Scope(tags=("garden",)), 1)
        assert kept.turns[0].answered == answered
        assert {source.path for source in kept.turns[0].sources} >= {answered.citations[0].path}
        assert all(source.sha256 for source in kept.turns[0].sources)
        *_, second = brain.ask("And when?", history=kept.history(), cancel=threading.Event(), quotes=True)
        assert chats.append(second, key="two", conversation=number) == number
        other = chats.append(second, key="three")
        assert [(one.id, one.questions) for one in chats.summaries()] in ([(other, 1), (number, 2)],)
        assert [one.id for one in chats.summaries("board agreed")] == [number]
        assert chats.summaries("xylophone") == ()
        chats.rename(number, "The  garden\nmoney\x1b[31m")
        assert chats.get(number).title == "The garden money"
        assert [one.id for one in chats.summaries("money")] == [number]
        lost = chats.delete(number)
        assert [one.id for one in chats.summaries()] == [other]
        with pytest.raises(StoreError, match=f"no conversation {number}"):
            chats.get(number)
        chats.restore(lost)
        chats.restore(lost)
        assert chats.get(number) == lost
        with pytest.raises(StoreError, match="no conversation 999"):
            chats.append(answered, key="four", conversation=999)

    def test_a_quote_is_compared_with_the_file_as_it_is(self, brain: Any, notes: Path) -> None:
        index(brain, notes)
        *_, answered = brain.ask(QUESTION, cancel=threading.Event(), quotes=True)
        assert [verdict.standing for verdict in answered.verdicts] == ["ok"] * len(answered.citations)
        number = brain.conversations.append(answered, key="one")
        board = notes / "board.md"
        board.write_text(board.read_text().replace("40 000", "45 000"))
        ((verdict, *_),) = brain.conversations.verdicts(number)
        assert verdict.standing == "changed"
        assert "45 000 €" in verdict.now
        *_, answered = brain.ask(QUESTION, cancel=threading.Event(), quotes=True)
        assert answered.verdicts[0].standing == "changed", "the index has not seen it yet"
        board.unlink()
        ((verdict, *_),) = brain.conversations.verdicts(number)
        assert verdict.standing == "gone"
