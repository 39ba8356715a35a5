import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.readers import markdown
from brain.types import Document
from tests.contracts.reader import check_document

NOTES = Path(__file__).parent.parent / "notes"


def read(text: str, name: str = "note.md") -> Document:
    return markdown.parse(Path(name), text.encode())


def kinds(document: Document) -> list[tuple[str, tuple[str, ...]]]:
    return [(block.kind, block.headings) for block in document.blocks]


def test_front_matter_becomes_properties_and_no_block() -> None:
    document = markdown.read(NOTES / "frontmatter.md")
    assert (document.title, document.titled, document.date) == ("Trip: Lisbon", True, "2024-03-09")
    assert document.tags == ("travel", "portugal", "2024", "food")
    assert document.aliases == ("Lissabon", "Lisbon trip")
    assert document.text[document.blocks[0].start :].startswith("# Lisbon")


def test_text_is_the_files_own_and_blocks_know_their_headings() -> None:
    document = markdown.read(NOTES / "frontmatter.md")
    assert document.text == (NOTES / "frontmatter.md").read_text()
    budget = ("Lisbon", "Budget")
    assert kinds(document) == [
        ("heading", ("Lisbon",)),
        ("prose", ("Lisbon",)),
        ("heading", budget),
        ("table", budget),
        ("code", budget),
        ("list", budget),
        ("heading", (*budget, "Notes")),
        ("prose", (*budget, "Notes")),
    ]
    code = next(block for block in document.blocks if block.kind == "code")
    assert document.text[code.start : code.end].startswith("```python") and document.text[: code.end].endswith("```")


def test_logseq_properties_and_headings_in_lists() -> None:
    document = markdown.read(NOTES / "logseq.md")
    assert (document.title, document.date, document.aliases) == ("Garden plan", "2025-03-09", ("beds",))
    assert set(document.tags) == {"garden", "spring work", "watering"}
    assert kinds(document) == [
        ("heading", ("Beds",)),
        ("list", ("Beds",)),
        ("heading", ("Beds", "Water")),
        ("list", ("Beds", "Water")),
    ]


@pytest.mark.parametrize(
    ("text", "title", "titled"),
    [
        ("# First\n\n# Second\n", "First", True),
        ("## Only a second level\n", "note", False),
        ("Big\n===\n\ntext", "Big", True),
        ("# See [[Ana|her]] **now**\n", "See her now", True),
        ("plain\n", "note", False),
        ("", "note", False),
        ("---\ntitle: Given\n---\n# Other\n", "Given", True),
        ("+++\ntitle = 'Toml'\n+++\ntext\n", "Toml", True),
    ],
)
def test_title(text: str, title: str, titled: bool) -> None:
    document = read(text)
    assert (document.title, document.titled) == (title, titled)


@pytest.mark.parametrize(
    ("front", "tags"),
    [
        ("tags: one two", ("one", "two")),
        ("tags: one, two words", ("one", "two words")),
        ("tags: '#one #two'", ("one", "two")),
        ("tags:\n  - One\n  - one\n  - '#two'", ("One", "two")),
        ("tag: single", ("single",)),
        ("tags: {a: b}", ()),
        ("tags:", ()),
    ],
)
def test_tags_of_front_matter(front: str, tags: tuple[str, ...]) -> None:
    assert read(f"---\n{front}\n---\ntext\n").tags == tags


def test_inline_tags_are_found_in_prose_only() -> None:
    text = "# Head #no\n\nyes #a/b and (#été) but #123, x#no, `#no`, https://x.y/#no, [l](#no)\n\n```\n#no\n```\n\n- item #c\n"
    assert read(text).tags == ("a/b", "été", "c")


@pytest.mark.parametrize(
    "front",
    ["title: a: b: c\ntags: [x", "[" * 30_000, "- " * 20_000, "date: 2024-99-99", "date: [1, {2: 3}]", "\t- x: *unknown",
     "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ntags: *c", "<<: 1", "? [a]\n: b", "tags: " + "x " * 50_000],
)  # fmt: skip
def test_broken_or_hostile_front_matter_never_costs_the_note(front: str) -> None:
    document = read(f"---\n{front}\n---\nThe body survives.\n")
    check_document(document)
    assert [document.text[block.start : block.end] for block in document.blocks] == ["The body survives."]


def test_rule_at_the_top_is_no_front_matter() -> None:
    document = read("---\nNever closed.\n\nMore.\n")
    assert "Never closed." in document.text[document.blocks[0].start :]


def test_the_date_of_a_note_is_what_stands_in_it_not_its_name() -> None:
    said = [(read(text, "2025_03_09.md").date, read(text, "2025_03_09.md").date_origin) for text in (
        "text", "# Mar 9th, 2024\n", "# Plan for March 2024\n", "---\ndate: 2024-03\n---\n# 2023-01-01\n", "date:: 2024\n\ntext",
    )]  # fmt: skip
    assert said == [
        (None, None),
        ("2024-03-09", "title"),
        (None, None),
        ("2024-03", "frontmatter"),
        ("2024", "frontmatter"),
    ]


def test_windows_newlines_and_marks_are_normalised() -> None:
    assert markdown.read(NOTES / "crlf.md").text == "# Windows\n\nLine one.\nLine two.\n"
    assert markdown.read(NOTES / "bom.md").title == "Marked"


@given(st.text(alphabet="ab#-*_`|>[]():~ \n\t1.=\\<!é中", max_size=300))
def test_any_text_keeps_the_contract_and_loses_nothing(text: str) -> None:
    document = read("x\n" + text)
    check_document(document)
    covered = bytearray(len(document.text))
    for block in document.blocks:
        covered[block.start : block.end] = b"\1" * (block.end - block.start)
    lost = {document.text[at] for at, mark in enumerate(covered) if not mark}
    assert lost <= set(" \n\t-*_>#`")  # rules and empty markers only


@pytest.mark.parametrize(
    "text",
    [">" * 100_000, "- " * 50_000, "[" * 200_000, "`" * 400_000, "# " + "*a " * 50_000, "|a" * 20_000 + "\n" + "|-" * 20_000,
     "".join("  " * depth + "- a\n" for depth in range(600)), "#" * 400_000, "- a\n" * 200_000, "a" * 5_000_000,
     "<!--" * 50_000, "[[" * 50_000, "---\n" + "a: b\n" * 60_000],
    ids=lambda text: repr(text[:6]),
)  # fmt: skip
def test_pathological_notes_are_read_quickly(text: str) -> None:
    began = time.process_time()
    check_document(read(text))
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    ("text", "is_marked"),
    [
        ("---\nbrain: machine-written\n---\nText.", True),
        ("---\nBrain: 'Machine-Written'\n---\nText.", True),
        ('+++\nbrain = "machine-written"\n+++\nText.', True),
        ("brain:: machine-written\n- Text.", True),
        ("---\nbrain: mine\n---\nText.", False),
        ("Text.\n\nbrain: machine-written", False),
    ],
)
def test_a_note_says_of_itself_that_a_machine_wrote_it(text, is_marked):
    assert markdown.parse(Path("a.md"), text.encode()).machine_written is is_marked
