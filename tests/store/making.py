"""Documents, chunks and stamps as readers and the chunker make them, small; and children that run a snippet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from brain.planning import Stamp
from brain.seams import Vectors
from brain.store.catalog import Catalog
from brain.types import Block, Chunk, Document
from tests.fakes import HashingEmbedder

ROOT = Path(__file__).parents[2]
VAULT = Path("/vault")
MODEL = "hashing/1"


def stamp_of(number: int) -> Stamp:
    return Stamp(number * 1_000_000_000, number, number, number)


def document_of(name: str, *paragraphs: str, **more: Any) -> Document:
    """A document of paragraphs, at /vault/NAME."""
    text = "\n\n".join(paragraphs)
    path = VAULT / name
    return Document(path, more.pop("title", path.stem), text, (Block("prose", 0, len(text)),), **more)


def chunks_of(document: Document) -> list[Chunk]:
    """One chunk a paragraph."""
    chunks, at, line = [], 0, 1
    for paragraph in document.text.split("\n\n"):
        end = at + len(paragraph)
        if paragraph:
            chunks.append(Chunk(document.path, at, end, paragraph, line=line, format=document.format))
        at, line = end + 2, line + paragraph.count("\n") + 2
    return chunks


def put(catalog: Catalog, name: str, *paragraphs: str, stamp: int = 1, **more: Any) -> Document:
    """Store a document of paragraphs."""
    document = document_of(name, *paragraphs, **more)
    sha256 = f"sha of {document.text}"
    catalog.put(document, chunks_of(document), stamp=stamp_of(stamp), sha256=sha256, recipe="1")
    return document


def ids_of(catalog: Catalog, document: Document) -> dict[str, int]:
    """The id of each chunk of a document, by its text."""
    every = catalog.chunks(range(1, 1000))
    return {chunk.text: chunk.id for chunk in every.values() if chunk.path == document.path}


def embed_all(catalog: Catalog, embedder: HashingEmbedder) -> int:
    """Give every chunk its vector; returns how many texts had to be embedded."""
    done = 0
    while rows := catalog.unembedded(embedder.name, 50):
        vectors: Vectors = embedder.embed([text for _, text in rows], kind="passage")
        catalog.put_vectors(embedder.name, [key for key, _ in rows], vectors)
        done += len(rows)
    return done


def fill(catalog: Catalog, count: int, dimensions: int, *, seed: int = 0, each: int = 10) -> None:
    """`count` chunks, `each` to a document /vault/SEED-0.md and so on, with random unit vectors."""
    for at in range(0, count, each):
        put(
            catalog,
            f"{seed}-{at // each}.md",
            *(f"note {seed} {number}" for number in range(at, min(count, at + each))),
        )
    rows = catalog.unembedded(MODEL, count)
    matrix = np.random.default_rng(seed).standard_normal((len(rows), dimensions)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    catalog.put_vectors(MODEL, [key for key, _ in rows], matrix)


def in_child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a snippet in another process, with the project on its path."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
