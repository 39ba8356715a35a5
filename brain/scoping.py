"""Which files are meant: by place, tag, format and date. Pure."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from brain.types import Scope

_SEPARATOR = os.sep


class Places:
    """The folders and files that `places` name. Most of it is decided once a folder: a vault has far fewer of them than files."""

    def __init__(self, places: Sequence[str], folders: Collection[str]) -> None:
        """`folders` are the watched ones: a place is looked for from their own names downwards."""
        self._places = [_Place.of(place) for place in places]
        self._folders = folders
        self._decided: dict[str, tuple[bool, frozenset[str], frozenset[str]]] = {}

    def hold(self, path: str) -> bool:
        """Whether the file at a path is one of them, or in one of them."""
        folder, _, name = path.rpartition(_SEPARATOR)
        decided = self._decided.get(folder)
        if decided is None:
            decided = self._decided[folder] = self._decide(folder)
        whole, names, stems = decided
        if whole or not (names or stems):
            return whole
        name = folded(name)
        return name in names or name in stems or os.path.splitext(name)[0] in stems  # noqa: PTH122 -- of text

    def _decide(self, folder: str) -> tuple[bool, frozenset[str], frozenset[str]]:
        """Whether all of a folder is meant; else which files in it are, by name, and by name with or without its ending."""
        whole = folded(folder).split(_SEPARATOR)
        below = relative_parts(f"{folder}{_SEPARATOR}", self._folders)[:-1]
        parts = whole[len(whole) - len(below) :]
        names, stems = set(), set()
        for place in self._places:
            wanted, size = place.parts, len(place.parts)
            if not wanted:
                if place.is_folder:  # "/" and "./" are everything
                    return True, frozenset(), frozenset()
            elif place.is_absolute:
                if whole[1 : size + 1] == wanted:
                    return True, frozenset(), frozenset()
                if whole[1:] == wanted[:-1]:
                    names.add(wanted[-1])
            elif any(parts[at : at + size] == wanted for at in range(len(parts) - size + 1)):
                return True, frozenset(), frozenset()
            elif not place.is_folder and parts[len(parts) - size + 1 :] == wanted[:-1] and len(parts) >= size - 1:
                stems.add(wanted[-1])
        return False, frozenset(names), frozenset(stems)


@dataclass(frozen=True, slots=True)
class _Place:
    parts: list[str]
    is_folder: bool
    is_absolute: bool

    @classmethod
    def of(cls, place: str) -> _Place:
        parts = [part for part in folded(place.replace("\\", "/")).split("/") if part not in ("", ".")]
        return cls(parts, place.endswith(("/", "\\")), place.startswith("/"))


def relative_parts(path: str, folders: Collection[str]) -> list[str]:
    """The path from the name of the outermost watched folder above it; the whole path if there is none."""
    above = [folder for folder in folders if path.startswith(folder.rstrip(_SEPARATOR) + _SEPARATOR)]
    root = min(above, key=len, default="").rstrip(_SEPARATOR)
    return path[root.rfind(_SEPARATOR) + 1 :].lstrip(_SEPARATOR).split(_SEPARATOR)


def day_of(seconds: int) -> str:
    """The local day of a time; times that no calendar has are the first day of 1970."""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone().date().isoformat()
    except (OverflowError, OSError, ValueError):
        return "1970-01-01"


def tags_named(wanted: str, tags: Iterable[str]) -> list[str]:
    """Those of `tags` that a tag names: itself and, "a" naming "a/b", what is below it."""
    name = folded(wanted.strip("#/"))
    return [tag for tag in tags if (own := folded(tag)) == name or own.startswith(f"{name}/")]


def is_within(day: str, scope: Scope) -> bool:
    """Whether a day, month or year lies within the dates of a scope."""
    # "2025-03" is a month: both sides are compared as far as the shorter of them goes.
    after, before = scope.after or "", scope.before or ""
    late_enough = day[: len(after)] >= after[: len(day)]
    early_enough = not before or day[: len(before)] <= before[: len(day)]
    return late_enough and early_enough


def folded(text: str) -> str:
    """A name as names are compared: whatever its case and however its accents are stored."""
    # macOS spells "é" in file names as two characters, people type one.
    return unicodedata.normalize("NFC", text).casefold()
