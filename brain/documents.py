"""A file that is named in a question → its document: out of the store where that is current, else read from the disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

from brain.errors import QueryError, ReadError
from brain.planning import Stamp, Stored
from brain.types import Chunk, Document

NAMED = 5  # files named where more than one is meant


class Store(Protocol):
    """The part of the catalog that knows documents."""

    def stamps(self) -> Mapping[Path, Stored]: ...
    def document(self, path: Path) -> Document: ...
    def chunks_in(self, path: Path) -> list[Chunk]: ...


class Readers(Protocol):
    """The readers' drawer."""

    def read(self, path: Path, *, max_bytes: int) -> Document: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A document, and how the file was when it was read."""

    document: Document
    stamp: Stamp
    watched: bool  # it is a note of a watched folder
    chunks: tuple[Chunk, ...] = ()  # as they are stored; none where the store does not have this very file


def open_document(given: str, store: Store, readers: Readers, *, max_bytes: int) -> Opened:
    """The document of a path on disk, or of a watched note by the end of its path ("handbook.pdf", "work/plan.md").

    A note that has changed since it was stored, and any other file, is read anew and not stored. Raises QueryError for a
    name that is no file or more than one, ReadError for a file that cannot be read.
    """
    known = store.stamps()
    path = _on_disk(given) or _by_ending(given, known)
    stamp = stamp_of(path)
    stored = known.get(path)
    if stored is not None and not stored.failed and stored.stamp == stamp:
        return Opened(store.document(path), stamp, True, tuple(store.chunks_in(path)))
    return Opened(readers.read(path, max_bytes=max_bytes), stamp, stored is not None)


def _on_disk(given: str) -> Path | None:
    try:
        path = Path(given).expanduser()
        if path.is_file():
            return path.resolve()
        if path.is_dir():
            raise QueryError(f"{given} is a folder, not a file.", hint="Name one file, or ask about a folder: @folder/")
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, a NUL, no such user
        raise QueryError(f"{given[:100]} is not a possible file name.") from error
    return None


def _by_ending(given: str, known: Collection[Path]) -> Path:
    wanted = tuple(part.casefold() for part in Path(given).parts)
    found = sorted(path for path in known if _ends(path, wanted))
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(map(str, found[:NAMED])) + (" …" if len(found) > NAMED else "")
        raise QueryError(f"{len(found)} notes are called {given}: {named}.", hint="Write more of the path.")
    near = get_close_matches(Path(given).name, {path.name for path in known}, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Name a file on disk, or a note by the end of its path."
    raise QueryError(f"There is no file {given}.", hint=hint)


def _ends(path: Path, wanted: tuple[str, ...]) -> bool:
    tail = path.parts[-len(wanted) :] if wanted else ()
    return bool(wanted) and tuple(part.casefold() for part in tail) == wanted


def stamp_of(path: Path) -> Stamp:
    """A file as it is on disk now. Raises ReadError."""
    try:
        state = path.stat()
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read: {error.strerror}.", hint="It may have been moved.") from error
    return Stamp(state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino)
