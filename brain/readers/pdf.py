"""PDFs, read in a child process: they are programs of a kind, and some are written to hurt.

`Document.text` is the pages one after the other; a paragraph is one line, with a blank line to the next, so that a
quote reads as a sentence. The outline gives the headings. A page without readable text is listed in `unread_pages`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from brain.cleaning import one_line
from brain.dating import written_date
from brain.errors import ReadError
from brain.readers.front import TITLE_CHARACTERS
from brain.readers.opening import open_bytes
from brain.readers.pdf_text import tidy
from brain.readers.pdf_worker import WORKER, Extract
from brain.readers.text import stem
from brain.types import Block, Document

SUFFIXES = (".pdf",)
MAX_BYTES = 50_000_000  # for `read`; whoever knows the settings passes bytes to `parse`

_BETWEEN = "\n\n"
_MOST_PAGES = 200_000
_DATE = re.compile(r"(?:D:)?(\d{4})(\d{2})?(\d{2})?")
# What word processors write where nobody gave a title.
_NO_TITLE = re.compile(
    r"(?:untitled|title|document\d*|slide 1|powerpoint presentation|\(anonymous\))$|[\W\d_]*$", re.IGNORECASE
)
_MADE_FROM = re.compile(r"^microsoft (?:word|powerpoint|excel) - ", re.IGNORECASE)
_FILE_NAME = re.compile(r"\S+\.(?:docx?|dvi|tex|pdf|pptx?|xlsx?|odt|indd|qxd|rtf|txt|ps|html?)$", re.IGNORECASE)


def read(path: Path) -> Document:
    """Read one file whole. Raises ReadError."""
    return parse(path, open_bytes(path, MAX_BYTES))


def parse(path: Path, data: bytes) -> Document:
    """Bytes to a Document. Raises ReadError where not one page could be had, with the reason.

    A file that stops in the middle, by its own fault or by the clock, keeps the pages read; the rest count as unread.
    """
    if b"%PDF-" not in data[:1024]:
        raise ReadError(f"{path.name} is not a PDF, whatever its name says.", hint="Give it its proper ending.")
    extract = WORKER.extract(data)
    _refuse(path, extract)
    count = min(extract.pages or 0, _MOST_PAGES)
    outline = _by_page(extract.about.get("outline", ()))
    pieces: list[str] = []
    blocks: list[Block] = []
    headings: tuple[str, ...] = ()
    at = 0
    for page in range(1, count + 1):
        text = extract.texts.get(page, "")
        entries = outline.get(page, [])
        if text:
            blocks.extend(_page_blocks(text, at, page, headings, entries))
            pieces.append(text)
            at += len(text) + len(_BETWEEN)
        if entries:
            headings = entries[-1]
    title = _title(extract.about.get("title", ""))
    date = _date(extract.about.get("date", ""))
    labels = tuple(one_line(label) for label in extract.about.get("labels", ()))
    return Document(
        path,
        title=title or stem(path),
        text=_BETWEEN.join(pieces),
        blocks=tuple(blocks),
        format="pdf",
        titled=bool(title),
        date=date,
        date_origin="metadata" if date else None,
        pages=count,
        unread_pages=tuple(page for page in range(1, count + 1) if not extract.texts.get(page)),
        page_labels=labels if any(labels) and labels != tuple(map(str, range(1, count + 1))) else (),
    )


def close() -> None:
    """End the child process; the next PDF starts another."""
    WORKER.close()


def _refuse(path: Path, extract: Extract) -> None:
    if extract.error is not None:
        hint = "Save it without a password." if "password" in extract.error else "Open it elsewhere and save it anew."
        raise ReadError(f"{path.name} {extract.error}.", hint=hint)
    if extract.trouble is not None and not any(extract.texts.values()):
        raise ReadError(f"{path.name} {extract.trouble}.", hint="Open it elsewhere and print it to a new PDF.")


def _by_page(outline: Sequence[Any]) -> dict[int, list[tuple[str, ...]]]:
    """The path of every outline entry, by the page it leads to."""
    found: dict[int, list[tuple[str, ...]]] = {}
    path: list[str] = []
    for level, title, page in outline:
        heading = one_line(tidy(title))[:200]
        if not heading:
            continue
        path = [*path[: int(level)], heading]
        found.setdefault(int(page), []).append(tuple(path[-6:]))
    return found


def _page_blocks(
    text: str, at: int, page: int, headings: tuple[str, ...], entries: Sequence[tuple[str, ...]]
) -> Iterator[Block]:
    """A page cut where the headings of the outline stand in it; what comes before the first is still under `headings`."""
    start = 0
    for entry in entries:
        where = _find_heading(text, entry[-1], start)
        if where is None:
            headings = entry if start == 0 else headings
            continue
        if text[start:where].strip():
            yield _prose(text[start:where], at + start, page, headings)
        start, headings = where, entry
    if text[start:].strip():
        yield _prose(text[start:], at + start, page, headings)


def _prose(text: str, at: int, page: int, headings: tuple[str, ...]) -> Block:
    return Block("prose", at, at + len(text.rstrip()), headings, page)


def _find_heading(text: str, heading: str, start: int) -> int | None:
    """Where a paragraph opens with this heading, a number before it allowed."""
    words = heading.split()
    pattern = r"(?:^|\n)(?=(?:[\dA-Z][\d.]*\s+)?" + r"\s+".join(map(re.escape, words[:12])) + r"(?!\w))"
    found = re.compile(pattern, re.IGNORECASE).search(text, start)
    return found.end() if found else None


def _title(written: str) -> str:
    title = _MADE_FROM.sub("", one_line(tidy(written)))[:TITLE_CHARACTERS]
    return "" if _NO_TITLE.match(title) or _FILE_NAME.match(title) else title


def _date(written: str) -> str | None:
    found = _DATE.match(written.strip())
    return written_date("-".join((found[1], found[2] or "01", found[3] or "01"))) if found else None
