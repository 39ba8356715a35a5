"""The child's side of the pipes: requests in, frames out, stopping, and dying with the parent. Knows nothing of models."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from brain.models.frames import read_frame, write_frame


class Refused(Exception):
    """A request that cannot be answered: (reason, hint)."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


@dataclass(frozen=True, slots=True)
class Asked:
    """A running request: how to answer it, and whether anybody still wants the answer."""

    number: int
    send: Callable[[dict[str, Any], bytes], None]
    stopped: set[int]

    def reply(self, kind: str, payload: bytes = b"", **words: Any) -> None:
        """Send one frame; the last one is of kind "done"."""
        self.send({"is": kind, "id": self.number} | words, payload)

    def is_stopped(self) -> bool:
        return self.number in self.stopped


class Job(Protocol):
    """What a child does. `answer` runs in one thread, one request after the other; `count` beside it."""

    def answer(self, request: dict[str, Any], asked: Asked) -> None: ...

    def count(self, request: dict[str, Any]) -> dict[str, Any]: ...


class Desk:
    """Takes over stdin and stdout. `first` is the parent's first frame; `serve` never returns."""

    def __init__(self) -> None:
        self._requests, self._replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)  # whatever a library prints must not end up between our frames
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to understand
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue()
        self._stopped: set[int] = set()
        self._sending = threading.Lock()
        self._job: Job | None = None
        frame = read_frame(self._requests)
        if frame is None:
            raise SystemExit(0)
        self.first = frame[0]
        # Started ahead of the loading: should the parent die meanwhile, this process goes too.
        threading.Thread(target=self._take_in, name="requests", daemon=True).start()

    def send(self, words: dict[str, Any], payload: bytes = b"") -> None:
        """One frame to the parent."""
        try:
            with self._sending:
                write_frame(self._replies, words, payload)
        except OSError:
            os._exit(0)  # nobody listens any more

    def serve(self, job: Job) -> None:
        """Say that the job is ready, then answer one request after the other, for ever."""
        self._job = job
        self.send({"is": "ready"})
        while True:
            request = self._waiting.get()
            asked = Asked(request["id"], self.send, self._stopped)
            self._guarded(asked, partial(job.answer, request, asked))
            self._stopped.discard(asked.number)

    def _take_in(self) -> None:
        """Sort what arrives, until the parent is gone; then this process has no reason to live."""
        while (frame := read_frame(self._requests)) is not None:
            request = frame[0]
            if request["do"] == "stop":
                self._stopped.add(request["stop"])
            elif request["do"] == "count" and self._job is not None:
                asked = Asked(request["id"], self.send, self._stopped)
                self._guarded(asked, partial(self._count, self._job, request, asked))
            else:
                self._waiting.put(request)
        os._exit(0)  # a running call into a library cannot be left in any other way

    def _count(self, job: Job, request: dict[str, Any], asked: Asked) -> None:
        asked.reply("done", **job.count(request))

    def _guarded(self, asked: Asked, answer: Callable[[], None]) -> None:
        try:
            answer()
        except Refused as error:
            asked.reply("error", reason=error.reason, hint=error.hint)
