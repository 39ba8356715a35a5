"""How well the gate tells questions that notes answer from those they do not, and the marks that an embedder needs.

    python -m tests.bench.gate MODEL.gguf SET [SET …] [--questions 300] [--lost .06]

A SET is a folder with corpus.jsonl ({_id, title, text}) and queries.jsonl ({_id, text, answerable}). Each is asked its
own questions, answerable or not, and 40 of every other set's, which it cannot answer. The last line is one for
`brain.gating.FITTED`: `enough` is where the share of answerable questions refused, averaged over the sets, is --lost;
`unrelated` is the middle cosine of foreign questions to the nearest passage, taken off only where it is above .3.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from brain import gating
from brain.chunking import cut
from brain.gating import Marks, enough, worth
from brain.models.local import open_embedder
from brain.readers import text as plain_text
from brain.types import Chunk, Evidence, Scores
from brain.wording import embedded

SHOWN, FOREIGN = 5, 40


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as opened:
        yield from map(json.loads, opened)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", type=Path)
    options.add_argument("sets", type=Path, nargs="+")
    options.add_argument("--questions", type=int, default=300)
    options.add_argument("--lost", type=float, default=0.06)
    chosen = options.parse_args()
    dice, embedder = random.Random(1), open_embedder(chosen.model)
    asked = {}
    for folder in chosen.sets:
        every = list(lines(folder / "queries.jsonl"))
        asked[folder] = dice.sample(every, min(len(every), chosen.questions))
    found: list[tuple[Path, str, str, list[Evidence]]] = []  # set, kind, question, evidence
    for folder in chosen.sets:
        passages: list[tuple[str, Chunk]] = []
        for one in lines(folder / "corpus.jsonl"):
            document = plain_text.parse(Path(str(one["_id"])), one["text"].encode())
            passages += [(one.get("title") or "", chunk) for chunk in cut(document, embedder)]
        texts = [embedded(title or None, chunk.headings, chunk.text, chunk.format) for title, chunk in passages]
        vectors = np.concatenate(
            [embedder.embed(texts[at : at + 64], kind="passage") for at in range(0, len(texts), 64)]
        )
        for other in chosen.sets:
            own = other == folder
            questions = asked[other] if own else dice.sample(asked[other], min(FOREIGN, len(asked[other])))
            for question, vector in zip(
                questions, embedder.embed([one["text"] for one in questions], kind="query"), strict=True
            ):
                cosines = vectors @ vector
                best = [int(at) for at in np.argsort(-cosines)[:SHOWN]]
                evidence = [
                    Evidence(rank, passages[at][1], passages[at][0], 0.0, Scores(None, float(cosines[at])))
                    for rank, at in enumerate(best, 1)
                ]
                kind = "foreign" if not own else "near" if question.get("answerable") is False else "own"
                found.append((folder, kind, question["text"], evidence))
    embedder.close()
    nearest = float(np.median([one[3][0].scores.vectors or 0.0 for one in found if one[1] == "foreign"] or [0.0]))
    unrelated = round(nearest, 2) if nearest > 0.3 else 0.0
    values = [
        (folder, kind, worth(text, evidence, Marks(0, 0, 0, unrelated))) for folder, kind, text, evidence in found
    ]
    tried = np.arange(0.0, 1.3, 0.01)
    owns = [[value for at, kind, value in values if at == folder and kind == "own"] for folder in chosen.sets]
    lost = [np.mean([np.mean(np.array(own) < mark) for own in owns if own]) for mark in tried]
    mark = float(tried[max(0, int(np.searchsorted(lost, chosen.lost, side="right")) - 1)])
    fitted = Marks(round(mark - 0.15, 2), round(mark, 2), round(mark + 0.13, 2), unrelated)
    gating.FITTED = {"fitted": fitted}
    for folder in chosen.sets:
        for kind in ("own", "near", "foreign"):
            verdicts = [
                enough(text, seen, embedder="fitted") for at, what, text, seen in found if (at, what) == (folder, kind)
            ]
            if verdicts:
                refused = sum(not one.answer for one in verdicts) / len(verdicts)
                doubted = sum(bool(one.doubt) for one in verdicts) / len(verdicts)
                print(f"{folder.name:14} {kind:8} {len(verdicts):5}  refused {refused:.3f}  with a doubt {doubted:.3f}")
    print(f'"{chosen.model.stem}": {fitted}')


if __name__ == "__main__":
    main()
