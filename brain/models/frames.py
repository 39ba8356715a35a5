"""What parent and model child say to each other: frames of a JSON object and, where needed, raw bytes after it."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")
MAX_WORDS = 64 << 20
MAX_BYTES = 256 << 20

Frame = tuple[dict[str, Any], bytes]


def write_frame(pipe: BinaryIO, words: dict[str, Any], payload: bytes = b"") -> None:
    """Send one frame. Raises OSError where the other side is gone."""
    text = json.dumps(words, separators=(",", ":")).encode()
    pipe.write(_LENGTHS.pack(len(text), len(payload)) + text + payload)
    pipe.flush()


def read_frame(pipe: BinaryIO) -> Frame | None:
    """The next frame; None where the other side is gone or speaks nonsense."""
    head = pipe.read(_LENGTHS.size)
    if len(head) < _LENGTHS.size:
        return None
    words, payload = _LENGTHS.unpack(head)
    if words > MAX_WORDS or payload > MAX_BYTES:
        return None
    text, raw = pipe.read(words), pipe.read(payload)
    if len(text) < words or len(raw) < payload:
        return None
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    return (frame, raw) if isinstance(frame, dict) else None
