"""The dates that files count by in the catalog: worked out when a file is written or moved, so that a scope need not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection

from brain.dating import date_in_name, dated
from brain.scoping import relative_parts
from brain.types import DateOrigin


def date_file(database: sqlite3.Connection, file: int, folders: Collection[str] | None = None) -> None:
    """Note by which date a file counts, as part of the caller's transaction: of what it says, its name and its folders."""
    row = database.execute("SELECT path, date, date_origin FROM files WHERE id = ?", (file,)).fetchone()
    path, date, origin = os.fsdecode(row[0]), row[1], row[2]
    if folders is None:
        folders = watched(database)
    *above, name = relative_parts(path, folders)
    stem = os.path.splitext(name)[0]  # noqa: PTH122 -- of text
    counts: tuple[str | None, DateOrigin | None] = dated(date, origin, [*above, stem])
    database.execute("UPDATE files SET dated = ?, dated_by = ? WHERE id = ?", (*counts, file))


def date_all(database: sqlite3.Connection) -> None:
    """Every file of a catalog from before dates had origins, when a note's own date could be that of its name."""
    origin = "CASE format WHEN 'pdf' THEN 'metadata' ELSE 'frontmatter' END"
    database.execute(f"UPDATE files SET date_origin = {origin} WHERE date IS NOT NULL")
    folders = watched(database)
    for file, path, format, date in database.execute("SELECT id, path, format, date FROM files").fetchall():
        name = os.path.splitext(os.path.basename(os.fsdecode(path)))[0]  # noqa: PTH119, PTH122 -- of text
        if date and format != "pdf" and date_in_name(name) == date:
            database.execute("UPDATE files SET date = NULL, date_origin = NULL WHERE id = ?", (file,))
        date_file(database, file, folders)


def watched(database: sqlite3.Connection) -> list[str]:
    """The watched folders as text."""
    return [os.fsdecode(path) for (path,) in database.execute("SELECT path FROM folders")]
