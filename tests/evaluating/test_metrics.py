"""The measures against figures worked out by hand from their definitions, with graded judgments."""

from math import log2

import pytest

from brain.evaluating.metrics import fuse_by_rank, measures, ndcg, reciprocal_rank

GRADED = {"a": 3, "b": 2, "c": 1, "bad": 0}
BEST = 3 + 2 / log2(3) + 1 / 2  # a, b, c


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        (("a", "b", "c"), 1.0),
        (("c", "b", "a"), (1 + 2 / log2(3) + 3 / 2) / BEST),
        (("bad", "a"), (3 / log2(3)) / BEST),
        (("x", "y", "b", "z", "a"), (2 / 2 + 3 / log2(6)) / BEST),
        ((*"defghijklm", "a"), 0.0),  # the eleventh
        ((*"defghijkl", "a"), (3 / log2(11)) / BEST),  # the tenth
        ((), 0.0),
    ],
)
def test_ndcg_is_that_of_trec_eval(ranked, expected):
    assert ndcg(ranked, GRADED, 10) == pytest.approx(expected, abs=1e-12)


def test_ndcg_of_more_right_documents_than_the_cut_can_still_be_one():
    gold = {f"d{at}": 1 for at in range(30)}
    assert ndcg([f"d{at}" for at in range(20, 30)], gold, 10) == pytest.approx(1.0)


def test_judgments_below_zero_count_as_wrong():
    assert ndcg(("spam", "a"), {"a": 1, "spam": -2}, 10) == pytest.approx(1 / log2(3))


def test_all_measures_of_one_ranking():
    found = measures(("x", "b", "y", "z", "w", "a"), GRADED)
    assert found == pytest.approx(
        {
            "ndcg@10": (2 / log2(3) + 3 / log2(7)) / BEST,
            "recall@5": 1 / 3,
            "recall@10": 2 / 3,
            "mrr@10": 1 / 2,
            "hit@1": 0.0,
        }
    )
    assert measures(("c",), GRADED)["hit@1"] == 1.0


def test_a_right_document_after_the_cut_has_no_reciprocal_rank():
    assert reciprocal_rank((*"defghijklm", "a"), GRADED, 10) == 0.0


def test_fusing_by_rank_adds_one_over_sixty_plus_rank():
    # b: 1/62 + 1/61, a: 1/61 + 1/63, d: 1/62, c: 1/63
    assert fuse_by_rank((("a", "b", "c"), ("b", "d", "a"))) == ["b", "a", "d", "c"]


def test_what_is_equal_keeps_the_order_of_the_first_ranking():
    assert fuse_by_rank((("a", "b"), ("b", "a"))) == ["a", "b"]
    assert fuse_by_rank(((), ())) == []
