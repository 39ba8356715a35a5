"""A fake OpenAI-style server on loopback, such as DeepSeek's: answers as it is told to and keeps every byte it was sent.

    with FakeEndpoint() as server:
        server.script("It is in the notes.", Reply("Another answer.", thoughts="Hm."), Reply(status=402))
        settings = EndpointSettings(url=server.url, model="deepseek-flash")
        ...
        assert b"canary" not in b"".join(server.bodies)

Answers are taken in turn and the last one is repeated. It is on loopback, so an endpoint there stays home; for one that does
not, `stand_in` leads what is meant for api.deepseek.com to it (in this process), and a model that ends in ":cloud" is one
that a server on this machine hands on to another (in any process). Faults of a network are played by tests/models/faults.py.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import pytest

from brain.models.addresses import Address, address_of
from brain.models.wires import Exchange


@dataclass(frozen=True)
class Reply:
    """One answer: its text word by word, thoughts ahead of it, then its usage."""

    text: str = "It is in the notes."
    thoughts: str = ""
    usage: dict[str, Any] | None = None  # None: counted from the body, one token a word
    finish: str = "stop"
    status: int = 200
    error: str = "refused"  # what is said with any other status
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None  # waited for after the first word


def stand_in(monkeypatch: pytest.MonkeyPatch, server: FakeEndpoint, host: str = "api.deepseek.com") -> None:
    """Lead what is sent to https://`host` to this server instead; everything above the wire believes it went there."""
    begin = Exchange.__init__
    here = address_of(server.url, owner="fake")

    def led(self: Exchange, address: Address, **options: Any) -> None:
        begin(self, here if address.host == host else address, **options)

    monkeypatch.setattr(Exchange, "__init__", led)


Answer = str | Reply | Callable[[dict[str, Any]], "str | Reply"]


class FakeEndpoint:
    """A server for the length of a `with`. `url` is its address; `script` says what it answers."""

    def __init__(self, *answers: Answer, models: tuple[str, ...] = ("deepseek-flash", "deepseek-v4-pro")) -> None:
        self.bodies: list[bytes] = []  # of every POST, as it came
        self.requests: list[tuple[str, str]] = []  # method and path of everything that was asked
        self.headers: list[dict[str, str]] = []  # of everything that was asked, names in lower case
        self.models = models
        self._answers: list[Answer] = list(answers) or [Reply()]
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake endpoint")

    @property
    def url(self) -> str:
        """What belongs into `[endpoints.NAME] url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The bodies, parsed."""
        return [json.loads(body) for body in self.bodies]

    def script(self, *answers: Answer) -> None:
        """What is answered from now on, in turn; the last one again and again. A function is given the parsed body."""
        with self._lock:
            self._answers = list(answers)

    def __enter__(self) -> FakeEndpoint:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def next_reply(self, body: bytes) -> Reply:
        """Keeps the body and says what is answered to it."""
        with self._lock:
            self.bodies.append(body)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        said = answer(json.loads(body)) if callable(answer) else answer
        return Reply(said) if isinstance(said, str) else said

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *arguments: object) -> None: ...

            def _note(self) -> None:
                with fake._lock:
                    fake.requests.append((self.command, self.path))
                    fake.headers.append({name.lower(): value for name, value in self.headers.items()})

            def do_GET(self) -> None:
                self._note()
                if self.path.endswith("/models"):
                    self._json(
                        200, {"object": "list", "data": [{"id": name, "object": "model"} for name in fake.models]}
                    )
                elif self.path.endswith("/user/balance"):
                    money = {"currency": "USD", "total_balance": "4.20"}
                    self._json(200, {"is_available": True, "balance_infos": [money]})
                else:
                    self._json(404, {"error": {"message": "not here"}})

            def do_POST(self) -> None:
                self._note()
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                reply = fake.next_reply(body)
                if reply.status != 200:
                    self._json(reply.status, {"error": {"message": reply.error}}, reply.headers)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream; charset=utf-8")
                self.send_header("Transfer-Encoding", "chunked")
                for name, text in reply.headers.items():
                    self.send_header(name, text)
                self.end_headers()
                try:
                    for at, line in enumerate(lines_of(reply, body)):
                        self._chunk(line)
                        if at == 1 and reply.gate is not None:
                            reply.gate.wait(30)
                    self.wfile.write(b"0\r\n\r\n")
                except OSError:  # who asked has hung up
                    self.close_connection = True

            def _chunk(self, data: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, text in (headers or {}).items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(data)

        return Handler


def lines_of(reply: Reply, body: bytes) -> Iterator[bytes]:
    """The events of a stream, each with its blank line: a first one without text, words, the finish with usage, [DONE]."""
    yield event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "", "reasoning_content": ""}}]})
    for piece in words(reply.thoughts):
        yield event({"choices": [{"index": 0, "delta": {"content": None, "reasoning_content": piece}}]})
    for piece in words(reply.text):
        yield event({"choices": [{"index": 0, "delta": {"content": piece}}]})
    done = {"index": 0, "delta": {"content": ""}, "finish_reason": reply.finish}
    usage = usage_of(reply, body) if reply.usage is None else reply.usage
    yield event({"choices": [done], "usage": usage})
    yield b"data: [DONE]\n\n"


def usage_of(reply: Reply, body: bytes) -> dict[str, Any]:
    """One token a word, nothing of it from the cache."""
    prompt = sum(len(words(message["content"])) for message in json.loads(body)["messages"])
    thought, said = len(words(reply.thoughts)), len(words(reply.text))
    return {
        "prompt_tokens": prompt,
        "prompt_cache_hit_tokens": 0,
        "prompt_cache_miss_tokens": prompt,
        "completion_tokens": thought + said,
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def words(text: str) -> list[str]:
    """A text in words, each with the white space behind it."""
    return re.findall(r"\S+\s*", text)


def event(value: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"
