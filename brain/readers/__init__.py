"""Files to Documents. Every module here that has `SUFFIXES` and `parse` is a format; this lists them and picks one.

The modules name their suffixes without importing what they read with, so the listing is cheap. A format that cannot be
imported is left out and named by `broken`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from brain.errors import ReadError
from brain.readers.opening import open_bytes
from brain.types import Document

# Parts of readers, not formats: listed so that finding the formats does not import them.
_PARTS = frozenset({"decoding", "front", "opening", "pdf_child", "pdf_text", "pdf_worker"})


class Format(Protocol):
    """What a format module offers; `seams.Reader` and a way in for bytes already read."""

    SUFFIXES: tuple[str, ...]

    def parse(self, path: Path, data: bytes) -> Document:
        """Bytes to a Document. Raises ReadError with a reason a person understands."""

    def read(self, path: Path) -> Document:
        """Read one file whole. Raises ReadError."""


@cache
def _formats() -> tuple[Mapping[str, Format], Mapping[str, str]]:
    """By suffix; and by module name why it is broken. Listed once: the modules do not change while we run."""
    found: dict[str, Format] = {}
    broken: dict[str, str] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name in _PARTS:
            continue
        try:
            format_module = importlib.import_module(f"{__name__}.{module.name}")
        except Exception as error:  # noqa: BLE001 - one broken file in the drawer must not take the others with it
            broken[module.name] = f"{type(error).__name__}: {error}"
            continue
        for suffix in getattr(format_module, "SUFFIXES", ()):
            found.setdefault(suffix.lower(), cast(Format, format_module))
    return MappingProxyType(found), MappingProxyType(broken)


def suffixes() -> frozenset[str]:
    """Every file ending that can be read: lower case, with the dot."""
    return frozenset(_formats()[0])


def broken() -> dict[str, str]:
    """Formats that could not be imported, by module name, with the reason."""
    return dict(_formats()[1])


def reader_for(path: Path) -> Format:
    """The format of a file, by its ending alone. Raises ReadError for an ending no format has."""
    try:
        return _formats()[0][path.suffix.lower()]
    except KeyError:
        ending = f"ends in {path.suffix}" if path.suffix else "has no ending"
        known = " ".join(sorted(suffixes()))
        raise ReadError(f"{path.name} {ending}, which is not read.", hint=f"Read are: {known}") from None


def parse(path: Path, data: bytes) -> Document:
    """What is in the bytes of a file; `path` only names it and tells its format. Raises ReadError."""
    return reader_for(path).parse(path, data)


def read(path: Path, *, max_bytes: int) -> Document:
    """Open and read one file whole. Raises FileVanished where it is gone, ReadError where it cannot be read."""
    reader = reader_for(path)
    return reader.parse(path, open_bytes(path, max_bytes))


def close() -> None:
    """End what readers keep running between files. Reading again starts it again."""
    for reader in set(_formats()[0].values()):
        if end := getattr(reader, "close", None):
            end()


__all__ = ["Format", "broken", "close", "open_bytes", "parse", "read", "reader_for", "suffixes"]
