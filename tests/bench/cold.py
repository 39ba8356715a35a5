"""How long a fresh process takes, against `python -c "import textual.app"` in turn with it: medians and the ratio.

    python -m tests.bench.cold [--home DIR] [--runs N]

The first frame of the terminal UI is taken through a pseudo terminal: from the start of the process to the first byte that
draws the bar.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import statistics
import subprocess
import sys
import time
from pathlib import Path

from brain.settings import load

BASELINE = [sys.executable, "-c", "import textual.app"]


def timed(command: list[str], home: Path) -> float:
    environment = {**os.environ, "BRAIN_HOME": str(home)}
    began = time.monotonic()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.monotonic() - began


def first_frame(command: list[str], home: Path, mark: bytes) -> float:
    """Seconds from the start until `mark` is on the screen."""
    began = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(BRAIN_HOME=str(home), TERM="xterm-256color", COLUMNS="120", LINES="36")
        os.execv(command[0], command)
    seen = b""
    taken = 0.0
    while time.monotonic() - began < 30:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
        if mark in seen:
            taken = time.monotonic() - began
            break
    os.write(terminal, b"\x11")  # ctrl+q
    time.sleep(0.5)
    os.close(terminal)
    subprocess.run(["kill", str(pid)], stderr=subprocess.DEVNULL, check=False)
    os.waitpid(pid, 0)
    return taken


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--home", type=Path, default=load().home)
    options.add_argument("--runs", type=int, default=5)
    chosen = options.parse_args()
    brain = [sys.executable, "-m", "tui"]
    rows = {
        "brain --help": lambda: timed([*brain, "--help"], chosen.home),
        "brain search": lambda: timed([*brain, "search", "water pressure"], chosen.home),
        "brain status": lambda: timed([*brain, "status"], chosen.home),
        "TUI first frame": lambda: first_frame(brain, chosen.home, b"Just ask"),
    }
    for name, run in rows.items():
        run()
        pairs = [(run(), timed(BASELINE, chosen.home)) for _ in range(chosen.runs)]
        own, other = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{name:<16} {own * 1000:7.0f} ms   import textual.app {other * 1000:7.0f} ms   ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
