"""Conversations and answers as Markdown."""

from dataclasses import replace
from pathlib import Path

from brain.conversations import Conversation, Source, Turn
from brain.events import Answered
from brain.exporting import as_markdown, as_note
from brain.readers import markdown
from brain.types import Citation, Scope, Sentence, Verdict
from tests.tui.fakes import answered, nothing_found

HOSTILE = '\x1b[31mred\x1b]0;title\x07 \u202e[x](y) <script> ![i](http://a/b) | "q" \n---\n# h\n[^1]: forged'


def talk(*turns: Answered) -> Conversation:
    return Conversation(
        7,
        "What was decided?",
        Scope(),
        "2025-03-14T09:30:00Z",
        tuple(Turn("2025-03-14T09:30:00Z", turn, (Source(Path("/home/ana/notes/x"), "ab"),)) for turn in turns),
    )


GOLDEN = """\
---
brain: machine-written
title: "What was decided?"
date: "2025-03-14"
---

# What was decided?

## What was decided about the garden budget?

The board agreed on **40 000 €** for the garden, down from 55 000 €.[^1] Ana Ruiz owns the spending and reports \
monthly.[^2] Two points are still open:

- the pump quote is valid until 30 June[^3]
- nobody knows who waters it (no source)

## Who won the chess cup?

Nothing in the notes answered this.

[^1]: 2025-03-12-board.md:12 “agreed on 40 000 €” (changed since, it says now: “agreed on 45 000 €”)
[^2]: roles.md:3 “Ana owns the budget of the garden”
[^3]: offer.pdf p.2 “valid until 30 June”
"""


def test_a_conversation_is_exported_with_its_sources_as_footnotes():
    verdict = Verdict(1, "changed", Path("/n/2025-03-12-board.md"), 1, 2, 12, None, "agreed on 45 000 €")
    shown = talk(answered(), nothing_found())
    assert as_markdown(shown, [(verdict,), ()], place=lambda path: path.name) == GOLDEN


def test_footnotes_of_several_answers_are_numbered_through():
    text = as_markdown(talk(answered(), answered()), place=lambda path: path.name)
    assert "reports monthly.[^5]" in text
    assert [row.split(":")[0] for row in text.splitlines() if row.startswith("[^")] == [f"[^{n}]" for n in range(1, 7)]


def test_a_note_names_its_sources_in_the_front_matter_and_says_that_a_machine_wrote_it():
    turn = Turn("2025-03-14T09:30:00Z", answered(), (Source(answered().citations[0].path, "ab12"),))
    note = as_note(turn)
    read = markdown.parse(Path("/n/saved.md"), note.encode())
    assert read.machine_written
    assert (read.title, read.date) == ("What was decided about the garden budget?", "2025-03-14")
    front = note.split("---")[1]
    assert '"quote": "agreed on 40 000 €", "sha256": "ab12"' in front
    assert '"page": 2' in front


def test_hostile_text_can_forge_nothing_and_shows_nothing_but_text():
    evil = answered(
        HOSTILE,
        answer=f"Fine. {HOSTILE}",
        sentences=(Sentence("Fine.", (1,), True), Sentence(HOSTILE, (), False)),
        citations=(Citation(1, Path("/n/\x1b[2Jx.md"), HOSTILE, 0, 1, HOSTILE),),
    )
    for text in (as_markdown(replace(talk(evil), title=HOSTILE)), as_note(talk(evil).turns[0])):
        assert not any(mark in text for mark in ("\x1b", "\x07", "\u202e"))
        assert [row for row in text.splitlines() if row.startswith("[^1]:")] == [
            row for row in text.splitlines() if row.startswith("[^1]: /n/")
        ]
        body = text.split("\n---\n", 1)[1]
        assert "![i](" not in body
        assert " <script>" not in body
        assert body.startswith("\n# red"), "the front matter ends where it should"
        assert markdown.parse(Path("/n/a.md"), text.encode()).machine_written


def test_an_answer_that_lost_its_sources_says_so():
    lost = Turn("2025-03-14T09:30:00Z", answered(answer="", sentences=(), citations=(), evidence=()), (), 2)
    assert "What this answer took from 2 forgotten files is gone." in as_note(lost)
