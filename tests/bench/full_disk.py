"""A small disk fills up while notes are indexed: what is stored can be read, and all is well once there is space again.

    python -m tests.bench.full_disk [--megabytes 24]

Needs root on Linux: it mounts a tmpfs of its own and takes it away at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from brain.cli import DONE, main
from tests.crash.child import patch
from tests.crash.vault import Vault


def said(*command: str) -> tuple[int, str]:
    """Exit code and words of a command."""
    words = io.StringIO()
    with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
        code = main(list(command))
    return code, words.getvalue()


def run(disk: Path, notes: Path, remount: list[str]) -> None:
    vault, home = Vault(notes, 1), disk / "home"
    vault.fill(60)
    (vault.root / "well.md").write_text("The pump for the well comes in week 24.")
    print("add:", said("add", str(vault.root), "--home", str(home))[0])
    vault.fill(4000)
    code, words = said("sync", "--home", str(home))
    print(f"sync on the filling disk: {code}, {words.splitlines()[-2:]}")
    left = disk / "ballast"
    with contextlib.suppress(OSError), left.open("wb") as file:
        while True:
            file.write(bytes(4096))
    for command in (["search", "pump well week"], ["ask", "--quotes", "When?"], ["status"], ["doctor"], ["sync"]):
        code, words = said(*command, "--home", str(home))
        print(f"{command[0]} on the full disk: {code}, {words.splitlines()[-1:]}")
        assert command[0] not in ("search", "status") or code == DONE
        assert "bug of its own" not in words
    subprocess.run(remount, check=True)
    left.unlink()
    assert said("sync", "--home", str(home))[0] == DONE
    code, words = said("doctor", "--thorough", "--home", str(home))
    print(f"with space again: sync 0, doctor {code}, {words.splitlines()[-1:]}")


def begin() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--megabytes", type=int, default=24)
    chosen = options.parse_args()
    if os.geteuid() != 0 or sys.platform != "linux":
        print("Needs root on Linux: nothing was done.", file=sys.stderr)
        return
    patch(often=False)
    with tempfile.TemporaryDirectory() as scratch:
        disk = Path(scratch, "disk")
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={chosen.megabytes}m", "tmpfs", disk], check=True)
        try:
            run(disk, Path(scratch, "notes"), ["mount", "-o", "remount,size=400m", str(disk)])
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


if __name__ == "__main__":
    begin()
