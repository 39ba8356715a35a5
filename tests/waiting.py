"""Waiting for what another thread or process brings about, with a generous end."""

from __future__ import annotations

import threading
from collections.abc import Callable

WAIT = 30.0


def until(is_so: Callable[[], object]) -> None:
    """Returns once `is_so` holds; fails after `WAIT` seconds."""
    pause = threading.Event()
    for _ in range(int(WAIT / 0.02)):
        if is_so():
            return
        pause.wait(0.02)
    raise AssertionError("it never came about")


def once(is_so: Callable[[], object], then: Callable[[], object]) -> threading.Thread:
    """A thread that does something as soon as `is_so` holds."""

    def wait() -> None:
        until(is_so)
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread
