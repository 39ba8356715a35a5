"""The measures of one question: a ranking of documents against what is known to be right. Pure.

nDCG is that of trec_eval's `ndcg_cut` (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques",
ACM TOIS 20(4), 2002, with the gain itself in place of 2^gain − 1): gain ÷ log2(rank + 1), over the same sum for the best
possible order. Recall and MRR (Voorhees, TREC-8, 1999) count a document as right where its judgment is 1 or more.
Fusing by rank is Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet", SIGIR 2009.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from math import log2
from typing import TypeVar

CUT = 10
RRF_CONSTANT = 60
METRICS = ("ndcg@10", "recall@5", "recall@10", "mrr@10", "hit@1")

T = TypeVar("T", bound=Hashable)


def measures(ranked: Sequence[str], gold: Mapping[str, int]) -> dict[str, float]:
    """Every metric of one ranking of distinct documents. `gold` holds at least one judgment of 1 or more."""
    return {
        "ndcg@10": ndcg(ranked, gold, CUT),
        "recall@5": recall(ranked, gold, 5),
        "recall@10": recall(ranked, gold, CUT),
        "mrr@10": reciprocal_rank(ranked, gold, CUT),
        "hit@1": recall(ranked, gold, 1) and 1.0,
    }


def ndcg(ranked: Sequence[str], gold: Mapping[str, int], cut: int) -> float:
    """The gains of the first `cut`, discounted by rank, as a share of the best there could be. Unjudged: no gain."""
    best = _discounted(sorted(gold.values(), reverse=True)[:cut])
    return _discounted([gold.get(document, 0) for document in ranked[:cut]]) / best if best else 0.0


def recall(ranked: Sequence[str], gold: Mapping[str, int], cut: int) -> float:
    """How many of the right documents are among the first `cut`, as a share of all."""
    right = {document for document, gain in gold.items() if gain >= 1}
    return len(right.intersection(ranked[:cut])) / len(right) if right else 0.0


def reciprocal_rank(ranked: Sequence[str], gold: Mapping[str, int], cut: int) -> float:
    """1 ÷ the rank of the first right document; 0 where it is not among the first `cut`."""
    rank = first_right(ranked[:cut], gold)
    return 1 / rank if rank else 0.0


def first_right(ranked: Sequence[str], gold: Mapping[str, int]) -> int | None:
    """The rank of the first right document, counted from 1."""
    return next((rank for rank, document in enumerate(ranked, start=1) if gold.get(document, 0) >= 1), None)


def fuse_by_rank(rankings: Iterable[Sequence[T]], constant: int = RRF_CONSTANT) -> list[T]:
    """Reciprocal rank fusion: each ranking gives 1 ÷ (constant + rank). Equal sums keep the order of the first ranking."""
    sums: defaultdict[T, float] = defaultdict(float)
    for ranking in rankings:
        for rank, one in enumerate(ranking, start=1):
            sums[one] += 1 / (constant + rank)
    return sorted(sums, key=lambda one: -sums[one])


def _discounted(gains: Sequence[int]) -> float:
    return sum(max(0, gain) / log2(rank + 1) for rank, gain in enumerate(gains, start=1))
