"""The file of known endpoints: every entry opens, and what it says fits together."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from importlib.resources import files

import pytest

from brain.models.endpoint import open_endpoint
from brain.models.providers import providers
from brain.settings import EndpointSettings
from brain.types import Message


def test_the_file_is_dated():
    given = tomllib.loads(files("brain.models").joinpath("providers.toml").read_text(encoding="utf-8"))
    assert isinstance(given["as_of"], date)


@pytest.mark.parametrize("name", providers())
def test_every_known_endpoint_opens(name):
    known = providers()[name]
    endpoint = open_endpoint(f"{name}/some-model", {})
    assert endpoint.model == "some-model"
    assert endpoint.stays_home == ("127.0.0.1" in known.url)
    assert bool(endpoint.key) == (not endpoint.stays_home)
    assert endpoint.window >= 4096
    assert set(known.sees) <= set(known.models)
    assert set(known.retired.values()) <= set(known.models)
    assert not set(known.retired) & set(known.models)


@pytest.mark.parametrize("thinking", [False, True])
@pytest.mark.parametrize("name", providers())
def test_thinking_changes_nothing_else_in_a_body(name, thinking):
    plain = {"model", "messages", "max_tokens", "stream", "stream_options", "temperature"}
    endpoint = open_endpoint(f"{name}/m", {name: EndpointSettings(thinking=thinking)})
    body = json.loads(endpoint.body([Message("user", "x")], limit=1))
    known = providers()[name]
    assert set(body) - plain == set(known.thinking_on if thinking else known.thinking_off)
    assert not set(body) & plain ^ plain
