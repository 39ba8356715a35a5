"""Questions to a model elsewhere through a whole Brain: private notes stay here, and what was shown is what is sent."""

from __future__ import annotations

import threading

import pytest

from brain.engine import open_brain
from brain.errors import SettingsError
from brain.events import FellBack, Leaving, Planned
from brain.parts import Parts
from brain.remote import attach
from brain.settings import load
from brain.store.claim import look_at_store
from brain.store.ledger import Ledger
from brain.types import Consent
from tests.away import (
    AWAY,
    NEAR,
    Vault,
    allowed,
    answered,
    asked,
    careless,
    configure,
    leaving,
    price,
    sha256,
    talk,
    talk_of,
    vault,
)
from tests.endpoints import FakeEndpoint, Reply
from tests.fakes import HashingEmbedder


@pytest.fixture
def embedder(monkeypatch):
    made = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    return made


@pytest.fixture
def server():
    with FakeEndpoint("It is in the notes.") as fake:
        yield fake


@pytest.fixture
def near():
    with FakeEndpoint(careless) as fake:
        yield fake


@pytest.fixture
def notes(tmp_path) -> Vault:
    return vault(tmp_path / "notes")


@pytest.fixture
def opened(home, embedder, server, near, notes):
    """A Brain that owns a store of the vault."""
    configure(home, away=server.url, near=near.url, private=notes.private)
    with open_brain(load(), own=True) as brain:
        brain.add(notes.folder)
        list(brain.sync(cancel=threading.Event()))
        yield brain


def about(note) -> str:
    return f"What does the order for {note.subject} cost and who looks after it?"


def entries(home):
    return list(Ledger(home / "egress.jsonl").entries())


def test_a_hundred_questions_send_no_private_word_and_only_what_was_shown(opened, home, server, notes):
    sent = 0
    for at in range(100):
        note = notes.notes[at % len(notes.notes)]
        question = about(note) if at % 2 else f"When is what {note.subject} ordered delivered, and by which firm?"
        before = len(server.bodies)
        shown, answer = allowed(opened, question)
        if shown is None:
            assert len(server.bodies) == before
            assert answer.sent == 0
            continue
        sent += 1
        (body,) = server.bodies[before:]
        assert sha256(body) == shown.sha256 and body.decode() == shown.body
        assert notes.leaked(shown.body, asked=question) == []
        assert answer.sent == len(body) and not answer.stays_home
    assert sent >= 70
    assert any(about(note) in body.decode() for note in notes.public for body in server.bodies)
    assert [entry.sha256 for entry in entries(home)] == [sha256(body) for body in server.bodies]
    assert sum(entry.bytes for entry in entries(home)) == sum(map(len, server.bodies))
    assert opened.status().sent_today == sum(map(len, server.bodies))
    assert Ledger(home / "egress.jsonl").verify() == ()


def test_the_answer_says_what_was_withheld_and_what_it_cost(opened, server, notes):
    server.script(Reply("It is in the notes.", usage={"prompt_tokens": 1000, "completion_tokens": 100}))
    private, public = notes.secret[0], notes.public[0]
    shown, answer = allowed(opened, f"Who looks after {public.subject} and who looks after {private.subject}?")
    assert shown is not None
    assert private.path in {one.path for one in answer.withheld if one.what == "passage"}
    assert shown.withheld == answer.withheld
    assert private.path not in {one.chunk.path for one in answer.evidence}
    assert abs(answer.usage.cost_usd - (1000 * 0.15 + 100 * 0.60) / 1e6) < 1e-6
    assert opened.status().spent_today == pytest.approx(answer.usage.cost_usd)
    assert {parcel.path for parcel in shown.parcels if parcel.kind == "passage"} <= {note.path for note in notes.public}


def test_where_only_private_notes_answer_nothing_is_called(opened, server, notes):
    note = notes.secret[0]
    events = asked(opened, f"@{note.path.name} {about(note)}", consent=Consent(conversation=True))
    answer = answered(events)
    assert answer.abstained and answer.withheld
    assert server.bodies == [] and leaving(events) is None
    assert any(isinstance(event, FellBack) and "withheld" in event.reason for event in events)
    assert answer.sent == 0


def test_a_passage_and_the_history_can_be_taken_out(opened, server, notes):
    note = notes.public[1]
    history = talk_of([("Which one?", answered(asked(opened, about(notes.public[0]), model=NEAR)))])
    shown = leaving(asked(opened, about(note), history=history))
    assert shown is not None
    assert [one.turns for one in shown.parcels if one.kind == "history"] == [1]
    first = next(one for one in shown.parcels if one.kind == "passage")
    less = Consent(sha256=shown.sha256, without=(first.number,), history=False)
    again = leaving(asked(opened, about(note), history=history, consent=less))
    assert again is None or (again.sha256 != shown.sha256 and not again.allowed)
    if again is not None:
        assert all(one.kind != "history" and one.number != first.number for one in again.parcels if one.number)
        assert {one.why for one in again.withheld} >= {"you took it out"}
    assert server.bodies == []


def test_a_note_that_was_marked_private_since_does_not_leave(opened, server, notes):
    note = notes.public[0]
    shown = leaving(asked(opened, about(note)))
    assert shown is not None and note.path in {one.path for one in shown.parcels}
    note.path.write_text("---\nprivate: true\n---\n\n" + note.path.read_text())
    events = asked(opened, about(note), consent=Consent(conversation=True))
    assert all(note.sentences[0] not in body.decode() for body in server.bodies)
    assert note.path in {one.path for one in answered(events).withheld}


def test_a_secret_in_a_note_is_taken_out_and_the_answer_is_cited_all_the_same(opened, server, notes):
    note = notes.public[2]
    key = "sk-" + "a8Fq2Lz9Kd3Vt7Xw1Bn5Mc6P" * 2
    note.path.write_text(note.path.read_text() + f"\nThe door of {note.subject} is opened with {key} by everyone.\n")
    list(opened.sync(cancel=threading.Event()))
    server.script(note.sentences[0])
    shown, answer = allowed(opened, about(note))
    assert shown is not None and key not in shown.body and key.encode() not in server.bodies[-1]
    assert any(one.what == "secret" and one.path == note.path for one in answer.withheld)
    assert answer.citations and answer.citations[0].path == note.path
    document = opened.document(note.path)
    cited = answer.citations[0]
    assert document.text[cited.start : cited.end] == cited.quote


def test_a_refusal_falls_back_on_the_notes_own_sentences(opened, server, notes, home):
    server.script(Reply(status=402))
    events = asked(opened, about(notes.public[0]), consent=Consent(conversation=True))
    answer = answered(events)
    assert any(isinstance(event, FellBack) for event in events)
    assert (answer.model, answer.stays_home) == ("quotes", True) and answer.citations
    assert [entry.outcome for entry in entries(home)] == ["refused"]
    server.script("It is in the notes.")
    assert answered(asked(opened, about(notes.public[0]), consent=Consent(conversation=True))).model == AWAY


def test_offline_and_a_spent_budget_answer_here(opened, home, server, notes):
    price(home, hit=0, miss=1_000_000, output=1_000_000)
    events = asked(opened, about(notes.public[0]), consent=Consent(conversation=True))
    assert server.bodies == [] and answered(events).model == "quotes"
    assert "may cost" in next(event.reason for event in events if isinstance(event, FellBack))
    (home / "prices.toml").write_text("broken")
    with pytest.raises(SettingsError):
        asked(opened, about(notes.public[0]), consent=Consent(conversation=True))
    assert server.bodies == []


def test_a_server_of_this_machine_is_told_everything_and_asks_nobody(opened, near, notes, home):
    note = notes.secret[0]
    events = asked(opened, about(note), model=NEAR)
    assert leaving(events) is None
    answer = answered(events)
    assert answer.stays_home and note.canary in answer.answer
    assert f"Question: {about(note)}" in near.asked[-1]["messages"][-1]["content"]
    assert entries(home) == []


def test_walking_away_from_the_gate_leaves_nothing_behind(opened, home, server, notes):
    for consent in (Consent(), Consent(conversation=True)):
        events = opened.ask(about(notes.public[0]), cancel=threading.Event(), model=AWAY, consent=consent)
        while not isinstance(next(events), Leaving):
            pass
        events.close()
    assert server.bodies == [] and entries(home) == []


def test_it_is_the_same_through_the_socket(opened, home, server, notes):
    door = look_at_store(home).door
    assert door is not None
    far = attach(door.address, door.key)
    try:
        question = about(notes.public[0])
        shown, answer = allowed(far, question)
        assert shown is not None and sha256(server.bodies[-1]) == shown.sha256
        assert answer.sent == len(server.bodies[-1])
        stale = Consent(sha256=shown.sha256)
        notes.public[0].path.write_text(notes.public[0].path.read_text() + "\nAnother order was made since.\n")
        list(far.sync(cancel=threading.Event()))
        again = leaving(asked(far, question, consent=stale))
        assert again is not None and not again.allowed and again.sha256 != shown.sha256
        assert len(server.bodies) == 1
    finally:
        far.close()


def test_an_endpoints_name_is_not_taken_for_a_file_of_this_folder(opened, home, notes, tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere" / "ollama"
    folder.mkdir(parents=True)
    (folder / "notes-cloud").write_text("not a model")
    monkeypatch.chdir(folder.parent)
    door = look_at_store(home).door
    assert door is not None
    far = attach(door.address, door.key)
    try:
        shown = leaving(asked(far, about(notes.public[0])))
        assert shown is not None and shown.model == "notes-cloud"
    finally:
        far.close()


def test_a_default_model_elsewhere_is_named_as_such(home, embedder, server, notes):
    configure(home, away=server.url, private=notes.private, more=f'[chat]\nmodel = "{AWAY}"\n')
    with open_brain(load(), own=True) as brain:
        brain.add(notes.folder)
        list(brain.sync(cancel=threading.Event()))
        status = brain.status()
        assert (status.chat, status.stays_home) == (AWAY, False)
        assert (status.sent_today, status.budget_day) == (0, 1.0)
        brain.warm()
        events = list(brain.ask(about(notes.public[0]), cancel=threading.Event()))
        assert isinstance(events[-1], Leaving)
        used = [one for one in brain.models() if one.used]
        assert [(one.name, one.kind, one.stays_home) for one in used] == [(AWAY, "endpoint", False)]
        assert [one.kind for one in brain.models()][-1] == "quotes"


def test_asked_every_time_means_every_time(home, embedder, server, notes):
    configure(home, away=server.url, more='[privacy]\nask = "always"\n')
    with open_brain(load(), own=True) as brain:
        brain.add(notes.folder)
        list(brain.sync(cancel=threading.Event()))
        shown = leaving(asked(brain, about(notes.public[0]), consent=Consent(conversation=True)))
        assert shown is not None and not shown.allowed and server.bodies == []


def test_a_whole_file_is_sent_with_its_price_first_and_a_private_one_never(opened, server, notes, home):
    note, secret = notes.public[0], notes.secret[0]
    server.script(note.sentences[0])

    def whole(path, consent=Consent()):
        return list(
            opened.ask_whole("What does it cost?", str(path), cancel=threading.Event(), model=AWAY, consent=consent)
        )

    plan, shown = whole(note.path)
    assert isinstance(plan, Planned) and plan.way == "prompt" and plan.cost_usd > 0 and not plan.stays_home
    assert isinstance(shown, Leaving) and not shown.allowed
    answer = answered(whole(note.path, Consent(sha256=shown.sha256)))
    assert answer.coverage is not None and answer.coverage.complete
    assert (answer.sent, answer.stays_home) == (len(server.bodies[-1]), False)
    assert sha256(server.bodies[-1]) == shown.sha256
    plan, *_, answer = whole(secret.path, Consent(conversation=True))
    assert "never leaves" in plan.why and plan.stays_home and answer.stays_home
    assert len(server.bodies) == 1


def test_a_whole_file_in_parts_needs_consent_to_all_of_it(home, embedder, server, tmp_path):
    configure(home, away=server.url)
    (home / "config.toml").write_text((home / "config.toml").read_text().replace("100000", "2000"))
    long = tmp_path / "long.md"
    long.write_text("\n\n".join(f"Item {at} costs {at + 7} euros in the shop by the river." for at in range(400)))
    server.script("NONE")
    with open_brain(load(), own=True) as brain:

        def whole(consent):
            cancel = threading.Event()
            return list(
                brain.ask_whole("What does item 7 cost?", str(long), cancel=cancel, model=AWAY, consent=consent)
            )

        plan, shown = whole(Consent())
        assert plan.way == "parts" and plan.parts > 3
        assert isinstance(whole(Consent(sha256=shown.sha256))[-1], Leaving) and server.bodies == []
        answer = answered(whole(Consent(conversation=True)))
        assert len(server.bodies) == plan.parts
        assert answer.sent == sum(map(len, server.bodies))
        assert 0 < answer.usage.cost_usd <= plan.cost_usd


@pytest.mark.parametrize("began", [(first, seed) for first in ("near", "away") for seed in range(5)])
def test_a_talk_that_changes_its_model_takes_nothing_private_along(began, opened, server, near, notes):
    server.script(careless)
    followed = talk(opened, notes, *began)
    assert server.bodies
    for body in server.bodies:
        assert notes.leaked(body.decode()) == []
    assert followed.found and followed.told
    if began[0] == "near":
        assert any(
            one.canary in body.decode() for one in notes.secret for body in near.bodies
        )  # it was there to be leaked


def test_what_a_model_said_again_of_a_private_turn_is_private_too(opened, server, notes):
    secret, public = notes.secret[0], notes.public[0]
    first = answered(asked(opened, about(secret), model=NEAR))
    said = [(about(secret), first)]
    only = f"@{public.path.name} {about(public)}"
    said.append((only, answered(asked(opened, only, model=NEAR, history=talk_of(said)))))
    assert {one.chunk.path for one in said[1][1].evidence} == {public.path}
    assert secret.canary in said[1][1].answer  # the model was told of the turn before
    other = f"@{notes.public[1].path.name} {about(notes.public[1])}"
    shown, _ = allowed(opened, other, history=talk_of(said))
    assert shown is not None and notes.leaked(shown.body) == []
    assert sum(one.count for one in shown.withheld if one.what == "history") == 2
    said = [(only, answered(asked(opened, only, model=NEAR)))]
    shown, _ = allowed(opened, other, history=talk_of(said))
    assert shown is not None and [one.turns for one in shown.parcels if one.kind == "history"] == [1]


def test_a_secret_across_two_parts_of_a_file_keeps_it_here(home, embedder, server, tmp_path):
    configure(home, away=server.url)
    (home / "config.toml").write_text((home / "config.toml").read_text().replace("100000", "2000"))
    long = tmp_path / "long.md"
    lines = "\n".join("MIIEpAIBAAKCAQEA7bq9Zp1x8cVnR2sLk4Wd6Yt0Hf3Gj5Qm" + f"{at:02}" for at in range(99))
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----"
    items = "\n\n".join(f"Item {at} costs {at + 7} euros in the shop by the river." for at in range(60))
    long.write_text(f"{items}\n\n{key}\n\n{items}\n")
    server.script("NONE")
    with open_brain(load(), own=True) as brain:
        cancel = threading.Event()
        consent = Consent(conversation=True)
        list(brain.ask_whole("What does item 7 cost?", str(long), cancel=cancel, model=AWAY, consent=consent))
    assert all(b"MIIEpAIBAAK" not in body for body in server.bodies)


def test_the_cost_shown_is_what_the_endpoint_counted_to_the_last_token(opened, home, server, notes):
    shown, due = 0.0, 0.0
    for at in range(100):
        hit, miss, said = 128 * at, 700 + 11 * at, 20 + at
        usage = {
            "prompt_tokens": hit + miss,
            "prompt_cache_hit_tokens": hit,
            "prompt_cache_miss_tokens": miss,
            "completion_tokens": said,
            "completion_tokens_details": {"reasoning_tokens": at % 5},
        }
        server.script(Reply("It is in the notes.", usage=usage))
        events = asked(opened, about(notes.public[at % 40]), consent=Consent(conversation=True))
        true = (hit * 0.003 + miss * 0.15 + said * 0.60) / 1e6
        assert abs(answered(events).usage.cost_usd - true) < 1e-6
        shown, due = shown + answered(events).usage.cost_usd, due + true
    assert len(server.bodies) == 100
    status = opened.status()
    assert abs(status.spent_today - due) < 1e-6 and abs(shown - due) < 1e-6
    assert status.sent_today == sum(entry.bytes for entry in entries(home)) == sum(map(len, server.bodies))
