"""One SQLite file for the threads of a process: connections, transactions, and its errors in our words.

It knows no tables beyond their version.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from brain.errors import StoreBusy, StoreError
from brain.store.schema import check_version, migrate

BUSY_SECONDS = 2.0
PAGE_SIZE = 8192  # five vectors of 384 numbers fill a page; 4096 would waste a quarter of it
WAL_LIMIT = 64 << 20  # bytes the log keeps once it has been written back

_KEPT = 16  # answers remembered at a time

T = TypeVar("T")

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """One writing and one reading connection, so that a search never waits for an index pass to commit."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open or create. Raises StoreError: nothing there, damaged, made by a newer Brain, not writable."""
        self.path = path
        self.read_only = read_only
        self._write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._kept: dict[Hashable, Any] = {}
        self._kept_at = -1
        with _translated(path):
            if read_only:
                self._reader = _open_to_read(path)
            else:
                self._writer = _open_to_write(path)
                self._reader = _connect(path, "ro")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The committed state, the same for the whole block."""
        with self._read_lock, _translated(self.path):
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                with suppress(sqlite3.Error):
                    self._reader.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block is stored, or nothing. Blocks do not nest."""
        with self._write_lock, _translated(self.path):
            writer = self._need_writer()
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield writer
                writer.execute("COMMIT")
            except BaseException:  # whatever ended the block, a cancel too: nothing of it is stored
                if writer.in_transaction:
                    with suppress(sqlite3.Error):
                        writer.execute("ROLLBACK")
                raise

    def remembered(self, name: Hashable, read: Callable[[sqlite3.Connection], T]) -> T:
        """What `read` finds, kept under a name until anyone commits. The value is shared: it must not be changed."""
        with self.reading() as database:
            now = database.execute("PRAGMA data_version").fetchone()[0]
            if now != self._kept_at or len(self._kept) >= _KEPT:
                self._kept, self._kept_at = {}, now
            if name not in self._kept:
                self._kept[name] = read(database)
            found: T = self._kept[name]
            return found

    def changes(self) -> int:
        """A number that differs once anyone has committed since it was last asked for."""
        with self._read_lock, _translated(self.path):
            return int(self._reader.execute("PRAGMA data_version").fetchone()[0])

    def checkpoint(self) -> bool:
        """Write the log back into the file and empty it; False where a reader was in the way, and it is left for later."""
        with self._write_lock, _translated(self.path):
            ((blocked, _, _),) = self._need_writer().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return not blocked

    def vacuum(self) -> None:
        """Write the whole file anew, without what was deleted from it."""
        with self._write_lock, self._read_lock, _translated(self.path):
            self._need_writer().execute("VACUUM")

    def free_share(self) -> float:
        """How much of the file is free pages, 0 to 1."""
        with self.reading() as database:
            free = int(database.execute("PRAGMA freelist_count").fetchone()[0])
            pages = int(database.execute("PRAGMA page_count").fetchone()[0])
        return free / max(1, pages)

    def close(self) -> None:
        """Write the log back and let go of the file. A second call does nothing."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            if self._writer is not None:
                with suppress(sqlite3.Error):  # what is not written back now is written back at the next opening
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self._writer.close()

    def _need_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            raise StoreError("The store is open for reading only.")
        return self._writer


def _open_to_write(path: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its -wal and -shm the same mode
    except OSError as error:
        reason = f"The store {path} cannot be written: {error.strerror}."
        raise StoreError(reason, hint="Check the permissions of the folder, or set BRAIN_HOME.") from error
    database = _connect(path, "rw")
    try:
        database.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA secure_delete = ON")
        database.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}")
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StoreError("Nothing is indexed yet.", hint="Run: brain add FOLDER")
    # On a read-only folder SQLite cannot make the -shm file that readers of a live log share. Where none is there, nothing
    # stands in the log either, and the file may be taken as it is; elsewhere that would miss what the owner commits.
    log = path.with_name(f"{path.name}-wal")
    takes_as_it_is = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    database = _connect(path, "ro&immutable=1" if takes_as_it_is else "ro")
    try:
        check_version(database)
    except BaseException:
        database.close()
        raise
    return database


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}"
    return sqlite3.connect(
        address,
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
        cached_statements=256,
    )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _our_error(path, error) from error


def _our_error(path: Path, error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return StoreBusy("Another process is writing to the store.", hint="Try again in a moment.")
    if code in _DAMAGED:
        return StoreError(
            f"The store {path} is damaged.",
            hint="Your notes are untouched. Move that file away (saved conversations are in it), then run: brain add FOLDER",
        )
    if code == sqlite3.SQLITE_FULL:
        return StoreError(
            "The disk is full.", hint="Free some space and run: brain sync. Nothing that was stored is lost."
        )
    if code == sqlite3.SQLITE_READONLY:
        return StoreError(f"The store {path} cannot be written.", hint="Check the permissions of its folder.")
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"The store {path} cannot be opened.", hint="Check the permissions of its folder.")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(
            f"The disk did not take or give what belongs to the store {path}.",
            hint="Check its free space and health, then run: brain sync",
        )
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return StoreError("The store is closed.")
    return StoreError(f"The store {path} could not be used: {error}.")
