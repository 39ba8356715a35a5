"""The main job on the starter models, from nothing to a cited answer, as a newcomer meets it."""

import json
import os
import threading
from pathlib import Path

import pytest

from brain.cli import DONE, FAILED, main
from brain.engine import open_brain
from brain.events import Answered, Reading, Retrieved, SyncFinished, Token
from brain.models.shelf import Shelf
from brain.sample import QUESTIONS, VAULT
from brain.settings import load

pytestmark = pytest.mark.real


@pytest.fixture
def stocked_home(home: Path, shelf: Shelf) -> Path:
    (home / "config.toml").write_text(f'models_folder = "{shelf.folder}"\n')
    return home


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, shelf: Shelf):
    """The sample vault with words and vectors, in a home of this module's own."""
    home = tmp_path_factory.mktemp("indexed")
    (home / "config.toml").write_text(f'models_folder = "{shelf.folder}"\n')
    with open_brain(load(home), own=True) as brain:
        brain.add(VAULT)
        *_, finished = brain.sync(cancel=threading.Event())
        assert isinstance(finished, SyncFinished)
        yield brain


def test_demo_answers_both_questions_from_the_right_places_and_a_second_run_does_nothing_again(stocked_home, capsys):
    for first in (True, False):
        assert main(["demo", "--json"]) == DONE
        printed = capsys.readouterr()
        body = json.loads(printed.out)
        assert [answer["question"] for answer in body["answers"]] == [question.text for question in QUESTIONS]
        for answer, question in zip(body["answers"], QUESTIONS, strict=True):
            assert not answer["abstained"]
            assert answer["model"].startswith("smollm2")
            assert answer["degraded"] == []
            cited = answer["citations"][0]
            assert cited["path"] == str(VAULT / question.path)
            assert cited["page"] == question.page
            assert any(sentence["supported"] for sentence in answer["sentences"])
        assert "13 documents" in printed.err
        with open_brain(load(stocked_home / "demo"), own=False) as brain:
            status = brain.status()
        assert (status.indexed, status.failed, status.vectors_pending) == (13, 0, 0)
        if first:
            before = {path: path.stat().st_mtime_ns for path in (stocked_home / "demo" / "chroma").rglob("*.bin")}
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_demo_for_people_shows_answers_sources_and_what_to_type_next(stocked_home, capsys):
    assert main(["demo"]) == DONE
    out = capsys.readouterr().out
    for said in ("1.2 and 1.6 bar", "1,100 litres", "[1] ", "handbook.pdf p.4", "Garden log.md:", "brain ~/notes"):
        assert said in out


def test_demo_offline_without_models_says_what_is_missing(home, capsys):
    assert main(["demo", "--offline"]) == FAILED
    err = capsys.readouterr().err
    assert "offline" in err
    assert "Traceback" not in err


def test_events_of_a_real_answer_come_in_order(indexed):
    events = list(indexed.ask(QUESTIONS[0].text, cancel=threading.Event()))
    assert isinstance(events[0], Retrieved)
    kinds = [type(event) for event in events]
    assert kinds.index(Reading) < kinds.index(Token) < kinds.index(Answered) == len(kinds) - 1
    answered = events[-1]
    for citation in answered.citations:
        document = indexed.document(citation.path)
        assert document.text[citation.start : citation.end] == citation.quote
    assert answered.usage.prompt_tokens > 50
    assert answered.usage.completion_tokens > 5


def test_quotes_stand_in_the_file_on_disk_byte_for_byte(indexed):
    note = next(question for question in QUESTIONS if question.page is None)
    *_, answered = indexed.ask(note.text, cancel=threading.Event(), quotes=True)
    text = (VAULT / note.path).read_text(encoding="utf-8")
    assert answered.citations
    for citation in answered.citations:
        if citation.path == VAULT / note.path:
            assert text[citation.start : citation.end] == citation.quote


def test_meaning_finds_what_no_word_of_the_question_names(indexed):
    best = indexed.search("punctual departure by rail").evidence[0]
    assert best.chunk.path.name == "Kanazawa 2026.md"
    assert best.scores.words is None
    assert best.scores.vectors is not None


def test_what_is_not_in_the_vault_is_not_answered(indexed):
    *_, answered = indexed.ask("What is the wifi password of the guest network in Toronto?", cancel=threading.Event())
    assert answered.abstained
    assert answered.citations == ()


def test_cancel_before_the_first_word_ends_quickly_and_the_next_answer_is_whole(indexed):
    cancel = threading.Event()
    events = []
    for event in indexed.ask(QUESTIONS[0].text, cancel=cancel):
        events.append(event)
        if isinstance(event, Reading):
            cancel.set()
    assert not any(isinstance(event, Token) for event in events)
    assert events[-1].stopped
    *_, answered = indexed.ask(QUESTIONS[0].text, cancel=threading.Event())
    assert "1.2" in answered.answer


def test_a_chat_model_as_embedder_and_the_reverse_are_refused_with_a_next_step(stocked_home, shelf, tmp_path, capsys):
    (tmp_path / "note.md").write_text("A note about the garden.")
    main(["add", str(tmp_path), "--words-only"])
    (stocked_home / "config.toml").write_text(
        f'models_folder = "{shelf.folder}"\n[embed]\nmodel = "smollm2-135m-instruct"\n[chat]\nmodel = "all-minilm-l6-v2"\n'
    )
    capsys.readouterr()
    assert main(["search", "garden", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["degraded"] == ["vectors"]
    assert main(["ask", "What is the note about the garden?", "--json"]) == DONE
    body = json.loads(capsys.readouterr().out)
    assert set(body["degraded"]) == {"vectors", "chat"}
    assert main(["status"]) == DONE
    out = capsys.readouterr().out
    assert "vectors:" in out and "chat:" in out


def test_a_truncated_model_is_named_with_what_to_do(stocked_home, shelf, tmp_path, capsys):
    models = tmp_path / "models"
    models.mkdir()
    whole = (shelf.folder / "all-minilm-l6-v2.gguf").read_bytes()
    (models / "all-minilm-l6-v2.gguf").write_bytes(whole[: len(whole) // 2])
    (stocked_home / "config.toml").write_text(f'models_folder = "{models}"\n')
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("A note.")
    assert main(["add", str(notes)]) == DONE
    err = capsys.readouterr().err
    assert "is incomplete" in err
    assert "brain models pull all-minilm-l6-v2" in err
    assert os.listdir(stocked_home / "words")
