"""Opens models on this machine: an embedder, a reranker or a chat model over a GGUF file, each in a child process of its own.

Opening reads the header only; the child starts at the first use, or at `warm`. Nothing here knows llama.cpp.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np

from brain.errors import Cancelled, ModelError
from brain.events import Reading
from brain.models.families import family_of
from brain.models.fitting import fit
from brain.models.header import Header, ModelRole, check, check_memory, free_memory, memory_needed
from brain.models.machine import ALL, physical_cores
from brain.models.prefixes import Pin
from brain.models.splits import parts_of, stem_of
from brain.models.worker import Worker
from brain.seams import Cancel, Vectors
from brain.types import Delta, Message, Usage

EMBED_WINDOW = 512  # longer passages blur, and their cost grows with the square
AT_ONCE = 2  # passages in one request; more at once gain nothing
IN_VAIN = 2  # times a passage gives way to questions before it is read to its end: they may come without a pause
SAMPLE = 1 << 16


def open_embedder(path: Path, *, threads: int = 0, polite: bool = False, gpu_layers: int = ALL) -> GgufEmbedder:
    """The embedding model in the GGUF at `path`. `polite` lets other programs go first (nice 10).

    Raises ModelError for a file that is missing, broken, cut, or no embedding model.
    """
    header, threads = check(path, "embed"), threads or physical_cores()
    return GgufEmbedder(path, header, threads=threads, polite=polite, gpu_layers=gpu_layers)


def open_chat(
    path: Path,
    *,
    window: int,
    threads: int = 0,
    gpu_layers: int = ALL,
    batch: int = 0,
    make_room: Callable[[], None] = lambda: None,
) -> GgufChat:
    """The chat model in the GGUF at `path` with a window of `window` tokens, or its own where that is smaller.

    `gpu_layers` of it lie on a graphics card, where the build can use one; `batch` tokens of a prompt are read at once, 0: as
    many as suit the machine. `make_room` is called ahead of each start of its process, and may refuse it with a ModelError.

    Where the free memory does not hold that window it is shorter, and `shrunk` says so. Raises ModelError for a file that
    is missing, broken, cut, or no chat model.
    """
    header, threads = check(path, "chat"), threads or physical_cores()
    given = {"threads": threads, "gpu_layers": gpu_layers, "batch": batch}
    return GgufChat(path, header, window=window, given=given, make_room=make_room)


def open_reranker(path: Path, *, threads: int = 0) -> GgufReranker:
    """The reranking model (a cross-encoder) in the GGUF at `path`.

    Raises ModelError for a file that is missing, broken, cut, or no reranking model.
    """
    return GgufReranker(path, check(path, "rerank"), threads=threads or physical_cores())


class _InChild:
    """What every open model offers, whatever it is for."""

    _worker: Worker

    @property
    def pid(self) -> int | None:
        """The child's process id while one runs."""
        return self._worker.pid

    def warm(self) -> None:
        """Start the child in the background; whatever fails is told at the first use."""
        with suppress(ModelError):
            self._worker.warm()

    def close(self) -> None:
        """End the child and give its memory back, in the middle of an answer if need be."""
        self._worker.close()


class GgufEmbedder(_InChild):
    """Embedder and Tokenizer over one GGUF. Any number of threads may use it; a question goes ahead of passages."""

    def __init__(self, path: Path, header: Header, *, threads: int, polite: bool, gpu_layers: int = ALL) -> None:
        fingerprint = fingerprinted(path, header)
        self.dimensions = header.embedding_length
        self.family = family_of(header, path.stem)
        self.window = min(header.context_length or EMBED_WINDOW, self.family.window or EMBED_WINDOW, EMBED_WINDOW)
        self.recipe = f"{fingerprint}/{len(self.family.passage)}+{self.window}"
        pooling = self.family.pooling if header.pooling is None else ""
        self.name = f"{path.stem}@{fingerprint}/{self.window}{self.family.mark(pooling)}"
        setup = {
            "job": "embed",
            "path": str(path),
            "window": self.window,
            "threads": threads,
            "polite": polite,
            "pooling": pooling,
        }
        setup |= {"gpu_layers": gpu_layers, "layers": header.layers}
        before = _guard(path, "embed", fingerprint, self.window)
        self._worker = Worker(path.stem, setup, before=before)

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:
        """One unit vector a text; a text over the window is cut, its closing token kept. Raises ModelError."""
        prefix = self.family.query if kind == "query" else self.family.passage
        rows = [np.zeros((0, self.dimensions), dtype=np.float32)]
        done = in_vain = 0
        while done < len(texts):
            some = [prefix + text for text in texts[done : done + AT_ONCE]]
            asked = {"do": "embed", "texts": some}
            may_stop = kind == "passage" and in_vain < IN_VAIN
            words, raw = self._worker.ask(asked, urgent=kind == "query", interruptible=may_stop)
            if words["width"] != self.dimensions:
                hint = "Choose another embedding model."
                raise ModelError(f"{self._worker.name} gives {words['width']} numbers a text", hint=hint)
            rows.append(np.frombuffer(raw, dtype=np.float32).reshape(-1, self.dimensions))
            done += len(rows[-1])  # fewer than asked for where a question came between
            in_vain = 0 if len(rows[-1]) else in_vain + 1
        return np.concatenate(rows)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, special tokens and prefix included. Does not wait for embedding."""
        if not texts:
            return []
        asked = [self.family.passage + text for text in texts]
        words, _ = self._worker.ask({"do": "count", "texts": asked}, aside=True)
        return [int(n) for n in words["counts"]]


class GgufReranker(_InChild):
    """Reranker over one GGUF: reads question and passage together, so it judges better and far slower than vectors."""

    def __init__(self, path: Path, header: Header, *, threads: int) -> None:
        self.name = stem_of(path)
        window = min(header.context_length or EMBED_WINDOW, EMBED_WINDOW)
        setup = {"job": "rerank", "path": str(path), "window": window, "threads": threads, "polite": False}
        setup |= {"gpu_layers": ALL, "layers": header.layers}
        before = _guard(path, "rerank", fingerprinted(path, header), window)
        self._worker = Worker(path.stem, setup, before=before)

    def score(self, question: str, texts: Sequence[str], *, seconds: float) -> list[float]:
        """A score from 0 to 1 for each text, in order, until `seconds` are over: then fewer, or none. Raises ModelError."""
        is_over = threading.Event()
        clock = threading.Timer(seconds, is_over.set)
        clock.start()
        asked = {"do": "rerank", "question": question, "texts": list(texts)}
        try:
            *_, (_, raw) = self._worker.request(asked, cancel=is_over)
        except Cancelled:
            return []
        finally:
            clock.cancel()
        logits = np.frombuffer(raw, dtype=np.float32).astype(np.float64)
        return [float(score) for score in 1 / (1 + np.exp(-np.clip(logits, -60, 60)))]


class GgufChat(_InChild):
    """ChatModel over one GGUF. Answers one at a time; what prompts have in common at their beginning is read once."""

    def __init__(
        self, path: Path, header: Header, *, window: int, given: dict[str, int], make_room: Callable[[], None]
    ) -> None:
        self.name = stem_of(path)
        found = fit(header, window, free_memory())
        self.window = found.window if found.fits else found.wanted  # one that cannot run is refused when it is started
        self.shrunk = found.said
        self.stays_home = True
        self.usage = Usage()
        self.template_source: Literal["file", "missing", "broken"] = "file" if header.chat_template else "missing"
        self.fingerprint = fingerprinted(path, header)
        setup = {
            "job": "chat",
            "path": str(path),
            "window": self.window,
            "polite": False,
            "template": header.chat_template,
            "layers": header.layers,
        }
        self.memory = memory_needed(header, self.window)
        self.last_used = 0.0  # on the monotonic clock
        before = _guard(path, "chat", self.fingerprint, self.window, make_room=make_room)
        self._worker = Worker(path.stem, setup | given, before=before)

    @property
    def is_starting(self) -> bool:
        """Whether its process is about to be there."""
        return self._worker.is_starting

    def rest(self) -> bool:
        """End the process unless it is answering; the next question starts it again. Whether none runs now."""
        return self._worker.rest()

    def count(self, text: str) -> int:
        """Tokens of a text, without the turn around it. Does not wait for a running answer."""
        return self.count_many([text])[0]

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text in one request."""
        words, _ = self._worker.ask({"do": "count", "texts": list(texts)}, aside=True)
        return [int(n) for n in words["counts"]]

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt, exactly as `stream` would send it."""
        words, _ = self._worker.ask({"do": "size", "messages": _plain(messages)})
        self.template_source = words["template"]
        return int(words["tokens"])

    def stream(
        self, messages: Sequence[Message], *, limit: int, cancel: Cancel, pin: Pin | None = None
    ) -> Iterator[Delta | Reading]:
        """How far the prompt is read, then the answer piece by piece, at most `limit` tokens, thoughts included.

        `pin`: where the prompt's beginning is kept on disk.
        Setting `cancel` ends the answer without an error, also while the model is opened or reads. Raises ModelError:
        prompt over the window, the child died.
        """
        self.usage = Usage()
        if cancel.is_set():
            return
        self.last_used = time.monotonic()
        asked = {
            "do": "chat",
            "messages": _plain(messages),
            "limit": limit,
            "pin": None if pin is None else asdict(pin),
        }
        try:
            for said, _ in self._worker.request(asked, cancel=cancel):
                if said["is"] == "piece" and not cancel.is_set():
                    yield Delta(said["text"], thought=said["thought"])
                elif said["is"] == "reading":
                    yield Reading(said["done"], said["total"])
                elif said["is"] == "done":
                    self.usage = Usage(**said["usage"])
                    self.template_source = said["template"]
        except Cancelled:
            return


def fingerprinted(path: Path, header: Header) -> str:
    """Ten characters that another model in the same file name would not have: from its shape and its tensors' bytes."""
    room = header.size - header.data_start
    shape = (header.architecture, header.pooling, header.context_length, header.vocabulary, room)
    digest = hashlib.sha256(repr(shape).encode())
    try:
        for part in parts_of(path):
            with part.open("rb") as file:
                first = header.data_start if part == path else 0
                last = max(first, os.fstat(file.fileno()).st_size - SAMPLE)
                for start in (first, (first + last) // 2, last):
                    file.seek(start)
                    digest.update(file.read(SAMPLE))
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}", hint="Check its permissions.") from error
    return digest.hexdigest()[:10]


def _guard(
    path: Path, role: ModelRole, fingerprint: str, window: int, *, make_room: Callable[[], None] = lambda: None
) -> Callable[[], None]:
    """What must hold each time the child is started: the same file, whole, and memory for it."""

    def before() -> None:
        header = check(path, role)
        if fingerprinted(path, header) != fingerprint:
            raise ModelError(f"{path.name} was replaced by another file", hint="Restart Brain to use the new one.")
        make_room()
        check_memory(path.stem, header, window)

    return before


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in messages]
