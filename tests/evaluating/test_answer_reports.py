"""Reports of answers: figures worked out by hand from the questions, kept and read back, compared with ties told."""

import json
from dataclasses import replace

import pytest

from brain.cli.answer_figures import advice, rows_of, verdict
from brain.errors import ReadError
from brain.evaluating.answer_reports import AnswerReport, compared, from_json, to_json
from brain.evaluating.intervals import Bootstrap, Interval
from brain.evaluating.judging import Judged


def row(id: str, *, answerable=True, refused=False, fell_back=False, **values: float) -> Judged:
    return Judged(id, "fact", answerable, refused, fell_back, values, f"text of {id}")


# Four questions with an answer, one of them refused; two without, one of them refused.
QUOTES = (
    row("q1", f1=0.5, exact=0.0, contains=1.0, found=1.0, cites_right=0.5, cites_whole=1.0, sentences=2, unsupported=0, total=1.0),
    row("q2", f1=1.0, exact=1.0, contains=1.0, found=1.0, cites_right=1.0, cites_whole=1.0, sentences=1, unsupported=0, total=2.0),
    row("q3", f1=0.1, exact=0.0, contains=0.0, found=0.0, cites_right=0.0, cites_whole=0.0, sentences=1, unsupported=1, total=3.0),
    row("q4", f1=0.0, exact=0.0, contains=0.0, found=1.0, refused=True, total=1.0),
    row("q5", answerable=False, refused=True, total=1.0),
    row("q6", answerable=False, sentences=4, unsupported=3, total=4.0),
)  # fmt: skip


def raised(one: Judged) -> Judged:
    """The same, a quarter better, from the quotes."""
    f1 = {"f1": one.values["f1"] + 0.25} if "f1" in one.values else {}
    return replace(one, fell_back=True, values={**one.values, **f1})


BETTER = tuple(map(raised, QUOTES))


def report(sha256: str = "abc", **rows: tuple[Judged, ...]) -> AnswerReport:
    return AnswerReport(
        name="tiny",
        sha256=sha256,
        kind="corpus",
        documents=9,
        passages=12,
        asked=6,
        embedder="hashing/1",
        rows=rows or {"quotes": QUOTES},
        counted={"without_answer": ("q9",)},
        degraded=(),
        made="2026",
    )


def test_every_figure_counts_the_questions_it_is_about():
    means = {measure: found.mean for measure, found in report().figures()["quotes"].items()}
    assert means == pytest.approx(
        {
            "f1": 1.6 / 4,
            "exact": 1 / 4,
            "contains": 2 / 4,
            "f1_all": 2.6 / 6,  # the refusal of q5 is right, the answer to q6 is not
            "exact_all": 2 / 6,
            "found": 3 / 4,
            "cites_right": 1.5 / 3,
            "cites_whole": 2 / 3,
            "refusals_right": 1 / 2,
            "refusals_made": 1 / 2,
            "lost": 1 / 4,
            "unsupported": 4 / 8,
            "fell_back": 0.0,
            "total": 12 / 6,
        }
    )


def test_an_interval_holds_its_mean_and_shrinks_with_more_questions():
    few = report().figures()["quotes"]["f1"]
    many = report(quotes=QUOTES * 16).figures()["quotes"]["f1"]
    assert few.low <= few.mean <= few.high
    assert many.mean == pytest.approx(few.mean)
    assert many.high - many.low < (few.high - few.low) / 2


def test_a_ratio_of_nothing_is_none_and_one_of_ones_is_the_mean():
    draws = Bootstrap(3)
    assert draws.ratio([(0.0, 0.0)] * 3) is None
    assert draws.ratio([(1.0, 1.0), (0.0, 1.0), (2.0, 1.0)]) == draws.interval([1.0, 0.0, 2.0])
    with pytest.raises(ValueError, match="2 values"):
        draws.ratio([(1.0, 1.0)] * 2)


def test_systems_are_compared_question_by_question_and_a_tie_is_told():
    (found,) = report(quotes=QUOTES, model=BETTER).differences()
    assert (found.system, found.against) == ("model", "quotes")
    assert found.figures["f1"].mean == pytest.approx(0.25)
    assert (found.figures["f1"].low, found.figures["f1"].high) == pytest.approx((0.25, 0.25))
    assert not found.figures["f1"].holds_zero
    assert found.figures["contains"].holds_zero
    body = to_json(report(quotes=QUOTES, model=BETTER))
    assert body["differences"][0]["contains"]["tie"] is True
    assert body["differences"][0]["f1"]["tie"] is False


def test_a_report_comes_back_as_it_was_kept_and_texts_only_where_asked_for():
    whole = report(quotes=QUOTES)
    assert from_json(json.loads(json.dumps(to_json(whole, texts=True))), "x") == whole
    assert "text of" not in json.dumps(to_json(whole))


def test_two_reports_are_compared_system_by_system_over_the_questions_both_have():
    (found,) = compared(report(quotes=BETTER[:3], other=BETTER[:3]), report(quotes=QUOTES))
    assert found.system == "quotes"
    assert found.figures["f1"].mean == pytest.approx(0.25)
    assert compared(report(), report(sha256="other")) == []


@pytest.mark.parametrize("key", ["systems", "per_question", "set", "questions", "embedder"])
def test_a_report_that_lacks_a_part_is_refused(key):
    body = to_json(report())
    del body[key]
    with pytest.raises(ReadError, match="no report"):
        from_json(body, "x")
    with pytest.raises(ReadError, match="another version"):
        from_json({**to_json(report()), "answers": 2}, "x")


def test_what_to_try_next_is_told_with_what_search_and_what_the_answer_is_to_blame_for():
    told = " ".join(" ".join(advice("quotes", QUOTES)).split())
    assert "refuses 1 of 4 questions that have an answer; for 1 of them the right passage was found" in told
    assert "(q4)" in told
    assert "1 of 3 answers lack the right words; for 1 of them the right passage was not found (search)" in told
    assert "answers 1 of 2 questions that have no answer (fact 1 of 2)" in told
    assert "text of" not in told
    assert "text of q4" in " ".join(advice("quotes", QUOTES, texts=True))
    assert "the quotes answered in its place and are judged as its own. Of 0 answers in its own words" in " ".join(
        " ".join(advice("model", BETTER)).split()
    )
    assert list(advice("quotes", QUOTES[1:2])) == []


def test_the_table_has_a_row_for_each_system_and_dashes_where_nothing_counts():
    only_answerable = [one for one in QUOTES if one.is_answerable]
    rows = list(rows_of(report(quotes=tuple(only_answerable), model=tuple(only_answerable)), texts=False))
    assert rows[0].startswith("tiny: 4 questions with an answer, 0 without, about its own documents (9 documents")
    assert sum(row.startswith("  quotes ") for row in rows) == 4
    assert sum(row.startswith("  model ") for row in rows) == 4
    assert all(len(row) <= 110 for row in rows)
    assert any("0.400 (" in row for row in rows)


def test_more_is_better_of_everything_but_unsupported_sentences():
    more, nothing = Interval(0.2, 0.1, 0.3), Interval(0.0, -0.1, 0.1)
    assert verdict("f1", more) == "+.200 (+.100 … +.300) better"
    assert verdict("unsupported", more) == "+.200 (+.100 … +.300) worse"
    assert verdict("unsupported", Interval(-0.2, -0.3, -0.1)).endswith(" better")
    assert verdict("unsupported", nothing).endswith(" tie")
