"""SIGKILL inside Chroma's save of its index, at the k-th write to its files; then Brain must open, answer and heal by itself.

    python -m tests.bench.torn [--points 16] [--notes 120]

Needs strace (Linux). Each kill is followed by three starts of Brain: a search at once, a pass, and a search with Chroma
built anew; every one must end well, and the store must be as one that was never killed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.driver import ROOT, faults, settled
from tests.crash.vault import Vault

FILES = ("header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")
SEARCH = """
import sys, time
from pathlib import Path
from tests.crash.child import patch
patch(often=False)
from brain.engine import open_brain
from brain.settings import load
with open_brain(load(Path(sys.argv[1])), own=None) as brain:
    began = time.monotonic()
    found = brain.search(sys.argv[2])
    print(time.monotonic() - began, len(found.evidence), ",".join(found.degraded))
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--points", type=int, default=16, help="kills, at writes 1, 2, 3, 5, 8 … of the save")
    options.add_argument("--notes", type=int, default=120)
    chosen = options.parse_args()
    if not shutil.which("strace"):
        print("strace is not here: nothing was done. On Debian: apt-get install strace", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as scratch:
        _run(Path(scratch), chosen.points, chosen.notes)


def _run(scratch: Path, points: int, notes: int) -> None:
    vault, base = Vault(scratch / "notes", seed=4), scratch / "base"
    vault.fill(notes)
    settled(base, vault.root, "--often")  # saved once: the next save rewrites these files in place
    for _ in range(notes // 2):
        vault.create()
        vault.edit()
    expected = settled(scratch / "fresh", vault.root)
    (segment,) = (path.name for path in (base / "chroma").iterdir() if path.is_dir())
    word = next(word for word in vault.notes()[0].read_text().split() if word.startswith("q"))
    kills, slowest, healed = 0, 0.0, []
    for k in _points(points):
        home = scratch / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(base, home)
        if not _killed_at(k, home, vault.root, segment):
            print(f"write {k}: the save has fewer writes; done")
            break
        kills += 1
        apparent = sum(path.stat().st_size for path in (home / "chroma").rglob("*"))
        done = subprocess.run(
            [sys.executable, "-c", SEARCH, str(home), word],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"write {k}: searching ended with {done.returncode}: {done.stderr[-1500:]}"
        seconds, found, degraded = done.stdout.split(" ", 2)
        assert int(found) > 0, f"write {k}: nothing was found"
        slowest = max(slowest, float(seconds))
        began = time.monotonic()
        state = settled(home, vault.root)
        healed.append(time.monotonic() - began)
        differences = faults(state, expected)
        assert not differences, f"write {k}: {differences[:10]}"
        again = settled(home, vault.root)
        assert not faults(again, expected), f"write {k}: the third start differs"
        answer = f"answered in {float(seconds) * 1000:.0f} ms {degraded.strip()}"
        print(f"write {k}: chroma/ {apparent / 1e6:.1f} MB; {answer}; healed in {healed[-1]:.1f} s: equal", flush=True)
    print(
        f"{kills} kills inside a save; slowest answer {slowest * 1000:.0f} ms; healing worst {max(healed):.1f} s; 0 differences"
    )


def _points(count: int) -> list[int]:
    points = [1, 2]
    while len(points) < count:
        points.append(max(points[-1] + 1, int(points[-1] * 1.6)))
    return points


def _killed_at(k: int, home: Path, folder: Path, segment: str) -> bool:
    paths = [argument for name in FILES for argument in ("-P", str(home / "chroma" / segment / name))]
    inject = ["-e", "trace=write,writev", "-e", f"inject=write,writev:signal=SIGKILL:when={k}"]
    command = ["strace", "-f", "-o", "/dev/null", *inject, *paths]
    command += [sys.executable, "-m", "tests.crash.child", str(home), str(folder), "settle", "--often"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, check=False)
    assert done.returncode in (0, -9, 137), done.stderr
    return done.returncode != 0


if __name__ == "__main__":
    main()
