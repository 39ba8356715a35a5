"""Questions from notes: each from one place only, its passage exact, the set the same each time, and held against changes."""

import threading
from pathlib import Path

import pytest

from brain import readers
from brain.errors import FolderMissing, SettingsError
from brain.evaluating.making import Note, questions_from
from brain.evaluating.notes import held_against, read_notes, write_set
from brain.evaluating.sets import read_set
from brain.planning import Stamp, Stored
from brain.settings import load
from tests.evaluating.tiny import BOARD, ROOF


def note(name: str, text: str) -> Note:
    return Note(f"/notes/{name}", readers.parse(Path("/notes") / name, text.encode()))


NOTES = [note("board.md", BOARD), note("roof.md", ROOF)]


def test_every_passage_is_an_exact_slice_with_its_lines():
    made = questions_from(NOTES, 50)
    assert {one.kind for one in made} == {"heading", "sentence"}
    for one in made:
        text = next(note.document.text for note in NOTES if note.path == one.spans[0].path)
        assert text[one.spans[0].start : one.spans[0].end] == one.spans[0].quote
        lines = text.splitlines()[one.spans[0].line - 1 : one.spans[0].last_line]
        assert one.spans[0].quote.splitlines()[0] in lines[0]
        assert one.spans[0].quote.splitlines()[-1] in lines[-1]


def test_what_stands_in_two_places_is_not_asked_for():
    asked = [one.text for one in questions_from(NOTES, 50)]
    assert "Budget for the garden" in asked
    assert "Open points" not in asked
    assert not any("platforms" in text for text in asked)
    copies = [*NOTES, note("copy of board.md", BOARD)]
    assert {one.spans[0].path for one in questions_from(copies, 50)} == {"/notes/roof.md"}


def test_a_sentence_is_asked_for_without_the_words_no_other_note_has():
    texts = [one.text for one in questions_from(NOTES, 50) if one.kind == "sentence"]
    assert "discussion board garden October" in texts


def test_questions_are_the_same_each_time_and_spread_over_the_notes():
    assert questions_from(NOTES, 3) == questions_from(NOTES, 3)
    assert {one.spans[0].path for one in questions_from(NOTES, 2)} == {"/notes/board.md", "/notes/roof.md"}
    assert len(questions_from(NOTES, 3)) == 3


def test_notes_without_spaces_between_words_give_questions_too():
    made = questions_from(
        [note("寺.md", "8世紀に日本の首都であった奈良を代表する寺院である東大寺は、古都奈良の文化財の一部である。")], 5
    )
    assert made
    assert all(one.text in one.spans[0].quote for one in made)


@pytest.mark.parametrize(
    "text",
    ["", "# \n", "- [ ] \n- [x] y", "```\ncode that is no prose at all but long enough\n```", "| a | b |\n|---|---|"],
)
def test_notes_that_say_nothing_give_no_question(text):
    assert questions_from([note("empty.md", text)], 5) == []
    assert questions_from([], 5) == []


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "board.md").write_text(BOARD)
    (folder / "roof.md").write_text(ROOF)
    (folder / "broken.pdf").write_bytes(b"not a PDF")
    return folder


@pytest.fixture
def frozen(folder, home, tmp_path):
    """The set made from the notes, read back."""
    read = [one for one in read_notes([folder], load(), cancel=threading.Event()) if one.note is not None]
    write_set(
        tmp_path / "set", questions_from([one.note for one in read], 50), {one.note.path: one.sha256 for one in read}
    )
    return read_set(tmp_path / "set")


def stored(frozen, **other: str) -> dict[Path, Stored]:
    """What the store knows of the notes; some have other bytes by now."""
    return {
        Path(path): Stored(Stamp(0, 0, 0, 0), other.get(Path(path).stem, digest), "")
        for path, digest in frozen.notes.items()
    }


def test_files_that_cannot_be_read_are_named_and_left_out(folder, home):
    found = {one.path.name: one for one in read_notes([folder], load(), cancel=threading.Event())}
    assert set(found) == {"board.md", "roof.md", "broken.pdf"}
    assert found["broken.pdf"].note is None
    assert "broken.pdf" in found["broken.pdf"].error.reason
    with pytest.raises(FolderMissing):
        list(read_notes([folder / "nowhere"], load(), cancel=threading.Event()))


def test_a_set_is_never_written_over_another(frozen):
    with pytest.raises(SettingsError):
        write_set(frozen.folder, [], {})


def test_a_frozen_set_holds_questions_passages_and_hashes(frozen):
    assert frozen.is_of_notes
    assert set(frozen.notes) == {one.path for question in frozen.questions for one in question.spans}
    assert all(question.gold == {question.spans[0].path: 1} for question in frozen.questions)
    assert held_against(frozen, stored(frozen), lambda path: path.read_text()) == frozen


def test_a_changed_note_is_reported_and_its_passages_are_found_again(frozen, folder):
    (folder / "board.md").write_text("A line above.\n\n" + BOARD.replace("forty thousand", "fifty thousand"))
    found = held_against(frozen, stored(frozen, board="other"), lambda path: path.read_text())
    assert found.flaws["changed_notes"] == (str(folder / "board.md"),)
    texts = {question.text: question for question in found.questions}
    assert "discussion board garden October" not in texts
    assert len(found.flaws["gone_passages"]) >= 1
    moved = texts["Board meeting"].spans[0] if "Board meeting" in texts else None
    for question in found.questions:
        for span in question.spans:
            text = Path(span.path).read_text()
            assert text[span.start : span.end] == span.quote
            assert text.splitlines()[span.line - 1].startswith(span.quote.splitlines()[0])
    assert moved is None or moved.line == 3


def test_a_note_that_is_gone_takes_its_questions_with_it(frozen, folder):
    known = stored(frozen)
    del known[folder / "roof.md"]
    found = held_against(frozen, known, lambda path: path.read_text())
    assert found.flaws["gone_notes"] == (str(folder / "roof.md"),)
    gone = [question.id for question in frozen.questions if question.spans[0].path == str(folder / "roof.md")]
    assert list(found.flaws["all_documents_missing"]) == gone
    assert {question.spans[0].path for question in found.questions} == {str(folder / "board.md")}
