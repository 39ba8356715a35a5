"""The marks of the gate that were fitted to one's own notes: a small file in the home, by the embedder's full name.

Whoever answers looks at the file before each question, so that marks that were kept or forgotten count from then on.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from brain.errors import StoreError
from brain.gating import Marks

GATE = "gate.json"  # in the home
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """Marks, and what they were fitted on."""

    marks: Marks
    made: str  # the day
    set: str  # the name of the set
    answerable: int  # questions
    unanswerable: int


class Gates:
    """The marks that were kept, by embedder. A file that cannot be read, or is of another make, counts as none."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[tuple[int, int, int], dict[str, Kept]] | None = None

    def marks(self, embedder: str | None) -> Marks | None:
        """The marks kept for an embedder; None where there are none."""
        found = None if embedder is None else self.all().get(embedder)
        return None if found is None else found.marks

    def all(self) -> dict[str, Kept]:
        """Everything that is kept."""
        try:
            stamp = self._file.stat()
        except OSError:
            return {}
        known = (stamp.st_mtime_ns, stamp.st_size, stamp.st_ino)
        if self._seen is None or self._seen[0] != known:
            self._seen = known, self._read()
        return dict(self._seen[1])

    def keep(self, embedder: str, kept: Kept) -> None:
        """Use these from now on. Raises StoreError where the home cannot be written."""
        self._write({**self.all(), embedder: kept})

    def forget(self) -> tuple[str, ...]:
        """Go back to the marks that Brain comes with; the embedders that had others. Raises StoreError as `keep`."""
        names = tuple(self.all())
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self._file} cannot be deleted: {error.strerror}.") from error
        return names

    def lend(self, file: Path) -> None:
        """Let another home answer by the same marks. Raises StoreError."""
        other = Gates(file)
        if (mine := self.all()) != other.all():
            other._write(mine)

    def _write(self, kept: dict[str, Kept]) -> None:
        rows = {
            name: {**{key: value for key, value in asdict(one).items() if key != "marks"}, **asdict(one.marks)}
            for name, one in kept.items()
        }
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}.new")
        try:
            beside.write_text(json.dumps({"version": _VERSION, "embedders": rows}, indent=1) + "\n", encoding="utf-8")
            beside.chmod(0o600)
            beside.replace(self._file)
        except OSError as error:
            raise StoreError(f"{self._file} cannot be written: {error.strerror}.") from error

    def _read(self) -> dict[str, Kept]:
        try:
            body = json.loads(self._file.read_text(encoding="utf-8"))
            if body["version"] != _VERSION:
                return {}
            return {str(name): _kept(row) for name, row in body["embedders"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}


def _kept(row: dict[str, object]) -> Kept:
    """One entry. Raises KeyError, TypeError or ValueError for anything else."""
    marks = Marks(**{field.name: _number(row[field.name]) for field in fields(Marks)})
    if not marks.surely_not <= marks.enough <= marks.surely or not 0 <= marks.unrelated < 1:
        raise ValueError("marks out of order")
    counts = (int(_number(row["answerable"])), int(_number(row["unanswerable"])))
    return Kept(marks, str(row["made"]), str(row["set"]), *counts)


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)
