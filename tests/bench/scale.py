"""Brain with 100,000 passages: how large, how quick, how much memory.

    python -m tests.bench.scale HOME FOLDER… [--chunks 100000] [--models DIR] [--part NAME]

HOME is made from the folders, of notes and PDFs, and from notes that are filled up with the folders' own paragraphs in
another order and with words exchanged, so that no two passages are equal; it is kept, and measured again without being
made again. Every part is measured in a process of its own, and `--part` names one: build, sizes, again, doctor, opening,
exact, chroma.

All of it is the real program but the embedder, whose child would work for an hour and a half: a passage gets a unit
vector near one of 2,000 centres, drawn from its text. With `--models` each question is embedded by the real model as
well, for the time that takes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from brain.chunking import EstimatedTokenizer
from brain.engine import open_brain
from brain.events import SyncFinished
from brain.local import LocalBrain
from brain.parts import Parts
from brain.seams import Embedder, Vectors
from brain.settings import load
from brain.types import Scope
from brain.wording import key_terms
from tests.bench.sweep import bare

CENTRES, DIMENSIONS = 2000, 384
SPREAD = 0.8  # two passages near one centre have a cosine of about 0.6
PARTS = ("build", "sizes", "again", "doctor", "opening", "exact", "chroma")
PER_FOLDER = 50  # filled up notes


class SeededEmbedder:
    """A unit vector near one of the centres: which one, and where beside it, is drawn from the text."""

    name = "seeded/1"
    dimensions = DIMENSIONS
    recipe = EstimatedTokenizer.recipe
    window = 256

    def __init__(self, real: Embedder | None = None) -> None:
        self._real = real
        self._centres = np.random.default_rng(0).standard_normal((CENTRES, DIMENSIONS), np.float32)
        self._centres /= np.linalg.norm(self._centres, axis=1, keepdims=True)
        self.count = EstimatedTokenizer(self.window).count

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:
        if self._real is not None and kind == "query":
            self._real.embed(texts, kind=kind)
        rows = np.empty((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            seed = int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:8], "big")
            drawn = np.random.default_rng(seed).standard_normal(DIMENSIONS, np.float32)
            row[:] = self._centres[seed % CENTRES] + drawn * (SPREAD / np.linalg.norm(drawn))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def warm(self) -> None: ...

    def close(self) -> None: ...


def build(home: Path, folders: Sequence[Path], chunks: int) -> None:
    """Bring a home up to so many passages."""
    began = time.monotonic()
    filled = home.with_name(f"{home.name}-notes")
    with open_brain(load(home), own=True) as brain:
        for folder in folders:
            brain.add(folder)
        sync(brain)
        texts = sorted({paragraph for path in brain._catalog.stamps() for paragraph in paragraphs(brain, path)})
        while (held := brain.status().chunks) < chunks:
            fill(filled, texts, notes=max(100, (chunks - held) // 6))
            brain.add(filled)
            sync(brain)
        status = brain.status()
    say("notes, passages, failed", status.indexed, status.chunks, status.failed)
    say("seconds until all is indexed", round(time.monotonic() - began))
    say("peak memory of the indexing process, MB", peak_mb())


def paragraphs(brain: LocalBrain, path: Path) -> list[str]:
    """What can be told again of a document; nothing of one that could not be read."""
    if path.name.startswith("filled "):
        return []
    try:
        text = brain.document(path).text
    except Exception:  # noqa: BLE001 - a file that failed has no text to give
        return []
    found = [re.sub(r"\s+", " ", part).strip() for part in text.split("\n\n")]
    return [part for part in found if 200 <= len(part) <= 1500]


def fill(folder: Path, texts: Sequence[str], *, notes: int) -> None:
    """So many more notes of paragraphs in a new order, one word in eight taken from elsewhere, with tags and dates."""
    first = sum(1 for _ in folder.rglob("*.md")) if folder.is_dir() else 0
    for at in range(first, first + notes):
        chance = random.Random(at)
        words = " ".join(chance.choices(texts, k=3)).split()
        told = [
            " ".join(chance.choice(words) if chance.random() < 0.125 else word for word in text.split())
            for text in chance.choices(texts, k=chance.randint(3, 12))
        ]
        day = f"{chance.randint(2018, 2026)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        front = f"---\ndate: {day}\ntags: [topic-{at % 20}, {'rare' if at % 100 == 0 else 'common'}]\n---\n"
        body = "\n\n".join(f"## {' '.join(text.split()[:4])}\n\n{text}" for text in told)
        path = folder / f"part {at // PER_FOLDER:03}" / f"filled {at}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(front + body, encoding="utf-8", errors="replace")


def sizes(home: Path) -> None:
    """Bytes on disk."""
    with open_brain(load(home), own=False) as brain:
        held = brain.status().chunks
    stored = {name: size_of(home / name) for name in ("words", "chroma")}
    stored["catalog"] = sum(path.stat().st_size for path in home.glob("catalog.db*"))
    for name, size in stored.items():
        say(f"{name}: MB, bytes a passage", round(size / 1e6), round(size / held))
    say("catalog and Chroma together, bytes a passage", round((stored["catalog"] + stored["chroma"]) / held))


def again(home: Path) -> None:
    """A pass that finds nothing to do, against a bare walk of the same folders, in turn."""
    walks, passes = [], []
    with open_brain(load(home), own=True) as brain:
        folders = brain._catalog.folders()
        first = timed(lambda: sync(brain))
        for _ in range(7):
            walks.append(timed(lambda: [bare(folder) for folder in folders]))
            passes.append(timed(lambda: sync(brain)))
    walk, whole = statistics.median(walks), statistics.median(passes)
    say("bare walk, second sync, ms", round(walk * 1000), round(whole * 1000))
    say("second sync against the walk", round(whole / walk, 2))
    say("the first of a process, ms", round(first * 1000))
    say("peak memory, MB", peak_mb())


def doctor(home: Path) -> None:
    """The quick examination."""
    with open_brain(load(home), own=True) as brain:
        for what in ("doctor, s", "doctor again, s"):
            began = time.monotonic()
            checkup = brain.doctor()
            say(what, round(time.monotonic() - began, 2), [finding.what for finding in checkup.found][:3])
    say("peak memory, MB", peak_mb())


def opening(home: Path) -> None:
    """From a closed store to the first words found."""
    brain_opened, words_found = [], []
    for _ in range(5):
        began = time.monotonic()
        with open_brain(load(home), own=True) as brain:
            brain_opened.append(time.monotonic() - began)
            brain._parts.words().search("water", 10)
            words_found.append(time.monotonic() - began)
    say("open, first words found, ms", *(round(statistics.median(one) * 1000) for one in (brain_opened, words_found)))
    with open_brain(load(home), own=True) as brain:
        say("status, ms", round(statistics.median(timed(brain.status) for _ in range(5)) * 1000))
    say("memory without vectors, MB", peak_mb())


def search(home: Path, *, chroma: bool) -> None:
    """Searches in a process that is warm."""
    with open_brain(load(home), own=True) as brain:
        parts = brain._parts
        if chroma:
            say("opening Chroma, s", round(timed(lambda: parts.chroma("seeded/1")), 2))
            parts.chroma_is_current = True
        embedder = parts.embedder()
        asked = questions(brain, 200)
        say("first search, s", round(timed(lambda: brain.search(asked[0])), 2))
        for question in asked[:10]:
            brain.search(question)
        vectors = [embedder.embed([question], kind="query")[0] for question in asked]
        index = parts.vectors()
        say("embedding of the question", quantiles(lambda text: embedder.embed([text], kind="query"), asked))
        say("vectors only", quantiles(lambda vector: index.search(vector, 60), vectors))
        typed = [question[:length] for question in asked[:60] for length in range(3, len(question), 3)]
        say("words only, a keystroke", quantiles(lambda text: parts.words().search(text, 20), typed))
        compare_scopes(brain, asked[:30])
        if chroma:
            say("of the ten nearest Chroma finds", agreement(brain, vectors[:100]))
    say("peak memory of the searching process, MB", peak_mb())


def compare_scopes(brain: LocalBrain, asked: Sequence[str]) -> None:
    """Whole searches with and without a filter in turn, so that what else the machine does hits both alike."""
    for what, scope in scopes(brain):
        first = timed(lambda scope=scope: brain._catalog.scope(scope))  # type: ignore[misc]
        spent: dict[bool, list[float]] = {False: [], True: []}
        worked: dict[bool, list[float]] = {False: [], True: []}
        for question in asked:
            for is_scoped in (False, True):
                before, began = time.process_time(), time.perf_counter()
                brain.search(question, scope=scope if is_scoped else Scope())
                spent[is_scoped].append(time.perf_counter() - began)
                worked[is_scoped].append(time.process_time() - before)
        say(f"{what}, {len(brain._catalog.scope(scope) or ())} passages: in it", told(spent[True]))
        say("… everywhere", told(spent[False]))
        shares = (statistics.median(one[True]) / statistics.median(one[False]) for one in (spent, worked))
        processor = round(statistics.median(worked[False]) * 1000, 1)
        say("… p50 in it against everywhere, of time and of processor", *(round(share, 2) for share in shares))
        say("… processor ms a search, ms to find the scope at first", processor, round(first * 1000))


def scopes(brain: LocalBrain) -> Iterator[tuple[str, Scope]]:
    """Filters that leave little, some and much."""
    places = brain._catalog.places()
    folders = [place for place in places if place.endswith("/")]
    tags = list(brain._catalog.tags())
    yield "one folder", Scope(within=(folders[len(folders) // 10],))
    yield "the largest folder", Scope(within=(folders[0],))
    yield "a tag", Scope(tags=("topic-3",))
    yield "the commonest tag", Scope(tags=(tags[0],))
    yield "a month", Scope(after="2024-03", before="2024-03")
    yield "since 2022", Scope(after="2022")
    yield "PDFs", Scope(formats=("pdf",))


def questions(brain: LocalBrain, count: int) -> list[str]:
    """What somebody might ask: a few telling words of a passage."""
    ids = brain._catalog.chunk_ids()
    chosen = random.Random(1).sample(ids, count * 2)
    found = []
    for chunk in brain._catalog.chunks(chosen).values():
        terms = [term for term in dict.fromkeys(key_terms(chunk.text)) if term.isalpha()]
        if len(terms) >= 8:
            found.append("how does " + " ".join(random.Random(chunk.id).sample(terms, 5)))
    return found[:count]


def agreement(brain: LocalBrain, vectors: Sequence[Vectors]) -> float:
    """Share of the exact ten nearest that Chroma names too."""
    from brain.store.vectors import ExactVectors

    exact, chroma = ExactVectors(brain._catalog, "seeded/1"), brain._parts.vectors()
    shared = [
        len({hit.chunk_id for hit in exact.search(one, 10)} & {hit.chunk_id for hit in chroma.search(one, 10)})
        for one in vectors
    ]
    return round(statistics.fmean(shared) / 10, 3)


def sync(brain: LocalBrain) -> None:
    for event in brain.sync(cancel=threading.Event()):
        if isinstance(event, SyncFinished) and event.added:
            say("a pass: added, embedded, s", event.added, event.chunks_embedded, round(event.seconds))


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def quantiles(work: Callable[[Any], object], given: Sequence[Any]) -> str:
    return told([timed(lambda one=one: work(one)) for one in given])  # type: ignore[misc]


def told(seconds: Sequence[float]) -> str:
    spent = sorted(one * 1000 for one in seconds)
    return f"p50 {statistics.median(spent):6.1f}   p95 {spent[int(0.95 * len(spent))]:6.1f} ms   ({len(spent)})"


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20))


def say(what: str, *values: object) -> None:
    print(f"  {what:<58}", *values, flush=True)


def real_embedder(models: Path) -> Embedder:
    from brain.models.local import open_embedder

    opened = open_embedder(models / "all-minilm-l6-v2.gguf", threads=os.cpu_count() or 1)
    opened.warm()
    return opened


def measure(part: str, home: Path, folders: Sequence[Path], chunks: int, models: Path | None) -> None:
    is_search = part in ("exact", "chroma")
    embedder = SeededEmbedder(real_embedder(models) if models and is_search else None)
    Parts.embedder = lambda self: embedder  # type: ignore[assignment,method-assign,return-value]
    match part:
        case "build":
            build(home, folders, chunks)
        case "exact" | "chroma":
            search(home, chroma=part == "chroma")
        case _:
            {"sizes": sizes, "again": again, "doctor": doctor, "opening": opening}[part](home)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("home", type=Path)
    options.add_argument("folders", type=Path, nargs="*")
    options.add_argument("--chunks", type=int, default=100_000)
    options.add_argument("--models", type=Path)
    options.add_argument("--part", choices=PARTS)
    chosen = options.parse_args()
    if chosen.part:
        measure(chosen.part, chosen.home.absolute(), chosen.folders, chosen.chunks, chosen.models)
        return
    for part in PARTS:
        print(f"{part} (load average {os.getloadavg()[0]:.1f})", flush=True)
        subprocess.run([sys.executable, "-m", "tests.bench.scale", *sys.argv[1:], "--part", part], check=True)


if __name__ == "__main__":
    main()
