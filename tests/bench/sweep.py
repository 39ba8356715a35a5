"""What a sweep costs when nothing changed, against a bare walk with stat of the same folder in the same run.

    python -m tests.bench.sweep FOLDER [--rounds N]

The sweep is what the indexer does twice a minute: the stamps of the catalog, the walk, the comparison. The catalog is
filled without reading the notes: each file of the folder is put as an empty document with its stamp.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from brain import readers
from brain.listing import listing
from brain.store.catalog import Catalog
from brain.sync import Pass, recipe_of
from brain.types import Document
from tests.fakes import HashingEmbedder


def bare(root: Path) -> int:
    """How many files there are: os.scandir and a stat each."""
    count, waiting = 0, [os.fspath(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
                    count += 1
    return count


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    folder, tokenizer = chosen.folder.resolve(), HashingEmbedder()
    with tempfile.TemporaryDirectory() as home, Catalog(Path(home) / "catalog.db") as catalog:
        catalog.add_folder(folder)
        for name, stamp in listing(folder, readers.suffixes()).files.items():
            document = Document(Path(name), "", "", ())
            catalog.put(document, (), stamp=stamp, sha256="", recipe=recipe_of(tokenizer))

        def sweep() -> None:
            one_pass = Pass(catalog, readers, tokenizer, max_bytes=50_000_000)
            assert one_pass.steps(()) == ([], [])

        sweep()
        walks, sweeps = [], []
        for _ in range(chosen.rounds):
            walks.append(seconds(lambda: bare(folder)))
            sweeps.append(seconds(sweep))
    walk, whole = statistics.median(walks), statistics.median(sweeps)
    print(
        f"{bare(folder)} files: bare walk {walk * 1000:.0f} ms, sweep {whole * 1000:.0f} ms, {whole / walk:.2f} times"
    )


if __name__ == "__main__":
    main()
