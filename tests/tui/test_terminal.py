"""The terminal goes away: the process ends, and the store was closed in good order."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from brain.store.claim import look_at_store

WAIT = 30.0


def start(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The terminal UI on a terminal of its own, with its first frame drawn and the store owned."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "--home", str(home)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    deadline = time.monotonic() + WAIT
    while look_at_store(home).owner is None:
        assert time.monotonic() < deadline, "the engine was not opened"
        if select.select([ours], [], [], 0.05)[0]:
            os.read(ours, 65536)
    return process, ours


def drain(terminal: int) -> None:
    while select.select([terminal], [], [], 0.05)[0]:
        try:
            if not os.read(terminal, 65536):
                return
        except OSError:
            return


@pytest.mark.parametrize("how", ["closed", "hung up", "terminated"])
def test_the_process_ends_and_the_store_is_free(home: Path, how: str) -> None:
    process, terminal = start(home)
    try:
        if how == "closed":
            os.close(terminal)
        elif how == "hung up":
            process.send_signal(signal.SIGHUP)
        else:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + WAIT
        while process.poll() is None:
            assert time.monotonic() < deadline, "it stayed"
            if how != "closed":
                drain(terminal)
            else:
                time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
        if how != "closed":
            os.close(terminal)
    assert process.returncode == (0 if how == "terminated" else 129)
    assert look_at_store(home).owner is None
    assert (home / "lock").read_bytes() == b""  # let go of in good order, not by the kernel
