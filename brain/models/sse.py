"""Server-sent events out of bytes as they come, in bounded memory. Pure; what the events mean is not known here."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 1 << 20  # bytes of one event: a thousand times what an honest one has

_END = re.compile(rb"\r\n|\n|\r")


class TooLong(ValueError):
    """An event is longer than anything honest."""


class Events:
    """Bytes in, the data of each event out. Comments, event names and ids are passed over."""

    def __init__(self) -> None:
        self._held = bytearray()  # a line that has not ended
        self._data: list[bytes] = []
        self._size = 0

    def hear(self, piece: bytes) -> Iterator[str]:
        """The events that are complete now. Raises TooLong."""
        looked_at = max(0, len(self._held) - 1)  # its last one may be the "\r" of an end
        self._held += piece
        begin = 0
        for end in _END.finditer(self._held, looked_at):
            if end.group() == b"\r" and end.end() == len(self._held):
                break  # the "\n" of it may come with the next piece
            yield from self._line(bytes(self._held[begin : end.start()]))
            begin = end.end()
        del self._held[:begin]
        if len(self._held) > LONGEST:
            raise TooLong

    def finish(self) -> Iterator[str]:
        """The last event, where no blank line came behind it."""
        held, self._held = bytes(self._held).rstrip(b"\r"), bytearray()
        yield from self._line(held)
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[str]:
        if not line:
            if self._data:
                yield b"\n".join(self._data).decode("utf-8", "replace")
            self._data, self._size = [], 0
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self._size += len(line)
            if self._size > LONGEST:
                raise TooLong
