"""What every ChatModel promises. A test class inherits these and brings a fixture `chat` that has at least ten tokens to say."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from brain.events import Reading
from brain.types import Delta, Message

ASKED = (Message("system", "You answer questions about notes."), Message("user", "Tell me about bread in a few words."))


def heard(chat: Any, messages: Any = ASKED, *, limit: int = 12) -> str:
    said = pieces(chat.stream(messages, limit=limit, cancel=threading.Event()))
    return "".join(piece.text for piece in said if not piece.thought)


def pieces(stream: Iterable[Delta | Reading]) -> Iterator[Delta]:
    """What is said, without how far the prompt is read."""
    return (said for said in stream if isinstance(said, Delta))


class ChatContract:
    def test_streams_pieces_and_counts_them(self, chat: Any) -> None:
        said = list(chat.stream(ASKED, limit=12, cancel=threading.Event()))
        assert list(pieces(said)) == [piece for piece in said if not isinstance(piece, Reading)] != []
        assert all(piece.text for piece in pieces(said))
        assert chat.usage.prompt_tokens > 0
        assert 0 < chat.usage.completion_tokens <= 12

    def test_keeps_to_the_limit(self, chat: Any) -> None:
        heard(chat, limit=3)
        assert chat.usage.completion_tokens == 3

    def test_the_same_question_has_the_same_answer(self, chat: Any) -> None:
        assert heard(chat) == heard(chat) != ""

    def test_a_question_cancelled_before_it_is_asked_has_no_answer(self, chat: Any) -> None:
        cancel = threading.Event()
        cancel.set()
        assert list(chat.stream(ASKED, limit=12, cancel=cancel)) == []

    def test_cancel_ends_an_answer_without_an_error(self, chat: Any) -> None:
        cancel, heard_before = threading.Event(), 0
        for _ in pieces(chat.stream(ASKED, limit=400, cancel=cancel)):
            heard_before += 1
            cancel.set()
        assert heard_before == 1

    def test_an_answer_nobody_hears_to_its_end_does_not_block_the_next(self, chat: Any) -> None:
        whole = heard(chat)
        answer = chat.stream(ASKED, limit=400, cancel=threading.Event())
        assert len(list(islice(pieces(answer), 1))) == 1
        answer.close()
        assert heard(chat) == whole

    def test_longer_texts_have_more_tokens(self, chat: Any) -> None:
        assert 0 < chat.count("bread") < chat.count("bread and butter, and some more bread")

    def test_says_what_it_is(self, chat: Any) -> None:
        assert chat.name
        assert chat.window > 0
        assert isinstance(chat.stays_home, bool)
