"""Are the files of the words index as tantivy wrote them? Read without tantivy, which looks at no checksum. It repairs nothing.

Knows the files as tantivy 0.27 writes them: each segment file ends with a footer that holds the CRC of what is before it.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

_KINDS = ("term", "idx", "pos", "fieldnorm", "fast", "store")
_TAIL = struct.Struct("<II")  # length of the footer, and a number that says there is one
_MAGIC = 1337


def damage(folder: Path) -> list[str]:
    """What is wrong with the files that the last commit names; nothing where all are sound."""
    try:
        segments = json.loads((folder / "meta.json").read_bytes())["segments"]
        names = [name for segment in segments for name in _files(segment)]
    except (OSError, ValueError, KeyError, TypeError):
        return ["meta.json cannot be read"]
    return [f"{name} {wrong}" for name in names if (wrong := _wrong(folder / name))]


def _files(segment: dict[str, object]) -> list[str]:
    number = str(segment["segment_id"]).replace("-", "")
    deletes = segment.get("deletes")
    gone = [f"{number}.{deletes['opstamp']}.del"] if isinstance(deletes, dict) else []
    return [*(f"{number}.{kind}" for kind in _KINDS), *gone]


def _wrong(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    try:
        length, magic = _TAIL.unpack(raw[-_TAIL.size :])
        if magic != _MAGIC:
            return "is cut off"
        body = len(raw) - _TAIL.size - length
        crc = json.loads(raw[body : -_TAIL.size])["crc"]
    except (struct.error, ValueError, KeyError, TypeError):
        return "is cut off"
    return "" if zlib.crc32(memoryview(raw)[:body]) == crc else "is not as it was written"
