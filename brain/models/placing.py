"""Puts verified files onto the shelf, whole or not at all, one process at a time; and keeps where they came from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from brain.errors import Cancelled
from brain.models.splits import parts_of, stem_of
from brain.seams import Cancel

SCRATCH = ".pulling"
RECORDS = ".pulled"
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """Where a model on the shelf came from, and the SHA-256 of each of its files when it came."""

    address: str
    hashes: Mapping[str, str]  # by file name
    verified: bool  # they were compared with known ones


@contextmanager
def alone(path: Path, cancel: Cancel) -> Iterator[None]:
    """One process and thread at a time; the system lets go of the lock when its holder dies."""
    import fcntl

    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if cancel.wait(0.1):
                    raise Cancelled("Fetching was stopped") from None
        yield


def place(ready: Sequence[Path], targets: Sequence[Path]) -> None:
    """Move files onto the shelf under their names there. The first part comes last: before it nothing can be opened."""
    for file in ready:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        file.chmod(0o600)
    for file, target in zip(reversed(ready), reversed(targets), strict=True):
        file.replace(target)
    sync_folder(targets[0].parent)


def sync_folder(folder: Path) -> None:
    """What was renamed in this folder stays renamed, whatever happens to the machine."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def sha256_of(path: Path, cancel: Cancel | None = None) -> str:
    """The SHA-256 of a file. Raises Cancelled."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            if cancel is not None and cancel.is_set():
                raise Cancelled("Fetching was stopped", hint="What has arrived of it is used the next time.")
    return digest.hexdigest()


def shelved(folder: Path) -> dict[str, Path]:
    """The models in a folder by name: the file of each, or the first of several, there or not."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".gguf" and path.is_file())
    except OSError:
        return {}
    return {stem_of(path): parts_of(path)[0] for path in files}


def keep_record(folder: Path, name: str, record: Record) -> None:
    """Write down where a model came from. Nothing depends on it, so a full disk is no failure."""
    with suppress(OSError):
        (folder / RECORDS).mkdir(exist_ok=True, mode=0o700)
        scratch = folder / RECORDS / f"{name}.new"
        scratch.write_text(json.dumps(asdict(record)), encoding="utf-8")
        scratch.chmod(0o600)
        scratch.replace(folder / RECORDS / f"{name}.json")


def record_of(folder: Path, name: str) -> Record | None:
    """What was written down of a model; None where there is nothing that can be read."""
    try:
        kept = json.loads((folder / RECORDS / f"{name}.json").read_text(encoding="utf-8"))
        hashes = {str(file): str(sha256) for file, sha256 in kept["hashes"].items()}
        return Record(str(kept["address"]), hashes, bool(kept["verified"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def drop_record(folder: Path, name: str) -> None:
    """Forget where a model came from."""
    (folder / RECORDS / f"{name}.json").unlink(missing_ok=True)
