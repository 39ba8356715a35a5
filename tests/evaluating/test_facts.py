"""Questions with answers from notes: each answer stands in its passage, and what is asked of nobody stands nowhere."""

import json
from pathlib import Path

import pytest

from brain import readers
from brain.evaluating.facts import answerable_from
from brain.evaluating.making import Note
from brain.evaluating.notes import write_set
from brain.evaluating.sets import read_set
from brain.wording import terms

TEXTS = {
    "2024-03-05 board.md": "# Board\n\nThe board agreed to spend 40 000 euros on paving the garden behind the church.\n",
    "roof.md": (
        "# Roof\n\nThe paving firm from the next town wants to be paid by Vandenberg before the work starts.\n\n"
        "The gutters of the old church were cleaned and painted on 12 May 2023 by two of us.\n"
    ),
    "choir.md": "# Choir\n\nThe choir practises in the old school with twelve singers and a borrowed piano.\n",
    "log.md": "# Log\n\n- Fixed a crash of the sidebar when closing windows quickly [#9846](https://example.org/9846)\n",
    "logic.md": "# Logic\n\nRunning the old school plugin needs version 2 of the runtime on every machine we own.\n",
}


def note(name: str, text: str) -> Note:
    return Note(f"/notes/{name}", readers.parse(Path("/notes") / name, text.encode()))


NOTES = [note(name, text) for name, text in TEXTS.items()]


def made(count: int = 40):
    return answerable_from(NOTES, count)


def test_every_answer_stands_in_the_passage_it_was_made_from_and_not_in_the_question():
    facts = [one for one in made() if one.kind in ("fact", "dated")]
    assert {one.answers[0] for one in facts} >= {"40 000", "twelve"}
    for one in facts:
        text = next(note.document.text for note in NOTES if note.path == one.path)
        [span] = one.spans
        assert text[span.start : span.end] == span.quote
        assert one.answers[0] in span.quote
        assert not set(terms(one.answers[0])) & set(terms(one.text.partition(" in March")[0]))


def test_the_question_asks_for_the_kind_of_thing_the_answer_is():
    asked = {one.answers[0]: one.text for one in made() if one.kind == "fact"}
    assert asked["twelve"].startswith("How many ")
    assert asked["Vandenberg"].startswith("Who or what ")
    assert asked["Vandenberg"].endswith("?")
    assert asked.get("12 May 2023") is None or asked["12 May 2023"].startswith("When ")


def test_numbers_of_issues_and_versions_are_no_facts():
    answers = {answer for one in made() for answer in one.answers}
    assert not answers & {"9846", "2"}


def test_a_dated_question_names_the_month_of_its_note():
    [dated] = [one for one in made() if one.kind == "dated"]
    assert dated.text.endswith("in March 2024?")
    assert dated.answers == ("40 000", "40000")


def test_a_question_about_two_notes_has_a_passage_and_a_part_of_each():
    found = [one for one in made(80) if one.kind == "two-note"]
    assert found
    for one in found:
        first, second = one.spans
        assert first.path != second.path
        assert one.parts[0][0] in first.quote
        assert one.parts[1][0] in second.quote


def test_what_nothing_answers_asks_for_what_stands_in_no_note():
    held = {term for one in NOTES for term in terms(one.document.text)}
    found = [one for one in made() if one.kind in ("near miss", "not in notes")]
    assert {one.kind for one in found} == {"near miss", "not in notes"}
    for one in found:
        assert one.absent in one.text
        assert not set(terms(one.absent)) & held
        assert (one.spans, one.answers) == ((), ())
    names = {one.absent for one in found}
    everyone = note("names.md", "# Names\n\n" + " and ".join(sorted(names)) + " are all members of the club by now.\n")
    assert not names & {one.absent for one in answerable_from([*NOTES, everyone], 40)}


def test_questions_are_the_same_each_time_and_no_more_than_asked_for():
    assert made() == made()
    assert len(made(3)) <= 3
    assert answerable_from([], 5) == answerable_from(NOTES, 0) == []
    assert answerable_from([note("寺.md", "8世紀に日本の首都であった奈良を代表する寺院である東大寺。")], 5) == []


def test_a_set_keeps_answers_and_what_stood_nowhere(tmp_path):
    some = made()
    write_set(tmp_path / "set", some, {one.path: "0" * 64 for one in NOTES})
    read = read_set(tmp_path / "set", for_answers=True)
    assert [question.answers for question in read.questions] == [one.answers for one in some]
    assert [question.absent for question in read.questions] == [one.absent for one in some]
    assert [question.is_answerable for question in read.questions] == [bool(one.spans) for one in some]
    rows = [json.loads(line) for line in (tmp_path / "set" / "queries.jsonl").read_text().splitlines()]
    assert all(row["answerable"] is False for row in rows if row["kind"] == "near miss")
    searched = read_set(tmp_path / "set")
    assert set(searched.flaws["unanswerable"]) == {row["_id"] for row in rows if "absent" in row}


@pytest.mark.parametrize("text", ["", "# \n", "```\ncode = 12\n```", "| a | 3 |\n|---|---|"])
def test_notes_that_say_nothing_give_no_question(text):
    assert answerable_from([note("empty.md", text)], 5) == []
