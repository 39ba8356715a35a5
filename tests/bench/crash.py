"""Hundreds of SIGKILLs at random points of indexing, opening and recovery, while the folder changes. Nothing may be lost.

    python -m tests.bench.crash [--kills 200] [--seed 1] [--every 10] [--notes 90] [--often]

Ends with an error, naming the seed, at the first difference to an index made from nothing of the same folder.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from tests.crash.driver import run


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--every", type=int, default=10, help="compare after so many kills")
    options.add_argument("--notes", type=int, default=90)
    options.add_argument(
        "--often", action="store_true", help="Chroma saves after every 20 changes: more windows to hit"
    )
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tally = run(
            Path(scratch),
            kills=chosen.kills,
            seed=chosen.seed,
            every=chosen.every,
            notes=chosen.notes,
            often=chosen.often,
            tell=lambda line: print(line, flush=True),
        )
    print(
        f"{tally.kills} kills ({tally.early} while opening), {tally.changes} changes, {tally.checks} comparisons: equal"
    )
    print(f"chunks at the end: {tally.chunks}; not found by their own vector, over all comparisons: {tally.misses}")
    print(f"recovery: median {statistics.median(tally.recoveries):.2f} s, worst {max(tally.recoveries):.2f} s")
    print(
        f"with the start of the process: median {statistics.median(tally.starts):.2f} s, worst {max(tally.starts):.2f} s"
    )
    print(f"killed after: {tally.killed_after}")


if __name__ == "__main__":
    main()
