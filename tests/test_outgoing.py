"""The one way out: what is shown is what is sent, and whatever goes wrong before that sends nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brain.costs import Price, cost, estimate
from brain.errors import EndpointError, StoreError
from brain.events import Leaving
from brain.outgoing import Gate, Outgoing
from brain.store.ledger import Ledger
from brain.types import Consent, Delta, Message, Parcel, Usage
from brain.withholding import runs
from tests.away import sha256

PROMPT = (Message("system", "Answer from the notes."), Message("user", "Question: How much is the pump?"))
PRICE = Price(hit=0.003, miss=0.15, output=0.60, peak=2.0, hours=((1, 4),))
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARCELS = (Parcel("passage", 12, number=1, path=Path("/notes/pump.md")), Parcel("question", 30))


class Recorder:
    """An endpoint that keeps what it is sent."""

    name, model, url, host, key = "away", "large", "https://api.example.com/v1", "api.example.com", "EXAMPLE_KEY"
    window, note = 100_000, ""

    def __init__(self, *pieces: str, stays_home: bool = False, usage: Usage = Usage(prompt_tokens=90)) -> None:
        self.stays_home = stays_home
        self.usage, self.broken = Usage(), ""
        self.tries = self.again = 0
        self.bodies: list[bytes] = []
        self.ends = ""  # how an answer breaks off
        self.fails: Exception | None = None
        self._pieces, self._usage = pieces or ("In ", "the ", "notes."), usage

    def count(self, text: str) -> int:
        return len(text.split())

    def body(self, messages: Sequence[Message], *, limit: int) -> bytes:
        turns = [{"role": turn.role, "content": turn.text} for turn in messages]
        return json.dumps({"messages": turns, "max_tokens": limit}, ensure_ascii=False).encode()

    def send(self, body: bytes, *, cancel: threading.Event) -> Iterator[Delta]:
        self.bodies.append(body)
        self.usage, self.tries = Usage(), self.again + 1
        if self.fails is not None:
            raise self.fails
        for piece in self._pieces:
            if cancel.is_set():
                return
            yield Delta(piece)
        self.usage, self.broken = self._usage, self.ends


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "egress.jsonl", clock=lambda: NOW)


def gate_of(ledger, **known) -> Gate:
    return Gate(ledger, known.pop("price", lambda host, model: PRICE), now=known.pop("now", lambda: NOW), **known)


def out(endpoint, gate, consent=Consent(), **known) -> Outgoing:
    made = Outgoing(endpoint, gate, consent=consent, question="How much is the pump?", **known)
    made.load(PARCELS)
    return made


def stream(chat, prompt=PROMPT, cancel=None):
    return list(chat.stream(prompt, limit=100, cancel=cancel or threading.Event()))


def shown(endpoint, gate, prompt=PROMPT, **known) -> Leaving:
    (only,) = stream(out(endpoint, gate, **known), prompt)
    assert isinstance(only, Leaving) and not only.allowed
    return only


def test_nothing_is_sent_before_it_was_shown_and_then_exactly_that(ledger):
    endpoint, gate = Recorder(), gate_of(ledger)
    held = shown(endpoint, gate)
    assert endpoint.bodies == [] and list(ledger.entries()) == []
    chat = out(endpoint, gate, Consent(sha256=held.sha256))
    first, *rest = stream(chat)
    assert first == replace(held, allowed=True, why="")
    assert [delta.text for delta in rest] == ["In ", "the ", "notes."]
    (sent,) = endpoint.bodies
    assert sent.decode() == held.body and sha256(sent) == held.sha256
    (entry,) = ledger.entries()
    assert (entry.sha256, entry.bytes, entry.outcome) == (held.sha256, len(sent), "answered")
    assert entry.files == (Path("/notes/pump.md"),)
    assert chat.sent == len(sent)


def test_another_text_than_the_one_that_was_shown_is_shown_again(ledger):
    endpoint, gate = Recorder(), gate_of(ledger)
    held = shown(endpoint, gate)
    other = (*PROMPT[:1], Message("user", "Question: something else"))
    (again,) = stream(out(endpoint, gate, Consent(sha256=held.sha256)), other)
    assert not again.allowed and again.sha256 != held.sha256 and "shown before" in again.why
    assert endpoint.bodies == []


def test_a_conversation_can_be_allowed_unless_the_settings_want_to_be_asked(ledger):
    endpoint = Recorder()
    stream(out(endpoint, gate_of(ledger), Consent(conversation=True)))
    assert len(endpoint.bodies) == 1
    (again,) = stream(out(endpoint, gate_of(ledger, always=True), Consent(conversation=True)))
    assert not again.allowed and len(endpoint.bodies) == 1


def test_the_ledger_holds_it_before_a_byte_leaves(ledger):
    class Looking(Recorder):
        def send(self, body, *, cancel):
            self.seen = [entry.outcome for entry in ledger.entries()]
            yield from super().send(body, cancel=cancel)

    endpoint = Looking()
    stream(out(endpoint, gate_of(ledger), Consent(conversation=True)))
    assert endpoint.seen == [""]


def test_what_looks_like_a_secret_is_neither_shown_nor_sent(ledger):
    endpoint = Recorder()
    key = "sk-" + "a8Fq2Lz9Kd3Vt7Xw1Bn5Mc6P" * 2
    prompt = (*PROMPT[:1], Message("user", f"Question: what is the key {key}?"))
    held = shown(endpoint, gate_of(ledger), prompt)
    assert key not in held.body
    assert [one.what for one in held.withheld] == ["secret"]
    stream(out(endpoint, gate_of(ledger), Consent(conversation=True)), prompt)
    assert key.encode() not in endpoint.bodies[0]


def test_words_of_a_private_passage_are_stopped_unless_the_question_has_them(ledger):
    words = "the garden gate opens with the code four seven one one"
    endpoint, private = Recorder(), runs(words)
    prompt = (*PROMPT, Message("assistant", f"As I said, {words}."))
    with pytest.raises(EndpointError, match="private note"):
        stream(out(endpoint, gate_of(ledger), Consent(conversation=True), private=private), prompt)
    assert endpoint.bodies == []
    chat = Outgoing(endpoint, gate_of(ledger), consent=Consent(conversation=True), question=words, private=private)
    stream(chat, (*PROMPT[:1], Message("user", words)))
    assert len(endpoint.bodies) == 1


class Bang(Exception):
    """Something that nobody expected."""


def bang(*_args, **_known):
    raise Bang


STEPS = {
    "the body": lambda endpoint, gate, patch: patch.setattr(endpoint, "body", bang),
    "the count": lambda endpoint, gate, patch: patch.setattr(endpoint, "count", bang),
    "the secrets": lambda endpoint, gate, patch: patch.setattr("brain.outgoing.hidden", bang),
    "the hash": lambda endpoint, gate, patch: patch.setattr("brain.outgoing.hashlib.sha256", bang),
    "the price": lambda endpoint, gate, patch: patch.setattr("brain.outgoing.estimate", bang),
    "the budget": lambda endpoint, gate, patch: patch.setattr("brain.outgoing.over_budget", bang),
    "the sums": lambda endpoint, gate, patch: patch.setattr(gate.ledger, "spent", bang),
    "the consent": lambda endpoint, gate, patch: patch.setattr(Outgoing, "_allowed", bang),
    "what is shown": lambda endpoint, gate, patch: patch.setattr("brain.outgoing.Leaving", bang),
    "the ledger": lambda endpoint, gate, patch: patch.setattr(gate.ledger, "begin", bang),
    "the clock": lambda endpoint, gate, patch: patch.setattr("brain.outgoing.Gate.now", property(bang)),
}


@pytest.mark.parametrize("step", STEPS)
def test_whatever_raises_before_the_sending_nothing_is_sent(step, ledger, monkeypatch):
    endpoint, gate = Recorder(), gate_of(ledger, day=1.0)
    if step != "the clock":
        STEPS[step](endpoint, gate, monkeypatch)
    else:
        gate = replace(gate, now=bang)
    with pytest.raises(Bang):
        stream(out(endpoint, gate, Consent(conversation=True)))
    assert endpoint.bodies == []


def test_a_ledger_that_cannot_be_written_sends_nothing_and_says_so(ledger, monkeypatch):
    def full(**_known):
        raise StoreError("The disk is full.", hint="Make room.")

    endpoint = Recorder()
    monkeypatch.setattr(ledger, "begin", full)
    with pytest.raises(EndpointError, match="disk is full"):
        stream(out(endpoint, gate_of(ledger), Consent(conversation=True)))
    assert endpoint.bodies == []


def test_bytes_that_are_not_the_shown_ones_are_not_sent(ledger, monkeypatch):
    endpoint, gate = Recorder(), gate_of(ledger)
    chat = out(endpoint, gate, Consent(conversation=True))
    loaded = chat._loaded
    monkeypatch.setattr(chat, "_loaded", lambda *given: replace(loaded(*given), body=b'{"messages": "others"}'))
    with pytest.raises(EndpointError, match="not what was shown"):
        stream(chat)
    assert endpoint.bodies == [] and list(ledger.entries()) == []


def test_offline_nothing_leaves(ledger):
    endpoint = Recorder()
    with pytest.raises(EndpointError, match="offline"):
        stream(out(endpoint, gate_of(ledger, offline=True), Consent(conversation=True)))
    assert endpoint.bodies == []


def test_the_budget_stops_before_it_is_broken(ledger):
    endpoint = Recorder(usage=Usage(prompt_tokens=2_000_000, completion_tokens=100_000))
    gate = gate_of(ledger, day=0.5)
    usd, _ = estimate(PRICE, prompt=2_000_000, answer=100_000, at=NOW)
    assert 0.3 < usd < 0.5
    sent = 0
    for _ in range(5):
        chat = out(endpoint, gate, Consent(conversation=True))
        try:
            stream(chat)
            sent += 1
        except EndpointError as error:
            assert "Today's $0.50 is spent" in error.reason
    assert sent == 2  # the first left some of it, and what the second would cost was estimated to fit
    held = shown(endpoint, gate)
    assert "Today's $0.50 is spent" in held.why
    assert len(endpoint.bodies) == 2


def test_a_price_that_is_not_known_cannot_be_kept_within_a_budget(ledger):
    endpoint = Recorder()
    with pytest.raises(EndpointError, match="price"):
        stream(out(endpoint, gate_of(ledger, day=1.0, price=lambda host, model: None), Consent(conversation=True)))
    assert endpoint.bodies == []
    stream(out(endpoint, gate_of(ledger, price=lambda host, model: None), Consent(conversation=True)))
    assert len(endpoint.bodies) == 1


def outcome_of(ledger) -> str:
    (entry,) = ledger.entries()
    return entry.outcome


def test_every_end_is_written_down(ledger):
    endpoint, gate = Recorder(), gate_of(ledger)
    endpoint.ends = "The connection was cut."
    chat = out(endpoint, gate, Consent(conversation=True))
    stream(chat)
    assert chat.broken == "The connection was cut." and outcome_of(ledger) == "broken"


def test_a_body_that_was_sent_again_counts_as_often(ledger):
    endpoint, gate = Recorder(), gate_of(ledger)
    endpoint.again = 2
    chat = out(endpoint, gate, Consent(conversation=True))
    stream(chat)
    (entry,) = ledger.entries()
    assert entry.bytes == chat.sent == 3 * len(endpoint.bodies[0])


def test_a_refusal_is_written_down_and_costs_nothing(ledger):
    endpoint, gate = Recorder(), gate_of(ledger)
    endpoint.fails = EndpointError("No money is left.")
    chat = out(endpoint, gate, Consent(conversation=True))
    with pytest.raises(EndpointError, match="No money"):
        stream(chat)
    assert outcome_of(ledger) == "refused" and chat.usage.cost_usd == 0.0


def test_a_bug_in_the_sending_is_written_down(ledger):
    endpoint, gate = Recorder(), gate_of(ledger)
    endpoint.fails = Bang()
    with pytest.raises(Bang):
        stream(out(endpoint, gate, Consent(conversation=True)))
    assert outcome_of(ledger) == "broken"


def test_stopping_and_walking_away_are_written_down_with_what_was_read(ledger):
    endpoint, gate = Recorder(), gate_of(ledger)
    cancel = threading.Event()
    pieces = out(endpoint, gate, Consent(conversation=True)).stream(PROMPT, limit=100, cancel=cancel)
    next(pieces), next(pieces)
    pieces.close()
    assert outcome_of(ledger) == "stopped"
    (entry,) = ledger.entries()
    assert entry.usage.prompt_tokens > 0 and entry.cost_usd > 0


def test_who_walks_away_from_the_gate_leaves_no_trace(ledger):
    endpoint, gate = Recorder(), gate_of(ledger)
    pieces = out(endpoint, gate, Consent(conversation=True)).stream(PROMPT, limit=100, cancel=threading.Event())
    assert next(pieces).allowed
    pieces.close()
    cancel = threading.Event()
    cancel.set()
    stream(out(endpoint, gate, Consent(conversation=True)), cancel=cancel)
    assert endpoint.bodies == [] and list(ledger.entries()) == []


def test_a_server_on_this_machine_needs_no_gate_and_no_ledger(ledger):
    endpoint = Recorder(stays_home=True)
    assert [delta.text for delta in stream(out(endpoint, gate_of(ledger, offline=True, always=True)))] == [
        "In ",
        "the ",
        "notes.",
    ]
    assert len(endpoint.bodies) == 1 and list(ledger.entries()) == []


def test_the_cost_shown_is_the_cost_of_what_was_used(ledger):
    for at in range(100):
        used = Usage(1000 + 37 * at, 13 * at, 50 + at, at % 7)
        endpoint = Recorder(usage=used)
        now = datetime(2026, 11, 23, at % 24, tzinfo=UTC)
        chat = out(endpoint, gate_of(ledger, now=lambda now=now: now), Consent(conversation=True))
        stream(chat)
        assert abs(chat.usage.cost_usd - cost(PRICE, used, at=now)) < 1e-6
        assert replace(chat.usage, cost_usd=0.0) == used
    costs = [entry.cost_usd for entry in ledger.entries()]
    assert len(costs) == 100 and len(set(costs)) > 90
