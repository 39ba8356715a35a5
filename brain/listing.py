"""Which files of a folder are notes: one walk with stat, no note opened. It decides nothing about what is done with them."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from brain.errors import FolderMissing
from brain.ignoring import IGNORE_FILE, Rules, is_left_out
from brain.places import Place, outermost
from brain.planning import Stamp

LONGEST_RULES = 1 << 20  # bytes of a .brainignore
_DATALESS = 0x40000000  # SF_DATALESS of macOS: the file is in the cloud, and reading it would fetch it
_HAS_FLAGS = hasattr(os.stat_result, "st_flags")
_RULE_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)

Identity = tuple[int, int]  # device and inode: a file or folder, whatever it is called


@dataclass(slots=True)
class Listing:
    """What one walk saw. Paths are strings: a Path for each of 20 000 files costs more than finding them."""

    identity: Identity  # of the folder itself: another one stands there after an unmount
    files: dict[str, Stamp] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)  # what could not be looked at now and may well still be there
    is_bare: bool = False  # there is nothing in the folder, not even a file that is no note


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp in a stat result."""
    return Stamp(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def stamp_now(path: Path, *, follow: bool) -> Stamp | None:
    """The stamp of the file at a path, of what a link leads to where links are to `follow`; None where there is none."""
    try:
        return stamp_of(path.stat() if follow and path.exists() else path.lstat())
    except OSError:
        return None


def identity_of(folder: str | os.PathLike[str]) -> Identity:
    """Which folder stands at a path. Raises FolderMissing."""
    try:
        found = Path(folder).stat()
    except OSError as error:
        raise _missing(folder, error) from error
    return found.st_dev, found.st_ino


def listing(
    folder: str | os.PathLike[str],
    suffixes: Collection[str],
    *,
    skip: Collection[str | os.PathLike[str]] = (),
    ignore: Sequence[str] = (),
    follow_links: bool = False,
) -> Listing:
    """Every file below `folder` whose suffix is known, with its stamp.

    Left out are hidden entries, temporary files of editors and sync programs, what `ignore` or a `.brainignore` names
    (rules of .gitignore), and the folders in `skip` (Brain's own). Without `follow_links` a link to a folder is not
    entered, and a link to a file stands in the list as itself, so that reading it can say what is wrong with it, unless
    what it points to lies in this folder and is listed there. With it links are followed, and no file or folder outside
    is seen twice. Files that are only in the cloud, folders that may not be entered, and folders whose `.brainignore`
    cannot be read are `closed`. Raises FolderMissing where the folder itself cannot be listed.
    """
    walk = _Walk(os.fspath(folder), suffixes, skip, ignore, follow_links)
    walk.run()
    if identity_of(folder) != walk.found.identity:
        raise FolderMissing(f"The folder {folder} was replaced while it was read.", hint="It is read again soon.")
    return walk.found


def listing_of(
    places: Collection[Place],
    folder: str | os.PathLike[str],
    suffixes: Collection[str],
    *,
    skip: Collection[str | os.PathLike[str]] = (),
    ignore: Sequence[str] = (),
) -> Listing | None:
    """What `listing` finds in some places in `folder`, links not followed. None: only the whole folder can tell.

    A place that is no folder any more, or that is left out, holds nothing. Raises FolderMissing as `listing` does.
    """
    walk = _Walk(os.fspath(folder), suffixes, skip, ignore, False)
    try:
        walk.run_in(outermost(places))
    except _SpelledOtherwise:
        return None
    if identity_of(folder) != walk.found.identity:
        raise FolderMissing(f"The folder {folder} was replaced while it was read.", hint="It is read again soon.")
    return walk.found


class _SpelledOtherwise(Exception):
    """A place is there, but under another spelling than the one it was named with."""


class _Walk:
    """One walk, folder by folder."""

    def __init__(
        self,
        root: str,
        suffixes: Collection[str],
        skip: Collection[str | os.PathLike[str]],
        ignore: Sequence[str],
        follow_links: bool,
    ) -> None:
        self.found = Listing(identity_of(root))
        self._root = root
        self._real_root = os.path.realpath(root)
        self._suffixes = suffixes
        self._skip = {os.fspath(path) for path in skip}
        self._follow_links = follow_links
        self._outside: set[Identity] = set()  # what links have led to
        self._rules = Rules().below("", ignore) if ignore else Rules()
        self._waiting: list[tuple[str, Rules, bool]] = []  # folder, its rules, whether a link led there

    def run(self) -> None:
        try:
            entries = list(os.scandir(self._root))
        except OSError as error:
            raise _missing(self._root, error) from error
        self.found.is_bare = not entries
        if self._follow_links:
            self._outside.add(self.found.identity)
            self._outside.update(identity_of(path) for path in self._skip if Path(path).is_dir())
        self._look_through(self._root, entries, self._rules, False)
        self._look_through_waiting()

    def run_in(self, places: Sequence[Place]) -> None:
        for place in places:
            if (rules := self._way_to(place.path)) is None:
                continue
            self._waiting.append((place.path, rules, False))
            self._look_through_waiting(None if place.is_deep else 1)

    def _way_to(self, path: str) -> Rules | None:
        """The rules around a folder below the root; None where it is not, is left out, or cannot be looked at."""
        folder, rules = self._root, self._rules
        for name in Path(path).relative_to(self._root).parts:
            found = None
            try:
                for entry in list(os.scandir(folder)):
                    if entry.name == IGNORE_FILE:
                        rules = rules.below(self._relative(folder), _rules_in(entry))
                    elif entry.name == name:
                        found = entry
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError:
                self.found.closed.add(folder)
                return None
            here = folder.rstrip(os.sep) + os.sep + name
            if found is None and os.path.lexists(here):
                raise _SpelledOtherwise
            if found is None or not found.is_dir(follow_symlinks=False) or here in self._skip:
                return None
            if self._is_left_out(self._relative(folder), name, rules, is_folder=True):
                return None
            folder = here
        return rules

    def _look_through_waiting(self, most: int | None = None) -> None:
        """Look through the folders that wait and those found in them; through `most` of them where that is given."""
        while self._waiting and most != 0:
            most = None if most is None else most - 1
            folder, rules, linked = self._waiting.pop()
            try:
                entries = list(os.scandir(folder))
            except (FileNotFoundError, NotADirectoryError):
                continue  # gone between the two calls: the next walk sees how it stands
            except OSError:
                self.found.closed.add(folder)
                continue
            self._look_through(folder, entries, rules, linked)
        self._waiting.clear()

    def _relative(self, folder: str) -> str:
        """A folder as rules name it: "" for the root, else ending in "/"."""
        relative = folder[len(self._root) :].lstrip(os.sep)
        return relative + "/" if relative else ""

    def _look_through(self, folder: str, entries: list[os.DirEntry[str]], rules: Rules, linked: bool) -> None:
        files, suffixes = self.found.files, self._suffixes
        relative = self._relative(folder)
        for entry in entries:
            if entry.name == IGNORE_FILE:
                try:
                    rules = rules.below(relative, _rules_in(entry))
                except OSError:
                    self.found.closed.add(folder)  # what it keeps private is not known: nothing here is read
                    return
        is_plain, endings = not rules.levels, tuple(suffixes)  # what follows runs once a file: a call saved is a tenth
        for entry in entries:
            name = entry.name
            try:
                if entry.is_symlink():
                    if not self._is_left_out(relative, name, rules, is_folder=False):
                        self._look_behind(entry, rules)
                elif entry.is_dir(follow_symlinks=False):
                    if not self._is_left_out(relative, name, rules, is_folder=True) and entry.path not in self._skip:
                        if linked and not self._is_new(entry.stat(follow_symlinks=False)):
                            continue
                        self._waiting.append((entry.path, rules, linked))
                elif name.endswith(endings) or _ending(name) in suffixes:
                    if is_left_out(name) if is_plain else rules.ignores(relative + name, is_folder=False):
                        continue
                    seen = entry.stat(follow_symlinks=False)
                    if _HAS_FLAGS and getattr(seen, "st_flags", 0) & _DATALESS:
                        self.found.closed.add(entry.path)
                    elif not linked or self._is_new(seen):
                        files[entry.path] = Stamp(seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)
                elif name.endswith(".icloud") and name.startswith("."):
                    self.found.closed.add(f"{folder}{os.sep}{name[1 : -len('.icloud')]}")
            except OSError:
                continue  # gone or closed to us between the two calls: the next walk sees how it stands

    def _is_left_out(self, relative: str, name: str, rules: Rules, *, is_folder: bool) -> bool:
        return rules.ignores(relative + name, is_folder=is_folder) if rules.levels else is_left_out(name)

    def _is_new(self, seen: os.stat_result) -> bool:
        known = (seen.st_dev, seen.st_ino) in self._outside
        self._outside.add((seen.st_dev, seen.st_ino))
        return not known

    def _look_behind(self, entry: os.DirEntry[str], rules: Rules) -> None:
        """A link: what it leads to is listed in its place in the folder, outside of it, or nowhere."""
        target = os.path.realpath(entry.path)
        is_note = _ending(entry.name) in self._suffixes
        try:
            seen = Path(target).stat()
        except OSError:
            if is_note:
                self.found.files[entry.path] = stamp_of(entry.stat(follow_symlinks=False))
            return
        is_inside = f"{target}{os.sep}".startswith(self._real_root.rstrip(os.sep) + os.sep)
        if is_inside:
            return
        if not self._follow_links:
            if is_note and not stat.S_ISDIR(seen.st_mode):
                self.found.files[entry.path] = stamp_of(entry.stat(follow_symlinks=False))
        elif stat.S_ISDIR(seen.st_mode):
            if self._is_new(seen):
                self._waiting.append((entry.path, rules, True))
        elif is_note and self._is_new(seen):
            self.found.files[entry.path] = stamp_of(seen)


def _ending(name: str) -> str:
    return name[name.rfind(".") :].lower()  # a Path or splitext a file costs as much as its stat


def _rules_in(entry: os.DirEntry[str]) -> tuple[str, ...]:
    seen = entry.stat(follow_symlinks=False)
    return _read_rules(entry.path, stamp_of(seen))


@lru_cache(maxsize=4096)
def _read_rules(path: str, stamp: Stamp) -> tuple[str, ...]:  # noqa: ARG001 - the stamp: opened again once it changes
    descriptor = os.open(path, _RULE_FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a plain file")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            written = file.read(LONGEST_RULES)
    finally:
        os.close(descriptor)
    return tuple(os.fsdecode(written.removeprefix(b"\xef\xbb\xbf")).splitlines())


def _missing(folder: str | os.PathLike[str], error: OSError) -> FolderMissing:
    what = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
    return FolderMissing(
        f"The folder {os.fspath(folder)} {what}.",
        hint="What is known of it is kept. Bring it back, or forget it with: brain remove FOLDER",
    )
