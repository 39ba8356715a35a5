"""Compares what an answer quotes with the files as they are on disk now. It reads; it never writes, and decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from brain.errors import FileVanished, ReadError, StoreError
from brain.store.catalog import Catalog
from brain.types import Citation, Document, Verdict
from brain.verifying import verdict


class Readers(Protocol):
    """The drawer of readers."""

    def open_bytes(self, path: Path, max_bytes: int) -> bytes: ...
    def parse(self, path: Path, data: bytes) -> Document: ...


@dataclass(frozen=True, slots=True)
class Witness:
    """What it looks at."""

    catalog: Catalog
    readers: Readers
    max_bytes: int

    def verdicts(self, citations: Iterable[Citation], hashes: Mapping[Path, str] = {}) -> tuple[Verdict, ...]:
        """One verdict a citation, in order. `hashes` finds files that were moved: the SHA-256 that each had."""
        seen: dict[Path, Document | None] = {}
        found = []
        for citation in citations:
            path = citation.path
            if path not in seen:
                seen[path] = self._document(path, hashes.get(path, "") or self.catalog.sha_of(path))
            found.append(verdict(citation, seen[path]))
        return tuple(found)

    def _document(self, path: Path, sha256: str) -> Document | None:
        """The document as it is on disk, at another path if it was moved; None where it is gone or cannot be read."""
        if (found := self._read(path)) is not None:
            return found
        for other in self.catalog.find_by_sha(sha256) if sha256 else ():
            if other != path and (found := self._read(other)) is not None:
                return found
        return None

    def _read(self, path: Path) -> Document | None:
        try:
            data = self.readers.open_bytes(path, self.max_bytes)
            if hashlib.sha256(data).hexdigest() == self.catalog.sha_of(path):
                return self.catalog.document(path)
            return self.readers.parse(path, data)
        except FileVanished:
            return self._kept(path)
        except (ReadError, StoreError):
            return None

    def _kept(self, path: Path) -> Document | None:
        """What is known of a file whose whole folder is away, as a drive that is not attached: that is not gone."""
        above = [folder for folder in self.catalog.folders() if path.is_relative_to(folder)]
        try:
            if not above or any(folder.is_dir() and any(folder.iterdir()) for folder in above):
                return None
            return self.catalog.document(path)
        except (OSError, StoreError):  # it cannot be told
            return None
