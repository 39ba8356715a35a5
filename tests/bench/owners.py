"""Several Brains on one home while whoever owns it is killed again and again: is every note found by every one, and how soon?

    python -m tests.bench.owners [--processes N] [--seconds N] [--kill-every N]

Each round writes a note with a word of its own and asks every process until it finds it, then deletes every third note and
asks until nobody does. Exits 1 if anything is not seen within 30 s, or a process ends by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from brain.store.claim import owner_of

MEMBER = """
import json, sys
from pathlib import Path
from brain.engine import open_brain
from brain.errors import BrainError
from brain.parts import Parts
from brain.settings import load
from tests.fakes import HashingEmbedder
made = HashingEmbedder()
Parts.embedder = lambda self: made
with open_brain(load(), background=True) as brain:
    brain.add(Path(sys.argv[1]))
    print("ready", flush=True)
    for word in sys.stdin:
        try:
            found = brain.search(word.strip())
            said = [item.chunk.path.name for item in found.evidence if word.strip() in item.chunk.text]
        except BrainError as error:
            said = [type(error).__name__, error.reason]
        print(json.dumps(said), flush=True)
"""


class Member:
    """One process with a Brain on the home."""

    def __init__(self, notes: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", MEMBER, str(notes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def search(self, word: str) -> list[str]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        said: list[str] = json.loads(self.process.stdout.readline())
        return said


def until_all_say(members: list[Member], word: str, expected: list[str]) -> float:
    began, said = time.perf_counter(), [["?"]]
    while time.perf_counter() - began < 30:
        said = [member.search(word) for member in members]
        if all(names == expected for names in said):
            return time.perf_counter() - began
        time.sleep(0.02)
    sys.exit(f"{word}: expected {expected}, heard {said}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--processes", type=int, default=3)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--kill-every", type=int, default=5, help="rounds")
    chosen = options.parse_args()
    choose = random.Random(1)
    quiet: list[float] = []
    killed: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        home, notes = Path(scratch) / "home", Path(scratch) / "notes"
        os.environ["BRAIN_HOME"] = str(home)
        notes.mkdir()
        members = [Member(notes) for _ in range(chosen.processes)]
        began, rounds = time.perf_counter(), 0
        while time.perf_counter() - began < chosen.seconds:
            rounds += 1
            word = f"word{rounds}x{choose.randrange(10**6)}"
            note = notes / f"{rounds}.md"
            note.write_text(f"A note with {word} in it.")
            kill = rounds % chosen.kill_every == 0
            if kill and (owner := owner_of(home)):
                time.sleep(choose.random() * 0.6)  # before, in and after the pass that reads it
                gone = next(member for member in members if member.process.pid == owner.pid)
                gone.process.kill()
                gone.process.wait()
                members.remove(gone)
            (killed if kill else quiet).append(until_all_say(members, word, [note.name]))
            if kill:
                members.append(Member(notes))
            if rounds % 3 == 0:
                note.unlink()
                quiet.append(until_all_say(members, word, []))
        for member in members:
            member.process.communicate(timeout=30)
    for name, taken in (("no owner killed", quiet), ("owner killed", killed)):
        if taken:
            print(
                f"{name:<16} seen by all after {sorted(taken)[len(taken) // 2]:.2f} s, at most {max(taken):.2f} s ({len(taken)})"
            )


if __name__ == "__main__":
    main()
