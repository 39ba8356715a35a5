"""The endpoints that are known by name, out of `providers.toml`: a dated file, because names and models move every few weeks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Provider:
    """What is known of one endpoint. Empty fields: nothing."""

    url: str = ""
    model: str = ""  # used where none is named
    models: tuple[str, ...] = ()  # those worth offering
    sees: tuple[str, ...] = ()  # those that take images
    key: str = ""  # the name of its key
    window: int = 8192
    balance: str = ""  # where it says what is left, below `url`
    thinking_off: Mapping[str, Any] = field(default_factory=dict)  # goes into the body
    thinking_on: Mapping[str, Any] = field(default_factory=dict)
    retired: Mapping[str, str] = field(default_factory=dict)  # an old model name: the one that took its place
    away: tuple[str, ...] = ("*-cloud", "*:cloud")  # patterns of models that a server on this machine runs elsewhere
    temperature: bool = True  # whether it may be asked for temperature 0


@cache
def providers() -> Mapping[str, Provider]:
    """Every known endpoint by its name."""
    given = tomllib.loads(files("brain.models").joinpath("providers.toml").read_text(encoding="utf-8"))
    return {name: _provider(entry) for name, entry in given.items() if isinstance(entry, dict)}


def _provider(entry: Mapping[str, Any]) -> Provider:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Provider(**fields)
