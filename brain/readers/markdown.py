"""Markdown notes, as Obsidian, Logseq and friends write them. The text stays the file's own; blocks say what is where.

A heading is a block of its own, and its path of headings ends with itself. Front matter and Logseq's properties are in
no block. Links and marks stay as written: `wording.plain` makes the readable form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from brain.cleaning import defuse, one_line
from brain.dating import date_in_name
from brain.privacy import is_marked
from brain.readers.decoding import decode
from brain.readers.front import read_front, unique
from brain.readers.opening import open_bytes
from brain.readers.text import stem
from brain.types import Block, BlockKind, Document
from brain.wording import plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd")
MAX_BYTES = 50_000_000  # for `read`; whoever knows the settings passes bytes to `parse`

# markdown-it reads ordinary notes at 8 MB a second but long lists and tables at 0.1: what is larger is an export,
# and is cut at headings, fences and blank lines alone.
_LARGE = 300_000
_KINDS: dict[str, BlockKind] = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}
_SETEXT = re.compile(r"\n[ \t]*(?:=+|-+)[ \t]*$")
_ATX = re.compile(r"[ \t]*(?:[-*+][ \t]+)?#{1,6}(?:[ \t]+|$)")
_ATX_END = re.compile(r"[ \t]+#+[ \t]*$")
_CODE = re.compile(r"`[^`\n]+`|https?://\S+|\]\([^()\n]*\)")
_TAG = re.compile(r"(?<![\w/#&])#(?:\[\[([^\[\]\n]{1,100})\]\]|(\w[\w/-]{0,99}))")


def read(path: Path) -> Document:
    """Read one file whole. Raises ReadError."""
    return parse(path, open_bytes(path, MAX_BYTES))


def parse(path: Path, data: bytes) -> Document:
    """Bytes to a Document whose text is the file's own. Raises ReadError for what is not text."""
    text = defuse(decode(data, path.name))
    front = read_front(text)
    blocks = tuple(_large_blocks(text, front.body) if len(text) > _LARGE else _blocks(text, front.body))
    title = front.title or next((b.headings[0] for b in blocks if _is_title(text, b)), None)
    day = date_in_name(title or "")
    date = front.date or (
        day if day and len(day) == len("2025-03-09") else None
    )  # "March 2024" is what a title is about
    tags = unique((*front.tags, *_inline_tags(text, blocks)))
    return Document(
        path,
        title=title or stem(path),
        text=text,
        blocks=blocks,
        format="markdown",
        titled=title is not None,
        date=date,
        date_origin=("frontmatter" if front.date else "title") if date else None,
        tags=tags,
        aliases=front.aliases,
        machine_written=front.machine_written,
        private=is_marked(text, tags),
    )


def _is_title(text: str, block: Block) -> bool:
    """An H1 that is not inside a list."""
    if block.kind != "heading" or len(block.headings) != 1:
        return False
    written = text[block.start : block.end].strip()
    return bool(re.match(r"#(?!#)", written)) or (not _ATX.match(written) and written.endswith("="))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table")
    parser.disable("reference")  # keeps `[1]: address` and footnotes in the text
    parser.core.ruler.enableOnly(["normalize", "block"])  # blocks only: what stands in a line is not looked at
    return parser


class _Path:
    """The headings above the place reached so far."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, heading: str) -> tuple[str, ...]:
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        if heading:
            self._open.append((level, heading))
        return self.now

    @property
    def now(self) -> tuple[str, ...]:
        return tuple(heading for _, heading in self._open)


def _blocks(text: str, body: int) -> Iterator[Block]:
    starts = [body, *(found.end() for found in re.compile("\n").finditer(text, body)), len(text)]
    path = _Path()
    for kind, first, last, level in _pieces(_parser().parse(text[body:])):
        start, end = starts[first], starts[min(last, len(starts) - 1)]
        written = text[start:end].rstrip()
        if not written:
            continue
        headings = path.enter(level, _heading(written)) if level else path.now
        yield Block(kind, start, start + len(written), headings)


def _pieces(tokens: Iterable[Token]) -> list[tuple[BlockKind, int, int, int]]:
    """What stands on the top level, as (kind, first line, line after, level of a heading or 0).

    A heading that opens an item of a list, as Logseq writes them, counts as standing on the top level too.
    """
    pieces: list[tuple[BlockKind, int, int, int]] = []
    before = ""
    for token in tokens:
        if token.nesting >= 0 and token.map is not None:
            first, last = token.map
            if token.type == "heading_open" and (token.level == 0 or before == "list_item_open"):
                inside = pieces.pop() if token.level else None
                if inside and inside[1] < first:
                    pieces.append((inside[0], inside[1], first, 0))
                pieces.append(("heading", first, last, int(token.tag[1])))
                if inside and last < inside[2]:
                    pieces.append((inside[0], last, inside[2], 0))
            elif token.level == 0 and token.type != "hr":
                pieces.append((_KINDS.get(token.type, "prose"), first, last, 0))
        before = token.type
    return pieces


_LARGE_PIECE = re.compile(
    r"^(?P<heading>\#{1,6}[ \t]+[^\n]*)$"
    r"|^[ ]{0,3}(?P<fence>```|~~~)[^\n]*\n(?:(?![ ]{0,3}(?P=fence))[^\n]*\n)*[^\n]*"
    r"|^(?P<table>[ \t]*\|[^\n]*(?:\n[ \t]*\|[^\n]*)*)$"
    r"|^(?P<prose>[^\n]*\S[^\n]*(?:\n(?!\#{1,6}[ \t]|```|~~~)[^\n]*\S[^\n]*)*)$",
    re.MULTILINE,
)


def _large_blocks(text: str, body: int) -> Iterator[Block]:
    path = _Path()
    for found in _LARGE_PIECE.finditer(text, body):
        end = found.start() + len(found[0].rstrip())
        if found["heading"]:
            written = found["heading"]
            level = len(written) - len(written.lstrip("#"))
            yield Block("heading", found.start(), end, path.enter(level, _heading(written)))
        else:
            kind: BlockKind = "code" if found["fence"] else "table" if found["table"] else "prose"
            yield Block(kind, found.start(), end, path.now)


def _heading(written: str) -> str:
    written = _ATX.sub("", _SETEXT.sub("", written[-1000:] if len(written) > 1000 else written), count=1)[:600]
    written = _ATX_END.sub("", written)
    return one_line(plain(written, "markdown"))[:200]


def _inline_tags(text: str, blocks: Iterable[Block]) -> Iterator[str]:
    """`#tags` in running text: not in code, headings, addresses; a number alone is an issue, not a tag."""
    if "#" not in text:
        return
    for block in blocks:
        if block.kind in ("heading", "code") or text.find("#", block.start, block.end) < 0:
            continue
        for found in _TAG.finditer(_CODE.sub(" ", text[block.start : block.end])):
            tag = (found[1] or found[2]).strip().rstrip("/-")
            if tag and not tag.isdecimal():
                yield one_line(tag)
