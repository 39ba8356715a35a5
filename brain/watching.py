"""What the system says of watching: which folders lie on a network, how many watches there are and are left. Linux and macOS.

It watches nothing. What the system does not tell is taken for unlimited.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

# Changes made elsewhere reach no inotify or FSEvents here. Local file systems in user space (NTFS, encrypted ones) do.
NETWORK = frozenset(
    "9p afpfs afs ceph cifs coda davfs drvfs fuse.ceph fuse.davfs2 fuse.gcsfuse fuse.glusterfs fuse.rclone fuse.s3fs "
    "fuse.sshfs fuse.vmhgfs-fuse glusterfs lustre ncpfs nfs nfs4 prl_fs smb2 smb3 smbfs vboxsf vmhgfs webdav".split()
)
_PROC = Path("/proc")
_WATCH = "inotify wd:"


def file_system_of(folder: Path) -> str:
    """The kind of file system a folder is on, as the system calls it; "" where it does not say."""
    import psutil

    try:
        mounts = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
        path = Path(os.path.realpath(folder))
    except OSError:
        return ""
    return next((mounts[str(place)] for place in (path, *path.parents) if str(place) in mounts), "")


def is_on_network(folder: Path) -> bool:
    """Whether others may change a folder without this machine being told."""
    return file_system_of(folder) in NETWORK


def folders_below(folder: Path, most: int) -> int:
    """How many folders there are from `folder` down, itself included: each takes a watch. Counts up to `most`."""
    return sum(1 for _ in islice(os.walk(folder), most))


def watches_allowed() -> int | None:
    """How many folders one user may watch; None where there is no such limit."""
    try:
        return int((_PROC / "sys/fs/inotify/max_user_watches").read_text())
    except (OSError, ValueError):
        return None


def watches_held(*, everywhere: bool = False) -> int:
    """How many watches this process holds, or all processes whose state may be read."""
    processes = [entry for entry in _PROC.glob("[0-9]*")] if everywhere else [_PROC / "self"]
    return sum(_watches_of(process) for process in processes)


def _watches_of(process: Path) -> int:
    return sum(1 for line in _descriptors_of(process) if line.startswith(_WATCH))


def _descriptors_of(process: Path) -> Iterator[str]:
    try:
        open_files = list(os.scandir(process / "fd"))
    except OSError:
        return
    for entry in open_files:
        try:
            if "inotify" in str(Path(entry.path).readlink()):
                yield from (process / "fdinfo" / entry.name).read_text().splitlines()
        except OSError:
            continue  # closed in the meantime
