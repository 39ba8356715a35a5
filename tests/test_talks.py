"""Conversations across processes: nothing that was said to be kept is lost, whoever is killed."""

from __future__ import annotations

import pytest

from brain.engine import open_brain
from brain.errors import StoreBusy
from brain.parts import Parts
from brain.settings import load
from tests.fakes import HashingEmbedder
from tests.store.test_conversations import answer
from tests.test_remote import OwnerProcess
from tests.waiting import until


@pytest.fixture
def notes(tmp_path, home, monkeypatch):
    made = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "pump.txt").write_text("The pump for the well is delivered in week 24.")
    return folder


def test_turns_survive_every_owner_that_is_killed_between_them(notes):
    """A window appends while the owner dies again and again; each turn is there once, in its order, at the end."""
    said, number = [], None
    for round in range(3):
        owner = OwnerProcess(notes)
        try:
            with open_brain(load()) as brain:
                for at in range(4):
                    made = answer(f"{round}.{at}", ("The pump comes.", notes / "pump.txt"))
                    if at == 2:
                        owner.kill()
                    number = brain.conversations.append(made, key=f"{round} {at}", conversation=number)
                    assert brain.conversations.append(made, key=f"{round} {at}", conversation=number) == number
                    said.append(made)
        finally:
            owner.process.kill()
            owner.end()
    with open_brain(load(), own=True) as brain:
        assert [turn.answered for turn in brain.conversations.get(number).turns] == said
        assert not [finding for finding in brain.doctor(thorough=True).found if finding.part == "catalog"]


def test_a_reader_beside_an_owner_reads_and_says_that_it_cannot_write(notes):
    with open_brain(load(), own=True) as owner:
        number = owner.conversations.append(answer("q", ("a", notes / "pump.txt")), key="k")
        with open_brain(load(), own=False) as reader:
            kept = reader.conversations.get(number)
            assert kept.turns[0].answered.question == "q"
            talks = reader.conversations
            for write in (
                lambda: talks.append(answer("q"), key="l"),
                lambda: talks.rename(number, "x"),
                lambda: talks.delete(number),
                lambda: talks.restore(kept),
            ):
                with pytest.raises(StoreBusy, match="owns the index"):
                    write()
            assert talks.verdicts(number)[0][0].standing == "gone", "no such words were in it"


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "append", "answered": {"is": "Token", "text": "x"}, "key": "k", "scope": {"is": "Scope"}},
        {"do": "append", "answered": None, "key": 3},
        {"do": "chat", "number": "1"},
        {"do": "chat", "number": -1},
        {"do": "chat", "number": 1 << 70},
        {"do": "delete", "number": True},
        {"do": "chats", "words": "x", "limit": 0},
        {"do": "restore", "lost": {"is": "Conversation"}},
    ],
    ids=str,
)
def test_what_a_client_sends_amiss_is_refused_and_hurts_nobody(notes, request_):
    from brain.remote import attach
    from brain.store.claim import look_at_store

    with open_brain(load(), own=True) as owner:
        door = look_at_store(load().home).door
        assert door is not None
        remote = attach(door.address, door.key)
        try:
            name = request_.pop("do")
            with pytest.raises(Exception, match="not understood"):
                remote._call(name, **request_)
            assert remote.conversations.summaries() == owner.conversations.summaries() == ()
        finally:
            remote.close()


def test_a_file_edited_and_moved_is_followed_through_the_background(notes):
    with open_brain(load(), background=True) as brain:
        brain.add(notes)
        until(lambda: brain.status().indexed == 1)
        path = notes / "pump.txt"
        made = answer("When?", ("The pump for the well is delivered in week 24.", path))
        number = brain.conversations.append(made, key="k")
        path.rename(notes / "well.txt")
        until(lambda: brain.conversations.get(number).turns[0].sources[0].path == notes / "well.txt")
        (notes / "well.txt").write_text("Note.\nThe pump for the well is delivered in week 25.")
        ((verdict,),) = brain.conversations.verdicts(number)
        assert (verdict.standing, verdict.line, verdict.path) == ("changed", 2, notes / "well.txt")
        assert "week 25" in verdict.now
