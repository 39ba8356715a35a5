"""One model file opened with llama.cpp: what every job in the model child stands on. The only file that imports llama_cpp.

Nothing of it is imported by the parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from brain.models.desk import Refused

LOG_ERROR = 4  # ggml's own number; the binding's table of levels is older than the library


def can_offload() -> bool:
    """Whether this build can put layers on a graphics card of this machine."""
    import llama_cpp

    return bool(llama_cpp.llama_supports_gpu_offload())


def is_lack_of_memory(complaints: Sequence[str]) -> bool:
    """Whether these lines say that the model did not fit."""
    return any(re.search(r"out of memory|alloc|failed to fit", line, re.IGNORECASE) for line in complaints)


class Llama:
    """A loaded model: opens it with the library's class and offers what both jobs need."""

    def __init__(self, path: str, layers: Sequence[int], **options: Any) -> None:
        """`layers`: how many lie on a graphics card, tried one after the other until the card's memory holds them."""
        import llama_cpp

        self.library = llama_cpp
        self.complaints: list[str] = []
        self._keep = llama_cpp.llama_log_callback(self._log)  # the library holds no reference to it
        llama_cpp.llama_log_set(self._keep, ctypes.c_void_p(0))
        # The constructor compiles every chat template it finds, without limits: "{{ 'a' * 9999999999 }}" takes the machine.
        llama_cpp._internals.LlamaModel.metadata = lambda _: {}
        self.model = self._opened(path, layers, options)
        self.model.verbose = False
        self.vocab = llama_cpp.llama_model_get_vocab(self.model.model)
        self.memory = llama_cpp.llama_get_memory(self.model.ctx)

    def _opened(self, path: str, layers: Sequence[int], options: dict[str, Any]) -> Any:
        for number in layers:
            self.complaints.clear()
            try:
                # verbose=False would close stderr while loading and take the reason of an abort with it.
                with contextlib.redirect_stderr(io.StringIO()):
                    return self.library.Llama(path, use_mmap=True, verbose=True, n_gpu_layers=number, **options)
            except (
                Exception
            ) as error:  # the binding raises ValueError, AssertionError, RuntimeError … for what it cannot load
                if number == layers[-1] or not is_lack_of_memory(self.complaints):
                    raise Refused(*self._explained(path, error)) from error
        raise ValueError("no number of layers was given")

    def tokens(self, text: str, *, special: bool, control: bool) -> list[int]:
        """Token ids. `special`: with the ones that frame a text; `control`: control tokens in the text count as such."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 16
        ids = (self.library.llama_token * room)()
        many = self.library.llama_tokenize(self.vocab, raw, len(raw), ids, room, special, control)
        if many < 0:
            room = -many
            ids = (self.library.llama_token * room)()
            many = self.library.llama_tokenize(self.vocab, raw, len(raw), ids, room, special, control)
        return list(ids[: max(0, many)])

    def count(self, texts: list[str], *, special: bool) -> list[int]:
        """Tokens of each text. Reads the vocabulary only, so it may run beside other work."""
        counts = []
        for text in texts:
            raw = text.encode("utf-8", "replace")
            counts.append(abs(self.library.llama_tokenize(self.vocab, raw, len(raw), None, 0, special, False)))
        return counts

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for, control tokens written out."""
        room = ctypes.create_string_buffer(256)
        size = self.library.llama_token_to_piece(self.vocab, token, room, 256, 0, True)
        if size < 0:
            room = ctypes.create_string_buffer(-size)
            size = self.library.llama_token_to_piece(self.vocab, token, room, -size, 0, True)
        return room.raw[: max(0, size)]

    def attributes(self, token: int) -> int:
        return int(self.library.llama_vocab_get_attr(self.vocab, token))

    def _log(self, level: int, text: bytes, _: object) -> None:
        if level == LOG_ERROR:
            line = text.decode("utf-8", "replace")
            self.complaints.append(line.strip())
            sys.stderr.write(line)
            sys.stderr.flush()

    def _explained(self, path: str, error: Exception) -> tuple[str, str]:
        name = os.path.basename(path)  # noqa: PTH119
        said = " ".join(self.complaints)
        if match := re.search(r"unknown model architecture: '([^']*)'", said):
            return (
                f"{name} is of a kind this build does not know: {match[1][:60]}",
                "Choose another model, or update Brain.",
            )
        detail = re.sub(r"^\w+: (?:error loading model: )?", "", self.complaints[0]) if self.complaints else str(error)
        return f"{name} could not be opened: {detail[:200]}", "Fetch the file again, or choose another model."
