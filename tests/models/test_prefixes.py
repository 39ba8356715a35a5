"""What a model has read, kept on disk: used where it fits, and never trusted. On a tiny GGUF."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brain.events import Reading
from brain.models.local import GgufChat, open_chat
from brain.models.prefixes import MAGIC, Belongs, Prefixes, read_seal, seal
from brain.types import Delta, Message
from tests.models import tiny

DOCUMENT = "The pump stands in the well. " * 30


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_chat(tmp_path_factory.mktemp("models") / "tiny.gguf", window=4096)


@pytest.fixture
def opened(model: Path) -> Iterator[Any]:
    """Opens the model again and again, as after restarts."""
    chats: list[GgufChat] = []

    def open_one(window: int = 4096) -> GgufChat:
        chats.append(open_chat(model, window=window, threads=1))
        return chats[-1]

    yield open_one
    for chat in chats:
        chat.close()


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "pump.md"
    path.write_text(DOCUMENT)
    return path


@pytest.fixture
def prefixes(tmp_path: Path) -> Prefixes:
    return Prefixes(tmp_path / "prefixes", most=1 << 30)


def belongs(note: Path, chat: GgufChat, *, watched: bool = False, text: str = "t") -> Belongs:
    state = note.stat()
    stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
    return Belongs(os.fspath(note), stamp, watched, text, chat.fingerprint, chat.window)


def prompt(question: str, document: str = DOCUMENT) -> list[Message]:
    return [Message("system", "Answer."), Message("user", f"{document}\n\nQuestion: {question}")]


def ask(prefixes: Prefixes, chat: GgufChat, whose: Belongs, question: str, document: str = DOCUMENT) -> tuple[str, int]:
    """What is said, and how many tokens of the prompt need not be read."""
    pinned = prefixes.pinned(chat, whose, prompt("?", document))
    heard = pinned.stream(prompt(question, document), limit=8, cancel=threading.Event())
    said = "".join(piece.text for piece in heard if isinstance(piece, Delta))
    assert pinned.usage == chat.usage
    return said, chat.usage.cached_tokens


def kept(prefixes: Prefixes) -> list[Path]:
    return sorted(prefixes._files())


def test_the_second_question_need_not_read_the_document_also_after_a_restart(opened, prefixes, note):
    chat = opened()
    whose = belongs(note, chat)
    assert not prefixes.has(whose)
    first, cached = ask(prefixes, chat, whose, "one")
    assert (first.split()[0], cached) == ("word0", 0)
    assert prefixes.has(whose)
    (file,) = kept(prefixes)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    again = opened()
    second, cached = ask(prefixes, again, whose, "two")
    assert second == first
    assert cached > 0.9 * again.usage.prompt_tokens
    plain = opened()
    list(plain.stream(prompt("two"), limit=8, cancel=threading.Event()))
    assert (plain.usage.cached_tokens, plain.usage.prompt_tokens) == (0, again.usage.prompt_tokens)


def test_it_is_there_again_after_another_question_took_its_place_in_memory(opened, prefixes, note):
    chat = opened()
    whose = belongs(note, chat)
    ask(prefixes, chat, whose, "one")
    list(chat.stream([Message("user", "something else " * 20)], limit=4, cancel=threading.Event()))
    assert ask(prefixes, chat, whose, "two")[1] > 800


def test_reading_is_told_as_it_goes_with_the_whole_prompt_for_a_total(opened, prefixes, note):
    chat = opened()
    pinned = prefixes.pinned(chat, belongs(note, chat), prompt("?"))
    told = [one for one in pinned.stream(prompt("one"), limit=2, cancel=threading.Event()) if isinstance(one, Reading)]
    assert {one.total for one in told} == {chat.usage.prompt_tokens}
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert told[-1].done == chat.usage.prompt_tokens


def test_stopping_while_it_reads_keeps_nothing_and_the_next_question_works(opened, prefixes, note):
    chat = opened()
    whose, cancel = belongs(note, chat), threading.Event()
    for event in prefixes.pinned(chat, whose, prompt("?")).stream(prompt("one"), limit=8, cancel=cancel):
        assert isinstance(event, Reading)
        cancel.set()
    assert kept(prefixes) == []
    assert ask(prefixes, chat, whose, "one")[0].startswith("word0")


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])


def resealed(file: Path) -> None:
    """Nonsense with a seal that is right: only llama.cpp itself can refuse it."""
    words = read_seal(file)
    assert words is not None
    file.write_bytes(file.read_bytes()[:64] + os.urandom(5000))
    seal(file, {key: value for key, value in words.items() if key not in ("sha256", "bytes")})


def other_library(file: Path) -> None:
    data, words = file.read_bytes(), read_seal(file)
    assert words is not None
    file.write_bytes(data[: words["bytes"]])
    seal(file, {key: value for key, value in words.items() if key not in ("sha256", "bytes")} | {"library": "0.0.1"})


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        cut,
        resealed,
        other_library,
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(os.urandom(3000)),
        lambda file: file.write_bytes(b"{}" + b"\x00\x00\x00\x02" + MAGIC),
        lambda file: file.write_bytes(b"\xff\xff\xff\xff" + MAGIC),
    ],
    ids=["flipped", "cut", "resealed", "library", "empty", "random", "no seal", "long seal"],
)
def test_a_damaged_or_foreign_state_is_not_used_and_nothing_breaks(opened, prefixes, note, damage):
    chat = opened()
    whose = belongs(note, chat)
    first, _ = ask(prefixes, chat, whose, "one")
    (file,) = kept(prefixes)
    damage(file)
    again = opened()
    began = again.pid
    assert ask(prefixes, again, whose, "two") == (first, 0)
    assert began is None and again.pid is not None  # the child lived through it
    assert ask(prefixes, opened(), whose, "three")[1] > 800  # written anew


def test_the_state_of_another_text_window_or_file_is_not_used(opened, prefixes, note):
    chat = opened()
    whose = belongs(note, chat)
    ask(prefixes, chat, whose, "one")
    changed = replace(whose, text="another")
    assert not prefixes.has(changed)
    assert ask(prefixes, opened(), changed, "one", DOCUMENT.replace("pump", "tank"))[1] == 0
    assert not prefixes.has(whose)  # it took its place
    smaller = opened(2048)
    assert ask(prefixes, smaller, belongs(note, smaller), "one")[1] == 0
    assert len(kept(prefixes)) == 2


def test_it_goes_when_the_file_changes_moves_or_is_forgotten(opened, prefixes, note):
    chat = opened()

    def keep(**how: Any) -> None:
        ask(prefixes, chat, belongs(note, chat, **how), "one")
        list(chat.stream([Message("user", "x")], limit=1, cancel=threading.Event()))
        assert len(kept(prefixes)) == 1

    keep()
    prefixes.sweep(lambda _: False)  # it is not watched: it stays as long as the file is the same
    assert len(kept(prefixes)) == 1
    note.write_text("changed")
    prefixes.sweep(lambda _: True)
    assert kept(prefixes) == []
    keep(watched=True)
    prefixes.sweep(lambda path: path == note)
    assert len(kept(prefixes)) == 1
    prefixes.sweep(lambda _: False)
    assert kept(prefixes) == []
    keep()
    note.rename(note.with_name("moved.md"))
    prefixes.sweep(lambda _: True)
    assert kept(prefixes) == []


def test_nothing_without_a_seal_survives_a_sweep_and_no_writer_is_disturbed(tmp_path, prefixes):
    folder = tmp_path / "prefixes"
    folder.mkdir()
    (folder / "a.kv").write_bytes(b"whatever")
    (folder / "b.1.new").write_bytes(b"being written")
    (folder / "c.2.new").write_bytes(b"left behind")
    os.utime(folder / "c.2.new", (time.time() - 9999,) * 2)
    prefixes.sweep(lambda _: True)
    assert [file.name for file in kept(prefixes)] == ["b.1.new"]


def test_the_least_used_go_when_there_is_no_room(opened, tmp_path, note):
    chat = opened()
    roomy = Prefixes(tmp_path / "prefixes", most=1 << 30)
    ask(roomy, chat, belongs(note, chat), "one", "First. " * 300)
    (first,) = kept(roomy)
    os.utime(first, (1, 1))
    tight = Prefixes(tmp_path / "prefixes", most=int(2.5 * first.stat().st_size))
    for name in ("b.md", "c.md"):
        other = note.with_name(name)
        other.write_text(name)
        ask(tight, chat, belongs(other, chat), "one", f"{name} " * 300)
    assert len(kept(tight)) == 2 and first not in kept(tight)
    none = Prefixes(tmp_path / "elsewhere", most=1000)
    assert ask(none, chat, belongs(note, chat), "one")[0].startswith("word0")
    assert kept(none) == []


def test_a_folder_that_cannot_be_written_only_costs_the_reading(opened, tmp_path, note):
    (tmp_path / "prefixes").write_text("a file stands here")
    assert ask(Prefixes(tmp_path / "prefixes", most=1 << 30), chat := opened(), belongs(note, chat), "one")[1] == 0


def test_with_no_room_at_all_nothing_is_kept(opened, tmp_path, note):
    off = Prefixes(tmp_path / "prefixes", most=0)
    chat = opened()
    assert ask(off, chat, belongs(note, chat), "one")[0].startswith("word0")
    assert not (tmp_path / "prefixes").exists()
