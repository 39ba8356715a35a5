"""`brain --plain` as somebody types at it: real files, a real store, no model on the shelf."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brain.cli import DONE
from brain.cli.plain import talk
from brain.settings import load
from tui.__main__ import main

NOTES = {
    "board.md": "# Board\n\nThe board agreed on 40 000 € for the garden, to be spent before October. Nobody spoke against it.",
    "pump.txt": "The pump set P3 for the well is delivered in week 24.\n\nIt needs two people to carry it.",
}


@pytest.fixture
def notes(tmp_path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def say(home, notes, capsys) -> Callable[..., str]:
    """Type lines, one after the other, and hear everything that was said."""

    def typing(*lines: str) -> str:
        waiting: Iterator[str] = iter(("/sync", *lines))
        assert talk(load(), [notes], hear=lambda: next(waiting, None)) == DONE
        return str(capsys.readouterr().out)

    return typing


def test_a_question_is_answered_with_numbered_sources_and_nothing_is_drawn_twice(say):
    said = say("When is the pump delivered?")
    assert "The pump set P3 for the well is delivered in week 24. [1]" in said
    assert "[1] " in said and "pump.txt:1" in said
    assert "\x1b" not in said and "\r" not in said


def test_the_passage_of_a_source_can_be_read_whole(say):
    said = say("When is the pump delivered?", "/open 1")
    passage = said.split("/pump.txt:1\n")[-1]
    assert passage.startswith("The pump set P3 for the well is delivered in week 24.")


def test_the_sources_can_be_heard_again(say):
    question = "What did the board agree on for the garden?"
    assert say(question, "/sources").count("board.md:3") == 2 * say(question).count("board.md:3")


def test_a_search_numbers_what_can_be_opened(say):
    said = say("/search garden", "/open 1", "/open 7")
    assert "passages from 2 documents" in said
    assert "There is no source 7. There are" in said


def test_a_conversation_is_kept_listed_and_gone_on_with(say):
    said = say(
        "When is the pump delivered?", "Who agreed on the garden?", "/chats", "/new", "/chats nowhere", "/chat 1"
    )
    assert "1: When is the pump delivered?, 2 questions" in said
    assert "No conversation holds all of these words." in said
    assert "The next one goes on with it." in said and "The last was: Who agreed on the garden?" in said


def test_nothing_is_kept_where_that_is_not_wanted(say, home):
    (home / "config.toml").write_text("[conversations]\nsave = false\n")
    assert "No conversation is saved yet." in say("When is the pump delivered?", "/chats")


def test_an_answer_becomes_a_note(say, tmp_path):
    said = say("/save x.md", "When is the pump delivered?", f"/save {tmp_path / 'answer.md'}")
    assert "Nothing was answered yet." in said
    assert "machine-written" in (tmp_path / "answer.md").read_text()


def test_who_answers_is_said_and_chosen(say):
    said = say("/models", "/model", "/model quotes", "/model", "/model nobody", "/again")
    assert "quotes: on this machine" in said and "quotes answers from now on" in said


def test_what_is_not_understood_says_what_is(say):
    said = say("/dance", "/open", "/chat last", "/help", "/status")
    assert "There is no command /dance. /help lists them." in said
    assert "/search WORDS" in said and "2 documents" in said and "0 bytes left this machine today" in said


def test_a_whole_file_is_read(say, notes):
    said = say("@@pump.txt list everything about the pump")
    assert "The pump set P3" in said and "Read: all of" in said


def test_quit_and_the_end_of_the_input_both_leave(say):
    assert "Just ask. " in say("/quit", "this is never asked")
    assert "never asked" not in say("/quit", "this is never asked")


def test_the_flag_needs_no_terminal_of_its_own(home, notes, monkeypatch, capsys):
    lines = iter(["/status", "/quit"])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    assert main(["--plain", str(notes)]) == DONE
    assert "Just ask." in capsys.readouterr().out
