"""What may leave, what is withheld, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brain.conversations import exchange
from brain.events import Answered
from brain.store.cited import pack, unpack, without
from brain.types import Chunk, Consent, Coverage, Evidence, Message, Withheld
from brain.withholding import clear, merged, runs

BOARD, DIARY, PUMP = Path("/notes/board.md"), Path("/notes/journal/may.md"), Path("/notes/pump.md")
WHY = {BOARD: "", DIARY: "journal/ is private", PUMP: ""}
SECRET = "The spare key of the house lies below the third stone beside the well."


def passage(number: int, path: Path, text: str, **known) -> Evidence:
    return Evidence(number, Chunk(path, 0, len(text), text, id=number), path.stem, 1.0, **known)


def cleared(*evidence: Evidence, history=(), consent=Consent(), why=WHY, around=lambda chunk: chunk.text):
    return clear(evidence, history, consent=consent, why=why, around=around)


def pair(*sources: Path, private: bool | None = False, text: str = "It is so.") -> tuple[Message, Message]:
    return (Message("user", "How is it?", sources, private), Message("assistant", text, sources, private))


def test_a_private_passage_is_withheld_with_its_reason_and_the_rest_may_leave():
    found = cleared(passage(1, BOARD, "Board."), passage(2, DIARY, SECRET), passage(3, DIARY, "More."))
    assert [one.number for one in found.evidence] == [1]
    assert found.withheld == (Withheld("passage", "journal/ is private", DIARY, 2),)


def test_what_the_search_found_private_stays_whatever_is_known_now():
    found = cleared(passage(1, BOARD, "Board.", private="the note says private"))
    assert found.evidence == () and found.withheld[0].why == "the note says private"


def test_a_file_that_is_not_known_any_more_stays():
    assert cleared(passage(1, Path("/notes/gone.md"), "Gone.")).evidence == ()


@pytest.mark.parametrize(
    "text",
    [
        f"As was said: {SECRET}",
        SECRET.upper(),
        SECRET.replace(" ", "  \n"),
        "xx key of the house lies below the third stone yy",
    ],
)
def test_a_public_passage_that_says_the_same_as_a_private_one_stays(text):
    found = cleared(passage(1, BOARD, text), passage(2, DIARY, SECRET))
    assert found.evidence == () and {one.path for one in found.withheld} == {BOARD, DIARY}


def test_seven_words_in_a_row_are_not_yet_the_same():
    assert cleared(passage(1, BOARD, "A key of the house lies below the stairs."), passage(2, DIARY, SECRET)).evidence


def test_a_short_private_note_counts_as_a_whole():
    found = cleared(
        passage(1, BOARD, "Its code is four seven one one, says Ana."), passage(2, DIARY, "code is four seven")
    )
    assert found.evidence == ()


def test_a_passage_with_a_private_copy_stays():
    assert cleared(passage(1, BOARD, "Board.", copies=(DIARY,))).evidence == ()
    assert cleared(passage(1, BOARD, "Board.", copies=(PUMP,))).evidence


def test_what_a_person_takes_out_stays():
    found = cleared(passage(1, BOARD, "Board."), passage(2, PUMP, "Pump."), consent=Consent(without=(2,)))
    assert [one.number for one in found.evidence] == [1]
    assert found.withheld == (Withheld("passage", "you took it out", PUMP),)


def test_a_secret_is_masked_and_counted_and_the_passage_kept_as_it_stands():
    key = "sk-" + "a8Fq2Lz9Kd3Vt7Xw1Bn5Mc6P" * 2
    found = cleared(passage(1, BOARD, f"The key is {key}."))
    assert key in found.evidence[0].chunk.text and key not in found.masked[1].chunk.text
    assert [(one.what, one.path) for one in found.withheld] == [("secret", BOARD)]


def test_a_part_of_a_secret_stays():
    key = "sk-" + "a8Fq2Lz9Kd3Vt7Xw1Bn5Mc6P" * 2
    found = cleared(passage(1, BOARD, key[20:]), around=lambda chunk: f"The key is {key}.")
    assert found.evidence == () and "part of something" in found.withheld[0].why


def test_turns_leave_as_pairs_and_only_where_every_source_is_known_and_public():
    history = (*pair(BOARD), *pair(DIARY), *pair(BOARD, Path("/notes/gone.md")), *pair(PUMP))
    found = cleared(history=history)
    assert [turn.sources for turn in found.history] == [(BOARD,), (BOARD,), (PUMP,), (PUMP,)]
    assert sum(one.count for one in found.withheld) == 2


@pytest.mark.parametrize("private", [True, None])
def test_a_turn_of_which_it_is_not_known_that_it_is_public_stays(private):
    found = cleared(history=pair(BOARD, private=private))
    assert found.history == () and found.withheld[0].what == "history"


def test_a_turn_that_repeats_a_private_passage_stays():
    assert cleared(passage(1, DIARY, SECRET), history=pair(BOARD, text=f"Well: {SECRET}")).history == ()


def test_a_half_turn_never_leaves():
    assert cleared(history=(Message("user", "And?", (), False),)).history == ()
    assert cleared(history=(Message("assistant", "Yes.", (), False), *pair(BOARD))).history == pair(BOARD)


def test_the_history_can_be_left_out():
    found = cleared(history=(*pair(BOARD), *pair(PUMP)), consent=Consent(history=False))
    assert found.history == () and found.withheld == (Withheld("history", "you took it out", count=2),)


def test_runs_and_counts():
    assert len(runs("one two three four five six seven eight nine")) == 2 and runs("one two") == frozenset()
    twice = (Withheld("secret", "a key", BOARD, 2), Withheld("secret", "a key", BOARD))
    assert merged(twice) == (Withheld("secret", "a key", BOARD, 3),)


ANSWER = Answered(
    question="How?", answer="So.", abstained=False, model="m", stays_home=True, sentences=(), citations=(),
    evidence=(passage(1, BOARD, "Board."),),
)  # fmt: skip


def test_a_turn_knows_every_file_it_may_have_been_made_from_and_none_that_was_withheld():
    asked, answered = exchange(
        "How?", replace(ANSWER, earlier=(PUMP,), withheld=(Withheld("passage", "x", DIARY),)), (DIARY,)
    )
    assert asked.sources == answered.sources == (BOARD, PUMP) and answered.private is False
    assert exchange("How?", replace(ANSWER, tainted=True))[1].private is True
    assert exchange("How?", ANSWER, is_known=False)[1].private is None
    whole = replace(ANSWER, evidence=(), coverage=Coverage(DIARY, 10, ()))
    assert exchange("How?", whole)[1].sources == (DIARY,)


def test_what_was_withheld_and_what_was_told_is_kept_by_number_and_can_be_forgotten():
    answer = replace(ANSWER, earlier=(PUMP,), withheld=(Withheld("passage", "x", DIARY), Withheld("history", "y")))
    packed, paths = pack(answer)
    assert unpack(packed, paths) == answer
    assert "journal" not in packed and "pump" not in packed
    left = without(answer, {DIARY, PUMP})
    assert left.earlier == () and left.withheld == (Withheld("history", "y"),)
