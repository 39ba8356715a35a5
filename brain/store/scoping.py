"""Which files a scope leaves: by place, tag, format and date. Pure."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from brain.types import Scope

_SEPARATOR = os.sep


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a scope looks at in a file."""

    path: str
    format: str
    date: str | None  # an ISO day, month or year; None: that of its last change counts
    modified: int  # seconds since 1970
    tags: tuple[str, ...]


def is_in_scope(file: Candidate, scope: Scope, folders: Collection[str]) -> bool:
    """Every filled field of the scope holds: one of the places, one of the formats, all tags, the dates."""
    if scope.formats and file.format not in scope.formats:
        return False
    if scope.tags and not all(_has_tag(file.tags, tag) for tag in scope.tags):
        return False
    if (scope.after or scope.before) and not _is_within(file.date or day_of(file.modified), scope):
        return False
    return not scope.within or is_at_one_of(file.path, scope.within, folders)


def is_at_one_of(path: str, places: Sequence[str], folders: Collection[str]) -> bool:
    """The path is in one of the folders, or is one of the files, that `places` name."""
    whole = _folded(path).split(_SEPARATOR)
    parts = whole[-len(relative_parts(path, folders)) :]
    return any(_is_at(parts, whole, place) for place in places)


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


def _is_at(parts: Sequence[str], whole: Sequence[str], place: str) -> bool:
    names_folder = place.endswith(("/", "\\"))
    wanted = [part for part in _folded(place.replace("\\", "/")).split("/") if part not in ("", ".")]
    if not wanted:
        return names_folder  # "/" and "./" are everything
    size = len(wanted)
    if place.startswith("/"):
        return whole[1 : size + 1] == wanted
    folders = parts[:-1]
    if any(folders[at : at + size] == wanted for at in range(len(folders) - size + 1)):
        return True
    if names_folder:
        return False
    *above, name = parts[-size:]
    return above == wanted[:-1] and wanted[-1] in (name, os.path.splitext(name)[0])  # noqa: PTH122 -- of text


def _has_tag(tags: Sequence[str], wanted: str) -> bool:
    name = _folded(wanted.strip("#/"))
    return any(tag == name or tag.startswith(f"{name}/") for tag in map(_folded, tags))


def _is_within(day: str, scope: Scope) -> bool:
    # "2025-03" is a month: both sides are compared as far as the shorter of them goes.
    after, before = scope.after or "", scope.before or ""
    late_enough = day[: len(after)] >= after[: len(day)]
    early_enough = not before or day[: len(before)] <= before[: len(day)]
    return late_enough and early_enough


def _folded(text: str) -> str:
    # macOS spells "é" in file names as two characters, people type one.
    return unicodedata.normalize("NFC", text).casefold()
