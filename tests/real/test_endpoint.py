"""The endpoint client against a real server: llama-cpp-python's, with the starter chat model, on loopback."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from brain.errors import EndpointError
from brain.models.endpoint import HttpEndpoint, open_endpoint
from brain.models.shelf import Shelf
from brain.settings import EndpointSettings
from brain.types import Message
from tests.contracts.endpoint import EndpointContract

pytestmark = pytest.mark.real
CHAT = "smollm2-135m-instruct"
STARTED = 120  # seconds the server has to come up


@pytest.fixture(scope="module")
def endpoint(shelf: Shelf) -> Iterator[HttpEndpoint]:
    for name in ("fastapi", "uvicorn", "sse_starlette", "starlette_context", "pydantic_settings"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"no server: {name} is not installed (llama-cpp-python[server])")
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    options = {
        "model": shelf.find(CHAT),
        "model_alias": CHAT,
        "host": "127.0.0.1",
        "port": port,
        "n_ctx": 2048,
        "n_threads": 2,
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    server = subprocess.Popen(
        [sys.executable, "-m", "llama_cpp.server", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    given = EndpointSettings(url=f"http://127.0.0.1:{port}/v1", model=CHAT, window=2048)
    opened = open_endpoint("attic", {"attic": given})
    try:
        until = time.monotonic() + STARTED
        while True:
            with contextlib.suppress(EndpointError):
                opened.check(cancel=threading.Event())
                break
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < until, "the server did not come up"
            time.sleep(0.2)
        yield opened
    finally:
        server.terminate()
        server.wait(30)


class TestContractOnARealServer(EndpointContract):
    """All that an endpoint promises."""


def test_it_is_on_this_machine_and_says_what_it_has(endpoint: HttpEndpoint) -> None:
    assert endpoint.stays_home
    assert endpoint.has_key
    assert CHAT in endpoint.check(cancel=threading.Event()).models


def test_a_second_turn_knows_the_first(endpoint: HttpEndpoint) -> None:
    turns = [Message("user", "My dog is called Balthasar. Say hello to my dog by its name.")]
    turns.append(Message("assistant", said(endpoint, turns, limit=40)))
    turns.append(Message("user", "What is my dog called?"))
    assert "Balthasar" in said(endpoint, turns, limit=40)


def test_an_answer_that_is_cut_at_its_limit_says_so(endpoint: HttpEndpoint) -> None:
    turns = [Message("user", "Tell me a long story about a garden.")]
    assert said(endpoint, turns, limit=5)
    assert "most tokens" in endpoint.broken


def test_after_cancel_the_next_question_is_answered(endpoint: HttpEndpoint) -> None:
    cancel = threading.Event()
    answer = endpoint.send(endpoint.body([Message("user", "Tell me a long story.")], limit=1000), cancel=cancel)
    next(answer)
    cancel.set()
    assert list(answer) == []
    assert said(endpoint, [Message("user", "Say yes.")], limit=10)


def test_a_model_it_does_not_have_or_a_prompt_too_long_is_one_sentence(endpoint: HttpEndpoint) -> None:
    with pytest.raises(EndpointError) as raised:
        said(endpoint, [Message("user", "word " * 5000)], limit=10)
    assert raised.value.hint


def said(endpoint: HttpEndpoint, turns: list[Message], *, limit: int) -> str:
    pieces = endpoint.send(endpoint.body(turns, limit=limit), cancel=threading.Event())
    return "".join(piece.text for piece in pieces if not piece.thought)
