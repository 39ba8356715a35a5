"""The gate on the command line: what would leave is shown, and only what a person allows is sent."""

from __future__ import annotations

import json

import pytest

from brain.cli import DONE, FAILED, USAGE, commands, main
from brain.cli.leaving import withheld_row
from brain.store.ledger import Ledger
from brain.types import Withheld
from tests.away import AWAY, Vault, configure, sha256, vault
from tests.endpoints import FakeEndpoint


@pytest.fixture
def server():
    with FakeEndpoint("It is in the notes.") as fake:
        yield fake


@pytest.fixture
def notes(tmp_path, home, server, capsys) -> Vault:
    made = vault(tmp_path / "notes", notes=10)
    configure(home, away=server.url, private=made.private)
    assert main(["add", str(made.folder)]) == DONE
    capsys.readouterr()
    return made


@pytest.fixture
def question(notes) -> str:
    return f"What does the order for {notes.public[0].subject} cost and who looks after it?"


@pytest.fixture
def typing(monkeypatch):
    """Somebody sits at the terminal and types these lines, one at each prompt."""

    def at_a_terminal(*lines: str) -> None:
        left = list(lines)
        monkeypatch.setattr("brain.cli.leaving.is_at_a_terminal", lambda: True)
        monkeypatch.setattr(commands, "typed", lambda cancel: left.pop(0))

    return at_a_terminal


def ask(question: str, *flags: str) -> int:
    return main(["ask", "--model", AWAY, *flags, question])


def test_without_a_terminal_nothing_is_sent_unless_it_is_said_so(question, server, capsys, home):
    assert ask(question) == FAILED
    said = capsys.readouterr().err
    assert "Nothing was sent" in said and "--send" in said
    assert server.bodies == [] and not (home / "egress.jsonl").exists()
    assert ask(question, "--send") == DONE
    assert len(server.bodies) == 1
    printed = capsys.readouterr()
    assert "It is in the notes." in printed.out and "on another machine" in printed.out
    assert f"Sent {len(server.bodies[0]):,} bytes to 127.0.0.1" in printed.err


def test_the_preview_is_what_is_sent_byte_for_byte(question, server, capsys):
    assert ask(question, "--preview") == DONE
    shown = capsys.readouterr().out.encode()
    assert server.bodies == [] and json.loads(shown)["stream"]
    assert ask(question, "--send") == DONE
    assert server.bodies == [shown]


def test_a_preview_of_what_stays_here_is_an_error(question, server, capsys):
    assert main(["ask", "--model", "quotes", "--preview", question]) == FAILED
    assert "Nothing would leave" in capsys.readouterr().err
    assert ask(question, "--preview", "--offline") == FAILED
    assert "offline" in capsys.readouterr().err
    assert ask(question, "--preview", "--send") == USAGE


def test_the_answer_here_is_what_comes_of_anything_but_a_yes(question, server, capsys, typing):
    for line in ("", "\n", "n\n", "no\n"):
        typing(line)
        assert ask(question) == DONE
        printed = capsys.readouterr()
        assert server.bodies == [] and "(quotes, on this machine" in printed.out
        assert "This question would leave your machine." in printed.err


def test_a_yes_sends_what_was_shown(question, server, capsys, typing, home):
    for line in ("y\n", "yes\n", "a\n"):
        typing(line)
        assert ask(question) == DONE
        printed = capsys.readouterr()
        assert f"{len(server.bodies[-1]):,} bytes" in printed.err and "It is in the notes." in printed.out
        assert printed.err.count("passages from") == 1
    sent = [entry.sha256 for entry in Ledger(home / "egress.jsonl").entries()]
    assert sent == [sha256(body) for body in server.bodies] and len(sent) == 3


def test_a_passage_is_dropped_and_the_rest_shown_again(question, server, notes, capsys, typing):
    typing("b\n", "d\n", "d 2\n", "y\n")
    assert ask(question) == DONE
    printed = capsys.readouterr()
    assert printed.err.count("This question would leave your machine.") == 2
    assert "you took it out" in printed.err and '"messages"' in printed.err
    (body,) = server.bodies
    assert "<source 2" not in body.decode() and "<source 1" in body.decode()


def test_scripts_get_the_event_and_the_whole_answer(question, server, capsys):
    assert ask(question, "--json", "--events", "--send") == DONE
    *events, body = map(json.loads, capsys.readouterr().out.splitlines())
    shown = [event for event in events if event["event"] == "leaving"]
    assert [event["allowed"] for event in shown] == [False, True]
    assert shown[0]["body"].encode() == server.bodies[0]
    assert (body["stays_home"], body["sent"]) == (False, len(server.bodies[0]))
    assert body["usage"]["cost_usd"] > 0


def test_a_talk_goes_on_elsewhere_with_what_may_leave(notes, question, server, capsys):
    assert main(["ask", "--model", "quotes", question]) == DONE
    secret = notes.secret[0]
    assert (
        main(["ask", "--continue", "--model", "quotes", f"@{secret.path.name} what does it cost, which code?"]) == DONE
    )
    assert ask("And who looks after it?", "--chat", "1", "--send") == DONE
    assert notes.leaked(server.bodies[-1].decode()) == []
    assert "Withheld: " in capsys.readouterr().err


def test_a_whole_file_in_parts_is_sent_in_parts_with_send(notes, home, server, tmp_path, capsys):
    (home / "config.toml").write_text((home / "config.toml").read_text().replace("100000", "2000"))
    long = tmp_path / "long.md"
    long.write_text("\n\n".join(f"Item {at} costs {at + 7} euros in the shop by the river." for at in range(400)))
    server.script("NONE")
    assert main(["ask", "--model", AWAY, "--whole", str(long), "What does item 7 cost?"]) == FAILED
    assert server.bodies == []
    assert main(["ask", "--model", AWAY, "--whole", str(long), "--send", "What does item 7 cost?"]) == DONE
    assert len(server.bodies) > 3


def test_rows_are_plain_words():
    assert withheld_row(Withheld("history", "you took it out", count=2)) == (
        "2 earlier questions and their answers (you took it out)"
    )
    assert withheld_row(Withheld("secret", "a card number")) == "a card number"
