"""Broken model files: how many of two hundred end in one clear error, and how long that takes. Run by hand.

    python -m tests.bench.mutated [HOW_MANY]

Each is a tiny model of some family with bytes of its header or tensors changed, or its end cut off, by a seeded chance.
"""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brain.errors import ModelError
from brain.models.local import open_chat
from brain.types import Message
from tests.models import families

ASKED = (Message("system", "Be short."), Message("user", "What about bread?"))


@dataclass(frozen=True)
class Outcome:
    """What became of one file: it answered, was refused by its header, or failed once its process had it."""

    kind: str
    reason: str
    seconds: float


def mutants(folder: Path, *, many: int, seed: int = 11) -> Iterator[Path]:
    """Broken files, one at a time: cut, bytes changed anywhere or among the keys, one number of a key or of a tensor forged."""
    random = np.random.default_rng(seed)
    whole = {
        name: families.write(folder / f"{name}.whole", family).read_bytes() for name, family in families.CHATS.items()
    }
    for number in range(many):
        name = list(whole)[int(random.integers(len(whole)))]
        data = bytearray(whole[name])
        match number % 6:
            case 0:
                del data[int(random.integers(10, len(data))) :]
            case 1 | 2 as place:
                reach = len(data) if place == 1 else 3_000  # the keys stand in the first bytes
                for at in random.integers(4, reach, int(random.integers(1, 12))):
                    data[at] = random.integers(0, 256)
            case 3 | 4:
                keys = list(re.finditer(rb"[a-z0-9-]+\.[a-z_.]+\x04\x00\x00\x00", data[:4_000]))
                at = keys[int(random.integers(len(keys)))].end()
                data[at : at + 4] = _forged(random).to_bytes(4, "little")
            case _:
                tensors = list(re.finditer(rb"blk\.\d\.[a-z_0-9.]+[a-z]", data[:40_000]))
                at = tensors[int(random.integers(len(tensors)))].end() + 4 * int(random.integers(0, 6))
                data[at : at + 4] = _forged(random).to_bytes(4, "little")
        path = folder / f"{number}-{name}.gguf"
        path.write_bytes(bytes(data))
        yield path
        path.unlink()


def _forged(random: np.random.Generator) -> int:
    odd = (0, 1, 2, 3, 5, 7, 63, 65, 255, 4_096, 65_535, 1 << 20, (1 << 31) - 1, (1 << 32) - 1)
    return odd[int(random.integers(len(odd)))]


def outcome(path: Path) -> Outcome:
    """Open the file and ask it something."""
    began, kind = time.monotonic(), "refused"
    try:
        chat = open_chat(path, window=512, threads=1)
        kind = "failed"
        try:
            for _ in chat.stream(ASKED, limit=4, cancel=threading.Event()):
                pass
        finally:
            chat.close()
    except ModelError as error:
        return Outcome(kind, error.reason, time.monotonic() - began)
    return Outcome("answered", "", time.monotonic() - began)


def main(many: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = [outcome(path) for path in mutants(Path(folder), many=many)]
    counts = Counter(one.kind for one in found)
    sys.stdout.write(f"{many} files: {dict(counts)}; this process lives.\n")
    for kind in counts:
        seconds = sorted(one.seconds for one in found if one.kind == kind)
        sys.stdout.write(f"{kind:>9}: median {seconds[len(seconds) // 2]:.2f} s, longest {seconds[-1]:.2f} s\n")
    reasons = (re.sub(r"[\d.,]+( [kMG]B)?", "N", one.reason.partition(" ")[2]) for one in found if one.reason)
    for reason, often in Counter(reasons).most_common():
        sys.stdout.write(f"{often:>4} {reason[:140]}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
