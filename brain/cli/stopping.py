"""ctrl+c as a request: long work sees it and ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from brain.seams import Cancel


@contextmanager
def cancelling() -> Iterator[Cancel]:
    """Within this, ctrl+c sets the flag that long work looks at; a second ctrl+c ends at once."""
    cancel = threading.Event()

    def stop(_signal: int, _frame: Any) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
