"""Reads the header of a GGUF file without loading the model: what it is, whether it is whole, what memory it needs.

The file is untrusted: every count and size in it is checked against a limit before it is believed. Nothing of
llama.cpp is touched here, so a broken file costs one ModelError.
"""

from __future__ import annotations

import os
import struct
import sys
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Literal

from brain.errors import ModelError
from brain.models.layout import MAX_NUMBER, Broken, Layout, whole
from brain.models.splits import parts_of

ModelRole = Literal["embed", "chat", "rerank"]
Scalar = str | int | float | bool

MAX_KEYS = 10_000
MAX_TENSORS = 100_000
MAX_ITEMS = 5_000_000  # of one array; the largest vocabularies have 262,144 words
MAX_TEXT = 1 << 24
KEPT_ITEMS = 1_024  # of number arrays: one a layer; longer ones are token scores and nobody asks for them
ENOUGH = (8 << 20, 64 << 20, 256 << 20)  # bytes tried for the header; real ones have up to 20 million
STEP = 256  # tokens by which a window grows
RUNTIME = 300 << 20  # what llama.cpp itself takes beside weights and cache

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# ggml type: (numbers a block, bytes a block)
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
_EMBEDDERS = frozenset(
    "bert nomic-bert nomic-bert-moe jina-bert-v2 jina-bert-v3 modern-bert neo-bert eurobert gemma-embedding llama-embed "
    "t5encoder".split()
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself. A number the file does not give is 0."""

    architecture: str
    name: str
    context_length: int
    embedding_length: int
    layers: int
    heads: int
    kv_heads: tuple[int, ...]  # one a layer; 0: the layer keeps no keys
    key_length: int
    value_length: int
    pooling: int | None  # 1 mean, 2 first token, 3 last token, 4 rank; None: the file does not say
    chat_template: str
    file_type: int
    vocabulary: int
    tensors: int
    size: int  # bytes of the file
    expected_size: int  # bytes it must have at least for all its tensors
    data_start: int  # where the tensors begin
    kept: tuple[int, ...] = ()  # numbers a head keeps for one token, a layer each; empty: key and value everywhere
    state: int = 0  # bytes that layers with a state in place of keys take, however long the prompt
    parts: int = 1  # files it consists of, as the header says; the sizes are of all of them
    part: int = 0  # which of them it was read from, counted from 0

    @property
    def role(self) -> ModelRole:
        """What the model is for."""
        if self.pooling == 4:
            return "rerank"
        return "embed" if self.architecture in _EMBEDDERS or self.pooling else "chat"

    @property
    def is_whole(self) -> bool:
        """The file is as long as its tensors need."""
        return self.size >= self.expected_size


def read_header(path: Path) -> Header:
    """The header of the GGUF at `path`; of a model in several files the first one's, with the sizes of all.

    Raises ModelError for what is no GGUF: missing, a folder, empty, another format, numbers that cannot be, or a model
    of which a part is missing. A file that is cut after its header is returned: see `is_whole`.
    """
    parts = parts_of(path)
    if len(parts) == 1:
        return _read_file(path)
    for number, part in enumerate(parts, 1):
        if not part.exists():
            what = f"{path.name} is incomplete: part {number} of {len(parts)} is missing ({part.name})"
            raise ModelError(what, hint="Fetch the model again, or put the file beside the others.")
    read = [_read_file(part) for part in parts]
    if any((one.part, one.parts) != (at, len(parts)) for at, one in enumerate(read)) or not read[0].architecture:
        raise ModelError(f"{path.name} is not one of {len(parts)} parts of one model", hint="Fetch the model again.")
    is_whole = all(one.is_whole for one in read)
    # A part that is too long does not make up for one that is too short.
    size = sum(one.size if is_whole else min(one.size, one.expected_size) for one in read)
    expected = sum(one.expected_size for one in read)
    return replace(read[0], tensors=sum(one.tensors for one in read), size=size, expected_size=expected)


def parse_header(data: bytes, size: int) -> Header | None:
    """The header of a file of `size` bytes that begins with `data`; None where more of it is needed.

    Raises ModelError for what is no GGUF.
    """
    try:
        return _parse(memoryview(data), size)
    except (struct.error, IndexError):
        return None
    except (Broken, OverflowError) as error:
        raise ModelError(f"it is no usable model: {error}", hint="Choose another file.") from error


def _read_file(path: Path) -> Header:
    if path.is_dir():
        raise ModelError(f"{path.name} is a folder, not a model file", hint="Name the .gguf file in it.")
    try:
        return _read(path)
    except FileNotFoundError as error:
        raise ModelError(f"{path.name} is not there", hint="See what is there: brain models") from error
    except OSError as error:
        hint = "Check its permissions."
        raise ModelError(f"{path.name} cannot be read: {error.strerror}", hint=hint) from error
    except (Broken, struct.error, IndexError, OverflowError) as error:
        what = str(error) if isinstance(error, Broken) else "its header is cut or broken"
        raise ModelError(f"{path.name} is no usable model: {what}", hint="Fetch the file again.") from error


def check(path: Path, role: ModelRole) -> Header:
    """`read_header`, and that the file is whole and made for `role`. Raises ModelError with the next step."""
    header = read_header(path)
    if not header.is_whole:
        have, need = megabytes(header.size), megabytes(header.expected_size)
        raise ModelError(f"{path.name} is incomplete: {have} of {need}", hint="Fetch the file again.")
    if header.role != role:
        kinds = {
            "embed": "an embedding model",
            "chat": "a chat model",
            "rerank": "a reranking model",
        }
        wrong, right = kinds[header.role], kinds[role]
        raise ModelError(
            f"{path.name} is {wrong}, not {right}", hint=f"Choose {right}: brain models lists what is here."
        )
    return header


def memory_needed(header: Header, window: int) -> int:
    """Bytes the open model takes with a context of `window` tokens, about: weights, its memory and the runtime."""
    return header.size + cache_needed(header, window) + RUNTIME


def cache_needed(header: Header, window: int) -> int:
    """Bytes of the model's memory of `window` tokens, as llama.cpp sets it aside; it counts in steps of 256."""
    if header.architecture in _EMBEDDERS:
        return 0
    kept = header.kept or (header.key_length + header.value_length,) * len(header.kv_heads)
    a_token = sum(heads * numbers * 2 for heads, numbers in zip(header.kv_heads, kept, strict=True))
    return a_token * -(-window // STEP) * STEP + header.state


def check_memory(name: str, header: Header, window: int) -> None:
    """Raises ModelError where the free memory does not hold the model; silent where free memory is not known."""
    needed, free = memory_needed(header, window), free_memory()
    if free is not None and needed > free:
        raise ModelError(
            f"{name} needs about {gigabytes(needed)}; {gigabytes(free)} are free",
            hint="Close other programs, choose a smaller model or a smaller window.",
        )


def free_memory() -> int | None:
    """Bytes a new process may take, limits of a container included; None where the system does not say."""
    free = None
    if sys.platform == "linux":
        free = _field("/proc/meminfo", "MemAvailable:", 1024)
        most, used = _number("/sys/fs/cgroup/memory.max"), _number("/sys/fs/cgroup/memory.current")
        if most is not None and used is not None:
            spare = _field("/sys/fs/cgroup/memory.stat", "inactive_file", 1) or 0
            free = min(free if free is not None else most, max(0, most - used + spare))
    elif hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        # macOS keeps memory full on purpose and gives most of it back when asked.
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
    return free


def megabytes(size: int) -> str:
    """A size as people say it: "98 MB"."""
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def gigabytes(size: int) -> str:
    """A size as people say it: "9.1 GB"."""
    return f"{size / 1e9:.1f} GB"


def _read(path: Path) -> Header:
    """The header from as little of the file as holds it. Read, not mapped: a file cut meanwhile would kill us."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise Broken("it is empty")
        data = b""
        for most in ENOUGH:
            data += file.read(most - len(data))
            try:
                return _parse(memoryview(data), size)
            except (struct.error, IndexError):
                if len(data) < most:
                    raise
        raise Broken("its header is longer than any model's")


class _Cursor:
    """Reads little-endian values one after another; struct.error or IndexError past the end."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def number(self, kind: str) -> int | float | bool:
        (value,) = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize("<" + kind)
        return value  # type: ignore[no-any-return]

    def count(self, kind: str, most: int, what: str) -> int:
        value = int(self.number(kind))
        if not 0 <= value <= most:
            raise Broken(f"{value:,} {what} cannot be")
        return value

    def skip(self, size: int) -> None:
        self.at += size
        if self.at > len(self.data):
            raise IndexError

    def text(self) -> str:
        size = self.count("Q", MAX_TEXT, "letters in one text")
        start = self.at
        self.skip(size)
        return bytes(self.data[start : self.at]).decode("utf-8", "replace")

    def skip_texts(self, many: int) -> None:
        unpack, at, end = struct.Struct("<Q").unpack_from, self.at, len(self.data)
        for _ in range(many):
            at += 8 + unpack(self.data, at)[0]
            if at > end:
                raise IndexError
        self.at = at


def _parse(data: memoryview, size: int) -> Header:
    if bytes(data[:4]) != b"GGUF":
        raise Broken("it is not in GGUF format")
    cursor = _Cursor(data)
    cursor.skip(4)
    version = int(cursor.number("I"))
    if version not in (2, 3):
        raise Broken(f"GGUF version {version} is not known")
    tensors = cursor.count("Q", MAX_TENSORS, "tensors")
    keys = cursor.count("Q", MAX_KEYS, "entries")
    values: dict[str, Scalar | tuple[int | float | bool, ...]] = {}
    lengths: dict[str, int] = {}
    for _ in range(keys):
        key, kind = cursor.text(), int(cursor.number("I"))
        if kind == _ARRAY:
            inner, many = int(cursor.number("I")), cursor.count("Q", MAX_ITEMS, "items")
            lengths[key] = many
            if inner == _STRING:
                cursor.skip_texts(many)
            elif inner in _SCALARS:
                start = cursor.at
                cursor.skip(many * struct.calcsize("<" + _SCALARS[inner]))
                if many <= KEPT_ITEMS:
                    values[key] = struct.unpack_from(f"<{many}{_SCALARS[inner]}", data, start)
            else:
                raise Broken(f"its entry {key[:60]!r} is of an unknown kind")
        elif kind == _STRING:
            values[key] = cursor.text()
        elif kind in _SCALARS:
            values[key] = cursor.number(_SCALARS[kind])
        else:
            raise Broken(f"its entry {key[:60]!r} is of an unknown kind")
    last = _end_of_tensors(cursor, tensors)
    alignment = whole(values.get("general.alignment"), 32)
    if not 0 < alignment <= 1 << 20:
        raise Broken(f"an alignment of {alignment} cannot be")
    start = -(-cursor.at // alignment) * alignment
    return _header(values, lengths, tensors, size=size, expected=start + last, data_start=start)


def _end_of_tensors(cursor: _Cursor, tensors: int) -> int:
    """Bytes from the first tensor's start to the last one's end."""
    last = 0
    for _ in range(tensors):
        cursor.skip_texts(1)
        shape = [cursor.count("Q", MAX_NUMBER, "numbers in a row") for _ in range(cursor.count("I", 8, "dimensions"))]
        kind, offset = int(cursor.number("I")), cursor.count("Q", MAX_NUMBER, "bytes before a tensor")
        if kind not in _BLOCKS:  # a kind newer than this table: at least its start must be in the file
            last = max(last, offset)
            continue
        numbers, size = _BLOCKS[kind]
        total = prod(shape) // numbers * size
        if total > MAX_NUMBER:
            raise Broken("one of its tensors is larger than any disk")
        last = max(last, offset + total)
    return last


def _header(
    values: dict[str, Scalar | tuple[int | float | bool, ...]],
    lengths: dict[str, int],
    tensors: int,
    *,
    size: int,
    expected: int,
    data_start: int,
) -> Header:
    architecture = _words(values.get("general.architecture"))
    if not architecture and not values.get("split.no"):  # only the first of several parts says it
        raise Broken("it does not say which architecture it has")

    def own(key: str, default: int = 0) -> int:
        return whole(values.get(f"{architecture}.{key}"), default)

    heads, layers = own("attention.head_count"), own("block_count")
    if layers > KEPT_ITEMS:
        raise Broken(f"{layers:,} layers cannot be")
    width = own("embedding_length")
    keys = own("attention.key_length", width // heads if heads else 0)
    numbers = own("attention.value_length", width // heads if heads else 0)
    layout = Layout(architecture, layers, values)
    pooling = values.get(f"{architecture}.pooling_type")
    return Header(
        architecture=architecture[:100],
        name=_words(values.get("general.name"))[:200],
        context_length=own("context_length"),
        embedding_length=width,
        layers=layers,
        heads=heads,
        kv_heads=layout.kv_heads(heads),
        key_length=keys,
        value_length=numbers,
        pooling=None if pooling is None else whole(pooling, 0),
        chat_template=_words(values.get("tokenizer.chat_template")),
        file_type=whole(values.get("general.file_type"), 0),
        vocabulary=lengths.get("tokenizer.ggml.tokens", 0),
        tensors=tensors,
        size=size,
        expected_size=expected,
        data_start=data_start,
        kept=layout.kept(keys, numbers),
        state=layout.state(heads, width),
        parts=max(1, whole(values.get("split.count"), 1)),
        part=whole(values.get("split.no"), 0),
    )


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""


def _field(path: str, name: str, unit: int) -> int | None:
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * unit
    except (OSError, ValueError, IndexError):
        return None
    return None


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return None
