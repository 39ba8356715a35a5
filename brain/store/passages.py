"""The part of the catalog that a search reads: chunks, neighbours, spans of text, what a scope leaves."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from brain.errors import StoreError
from brain.store.database import Database
from brain.store.rows import batched, marks
from brain.store.scoping import Candidate, is_in_scope, relative_parts
from brain.store.texts import chunks_of, file_id, rows_of, rows_where, span
from brain.types import Chunk, Scope


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a chunk's document, and where in it the chunk stands."""

    title: str
    date: str | None
    tags: tuple[str, ...]
    file: int  # equal for chunks of one document
    position: int  # in reading order, from 0


class Passages:
    """What the catalog tells a search. Nothing here writes."""

    _database: Database

    def chunks(self, ids: Collection[int]) -> dict[int, Chunk]:
        """The chunks with these ids, in that order; ids that are gone are left out."""
        with self._database.reading() as database:
            found = {chunk.id: chunk for chunk in chunks_of(database, rows_of(database, ids))}
        return {chunk: found[chunk] for chunk in ids if chunk in found}

    def facts(self, ids: Collection[int]) -> dict[int, Facts]:
        """What is known of the documents of these chunks; ids that are gone are left out."""
        with self._database.reading() as database:
            rows = rows_of(database, ids)
            files = {row.file for row in rows}
            tags = _tags(database, files)
            dates = {
                file: date
                for batch in batched(files)
                for file, date in database.execute(f"SELECT id, date FROM files WHERE id IN ({marks(batch)})", batch)
            }
        return {
            row.id: Facts(row.title, dates[row.file], tags.get(row.file, ()), row.file, row.ordinal) for row in rows
        }

    def neighbours(self, chunk_id: int, reach: int = 1) -> list[Chunk]:
        """The chunks around one in its document, itself included, in order; none for an id that is gone."""
        with self._database.reading() as database:
            own = rows_of(database, [chunk_id])
            if not own:
                return []
            condition = "c.file = ? AND c.ordinal BETWEEN ? AND ? ORDER BY c.ordinal"
            values = (own[0].file, own[0].ordinal - reach, own[0].ordinal + reach)
            return chunks_of(database, rows_where(database, condition, values))

    def text(self, path: Path, start: int, end: int) -> str:
        """text[start:end] of a document, reading no more of it. Raises StoreError for a path without one."""
        if not 0 <= start <= end:
            raise StoreError(f"{path} has no passage from {start} to {end}.")
        with self._database.reading() as database:
            return span(database, file_id(database, path), start, end)

    def scope(self, scope: Scope) -> frozenset[int] | None:
        """The ids of the chunks a scope leaves; None where that is all of them."""
        if not scope and (scope.machine or not self._has_machine_written()):
            return None
        return self._left_by(scope)[1]

    def documents(self, scope: Scope) -> int:
        """How many documents a scope leaves."""
        if scope or (not scope.machine and self._has_machine_written()):
            return self._left_by(scope)[0]
        with self._database.reading() as database:
            return int(database.execute("SELECT count(*) FROM files WHERE reason IS NULL").fetchone()[0])

    def tags(self) -> dict[str, int]:
        """Every tag and how many documents have it, most used first."""
        query = "SELECT tag, count(DISTINCT file) FROM tags GROUP BY tag ORDER BY 2 DESC, 1"
        with self._database.reading() as database:
            return dict(database.execute(query).fetchall())

    def places(self) -> list[str]:
        """What `Scope.within` can name: folders as "work/plans/", most documents first, then file names."""
        with self._database.reading() as database:
            folders = _folders(database)
            files = database.execute("SELECT path FROM files WHERE reason IS NULL").fetchall()
        held: Counter[str] = Counter()
        names: set[str] = set()
        for (path,) in files:
            parts = relative_parts(os.fsdecode(path), folders)
            held.update("/".join(parts[: at + 1]) + "/" for at in range(len(parts) - 1))
            names.add(parts[-1])
        return sorted(held, key=lambda place: (-held[place], place)) + sorted(names)

    def _has_machine_written(self) -> bool:
        query = "SELECT EXISTS (SELECT 1 FROM files WHERE machine = 1)"
        return self._database.remembered("machine", lambda database: bool(database.execute(query).fetchone()[0]))

    def _left_by(self, scope: Scope) -> tuple[int, frozenset[int]]:
        """How many documents a scope leaves, and their chunks."""

        def read(database: sqlite3.Connection) -> tuple[int, frozenset[int]]:
            files = _files_in(database, scope)
            chunks = frozenset(
                chunk
                for batch in batched(files)
                for (chunk,) in database.execute(f"SELECT id FROM chunks WHERE file IN ({marks(batch)})", batch)
            )
            return len(files), chunks

        return self._database.remembered(scope, read)


def _folders(database: sqlite3.Connection) -> list[str]:
    return [os.fsdecode(path) for (path,) in database.execute("SELECT path FROM folders")]


def _tags(database: sqlite3.Connection, files: Collection[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    for batch in batched(files):
        query = f"SELECT file, tag FROM tags WHERE file IN ({marks(batch)}) ORDER BY file, ordinal"
        for file, tag in database.execute(query, batch):
            found[file].append(tag)
    return {file: tuple(tags) for file, tags in found.items()}


def _files_in(database: sqlite3.Connection, scope: Scope) -> list[int]:
    folders = _folders(database)
    query = "SELECT id, path, format, date, modified FROM files WHERE reason IS NULL AND machine <= ?"
    rows = database.execute(query, (int(scope.machine),)).fetchall()
    tags = _tags(database, [row[0] for row in rows]) if scope.tags else {}
    return [
        file
        for file, path, format, date, modified in rows
        if is_in_scope(Candidate(os.fsdecode(path), format, date, modified, tags.get(file, ())), scope, folders)
    ]
