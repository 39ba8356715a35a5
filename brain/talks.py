"""The saved conversations of this process' store, and how what they quote stands in the files now."""

from __future__ import annotations

from collections.abc import Callable

from brain.conversations import Conversation, Summary
from brain.events import Answered
from brain.store.catalog import Catalog
from brain.types import Scope, Verdict
from brain.witness import Witness


class LocalConversations:
    """`seams.Conversations` on a catalog. `claim` raises StoreBusy where another process owns it: then they are only read."""

    def __init__(self, catalog: Catalog, witness: Witness, claim: Callable[[], None]) -> None:
        self._catalog = catalog
        self._witness = witness
        self._claim = claim

    def summaries(self, words: str = "", *, limit: int = 100) -> tuple[Summary, ...]:
        """Those that hold all of these words; last used first."""
        return tuple(self._catalog.conversations(words, limit=limit))

    def get(self, id: int) -> Conversation:
        """One with all its turns. Raises StoreError."""
        return self._catalog.conversation(id)

    def append(self, answered: Answered, *, key: str, conversation: int | None = None, scope: Scope = Scope()) -> int:
        """Keep an answer; it is on disk when this returns. Raises StoreBusy, StoreError."""
        self._claim()
        return self._catalog.add_turn(answered, key=key, conversation=conversation, scope=scope)

    def rename(self, id: int, title: str) -> None:
        """Give it another title. Raises StoreBusy, StoreError."""
        self._claim()
        self._catalog.rename_conversation(id, title)

    def delete(self, id: int) -> Conversation:
        """Delete it and return it. Raises StoreBusy, StoreError."""
        self._claim()
        return self._catalog.delete_conversation(id)

    def restore(self, lost: Conversation) -> None:
        """Put back what was deleted. Raises StoreBusy."""
        self._claim()
        self._catalog.restore_conversation(lost)

    def verdicts(self, id: int) -> tuple[tuple[Verdict, ...], ...]:
        """For each turn, how each of its citations stands in the files as they are now. Raises StoreError."""
        found = []
        for turn in self._catalog.conversation(id).turns:
            hashes = {source.path: source.sha256 for source in turn.sources}
            found.append(self._witness.verdicts(turn.answered.citations, hashes))
        return tuple(found)
