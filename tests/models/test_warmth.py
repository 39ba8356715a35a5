"""Switching between chat models: who stays warm, who rests, and that nobody is ended while it answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from brain.errors import ModelError
from brain.models import header, warmth
from brain.models.local import GgufChat, open_chat
from brain.models.warmth import Chats
from tests.contracts.chat import ASKED, heard, pieces
from tests.models import tiny

ENDLESS = ("▁round", "▁and", "▁about", "▁round")
PLENTY = 1 << 40


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the machine is said to have free."""
    said = {"bytes": PLENTY}
    monkeypatch.setattr(header, "free_memory", lambda: said["bytes"])
    return said


@pytest.fixture
def chats(free: dict[str, int]) -> Iterator[Chats]:
    opened = Chats(lambda path, make_room: open_chat(path, window=1024, threads=1, make_room=make_room))
    yield opened
    opened.close()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [tiny.write_chat(tmp_path / f"{name}.gguf", says=ENDLESS) for name in ("one", "two", "three")]


def asked(chat: GgufChat) -> int:
    """Ask it something; the process that answered."""
    assert heard(chat, limit=3) == "round and about"
    assert chat.pid is not None
    return chat.pid


def running(chats: Chats) -> list[str]:
    return [chat.name for chat in chats.running()]


def test_the_model_before_stays_warm_and_is_not_loaded_again(chats: Chats, files: list[Path]) -> None:
    one, two = chats.open(files[0]), chats.open(files[1])
    first = asked(one)
    asked(two)
    assert running(chats) == ["one", "two"]
    assert asked(chats.open(files[0])) == first
    assert running(chats) == ["two", "one"]


def test_two_at_most_are_warm_and_the_coldest_rests(chats: Chats, files: list[Path]) -> None:
    one, two, three = (chats.open(path) for path in files)
    first, second = asked(one), asked(two)
    asked(one)
    asked(three)
    assert running(chats) == ["one", "three"]
    assert not psutil.pid_exists(second)
    assert one.pid == first
    assert asked(two) != second  # whoever still has it may ask it
    assert running(chats) == ["three", "two"]


def test_where_memory_holds_one_the_other_rests(chats: Chats, files: list[Path], free: dict[str, int]) -> None:
    one, two = chats.open(files[0]), chats.open(files[1])
    free["bytes"] = one.memory + two.memory + warmth.MARGIN - 1
    first = asked(one)
    asked(two)
    assert running(chats) == ["two"]
    assert not psutil.pid_exists(first)
    free["bytes"] += 1
    asked(one)
    assert running(chats) == ["two", "one"]


def test_one_that_answers_is_never_ended_by_another_that_is_asked(
    chats: Chats, files: list[Path], free: dict[str, int]
) -> None:
    one, two = chats.open(files[0]), chats.open(files[1])
    free["bytes"] = one.memory  # room for one
    answer = pieces(one.stream(ASKED, limit=100_000, cancel=threading.Event()))
    next(answer)
    with pytest.raises(ModelError, match="two has to wait: one is answering, and memory does not hold both") as caught:
        heard(two)
    assert caught.value.hint
    assert next(answer).text
    answer.close()
    asked(two)
    assert running(chats) == ["two"]


def test_a_third_waits_while_two_answer(chats: Chats, files: list[Path]) -> None:
    answers = [pieces(chats.open(path).stream(ASKED, limit=100_000, cancel=threading.Event())) for path in files[:2]]
    for answer in answers:
        next(answer)
    with pytest.raises(ModelError, match="three has to wait: one and two are answering"):
        heard(chats.open(files[2]))
    answers[1].close()
    asked(chats.open(files[2]))
    assert running(chats) == ["one", "three"]
    assert next(answers[0]).text
    answers[0].close()


def test_opening_starts_and_ends_nothing(chats: Chats, files: list[Path], free: dict[str, int]) -> None:
    one = chats.open(files[0])
    free["bytes"] = one.memory
    first = asked(one)
    for path in files:
        chats.open(path)
    assert one.pid == first
    assert running(chats) == ["one"]


def test_a_file_that_was_replaced_is_opened_anew(chats: Chats, files: list[Path]) -> None:
    one = chats.open(files[0])
    first = asked(one)
    tiny.write_chat(files[0].with_name("new"), says=("▁other", "▁words", "<|im_end|>")).replace(files[0])
    again = chats.open(files[0])
    assert again is not one
    assert heard(again) == "other words"
    assert not psutil.pid_exists(first)


def test_many_conversations_at_once_each_get_their_answer(chats: Chats, files: list[Path]) -> None:
    said: list[Any] = []

    def talk(path: Path) -> None:
        for _ in range(4):
            try:
                said.append(heard(chats.open(path), limit=3))
            except ModelError as error:
                said.append(error.reason)

    talks = [threading.Thread(target=talk, args=(files[number % 3],)) for number in range(6)]
    for one in talks:
        one.start()
    for one in talks:
        one.join(60)
    assert len(said) == 24
    assert "round and about" in said
    assert all(words == "round and about" or "has to wait" in words for words in said)
    assert len(chats.running()) <= 2


def test_closing_ends_them_all(chats: Chats, files: list[Path]) -> None:
    pids = [asked(chats.open(path)) for path in files[:2]]
    chats.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
