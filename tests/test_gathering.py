"""Everything of a kind out of a long document."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from brain import gathering
from brain.gathering import gather, wants_all
from brain.partition import units
from brain.types import Block, Document
from tests.bench.planted import KINDS, Planted, planted


def gathered(question: str, text: str, **meaning) -> list[str]:
    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),) if text else ())
    found, end = gather(question, text, units(document), **meaning)
    assert end == len(text)
    return [text[one.start : one.end] for one in found]


def recall(sown: Planted) -> tuple[float, float]:
    found = gathered(sown.question, "\n\n".join(sown.pages))
    hit = sum(any(item in one for one in found) for item, _ in sown.items)
    return hit / len(sown.items), hit / max(1, len(found))


@pytest.mark.parametrize("kind", ["same words", "varied"])
@pytest.mark.parametrize("seed", [1, 2])
def test_forty_planted_items_of_two_hundred_pages_are_all_found_and_little_else(kind, seed):
    found, right = recall(planted(kind, seed=seed))
    assert found >= 0.95
    assert right >= 0.9


@pytest.mark.parametrize("items", [1, 3, 120])
def test_how_many_there_are_need_not_be_known(items):
    assert recall(planted("same words", pages=130, items=items)) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("question", "all_of_them"),
    [
        ("List all the planted items.", True),
        ("list the risks", True),
        ("Which tools were lent to Anna?", True),
        ("What are the open questions?", True),
        ("Name every person who spoke", True),
        ("Liste alle Beschlüsse", True),
        ("Name the planted items.", True),
        ("Find the hidden objects", True),
        ("Please give me the names of the members", True),
        ("What planted items are there?", True),
        ("What items does the report mention?", True),
        ("Who were the guests?", True),
        ("Give me the address of the mill", False),
        ("Find the status of the roof", False),
        ("Name the process", False),
        ("What does the boss do?", False),
        ("Who keeps the books?", False),
        ("Which process is the fastest?", False),
        ("How many m³ does the pump lift in an hour?", False),
        ("What was decided about the garden?", False),
    ],
)
def test_a_question_for_everything_is_told_from_one_for_a_fact(question, all_of_them):
    assert wants_all(question) is all_of_them
    assert all(wants_all(kind.question) for kind in KINDS.values())


def test_the_items_below_a_lead_in_belong_to_it():
    text = (
        "# Trip\n\nThe bus leaves at nine.\n\nTo bring along on the hike:\n\n- a map\n- two ropes\n- bread\n\n"
        "The weather will be good. Nobody needs an umbrella.\n"
    )
    assert [one.lstrip("- ") for one in gathered("List everything to bring on the hike", text)] == [
        "a map",
        "two ropes",
        "bread",
    ]


def test_a_number_at_the_end_of_a_sentence_and_the_beginning_of_a_line_belongs_to_the_sentence():
    text = "The board met. The secret code of the vault is\n4821. Nobody spoke. The secret code of the gate is\n77."
    assert [" ".join(one.split()) for one in gathered("List all secret codes", text)] == [
        "The secret code of the vault is 4821.",
        "The secret code of the gate is 77.",
    ]
    steps = "Secret steps\n1. Secretly mix flour\n2. Secretly add milk\n3. Secretly wait"
    assert gathered("List all secrets", steps)[-3:] == [
        "1. Secretly mix flour",
        "2. Secretly add milk",
        "3. Secretly wait",
    ]


def test_the_word_for_the_members_alone_is_enough():
    text = "\n\n".join(f"A list of members was read on day {day}. Nobody spoke." for day in range(40))
    text += "\n\nITEM-07: the heron feather is in drawer 12.\n\nITEM-08: the old map is in drawer 3."
    assert [one[:7] for one in gathered("List all items", text)] == ["ITEM-07", "ITEM-08"]


def test_the_head_of_every_page_is_said_once():
    text = "\n\n".join(f"Report on planted items\n\nNothing of note on day {day}." for day in range(30))
    text += "\n\nPlanted items: none but a kettle."
    assert gathered("List all planted items", text).count("Report on planted items") <= 1


def test_questions_are_no_answers_unless_they_are_asked_for():
    text = "The board met. Where is the key? Is that an open question: who pays the bill? The keys are in the drawer."
    assert all("?" not in one for one in gathered("List all keys", text))
    assert any("who pays" in one for one in gathered("List all open questions", text))


def test_a_document_that_says_nothing_of_the_kind_gives_nothing():
    assert gathered("List all the submarines", "The board met. The garden was watered. Nobody spoke.") == []
    assert gathered("List all the submarines", "") == []


def test_meaning_finds_what_is_said_in_other_words():
    text = "\n\n".join([*(f"Day {day} was calm and long." for day in range(60)), "A feline slept.", "The cat slept."])

    def near(texts):
        return [0.9 if "feline" in one or "cat" in one else 0.0 for one in texts]

    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),))
    cosines = near([text[unit.start : unit.end] for unit in units(document)])
    assert "A feline slept." not in gathered("List all cats", text)
    with_meaning = gathered("List all cats", text, cosines=cosines, near=near)
    assert "The cat slept." in with_meaning and all("Day" not in one for one in with_meaning)


def by_hand(texts):
    """Nearness to hiding: what an embedder would say."""
    return [0.9 if any(word in one for word in ("hidden", "concealed", "out of sight")) else 0.1 for one in texts]


def test_what_is_like_the_answers_found_is_found_in_other_words_too():
    sown = planted("other words", pages=60, items=15)
    text = "\n\n".join(sown.pages)
    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),))
    laid = units(document)
    cosines = by_hand([text[unit.start : unit.end] for unit in laid])
    words_only, _ = gather(sown.question, text, laid)
    found, _ = gather(sown.question, text, laid, alike=lambda _: (cosines, by_hand))
    assert {text[one.start : one.end] for one in found} == {item for item, _ in sown.items}
    assert len(words_only) < len(found)
    # Where everything is about the same, nothing stands out.
    assert (
        gather(sown.question, text, laid, alike=lambda _: (cosines, lambda texts: [0.9] * len(texts)))[0] == words_only
    )
    assert gather(sown.question, text, laid, alike=lambda _: None)[0] == words_only


def by_share(low: float, high: float, known: tuple[str, ...]):
    """Nearness by hand: `high` for what holds any of these words, else `low`."""
    return lambda texts: [high if any(word in text for word in known) else low for text in texts]


OTHER_WORDS = ("hidden", "concealed", "out of sight")


def test_what_shares_words_with_the_items_found_is_looked_at_first_however_long_the_document(monkeypatch):
    """The budget of sentences compared is spent on them: their pages alone look like any others."""
    monkeypatch.setattr(gathering, "COMPARED", 25)
    sown = planted("other words", pages=60, items=15)
    text = "\n\n".join(sown.pages)
    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),))
    laid = units(document)
    flat = [0.5] * len(laid)
    found, _ = gather(sown.question, text, laid, alike=lambda _: (flat, by_share(0.1, 0.7, OTHER_WORDS)))
    assert {text[one.start : one.end] for one in found} == {item for item, _ in sown.items}


def test_what_shares_words_may_be_less_near_but_never_as_far_as_the_rest():
    sown = planted("other words", pages=60, items=15)
    text = "\n\n".join(sown.pages)
    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),))
    laid = units(document)
    flat = [0.5] * len(laid)

    def near(to_others: float):
        def cosines(texts):
            return [
                0.7 if "hidden" in one else to_others if any(w in one for w in OTHER_WORDS) else 0.1 for one in texts
            ]

        return lambda _: (flat, cosines)

    words_only, _ = gather(sown.question, text, laid)
    some, _ = gather(sown.question, text, laid, alike=near(0.37))
    assert len(some) > len(words_only)
    assert gather(sown.question, text, laid, alike=near(0.2))[0] == words_only


def test_where_the_items_are_no_more_alike_than_the_document_is_nothing_is_added():
    """Of a paper all about one thing, what is nearest to its subject would else be taken for what was asked."""
    sown = planted("other words", pages=60, items=15)
    text = "\n\n".join(sown.pages)
    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),))
    laid = units(document)

    def cosines(texts):
        return [0.45 if "hidden" in one else 0.7 if any(word in one for word in OTHER_WORDS) else 0.4 for one in texts]

    assert (
        gather(sown.question, text, laid, alike=lambda _: ([0.5] * len(laid), cosines))[0]
        == gather(sown.question, text, laid)[0]
    )


def test_words_that_everything_has_lead_nowhere():
    """A document all about one thing: what is near enough is kept for its meaning alone."""
    kept = "".join(f"The mill was repaired in {year}. " for year in range(1900, 1906))
    rest = "".join(f"The mill ground {count} sacks of flour in a week. " for count in range(100, 160))
    text = kept + rest
    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),))
    laid = units(document)
    found, _ = gather(
        "List all the years in which it was repaired", text, laid,
        alike=lambda _: ([0.5] * len(laid), by_share(0.35, 0.7, ("repaired",))),
    )  # fmt: skip
    assert len(found) == 6


def test_what_was_looked_at_before_a_stop_is_said():
    sown = planted("same words")
    text, looks = "\n\n".join(sown.pages), iter([False, False, True])
    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),))
    found, end = gather(sown.question, text, units(document), stopped=lambda: next(looks))
    assert 0 < end < len(text)
    assert {text[one.start : one.end] for one in found} == {item for item, _ in sown.items if item in text[:end]}


@given(some.text(max_size=300), some.text(max_size=60))
def test_any_question_and_text_give_spans_in_order_without_overlaps(text, question):
    document = Document(Path("/n/a.md"), "A", text, (Block("prose", 0, len(text)),) if text else ())
    found, _ = gather(question, text, units(document))
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
