"""Runs `brain` where there is no network, or where every network call of every process is written down."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
CALLS = "connect,sendto,sendmsg,sendmmsg,bind"
BEYOND = re.compile(r"\b(?:connect|sendto|sendmsg|sendmmsg|bind)\(.*\bAF_INET6?\b")


@cache
def why_no_strace() -> str:
    """Why calls cannot be traced here; "" where they can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-A", "-e", "trace=connect", "-o", os.devnull, "true"],
        capture_output=True,
        check=False,
        timeout=30,
    )
    return "strace may not trace here" if tried.returncode else ""


@cache
def why_no_namespace() -> str:
    """Why there can be no network namespace here; "" where there can."""
    if not shutil.which("unshare"):
        return "unshare is not installed"
    tried = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False, timeout=30)
    return "network namespaces are not allowed here" if tried.returncode else ""


def brain(*words: str, home: Path, before: tuple[str, ...] = (), environment: dict[str, str] | None = None) -> str:
    """Run one command, `before` in front of it; what it printed. Fails unless it ends with 0."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "BRAIN_"))}
    done = subprocess.run(
        [*before, sys.executable, "-P", "-m", "brain", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(ROOT), **(environment or {})},
        cwd=home.parent,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"brain {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def traced(written: Path) -> tuple[str, ...]:
    """What to put before a command so that its network calls, and those of all its processes, are added to a file."""
    return ("strace", "-f", "--seccomp-bpf", "-A", "-s", "64", "-e", f"trace={CALLS}", "-o", str(written))


def attempts(written: Path) -> list[str]:
    """The calls in a trace that would reach for an IP address, this machine's own among them."""
    return [line for line in written.read_text(errors="replace").splitlines() if BEYOND.search(line)]
