"""How many secrets are taken out of a text, and how many honest paragraphs lose something.

    python -m tests.bench.hiding [FOLDER …] [--paragraphs 10000] [--each 10] [--seed 1]

Secrets are made (tests/secrets_made.py), `--each` of every kind. A FOLDER holds honest text: notes, or corpus.jsonl with
a `text` a line; paragraphs are drawn from all of them alike, and every one that loses something is shown.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from brain.hiding import hidden
from tests.secrets_made import honest, secrets


def paragraphs(folder: Path) -> Iterator[str]:
    for path in sorted([*folder.rglob("*.md"), *folder.rglob("*.txt")]):
        if path.is_file():
            yield from path.read_text(encoding="utf-8", errors="replace").split("\n\n")
    for path in sorted(folder.rglob("corpus.jsonl")):
        with path.open(encoding="utf-8") as opened:
            for line in opened:
                yield from str(json.loads(line)["text"]).split("\n\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folders", type=Path, nargs="*")
    options.add_argument("--paragraphs", type=int, default=10_000)
    options.add_argument("--each", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--afterwards", action="store_true", help="sentences that the patterns were not mended by")
    chosen = options.parse_args()
    found: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for kind, secret, text in secrets(chosen.seed, chosen.each, afterwards=chosen.afterwards):
        every[kind] += 1
        left, _ = hidden(text)
        if secret not in left:
            found[kind] += 1
        else:
            print(f"missed {kind}: {text!r}")
    for kind, many in every.items():
        print(f"{kind:16} {found[kind]:3} of {many}")
    print(f"recall {found.total() / every.total():.1%} of {every.total()} secrets of {len(every)} kinds")
    made = honest(chosen.seed, 1600)
    lost = [text for text in made if hidden(text)[1]]
    print(f"made honest lines that lost something: {len(lost)} of {len(made)}", *lost[:10], sep="\n  ")
    drawn: list[str] = []
    dice = random.Random(chosen.seed)
    for folder in chosen.folders:
        here = [text for text in paragraphs(folder) if len(text.strip()) >= 40]
        drawn += dice.sample(here, min(len(here), chosen.paragraphs // len(chosen.folders)))
    masked: Counter[str] = Counter()
    losing, began = 0, time.perf_counter()
    for text in drawn:
        left, withheld = hidden(text)
        if withheld:
            losing += 1
            masked.update(one.why for one in withheld)
            at = left.find(" withheld]")
            print(
                f"masked {withheld[0].why}: {left[max(0, at - 90) : at + 30]!r}  <- {text[max(0, at - 60) : at + 30]!r}"
            )
    if drawn:
        seconds = time.perf_counter() - began
        print(dict(masked))
        print(f"false masks {losing / len(drawn):.2%}: {losing} of {len(drawn)} paragraphs, {seconds:.1f} s")


if __name__ == "__main__":
    main()
