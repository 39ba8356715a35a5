"""Whether a quote still stands, and what it has become."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from brain.types import Block, Citation, Document
from brain.verifying import verdict

NOTE = """# Board

Present: Ana, Tom, Li.

After discussion the board agreed on 40 000 € for the garden, to be spent before October.
The soil contract is not signed yet.

Tom asks two firms for an offer by April.
"""
QUOTE = "After discussion the board agreed on 40 000 € for the garden, to be spent before October."
PATH = Path("/notes/board.md")


def document(text: str, path: Path = PATH, blocks: tuple[Block, ...] = ()) -> Document:
    return Document(path, "Board", text, blocks)


def cited(quote: str = QUOTE, text: str = NOTE) -> Citation:
    start = text.index(quote)
    return Citation(1, PATH, "Board", start, start + len(quote), quote, None, text.count("\n", 0, start) + 1)


@pytest.mark.parametrize(
    ("change", "standing", "line", "now"),
    [
        (lambda text: text, "ok", 5, ""),
        (lambda text: text.replace("# Board", "# The board"), "ok", 5, ""),
        (lambda text: text.replace("for the garden, to", "for  the garden,\nto"), "ok", 5, ""),
        (lambda text: f"Minutes\n\n{text}", "moved", 7, ""),
        (lambda text: text.replace("40 000 €", "45 000 €"), "changed", 5, QUOTE.replace("40 000 €", "45 000 €")),
        (lambda text: text.replace(QUOTE + "\n", ""), "gone", 5, ""),
        (lambda text: "", "gone", 5, ""),
    ],
    ids=["same", "edited above", "white space", "moved down", "edited", "deleted", "emptied"],
)
def test_what_has_become_of_a_quote(change, standing, line, now):
    found = verdict(cited(), document(change(NOTE)))
    assert (found.standing, found.line, found.now) == (standing, line, now)


def test_a_file_that_is_gone_and_one_that_was_moved():
    assert verdict(cited(), None).standing == "gone"
    moved = verdict(cited(), document(NOTE, Path("/notes/old/board.md")))
    assert (moved.standing, moved.path, moved.line) == ("moved", Path("/notes/old/board.md"), 5)


def test_of_several_copies_the_nearest_counts():
    text = f"{QUOTE}\n" * 3
    start = 2 * len(QUOTE) + 2
    citation = Citation(1, PATH, "", start, start + len(QUOTE), QUOTE, None, 3)
    assert verdict(citation, document(f"x\n{text}")).line == 4


def test_a_page_is_a_place_too():
    text = "One page.\nThe pump comes in week 24.\n"
    start = text.index("The pump")
    citation = Citation(1, PATH, "", start, len(text) - 1, text[start:-1], 2, 1)
    pages = (Block("prose", 0, 9, page=1), Block("prose", start, len(text), page=2))
    assert verdict(citation, document(text, blocks=pages)).standing == "ok"
    third = (Block("prose", 0, 9, page=1), Block("prose", start, len(text), page=3))
    found = verdict(citation, document(text, blocks=third))
    assert (found.standing, found.page) == ("moved", 3)


@given(some.text(max_size=200), some.text(min_size=1, max_size=40), some.integers(0, 300))
def test_whatever_the_texts_are_what_is_said_to_stand_stands(text, quote, start):
    found = verdict(Citation(1, PATH, "", start, start + len(quote), quote), document(text))
    if found.standing in ("ok", "moved"):
        assert text[found.start : found.end].split() == quote.split()
    if found.standing == "changed":
        assert text[found.start : found.end] == found.now
