"""Stand-ins at the seams, under the same contracts as the real parts: quick, local, the same every time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from brain.events import Reading
from brain.seams import Cancel, Vectors
from brain.types import Delta, Message, Usage
from brain.wording import key_terms


class HashingEmbedder:
    """Texts that share words get near vectors: each word adds a fixed random direction."""

    def __init__(self, name: str = "hashing/1", dimensions: int = 64, window: int = 256) -> None:
        self.name = name
        self.dimensions = dimensions
        self.window = window
        self.recipe = "words/1"
        self.embedded: list[str] = []  # every passage it was given, so that tests can count

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:
        if kind == "passage":
            self.embedded.extend(texts)
        rows = [self._vector(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimensions)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [2 + len(re.findall(r"\w+|[^\w\s]", text)) for text in texts]

    def warm(self) -> None: ...

    def close(self) -> None: ...

    def _vector(self, text: str) -> Vectors:
        total = np.full(self.dimensions, 1e-3, dtype=np.float32)
        for term in key_terms(text)[: self.window]:
            seed = int.from_bytes(hashlib.sha256(term.encode()).digest()[:8], "big")
            total += np.random.default_rng(seed).standard_normal(self.dimensions).astype(np.float32)
        unit: Vectors = (total / np.linalg.norm(total)).astype(np.float32)
        return unit


class ScriptedChat:
    """Says what it was told to say, word by word."""

    def __init__(self, answer: str = "", *, window: int = 2048, name: str = "scripted") -> None:
        self.name = name
        self.window = window
        self.stays_home = True
        self.shrunk = ""
        self.usage = Usage()
        self.answer = answer
        self.asked: list[tuple[Message, ...]] = []

    def count(self, text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text))

    def stream(self, messages: Sequence[Message], *, limit: int, cancel: Cancel) -> Iterator[Delta | Reading]:
        self.asked.append(tuple(messages))
        spoken = 0
        for piece in re.findall(r"\S+\s*", self.answer):
            if cancel.is_set() or spoken >= limit:
                break
            spoken += 1
            yield Delta(piece)
        prompt = sum(self.count(message.text) for message in messages)
        self.usage = Usage(prompt_tokens=prompt, completion_tokens=spoken)

    def warm(self) -> None: ...

    def close(self) -> None: ...
