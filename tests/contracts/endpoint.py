"""What every Endpoint promises. A test class inherits these and brings a fixture `endpoint` that has at least ten words to say."""

from __future__ import annotations

import json
import threading
from itertools import islice
from typing import Any

from brain.types import Message, Usage

ASKED = (
    Message("system", "You answer questions about notes."),
    Message("user", "Hello."),
    Message("assistant", ""),
    Message("user", "Tell me about bread in a few words."),
)


def heard(endpoint: Any, *, limit: int = 12) -> str:
    said = endpoint.send(endpoint.body(ASKED, limit=limit), cancel=threading.Event())
    return "".join(piece.text for piece in said if not piece.thought)


class EndpointContract:
    def test_a_body_is_the_same_bytes_every_time_and_holds_the_turns(self, endpoint: Any) -> None:
        body = endpoint.body(ASKED, limit=12)
        assert body == endpoint.body(ASKED, limit=12)
        turns = json.loads(body)["messages"]
        assert [turn["role"] for turn in turns] == [turn.role for turn in ASKED]
        assert [turn["content"] for turn in turns] == [turn.text for turn in ASKED]  # "", never null

    def test_streams_pieces_and_counts_them(self, endpoint: Any) -> None:
        said = list(endpoint.send(endpoint.body(ASKED, limit=12), cancel=threading.Event()))
        assert said
        assert all(piece.text for piece in said)
        assert endpoint.usage.prompt_tokens > 0
        assert endpoint.usage.completion_tokens > 0

    def test_the_same_body_has_the_same_answer(self, endpoint: Any) -> None:
        assert heard(endpoint) == heard(endpoint) != ""

    def test_a_body_cancelled_before_it_is_sent_is_not_sent(self, endpoint: Any) -> None:
        cancel = threading.Event()
        cancel.set()
        assert list(endpoint.send(endpoint.body(ASKED, limit=12), cancel=cancel)) == []
        assert endpoint.usage == Usage()

    def test_cancel_ends_an_answer_without_an_error(self, endpoint: Any) -> None:
        cancel, heard_before = threading.Event(), 0
        for _ in endpoint.send(endpoint.body(ASKED, limit=400), cancel=cancel):
            heard_before += 1
            cancel.set()
        assert heard_before == 1

    def test_an_answer_nobody_hears_to_its_end_does_not_block_the_next(self, endpoint: Any) -> None:
        whole = heard(endpoint)
        answer = endpoint.send(endpoint.body(ASKED, limit=400), cancel=threading.Event())
        assert len(list(islice(answer, 1))) == 1
        answer.close()
        assert heard(endpoint) == whole

    def test_longer_texts_have_more_tokens(self, endpoint: Any) -> None:
        assert 0 < endpoint.count("bread") < endpoint.count("bread and butter, and some more bread")

    def test_says_what_it_is(self, endpoint: Any) -> None:
        assert endpoint.name
        assert endpoint.model
        assert endpoint.host in endpoint.url
        assert endpoint.window > 0
        assert isinstance(endpoint.stays_home, bool)
