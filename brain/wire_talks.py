"""The requests about saved conversations, both ends of them: how one is asked of another Brain, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from brain.conversations import Conversation, Summary
from brain.errors import StoreError
from brain.events import Answered
from brain.seams import Conversations
from brain.types import Scope, Verdict
from brain.wire import encode, field_of, value_of

MOST = 100_000  # conversations in one list

T = TypeVar("T")


class Host(Protocol):
    """Who answers."""

    @property
    def conversations(self) -> Conversations: ...


class FarConversations:
    """`seams.Conversations` of another process; `call` makes one request there and returns what it says."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def summaries(self, words: str = "", *, limit: int = 100) -> tuple[Summary, ...]:
        """Those that hold all of these words; last used first."""
        return tuple(_heard(one, Summary) for one in _list(self._call("chats", words=words, limit=limit)))

    def get(self, id: int) -> Conversation:
        """One with all its turns. Raises StoreError."""
        return _heard(self._call("chat", number=id), Conversation)

    def append(self, answered: Answered, *, key: str, conversation: int | None = None, scope: Scope = Scope()) -> int:
        """Keep an answer; it is on disk when this returns. Raises StoreError."""
        number = self._call(
            "append", answered=encode(answered), key=key, conversation=conversation, scope=encode(scope)
        )
        if type(number) is not int:
            raise _not_understood()
        return number

    def rename(self, id: int, title: str) -> None:
        """Give it another title. Raises StoreError."""
        self._call("rename", number=id, title=title)

    def delete(self, id: int) -> Conversation:
        """Delete it and return it. Raises StoreError."""
        return _heard(self._call("delete", number=id), Conversation)

    def restore(self, lost: Conversation) -> None:
        """Put back what was deleted."""
        self._call("restore", lost=encode(lost))

    def verdicts(self, id: int) -> tuple[tuple[Verdict, ...], ...]:
        """For each turn, how each of its citations stands in the files as they are now. Raises StoreError."""
        turns = _list(self._call("verdicts", number=id))
        return tuple(tuple(_heard(one, Verdict) for one in _list(turn)) for turn in turns)


def _append(brain: Host, request: dict[str, Any]) -> int:
    conversation = None if request.get("conversation") is None else field_of(request, "conversation", int)
    return brain.conversations.append(
        value_of(request.get("answered"), Answered),
        key=field_of(request, "key", str),
        conversation=conversation,
        scope=value_of(request.get("scope"), Scope),
    )


def _chats(brain: Host, request: dict[str, Any]) -> list[Any]:
    limit = field_of(request, "limit", int)
    if not 1 <= limit <= MOST:
        raise ValueError("a limit out of bounds")
    return [encode(one) for one in brain.conversations.summaries(field_of(request, "words", str), limit=limit)]


def _verdicts(brain: Host, request: dict[str, Any]) -> list[Any]:
    return [[encode(one) for one in turn] for turn in brain.conversations.verdicts(_number(request))]


ANSWERS: Mapping[str, Callable[[Host, dict[str, Any]], Any]] = {
    "chats": _chats,
    "chat": lambda brain, request: encode(brain.conversations.get(_number(request))),
    "append": _append,
    "rename": lambda brain, request: brain.conversations.rename(_number(request), field_of(request, "title", str)),
    "delete": lambda brain, request: encode(brain.conversations.delete(_number(request))),
    "restore": lambda brain, request: brain.conversations.restore(value_of(request.get("lost"), Conversation)),
    "verdicts": _verdicts,
}


def _number(request: dict[str, Any]) -> int:
    number = field_of(request, "number", int)
    if not 0 <= number < 1 << 63:
        raise ValueError("a number out of bounds")
    return number


def _heard(body: Any, kind: type[T]) -> T:
    try:
        return value_of(body, kind)
    except ValueError as error:
        raise _not_understood() from error


def _list(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise _not_understood()
    return body


def _not_understood() -> StoreError:
    return StoreError("The Brain that owns the index said something that is not understood.", hint="Start both again.")
