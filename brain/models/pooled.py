"""The jobs of the model child that read a text whole and give numbers for it: a vector, or how well it answers a question."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.models.desk import Asked, Refused
from brain.models.llama import Llama, can_offload
from brain.models.machine import attempts

POOLING = {"": -1, "mean": 1, "cls": 2, "last": 3}  # llama.cpp's numbers; -1: as the file says
RANK = 4  # llama.cpp's number of the pooling that ends in a classifier

Floats = NDArray[np.float64]


class Pooled:
    """A model opened for reading one text a call: a batch of several would compute attention between all of them."""

    kind: str  # of model, for the person

    def __init__(self, setup: dict[str, Any]) -> None:
        self.name = os.path.basename(setup["path"])  # noqa: PTH119
        self.window = int(setup["window"])
        room = -(-self.window // 256) * 256
        self.llama = Llama(
            setup["path"],
            attempts(setup["gpu_layers"], setup["layers"], offloads=can_offload()),
            embedding=True,
            n_ctx=room,
            n_batch=room,
            n_ubatch=room,
            n_threads=setup["threads"],
            n_threads_batch=setup["threads"],
            flash_attn=True,
            pooling_type=POOLING[setup.get("pooling", "")],
        )
        library = self.llama.library
        self.pooling = int(library.llama_pooling_type(self.llama.model.ctx))
        self._asked: Asked | None = None
        self._abort = library.ggml_abort_callback(lambda _: self._is_stopped())  # the library holds no reference to it
        library.llama_set_abort_callback(self.llama.model.ctx, self._abort, None)

    def count(self, request: dict[str, Any]) -> dict[str, Any]:
        """Tokens of each text, special tokens included."""
        return {"counts": self.llama.count(request["texts"], special=True)}

    def many(self, texts: list[str], one: Callable[[str], Floats | None], asked: Asked) -> bytes:
        """What `one` makes of each text, until it was stopped: a question does not wait for the end of a passage."""
        self._asked, made = asked, b""
        for text in texts:
            if asked.is_stopped() or (found := one(text)) is None:
                break
            made += found.astype(np.float32).tobytes()
        return made

    def read(self, tokens: list[int], width: int) -> Floats | None:
        """What the model makes of the tokens, `width` numbers; None where it was stopped."""
        library, model = self.llama.library, self.llama.model
        if self.llama.memory is not None:
            library.llama_memory_clear(self.llama.memory, True)
        ids = (library.llama_token * len(tokens))(*tokens)
        code = library.llama_decode(model.ctx, library.llama_batch_get_one(ids, len(tokens)))
        if code and self._is_stopped():
            return None
        found = library.llama_get_embeddings_seq(model.ctx, 0) if code == 0 else None
        if not found:
            raise self.failed()
        return np.ctypeslib.as_array(found, shape=(width,)).astype(np.float64)

    def failed(self) -> Refused:
        """The model gave nothing, or nothing usable, for a passage."""
        return Refused(f"The {self.kind} model could not read a passage", f"Choose another {self.kind} model.")

    def _is_stopped(self) -> bool:
        return self._asked is not None and self._asked.is_stopped()


class Embedding(Pooled):
    """Texts to unit vectors."""

    kind = "embedding"

    def __init__(self, setup: dict[str, Any]) -> None:
        super().__init__(setup)
        library = self.llama.library
        if self.pooling not in (1, 2, 3):
            raise Refused(f"{self.name} gives no vector for a text", "Choose an embedding model.")
        self.width = int(library.llama_model_n_embd_out(self.llama.model.model))
        self._ends = {library.llama_vocab_sep(self.llama.vocab), library.llama_vocab_eos(self.llama.vocab)}
        self._one("warm")

    def answer(self, request: dict[str, Any], asked: Asked) -> None:
        """A row a text; fewer where it was stopped."""
        asked.reply("done", self.many(request["texts"], self._one, asked), width=self.width)

    def _one(self, text: str) -> Floats | None:
        tokens = self.llama.tokens(text, special=True, control=False) or [max(0, self.llama.model.token_eos())]
        if len(tokens) > self.window:  # the library would drop the closing token
            last = [tokens[-1]] if tokens[-1] in self._ends else []
            tokens = tokens[: self.window - len(last)] + last
        vector = self.read(tokens, self.width)
        if vector is None:
            return None
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0.0:
            raise Refused("The embedding model gave no usable vector", "Fetch its file again: it may be damaged.")
        return vector / length


class Reranking(Pooled):
    """Question and passage read together to one number: a cross-encoder, as llama.cpp's own server feeds it."""

    kind = "reranking"

    def __init__(self, setup: dict[str, Any]) -> None:
        super().__init__(setup)
        library, vocab = self.llama.library, self.llama.vocab
        if self.pooling != RANK or library.llama_model_n_cls_out(self.llama.model.model) != 1:
            raise Refused(f"{self.name} does not judge passages", "Choose a reranking model.")
        begin, end, between = (
            int(get(vocab)) for get in (library.llama_vocab_bos, library.llama_vocab_eos, library.llama_vocab_sep)
        )
        end = end if end >= 0 else between
        self._begin = [begin] if library.llama_vocab_get_add_bos(vocab) and begin >= 0 else []
        ends = [end] if library.llama_vocab_get_add_eos(vocab) and end >= 0 else []
        separates = [between] if library.llama_vocab_get_add_sep(vocab) and between >= 0 else []
        self._between = [*ends, *separates]
        self._end = ends or separates  # BERT has only [SEP], and was trained with one after the passage too
        self._one([], "warm")

    def answer(self, request: dict[str, Any], asked: Asked) -> None:
        """A score a text, in order; fewer where it was stopped."""
        question = self.llama.tokens(request["question"], special=False, control=False)[: self.window // 2]
        asked.reply("done", self.many(request["texts"], partial(self._one, question), asked))

    def _one(self, question: list[int], text: str) -> Floats | None:
        front = [*self._begin, *question, *self._between]
        room = self.window - len(front) - len(self._end)
        passage = self.llama.tokens(text, special=False, control=False)[: max(0, room)]
        found = self.read([*front, *passage, *self._end], 1)
        if found is not None and not np.isfinite(found[0]):
            raise self.failed()
        return found
