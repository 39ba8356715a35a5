"""Which files of a catalog say of themselves that they are private, and their tags: statements for others' transactions."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection

from brain.privacy import is_marked
from brain.store.rows import batched, marks


def tags_of(database: sqlite3.Connection, files: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The tags of these files, in order; a file without any is missing."""
    found: dict[int, list[str]] = defaultdict(list)
    for batch in batched(files):
        query = f"SELECT file, tag FROM tags WHERE file IN ({marks(batch)}) ORDER BY file, ordinal"
        for file, tag in database.execute(query, batch):
            found[file].append(tag)
    return {file: tuple(tags) for file, tags in found.items()}


def mark_all(database: sqlite3.Connection) -> None:
    """Every file of a catalog from before there were marks, by the text that is stored of it; what has none stays private.

    A file that was edited since says more in the next pass, as any edit does.
    """
    for file, format in database.execute("SELECT id, format FROM files WHERE reason IS NULL").fetchall():
        tags = [tag for (tag,) in database.execute("SELECT tag FROM tags WHERE file = ?", (file,))]
        pieces = database.execute("SELECT text FROM pieces WHERE file = ? ORDER BY part", (file,)).fetchall()
        text = "" if format == "pdf" else "".join(piece for (piece,) in pieces)  # a PDF cannot say so
        is_lost = not pieces and bool(
            database.execute("SELECT 1 FROM files WHERE id = ? AND length", (file,)).fetchone()
        )
        if not is_lost and not is_marked(text, tags):
            database.execute("UPDATE files SET private = 0 WHERE id = ?", (file,))
