"""Does a closed Chroma folder hold what the catalog says? Read without Chroma, whose opening alone writes to the folder.

It says what is wrong in words; the one repair for all of it is to build the index anew.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from brain.seams import Vectors
from brain.store.catalog import CHROMA_MARK, Catalog
from brain.store.chroma_check import Damaged, Saved, fingerprint, saved
from brain.store.vectors import WORN, WORN_SLACK, chroma_version

LOST = 0.005  # of the vectors may stand where no search comes: an index of that kind promises no more
ALIKE = 1e-4  # between two numbers of one vector
_SCOPE = "VECTOR"
_DELETE = 3


def ailments(folder: Path, catalog: Catalog, model: str, *, sample: int | None) -> Iterator[str]:
    """What is wrong with the folder. `sample` vectors are compared with the catalog's, or all. Raises StoreError."""
    mark = json.loads(catalog.setting(CHROMA_MARK) or "{}")
    given, gone = (set(ids) for ids in catalog.indexed_ids())
    if not mark:
        if given:
            yield f"it was never made, yet {len(given)} vectors are noted as being in it"
        return
    if mark.get("files") is None:
        yield "it was not closed in order"
        return
    if (mark.get("version"), mark.get("model")) != (chroma_version(), model):
        yield "it was made by another version of Chroma or for another model"
        return
    try:
        if fingerprint(folder) != mark["files"]:
            yield "its files are not as they were left"
            return
        parts = saved(folder)
        kept = sum(len(part.elements) for part in parts)
        held, rows = _contents(folder, parts)
    except (Damaged, OSError, sqlite3.Error) as error:
        yield f"it is damaged: {error}"
        return
    if kept > WORN * (len(given) + len(gone)) + WORN_SLACK:
        yield f"it keeps {kept} vectors for {len(given)}"
    if missing := given - held.keys():
        yield f"it lacks {len(missing)} vectors, of chunk {min(missing)} for one"
    if surplus := held.keys() - given - gone:
        yield f"it holds {len(surplus)} vectors of chunks that are gone, {min(surplus)} for one"
    both = sorted(given & held.keys())
    wanted = both if sample is None else random.Random(0).sample(both, min(sample, len(both)))
    ids, vectors = catalog.vectors(model, wanted)
    wrong = [one for one, vector in zip(ids, vectors, strict=True) if not _same(rows(held[one]), vector)]
    if wrong:
        yield f"{len(wrong)} of {len(ids)} vectors differ from the catalog's, that of chunk {wrong[0]} for one"
    lost = sum(map(_unreachable, parts))
    if lost > max(3, LOST * len(held)):
        yield f"{lost} of {len(held)} vectors cannot be found by any search"


def _same(one: Vectors, other: Vectors) -> bool:
    if one.shape != other.shape:
        return False
    length = float(np.linalg.norm(one)) or 1.0
    return bool(np.abs(one / length - other).max() <= ALIKE)


class _Rows:
    """The vectors of a folder: those saved, and over them those that are still in the log."""

    def __init__(self, parts: list[Saved], logged: dict[int, Vectors]) -> None:
        self._parts = parts
        self._logged = logged

    def __call__(self, place: tuple[int, int]) -> Vectors:
        part, row = place
        return self._logged[row] if part < 0 else self._parts[part].vector(row)


def _contents(folder: Path, parts: list[Saved]) -> tuple[dict[int, tuple[int, int]], _Rows]:
    """The place of each id that the index would answer with, and what gives the vector at a place."""
    held = {int(name): (at, row) for at, part in enumerate(parts) for name, row in part.rows.items()}
    logged: dict[int, Vectors] = {}
    address = f"file:{quote(str((folder / 'chroma.sqlite3').absolute()))}?mode=ro&immutable=1"
    database = sqlite3.connect(address, uri=True)
    try:
        query = "SELECT seq_id FROM max_seq_id JOIN segments ON segments.id = segment_id WHERE scope = ?"
        ((last,),) = database.execute(query, (_SCOPE,)).fetchall() or [(0,)]
        log = "SELECT operation, id, vector FROM embeddings_queue WHERE seq_id > ? ORDER BY seq_id"
        for operation, name, vector in database.execute(log, (last,)):
            if operation == _DELETE:
                held.pop(int(name), None)
            else:
                held[int(name)] = (-1, int(name))
                logged[int(name)] = np.frombuffer(vector, "<f4")
    finally:
        database.close()
    return held, _Rows(parts, logged)


def _unreachable(part: Saved) -> int:
    """How many live vectors no walk along the links from the entry point comes to."""
    seen = np.zeros(len(part.links), bool)
    front: NDArray[np.int64] = np.array([part.entry] if len(seen) else [], np.int64)
    places = np.arange(part.links.shape[1])[None, :]
    while len(front):
        seen[front] = True
        reached = np.zeros(len(seen), bool)
        reached[part.links[front][places < part.degrees[front, None]]] = True
        front = np.flatnonzero(reached & ~seen)
    return int((~seen[list(part.rows.values())]).sum())
