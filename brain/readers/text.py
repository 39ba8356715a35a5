"""Plain text: logs, mail, reStructuredText, Org and anything else that reads well as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from brain.cleaning import defuse, one_line
from brain.privacy import is_marked
from brain.readers.decoding import decode
from brain.readers.opening import open_bytes
from brain.types import Block, Document

SUFFIXES = (".txt", ".text", ".log", ".org", ".rst", ".adoc", ".asciidoc", ".tex", ".vtt", ".srt")
MAX_BYTES = 50_000_000  # for `read`; whoever knows the settings passes bytes to `parse`

_PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def read(path: Path) -> Document:
    """Read one file whole. Raises ReadError."""
    return parse(path, open_bytes(path, MAX_BYTES))


def parse(path: Path, data: bytes) -> Document:
    """Bytes to a Document: a prose block a paragraph, parted by blank lines. Raises ReadError for what is not text."""
    text = defuse(decode(data, path.name))
    blocks = tuple(paragraphs(text))
    return Document(path, title=stem(path), text=text, blocks=blocks, format="text", private=is_marked(text))


def paragraphs(text: str) -> Iterator[Block]:
    """The runs of lines that are not blank."""
    return (Block("prose", found.start(), found.end()) for found in _PARAGRAPH.finditer(text))


def stem(path: Path) -> str:
    """The file's name as a title."""
    return one_line(path.stem) or one_line(path.name) or "untitled"
