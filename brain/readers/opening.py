"""Opens a note safely: the one place where the bytes of the user's files come in. Knows nothing of formats."""

from __future__ import annotations

import os
import stat
from errno import ELOOP, ENOENT, ENOTDIR
from pathlib import Path

from brain.errors import FileVanished, ReadError

MEGABYTE = 1_000_000
_PIECE = 1 << 20
# Nothing here may block on a FIFO, follow a link out of the folder, or leak a descriptor into a child process.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_bytes(path: Path, max_bytes: int, *, within: Path | None = None) -> bytes:
    """The whole file, at most `max_bytes` of it. A link as the last part of `path` is not followed.

    Nor is, with `within`, a link in any part below that folder: one that took a folder's place after the folder was
    listed leads nowhere. The folder itself is taken as it is named. Where the system cannot open a path part by part
    (Windows), only the last part is looked at.

    Raises FileVanished where nothing is there, and ReadError for anything that is not a readable plain file or is
    larger than that. The size is checked again while reading: a file may grow.
    """
    try:
        descriptor = os.open(path, _FLAGS) if within is None else _opened_below(within, path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileVanished(f"{path.name} is gone.") from error
    except PermissionError as error:
        raise ReadError(f"{path.name} may not be read.", hint="Check the permissions of the file.") from error
    except OSError as error:
        raise _refusal(path, error) from error
    except ValueError as error:  # a NUL in the name
        raise ReadError(f"{path.name!r} is not a possible file name.") from error
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ReadError(f"{path.name} is {_kind(state.st_mode)}, not a file.", hint="Only plain files are read.")
        if state.st_size > max_bytes:
            raise _too_large(path, state.st_size, max_bytes)
        pieces: list[bytes] = []
        left = max_bytes + 1
        while left > 0 and (piece := os.read(descriptor, min(left, max(_PIECE, state.st_size + 1)))):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise ReadError(f"{path.name} could not be read: {error.strerror}.", hint="Check the disk.") from error
    finally:
        os.close(descriptor)
    if left <= 0:
        raise _too_large(path, max_bytes + 1, max_bytes)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _opened_below(folder: Path, path: Path) -> int:
    """A descriptor of a file, come to from a folder without following any link. Raises OSError."""
    *between, name = path.relative_to(folder).parts
    if os.pardir in between:
        raise FileNotFoundError(ENOENT, "leads out of its folder", str(path))
    if os.open not in os.supports_dir_fd:
        return os.open(path, _FLAGS)
    at = os.open(folder, _FOLDER_FLAGS)
    try:
        for part in between:
            below = _folder_below(at, part)
            os.close(at)
            at = below
        return os.open(name, _FLAGS, dir_fd=at)
    finally:
        os.close(at)


def _folder_below(at: int, name: str) -> int:
    try:
        return os.open(name, _FOLDER_FLAGS | getattr(os, "O_NOFOLLOW", 0), dir_fd=at)
    except OSError as error:
        if error.errno == ELOOP:  # a link: macOS says so, Linux says that it is not a folder
            raise NotADirectoryError(ENOTDIR, "a link", name) from error
        raise


def _kind(mode: int) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something special")


def _refusal(path: Path, error: OSError) -> ReadError:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return ReadError(f"{path.name} could not be opened: {error.strerror}.")
    if stat.S_ISLNK(mode):
        if error.errno == ELOOP and not path.exists():
            return ReadError(f"{path.name} is a link that leads nowhere.", hint="Mend or delete the link.")
        return ReadError(f"{path.name} is a link.", hint="Links are read where they lead, inside a watched folder.")
    if not stat.S_ISREG(mode):
        return ReadError(f"{path.name} is {_kind(mode)}, not a file.", hint="Only plain files are read.")
    return ReadError(f"{path.name} could not be opened: {error.strerror}.")


def _too_large(path: Path, size: int, limit: int) -> ReadError:
    return ReadError(
        f"{path.name} is {_megabytes(size)}; the limit is {_megabytes(limit)}.",
        hint="Raise notes.max_mb in config.toml to read it.",
    )


def _megabytes(size: int) -> str:
    value = size / MEGABYTE
    return f"{value:.0f} MB" if value >= 10 else f"{value:.1f} MB" if value >= 0.1 else f"{size} bytes"
