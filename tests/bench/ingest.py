"""How fast a folder is indexed, against the bare embedder on the same chunks in the same run.

    python -m tests.bench.ingest FOLDER [--models DIR] [--sample N]

The bare embedder is llama-cpp-python in a process of its own, one text a call, which is its best policy; it embeds a
sample of the passages that Brain made of the folder, just before and just after Brain's own pass.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from brain.engine import open_brain
from brain.events import SyncFinished, VectorsAdded
from brain.settings import load

BARE = """
import json, sys, time, os
os.environ["OMP_WAIT_POLICY"] = "passive"
from llama_cpp import Llama
path, threads, texts = json.load(sys.stdin)
model = Llama(path, embedding=True, n_ctx=512, n_batch=512, n_ubatch=512, flash_attn=True, n_threads=threads,
              n_threads_batch=threads, verbose=False)
model.embed(texts[0])
began = time.monotonic()
for text in texts:
    model.embed(text, truncate=True)
print(len(texts) / (time.monotonic() - began))
"""


def bare_speed(path: Path, texts: list[str], threads: int) -> float:
    """Passages a second of the bare embedder."""
    done = subprocess.run(
        [sys.executable, "-c", BARE],
        input=json.dumps([str(path), threads, texts]),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def peak_mb(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--models", type=Path, default=load().shelf, help="where the starter models are")
    options.add_argument("--sample", type=int, default=200, help="passages for the bare embedder")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["BRAIN_HOME"] = home
        Path(home, "config.toml").write_text(f'models_folder = "{chosen.models.absolute()}"\n')
        settings = load()
        with open_brain(settings, own=True) as brain:
            brain.add(chosen.folder)
            began = time.monotonic()
            words_at = vectors_at = 0.0
            for event in brain.sync(cancel=threading.Event(), words_only=True):
                words_at = time.monotonic() - began
                failed = getattr(event, "failed", 0)
            texts = passages(brain)
            random.Random(1).shuffle(texts)
            sample = texts[: chosen.sample]
            threads = os.cpu_count() or 1
            model = brain.shelf.find(settings.embed.model)
            before = bare_speed(model, sample, threads)
            began = time.monotonic()
            for event in brain.sync(cancel=threading.Event()):
                match event:
                    case VectorsAdded():
                        vectors_at = time.monotonic() - began
                    case SyncFinished(chunks_embedded=embedded_now):
                        pass
            total = time.monotonic() - began
            after = bare_speed(model, sample, threads)
            status = brain.status()
        began = time.monotonic()
        with open_brain(settings, own=True) as brain:
            for _ in brain.sync(cancel=threading.Event()):
                pass
        again = time.monotonic() - began
        bare = (before + after) / 2
        speed = embedded_now / vectors_at if vectors_at else 0.0
        rows = {
            "files": status.indexed,
            "failed": failed,
            "chunks": status.chunks,
            "distinct passages embedded": embedded_now,
            "seconds until every word is found": round(words_at, 2),
            "seconds until every vector is there": round(words_at + vectors_at, 2),
            "seconds until Chroma is filled": round(words_at + total, 2),
            "passages/s": round(speed, 1),
            "bare embedder passages/s (before, after)": [round(before, 1), round(after, 1)],
            "Brain against bare": round(speed / bare, 3),
            "whole pass against bare embedding alone": round((words_at + total) / (embedded_now / bare), 3),
            "second sync, nothing changed, s": round(again, 3),
            "peak memory MB (indexer, largest child)": [
                round(peak_mb(resource.RUSAGE_SELF)),
                round(peak_mb(resource.RUSAGE_CHILDREN)),
            ],
            "catalog MB": round(
                size_of(Path(home)) / 1e6 - size_of(Path(home, "words")) / 1e6 - size_of(Path(home, "chroma")) / 1e6, 1
            ),
            "words MB": round(size_of(Path(home, "words")) / 1e6, 1),
            "chroma MB": round(size_of(Path(home, "chroma")) / 1e6, 1),
        }
        for name, value in rows.items():
            print(f"{name:<45} {value}")


def passages(brain: object) -> list[str]:
    """What Brain embeds of everything it holds."""
    catalog = brain._catalog  # type: ignore[attr-defined]
    return [text for _, text in catalog.unembedded("bench", 1_000_000)]


if __name__ == "__main__":
    main()
