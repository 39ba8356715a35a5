"""Ways by which a private word, a secret or a key could leave all the same, or the record of it lie: each is closed."""

from __future__ import annotations

import json
import os
import re
import select
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from brain.cli.leaving import through
from brain.conversations import Source, Turn, exchange
from brain.costs import Price
from brain.engine import open_brain
from brain.errors import EndpointError, SettingsError
from brain.events import Leaving
from brain.exporting import as_note
from brain.hiding import hidden
from brain.models.endpoint import open_endpoint
from brain.outgoing import Gate, Outgoing
from brain.parts import Parts
from brain.privacy import Rules, is_marked
from brain.settings import EndpointSettings, load
from brain.store.cited import pack, unpack
from brain.store.ledger import Ledger
from brain.types import Consent, Message
from tests.away import AWAY, NEAR, Vault, allowed, answered, asked, careless, configure, leaving, talk_of, vault
from tests.endpoints import FakeEndpoint, Reply
from tests.fakes import HashingEmbedder
from tests.test_outgoing import Recorder

ALL = Consent(conversation=True)


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
    return vault(tmp_path / "notes", notes=15)


@pytest.fixture
def opened(home, monkeypatch, server, near, notes):
    """A Brain that owns a store of the vault."""
    embedder = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: embedder)
    configure(home, away=server.url, near=near.url, private=notes.private)
    with open_brain(load(), own=True) as brain:
        brain.add(notes.folder)
        list(brain.sync(cancel=threading.Event()))
        yield brain


def about(note) -> str:
    return f"What does the order for {note.subject} cost and who looks after it?"


def whole(brain, path, question="What does it cost?", consent=ALL, **how):
    how.setdefault("model", AWAY)
    return list(brain.ask_whole(question, str(path), cancel=threading.Event(), consent=consent, **how))


def sent(server) -> str:
    return b"\n".join(server.bodies).decode()


# What is private


@pytest.mark.parametrize("rule", ["/journal/", "/journal", "/journal/*.md", "/Journal/"])
def test_a_rule_that_begins_at_the_watched_folder_as_git_means_it_counts(rule):
    rules = Rules((rule,), folders=(Path("/home/ana/notes"),))
    assert rules.why(Path("/home/ana/notes/journal/day.md"), tags=(), marked=False)
    assert not rules.why(Path("/home/ana/notes/work/journal/day.md"), tags=(), marked=False)


def test_a_rule_that_is_written_while_brain_runs_counts_at_once(opened, home, server, notes):
    note = notes.public[0]
    assert leaving(asked(opened, about(note))) is not None
    configure(home, away=server.url, private=(*notes.private, note.path.name))
    events = asked(opened, about(note), consent=ALL)
    assert note.sentences[0] not in sent(server)
    assert note.path in {one.path for one in answered(events).withheld}


def test_a_budget_and_a_wish_to_be_asked_that_are_written_while_brain_runs_count_at_once(opened, home, server, notes):
    question, before = about(notes.public[0]), (home / "config.toml").read_text()
    assert answered(asked(opened, question, consent=ALL)).sent
    (home / "config.toml").write_text(f"{before}\n[budget]\nday = 0.000001\n")
    assert not answered(asked(opened, question, consent=ALL)).sent
    (home / "config.toml").write_text(before.replace("[privacy]", '[privacy]\nask = "always"'))
    assert not leaving(asked(opened, question, consent=ALL)).allowed
    (home / "config.toml").write_text(f"offline = true\n{before}")
    assert not answered(asked(opened, question, consent=ALL)).sent
    assert len(server.bodies) == 1


def test_settings_that_cannot_be_read_any_more_let_nothing_out(opened, home, server, notes):
    (home / "config.toml").write_text('[privacy]\nprivate = ["journal/"')
    assert not answered(asked(opened, about(notes.public[0]), consent=ALL)).sent
    assert not answered(whole(opened, notes.public[0].path)).sent
    assert server.bodies == []


def test_a_file_is_private_under_each_of_its_names(opened, server, notes, tmp_path):
    elsewhere = tmp_path / "elsewhere.md"
    elsewhere.write_text("The surgeon is Dr Weber and the operation costs 900 euros.\n")
    inside = notes.folder / "journal" / "operation.md"
    inside.symlink_to(elsewhere)
    outside = tmp_path / "open.md"
    outside.symlink_to(next(note.path for note in notes.secret if note.path.parent.name == "journal"))
    for path in (inside, outside, f"{notes.folder}/work/../journal/./operation.md"):
        plan, *_, answer = whole(opened, path)
        assert plan.stays_home and "never leaves" in plan.why and answer.stays_home
    assert server.bodies == []


# What was made from what is private


def test_an_answer_from_a_whole_private_file_says_so_when_it_is_saved_as_a_note(opened, notes):
    for secret in (notes.secret[0], notes.secret[1]):
        answer = answered(whole(opened, secret.path, model=NEAR, consent=Consent()))
        assert answer.answer
        made = as_note(Turn("2026-11-23T12:00:00Z", answer, (Source(secret.path, ""),)))
        assert is_marked(made)


def test_a_saved_answer_is_private_as_soon_as_what_it_was_made_from_is(opened, home, server, notes):
    public = notes.public[0]
    answer = answered(asked(opened, f"@{public.path.name} {about(public)}", model="quotes"))
    saved = notes.folder / "saved.md"
    saved.write_text(as_note(Turn("2026-11-23T12:00:00Z", answer, (Source(public.path, ""),))))
    list(opened.sync(cancel=threading.Event()))
    question = f"@saved.md is:machine {about(public)}"
    shown = leaving(asked(opened, question))
    assert shown is not None and saved in {one.path for one in shown.parcels}
    public.path.write_text("---\nprivate: true\n---\n\n" + public.path.read_text())
    for _ in range(2):
        assert saved in {one.path for one in answered(asked(opened, question, consent=ALL)).withheld}
        copy = notes.folder.parent / "copy.md"
        copy.write_text(saved.read_text())
        assert [whole(opened, file, plan_only=True)[0].stays_home for file in (saved, copy)] == [True, True]
        public.path.unlink(missing_ok=True)
        list(opened.sync(cancel=threading.Event()))
    assert server.bodies == []


def test_an_answer_after_a_private_one_says_so_when_it_is_saved_as_a_note(opened, notes):
    secret, public = notes.secret[0], notes.public[0]
    history = talk_of([(about(secret), answered(asked(opened, about(secret), model=NEAR)))])
    only = f"@{public.path.name} {about(public)}"
    answer = answered(asked(opened, only, model=NEAR, history=history))
    assert secret.canary in answer.answer and {one.chunk.path for one in answer.evidence} == {public.path}
    assert is_marked(as_note(Turn("2026-11-23T12:00:00Z", answer, (Source(public.path, ""),))))
    alone = answered(asked(opened, only, model=NEAR))
    assert not is_marked(as_note(Turn("2026-11-23T12:00:00Z", alone, (Source(public.path, ""),))))
    assert is_marked(as_note(Turn("2026-11-23T12:00:00Z", alone, (Source(public.path, ""),), forgotten=1)))


def test_a_saved_answer_from_before_its_earlier_turns_were_noted_does_not_leave(opened, server, notes):
    public = notes.public[0]
    answer = answered(asked(opened, f"@{public.path.name} {about(public)}", model=NEAR))
    packed, paths = pack(answer)
    body = json.loads(packed)
    for name in ("tainted", "earlier"):
        del body[name]
    old = unpack(json.dumps(body), paths)
    assert all(turn.private is not False for turn in exchange(about(public), old))
    assert all(turn.private is False for turn in exchange(about(public), unpack(packed, paths)))


# Secrets


@pytest.mark.parametrize(
    "text",
    [
        "# House\n\n## Wifi password\n\nhunter2blue7\n\nIt works in the garden too.\n",
        "## Passwort vom Router\n`hunter2blue7`\n",
        "| what | value |\n|---|---|\n| wifi password | hunter2blue7 |\n",
    ],
)
def test_a_password_below_its_heading_or_beside_its_word_in_a_table_is_taken_out(text):
    assert "hunter2blue7" not in hidden(text)[0]


def test_a_heading_about_passwords_and_a_table_of_rules_stay():
    text = "## Password rules\n\nSomething\n\n| password length | characters |\n|---|---|\n| password-age | 90-days |\n"
    assert hidden(text) == (text, ())


def test_a_secret_whose_word_is_in_the_question_before_does_not_leave_with_the_history(opened, server, near, notes):
    house = notes.folder / "house.md"
    house.write_text("# House\n\nThe guest network has the wifi password: hunter2blue7\n")
    list(opened.sync(cancel=threading.Event()))
    near.script("It is hunter2blue7.")
    question = "@house.md Which wifi password has the guest network?"
    first = answered(asked(opened, question, model=NEAR))
    assert "hunter2blue7" in first.answer
    shown, _ = allowed(opened, about(notes.public[0]), history=talk_of([(question, first)]))
    assert shown is not None and "hunter2blue7" not in shown.body
    assert any(one.what == "history" for one in shown.withheld)


def test_a_secret_is_not_told_by_putting_together_what_was_found_in_the_parts(home, monkeypatch, server, tmp_path):
    monkeypatch.setattr(Parts, "embedder", lambda self: HashingEmbedder())
    facts = [f"Room {at} is heated by the pump of {at + 20} watts in the cellar." for at in range(1, 60)]
    note = tmp_path / "house.md"
    note.write_text(
        "\n\n".join(
            ["The gate code for the pump room is\n\n4711 and the pump room heats the whole house in winter.", *facts]
        )
    )
    configure(home, away=server.url)
    (home / "config.toml").write_text((home / "config.toml").read_text().replace("100000", "1200"))
    told = re.compile(r">\n(.*)\n</", re.DOTALL)
    server.script(
        lambda body: told.search(body["messages"][-1]["content"])[1].replace("[access code withheld] and", "")
    )
    with open_brain(load(), own=True) as brain:
        events = whole(brain, note, "How is the house heated?")
    assert answered(events).answer and len(server.bodies) > 2
    assert "4711" not in sent(server)


@pytest.mark.parametrize(
    "key", ["gsk_" + "a8Fq2Lz9Kd3Vt7Xw1Bn5Mc6P" * 2, "hf_a8Fq2Lz9Kd3Vt7Xw1Bn5Mc6Pqwe4rt", "sk_live_a8Fq2Lz9Kd3Vt7Xw1"]
)
def test_a_key_that_was_written_where_its_name_belongs_is_not_repeated(key):
    with pytest.raises(SettingsError) as refused:
        open_endpoint("groq", {"groq": EndpointSettings(url="https://api.groq.com/openai/v1", model="m", key=key)})
    assert key not in f"{refused.value.reason} {refused.value.hint}"


# Where to


@pytest.mark.parametrize("model", ["gpt-oss:120b-CLOUD", "Glm:Cloud", "glm:cloud "])
def test_a_model_that_a_server_here_runs_elsewhere_is_known_however_it_is_spelt(model):
    endpoint = open_endpoint(f"mine/{model}", {"mine": EndpointSettings(url="http://127.0.0.1:11434/v1")})
    assert not endpoint.stays_home


@pytest.mark.parametrize(
    "host",
    [
        "localhost.",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "127.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:8.8.8.8]",
        "127.0.0.1.nip.io",
    ],
)
def test_only_what_is_plainly_this_machine_stays_home(host):
    with pytest.raises(SettingsError):
        open_endpoint("mine", {"mine": EndpointSettings(url=f"http://{host}:11434/v1", model="m")})
    with suppress(SettingsError):
        assert not open_endpoint("mine", {"mine": EndpointSettings(url=f"https://{host}/v1", model="m")}).stays_home


def test_consent_to_one_address_is_none_to_another(home, monkeypatch, server, near, notes):
    monkeypatch.setattr(Parts, "embedder", lambda self: HashingEmbedder())
    configure(home, away=server.url)
    more = (home / "config.toml").read_text() + f'\n[endpoints.other]\nurl = "{near.url}"\nwindow = 100000\n'
    (home / "config.toml").write_text(more.replace("[endpoints.ollama]", "[endpoints.first]"))
    (home / "prices.toml").write_text('["127.0.0.1"."notes-cloud"]\nhit = 0.1\nmiss = 0.1\noutput = 0.1\n')
    with open_brain(load(), own=True) as brain:
        brain.add(notes.folder)
        list(brain.sync(cancel=threading.Event()))
        question = about(notes.public[0])
        shown = leaving(asked(brain, question, model="first/notes-cloud"))
        for consent in (Consent(sha256=shown.sha256, url=shown.url), Consent(conversation=True, url=shown.url)):
            (held,) = [
                one
                for one in asked(brain, question, model="other/notes-cloud", consent=consent)
                if isinstance(one, Leaving)
            ]
            assert held.sha256 == shown.sha256 and not held.allowed and near.bodies == []
        assert answered(asked(brain, question, model="first/notes-cloud", consent=consent)).sent


# The ledger and the money


def test_what_never_left_is_not_counted_as_sent(home, monkeypatch, notes):
    monkeypatch.setattr(Parts, "embedder", lambda self: HashingEmbedder())
    with FakeEndpoint() as gone:
        nowhere = gone.url
    configure(home, away=nowhere, private=notes.private)
    with open_brain(load(), own=True) as brain:
        brain.add(notes.folder)
        list(brain.sync(cancel=threading.Event()))
        answer = answered(asked(brain, about(notes.public[0]), consent=ALL))
        assert (answer.sent, answer.model) == (0, "quotes")
        assert brain.status().sent_today == 0 and brain.status().spent_today == 0
    (entry,) = Ledger(home / "egress.jsonl").entries()
    assert (entry.outcome, entry.bytes, entry.cost_usd) == ("refused", 0, 0)


def test_what_arrived_and_was_never_answered_is_paid_for(home, server):
    hears = threading.Event()

    def hang_up(body):
        hears.set()
        raise ConnectionAbortedError

    server.script(hang_up)
    endpoint = open_endpoint("ollama/m", {"ollama": EndpointSettings(url=server.url)})
    with pytest.raises(EndpointError):
        list(
            endpoint.send(endpoint.body([Message("user", "How much is the pump?")], limit=10), cancel=threading.Event())
        )
    assert hears.is_set() and endpoint.tries == 1
    assert endpoint.usage.prompt_tokens > 0


def test_two_processes_at_once_cannot_both_spend_the_last_cent(tmp_path):
    """The other one writes its entry after we have looked at what is spent, and before we write ours."""
    other, endpoint = Ledger(tmp_path / "egress.jsonl"), Recorder()
    entry = {"host": "h", "model": "m", "files": (), "characters": 1, "bytes": 1, "tokens": 1, "sha256": "0" * 64}

    class Raced(Ledger):
        def begin(self, **known):
            other.begin(**entry, estimate_usd=0.9)
            return super().begin(**known)

    ledger = Raced(tmp_path / "egress.jsonl")
    gate = Gate(ledger, lambda host, model: Price(0.0, 10_000.0, 0.0), day=1.0)
    chat = Outgoing(endpoint, gate, consent=ALL)
    with pytest.raises(EndpointError):
        list(chat.stream([Message("user", " ".join(["pump"] * 20))], limit=1, cancel=threading.Event()))
    assert endpoint.bodies == []
    assert (ledger.spent(now=datetime.now()).usd_today, ledger.spent(now=datetime.now()).bytes_today) == (0.9, 1)


def test_what_was_typed_before_the_question_does_not_answer_it(monkeypatch):
    ours, theirs = os.openpty()
    with open(theirs) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("brain.cli.leaving.is_at_a_terminal", lambda: True)
        held = Leaving("https://h/v1", "h", "m", "", "{}", "0" * 64, 1, 0.0, 0.0, (), (), False, "")
        os.write(ours, b"y\n")
        assert select.select([stdin], [], [], 5)[0]
        heard = []

        def hear(cancel):
            heard.append(bool(select.select([stdin], [], [], 0)[0]))
            return ""

        list(
            through(
                lambda consent: iter([held]), instead=lambda: iter(()), send=False, cancel=threading.Event(), hear=hear
            )
        )
    os.close(ours)
    assert heard == [False]


def test_a_record_that_is_gone_does_not_begin_the_day_anew(opened, home, server, notes):
    assert answered(asked(opened, about(notes.public[0]), consent=ALL)).sent
    (home / "egress.jsonl").unlink()
    assert not answered(asked(opened, about(notes.public[0]), consent=ALL)).sent
    assert len(server.bodies) == 1
    assert any("is gone" in one.why for one in opened.status().degraded)
    (home / "egress.head").unlink()
    assert answered(asked(opened, about(notes.public[0]), consent=ALL)).sent


def test_usage_that_makes_no_sense_leaves_an_amount_that_does(opened, home, server, notes):
    for usage in (
        {"prompt_tokens": -5, "completion_tokens": -1},
        {"prompt_tokens": 1e400, "completion_tokens": "many"},
        {"prompt_tokens": 10**30, "completion_tokens": None},
        {"prompt_tokens": True, "completion_tokens": [], "prompt_cache_hit_tokens": 7},
    ):
        server.script(Reply("It is in the notes.", usage=usage))
        answer = answered(asked(opened, about(notes.public[0]), consent=ALL))
        assert 0 <= answer.usage.cost_usd < 1
    assert Ledger(home / "egress.jsonl").verify() == ()
    assert 0 <= opened.status().spent_today < 1
