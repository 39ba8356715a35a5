"""The tables of the catalog, and the steps from each version of them to the next. It knows no rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from brain.errors import StoreError, StoreOutdated
from brain.store.dates import date_all
from brain.store.marks import mark_all

# Text is kept in pieces: a chunk cut out of a 5 MB value costs SQLite 3 ms, out of a piece microseconds.
# Vectors lie in a rowid table of their own: 1.5 KB rows in a WITHOUT ROWID table spill a whole page each.
# A stamp is text: ext4 has times and inodes beyond SQLite's 64 signed bits.
_FIRST = (
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE folders (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE)",
    """CREATE TABLE files (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL UNIQUE,
        stamp TEXT NOT NULL,
        modified INTEGER NOT NULL,               -- seconds since 1970
        sha256 TEXT NOT NULL DEFAULT '',
        recipe TEXT NOT NULL DEFAULT '',
        reason TEXT,                             -- why it could not be read; such a file has no content
        hint TEXT NOT NULL DEFAULT '',
        title TEXT NOT NULL DEFAULT '',
        titled INTEGER NOT NULL DEFAULT 0,
        names TEXT NOT NULL DEFAULT '',          -- title and aliases, as the words index knows them
        format TEXT NOT NULL DEFAULT 'text',
        date TEXT,
        pages INTEGER,
        unread TEXT NOT NULL DEFAULT '[]',
        length INTEGER NOT NULL DEFAULT 0        -- characters of text
    )""",
    "CREATE INDEX files_sha256 ON files (sha256)",
    "CREATE INDEX files_modified ON files (modified)",
    "CREATE TABLE outlines (file INTEGER PRIMARY KEY REFERENCES files (id), packed TEXT NOT NULL)",
    """CREATE TABLE tags (
        file INTEGER NOT NULL REFERENCES files (id), ordinal INTEGER NOT NULL, tag TEXT NOT NULL,
        PRIMARY KEY (file, ordinal)
    ) WITHOUT ROWID""",
    """CREATE TABLE pieces (
        id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES files (id), part INTEGER NOT NULL,
        text TEXT NOT NULL, UNIQUE (file, part)
    )""",
    """CREATE TABLE chunks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,    -- never given twice: the derived indexes know chunks by it
        file INTEGER NOT NULL REFERENCES files (id),
        ordinal INTEGER NOT NULL,                -- reading order within the file
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        line INTEGER NOT NULL,
        page INTEGER,
        headings TEXT NOT NULL,
        key BLOB NOT NULL,                       -- names the text that is embedded
        words INTEGER NOT NULL DEFAULT 0,        -- 1: the words index has it
        vector INTEGER,                          -- its row in vectors, of the model in use; NULL: none yet
        indexed INTEGER NOT NULL DEFAULT 0       -- 1: the vector index has it
    )""",
    "CREATE INDEX chunks_file ON chunks (file, ordinal)",
    "CREATE INDEX chunks_key ON chunks (key)",
    "CREATE INDEX chunks_wordless ON chunks (words) WHERE words = 0",
    "CREATE INDEX chunks_unembedded ON chunks (file, ordinal) WHERE vector IS NULL",
    "CREATE INDEX chunks_unindexed ON chunks (indexed) WHERE indexed = 0 AND vector IS NOT NULL",
    "CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL)",
    """CREATE TABLE vectors (
        id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL REFERENCES models (id),
        key BLOB NOT NULL, vector BLOB NOT NULL  -- little-endian float32
    )""",
    "CREATE UNIQUE INDEX vectors_key ON vectors (key, model)",
    "CREATE TABLE words_gone (id INTEGER PRIMARY KEY)",
    "CREATE TABLE index_gone (id INTEGER PRIMARY KEY)",
)

# `date` is what the document says of itself; `dated` what it counts by, NULL where that is the day of its last change.
_ORIGINS_OF_DATES = (
    "ALTER TABLE files ADD COLUMN date_origin TEXT",
    "ALTER TABLE files ADD COLUMN dated TEXT",
    "ALTER TABLE files ADD COLUMN dated_by TEXT",
    date_all,
)

# The file of a source is in a row of its own, so that it can be followed when it moves, and forgotten with its folder.
_CONVERSATIONS = (
    """CREATE TABLE conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        said TEXT NOT NULL,                      -- the words of the title, folded
        scope TEXT NOT NULL,                     -- JSON
        began TEXT NOT NULL,                     -- ISO 8601, UTC
        changed TEXT NOT NULL
    )""",
    """CREATE TABLE turns (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL REFERENCES conversations (id),
        key TEXT NOT NULL UNIQUE,                -- given by whoever adds it: adding it twice adds it once
        asked TEXT NOT NULL,
        answered TEXT NOT NULL,                  -- JSON, its paths as the numbers of their sources
        said TEXT NOT NULL,                      -- the words of question and answer, folded
        forgotten INTEGER NOT NULL DEFAULT 0     -- how many of its sources were forgotten with their folder
    )""",
    "CREATE INDEX turns_conversation ON turns (conversation)",
    """CREATE TABLE sources (
        turn INTEGER NOT NULL REFERENCES turns (id), number INTEGER NOT NULL,
        path BLOB NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY (turn, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX sources_path ON sources (path)",
)
_MACHINE_WRITTEN = ("ALTER TABLE files ADD COLUMN machine INTEGER NOT NULL DEFAULT 0",)
# What is not known to be public is private.
_PRIVATE = ("ALTER TABLE files ADD COLUMN private INTEGER NOT NULL DEFAULT 1", mark_all)

# MIGRATIONS[n] leads from version n to n + 1. Released steps are never edited: add one.
MIGRATIONS: tuple[tuple[str | Callable[[sqlite3.Connection], None], ...], ...] = (
    _FIRST,
    _ORIGINS_OF_DATES,
    (*_CONVERSATIONS, *_MACHINE_WRITTEN),
    _PRIVATE,
)


def version_of(database: sqlite3.Connection) -> int:
    """The version of the tables in a database; 0 in an empty one."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def check_version(database: sqlite3.Connection) -> None:
    """Refuse a catalog that this version cannot read as it is. Raises StoreOutdated, StoreError for a newer one."""
    found = version_of(database)
    _refuse_newer(found)
    if found < len(MIGRATIONS):
        raise StoreOutdated("The store was made by an older Brain.", hint="Run: brain sync")


def migrate(database: sqlite3.Connection) -> None:
    """Bring the tables to this version, all steps in one transaction. Raises StoreError for a newer one."""
    _refuse_newer(version_of(database))
    if version_of(database) == len(MIGRATIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version_of(database) :]:
            for statement in step:
                if isinstance(statement, str):
                    database.execute(statement)
                else:
                    statement(database)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _refuse_newer(found: int) -> None:
    if found > len(MIGRATIONS):
        raise StoreError("The store was made by a newer Brain.", hint="Update Brain, or use another BRAIN_HOME.")
