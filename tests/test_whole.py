"""A question about one file, read from beginning to end."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from brain.errors import ModelError
from brain.estimating import Meaning, Model
from brain.events import Answered, Checked, FellBack, PartRead, Planned, Reading, Token
from brain.store.rates import Rates
from brain.types import Delta, Document, Message, Usage
from brain.whole import ask_whole
from tests.bench.planted import planted
from tests.fakes import HashingEmbedder, ScriptedChat
from tests.test_partition import paged

LIST = "List all the planted items."


class CopyingChat(ScriptedChat):
    """Copies out every sentence that has a word in it, adds one that stands nowhere, and tells how far it has read."""

    def __init__(self, word: str = "planted", *, window: int = 2048, invents: bool = True) -> None:
        super().__init__(window=window, name="copying")
        self.word, self.invents = word, invents
        self.stop_at: tuple[int, threading.Event] | None = None

    def stream(self, messages: Sequence[Message], *, limit: int, cancel: threading.Event) -> Iterator[Delta | Reading]:
        prompt = sum(self.count(message.text) for message in messages)
        assert prompt + limit <= self.window
        yield Reading(0, prompt)
        yield Reading(prompt, prompt)
        if self.stop_at is not None and len(self.asked) == self.stop_at[0]:
            self.stop_at[1].set()
        body = messages[-1].text.partition("Question:")[0]
        found = [one for one in re.findall(r"[A-Z][^.]*\.", body) if self.word in one.lower()]
        self.answer = " ".join([*found, "Bananas grow in Ecuador and nowhere else."] if self.invents else found)
        yield from super().stream(messages, limit=limit, cancel=cancel)


def minutes(**how: int) -> tuple[Document, tuple[tuple[str, int], ...]]:
    sown = planted("same words", **how)
    return paged(tuple(page.replace("\n", ". ") for page in sown.pages)), sown.items


def run(question: str, document: Document, tmp_path, chat=None, *, cancel=None, tiny=False, meaning=None, **options):
    model = None
    if chat is not None:
        limit = options.pop("limit", 200)
        model = Model(chat, "m", tiny, limit, options.pop("pin", lambda other: chat), options.pop("is_kept", False))
    return list(
        ask_whole(
            question,
            document,
            model=model,
            meaning=meaning,
            rates=Rates(tmp_path / "rates.json"),
            began=time.monotonic(),
            cancel=cancel or threading.Event(),
            **options,
        )
    )


def end(events) -> Answered:
    assert isinstance(events[0], Planned)
    assert isinstance(events[-1], Answered)
    answer = events[-1]
    for one in answer.citations:
        assert one.quote  # each is cut from the document, on the page it names
    return answer


def exact(answer: Answered, document: Document) -> None:
    for one in answer.citations:
        assert document.text[one.start : one.end] == one.quote
        (block,) = [block for block in document.blocks if block.start <= one.start < block.end]
        assert one.page == block.page


def test_quotes_list_everything_and_log_every_page(tmp_path):
    document, items = minutes(pages=60, items=12)
    events = run(LIST, document, tmp_path)
    plan, answer = events[0], end(events)
    assert (plan.way, plan.model, plan.stays_home, plan.pages, plan.cost_usd) == ("quotes", "quotes", True, 60, 0.0)
    assert plan.measured and plan.characters == len(document.text)
    assert [(one.quote, one.page) for one in answer.citations] == list(items)
    assert answer.coverage.complete and answer.coverage.read == tuple(range(1, 61))
    assert all(sentence.supported for sentence in answer.sentences)
    assert [event.sentence for event in events if isinstance(event, Checked)] == list(answer.sentences)
    exact(answer, document)


def test_pages_without_text_are_named_before_and_after(tmp_path):
    document = paged(("One was planted.", "", "Two was planted.", ""))
    events = run("List all that was planted", document, tmp_path)
    answer = end(events)
    assert events[0].without_text == answer.coverage.without_text == (2, 4)
    assert answer.unread[0].pages == (2, 4)
    assert answer.coverage.complete


def test_one_fact_is_answered_with_the_sentence_that_has_it(tmp_path):
    document, items = minutes(pages=30, items=5)
    answer = end(run("Where was the copper kettle of item 1, and what colour?", document, tmp_path))
    assert items[0][0] in [one.quote for one in answer.citations]
    assert len(answer.citations) <= 3
    assert end(run("How deep is the Mariana trench?", document, tmp_path)).abstained


def test_meaning_takes_part_where_there_is_an_embedder_and_its_failure_is_said(tmp_path):
    document, items = minutes(pages=30, items=5)
    embedder = HashingEmbedder()
    (asked,) = embedder.embed([LIST], kind="query")
    looked_at = []

    def near(texts):
        looked_at.extend(texts)
        return (embedder.embed(texts, kind="passage") @ asked).tolist()

    meaning = Meaning(lambda laid: near([document.text[unit.start : unit.end] for unit in laid]), near)
    answer = end(run(LIST, document, tmp_path, meaning=meaning))
    assert {item for item, _ in items} <= {one.quote for one in answer.citations} & set(looked_at)
    assert answer.degraded == ()

    def broken(_):
        raise ModelError("The embedder is gone")

    events = run(LIST, document, tmp_path, meaning=Meaning(broken, broken))
    assert any(isinstance(event, FellBack) and event.part == "vectors" for event in events)
    assert len(end(events).citations) == 5
    assert end(events).degraded == ("vectors",)


def test_a_document_that_fits_is_read_in_one_prompt_with_the_question_last(tmp_path):
    document, items = minutes(pages=3, items=2)
    chat, others = CopyingChat(), []
    events = run(LIST, document, tmp_path, chat, pin=lambda other: others.append(other) or chat)
    answer = end(events)
    assert (events[0].way, events[0].parts, events[0].model) == ("prompt", 1, "copying")
    assert [one.quote for one in answer.citations] == [item for item, _ in items]
    assert [sentence.supported for sentence in answer.sentences] == [True, True, False]  # the invented one is marked
    assert answer.coverage.complete
    prompt, other = chat.asked[-1][-1].text, others[0][-1].text
    assert prompt.endswith(LIST)
    assert prompt.removesuffix(LIST) == other.removesuffix("?")
    exact(answer, document)


def test_a_longer_one_is_read_part_by_part_and_only_what_stands_there_is_kept(tmp_path):
    document, items = minutes(pages=40, items=12)
    chat = CopyingChat()
    events = run(LIST, document, tmp_path, chat)
    plan, answer = events[0], end(events)
    parts = [event for event in events if isinstance(event, PartRead)]
    assert plan.way == "parts" and plan.parts == len(parts) > 2
    assert [event.part for event in parts] == list(range(1, plan.parts + 1))
    assert (parts[-1].page, parts[-1].pages) == (40, 40)
    assert [(one.quote, one.page) for one in answer.citations] == list(items)
    assert "Bananas" not in answer.answer
    assert answer.coverage.complete
    assert answer.usage.completion_tokens > 0
    shown = "".join(
        turn.text.partition(">\n")[2].partition("\n</document>")[0] for _, turn in chat.asked[-plan.parts :]
    )
    assert "".join(shown.split()) == "".join(document.text.split())  # nothing left out, nothing twice
    exact(answer, document)


def test_stopping_in_the_middle_keeps_what_was_found_and_says_what_was_not_read(tmp_path):
    document, items = minutes(pages=40, items=12)
    chat, cancel = CopyingChat(), threading.Event()
    chat.stop_at = 3, cancel  # the beginning is read once more before, to measure how fast that is
    answer = end(run(LIST, document, tmp_path, chat, cancel=cancel))
    assert answer.stopped and not answer.coverage.complete
    log = answer.coverage
    assert log.read and log.not_read and (*log.read, *log.not_read) == tuple(range(1, 41))
    assert [one.page for one in answer.citations] == [page for _, page in items if page in log.read]


def test_a_fact_found_in_many_places_is_put_into_words_and_checked_again(tmp_path):
    document, _ = minutes(pages=40, items=12)
    chat = CopyingChat()
    events = run("Where was the kettle put?", document, tmp_path, chat)
    answer = end(events)
    assert len(chat.asked) == events[0].parts + 2  # the measuring, and the putting together
    assert "Question: Where was the kettle put?" in chat.asked[-1][-1].text
    assert any(isinstance(event, Token) for event in events)
    assert any(sentence.supported for sentence in answer.sentences)


@pytest.mark.parametrize("pages", [3, 40])
def test_a_small_model_that_says_nothing_of_the_file_is_replaced_by_its_own_sentences(tmp_path, pages):
    document, items = minutes(pages=pages, items=2)
    events = run(LIST, document, tmp_path, CopyingChat("no such word"), tiny=True)
    answer = end(events)
    assert any(isinstance(event, FellBack) and event.part == "chat" for event in events)
    assert answer.model == "quotes" and [one.quote for one in answer.citations] == [item for item, _ in items]
    assert answer.coverage.complete and answer.usage.completion_tokens > 0


def test_a_model_that_dies_is_named_and_the_sentences_answer(tmp_path):
    class Dying(ScriptedChat):
        def stream(self, messages, *, limit, cancel):
            raise ModelError("It stopped unexpectedly", hint="Ask again.")

    document, items = minutes(pages=40, items=4)
    chat = Dying()
    Rates(tmp_path / "rates.json").note("m reads", 1000, 1.0)
    events = run(LIST, document, tmp_path, chat)
    answer = end(events)
    assert FellBack("chat", "It stopped unexpectedly", "Ask again.") in events
    assert (answer.model, answer.degraded) == ("quotes", ("chat", "vectors"))
    assert len(answer.citations) == len(items) and answer.coverage.complete


def test_the_plan_comes_first_and_alone_where_only_it_is_wanted(tmp_path):
    document, _ = minutes(pages=40, items=4)
    chat = CopyingChat()
    Rates(tmp_path / "rates.json").note("m reads", 500, 10.0)
    Rates(tmp_path / "rates.json").note("m speaks", 60, 5.0)
    (plan,) = run(LIST, document, tmp_path, chat, plan_only=True, why="because")
    assert chat.asked == []
    assert plan.measured and plan.why == "because"
    assert plan.seconds == pytest.approx(plan.tokens * 10 / 500 + 5 * plan.parts, rel=0.3)


def test_a_rate_that_is_not_known_is_measured_by_reading_the_beginning(tmp_path):
    document, _ = minutes(pages=40, items=4)
    chat = CopyingChat()
    (plan,) = run(LIST, document, tmp_path, chat, plan_only=True)
    assert plan.measured and len(chat.asked) == 1
    assert Rates(tmp_path / "rates.json").seconds("m reads", 100) is not None


def test_what_has_been_kept_is_not_waited_for(tmp_path):
    document, _ = minutes(pages=6, items=2)
    Rates(tmp_path / "rates.json").note("m reads", 500, 10.0)
    chat = CopyingChat(window=8192)
    (kept,) = run(LIST, document, tmp_path, chat, plan_only=True, is_kept=True)
    (fresh,) = run(LIST, document, tmp_path, chat, plan_only=True)
    assert kept.way == fresh.way == "prompt" and kept.kept
    assert kept.seconds < fresh.seconds / 2


@pytest.mark.parametrize("chat", [None, CopyingChat()], ids=["quotes", "model"])
def test_an_empty_document_is_no_error(tmp_path, chat):
    answer = end(run(LIST, paged(("", "")), tmp_path, chat))
    assert answer.abstained or chat is not None
    assert answer.coverage.without_text == (1, 2)
    assert answer.coverage.complete
    assert answer.usage == Usage() or chat is not None
