"""Dates through the real store: where each file's date comes from, what follows it, and what a question's days leave."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from brain import parts
from brain.cli import main
from brain.engine import open_brain
from brain.errors import QueryError
from brain.events import Answered, SyncFinished
from brain.parts import Parts
from brain.seams import Brain
from brain.search import Searcher
from brain.settings import load
from tests.dates.journal import write_journal
from tests.dates.questions import ASKED, TODAY
from tests.fakes import HashingEmbedder


@pytest.fixture
def brain(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Brain]:
    made = HashingEmbedder(dimensions=8)
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    monkeypatch.setattr(parts, "Searcher", partial(Searcher, today=lambda: TODAY))
    with open_brain(load(), own=True) as opened:
        yield opened


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def sync(brain: Brain) -> SyncFinished:
    *_, finished = brain.sync(cancel=threading.Event())
    assert isinstance(finished, SyncFinished)
    return finished


def dates_of(brain: Brain, question: str) -> dict[str, tuple[str | None, str | None]]:
    return {one.chunk.path.name: (one.date, one.date_origin) for one in brain.search(question, limit=50).evidence}


def test_a_hundred_questions_find_their_days_and_every_passage_says_whence_its_date(brain: Brain, notes: Path) -> None:
    written = write_journal(notes)
    brain.add(notes)
    sync(brain)
    right = 0
    for question, after, before, _ in ASKED:
        found = brain.search(question, limit=20)
        assert found.window is not None, question
        right += (found.window.after, found.window.before) == (after, before)
        days = [one.date or "" for one in found.evidence]
        if found.window.use == "only":
            expected = [day for day, _ in written.values() if (after or "") <= day <= (before or "9")]
            assert found.documents == len(expected) > 0, question
            assert days and all((after or "") <= day <= (before or "9") for day in days), question
        for one in found.evidence:
            assert (one.date, one.date_origin) == written[one.chunk.path], question
    assert right >= 95


def test_a_date_follows_a_touch_and_a_rename_and_nothing_is_embedded_again(brain: Brain, notes: Path) -> None:
    loose = notes / "loose.md"
    loose.write_text("The pump is blue.")
    os.utime(loose, (datetime(2025, 1, 2, 12).timestamp(),) * 2)
    brain.add(notes)
    sync(brain)
    assert dates_of(brain, "pump") == {"loose.md": ("2025-01-02", "modified")}
    os.utime(loose, (datetime(2025, 3, 4, 12).timestamp(),) * 2)
    assert sync(brain).chunks_embedded == 0
    assert dates_of(brain, "pump") == {"loose.md": ("2025-03-04", "modified")}
    assert dates_of(brain, "pump on:2025-03-04") and not dates_of(brain, "pump on:2025-01-02")
    named = loose.rename(notes / "2024-07-08.md")
    assert sync(brain).chunks_embedded == 0
    assert dates_of(brain, "pump") == {"2024-07-08.md": ("2024-07-08", "name")}
    (notes / "2023" / "05").mkdir(parents=True)
    named.rename(notes / "2023" / "05" / "blue.md")
    assert sync(brain).chunks_embedded == 0
    assert dates_of(brain, "pump") == {"blue.md": ("2023-05", "folder")}
    assert dates_of(brain, "pump after:2023-05 before:2023-06")


def test_front_matter_wins_over_the_name_and_survives_a_rename(brain: Brain, notes: Path) -> None:
    (notes / "2024-01-01.md").write_text("---\ndate: 2020-02-02\n---\nThe pump is blue.")
    brain.add(notes)
    sync(brain)
    assert dates_of(brain, "pump") == {"2024-01-01.md": ("2020-02-02", "frontmatter")}
    (notes / "2024-01-01.md").rename(notes / "2025-01-01.md")
    sync(brain)
    assert dates_of(brain, "pump") == {"2025-01-01.md": ("2020-02-02", "frontmatter")}


def test_where_nothing_is_of_those_days_all_are_searched_for_all_words_and_it_is_said(
    brain: Brain, notes: Path
) -> None:
    (notes / "2024-01-01.md").write_text("The pump is blue.")
    (notes / "2024-01-02.md").write_text("Last March the well was dry.")
    brain.add(notes)
    sync(brain)
    found = brain.search("pump last March")
    assert found.window is not None
    assert (found.window.use, found.window.after) == ("none", "2026-03-01")
    assert (found.query, found.documents, len(found.evidence)) == ("pump last March", 2, 2)
    found = brain.search('"no such words" last March')
    assert found.window is not None and found.window.use == "none"


def test_narrowing_to_days_that_do_not_hold_the_phrase_falls_back(brain: Brain, notes: Path) -> None:
    (notes / "2026-03-01.md").write_text("Rain.")
    (notes / "2024-01-02.md").write_text("The well was dry.")
    brain.add(notes)
    sync(brain)
    found = brain.search('"well was dry" last March')
    assert [one.chunk.path.name for one in found.evidence] == ["2024-01-02.md"]
    assert found.window is not None and found.window.use == "none"


def test_days_that_may_be_of_the_content_come_first_and_leave_nothing_out(brain: Brain, notes: Path) -> None:
    for at, name in enumerate(("2013-01-01.md", "2014-01-01.md", "2015-01-01.md")):
        (notes / name).write_text(
            f"Germany won the world cup in 2014, and {'bread cheese wine'.split()[at]} was eaten."
        )
    brain.add(notes)
    sync(brain)
    found = brain.search("Who won the world cup in 2014?")
    assert found.evidence[0].chunk.path.name == "2014-01-01.md"
    assert len(found.evidence) == 3
    found = brain.search("Who won the world cup in 1944?")
    assert (found.window, len(found.evidence)) == (None, 3)


def test_the_window_and_the_origin_are_printed(home: Path, notes: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(parts, "Searcher", partial(Searcher, today=lambda: TODAY))
    (notes / "2026-03-04.md").write_text("The pump is blue.")
    assert main(["add", "--words-only", str(notes)]) == 0
    capsys.readouterr()
    assert main(["search", "pump", "last", "March"]) == 0
    out, err = capsys.readouterr()
    assert "dates: 1–31 March 2026 (from “last March”)" in err
    assert "2026-03-04 (file name)" in out


def test_words_that_only_say_when_need_not_stand_in_the_answer(brain: Brain, notes: Path) -> None:
    (notes / "2026-03-04.md").write_text("The roofer quoted 9 000 € for the slates.")
    (notes / "2025-03-04.md").write_text("The roofer quoted 7 000 € for the slates.")
    brain.add(notes)
    sync(brain)
    events = brain.ask("What did the roofer quote for the slates last March?", cancel=threading.Event(), quotes=True)
    answered = next(event for event in events if isinstance(event, Answered))
    assert answered.answer == "The roofer quoted 9 000 € for the slates."


def test_a_note_is_found_by_alias_tag_folder_type_date_phrase_and_without_a_word(brain: Brain, notes: Path) -> None:
    (notes / "work").mkdir()
    (notes / "work" / "P3.md").write_text(
        "---\naliases: [Tiefbrunnen]\ntags: [water/well]\ndate: 2024-03\n---\nA blue device for the garden."
    )
    (notes / "other.txt").write_text("A red device for the cellar.")
    brain.add(notes)
    sync(brain)
    assert next(iter(dates_of(brain, "Tiefbrunnen"))) == "P3.md"
    for question in (
        "device @work/", "device @P3.md", "device in:work", "device #water", "device tag:water/well", "device type:md",
        "device on:2024-03", "device after:2024-03 before:2024-04", 'device "blue device"', "device -red",
    ):  # fmt: skip
        assert list(dates_of(brain, question)) == ["P3.md"], question


@pytest.mark.parametrize(
    ("typed", "reason", "hint"),
    [
        ("device @wrok/", "No note is at wrok/.", "Did you mean @notes/work/?"),
        ("device @P4.md", "No note is at P4.md.", "Did you mean @P3.md?"),
        ("device #watr", "No note has the tag watr.", "Did you mean #water?"),
        ("device #zebra", "No note has the tag zebra.", "There are #home, #water."),
        ("device type:doc", "type:doc is not a type.", "Types: pdf, md, markdown, txt, text."),
        ("device after:spring", "after:spring is not a date.", "Write a year, a month or a day"),
    ],
)
def test_a_filter_that_fits_nothing_names_those_that_do(
    brain: Brain, notes: Path, typed: str, reason: str, hint: str
) -> None:
    brain.add(notes)
    assert brain.search("device @wrok/ #watr").evidence == (), "of an empty store nothing can be said"
    (notes / "work").mkdir()
    (notes / "work" / "P3.md").write_text("---\ntags: [water, home]\n---\nA blue device.")
    (notes / "other.txt").write_text("A red device for the cellar.")
    sync(brain)
    with pytest.raises(QueryError) as caught:
        brain.search(typed)
    assert caught.value.reason == reason
    assert hint in caught.value.hint
    assert brain.search("device #water type:text").evidence == (), "each is there, both together are not"
