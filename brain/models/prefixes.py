"""What a chat model has read of whole documents, kept on disk, so that the next question on one need not wait for the reading.

Each file is a state of llama.cpp's with a seal behind it: what it belongs to, and a hash over all before it. Only a file whose
seal fits is ever loaded, and only by the model's child process. It holds a document's content in the model's own form: it
goes when the document changes, moves, or is forgotten. Knows files only, nothing of llama.cpp.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from brain.errors import ModelError
from brain.events import Reading
from brain.seams import Cancel
from brain.types import Delta, Message, Usage

MAGIC = b"BrainKV1"
_END = struct.Struct(">I8s")  # length of the seal, magic: the last bytes of the file
_MOST_SEAL = 1 << 16
_PIECE = 1 << 20
_STALE_SECONDS = 3600.0  # an unfinished file of this age has no writer any more


@dataclass(frozen=True, slots=True)
class Belongs:
    """What a state belongs to; one that belongs to anything else is no use."""

    path: str  # of the document
    stamp: tuple[int, ...]  # modification time, size and inode of the file it was read from
    watched: bool  # it is a note of a watched folder: kept only as long as that knows it
    text: str  # SHA-256 of the document's text
    model: str  # fingerprint of the model's file
    window: int


@dataclass(frozen=True, slots=True)
class Pin:
    """A state file to read from, or to write: what the child is told."""

    file: str
    belongs: dict[str, Any]
    most: int  # bytes
    other: list[dict[str, str]] = field(default_factory=list)  # the same document with another question behind it


class Keeping(Protocol):
    """A chat model that can keep what it reads."""

    name: str
    window: int
    stays_home: bool
    usage: Usage

    def count(self, text: str) -> int: ...
    def stream(
        self, messages: Sequence[Message], *, limit: int, cancel: Cancel, pin: Pin | None = None
    ) -> Iterator[Delta | Reading]: ...


class Prefixes:
    """A folder of states, the least used ones deleted beyond `most` bytes."""

    def __init__(self, folder: Path, *, most: int) -> None:
        self._folder = folder
        self._most = most

    def pinned(self, chat: Keeping, belongs: Belongs, other: Sequence[Message]) -> PinnedChat:
        """The chat model, with what it reads ahead of the question kept. `other`: the prompt with another question."""
        turns = [{"role": message.role, "content": message.text} for message in other]
        pin = Pin(os.fspath(self.file(belongs)), json.loads(json.dumps(asdict(belongs))), self._most, turns)
        return PinnedChat(chat, pin if self._most else None, self._make_room)

    def file(self, belongs: Belongs) -> Path:
        """Where the state of this document and model is, or would be. A changed document takes the old one's place."""
        name = json.dumps([belongs.path, belongs.model, belongs.window])
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.kv"

    def has(self, belongs: Belongs) -> bool:
        """Whether a state of exactly this is there. Its content is looked at when it is loaded."""
        seal = read_seal(self.file(belongs))
        return seal is not None and seal["belongs"] == json.loads(json.dumps(asdict(belongs)))

    def sweep(self, known: Callable[[Path], bool]) -> None:
        """Delete what belongs to a file that is gone or has changed, or to a note that is not `known` any more."""
        for file in self._files():
            if file.suffix == ".new":
                with suppress(OSError):
                    if time.time() - file.stat().st_mtime > _STALE_SECONDS:
                        delete(file)
                continue
            seal = read_seal(file)
            if seal is None or not _is_current(seal["belongs"], known):
                delete(file)

    def clear(self) -> None:
        """Delete everything."""
        for file in self._files():
            delete(file)

    def _make_room(self) -> None:
        found = []
        for file in self._files():
            with suppress(OSError):
                state = file.stat()
                found.append((state.st_mtime, state.st_size, file))
        left = self._most
        for _, size, file in sorted(found, reverse=True):
            left -= size
            if left < 0:
                delete(file)

    def _files(self) -> list[Path]:
        try:
            return [entry for entry in self._folder.iterdir() if entry.suffix in (".kv", ".new")]
        except OSError:
            return []


class PinnedChat:
    """A ChatModel whose memory of one document is read from disk, or written there when it has been read."""

    def __init__(self, chat: Keeping, pin: Pin | None, written: Callable[[], None]) -> None:
        self._chat = chat
        self._pin = pin
        self._written = written
        self.name, self.window, self.stays_home = chat.name, chat.window, chat.stays_home
        self.usage = Usage()

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return self._chat.count(text)

    def stream(self, messages: Sequence[Message], *, limit: int, cancel: Cancel) -> Iterator[Delta | Reading]:
        """As the model's own. A state with which its process died is deleted: it is not loaded again."""
        try:
            yield from self._chat.stream(messages, limit=limit, cancel=cancel, pin=self._pin)
        except ModelError:
            if self._pin is not None:
                delete(Path(self._pin.file))
            raise
        finally:
            self.usage = self._chat.usage
            self._written()


def delete(file: Path) -> None:
    """Delete a file; one that is gone, or cannot be deleted, is no error."""
    with suppress(OSError):
        file.unlink()


def seal(file: Path, words: dict[str, Any]) -> None:
    """Put the seal behind a state that has just been written. Raises OSError."""
    body = json.dumps(words | {"sha256": _hashed(file, file.stat().st_size)}).encode()
    with file.open("ab") as out:
        out.write(body + _END.pack(len(body), MAGIC))


def read_seal(file: Path) -> dict[str, Any] | None:
    """What the seal of a file says; None for anything that has none. Whether it is true only `is_whole` knows."""
    try:
        with file.open("rb") as source:
            length = source.seek(0, os.SEEK_END)
            source.seek(max(0, length - _END.size))
            size, magic = _END.unpack(source.read(_END.size))
            if magic != MAGIC or size > min(_MOST_SEAL, length - _END.size):
                return None
            source.seek(length - _END.size - size)
            words = json.loads(source.read(size))
    except (OSError, ValueError, struct.error, RecursionError):
        return None
    is_seal = isinstance(words, dict) and isinstance(words.get("belongs"), dict)
    return words | {"bytes": length - _END.size - size} if is_seal else None


def is_whole(file: Path, words: dict[str, Any]) -> bool:
    """Whether the bytes ahead of a seal are those it was made for."""
    try:
        return words.get("sha256") == _hashed(file, words["bytes"])
    except OSError:
        return False


def _hashed(file: Path, length: int) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while length > 0 and (piece := source.read(min(length, _PIECE))):
            digest.update(piece)
            length -= len(piece)
    return digest.hexdigest()


def _is_current(belongs: dict[str, Any], known: Callable[[Path], bool]) -> bool:
    try:
        path = Path(belongs["path"])
        state = path.stat()
        if [state.st_mtime_ns, state.st_size, state.st_ino] != belongs["stamp"]:
            return False
        return not belongs["watched"] or known(path)
    except (OSError, ValueError, KeyError, TypeError):
        return False
