"""The gate: clear cases are told apart with words alone, with vectors alone, and with both."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain import gating
from brain.gating import Marks, enough
from brain.types import Chunk, Evidence, Scores

PUMP = (
    "The well pump is a Grundfos SQ 2-55. It lifts 2.5 m³ an hour from a depth of 35 metres. Delivery takes six weeks."
)
BREAD = "The dough rests for 4 hours at 24 °C and is folded every thirty minutes. Rye flour ferments faster."


def passage(text: str, cosine: float | None, *, title: str = "Note", number: int = 1) -> Evidence:
    chunk = Chunk(Path(f"{title}.md"), 0, len(text), text, format="markdown")
    return Evidence(number, chunk, title, 0.5, Scores(words=1.0, vectors=cosine))


@pytest.mark.parametrize("cosine", [0.6, None])
def test_question_of_the_notes_is_answered(cosine: float | None) -> None:
    verdict = enough("How long does the delivery of the well pump take?", [passage(PUMP, cosine)])
    assert verdict.answer
    assert "is enough" in verdict.why


@pytest.mark.parametrize("cosine", [0.1, None])
def test_foreign_question_is_refused_without_a_doubt(cosine: float | None) -> None:
    verdict = enough(
        "Who wrote the constitution of the Roman republic?", [passage(PUMP, cosine), passage(BREAD, cosine)]
    )
    assert not verdict.answer
    assert verdict.sure
    assert "too little" in verdict.why


def test_meaning_alone_is_enough() -> None:
    assert enough("Quel est le débit?", [passage(PUMP, 0.7)]).answer


def test_rare_word_found_makes_up_for_a_poor_cosine() -> None:
    assert enough("error E1042", [passage("E1042: the pump error that frost brings.", 0.3)]).answer


def test_missing_name_weighs_more_than_a_missing_word() -> None:
    text = "The treaty was signed in the old town hall in spring."
    with_name = enough("When was the treaty of Tordesillas signed by Spain?", [passage(text, None)])
    without = enough("When was the peace treaty signed by envoys?", [passage(text, None)])
    assert (with_name.answer, without.answer) == (False, True)


@pytest.mark.parametrize("cosine", [0.45, None])
def test_who_asks_in_the_first_person_is_not_doubted_for_it(cosine: float | None) -> None:
    asked = "how do I know how long the delivery of the well pump takes?"
    mine, ours = (enough(asked.replace(" I ", f" {one} "), [passage(PUMP, cosine)]) for one in ("I", "we"))
    assert mine == ours


def test_title_counts() -> None:
    text = "It lifts 2.5 m³ an hour and takes six weeks."
    assert not enough("garden pump", [passage(text, None)]).answer
    assert enough("garden pump", [passage(text, None, title="Garden pump")]).answer


def test_nothing_found_is_never_enough() -> None:
    verdict = enough("Anything?", [])
    assert (verdict.answer, verdict.sure) == (False, True)


def test_embedder_with_high_cosines_is_measured_from_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    question = "Who wrote the constitution of the Roman republic?"
    monkeypatch.setattr(gating, "FITTED", {"plain": Marks(0.4, 0.55, 0.7), "high": Marks(0.4, 0.55, 0.7, 0.65)})
    assert enough(question, [passage(PUMP, 0.72)], embedder="plain-v2@1/256").answer
    assert not enough(question, [passage(PUMP, 0.72)], embedder="High-v1@1/256").answer


def test_cosines_of_an_unknown_embedder_decide_nothing_and_little_is_refused() -> None:
    question = "How long does the delivery of the well pump take?"
    for cosine in (0.05, 0.95):
        assert enough(question, [passage(PUMP, cosine)], embedder="someone-elses@1/512").answer
    foreign = "Who wrote the constitution of the Roman republic?"
    assert not enough(foreign, [passage(PUMP, 0.95)], embedder="someone-elses@1/512").answer


@pytest.mark.parametrize(
    ("question", "cosine", "named"),
    [
        ("How long does the delivery of the Wilo well pump take?", 0.65, "Wilo"),
        ("How long did the delivery of the well pump take in 1987?", 0.65, "1987"),
        ("Who never needs the delivery of the well pump?", 0.75, "never"),
        ("Does the well pump have a depth of 35 metres, and is it dyed purple?", 0.4, "purple"),
    ],
)
def test_doubt_names_what_the_notes_do_not_speak_of(question: str, cosine: float, named: str) -> None:
    verdict = enough(question, [passage(PUMP, cosine)])
    assert verdict.answer
    assert not verdict.sure
    assert named in verdict.doubt


def test_opposite_of_what_the_note_says_is_doubted() -> None:
    text = "The board voted to increase the fee for the allotment from spring."
    assert "opposite" in enough("When will the board decrease the fee for the allotment?", [passage(text, 0.75)]).doubt
    assert not enough("When will the board increase the fee for the allotment?", [passage(text, 0.75)]).doubt


def test_sure_answer_has_no_doubt_and_a_refusal_needs_none() -> None:
    assert enough("How long does the delivery of the well pump take?", [passage(PUMP, 0.8)]).doubt == ""
    assert enough("Who wrote the constitution of the Roman republic?", [passage(PUMP, 0.1)]).doubt == ""


@pytest.mark.parametrize("question", ["", "?", "the of and", "什么时候", "🙂"])
def test_odd_questions_get_a_verdict(question: str) -> None:
    assert isinstance(enough(question, [passage(PUMP, None)]).answer, bool)
    assert isinstance(enough(question, [passage("", 0.2)]).answer, bool)
