"""Answers without a model: the right sentence, word for word, and where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.quoting import answer_from, quotes
from brain.types import Chunk, Evidence

NOTES = {
    "Garden pump": (
        "# Pump\n\nThe **well pump** is a Grundfos SQ 2-55. It lifts 2.5 m³ an hour from a depth of 35 metres. The "
        "delivery takes six weeks.\n\nThe pump was installed by Peter Lang in May 2021. Peter likes old engines.\n\n"
        "| model | price |\n|---|---|\n| SQ 2-55 | 890 € |\n| SQ 3-40 | 1,150 € |\n\n"
        "Before winter:\n- drain the pump\n- cover the well\n"
    ),
    "Board": "The board met in March. The budget for the garden is 40,000 €. Anna Weber keeps the books.\n",
}


def evidence() -> list[Evidence]:
    return [
        Evidence(
            number, Chunk(Path(f"{title}.md"), 500, 500 + len(text), text, line=9, format="markdown"), title, 1 / number
        )
        for number, (title, text) in enumerate(NOTES.items(), 1)
    ]


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How many m³ does the pump lift in an hour?", "It lifts 2.5 m³ an hour from a depth of 35 metres."),
        ("How long does the delivery take?", "The delivery takes six weeks."),
        ("Who installed the pump?", "The pump was installed by Peter Lang in May 2021."),
        ("When was the pump installed?", "The pump was installed by Peter Lang in May 2021."),
        ("What is the price of the SQ 3-40?", "| SQ 3-40 | 1,150 € |"),
        ("How much is the garden budget?", "The budget for the garden is 40,000 €."),
        ("Who keeps the books?", "Anna Weber keeps the books."),
        ("What is to do before winter?", "Before winter:\n- drain the pump\n- cover the well"),
    ],
)
def test_first_quote_answers(question: str, quote: str) -> None:
    one, start, end = quotes(question, evidence())[0]
    assert one.chunk.text[start - 500 : end - 500].endswith(quote)


def test_sentence_that_leans_on_the_one_before_brings_it_along() -> None:
    one, start, end = quotes("How deep does it lift from, in metres?", evidence())[0]
    assert one.chunk.text[start - 500 : end - 500].startswith("The **well pump** is a Grundfos SQ 2-55. It lifts")


def test_answer_is_supported_by_what_it_is() -> None:
    spans = quotes("How long does the delivery of the pump take?", evidence())
    text, sentences, citations = answer_from(spans)
    assert 1 <= len(spans) <= 3
    assert [one.citations for one in sentences] == [(at,) for at in range(1, len(spans) + 1)]
    assert all(one.supported and one.text in text for one in sentences)
    assert "**" not in text
    for one in citations:
        note = NOTES[one.title]
        assert one.quote == note[one.start - 500 : one.end - 500]
        assert one.line == 9 + note[: one.start - 500].count("\n")


def test_quotes_never_overlap_and_keep_their_limit() -> None:
    spans = quotes("pump garden delivery winter", evidence(), limit=5)
    assert len(spans) <= 5
    for at, (one, start, end) in enumerate(spans):
        for other, begin, stop in spans[at + 1 :]:
            assert one.chunk.path != other.chunk.path or end <= begin or stop <= start


def test_nothing_shared_is_nothing_quoted() -> None:
    assert quotes("Quantum chromodynamics?", evidence()) == []
    assert quotes("pump", []) == []
    assert answer_from([]) == ("", (), ())


@settings(max_examples=60)
@given(st.text(max_size=80), st.text(max_size=300))
def test_any_text_is_survived(question: str, note: str) -> None:
    source = Evidence(1, Chunk(Path("a.md"), 3, 3 + len(note), note, format="markdown"), "A", 1.0)
    _, _, citations = answer_from(quotes(question, [source]))
    assert all(note[one.start - 3 : one.end - 3] == one.quote != "" for one in citations)
