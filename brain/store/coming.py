"""The part of the catalog that gathers the vectors of another embedder while the one in use goes on serving."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import numpy as np

from brain.seams import Vectors
from brain.store.database import Database
from brain.store.queues import model_number
from brain.store.rows import marks, unpack_headings
from brain.store.texts import rows_of, texts_of
from brain.store.writing import set_setting, setting
from brain.wording import embedded

_FILE = "embedder.file"  # the setting that says what the embedder in use is called on the shelf
_CUTS = "embedder.cuts"  # and the one that holds the recipes whose passages it reads as they are
_LACKING = "NOT EXISTS (SELECT 1 FROM vectors v JOIN models m ON m.id = v.model WHERE v.key = c.key AND m.name = ?)"


class Coming:
    """What waits for an embedder that is chosen and has not read everything yet."""

    _database: Database

    def lacking(self, model: str) -> int:
        """How many chunks have no vector of this model, whichever is in use."""
        with self._database.reading() as database:
            return int(database.execute(f"SELECT count(*) FROM chunks c WHERE {_LACKING}", (model,)).fetchone()[0])

    def lacking_texts(self, model: str, after: int, limit: int) -> tuple[int, list[tuple[str, str]]]:
        """Texts behind the chunk `after` without a vector of this model, as (key, text), and the last chunk looked at.

        Each text is there once; an empty list: none is left behind `after`.
        """
        query = f"SELECT c.id FROM chunks c WHERE c.id > ? AND {_LACKING} ORDER BY c.id LIMIT ?"
        with self._database.reading() as database:
            ids = [chunk for (chunk,) in database.execute(query, (after, model, limit))]
            rows = list({row.key: row for row in rows_of(database, ids)}.values())
            texts = texts_of(database, rows)
        found = [
            (
                row.key.hex(),
                embedded(row.title if row.titled else None, unpack_headings(row.headings), text, row.format),
            )
            for row, text in zip(rows, texts, strict=True)
        ]
        return max(ids, default=after), found

    def keep_vectors(self, model: str, keys: Sequence[str], vectors: Vectors) -> None:
        """Store a vector a key; no search sees them before the model is in use. Raises StoreError for another length."""
        matrix = np.ascontiguousarray(vectors, dtype="<f4")
        with self._database.writing() as database:
            number = model_number(database, model, matrix.shape[1])
            database.executemany(
                "INSERT INTO vectors (model, key, vector) SELECT ?, ?, ? "
                "WHERE EXISTS (SELECT 1 FROM chunks WHERE key = ?) "
                "ON CONFLICT (key, model) DO UPDATE SET vector = excluded.vector",
                [(number, key, row.tobytes(), key) for key, row in zip(map(bytes.fromhex, keys), matrix, strict=True)],
            )

    def drop_models(self, kept: Collection[str]) -> None:
        """Forget the vectors of all models but these."""
        names = tuple(kept)
        query = f"DELETE FROM vectors WHERE model NOT IN (SELECT id FROM models WHERE name IN ({marks(names)}))"
        with self._database.writing() as database:
            database.execute(query, names)

    def embedder_file(self) -> str | None:
        """What the embedder in use is called on the shelf; None where that was never noted."""
        with self._database.reading() as database:
            return setting(database, _FILE)

    def note_embedder(self, file: str, recipe: str, cuts: Collection[str] = ()) -> None:
        """The embedder in use: its name on the shelf, how it cuts, and the recipes of others that it need not cut again."""
        with self._database.writing() as database:
            set_setting(database, _FILE, file)
            set_setting(database, _CUTS, json.dumps({"recipe": recipe, "cuts": sorted(cuts)}))

    def cuts(self, recipe: str) -> frozenset[str]:
        """The recipes whose passages an embedder that cuts by `recipe` reads as they are, its own among them."""
        with self._database.reading() as database:
            noted = json.loads(setting(database, _CUTS) or "{}")
        return frozenset((recipe, *noted["cuts"])) if noted.get("recipe") == recipe else frozenset((recipe,))
