"""Ways by which a private word, a secret or a key could leave all the same, or the record of it lie: each is closed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from brain.engine import open_brain
from brain.parts import Parts
from brain.privacy import Rules
from brain.settings import load
from brain.types import Consent
from tests.away import AWAY, Vault, careless, configure, vault
from tests.endpoints import FakeEndpoint
from tests.fakes import HashingEmbedder

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


# What was made from what is private


# Secrets


# Where to


# The ledger and the money
