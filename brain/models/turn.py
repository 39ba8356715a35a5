"""Who may ask a model next: one at a time, and a question ahead of a thousand passages. Knows nothing of models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from brain.errors import Cancelled
from brain.seams import Cancel

TICK = 0.02  # seconds between two looks at `cancel`


class Turn:
    """A lock whose urgent waiters go first: a question does not queue behind a thousand passages.

    `hurry` is called by each urgent one that finds it held.
    """

    def __init__(self, hurry: Callable[[], None] = lambda: None) -> None:
        self._hurry = hurry
        self._changed = threading.Condition()
        self._busy = False
        self._urgent = 0

    @property
    def is_wanted(self) -> bool:
        """Whether somebody urgent waits for it."""
        return self._urgent > 0

    @contextmanager
    def if_free(self) -> Iterator[bool]:
        """Hold the lock while the block runs if nobody has it or waits urgently; whether it is held."""
        with self._changed:
            is_ours = not self._busy and not self._urgent
            self._busy = self._busy or is_ours
        try:
            yield is_ours
        finally:
            if is_ours:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    @contextmanager
    def __call__(self, *, urgent: bool = False, cancel: Cancel | None = None) -> Iterator[None]:
        """Hold the lock while the block runs. Raises Cancelled when `cancel` is set before it is our turn."""
        with self._changed:
            self._urgent += urgent
            try:
                if urgent and self._busy:
                    self._hurry()
                while self._busy or (self._urgent and not urgent):
                    self._changed.wait(TICK if cancel is not None else None)
                    if cancel is not None and cancel.is_set():
                        raise Cancelled("Stopped before the model was free")
                self._busy = True
            finally:
                self._urgent -= urgent
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
