"""What both programs that fetch have in common: they end with their parent, never share a file, and stop reading a header early."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from brain.models.header import parse_header
from brain.offline import go_offline, is_offline

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
    if is_offline():
        go_offline()
    threading.Thread(target=_watch_parent, daemon=True).start()


def alone_with(file: BinaryIO) -> None:
    """Wait until no other process writes to this file: one that lost its parent may need a moment to end."""
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX)
    file.seek(0, os.SEEK_END)


def keep_head(chunks: Iterable[bytes], size: int, folder: Path) -> None:
    """Leave for the parent as much of a GGUF's beginning as holds its header. Raises ModelError for what is no GGUF."""
    data = bytearray()
    looks = iter(LOOKS)
    wanted = next(looks)
    with (folder / HEAD_FILE).open("wb", buffering=0) as file:  # it sees this grow, and so that we are alive
        for chunk in chunks:
            file.write(chunk)
            data += chunk
            if len(data) >= wanted:
                wanted = next(looks, 0)
                if not wanted or parse_header(bytes(data), size) is not None:
                    return


def keep_look(folder: Path, revision: str, files: list[dict[str, str | int]]) -> None:
    """Leave for the parent what was found."""
    (folder / LOOK_FILE).write_text(json.dumps({"revision": revision, "files": files}), encoding="utf-8")


def say_answered() -> None:
    """The server has answered: what takes long now is the download."""
    sys.stdout.write("answered\n")
    sys.stdout.flush()


def _watch_parent() -> None:
    sys.stdin.read()
    os._exit(1)
