"""No text of a note, no question and no key in log.jsonl or egress.jsonl, whatever happens and however much is logged."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from brain.cli import BUG, DONE, FAILED, main
from brain.store.ledger import Ledger
from brain.types import Usage

KEY = "sk-zqxkey70deadbeefdeadbeefdeadbeef"
NOTE = """---
title: zqxtitle71 plans
aliases: [zqxalias72]
tags: [zqxtag73]
---
# zqxhead74

The zqxbody75 costs 4200 euro and is paid in March by the office of zqxname76.
"""
QUESTION = "What does the zqxbody75 of zqxquestion77 cost?"
CANARIES = (
    KEY,
    "zqxtitle71",
    "zqxalias72",
    "zqxtag73",
    "zqxhead74",
    "zqxbody75",
    "zqxname76",
    "zqxquestion77",
    "4200 euro",
)


@pytest.fixture
def notes(tmp_path, home, monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "plans.md").write_text(NOTE, encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 zqxbody75 \xff")
    (folder / "huge.md").write_text("zqxbody75 " * 250_000, encoding="utf-8")
    (home / "config.toml").write_text("[notes]\nmax_mb = 1\n")
    return folder


def leaks(home):
    """Which canaries stand in the files that a log and the ledger are made of."""
    files = [path for path in home.rglob("*") if path.name.startswith(("log.jsonl", "egress."))]
    written = {path.name: path.read_bytes().decode("utf-8") for path in files}
    assert "log.jsonl" in written
    return [f"{canary} in {name}" for name, text in written.items() for canary in CANARIES if canary in text]


def key_anywhere(home):
    return [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_session_in_full_detail_leaves_no_word_of_it(notes, home, capsys):
    assert main(["add", str(notes), "--verbose"]) == DONE
    assert main(["search", "zqxbody75", "--verbose", "--explain"]) == DONE
    assert main(["ask", QUESTION, "--quotes", "--verbose"]) == DONE
    assert "4200 euro" in capsys.readouterr().out, "it was found"
    assert main(["ask", "--whole", str(notes / "plans.md"), QUESTION, "--quotes", "--verbose"]) == DONE
    assert main(["chats", "show", "1", "--verbose"]) == DONE
    assert main(["search", "#zqxtag73 zqxname76 after:never", "--verbose"]) != DONE
    assert main(["ask", QUESTION, "--model", "zqxname76", "--verbose"]) == FAILED
    (notes / "plans.md").write_text(NOTE.replace("March", "June"), encoding="utf-8")
    assert main(["sync", "--verbose"]) == DONE
    assert main(["doctor", "--verbose"]) in (DONE, FAILED)
    assert leaks(home) == []
    assert key_anywhere(home) == []


@pytest.mark.parametrize("command", ["search", "ask"])
def test_a_bug_with_the_question_in_its_message_is_logged_without_it(notes, home, monkeypatch, capsys, command):
    def breaks(options, settings):
        try:
            raise KeyError(NOTE)
        except KeyError as inner:
            raise ValueError(f"{' '.join(getattr(options, 'query', None) or options.question)} {KEY}") from inner

    monkeypatch.setattr(f"brain.cli.commands.{command}", breaks)
    assert main([command, QUESTION, "--verbose"]) == BUG
    assert leaks(home) == []
    assert "ValueError" in (home / "log.jsonl").read_text()
    said = capsys.readouterr()
    assert not [canary for canary in CANARIES if canary in said.out + said.err]


def test_a_pass_that_breaks_is_logged_without_the_note(notes, home, monkeypatch):
    def breaks(*_, **__):
        raise RuntimeError(NOTE + KEY)

    monkeypatch.setattr("brain.sync.cut", breaks)
    assert main(["add", str(notes), "--verbose"]) == BUG
    assert "RuntimeError" in (home / "log.jsonl").read_text()
    assert leaks(home) == []


def test_a_line_of_the_ledger_has_room_for_nothing_else(home):
    """Its fields are these, and no more: a text could only be in one of them by a mistake of its caller."""
    home.joinpath("log.jsonl").touch()
    made = Ledger(home / "egress.jsonl")
    number = made.begin(
        host=f"user:{KEY}@api.deepseek.com",
        model="deepseek-flash",
        files=[Path("/n/plans.md")],
        characters=len(NOTE),
        bytes=len(NOTE) + 200,
        tokens=90,
        estimate_usd=0.001,
        sha256="ab" * 32,
    )
    made.finish(number, usage=Usage(90, 0, 12), cost_usd=0.001, outcome="answered")
    begun, ended = (json.loads(line) for line in (home / "egress.jsonl").read_text().splitlines())
    chain = {"line", "before", "time", "what"}
    counts = {"characters", "bytes", "tokens", "estimate_usd"}
    assert set(begun) == chain | counts | {"host", "model", "files", "sha256"}
    used = {"prompt_tokens", "cached_tokens", "completion_tokens", "thought_tokens", "cost_usd"}
    assert set(ended) == chain | used | {"of", "outcome"}
    assert all(isinstance(begun[name], int | float) for name in counts)
    assert all(isinstance(ended[name], int | float) for name in used)
    assert datetime.fromisoformat(begun["time"])
    assert leaks(home) == []
