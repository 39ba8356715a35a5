"""How long a search takes in a process that is warm: p50 and p95 over many questions.

    python -m tests.bench.latency [--home DIR] [--queries FILE] [--runs N]

FILE holds one question a line, or JSON lines with "text". Every question is asked with words and meaning, as a front end does,
and once more of the words index alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from brain.engine import open_brain
from brain.settings import load

DEFAULT = [
    "what did we decide about the budget",
    "how do I rename a page",
    "water pressure",
    "meeting notes in march",
    "install",
]


def questions(path: Path | None) -> list[str]:
    if path is None:
        return DEFAULT
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] if line.startswith("{") else line for line in lines if line.strip()]


def quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"p50 {statistics.median(ordered) * 1000:7.1f} ms   p95 {p95 * 1000:7.1f} ms   ({len(ordered)} searches)"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--home", type=Path)
    options.add_argument("--queries", type=Path)
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    asked = questions(chosen.queries)
    total: list[float] = []
    words: list[float] = []
    meaning: list[float] = []
    with open_brain(load(chosen.home), own=False) as brain:
        brain.warm()
        for question in asked[:3]:
            brain.search(question)
        for question in asked * chosen.runs:
            began = time.monotonic()
            found = brain.search(question)
            total.append(time.monotonic() - began)
            words.append(found.seconds.words)
            meaning.append(found.seconds.vectors)
    print(f"whole search   {quantiles(total)}")
    print(f"words alone    {quantiles(words)}")
    print(f"meaning alone  {quantiles(meaning)}")


if __name__ == "__main__":
    main()
