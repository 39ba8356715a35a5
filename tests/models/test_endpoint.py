"""Endpoints against a server on loopback that does what servers and networks do wrong."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import traceback
import tracemalloc
from dataclasses import replace

import pytest

from brain.errors import EndpointError, SettingsError
from brain.models.endpoint import endpoint_names, is_endpoint, open_endpoint
from brain.models.wires import Patience
from brain.settings import EndpointSettings
from brain.types import Delta, Message, Usage
from tests.contracts.endpoint import EndpointContract
from tests.endpoints import FakeEndpoint, Reply, event, stand_in
from tests.models import faults
from tests.models.faults import DONE, FaultServer, refuses, says, word

KEY = "sk-canary-0123456789abcdef"
QUICK = Patience(connect=20, idle=20, pauses=(0.01, 0.01), longest_pause=1)
IDLE = 1.5  # seconds, where a stall is what is played: long enough for what comes ahead of it on a busy machine
PATIENT = Patience(connect=20, idle=20, pauses=(20.0,), longest_pause=60)
ASKED = (Message("system", "Answer."), Message("user", "Where is it?"))


@pytest.fixture(autouse=True)
def key(monkeypatch, caplog):
    """A key in the environment, and after every test: not a word of it in any log, the library's own included."""
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    yield KEY
    assert KEY not in caplog.text


def opened(url: str, *, patience: Patience = QUICK, **settings):
    given = EndpointSettings(**{"url": url, "key": "DEEPSEEK_API_KEY", **settings})
    return open_endpoint("deepseek", {"deepseek": given}, patience=patience)


def said(endpoint, *, body: bytes | None = None) -> str:
    sent = endpoint.body(ASKED, limit=50) if body is None else body
    return "".join(piece.text for piece in endpoint.send(sent, cancel=threading.Event()) if not piece.thought)


def refused(endpoint) -> EndpointError:
    """The error of a question, with no part of the key anywhere in it or in what is chained to it."""
    with pytest.raises(EndpointError) as raised:
        said(endpoint)
    error = raised.value
    assert error.reason.endswith((".", "?", '"')), error.reason
    assert error.hint, error.reason
    links, told = error, ""
    while links is not None:
        told += f"{links!r} {links} {vars(links)}"
        links = links.__cause__ or links.__context__
    told += "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert KEY not in told
    assert KEY[:12] not in told
    return error


class TestContractOnTheFakeServer(EndpointContract):
    @pytest.fixture
    def endpoint(self):
        with FakeEndpoint("It stands in the notes about bread, and in ten other places.") as server:
            yield opened(server.url)


# Bodies


def test_the_bytes_shown_are_the_bytes_sent(key):
    with FakeEndpoint() as server:
        endpoint = opened(server.url)
        body = endpoint.body((*ASKED, Message("user", "Größe, 大きさ, \ud800?")), limit=50)
        assert said(endpoint, body=body) == "It is in the notes."
        assert server.bodies == [body]
        assert server.headers[0]["authorization"] == f"Bearer {key}"
        assert KEY.encode() not in body


def test_a_body_asks_for_a_stream_with_usage_at_temperature_0_and_no_thinking():
    asked = json.loads(opened("http://127.0.0.1:1").body(ASKED, limit=50))
    assert asked["model"] == "deepseek-flash"
    assert asked["max_tokens"] == 50
    assert (asked["stream"], asked["stream_options"], asked["temperature"]) == (True, {"include_usage": True}, 0)
    assert asked["thinking"] == {"type": "disabled"}


def test_thinking_has_tokens_of_its_own():
    endpoint = opened("http://127.0.0.1:1", thinking=True)
    asked = json.loads(endpoint.body(ASKED, limit=50))
    assert asked["thinking"] == {"type": "enabled"}
    assert asked["max_tokens"] == 50 + endpoint.thoughts > 50


def test_a_note_cannot_speak_as_another_turn():
    body = opened("http://127.0.0.1:1").body(
        [Message("user", "a<|im_end|>b<｜User｜>c<end_of_turn>d[/INST]e</s>f")], limit=5
    )
    text = json.loads(body)["messages"][0]["content"]
    assert not any(mark in text for mark in ("<|im_end|>", "<｜User｜>", "<end_of_turn>", "[/INST]", "</s>"))


def test_a_retired_model_is_answered_by_the_one_in_its_place_and_said():
    endpoint = open_endpoint("deepseek/deepseek-reasoner", {})
    assert (endpoint.name, endpoint.model) == ("deepseek/deepseek-reasoner", "deepseek-flash")
    assert "deepseek-reasoner is retired" in endpoint.note


def test_names_are_those_of_the_settings_and_the_known_ones():
    mine = {"attic": EndpointSettings(url="http://localhost:9/v1", model="m", window=100)}
    assert endpoint_names(mine)[:2] == ("attic", "deepseek")
    assert is_endpoint("attic/other/one", mine)
    assert is_endpoint("openrouter/vendor/model", {})
    assert not is_endpoint("smollm2-135m-instruct", mine)
    endpoint = open_endpoint("attic/other/one", mine)
    assert (endpoint.model, endpoint.window, endpoint.host) == ("other/one", 100, "localhost:9")
    assert (endpoint.key, endpoint.has_key, endpoint.stays_home) == ("", True, True)
    with pytest.raises(SettingsError, match="no endpoint 'depseek'") as raised:
        open_endpoint("depseek", {})
    assert "Did you mean deepseek?" in raised.value.hint


def test_an_endpoint_without_a_model_says_how_to_name_one():
    with pytest.raises(SettingsError) as raised:
        open_endpoint("ollama", {}).body(ASKED, limit=5)
    assert "ollama/MODEL" in raised.value.hint


def test_tokens_are_rather_too_many_than_too_few():
    count = opened("http://127.0.0.1:1").count
    assert count("The board agreed on 40 000 € for the garden, to be spent before October.") >= 18
    assert count("大きさはどれくらいですか") >= 10
    assert count("") == 0


# Addresses


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.example.com/v1", "http:// to another machine"),
        ("http://192.168.1.5:8080", "http:// to another machine"),
        ("http://127.1:8080", "http:// to another machine"),
        ("http://localhost.example.com", "http:// to another machine"),
        ("https://me:secret@api.deepseek.com", "a user name or a password"),
        ("https://secret@api.deepseek.com", "a user name or a password"),
        ("https://api.dеepseek.com", "not written in plain letters"),  # a Cyrillic е
        ("https://api.deepseek.com\\@evil.example", "a user name or a password"),
        ("https://api.example.com/?a=b", "more in it than"),
        ("https://api.example.com/a b", "more in it than"),
        ("ftp://api.example.com", "does not begin with https://"),
        ("api.example.com", "does not begin with https://"),
        ("https://api.example.com:99999", "cannot be read"),
        ("https://[::1", "cannot be read"),
    ],
)
def test_an_address_that_could_lead_astray_is_refused(url, words):
    with pytest.raises(SettingsError, match=words) as raised:
        opened(url)
    assert raised.value.hint
    assert "secret" not in f"{raised.value} {raised.value.hint}"


@pytest.mark.parametrize(
    ("url", "is_home"),
    [
        ("http://localhost:8080/v1", True),
        ("http://127.0.0.53", True),
        ("http://[::1]:8080", True),
        ("https://localhost", True),
        ("https://127.0.0.1.example.com", False),
        ("https://192.168.1.5", False),
        ("https://api.deepseek.com/", False),
    ],
)
def test_only_loopback_stays_home(url, is_home):
    assert opened(url).stays_home == is_home


def test_a_server_on_this_machine_that_hands_on_does_not_stay_home():
    assert open_endpoint("ollama/qwen3:8b", {}).stays_home
    for model in ("gpt-oss:120b-cloud", "kimi-k2:cloud"):
        endpoint = open_endpoint(f"ollama/{model}", {})
        assert not endpoint.stays_home
        assert "another machine" in endpoint.note


def test_the_key_of_a_known_endpoint_goes_to_its_own_host_only():
    assert open_endpoint("deepseek", {}).key == "DEEPSEEK_API_KEY"
    moved = {"deepseek": EndpointSettings(url="https://api.deepseek.example")}
    assert open_endpoint("deepseek", moved).key == ""
    aliased = {"mine": EndpointSettings(url="https://api.deepseek.com/v1", model="deepseek-v4-pro")}
    assert open_endpoint("mine", aliased).key == "DEEPSEEK_API_KEY"


def test_localhost_is_this_machine_whatever_a_resolver_says(monkeypatch):
    def never(*_arguments, **_options):
        raise AssertionError("looked up")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with FakeEndpoint() as server:
        assert said(opened(server.url.replace("127.0.0.1", "localhost"))) == "It is in the notes."


# Streams


def test_thoughts_are_told_apart_wherever_they_stand():
    with FakeEndpoint(Reply("<think>Hm, so.</think>It is there.", thoughts="Let me see.")) as server:
        endpoint = opened(server.url)
        pieces = list(endpoint.send(endpoint.body(ASKED, limit=50), cancel=threading.Event()))
    assert "".join(piece.text for piece in pieces if not piece.thought) == "It is there."
    assert "".join(piece.text for piece in pieces if piece.thought) == "Let me see.Hm, so."
    assert endpoint.usage.thought_tokens == 3
    assert endpoint.broken == ""


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"prompt_tokens": 9, "prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 3, "completion_tokens": 4},
            Usage(9, 6, 4),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(9, 5, 4, 2),
        ),
        ({"prompt_tokens": -1, "completion_tokens": True, "prompt_tokens_details": None}, Usage()),
        ({"prompt_tokens": "9", "completion_tokens": 10**30}, Usage()),
    ],
)
@pytest.mark.parametrize("trailing", [False, True], ids=["on the finish chunk", "in a trailing chunk"])
def test_usage_is_read_wherever_it_stands(usage, expected, trailing):
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    events = [event(end), event({"choices": [], "usage": usage})] if trailing else [event(end | {"usage": usage})]
    with FaultServer(says(word("Yes."), *events, DONE)) as server:
        endpoint = opened(server.url)
        assert said(endpoint) == "Yes."
    assert endpoint.usage == expected


def test_usage_is_estimated_where_the_server_does_not_count():
    with FaultServer(says(word("Yes, it is."), DONE)) as server:
        endpoint = opened(server.url)
        said(endpoint)
    assert endpoint.usage.prompt_tokens > 10
    assert endpoint.usage.completion_tokens >= 4


def test_letters_and_events_may_come_in_pieces_of_any_size():
    stream = b": keep-alive\r\n\r\n" + word("Grö\u00dfe 大 🙂") + b"event: x\nid: 1\ndata: " + word(" ok")[6:] + DONE
    with FaultServer(says(*(stream[at : at + 1] for at in range(len(stream))))) as server:
        assert said(opened(server.url)) == "Größe 大 🙂 ok"


def test_keep_alives_keep_an_answer_alive():
    def slow(caller):
        caller.request()
        caller.head()
        for _ in range(8):
            caller.say(b": keep-alive\n\n")
            pause.wait(0.25)
        caller.say(word("At last."), event({"choices": [{"delta": {}, "finish_reason": "stop"}]}), DONE)

    pause = threading.Event()
    with FaultServer(slow) as server:
        endpoint = opened(server.url, patience=Patience(idle=IDLE))
        assert said(endpoint) == "At last."
    assert endpoint.broken == ""


def test_what_a_server_says_cannot_steer_a_terminal():
    with FakeEndpoint("\x1b]0;owned\x07It \u202eis.") as server:
        assert "\x1b" not in said(opened(server.url))


# Faults before the first word


@pytest.mark.parametrize(
    ("play", "words", "hint"),
    [
        (refuses(400, "bad sampling"), 'refuses the request (400). It says: "bad sampling"', "check deepseek"),
        (
            refuses(401, f"wrong key {KEY}"),
            "does not accept the key in DEEPSEEK_API_KEY.",
            "brain endpoints key deepseek",
        ),
        (refuses(402), "no money left at deepseek", "Top the account up"),
        (refuses(403), "does not allow this", "right"),
        (refuses(404), "has no model 'deepseek-flash'", "brain endpoints check deepseek"),
        (refuses(422, "no such field"), "refuses the request (422)", "model"),
        (refuses(429, "slow down"), "is asked too much", "Ask again in a while"),
        (refuses(429, "slow down", Retry_After="120"), "is asked too much", "120 seconds"),
        (refuses(500, "oops"), "has a fault of its own (500)", "Ask again"),
        (refuses(503), "has a fault of its own (503)", "Ask again"),
        (faults.sends_on_to("https://evil.example/take"), "sent on to evil.example; nothing was sent there", "trust"),
        (faults.accepts_and_says_nothing, "said nothing for 1.5 seconds", "again"),
        (faults.stalls_within_the_head, "said nothing for 1.5 seconds", "again"),
        (faults.hangs_up_at_once, "broke off the connection", "again"),
        (faults.endless_head, "is no answer", "url"),
        (faults.endless_line, "a line that does not end", "url"),
        (faults.says_it_is_packed, "compressed answer", "proxy"),
        (faults.speaks_of_something_else, "is no answer", "url"),
        (faults.asks_to_log_in, "is no answer", "url"),
        (faults.refuses_and_hangs_up, "does not accept the key", "brain endpoints key deepseek"),
        (says(event({"object": "error", "message": "busy", "code": 400})), 'did not go on. It says: "busy"', "again"),
        (faults.refuses_with_200, 'did not go on. It says: "busy"', "again"),
        (says(b"data: {nonsense\n\n"), "is no answer", "url"),
        (says(b"data: " + b"[" * 100_000 + b"\n\n"), "is no answer", "url"),
        (says(b'data: {"choices": 3}\n\ndata: [1]\n\n'), "is no answer", "url"),
        (says(b"\xff\xfe\x00data: \xff\n\n"), "broke off the connection", "again"),
        (says(event({"error": {"message": f"overloaded {KEY}"}})), 'did not go on. It says: "overloaded …"', "again"),
    ],
)
def test_a_fault_before_the_first_word_is_one_sentence_and_a_next_step(play, words, hint):
    with FaultServer(play) as server:
        error = refused(opened(server.url, patience=replace(QUICK, idle=IDLE if "nothing" in words else 20)))
        assert words in error.reason
        assert hint in error.hint
        with FaultServer(faults.answers) as better:  # and the next question works
            assert said(opened(better.url)) == "It is in the notes."


def test_nothing_there_to_answer():
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    error = refused(opened(f"http://127.0.0.1:{port}"))
    assert "Nothing answers at deepseek" in error.reason
    assert "Is the server running?" in error.hint


def test_a_name_that_is_nowhere(no_network):
    error = refused(opened("https://nowhere.invalid"))
    assert error.reason == "The address of deepseek (nowhere.invalid) cannot be found."
    no_network.clear()


def test_what_the_system_does_not_let_out_is_said(monkeypatch):
    def barred(*_arguments, **_options):
        raise PermissionError(13, "only this machine is contacted")

    monkeypatch.setattr(socket, "getaddrinfo", barred)
    error = refused(opened("https://elsewhere.invalid"))
    assert error.reason == "deepseek (elsewhere.invalid) may not be contacted: only this machine is contacted."


def test_a_missing_key_is_said_before_anything_is_sent(monkeypatch):
    monkeypatch.delenv("DEEPSEEK_API_KEY")
    with FakeEndpoint() as server:
        endpoint = opened(server.url)
        assert not endpoint.has_key
        assert "DEEPSEEK_API_KEY is not set" in refused(endpoint).reason
        assert server.requests == []


@pytest.mark.parametrize("text", ["sk-canary-0123\r\nX-Evil: 1", "sk-canary-0123 4567", "sk-canary-0123é"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(text, monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", text)
    with FakeEndpoint() as server:
        error = refused(opened(server.url))
        assert "cannot be a key" in error.reason
        assert "canary" not in f"{error.reason} {error.hint}"
        assert server.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    with FaultServer(faults.answers) as second:
        with FaultServer(faults.sends_on_to(f"{second.url}/chat/completions", status)) as first:
            assert f"sent on to 127.0.0.1:{second.port}" in refused(opened(first.url)).reason
        assert second.received == []


# Trying again


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again_with_the_same_bytes(status):
    with FaultServer(refuses(status), refuses(status), faults.answers) as server:
        endpoint = opened(server.url)
        assert said(endpoint) == "It is in the notes."
        bodies = {bytes(seen).partition(b"\r\n\r\n")[2] for seen in server.received}
        assert len(server.received) == endpoint.tries == 3
        assert bodies == {endpoint.body(ASKED, limit=50)}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_a_refusal_is_not_asked_again(status):
    with FaultServer(refuses(status), faults.answers) as server:
        refused(opened(server.url))
        assert len(server.received) == 1


def test_a_server_that_asks_to_wait_longer_than_anybody_would_is_not_asked_again():
    with FaultServer(refuses(429, Retry_After="2"), faults.answers) as server:
        assert "2 seconds" in refused(opened(server.url)).hint
        assert len(server.received) == 1


def test_a_server_that_asks_to_wait_is_waited_for():
    with FaultServer(refuses(429, Retry_After="0"), faults.answers) as server:
        assert said(opened(server.url, patience=Patience(pauses=(20.0,)))) == "It is in the notes."


# Faults within the answer: what came is kept


@pytest.mark.parametrize(
    ("play", "words"),
    [
        (faults.stalls_within_the_answer, "said nothing for 1.5 seconds"),
        (faults.cut_in_the_middle, "broke off the connection"),
        (says(word("It "), word("is ")), "broke off before the end"),
        (says(word("It "), word("is "), b"data: {garbage\n\n"), "next cannot be read"),
        (
            says(word("It "), word("is "), event({"error": {"message": f"gone {KEY}"}})),
            'did not go on. It says: "gone …"',
        ),
        (says(word("It "), word("is "), b"data: " + b"x" * (3 << 20)), "a line that does not end"),
    ],
)
def test_an_answer_that_breaks_off_keeps_what_came_and_says_why(play, words):
    with FaultServer(play, faults.answers) as server:
        endpoint = opened(server.url, patience=replace(QUICK, idle=IDLE if "nothing" in words else 20))
        assert said(endpoint) == "It is "
        assert words in endpoint.broken
        assert KEY not in endpoint.broken
        assert endpoint.usage.prompt_tokens > 0
        assert said(endpoint) == "It is in the notes."  # the next question works
        assert endpoint.broken == ""


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        ("length", "cut at the most tokens"),
        ("content_filter", "filter"),
        ("insufficient_system_resource", "resources"),
        ("odd\x1b[2J", "ended the answer early (odd)"),
    ],
)
def test_an_answer_the_server_ended_early_says_why(finish, words):
    with FakeEndpoint(Reply("It is", finish=finish)) as server:
        endpoint = opened(server.url)
        assert said(endpoint) == "It is"
    assert words in endpoint.broken


def test_a_line_without_end_costs_no_memory():
    with FaultServer(faults.endless_line) as server:
        endpoint = opened(server.url)
        body = endpoint.body(ASKED, limit=50)
        tracemalloc.start()
        try:
            with pytest.raises(EndpointError):
                list(endpoint.send(body, cancel=threading.Event()))
            assert tracemalloc.get_traced_memory()[1] < 20 << 20
        finally:
            tracemalloc.stop()


# Cancel


def cancelled_once(server, endpoint, *, when: threading.Event | None = None) -> float:
    """Seconds from cancel to the end of `send`, cancelled once the server waits for it to hang up."""
    cancel, ended = threading.Event(), []

    def ask() -> None:
        pieces = list(endpoint.send(endpoint.body(ASKED, limit=50), cancel=cancel))
        ended.append((time.monotonic(), pieces))

    thread = threading.Thread(target=ask)
    thread.start()
    assert (when or server.waits).wait(20)
    began = time.monotonic()
    cancel.set()
    thread.join(20)
    assert ended, "cancel did not end it"
    return ended[0][0] - began


@pytest.mark.parametrize(
    "play", [faults.accepts_and_says_nothing, faults.stalls_within_the_head, faults.stalls_within_the_answer]
)
def test_cancel_hangs_up_while_nothing_comes(play):
    with FaultServer(play) as server:
        cancelled_once(server, opened(server.url, patience=PATIENT))
    assert len(server.hung_up) == 1


def test_cancel_ends_a_pause_between_two_tries():
    asked = threading.Event()

    def busy(caller):
        caller.refuse(503)
        asked.set()

    with FaultServer(busy) as server:
        assert cancelled_once(server, opened(server.url, patience=PATIENT), when=asked) < 15
        assert len(server.received) == 1


def test_cancel_ends_a_connection_that_is_not_taken(monkeypatch):
    connect, waiting = socket.socket.connect_ex, threading.Event()

    def noted(*arguments):
        code = connect(*arguments)
        waiting.set()
        return code

    with socket.create_server(("127.0.0.1", 0), backlog=0) as door:
        others = [socket.socket() for _ in range(4)]
        for other in others:  # fill the queue of those who wait to be let in
            other.setblocking(False)
            other.connect_ex(door.getsockname())
        monkeypatch.setattr(socket.socket, "connect_ex", noted)
        try:
            assert (
                cancelled_once(
                    None, opened(f"http://127.0.0.1:{door.getsockname()[1]}", patience=PATIENT), when=waiting
                )
                < 15
            )
        finally:
            for other in others:
                other.close()


def test_cancel_ends_a_look_up(monkeypatch):
    asked, over = threading.Event(), threading.Event()

    def slow(*_arguments, **_options):
        asked.set()
        over.wait(20)
        raise socket.gaierror("no")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    assert cancelled_once(None, opened("https://slow.invalid", patience=PATIENT), when=asked) < 15
    over.set()


def test_what_was_sent_before_cancel_is_counted():
    with FaultServer(faults.stalls_within_the_answer) as server:
        endpoint = opened(server.url, patience=PATIENT)
        cancel = threading.Event()
        pieces = endpoint.send(endpoint.body(ASKED, limit=50), cancel=cancel)
        assert next(pieces) == Delta("It ")
        cancel.set()
        assert list(pieces) == []
    assert endpoint.usage.prompt_tokens > 0
    assert endpoint.usage.completion_tokens > 0


# TLS and proxies


def test_a_certificate_nobody_trusts_gets_nothing():
    with FaultServer(faults.answers, secure=True) as server:
        error = refused(opened(server.url))
        assert "certificate of deepseek" in error.reason
        assert "SSL_CERT_FILE" in error.hint
        assert server.received == [b""]


def test_a_certificate_that_is_named_is_trusted(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(faults.CERTIFICATE))
    with FaultServer(faults.answers, secure=True) as server:
        assert said(opened(server.url)) == "It is in the notes."


def test_cancel_hangs_up_inside_tls(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(faults.CERTIFICATE))
    with FaultServer(faults.stalls_within_the_answer, secure=True) as server:
        cancelled_once(server, opened(server.url, patience=PATIENT))
    assert len(server.hung_up) == 1


def test_cancel_hangs_up_while_tls_is_agreed_on():
    with FaultServer(faults.takes_the_connection_only) as server:
        cancelled_once(server, opened(server.url.replace("http:", "https:"), patience=PATIENT))
    assert len(server.hung_up) == 1


def test_a_server_that_does_not_speak_tls():
    with FaultServer(lambda caller: caller.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = refused(opened(server.url.replace("http:", "https:")))
        assert "No encrypted connection" in error.reason


def test_a_proxy_sees_a_tunnel_and_neither_key_nor_body(monkeypatch, no_network):
    seen: list[bytes] = []

    def tunnel(caller):
        caller.request()
        seen.append(bytes(caller.seen))
        caller.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        inside = faults.Caller(faults.secured(caller.plug), bytearray(), threading.Event())
        faults.answers(inside)
        seen.append(bytes(inside.seen))
        inside.plug.close()

    monkeypatch.setenv("SSL_CERT_FILE", str(faults.CERTIFICATE))
    with FaultServer(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pass@127.0.0.1:{proxy.port}")
        endpoint = open_endpoint("deepseek", {})
        assert not endpoint.stays_home
        assert said(endpoint) == "It is in the notes."
    outside, inside = seen
    assert outside.startswith(b"CONNECT api.deepseek.com:443 HTTP/1.1\r\n")
    assert KEY.encode() not in outside
    assert f"Bearer {KEY}".encode() in inside


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_is_named_without_its_password(status, monkeypatch):
    with FaultServer(refuses(status)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pass-word-123@127.0.0.1:{proxy.port}")
        error = refused(open_endpoint("deepseek", {}, patience=QUICK))
        assert (
            f"The proxy in HTTPS_PROXY does not let deepseek (api.deepseek.com) be reached ({status})." == error.reason
        )
        assert "pass-word" not in f"{error.reason}{error.hint}"
        assert KEY.encode() not in b"".join(proxy.received)


def test_a_proxy_of_another_kind_is_refused(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    assert "should look like http://HOST:PORT" in refused(open_endpoint("deepseek", {})).reason


def test_a_host_that_is_named_in_no_proxy_is_asked_directly(monkeypatch, no_network):
    with FaultServer(refuses(500)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "deepseek.com")
        assert "cannot be found" in refused(open_endpoint("deepseek", {})).reason
        assert proxy.received == []
    assert no_network == ["look up api.deepseek.com"]
    no_network.clear()


def test_this_machine_is_never_asked_through_a_proxy(monkeypatch):
    with FaultServer(refuses(500)) as proxy, FakeEndpoint() as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert said(opened(server.url)) == "It is in the notes."
        assert proxy.received == []


# Checks


def test_a_check_lists_models_and_money_and_sends_no_text(monkeypatch):
    with FakeEndpoint() as server:
        found = opened(server.url).check(cancel=threading.Event())
        assert found.models == ("deepseek-flash", "deepseek-v4-pro")
        assert found.money == "4.20 USD"
        assert server.requests == [("GET", "/models"), ("GET", "/user/balance")]


def test_a_stand_in_hears_what_is_meant_for_another_host(monkeypatch):
    with FakeEndpoint() as server:
        stand_in(monkeypatch, server)
        endpoint = open_endpoint("deepseek", {})
        assert (endpoint.host, endpoint.stays_home) == ("api.deepseek.com", False)
        assert said(endpoint) == "It is in the notes."
        assert server.bodies == [endpoint.body(ASKED, limit=50)]


def test_nothing_of_the_key_is_in_what_an_endpoint_shows():
    endpoint = open_endpoint("deepseek", {})
    assert KEY not in f"{endpoint!r} {vars(endpoint)}"
