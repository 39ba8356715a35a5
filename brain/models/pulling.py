"""Fetches a model from where an address says: looked at first, refused where it could not run here, verified, then placed.

What is on its way lies in the scratch folder. It comes onto the shelf by renaming, when all of it is right.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from brain.errors import ModelError
from brain.events import Pulled, Pulling
from brain.models.fetching import size_of
from brain.models.fitting import LEAST, fitting_window
from brain.models.header import free_memory, gigabytes, megabytes, memory_needed, read_header
from brain.models.offers import Offer, Offered, bring, has_some, look_at
from brain.models.origins import Address, OnDisk, spelled
from brain.models.placing import SCRATCH, Record, alone, keep_record, place, sha256_of, shelved
from brain.models.splits import parts_of
from brain.models.supported import refusal
from brain.seams import Cancel

SPARE = 50_000_000  # bytes that stay free on the disk


def pull(
    address: Address, folder: Path, *, name: str = "", sha256: Sequence[str] = (), anyway: bool = False, cancel: Cancel
) -> Iterator[Pulling | Pulled]:
    """Bring the model at `address` into `folder`, as `name` or as its file is called; ends with Pulled.

    `sha256`: what its files must be, one each. `anyway`: also where the memory does not hold it. An interrupted pull goes
    on where it stopped. Raises ModelError where it cannot be had, cannot run here, or is not what it should be; Cancelled.
    """
    scratch = folder / SCRATCH / (name or hashlib.sha256(spelled(address).encode()).hexdigest()[:16])
    try:
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with alone(scratch.with_suffix(".lock"), cancel):
            scratch.mkdir(exist_ok=True, mode=0o700)  # the one we waited for has cleared it away
            offer = look_at(address, scratch, cancel)
            offer = replace(offer, name=name or offer.name, files=_with_hashes(offer, sha256))
            targets = _targets(offer, folder)
            if (verified := _is_here(offer, targets, cancel)) is not None:
                shutil.rmtree(scratch, ignore_errors=True)
                yield Pulled(offer.name, targets[0], fetched=False, verified=verified)
                return
            _check_runs(offer, anyway=anyway)
            _check_space(offer, folder, scratch)
            ready: list[Path] = []
            hashes: dict[str, str] = {}
            for file, target in zip(offer.files, targets, strict=True):
                path, digest = yield from _fetched(
                    offer, file, scratch, sum(one.stat().st_size for one in ready), cancel
                )
                ready.append(path)
                hashes[target.name] = digest
            _check_whole(offer, ready)
            old = shelved(folder).get(offer.name, targets[0])
            place(ready, targets)
            for stale in {*parts_of(old)} - {*targets}:  # a cut one in another number of files
                stale.unlink(missing_ok=True)
            verified = all(file.sha256 for file in offer.files)
            keep_record(folder, offer.name, Record(spelled(address), hashes, verified))
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        what = f"{name or address} could not be stored: {error.strerror or error}"
        raise ModelError(what, hint="Check the disk and the folder's permissions.") from error
    yield Pulled(offer.name, targets[0], fetched=True, verified=verified)


def _with_hashes(offer: Offer, sha256: Sequence[str]) -> tuple[Offered, ...]:
    if not sha256:
        return offer.files
    if len(sha256) != len(offer.files):
        many = len(offer.files)
        raise ModelError(f"{offer.name} has {many} files, so it takes {many} SHA-256", hint="One --sha256 for each.")
    return tuple(replace(file, sha256=one.lower()) for file, one in zip(offer.files, sha256, strict=True))


def _targets(offer: Offer, folder: Path) -> tuple[Path, ...]:
    many = len(offer.files)
    if many == 1:
        return (folder / f"{offer.name}.gguf",)
    return parts_of(folder / f"{offer.name}-00001-of-{many:05d}.gguf")


def _is_here(offer: Offer, targets: Sequence[Path], cancel: Cancel) -> bool | None:
    """Whether this very model is on the shelf (True: its hashes were compared); None where it is not.

    Raises ModelError where another one of its name is.
    """
    there = shelved(targets[0].parent).get(offer.name)
    if there is None:
        return None
    try:
        header = read_header(there)
    except ModelError:
        return None
    if not header.is_whole:
        return None
    here = parts_of(there)
    sizes = [path.stat().st_size for path in here]
    known = all(file.sha256 for file in offer.files)
    if len(here) == len(offer.files) and all(
        file.bytes in (0, size) for file, size in zip(offer.files, sizes, strict=True)
    ):
        pairs = [(_hash_of(offer, file, path, cancel), path) for file, path in zip(offer.files, here, strict=True)]
        if all(not wanted or sha256_of(path, cancel) == wanted for wanted, path in pairs):
            return known
    raise ModelError(
        f"Another model is on the shelf as {offer.name}", hint=f"Remove it first: brain models remove {offer.name}"
    )


def _hash_of(offer: Offer, file: Offered, path: Path, cancel: Cancel) -> str:
    """What is known of an offered file: its SHA-256, made here for another file of this machine."""
    if isinstance(offer.address, OnDisk) and not file.sha256 and not path.samefile(file.where):
        return sha256_of(Path(file.where), cancel)
    return file.sha256


def _check_runs(offer: Offer, *, anyway: bool) -> None:
    """Refuse before anything large is fetched. Raises ModelError."""
    header = offer.header
    if header is None:
        raise ModelError(f"{offer.name} is no usable model: its header is cut or broken", hint="Choose another file.")
    why, hint = refusal(header.architecture)
    if why:
        raise ModelError(f"{offer.name} cannot run here: {why}", hint=hint)
    if header.parts != len(offer.files):
        what = f"{offer.name} is part of a model in {header.parts} files, and its name does not say so"
        raise ModelError(what, hint="Its parts end in -00001-of-00003.gguf and so on.")
    free = free_memory()
    if not anyway and free is not None and not fitting_window(header, LEAST, free):
        need = memory_needed(header, min(LEAST, header.context_length or LEAST))
        raise ModelError(
            f"{offer.name} needs about {gigabytes(need)} of memory; {gigabytes(free)} are free",
            hint="Choose a smaller one, or fetch it nonetheless: --anyway",
        )


def _check_space(offer: Offer, folder: Path, scratch: Path) -> None:
    needed = offer.bytes + SPARE - size_of(scratch)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ModelError(
            f"{offer.name} needs {megabytes(needed)} of disk; {megabytes(free)} are free",
            hint=f"Make room, or move the folder {folder}.",
        )


def _fetched(
    offer: Offer, file: Offered, scratch: Path, before: int, cancel: Cancel
) -> Generator[Pulling, None, tuple[Path, str]]:
    """One file, verified, and its SHA-256. What was joined to an earlier attempt and came out wrong is fetched once more, anew."""
    for may_repeat in (True, False):
        is_joined = may_repeat and has_some(offer, file, scratch)
        path = scratch
        for step in bring(offer, file, scratch, cancel):
            if isinstance(step, Path):
                path = step
            else:
                yield Pulling(offer.name, before + step, offer.bytes, offer.source)
        digest = sha256_of(path, cancel)
        if path.stat().st_size == (file.bytes or path.stat().st_size) and digest == (file.sha256 or digest):
            break
        path.unlink()
        if not is_joined:
            raise ModelError(
                f"{offer.source} gave another {path.name} than the one that was to come (wrong SHA-256 or size)",
                hint="It was not kept. Try again, or another address.",
            )
    return path, digest


def _check_whole(offer: Offer, ready: Sequence[Path]) -> None:
    """The last look before it can be used: all parts belong together and are as long as their tensors need."""
    if not read_header(ready[0]).is_whole:
        for path in ready:
            path.unlink(missing_ok=True)
        raise ModelError(f"{offer.source} gave a file that is cut: {ready[0].name}", hint="It was not kept. Try again.")
