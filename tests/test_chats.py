"""`brain chats`, and what `brain ask` keeps: on real files and a real store, with no model on the shelf."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from brain.cli import DONE, FAILED, USAGE, main
from brain.engine import open_brain
from brain.settings import load
from brain.store.claim import claim_store

BOARD = """# Board

After discussion the board agreed on 40 000 € for the garden, to be spent before October.

## Roof

Tom asks two firms for an offer by April.
"""
GARDEN, ROOF = "How much did the board agree on for the garden?", "Who asks two firms for an offer?"


@pytest.fixture
def notes(tmp_path, home, capsys):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "board.md").write_text(BOARD)
    (folder / "pump.txt").write_text("The pump set P3 for the well is delivered in week 24.")
    assert main(["add", str(folder)]) == DONE
    capsys.readouterr()
    return folder


@pytest.fixture
def asked(notes, capsys):
    assert main(["ask", GARDEN]) == DONE
    capsys.readouterr()
    return notes


def run_json(capsys, *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == DONE
    return json.loads(capsys.readouterr().out)


def said(capsys, *arguments: str) -> str:
    assert main(list(arguments)) == DONE
    return capsys.readouterr().out


def test_what_is_asked_is_kept_and_listed(asked, capsys):
    (one,) = run_json(capsys, "chats")["conversations"]
    assert (one["title"], one["questions"]) == (GARDEN, 1)
    assert GARDEN in said(capsys, "chats")
    answered = run_json(capsys, "ask", ROOF)
    assert [one["id"] for one in run_json(capsys, "chats", "list")["conversations"]] == [
        answered["conversation"],
        one["id"],
    ]
    assert len(run_json(capsys, "chats", "-k", "1")["conversations"]) == 1


def test_nothing_is_kept_where_that_is_not_wanted(notes, home, capsys):
    assert run_json(capsys, "ask", GARDEN, "--unsaved")["conversation"] is None
    (home / "config.toml").write_text("[conversations]\nsave = false\n")
    assert run_json(capsys, "ask", GARDEN)["conversation"] is None
    assert "No conversation is saved yet." in said(capsys, "chats")


def test_a_question_goes_on_with_a_conversation_and_its_scope(asked, capsys):
    first = run_json(capsys, "ask", ROOF, "--in", "board.md")["conversation"]
    second = run_json(capsys, "ask", "And by when?", "--continue")
    assert second["conversation"] == first
    assert {Path(hit["path"]).name for hit in second["evidence"]} <= {"board.md"}, "its scope is kept"
    assert run_json(capsys, "ask", "The pump in which week?", "--chat", "1", "--in", "pump.txt")["conversation"] == 1
    assert [turn["question"] for turn in run_json(capsys, "chats", "show", str(first))["turns"]] == [
        ROOF,
        "And by when?",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ask", "x", "--continue", "--chat", "1"], USAGE, "exclude each other"),
        (["ask", "x", "--chat", "9"], FAILED, "no conversation 9"),
        (["chats", "show", "9"], FAILED, "no conversation 9"),
        (["chats", "show"], USAGE, "one number"),
        (["chats", "show", "one"], USAGE, "'one' is not the number"),
        (["chats", "show", "9" * 30], USAGE, "is not the number"),
        (["chats", "search"], USAGE, "nothing to search"),
        (["chats", "list", "garden"], USAGE, "brain chats search garden"),
        (["chats", "delete"], USAGE, "one number or more"),
        (["chats", "rename", "1"], USAGE, "a title"),
        (["chats", "save", "1"], USAGE, "a file to write"),
        (["chats", "save", "1", "--to", "x.md", "--answer", "7"], USAGE, "has 1 answers"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_what_to_do(asked, capsys, arguments, code, words):
    assert main(arguments) == code
    assert words in capsys.readouterr().err


def test_there_is_nothing_to_go_on_with_at_first(notes, capsys):
    assert main(["ask", GARDEN, "--continue"]) == FAILED
    assert "No conversation is saved yet." in capsys.readouterr().err


def test_searched_renamed_and_deleted(asked, capsys):
    run_json(capsys, "ask", ROOF)
    assert [one["id"] for one in run_json(capsys, "chats", "search", "40", "garden")["conversations"]] == [1]
    assert "No conversation holds" in said(capsys, "chats", "search", "xylophone")
    assert said(capsys, "chats", "rename", "1", "The garden", "money") == "Renamed.\n"
    assert "The garden money" in said(capsys, "chats", "search", "money")
    assert "Deleted 1 conversation." in said(capsys, "chats", "delete", "1")
    assert main(["chats", "show", "1"]) == FAILED


def test_a_source_that_has_changed_is_marked_with_the_difference(asked, capsys):
    assert "~" not in said(capsys, "chats", "show", "1")
    board = asked / "board.md"
    board.write_text("New first line.\n\n" + BOARD)
    assert "It stands at" in said(capsys, "chats", "show", "1")
    board.write_text(BOARD.replace("40 000 €", "45 000 €"))
    for _ in ("on disk", "in the index as well"):
        shown = said(capsys, "chats", "show", "1")
        assert "[1]~" in shown
        assert "40 000 €" in shown, "what was quoted"
        assert "it says now: “After discussion the board agreed on 45 000 €" in " ".join(shown.split())
        assert "brain ask --chat 1" in shown
        verdict, *_ = run_json(capsys, "chats", "show", "1")["turns"][0]["verdicts"]
        assert (verdict["standing"], verdict["line"]) == ("changed", 3)
        assert main(["sync"]) == DONE
        capsys.readouterr()
    board.rename(asked / "minutes.md")
    assert main(["sync"]) == DONE
    capsys.readouterr()
    board = asked / "minutes.md"
    board.write_text(BOARD)
    assert run_json(capsys, "chats", "show", "1")["turns"][0]["verdicts"][0]["path"] == str(board), "it is followed"
    board.unlink()
    assert "The file is gone." in said(capsys, "chats", "show", "1")
    assert run_json(capsys, "chats", "show", "1")["turns"][0]["verdicts"][0]["standing"] == "gone"


def test_an_answer_says_that_its_file_changed_after_it_was_indexed(notes, capsys):
    (notes / "board.md").write_text(BOARD.replace("40 000 €", "45 000 €"))
    shown = " ".join(said(capsys, "ask", GARDEN).split())
    assert "[1]~" in shown
    assert "The file has changed since." in shown
    assert "45 000 €" in shown


def test_a_folder_that_is_away_is_not_taken_for_gone(asked, capsys):
    asked.rename(asked.with_name("elsewhere"))
    assert run_json(capsys, "chats", "show", "1")["turns"][0]["verdicts"][0]["standing"] == "ok"


def test_exported_and_saved_but_never_over_a_file(asked, tmp_path, capsys):
    text = said(capsys, "chats", "export", "1")
    assert text.startswith("---\nbrain: machine-written\n")
    assert f"## {GARDEN}" in text
    assert "[^1]: " in text
    assert run_json(capsys, "chats", "export", "1")["markdown"] == text
    target = tmp_path / "out.md"
    assert main(["chats", "export", "1", "--to", str(target)]) == DONE
    assert target.read_text() == text
    assert main(["chats", "save", "1", "--to", str(target)]) == FAILED
    assert "exists already" in capsys.readouterr().err
    assert main(["chats", "save", "1", "--to", str(tmp_path / "no" / "x.md")]) == FAILED
    assert target.read_text() == text


def test_a_saved_answer_is_no_evidence_unless_asked_for(asked, capsys):
    target = asked / "garden.md"
    assert main(["ask", GARDEN, "--save", str(target)]) == DONE
    assert "brain: machine-written" in target.read_text()
    assert "“After discussion the board" in target.read_text()
    assert main(["sync"]) == DONE
    capsys.readouterr()

    def evidence(*arguments: str) -> set[str]:
        return {Path(hit["path"]).name for hit in run_json(capsys, "ask", *arguments)["evidence"]}

    assert "garden.md" not in evidence(GARDEN)
    assert "garden.md" in evidence(f"{GARDEN} is:machine")
    assert "garden.md" in evidence(GARDEN, "--machine")
    hits = run_json(capsys, "search", "board agreed garden")["hits"]
    assert "garden.md" in {Path(hit["path"]).name for hit in hits}, "a person who searches finds it"


def test_a_forgotten_folder_leaves_the_question_and_says_so(asked, home, capsys):
    assert main(["remove", str(asked)]) == DONE
    shown = said(capsys, "chats", "show", "1")
    assert GARDEN in shown
    assert "What this answer took from" in shown
    left = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "log.jsonl")
    assert b"After discussion" not in left
    assert b"board.md" not in left


def test_rebuild_and_repair_keep_conversations(asked, capsys):
    before = run_json(capsys, "chats", "show", "1")
    assert main(["rebuild"]) == DONE
    assert main(["doctor", "--repair", "--thorough"]) == DONE
    capsys.readouterr()
    assert run_json(capsys, "chats", "show", "1") == before


def test_an_owner_keeps_what_another_process_asks(asked, capsys):
    with open_brain(load(), own=True) as owner:
        number = run_json(capsys, "ask", ROOF)["conversation"]
        assert owner.conversations.get(number).title == ROOF
        assert said(capsys, "chats", "delete", str(number)).startswith("Deleted")
        assert [one.id for one in owner.conversations.summaries()] == [1]


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(asked, home, capsys):
    with claim_store(home) as claim:  # an owner that cannot be talked to
        assert claim.ours
        assert main(["ask", ROOF]) == DONE
        printed = capsys.readouterr()
        assert "Tom asks two firms" in printed.out
        assert "This answer is not saved: Another Brain" in printed.err
        assert main(["chats", "delete", "1"]) == FAILED
        assert "owns the index" in capsys.readouterr().err
        assert GARDEN in said(capsys, "chats"), "reading goes on"


def test_nothing_hostile_reaches_the_terminal(asked, home, capsys):
    evil = "\x1b]0;owned\x07 \x1b[31mred \u202eevil \x9b2J"
    with closing(sqlite3.connect(home / "catalog.db")) as database, database:
        (packed,) = database.execute("SELECT answered FROM turns").fetchone()
        answered = json.loads(packed)
        answered["question"] = answered["answer"] = answered["sentences"][0]["text"] = evil
        answered["citations"][0]["quote"] = evil
        database.execute("UPDATE turns SET answered = ?", (json.dumps(answered),))
        database.execute("UPDATE conversations SET title = ?", (evil,))
    for arguments in (["chats"], ["chats", "show", "1"], ["chats", "export", "1"], ["chats", "search", "garden"]):
        for more in ([], ["--json"]):
            shown = said(capsys, *arguments, *more)
            assert not any(mark in shown for mark in ("\x1b", "\x07", "\u202e", "\x9b")), arguments
            assert "evil" in shown
