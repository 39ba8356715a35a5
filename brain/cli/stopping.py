"""ctrl+c, and other signals to end, as a request: long work sees it and ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from brain.seams import Cancel


@contextmanager
def cancelling(*signals: signal.Signals) -> Iterator[Cancel]:
    """Within this, ctrl+c (or any of `signals`) sets the flag that long work looks at; a second one ends at once."""
    cancel = threading.Event()

    def stop(_signal: int, _frame: Any) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()

    before = {number: signal.signal(number, stop) for number in signals or (signal.SIGINT,)}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
