"""The commands as a person and a script use them, on real files and a real store, with no model on the shelf."""

import json
import os
import sys
from pathlib import Path

import pytest

from brain.cli import BUG, COMMANDS, DONE, FAILED, USAGE, main, parser
from brain.cli.output import Progress, Streamed, place
from brain.engine import open_brain
from brain.events import Checked, Token, VectorsAdded
from brain.settings import load
from brain.store.claim import claim_store
from brain.types import Sentence
from tui.__main__ import _folders

BOARD = """---
title: Board meeting
tags: [garden]
date: 2025-03-12
---

# Board meeting

After discussion the board agreed on 40 000 € for the garden, to be spent before October.

## Roof

Tom asks two firms for an offer by April.
"""


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "board.md").write_text(BOARD)
    (folder / "pump.txt").write_text("The pump set P3 for the well is delivered in week 24.")
    return folder


@pytest.fixture
def added(notes, home, capsys):
    assert main(["add", str(notes)]) == DONE
    capsys.readouterr()
    return notes


def run_json(capsys, *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == DONE
    return json.loads(capsys.readouterr().out)


def test_adding_a_folder_indexes_it_and_says_what_was_done(notes, home, capsys):
    assert main(["add", str(notes)]) == DONE
    printed = capsys.readouterr()
    assert printed.out.startswith("2 added, 0 changed")
    assert "brain models pull" in printed.err


def test_adding_prints_one_event_a_line_as_json(notes, home, capsys):
    assert main(["add", str(notes), "--json"]) == DONE
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0] == {"event": "sync_started", "steps": 2}
    assert events[-1]["event"] == "sync_finished"
    assert events[-1]["added"] == 2
    assert set(events[-1]) >= {"changed", "moved", "removed", "failed", "chunks_embedded", "chunks_reused", "seconds"}


def test_search_finds_the_passage_with_its_line_and_exact_slice(added, capsys):
    body = run_json(capsys, "search", "garden budget agreed")
    hit = body["hits"][0]
    assert hit["path"] == str(added / "board.md")
    assert BOARD[hit["start"] : hit["end"]] == hit["text"]
    assert BOARD[: hit["start"]].count("\n") + 1 == hit["line"]
    assert (hit["title"], hit["date"], hit["tags"]) == ("Board meeting", "2025-03-12", ["garden"])
    assert body["degraded"] == ["vectors"]


def test_search_for_people_names_the_place_and_what_is_off(added, capsys):
    assert main(["search", "pump week"]) == DONE
    printed = capsys.readouterr()
    assert "pump.txt:1" in printed.out
    assert "vectors:" in printed.err


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["#garden board"], {"board.md"}),
        (["type:text well"], {"pump.txt"}),
        (["--type", "text", "well"], {"pump.txt"}),
        (["--tag", "garden", "agreed"], {"board.md"}),
        (["--after", "2025-03", "--before", "2025-04", "agreed"], {"board.md"}),
        (["--in", "pump.txt", "agreed well"], {"pump.txt"}),
        (['"two firms" offer'], {"board.md"}),
        (["week -garden"], {"pump.txt"}),
    ],
    ids=" ".join,
)
def test_filters_narrow_in_the_question_and_as_flags(added, capsys, arguments, names):
    body = run_json(capsys, "search", *arguments)
    assert {Path(hit["path"]).name for hit in body["hits"]} == names


def test_k_bounds_the_hits(added, capsys):
    assert len(run_json(capsys, "search", "the", "garden", "pump", "-k", "1")["hits"]) == 1


def test_no_match_is_said_and_is_no_failure(added, capsys):
    assert main(["search", "xylophone"]) == DONE
    assert capsys.readouterr().out.startswith("No passage matches. 2 documents searched.")


def test_ask_without_a_model_quotes_the_notes(added, capsys):
    body = run_json(capsys, "ask", "How much did the board agree on for the garden?")
    assert not body["abstained"]
    assert body["model"] == "quotes"
    (citation, *_) = body["citations"]
    assert "40 000 €" in citation["quote"]
    assert BOARD[citation["start"] : citation["end"]] == citation["quote"]
    assert "chat" in body["degraded"]


def test_ask_for_people_prints_the_answer_its_sources_and_where_it_was_made(added, capsys):
    assert main(["ask", "--quotes", "How much did the board agree on for the garden?"]) == DONE
    out = capsys.readouterr().out
    assert "40 000 € for the garden, to be spent before October. [1]" in out
    assert "[1] " in out
    assert "board.md:9" in out
    assert "on this machine" in out


def test_ask_streams_events_and_ends_with_the_whole(added, capsys):
    assert main(["ask", "--json", "--events", "How much did the board agree on?"]) == DONE
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["event"] == "retrieved"
    assert {"token", "checked"} <= {line.get("event") for line in lines}
    assert lines[-1]["question"] == "How much did the board agree on?"


def test_what_the_notes_do_not_say_is_not_answered(added, capsys):
    body = run_json(capsys, "ask", "What is the boiling point of tungsten hexafluoride?")
    assert body["abstained"]
    assert body["answer"] == ""
    assert main(["ask", "What is the boiling point of tungsten hexafluoride?"]) == DONE
    assert capsys.readouterr().out.startswith("Nothing in your notes answers this.")


def test_status_before_and_after(home, notes, capsys):
    before = run_json(capsys, "status")
    assert (before["chunks"], before["folders"], before["owner"]) == (0, [], None)
    assert {part["part"] for part in before["degraded"]} == {"vectors", "chat"}
    main(["add", str(notes)])
    capsys.readouterr()
    after = run_json(capsys, "status")
    assert after["files"] == {"indexed": 2, "failed": 0, "unreadable_pages": 0, "private": 0}
    assert after["folders"] == [{"path": str(notes), "files": 2, "watching": False}]
    assert after["vectors"]["pending"] == after["chunks"] > 0
    assert main(["status"]) == DONE
    assert "2 documents" in capsys.readouterr().out


def test_folders_and_remove(added, capsys):
    assert run_json(capsys, "folders")["folders"] == [{"path": str(added), "files": 2, "watching": False}]
    assert run_json(capsys, "remove", str(added)) == {"removed": [{"path": str(added), "files": 2}]}
    assert run_json(capsys, "folders")["folders"] == []
    assert (added / "board.md").read_text() == BOARD
    assert main(["search", "garden"]) == FAILED
    assert "brain add" in capsys.readouterr().err


def test_sync_sees_edits_and_deletes(added, capsys):
    (added / "pump.txt").unlink()
    (added / "board.md").write_text(BOARD.replace("40 000", "45 000"))
    assert main(["sync"]) == DONE
    assert "0 added, 1 changed, 0 moved, 1 removed" in capsys.readouterr().out
    assert run_json(capsys, "search", "pump well")["hits"] == []
    assert "45 000" in run_json(capsys, "search", "board agreed")["hits"][0]["text"]
    assert "40 000" not in json.dumps(run_json(capsys, "search", "board agreed")["hits"])


def test_rebuild_makes_deleted_indexes_again_without_a_model(added, home, capsys):
    expected = run_json(capsys, "search", "garden")["hits"]
    for path in sorted((home / "words").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert main(["rebuild"]) == DONE
    capsys.readouterr()
    assert run_json(capsys, "search", "garden")["hits"] == expected


def test_an_emptied_folder_is_kept_until_its_deletes_are_accepted(home, tmp_path, capsys):
    folder = tmp_path / "disk"
    folder.mkdir()
    for at in range(12):
        (folder / f"{at}.md").write_text(f"Note number {at}.")
    assert main(["add", str(folder)]) == DONE
    for path in folder.iterdir():
        path.unlink()
    capsys.readouterr()
    assert main(["sync"]) == DONE
    printed = capsys.readouterr()
    assert "0 removed" in printed.out
    assert "brain sync --accept-deletes" in printed.err
    assert main(["sync", "--accept-deletes"]) == DONE
    assert "12 removed" in capsys.readouterr().out


def test_progress_tells_the_time_left_once_it_is_known(capsys, monkeypatch):
    now = iter(range(10_000))
    monkeypatch.setattr("brain.cli.output.time.monotonic", lambda: float(next(now)))
    with Progress(sys.stderr) as progress:
        for done in range(10, 500, 10):
            progress.show(VectorsAdded(done, 500 - done))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("embedding passages:")
    assert "left" not in lines[0]
    assert ", about " in lines[-1] and lines[-1].endswith(" left")


def test_a_deleted_words_folder_heals_at_the_next_sync(added, home, capsys):
    expected = run_json(capsys, "search", "garden")["hits"]
    for path in sorted((home / "words").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert "words" in run_json(capsys, "search", "garden")["degraded"]
    assert main(["sync"]) == DONE
    capsys.readouterr()
    assert run_json(capsys, "search", "garden")["hits"] == expected


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "/no/such/folder"], FAILED, "does not exist"),
        (["remove", "/no/such/folder"], FAILED, "not a watched folder"),
        (["sync"], FAILED, "brain add FOLDER"),
        (["search", "x"], FAILED, "brain add FOLDER"),
        (["ask", "x"], FAILED, "brain add FOLDER"),
        (["models", "use", "nonsense"], FAILED, "nonsense"),
        (["models", "pull", "nonsense"], FAILED, "starter"),
        (["models", "info"], USAGE, "Which model?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_gives_one_sentence_and_the_next_step(home, capsys, arguments, code, said):
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert len(printed.err.splitlines()) <= 2


@pytest.mark.parametrize("question", ["", "   ", "type:pdf", "before:2025-13 x", "typ:pdf fees"])
def test_a_question_that_is_none_is_wrong_usage(added, capsys, question):
    assert main(["ask", question]) == USAGE
    assert len(capsys.readouterr().err.splitlines()) <= 2


def test_a_two_megabyte_question_is_answered_or_refused_and_never_an_error(added, capsys):
    assert main(["ask", "--json", "garden " * 300_000]) == DONE
    assert json.loads(capsys.readouterr().out)["evidence"]


def test_a_file_is_not_a_folder(notes, home, capsys):
    assert main(["add", str(notes / "board.md")]) == FAILED
    assert f"brain add {notes}" in capsys.readouterr().err


def test_an_unreadable_folder_says_so(notes, home, capsys, monkeypatch):
    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    assert main(["add", str(notes)]) == FAILED
    assert "cannot be read (Permission denied)" in capsys.readouterr().err


def test_while_another_owns_the_store_reading_and_writing_go_on(added, capsys, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    (more / "zebra.md").write_text("A zebra came to the garden.")
    with open_brain(load(), own=True):
        assert main(["add", str(more)]) == DONE
        assert capsys.readouterr().out.startswith("1 added, 0 changed")
        assert main(["sync"]) == DONE
        assert main(["rebuild"]) == DONE
        capsys.readouterr()
        assert run_json(capsys, "search", "zebra")["hits"]
        assert run_json(capsys, "remove", str(more)) == {"removed": [{"path": str(more), "files": 1}]}
        assert run_json(capsys, "status")["owner"]["pid"] == os.getpid()


def test_status_says_that_indexing_is_paused_while_the_owner_that_rests_lives(added, capsys):
    with open_brain(load(), own=True) as owner:
        assert run_json(capsys, "status")["paused"] is False
        owner.pause()
        assert run_json(capsys, "status")["paused"] is True
        assert main(["status"]) == DONE
        assert "Indexing is paused" in capsys.readouterr().out
        assert main(["sync"]) == DONE
        capsys.readouterr()
        owner.resume()
        assert run_json(capsys, "status")["paused"] is False
        owner.pause()
    assert run_json(capsys, "status")["paused"] is False, "it ended with its owner"
    with open_brain(load(), own=True) as owner:
        assert not owner.status().paused


def test_an_owner_that_cannot_be_talked_to_is_named_and_reading_goes_on(added, capsys, home):
    with claim_store(home):
        assert main(["sync"]) == FAILED
        assert f"pid {os.getpid()}" in capsys.readouterr().err
        assert run_json(capsys, "search", "garden")["hits"]


def test_wrong_settings_are_wrong_usage(home, capsys):
    (home / "config.toml").write_text("[chat]\nmodell = 'x'\n")
    assert main(["status"]) == USAGE
    assert "Did you mean chat.model?" in capsys.readouterr().err


def test_a_bug_is_one_apology_and_a_traceback_in_the_log(added, home, capsys, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("secret text of a note")

    monkeypatch.setattr("brain.cli.commands.status", broken)
    assert main(["status"]) == BUG
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 1
    log = (home / "log.jsonl").read_text()
    assert "ZeroDivisionError" in log
    assert json.loads(log.splitlines()[-1])["traceback"][-1] == "ZeroDivisionError"


def test_neither_questions_nor_notes_reach_the_log(added, home, capsys):
    main(["ask", "How much did the board agree on, canary-question?", "--verbose"])
    main(["sync", "--verbose"])
    log = (home / "log.jsonl").read_text() if (home / "log.jsonl").exists() else ""
    assert "canary-question" not in log
    assert "40 000" not in log


def test_nothing_of_a_hostile_note_reaches_the_terminal_as_anything_but_text(notes, home, capsys):
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202egarden\u202c payload"
    (notes / "evil \x1b[31m.md").write_text(f"# {evil}\n\nThe garden {evil} agreed on 50 000 €.\n")
    main(["add", str(notes)])
    main(["search", "garden payload"])
    main(["ask", "How much did the garden payload agree on?"])
    main(["status"])
    printed = capsys.readouterr()
    for stream in (printed.out, printed.err):
        assert not set(stream) & set("\x1b\x07\x9b\u202e\u202c")
    assert "payload" in printed.out


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=lambda words: " ".join(words) or "brain")
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == DONE
    text = capsys.readouterr().out
    assert "usage: brain" in text
    for flag in ("--home", "--json", "--offline", "--verbose") if command else ():
        assert flag in text


def test_the_list_of_commands_is_what_the_parser_knows():
    choices = next(action for action in parser()._actions if action.dest == "command").choices
    assert tuple(choices) == COMMANDS


@pytest.mark.parametrize(
    ("arguments", "folders"),
    [
        ([], []),
        (["--home", "/x"], []),
        (["--home=/x", "--offline"], []),
        (["~/notes"], [Path("~/notes")]),
        (["/tmp", "/usr"], [Path("/tmp"), Path("/usr")]),
        (["search", "x"], None),
        (["--home", "/x", "search", "x"], None),
        (["--help"], None),
        (["serach"], None),
    ],
)
def test_brain_alone_or_with_folders_opens_the_ui_and_commands_are_commands(arguments, folders):
    assert _folders(arguments) == folders


def test_marks_stand_right_behind_their_sentence(capsys):
    stream = Streamed(sys.stdout)
    for event in (
        Token("One"), Token(" is.\n\n"), Checked(Sentence("One is.", (1, 2), True)), Token("Two"), Token(" was."),
        Checked(Sentence("Two was.")),
    ):  # fmt: skip
        stream.show(event)
    assert capsys.readouterr().out == "One is. [1] [2]\n\nTwo was. [unsupported]"


def test_a_source_that_the_model_has_named_itself_is_not_named_twice(capsys):
    stream = Streamed(sys.stdout)
    for said, found in (("40 000 € [1]. ", (1,)), ("By October [1].", (1, 2)), (" In May.", ())):
        stream.show(Token(said))
        stream.show(Checked(Sentence(said.strip(), found, supported=bool(found))))
    assert capsys.readouterr().out == "40 000 € [1]. By October [1]. [2] In May. [unsupported]"


def test_places_are_short_and_hold_no_control_characters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert place(tmp_path / "a" / "b.md", None, 7) == "a/b.md:7"
    assert place(Path("/x/y\x1b[31m\n.pdf"), 3, 7) == "/x/y .pdf p.3"
