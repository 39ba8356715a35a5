"""What happens when the terminal goes away: closed window, lost connection, SIGTERM. The engine is ended in good order first.

Textual waits for a terminal that will never answer again, with its input thread spinning; without this the process would
stay for ever and its store stay owned.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

LOOK_SECONDS = 1.0
HUNG_UP = 128 + signal.SIGHUP


def is_there() -> bool:
    """Whether the terminal that the process was started on still answers."""
    try:
        return os.isatty(sys.__stdin__.fileno()) if sys.__stdin__ is not None else False
    except (OSError, ValueError):
        return False


@contextmanager
def guarded(leave: Callable[[], None], quit: Callable[[], None]) -> Iterator[None]:
    """Within this a lost terminal ends the process, after `leave` has ended the engine; SIGTERM calls `quit`.

    `leave` must not touch the terminal and must return within seconds; `quit` asks the app to end as a key would.
    """
    over, hung_up = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            if hung_up.is_set() or not is_there():
                leave()
                os._exit(HUNG_UP)  # the main thread may be stuck in a write that no terminal will take

    def on_term(_number: int, _frame: object) -> None:
        quit()

    before = {
        signal.SIGHUP: signal.signal(signal.SIGHUP, lambda *_: hung_up.set()),
        signal.SIGTERM: signal.signal(signal.SIGTERM, on_term),
    }
    thread = threading.Thread(target=watch, name="terminal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        # Python waits at its end for Textual's input thread, which never ends once the terminal is gone.
        if not is_there():
            leave()
            os._exit(HUNG_UP)
        over.set()
        for number, handler in before.items():
            with suppress(ValueError, TypeError):
                signal.signal(number, handler)
