"""log.jsonl: one JSON object a line, rotated, readable by the user only. No note text, question, answer or key is ever logged."""

from __future__ import annotations

import json
import logging
import time
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG_FILE = "log.jsonl"
MAX_BYTES = 2_000_000
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

log = logging.getLogger("brain")


class JsonLines(logging.Formatter):
    """One record as one line: time, level, the fixed words, and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            kind, _, trace = record.exc_info
            # The message of an exception may quote a note: its kind and where it was raised are enough.
            line["traceback"] = [*traceback.format_tb(trace), getattr(kind, "__name__", "")]
        return json.dumps(line, default=str)


def open_log(home: Path, *, verbose: bool = False) -> Path:
    """Send Brain's log to `home`/log.jsonl from now on. A home that cannot be written is no reason to fail."""
    path = home / LOG_FILE
    for old in tuple(log.handlers):
        log.removeHandler(old)
        old.close()
    log.propagate = False
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler: logging.Handler = RotatingFileHandler(
            path, maxBytes=MAX_BYTES, backupCount=2, encoding="utf-8", delay=True
        )
        path.touch(mode=0o600)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    return path
