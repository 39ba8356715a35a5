"""What it costs to ask the process that owns the store instead of owning it: attaching, searching, hearing, taking over.

    python -m tests.bench.attach [--notes N] [--searches N]

Makes N small notes in a temporary home, indexes them with the words embedder of the tests, and starts owners of their own.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brain.engine import open_brain
from brain.events import FileIndexed
from brain.parts import Parts
from brain.remote import attach
from brain.settings import load
from brain.store.claim import look_at_store
from tests.fakes import HashingEmbedder

OWNER = """
import sys
from pathlib import Path
from brain.engine import open_brain
from brain.parts import Parts
from brain.settings import load
from tests.fakes import HashingEmbedder
made = HashingEmbedder()
Parts.embedder = lambda self: made
with open_brain(load(), own=True, background=True) as brain:
    brain.add(Path(sys.argv[1]))
    list(brain.sync(cancel=__import__("threading").Event()))
    print("ready", flush=True)
    sys.stdin.read()
"""
WORDS = "garden pump well budget board hedge roof zebra letter train bread water meeting plan week offer".split()


def quantiles(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{name:<44} p50 {statistics.median(ordered) * 1000:8.2f} ms   p95 {p95 * 1000:8.2f} ms   ({len(ordered)})")


def timed(runs: int, work: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def owner(notes: Path) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(notes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    started.stdout.readline()
    return started


def first_status(home: Path) -> None:
    door = look_at_store(home).door
    assert door is not None
    brain = attach(door.address, door.key)
    brain.status()
    brain.close()


def lag(brain: Any, notes: Path, runs: int) -> list[float]:
    """From the write of a note to its FileIndexed at the attached end; 0.3 s of it are the wait for an editor to end."""
    heard, stop, taken = threading.Event(), threading.Event(), []

    def follow() -> None:
        for event in brain.follow(cancel=stop):
            if isinstance(event, FileIndexed):
                heard.set()

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(1)
    for number in range(runs):
        heard.clear()
        began = time.perf_counter()
        (notes / f"new {number}.md").write_text(f"A zebra, number {number}.")
        heard.wait(30)
        taken.append(time.perf_counter() - began)
    stop.set()
    thread.join()
    return taken


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--notes", type=int, default=500)
    options.add_argument("--searches", type=int, default=300)
    chosen = options.parse_args()
    made = HashingEmbedder()
    Parts.embedder = lambda self: made  # type: ignore[method-assign,assignment,return-value]
    choose = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        home, notes = Path(scratch) / "home", Path(scratch) / "notes"
        os.environ["BRAIN_HOME"] = str(home)
        notes.mkdir()
        for number in range(chosen.notes):
            text = "\n\n".join(" ".join(choose.choices(WORDS, k=60)) + "." for _ in range(3))
            (notes / f"{number}.md").write_text(f"# Note {number}\n\n{text}\n")
        questions = [" ".join(choose.choices(WORDS, k=3)) for _ in range(chosen.searches)]
        running = owner(notes)
        quantiles("attach: connect to first status", timed(50, lambda: first_status(home)))
        with open_brain(load()) as brain:
            quantiles("status over the socket", timed(chosen.searches, brain.status))
            asked = iter(questions)
            quantiles("search over the socket", timed(chosen.searches, lambda: brain.search(next(asked))))
            quantiles("written note to its event", lag(brain, notes, 10))
            quantiles("add a folder, heard of at once", timed(10, lambda: brain.add(notes, soon=False)))
            running.kill()
            began = time.perf_counter()
            brain.status()
            print(f"{'owner killed, first status as owner':<44}     {(time.perf_counter() - began) * 1000:8.2f} ms")
            asked = iter(questions)
            quantiles("search in this process", timed(chosen.searches, lambda: brain.search(next(asked))))
        taken = []
        for _ in range(5):
            running = owner(notes)
            with open_brain(load()) as brain:
                brain.status()
                running.kill()
                began = time.perf_counter()
                brain.search("garden pump")
                taken.append(time.perf_counter() - began)
            running.wait()
        quantiles("owner killed, first search as owner", taken)


if __name__ == "__main__":
    main()
