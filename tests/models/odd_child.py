"""A model child without a model, for the ways a child can fail: `python -m tests.models.odd_child`."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from brain.models.desk import Asked, Desk, Refused


class Odd:
    def count(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"pid": os.getpid()}

    def answer(self, request: dict[str, Any], asked: Asked) -> None:
        match request["do"]:
            case "echo":
                asked.reply("done", request["text"].encode(), text=request["text"])
            case "refuse":
                raise Refused("No, thank you", "Ask nicely.")
            case "abort":
                sys.stderr.write("x" * 200_000 + "\nGGML_ASSERT(n_tokens <= n_batch) failed\nmore\n")
                sys.stderr.flush()
                os.kill(os.getpid(), signal.SIGABRT)
            case "hang":
                signal.pause()
            case "nonsense":
                os.write(asked.send.__self__._replies.fileno(), b"\xff" * 64)  # type: ignore[attr-defined]
                signal.pause()
            case "until stopped":
                while not asked.is_stopped():
                    asked.reply("piece")
                    time.sleep(0.001)
                asked.reply("done", stopped=True)
            case "wait for stop":
                while not asked.is_stopped():
                    time.sleep(0.001)
                asked.reply("done", stopped=True)


def main() -> None:
    desk = Desk()
    match desk.first.get("start"):
        case "refuse":
            desk.send({"is": "refused", "reason": "It is too odd", "hint": "Take another."})
        case "die":
            sys.stderr.write("error: no such thing\n")
            os._exit(3)
        case "hang":
            signal.pause()
        case _:
            desk.serve(Odd())


if __name__ == "__main__":
    main()
