"""Whole sessions with the starter models, where there is no network and where every network call is written down."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from brain.sample import QUESTIONS, VAULT
from brain.store.ledger import Ledger
from tests.tracing import attempts, brain, traced, why_no_namespace, why_no_strace

pytestmark = pytest.mark.real


def session(at: Path, **how) -> None:
    """Add a folder, search, ask, list conversations, look after the store: each in a process of its own."""
    offline, how["home"] = how.pop("offline", ()), at
    brain("add", str(at.parent / "notes"), *offline, **how)
    found = json.loads(brain("search", "heating circuit pressure", "--json", *offline, **how))
    assert found["hits"], found
    answered = json.loads(brain("ask", QUESTIONS[0].text, "--json", *offline, **how))
    assert answered["model"].startswith("smollm2") and answered["citations"] and not answered["degraded"]
    assert json.loads(brain("chats", "--json", *offline, **how))["conversations"]
    assert "vectors" in brain("status", "--json", *offline, **how)
    assert json.loads(brain("doctor", "--json", *offline, **how))["healthy"]
    assert brain("ledger", *offline, **how).startswith("0 bytes left this machine today.")
    assert list(Ledger(at / "egress.jsonl").entries()) == []


@pytest.fixture
def stocked(tmp_path: Path, shelf) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copytree(VAULT, tmp_path / "notes")
    (home / "config.toml").write_text(f'models_folder = "{shelf.folder}"\n')
    return home


def test_no_process_of_a_session_reaches_for_an_address_though_it_might(stocked, tmp_path):
    if why := why_no_strace():
        pytest.skip(why)
    written = tmp_path / "trace"
    session(stocked, before=traced(written))
    assert "AF_UNIX" in written.read_text(), "calls are written down: the Unix sockets are there"
    assert attempts(written) == []


def test_an_offline_session_needs_no_network_and_reaches_for_none(stocked, tmp_path):
    if why_no_strace() and why_no_namespace():
        pytest.skip(f"{why_no_strace()}; {why_no_namespace()}")
    written = tmp_path / "trace"
    nowhere = () if why_no_namespace() else ("unshare", "-rn")
    session(stocked, before=(*nowhere, *(() if why_no_strace() else traced(written))), offline=("--offline",))
    assert why_no_strace() or attempts(written) == []
