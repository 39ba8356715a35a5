"""The catalog: everything Brain knows, in one SQLite file. Words index and vector index are derived from it.

It decides nothing about when to read, embed or index; it remembers what waits. Every method raises only
StoreError and its children, may be called from any thread, and has committed to disk when it returns.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from brain.store.checks import Checks
from brain.store.coming import Coming
from brain.store.conversations import Conversations
from brain.store.database import Database
from brain.store.files import Counts, Files
from brain.store.passages import Facts, Passages
from brain.store.private import Mark, Marks
from brain.store.queues import Queues, WordsRow
from brain.store.writing import COMPACTED, ERASED, set_setting, setting

CHROMA_MARK = "chroma"  # the setting that says how the Chroma folder was left; empty: there is none
WORTH_WRITING_ANEW = 0.2  # of the file is free pages

__all__ = ["CHROMA_MARK", "Catalog", "Counts", "Facts", "Mark", "WordsRow"]


class Catalog(Files, Passages, Queues, Coming, Checks, Conversations, Marks):
    """One catalog file. A context manager; `read_only` sees what another process commits."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        """Open it, or create it unless `read_only`. Raises StoreError: nothing there, damaged, too new."""
        self._database = Database(path, read_only=read_only)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def changes(self) -> int:
        """A number that differs once anything was committed, by any process, since it was last asked for."""
        return self._database.changes()

    def compact(self, *, thorough: bool = False) -> bool:
        """Give freed space back. `thorough` writes the file anew in any case: nothing deleted stays in it.

        False where a reader was in the way, and the log still holds what was deleted.
        """
        if thorough or self._database.free_share() > WORTH_WRITING_ANEW:
            self._database.vacuum()
        return self._database.checkpoint()

    def erased(self) -> tuple[int, float]:
        """How many texts were deleted or written over since the last compaction, and when that was (since 1970)."""
        return int(self.setting(ERASED) or 0), float(self.setting(COMPACTED) or 0)

    def compacted(self, erased: int, now: float) -> None:
        """So many of the texts that were deleted are now in no file of the store."""
        with self._database.writing() as database:
            left = max(0, int(setting(database, ERASED) or 0) - erased)
            set_setting(database, ERASED, str(left))
            set_setting(database, COMPACTED, str(int(now)))

    def close(self) -> None:
        """Write the log back and let go of the file. A second call does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
