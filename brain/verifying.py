"""Whether the words of a citation still stand in a text, and what has become of them where they do not. Pure."""

from __future__ import annotations

import re
from collections import Counter

from brain.comparing import pieces
from brain.types import Citation, Document, Verdict
from brain.wording import terms

_REACH = 50_000  # characters on either side in which the changed words are looked for
_ALIKE = 0.5  # share of words that two versions of a sentence have in common


def verdict(citation: Citation, document: Document | None) -> Verdict:
    """How a citation stands in a document as it is now; None: its file is gone.

    White space counts as one space. Words that stand at the same line or page are where they were. Changed words are
    those of the sentences near the old place that have most in common with the quote, if that is half of them.
    """
    if document is None:
        return Verdict(
            citation.number, "gone", citation.path, citation.start, citation.end, citation.line, citation.page
        )
    text = document.text
    if text[citation.start : citation.end] == citation.quote and citation.path == document.path:
        return _at(citation, document, citation.start, citation.end)
    if found := _nearest(citation, text):
        return _at(citation, document, *found)
    if alike := _most_alike(citation, text):
        at = _at(citation, document, *alike)
        return Verdict(at.number, "changed", at.path, at.start, at.end, at.line, at.page, text[slice(*alike)])
    return Verdict(citation.number, "gone", document.path, citation.start, citation.end, citation.line, citation.page)


def _at(citation: Citation, document: Document, start: int, end: int) -> Verdict:
    line = document.text.count("\n", 0, start) + 1
    page = next((block.page for block in document.blocks if block.end > start), citation.page)
    here = document.path == citation.path and page == citation.page and (page is not None or line == citation.line)
    return Verdict(citation.number, "ok" if here else "moved", document.path, start, end, line, page)


def _nearest(citation: Citation, text: str) -> tuple[int, int] | None:
    words = citation.quote.split()
    if not words:
        return None
    found = re.finditer(r"\s+".join(map(re.escape, words)), text)
    return min((one.span() for one in found), key=lambda span: abs(span[0] - citation.start), default=None)


def _most_alike(citation: Citation, text: str) -> tuple[int, int] | None:
    first = max(0, min(citation.start, len(text)) - _REACH)
    window = text[first : citation.end + _REACH]
    spans, wanted = pieces(window), Counter(terms(citation.quote))
    size = max(1, len(pieces(citation.quote)))
    best: tuple[float, int, tuple[int, int]] | None = None
    for length in {size, size + 1}:
        for at in range(len(spans) - length + 1):
            start, end = spans[at][0], spans[at + length - 1][1]
            held = Counter(terms(window[start:end]))
            shared = 2 * (held & wanted).total() / max(1, held.total() + wanted.total())
            rank = (shared, -abs(first + start - citation.start), (first + start, first + end))
            if shared >= _ALIKE and (best is None or rank > best):
                best = rank
    return best[2] if best else None
