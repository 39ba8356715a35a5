"""What is on disk × what is stored → what to do. Pure: it reads no file and no clock.

Paths are strings here and Paths in the steps: a step is rare, and 20 000 Paths cost more than finding the files.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

MANY = 10  # a folder that held this many files and now holds nothing at all is taken for unmounted, not for emptied

FEW = 30  # files are read within a second or two
LARGE = 10_000  # bytes: reading a PDF of this size may take a minute


class Stamp(NamedTuple):
    """What the file system says of a file without opening it. Equal stamps: the file has not changed.

    Modification time and size alone miss a replacement that keeps both (rsync -t, Syncthing); change time and inode do
    not. A tuple, because a sweep makes and compares one for every file there is.
    """

    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What the catalog knows of a file. `recipe` names how it was cut into chunks; of a failed file, how it was read."""

    stamp: Stamp
    sha256: str
    recipe: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A known file stands elsewhere: same inode, size and modification time."""

    path: Path
    old: Path
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Look:
    """A file that is new, has changed, or was cut by another recipe: read it."""

    path: Path
    stamp: Stamp
    known: Stored | None


@dataclass(frozen=True, slots=True)
class Remove:
    """A known file that is no longer in its folder."""

    path: Path


Step = Move | Look | Remove


def plan(
    seen: Mapping[str, Stamp],
    stored: Mapping[str, Stored],
    *,
    kept: Collection[str] = (),
    recipes: Collection[str] | None,
    reading: str = "",
) -> list[Step]:
    """The steps from `stored` to `seen`: moves, files to read with the newest first, removals.

    Removals come behind the newest files and those of their size or inode, which may hold the same text, and ahead of
    all other reading: what was deleted is not found any more, however much there is to read. Files that are in `kept` or below a
    folder in it (unmounted, unreadable, only in the cloud) are never removed. A failed file is tried again only when its
    stamp changes, or `reading`, which names how this version reads. With `recipes` None no file is read again merely
    because of how it was cut.
    """
    missing = {path for path in stored if path not in seen}
    if kept:
        missing = {path for path in missing if not is_kept(path, kept)}
    by_identity = {_identity(stored[path].stamp): path for path in sorted(missing) if not stored[path].failed}
    moves: list[Step] = []
    looks: list[Look] = []
    for path, stamp in seen.items():
        known = stored.get(path)
        if known is None:
            old = by_identity.pop(_identity(stamp), None) if by_identity else None
            if old is not None:
                moves.append(Move(Path(path), Path(old), stamp))
                missing.discard(old)
            else:
                looks.append(Look(Path(path), stamp, None))
        elif known.stamp != stamp or not (
            known.recipe == reading if known.failed else recipes is None or known.recipe in recipes
        ):
            looks.append(Look(Path(path), stamp, known))
    looks.sort(key=lambda step: -step.stamp.mtime_ns)
    if not missing:
        return [*moves, *looks]
    lost = {part for path in missing for part in (stored[path].stamp.size, -stored[path].stamp.inode)}
    first = [
        step
        for at, step in enumerate(looks)
        if at < FEW or (step.known is None and not lost.isdisjoint((step.stamp.size, -step.stamp.inode)))
    ]
    taken = {step.path for step in first}
    removals = (Remove(Path(path)) for path in sorted(missing))
    return [*moves, *first, *removals, *(step for step in looks if step.path not in taken)]


def is_large(step: Step) -> bool:
    """Whether a step may take so long that others are done meanwhile."""
    return isinstance(step, Look) and step.stamp.size >= LARGE


def is_kept(path: str, kept: Collection[str]) -> bool:
    """Whether a path is one of those kept, or lies below one."""
    return any(path == one or path.startswith(one.rstrip(os.sep) + os.sep) for one in kept)


def looks_unmounted(*, known: int, gone: int, is_bare: bool, is_another: bool) -> bool:
    """Whether what is gone from a folder speaks for an unmounted disk rather than for deleted notes.

    `known` files were in the folder and `gone` of them are no longer; `is_bare`: nothing at all is in it any more;
    `is_another`: another folder stands at its path than when it was last read. A folder that is still the same and holds
    something is believed, however much was deleted from it.
    """
    return gone > 0 and ((is_bare and known >= MANY) or (is_another and gone > known // 2))


def _identity(stamp: Stamp) -> tuple[int, int, int]:
    return stamp.inode, stamp.size, stamp.mtime_ns  # a rename changes only the change time
