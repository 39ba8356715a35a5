"""Whole files on the command line: real PDFs, a real store, a chat model small enough to write in a test."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from brain.cli import DONE, FAILED, USAGE, main
from brain.cli.output import in_runs
from tests.bench.planted import planted, write_pdf
from tests.models import tiny

SOWN = planted("same words", pages=24, items=8)
NOTES = Path(__file__).parent / "notes"


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    """26 pages, the last two without text, eight things planted."""
    folder = tmp_path / "notes"
    folder.mkdir()
    return write_pdf(folder / "minutes.pdf", (*SOWN.pages, "", ""))


@pytest.fixture
def added(minutes: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["add", str(minutes.parent)]) == DONE
    capsys.readouterr()
    return minutes


def ask(capsys, *arguments: str) -> dict:
    assert main(["ask", "--json", *arguments]) == DONE
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("is_watched", [True, False])
def test_all_planted_items_of_a_pdf_are_listed_with_their_pages_and_every_page_is_logged(
    minutes, home, capsys, is_watched
):
    if is_watched:
        main(["add", str(minutes.parent)])
        capsys.readouterr()
    body = ask(capsys, "--whole", str(minutes), "--quotes", SOWN.question)
    assert [(" ".join(one["quote"].split()), one["page"]) for one in body["citations"]] == list(SOWN.items)
    log = body["coverage"]
    assert (log["pages"], log["without_text"], log["not_read"], log["complete"]) == (26, [25, 26], [], True)
    assert log["read"] == list(range(1, 25))
    assert log["spans"] == [{"start": 0, "end": log["characters"]}]
    assert body["unread"] == [{"path": str(minutes), "pages": [25, 26]}]


def test_a_person_sees_the_plan_first_and_the_footer_last(added, capsys):
    assert main(["ask", "--whole", "minutes.pdf", *SOWN.question.split()]) == DONE
    printed = capsys.readouterr()
    assert "minutes.pdf: 26 pages, about " in printed.err
    assert "its own sentences, no chat model, on this machine; about a second, $0.00" in printed.err
    assert "pages without text: 25–26" in printed.err
    assert "brain models pull" in printed.err  # why no model reads it
    assert "Read: 24 of 26 pages. 2 without text." in printed.out
    assert f"minutes.pdf p.{SOWN.items[0][1]}" in printed.out
    assert printed.out.count("Planted item") == 16  # each said, and each quoted


def test_the_events_are_told_as_they_come(added, capsys):
    assert main(["ask", "--json", "--events", "--whole", "minutes.pdf", SOWN.question]) == DONE
    *events, body = map(json.loads, capsys.readouterr().out.splitlines())
    assert events[0] | {"event": "planned", "way": "quotes", "pages": 26, "without_text": [25, 26]} == events[0]
    assert any(event["event"] == "part_read" for event in events)
    assert body["coverage"]["complete"]


def test_only_the_plan(added, capsys):
    body = ask(capsys, "--whole", "minutes.pdf", "--plan", SOWN.question)
    assert (body["event"], body["pages"], body["cost_usd"], body["measured"]) == ("planned", 26, 0.0, True)
    assert main(["ask", "--whole", "minutes.pdf", "--plan", SOWN.question]) == DONE
    assert capsys.readouterr().out.splitlines()[0].startswith(f"{added}: 26 pages")


def test_two_signs_ahead_of_a_file_are_the_same(added, capsys):
    assert ask(capsys, "@@minutes.pdf", SOWN.question)["coverage"]["complete"]
    assert ask(capsys, f'@@"{added}" {SOWN.question}')["coverage"]["complete"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--plan", "x"], USAGE, "--plan needs --whole"),
        (["--whole", "minutes.pdf", "--tag", "a", "x"], USAGE, "cannot be narrowed"),
        (["--whole", "minute.pdf", "x"], USAGE, "Did you mean minutes.pdf?"),
        (["--whole", "minutes.pdf", " "], USAGE, "no question"),
        (["--whole", "minutes.pdf", "--model", "nonsense", "x"], FAILED, "nonsense"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(added, capsys, arguments, code, said):
    assert main(["ask", *arguments]) == code
    printed = capsys.readouterr()
    assert said in printed.err and "Traceback" not in printed.err


def test_a_file_without_any_text_says_that_none_of_it_was_read(home, capsys):
    body = ask(capsys, "--whole", str(NOTES / "scanned.pdf"), "--quotes", "List all the risks")
    assert body["abstained"]
    assert (body["coverage"]["read"], body["coverage"]["without_text"]) == ([], [1, 2])


def test_what_a_model_has_read_is_kept_until_the_note_is_gone(added, home, tmp_path, capsys):
    model = tiny.write_chat(tmp_path / "tiny.gguf", window=60_000)
    (home / "config.toml").write_text("[chat]\nwindow = 60000\n")
    short = write_pdf(added.with_name("short.pdf"), SOWN.pages[:3])
    main(["sync"])
    capsys.readouterr()
    named = ("--whole", "short.pdf", "--model", str(model), SOWN.question)
    first = ask(capsys, *named)
    assert (first["model"], first["coverage"]["complete"]) == ("quotes", True)  # it said nothing that stands there
    assert first["usage"]["cached_tokens"] < first["usage"]["prompt_tokens"] / 2
    (kept,) = (home / "prefixes").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "rates.json").stat().st_mode) == 0o600
    again = ask(capsys, *named)
    assert again["usage"]["cached_tokens"] > 0.9 * again["usage"]["prompt_tokens"]
    assert again["citations"] == first["citations"]
    plan = ask(capsys, *named, "--plan")
    assert (plan["way"], plan["kept"]) == ("prompt", True)
    main(["sync"])
    assert kept.exists()
    short.unlink()
    main(["sync"])
    assert not kept.exists()


def test_what_is_kept_goes_with_its_folder(added, home, tmp_path, capsys):
    model = tiny.write_chat(tmp_path / "tiny.gguf", window=60_000)
    (home / "config.toml").write_text("[chat]\nwindow = 60000\n")
    ask(capsys, "--whole", "minutes.pdf", "--model", str(model), SOWN.question)
    assert os.listdir(home / "prefixes")
    assert main(["remove", str(added.parent)]) == DONE
    assert os.listdir(home / "prefixes") == []


def test_an_ordinary_answer_names_the_pages_that_nobody_could_read(added, capsys):
    item, page = SOWN.items[0]
    body = ask(capsys, "--quotes", item)
    assert body["citations"][0]["page"] == page
    assert body["unread"] == [{"path": str(added), "pages": [25, 26]}]
    assert main(["ask", "--quotes", item]) == DONE
    assert "minutes.pdf, 2 pages without text: 25–26" in capsys.readouterr().out


def test_a_scan_that_a_question_names_is_no_silent_nothing(home, tmp_path, capsys):
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "scan.pdf").write_bytes((NOTES / "scanned.pdf").read_bytes())
    (folder / "note.md").write_text("Nothing of the kind.")
    main(["add", str(folder)])
    capsys.readouterr()
    body = ask(capsys, "@scan.pdf what are the risks?")
    assert body["abstained"] and body["unread"] == [{"path": str(folder / "scan.pdf"), "pages": [1, 2]}]
    assert ask(capsys, "what are the risks?")["unread"] == []


def test_page_numbers_are_drawn_together():
    assert in_runs((2, 5, 6, 7, 9)) == "2, 5–7, 9"
    assert in_runs(tuple(range(1, 80, 2)), most=3) == "1, 3, 5 …"
    assert in_runs(()) == ""
