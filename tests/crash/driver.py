"""Kills a Brain at random points while its folder changes, and compares what is left with an index made from nothing."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.vault import Vault

ROOT = Path(__file__).parents[2]
HANG = 180.0  # seconds: nothing here takes that long
MISSES = 1  # of a few hundred vectors may stand where no search comes, in an index made from nothing as well
EARLY = 0.25  # of the kills come while the store is opened and recovered


@dataclass
class Tally:
    """What became of all the kills."""

    kills: int = 0
    early: int = 0
    checks: int = 0
    changes: int = 0
    recoveries: list[float] = field(default_factory=list)  # seconds of the first pass after a kill
    starts: list[float] = field(default_factory=list)  # and of the whole process, its imports included
    killed_after: dict[str, int] = field(default_factory=dict)  # the last word of the child
    chunks: int = 0
    misses: int = 0  # vectors that Chroma did not find by themselves, over all comparisons


def child(home: Path, folder: Path, work: str, *more: str) -> subprocess.Popen[str]:
    """Start one."""
    command = [sys.executable, "-m", "tests.crash.child", str(home), str(folder), work, *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def settled(home: Path, folder: Path, *more: str) -> dict[str, Any]:
    """What a fresh process makes of the store. A process that does not end well is a failure."""
    running = child(home, folder, "settle", *more)
    out, err = running.communicate(timeout=HANG)
    assert running.returncode == 0, f"the process ended with {running.returncode}: {err[-2000:]}"
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def faults(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """How a store differs from one made from nothing, in words."""
    said = []
    lost, ghosts = expected["files"].keys() - found["files"].keys(), found["files"].keys() - expected["files"].keys()
    said += [f"lost {path}" for path in sorted(lost)] + [f"ghost {path}" for path in sorted(ghosts)]
    for path in expected["files"].keys() & found["files"].keys():
        said += [
            f"{path}: {name} differs"
            for name in ("title", "text", "chunks")
            if found["files"][path][name] != expected["files"][path][name]
        ]
        said += [] if found["files"][path]["is as on disk"] else [f"{path} is torn"]
    for name in (
        "unused vectors",
        "words lack",
        "words hold too many",
        "chroma lacks",
        "chroma holds too many",
        "chroma is wrong",
        "doctor",
    ):
        said += [f"{name}: {found[name]}"] if found[name] else []
    if found["chroma misses"] > max(MISSES, found["chunks"] // 500):
        said.append(f"chroma misses {found['chroma misses']} of {found['chunks']}")
    return said


def run(scratch: Path, *, kills: int, seed: int, every: int, notes: int, often: bool, tell: Any = None) -> Tally:
    """`kills` kills, a comparison after `every` of them. Raises AssertionError with the seed at the first difference."""
    chance = random.Random(seed)
    home, vault = scratch / "home", Vault(scratch / "notes", seed)
    vault.fill(notes)
    tally = Tally()
    more = ["--often"] if often else []
    while tally.kills < kills:
        _kill_one(home, vault, chance, more, tally)
        if tally.kills % every == 0 or tally.kills == kills:
            found = settled(home, vault.root, *more)
            fresh = scratch / "fresh"
            expected = settled(fresh, vault.root)
            shutil.rmtree(fresh)
            differences = faults(found, expected)
            assert not differences, f"seed {seed}, after {tally.kills} kills: {differences[:10]}"
            tally.checks += 1
            tally.chunks = found["chunks"]
            tally.misses += found["chroma misses"]
            tally.recoveries.append(found["recovery"])
            tally.starts.append(found["seconds"])
            if tell:
                tell(f"{tally.kills} kills, {found['chunks']} chunks, recovered in {found['recovery']:.2f} s: equal")
    return tally


def _kill_one(home: Path, vault: Vault, chance: random.Random, more: list[str], tally: Tally) -> None:
    work = chance.choice(("background", "passes"))
    early = chance.random() < EARLY
    running = child(home, vault.root, work, "--seed", str(chance.getrandbits(30)), *more)
    heard: list[str] = []
    awaited = threading.Event()
    wanted = (
        "started" if early else chance.choice(("opened", "SyncStarted", "FileIndexed", "VectorsAdded", "SyncFinished"))
    )

    def listen() -> None:
        for line in running.stdout or ():
            heard.append(line.strip())
            if heard[-1] == wanted:
                awaited.set()

    listener = threading.Thread(target=listen)
    listener.start()
    vault.change()  # there is always something to do
    deadline = time.monotonic() + 10
    while not awaited.wait(0.02) and time.monotonic() < deadline and running.poll() is None:
        vault.change()
        tally.changes += 1
        time.sleep(chance.uniform(0, 0.2))
    end = time.monotonic() + (
        chance.uniform(0, 1.6) if early else chance.choice((0.0, 0.02, 0.2, 1.0)) * chance.random()
    )
    while time.monotonic() < end:
        vault.change()
        tally.changes += 1
        time.sleep(chance.uniform(0, 0.1))
    died = running.poll()
    running.kill()
    running.wait()
    listener.join()
    said = running.stderr.read() if running.stderr else ""
    for stream in (running.stdout, running.stderr):
        if stream:
            stream.close()
    assert died is None, f"the process ended by itself with {died}: {said[-2000:]}"
    assert "Traceback" not in said, said[-3000:]
    last = heard[-1] if heard else "nothing"
    tally.killed_after[last] = tally.killed_after.get(last, 0) + 1
    tally.kills += 1
    tally.early += early
