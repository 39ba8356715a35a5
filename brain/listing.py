"""Which files of a folder are notes: one walk with stat, no file opened. It decides nothing about what is done with them."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from brain.errors import FolderMissing
from brain.planning import Stamp

# What programs keep beside the notes. Hidden folders and files are left out as well.
LEFT_OUT = frozenset({"node_modules", "__pycache__", "venv"})
TEMPORARY = ("~", ".tmp", ".swp", ".part", ".crdownload")


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp in a stat result."""
    return Stamp(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def listing(folder: Path, suffixes: Collection[str], *, skip: Collection[Path] = ()) -> dict[Path, Stamp]:
    """Every file below `folder` whose suffix is known, with its stamp.

    Hidden entries, temporary files of editors and sync programs, and the folders in `skip` (Brain's own) are left out. A link to a
    folder is not followed. A link to a file stands in the list as itself, so that reading it can say what is wrong with it,
    unless what it points to lies in this folder and is listed there. A subfolder that cannot be read is left out.
    Raises FolderMissing where the folder itself cannot be listed.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        what = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise FolderMissing(
            f"The folder {folder} {what}.",
            hint="What is known of it is kept. Bring it back, or forget it with: brain remove FOLDER",
        ) from error
    found: dict[Path, Stamp] = {}
    root = os.path.realpath(folder)
    unwanted = {os.fspath(path) for path in skip}
    waiting = [entries]
    while waiting:
        for entry in waiting.pop():
            name = entry.name
            if name.startswith((".", "~$")) or name in LEFT_OUT or name.endswith(TEMPORARY):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.path not in unwanted:
                        waiting.append(list(os.scandir(entry.path)))
                elif os.path.splitext(name)[1].lower() in suffixes:  # noqa: PTH122 - a Path a file costs the walk
                    seen = entry.stat(follow_symlinks=False)
                    if not _is_listed_elsewhere(entry, seen, root):
                        found[Path(entry.path)] = stamp_of(seen)
            except OSError:
                continue  # gone or closed to us between the two calls: the next walk sees how it stands
    return found


def _is_listed_elsewhere(entry: os.DirEntry[str], seen: os.stat_result, root: str) -> bool:
    if not stat.S_ISLNK(seen.st_mode):
        return False
    target = os.path.realpath(entry.path)
    if Path(target).is_dir():
        return True  # a link to a folder that is called like a note
    return Path(target).exists() and target.startswith(root + os.sep)
