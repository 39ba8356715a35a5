"""A server on loopback that does what servers and networks do wrong, connection by connection, as its plays say.

    with FaultServer(cut_in_the_middle, answers) as server:   # the first connection, then every other one
        ...
        assert server.received[0].startswith(b"POST")

A play is a function of one `Caller`. `loopback.pem` is a certificate for localhost, 127.0.0.1 and api.deepseek.com that
nobody trusts: tests name it in SSL_CERT_FILE where it should be trusted.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.endpoints import Reply, event, lines_of

CERTIFICATE = Path(__file__).with_name("loopback.pem")
PATIENT = 20  # seconds after which a play gives up, so that no test hangs
DONE = b"data: [DONE]\n\n"


class Caller:
    """One connection as the server has it."""

    def __init__(self, plug: socket.socket, seen: bytearray, waits: threading.Event) -> None:
        self.plug = plug
        self.seen = seen  # all that has come
        self._waits = waits

    def request(self) -> bytes:
        """Reads one request to its end; returns its body."""
        while b"\r\n\r\n" not in self.seen:
            self._more()
        head, _, body = bytes(self.seen).partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        while length and len(self.seen) - len(head) - 4 < int(length[1]):
            self._more()
            body = bytes(self.seen[len(head) + 4 :])
        return body

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.plug.sendall(part)

    def head(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        """The head of an answer whose body ends with the connection."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.say("\r\n".join([f"HTTP/1.1 {status} Status", f"Content-Type: {kind}", *lines, "", ""]).encode())

    def refuse(self, status: int, message: str = "no", **headers: str) -> None:
        self.request()
        self.head(status, "application/json", **headers)
        self.say(json.dumps({"error": {"message": message}}).encode())

    def reset(self) -> None:
        """Break the connection off, without a word."""
        self.plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.plug.close()

    def until_hung_up(self) -> float:
        """Waits until the other side has closed the connection; returns when that was."""
        self._waits.set()
        with contextlib.suppress(ConnectionError):
            while self.plug.recv(65536):
                pass
        return time.monotonic()

    def _more(self) -> None:
        piece = self.plug.recv(65536)
        if not piece:
            raise ConnectionError("hung up")
        self.seen += piece


Play = Callable[[Caller], object]


class FaultServer:
    """Plays one play a connection, the last one again and again."""

    def __init__(self, *plays: Play, secure: bool = False) -> None:
        self.received: list[bytearray] = []  # of every connection, as it came
        self.hung_up: list[float] = []  # when a play saw the other side close
        self._plays = list(plays)
        self._secure = secure
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(0.02)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._open, name="fault server")]
        self.waits = threading.Event()  # a play has come to where it waits for the other side to hang up

    @property
    def port(self) -> int:
        return int(self._door.getsockname()[1])

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self._secure else f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> FaultServer:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENT)
        self._door.close()

    def _open(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                plug, _ = self._door.accept()
                play = self._plays.pop(0) if len(self._plays) > 1 else self._plays[0]
                thread = threading.Thread(target=self._play, args=(plug, play), name="fault server's play")
                self._threads.append(thread)
                thread.start()

    def _play(self, plug: socket.socket, play: Play) -> None:
        plug.settimeout(PATIENT)
        seen = bytearray()
        self.received.append(seen)
        with contextlib.suppress(OSError), contextlib.closing(secured(plug) if self._secure else plug) as line:
            if isinstance(ended := play(Caller(line, seen, self.waits)), float):
                self.hung_up.append(ended)


def secured(plug: socket.socket) -> ssl.SSLSocket:
    """The server's side of TLS with the certificate of the tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context.wrap_socket(plug, server_side=True)


def answers(caller: Caller) -> None:
    """As it should be."""
    body = caller.request()
    caller.head()
    caller.say(*lines_of(Reply("It is in the notes."), body))


def says(*parts: bytes) -> Play:
    """A stream of exactly these bytes, each sent on its own, then the end of the connection."""

    def play(caller: Caller) -> None:
        caller.request()
        caller.head()
        for part in parts:
            caller.say(part)

    return play


def word(text: str) -> bytes:
    """One event with one word in it."""
    return event({"choices": [{"index": 0, "delta": {"content": text}}]})


def refuses(status: int, message: str = "no", **headers: str) -> Play:
    return lambda caller: caller.refuse(status, message, **headers)


def accepts_and_says_nothing(caller: Caller) -> float:
    caller.request()
    return caller.until_hung_up()


def takes_the_connection_only(caller: Caller) -> float:
    return caller.until_hung_up()


def stalls_within_the_head(caller: Caller) -> float:
    caller.request()
    caller.say(b"HTTP/1.1 200 OK\r\nContent-")
    return caller.until_hung_up()


def stalls_within_the_answer(caller: Caller) -> float:
    caller.request()
    caller.head()
    caller.say(word("It "), word("is "))
    return caller.until_hung_up()


def hangs_up_at_once(caller: Caller) -> None:
    caller.request()
    caller.reset()


def cut_in_the_middle(caller: Caller) -> None:
    caller.request()
    caller.head(Transfer_Encoding="chunked")
    data = word("It ") + word("is ")
    caller.say(b"%x\r\n%s\r\n" % (len(data), data), b"ff\r\ndata: {")


def says_it_is_packed(caller: Caller) -> None:
    """A kilobyte that would unpack to a thousand times that; nobody asked for it."""
    caller.request()
    caller.head(Content_Encoding="gzip")
    caller.say(b"\x1f\x8b" + bytes(1000))


def endless_line(caller: Caller) -> float:
    """100 MB without the end of a line."""
    caller.request()
    caller.head()
    caller.say(b"data: ", *[b"x" * (1 << 20)] * 100)
    return time.monotonic()


def endless_head(caller: Caller) -> float:
    caller.request()
    caller.say(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000_000):
        caller.say(b"X-%d: %s\r\n" % (number, b"y" * 1000))
    return time.monotonic()


def speaks_of_something_else(caller: Caller) -> None:
    caller.request()
    caller.say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def asks_to_log_in(caller: Caller) -> None:
    """The page that a hotel puts before everything."""
    caller.request()
    caller.head(kind="text/html")
    caller.say(b"<html>Please log in</html>")


def refuses_and_hangs_up(caller: Caller) -> None:
    caller.request()
    caller.head(401, "application/json", Content_Length="500")
    caller.say(b'{"error"')


def refuses_with_200(caller: Caller) -> None:
    caller.refuse(200, "busy")


def sends_on_to(url: str, status: int = 307) -> Play:
    return lambda caller: caller.refuse(status, Location=url)
