"""Our words as SQLite keeps them, and back: paths, stamps, headings, outlines, texts in pieces. Pure."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from brain.places import Place
from brain.planning import Stamp
from brain.types import Block, Document
from brain.wording import embedded

PIECE = 8192  # characters
BATCH = 500  # values in one statement; the oldest SQLite we meet takes 999


def path_to_bytes(path: Path) -> bytes:
    """A path as the file system spells it: names need not be text."""
    return os.fsencode(path)


def path_from_bytes(stored: bytes) -> Path:
    """The path again."""
    return Path(os.fsdecode(stored))


def below(folder: Path) -> tuple[bytes, bytes]:
    """The first path below a folder and the first one after them, in byte order."""
    start = path_to_bytes(folder).rstrip(os.sep.encode()) + os.sep.encode()
    return start, start[:-1] + bytes([start[-1] + 1])


def within(place: Place) -> tuple[str, tuple[object, ...]]:
    """The condition on `path` for the files of a place, and its values."""
    first, last = below(Path(place.path))
    if place.is_deep:
        return "path = ? OR (path >= ? AND path < ?)", (os.fsencode(place.path), first, last)
    return "path >= ? AND path < ? AND instr(substr(path, ?), ?) = 0", (first, last, len(first) + 1, os.sep.encode())


def pack_stamp(stamp: Stamp) -> str:
    """A stamp as text: its numbers may be larger than SQLite's integers."""
    return f"{stamp.mtime_ns} {stamp.ctime_ns} {stamp.size} {stamp.inode}"


def unpack_stamp(packed: str) -> Stamp:
    """The stamp again."""
    mtime_ns, ctime_ns, size, inode = packed.split()
    return Stamp(int(mtime_ns), int(ctime_ns), int(size), int(inode))


def sound(text: str) -> str:
    """The text with every lone surrogate, which no file can hold, replaced one for one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def pack_headings(headings: tuple[str, ...]) -> str:
    """A path of headings as text; empty for none."""
    return sound(json.dumps(headings, ensure_ascii=False)) if headings else ""


def unpack_headings(packed: str) -> tuple[str, ...]:
    """The headings again; none where they cannot be read, which the key of the chunk tells."""
    try:
        return tuple(json.loads(packed)) if packed else ()
    except ValueError:
        return ()


def pack_outline(document: Document) -> str:
    """What only the whole document needs: blocks, aliases, page labels. Equal headings are written once."""
    paths: dict[tuple[str, ...], int] = {}
    blocks = [
        (block.kind, block.start, block.end, paths.setdefault(block.headings, len(paths)), block.page)
        for block in document.blocks
    ]
    outline = {
        "headings": list(paths),
        "blocks": blocks,
        "aliases": document.aliases,
        "labels": document.page_labels,
    }
    return sound(json.dumps(outline, ensure_ascii=False, separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Outline:
    """What `pack_outline` keeps."""

    blocks: tuple[Block, ...]
    aliases: tuple[str, ...]
    labels: tuple[str, ...]


def unpack_outline(packed: str) -> Outline:
    """The outline again."""
    outline: dict[str, Any] = json.loads(packed)
    paths = [tuple(path) for path in outline["headings"]]
    blocks = tuple(Block(kind, start, end, paths[at], page) for kind, start, end, at, page in outline["blocks"])
    return Outline(blocks, tuple(outline["aliases"]), tuple(outline["labels"]))


def key_of(title: str | None, headings: tuple[str, ...], text: str, format: str) -> bytes:
    """Names the text a chunk is embedded as: equal text, equal key, wherever it stands."""
    return hashlib.sha256(sound(embedded(title, headings, text, format)).encode()).digest()[:16]


def pieces_of(text: str) -> Iterator[tuple[int, str]]:
    """A text cut into numbered pieces of one length."""
    return ((at // PIECE, text[at : at + PIECE]) for at in range(0, len(text), PIECE))


def batched(values: Iterable[Any], size: int = BATCH) -> Iterator[Sequence[Any]]:
    """The values in lists of at most `size`."""
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def marks(values: Sequence[Any]) -> str:
    """As many question marks as there are values."""
    return ",".join("?" * len(values))
