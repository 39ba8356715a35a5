"""Is a folder of Chroma fit to be opened? Read with numpy alone: opening a damaged one can end the process.

Knows the files of its vector index (hnswlib) as chromadb 1.5 writes them. It repairs nothing.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

_FILES = ("header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")
_HEADER = struct.Struct("<iQQQQQQiIQQQdQ")


class Damaged(Exception):
    """A file of the index is not what Chroma writes; the message says which and how."""


class _NumbersOnly(pickle.Unpickler):
    """Unpickles dicts, strings and numbers; a file that asks for any class is not Chroma's."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"asks for {module}.{name}")


def fingerprint(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file in a folder. Raises OSError."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def elements(folder: Path) -> int:
    """How many vectors the indexes in a Chroma folder keep, deleted ones too. Raises Damaged, OSError.

    An index that was never saved has no files yet and keeps none.
    """
    return sum(len(rows) for rows, _, _ in _checked(folder))


def _checked(folder: Path) -> Iterator[tuple[NDArray[np.uint8], _Header, dict[str, int]]]:
    """The rows, header and labels by id of each index that was saved. Raises Damaged, OSError."""
    for segment in sorted(folder.iterdir()):
        if segment.is_dir() and any(segment.iterdir()) and (found := _check(segment)) is not None:
            yield found


def _check(segment: Path) -> tuple[NDArray[np.uint8], _Header, dict[str, int]] | None:
    missing = [name for name in _FILES if not (segment / name).is_file()]
    if missing == ["index_metadata.pickle"] and _header(segment).held == 0:
        return None
    if missing:
        raise Damaged(f"{missing[0]} is missing")
    header = _header(segment)
    levels = _upper_links(segment, header)
    rows = _ground_level(segment, header)
    if header.held and (header.entry >= header.held or not levels[header.entry] == header.top == levels.max()):
        raise Damaged("header.bin names no entry point")
    return rows, header, _ids(segment, _labels(rows, header))


class Saved(NamedTuple):
    """One index as it was saved: the row of each live id, and what stands in the rows."""

    rows: dict[str, int]
    elements: NDArray[np.uint8]  # one row each, as in data_level0.bin
    vector_at: int
    label_at: int
    entry: int
    degrees: NDArray[np.uint16]
    links: NDArray[np.uint32]

    def vector(self, row: int) -> NDArray[np.float32]:
        """The vector in a row."""
        return self.elements[row, self.vector_at : self.label_at].view(np.float32)


def saved(folder: Path) -> list[Saved]:
    """What the indexes in a Chroma folder hold, those that were ever saved. Raises Damaged, OSError, as `elements` does."""
    return [_saved(*found) for found in _checked(folder)]


def _saved(rows: NDArray[np.uint8], header: _Header, ids: dict[str, int]) -> Saved:
    row_of = {label: row for row, label in enumerate(_labels(rows, header).tolist())}
    return Saved(
        {name: row_of[label] for name, label in ids.items()},
        rows,
        header.vector_at,
        header.label_at,
        header.entry,
        rows[:, :2].view(np.uint16)[:, 0],
        rows[:, 4 : 4 + header.ground_links * 4].view(np.uint32),
    )


class _Header(NamedTuple):
    """The fields of header.bin, in its order. `half` is what hnswlib calls M."""

    version: int
    offset: int
    room: int
    held: int
    size: int  # of one element: ground links, vector, label
    label_at: int
    vector_at: int
    top: int
    entry: int
    links: int
    ground_links: int
    half: int
    multiplier: float
    effort: int

    def is_sane(self) -> bool:
        """The fields fit together."""
        return (
            2 <= self.half <= 512
            and self.links == self.half
            and self.ground_links == 2 * self.half
            and 1 <= self.effort <= 100_000
            and self.offset == 0
            and self.vector_at == self.ground_links * 4 + 4
            and self.label_at > self.vector_at
            and (self.label_at - self.vector_at) % 4 == 0
            and self.size == self.label_at + 8
            and self.held <= self.room
            and abs(self.multiplier - 1 / np.log(self.half)) < 1e-9
        )


def _header(segment: Path) -> _Header:
    raw = (segment / "header.bin").read_bytes()
    if len(raw) != _HEADER.size:
        raise Damaged(f"header.bin has {len(raw)} bytes")
    header = _Header(*_HEADER.unpack(raw))
    if not header.is_sane():
        raise Damaged("header.bin has fields that do not fit together")
    return header


def _upper_links(segment: Path, header: _Header) -> NDArray[np.int32]:
    """Walk the links above the ground level. Returns the level of each element."""
    path = segment / "link_lists.bin"
    step = header.links * 4 + 4
    if path.stat().st_size > 64 * 1024 + header.held * (32 + step):
        raise Damaged("link_lists.bin is far too large")
    raw = path.read_bytes()
    if len(raw) % 4:
        raise Damaged("link_lists.bin has a part of a number")
    words = np.frombuffer(raw, np.uint32)
    filled = np.flatnonzero(words)  # all others are elements without links above the ground: most of them
    levels = np.zeros(header.held, np.int32)
    upper: list[tuple[int, NDArray[np.uint32]]] = []
    at = element = 0
    while (following := int(np.searchsorted(filled, at))) < len(filled):
        element += int(filled[following]) - at
        at = int(filled[following])
        size = int(words[at])
        if element >= header.held or size % step or size > step * 64 or (at + 1) * 4 + size > len(raw):
            raise Damaged(f"link_lists.bin has a wrong size at element {element}")
        levels[element] = size // step
        for level in range(size // step):
            first = at + 1 + level * step // 4
            degree = int(words[first]) & 0xFFFF
            targets = words[first + 1 : first + 1 + degree]
            if degree > header.links:
                raise Damaged(f"link_lists.bin has too many links at element {element}")
            if degree and targets.max() >= header.held:
                raise Damaged(f"link_lists.bin links to nothing at element {element}")
            upper.append((level + 1, targets))
        at += 1 + size // 4
        element += 1
    if element + len(words) - at != header.held:
        raise Damaged(f"link_lists.bin is not of {header.held} elements")
    if any((levels[targets] < level).any() for level, targets in upper):
        raise Damaged("link_lists.bin links above the level of an element")
    return levels


def _ground_level(segment: Path, header: _Header) -> NDArray[np.uint8]:
    """Check the links, vectors and labels of the ground level. Returns the elements, a row each."""
    path, count, size = segment / "data_level0.bin", header.held, header.size
    if path.stat().st_size < count * size:
        raise Damaged("data_level0.bin is too short")
    if (segment / "length.bin").stat().st_size < count * 4:
        raise Damaged("length.bin is too short")
    rows = np.fromfile(path, np.uint8, count * size).reshape(count, size)
    degrees = rows[:, :2].view(np.uint16)[:, 0]
    if count and degrees.max() > header.ground_links:
        raise Damaged("data_level0.bin has too many links at an element")
    links = rows[:, 4 : 4 + header.ground_links * 4].view(np.uint32)
    used = np.arange(header.ground_links)[None, :] < degrees[:, None]
    if count and (links[used] >= count).any():
        raise Damaged("data_level0.bin links to nothing")
    if not np.isfinite(rows[:, header.vector_at : header.label_at].view(np.float32)).all():
        raise Damaged("data_level0.bin has a vector that is not numbers")
    if len(set(_labels(rows, header).tolist())) != count:
        raise Damaged("data_level0.bin has a label twice")
    return rows


def _labels(rows: NDArray[np.uint8], header: _Header) -> NDArray[np.uint64]:
    labels: NDArray[np.uint64] = rows[:, header.label_at :].view(np.uint64)[:, 0]
    return labels


def _ids(segment: Path, labels: NDArray[np.uint64]) -> dict[str, int]:
    """The label of each id that the index knows."""
    file = io.BytesIO((segment / "index_metadata.pickle").read_bytes())
    try:
        kept: Any = _NumbersOnly(file).load()
        ids: dict[str, int] = dict(kept["id_to_label"])
        named = set(ids.values())
    except Exception as error:  # a broken pickle may raise anything
        raise Damaged(f"index_metadata.pickle cannot be read: {type(error).__name__}") from error
    if file.read(1):
        raise Damaged("index_metadata.pickle has bytes too many")
    if not named <= set(labels.tolist()):
        raise Damaged("index_metadata.pickle names vectors that are not there")
    return ids
