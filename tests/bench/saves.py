"""How long a save takes until its words are found, by a brain in the background, quiet or in the midst of embedding.

    python -m tests.bench.saves FOLDER [--saves N] [--models DIR] [--busy]

FOLDER is copied first. With --busy the first notes are saved while the real embedder works on the whole folder; without
it there is no embedder, and only the words count.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

from brain.engine import LocalBrain, open_brain
from brain.events import SyncFinished, VectorsAdded
from brain.settings import load


def seconds_until_found(brain: LocalBrain, folder: Path, at: int) -> float:
    word = f"quokka{at}x"
    began = time.monotonic()
    (folder / f"saved {at}.md").write_text(f"A {word} came by.")
    while not brain._parts.words().search(word, 1):
        time.sleep(0.01)
    return time.monotonic() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--saves", type=int, default=20)
    options.add_argument("--models", type=Path, default=load().shelf)
    options.add_argument("--busy", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as root:
        os.environ["BRAIN_HOME"] = f"{root}/home"
        os.mkdir(f"{root}/home")
        models = chosen.models.absolute() if chosen.busy else f"{root}/none"
        Path(root, "home", "config.toml").write_text(f'models_folder = "{models}"\n')
        folder = Path(root, "notes")
        shutil.copytree(chosen.folder, folder)
        with open_brain(load(), own=True, background=True) as brain:
            ready = threading.Event()

            def listen() -> None:
                for event in brain.follow(cancel=threading.Event()):
                    if isinstance(event, VectorsAdded if chosen.busy else SyncFinished):
                        ready.set()

            threading.Thread(target=listen, daemon=True).start()
            brain.add(folder)
            ready.wait()
            times = []
            for at in range(chosen.saves):
                time.sleep(1.5)
                times.append(seconds_until_found(brain, folder, at))
            status = brain.status()
        print(
            f"{status.indexed} notes, {status.vectors_pending} passages still without a vector; save to found: "
            f"median {statistics.median(times):.2f} s, worst {max(times):.2f} s of {len(times)}"
        )


if __name__ == "__main__":
    main()
