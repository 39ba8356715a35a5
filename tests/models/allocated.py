"""What llama.cpp itself sets aside for a model's memory: `python -m tests.models.allocated WINDOW FILE…` prints bytes, about.

In a process of its own, because the library may end it. The library tells MiB with two decimals.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys

import llama_cpp


def main(window: int, paths: list[str]) -> None:
    lines: list[str] = []
    keep = llama_cpp.llama_log_callback(lambda _level, text, _data: lines.append(text.decode("utf-8", "replace")))
    llama_cpp.llama_log_set(keep, ctypes.c_void_p(0))
    found = {}
    for path in paths:
        lines.clear()
        model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        wanted = llama_cpp.llama_context_default_params()
        wanted.n_ctx, wanted.n_batch, wanted.n_ubatch, wanted.flash_attn_type = window, 256, 256, 1
        context = llama_cpp.llama_init_from_model(model, wanted)
        sizes = re.findall(r"(?:KV|RS) buffer size = +([\d.]+) MiB", "".join(lines))
        found[path] = sum(float(size) for size in sizes) * (1 << 20)
        llama_cpp.llama_free(context)
        llama_cpp.llama_model_free(model)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
