"""Sets as they come: what is wrong with one is counted by name, and a broken line is named with its number."""

import json
import os

import pytest

from brain.errors import ReadError, SettingsError
from brain.evaluating.sets import read_set
from tests.evaluating import tiny


@pytest.fixture
def folder(tmp_path):
    return tiny.write(tmp_path / "tiny")


def test_a_set_is_read_with_its_judgments(folder):
    found = read_set(folder)
    assert (found.name, found.asked, len(found.documents)) == ("tiny", 5, 9)
    assert [question.id for question in found.questions] == ["q1", "q2", "q3", "q4", "q5"]
    assert found.questions[0].gold == {"garden.md": 2, "roof.md": 1, "bike": 0}
    assert found.flaws == {}
    assert not found.is_of_notes


def test_what_is_wrong_with_a_set_is_counted_and_not_scored(tmp_path):
    folder = tiny.write(
        tmp_path / "odd",
        documents=[*tiny.DOCUMENTS, ("pump", "Again", "Another text."), ("blank", " ", "\n")],
        questions=[*tiny.QUESTIONS, ("q2", "asked twice"), ("q6", "unjudged"), ("q7", "wrong only"), ("q8", "all gone")],
        judgments=[
            *tiny.JUDGMENTS, ("q2", "pump", 0), ("q3", "nowhere", 1), ("q7", "bike", 0), ("q8", "nowhere", 1), ("q9", "bike", 1),
        ],
        more=[{"_id": "q10", "text": "no answer", "answerable": False}],
    )  # fmt: skip
    found = read_set(folder)
    assert [question.id for question in found.questions] == ["q1", "q2", "q3", "q4", "q5"]
    assert found.questions[2].gold == {"bread": 1}
    assert found.asked == 9
    assert found.flaws == {
        "repeated_documents": ("pump",),
        "empty_documents": ("blank",),
        "repeated_questions": ("q2",),
        "repeated_judgments": ("q2 pump",),
        "missing_documents": ("q3 nowhere", "q8 nowhere"),
        "all_documents_missing": ("q8",),
        "unjudged": ("q6", "q7"),
        "unanswerable": ("q10",),
        "unknown_questions": ("q9",),
    }
    assert next(document.text for document in found.documents if document.id == "pump").startswith("The pump")


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("corpus.jsonl", b'{"_id": "x", "text": "cut', "not JSON"),
        ("corpus.jsonl", b'["x", "y"]', "not a JSON object"),
        ("corpus.jsonl", b'{"_id": "x"}', '"text" is missing'),
        ("corpus.jsonl", b'{"_id": "x", "text": 3}', '"text" is missing or no text'),
        ("corpus.jsonl", b'{"text": "y"}', '"_id" is missing'),
        ("corpus.jsonl", b'{"_id": " ", "text": "y"}', '"_id" is missing'),
        ("corpus.jsonl", b'{"_id": "x", "text": "caf\xe9"}', "not UTF-8"),
        ("corpus.jsonl", b"[" * 100_000, "not JSON"),
        ("queries.jsonl", b"what is this?", "not JSON"),
        ("qrels.tsv", b"q1\tpump", "question, document and judgment"),
        ("qrels.tsv", b"q1\tpump\tyes", "'yes' is no number"),
        ("qrels.tsv", b"q1\tpump\tinf", "'inf' is no number"),
    ],
    ids=range(12),
)
def test_a_broken_line_is_named_with_its_number(folder, name, line, said):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole + b"\n" + line + b"\n")
    with pytest.raises(ReadError, match=said) as raised:
        read_set(folder)
    number = whole.count(b"\n") + 2
    assert f"{name}, line {number}:" in raised.value.reason


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_folder_that_is_no_set_is_wrong_usage(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(SettingsError, match=missing):
        read_set(folder)


def test_an_empty_corpus_is_refused(folder):
    (folder / "corpus.jsonl").write_text("\n")
    with pytest.raises(ReadError, match="empty"):
        read_set(folder)


def test_a_pipe_in_place_of_a_file_is_refused_at_once(folder):
    (folder / "corpus.jsonl").unlink()
    os.mkfifo(folder / "corpus.jsonl")
    with pytest.raises(ReadError, match="pipe"):
        read_set(folder)


def test_other_spellings_of_the_layout_are_read(folder):
    before = read_set(folder)
    judged = [f"{question} 0 {id} {gain}" for question, id, gain in tiny.JUDGMENTS if " " not in id]
    (folder / "qrels.tsv").write_text("\n".join([*judged, "q4\t0\ttitle only\t1.0"]))
    asked = [json.dumps({"_id": id, "text": text}) for id, text in tiny.QUESTIONS]
    (folder / "queries.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(asked).encode())
    assert read_set(folder).questions == before.questions


def test_numbers_as_ids_are_the_same_as_texts(tmp_path):
    folder = tiny.write(tmp_path / "numbers", documents=[("7", "", "seven")], judgments=[("1", "7", 1)], questions=[])
    (folder / "queries.jsonl").write_text('{"_id": 1, "text": "which number?"}')
    assert read_set(folder).questions[0].gold == {"7": 1}


def test_a_sample_is_the_same_each_time_and_in_order(folder):
    found = read_set(folder)
    some = [question.id for question in found.sample(3).questions]
    assert len(some) == 3
    assert some == sorted(some) == [question.id for question in read_set(folder).sample(3).questions]
    assert found.sample(50) == found.sample(None) == found


def test_a_set_is_known_by_what_is_in_it(folder, tmp_path):
    first, copy = read_set(folder), read_set(tiny.write(tmp_path / "copy"))
    assert (first.sha256, first.corpus_sha256) == (copy.sha256, copy.corpus_sha256)
    other = read_set(tiny.write(tmp_path / "other", questions=tiny.QUESTIONS[:2]))
    assert other.corpus_sha256 == first.corpus_sha256
    assert other.sha256 != first.sha256
