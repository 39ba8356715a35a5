"""What stands below an answer for people and for scripts."""

from __future__ import annotations

from dataclasses import replace

from brain.cli.output import source_rows
from brain.events import Answered
from brain.wire import answer_json, decode, encode

ANSWER = Answered("Who?", "Ana.", False, "quotes", True, (), (), ())
DOUBT = "“Ruritania” was not found\x1b[31m in them."


def test_doubt_is_shown_below_the_answer_and_in_json() -> None:
    doubtful = replace(ANSWER, doubt=DOUBT)
    assert any(row.startswith("Careful: “Ruritania” was not found") for row in source_rows(doubtful))
    assert not any("\x1b" in row for row in source_rows(doubtful))
    assert answer_json(doubtful)["doubt"] == DOUBT
    assert decode(encode(doubtful)) == doubtful


def test_no_doubt_and_a_refusal_show_none() -> None:
    assert not any("Careful" in row for row in source_rows(ANSWER))
    assert not any("Careful" in row for row in source_rows(replace(ANSWER, abstained=True, doubt=DOUBT)))
