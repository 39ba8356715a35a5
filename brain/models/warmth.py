"""The chat models of one Brain: the one in use, and the one before it kept warm where memory holds both.

A model's process starts when it is first asked or warmed, and that is when another may have to rest. One that rests stays open
to whoever has it: its next question starts it again. None is ever ended in the middle of an answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from brain.errors import ModelError
from brain.models import header
from brain.models.local import GgufChat

WARM = 2  # processes at most
MARGIN = 512 << 20  # bytes that stay free beside a second one

Open = Callable[[Path, Callable[[], None]], GgufChat]  # the file, and what makes room ahead of each start


class Chats:
    """Chat models by file. Any number of threads may use it. `open_one` opens one, its header read only."""

    def __init__(self, open_one: Open) -> None:
        self._open_one = open_one
        self._lock = threading.RLock()
        self._opened: dict[Path, tuple[tuple[int, int], GgufChat]] = {}  # with the file's size and time of change
        self._every: list[GgufChat] = []  # also those whose file has another in its place
        self._granted: set[GgufChat] = set()  # they have their room, and no process yet

    def open(self, path: Path) -> GgufChat:
        """The chat model in a file, always the same one while the file is. Nothing is started or ended. Raises ModelError."""
        with self._lock:
            stamp = _stamp(path)
            known = self._opened.get(path)
            if known is None or known[0] != stamp:
                opened = self._open_one(path, partial(self._make_room, path, stamp))
                self._opened[path] = stamp, opened
                self._every.append(opened)
                if known is not None:
                    known[1].rest()  # another file has its place; whoever still has it is told so
            return self._opened[path][1]

    def running(self) -> tuple[GgufChat, ...]:
        """Those whose process runs, or is about to, the coldest first."""
        with self._lock:
            self._granted = {chat for chat in self._granted if chat.is_starting}
            running = [chat for chat in self._every if chat.pid is not None or chat in self._granted]
            return tuple(sorted(running, key=lambda chat: chat.last_used))

    def close(self) -> None:
        """End every process, in the middle of an answer if need be."""
        with self._lock:
            for chat in self._every:
                chat.close()

    def _make_room(self, path: Path, stamp: tuple[int, int]) -> None:
        """Before the model of this file starts: let others rest, the coldest first, until it fits and two at most are warm.

        Raises ModelError where one that would have to rest is answering.
        """
        with self._lock:
            opened, wanted = self._opened[path]
            if opened != stamp:
                return  # another file has its place, and it is about to be refused
            wanted.last_used = time.monotonic()
            others = [chat for chat in self.running() if chat is not wanted]
            busy: list[GgufChat] = []
            for coldest in tuple(others):
                if len(others) < WARM and self._fits(wanted, others):
                    break
                if coldest.rest():
                    others.remove(coldest)
                else:
                    busy.append(coldest)
            if busy and not (len(others) < WARM and self._fits(wanted, others)):
                reason = f"{wanted.name} has to wait: {busy[0].name} is answering, and memory does not hold both"
                if len(others) >= WARM:
                    reason = f"{wanted.name} has to wait: {' and '.join(chat.name for chat in busy)} are answering"
                raise ModelError(reason, hint="Ask again when that answer is there, or ask the model that is open.")
            self._granted.add(wanted)

    def _fits(self, wanted: GgufChat, others: list[GgufChat]) -> bool:
        """Whether memory holds one more. Of the others all is counted: the system calls weights in use free, since they could be
        read again, and knows nothing of what a model has not filled yet."""
        free = header.free_memory()
        if free is None or not others:
            return True
        return wanted.memory + MARGIN <= free - sum(chat.memory for chat in others)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0  # whoever opens it says what is wrong
    return found.st_size, found.st_mtime_ns
