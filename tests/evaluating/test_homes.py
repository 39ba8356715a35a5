"""A corpus in a home of its own: every document once, found again, gone on with after a stop."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import ModelError, StoreBusy
from brain.evaluating.homes import FOLDER, document_of, index, open_corpus, path_of
from brain.evaluating.sets import Source, read_set
from brain.events import FellBack, FileIndexed, SyncStarted, VectorsAdded
from brain.parts import Parts
from brain.settings import load
from tests.evaluating import tiny
from tests.fakes import HashingEmbedder


@pytest.fixture
def question_set(tmp_path):
    return read_set(tiny.write(tmp_path / "tiny"))


def indexed(question_set, *, stop_after: int | None = None) -> list:
    """The events of one indexing, which is told to stop once so many documents are in."""
    cancel, events = threading.Event(), []
    with open_corpus(load(), question_set) as home:
        for event in index(home, question_set.documents, cancel=cancel):
            events.append(event)
            if stop_after is not None and sum(isinstance(one, FileIndexed) for one in events) == stop_after:
                cancel.set()
    return events


def test_each_document_is_indexed_once_and_a_second_run_finds_all_there(home, embedder, question_set):
    first = indexed(question_set)
    assert first[0] == SyncStarted(9)
    assert sum(isinstance(event, FileIndexed) for event in first) == 9
    assert first[-1] == VectorsAdded(9, 0)
    assert indexed(question_set) == [SyncStarted(0)]
    assert len(embedder.embedded) == 9
    assert [path.name for path in (home / FOLDER).iterdir()] == [question_set.corpus_sha256[:16]]


def test_a_stopped_run_is_gone_on_with(home, embedder, question_set):
    stopped = indexed(question_set, stop_after=4)
    assert not any(isinstance(event, VectorsAdded) for event in stopped)
    after = indexed(question_set)
    assert after[0] == SyncStarted(5)
    assert after[-1] == VectorsAdded(9, 0)


def test_the_same_corpus_under_another_name_with_other_questions_is_found_again(home, embedder, question_set, tmp_path):
    indexed(question_set)
    other = read_set(tiny.write(tmp_path / "elsewhere", questions=tiny.QUESTIONS[:1]))
    assert indexed(other) == [SyncStarted(0)]


def test_another_embedder_embeds_again_and_cuts_again(home, question_set, monkeypatch):
    monkeypatch.setattr(Parts, "embedder", lambda self: HashingEmbedder())
    indexed(question_set)
    other = HashingEmbedder("hashing/2")
    other.recipe = "words/2"
    monkeypatch.setattr(Parts, "embedder", lambda self: other)
    events = indexed(question_set)
    assert events[0] == SyncStarted(9)
    assert events[-1] == VectorsAdded(9, 0)


def test_without_a_model_words_are_indexed_and_it_is_said(home, question_set):
    *_, last = indexed(question_set)
    assert isinstance(last, FellBack)
    assert last.part == "vectors"
    with open_corpus(load(), question_set) as opened:
        assert opened.parts.words().count() == 9
        with pytest.raises(ModelError):
            opened.parts.embedder()


def test_two_runs_at_once_do_not_share_a_home(home, embedder, question_set):
    with open_corpus(load(), question_set), pytest.raises(StoreBusy), open_corpus(load(), question_set):
        pass


def test_a_note_is_read_as_the_note_it_is_and_anything_else_as_text():
    note = document_of(Source("work/plan.md", "ignored", "---\ntags: [tax]\n---\n# The plan\n\nText."))
    assert (note.title, note.format, note.tags, note.blocks[0].kind) == ("The plan", "markdown", ("tax",), "heading")
    plain = document_of(Source("7", "A title", "# not a heading\n\nText."))
    assert (plain.title, plain.titled, plain.format) == ("A title", True, "text")
    assert [block.kind for block in plain.blocks] == ["prose", "prose"]
    assert not document_of(Source("7", "", "Text.")).titled


def test_a_document_of_a_title_alone_can_be_found_and_hostile_text_is_made_harmless():
    assert document_of(Source("7", "Telephone of the plumber", " ")).text == "Telephone of the plumber"
    assert "\x1b" not in document_of(Source("7", "A\x1b[31m", "red \x1b[31m\x00")).text


IDS = st.text(alphabet=st.sampled_from("ab/.%\x00\n é语\ud800~"), min_size=1, max_size=6)


@given(IDS, IDS)
def test_two_ids_never_share_a_path(one, other):
    assert (path_of(one) == path_of(other)) == (one == other)


@given(IDS)
def test_every_path_lies_below_the_root_and_can_be_stored(id):
    path = path_of(id)
    assert Path("/set") in path.parents
    assert ".." not in path.parts
    assert b"\x00" not in bytes(path)


def test_readable_ids_stay_readable():
    assert path_of("pages/What is it?.md") == Path("/set/pages/What is it%3F.md")
    assert path_of("语言.md") == Path("/set/语言.md")
