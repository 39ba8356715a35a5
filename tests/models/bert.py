"""A BERT embedder in numpy, straight from the published weights: what a converted one is measured against."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

from brain.models.convert import HEADS, read_safetensors


class Bert:
    def __init__(self, weights: Path, words: Path) -> None:
        self.tensors = {name: np.array(tensor, dtype=np.float64) for name, tensor in read_safetensors(weights).items()}
        self.numbers = {word: at for at, word in enumerate(words.read_text(encoding="utf-8").split("\n"))}

    def ids(self, text: str) -> list[int]:
        """WordPiece of plain Latin text: lower case, accents off, punctuation by itself."""
        flat = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
        pieces = [self.numbers["[CLS]"]]
        for word in re.findall(r"\w+|[^\w\s]", flat):
            pieces += self._pieces(word)
        return [*pieces, self.numbers["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        found, start = [], 0
        while start < len(word):
            ends = range(len(word), start, -1)
            end = next((e for e in ends if ("##" if start else "") + word[start:e] in self.numbers), None)
            if end is None:
                return [self.numbers["[UNK]"]]
            found.append(self.numbers[("##" if start else "") + word[start:end]])
            start = end
        return found

    def vector(self, ids: list[int]) -> Any:
        """The mean of the last layer's states, as a unit vector."""
        mean = self.states(ids).mean(axis=0)
        return mean / np.linalg.norm(mean)

    def logit(self, ids: list[int], head: dict[str, Any]) -> float:
        """What a classifier upon the first token's state says: a dense layer, tanh, and one number."""
        pooled = np.tanh(self.states(ids)[0] @ head["cls.weight"].T + head["cls.bias"])
        return float((pooled @ head["cls.output.weight"].T + head["cls.output.bias"])[0])

    def states(self, ids: list[int]) -> Any:
        """The last layer's states, a row a token."""
        t = self.tensors
        x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.position_embeddings.weight"][: len(ids)]
        x = self._norm(x + t["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        layers = 1 + max(int(name.split(".")[2]) for name in t if name.startswith("encoder.layer."))
        for layer in range(layers):
            own = f"encoder.layer.{layer}."
            x = self._norm(x + self._attended(x, own), f"{own}attention.output.LayerNorm")
            inner = self._linear(x, f"{own}intermediate.dense")
            inner = inner * 0.5 * (1 + _erf(inner / np.sqrt(2)))
            x = self._norm(x + self._linear(inner, f"{own}output.dense"), f"{own}output.LayerNorm")
        return x

    def _attended(self, x: Any, own: str) -> Any:
        heads = HEADS[x.shape[1]]
        q, k, v = (
            self._linear(x, f"{own}attention.self.{part}").reshape(len(x), heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[2])
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        mixed = (shares / shares.sum(axis=2, keepdims=True)) @ v
        return self._linear(mixed.swapaxes(0, 1).reshape(x.shape), f"{own}attention.output.dense")

    def _linear(self, x: Any, name: str) -> Any:
        return x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]

    def _norm(self, x: Any, name: str) -> Any:
        x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-12)
        return x * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]


def _erf(x: Any) -> Any:
    """Abramowitz and Stegun 7.1.26: off by at most 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    curve = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - curve * np.exp(-x * x))
