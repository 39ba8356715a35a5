"""The chunks of a streamed chat completion: what is said, what is thought, what it cost, and whether it came to its end. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from brain.cleaning import defuse
from brain.models.speech import Speech
from brain.types import Delta, Usage

MOST = 1_000_000_000  # tokens; a larger number is no count


class Garbled(ValueError):
    """An event is no chunk of an answer."""


class Refused(Exception):
    """The server says in the stream that it does not go on; its words are the only argument."""


class Answering:
    """Reads the events of one answer."""

    def __init__(self) -> None:
        self.usage: Usage | None = None  # as the server counts; None: it has not said
        self.finish = ""  # the server's word for why it ended; "": it has not
        self.is_done = False  # [DONE] has come
        self._speech = Speech()

    def hear(self, data: str) -> Iterator[Delta]:
        """What one event says. Raises Garbled, Refused."""
        if self.is_done or not data.strip():
            return
        if data.strip() == "[DONE]":
            self.is_done = True
            return
        chunk = _mapping(_parsed(data))
        if chunk.get("error") or chunk.get("object") == "error":
            raise Refused(message_in(chunk) or "")
        if "choices" not in chunk and "usage" not in chunk:
            raise Garbled
        if isinstance(chunk.get("usage"), dict):
            self.usage = usage_of(chunk["usage"])
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices:  # none: the trailing chunk that only counts
            yield from self._said(_mapping(choices[0]))

    def rest(self) -> Iterator[Delta]:
        """What was held back, because it might have become a marker of thoughts."""
        yield from (Delta(text, thought) for text, thought in self._speech.finish())

    def _said(self, choice: Mapping[str, Any]) -> Iterator[Delta]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(thought, str) and thought:
                yield Delta(defuse(thought), thought=True)
            text = delta.get("content")
            if isinstance(text, str) and text:
                yield from (Delta(piece, is_thought) for piece, is_thought in self._speech.hear(defuse(text)))
        if isinstance(reason := choice.get("finish_reason"), str):
            self.finish = reason


def usage_of(given: Mapping[str, Any]) -> Usage:
    """A server's count, in any of the forms there are. What the cache held is part of the prompt."""
    of_prompt, of_answer = given.get("prompt_tokens_details"), given.get("completion_tokens_details")
    hit = _count(given.get("prompt_cache_hit_tokens"))
    if not hit and isinstance(of_prompt, dict):
        hit = _count(of_prompt.get("cached_tokens"))
    missed = _count(given.get("prompt_cache_miss_tokens"))
    return Usage(
        prompt_tokens=_count(given.get("prompt_tokens")) or hit + missed,
        cached_tokens=hit,
        completion_tokens=_count(given.get("completion_tokens")),
        thought_tokens=_count(of_answer.get("reasoning_tokens")) if isinstance(of_answer, dict) else 0,
    )


def message_in(fault: object) -> str | None:
    """What a server says is wrong, out of the forms there are; None where it says nothing."""
    if isinstance(fault, str):
        return fault
    if isinstance(fault, list) and fault:
        return message_in(fault[0])
    if isinstance(fault, dict):
        return next(
            (text for word in ("error", "message", "detail", "msg") if (text := message_in(fault.get(word)))), None
        )
    return None


def _parsed(data: str) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Garbled from None


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Garbled
    return value


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST else 0
