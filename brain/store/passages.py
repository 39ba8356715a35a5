"""The part of the catalog that a search reads: chunks, neighbours, spans of text, what a scope leaves."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from brain.errors import StoreError
from brain.scoping import Places, day_of, is_within, relative_parts, tags_named
from brain.store.database import Database
from brain.store.dates import watched
from brain.store.marks import tags_of
from brain.store.rows import batched, marks, path_from_bytes
from brain.store.texts import chunks_of, file_id, rows_of, rows_where, span
from brain.types import Chunk, DateOrigin, Scope, Unread


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a chunk's document, and where in it the chunk stands."""

    title: str
    date: str | None
    date_origin: DateOrigin | None
    tags: tuple[str, ...]
    file: int  # equal for chunks of one document
    position: int  # in reading order, from 0
    private: bool  # it says of itself that it must not leave this machine


class Passages:
    """What the catalog tells a search. Nothing here writes."""

    _database: Database

    def chunks(self, ids: Collection[int]) -> dict[int, Chunk]:
        """The chunks with these ids, in that order; ids that are gone are left out."""
        with self._database.reading() as database:
            found = {chunk.id: chunk for chunk in chunks_of(database, rows_of(database, ids))}
        return {chunk: found[chunk] for chunk in ids if chunk in found}

    def chunks_in(self, path: Path) -> list[Chunk]:
        """All chunks of a document, in order. Raises StoreError for a path without one."""
        with self._database.reading() as database:
            return chunks_of(
                database, rows_where(database, "c.file = ? ORDER BY c.ordinal", (file_id(database, path),))
            )

    def facts(self, ids: Collection[int]) -> dict[int, Facts]:
        """What is known of the documents of these chunks; ids that are gone are left out."""
        with self._database.reading() as database:
            rows = rows_of(database, ids)
            files = {row.file for row in rows}
            tags = tags_of(database, files)
            dates: dict[int, tuple[str, DateOrigin]] = {}
            private: dict[int, bool] = {}
            for batch in batched(files):
                query = f"SELECT id, dated, dated_by, modified, private FROM files WHERE id IN ({marks(batch)})"
                for file, date, origin, modified, marked in database.execute(query, batch):
                    dates[file] = (date, origin) if date else (day_of(modified), "modified")
                    private[file] = bool(marked)
        return {
            row.id: Facts(row.title, *dates[row.file], tags.get(row.file, ()), row.file, row.ordinal, private[row.file])
            for row in rows
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

    def unread_in(self, scope: Scope) -> list[Unread]:
        """The documents that a scope leaves and that have pages without text, by path."""
        with self._database.reading() as database:
            files = _files_in(database, scope)
            rows = [
                row
                for batch in batched(files)
                for row in database.execute(
                    f"SELECT path, unread FROM files WHERE unread <> '[]' AND id IN ({marks(batch)})", batch
                )
            ]
        return sorted((Unread(path_from_bytes(path), tuple(json.loads(pages))) for path, pages in rows), key=_path)

    def documents(self, scope: Scope) -> int:
        """How many documents a scope leaves."""
        if scope or (not scope.machine and self._has_machine_written()):
            return self._left_by(scope)[0]
        query = "SELECT count(*) FROM files WHERE reason IS NULL"
        return self._database.remembered("documents", lambda database: int(database.execute(query).fetchone()[0]))

    def tags(self) -> dict[str, int]:
        """Every tag and how many documents have it, most used first."""
        query = "SELECT tag, count(DISTINCT file) FROM tags GROUP BY tag ORDER BY 2 DESC, 1"
        with self._database.reading() as database:
            return dict(database.execute(query).fetchall())

    def places(self) -> list[str]:
        """What `Scope.within` can name: folders as "work/plans/", most documents first, then file names."""
        with self._database.reading() as database:
            folders = watched(database)
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


def _path(unread: Unread) -> Path:
    return unread.path


def _files_in(database: sqlite3.Connection, scope: Scope) -> list[int]:
    condition, values = _in_sql(database, scope)
    query = f"SELECT id, path, dated, modified FROM files WHERE reason IS NULL AND machine <= ? AND {condition}"
    rows = database.execute(query, [int(scope.machine), *values]).fetchall()
    if scope.after or scope.before:
        rows = [row for row in rows if row[2] or is_within(day_of(row[3]), scope)]
    if scope.within:
        places = Places(scope.within, watched(database))
        rows = [row for row in rows if places.hold(os.fsdecode(row[1]))]
    return [row[0] for row in rows]


def _in_sql(database: sqlite3.Connection, scope: Scope) -> tuple[str, list[object]]:
    """What SQLite can say of a scope: its formats and tags, all dates that are written, and of changes that a local day is
    within one of UTC's."""
    conditions, values = ["1"], list[object]()
    if scope.formats:
        conditions.append(f"format IN ({marks(scope.formats)})")
        values += scope.formats
    if scope.tags:
        known = [tag for (tag,) in database.execute("SELECT DISTINCT tag FROM tags")]
        for tag in scope.tags:
            conditions.append("id IN (SELECT file FROM tags WHERE tag IN (SELECT value FROM json_each(?)))")
            values.append(json.dumps(tags_named(tag, known)))
    for bound, than, rest, slack in ((scope.after, ">=", "-01-01", -_DAY), (scope.before, "<=", "-12-31", 2 * _DAY)):
        if bound:
            conditions.append(
                f"CASE WHEN dated IS NULL THEN modified {than} CAST(strftime('%s', ?) AS INTEGER) + ? "
                f"ELSE substr(dated, 1, length(?)) {than} substr(?, 1, length(dated)) END"
            )
            values += [(bound + rest[len(bound) - 4 :] if len(bound) < 10 else bound)[:10], slack, bound, bound]
    return " AND ".join(conditions), values


_DAY = 86_400
