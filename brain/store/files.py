"""The part of the catalog that knows files: folders, stamps, documents going in and out, failures."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.errors import StoreError
from brain.places import Place
from brain.planning import Move, Stamp, Stored
from brain.store.cited import forget_below
from brain.store.database import Database
from brain.store.rows import (
    below,
    key_of,
    pack_headings,
    pack_stamp,
    path_from_bytes,
    path_to_bytes,
    sound,
    unpack_outline,
    unpack_stamp,
    within,
)
from brain.store.texts import file_id
from brain.store.writing import (
    NS,
    Cut,
    count_erasure,
    drop_file,
    drop_path,
    move_file,
    set_setting,
    write_chunks,
    write_document,
)
from brain.types import Chunk, Document, Failure, Unread


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the catalog holds."""

    files: int
    failed: int
    unreadable_pages: int
    chunks: int


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
                drop_file(database, file)
            forget_below(database, below(path), others)
        return sum(document for _, document in lost)

    def stamps(self) -> dict[Path, Stored]:
        """Every known file, those that failed too."""
        return {Path(path): known for path, known in self.stored().items()}

    def stored(self, places: Collection[Place] | None = None) -> Mapping[str, Stored]:
        """Every known file or those in `places`, by path as text: a Path for each costs more than reading them."""
        if places is None:
            return self._database.remembered("stored", lambda database: _stored(database, "1", ()))
        with self._database.reading() as database:
            return {path: known for place in places for path, known in _stored(database, *within(place)).items()}

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
            Cut(
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
            file, renamed = write_document(database, document, stamp, sha256, recipe)
            fresh = write_chunks(database, file, cuts)
            if renamed:
                database.execute("UPDATE chunks SET words = 0 WHERE file = ?", (file,))
        return len(cuts), fresh

    def move(self, old: Path, new: Path, stamp: Stamp) -> None:
        """The same content stands at another path: ids and vectors stay. What the new path held is forgotten.

        It is dated anew by its name and folders. A title taken from the file's name changes with it, and the words of
        its chunks are pending again.
        """
        self.move_all([Move(new, old, stamp)])

    def move_all(self, moves: Sequence[Move]) -> None:
        """Many at once, in one transaction, dated anew by names and folders; a compaction counts them as one thing written over."""
        with self._database.writing() as database:
            if any(move.old != move.path for move in moves):
                count_erasure(database)
            for move in moves:
                move_file(database, move)

    def restamp(self, path: Path, stamp: Stamp) -> None:
        """The content is the same, only the stamp is new."""
        with self._database.writing() as database:
            values = (pack_stamp(stamp), stamp.mtime_ns // NS, path_to_bytes(path))
            changed = database.execute("UPDATE files SET stamp = ?, modified = ? WHERE path = ?", values).rowcount
        if not changed:
            raise StoreError(f"{path} is not in the store.", hint="Run: brain sync")

    def forget(self, path: Path) -> None:
        """Drop a file and all that came from it; an unknown path changes nothing."""
        with self._database.writing() as database:
            drop_path(database, path)

    def fail(self, path: Path, stamp: Stamp, reason: str, hint: str, recipe: str = "") -> None:
        """The file cannot be read: note why, and forget its earlier content: it must not be answered from.

        `recipe` names how reading was tried: where Brain reads otherwise, it is tried again.
        """
        with self._database.writing() as database:
            drop_path(database, path)
            database.execute(
                "INSERT INTO files (path, stamp, modified, reason, hint, recipe) VALUES (?, ?, ?, ?, ?, ?)",
                (path_to_bytes(path), pack_stamp(stamp), stamp.mtime_ns // NS, sound(reason), sound(hint), recipe),
            )

    def document(self, path: Path) -> Document:
        """The document as its reader returned it. Raises StoreError for a path without one."""
        with self._database.reading() as database:
            file = file_id(database, path)
            query = "SELECT title, titled, format, date, date_origin, pages, unread, machine, private FROM files WHERE id = ?"
            row = database.execute(query, (file,)).fetchone()
            title, titled, format, date, origin, pages, unread, machine, private = row
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
            date_origin=origin,
            tags=tuple(tag for (tag,) in tags),
            aliases=outline.aliases,
            pages=pages,
            unread_pages=tuple(json.loads(unread)),
            page_labels=outline.labels,
            machine_written=bool(machine),
            private=bool(private),
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


def _stored(database: sqlite3.Connection, condition: str, values: Sequence[object]) -> dict[str, Stored]:
    query = f"SELECT path, stamp, sha256, recipe, reason IS NOT NULL FROM files WHERE {condition}"
    return {
        os.fsdecode(path): Stored(unpack_stamp(stamp), sha256, recipe, bool(failed))
        for path, stamp, sha256, recipe, failed in database.execute(query, values)
    }


def _folders(database: sqlite3.Connection) -> list[Path]:
    return [path_from_bytes(path) for (path,) in database.execute("SELECT path FROM folders ORDER BY id")]
