"""What the terminal UI asks of the network: a session in a pseudo terminal under strace, with --offline and without.

    python -m tests.bench.network --models FOLDER [--seconds N]

It adds the sample notes, searches, asks, opens a source, the figures, help and the saved conversations, stays idle, asks
again and quits. Every connect, sendto, sendmsg, sendmmsg and bind of every process to an IP address is printed and counted,
this machine's own included; so is every program that was started. Any number but 0 is a fault.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import sys
import tempfile
import termios
import time
from collections import Counter
from pathlib import Path

from brain.sample import QUESTIONS, VAULT
from tests.tracing import ROOT, attempts, brain, traced, why_no_strace

KEYS = (
    (b"heating", 3.0),  # search as you type
    (b"\x1b[B", 1.0),
    (b"\x15", 1.0),
    (QUESTIONS[0].text.encode() + b"\r", 25.0),
    (b"\x1b", 1.0),
    (b"t", 2.0),
    (b"\x1b", 1.0),
    (b"1", 3.0),
    (b"\x1b", 1.0),
    (b"\x1bOP", 2.0),  # F1
    (b"\x1b", 1.0),
    (b"\x1bOS", 2.0),  # F4
    (b"\x1b", 1.0),
    (b"i", 0.5),
)
AGAIN = ((QUESTIONS[1].text.encode() + b"\r", 25.0), (b"\x11", 4.0))
STARTED = re.compile(r'execve\("([^"]+)"')


def typed(command: list[str], home: Path, idle: float) -> bytes:
    """One session; everything that was drawn."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(BRAIN_HOME=str(home), TERM="xterm-256color", PYTHONPATH=str(ROOT))
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    drawn = b""

    def watch(seconds: float, until: bytes | None = None) -> None:
        nonlocal drawn
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    drawn += os.read(terminal, 65536)
                except OSError:
                    return
            if until is not None and until in drawn:
                return

    watch(60, b"Just ask")
    watch(20)  # the models warm up, the notes are indexed
    for keys, seconds in (*KEYS, (b"", idle), *AGAIN):
        os.write(terminal, keys)
        watch(seconds)
    os.close(terminal)
    os.waitpid(pid, 0)
    return drawn


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", type=Path, required=True, help="a shelf with the starter models")
    options.add_argument("--seconds", type=float, default=30.0, help="to stay idle in the middle")
    chosen = options.parse_args()
    if why := why_no_strace():
        print(why)
        return 1
    faults = 0
    for flags in ([], ["--offline"]):
        with tempfile.TemporaryDirectory() as folder:
            home, written = Path(folder) / "home", Path(folder) / "trace"
            home.mkdir()
            shutil.copytree(VAULT, Path(folder) / "notes")
            (home / "config.toml").write_text(f'models_folder = "{chosen.models.absolute()}"\n')
            strace = [part.replace("trace=connect", "trace=execve,connect") for part in traced(written)]
            drawn = typed(
                [*strace, sys.executable, "-m", "tui", *flags, str(Path(folder) / "notes")], home, chosen.seconds
            )
            found = attempts(written)
            text = written.read_text(errors="replace")
            saved = brain("chats", "--json", home=home).count('"began"')
            faults += len(found)
            print(f"brain {' '.join(flags) or '(no flags)'}: {len(drawn):,} bytes drawn, {saved} conversations saved")
            print(f"  {len(text.splitlines()):,} lines of trace, {text.count('AF_UNIX')} with Unix sockets")
            print(f"  {len(found)} calls that reach for an IP address", *found, sep="\n    ")
            print("  programs:", dict(Counter(Path(name).name for name in STARTED.findall(text))))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
