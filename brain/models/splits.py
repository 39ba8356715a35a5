"""Models that come in several files: `name-00001-of-00003.gguf`. Only names are looked at here, and which files are there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MOST = 1_000  # parts; the largest models have a few dozen

_PART = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{5})-of-(?P<of>[0-9]{5})\.gguf")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a model in several: which, of how many, and the name they share."""

    stem: str
    number: int
    of: int


def part_of(name: str) -> Part | None:
    """Which part a file's name says it is; None for a model in one file."""
    match = _PART.fullmatch(name)
    if match is None:
        return None
    number, of = int(match["number"]), int(match["of"])
    return Part(match["stem"], number, of) if 1 <= number <= of <= MOST else None


def part_names(name: str) -> tuple[str, ...]:
    """The names of all files of the model that the file `name` belongs to, in order; the name alone where it is whole."""
    part = part_of(name)
    if part is None:
        return (name,)
    return tuple(f"{part.stem}-{number:05d}-of-{part.of:05d}.gguf" for number in range(1, part.of + 1))


def parts_of(path: Path) -> tuple[Path, ...]:
    """The files of the model that `path` belongs to, in order, there or not."""
    return tuple(path.with_name(name) for name in part_names(path.name))


def bytes_of(path: Path) -> int:
    """Bytes of all files of the model that `path` belongs to, as far as they are there."""
    return sum(part.stat().st_size for part in parts_of(path) if part.exists())


def stem_of(path: Path) -> str:
    """What the model is called: its file's name without the ending and without which part it is."""
    part = part_of(path.name)
    return path.stem if part is None else part.stem
