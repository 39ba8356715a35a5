"""What both programs that fetch have in common: they end with their parent, never share a file, and stop reading a header early."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from brain.models.header import parse_header

CHUNK = 1 << 18
LOOKS = (
    1 << 20,
    4 << 20,
    16 << 20,
    64 << 20,
    256 << 20,
)  # bytes after which it is tried; real headers have up to 20 million
LOOK_FILE, HEAD_FILE = "look.json", "head.bin"


def end_with_parent() -> None:
    """From now on this process ends when its stdin does: nobody would take what it still fetches."""
    threading.Thread(target=_watch_parent, daemon=True).start()


def alone_with(file: BinaryIO) -> None:
    """Wait until no other process writes to this file: one that lost its parent may need a moment to end."""
    fcntl.flock(file, fcntl.LOCK_EX)
    file.seek(0, os.SEEK_END)


def head_of(chunks: Iterable[bytes], size: int) -> bytes:
    """As much of a GGUF's beginning as holds its header. Raises ModelError for what is no GGUF."""
    data = bytearray()
    looks = iter(LOOKS)
    wanted = next(looks)
    for chunk in chunks:
        data += chunk
        if len(data) >= wanted:
            if parse_header(bytes(data), size) is not None:
                break
            wanted = next(looks, 0)
            if not wanted:
                break
    return bytes(data)


def answered(folder: Path, look: dict[str, Any], head: bytes) -> None:
    """Leave for the parent what was found."""
    (folder / HEAD_FILE).write_bytes(head)
    (folder / LOOK_FILE).write_text(json.dumps(look), encoding="utf-8")


def say_answered() -> None:
    """The server has answered: what takes long now is the download."""
    sys.stdout.write("answered\n")
    sys.stdout.flush()


def _watch_parent() -> None:
    sys.stdin.read()
    os._exit(1)
