"""A real tiny model in front of notes that give it orders: nothing of theirs comes out as supported."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from brain.ask import ask
from brain.events import Answered, Retrieved
from brain.models.local import GgufChat, open_chat
from brain.models.shelf import Shelf
from tests.test_injections import FACT, INJECTIONS, QUESTION, passage

pytestmark = pytest.mark.real

KINDS = (
    "ignore",
    "chat template",
    "when asked",
    "comment",
    "german",
    "order and claim",
    "print prompt",
    "fake citation",
)


@pytest.fixture(scope="module")
def smollm(shelf: Shelf) -> Iterator[GgufChat]:
    opened = open_chat(shelf.find("smollm2-135m-instruct"), window=4096)
    yield opened
    opened.close()


@pytest.mark.parametrize("tiny", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_orders_in_a_note_change_neither_evidence_nor_marks(smollm: GgufChat, kind: str, tiny: bool) -> None:
    note, _ = INJECTIONS[kind]
    *_, answer = ask(
        QUESTION,
        Retrieved(QUESTION, (passage(1, note, "evil.md", 0.75), passage(2, FACT, "board.md"))),
        chat=lambda: smollm,
        tiny=tiny,
        history=(),
        limit=80,
        unread=lambda evidence: (),
        began=time.monotonic(),
        cancel=threading.Event(),
    )
    assert isinstance(answer, Answered)
    assert all(citation.path.name == "board.md" for citation in answer.citations)
    assert not any(sentence.supported and "99" in sentence.text for sentence in answer.sentences)
    if tiny:
        assert answer.citations
        assert "40" in answer.answer
