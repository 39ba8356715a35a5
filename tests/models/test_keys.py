"""Keys: where they are looked for, and that they show nowhere."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from brain.errors import EndpointError, SettingsError
from brain.models.keys import Secret, check_name, checked, find_key, forget_key, keep_key, where

KEY = "sk-canary-0123456789abcdef"


def test_a_secret_shows_nothing():
    secret = Secret(KEY)
    assert secret.reveal() == KEY
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr([secret]), repr({"key": secret})):
        assert "canary" not in shown
    for tried in (pickle.dumps, json.dumps, copy.copy):
        with pytest.raises(TypeError) as raised:
            tried(secret)
        assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [f"wrong key {KEY}!", f"{KEY[:14]}…{KEY[-9:]}", f"Bearer {KEY}{KEY}", f"<{KEY[3:20]}>"],
)
def test_a_key_that_is_repeated_is_taken_out(text):
    told = Secret(KEY).taken_out_of(text)
    assert not any(KEY[at : at + 8] in told for at in range(len(KEY) - 7))


def test_the_environment_counts_more_than_the_keyring(keyring, monkeypatch):
    assert (where("X_API_KEY"), find_key("X_API_KEY")) == ("", None)
    keep_key("X_API_KEY", Secret("from-the-keyring"))
    assert where("X_API_KEY") == "keyring"
    assert find_key("X_API_KEY").reveal() == "from-the-keyring"
    monkeypatch.setenv("X_API_KEY", f" {KEY}\n")
    assert where("X_API_KEY") == "environment"
    assert find_key("X_API_KEY").reveal() == KEY
    assert keyring == {("brain", "X_API_KEY"): "from-the-keyring"}
    assert forget_key("X_API_KEY")
    assert not forget_key("X_API_KEY")
    assert keyring == {}


def test_without_the_package_there_is_the_environment(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    assert find_key("X_API_KEY") is None
    assert not forget_key("X_API_KEY")
    with pytest.raises(EndpointError, match="package keyring is not installed") as raised:
        keep_key("X_API_KEY", Secret(KEY))
    assert "X_API_KEY" in raised.value.hint


def test_a_keyring_that_fails_is_no_key_and_shows_none(keyring, monkeypatch):
    def fails(*given):
        raise RuntimeError(f"locked: {given}")

    library = pytest.importorskip("keyring")
    for name in ("get_password", "set_password"):
        monkeypatch.setattr(library, name, fails)
    assert find_key("X_API_KEY") is None
    with pytest.raises(EndpointError) as raised:
        keep_key("X_API_KEY", Secret(KEY))
    error = raised.value
    assert "canary" not in f"{error!r}{error.hint}{error.__cause__!r}{error.__context__!r}"


@pytest.mark.parametrize("text", ["", "  ", "a b", "a\nb", "schlüssel", "x" * 5000])
def test_what_no_header_can_carry_is_no_key(text):
    with pytest.raises(EndpointError):
        checked(Secret(text), name="X_API_KEY")


@pytest.mark.parametrize(
    "name", [KEY, "0123456789abcdef0123456789abcdef", "abcdef0123456789abcdef0123456789", "A B", ""]
)
def test_a_key_in_the_settings_is_refused_unseen(name):
    with pytest.raises(SettingsError) as raised:
        check_name(name, owner="my server")
    told = f"{raised.value.reason} {raised.value.hint}"
    assert "MY_SERVER_API_KEY" in told
    assert not name or name not in told


@pytest.mark.parametrize("name", ["DEEPSEEK_API_KEY", "key", "OPENROUTER_API_KEY_2"])
def test_a_name_is_a_name(name):
    check_name(name, owner="x")
