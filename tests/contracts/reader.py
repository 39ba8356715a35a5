"""What every reader promises, whatever the format. Run on every note of `tests/notes`."""

from __future__ import annotations

import re

from brain.cleaning import defuse
from brain.types import Document

_ISO = re.compile(r"\d{4}(-\d{2}){0,2}\Z")


def check_document(document: Document) -> None:
    """Raises AssertionError where a promise is broken."""
    text = document.text
    assert defuse(text) == text, "nothing in the text is obeyed by a terminal"
    assert document.title.strip() and "\n" not in document.title
    assert defuse(document.title) == document.title
    assert document.date is None or _ISO.match(document.date)
    assert (document.date_origin is None) == (document.date is None)
    for names in (document.tags, document.aliases):
        assert len({name.casefold() for name in names}) == len(names)
        assert all(name.strip() == name != "" and not name.startswith("#") for name in names)

    before = 0
    for block in document.blocks:
        assert before <= block.start < block.end <= len(text), "blocks are inside the text, ordered, apart"
        assert text[block.start : block.end].strip(), "no block is blank"
        assert all(heading and "\n" not in heading for heading in block.headings)
        before = block.end

    if document.pages is None:
        assert document.unread_pages == () and all(block.page is None for block in document.blocks)
        return
    pages = [block.page or 0 for block in document.blocks]
    assert pages == sorted(pages) and all(1 <= page <= document.pages for page in pages)
    assert list(document.unread_pages) == sorted(set(range(1, document.pages + 1)) - set(pages))
    assert document.page_labels == () or len(document.page_labels) == document.pages
