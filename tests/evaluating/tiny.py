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


# The same questions with their answers, one in two parts, and two that nothing answers.
ANSWERED = (
    {"_id": "q1", "text": "How much did the board agree on for the garden?", "answers": ["40 000 euros", "40000"]},
    {"_id": "q2", "text": "When is the pump for the well delivered?", "answers": ["week 24"]},
    {"_id": "q3", "text": "How long does sourdough rise before it is baked?", "answers": ["six hours"]},
    {
        "_id": "q5",
        "text": "What does the lease say about notice, and when is choir practice?",
        "answers": ["three months; Tuesday"],
        "all_of": ["three months", ["Tuesday", "Tuesday evening"]],
    },
    {"_id": "q7", "text": "zither xylophone kazoo", "answerable": False},
    {"_id": "q8", "text": "How many gears and new brakes does the bicycle have?", "answers": [], "kind": "near miss"},
)


def write_answered(folder: Path, questions: Iterable[Mapping[str, object]] = ANSWERED) -> Path:
    """Write the set with answers; without judgments there is no qrels.tsv."""
    write(folder, questions=(), judgments=[one for one in JUDGMENTS if one[0] != "q4"], more=questions)
    return folder


# Two notes that questions are made from.
BOARD = """# Board meeting

platforms:: all of them and more besides, whatever they are called today

## Budget for the garden

After a long discussion the board agreed to spend forty thousand on the garden before October comes.

## Open points

Nothing.
"""
ROOF = """# Roof and gutters

Tom asks two firms from the next town for an offer for the roof, the gutters and the garden shed.

## Open points

The board will look at the offer in October, after a discussion of what the garden has cost so far.
"""
