"""Keeps the child process that reads PDFs: starts it, keeps the clock, ends it. A hostile file costs one child.

Knows nothing of PDFs; what comes back is what `pdf_child` wrote, page by page.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAGE_SECONDS = 10.0
FILE_SECONDS = 120.0
LOOK_SECONDS = 1.0  # between two looks at the clock
STILL_SECONDS = 4.0  # between two looks: this process was stopped, or the machine asleep, and the child is not to blame
MOST_CHARACTERS = 100_000_000  # of one file; a page is bounded by the child
_PIECE = 1 << 16
_FILES = 200  # then a fresh child: what leaks in a library goes with it
_START = "import sys; sys.path[:] = sys.argv[1:]; from brain.readers.pdf_child import main; main()"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")


@dataclass(slots=True)
class Extract:
    """What the child said about one file, as far as it came."""

    pages: int | None = None
    texts: dict[int, str] = field(default_factory=dict)  # by page, counted from 1; "" for a page without text
    about: dict[str, Any] = field(default_factory=dict)
    error: str | None = None  # the child's own word: this file cannot be read
    trouble: str | None = None  # the child was stopped or died: "took too long", …


class PdfWorker:
    """One child at a time, started by the first file and used again for the next. Safe to call from any thread."""

    def __init__(
        self,
        *,
        page_seconds: float = PAGE_SECONDS,
        file_seconds: float = FILE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._page_seconds = page_seconds
        self._file_seconds = file_seconds
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._files = 0
        self._lock = threading.Lock()

    def extract(self, data: bytes) -> Extract:
        """Have one file read. Never raises for what the file does; see `Extract.error` and `Extract.trouble`."""
        with self._lock:
            extract = Extract()
            child = self._running()
            try:
                self._converse(child, data, extract)
            except (OSError, ValueError):
                extract.trouble = "made the PDF reader crash"
            except BaseException:
                self._end()  # interrupted in the middle of an answer: the next file must not hear the rest
                raise
            if extract.trouble:
                self._end()
            self._files += 1
            return extract

    def close(self) -> None:
        """End the child, if there is one. The next file starts another."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (self._child.poll() is not None or self._files >= _FILES):
            self._end()
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, *_import_path()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},  # no keys for a hostile file
            )
            self._files = 0
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    os.set_blocking(pipe.fileno(), False)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        child.wait()

    def _converse(self, child: subprocess.Popen[bytes], data: bytes, extract: Extract) -> None:
        """Write and read at once, so that neither side waits for the other with a full pipe."""
        assert child.stdin is not None and child.stdout is not None
        order = json.dumps({"size": len(data), "seconds": int(self._file_seconds) + 10}).encode() + b"\n"
        waiting = [memoryview(order), memoryview(data)]
        began = heard = looked = self._clock()
        rest = b""
        characters = 0
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdin, selectors.EVENT_WRITE)
            selector.register(child.stdout, selectors.EVENT_READ)
            while True:
                now = self._clock()
                if (still := now - looked) > STILL_SECONDS:
                    began, heard = began + still, heard + still
                looked = now
                left = min(heard + self._page_seconds, began + self._file_seconds) - now
                if left <= 0:
                    extract.trouble = "took too long to read"
                    return
                for key, _ in selector.select(min(left, LOOK_SECONDS)):
                    if key.fileobj is child.stdin:
                        _write_some(child.stdin.fileno(), waiting)
                        if not waiting:
                            selector.unregister(child.stdin)
                            heard = self._clock()
                        continue
                    piece = _read_some(child.stdout.fileno())
                    if piece == b"":
                        extract.trouble = "made the PDF reader crash"
                        return
                    *lines, rest = (rest + (piece or b"")).split(b"\n")
                    for line in lines:
                        heard = self._clock()
                        characters += len(line)
                        if _note(json.loads(line), extract):
                            return
                    if characters > MOST_CHARACTERS:
                        extract.trouble = "holds too much text"
                        return


def _import_path() -> list[str]:
    """Where the child finds what we found, and nothing in the folder it happens to be started in."""
    root = str(Path(__file__).resolve().parents[2])
    known = [folder for folder in sys.path if folder]
    return known if root in known else [*known, root]


def _write_some(descriptor: int, waiting: list[memoryview]) -> None:
    while waiting:
        try:
            written = os.write(descriptor, waiting[0][: 1 << 20])
        except BlockingIOError:
            return
        waiting[0] = waiting[0][written:]
        if not waiting[0]:
            waiting.pop(0)


def _read_some(descriptor: int) -> bytes | None:
    try:
        return os.read(descriptor, _PIECE)
    except BlockingIOError:
        return None


def _note(said: dict[str, Any], extract: Extract) -> bool:
    """Keep one line of the child; whether it was the last of this file."""
    if "page" in said:
        extract.texts[int(said["page"])] = str(said["text"])
    elif "pages" in said:
        extract.pages = int(said["pages"])
    elif "about" in said:
        extract.about = dict(said["about"])
    elif "error" in said:
        extract.error = str(said["error"])
    return "done" in said or "error" in said


WORKER = PdfWorker()  # one for the whole program; it holds nothing until the first PDF
atexit.register(WORKER.close)
