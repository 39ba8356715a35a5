"""Round after round of deleting, rewriting and adding notes: the store may not grow, and every vector must be found.

python -m tests.bench.churn [--rounds 50] [--chunks 4000] [--share 0.3] [--dimensions 384]
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from pathlib import Path

from brain.engine import LocalBrain, open_brain
from brain.parts import Parts
from brain.settings import Settings, load
from tests.crash.child import QuickEmbedder, nearest
from tests.crash.vault import Vault

PARTS = ("catalog.db", "words", "chroma")


def sync(brain: LocalBrain) -> None:
    for _ in brain.sync(cancel=threading.Event()):
        pass


def sizes(home: Path) -> dict[str, float]:
    """MB of each part."""
    found = {}
    for name in PARTS:
        files = [home / name] if (home / name).is_file() else (home / name).rglob("*")
        found[name] = round(sum(path.stat().st_size for path in files if path.is_file()) / 1e6, 1)
    return found


def missed(brain: LocalBrain) -> int:
    """How many vectors Chroma does not find by themselves."""
    catalog, model = brain._catalog, str(brain._catalog.model_in_use())
    chroma = brain._parts.chroma(model)
    ids, matrix = catalog.all_vectors(model)
    return sum(one not in nearest(chroma, vector) for one, vector in zip(ids.tolist(), matrix, strict=True))


def fresh(settings: Settings, vault: Vault) -> None:
    with open_brain(settings, own=True) as brain:
        brain.add(vault.root)
        sync(brain)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--chunks", type=int, default=4000)
    options.add_argument("--share", type=float, default=0.3, help="of the notes change in a round")
    options.add_argument("--dimensions", type=int, default=384)
    chosen = options.parse_args()
    embedder = QuickEmbedder(dimensions=chosen.dimensions)
    Parts.embedder = lambda self: embedder  # type: ignore[assignment,method-assign,return-value]
    with tempfile.TemporaryDirectory() as scratch:
        settings, vault = load(Path(scratch, "home")), Vault(Path(scratch, "notes"), 1)
        vault.fill(chosen.chunks * 2 // 5)
        fresh(settings, vault)
        largest = dict.fromkeys(PARTS, 0.0)
        with open_brain(settings, own=True) as brain:
            for round in range(chosen.rounds):
                for note in vault.random.sample(vault.notes(), int(len(vault.notes()) * chosen.share)):
                    note.unlink()
                    vault.create()
                sync(brain)
                now = sizes(settings.home)
                largest = {name: max(largest[name], now[name]) for name in PARTS}
                if round % 10 == 9:
                    print(f"round {round + 1}: {brain.status().chunks} chunks, {now} MB", flush=True)
            wrong = brain.doctor(thorough=True).found
            misses, chunks = missed(brain), brain.status().chunks
        other = load(Path(scratch, "other"))
        fresh(other, vault)
        with open_brain(other, own=True) as brain:
            misses_fresh = missed(brain)
        new, old = sum(sizes(other.home).values()), sum(sizes(settings.home).values())
        print(f"{chunks} chunks; at the end {old:.1f} MB, made from nothing {new:.1f} MB: {old / new:.2f} x")
        print(f"largest in between {largest} MB: {sum(largest.values()) / new:.2f} x")
        print(f"not found by their own vector: {misses}, in an index made from nothing {misses_fresh}")
        print(f"doctor: {len(wrong)} findings {[finding.what for finding in wrong]}")


if __name__ == "__main__":
    main()
