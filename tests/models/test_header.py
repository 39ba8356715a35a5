"""GGUF headers, whole, cut and forged."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from brain.errors import ModelError
from brain.models import header
from brain.models.header import Header, check, check_memory, memory_needed, read_header
from tests.models import tiny


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_chat(tmp_path_factory.mktemp("header") / "chat.gguf", window=2048)


def a_header(**changes: object) -> Header:
    values: dict[str, object] = {
        "architecture": "llama", "name": "", "context_length": 8192, "embedding_length": 576, "layers": 30, "heads": 9,
        "kv_heads": (3,) * 30, "key_length": 64, "value_length": 64, "pooling": None, "chat_template": "",
        "file_type": 3, "vocabulary": 49_152, "tensors": 272, "size": 98_362_432, "expected_size": 98_362_432,
        "data_start": 1_785_664,
    }  # fmt: skip
    return Header(**(values | changes))  # type: ignore[arg-type]


def gguf(*, tensors: int = 0, keys: int = 0, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + rest


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def test_says_what_the_file_says(chat: Path) -> None:
    found = read_header(chat)
    assert (found.architecture, found.name, found.role) == ("llama", "tiny", "chat")
    assert (found.context_length, found.embedding_length, found.layers) == (2048, 384, 1)
    assert (found.heads, found.kv_heads, found.key_length, found.value_length) == (6, (2,), 64, 64)
    assert found.chat_template == tiny.CHATML
    assert found.vocabulary > 256
    assert found.size == found.expected_size == chat.stat().st_size


def test_an_embedder_is_known_by_its_pooling(tmp_path: Path) -> None:
    found = read_header(tiny.write_embedder(tmp_path / "embedder.gguf"))
    assert (found.role, found.pooling, found.context_length) == ("embed", 1, 32)
    assert a_header(pooling=3).role == "embed"  # a chat architecture with last-token pooling
    assert a_header(architecture="modern-bert").role == "embed"
    assert a_header(pooling=4).role == "rerank"


@pytest.mark.parametrize("left", [0.999, 0.5, 0.2])
def test_a_cut_file_says_how_much_is_there(chat: Path, tmp_path: Path, left: float) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(chat.read_bytes()[: int(chat.stat().st_size * left)])
    with pytest.raises(ModelError, match=r"cut.gguf is incomplete: [\d.]+ [Mk]B of 1 MB") as caught:
        check(cut, "chat")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"GGU", "not in GGUF format"),
        (b"PK\x03\x04" + b"\x00" * 100, "not in GGUF format"),
        (b"GGUF", "cut or broken"),
        (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "version 9"),
        (gguf(tensors=1 << 62), "tensors cannot be"),
        (gguf(keys=1 << 62), "entries cannot be"),
        (gguf(keys=1), "cut or broken"),
        (gguf(keys=1, rest=struct.pack("<Q", 1 << 60)), "letters in one text cannot be"),
        (gguf(keys=1, rest=text("a") + struct.pack("<IIQ", 9, 8, 1 << 60)), "items cannot be"),
        (gguf(keys=1, rest=text("a") + struct.pack("<IIQ", 9, 8, 4_000_000)), "cut or broken"),
        (gguf(keys=1, rest=text("a") + struct.pack("<IIQ", 9, 0, 4_000_000)), "cut or broken"),
        (gguf(keys=1, rest=text("a") + struct.pack("<IIQ", 9, 9, 1)), "unknown kind"),
        (gguf(keys=1, rest=text("a") + struct.pack("<I", 77)), "unknown kind"),
        (gguf(), "which architecture"),
    ],
)
def test_what_is_no_model_is_one_sentence(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=why) as caught:
        read_header(path)
    assert caught.value.hint


def test_forged_counts_are_not_believed(chat: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged.gguf"
    key = b"llama.block_count" + struct.pack("<I", 4)
    forged.write_bytes(chat.read_bytes().replace(key + struct.pack("<I", 1), key + struct.pack("<I", 1 << 31)))
    with pytest.raises(ModelError, match="layers cannot be"):
        read_header(forged)


def test_a_folder_and_nothing_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a folder, not a model file"):
        read_header(tmp_path)
    with pytest.raises(ModelError, match=r"gone\.gguf is not there"):
        read_header(tmp_path / "gone.gguf")


def test_mutations_are_read_or_refused(chat: Path, tmp_path: Path) -> None:
    whole = bytearray(chat.read_bytes()[:12_000])
    random = np.random.default_rng(3)
    path = tmp_path / "mutated.gguf"
    refused = 0
    for _ in range(300):
        broken = bytearray(whole)
        for at in random.integers(0, 9_000, 4):
            broken[at] = random.integers(0, 256)
        path.write_bytes(broken)
        try:
            read_header(path)
        except ModelError as error:
            refused += 1
            assert "\n" not in error.reason
    assert 0 < refused < 300


def test_memory_is_weights_cache_and_runtime() -> None:
    # 30 layers x 3 heads x (64 + 64) numbers x 2 bytes is 23,040 bytes a token
    assert memory_needed(a_header(), 8192) == 98_362_432 + 23_040 * 8192 + header.RUNTIME
    assert memory_needed(a_header(pooling=1), 500) == 98_362_432 + 23_040 * 512 + header.RUNTIME
    assert memory_needed(a_header(architecture="bert", pooling=1), 512) == 98_362_432 + header.RUNTIME


def test_too_little_memory_says_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "free_memory", lambda: 5_200_000_000)
    check_memory("small", a_header(), 8192)
    with pytest.raises(ModelError, match=r"large needs about 9\.\d GB; 5\.2 GB are free") as caught:
        check_memory("large", a_header(size=8_500_000_000), 8192)
    assert caught.value.hint
    monkeypatch.setattr(header, "free_memory", lambda: None)
    check_memory("large", a_header(size=8_500_000_000), 8192)


def test_free_memory_is_plausible() -> None:
    free = header.free_memory()
    assert free is None or 10_000_000 < free < 1 << 50
