"""Who owns the store: one process at a time, by a lock that the kernel lets go of however the process ends."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from brain.errors import StoreError
from brain.types import Owner

TRIES, BETWEEN = 3, 0.01  # one who only looks holds the lock for microseconds: that must not pass for an owner


@dataclass(frozen=True, slots=True)
class Door:
    """Where an owner answers other processes, and the key they prove themselves with."""

    address: Path
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether the store is ours, and whose it is; `owner` and `door` are None where another owner did not say."""

    ours: bool
    owner: Owner | None
    door: Door | None = None
    handle: int = field(default=-1, repr=False)

    def announce(self, door: Door) -> None:
        """Write beside our name where we answer. Only this user can read it. For an owner only."""
        assert self.ours and self.owner is not None
        _write(self.handle, self.owner, door)


@contextmanager
def claim_store(home: Path) -> Iterator[Claim]:
    """Take the store if it is free; never waits for an owner. It is let go of at the end of the block.

    Creates `home` for this user only, and from here on every file this process creates is for this user only.
    Raises StoreError where the folder cannot be written.
    """
    os.umask(0o077)
    lock = home / "lock"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        reason = f"The folder {home} cannot be written: {error.strerror}."
        raise StoreError(reason, hint="Check its permissions, or set BRAIN_HOME.") from error
    try:
        if not _lock(handle):
            yield _theirs(home)
            return
        os.fchmod(handle, 0o600)  # it will hold a key, and may have been made by hand
        owner = Owner(os.getpid(), " ".join([_program(), *sys.argv[1:2]]), _now())
        _write(handle, owner)
        yield Claim(True, owner, handle=handle)
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def look_at_store(home: Path) -> Claim:
    """Whose the store is, without taking it: for those who only read."""
    import fcntl

    try:
        handle = os.open(home / "lock", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return Claim(False, None)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _theirs(home)
    finally:
        os.close(handle)
    return Claim(False, None)  # what stands in the file is of a process that died


def owner_of(home: Path) -> Owner | None:
    """The process that owns the store, as it wrote itself down; None where none does or it cannot be told."""
    return _theirs(home).owner


def _theirs(home: Path) -> Claim:
    try:
        found = json.loads((home / "lock").read_bytes())
        owner = Owner(int(found["pid"]), str(found["command"]), str(found["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Claim(False, None)
    try:
        door = Door(Path(found["address"]), bytes.fromhex(found["key"]))
    except (ValueError, KeyError, TypeError):
        door = None
    return Claim(False, owner, door)


def _write(handle: int, owner: Owner, door: Door | None = None) -> None:
    line = {"pid": owner.pid, "command": owner.command, "since": owner.since}
    if door is not None:
        line |= {"address": str(door.address), "key": door.key.hex()}
    written = json.dumps(line).encode()
    os.pwrite(handle, written, 0)
    os.ftruncate(handle, len(written))


def _program() -> str:
    """The name this process was started by; `python -m` gives only the file of a module."""
    name = Path(sys.argv[0]).name
    return "brain" if name == "__main__.py" else name


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _lock(handle: int) -> bool:
    """The operating system's own lock on an open file; False where another process has it."""
    import fcntl

    for _ in range(TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(BETWEEN)
        else:
            return True
    return False
