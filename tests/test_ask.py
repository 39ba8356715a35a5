"""A question on its way to an answer."""

import threading
import time
from dataclasses import replace
from pathlib import Path

from brain.ask import QUOTES, ask
from brain.errors import ModelError
from brain.events import Answered, Checked, FellBack, Retrieved, Token
from brain.types import Chunk, Evidence, Scores, Unread, Window
from tests.fakes import ScriptedChat

BOARD = (
    "After discussion the board agreed on 40 000 € for the garden, to be spent before October. "
    "Ana owns the budget and reports monthly."
)
PUMP = "The pump set P3 is delivered in week 24, valid until 30 June."


def evidence(number: int, text: str, name: str, *, words: float = 1.0, vectors: float = 0.6) -> Evidence:
    chunk = Chunk(Path(f"/notes/{name}"), 100, 100 + len(text), text, line=7, format="text", id=number)
    return Evidence(number, chunk, Path(name).stem, vectors, Scores(words=words, vectors=vectors))


FOUND = Retrieved("budget", (evidence(1, BOARD, "board.txt"), evidence(2, PUMP, "pump.txt", words=0.3, vectors=0.3)))
QUESTION = "How much money did the board agree on for the garden?"


def run(chat, *, found=FOUND, question=QUESTION, cancel=None, **options):
    return list(
        ask(
            question,
            found,
            chat=chat,
            tiny=options.pop("tiny", True),
            history=options.pop("history", ()),
            limit=options.pop("limit", 200),
            unread=options.pop("unread", lambda evidence: ()),
            began=time.monotonic(),
            cancel=cancel or threading.Event(),
        )
    )


def answered(events) -> Answered:
    assert isinstance(events[-1], Answered)
    assert sum(isinstance(event, Answered) for event in events) == 1
    return events[-1]


def test_supported_sentence_carries_its_exact_span_and_an_invented_one_none():
    chat = ScriptedChat("The board agreed on 40 000 € for the garden. It will rain bananas in Toronto on Friday.")
    answer = answered(run(lambda: chat))
    good, bad = answer.sentences
    assert good.supported and not bad.supported and not bad.citations
    (citation,) = answer.citations
    assert good.citations == (citation.number,)
    assert BOARD[citation.start - 100 : citation.end - 100] == citation.quote
    assert "40 000 €" in citation.quote
    assert not answer.abstained


def test_tokens_join_to_the_answer_and_each_sentence_is_checked_behind_its_last_token():
    chat = ScriptedChat("The board agreed on 40 000 € for the garden. Ana owns the budget and reports monthly.")
    events = run(lambda: chat)
    answer = answered(events)
    assert "".join(event.text for event in events if isinstance(event, Token)).strip() == answer.answer
    checked = [event.sentence for event in events if isinstance(event, Checked)]
    assert tuple(checked) == answer.sentences
    first = next(at for at, event in enumerate(events) if isinstance(event, Checked))
    before = "".join(event.text for event in events[:first] if isinstance(event, Token))
    assert before.strip() == "The board agreed on 40 000 € for the garden."


def test_a_tiny_model_that_says_nothing_of_the_notes_is_replaced_by_their_own_words():
    chat = ScriptedChat("Bananas are yellow and grow in Ecuador.")
    events = run(lambda: chat)
    (fell,) = [event for event in events if isinstance(event, FellBack)]
    assert "stands nowhere in your notes" in fell.reason
    answer = answered(events)
    assert answer.model == QUOTES
    assert "Bananas" not in answer.answer
    assert answer.citations
    assert answer.usage.completion_tokens > 0
    assert answer.degraded == ()
    larger = answered(run(lambda: chat, tiny=False))
    assert larger.answer.startswith("Bananas")
    assert not larger.sentences[0].supported


def test_without_a_chat_model_the_answer_is_quotes_from_the_notes():
    answer = answered(run(None))
    assert answer.model == QUOTES
    assert answer.citations
    assert all(sentence.supported for sentence in answer.sentences)
    assert all(citation.quote in BOARD + PUMP for citation in answer.citations)


def test_a_chat_model_that_fails_is_named_and_the_quotes_answer():
    def broken():
        raise ModelError("The model stopped unexpectedly", hint="Ask again.")

    events = run(broken)
    assert FellBack("chat", "The model stopped unexpectedly", "Ask again.") in events
    answer = answered(events)
    assert answer.model == QUOTES
    assert "chat" in answer.degraded
    assert answer.citations


def test_a_question_the_notes_do_not_answer_never_reaches_the_model():
    chat = ScriptedChat("Paris.")
    weak = Retrieved("q", (evidence(1, PUMP, "pump.txt", words=0.0, vectors=0.02),))
    answer = answered(run(lambda: chat, found=weak, question="What is the capital of France and who founded it?"))
    assert answer.abstained
    assert not answer.answer
    assert answer.evidence == weak.evidence
    assert chat.asked == []


def test_nothing_found_at_all_is_said_so():
    answer = answered(run(lambda: ScriptedChat("x"), found=Retrieved("q", ())))
    assert answer.abstained
    assert not answer.evidence


def test_stopping_before_the_first_word_gives_an_empty_stopped_answer():
    cancel = threading.Event()
    cancel.set()
    answer = answered(run(lambda: ScriptedChat("The board agreed."), cancel=cancel))
    assert answer.stopped
    assert not answer.answer


def test_usage_and_unread_pages_come_with_the_answer():
    unread = (Unread(Path("/notes/scan.pdf"), (2, 3)),)
    answer = answered(run(lambda: ScriptedChat("The board agreed on 40 000 €."), unread=lambda evidence: unread))
    assert answer.unread == unread
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.completion_tokens == 7
    assert 0 < answer.seconds.first_token <= answer.seconds.total


def test_a_small_window_still_holds_question_and_source():
    chat = ScriptedChat("The board agreed on 40 000 € for the garden.", window=300)
    answer = answered(run(lambda: chat, limit=200))
    (messages,) = chat.asked
    assert sum(chat.count(message.text) for message in messages) <= 300
    assert any(QUESTION in message.text for message in messages)
    assert answer.citations


def test_a_doubtful_answer_says_what_was_not_found_and_a_sure_one_does_not():
    assert answered(run(None)).doubt == ""
    doubtful = answered(run(None, question="How much money did the board agree on with Ruritania?"))
    assert not doubtful.abstained
    assert "Ruritania" in doubtful.doubt


def test_a_question_for_a_day_alone_is_answered_with_what_its_notes_begin_with():
    day = Window("2026-06-16", "2026-06-16", "yesterday", "only")
    found = replace(FOUND, query="what happened?", window=day)
    for chat in (None, lambda: ScriptedChat("Bananas are yellow.")):
        answer = answered(run(chat, found=found, question="what happened yesterday?"))
        assert [citation.quote for citation in answer.citations] == [BOARD.split(". ", maxsplit=1)[0] + ".", PUMP]
        assert all(sentence.supported for sentence in answer.sentences)
        assert answer.model == QUOTES
    asked_for_more = replace(found, query="what happened to the bananas?")
    assert answered(run(None, found=asked_for_more, question="what happened to the bananas yesterday?")).abstained
