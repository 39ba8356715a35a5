"""Chunks and spans of text out of the rows that hold them, each inside a transaction of its caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from brain.errors import StoreError
from brain.store.rows import BATCH, PIECE, batched, marks, path_from_bytes, path_to_bytes, unpack_headings
from brain.types import Chunk

MODEL = "vectors.model"  # the setting that holds the number of the model in use
_COLUMNS = """c.id, c.file, c.ordinal, c.start, c."end", c.line, c.page, c.headings, c.key,
    f.path, f.title, f.titled, f.names, f.format"""


class Row(NamedTuple):
    """A chunk beside what its file says of it."""

    id: int
    file: int
    ordinal: int
    start: int
    end: int
    line: int
    page: int | None
    headings: str
    key: bytes
    path: bytes
    title: str
    titled: int
    names: str
    format: str


def rows_where(database: sqlite3.Connection, condition: str, values: Sequence[object]) -> list[Row]:
    """The chunks that meet a condition on `c` (chunks) and `f` (files)."""
    query = f"SELECT {_COLUMNS} FROM chunks c JOIN files f ON f.id = c.file WHERE {condition}"
    return [Row(*found) for found in database.execute(query, values)]


def rows_of(database: sqlite3.Connection, ids: Collection[int]) -> list[Row]:
    """The chunks with these ids; ids that are gone are left out."""
    return [row for batch in batched(ids) for row in rows_where(database, f"c.id IN ({marks(batch)})", batch)]


def texts_of(database: sqlite3.Connection, rows: Sequence[Row]) -> list[str]:
    """The text of each chunk, in the order given."""
    wanted = sorted({(row.file, part) for row in rows for part in _parts(row.start, row.end)})
    pieces: dict[tuple[int, int], str] = {}
    for batch in batched(wanted, BATCH // 2):
        pairs = ",".join(["(?,?)"] * len(batch))
        query = (  # `(file, part) IN (VALUES …)` would read the whole table
            f"WITH wanted (file, part) AS (VALUES {pairs}) SELECT p.file, p.part, p.text "
            "FROM wanted w CROSS JOIN pieces p ON p.file = w.file AND p.part = w.part"
        )
        values = [number for pair in batch for number in pair]
        pieces.update({(file, part): text for file, part, text in database.execute(query, values)})
    try:
        return [
            _slice(row.start, row.end, "".join(pieces[row.file, part] for part in _parts(row.start, row.end)))
            for row in rows
        ]
    except KeyError as error:
        raise StoreError("The store has lost a part of a text.", hint="Run: brain doctor --repair") from error


def span(database: sqlite3.Connection, file: int, start: int, end: int) -> str:
    """text[start:end] of one document, reading no more of it than that."""
    parts = _parts(start, end)
    query = "SELECT text FROM pieces WHERE file = ? AND part >= ? AND part < ? ORDER BY part"
    found = database.execute(query, (file, parts.start, parts.stop))
    return _slice(start, end, "".join(text for (text,) in found))


def chunks_of(database: sqlite3.Connection, rows: Sequence[Row]) -> list[Chunk]:
    """Rows as chunks, with their text."""
    return [
        Chunk(
            path=path_from_bytes(row.path),
            start=row.start,
            end=row.end,
            text=text,
            headings=unpack_headings(row.headings),
            page=row.page,
            line=row.line,
            format=row.format,
            id=row.id,
        )
        for row, text in zip(rows, texts_of(database, rows), strict=True)
    ]


def file_id(database: sqlite3.Connection, path: Path) -> int:
    """The number of a file that has content. Raises StoreError for any other path."""
    query = "SELECT id FROM files WHERE path = ? AND reason IS NULL"
    row = database.execute(query, (path_to_bytes(path),)).fetchone()
    if row is None:
        raise StoreError(f"{path} is not in the store.", hint="Run: brain sync")
    return int(row[0])


def _parts(start: int, end: int) -> range:
    return range(start // PIECE, (end - 1) // PIECE + 1) if end > start else range(0)


def _slice(start: int, end: int, pieces: str) -> str:
    first = start - start % PIECE
    return pieces[start - first : end - first]
