"""Answers other processes over a socket: the questions and wishes of every front end that does not own the store itself.

One thread accepts, one listens to each client, one runs each long request. What a client sends can hurt that client only.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from brain import __version__
from brain.errors import BrainError
from brain.events import Event, Retrieved
from brain.line import GREETING_BYTES, Line, greet, hush, listen, new_key, peer_user
from brain.log import log
from brain.seams import Cancel, Conversations
from brain.types import Choice, Consent, Document, Message, Scope, Status
from brain.wire import encode, encode_error, field_of, value_of
from brain.wire_talks import ANSWERS as ABOUT_CONVERSATIONS

MOST_CLIENTS = 128  # connections; a front end has four or five
MOST_AT_ONCE = 16  # long requests of one connection
LOOK_SECONDS = 1.0  # how soon the end is noticed where closing the socket does not wake who waits at it
END_SECONDS = 10.0

T = TypeVar("T")


class Hosted(Protocol):
    """The Brain that answers. An `asker` names the process: it hears of its own passes once, everyone else who follows too."""

    @property
    def conversations(self) -> Conversations: ...
    def ask(
        self,
        question: str,
        *,
        history: Sequence[Message],
        cancel: Cancel,
        quotes: bool,
        model: str | None,
        scope: Scope,
        consent: Consent,
    ) -> Iterator[Event]: ...
    def ask_whole(
        self,
        question: str,
        file: str,
        *,
        cancel: Cancel,
        quotes: bool,
        model: str | None,
        plan_only: bool,
        consent: Consent,
    ) -> Iterator[Event]: ...
    def sync(self, *, cancel: Cancel, words_only: bool, accept_deletes: bool, asker: str) -> Iterator[Event]: ...
    def rebuild(self, *, cancel: Cancel, vectors: bool, asker: str) -> Iterator[Event]: ...
    def follow(self, *, cancel: Cancel, asker: str) -> Iterator[Event]: ...
    def search(self, query: str, *, limit: int, scope: Scope) -> Retrieved: ...
    def find(self, query: str, *, cancel: Cancel, limit: int, scope: Scope) -> Iterator[Retrieved]: ...
    def add(self, folder: Path, *, soon: bool) -> None: ...
    def remove(self, folder: Path) -> int: ...
    def document(self, path: Path) -> Document: ...
    def status(self) -> Status: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def warm(self, model: str | None) -> None: ...
    def models(self) -> tuple[Choice, ...]: ...


class Server:
    """A socket that only this user's processes with the key can talk to."""

    def __init__(self, home: Path, *, offline: bool) -> None:
        """Listen; whoever calls waits until `answering`. Raises OSError."""
        self.key = new_key()
        self._home = home
        self._about = {"brain": __version__, "offline": offline}
        self._listening, self.address = listen(home)
        self._listening.settimeout(LOOK_SECONDS)
        self._ending = threading.Event()
        self._clients: dict[threading.Thread, Line] = {}
        self._lock = threading.Lock()

    @contextmanager
    def answering(self, brain: Hosted) -> Iterator[None]:
        """While this lasts everyone who proves the key is answered."""
        thread = threading.Thread(target=self._accept, args=(brain,), name="socket", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.close()
            thread.join(timeout=END_SECONDS)

    def close(self) -> None:
        """Hang up on everyone, stop what runs for them, and take the socket away."""
        if self._ending.is_set():
            return
        self._ending.set()
        hush(self.address, self._home)
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            clients = dict(self._clients)
        for line in clients.values():
            line.end()
        for thread in clients:
            thread.join(timeout=END_SECONDS)

    def _accept(self, brain: Hosted) -> None:
        for number in count(1):
            connected = self._next()
            if connected is None:
                return
            if len(self._clients) >= MOST_CLIENTS or peer_user(connected) not in (None, os.getuid()):
                log.warning("client refused")
                connected.close()
                continue
            line = Line(connected, limit=GREETING_BYTES)
            name = f"client {number}"
            thread = threading.Thread(target=self._serve, args=(line, brain, name), name=name, daemon=True)
            with self._lock:
                if self._ending.is_set():
                    line.close()
                    return
                self._clients[thread] = line
                thread.start()

    def _next(self) -> socket.socket | None:
        while not self._ending.is_set():
            try:
                return self._listening.accept()[0]
            except TimeoutError:
                continue
            except OSError:  # closed, or no file left to give to a client
                self._ending.wait(0.1)
        return None

    def _serve(self, line: Line, brain: Hosted, name: str) -> None:
        try:
            greet(line, self.key, self._about)
            Client(line, brain, name).listen()
        except EOFError:
            pass
        except (OSError, ValueError) as error:
            log.warning("client dropped", extra={"kind": type(error).__name__})
        finally:
            line.close()
            with self._lock:
                self._clients.pop(threading.current_thread(), None)


class Client:
    """One connection: what it asks for, and what runs for it."""

    def __init__(self, line: Line, brain: Hosted, name: str) -> None:
        self._line = line
        self._brain = brain
        self._name = name
        self._running: dict[int, tuple[threading.Thread, Cancel]] = {}

    def listen(self) -> None:
        """Take requests until the client hangs up; what runs for it then is stopped. Raises EOFError, OSError, ValueError."""
        try:
            while True:
                if (request := self._line.receive()) is not None:
                    self._take(request)
        finally:
            running = list(self._running.values())
            for _, cancel in running:
                cancel.set()
            self._line.end()
            for thread, _ in running:
                thread.join(timeout=END_SECONDS)

    def _take(self, request: dict[str, Any]) -> None:
        match request:
            case {"cancel": int(number)}:
                if number in self._running:
                    self._running[number][1].set()
            case {"id": int(number), "do": str(name)} if name in STREAMS:
                if len(self._running) >= MOST_AT_ONCE or number in self._running:
                    raise ValueError("too much at once")
                cancel = threading.Event()
                thread = threading.Thread(
                    target=self._stream,
                    args=(number, name, request, cancel),
                    name=f"{self._name} {name}",
                    daemon=True,
                )
                self._running[number] = (thread, cancel)
                thread.start()
            case {"id": int(number), "do": str(name)} if name in ANSWERS:
                self._guarded(number, lambda: self._say(number, value=ANSWERS[name](self._brain, request)))
            case _:
                raise ValueError("not a request")

    def _stream(self, number: int, name: str, request: dict[str, Any], cancel: Cancel) -> None:
        def run() -> None:
            try:
                with closing(cast("Generator[Event]", STREAMS[name](self._brain, request, cancel))) as events:
                    for event in events:
                        self._say(number, event=encode(event))
            finally:
                self._forget(number)  # before the end, or what went wrong, is said: from then on the number is free
            self._say(number, end=True)

        try:
            self._guarded(number, run)
        finally:
            self._forget(number)

    def _forget(self, number: int) -> None:
        thread, _ = self._running.get(number, (None, None))
        if thread is threading.current_thread():
            del self._running[number]

    def _guarded(self, number: int, work: Callable[[], None]) -> None:
        try:
            work()
        except _HungUp:
            return  # `listen` hears it as well, and stops the rest
        except BrainError as error:
            failed = encode_error(error)
        except ValueError:
            log.exception("request not understood", extra={"client": self._name})
            failed = encode_error(BrainError("The request was not understood."))
        except Exception:  # noqa: BLE001 - a bug in one answer must not end the answers to everyone else: logged, and said
            log.exception("answer broke")
            failed = encode_error(BrainError("Brain stumbled over a bug of its own.", hint="Details are in the log."))
        else:
            return
        with suppress(_HungUp):
            self._say(number, **failed)

    def _say(self, number: int, **body: Any) -> None:
        try:
            self._line.send({"id": number, **body})
        except OSError as error:
            raise _HungUp from error


class _HungUp(Exception):
    """The client is gone."""


def _ask(brain: Hosted, request: dict[str, Any], cancel: Cancel) -> Iterator[Event]:
    history = tuple(value_of(turn, Message) for turn in field_of(request, "history", list))
    return brain.ask(
        field_of(request, "question", str),
        history=history,
        cancel=cancel,
        quotes=field_of(request, "quotes", bool),
        model=_model(request),
        scope=value_of(request.get("scope"), Scope),
        consent=value_of(request.get("consent"), Consent),
    )


def _ask_whole(brain: Hosted, request: dict[str, Any], cancel: Cancel) -> Iterator[Event]:
    return brain.ask_whole(
        field_of(request, "question", str),
        field_of(request, "file", str),
        cancel=cancel,
        quotes=field_of(request, "quotes", bool),
        model=_model(request),
        plan_only=field_of(request, "plan_only", bool),
        consent=value_of(request.get("consent"), Consent),
    )


def _model(request: dict[str, Any]) -> str | None:
    return None if request.get("model") is None else field_of(request, "model", str)


def _search(brain: Hosted, request: dict[str, Any]) -> dict[str, Any]:
    scope = value_of(request.get("scope"), Scope)
    return encode(brain.search(field_of(request, "query", str), limit=_limit(request), scope=scope))


def _find(brain: Hosted, request: dict[str, Any], cancel: Cancel) -> Iterator[Event]:
    scope = value_of(request.get("scope"), Scope)
    return brain.find(field_of(request, "query", str), cancel=cancel, limit=_limit(request), scope=scope)


def _limit(request: dict[str, Any]) -> int:
    limit = field_of(request, "limit", int)
    if not 1 <= limit <= 1000:
        raise ValueError("a limit out of bounds")
    return limit


def _sync(brain: Hosted, request: dict[str, Any], cancel: Cancel) -> Iterator[Event]:
    return brain.sync(
        cancel=cancel,
        words_only=field_of(request, "words_only", bool),
        accept_deletes=field_of(request, "accept_deletes", bool),
        asker=field_of(request, "asker", str),
    )


def _rebuild(brain: Hosted, request: dict[str, Any], cancel: Cancel) -> Iterator[Event]:
    return brain.rebuild(
        cancel=cancel, vectors=field_of(request, "vectors", bool), asker=field_of(request, "asker", str)
    )


def _follow(brain: Hosted, request: dict[str, Any], cancel: Cancel) -> Iterator[Event]:
    return brain.follow(cancel=cancel, asker=field_of(request, "asker", str))


STREAMS: Mapping[str, Callable[[Hosted, dict[str, Any], Cancel], Iterator[Event]]] = {
    "ask": _ask,
    "ask_whole": _ask_whole,
    "find": _find,
    "sync": _sync,
    "rebuild": _rebuild,
    "follow": _follow,
}
ANSWERS: Mapping[str, Callable[[Hosted, dict[str, Any]], Any]] = {
    "search": _search,
    "status": lambda brain, _: encode(brain.status()),
    "document": lambda brain, request: encode(brain.document(Path(field_of(request, "path", str)))),
    "add": lambda brain, request: brain.add(Path(field_of(request, "path", str)), soon=field_of(request, "soon", bool)),
    "remove": lambda brain, request: brain.remove(Path(field_of(request, "path", str))),
    "pause": lambda brain, _: brain.pause(),
    "resume": lambda brain, _: brain.resume(),
    "warm": lambda brain, request: brain.warm(_model(request)),
    "models": lambda brain, _: [encode(choice) for choice in brain.models()],
    **ABOUT_CONVERSATIONS,
}
