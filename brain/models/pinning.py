"""Runs inside the model child: the model's memory of a prompt's beginning, written to disk and read from there.

A file is loaded only where its seal fits and its hash is right: whatever else lies there is deleted, and the prompt read.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from brain.models.llama import Llama
from brain.models.prefixes import delete, is_whole, read_seal, seal

LEAST = 256  # tokens; fewer are read sooner than a file


def shared(tokens: list[int], other: list[int]) -> int:
    """How many tokens two prompts have in common at their beginning, the last of either left out."""
    most = min(len(tokens), len(other)) - 1
    differs = np.nonzero(np.asarray(tokens[:most]) != np.asarray(other[:most]))[0]
    return int(differs[0]) if len(differs) else max(0, most)


def restore(llama: Llama, pin: dict[str, Any], tokens: list[int]) -> bool:
    """Fill the model's memory with the kept state of exactly these tokens; False, and nothing in it, where there is none."""
    file = Path(pin["file"])
    words = read_seal(file)
    if words is None or any(words.get(key) != value for key, value in _seal(llama, pin, tokens).items()):
        return False
    if not is_whole(file, words):
        delete(file)
        return False
    library, model = llama.library, llama.model
    library.llama_memory_clear(llama.memory, True)
    model.reset()
    room, many = (library.llama_token * len(tokens))(), ctypes.c_size_t(0)
    taken = library.llama_state_seq_load_file(model.ctx, os.fsencode(file), 0, room, len(tokens), ctypes.byref(many))
    if not taken or list(room[: many.value]) != tokens:
        library.llama_memory_clear(llama.memory, True)
        delete(file)
        return False
    model.input_ids[: len(tokens)] = tokens
    model.n_tokens = len(tokens)
    os.utime(file)  # the least used go first
    return True


def keep(llama: Llama, pin: dict[str, Any], tokens: list[int]) -> None:
    """Write the state of exactly these tokens, which the model has just read. What cannot be written is left out."""
    file, library = Path(pin["file"]), llama.library
    size = library.llama_state_seq_get_size(llama.model.ctx, 0) + 4 * len(tokens)
    beside = file.with_name(f"{file.stem}.{os.getpid()}.new")
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if size > pin["most"] or shutil.disk_usage(file.parent).free < 2 * size:
            return
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        held = (library.llama_token * len(tokens))(*tokens)
        if library.llama_state_seq_save_file(llama.model.ctx, os.fsencode(beside), 0, held, len(tokens)):
            seal(beside, _seal(llama, pin, tokens))
            beside.replace(file)
    except OSError:
        pass  # a full disk, or a folder deleted meanwhile: the next question reads again
    finally:
        delete(beside)


def _seal(llama: Llama, pin: dict[str, Any], tokens: list[int]) -> dict[str, Any]:
    return {
        "belongs": pin["belongs"],
        "library": llama.library.__version__,
        "tokens": len(tokens),
        "prompt": hashlib.sha256(np.asarray(tokens, dtype=np.int32).tobytes()).hexdigest(),
    }
