"""The families of embedding models: what each was trained to see ahead of its texts, and how it pools. Data: embedders.toml."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from brain.models.header import Header

Pooling = Literal["", "mean", "cls", "last"]
DATA = Path(__file__).with_name("embedders.toml")


@dataclass(frozen=True, slots=True)
class Family:
    """What an embedding model was trained for; empty fields: what its file says, or nothing."""

    query: str = ""  # ahead of a question
    passage: str = ""  # ahead of a passage
    pooling: Pooling = ""  # where the file does not say: the mean, the first token or the last
    window: int = 0  # tokens that it reads well, where its file claims more
    architecture: str = ""  # whom it is for: this architecture, and a name with `part` in it
    part: str = ""

    def mark(self, pooling: Pooling) -> str:
        """The end of a model's name, `pooling` being what its file leaves open: vectors made in another way are not mixed."""
        if not (self.query or self.passage or pooling):
            return ""
        return "+" + hashlib.sha256(repr((self.query, self.passage, pooling)).encode()).hexdigest()[:4]


def family_of(header: Header, stem: str) -> Family:
    """The family of a model, by its architecture and the names that its header and its file give it."""
    names = f"{header.name} {stem}".lower()
    for family in families():
        if family.architecture in ("", header.architecture) and family.part in names:
            return family
    return Family()


@cache
def families() -> tuple[Family, ...]:
    """All that are known, the first that fits counts."""
    with DATA.open("rb") as file:
        return tuple(Family(**one) for one in tomllib.load(file)["family"])
