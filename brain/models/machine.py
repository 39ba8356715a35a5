"""What of this machine a model is given: threads, how much is read at once, and how many layers lie on a graphics card.

The library itself is never loaded here: whether it can use a card is asked of a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ALL = -1  # layers: as many as fit
SLICE = 256  # tokens of a prompt read at once: how often progress is told
SLICE_ON_CARD = 512


@cache
def can_offload() -> bool:
    """Whether the library was built for a graphics card that this machine has; half a second, the first time."""
    ask = "import sys, llama_cpp; sys.exit(0 if llama_cpp.llama_supports_gpu_offload() else 1)"
    done = subprocess.run([sys.executable, "-P", "-c", ask], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def attempts(gpu_layers: int, layers: int, *, offloads: bool) -> Sequence[int]:
    """How many layers to put on the card: tried one after the other until they fit. A number that was asked for is tried alone."""
    if not offloads:
        return (0,)
    if gpu_layers != ALL:
        return (gpu_layers,)
    return tuple(dict.fromkeys((ALL, layers * 3 // 4, layers // 2, layers // 4, 0)))


def fitting_batch(batch: int, *, offloads: bool) -> int:
    """Tokens read at once; 0 asks for what suits the machine."""
    return batch or (SLICE_ON_CARD if offloads else SLICE)


def physical_cores() -> int:
    """Cores this process may use, two threads of one core counted once: llama.cpp gains nothing from the second."""
    try:
        allowed = sorted(os.sched_getaffinity(0))
    except AttributeError:
        return max(1, (os.cpu_count() or 2) // (1 if os.uname().machine == "arm64" else 2))
    cores = set()
    for number in allowed:
        siblings = Path(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text())
        except OSError:
            cores.add(str(number))
    return max(1, len(cores))
