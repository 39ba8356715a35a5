"""The part of the catalog that knows what the derived indexes, words and vectors, lack or hold too much."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brain.errors import StoreError
from brain.seams import Vectors
from brain.store.database import Database
from brain.store.rows import BATCH, batched, marks, path_to_bytes, unpack_headings
from brain.store.texts import MODEL, rows_of, rows_where, texts_of
from brain.store.writing import set_setting, setting
from brain.wording import embedded, plain

_READ = 4000  # vectors joined at a time


@dataclass(frozen=True, slots=True)
class WordsRow:
    """A chunk as the words index takes it."""

    id: int
    title: str  # and the document's other names, a line each
    headings: str
    text: str  # plain: no marks of its format
    format: str


class Queues:
    """What waits for the words index, for the embedder, and for the vector index."""

    _database: Database

    def words_todo(self, limit: int) -> list[WordsRow]:
        """Chunks that the words index does not hold as they are now, the first stored first."""
        return self._words_rows("c.words = 0 ORDER BY c.id LIMIT ?", (limit,))

    def words_rows(self, after: int, limit: int) -> list[WordsRow]:
        """Chunks with ids above `after`, ascending, whether the words index holds them or not."""
        return self._words_rows("c.id > ? ORDER BY c.id LIMIT ?", (after, limit))

    def words_rows_of(self, ids: Collection[int]) -> list[WordsRow]:
        """These chunks, as far as they are there."""
        return [row for batch in batched(ids) for row in self._words_rows(f"c.id IN ({marks(batch)})", batch)]

    def _words_rows(self, condition: str, values: Sequence[object]) -> list[WordsRow]:
        with self._database.reading() as database:
            rows = rows_where(database, condition, values)
            texts = texts_of(database, rows)
        return [
            WordsRow(
                row.id,
                row.names,
                "\n".join(unpack_headings(row.headings)),
                plain(text, row.format),
                row.format,
            )
            for row, text in zip(rows, texts, strict=True)
        ]

    def words_gone(self, limit: int) -> list[int]:
        """Ids that the words index must drop."""
        return self._ids("SELECT id FROM words_gone ORDER BY id LIMIT ?", limit)

    def words_done(self, added: Collection[int], gone: Collection[int]) -> None:
        """The words index has committed these."""
        self._done("words", "words_gone", added, gone)

    def words_pending(self) -> int:
        """How many chunks wait for the words index."""
        with self._database.reading() as database:
            return _count(database, "SELECT count(*) FROM chunks WHERE words = 0")

    def all_words_pending(self) -> None:
        """The words index starts from nothing."""
        with self._database.writing() as database:
            database.execute("UPDATE chunks SET words = 0 WHERE words = 1")
            database.execute("DELETE FROM words_gone")

    def unembedded(self, model: str, limit: int, *, among: Collection[Path] | None = None) -> list[tuple[str, str]]:
        """Texts without a vector of this model as (key, text), each text once, newest files first; of all files or some."""
        self.use(model)
        paths = None if among is None else [path_to_bytes(path) for path in among][:BATCH]
        # CROSS JOIN keeps the files outside, so that the newest are read and the walk ends at the limit.
        query = (
            "SELECT c.id FROM files f CROSS JOIN chunks c ON c.file = f.id AND c.vector IS NULL "
            + ("" if paths is None else f"WHERE f.path IN ({marks(paths)}) ")
            + "ORDER BY f.modified DESC, f.id DESC, c.ordinal LIMIT ?"
        )
        with self._database.reading() as database:
            ids = [chunk for (chunk,) in database.execute(query, (*(paths or ()), limit))]
            found = {row.id: row for row in rows_of(database, ids)}
            rows = list({found[chunk].key: found[chunk] for chunk in ids}.values())
            texts = texts_of(database, rows)
        return [
            (
                row.key.hex(),
                embedded(row.title if row.titled else None, unpack_headings(row.headings), text, row.format),
            )
            for row, text in zip(rows, texts, strict=True)
        ]

    def put_vectors(self, model: str, keys: Sequence[str], vectors: Vectors) -> None:
        """Store a vector a key. Keys whose text was forgotten meanwhile are left out."""
        matrix = np.ascontiguousarray(vectors, dtype="<f4")
        if matrix.ndim != 2 or len(matrix) != len(keys) or not np.isfinite(matrix).all():
            raise StoreError(f"The model {model} gave vectors that are not numbers, or not one a text.")
        if not len(keys):
            return
        self.use(model)
        with self._database.writing() as database:
            number = model_number(database, model, matrix.shape[1])
            for key, row in zip(map(bytes.fromhex, keys), matrix, strict=True):
                database.execute(
                    "INSERT INTO vectors (model, key, vector) SELECT ?, ?, ? "
                    "WHERE EXISTS (SELECT 1 FROM chunks WHERE key = ?) "
                    "ON CONFLICT (key, model) DO UPDATE SET vector = excluded.vector",
                    (number, key, row.tobytes(), key),
                )
                database.execute(
                    "UPDATE chunks SET indexed = 0, "
                    "vector = (SELECT id FROM vectors WHERE key = ? AND model = ?) WHERE key = ?",
                    (key, number, key),
                )

    def model_in_use(self) -> str | None:
        """The embedder whose vectors the chunks have; None before the first."""
        with self._database.reading() as database:
            number = setting(database, MODEL)
            if number is None:
                return None
            row = database.execute("SELECT name FROM models WHERE id = ?", (number,)).fetchone()
            return None if row is None else str(row[0])

    def vectors_pending(self, model: str) -> int:
        """How many chunks have no vector of this model."""
        with self._database.reading() as database:
            missing = "SELECT count(*) FROM chunks WHERE vector IS NULL"
            return _count(database, missing if _in_use(database, model) else "SELECT count(*) FROM chunks")

    def vectors_done(self, model: str) -> int:
        """How many chunks have a vector of this model."""

        def read(database: sqlite3.Connection) -> int:
            if not _in_use(database, model):
                return 0
            missing = _count(database, "SELECT count(*) FROM chunks WHERE vector IS NULL")
            return _count(database, "SELECT count(*) FROM chunks") - missing

        return self._database.remembered(("vectors done", model), read)

    def index_todo(self, model: str, limit: int) -> tuple[list[int], Vectors]:
        """Chunks whose vector the vector index does not hold: ids and one row each."""
        with self._database.reading() as database:
            if not _in_use(database, model):
                return [], np.empty((0, 0), np.float32)
            query = (
                "SELECT c.id, v.vector FROM chunks c JOIN vectors v ON v.id = c.vector "
                "WHERE c.indexed = 0 AND c.vector IS NOT NULL ORDER BY c.id LIMIT ?"
            )
            return _matrix(database.execute(query, (limit,)).fetchall())

    def index_gone(self, limit: int) -> list[int]:
        """Ids that the vector index must drop."""
        return self._ids("SELECT id FROM index_gone ORDER BY id LIMIT ?", limit)

    def index_done(self, added: Collection[int], gone: Collection[int]) -> None:
        """The vector index has taken these."""
        self._done("indexed", "index_gone", added, gone)

    def all_index_pending(self) -> None:
        """The vector index starts from nothing."""
        with self._database.writing() as database:
            _restart_index(database)

    def index_pending(self) -> int:
        """How many vectors the vector index lacks or holds too many."""
        with self._database.reading() as database:
            todo = _count(database, "SELECT count(*) FROM chunks WHERE indexed = 0 AND vector IS NOT NULL")
            return todo + _count(database, "SELECT count(*) FROM index_gone")

    def indexed(self) -> tuple[int, int]:
        """How many chunks the vector index was given, and how many more it may hold that are gone."""
        with self._database.reading() as database:
            given = _count(database, "SELECT count(*) FROM chunks WHERE indexed = 1")
            return given, _count(database, "SELECT count(*) FROM index_gone")

    def indexed_ids(self) -> tuple[list[int], list[int]]:
        """The chunks that the vector index was given, and those it may hold that are gone."""
        with self._database.reading() as database:
            given = database.execute("SELECT id FROM chunks WHERE indexed = 1").fetchall()
            gone = database.execute("SELECT id FROM index_gone").fetchall()
        return [one for (one,) in given], [one for (one,) in gone]

    def vectors(self, model: str, ids: Collection[int]) -> tuple[list[int], Vectors]:
        """The vectors of these chunks, as far as there are any: ids and one row each."""
        found: list[tuple[int, bytes]] = []
        with self._database.reading() as database:
            if _in_use(database, model):
                for batch in batched(ids):
                    query = (
                        "SELECT c.id, v.vector FROM chunks c JOIN vectors v ON v.id = c.vector "
                        f"WHERE c.id IN ({marks(batch)})"
                    )
                    found += database.execute(query, batch).fetchall()
        return _matrix(found)

    def vector_ids(self, model: str) -> NDArray[np.int64]:
        """The ids of all chunks that have a vector of this model, ascending."""
        with self._database.reading() as database:
            if not _in_use(database, model):
                return np.empty(0, np.int64)
            rows = database.execute("SELECT id FROM chunks WHERE vector IS NOT NULL ORDER BY id").fetchall()
        return np.fromiter((chunk for (chunk,) in rows), np.int64, len(rows))

    def all_vectors(self, model: str) -> tuple[NDArray[np.int64], Vectors]:
        """Every chunk that has a vector of this model: ids ascending, and one row each."""
        query = (
            "SELECT c.id, v.vector FROM chunks c JOIN vectors v ON v.id = c.vector "
            "WHERE c.vector IS NOT NULL ORDER BY c.id"
        )
        with self._database.reading() as database:
            if not _in_use(database, model):
                return np.empty(0, np.int64), np.empty((0, 0), np.float32)
            held = _count(database, "SELECT count(*) FROM chunks WHERE vector IS NOT NULL")
            width = _count(database, f"SELECT dimensions FROM models WHERE id = {setting(database, MODEL)}")
            ids, matrix = np.empty(held, np.int64), np.empty((held, width), np.float32)
            cursor, at = database.execute(query), 0
            while rows := cursor.fetchmany(_READ):
                ids[at : at + len(rows)] = [chunk for chunk, _ in rows]
                matrix[at : at + len(rows)] = _matrix(rows)[1]
                at += len(rows)
        return ids, matrix

    def sweep_vectors(self) -> int:
        """Drop every vector, of any model, whose text is in no chunk. Returns how many."""
        query = "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunks c WHERE c.key = vectors.key)"
        with self._database.writing() as database:
            return database.execute(query).rowcount

    def drop_vectors(self) -> None:
        """Drop every vector of every model: all of them are to be made again."""
        with self._database.writing() as database:
            database.execute("UPDATE chunks SET vector = NULL, indexed = 0")
            database.execute("DELETE FROM vectors")

    def _ids(self, query: str, limit: int) -> list[int]:
        with self._database.reading() as database:
            return [found for (found,) in database.execute(query, (limit,))]

    def _done(self, column: str, gone_list: str, added: Collection[int], gone: Collection[int]) -> None:
        with self._database.writing() as database:
            database.executemany(f"UPDATE chunks SET {column} = 1 WHERE id = ?", [(int(one),) for one in added])
            database.executemany(f"DELETE FROM {gone_list} WHERE id = ?", [(int(one),) for one in gone])

    def use(self, model: str) -> None:
        """Make this the model whose vectors chunks point at; one used before finds its vectors again."""
        with self._database.reading() as database:
            if _in_use(database, model):
                return
        with self._database.writing() as database:
            number = model_number(database, model, 0)
            database.execute(
                "UPDATE chunks SET vector = (SELECT v.id FROM vectors v WHERE v.key = chunks.key AND v.model = ?)",
                (number,),
            )
            set_setting(database, MODEL, str(number))
            _restart_index(database)


def _count(database: sqlite3.Connection, query: str) -> int:
    return int(database.execute(query).fetchone()[0])


def _restart_index(database: sqlite3.Connection) -> None:
    database.execute("UPDATE chunks SET indexed = 0 WHERE indexed = 1")
    database.execute("DELETE FROM index_gone")


def _in_use(database: sqlite3.Connection, model: str) -> bool:
    row = database.execute("SELECT id FROM models WHERE name = ?", (model,)).fetchone()
    return row is not None and setting(database, MODEL) == str(row[0])


def model_number(database: sqlite3.Connection, name: str, dimensions: int) -> int:
    """The number of a model, known or new. `dimensions` 0: not known yet; others must be the stored ones."""
    database.execute("INSERT OR IGNORE INTO models (name, dimensions) VALUES (?, 0)", (name,))
    number, known = database.execute("SELECT id, dimensions FROM models WHERE name = ?", (name,)).fetchone()
    if not known and dimensions:
        database.execute("UPDATE models SET dimensions = ? WHERE id = ?", (dimensions, number))
    elif dimensions and dimensions != known:
        raise StoreError(f"The model {name} gave vectors of {dimensions} numbers; the stored ones have {known}.")
    return int(number)


def _matrix(rows: Sequence[tuple[int, bytes]]) -> tuple[list[int], Vectors]:
    if len({len(vector) for _, vector in rows}) > 1:
        raise StoreError("The store holds vectors of several lengths for one model.", hint="Run: brain doctor --repair")
    matrix = np.frombuffer(b"".join(vector for _, vector in rows), dtype="<f4")
    return [chunk for chunk, _ in rows], matrix.reshape(len(rows), -1) if rows else np.empty((0, 0), np.float32)
