"""What a place has to offer: which files a model consists of there, how large, what its header says. And bringing one of them.

The model hub and web servers are asked by programs of their own; a file of this machine is copied here.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from brain.errors import Cancelled, ModelError
from brain.models.arriving import HEAD_FILE, LOOK_FILE
from brain.models.fetching import OWN, PATIENT_SECONDS, size_of, watched
from brain.models.header import Header, parse_header, read_header
from brain.models.origins import Address, AtUrl, OnDisk, OnHub, name_for, urls_of
from brain.models.placing import BLOCK
from brain.models.splits import parts_of
from brain.seams import Cancel

HUB = "the model hub"


@dataclass(frozen=True, slots=True)
class Offered:
    """One file of a model: where it is (a path or URL), its bytes (0: not known), its SHA-256 ("": not known), its version."""

    where: str
    bytes: int
    sha256: str = ""
    validator: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model somewhere else, in one file or several, and its header with the size of all."""

    address: Address
    name: str
    files: tuple[Offered, ...]
    header: Header | None  # None: more of it would have to be read than any real model's
    revision: str = ""

    @property
    def bytes(self) -> int:
        """Bytes of all files; 0 where one of them is not known."""
        return sum(file.bytes for file in self.files) if all(file.bytes for file in self.files) else 0

    @property
    def source(self) -> str:
        """Where it is, for people."""
        return HUB if isinstance(self.address, OnHub) else str(self.address)


def look_at(address: Address, scratch: Path, cancel: Cancel) -> Offer:
    """What is there. Raises ModelError where it cannot be reached, is not there, or is no GGUF; Cancelled."""
    if isinstance(address, OnDisk):
        return _on_disk(address)
    for name in (LOOK_FILE, HEAD_FILE):
        (scratch / name).unlink(missing_ok=True)
    if isinstance(address, OnHub):
        command = [*OWN, "brain.models.hub", "look", str(address), str(scratch)]
    else:
        command = [*OWN, "brain.models.download", "look", str(scratch), *urls_of(address.url)]
    for _ in watched(
        command, scratch, cancel, source=HUB if isinstance(address, OnHub) else str(address), within=PATIENT_SECONDS
    ):
        pass
    found = json.loads((scratch / LOOK_FILE).read_text(encoding="utf-8"))
    files = tuple(Offered(**file) for file in found["files"])
    size = sum(file.bytes for file in files)
    header = parse_header((scratch / HEAD_FILE).read_bytes(), size)
    for name in (LOOK_FILE, HEAD_FILE):
        (scratch / name).unlink()
    first = files[0].where if isinstance(address, OnHub) else urlsplit(files[0].where).path
    return Offer(address, name_for(first), files, header, found["revision"])


def bring(offer: Offer, file: Offered, scratch: Path, cancel: Cancel) -> Iterator[int | Path]:
    """Bring one file into `scratch`: bytes arrived of it, and last where it is. What an earlier attempt left is used.

    Raises ModelError; Cancelled when asked to stop.
    """
    target = _target(offer, file, scratch)
    if isinstance(offer.address, OnDisk):
        yield from _copied(Path(file.where), target, cancel)
    elif isinstance(offer.address, OnHub):
        folder = scratch / "hub"
        folder.mkdir(exist_ok=True)
        before = size_of(folder) - _arrived(target)
        arguments = [offer.address.repository, offer.revision, file.where, str(folder)]
        command = [*OWN, "brain.models.hub", "fetch", *arguments]
        for size in watched(
            command, folder, cancel, source=offer.source, within=0.0 if target.is_file() else PATIENT_SECONDS
        ):
            yield max(0, size - before)
    else:
        note = target.with_name(f"{target.name}.note")
        same = note.is_file() and note.read_text(encoding="utf-8") == file.validator != ""
        if target.is_file() and not same:
            target.unlink()
        if not target.is_file():
            before = size_of(scratch) - _arrived(target)
            command = [*OWN, "brain.models.download", "fetch"]
            command += [file.where, str(target), str(file.bytes), file.validator]
            for size in watched(command, scratch, cancel, source=offer.source, within=PATIENT_SECONDS):
                yield max(0, size - before)
    if not target.is_file():
        raise ModelError(f"{offer.source} did not give {target.name}", hint="Try again.")
    yield target


def has_some(offer: Offer, file: Offered, scratch: Path) -> bool:
    """Whether an earlier attempt has brought some of it."""
    return _arrived(_target(offer, file, scratch)) > 0


def _target(offer: Offer, file: Offered, scratch: Path) -> Path:
    if isinstance(offer.address, OnHub):
        return scratch / "hub" / file.where
    return scratch / PurePosixPath(urlsplit(file.where).path if isinstance(offer.address, AtUrl) else file.where).name


def _arrived(target: Path) -> int:
    """Bytes of a file that an earlier attempt has brought."""
    return sum(one.stat().st_size for one in target.parent.glob(f"{target.name}*")) if target.parent.is_dir() else 0


def _on_disk(address: OnDisk) -> Offer:
    path = address.path.absolute()
    if path.is_file() and path.suffix != ".gguf":
        raise ModelError(f"{path.name} is no GGUF file", hint="Choose a file that ends in .gguf.")
    header = read_header(path)
    if not header.is_whole:
        raise ModelError(f"{path.name} is incomplete", hint="Fetch it again.")
    files = tuple(Offered(str(part), part.stat().st_size) for part in parts_of(path))
    return Offer(address, name_for(path.name), files, header)


def _copied(source: Path, target: Path, cancel: Cancel) -> Iterator[int]:
    done = 0
    with source.open("rb") as inside, target.open("wb") as outside:
        while block := inside.read(BLOCK):
            if cancel.is_set():
                raise Cancelled("Copying was stopped")
            outside.write(block)
            done += len(block)
            yield done
    shutil.copystat(source, target)
