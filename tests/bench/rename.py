"""What it costs that a folder of 5,000 notes is renamed, against a bare walk with stat of the same folder in the same run.

    python -m tests.bench.rename FOLDER [--files 5000] [--rounds 5]

The files are taken from FOLDER, in the order of their paths, and stand beside ten others in a folder that is watched.
A quick embedder of the tests stands in for the model: the figure is of the catalog, the words and Chroma, and of how
many passages are embedded, which must be none. Each round is one pass on demand; the last line is the same with a brain
in the background, from the rename until every note is known at its new path, the wait for events included.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

from brain import readers
from brain.engine import LocalBrain, open_brain
from brain.listing import listing
from brain.parts import Parts
from brain.places import Place
from brain.settings import load
from tests.bench.sweep import bare, seconds
from tests.crash.child import QuickEmbedder


def bring_up(brain: LocalBrain) -> tuple[int, int, float]:
    """One pass: how many were moved, how many passages embedded, how long until it was over."""
    began = time.perf_counter()
    *_, finished = brain.sync(cancel=threading.Event())
    return finished.moved, finished.chunks_embedded, time.perf_counter() - began


def known(brain: LocalBrain, folder: Path) -> int:
    return sum(path.is_relative_to(folder) for path in brain._catalog.stamps())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--files", type=int, default=5000)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    embedder = QuickEmbedder(dimensions=384)
    Parts.embedder = lambda self: embedder  # type: ignore[assignment,method-assign,return-value]
    with tempfile.TemporaryDirectory() as root:
        notes = Path(root, "notes")
        at = notes / "old"
        for path in itertools.islice(map(Path, sorted(listing(chosen.folder, readers.suffixes()).files)), chosen.files):
            copy = at / path.relative_to(chosen.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        for name in range(10):
            (notes / f"{name}.md").write_text(f"Note {name} beside the others.")
        settings = load(Path(root, "home"))
        with open_brain(settings, own=True) as brain:
            brain.add(notes)
            _, first, _ = bring_up(brain)
            walks, passes, moved, embedded = [], [], 0, 0
            for name in range(chosen.rounds):
                at = at.rename(notes / f"renamed {name}")
                walks.append(seconds(lambda: bare(notes)))
                count, again, took = bring_up(brain)
                moved, embedded = moved + count, embedded + again
                passes.append(took)
            total = known(brain, at)
            erased, _ = brain._catalog.erased()
        with open_brain(settings, own=True, background=True) as brain:
            while notes not in brain._indexer.watcher.watched:
                time.sleep(0.01)
            time.sleep(3)
            at.rename(notes / "renamed behind its back")
            after = seconds(lambda: wait_for(brain, notes / "renamed behind its back", total))
            behind = len(embedder.embedded) - first - embedded
    walk, whole = statistics.median(walks), statistics.median(passes)
    print(f"{total} files and {first} passages; load {os.getloadavg()}; counted as erased: {erased}")
    print(f"{moved} moves in {chosen.rounds} passes, {embedded} passages embedded")
    print(
        f"bare walk {walk * 1000:.0f} ms, pass {whole:.2f} s (worst {max(passes):.2f} s); allowed {3 * walk + 5:.2f} s"
    )
    print(f"in the background: known at its new path after {after:.2f} s, {max(0, behind)} passages embedded")


def wait_for(brain: LocalBrain, folder: Path, count: int) -> None:
    while len(brain._catalog.stored([Place(str(folder))])) < count:
        time.sleep(0.25)


if __name__ == "__main__":
    main()
