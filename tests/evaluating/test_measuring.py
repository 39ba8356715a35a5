"""A set through the code that answers, with real catalog and words: what is scored, what is left out, what is said."""

import threading

import pytest

from brain.errors import ReadError
from brain.evaluating.homes import index, open_corpus
from brain.evaluating.measuring import Asked, Measured, measure
from brain.evaluating.runs import trec_lines
from brain.evaluating.sets import read_set
from brain.events import SyncStarted
from brain.settings import load
from tests.evaluating import tiny


def measured(folder, **options) -> Measured:
    *_, last = measure(load(), read_set(folder), cancel=threading.Event(), **options)
    assert isinstance(last, Measured)
    return last


@pytest.fixture
def folder(tmp_path):
    return tiny.write(tmp_path / "tiny")


def test_every_question_is_asked_and_scored_for_every_system(home, embedder, folder):
    report = measured(folder).report
    assert report.systems == ("words", "vectors", "rrf", "brain", "shown")
    assert [row.id for row in report.rows] == ["q1", "q2", "q3", "q4", "q5"]
    assert (report.documents, report.passages, report.asked) == (9, 9, 5)
    assert report.embedder == "hashing/1"
    assert report.means()["words"]["hit@1"].mean == 1.0
    assert all(row.first[system] == 1 for row in report.rows for system in ("words", "brain", "shown"))
    assert report.counted == {}
    assert report.degraded == ()


def test_a_document_counts_once_and_by_its_best_passage(home, embedder, tmp_path):
    paragraphs = [
        f"Paragraph {at}. " + "The board spoke of many other things for a long time. " * 12 for at in range(9)
    ]
    long = "\n\n".join([*paragraphs, "The lighthouse keeper paints the lantern every May."])
    folder = tiny.write(
        tmp_path / "long",
        documents=[("long", "", long), ("short", "", "A keeper of bees."), *tiny.DOCUMENTS[:3]],
        questions=[("q1", "When does the lighthouse keeper paint the lantern?")],
        judgments=[("q1", "long", 1)],
    )
    found = measured(folder)
    assert found.report.passages > found.report.documents + 5
    ranked = found.scored[0].ranked["brain"]
    assert ranked[0] == "long"
    assert len(set(ranked)) == len(ranked)


def test_unjudged_and_unanswerable_questions_are_counted_and_not_averaged(home, embedder, tmp_path, folder):
    odd = tiny.write(
        tmp_path / "odd",
        questions=[*tiny.QUESTIONS, ("q6", "xylophone"), ("q7", "saxophone")],
        judgments=[*tiny.JUDGMENTS, ("q7", "nowhere", 1)],
        more=[{"_id": "q8", "text": "zither", "answerable": False}],
    )
    clean, report = measured(folder).report, measured(odd).report
    assert report.means() == clean.means()
    assert report.counted == {
        "missing_documents": ("q7 nowhere",),
        "all_documents_missing": ("q7",),
        "unjudged": ("q6",),
        "unanswerable": ("q8",),
    }


def test_a_side_that_is_off_is_named_and_left_out_of_the_table(home, folder):
    report = measured(folder).report
    assert report.systems == ("words", "brain", "shown")
    assert report.degraded == ("vectors",)
    assert report.embedder == ""
    assert set(report.differences()) == {"words"}


def test_questions_with_filters_are_obeyed_and_counted_and_refused_ones_found_nothing(home, embedder, tmp_path):
    folder = tiny.write(
        tmp_path / "filters",
        questions=[("q1", 'When is the "pump set" delivered?'), ("q2", "the pump after:yore"), ("q3", "pump well")],
        judgments=[("q1", "pump", 1), ("q2", "pump", 1), ("q3", "pump", 1)],
    )
    report = measured(folder).report
    assert report.counted == {"obeyed_filters": ("q1", "q2"), "refused_questions": ("q2",)}
    assert [row.first["brain"] for row in report.rows] == [1, None, 1]
    assert report.means()["brain"]["hit@1"].mean == pytest.approx(2 / 3)


def test_stopping_ends_without_figures_and_keeps_what_was_indexed(home, embedder, folder):
    cancel, question_set = threading.Event(), read_set(folder)
    events = []
    for event in measure(load(), question_set, cancel=cancel):
        events.append(event)
        if isinstance(event, Asked) and event.done == 2:
            cancel.set()
    assert isinstance(events[-1], Asked)
    assert embedder.embedded
    before = len(embedder.embedded)
    assert len(measured(folder).report.rows) == 5
    assert len(embedder.embedded) == before


def test_a_sample_asks_only_so_many(home, embedder, folder):
    assert len(measured(folder, sample=2).report.rows) == 2


def test_a_set_without_anything_to_score_is_refused_before_anything_is_indexed(home, embedder, tmp_path):
    folder = tiny.write(tmp_path / "empty", judgments=[("q1", "bike", 0)])
    with pytest.raises(ReadError, match="5 unjudged"):
        measured(folder)
    assert embedder.embedded == []


def test_the_order_that_is_measured_is_the_order_that_is_searched(home, embedder, folder):
    found = measured(folder)
    question_set = read_set(folder)
    with open_corpus(load(), question_set) as opened:
        assert list(index(opened, question_set.documents, cancel=threading.Event())) == [SyncStarted(0)]
        for one in found.scored:
            shown = opened.parts.searcher.search(one.text, limit=10).evidence
            units = [opened.unit(evidence.chunk.path) for evidence in shown]
            assert list(one.ranked["shown"]) == list(dict.fromkeys(units))
            fused = opened.catalog.chunks([hit.chunk_id for hit in opened.parts.searcher.rankings(one.text).fused])
            assert list(one.ranked["brain"]) == [opened.unit(chunk.path) for chunk in fused.values()]


def test_rankings_are_written_as_trec_eval_reads_them(home, embedder, folder):
    lines = list(trec_lines(measured(folder).scored, "brain"))
    assert lines[0] == "q1 Q0 garden.md 1 999 brain"
    scores = [int(line.split()[-2]) for line in lines if line.startswith("q1 ")]
    assert scores == sorted(scores, reverse=True)
