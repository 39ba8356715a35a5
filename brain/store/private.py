"""What the documents of the catalog say of themselves about leaving this machine."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from brain.privacy import Rules
from brain.store.database import Database
from brain.store.marks import tags_of
from brain.store.rows import batched, marks, path_from_bytes, path_to_bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """What decides, beside its path, whether a document may leave."""

    marked: bool  # it says of itself that it must not
    tags: tuple[str, ...]


class Marks:
    """The part of the catalog that knows what is private. Nothing here writes."""

    _database: Database

    def marks(self, paths: Collection[Path]) -> Mapping[Path, Mark]:
        """The marks of these documents; a path without one is missing."""
        found: dict[int, tuple[Path, bool]] = {}
        with self._database.reading() as database:
            for batch in batched({path_to_bytes(path) for path in paths}):
                query = f"SELECT id, path, private FROM files WHERE reason IS NULL AND path IN ({marks(batch)})"
                for file, path, private in database.execute(query, batch):
                    found[file] = path_from_bytes(path), bool(private)
            tags = tags_of(database, found)
        return {path: Mark(private, tags.get(file, ())) for file, (path, private) in found.items()}

    def private_count(self, rules: Rules) -> int:
        """How many documents must not leave this machine, by what they say and by the rules."""
        query = "SELECT id, path, private FROM files WHERE reason IS NULL"

        def count(database: sqlite3.Connection) -> int:
            if not (rules.of_places or rules.of_tags):
                return int(
                    database.execute("SELECT count(*) FROM files WHERE reason IS NULL AND private").fetchone()[0]
                )
            tags: dict[int, list[str]] = defaultdict(list)
            if rules.of_tags:
                for file, tag in database.execute("SELECT file, tag FROM tags ORDER BY file, ordinal"):
                    tags[file].append(tag)
            return sum(
                bool(rules.why(path_from_bytes(path), tags=tags.get(file, ()), marked=bool(private)))
                for file, path, private in database.execute(query)
            )

        return self._database.remembered(("private", rules.private), count)
