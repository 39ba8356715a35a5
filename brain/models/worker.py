"""A supervised child process that holds one model.

llama.cpp can end the process it runs in, and a model file is untrusted. So each open model lives in a child: its death
is one ModelError, and the next call starts a fresh one. Knows processes and frames, nothing about models.
"""

from __future__ import annotations

import itertools
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from brain.errors import Cancelled, ModelError
from brain.models.frames import Frame, read_frame, write_frame
from brain.models.turn import TICK, Turn
from brain.seams import Cancel

LAST_BREATH = 1.0  # seconds between the end of a child's output and its own
KEPT_LINES = 40  # of what the child wrote to stderr


class Worker:
    """One model in one child process: started at the first request, started again after a death, ended by `close`.

    `before` runs in this process ahead of each start and may refuse it with a ModelError (memory, a broken file).
    After `restarts` deaths in a row without one request done between them the worker stays down.
    """

    def __init__(
        self,
        name: str,
        setup: dict[str, Any],
        *,
        before: Callable[[], None] = lambda: None,
        module: str = "brain.models.gguf",
        start_timeout: float = 120.0,
        silence_timeout: float = 300.0,
        restarts: int = 2,
    ) -> None:
        self.name = name
        self.turn = Turn(self._interrupt)
        self._setup = setup
        self._before = before
        self._module = module
        self._start_timeout = start_timeout
        self._silence_timeout = silence_timeout
        self._restarts = restarts
        self._deaths = 0
        self._closed = False
        self.is_starting = False  # from `before` on until there is a process
        self._child: _Child | None = None
        self._interruptible: tuple[_Child, int] | None = None  # what runs now and may be cut short
        self._starting = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id while one runs."""
        child = self._child
        return child.process.pid if child and child.is_alive else None

    def warm(self) -> None:
        """Start the child without waiting for it; what goes wrong is told to the first request."""
        with self._starting:
            if not self._closed and self._deaths <= self._restarts:
                self._running()

    def request(self, words: dict[str, Any], *, urgent: bool = False, cancel: Cancel | None = None) -> Iterator[Frame]:
        """Ask the child something that needs the model, and yield its frames up to the last one, {"is": "done", …}.

        Requests run one at a time, urgent ones first. Setting `cancel`, or leaving the generator, asks the child
        to stop; it then ends early but orderly. Raises ModelError for what the child reports and for its death,
        Cancelled when `cancel` is set before the child was free and open.
        """
        with self.turn(urgent=urgent, cancel=cancel):
            yield from self._converse(words, cancel)

    def ask(
        self, words: dict[str, Any], *, aside: bool = False, urgent: bool = False, interruptible: bool = False
    ) -> Frame:
        """A request with a single frame for an answer. `aside` ones do not wait for others: the child answers them
        beside its work, so only what leaves the model alone may be asked so (counting tokens). An `interruptible` one
        is stopped when an urgent one comes: its answer is what was done until then."""
        while aside:
            try:
                *_, last = self._converse(words, None)
                return last
            except _Rested:
                continue  # the child was put to rest a moment ago: it starts again
        with self.turn(urgent=urgent):
            *_, last = self._converse(words, None, interruptible=interruptible)
        return last

    def rest(self) -> bool:
        """End the child unless it is at work; the next request starts it again. Whether none runs now."""
        with self.turn.if_free() as is_ours:
            child = self._child
            if is_ours and child is not None:
                child.is_rested = True
                child.kill()
            return self.pid is None and not self.is_starting

    def close(self) -> None:
        """End the child at once, busy or not. Later requests are refused."""
        self._closed = True
        child = self._child
        if child is not None:
            child.kill()

    def _interrupt(self) -> None:
        if (running := self._interruptible) is not None:
            child, number = running
            with suppress(OSError):  # it has just died: whoever asked is told
                child.send({"do": "stop", "stop": number})

    def _converse(
        self, words: dict[str, Any], cancel: Cancel | None, *, interruptible: bool = False
    ) -> Iterator[Frame]:
        child = self._ready(cancel)
        number, inbox = child.open()
        is_done = asked_to_stop = False
        try:
            child.send(words | {"id": number})
            if interruptible:
                self._interruptible = child, number
                if self.turn.is_wanted:
                    self._interrupt()
            heard = time.monotonic()
            while not is_done:
                if cancel is not None and cancel.is_set() and not asked_to_stop:
                    child.send({"do": "stop", "stop": number})
                    asked_to_stop = True
                try:
                    frame = inbox.get(timeout=TICK if cancel is not None else 1.0)
                except queue.Empty:
                    if time.monotonic() - heard > self._silence_timeout:
                        child.kill()
                        raise self._gone(child, "gave no answer for a long time") from None
                    continue
                heard = time.monotonic()
                if frame is None:
                    raise self._gone(child, "stopped unexpectedly")
                said = frame[0]
                is_done = said["is"] in ("done", "error")
                if said["is"] == "error":
                    self._deaths = 0
                    raise ModelError(said["reason"], hint=said["hint"])
                if is_done:
                    self._deaths = 0
                yield frame
        except OSError as error:  # the pipe broke between two frames
            child.kill()
            raise self._gone(child, "stopped unexpectedly") from error
        finally:
            if interruptible:
                self._interruptible = None
            if not is_done:
                self._let_stop(child, number, inbox)
            child.shut(number)

    def _let_stop(self, child: _Child, number: int, inbox: queue.Queue[Frame | None]) -> None:
        """Nobody wants the answer any more: have the child stop, so that the next request finds it free."""
        if not child.is_alive:
            return
        try:
            child.send({"do": "stop", "stop": number})
        except OSError:
            return
        patience = time.monotonic() + 10.0
        while time.monotonic() < patience:
            try:
                frame = inbox.get(timeout=0.5)
            except queue.Empty:
                continue
            if frame is None or frame[0]["is"] in ("done", "error"):
                return
        child.kill()

    def _ready(self, cancel: Cancel | None) -> _Child:
        with self._starting:
            child = self._running()
        while not child.ready.wait(TICK):
            if cancel is not None and cancel.is_set():
                raise Cancelled("Stopped before the model was open")
            if time.monotonic() - child.since > self._start_timeout:
                child.kill()
                raise self._gone(child, "did not start in time")
        if child.refusal is not None:
            child.kill()
            raise ModelError(child.refusal["reason"], hint=child.refusal["hint"])
        if not child.is_alive:
            raise self._gone(child, "stopped unexpectedly while it was opened")
        return child

    def _running(self) -> _Child:
        if self._closed:
            raise ModelError(f"The model {self.name} is closed", hint="Open it again.")
        child = self._child
        if child is not None and child.is_alive:
            return child
        if self._deaths > self._restarts:
            hint = "Choose another model (brain models), fetch this one again, or restart Brain."
            raise ModelError(f"The model {self.name} stopped {self._deaths} times in a row and stays off", hint=hint)
        if child is not None:
            child.kill()
        self.is_starting = True
        try:
            self._before()
            self._child = child = _Child(self._module, self._setup)
        finally:
            self.is_starting = False
        if self._closed:  # closed in the meantime by another thread
            child.kill()
        return child

    def _gone(self, child: _Child, what: str) -> ModelError:
        if self._closed:
            return ModelError(f"The model {self.name} was closed", hint="Ask again to open it.")
        if child.is_rested:
            return _Rested(f"The model {self.name} was put to rest", hint="Ask again: it starts afresh.")
        code = child.end()
        with self._starting:
            if not child.is_mourned:
                child.is_mourned = True
                self._deaths += 1
        said = f" It said: {child.last_words}" if child.last_words else ""
        by = f" (signal {-code})" if code is not None and code < 0 else ""
        hint = "Ask again: it starts afresh."
        if code == -signal.SIGKILL:
            hint += " Where memory ran out, close other programs or choose a smaller model."
        return ModelError(f"The model {self.name} {what}{by}.{said}", hint=hint)


class _Rested(ModelError):
    """The child was ended because its memory was wanted, not by a fault of its own."""


class _Child:
    """One run of the child: its process, and a thread for each pipe that comes from it.

    The threads are here because both pipes must be read while nobody asks: a full stderr would stop the child.
    """

    def __init__(self, module: str, setup: dict[str, Any]) -> None:
        self.since = time.monotonic()
        self.ready = threading.Event()
        self.refusal: dict[str, Any] | None = None
        self.is_alive = True
        self.is_mourned = False
        self.is_rested = False
        self._numbers = itertools.count(1)
        self._inboxes: dict[int, queue.Queue[Frame | None]] = {}
        self._lock = threading.Lock()
        self._killing = threading.Lock()
        self._stderr: deque[str] = deque(maxlen=KEPT_LINES)
        # PYTHONSAFEPATH keeps whatever lies in the current folder from being imported in place of ours.
        environment = os.environ | {
            "OMP_WAIT_POLICY": "passive",
            "GGML_NO_BACKTRACE": "1",  # a debugger takes seconds, and its lines drown the reason
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self._to: BinaryIO = self.process.stdin  # type: ignore[assignment]
        self._drain = threading.Thread(target=self._keep_lines, name="model-stderr", daemon=True)
        self._reader = threading.Thread(target=self._deliver, name="model-frames", daemon=True)
        self._drain.start()
        self._reader.start()
        try:
            self.send(setup)
        except OSError:
            pass  # it died at once: the reader thread sees the end of its output and says so

    @property
    def last_words(self) -> str:
        """The last telling line of stderr."""
        lines = [line for line in self._stderr if line.strip()]
        telling = [line for line in lines if "error" in line.lower() or "assert" in line.lower()]
        last = (telling or lines or [""])[-1].strip()
        return re.sub(r"^(?:/[^/\s:]+)+/", "", last)[:300]  # where the library was built is nobody's matter

    def open(self) -> tuple[int, queue.Queue[Frame | None]]:
        """A number for a request and the queue its frames arrive in; None in it means the child is gone."""
        inbox: queue.Queue[Frame | None] = queue.Queue()
        with self._lock:
            number = next(self._numbers)
            self._inboxes[number] = inbox
            if not self.is_alive:
                inbox.put(None)
        return number, inbox

    def shut(self, number: int) -> None:
        with self._lock:
            self._inboxes.pop(number, None)

    def send(self, words: dict[str, Any]) -> None:
        with self._killing:
            if self._to.closed:
                raise BrokenPipeError
            write_frame(self._to, words)

    def end(self) -> int | None:
        """Let go of it. How it ended by itself; None where it did not."""
        try:
            code = self.process.wait(LAST_BREATH if not self.is_alive else 0)
        except subprocess.TimeoutExpired:
            code = None
        self.kill()
        return code

    def kill(self) -> None:
        """End the process and free what belongs to it. Any number of times, from any thread."""
        self.process.kill()  # before the lock: a sender may hold it, stuck in a full pipe
        with self._killing:
            if not self._to.closed:
                try:
                    self._to.close()
                except OSError:
                    pass  # what was still buffered has no reader any more
        self.process.wait()
        for thread in (self._reader, self._drain):
            if thread is not threading.current_thread():
                thread.join(5)

    def _deliver(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        with pipe:
            while (frame := read_frame(pipe)) is not None:  # type: ignore[arg-type]
                said = frame[0]
                if said.get("is") == "ready":
                    self.ready.set()
                elif said.get("is") == "refused":
                    self.refusal = said
                    break
                with self._lock:
                    inbox = self._inboxes.get(said.get("id", 0))
                if inbox is not None:
                    inbox.put(frame)
        self._drain.join(1)  # its last words are on the way
        with self._lock:
            self.is_alive = False
            for inbox in self._inboxes.values():
                inbox.put(None)
        self.ready.set()

    def _keep_lines(self) -> None:
        pipe = self.process.stderr
        assert pipe is not None
        with pipe:
            while line := pipe.readline(4_096):
                self._stderr.append(line.decode("utf-8", "replace"))
