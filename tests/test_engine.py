"""The Brain of one process: background work, owners and readers, closing in good order. The embedder is the fake of the seam."""

import threading
from pathlib import Path

import pytest

from brain.choosing import Chosen
from brain.engine import open_brain
from brain.errors import FolderMissing, ModelError, StoreBusy, StoreError
from brain.events import Answered, FileIndexed, FileRemoved, Retrieved, SyncFinished, SyncStarted, VectorsAdded
from brain.parts import Parts
from brain.settings import load
from brain.store import schema
from brain.store.catalog import Catalog
from brain.store.claim import claim_store
from tests.fakes import HashingEmbedder, ScriptedChat

WAIT = 20.0


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


def index(brain, folder) -> SyncFinished:
    brain.add(folder)
    *_, finished = brain.sync(cancel=threading.Event())
    return finished


def names(found: Retrieved) -> list[str]:
    return [evidence.chunk.path.name for evidence in found.evidence]


class Following:
    """Collects what the indexer says, in a thread, and waits for what is asked of it."""

    def __init__(self, brain) -> None:
        self.cancel = threading.Event()
        self.events: list = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._follow, args=(brain,))
        self._thread.start()

    def _follow(self, brain) -> None:
        for event in brain.follow(cancel=self.cancel):
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    def until(self, wanted) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(wanted(event) for event in self.events), WAIT), self.events

    def end(self) -> None:
        self.cancel.set()
        self._thread.join()


def test_words_and_meaning_both_speak_and_nothing_is_degraded(home, notes, embedder):
    with open_brain(load(), own=True) as brain:
        finished = index(brain, notes)
        found = brain.search("board garden")
    assert finished.chunks_embedded == 2
    assert names(found)[0] == "board.md"
    assert found.degraded == ()
    best = found.evidence[0].scores
    assert best.words is not None and best.vectors is not None


def test_a_reader_beside_the_owner_sees_what_it_commits(home, notes, embedder):
    with open_brain(load(), own=True) as owner:
        index(owner, notes)
        with open_brain(load(), own=False) as reader:
            assert names(reader.search("pump well"))[0] == "pump.txt"
            (notes / "new.md").write_text("A zebra came to the garden.")
            list(owner.sync(cancel=threading.Event()))
            assert names(reader.search("zebra"))[0] == "new.md"
            (notes / "new.md").unlink()
            list(owner.sync(cancel=threading.Event()))
            assert "new.md" not in names(reader.search("zebra"))


def test_a_reader_brings_a_store_of_the_version_before_up_where_nobody_owns_it(home, notes, embedder, monkeypatch):
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (x)",)))
    with open_brain(load(), own=False) as reader:
        assert names(reader.search("board garden"))[0] == "board.md"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE even_later (x)",)))
    with (
        claim_store(load().home),
        pytest.raises(StoreError, match="older Brain"),
        open_brain(load(), own=False),
    ):
        pass


def test_only_the_owner_writes(home, notes, embedder):
    with open_brain(load(), own=True) as owner:
        index(owner, notes)
        with pytest.raises(StoreBusy, match="owns the index"), open_brain(load(), own=True):
            pass
        with open_brain(load(), own=False) as reader:
            for write in (
                lambda: reader.add(notes),
                lambda: reader.remove(notes),
                lambda: list(reader.sync(cancel=threading.Event())),
                lambda: list(reader.rebuild(cancel=threading.Event())),
            ):
                with pytest.raises(StoreBusy):
                    write()
            assert reader.status().owner == owner.status().owner


def test_the_store_is_free_again_when_its_owner_has_closed(home, notes, embedder):
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
    with open_brain(load(), own=True) as brain:
        assert brain.status().vectors_done == 2
        *_, finished = brain.sync(cancel=threading.Event())
        assert finished.chunks_embedded == 0


def test_chroma_serves_the_owner_and_finds_what_exact_search_finds(home, notes, embedder):
    with open_brain(load(), own=True) as owner:
        index(owner, notes)
        assert owner._parts.chroma_is_current
        with open_brain(load(), own=False) as reader:
            for question in ("board garden", "pump", "delivered in a week"):
                assert names(owner.search(question)) == names(reader.search(question))


def test_the_background_keeps_up_with_the_folder(home, notes, embedder):
    with open_brain(load(), background=True) as brain:
        following = Following(brain)
        try:
            brain.add(notes)
            following.until(lambda event: isinstance(event, SyncFinished) and event.added == 2)
            (notes / "new.md").write_text("A zebra came to the garden.")
            following.until(lambda event: isinstance(event, FileIndexed) and event.path.name == "new.md")
            following.until(lambda event: isinstance(event, SyncFinished) and event.added == 1)
            assert names(brain.search("zebra"))[0] == "new.md"
            (notes / "new.md").unlink()
            following.until(lambda event: isinstance(event, FileRemoved) and event.path.name == "new.md")
            assert brain.status().folders[0].watching
            with open_brain(load(), own=False) as reader:
                assert reader.status().folders[0].watching
        finally:
            following.end()


def test_nothing_is_watched_once_the_owner_has_ended(home, notes, embedder):
    with open_brain(load(), own=True, background=True) as brain:
        following = Following(brain)
        brain.add(notes)
        following.until(lambda event: isinstance(event, SyncFinished))
        following.end()
    with open_brain(load(), own=False) as reader:
        assert not reader.status().folders[0].watching


def test_indexing_pauses_while_a_question_runs(home, notes, embedder, monkeypatch):
    chat = ScriptedChat("The board agreed on 40 000 € for the garden.")
    monkeypatch.setattr(Parts, "chosen", lambda self, name=None: Chosen("board", path=notes / "board.md"))
    monkeypatch.setattr(Parts, "chat", lambda self, path: chat)
    asking_at_put = []
    put = Catalog.put
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
        monkeypatch.setattr(
            Catalog,
            "put",
            lambda self, *given, **named: (asking_at_put.append(brain._indexer._asking), put(self, *given, **named))[1],
        )
        with brain.background():
            following = Following(brain)
            try:
                answer = brain.ask("How much did the board agree on for the garden?", cancel=threading.Event())
                assert isinstance(next(answer), Retrieved)
                (notes / "new.md").write_text("A zebra came to the garden.")
                following.until(lambda event: isinstance(event, SyncStarted) and event.steps == 1)
                *_, last = answer
                assert isinstance(last, Answered)
                following.until(lambda event: isinstance(event, FileIndexed))
                assert asking_at_put == [0]
            finally:
                following.end()


def test_a_deleted_paragraph_or_note_is_in_no_index_after_one_pass(home, notes, embedder):
    gone, kept = "The wombat left on Monday. " * 20, "The quokka stays. " * 20
    (notes / "zoo.md").write_text(f"# Stays\n\n{kept}\n\n# Leaves\n\n{gone}")
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
        (notes / "zoo.md").write_text(f"# Stays\n\n{kept}")
        for word in ("wombat", "quokka"):
            assert any(word in one.chunk.text for one in brain.search(word).evidence)
            list(brain.sync(cancel=threading.Event()))
            catalog, parts = brain._catalog, brain._parts
            chunks = catalog.chunk_ids()
            assert parts.chroma_is_current
            assert parts.words().ids() == chunks
            assert list(catalog.vector_ids(embedder.name)) == chunks
            vector = embedder.embed([word], kind="query")[0]
            assert sorted(hit.chunk_id for hit in parts.chroma(embedder.name).search(vector, 100)) == chunks
            assert not any(word in one.chunk.text for one in brain.search(word).evidence)
            (notes / "zoo.md").unlink(missing_ok=True)


def test_rebuild_embeds_again_only_when_asked_to(home, notes, embedder):
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
        before = names(brain.search("board garden"))
        embedder.embedded.clear()
        list(brain.rebuild(cancel=threading.Event()))
        assert embedder.embedded == []
        assert names(brain.search("board garden")) == before
        events = list(brain.rebuild(cancel=threading.Event(), vectors=True))
        assert len(embedder.embedded) == 2
        assert any(isinstance(event, VectorsAdded) for event in events)
        assert names(brain.search("board garden")) == before


def test_rebuild_fills_chroma_without_any_model(home, notes, embedder, monkeypatch):
    with open_brain(load(), own=True) as brain:
        index(brain, notes)

    def missing(self):
        raise ModelError("The model is not here yet")

    monkeypatch.setattr(Parts, "embedder", missing)
    with open_brain(load(), own=True) as brain:
        list(brain.rebuild(cancel=threading.Event()))
        assert brain._parts.chroma(embedder.name).count() == 2
        assert brain.search("board garden").degraded == ("vectors",)


def test_removing_a_folder_forgets_its_documents_at_once(home, notes, embedder):
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
        assert brain.remove(notes) == 2
        assert brain.status().chunks == 0
        with pytest.raises(StoreError, match="Nothing is indexed"):
            brain.search("garden")


@pytest.mark.parametrize(
    ("folder", "reason"), [("missing", "does not exist"), ("notes/board.md", "is a file, not a folder")]
)
def test_what_is_no_folder_cannot_be_added(home, notes, tmp_path, folder, reason):
    with open_brain(load(), own=True) as brain, pytest.raises(FolderMissing, match=reason):
        brain.add(tmp_path / folder)


def test_a_document_comes_back_as_it_was_read(home, notes, embedder):
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
        document = brain.document(notes / "board.md")
        assert document.text == (notes / "board.md").read_text()
        assert document.title == "Board"
        with pytest.raises(StoreError):
            brain.document(Path("/not/there.md"))


def test_a_follow_up_keeps_the_subject_of_the_question_before_it(home, notes, embedder):
    from brain.types import Message

    (notes / "hedge.md").write_text("The hedge is cut twice, and when is decided by Tom.")
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
        history = (Message("user", "Tell me about the pump for the well"), Message("assistant", "It is a pump."))
        events = brain.ask("And when?", history=history, cancel=threading.Event(), quotes=True)
        assert names(next(events))[0] == "pump.txt"
        events.close()
