"""How long a window the memory holds, which kinds of model this build opens, and what the catalogue has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import ModelError
from brain.models import supported
from brain.models.catalogue import TIERS, catalogue, starters
from brain.models.fitting import LEAST, STEP, fit, fitting_window
from brain.models.header import RUNTIME, memory_needed, parse_header, read_header
from brain.models.local import open_chat
from brain.models.origins import AtUrl, OnDisk, OnHub, choose, name_for, next_hop, parse_address, spelled, urls_of
from brain.models.shelf import Shelf
from brain.models.splits import part_of, parts_of, stem_of
from tests.models import tiny
from tests.models.split import split
from tests.models.test_header import a_header

PER_TOKEN = 23_040  # of a_header(): 30 layers x 3 heads x (64 + 64) numbers x 2 bytes
WEIGHTS = 98_362_432 + RUNTIME


@pytest.mark.parametrize(
    ("wanted", "room", "window"),
    [
        (8192, 8192, 8192),
        (8000, 8192, 8000),  # one that fits stays as it is
        (8192, 8191, 7936),
        (8192, 4096, 4096),
        (8192, 2100, 2048),
        (8192, 2047, 0),
        (1000, 1024, 1000),
        (1000, 999, 0),  # below the least nothing is shortened
        (100_000, 8192, 8192),  # never more than it was trained for
        (8192, None, 8192),
    ],
)
def test_the_longest_window_that_fits_is_taken(wanted: int, room: int | None, window: int) -> None:
    free = None if room is None else WEIGHTS + PER_TOKEN * room
    assert fitting_window(a_header(), wanted, free) == window


@given(wanted=st.integers(1, 300_000), free=st.integers(0, 20_000_000_000), trained=st.integers(0, 262_144))
def test_a_window_always_fits_and_the_next_longer_does_not(wanted: int, free: int, trained: int) -> None:
    header = a_header(context_length=trained)
    window = fitting_window(header, wanted, free)
    most = min(wanted, trained or wanted)
    assert window == 0 or memory_needed(header, window) <= free
    assert window in (0, most) or (window % STEP == 0 and LEAST <= window < most)
    if 0 < window < most:
        assert memory_needed(header, min(window + STEP, most)) > free
    found = fit(header, wanted, free)
    assert found.fits == (window > 0)
    assert bool(found.said) == (0 < window < most)


def test_a_shorter_window_is_said() -> None:
    found = fit(a_header(context_length=32_768), 32_768, WEIGHTS + PER_TOKEN * 4096)
    assert (found.window, found.wanted, found.said) == (4096, 32_768, "window 4,096 of 32,768 to fit")
    assert fit(a_header(), 8192, 1 << 40).said == ""


def test_a_chat_model_is_opened_with_the_window_that_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny.write_chat(tmp_path / "chat.gguf", window=32_768)
    header = read_header(path)
    monkeypatch.setattr("brain.models.local.free_memory", lambda: memory_needed(header, 4096))
    chat = open_chat(path, window=16_384)
    assert (chat.window, chat.shrunk) == (4096, "window 4,096 of 16,384 to fit")
    monkeypatch.setattr("brain.models.local.free_memory", lambda: None)
    chat = open_chat(path, window=16_384)
    assert (chat.window, chat.shrunk) == (16_384, "")


def test_the_shelf_tells_what_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = read_header(tiny.write_chat(tmp_path / "chat.gguf", window=32_768))
    tiny.write_embedder(tmp_path / "embedder.gguf")
    shelf = Shelf(tmp_path, offline=True)
    monkeypatch.setattr("brain.models.shelf.free_memory", lambda: memory_needed(header, 4096))
    listed = {model.name: model for model in shelf.models(window=16_384)}
    chat = listed["chat"]
    assert (chat.trained_window, chat.window, chat.window_wanted, chat.fits) == (32_768, 4096, 16_384, True)
    assert chat.memory_bytes == memory_needed(header, 4096)
    assert chat.shrunk == "window 4,096 of 16,384 to fit"
    assert (listed["embedder"].shrunk, listed["embedder"].fits) == ("", True)
    assert (listed["qwen3.5-0.8b"].fits, listed["qwen3.5-0.8b"].tier, listed["qwen3.5-0.8b"].path) == (False, 2, None)
    monkeypatch.setattr("brain.models.shelf.free_memory", lambda: 1_000_000)
    chat = {model.name: model for model in shelf.models(window=16_384)}["chat"]
    assert (chat.fits, chat.window, chat.shrunk) == (False, LEAST, "")
    monkeypatch.setattr("brain.models.shelf.free_memory", lambda: None)
    assert {model.fits for model in shelf.models()} == {None}


def test_a_model_of_an_unknown_kind_has_a_problem(tmp_path: Path) -> None:
    tiny.write_chat(tmp_path / "odd.gguf", architecture="llamb")
    (found,) = (model for model in Shelf(tmp_path, offline=True, known=()).models())
    assert "does not know: llamb" in found.problem


def test_this_build_knows_what_it_can_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for architecture in "llama bert qwen2 qwen3 gemma3 phi3 deepseek2 gpt-oss granite nomic-bert".split():
        assert supported.refusal(architecture) == ("", ""), architecture
    assert "does not know: nonsense" in supported.refusal("nonsense")[0]
    monkeypatch.setattr(supported, "_library", lambda: b"")
    assert supported.refusal("nonsense") == ("", "")


# Models in several files


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a-00001-of-00003.gguf", ("a", 1, 3)),
        ("a-00003-of-00003.gguf", ("a", 3, 3)),
        ("a-00004-of-00003.gguf", None),
        ("a-00000-of-00003.gguf", None),
        ("a-1-of-3.gguf", None),
        ("-00001-of-00003.gguf", None),
        ("a-00001-of-99999.gguf", None),
        ("a.gguf", None),
    ],
)
def test_parts_are_known_by_their_names(name: str, expected: tuple[str, int, int] | None) -> None:
    part = part_of(name)
    assert (part and (part.stem, part.number, part.of)) == expected
    assert (stem_of(Path(name)), len(parts_of(Path(name)))) == (
        (expected[0], expected[2]) if expected else (name[:-5], 1)
    )


def test_the_header_of_a_split_model_is_that_of_all(tmp_path: Path) -> None:
    whole = tiny.write_chat(tmp_path / "whole.gguf")
    parts = split(whole, "split", 3)
    one, found = read_header(whole), read_header(parts[0])
    for name in ("architecture", "role", "context_length", "kv_heads", "chat_template", "vocabulary", "tensors"):
        assert getattr(found, name) == getattr(one, name), name
    assert (one.parts, found.parts, found.is_whole) == (1, 3, True)
    assert found.size == sum(part.stat().st_size for part in parts)
    for another in (parts[0], parts[2], whole):
        parts[1].write_bytes(another.read_bytes())
        with pytest.raises(ModelError, match="not one of 3 parts of one model"):
            read_header(parts[0])


def test_a_split_model_answers(tmp_path: Path) -> None:
    import threading

    from brain.types import Delta, Message

    parts = split(tiny.write_chat(tmp_path / "whole.gguf"), "split", 3)
    shelf = Shelf(tmp_path, offline=True, known=())
    chat = open_chat(shelf.find("split"), window=512, threads=1)
    try:
        said = chat.stream([Message("user", "hello")], limit=3, cancel=threading.Event())
        text = "".join(delta.text for delta in said if isinstance(delta, Delta))
    finally:
        chat.close()
    assert (chat.name, text.split()) == ("split", ["word0", "word1", "word2"])
    assert shelf.find("split") == parts[0]


def test_a_header_is_read_from_its_beginning(tmp_path: Path) -> None:
    content = tiny.write_chat(tmp_path / "chat.gguf").read_bytes()
    assert parse_header(content[:200], len(content)) is None
    assert parse_header(content[:20_000], len(content)) == read_header(tmp_path / "chat.gguf")


# Addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("qwen3.5-4b", None),
        ("hf:a/b", OnHub("a/b")),
        ("hf:a/b:Q4_K_M", OnHub("a/b", tag="Q4_K_M")),
        ("hf:a/b/c/d.gguf", OnHub("a/b", "c/d.gguf")),
        ("https://huggingface.co/a/b/blob/main/c%20d.gguf", OnHub("a/b", "c d.gguf")),
        ("https://huggingface.co/a/b/resolve/main/c.gguf?download=true", OnHub("a/b", "c.gguf")),
        ("https://example.org/c.gguf?key=1", AtUrl("https://example.org/c.gguf?key=1")),
        ("http://127.0.0.1:80/c.gguf", AtUrl("http://127.0.0.1:80/c.gguf")),
        ("models/c.gguf", OnDisk(Path("models/c.gguf"))),
        ("c.gguf", OnDisk(Path("c.gguf"))),
    ],
)
def test_what_is_typed_is_understood(text: str, expected: Any) -> None:
    assert parse_address(text) == expected
    if expected is not None and not isinstance(expected, OnDisk):
        again = parse_address(spelled(expected))
        assert again == expected or (isinstance(again, AtUrl) and "key" not in again.url)


def test_every_part_has_its_address() -> None:
    assert urls_of("https://h/x/a-00002-of-00002.gguf?k=1") == (
        "https://h/x/a-00001-of-00002.gguf?k=1",
        "https://h/x/a-00002-of-00002.gguf?k=1",
    )
    paths = ["d/a-Q4-00001-of-00002.gguf", "d/a-Q4-00002-of-00002.gguf", "a-Q8.gguf", "mmproj-Q4.gguf"]
    assert choose(paths, OnHub("a/b", tag="q4")) == tuple(paths[:2])
    assert choose(paths, OnHub("a/b", "d/a-Q4-00002-of-00002.gguf")) == tuple(paths[:2])
    assert choose(["../m.gguf", "/m.gguf", "x/m.gguf"], OnHub("a/b")) == ("x/m.gguf",)
    assert choose(["m-UD-Q4_K_M.gguf", "m-Q4_K_M.gguf"], OnHub("a/b", tag="Q4_K_M")) == ("m-Q4_K_M.gguf",)
    assert choose(["m-UD-Q4_K_M.gguf", "m-Q8_0.gguf"], OnHub("a/b", tag="Q4_K_M")) == ("m-UD-Q4_K_M.gguf",)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("../../x\x1b[2J.gguf", "x-2J"), ("a b.gguf", "a-b"), ("%2e%2e.gguf", None), ("🦙-Q4.gguf", "Q4")],
)
def test_names_are_fit_for_a_folder_and_a_terminal(name: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ModelError, match="no name"):
            name_for(name)
    else:
        assert name_for(name) == expected


def test_another_host_is_reached_over_https_only() -> None:
    assert next_hop("https://a.org/x", "https://b.org/y") == "https://b.org/y"
    assert next_hop("https://a.org/x/", "y") == "https://a.org/x/y"
    assert next_hop("http://127.0.0.1:1/x", "https://b.org/y") == "https://b.org/y"
    assert next_hop("http://127.0.0.1:1/x", "http://[::1]:2/y") == "http://[::1]:2/y"
    for url, location in (
        ("https://a.org/x", "http://a.org/x"),
        ("https://a.org/x", "http://127.0.0.1/x"),
        ("http://127.0.0.1/x", "http://b.org/x"),
        ("http://127.0.0.1/x", "file:///etc/passwd"),
    ):
        with pytest.raises(ModelError, match="without encryption"):
            next_hop(url, location)


# The catalogue


def test_every_model_of_the_catalogue_can_be_asked_for() -> None:
    models = catalogue()
    assert len({model.name for model in models}) == len(models)
    assert {tier for model in models if model.role == "chat" for tier in [model.tier]} == set(TIERS)
    assert {model.role for model in models} == {"chat", "embed", "rerank"}
    assert [model.name for model in starters()] == ["all-minilm-l6-v2", "smollm2-135m-instruct"]
    for model in models:
        assert model.name == name_for(f"{model.name}.gguf") == model.name.lower()
        assert parse_address(model.name) is None
        assert bool(model.files) != isinstance(parse_address(model.address) if model.address else None, OnHub)
        assert model.bytes < model.tier * 10**9
