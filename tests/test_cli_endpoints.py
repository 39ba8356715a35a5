"""`brain endpoints` as a person and a script use it."""

from __future__ import annotations

import io
import json

import pytest

from brain.cli import DONE, FAILED, USAGE, main
from tests.endpoints import FakeEndpoint

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def config(home):
    def write(text: str) -> None:
        (home / "config.toml").write_text(text, encoding="utf-8")

    return write


def run_json(capsys, *arguments: str) -> dict:
    assert main(["endpoints", *arguments, "--json"]) == DONE
    return json.loads(capsys.readouterr().out)


def test_the_list_says_where_each_is_and_whether_its_key_is_there(config, capsys, monkeypatch):
    config(
        '[endpoints.attic]\nurl = "http://localhost:9/v1"\nmodel = "m"\n[endpoints.lan]\nurl = "http://10.0.0.2/v1"\n'
    )
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    assert main(["endpoints"]) == DONE
    rows = {row.split()[0]: row for row in capsys.readouterr().out.splitlines()}
    assert "this machine" in rows["attic"]
    assert "no key needed" in rows["attic"]
    assert "http:// to another machine" in rows["lan"]
    assert "remote" in rows["deepseek"]
    assert "DEEPSEEK_API_KEY (environment)" in rows["deepseek"]
    assert "1,000,000 tokens" in rows["deepseek"]
    assert "OPENROUTER_API_KEY (missing)" in rows["openrouter"]
    assert "canary" not in "".join(rows.values())
    found = {row["name"]: row for row in run_json(capsys)["endpoints"]}
    assert found["deepseek"]["has_key"]
    assert found["deepseek"]["stays_home"] is False
    assert found["lan"]["problem"]


def test_a_check_says_what_it_found_and_sends_no_question(config, capsys, monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    with FakeEndpoint() as server:
        config(f'[endpoints.deepseek]\nurl = "{server.url}"\nkey = "DEEPSEEK_API_KEY"\n')
        assert main(["endpoints", "check", "deepseek"]) == DONE
        printed = capsys.readouterr().out
        assert "takes the key in DEEPSEEK_API_KEY" in printed
        assert "deepseek-flash, deepseek-v4-pro" in printed
        assert "Left: 4.20 USD" in printed
        assert main(["endpoints", "check", "deepseek/deepseek-chat"]) == DONE
        assert "deepseek-chat is retired" in capsys.readouterr().out
        assert main(["endpoints", "check", "deepseek/nonesuch"]) == DONE
        assert "is not among them" in capsys.readouterr().out
        assert run_json(capsys, "check", "deepseek", "--offline")["has_model"]  # loopback is this machine
        assert server.bodies == []


def test_offline_nothing_but_this_machine_is_checked(home, capsys, monkeypatch, no_network):
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    assert main(["endpoints", "check", "deepseek", "--offline"]) == FAILED
    assert "api.deepseek.com is not asked: --offline" in capsys.readouterr().err
    assert no_network == []


def test_a_key_goes_into_the_keyring_and_out_of_it(home, capsys, monkeypatch, keyring):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    assert main(["endpoints", "key", "deepseek"]) == DONE
    assert keyring == {("brain", "DEEPSEEK_API_KEY"): KEY}
    assert main(["endpoints", "forget", "deepseek"]) == DONE
    assert keyring == {}
    assert main(["endpoints", "forget", "deepseek"]) == DONE
    printed = capsys.readouterr()
    assert "is forgotten" in printed.out
    assert "is not in the system's keyring" in printed.out
    assert "canary" not in printed.out + printed.err
    assert not any(KEY in path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check"], "Which endpoint?"),
        (["check", "depseek"], "Did you mean deepseek?"),
        (["key", "ollama"], "has no key"),
    ],
)
def test_what_is_wrong_is_said_with_a_next_step(arguments, words, home, capsys):
    assert main(["endpoints", *arguments]) == USAGE
    assert words in capsys.readouterr().err


def test_a_key_in_the_settings_is_refused_unseen(config, capsys):
    config(f'[endpoints.deepseek]\nkey = "{KEY}"\n')
    assert main(["endpoints", "check", "deepseek"]) == USAGE
    printed = capsys.readouterr()
    assert "never the key itself" in printed.err
    assert "canary" not in printed.out + printed.err
