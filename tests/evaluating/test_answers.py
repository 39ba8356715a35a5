"""A set answered through the Brain that answers people: real catalog and words, a scripted chat model."""

import json
import threading

import pytest

from brain.errors import ModelError, ReadError, StoreBusy
from brain.evaluating.answers import KEPT, Answers, MeasuredAnswers, measure_answers, systems_of
from brain.evaluating.homes import FOLDER
from brain.evaluating.sets import read_set
from brain.settings import load
from brain.store.claim import claim_store
from tests.evaluating import tiny

SAYS = {
    "How much": "The board agreed on 40 000 euros for the garden.",
    "When is the pump": "The pump set for the well is delivered in week 24.",
    "How long": "Sourdough rises for six hours in a warm kitchen.",
    "What does the lease": "Notice is three months in writing.",
    "How many gears": "Penguins dance underwater forever.",
}


@pytest.fixture
def folder(tmp_path):
    return tiny.write_answered(tmp_path / "tiny")


def run(folder, *systems, cancel=None, **options):
    return list(
        measure_answers(
            load(), read_set(folder, for_answers=True), systems, cancel=cancel or threading.Event(), **options
        )
    )


def rows(folder, *systems, **options):
    *_, last = run(folder, *systems, **options)
    assert isinstance(last, MeasuredAnswers)
    return {system: {row.id: row for row in judged} for system, judged in last.report.rows.items()}, last.report


def test_quotes_and_a_model_answer_the_same_questions_and_are_judged(home, chat, folder):
    chat.answers = SAYS
    found, report = rows(folder, "quotes", "scripted")
    assert report.systems == ("quotes", "scripted")
    assert [row.id for row in report.questions] == ["q1", "q2", "q3", "q5", "q7", "q8"]
    quotes, scripted = found["quotes"], found["scripted"]
    assert [quotes[id].values["contains"] for id in ("q1", "q2", "q3")] == [1.0, 1.0, 1.0]
    assert [scripted[id].values["contains"] for id in ("q1", "q2", "q3", "q5")] == [1.0, 1.0, 1.0, 0.5]
    # board agreed on 40 000 euros for garden: 8 words, 3 of them the answer's
    assert scripted["q1"].values["f1"] == pytest.approx(2 * 3 / (8 + 3))
    assert scripted["q1"].values["cites_whole"] == scripted["q1"].values["documents_right"] == 1.0
    assert scripted["q5"].values["cites_whole"] == 0.5  # one part of two, though both were found
    assert scripted["q5"].values["found"] == 1.0
    assert scripted["q1"].values["completion"] == 10
    assert quotes["q1"].values["completion"] == 0
    assert quotes["q7"].is_refused
    assert scripted["q7"].is_refused
    assert not scripted["q7"].is_answerable


def test_a_model_that_says_what_stands_nowhere_falls_back_to_the_quotes_and_that_is_counted(home, chat, folder):
    chat.answers = SAYS
    found, _ = rows(folder, "quotes", "scripted", texts=True)
    assert found["scripted"]["q8"].fell_back
    assert found["scripted"]["q8"].answer == found["quotes"]["q8"].answer
    assert not found["scripted"]["q1"].fell_back


def test_the_first_question_of_a_run_starts_the_models_and_its_seconds_count_for_nobody(embedder, folder):
    found, _ = rows(folder, "quotes")
    assert "total" not in found["quotes"]["q1"].values
    assert found["quotes"]["q2"].values["total"] > 0


def test_what_was_asked_before_it_was_stopped_is_not_asked_again(home, chat, folder):
    chat.answers = SAYS
    cancel = threading.Event()
    events = []
    for event in measure_answers(load(), read_set(folder, for_answers=True), ("scripted",), cancel=cancel):
        events.append(event)
        if isinstance(event, Answers) and event.done == 2:
            cancel.set()
    assert isinstance(events[-1], Answers)
    assert len(chat.asked) == 2
    kept = list((home / KEPT).iterdir())
    assert len(kept) == 1
    assert "40 000" not in kept[0].read_text()  # figures, no words of notes or answers
    found, report = rows(folder, "scripted")
    assert len(report.questions) == 6
    assert len([messages for messages in chat.asked if "How much" in messages[-1].text]) == 1
    assert found["scripted"]["q1"].text == "How much did the board agree on for the garden?"
    assert list((home / KEPT).iterdir()) == []
    rows(folder, "scripted")  # a run that was whole is not gone on with
    assert len([messages for messages in chat.asked if "How much" in messages[-1].text]) == 2


@pytest.mark.parametrize(("anew", "again"), [(False, {"q3"}), (True, {"q1", "q2", "q3"})])
def test_a_line_that_was_cut_is_asked_again_and_anew_everything(chat, home, folder, anew, again):
    chat.answers, cancel = SAYS, threading.Event()
    for event in measure_answers(load(), read_set(folder, for_answers=True), ("scripted",), cancel=cancel):
        if isinstance(event, Answers) and event.done == 3:
            cancel.set()
    [kept] = (home / KEPT).iterdir()
    kept.write_text(kept.read_text()[:-20])  # killed while it wrote
    chat.asked.clear()
    _, report = rows(folder, "scripted", anew=anew)
    texts = "".join(messages[-1].text for messages in chat.asked)
    assert {row.id for row in report.questions[:3] if row.text in texts} == again
    assert "What does the lease" in texts


def test_an_answer_that_was_stopped_halfway_is_not_judged(home, chat, folder, monkeypatch):
    cancel = threading.Event()
    stream = chat.stream

    def stopping(messages, *, limit, cancel):
        for piece in stream(messages, limit=limit, cancel=cancel):
            yield piece
            stop()

    def stop():
        cancel.set()

    chat.answers = SAYS
    monkeypatch.setattr(chat, "stream", stopping)
    assert not [event for event in run(folder, "scripted", cancel=cancel) if isinstance(event, Answers)]


def test_a_set_needs_no_judgments_where_it_has_answers(embedder, folder):
    (folder / "qrels.tsv").unlink()
    found, report = rows(folder, "quotes")
    assert found["quotes"]["q1"].values["cites_whole"] == 1.0
    assert "documents_right" not in found["quotes"]["q1"].values
    assert report.counted == {}


def test_questions_whose_answer_nobody_gave_are_counted_and_left_out(embedder, tmp_path):
    unknown = {"_id": "q9", "text": "What does the lease say?"}
    folder = tiny.write_answered(tmp_path / "odd", [*tiny.ANSWERED, unknown])
    _, report = rows(folder, "quotes")
    assert report.counted == {"without_answer": ("q9",)}
    assert len(report.questions) == 6
    only = tiny.write_answered(tmp_path / "only", [unknown])
    with pytest.raises(ReadError, match="1 without answer"):
        run(only, "quotes")


def test_a_question_that_is_not_understood_counts_as_refused(embedder, tmp_path):
    odd = {"_id": "q9", "text": "the pump after:yore", "answers": ["week 24"]}
    folder = tiny.write_answered(tmp_path / "odd", [odd])
    found, _ = rows(folder, "quotes")
    assert found["quotes"]["q9"].is_refused
    assert found["quotes"]["q9"].values["contains"] == 0.0


@pytest.mark.parametrize(
    "row", [{"answers": "one"}, {"answers": [1]}, {"all_of": [[]]}, {"all_of": "x"}, {"all_of": [3]}]
)
def test_answers_that_are_no_texts_are_named_with_their_line(tmp_path, row):
    folder = tiny.write_answered(tmp_path / "odd", [{"_id": "q1", "text": "x", **row}])
    with pytest.raises(ReadError, match=r"queries\.jsonl, line 1"):
        read_set(folder, for_answers=True)


def test_without_names_the_quotes_are_asked_and_the_model_of_the_settings_where_it_is_here(home, chat):
    assert systems_of(load()) == ("quotes",)
    (home / "config.toml").write_text('[chat]\nmodel = "scripted"\n')
    assert systems_of(load()) == ("quotes", "scripted")
    assert systems_of(load(), ("scripted", "quotes", "scripted")) == ("scripted", "quotes")
    with pytest.raises(ModelError):
        systems_of(load(), ("quotes", "nobody"))


def test_a_set_that_another_process_measures_is_left_alone(home, embedder, folder):
    question_set = read_set(folder, for_answers=True)
    with claim_store(home / FOLDER / question_set.corpus_sha256[:16]), pytest.raises(StoreBusy):
        run(folder, "quotes")


def test_a_sample_asks_only_so_many(embedder, folder):
    assert len(rows(folder, "quotes", sample=2)[1].questions) == 2


def test_without_an_embedder_words_alone_find_and_it_is_told(home, folder):
    found, report = rows(folder, "quotes")
    assert (report.degraded, report.embedder) == (("vectors",), "")
    assert found["quotes"]["q1"].values["contains"] == 1.0
    json.dumps([dict(row.values) for row in report.questions])
