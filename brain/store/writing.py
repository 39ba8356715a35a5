"""The statements that write a file and what belongs to it, each as part of its caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.cleaning import defuse
from brain.planning import Move, Stamp
from brain.store.cited import follow_move
from brain.store.dates import date_file
from brain.store.rows import marks, pack_outline, pack_stamp, path_to_bytes, pieces_of, sound, unpack_outline
from brain.store.texts import MODEL, file_id
from brain.types import Document

ERASED = "erased"  # the setting that counts what was deleted or written over since the last compaction
COMPACTED = "compacted"  # and the one that says when that was: seconds since 1970

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Cut:
    """A chunk on its way in: its key and the columns that its place in the file decides."""

    key: bytes
    ordinal: int
    start: int
    end: int
    line: int
    page: int | None
    headings: str


def set_setting(database: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a value under a name, as part of the caller's transaction."""
    database.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, value))


def setting(database: sqlite3.Connection, key: str) -> str | None:
    """A value kept under a name, as the caller's transaction sees it."""
    row = database.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def move_file(database: sqlite3.Connection, move: Move) -> None:
    """Put a file at its new place, dated anew; a title that was its name changes with it."""
    file = file_id(database, move.old)
    if move.old != move.path:
        drop_path(database, move.path)
    database.execute(
        "UPDATE files SET path = ?, stamp = ?, modified = ? WHERE id = ?",
        (path_to_bytes(move.path), pack_stamp(move.stamp), move.stamp.mtime_ns // NS, file),
    )
    follow_move(database, move.old, move.path)
    date_file(database, file)
    title, titled = database.execute("SELECT title, titled FROM files WHERE id = ?", (file,)).fetchone()
    name = sound(defuse(move.path.stem))
    if not titled and title != name:
        packed = database.execute("SELECT packed FROM outlines WHERE file = ?", (file,)).fetchone()[0]
        names = _names(name, unpack_outline(packed).aliases)
        database.execute("UPDATE files SET title = ?, names = ? WHERE id = ?", (name, names, file))
        database.execute("UPDATE chunks SET words = 0 WHERE file = ?", (file,))


def _names(title: str, aliases: Iterable[str]) -> str:
    return sound("\n".join((title, *aliases)))


def write_document(
    database: sqlite3.Connection, document: Document, stamp: Stamp, sha256: str, recipe: str
) -> tuple[int, bool]:
    """Write all but the chunks. Returns the file's number, and whether the names that its chunks are found by have changed."""
    path = path_to_bytes(document.path)
    known = database.execute("SELECT sha256, names FROM files WHERE path = ?", (path,)).fetchone()
    if known is not None and known[0] != sha256:  # the same bytes read in another way: nothing of the note is gone
        count_erasure(database)
    names = _names(document.title, document.aliases)
    row = {
        "path": path,
        "stamp": pack_stamp(stamp),
        "modified": stamp.mtime_ns // NS,
        "sha256": sha256,
        "recipe": recipe,
        "title": sound(document.title),
        "titled": int(document.titled),
        "names": names,
        "format": document.format,
        "date": document.date,
        "date_origin": document.date_origin,
        "pages": document.pages,
        "unread": json.dumps(document.unread_pages),
        "length": len(document.text),
        "machine": int(document.machine_written),
        "private": int(document.private),
    }
    columns, updates = ", ".join(row), ", ".join(f"{name} = excluded.{name}" for name in row)
    database.execute(
        f"INSERT INTO files ({columns}) VALUES ({marks(row)}) "  # type: ignore[arg-type]
        f"ON CONFLICT (path) DO UPDATE SET {updates}, reason = NULL, hint = ''",
        tuple(row.values()),
    )
    file = int(database.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()[0])
    date_file(database, file)
    database.execute("INSERT OR REPLACE INTO outlines VALUES (?, ?)", (file, pack_outline(document)))
    database.execute("DELETE FROM tags WHERE file = ?", (file,))
    database.executemany(
        "INSERT INTO tags VALUES (?, ?, ?)", [(file, at, sound(tag)) for at, tag in enumerate(document.tags)]
    )
    pieces = [(file, part, piece) for part, piece in pieces_of(sound(document.text))]
    database.executemany(
        "INSERT INTO pieces (file, part, text) VALUES (?, ?, ?) "
        "ON CONFLICT (file, part) DO UPDATE SET text = excluded.text WHERE text <> excluded.text",
        pieces,
    )
    database.execute("DELETE FROM pieces WHERE file = ? AND part >= ?", (file, len(pieces)))
    return file, known is not None and known[1] != names


def write_chunks(database: sqlite3.Connection, file: int, cuts: Sequence[Cut]) -> int:
    """Match the cuts to the stored chunks by key and n-th copy of it. Returns how many are new."""
    columns = 'key, id, ordinal, start, "end", line, page, headings'
    query = f"SELECT {columns} FROM chunks WHERE file = ? ORDER BY ordinal"
    old: dict[bytes, list[tuple[int, tuple[object, ...]]]] = defaultdict(list)
    for key, chunk, *place in database.execute(query, (file,)).fetchall():
        old[key].append((chunk, tuple(place)))
    model = setting(database, MODEL)
    moved, fresh = [], []
    for cut in cuts:
        place = (cut.ordinal, cut.start, cut.end, cut.line, cut.page, cut.headings)
        if old[cut.key]:
            chunk, was = old[cut.key].pop(0)
            if was != place:
                moved.append((*place, chunk))
        else:
            fresh.append((file, cut.key, *place, cut.key, model))
    database.executemany(
        'UPDATE chunks SET ordinal = ?, start = ?, "end" = ?, line = ?, page = ?, headings = ? WHERE id = ?',
        moved,
    )
    database.executemany(
        'INSERT INTO chunks (file, key, ordinal, start, "end", line, page, headings, vector) VALUES '
        "(?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM vectors WHERE key = ? AND model = ?))",
        fresh,
    )
    _drop_chunks(database, [(chunk, key) for key, rest in old.items() for chunk, _ in rest])
    return len(fresh)


def _drop_chunks(database: sqlite3.Connection, chunks: Sequence[tuple[int, bytes]]) -> None:
    """Drop chunks, list them as gone for both derived indexes, and drop vectors that no chunk uses."""
    ids = [(chunk,) for chunk, _ in chunks]
    database.executemany("INSERT INTO words_gone VALUES (?)", ids)
    database.executemany("INSERT INTO index_gone VALUES (?)", ids)
    database.executemany("DELETE FROM chunks WHERE id = ?", ids)
    database.executemany(
        "DELETE FROM vectors WHERE key = ? AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.key = vectors.key)",
        {(key,) for _, key in chunks},
    )


def drop_path(database: sqlite3.Connection, path: Path) -> None:
    """Forget the file at a path, if there is one."""
    row = database.execute("SELECT id FROM files WHERE path = ?", (path_to_bytes(path),)).fetchone()
    if row is not None:
        drop_file(database, row[0])


def count_erasure(database: sqlite3.Connection) -> None:
    """Something a person deleted or wrote over is about to leave the tables, and stays on disk until the next compaction."""
    query = "INSERT INTO settings VALUES (?, '1') ON CONFLICT (key) DO UPDATE SET value = value + 1"
    database.execute(query, (ERASED,))
    database.execute("INSERT OR IGNORE INTO settings VALUES (?, strftime('%s', 'now'))", (COMPACTED,))


def drop_file(database: sqlite3.Connection, file: int) -> None:
    """Forget a file and all that belongs to it."""
    count_erasure(database)
    _drop_chunks(database, database.execute("SELECT id, key FROM chunks WHERE file = ?", (file,)).fetchall())
    for table in ("pieces", "tags", "outlines"):
        database.execute(f"DELETE FROM {table} WHERE file = ?", (file,))
    database.execute("DELETE FROM files WHERE id = ?", (file,))
