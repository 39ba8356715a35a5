"""The part of the catalog that looks for its own faults, and mends what can be mended without reading a note."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brain.errors import StoreError
from brain.store.database import Database
from brain.store.rows import PIECE, batched, key_of, marks, path_from_bytes, path_to_bytes, unpack_headings
from brain.store.texts import MODEL, rows_of, texts_of
from brain.store.writing import setting
from brain.wording import embedded

_READ = 4000  # rows at a time
UNREAD = "0 0 0 0"  # a stamp that no file has: the next pass reads the file again

# What belongs to something that is not there, by what it is called. Each is a condition for a DELETE.
_ORPHANS = (
    ("pieces of text", "pieces", "file NOT IN (SELECT id FROM files)"),
    ("tags", "tags", "file NOT IN (SELECT id FROM files)"),
    ("outlines", "outlines", "file NOT IN (SELECT id FROM files)"),
    ("passages", "chunks", "file NOT IN (SELECT id FROM files)"),
    ("vectors", "vectors", "NOT EXISTS (SELECT 1 FROM chunks c WHERE c.key = vectors.key)"),
    ("removals from the words index", "words_gone", "id IN (SELECT id FROM chunks)"),
    ("removals from the vector index", "index_gone", "id IN (SELECT id FROM chunks)"),
)
_LOST_VECTOR = (
    "vector IS NOT NULL AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.id = chunks.vector AND v.key = chunks.key "
    "AND v.model = ?) OR vector IS NULL AND indexed = 1"
)


@dataclass(frozen=True, slots=True)
class Miscut:
    """A file whose passages do not fit its text."""

    path: Path
    what: str


class Checks:
    """Checks read only; what mends is said to."""

    _database: Database

    def integrity(self, *, thorough: bool) -> list[str]:
        """What SQLite finds wrong with the file; the quick form does not compare indexes with their tables."""
        pragma = "integrity_check" if thorough else "quick_check"
        with self._database.reading() as database:
            found = [str(row[0]) for row in database.execute(f"PRAGMA {pragma}(20)") if row[0] != "ok"]
            for table, row, parent, _ in database.execute("PRAGMA foreign_key_check").fetchmany(20):
                found.append(f"row {row} of {table} belongs to a row of {parent} that is not there")
        return found

    def orphans(self) -> list[str]:
        """What belongs to something that is gone."""
        with self._database.reading() as database:
            counted = [
                (what, database.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0])
                for what, table, condition in _ORPHANS
            ]
        return [f"{count} {what}" for what, count in counted if count]

    def drop_orphans(self) -> None:
        """Delete what `orphans` counts, and make the indexes in the file anew."""
        with self._database.writing() as database:
            for _, table, condition in _ORPHANS:
                database.execute(f"DELETE FROM {table} WHERE {condition}")
            database.execute("REINDEX")

    def miscut(self, ids: Collection[int] | None = None) -> Iterator[Miscut]:
        """Files whose text has gaps; and where a passage, of `ids` or any, is not the text it was stored and embedded as."""
        with self._database.reading() as database:
            bad = {
                path_from_bytes(path): "its text has gaps or its outline is missing"
                for (path,) in database.execute(_GAPS, (PIECE, PIECE))
            }
        yield from (Miscut(path, what) for path, what in bad.items())
        every = self.chunk_ids() if ids is None else ids
        for batch in batched(every, _READ):
            for miscut in self._miscut(batch):
                if miscut.path not in bad:
                    bad[miscut.path] = miscut.what
                    yield miscut

    def chunk_ids(self) -> list[int]:
        """Every chunk, ascending."""
        with self._database.reading() as database:
            return [chunk for (chunk,) in database.execute("SELECT id FROM chunks ORDER BY id")]

    def words_ids(self) -> tuple[list[int], list[int]]:
        """The chunks that the words index has taken, and those it may hold that are gone or out of date."""
        with self._database.reading() as database:
            given = database.execute("SELECT id FROM chunks WHERE words = 1").fetchall()
            loose = database.execute("SELECT id FROM words_gone UNION SELECT id FROM chunks WHERE words = 0").fetchall()
        return [one for (one,) in given], [one for (one,) in loose]

    def bad_vectors(self) -> dict[str, list[int]]:
        """Vectors that cannot be right, by why: of a wrong length, or not numbers of length one."""
        short, broken = [], []
        with self._database.reading() as database:
            query = (
                "SELECT v.id FROM vectors v JOIN models m ON m.id = v.model WHERE length(vector) <> 4 * m.dimensions"
            )
            short = [one for (one,) in database.execute(query)]
            sizes = [
                size for (size,) in database.execute("SELECT DISTINCT dimensions FROM models WHERE dimensions > 0")
            ]
            for size in sizes:
                cursor = database.execute("SELECT id, vector FROM vectors WHERE length(vector) = ?", (4 * size,))
                while rows := cursor.fetchmany(_READ):
                    matrix = np.frombuffer(b"".join(vector for _, vector in rows), "<f4").reshape(len(rows), size)
                    with np.errstate(invalid="ignore", over="ignore"):
                        sound = np.abs(np.einsum("ij,ij->i", matrix, matrix) - 1.0) < 1e-2  # false for NaN as well
                    broken += [rows[at][0] for at in np.flatnonzero(~sound)]
        found = {"have the wrong length": short, "are not numbers of length one": sorted(set(broken) - set(short))}
        return {why: ids for why, ids in found.items() if ids}

    def embedded_texts(self, ids: Sequence[int]) -> list[str]:
        """Each of these chunks as it is embedded, in the order given."""
        with self._database.reading() as database:
            rows = {row.id: row for row in rows_of(database, ids)}
            if rows.keys() != set(ids):
                raise StoreError("The store has lost a passage or its file.", hint="Run: brain doctor --repair")
            chosen = [rows[chunk] for chunk in ids]
            texts = texts_of(database, chosen)
        return [
            embedded(row.title if row.titled else None, unpack_headings(row.headings), text, row.format)
            for row, text in zip(chosen, texts, strict=True)
        ]

    def drop_vectors_of(self, chunks: Sequence[int]) -> None:
        """Drop the vectors of these chunks, which wait to be embedded again."""
        with self._database.reading() as database:
            query = "SELECT DISTINCT vector FROM chunks WHERE vector IS NOT NULL AND id IN"
            found = [
                one for batch in batched(chunks) for (one,) in database.execute(f"{query} ({marks(batch)})", batch)
            ]
        self.drop_vectors_with(found)

    def drop_vectors_with(self, ids: Sequence[int]) -> None:
        """Drop these vectors; their passages wait to be embedded again."""
        with self._database.writing() as database:
            for batch in batched(ids):
                database.execute(
                    f"UPDATE chunks SET vector = NULL, indexed = 0 WHERE vector IN ({marks(batch)})", batch
                )
                database.execute(f"DELETE FROM vectors WHERE id IN ({marks(batch)})", batch)

    def lost_vectors(self) -> int:
        """How many passages name a vector that is not there or is not theirs, or are indexed without one."""
        with self._database.reading() as database:
            query = f"SELECT count(*) FROM chunks WHERE {_LOST_VECTOR}"
            return int(database.execute(query, (setting(database, MODEL) or 0,)).fetchone()[0])

    def find_lost_vectors(self) -> None:
        """Point such passages at their own vector, or at none: then they wait to be embedded again."""
        with self._database.writing() as database:
            model = setting(database, MODEL) or 0
            database.execute(
                "UPDATE chunks SET indexed = 0, vector = "
                "(SELECT v.id FROM vectors v WHERE v.key = chunks.key AND v.model = ?) "
                f"WHERE {_LOST_VECTOR}",
                (model, model),
            )

    def mark_unread(self, paths: Collection[Path]) -> None:
        """The next pass reads these files again."""
        with self._database.writing() as database:
            for path in map(path_to_bytes, paths):
                database.execute("UPDATE files SET stamp = ?, sha256 = '' WHERE path = ?", (UNREAD, path))

    def index_again(self, paths: Collection[Path]) -> None:
        """Words and vectors of these files wait to go into their indexes again."""
        query = "UPDATE chunks SET words = 0, indexed = 0 WHERE file = (SELECT id FROM files WHERE path = ?)"
        with self._database.writing() as database:
            database.executemany(query, [(path_to_bytes(path),) for path in paths])

    def _miscut(self, ids: Sequence[int]) -> Iterator[Miscut]:
        with self._database.reading() as database:
            rows = rows_of(database, ids)
            lengths = _lengths(database, {row.file for row in rows})
            fitting = []
            for row in rows:
                if 0 <= row.start < row.end <= lengths.get(row.file, 0):
                    fitting.append(row)
                else:
                    yield Miscut(path_from_bytes(row.path), "a passage ends beyond its text")
            try:
                texts = texts_of(database, fitting)
            except StoreError:  # a piece is missing: the check of gaps has named the file
                return
        for row, text in zip(fitting, texts, strict=True):
            title = row.title if row.titled else None
            if key_of(title, unpack_headings(row.headings), text, row.format) != row.key:
                yield Miscut(path_from_bytes(row.path), "a passage is not the text that it was stored as")


_NO_OUTLINE = '{"headings":[],"blocks":[],"aliases":[],"labels":[]}'
_GAPS = """SELECT f.path FROM files f WHERE f.reason IS NULL AND (
    f.length <> (SELECT coalesce(sum(length(p.text)), 0) FROM pieces p WHERE p.file = f.id)
    OR (f.length + ? - 1) / ? <> (SELECT count(*) FROM pieces p WHERE p.file = f.id)
    OR NOT EXISTS (SELECT 1 FROM outlines o WHERE o.file = f.id))"""


def _lengths(database: sqlite3.Connection, files: Collection[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for batch in batched(files):
        found.update(database.execute(f"SELECT id, length FROM files WHERE id IN ({marks(batch)})", batch).fetchall())
    return found
