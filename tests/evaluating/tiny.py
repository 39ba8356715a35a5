"""A set of nine documents and its questions, small enough to judge by eye, and with every fault a set can have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

DOCUMENTS = (
    ("garden.md", "Garden", "# Garden\n\nThe board agreed on 40 000 euros for the garden, to be spent before October."),
    ("roof.md", "Roof", "# Roof\n\nTom asks two firms for an offer for the roof by April."),
    ("pump", "The well", "The pump set for the well is delivered in week 24."),
    ("bread", "", "Sourdough rises for six hours in a warm kitchen before it is baked."),
    ("train", "Journey", "The night train to Vienna leaves at ten from platform four."),
    ("lease", "Lease", "The lease of the flat ends in March; notice is three months in writing."),
    ("bike", "Bicycle", "The bicycle needs new brakes and a chain before spring."),
    ("choir", "Choir", "Choir practice is on Tuesday evening in the old school."),
    ("title only", "Telephone number of the plumber", ""),
)
QUESTIONS = (
    ("q1", "How much did the board agree on for the garden?"),
    ("q2", "When is the pump for the well delivered?"),
    ("q3", "How long does sourdough rise before it is baked?"),
    ("q4", "plumber telephone"),
    ("q5", "What does the lease say about notice, and when is choir practice?"),
)
JUDGMENTS = (
    ("q1", "garden.md", 2), ("q1", "roof.md", 1), ("q1", "bike", 0), ("q2", "pump", 1), ("q3", "bread", 1),
    ("q4", "title only", 1), ("q5", "lease", 1), ("q5", "choir", 1),
)  # fmt: skip


def write(
    folder: Path,
    *,
    documents: Iterable[tuple[str, str, str]] = DOCUMENTS,
    questions: Iterable[tuple[str, str]] = QUESTIONS,
    judgments: Iterable[tuple[str, str, int]] = JUDGMENTS,
    more: Iterable[Mapping[str, object]] = (),
) -> Path:
    """Write a set; `more` are lines of queries.jsonl as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = [json.dumps({"_id": id, "title": title, "text": text}) for id, title, text in documents]
    asked = [json.dumps(row) for row in (*({"_id": id, "text": text} for id, text in questions), *more)]
    judged = ["query-id\tcorpus-id\tscore", *(f"{question}\t{id}\t{gain}" for question, id, gain in judgments)]
    for name, lines in (("corpus.jsonl", corpus), ("queries.jsonl", asked), ("qrels.tsv", judged)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
