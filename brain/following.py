"""Who hears what the indexer does: each front end follows in a queue of its own. Thread-safe."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager

from brain.events import Event


class Followers:
    """Everyone who follows, each with the process that it follows for: None stands for this one."""

    def __init__(self) -> None:
        self._queues: list[tuple[str | None, queue.SimpleQueue[Event]]] = []

    def __len__(self) -> int:
        return len(self._queues)

    @contextmanager
    def following(self, asker: str | None) -> Iterator[queue.SimpleQueue[Event]]:
        """A queue that is filled while this lasts."""
        mine: queue.SimpleQueue[Event] = queue.SimpleQueue()
        entry = (asker, mine)
        self._queues.append(entry)
        try:
            yield mine
        finally:
            self._queues.remove(entry)

    def tell(self, event: Event, *, asker: str | None = None) -> None:
        """Hand an event to everyone who follows, but not to the `asker`, who has it already."""
        for who, mine in tuple(self._queues):
            if who is None or who != asker:
                mine.put(event)


def all_of(heard: queue.SimpleQueue[Event]) -> list[Event]:
    """What has come so far."""
    return [heard.get() for _ in range(heard.qsize())]
