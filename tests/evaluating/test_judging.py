"""One answer judged: figures that were worked out by hand."""

from pathlib import Path

import pytest

from brain.ask import QUOTES
from brain.evaluating.judging import contains, exact, f1, judge, words
from brain.evaluating.sets import Question, Span
from brain.events import Answered
from brain.types import Chunk, Citation, Evidence, Sentence, Usage

GARDEN = "The board agreed on 40 000 euros for the garden, to be spent before October."


def question(**parts) -> Question:
    return Question("q1", "How much?", **{"gold": {"garden.md": 1}, "answers": ("40 000 euros",), **parts})


def evidence(path: str, text: str, start: int = 0) -> Evidence:
    return Evidence(1, Chunk(Path(path), start, start + len(text), text), "", 1.0)


def citation(path: str, quote: str, start: int = 0) -> Citation:
    return Citation(1, Path(path), "", start, start + len(quote), quote)


def answered(answer: str, *citations: Citation, supported: bool = True, model: str = "tiny", **parts) -> Answered:
    sentences = tuple(Sentence(text, (), supported) for text in answer.split("\n") if text)
    found = tuple(evidence(str(one.path), one.quote, one.start) for one in citations)
    return Answered("How much?", answer, not answer, model, True, sentences, citations, found, **parts)


def judged(asked: Question, answer: Answered):
    return judge(asked, answer, str)


@pytest.mark.parametrize(
    ("said", "answer", "same", "share", "held"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1, 1.0, True),
        ("in Paris, France", "Paris", 0, 0.5, True),  # 1 of 3 words, 1 of 1: 2 × 1 ÷ 4
        ("It was built in 1889.", "1889", 0, 2 / 6, True),
        ("18890", "1889", 0, 0.0, False),
        ("the dynasty (1115–1234)", "1115", 0, 0.0, True),
        ("the dynasty (1115–1234)", "1115–1234", 0, 2 / 3, True),
        ("北京大学", "北京", 0, 2 / 3, True),
        ("「東京」", "東京", 1, 1.0, True),
        ("Put `---` on its own line.", "---", 0, 0.0, True),
        ("a-b", "-", 0, 0.0, False),
        ("", "1889", 0, 0.0, False),
        ("the", "a", 1, 1.0, False),
    ],
)
def test_words_are_compared_as_squad_compares_them(said, answer, same, share, held):
    assert exact(said, answer) == same
    assert f1(said, answer) == pytest.approx(share)
    assert contains(said, answer) == held


def test_scripts_without_spaces_are_words_of_one_character():
    assert words("The 日本 of A4") == ["日", "本", "of", "a4"]


def test_the_best_of_several_accepted_answers_counts():
    values = judged(question(answers=("the sum", "40 000 euros")), answered("It was 40 000 euros.")).values
    assert (values["exact"], values["contains"]) == (0.0, 1.0)
    assert values["f1"] == pytest.approx(2 * 3 / (5 + 3))


def test_a_refusal_scores_nothing_where_there_is_an_answer_and_has_no_citations_to_judge():
    one = judged(question(), answered(""))
    assert one.is_refused
    assert (one.values["f1"], one.values["contains"], one.values["found"]) == (0.0, 0.0, 0.0)
    assert not {"cites_right", "documents_right", "first", "sentences"} & set(one.values)


@pytest.mark.parametrize(
    ("said", "yes"),
    [("Yes. There is no limit.", 0.0), ("No, there is none.", 1.0), ("Only while it runs.", 1.0), ("Perhaps.", 0.0)],
)
def test_yes_or_no_is_the_first_that_is_said(said, yes):
    asked = question(answers=("No", "only while it runs"), yes_or_no="no")
    assert judged(asked, answered(said)).values["contains"] == yes


def test_of_an_answer_in_parts_the_share_counts():
    asked = question(answers=("7 days and 12 months",), parts=(("7 days",), ("12 months", "a year")))
    assert judged(asked, answered("Snapshots stay 7 days, versions a year.")).values["contains"] == 1.0
    assert judged(asked, answered("Snapshots stay 7 days.")).values["contains"] == 0.5


def test_a_citation_is_right_where_it_holds_the_answer():
    values = judged(
        question(), answered(GARDEN, citation("garden.md", GARDEN), citation("roof.md", "Two firms."))
    ).values
    assert (values["cites_right"], values["cites_whole"], values["found"]) == (0.5, 1.0, 1.0)
    assert (values["documents_right"], values["documents_whole"]) == (0.5, 1.0)
    right_place_wrong_words = judged(question(), answered("x", citation("garden.md", "A garden."))).values
    assert (right_place_wrong_words["cites_whole"], right_place_wrong_words["documents_whole"]) == (0.0, 1.0)


def test_a_citation_is_right_where_it_overlaps_the_passage_that_is_known():
    span = Span("garden.md", 10, 40, 1, 1, "")
    asked = question(spans=(span, Span("roof.md", 0, 5, 1, 1, "")))
    touching = judged(asked, answered("x", citation("garden.md", "y" * 11, start=0))).values
    assert (touching["cites_right"], touching["cites_whole"]) == (1.0, 0.5)
    beside = judged(asked, answered("x", citation("garden.md", "y" * 10, start=0))).values
    assert (beside["cites_right"], beside["cites_whole"]) == (0.0, 0.0)


def test_of_yes_or_no_the_document_is_looked_at():
    asked = question(answers=("Yes",), yes_or_no="yes")
    values = judged(asked, answered("Yes.", citation("garden.md", GARDEN))).values
    assert values["cites_whole"] == 1.0


def test_an_answer_without_citations_carries_nothing():
    values = judged(question(), answered("40 000 euros")).values
    assert (values["cites_right"], values["cites_whole"], values["documents_right"]) == (0.0, 0.0, 0.0)


def test_a_trap_is_fallen_into_only_without_the_right_answer():
    asked = question(trap="30 000")
    assert judged(asked, answered("It was 30 000.")).values["trapped"] == 1.0
    assert judged(asked, answered("Not 30 000 but 40 000 euros.")).values["trapped"] == 0.0
    assert judged(question(trap="30 000", answers=(), is_answerable=False), answered("")).values["trapped"] == 0.0


@pytest.mark.parametrize(
    ("said", "supported", "model", "refused"),
    [
        ("The notes do not mention it.", False, "tiny", True),
        ("I don't know.", False, "tiny", True),
        ("The notes do not mention it.", True, "tiny", False),
        ("No answer came from the firm.", False, QUOTES, False),
        ("It was 40 000 euros.", False, "tiny", False),
    ],
)
def test_a_model_may_refuse_in_words_and_a_quote_may_not(said, supported, model, refused):
    assert judged(question(), answered(said, supported=supported, model=model)).is_refused is refused


def test_sentences_and_tokens_are_counted():
    one = judged(question(), answered("One.\nTwo.", supported=False, usage=Usage(10, 0, 5, cost_usd=0.25)))
    assert (one.values["sentences"], one.values["unsupported"]) == (2, 2)
    assert (one.values["prompt"], one.values["completion"], one.values["cost"]) == (10, 5, 0.25)


def test_quotes_where_a_model_was_asked_are_counted():
    def fell_back(answer: Answered, *, by_model: bool) -> bool:
        return judge(question(), answer, str, by_model=by_model).fell_back

    assert fell_back(answered(GARDEN, model=QUOTES), by_model=True)
    assert not fell_back(answered(GARDEN, model=QUOTES), by_model=False)
    assert not fell_back(answered(GARDEN), by_model=True)
    assert not fell_back(answered("", model=QUOTES), by_model=True)  # the gate refused before any model was asked
