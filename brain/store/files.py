"""The part of the catalog that knows files: folders, stamps, documents going in and out, failures."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.cleaning import defuse
from brain.errors import StoreError
from brain.planning import Stamp, Stored
from brain.store.cited import follow_move, forget_below
from brain.store.database import Database
from brain.store.rows import (
    below,
    key_of,
    marks,
    pack_headings,
    pack_outline,
    pack_stamp,
    path_from_bytes,
    path_to_bytes,
    pieces_of,
    sound,
    unpack_outline,
    unpack_stamp,
)
from brain.store.texts import MODEL, file_id
from brain.types import Chunk, Document, Failure, Unread

ERASED = "erased"  # the setting that counts what was deleted or written over since the last compaction
COMPACTED = "compacted"  # and the one that says when that was: seconds since 1970

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the catalog holds."""

    files: int
    failed: int
    unreadable_pages: int
    chunks: int


@dataclass(frozen=True, slots=True)
class _Cut:
    """A chunk on its way in: its key and the columns that its place in the file decides."""

    key: bytes
    ordinal: int
    start: int
    end: int
    line: int
    page: int | None
    headings: str


class Files:
    """Folders, files and documents. Every writing method is one transaction."""

    _database: Database

    def setting(self, key: str) -> str | None:
        """A value kept under a name, or None."""
        with self._database.reading() as database:
            row = database.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_setting(self, key: str, value: str) -> None:
        """Keep a value under a name; it is on disk when this returns."""
        with self._database.writing() as database:
            set_setting(database, key, value)

    def folders(self) -> list[Path]:
        """The watched folders, in the order they were added."""
        with self._database.reading() as database:
            return _folders(database)

    def add_folder(self, path: Path) -> None:
        """Watch one more folder; one that is watched already changes nothing."""
        with self._database.writing() as database:
            database.execute("INSERT OR IGNORE INTO folders (path) VALUES (?)", (path_to_bytes(path),))

    def remove_folder(self, path: Path) -> int:
        """Forget a folder and what is below it but below no other watched one, and what saved answers hold of it.

        Returns how many documents.
        """
        with self._database.writing() as database:
            database.execute("DELETE FROM folders WHERE path = ?", (path_to_bytes(path),))
            others = [below(folder) for folder in _folders(database)]
            query = "SELECT id, path, reason FROM files WHERE path >= ? AND path < ?"
            lost = [
                (file, reason is None)
                for file, stored, reason in database.execute(query, below(path)).fetchall()
                if not any(first <= stored < last for first, last in others)
            ]
            for file, _ in lost:
                _drop_file(database, file)
            forget_below(database, below(path), others)
        return sum(document for _, document in lost)

    def stamps(self) -> dict[Path, Stored]:
        """Every known file, those that failed too."""
        return dict(self._database.remembered("stamps", _stamps))

    def find_by_sha(self, sha256: str) -> list[Path]:
        """The documents with exactly these bytes."""
        query = "SELECT path FROM files WHERE sha256 = ? AND reason IS NULL ORDER BY id"
        with self._database.reading() as database:
            return [path_from_bytes(path) for (path,) in database.execute(query, (sha256,))]

    def put(
        self, document: Document, chunks: Sequence[Chunk], *, stamp: Stamp, sha256: str, recipe: str
    ) -> tuple[int, int]:
        """Store a document with its chunks in place of the old. Returns how many chunks, how many new.

        A chunk whose embedded text was there before keeps its id and vector. The rest wait for both.
        """
        title = document.title if document.titled else None
        cuts = [
            _Cut(
                key_of(title, chunk.headings, document.text[chunk.start : chunk.end], document.format),
                ordinal,
                chunk.start,
                chunk.end,
                chunk.line,
                chunk.page,
                pack_headings(chunk.headings),
            )
            for ordinal, chunk in enumerate(chunks)
        ]
        with self._database.writing() as database:
            file, renamed = _write_document(database, document, stamp, sha256, recipe)
            fresh = _write_chunks(database, file, cuts)
            if renamed:
                database.execute("UPDATE chunks SET words = 0 WHERE file = ?", (file,))
        return len(cuts), fresh

    def move(self, old: Path, new: Path, stamp: Stamp) -> None:
        """The same content stands at another path: ids and vectors stay. What the new path held is forgotten.

        A title taken from the file's name changes with it, and the words of its chunks are pending again.
        """
        with self._database.writing() as database:
            file = file_id(database, old)
            if old != new:
                _drop_path(database, new)
                count_erasure(database)
            database.execute(
                "UPDATE files SET path = ?, stamp = ?, modified = ? WHERE id = ?",
                (path_to_bytes(new), pack_stamp(stamp), stamp.mtime_ns // _NS, file),
            )
            follow_move(database, old, new)
            title, titled = database.execute("SELECT title, titled FROM files WHERE id = ?", (file,)).fetchone()
            name = sound(defuse(new.stem))
            if not titled and title != name:
                packed = database.execute("SELECT packed FROM outlines WHERE file = ?", (file,)).fetchone()[0]
                names = _names(name, unpack_outline(packed).aliases)
                database.execute("UPDATE files SET title = ?, names = ? WHERE id = ?", (name, names, file))
                database.execute("UPDATE chunks SET words = 0 WHERE file = ?", (file,))

    def restamp(self, path: Path, stamp: Stamp) -> None:
        """The content is the same, only the stamp is new."""
        with self._database.writing() as database:
            values = (pack_stamp(stamp), stamp.mtime_ns // _NS, path_to_bytes(path))
            changed = database.execute("UPDATE files SET stamp = ?, modified = ? WHERE path = ?", values).rowcount
        if not changed:
            raise StoreError(f"{path} is not in the store.", hint="Run: brain sync")

    def forget(self, path: Path) -> None:
        """Drop a file and all that came from it; an unknown path changes nothing."""
        with self._database.writing() as database:
            _drop_path(database, path)

    def fail(self, path: Path, stamp: Stamp, reason: str, hint: str, recipe: str = "") -> None:
        """The file cannot be read: note why, and forget its earlier content: it must not be answered from.

        `recipe` names how reading was tried: where Brain reads otherwise, it is tried again.
        """
        with self._database.writing() as database:
            _drop_path(database, path)
            database.execute(
                "INSERT INTO files (path, stamp, modified, reason, hint, recipe) VALUES (?, ?, ?, ?, ?, ?)",
                (path_to_bytes(path), pack_stamp(stamp), stamp.mtime_ns // _NS, sound(reason), sound(hint), recipe),
            )

    def document(self, path: Path) -> Document:
        """The document as its reader returned it. Raises StoreError for a path without one."""
        with self._database.reading() as database:
            file = file_id(database, path)
            query = "SELECT title, titled, format, date, pages, unread, machine FROM files WHERE id = ?"
            title, titled, format, date, pages, unread, machine = database.execute(query, (file,)).fetchone()
            packed = database.execute("SELECT packed FROM outlines WHERE file = ?", (file,)).fetchone()[0]
            pieces = database.execute("SELECT text FROM pieces WHERE file = ? ORDER BY part", (file,)).fetchall()
            tags = database.execute("SELECT tag FROM tags WHERE file = ? ORDER BY ordinal", (file,)).fetchall()
        outline = unpack_outline(packed)
        return Document(
            path=path,
            title=title,
            text="".join(piece for (piece,) in pieces),
            blocks=outline.blocks,
            format=format,
            titled=bool(titled),
            date=date,
            tags=tuple(tag for (tag,) in tags),
            aliases=outline.aliases,
            pages=pages,
            unread_pages=tuple(json.loads(unread)),
            page_labels=outline.labels,
            machine_written=bool(machine),
        )

    def counts(self) -> Counts:
        """How much there is."""
        with self._database.reading() as database:
            files, failed = database.execute("SELECT count(*), count(reason) FROM files").fetchone()
            chunks = database.execute("SELECT count(*) FROM chunks").fetchone()[0]
            unread = database.execute("SELECT unread FROM files WHERE unread <> '[]'").fetchall()
        return Counts(files - failed, failed, sum(len(json.loads(pages)) for (pages,) in unread), chunks)

    def failures(self) -> list[Failure]:
        """The files that could not be read, by path."""
        query = "SELECT path, reason, hint FROM files WHERE reason IS NOT NULL ORDER BY path"
        with self._database.reading() as database:
            return [Failure(path_from_bytes(path), reason, hint) for path, reason, hint in database.execute(query)]

    def unread(self, paths: Iterable[Path] | None = None) -> list[Unread]:
        """The documents with pages that could not be read, by path: among `paths`, or all."""
        wanted = None if paths is None else {path_to_bytes(path) for path in paths}
        with self._database.reading() as database:
            rows = database.execute("SELECT path, unread FROM files WHERE unread <> '[]' ORDER BY path").fetchall()
        return [
            Unread(path_from_bytes(path), tuple(json.loads(pages)))
            for path, pages in rows
            if wanted is None or path in wanted
        ]

    def files_by_folder(self) -> dict[Path, int]:
        """How many documents are below each watched folder."""
        query = "SELECT count(*) FROM files WHERE reason IS NULL AND path >= ? AND path < ?"
        with self._database.reading() as database:
            return {folder: int(database.execute(query, below(folder)).fetchone()[0]) for folder in _folders(database)}


def set_setting(database: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a value under a name, as part of the caller's transaction."""
    database.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, value))


def setting(database: sqlite3.Connection, key: str) -> str | None:
    """A value kept under a name, as the caller's transaction sees it."""
    row = database.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _stamps(database: sqlite3.Connection) -> dict[Path, Stored]:
    query = "SELECT path, stamp, sha256, recipe, reason IS NOT NULL FROM files"
    return {
        path_from_bytes(path): Stored(unpack_stamp(stamp), sha256, recipe, bool(failed))
        for path, stamp, sha256, recipe, failed in database.execute(query)
    }


def _folders(database: sqlite3.Connection) -> list[Path]:
    return [path_from_bytes(path) for (path,) in database.execute("SELECT path FROM folders ORDER BY id")]


def _names(title: str, aliases: Iterable[str]) -> str:
    return sound("\n".join((title, *aliases)))


def _write_document(
    database: sqlite3.Connection, document: Document, stamp: Stamp, sha256: str, recipe: str
) -> tuple[int, bool]:
    """Returns the file's number, and whether the names that its chunks are found by have changed."""
    path = path_to_bytes(document.path)
    known = database.execute("SELECT id, names FROM files WHERE path = ?", (path,)).fetchone()
    if known is not None:
        count_erasure(database)
    names = _names(document.title, document.aliases)
    row = {
        "path": path,
        "stamp": pack_stamp(stamp),
        "modified": stamp.mtime_ns // _NS,
        "sha256": sha256,
        "recipe": recipe,
        "title": sound(document.title),
        "titled": int(document.titled),
        "names": names,
        "format": document.format,
        "date": document.date,
        "pages": document.pages,
        "unread": json.dumps(document.unread_pages),
        "length": len(document.text),
        "machine": int(document.machine_written),
    }
    columns, updates = ", ".join(row), ", ".join(f"{name} = excluded.{name}" for name in row)
    database.execute(
        f"INSERT INTO files ({columns}) VALUES ({marks(row)}) "  # type: ignore[arg-type]
        f"ON CONFLICT (path) DO UPDATE SET {updates}, reason = NULL, hint = ''",
        tuple(row.values()),
    )
    file = int(database.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()[0])
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


def _write_chunks(database: sqlite3.Connection, file: int, cuts: Sequence[_Cut]) -> int:
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


def _drop_path(database: sqlite3.Connection, path: Path) -> None:
    row = database.execute("SELECT id FROM files WHERE path = ?", (path_to_bytes(path),)).fetchone()
    if row is not None:
        _drop_file(database, row[0])


def count_erasure(database: sqlite3.Connection) -> None:
    """Something a person deleted or wrote over is about to leave the tables, and stays on disk until the next compaction."""
    query = "INSERT INTO settings VALUES (?, '1') ON CONFLICT (key) DO UPDATE SET value = value + 1"
    database.execute(query, (ERASED,))
    database.execute("INSERT OR IGNORE INTO settings VALUES (?, strftime('%s', 'now'))", (COMPACTED,))


def _drop_file(database: sqlite3.Connection, file: int) -> None:
    count_erasure(database)
    _drop_chunks(database, database.execute("SELECT id, key FROM chunks WHERE file = ?", (file,)).fetchall())
    for table in ("pieces", "tags", "outlines"):
        database.execute(f"DELETE FROM {table} WHERE file = ?", (file,))
    database.execute("DELETE FROM files WHERE id = ?", (file,))
