"""What is on disk × what is stored → what to do. Pure: it reads no file and no clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system says of a file without opening it. Equal stamps: the file has not changed.

    Modification time and size alone miss a replacement that keeps both (rsync -t, Syncthing); change time and inode do not.
    """

    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What the catalog knows of a file. `recipe` names how it was cut into chunks; a failed file has none."""

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
    seen: Mapping[Path, Stamp],
    stored: Mapping[Path, Stored],
    *,
    kept: Collection[Path] = (),
    recipe: str | None,
) -> list[Step]:
    """The steps from `stored` to `seen`: moves, then files to read with the newest first, then removals.

    Files below a folder in `kept` (unmounted, unreadable) are never removed. A failed file is tried again only
    when its stamp changes. With `recipe` None no file is read again merely because another recipe cut it.
    """
    missing = {path for path in stored if path not in seen and not any(path.is_relative_to(root) for root in kept)}
    by_identity = {_identity(stored[path].stamp): path for path in sorted(missing) if not stored[path].failed}
    moves: list[Step] = []
    looks: list[Look] = []
    for path, stamp in seen.items():
        known = stored.get(path)
        if known is None and (old := by_identity.pop(_identity(stamp), None)) is not None:
            moves.append(Move(path, old, stamp))
            missing.discard(old)
        elif known is None or known.stamp != stamp or (recipe not in (None, known.recipe) and not known.failed):
            looks.append(Look(path, stamp, known))
    looks.sort(key=lambda step: -step.stamp.mtime_ns)
    return [*moves, *looks, *(Remove(path) for path in sorted(missing))]


def _identity(stamp: Stamp) -> tuple[int, int, int]:
    return stamp.inode, stamp.size, stamp.mtime_ns  # a rename changes only the change time
