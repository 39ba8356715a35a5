"""How soon cancel closes a connection, and what is said of every fault: `python -m tests.bench.endpoints [TIMES]`.

The first is measured where the server stands: from cancel to the moment it sees the connection closed, in every state an
exchange can wait in. Network beyond this machine is not needed.
"""

from __future__ import annotations

import os
import random
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from brain.errors import EndpointError
from brain.models.endpoint import HttpEndpoint, open_endpoint
from brain.models.wires import Patience
from brain.settings import EndpointSettings
from brain.types import Message
from tests.models import faults
from tests.models.faults import FaultServer, Play, refuses, says, word

ASKED = (Message("user", "Where is it?"),)
LONG = Patience(connect=30, idle=30, pauses=(30.0,))
QUICK = Patience(connect=5, idle=1, pauses=(0.01,), longest_pause=1)

STATES: tuple[tuple[str, Play, bool], ...] = (
    ("while TLS is agreed on", faults.takes_the_connection_only, True),
    ("waiting for the first byte", faults.accepts_and_says_nothing, False),
    ("within the head", faults.stalls_within_the_head, False),
    ("within the answer", faults.stalls_within_the_answer, False),
)

FAULTS: tuple[tuple[str, Play], ...] = (
    ("400", refuses(400, "max_tokens is too large")),
    ("401, repeating the key", refuses(401, "Incorrect API key provided: sk-canary-0123456789")),
    ("402", refuses(402, "Insufficient Balance")),
    ("403", refuses(403)),
    ("404", refuses(404, "model not found")),
    ("413", refuses(413, "too long")),
    ("422", refuses(422, "unknown field")),
    ("429, Retry-After: 120", refuses(429, "slow down", Retry_After="120")),
    ("500 each time", refuses(500, "internal error")),
    ("503 each time", refuses(503, "overloaded")),
    ("redirect to another host", faults.sends_on_to("https://elsewhere.example/v1")),
    ("silence after the request", faults.accepts_and_says_nothing),
    ("silence within the head", faults.stalls_within_the_head),
    ("silence within the answer", faults.stalls_within_the_answer),
    ("reset after the request", faults.hangs_up_at_once),
    ("cut within the answer", faults.cut_in_the_middle),
    ("end without [DONE]", says(word("It "), word("is "))),
    ("garbage in place of an event", says(b"data: {nonsense\n\n")),
    ("garbage within the answer", says(word("It "), b"data: {nonsense\n\n")),
    ("not HTTP", faults.speaks_of_something_else),
    ("a web page", faults.asks_to_log_in),
    ("an error in a 200", faults.refuses_with_200),
    ("a line of 100 MB", faults.endless_line),
    ("a head without end", faults.endless_head),
    ("a packed answer", faults.says_it_is_packed),
)


def main() -> None:
    """Print both tables."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    os.environ["DEEPSEEK_API_KEY"] = "sk-canary-0123456789"
    print(f"load {os.getloadavg()[0]:.1f}, {times} times each\n\n| cancel | median ms | longest ms |\n|---|---|---|")
    for name, play, secure in STATES:
        row(name, [cancelled(play, secure=secure) for _ in range(times)])
    row("connecting", [cancelled_while_connecting() for _ in range(times)])
    row("looking a name up", [cancelled_while_looking_up() for _ in range(times)])
    row("between two tries", [cancelled_between_tries() for _ in range(times)])
    print("\n| fault | message | next step |\n|---|---|---|")
    for name, play in FAULTS:
        with FaultServer(play) as server:
            print(f"| {name} | {' | '.join(told(opened(server.url, QUICK)))} |")
    with FaultServer(faults.answers, secure=True) as server:
        print(f"| a certificate nobody trusts | {' | '.join(told(opened(server.url, QUICK)))} |")
    with FaultServer(lambda caller: caller.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        print(f"| no TLS there | {' | '.join(told(opened(server.url.replace('http:', 'https:'), QUICK)))} |")
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    print(f"| refused | {' | '.join(told(opened(f'http://127.0.0.1:{port}', QUICK)))} |")
    print(f"| no such name | {' | '.join(told(opened('https://nowhere.invalid', QUICK)))} |")
    with FaultServer(refuses(407)) as proxy:
        os.environ["HTTPS_PROXY"] = f"http://127.0.0.1:{proxy.port}"
        print(f"| the proxy refuses | {' | '.join(told(open_endpoint('deepseek', {}, patience=QUICK)))} |")
    del os.environ["DEEPSEEK_API_KEY"]
    print(f"| no key | {' | '.join(told(open_endpoint('deepseek', {})))} |")


def row(name: str, seconds: list[float]) -> None:
    print(f"| {name} | {1000 * statistics.median(seconds):.0f} | {1000 * max(seconds):.0f} |")


def opened(url: str, patience: Patience) -> HttpEndpoint:
    return open_endpoint("deepseek", {"deepseek": EndpointSettings(url=url, key="DEEPSEEK_API_KEY")}, patience=patience)


def told(endpoint: HttpEndpoint) -> tuple[str, str]:
    """What is said of a question: the error with its next step, or what was kept and why it is not whole."""
    try:
        kept = "".join(piece.text for piece in endpoint.send(endpoint.body(ASKED, limit=9), cancel=threading.Event()))
    except EndpointError as error:
        return error.reason, error.hint
    return endpoint.broken, f'("{kept}" is kept)'


@contextmanager
def asking(url: str, patience: Patience = LONG) -> Iterator[Callable[[], float]]:
    """Asks in a thread; gives a function that cancels, waits for the end, and returns when `send` had ended."""
    endpoint, cancel, ended = opened(url, patience), threading.Event(), []

    def ask() -> None:
        list(endpoint.send(endpoint.body(ASKED, limit=9), cancel=cancel))
        ended.append(time.monotonic())

    thread = threading.Thread(target=ask)
    thread.start()

    def stop() -> float:
        began = time.monotonic()
        cancel.set()
        thread.join()
        return ended[0] - began

    yield stop


def cancelled(play: Play, *, secure: bool) -> float:
    """Seconds from cancel to the closed connection, as the server sees it."""
    with FaultServer(play) as server, asking(server.url.replace("http:", "https:") if secure else server.url) as stop:
        server.waits.wait(20)
        time.sleep(random.uniform(0.05, 0.15))  # so that it waits, at any point between two looks
        began = time.monotonic()
        stop()
    return server.hung_up[0] - began


def cancelled_while_connecting() -> float:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as door:
        others = [socket.socket() for _ in range(4)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(door.getsockname())
        with asking(f"http://127.0.0.1:{door.getsockname()[1]}") as stop:
            time.sleep(random.uniform(0.05, 0.15))
            seconds = stop()
        for other in others:
            other.close()
    return seconds


def cancelled_while_looking_up() -> float:
    look_up, over, asked = socket.getaddrinfo, threading.Event(), threading.Event()

    def slow(*_arguments: object, **_options: object) -> list[object]:
        asked.set()
        over.wait(30)
        return []

    socket.getaddrinfo = slow  # type: ignore[assignment]
    try:
        with asking("https://slow.invalid") as stop:
            asked.wait(20)
            time.sleep(random.uniform(0.05, 0.15))
            return stop()
    finally:
        over.set()
        socket.getaddrinfo = look_up


def cancelled_between_tries() -> float:
    refused = threading.Event()

    def busy(caller: faults.Caller) -> None:
        caller.refuse(503)
        refused.set()

    with FaultServer(busy) as server, asking(server.url) as stop:
        refused.wait(20)
        time.sleep(0.05)
        return stop()


if __name__ == "__main__":
    main()
