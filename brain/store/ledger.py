"""egress.jsonl: what has left this machine. One JSON object a line, only ever added to, each with the SHA-256 of the line before.

Counts and the names of files, never their text, a question, an answer or a key. A call is two lines: one on disk before a
byte leaves, one when it is over. `egress.head` holds the number and SHA-256 of the last line, so that a cut end shows too.

The chain shows accidents and clumsy hands. It has no secret, so whoever may write here can write the whole of it anew.
"""

from __future__ import annotations

import json
import math
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from brain.errors import StoreError
from brain.store.chain import BLOCK, count_lines, first_fault, is_line, last_lines, parsed, sha256_of
from brain.types import Usage

LEDGER_FILE = "egress.jsonl"
BUSY_SECONDS, BETWEEN = 2.0, 0.01

_OPENING = os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_ODD = (KeyError, TypeError, ValueError, ArithmeticError)  # of a line that was changed by hand
_HEAD_BYTES = 12 + 1 + 64 + 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One call: what was about to leave, and how it ended."""

    number: int  # the line it stands on
    time: datetime  # local, as it was then
    host: str
    model: str
    files: tuple[Path, ...]
    characters: int
    bytes: int  # that left
    tokens: int  # estimated before it left
    estimate_usd: float
    sha256: str  # of the body
    usage: Usage | None = None  # as the endpoint counted it
    cost_usd: float | None = None
    outcome: str = ""  # "answered", "stopped", "broken", "refused"; "": its end was never written

    @property
    def usd(self) -> float:
        """What it cost or, where that was never written, what it was estimated at."""
        return self.estimate_usd if self.cost_usd is None else self.cost_usd


@dataclass(frozen=True, slots=True)
class Spent:
    """What has left this machine and what it cost, in the local day and month."""

    bytes_today: int = 0
    usd_today: float = 0.0
    usd_month: float = 0.0


@dataclass(slots=True)
class _Sums:
    """One month of the ledger, or all of it, added up as far as it was read."""

    month: str = ""  # "": all
    inode: int = -1
    offset: int = 0
    entries: dict[int, tuple[str, int, float]] = field(default_factory=dict)  # number: day, bytes, USD

    def take(self, line: dict[str, Any]) -> None:
        """Add one line; one of another month, or that makes no sense, adds nothing."""
        if line.get("what") == "sent" and str(line["time"]).startswith(self.month):
            amounts = (str(line["time"])[:10], int(line["bytes"]), _amount(line["estimate_usd"]))
            self.entries.setdefault(int(line["line"]), amounts)
        elif line.get("what") == "ended" and (found := self.entries.get(int(line["of"]))):
            day, sent, usd = found
            paid = line.get("cost_usd")
            self.entries[int(line["of"])] = (day, int(line.get("bytes", sent)), usd if paid is None else _amount(paid))


class Ledger:
    """The ledger of one home. For any number of threads and processes."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = datetime.now) -> None:
        """Nothing is opened or created until something is written."""
        self.path = path
        self._head = path.with_suffix(".head")
        self._clock = clock
        self._guard = threading.Lock()
        self._sums = _Sums()

    def begin(
        self,
        *,
        host: str,
        model: str,
        files: Sequence[Path],
        characters: int,
        bytes: int,
        tokens: int,
        estimate_usd: float,
        sha256: str,
    ) -> int:
        """Write down what is about to leave; it is on disk when this returns. The number of the entry.

        Raises StoreError where it cannot be written: then nothing may leave.
        """
        return self._append(
            {
                "what": "sent",
                "host": host.rpartition("@")[2],  # never a name and password in front of it
                "model": model,
                "files": [str(path) for path in files],
                "characters": characters,
                "bytes": bytes,
                "tokens": tokens,
                "estimate_usd": estimate_usd,
                "sha256": sha256,
            }
        )

    def finish(
        self, number: int, *, usage: Usage, cost_usd: float, outcome: str, bytes_sent: int | None = None
    ) -> None:
        """Write down how it ended. `bytes_sent`: where fewer bytes left than the entry says, such as none at all.

        A cost that is no amount is left out: the estimate stands. Raises StoreError where it cannot be written.
        """
        line: dict[str, Any] = {
            "what": "ended",
            "of": number,
            "outcome": outcome,
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "completion_tokens": usage.completion_tokens,
            "thought_tokens": usage.thought_tokens,
        }
        if math.isfinite(cost_usd) and cost_usd >= 0:
            line["cost_usd"] = cost_usd
        if bytes_sent is not None:
            line["bytes"] = bytes_sent
        self._append(line)

    def spent(self, *, now: datetime) -> Spent:
        """The sums of the local day and month that `now` is in. Of months of entries only this month's are read, once.

        A call whose end was never written counts with its estimate. Raises StoreError where the ledger cannot be read.
        """
        day = now.astimezone().date().isoformat()
        with self._guard, _translated(self.path, "read"):
            try:
                with self.path.open("rb") as file:
                    self._catch_up(file, day[:7])
            except FileNotFoundError:
                if self._head.exists():  # it did not start over by itself, so what was spent is not nothing
                    hint = f"Put it back; or delete {self._head.name} beside it as well, to begin a new one."
                    raise StoreError(f"{self.path}, the record of what left, is gone.", hint=hint) from None
                return Spent()
            month = tuple(self._sums.entries.values())
        today = [(sent, usd) for when, sent, usd in month if when == day]
        return Spent(
            sum(sent for sent, _ in today), math.fsum(usd for _, usd in today), math.fsum(usd for _, _, usd in month)
        )

    def entries(self, last: int | None = None) -> Iterator[Entry]:
        """Every call or the `last` ones, the oldest first; lines that cannot be understood are left out: `verify` names them.

        Raises StoreError where the ledger cannot be read.
        """
        begun: dict[int, dict[str, Any]] = {}
        ends: dict[int, dict[str, Any]] = {}
        for line in map(parsed, self._lines()):
            try:
                if line.get("what") == "sent":
                    begun.setdefault(int(line["line"]), line)
                    if last is not None and len(begun) > last:
                        begun.pop(next(iter(begun)))
                elif line.get("what") == "ended" and int(line["of"]) in begun:
                    ends[int(line["of"])] = line
            except _ODD:
                continue
        for number, line in begun.items():
            try:
                entry = _entry(line)
            except _ODD:
                continue
            try:
                yield _ended(entry, ends[number])
            except _ODD:  # no end, or one that makes no sense
                yield entry

    def amounts(self) -> tuple[tuple[str, int, float], ...]:
        """The local day, the bytes and the USD of every call. Raises StoreError where the ledger cannot be read."""
        sums = _Sums()
        for line in map(parsed, self._lines()):
            try:
                sums.take(line)
            except _ODD:
                continue
        return tuple(sums.entries.values())

    def verify(self) -> tuple[str, ...]:
        """Sentences about what is wrong with the chain, the first broken line first; none where it holds.

        Raises StoreError where the ledger cannot be read.
        """
        return first_fault(self._lines(), self._read_head())

    def _append(self, content: dict[str, Any]) -> int:
        now = self._clock().astimezone()
        with self._guard, _translated(self.path, "written"), self._locked() as handle:
            size = os.fstat(handle).st_size
            number, last = self._repair(handle, size)
            size = os.fstat(handle).st_size
            number += 1
            line = {"line": number, "before": last, "time": now.isoformat(timespec="milliseconds"), **content}
            written = json.dumps(line, allow_nan=False).encode()
            self._write(handle, written + b"\n", size)
            self._write_head(number, sha256_of(written))
        return number

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The open file, ours alone."""
        import fcntl

        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | _OPENING, 0o600)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise StoreError(f"{self.path} is no file.", hint="Move away what stands there.")
            if stat.S_IMODE(found.st_mode) & 0o077:
                os.fchmod(handle, 0o600)
            until = time.monotonic() + BUSY_SECONDS
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise StoreError(
                            f"{self.path} is held by another process.", hint="Try again in a moment."
                        ) from None
                    time.sleep(BETWEEN)
            yield handle
        finally:
            os.close(handle)

    def _repair(self, handle: int, size: int) -> tuple[int, str]:
        """The number and SHA-256 that the next line follows. A torn end is kept as a line, and marked by one after it.

        What the head says was there counts more than what is there: so a cut or changed end stays visible for ever.
        """
        head = self._read_head()
        ends = last_lines(handle, size)
        piece = ends.pop()
        if is_line(parsed(piece)):  # only its end is missing
            self._write(handle, b"\n", size)
            ends, piece = [piece], b""
        number, last = 0, ""
        if ends:
            line = parsed(ends[-1])
            number = int(line["line"]) if is_line(line) else count_lines(handle, size)
            last = sha256_of(ends[-1])
        if head is not None and head[0] >= number:
            number, last = head
        if piece:
            mark = json.dumps({"line": number + 2, "before": last, "what": "torn", "piece": sha256_of(piece)}).encode()
            self._write(handle, b"\n" + mark + b"\n", size)
            number, last = number + 2, sha256_of(mark)
        return number, last

    def _write(self, handle: int, written: bytes, size: int) -> None:
        """At the end, on disk when it returns; a part of it is taken back."""
        try:
            left = memoryview(written)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, size)
            raise
        if not size:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _read_head(self) -> tuple[int, str] | None:
        try:
            number, last = self._head.read_text(encoding="ascii").split()
            return (int(number), last) if len(last) == 64 else None
        except (OSError, ValueError):
            return None

    def _write_head(self, number: int, last: str) -> None:
        """In place, one sector, after the line itself is on disk: so it is never ahead of it."""
        handle = os.open(self._head, os.O_WRONLY | _OPENING, 0o600)
        try:
            os.pwrite(handle, f"{number:012d} {last}\n".encode("ascii"), 0)
            os.ftruncate(handle, _HEAD_BYTES)
        finally:
            os.close(handle)

    def _lines(self) -> Iterator[bytes]:
        """Every line with its end, which a torn last one lacks."""
        with _translated(self.path, "read"):
            try:
                with self.path.open("rb") as file:
                    yield from file
            except FileNotFoundError:
                return

    def _catch_up(self, file: Any, month: str) -> None:
        found = os.fstat(file.fileno())
        if (self._sums.month, self._sums.inode) != (month, found.st_ino) or found.st_size < self._sums.offset:
            self._sums = _Sums(month, found.st_ino, _start_of(file.fileno(), found.st_size, month))
        file.seek(self._sums.offset)
        for raw in file:
            if not raw.endswith(b"\n"):
                break  # being written
            self._sums.offset += len(raw)
            try:
                self._sums.take(parsed(raw))
            except _ODD:
                continue


@contextmanager
def _translated(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{path}, the record of what leaves this machine, cannot be {what}: {error.strerror}."
        raise StoreError(reason, hint="Check its permissions and the free disk space.") from error


def _amount(value: Any) -> float:
    amount = float(value)
    if not 0 <= amount < math.inf:
        raise ValueError
    return amount


def _start_of(handle: int, size: int, month: str) -> int:
    """Where the lines of a month begin, at a line's start: a whole block without any of it, or of a later one, lies before."""
    start = size
    while start:
        length = min(BLOCK, start)
        block = os.pread(handle, length, start - length)
        lines = [parsed(raw) for raw in block.split(b"\n")]
        times = [str(line["time"])[:7] for line in lines if "time" in line]
        if times and max(times) < month:
            return start - length + block.rfind(b"\n") + 1
        start -= length
    return 0


def _entry(line: dict[str, Any]) -> Entry:
    return Entry(
        int(line["line"]),
        datetime.fromisoformat(line["time"]),
        str(line["host"]),
        str(line["model"]),
        tuple(Path(name) for name in line["files"]),
        int(line["characters"]),
        int(line["bytes"]),
        int(line["tokens"]),
        _amount(line["estimate_usd"]),
        str(line["sha256"]),
    )


def _ended(begun: Entry, line: dict[str, Any]) -> Entry:
    names = ("prompt_tokens", "cached_tokens", "completion_tokens", "thought_tokens")
    paid = line.get("cost_usd")
    return replace(
        begun,
        bytes=int(line.get("bytes", begun.bytes)),
        usage=Usage(**{name: int(line[name]) for name in names}, cost_usd=0.0 if paid is None else _amount(paid)),
        cost_usd=None if paid is None else _amount(paid),
        outcome=str(line["outcome"]),
    )
