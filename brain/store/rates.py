"""How fast this machine does things, as measured while it did them: a small file, so that the next plan can say how long."""

from __future__ import annotations

import json
import math
import os
import threading
from pathlib import Path

KEPT = 8  # measurements of one kind


class Rates:
    """Measurements (how much, how many seconds) by the name of the work. Losing the file loses nothing but estimates."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def seconds(self, work: str, amount: float) -> float | None:
        """How long this much would take, going by the measurement nearest to it in size; None before the first."""
        known = self._read().get(work, [])
        if not known or amount <= 0:
            return 0.0 if known else None
        much, took = min(known, key=lambda one: abs(math.log(one[0] / amount)))
        return amount * took / much

    def note(self, work: str, amount: float, seconds: float) -> None:
        """Remember one more measurement. A home that cannot be written keeps none."""
        if amount <= 0 or seconds <= 0:
            return
        with self._lock:
            known = self._read()
            known[work] = [*known.get(work, []), (amount, seconds)][-KEPT:]
            beside = self._file.with_name(f"{self._file.name}.{os.getpid()}.new")
            try:
                beside.write_text(json.dumps(known), encoding="utf-8")
                beside.chmod(0o600)
                beside.replace(self._file)
            except OSError:
                beside.unlink(missing_ok=True)

    def _read(self) -> dict[str, list[tuple[float, float]]]:
        try:
            body = json.loads(self._file.read_text(encoding="utf-8"))
            return {
                str(work): [(float(much), float(took)) for much, took in some if much > 0 and took > 0]
                for work, some in body.items()
            }
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}
