"""Reports: kept and read back whole, means and differences from the questions, anything else refused."""

import json

import pytest

from brain.errors import ReadError
from brain.evaluating.metrics import METRICS
from brain.evaluating.reports import Report, Row, compared, from_json, load, to_json

SYSTEMS = ("words", "vectors", "rrf", "brain", "shown")


def row(id: str, **figures: float) -> Row:
    """A question whose every metric is the same figure."""
    values = {system: dict.fromkeys(METRICS, figures.get(system, 0.5)) for system in SYSTEMS}
    return Row(id, values, {system: 1 if figures.get(system, 0.5) else None for system in SYSTEMS}, f"text of {id}")


def report(*rows: Row, sha256: str = "abc") -> Report:
    return Report(
        name="tiny",
        sha256=sha256,
        kind="corpus",
        documents=9,
        passages=12,
        asked=6,
        embedder="hashing/1",
        systems=SYSTEMS,
        rows=rows,
        counted={"unjudged": ("q9",)},
        degraded=(),
        made="2026-01-01T00:00:00+00:00",
    )


ROWS = tuple(row(f"q{at}", words=0.25, brain=0.75 if at else 0.0, vectors=1.0 if at == 1 else 0.5) for at in range(6))


def test_a_report_comes_back_as_it_was_kept_and_texts_only_where_asked_for():
    whole = report(*ROWS)
    assert from_json(json.loads(json.dumps(to_json(whole, texts=True))), "x") == whole
    assert "text of" not in json.dumps(to_json(whole))


def test_means_and_differences_are_those_of_the_questions():
    body = to_json(report(*ROWS))
    assert body["systems"]["brain"]["ndcg@10"]["mean"] == pytest.approx(0.75 * 5 / 6, abs=1e-6)
    assert body["differences"]["words"]["ndcg@10"]["mean"] == pytest.approx(0.75 * 5 / 6 - 0.25, abs=1e-6)
    assert body["differences"]["words"]["ndcg@10"]["tie"] is False
    assert set(body["differences"]) == {"words", "vectors", "rrf"}
    assert body["questions"] == {"asked": 6, "scored": 6}
    assert body["counted"] == {"unjudged": ["q9"]}


def test_losses_are_the_worst_first():
    whole = report(*ROWS)
    assert [(loss.row.id, loss.difference) for loss in whole.losses("vectors")] == [("q0", -0.5), ("q1", -0.25)]
    assert to_json(whole)["losses"] == {"words": ["q0"], "vectors": ["q0", "q1"]}


def test_two_reports_are_compared_over_the_questions_both_have():
    better = report(*(row(f"q{at}", brain=0.9) for at in range(8)))
    found = compared(better, report(*ROWS))
    assert found["ndcg@10"].mean == pytest.approx(0.9 - 0.75 * 5 / 6)
    assert not found["ndcg@10"].holds_zero
    assert compared(report(*ROWS), report(*ROWS))["ndcg@10"].holds_zero
    assert compared(report(*ROWS), report(*ROWS, sha256="other")) is None


@pytest.mark.parametrize(
    "written",
    ["", "{", "[]", "3", '"text"', "null", "{}", '{"report": 1}', '{"report": 2}', "[" * 100_000],
    ids=range(10),
)
def test_what_is_no_report_is_refused(tmp_path, written):
    (tmp_path / "report.json").write_text(written)
    with pytest.raises(ReadError):
        load(tmp_path / "report.json")


@pytest.mark.parametrize("key", ["systems", "per_question", "set", "questions", "embedder"])
def test_a_report_that_lacks_a_part_is_refused(key):
    body = to_json(report(*ROWS))
    del body[key]
    with pytest.raises(ReadError, match="no report"):
        from_json(body, "x")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ReadError, match="nowhere"):
        load(tmp_path / "nowhere.json")
