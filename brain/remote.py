"""The Brain of another process, over its socket. Every call is one request on a line of its own; lines are kept for the next."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from brain import __version__
from brain.errors import OwnerEnded, OwnerSilent, QueryError, StoreBusy, StoreError
from brain.events import Event, Retrieved
from brain.line import REQUEST_BYTES, Line, answer_greeting, connect, hear_greeting, nonce
from brain.seams import Cancel
from brain.types import Choice, Consent, Document, Message, Scope, Status
from brain.wire import decode, decode_error, encode, to_bytes, value_of
from brain.wire_talks import FarConversations

ANSWER_SECONDS = 60.0  # a search may have to start the embedder first
LOOK_SECONDS = 0.1  # between two looks at `cancel` while nothing comes
SILENT_SECONDS = 2.0  # without a word, after which the owner is asked on another line whether it lives
KNOCKS = 3  # each waits for GREETING_SECONDS: a machine that is hard at work may miss one
STOP_SECONDS = 5.0  # after which an owner that does not stop is hung up on

T = TypeVar("T")


def attach(address: Path, key: bytes, *, offline: bool = False) -> RemoteBrain:
    """The Brain that answers there.

    Raises OwnerEnded where nobody answers, StoreBusy where it can never be: another version, another key, a process that
    is stopped, or one that may use the network when we, being `offline`, may not.
    """
    return RemoteBrain(address, key, offline=offline)


class RemoteBrain:
    """Everything a front end may use, done by the process that owns the store. Thread-safe.

    Any call raises OwnerEnded once that process has ended; `wait_for_end` tells when. It raises OwnerSilent where that
    process takes no call any more, as one that is stopped. One that works long on an answer takes calls meanwhile.
    """

    def __init__(self, address: Path, key: bytes, *, offline: bool) -> None:
        self._address = address
        self._key = key
        self._offline = offline
        self._lock = threading.Lock()
        self._idle: list[Line] = []
        self._open: set[Line] = set()
        self._closed = False
        self._name = nonce()  # so that the events of our own passes do not come by `follow` as well
        self._guarding = threading.Lock()
        self.conversations = FarConversations(self._call)
        try:
            self._guard = self._connect()
        except TimeoutError as error:
            raise StoreBusy(
                "The Brain that owns the index does not answer.", hint="brain status says which process it is."
            ) from error

    def search(self, query: str, *, limit: int = 10, scope: Scope = Scope()) -> Retrieved:
        """The best passages. Raises QueryError for a filter that is not understood."""
        return self._expect(Retrieved, "search", query=query, limit=limit, scope=encode(scope))

    def find(self, query: str, *, cancel: Cancel, limit: int = 10, scope: Scope = Scope()) -> Iterator[Retrieved]:
        """What words find, at once, then what `search` returns. Raises QueryError."""
        for event in self._stream("find", cancel, query=query, limit=limit, scope=encode(scope)):
            if isinstance(event, Retrieved):
                yield event

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Message] = (),
        cancel: Cancel,
        quotes: bool = False,
        model: str | None = None,
        scope: Scope = Scope(),
        consent: Consent = Consent(),
    ) -> Iterator[Event]:
        """Retrieved, then the answer as it comes, then Answered. Closing the iterator stops the model."""
        yield from self._stream(
            "ask",
            cancel,
            question=question,
            history=[encode(turn) for turn in history],
            quotes=quotes,
            model=None if model is None else _model(model),
            scope=encode(scope),
            consent=encode(consent),
        )

    def ask_whole(
        self,
        question: str,
        file: str,
        *,
        cancel: Cancel,
        quotes: bool = False,
        model: str | None = None,
        plan_only: bool = False,
        consent: Consent = Consent(),
    ) -> Iterator[Event]:
        """Planned, then the answer as it comes, then Answered with its coverage. Closing the iterator stops the model."""
        yield from self._stream(
            "ask_whole",
            cancel,
            question=question,
            file=_found(file),
            quotes=quotes,
            model=None if model is None else _model(model),
            plan_only=plan_only,
            consent=encode(consent),
        )

    def sync(self, *, cancel: Cancel, words_only: bool = False, accept_deletes: bool = False) -> Iterator[Event]:
        """One pass by the owner."""
        yield from self._stream("sync", cancel, words_only=words_only, accept_deletes=accept_deletes, asker=self._name)

    def rebuild(self, *, cancel: Cancel, vectors: bool = False) -> Iterator[Event]:
        """Both indexes made again by the owner; with `vectors`, every passage embedded again too."""
        yield from self._stream("rebuild", cancel, vectors=vectors, asker=self._name)

    def pause(self) -> None:
        """Let the owner's background rest, until `resume` or the owner's end."""
        self._call("pause")

    def resume(self) -> None:
        """Let the owner's background catch up."""
        self._call("resume")

    def follow(self, *, cancel: Cancel) -> Iterator[Event]:
        """What the owner's indexer does, as it happens, until `cancel` is set."""
        yield from self._stream("follow", cancel, asker=self._name)

    def add(self, folder: Path, *, soon: bool = True) -> None:
        """Watch one more folder. Raises FolderMissing."""
        self._call("add", path=_absolute(folder), soon=soon)

    def remove(self, folder: Path) -> int:
        """Forget a folder, not its files. Returns how many documents were forgotten. Raises FolderMissing."""
        return int(self._call("remove", path=_absolute(folder)))

    def document(self, path: Path) -> Document:
        """The stored document. Raises StoreError for a path that is not in the store."""
        return self._expect(Document, "document", path=os.fspath(path))

    def status(self) -> Status:
        """How things stand now, as the owner sees it."""
        return self._expect(Status, "status")

    def models(self) -> tuple[Choice, ...]:
        """What can answer, as the owner sees it."""
        return tuple(value_of(choice, Choice) for choice in self._call("models"))

    def warm(self, model: str | None = None) -> None:
        """Start the owner's models, so that the first question need not wait."""
        self._call("warm", model=None if model is None else _model(model))

    def wait_for_end(self) -> None:
        """Return once the owner has ended, or this is closed."""
        with self._guarding, suppress(EOFError, ValueError):
            while True:
                self._guard.receive()

    def close(self) -> None:
        """Hang up; what runs for us is stopped."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for line in self._open:
                line.end()  # each is closed by who uses it
        for line in idle:
            self._drop(line)
        with self._guarding:  # whoever waits at it has been woken
            self._drop(self._guard)

    def _expect(self, kind: type[T], name: str, **arguments: Any) -> T:
        try:
            value = decode(self._call(name, **arguments))
        except ValueError as error:
            raise _not_understood() from error
        if not isinstance(value, kind):
            raise _not_understood()
        return value

    def _call(self, name: str, **arguments: Any) -> Any:
        line = self._take()
        body: dict[str, Any] | None = None
        try:
            self._send(line, name, arguments)
            body = self._answer(line)
        except (OSError, EOFError) as error:
            raise _ended() from error
        except ValueError as error:
            raise _not_understood() from error
        finally:
            self._give_back(line, is_fit=body is not None)
        if body is None:
            raise StoreError(
                f"The Brain that owns the index does not answer for {ANSWER_SECONDS:.0f} s.",
                hint="brain status says which process it is. Try again, or end it.",
            )
        if "error" in body:
            raise decode_error(body)
        return body.get("value")

    def _answer(self, line: Line) -> dict[str, Any] | None:
        """What the owner answers; None where it lives and says nothing for very long."""
        until = time.monotonic() + ANSWER_SECONDS
        while (left := until - time.monotonic()) > 0:
            if (body := line.receive(min(left, SILENT_SECONDS))) is not None:
                return body
            self._give_back(self._line(), is_fit=True)
        return None

    def _stream(self, name: str, cancel: Cancel, **arguments: Any) -> Iterator[Event]:
        line = self._take()
        is_over, told, heard = False, 0.0, time.monotonic()
        try:
            self._send(line, name, arguments)
            while not is_over:
                if cancel.is_set():
                    if not told:
                        line.send({"cancel": 1})
                        told = time.monotonic()
                    elif time.monotonic() - told > STOP_SECONDS:
                        return
                body = line.receive(LOOK_SECONDS)
                if body is None:
                    if (
                        name != "follow" and time.monotonic() - heard > SILENT_SECONDS
                    ):  # nobody waits for what is followed
                        self._give_back(self._line(), is_fit=True)
                        heard = time.monotonic()
                    continue
                heard = time.monotonic()
                if "error" in body:
                    is_over = True
                    raise decode_error(body)
                is_over = "end" in body
                if not is_over and (event := decode(body.get("event"))) is not None:
                    yield event
        except (OSError, EOFError) as error:
            raise _ended() from error
        except ValueError as error:
            raise _not_understood() from error
        finally:
            self._give_back(line, is_fit=is_over)

    def _send(self, line: Line, name: str, arguments: dict[str, Any]) -> None:
        request = {"id": 1, "do": name, **arguments}
        if len(to_bytes(request)) > REQUEST_BYTES:
            raise QueryError(
                "The question is too long.", hint=f"The limit is {REQUEST_BYTES >> 20} MB, history included."
            )
        line.send(request)

    def _take(self) -> Line:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._line()

    def _line(self) -> Line:
        """One more line to an owner that has answered before. Raises OwnerSilent where it does not any more, OwnerEnded."""
        for _ in range(KNOCKS):
            with suppress(TimeoutError):
                return self._connect()
        raise OwnerSilent(
            "The Brain that owns the index does not answer; it may be stopped.",
            hint="What is indexed is read beside it, and nothing new is found. Let it go on, or end it.",
        )

    def _give_back(self, line: Line, *, is_fit: bool) -> None:
        with self._lock:
            if is_fit and not self._closed:
                self._idle.append(line)
                return
        self._drop(line)

    def _drop(self, line: Line) -> None:
        with self._lock:
            self._open.discard(line)
        line.close()

    def _connect(self) -> Line:
        try:
            line = connect(self._address)
        except TimeoutError:
            raise
        except OSError as error:
            raise _ended() from error
        try:
            greeting = hear_greeting(line)
            self._check(greeting)
            answer_greeting(line, self._key, greeting)
            with self._lock:
                if self._closed:
                    raise EOFError
                self._open.add(line)
        except TimeoutError:
            line.close()
            raise
        except (OSError, EOFError) as error:
            line.close()
            raise _ended() from error
        except ValueError as error:
            line.close()
            raise StoreBusy(
                "The Brain that owns the index could not prove itself.", hint="Close it and try again."
            ) from error
        except StoreBusy:
            line.close()
            raise
        return line

    def _check(self, greeting: dict[str, Any]) -> None:
        if greeting.get("brain") != __version__:
            raise StoreBusy(
                "A Brain of another version owns the index.",
                hint="Close it, or start this one again when it has ended.",
            )
        if self._offline and not greeting.get("offline"):
            raise StoreBusy(
                "The Brain that owns the index may use the network, and this one may not.",
                hint="Close it, or leave out --offline.",
            )


def _absolute(folder: Path) -> str:
    return os.fspath(folder.expanduser().absolute())


def _found(given: str) -> str:
    """A path that is here, in full, since the owner stands in another folder; anything else as it was given."""
    try:
        path = Path(given).expanduser()
        return os.fspath(path.absolute()) if path.exists() else given
    except (OSError, ValueError, RuntimeError):  # no possible file name
        return given


def _model(given: str) -> str:
    """A GGUF file that is here, in full; a name as it was given, also where a file in this folder is called so."""
    is_file = given.endswith(".gguf") or given.startswith(("/", "./", "../", "~"))
    return _found(given) if is_file else given


def _ended() -> OwnerEnded:
    return OwnerEnded("The Brain that owned the index has ended.", hint="Try again.")


def _not_understood() -> StoreError:
    return StoreError("The Brain that owns the index said something that is not understood.", hint="Start both again.")
