"""Lines of JSON that each carry the SHA-256 of the line before: reading them from the end, and where the chain breaks.

What `ledger.py` writes. A line that a crash cut off stays as it is, and the line after it is a mark that names its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any

BLOCK = 1 << 16  # bytes read at a time from the end


def sha256_of(raw: bytes) -> str:
    """Of a line without its end."""
    return hashlib.sha256(raw).hexdigest()


def parsed(raw: bytes) -> dict[str, Any]:
    """A line as JSON; empty where it is none."""
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}


def is_line(line: dict[str, Any]) -> bool:
    """Whether it has its place in a chain: a number, and what it follows."""
    return type(line.get("line")) is int and isinstance(line.get("before"), str)


def last_lines(handle: int, size: int) -> list[bytes]:
    """The last whole line, where there is one, and the piece after it, which is empty unless it is torn."""
    start, tail = size, b""
    while start and tail.count(b"\n") < 2:
        length = min(BLOCK, start)
        start -= length
        tail = os.pread(handle, length, start) + tail
    return tail.split(b"\n")[-2:]


def count_lines(handle: int, size: int) -> int:
    """How many lines have an end."""
    return sum(os.pread(handle, BLOCK, start).count(b"\n") for start in range(0, size, BLOCK))


def first_fault(lines: Iterable[bytes], head: tuple[int, str] | None) -> tuple[str, ...]:
    """A sentence about the first line that does not follow the one before it; none where all do.

    `lines` keep their ends: only a last one without is what a crash leaves.
    `head`: the number and SHA-256 of the last line, as they were noted beside it; None where that is lost.
    """
    number, last, at_head = 0, "", ""  # of the line before: its number and SHA-256
    torn: bytes | None = None
    is_ended = True
    for place, written in enumerate(lines, start=1):
        raw, is_ended = written.removesuffix(b"\n"), written.endswith(b"\n")
        line = parsed(raw)
        if torn is not None:
            if line.get("what") != "torn" or line.get("piece") != sha256_of(torn) or line.get("before") != last:
                return (_unreadable(number + 1),)
            number, torn = number + 1, None
        elif not is_line(line):
            torn = raw  # as it should be only where the next line says so
            continue
        if fault := _between(line, number, last, place):
            return (fault,)
        number, last = int(line["line"]), sha256_of(raw)
        if head is not None and number == head[0]:
            at_head = last
    if torn is not None and (is_ended or (head is not None and head[0] > number)):
        return (_unreadable(number + 1),)
    return _at_the_end(head, number, at_head)


def _unreadable(number: int) -> str:
    return f"Line {number} cannot be read: it was edited, or is only a part of a line."


def _between(line: dict[str, Any], number: int, last: str, place: int) -> str:
    """What is wrong between a line and the one before it, which is `number`; "" where it follows."""
    stated = int(line["line"])
    if stated == number + 1:
        return "" if line["before"] == last else f"Line {max(number, 1)} was edited: the line after it says otherwise."
    if stated > number + 1:
        return f"{_lines(number + 1, stated - 1)} missing or out of order: line {stated} stands at place {place}."
    return f"Line {stated} stands out of order, or twice: line {number} is before it."


def _at_the_end(head: tuple[int, str] | None, number: int, at_head: str) -> tuple[str, ...]:
    """What is wrong with the end. The head may lag by what a crash was in the middle of."""
    if head is None:
        return ("egress.head is missing: whether the end was cut off cannot be told.",) if number > 1 else ()
    if head[0] > number:
        return (f"{_lines(number + 1, head[0])} missing: the end was cut off.",)
    if head[1] != at_head:
        return (f"Line {head[0]} was edited: it is not what was written.",)
    return ()


def _lines(first: int, last: int) -> str:
    return f"Line {first} is" if first == last else f"Lines {first} to {last} are"
