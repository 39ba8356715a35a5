"""Looks for everything in a store that is not as it should be: notes, catalog, both indexes, models, files. Mends on request.

The checks only read, and work beside another process that owns the store. They never touch a note.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from brain.errors import ModelError, ReadError, StoreError
from brain.planning import Look, Move, Step
from brain.seams import Embedder
from brain.store.catalog import Catalog
from brain.types import Finding, Hit

SAMPLE = 200  # passages and vectors that the quick form compares
FILES = 50  # and files that it reads
NAMED = 20  # findings of one kind that are told one by one
EMBEDDED = 50  # passages that the thorough form embeds again
ALIKE = 0.98  # the least cosine of two vectors of one text: batches differ by thousandths, other texts by tenths
LITTLE_SPACE = 200_000_000  # bytes: an index pass may need as much

_WORD = re.compile(r"[^\W_]{1,40}")
_RUN = 3  # words side by side that must be found where they stand


class Words(Protocol):
    """The words index."""

    def ids(self) -> list[int]: ...
    def search(
        self, query: str, limit: int, within: Collection[int] | None = None, *, phrases: Sequence[str] = ()
    ) -> list[Hit]: ...


class Readers(Protocol):
    """The drawer of readers."""

    def open_bytes(self, path: Path, max_bytes: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `words` and `embedder` raise BrainError where they cannot be had; nothing is opened before it is asked for.

    `beside` says that another process owns the store: what is pending is its business, and Chroma is its alone.
    """

    home: Path
    catalog: Catalog
    readers: Readers
    steps: Callable[[], list[Step]]  # what a pass would do now
    words: Callable[[], Words]
    damaged_words: Callable[[], list[str]]
    ailing_vectors: Callable[[str, int | None], Iterable[str]]  # of the model, comparing so many or all
    embedder: Callable[[], Embedder]
    models: Callable[[bool], Iterable[tuple[str, str]]]  # name and what is wrong with it; True: compare hashes too
    leftovers: tuple[str, ...]
    max_bytes: int
    beside: bool
    ledger: Callable[[], Iterable[str]] = tuple  # what is wrong with the record of what left this machine


def examine(patient: Patient, *, thorough: bool) -> Iterator[Finding]:
    """Everything that is wrong. The quick form takes samples where the thorough one looks at all."""
    yield from _files(patient)
    try:
        yield from _catalog(patient, thorough=thorough)
        yield from _notes(patient, thorough=thorough)
        yield from _pending(patient)
        yield from _words(patient, thorough=thorough)
        yield from _vectors(patient, thorough=thorough)
    except StoreError as error:
        yield Finding("catalog", error.reason, str(patient.catalog.path), "error", hint=error.hint)
    for name, wrong in patient.models(thorough):
        yield Finding("models", wrong, name, "warning", hint=f"Fetch it again: brain models pull {name}")


def mend(patient: Patient, findings: Iterable[Finding]) -> None:
    """Mend what can be mended in catalog and files. What a pass or a new index mends is left to those."""
    repairs: dict[str, list[Finding]] = {}
    for finding in findings:
        repairs.setdefault(finding.repair, []).append(finding)
    for finding in repairs.get("modes", ()):
        path = Path(finding.where)
        with suppress(OSError):
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & 0o700)
    for finding in repairs.get("clear", ()):
        _delete(Path(finding.where))
    catalog = patient.catalog
    if "catalog" in repairs:
        catalog.drop_orphans()
    if "vectors" in repairs:
        for ids in catalog.bad_vectors().values():
            catalog.drop_vectors_with(ids)
        catalog.find_lost_vectors()
        catalog.drop_vectors_of(_foreign_vectors(patient))
    if "reread" in repairs:
        catalog.mark_unread([Path(finding.where) for finding in repairs["reread"] if finding.where])


def _files(patient: Patient) -> Iterator[Finding]:
    home = patient.home
    for path in (home, *sorted(home.rglob("*"))):
        with suppress(OSError):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) & 0o077:
                what = f"other users of this machine may use it (mode {stat.S_IMODE(mode):o})"
                yield Finding("files", what, str(path), "warning", "modes")
    if not os.access(home, os.W_OK):
        yield Finding(
            "files", "it cannot be written: Brain only reads", str(home), "note", hint="Check its permissions."
        )
    free = shutil.disk_usage(home).free
    if free < LITTLE_SPACE:
        what = f"only {free // 1_000_000} MB are free on this disk"
        yield Finding("files", what, str(home), "warning", hint="Free some space.")
    for name in () if patient.beside else patient.leftovers:
        if (home / name).exists():
            yield Finding(
                "files", "it is left over from something that was cut short", str(home / name), "warning", "clear"
            )
    try:
        faults = list(patient.ledger())
    except StoreError as error:
        faults = [error.reason]
    for fault in faults:
        what = f"the record of what left this machine is not whole: {fault}"
        hint = "brain ledger shows what is in it. To begin another, move away egress.jsonl and egress.head."
        yield Finding("files", what, str(home / "egress.jsonl"), "warning", hint=hint)


def _catalog(patient: Patient, *, thorough: bool) -> Iterator[Finding]:
    catalog, where = patient.catalog, str(patient.catalog.path)
    for wrong in catalog.integrity(thorough=thorough):
        yield Finding("catalog", wrong, where, "error", "catalog")
    for wrong in catalog.orphans():
        yield Finding("catalog", f"{wrong} that belong to nothing", where, "warning", "catalog")
    for why, ids in catalog.bad_vectors().items():
        yield Finding("catalog", f"{len(ids)} vectors {why}", where, "error", "vectors")
    if lost := catalog.lost_vectors():
        yield Finding("catalog", f"{lost} passages point at a vector that is not theirs", where, "error", "vectors")
    if thorough and (foreign := _foreign_vectors(patient)):
        what = f"of a sample, {len(foreign)} vectors are not what the model makes of their text"
        hint = "If it is found again: brain rebuild --vectors"
        yield Finding("catalog", what, where, "error", "vectors", hint)
    every = catalog.chunk_ids()
    chosen = None if thorough or len(every) <= SAMPLE else random.Random().sample(every, SAMPLE)
    miscuts = (
        Finding("catalog", miscut.what, str(miscut.path), "error", "reread") for miscut in catalog.miscut(chosen)
    )
    yield from miscuts  # each is named: the repair reads just these files again


def _foreign_vectors(patient: Patient) -> list[int]:
    """Vectors, of a sample, that are far from what the embedder gives for the same text. None where it cannot be had."""
    catalog = patient.catalog
    every = catalog.chunk_ids()
    chosen = random.Random(len(every)).sample(every, min(EMBEDDED, len(every)))
    try:
        embedder = patient.embedder()
        stored, matrix = catalog.vectors(embedder.name, chosen)
        if not stored:
            return []
        made = embedder.embed(catalog.embedded_texts(stored), kind="passage")
    except (ModelError, StoreError):
        return []  # a text or vector that is missing or damaged is named by the other checks
    if made.shape != matrix.shape:
        return []  # the check of lengths names those
    cosines = (made * matrix).sum(axis=1)
    return [chunk for chunk, cosine in zip(stored, cosines, strict=True) if not cosine >= ALIKE]


def _notes(patient: Patient, *, thorough: bool) -> Iterator[Finding]:
    steps = patient.steps()
    if not patient.beside:
        yield from _few((_difference(step) for step in steps), len(steps))
    ahead = {step.path for step in steps} | {step.old for step in steps if isinstance(step, Move)}
    stored = {
        path: known.sha256 for path, known in patient.catalog.stamps().items() if not known.failed and path not in ahead
    }
    chosen = list(stored)
    if not thorough and len(chosen) > FILES:
        chosen = random.Random().sample(chosen, FILES)
    for path in chosen:
        try:
            data = patient.readers.open_bytes(path, patient.max_bytes)
        except ReadError:
            continue  # gone or changed this moment: the next pass says so
        if hashlib.sha256(data).hexdigest() != stored[path]:
            yield Finding("notes", "it has changed, though its times and size have not", str(path), "error", "reread")


def _difference(step: Step) -> Finding:
    match step:
        case Look(path, _, None):
            what = "it is not indexed yet"
        case Look(path):
            what = "it has changed since it was indexed"
        case Move(path):
            what = "it was moved since it was indexed"
        case _:
            path, what = step.path, "it is gone, and still in the index"
    return Finding("notes", what, str(path), "warning", "sync")


def _pending(patient: Patient) -> Iterator[Finding]:
    if patient.beside:
        return
    catalog = patient.catalog
    if waiting := catalog.words_pending():
        yield Finding("words", f"{waiting} passages wait to be indexed", "", "warning", "sync")
    try:
        model = patient.embedder().name
    except ModelError as error:
        yield Finding("models", f"passages get no vectors: {error.reason}", "", "note", hint=error.hint)
    else:
        if waiting := catalog.vectors_pending(model):
            yield Finding("vectors", f"{waiting} passages have no vector", "", "warning", "sync")
    if waiting := catalog.index_pending():
        yield Finding("vectors", f"{waiting} changes wait for the vector index", "", "warning", "sync")


def _words(patient: Patient, *, thorough: bool) -> Iterator[Finding]:
    where = str(patient.home / "words")
    given, _ = patient.catalog.words_ids()
    if not given:
        return
    if damaged := patient.damaged_words():
        yield from _few((Finding("words", wrong, where, "error", "words") for wrong in damaged), len(damaged))
        return
    try:
        words = patient.words()
        lacking, surplus, twice = _words_differences(patient, words)
        for count, what in (
            (len(lacking), "passages are missing from the words index"),
            (len(surplus), "passages that are gone are still in the words index"),
            (twice, "passages are in the words index twice"),
        ):
            if count:
                yield Finding("words", f"{count} {what}", where, "error", "words")
        sample = given if thorough else random.Random().sample(given, min(SAMPLE, len(given)))
        if deaf := _deaf(patient.catalog, words, sorted(set(sample) - set(lacking))):
            what = f"{len(deaf)} of {len(sample)} passages are not found by their own words, passage {deaf[0]} for one"
            yield Finding("words", what, where, "error", "words")
    except StoreError as error:
        yield Finding("words", error.reason, where, "error", "words", error.hint)


def _words_differences(patient: Patient, words: Words) -> tuple[list[int], list[int], int]:
    """Ids that the words index lacks, holds too many, and how many twice. An owner at work is given time to finish."""
    lacking: set[int] | None = None
    surplus: set[int] = set()
    for _ in range(3 if patient.beside else 1):
        given, loose = patient.catalog.words_ids()
        held = words.ids()
        found, extra = set(given) - set(held), set(held) - set(given) - set(loose)
        lacking, surplus = (found, extra) if lacking is None else (lacking & found, surplus & extra)
        if not lacking and not surplus:
            break
    return sorted(lacking or ()), sorted(surplus), len(held) - len(set(held))


def _deaf(catalog: Catalog, words: Words, ids: Sequence[int]) -> list[int]:
    """Passages that are not found by a few of their own words, side by side."""
    found = []
    for row in catalog.words_rows_of(ids):
        if (phrase := _phrase(row.text)) and not words.search("", 1, [row.id], phrases=[phrase]):
            found.append(row.id)
    return found


def _phrase(text: str) -> str:
    spoken = text.split()
    for at in range(0, max(0, len(spoken) - _RUN + 1), _RUN):
        run = spoken[at : at + _RUN]
        if all(_WORD.fullmatch(word) for word in run):
            return " ".join(run)
    return next((word for word in spoken if _WORD.fullmatch(word)), "")


def _vectors(patient: Patient, *, thorough: bool) -> Iterator[Finding]:
    model = patient.catalog.model_in_use()
    if patient.beside or model is None:
        return
    for wrong in patient.ailing_vectors(model, None if thorough else SAMPLE):
        yield Finding("vectors", f"The vector index: {wrong}", str(patient.home / "chroma"), "error", "chroma")


def _few(findings: Iterable[Finding], count: int) -> Iterator[Finding]:
    """The first of many, the last of them saying how many more there are."""
    for at, finding in enumerate(findings):
        if at == NAMED and count > NAMED + 1:
            what = f"and so are {count - NAMED} more"
            yield Finding(finding.part, what, finding.where, finding.level, finding.repair)
            return
        yield finding


def _delete(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
