"""Switching between two chat models and back: until the first word, with the first one warm and with it put to rest.

    python -m tests.bench.switching MODEL.gguf [OTHER.gguf] [--rounds N] [--notes WORDS]

Without OTHER a copy of the model stands for another one. The prompt holds WORDS words of notes, the same in every round.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from brain.models.local import GgufChat, open_chat
from brain.models.warmth import Chats
from brain.types import Delta, Message


def first_word(chat: GgufChat, messages: tuple[Message, ...]) -> float:
    """Seconds from the question to the first word of the answer."""
    began, cancel = time.monotonic(), threading.Event()
    for said in chat.stream(messages, limit=8, cancel=cancel):
        if isinstance(said, Delta):
            cancel.set()
            return time.monotonic() - began
    return time.monotonic() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", type=Path)
    options.add_argument("other", type=Path, nargs="?")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--notes", type=int, default=400)
    chosen = options.parse_args()
    messages = (
        Message("system", "You answer from these notes: " + "the bread rises slowly " * (chosen.notes // 4)),
        Message("user", "How does bread rise?"),
    )
    with tempfile.TemporaryDirectory() as folder:
        other = chosen.other or Path(shutil.copy(chosen.model, Path(folder) / "other.gguf"))
        chats = Chats(lambda path, make_room: open_chat(path, window=4096, make_room=make_room))
        warm: list[float] = []
        rested: list[float] = []
        try:
            opened = first_word(chats.open(chosen.model), messages)
            for _ in range(chosen.rounds):
                first_word(chats.open(other), messages)
                warm.append(first_word(chats.open(chosen.model), messages))
                chats.open(chosen.model).rest()
                rested.append(first_word(chats.open(chosen.model), messages))
        finally:
            chats.close()
    sys.stdout.write(
        f"first time {opened:.2f} s; back to it warm {statistics.median(warm):.3f} s (longest {max(warm):.3f}), "
        f"back to it from rest {statistics.median(rested):.2f} s\n"
    )


if __name__ == "__main__":
    main()
