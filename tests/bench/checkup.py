"""How long doctor and a compaction take.

python -m tests.bench.checkup [--chunks 10000] [--dimensions 384]
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from brain.engine import LocalBrain, open_brain
from brain.parts import Parts
from brain.settings import load
from tests.crash.child import QuickEmbedder
from tests.crash.vault import Vault


def timed(what: str, work: Callable[[], object]) -> None:
    began = time.monotonic()
    work()
    print(f"{what:<55} {time.monotonic() - began:7.2f} s", flush=True)


def sync(brain: LocalBrain) -> None:
    for _ in brain.sync(cancel=threading.Event()):
        pass


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--chunks", type=int, default=10_000)
    options.add_argument("--dimensions", type=int, default=384)
    chosen = options.parse_args()
    embedder = QuickEmbedder(dimensions=chosen.dimensions)
    Parts.embedder = lambda self: embedder  # type: ignore[assignment,method-assign,return-value]
    with tempfile.TemporaryDirectory() as scratch:
        home, vault = load(Path(scratch, "home")), Vault(Path(scratch, "notes"), 1)
        vault.fill(chosen.chunks // 3)
        with open_brain(home, own=True) as brain:
            brain.add(vault.root)
            timed("first pass", lambda: sync(brain))
            while brain.status().chunks < chosen.chunks:
                vault.fill(chosen.chunks // 20)
                sync(brain)
            print(f"{brain.status().chunks} chunks, {brain.status().indexed} notes")
        with open_brain(home, own=True) as brain:
            timed("doctor", brain.doctor)
            timed("doctor again", brain.doctor)
            timed("doctor --thorough", lambda: brain.doctor(thorough=True))
            with open_brain(home, own=False) as reader:
                timed("doctor beside the owner", reader.doctor)
            for note in vault.notes()[:20]:
                note.unlink()
            timed("pass after 20 deletions", lambda: sync(brain))
            timed(
                "compaction until nothing deleted is left",
                lambda: brain.compact(cancel=threading.Event(), refill=False),
            )
            timed("Chroma filled again", lambda: sync(brain))


if __name__ == "__main__":
    main()
