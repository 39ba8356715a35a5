"""What a chat model says, on its way to the reader."""

from dataclasses import replace
from pathlib import Path

import pytest

from brain import citing
from brain.events import Checked, Token
from brain.phrasing import Phrasing
from brain.types import Chunk, Evidence

TEXT = "The well gives 1,100 litres an hour. The pump was made in Ulm. The board paid 4,200 € for it."
EVIDENCE = (Evidence(1, Chunk(Path("/n/well.md"), 0, len(TEXT), TEXT, format="text"), "Well", 0.9),)


def hear(answer: str, *, tiny: bool = False, step: int = 3) -> tuple[Phrasing, str, list]:
    phrasing = Phrasing("What about the well?", EVIDENCE, tiny=tiny)
    events = []
    for at in range(0, len(answer), step):
        events += phrasing.add(answer[at : at + step])
        if phrasing.is_over:
            break
    events += phrasing.finish()
    shown = "".join(event.text for event in events if isinstance(event, Token))
    return phrasing, shown, [event.sentence for event in events if isinstance(event, Checked)]


def test_everything_is_shown_once_and_every_sentence_checked_in_order():
    answer = "The well gives 1,100 litres an hour. The moon is made of cheese. The board paid 4,200 € for it."
    for step in (1, 3, 7, 500):
        phrasing, shown, checked = hear(answer, step=step)
        assert shown == answer == phrasing.text
        assert [sentence.supported for sentence in checked] == [True, False, True]
        assert tuple(checked) == phrasing.cited()[0]
        assert not phrasing.is_over


def test_a_loop_ends_at_its_first_repetition_and_the_repetition_is_never_shown():
    once = "The well gives 1,100 litres an hour. The pump was made in Ulm. "
    for step in (1, 4, 9):
        phrasing, shown, checked = hear(once * 5, step=step)
        assert phrasing.is_over
        assert shown.strip() == once.strip() == phrasing.text
        assert len(checked) == 2


def test_a_sentence_that_only_begins_like_an_earlier_one_is_shown_whole():
    answer = "The well gives 1,100 litres an hour. The well gives no wine. The pump was made in Ulm."
    _, shown, checked = hear(answer, step=2)
    assert shown == answer
    assert len(checked) == 3


def test_a_repetition_at_the_very_end_is_dropped_too():
    phrasing, shown, _ = hear("The pump was made in Ulm. The pump was made in Ulm.")
    assert shown.strip() == phrasing.text == "The pump was made in Ulm."


def test_a_tiny_model_is_stopped_when_it_leaves_the_sources():
    answer = "The pump was made in Ulm. Bananas are yellow. Camels drink a lot. Paris is large. Rome is old."
    phrasing, shown, checked = hear(answer, tiny=True)
    assert phrasing.is_over
    assert [sentence.supported for sentence in checked] == [True, False, False]
    assert shown.strip() == phrasing.text == "The pump was made in Ulm. Bananas are yellow. Camels drink a lot."
    assert hear(answer, tiny=False)[1] == answer


@pytest.mark.parametrize("loop", ["5 subjects: the test ", ":", "ab ", "the data center's "])
def test_a_tiny_model_that_says_one_phrase_over_and_over_is_stopped(loop):
    phrasing, shown, _ = hear("The pump was made in Ulm. It is " + loop * 60, tiny=True)
    assert phrasing.is_over
    assert phrasing.text.count(loop.strip()) < 12
    assert len(shown) < 300


def test_a_table_is_no_loop():
    answer = "| a | b | c |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n| 4 | 5 | 6 |"
    assert hear(answer, tiny=False)[1] == answer


def test_nothing_said_is_nothing_shown():
    phrasing, shown, checked = hear("")
    assert (phrasing.text, shown, checked, phrasing.cited()) == ("", "", [], ((), ()))


def test_every_source_is_made_ready_once_however_often_the_answer_is_cited(monkeypatch):
    made = []
    monkeypatch.setattr(
        citing, "_source", lambda one, question, make=citing._source: made.append(one) or make(one, question)
    )
    sources = [replace(EVIDENCE[0], number=number) for number in range(1, 101)]
    phrasing = Phrasing("What about the well?", sources, tiny=False)
    for piece in TEXT.split(" "):
        list(phrasing.add(piece + " "))
    list(phrasing.finish())
    assert all(sentence.supported for sentence in phrasing.cited()[0])
    assert made == sources


def test_a_mark_behind_a_sentence_that_is_known_still_chooses_its_source():
    sources = [replace(EVIDENCE[0], number=1), replace(EVIDENCE[0], number=2, title="Pump")]
    phrasing = Phrasing("What about the well?", sources, tiny=False)
    for piece in ("The pump was made in Ulm.", "\n\n[2]", "\n\nThe board paid 4,200 € for it."):
        list(phrasing.add(piece))
    list(phrasing.finish())
    assert [one.title for one in phrasing.cited()[1]] == ["Pump", "Well"]


def test_what_turns_out_to_have_been_a_thought_is_no_part_of_the_answer():
    phrasing = Phrasing("What about the well?", EVIDENCE, tiny=False)
    list(phrasing.add("Let me see. The moon is made of cheese. Hm"))
    assert phrasing.forget() == "Let me see. The moon is made of cheese. Hm"
    events = [*phrasing.add("The pump was made in Ulm."), *phrasing.finish()]
    assert "".join(event.text for event in events if isinstance(event, Token)) == phrasing.text
    assert phrasing.text == "The pump was made in Ulm."
    assert [sentence.supported for sentence in phrasing.cited()[0]] == [True]
