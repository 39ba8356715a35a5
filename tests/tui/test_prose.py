"""Answers as lines: what Markdown becomes, where marks stand, and that nothing the model writes becomes a link."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.content import Content

from brain.types import Sentence
from tui.widgets import prose
from tui.widgets.preview import wrap


def drawn(text: str, width: int = 60) -> list[str]:
    lines = prose.lines(text, width, lambda number: Content(f"<{number}>"), Content("(none)"))
    return [line.plain for line in lines]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("One **two** `three`.", ["One two three."]),
        ("# Head\n\ntext", ["Head", "", "text"]),
        ("- a\n- b\n  - c", [" • a", " • b", "    • c"]),
        ("2. a\n3. b", ["2. a", "3. b"]),
        ("> said", ["▏ said"]),
        ("```\nx = 1\n```", ["  x = 1"]),
        ("| a | b |\n|---|---|\n| 1 | 22 |", ["a  b", "─  ──", "1  22"]),
        ("[name](http://x.example)", ["name (http://x.example)"]),
        ("<b>bold</b> [@click=app.quit]x[/]", ["<b>bold</b> [@click=app.quit]x[/]"]),
    ],
)
def test_markdown_becomes_lines(text, lines):
    assert drawn(text) == lines


def test_a_table_too_wide_becomes_one_cell_a_line():
    assert drawn("| name | role |\n|---|---|\n| Ana Ruiz of the board | treasurer |", 24) == [
        "name: Ana Ruiz of the",
        "  board",
        "role: treasurer",
    ]


def test_marks_stand_before_the_full_stop_and_replace_the_models_own():
    answer = "It was decided [1]. Nobody knows why."
    text = prose.marked(answer, (Sentence("It was decided [1].", (2,), True), Sentence("Nobody knows why.")))
    assert drawn(text) == ["It was decided <2>. Nobody knows why. (none)"]


def test_an_invented_or_forged_mark_stays_text():
    forged = "\ue0009\ue001 and [9] and `[1]`"
    assert drawn(prose.marked(forged, (Sentence(forged, (), True),))) == ["9 and [9] and [1]"]


def test_the_layout_of_the_answer_is_kept():
    answer = "Two things:\n\n- first\n- second\n\nDone."
    sentences = tuple(Sentence(text, (1,), True) for text in ("first", "second", "Done."))
    assert drawn(prose.marked(answer, sentences)) == [
        "Two things:",
        "",
        " • first <1>",
        " • second <1>",
        "",
        "Done <1>.",
    ]


def test_entities_cannot_smuggle_control_characters():
    assert not set("\x1b\u202e\x9b") & set("".join(drawn("&#27;[2J &#x202e;abc &#155;31m `&#27;`")))


@pytest.mark.parametrize(
    "text", ["plain words " * 9, "多言語の文章です。" * 9, "a\tb\t" * 12, "x" * 90, "👩‍👩‍👧 family " * 8]
)
@pytest.mark.parametrize("width", [8, 20, 33])
def test_wrapped_rows_hold_the_whole_line_and_fit(text, width):
    starts = wrap(text, width)
    rows = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    assert "".join(rows) == text
    assert all(rows)
    assert all(cell_len(row.replace("\t", "    ")) <= width for row in rows)
