"""How long a save takes until it is found, and a deletion until it is not, by a brain in the background.

    python -m tests.bench.saves FOLDER [--saves N] [--busy [--models DIR]] [--seeded]

FOLDER is copied first. Three kinds of change are measured until `search`, as a person asks it, knows of them: a new note
is found, a paragraph that was taken out of it is found no more, and the note itself, deleted, is found no more. Without
more there is no embedder, and only the words count. With --busy all of this happens while the real embedder works on the
whole folder. With --seeded a quick embedder of the tests stands in for the model: then everything is embedded first, and
what is deleted must be gone from the words, from the vectors and from Chroma.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from brain.engine import LocalBrain, open_brain
from brain.events import VectorsAdded
from brain.parts import Parts
from brain.settings import load
from tests.crash.child import QuickEmbedder

LONGEST = 60.0


def seconds_until(is_so: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < LONGEST, "it never came about"
        time.sleep(0.01)
    return time.monotonic() - began


class Saver:
    """One note after the other, saved, shortened and deleted."""

    def __init__(self, brain: LocalBrain, folder: Path, *, has_vectors: bool) -> None:
        self._brain = brain
        self._folder = folder
        self._has_vectors = has_vectors
        self.seconds: dict[str, list[float]] = {}

    def round(self, at: int) -> None:
        kept, dropped = f"quokka{at}x", f"wombat{at}x"
        # Every other note in a folder of its own kind: where the notes are, and where nothing else is.
        path = self._folder / ("" if at % 2 else "saved") / f"saved {at}.md"
        path.parent.mkdir(exist_ok=True)
        first, second = f"# Animals\n\nA {kept} came by. " * 20, f"# Visitors\n\nAnd a {dropped} after it. " * 20
        time.sleep(1.5)
        path.write_text(f"{first}\n\n{second}")
        self._note("note saved", lambda: self._is_found(dropped))
        time.sleep(1.5)
        path.write_text(first)
        self._note("paragraph deleted", lambda: not self._is_found(dropped))
        time.sleep(1.5)
        assert self._is_found(kept)
        path.unlink()
        self._note("note deleted", lambda: not self._is_found(kept) and not self._is_known(path))

    def _note(self, what: str, is_so: Callable[[], bool]) -> None:
        self.seconds.setdefault(what, []).append(seconds_until(is_so))

    def _is_found(self, word: str) -> bool:
        """Whether any passage that is found holds a word, by its words or by its vector."""
        return any(word in one.chunk.text for one in self._brain.search(word, limit=50).evidence)

    def _is_known(self, path: Path) -> bool:
        """Whether anything of a file is left in the catalog or in Chroma."""
        catalog, parts = self._brain._catalog, self._brain._parts
        if os.fspath(path) in catalog.stored() or (self._has_vectors and catalog.index_pending()):
            return True
        return self._has_vectors and parts.chroma(str(catalog.model_in_use())).count() != catalog.counts().chunks


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--saves", type=int, default=12)
    options.add_argument("--models", type=Path, default=load().shelf)
    options.add_argument("--busy", action="store_true")
    options.add_argument("--seeded", action="store_true")
    chosen = options.parse_args()
    if chosen.seeded:
        embedder = QuickEmbedder(dimensions=384)
        Parts.embedder = lambda self: embedder  # type: ignore[assignment,method-assign,return-value]
    with tempfile.TemporaryDirectory() as root:
        os.environ["BRAIN_HOME"] = f"{root}/home"
        os.mkdir(f"{root}/home")
        models = chosen.models.absolute() if chosen.busy else f"{root}/none"
        Path(root, "home", "config.toml").write_text(f'models_folder = "{models}"\n')
        folder = Path(root, "notes")
        shutil.copytree(chosen.folder, folder)
        with open_brain(load(), own=True) as brain:  # the words of all first, so that what is measured is a save
            brain.add(folder)
            for _ in brain.sync(cancel=threading.Event(), words_only=not chosen.seeded):
                pass
        with open_brain(load(), own=True, background=True) as brain:
            ready = threading.Event()

            def listen() -> None:
                for event in brain.follow(cancel=threading.Event()):
                    if isinstance(event, VectorsAdded):
                        ready.set()

            threading.Thread(target=listen, daemon=True).start()
            if chosen.busy:
                ready.wait()
            seconds_until(lambda: folder in brain._indexer.watcher.watched)
            saver = Saver(brain, folder, has_vectors=chosen.seeded)
            for at in range(chosen.saves):
                saver.round(at)
            status = brain.status()
        print(
            f"{status.indexed} notes, {status.vectors_pending} passages still without a vector; load {os.getloadavg()}"
        )
        for what, times in saver.seconds.items():
            middle = statistics.median(times)
            print(f"{what:<18} median {middle:.2f} s, worst {max(times):.2f} s of {len(times)}")


if __name__ == "__main__":
    main()
