"""The sample vault: whole, readable by the libraries Brain reads with, and clear about every fact that is asked for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
import pytest
import yaml

from brain.cleaning import defuse
from brain.sample import QUESTIONS, VAULT

HANDBOOK = VAULT / "papers" / "Talwind 8 handbook.pdf"
LINK = re.compile(r"\[\[([^\[\]|#]+)(?:#[^\[\]|]*)?(?:\|[^\[\]]*)?\]\]")


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the file and page where its answer stands, and the words there that answer it. No path: no answer."""

    question: str
    path: str | None
    page: int | None
    facts: tuple[str, ...] = ()


def handbook(question: str, page: int, *facts: str) -> Case:
    return Case(question, "papers/Talwind 8 handbook.pdf", page, facts)


def note(question: str, path: str, *facts: str) -> Case:
    return Case(question, path, None, facts)


# What `brain demo` asks, with the words that must stand where QUESTIONS says.
DEMO = (
    handbook("What should the water pressure of the heating circuit be?", 4, "between 1.2 and 1.6 bar"),
    note("How much water does the new well give?", "garden/Garden log.md", "1,100 litres an hour"),
)
MORE = (
    handbook("How long is the warranty on the compressor?", 6, "a warranty of seven years"),
    handbook("What does the message E11 mean?", 5, "Outdoor fan is blocked"),
    handbook("When does quiet mode run?", 3, "from 22:00 to 06:00"),
    note(
        "How much will the board spend on the well?", "meetings/2025-03-12 Garden board.md", "agreed to spend 4,200 €"
    ),
    note("How long does the leek soup simmer?", "recipes/Leek and potato soup.md", "for 25 minutes"),
    note("When does our train to Kanazawa leave?", "travel/Kanazawa 2026.md", "leaves at 10:24"),
    note("How many daily backups do we keep?", "howto/Nightly backup.md", "14 daily backups"),
    note("What did we pay for the heat pump in the end?", "projects/Heat pump.md", "18,690 €"),
    note("How much did electricity cost in 2025?", "Household costs 2025.md", "cost 1,346 €"),
    note("Who wrote The Patient Orchard?", "reading/The Patient Orchard.md", "By Edda Vaal"),
    note("Wie lange backt der Zwetschgendatschi?", "recipes/Zwetschgendatschi.md", "40 Minuten bei 190 Grad"),
    note("宿の朝食は何時からですか", "travel/金沢メモ.md", "七時半から九時まで"),
)
UNANSWERABLE = (
    Case("What is the password of the wifi?", None, None),
    Case("When is the wedding of my sister?", None, None),
)


@cache
def pages(path: Path) -> tuple[str, ...]:
    """The text of a file, a page each; a note is one page."""
    if path.suffix != ".pdf":
        return (path.read_text(encoding="utf-8"),)
    with pypdfium2.PdfDocument(path) as document:
        return tuple(page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document)


def flat(text: str) -> str:
    return " ".join(text.split())


def files() -> list[Path]:
    return sorted(path for path in VAULT.rglob("*") if path.is_file())


def notes() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def front(path: Path) -> dict[str, Any]:
    """The YAML at the top of a note."""
    text = pages(path)[0]
    assert text.startswith("---\n"), path
    return yaml.safe_load(text.split("---\n")[1])


def test_vault_is_notes_and_one_pdf() -> None:
    assert {path.suffix for path in files()} == {".md", ".pdf"}
    assert len(notes()) >= 10
    assert HANDBOOK in files()


def test_vault_is_small_and_its_names_survive_every_disk() -> None:
    assert sum(path.stat().st_size for path in files()) < 120_000
    for path in files():
        name = str(path.relative_to(VAULT))
        assert unicodedata.normalize("NFD", name) == name, "a Mac would spell it otherwise"
        assert not set(name) & set('<>:"\\|?*'), "Windows could not store it"


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_texts_hold_nothing_a_terminal_obeys(path: Path) -> None:
    assert all(defuse(page) == page for page in pages(path))


@pytest.mark.parametrize("path", notes(), ids=lambda path: path.name)
def test_front_matter_is_plain(path: Path) -> None:
    fields = front(path)
    assert all(isinstance(tag, str) for tag in fields["tags"])
    assert isinstance(fields.get("title", ""), str)


@pytest.mark.parametrize("path", notes(), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    known = {name for file in files() for name in (file.stem, file.name)}
    assert set(LINK.findall(pages(path)[0])) <= known


def test_vault_shows_what_notes_can_hold() -> None:
    whole = "\n".join(pages(path)[0] for path in notes())
    for mark in ("- [ ] ", "- [x] ", "```bash", "```python", "| ---", "[[", " #tomatoes", "aliases:", "\n> "):
        assert mark in whole, mark


def test_handbook_is_a_real_pdf() -> None:
    reader = pypdf.PdfReader(HANDBOOK)
    assert HANDBOOK.stat().st_size < 80_000
    assert len(reader.pages) == 6
    assert reader.metadata is not None
    assert reader.metadata.title == "Talwind 8 heat pump: owner's handbook"
    for number, page in enumerate(pages(HANDBOOK), 1):
        assert len(page) > 200
        assert f"Page {number} of 6" in page


def test_handbook_bookmarks_point_at_their_headings() -> None:
    reader = pypdf.PdfReader(HANDBOOK)
    marks = [mark for group in reader.outline for mark in (group if isinstance(group, list) else [group])]
    assert len(marks) > 10
    for mark in marks:
        page = reader.get_destination_page_number(mark)
        assert page is not None
        assert str(mark.title) in pages(HANDBOOK)[page].splitlines()


def test_demo_asks_a_late_page_and_a_note() -> None:
    assert [(q.text, q.path, q.page) for q in QUESTIONS] == [(c.question, c.path, c.page) for c in DEMO]
    assert any((question.page or 0) >= 3 for question in QUESTIONS)
    assert any(question.page is None for question in QUESTIONS)


@pytest.mark.parametrize("case", [*DEMO, *MORE], ids=lambda case: case.question)
def test_a_fact_stands_in_one_place_only(case: Case) -> None:
    for fact in case.facts:
        found = [
            (str(path.relative_to(VAULT)), number if path.suffix == ".pdf" else None)
            for path in files()
            for number, page in enumerate(pages(path), 1)
            if fact in flat(page)
        ]
        assert found == [(case.path, case.page)]


@pytest.mark.parametrize("case", UNANSWERABLE, ids=lambda case: case.question)
def test_what_has_no_answer_is_not_even_mentioned(case: Case) -> None:
    whole = " ".join(page for path in files() for page in pages(path)).lower()
    assert "wifi" not in whole
    assert "wedding" not in whole


def test_sums_in_the_vault_are_right() -> None:
    rows = [line.split("|")[2:6] for line in pages(VAULT / "Household costs 2025.md")[0].splitlines() if "|" in line]
    amounts = [[int(re.sub(r"[*, ]", "", cell)) for cell in row] for row in rows[2:]]
    assert [sum(column) for column in zip(*amounts[:-1], strict=True)] == amounts[-1]

    costs = re.findall(r"(-?[\d,]+) €\*{0,2} \|", pages(VAULT / "projects" / "Heat pump.md")[0])
    *items, paid = [int(cost.replace(",", "")) for cost in costs]
    assert sum(items) == paid
