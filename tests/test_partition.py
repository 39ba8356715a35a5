"""A document in parts: nothing is left out, nothing is read twice, and the log says so."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from brain.partition import covered, parts, passages, unit_at, units
from brain.types import Block, Document, Span
from tests.bench.planted import planted

PAGES = ("One. Two.", "", "Three is longer than the others. Four.", "Five.")


def paged(pages: tuple[str, ...] = PAGES) -> Document:
    """A document of these pages; an empty one has no text."""
    text, blocks = "", []
    for number, page in enumerate(pages, 1):
        if page:
            text += "\n\n" if text else ""
            blocks.append(Block("prose", len(text), len(text) + len(page), (), number))
            text += page
    empty = tuple(number for number, page in enumerate(pages, 1) if not page)
    return Document(Path("/n/a.pdf"), "A", text, tuple(blocks), "pdf", pages=len(pages), unread_pages=empty)


@some.composite
def documents(draw: some.DrawFn) -> Document:
    text = draw(some.text(some.sampled_from("ab .\n-"), max_size=400))
    edges = sorted(draw(some.sets(some.integers(0, len(text)), max_size=8)))
    blocks = tuple(Block("prose", start, end, (), number) for number, (start, end) in enumerate(pairwise(edges), 1))
    return Document(Path("/n/a.pdf"), "A", text, blocks, pages=len(blocks) + 1)


@given(documents(), some.integers(1, 60), some.integers(1, 200))
def test_every_character_is_in_exactly_one_unit_and_every_unit_in_exactly_one_part(document, longest, most):
    laid = units(document, most=longest)
    assert "".join(document.text[unit.start : unit.end] for unit in laid) == document.text
    assert all(before.end == after.start for before, after in pairwise(laid))
    assert all(0 < unit.end - unit.start <= longest for unit in laid)
    made = parts(laid, [unit.end - unit.start for unit in laid], most=most)
    assert [unit for part in made for unit in part.units] == laid
    assert all(part.end - part.start <= most or len(part.units) == 1 for part in made)


@given(documents(), some.data())
def test_the_log_of_what_was_read_names_every_page_once(document, data):
    laid = units(document, most=40)
    read = [Span(unit.start, unit.end) for unit in laid if data.draw(some.booleans())]
    log = covered(document, laid, read)
    assert sorted((*log.read, *log.without_text, *log.not_read)) == list(range(1, document.pages + 1))
    assert log.complete == (len(read) == len(laid))
    assert sum(span.end - span.start for span in log.spans) == sum(span.end - span.start for span in read)


def test_the_log_of_a_pdf_tells_read_unread_and_empty_pages_apart():
    document = paged()
    laid = units(document, most=20)
    whole = covered(document, laid, [Span(0, len(document.text))])
    assert (whole.read, whole.without_text, whole.not_read, whole.complete) == ((1, 3, 4), (2,), (), True)
    half = covered(document, laid, [Span(0, laid[1].end)])  # page 3 is two units: one of them is not a page
    assert (half.read, half.without_text, half.not_read, half.complete) == ((1,), (2,), (3, 4), False)
    assert covered(document, laid, ()).read == ()


def test_a_format_without_pages_is_logged_by_its_characters():
    document = Document(Path("/n/a.md"), "A", "One. Two. Three.", (Block("prose", 0, 16),))
    log = covered(document, units(document), [Span(0, 16)])
    assert (log.pages, log.spans, log.complete) == (None, (Span(0, 16),), True)


def test_passages_know_their_page_and_line():
    document = paged()
    laid = units(document, most=20)
    for passage in passages(document, laid):
        chunk = passage.chunk
        assert chunk.text == document.text[chunk.start : chunk.end]
        assert chunk.line == document.text.count("\n", 0, chunk.start) + 1
        assert chunk.page == laid[unit_at(laid, chunk.start)].page


@pytest.mark.parametrize("text", ["", "   \n", "word " * 5000, "x" * 5000, "。" * 3000])
def test_odd_texts_are_laid_out_too(text):
    document = Document(Path("/n/a.txt"), "A", text, (Block("prose", 0, len(text)),) if text else ())
    laid = units(document)
    assert "".join(document.text[unit.start : unit.end] for unit in laid) == text
    assert covered(document, laid, [Span(0, len(text))]).complete


def test_units_end_at_sentences_where_they_can():
    document = paged(planted(pages=3, items=1).pages)
    laid = units(document, most=300)
    ended = sum(document.text[: unit.end].rstrip().endswith((".", "1", "2", "3")) for unit in laid)
    assert ended == len(laid)
