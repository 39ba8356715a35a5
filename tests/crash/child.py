"""The process that is killed: a real Brain over a real folder; only the embedder is a quick stand-in.

    python -m tests.crash.child HOME FOLDER background|passes|settle|forget [--often] [--seed N]

`background` lets the indexer follow the folder; `passes` runs pass after pass, now and then a rebuild or a compaction;
`settle` brings the store up to the folder, checks it, and prints what it holds as one JSON object; `forget` brings it up
and lets go of everything deleted.
`--often` lets Chroma save its index after every few changes, so that a kill finds it half-saved.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from brain.engine import LocalBrain, open_brain
from brain.parts import Parts
from brain.settings import load
from brain.store import vectors
from tests.fakes import HashingEmbedder


class QuickEmbedder(HashingEmbedder):
    """A vector from the hash of the whole text: a thousand passages in milliseconds."""

    def _vector(self, text: str) -> Any:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        row = np.random.default_rng(seed).standard_normal(self.dimensions).astype(np.float32)
        return (row / np.linalg.norm(row)).astype(np.float32)


def patch(*, often: bool) -> None:
    """The stand-in for the embedder, and Chroma saving often where that is asked for."""
    embedder = QuickEmbedder()
    Parts.embedder = lambda self: embedder  # type: ignore[assignment,method-assign,return-value]
    if often:
        vectors._HNSW.update(sync_threshold=20, batch_size=10)


def say(word: str) -> None:
    print(word, flush=True)


def background(brain: LocalBrain) -> None:
    """Until the kill comes."""
    with brain.background():
        for event in brain.follow(cancel=threading.Event()):
            say(type(event).__name__)


def passes(brain: LocalBrain, chance: random.Random) -> None:
    """Until the kill comes."""
    never = threading.Event()
    while True:
        what = chance.random()
        work = brain.rebuild(cancel=never) if what < 0.05 else brain.sync(cancel=never)
        for event in work:
            say(type(event).__name__)
        if what > 0.93:
            brain.compact(cancel=never)
            say("Compacted")
        time.sleep(0.01)


def settle(brain: LocalBrain) -> dict[str, Any]:
    """Passes until nothing is left to do, then everything the store holds, ids left out."""
    never = threading.Event()
    began = time.monotonic()
    for at in range(10):
        *_, finished = brain.sync(cancel=never)
        if at == 0:
            recovery = time.monotonic() - began
        if not (finished.added or finished.changed or finished.moved or finished.removed or finished.failed):
            break
    return {"recovery": recovery, **content(brain)}


def content(brain: LocalBrain) -> dict[str, Any]:
    """Every text, chunk and vector by path; and how words and Chroma differ from the catalog."""
    catalog, parts = brain._catalog, brain._parts
    with catalog._database.reading() as database:
        rows = database.execute(
            'SELECT f.path, c.id, c.ordinal, c.start, c."end", c.line, c.headings, c.key, v.vector '
            "FROM chunks c JOIN files f ON f.id = c.file LEFT JOIN vectors v ON v.id = c.vector ORDER BY f.path, c.ordinal"
        ).fetchall()
        unused = database.execute(
            "SELECT count(*) FROM vectors v WHERE NOT EXISTS (SELECT 1 FROM chunks c WHERE c.key = v.key)"
        ).fetchone()[0]
    files: dict[str, Any] = {}
    for path in sorted(catalog.stamps()):
        document = catalog.document(path)
        on_disk = path.read_text()
        files[str(path)] = {
            "title": document.title,
            "text": hashlib.sha256(document.text.encode()).hexdigest(),
            "is as on disk": document.text == on_disk,
            "chunks": [],
        }
    for path, _, *place, key, vector in rows:
        digest = hashlib.sha256(vector).hexdigest() if vector else None
        files[os.fsdecode(path)]["chunks"].append([*place, key.hex(), digest])
    by_id = {row[1]: np.frombuffer(row[-1], "<f4") for row in rows if row[-1]}
    checkup = brain.doctor(thorough=True)
    chroma = parts.chroma(str(catalog.model_in_use()))
    held = chroma._open_collection().get(include=["embeddings"])
    in_chroma = dict(zip(map(int, held["ids"]), held["embeddings"], strict=True))
    wrong = [one for one in by_id.keys() & in_chroma.keys() if np.abs(by_id[one] - in_chroma[one]).max() > 1e-5]
    missed = [one for one, vector in by_id.items() if one not in nearest(chroma, vector)]
    in_words = parts.words().ids()
    return {
        "files": files,
        "chunks": len(rows),
        "unused vectors": unused,
        "words lack": sorted({row[1] for row in rows} - set(in_words)),
        "words hold too many": len(in_words) - len(rows),
        "chroma lacks": sorted(by_id.keys() - in_chroma.keys()),
        "chroma holds too many": sorted(in_chroma.keys() - by_id.keys()),
        "chroma is wrong": wrong,
        "chroma misses": len(missed),
        "doctor": [f"{one.what} ({one.where})" for one in checkup.found if one.level != "note"],
    }


def nearest(chroma: Any, vector: Any) -> list[int]:
    return [hit.chunk_id for hit in chroma.search(vector, 20)]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("home", type=Path)
    options.add_argument("folder", type=Path)
    options.add_argument("work", choices=("background", "passes", "settle", "forget"))
    options.add_argument("--often", action="store_true")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    patch(often=chosen.often)
    began = time.monotonic()
    say("started")
    with open_brain(load(chosen.home), own=True) as brain:
        if not brain.status().folders:
            brain.add(chosen.folder)
        say("opened")
        if chosen.work == "background":
            background(brain)
        elif chosen.work == "passes":
            passes(brain, random.Random(chosen.seed))
        elif chosen.work == "forget":
            for event in brain.sync(cancel=threading.Event()):
                say(type(event).__name__)
            brain.compact(cancel=threading.Event())
        else:
            found = settle(brain)
            found["seconds"] = time.monotonic() - began
            say(json.dumps(found))


if __name__ == "__main__":
    main()
