"""What conversations cost: keeping an answer, finding one among many, and comparing quotes with the files on disk.

    python -m tests.bench.talks [--talks N] [--notes N]

Keeps N conversations of five turns each in a temporary home, and answers from N notes in quotes mode with the words
embedder of the tests. The last line is the share of the time to the whole answer that comparing its quotes takes.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from brain.engine import open_brain
from brain.events import Answered
from brain.parts import Parts
from brain.settings import load
from brain.witness import Witness
from tests.bench.attach import WORDS, quantiles, timed
from tests.fakes import HashingEmbedder
from tests.store.test_conversations import answer


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=12)).capitalize() + "."


def measure(talks: int, notes: int, folder: Path) -> None:
    """Print the table."""
    chance = random.Random(5)
    for at in range(notes):
        text = "\n\n".join(sentence(chance) for _ in range(30))
        (folder / f"{at}.md").write_text(f"# {sentence(chance)}\n\n{text}\n")
    made = HashingEmbedder()
    Parts.embedder = lambda self: made  # type: ignore[assignment,method-assign,return-value]
    taken: list[float] = []
    verdicts = Witness.verdicts

    def timed_verdicts(self: Witness, *given: Any) -> Any:
        began = time.perf_counter()
        found = verdicts(self, *given)
        taken.append(time.perf_counter() - began)
        return found

    with open_brain(load(), own=True) as brain:
        brain.add(folder)
        list(brain.sync(cancel=threading.Event()))
        kept: list[float] = []
        number: int | None = None
        for at in range(5 * talks):
            said = [(sentence(chance), folder / f"{chance.randrange(notes)}.md") for _ in range(4)]
            one, key = answer(sentence(chance), *said), str(at)
            number = None if at % 5 == 0 else number
            began = time.perf_counter()
            number = brain.conversations.append(one, key=key, conversation=number)
            kept.append(time.perf_counter() - began)
        quantiles(f"keep one answer ({5 * talks} of them)", kept)
        quantiles("list the last 50", timed(30, lambda: brain.conversations.summaries(limit=50)))
        quantiles("search, many found", timed(30, lambda: brain.conversations.summaries("garden pump")))
        quantiles("search, none found", timed(30, lambda: brain.conversations.summaries("xylophone")))
        quantiles("open one of five turns", timed(30, lambda: brain.conversations.get(3)))
        quantiles("compare its 20 quotes with the disk", timed(30, lambda: brain.conversations.verdicts(3)))
        Witness.verdicts = timed_verdicts  # type: ignore[method-assign]
        shares = []
        for _ in range(30):
            question = " ".join(chance.choices(WORDS, k=5))
            taken.clear()
            *_, last = brain.ask(question, cancel=threading.Event(), quotes=True)
            assert isinstance(last, Answered)
            shares.append(sum(taken) / (last.seconds.total + sum(taken)))
        print(
            f"share of comparing quotes in a quotes answer: median {statistics.median(shares):.1%}, most {max(shares):.1%}"
        )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talks", type=int, default=1000)
    parser.add_argument("--notes", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BRAIN_HOME"] = f"{folder}/home"
        notes = Path(folder) / "notes"
        notes.mkdir()
        Path(os.environ["BRAIN_HOME"]).mkdir(mode=0o700)
        print(f"load {os.getloadavg()[0]:.1f}")
        measure(options.talks, options.notes, notes)


if __name__ == "__main__":
    main()
