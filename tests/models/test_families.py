"""Every family of models, end to end in its child process: header, memory, prompt, thoughts, end, reuse, cancel, unloading."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from brain.errors import ModelError
from brain.events import Reading
from brain.models.header import cache_needed, read_header
from brain.models.local import GgufChat, open_chat, open_embedder
from brain.types import Message
from tests.contracts.chat import pieces
from tests.models import families, templates
from tests.models.families import CHATS, EMBEDDERS, RECURRENT

CONVERSATION = tuple(Message(role, text) for role, text in templates.CONVERSATION)  # type: ignore[arg-type]
SYSTEM = Message("system", "You answer questions about notes, and the notes are these: " + "bread and butter " * 20)
ONE, OTHER = Message("user", "What about the bread?"), Message("user", "And what about butter, if I may ask?")
LONG = Message("user", "bread " * 700)  # 5,600 tokens: its letters one by one
MIB = 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("families")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Any]:
    """Opens a family's tiny model written to order, and closes it."""
    models: list[GgufChat] = []

    def open_one(family: str, **how: Any) -> GgufChat:
        path = families.write(tmp_path / f"{family}{len(models)}.gguf", CHATS[family], **how)
        models.append(open_chat(path, window=8192, threads=1))
        return models[-1]

    yield open_one
    for model in models:
        model.close()


def answer(chat: GgufChat, *messages: Message, limit: int = 12) -> str:
    return "".join(p.text for p in pieces(chat.stream(messages, limit=limit, cancel=threading.Event())))


def tokens_of(chat: GgufChat, talk: templates.Talk) -> int:
    """Tokens of the prompt as it is written out for this family: one for each control token, the rest as text."""
    controls = sorted({*talk.controls, "<s>", "</s>"}, key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, controls))})", talk.prompt)
    return len(parts[1::2]) + sum(chat.count_many([text for text in parts[::2] if text]))


@pytest.mark.parametrize("name", CHATS)
def test_each_family_is_asked_in_its_own_manner_and_understood(opened: Any, name: str) -> None:
    talk = CHATS[name].talk
    chat = opened(name, says=talk.says)
    assert chat.pid is None  # opening read the header only
    said = list(pieces(chat.stream(CONVERSATION, limit=40, cancel=threading.Event())))
    assert "".join(p.text for p in said if p.thought) == talk.thought
    assert "".join(p.text for p in said if not p.thought) == "fine thanks"
    assert chat.template_source == talk.source
    assert chat.count_messages(CONVERSATION) == tokens_of(chat, talk) == chat.usage.prompt_tokens


@pytest.mark.parametrize("name", CHATS)
def test_what_was_read_before_never_changes_an_answer(opened: Any, name: str) -> None:
    chat = opened(name, window=8192)
    first = answer(chat, SYSTEM, ONE)
    longer = (SYSTEM, ONE, Message("assistant", "Bread is flour and water."), OTHER)
    assert chat.usage.cached_tokens == 0
    answer(chat, SYSTEM, OTHER)  # cuts the memory at the beginning both share
    assert bool(chat.usage.cached_tokens) == (name not in RECURRENT)  # a state cannot be cut
    assert answer(chat, SYSTEM, ONE) == first
    after_the_first = answer(chat, *longer)
    answer(chat, SYSTEM, OTHER)
    assert answer(chat, *longer) == after_the_first
    for when in (Reading, object):  # while it reads a long prompt, and once it speaks
        cancel, messages = threading.Event(), (SYSTEM, LONG if when is Reading else ONE)
        for said in chat.stream(messages, limit=5_000, cancel=cancel):
            if isinstance(said, when) and (when is Reading or not isinstance(said, Reading)):
                cancel.set()
        assert chat.usage.completion_tokens < 5_000
        assert answer(chat, SYSTEM, ONE) == first


def test_a_closed_model_gives_its_memory_back_and_the_next_one_opens(opened: Any) -> None:
    own = psutil.Process()
    answer(opened("llama"), ONE, limit=1)
    before, children = own.memory_info().rss, len(own.children())
    for name in ("gemma3", "mamba", "deepseek2", "gpt-oss", "llama"):
        chat = opened(name)
        answer(chat, ONE, limit=2)
        pid = chat.pid
        assert len(own.children()) == children + 1
        chat.close()
        assert not psutil.pid_exists(pid)
        assert len(own.children()) == children
    assert own.memory_info().rss - before < 16 * MIB


@pytest.mark.parametrize("window", [4096, 1000])
def test_the_estimate_is_what_the_library_sets_aside(folder: Path, window: int) -> None:
    paths = [families.write(folder / f"{name}.gguf", family) for name, family in CHATS.items()]
    paths += [families.write(folder / f"{name}-embedder.gguf", family) for name, family in EMBEDDERS.items()]
    command = [sys.executable, "-m", "tests.models.allocated", str(window), *map(str, paths)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    taken = json.loads(done.stdout)
    for path in paths:
        needed = cache_needed(read_header(path), window)
        assert needed == pytest.approx(taken[str(path)], abs=0.011 * MIB), path.stem  # three buffers, each to 0.005 MiB


@pytest.mark.parametrize("name", EMBEDDERS)
def test_each_family_of_embedders_gives_vectors(folder: Path, name: str) -> None:
    embedder = open_embedder(families.write(folder / f"{name}-in-use.gguf", EMBEDDERS[name], window=512), threads=1)
    try:
        vectors = embedder.embed(["bread", "butter and jam", "bread"], kind="passage")
        assert vectors.shape == (3, families.WIDTH)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-5)
        assert vectors[0] @ vectors[1] < 0.999
        assert embedder.embed(["word " * 2_000], kind="query").shape == (1, families.WIDTH)  # far over its window
    finally:
        embedder.close()


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('never') }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 9999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ (range(99999) | list * 99999) | length }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ messages.__class__.__mro__ }}",
        "{% include '/etc/passwd' %}",
        "{% if %}",
        "{# " + "x" * 4_000_000 + " #}{{ nobody.there }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
    ],
    ids="raises loops memory power list recursion classes include syntax huge globals".split(),
)
def test_a_template_that_fails_gives_way_to_a_plain_one_and_it_is_said(opened: Any, template: str) -> None:
    chat = opened("qwen2", template=template, says=CHATS["qwen2"].talk.says)
    assert answer(chat, *CONVERSATION) == "fine thanks"
    assert chat.template_source == "broken"


def test_mutated_files_cost_one_clear_error_each(tmp_path: Path) -> None:
    """Thirty here; `python -m tests.bench.mutated` makes two hundred."""
    from tests.bench.mutated import mutants, outcome

    outcomes = [outcome(path) for path in mutants(tmp_path, many=30)]
    assert {found.kind for found in outcomes} == {"answered", "refused", "failed"}
    for found in outcomes:
        assert "\n" not in found.reason
        assert (found.kind == "answered") == (found.reason == "")


def test_a_model_that_cannot_be_read_at_all_says_so(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHATS, "halved", families.Family("llama", ("attn_norm 64",), beside="output_norm 64"))
    with pytest.raises(ModelError, match=r"could not be opened: .*attn_q.weight") as caught:
        answer(opened("halved"), ONE)
    assert caught.value.hint
