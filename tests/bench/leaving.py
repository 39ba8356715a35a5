"""What leaves this machine: many questions and talks to a fake endpoint that keeps every byte, over a vault with private notes.

    python -m tests.bench.leaving [--questions N] [--talks N] [--notes N]

A fifth of the notes is private, by front matter, folder or tag, and holds a word that nothing else does. Counted are such
words, and runs of eight words that only private notes hold, in any body; bodies that are not what was shown before; entries
of the ledger that are not what the server received; and follow-ups that lost their subject: the note that the question
before was about is not among the first three passages, or not among what was sent.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

from brain.engine import open_brain
from brain.parts import Parts
from brain.settings import load
from brain.store.ledger import Ledger
from tests.away import Vault, allowed, careless, configure, sha256, talk, vault
from tests.endpoints import FakeEndpoint
from tests.fakes import HashingEmbedder

FORMS = (
    "What does the order for {} cost and who looks after it?",
    "When is what {} ordered delivered, and by which firm?",
    "Who looks after {} together with whom?",
    "Which code has {} and what was ordered for it?",
    "Tell me everything about {}.",
    "What costs more, the order for {} or the order for {}?",
    "Who has ordered something for {} and for {}?",
    "Which firm delivers to {} and which to {}?",
    "Is there anything about {} in my notes?",
    "What do {} and {} have in common?",
)


def measure(folder: Path, home: Path, *, questions: int, talks: int, notes: int) -> None:
    """Print the table."""
    made = HashingEmbedder()
    Parts.embedder = lambda self: made  # type: ignore[assignment,method-assign,return-value]
    sown = vault(folder, notes=notes)
    with FakeEndpoint(careless) as server, FakeEndpoint(careless) as near:
        configure(home, away=server.url, near=near.url, private=sown.private, more="[budget]\nday = 0.0")
        with open_brain(load(home), own=True) as brain:
            brain.add(sown.folder)
            list(brain.sync(cancel=threading.Event()))
            began = time.monotonic()
            print(f"notes {notes}, private {len(sown.secret)}")
            ask_all(brain, server, sown, questions)
            talk_all(brain, server, sown, talks)
            entries = list(Ledger(home / "egress.jsonl").entries())
            wrong = [entry.sha256 for entry in entries] != [sha256(body) for body in server.bodies]
            print(f"ledger: {len(entries)} entries, {sum(entry.bytes for entry in entries):,} bytes; ", end="")
            print(f"server: {len(server.bodies)} requests, {sum(map(len, server.bodies)):,} bytes; differ: {wrong}")
            print(f"{time.monotonic() - began:.0f} s")


def ask_all(brain: object, server: FakeEndpoint, sown: Vault, questions: int) -> None:
    leaks = others = sent = 0
    for at in range(questions):
        one, other = sown.notes[at % len(sown.notes)], sown.notes[(7 * at + 3) % len(sown.notes)]
        question = FORMS[at // len(sown.notes) % len(FORMS)].format(one.subject, other.subject)
        before = len(server.bodies)
        shown, _ = allowed(brain, question)
        new = server.bodies[before:]
        sent += len(new)
        leaks += sum(bool(sown.leaked(body.decode(), asked=question)) for body in new)
        others += (len(new) != 1 or sha256(new[0]) != shown.sha256) if shown else len(new)
    print(f"questions {questions}: sent {sent}, with private words {leaks}, not as shown {others}")


def talk_all(brain: object, server: FakeEndpoint, sown: Vault, talks: int) -> None:
    before, lost = len(server.bodies), 0
    for at in range(talks):
        followed = talk(brain, sown, ("near", "away")[at % 2], at)
        lost += not (followed.found and followed.told)
    new = server.bodies[before:]
    leaks = sum(bool(sown.leaked(body.decode())) for body in new)
    print(f"talks {talks}: sent {len(new)}, with private words {leaks}, follow-ups that lost their subject {lost}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--talks", type=int, default=50)
    parser.add_argument("--notes", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["BRAIN_HOME"] = str(Path(scratch) / "home")
        measure(
            Path(scratch) / "notes",
            Path(scratch) / "home",
            questions=options.questions,
            talks=options.talks,
            notes=options.notes,
        )


if __name__ == "__main__":
    main()
