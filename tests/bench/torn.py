"""SIGKILL before the k-th write to a kind of file of the store; then Brain must open, answer and heal by itself.

    python -m tests.bench.torn [--kinds catalog words …] [--points 12] [--notes 120]

Needs strace (Linux). The process that is killed brings a store up to a folder that has changed, and lets go of what was
deleted where the kind says so. Each kill is followed by a search at once and by a pass; both must end well, what stands
must be as in a store made from nothing, and no file may have grown beyond measure. See KINDS for what is written when.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.driver import ROOT, faults, settled
from tests.crash.vault import Vault

WRITES = "write,writev,pwrite64,pwritev,ftruncate"
LASTS = "fsync,fdatasync"
NAMES = "rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir"
MOST = 2.5  # times as large as one made from nothing: the log of SQLite and what Chroma leaves until it is made anew
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
_PATH = re.compile(r'[<"](/[^>"]+)[>"]')


@dataclass(frozen=True, slots=True)
class Kind:
    """Which calls on which files of the home are counted (no file: on all), and what the process does meanwhile."""

    calls: str
    files: tuple[str, ...] = ()
    work: str = "settle"


KINDS = {
    "catalog": Kind(f"{WRITES},{LASTS},{NAMES}", ("catalog.db", "catalog.db-wal", "catalog.db-journal"), "forget"),
    "words": Kind(
        "write,writev"
    ),  # tantivy names its files as it likes; beside it Chroma and the log write so, SQLite not
    "commits": Kind(LASTS, work="forget"),  # whatever is to be on disk, in every file
    "names": Kind(NAMES, work="forget"),  # files and folders that take each other's place, and go
    "chroma database": Kind(
        f"{WRITES},{LASTS},{NAMES}",
        ("chroma/chroma.sqlite3", "chroma/chroma.sqlite3-journal", "chroma/chroma.sqlite3-wal"),
    ),
    "chroma index": Kind(
        "write,writev",
        tuple(
            f"chroma/*/{name}"
            for name in ("header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")
        ),
    ),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS), metavar="KIND")
    options.add_argument("--points", type=int, default=12, help="kills of each kind, before writes 1, 2, 3, 5, 8 …")
    options.add_argument("--notes", type=int, default=120)
    chosen = options.parse_args()
    if not shutil.which("strace"):
        print("strace is not here: nothing was done. On Debian: apt-get install strace", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as scratch:
        _run(Path(scratch), chosen.kinds, chosen.points, chosen.notes)


def _run(scratch: Path, kinds: list[str], points: int, notes: int) -> None:
    vault, base = Vault(scratch / "notes", seed=4), scratch / "base"
    vault.fill(notes)
    settled(base, vault.root, "--often")  # saved once: the next save rewrites these files in place
    for _ in range(notes // 2):
        vault.create()
        vault.edit()
    for _ in range(notes // 4):
        vault.delete()
        vault.move()
    expected = settled(scratch / "fresh", vault.root)
    word = next(word for word in vault.notes()[0].read_text().split() if word.startswith("q"))
    done = [
        result
        for name in kinds
        for result in _kills(name, points, scratch, base, vault.root, expected=expected, word=word)
    ]
    print(
        f"{len(done)} kills; slowest answer {max(one.answered for one in done) * 1000:.0f} ms; "
        f"healing worst {max(one.healed for one in done):.1f} s; "
        f"largest store {max(one.size for one in done):.2f} times one made from nothing; 0 differences"
    )


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one kill."""

    answered: float  # seconds until the first answer
    healed: float  # seconds of the process that healed, its imports included
    size: float  # of the store afterwards; 1 is one made from nothing


def _kills(
    name: str, points: int, scratch: Path, base: Path, folder: Path, *, expected: dict[str, Any], word: str
) -> Iterator[Result]:
    home = scratch / "home"
    for k in _points(points):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(base, home)
        where = _killed_at(k, KINDS[name], home, folder)
        if where is None:
            print(f"{name}, write {k}: there are fewer; done", flush=True)
            return
        answered, degraded = _answered(home, word, f"{name}, write {k} ({where})")
        began = time.monotonic()
        state = settled(home, folder)
        healed = time.monotonic() - began
        differences = faults(state, expected)
        assert not differences, f"{name}, write {k} ({where}): {differences[:10]}"
        size = _size(home) / _size(scratch / "fresh")
        assert size <= MOST, f"{name}, write {k} ({where}): the store is {size:.1f} times as large"
        print(
            f"{name}, write {k}, {where}: answered in {answered * 1000:.0f} ms {degraded}; "
            f"healed in {healed:.1f} s; {size:.2f} times the size: equal",
            flush=True,
        )
        yield Result(answered, healed, size)


def _answered(home: Path, word: str, what: str) -> tuple[float, str]:
    """Seconds until a search is answered, and what it had to do without."""
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, str(home), word],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{what}: searching ended with {done.returncode}: {done.stderr[-1500:]}"
    seconds, found, degraded = done.stdout.rstrip("\n").split(" ", 2)
    assert int(found) > 0, f"{what}: nothing was found"
    return float(seconds), degraded


def _points(count: int) -> list[int]:
    points = [1, 2]
    while len(points) < count:
        points.append(max(points[-1] + 1, int(points[-1] * 1.6)))
    return points[:count]


def _killed_at(k: int, kind: Kind, home: Path, folder: Path) -> str | None:
    """The call that did not happen, and its file; None where there are fewer than k."""
    files = [path for name in kind.files for path in (home.glob(name) if "*" in name else [home / name])]
    paths = [argument for path in files for argument in ("-P", str(path))]
    inject = ["-e", f"trace={kind.calls}", "-e", f"inject={kind.calls}:signal=SIGKILL:when={k}"]
    said = home.with_name("strace.txt")
    command = ["strace", "-f", "-y", "-s", "0", "-o", str(said), *inject, *paths]
    command += [sys.executable, "-m", "tests.crash.child", str(home), str(folder), kind.work, "--often"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, check=False)
    assert done.returncode in (0, -9, 137), done.stderr
    if done.returncode == 0:
        return None
    lines = said.read_text(errors="replace").splitlines()
    calls = [line for line in lines if not any(mark in line for mark in ("+++", "---", "resumed>"))]
    if not calls:
        return "?"
    paths_in_it = [Path(path) for path in _PATH.findall(calls[-1])]
    inside = [str(path.relative_to(home)) for path in paths_in_it if path.is_relative_to(home)]
    call = calls[-1].split(None, 1)[-1].partition("(")[0]
    return f"{call} {inside[-1] if inside else 'outside the home'}"


def _size(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
