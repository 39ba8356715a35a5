"""Whatever happens to a folder, and whenever Brain is killed: after a pass the store is the folder. A model-based test.

BRAIN_SOAK=1 pytest tests/test_converging.py        500 examples of 50 steps, each run with other ones
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from brain.engine import LocalBrain, open_brain
from brain.parts import Parts
from brain.settings import load
from brain.types import Finding
from tests.fakes import HashingEmbedder

SOAK = bool(os.environ.get("BRAIN_SOAK"))
SETTINGS = settings(
    max_examples=500 if SOAK else 10,
    stateful_step_count=50 if SOAK else 20,
    derandomize=not SOAK,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
MOST = 9  # notes: a folder of ten that is suddenly empty is taken for unmounted

WORDS = ("apple", "birch", "cedar", "dahlia", "elder", "fennel", "ginger", "hazel")
FOLDERS = ("", "plans", "plans/old", "letters")
names = st.builds(
    lambda folder, name: f"{folder}/{name}".lstrip("/"),
    st.sampled_from(FOLDERS),
    st.sampled_from(["a.md", "b.md", "c.txt"]),
)
texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=4).map(
    "\n\n".join
)
picks = st.integers(min_value=0, max_value=1000)


class Converging(RuleBasedStateMachine):
    """`model` is what the folder holds; `synced` says that nothing has happened to it since the last pass."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "notes"
        self.folder.mkdir()
        self.model: dict[str, str] = {}
        self.homes = 0
        self.synced = False
        self.house = ExitStack()
        self.brain = self._open()

    @initialize()
    def begin(self) -> None:
        self.brain.add(self.folder)

    @rule(name=names, text=texts)
    def write(self, name: str, text: str) -> None:
        if name in self.model or len(self.model) < MOST:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
            self.model[name] = text
            self.synced = False

    @precondition(lambda self: self.model)
    @rule(pick=picks, text=texts)
    def append(self, pick: int, text: str) -> None:
        name = self._pick(pick)
        self.model[name] += f"\n\n{text}"
        (self.folder / name).write_text(self.model[name])
        self.synced = False

    @precondition(lambda self: self.model)
    @rule(pick=picks, text=texts)
    def save_over(self, pick: int, text: str) -> None:
        name = self._pick(pick)
        draft = self.folder / ".draft"
        draft.write_text(text)
        draft.replace(self.folder / name)
        self.model[name] = text
        self.synced = False

    @precondition(lambda self: self.model)
    @rule(pick=picks, to=names)
    def move(self, pick: int, to: str) -> None:
        name = self._pick(pick)
        (self.folder / to).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).replace(self.folder / to)
        self.model[to] = self.model.pop(name)
        self.synced = False

    @precondition(lambda self: self.model)
    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        name = self._pick(pick)
        (self.folder / name).unlink()
        del self.model[name]
        self.synced = False

    @precondition(lambda self: len(self.model) > 1)
    @rule(pick=picks, other=picks)
    def swap(self, pick: int, other: int) -> None:
        one, two = self._pick(pick), self._pick(other)
        if one != two:
            (self.folder / one).rename(self.folder / ".aside")
            (self.folder / two).rename(self.folder / one)
            (self.folder / ".aside").rename(self.folder / two)
            self.model[one], self.model[two] = self.model[two], self.model[one]
            self.synced = False

    @precondition(lambda self: (self.folder / "plans").is_dir())
    @rule()
    def rename_folder(self) -> None:
        if not (self.folder / "archive").exists():
            (self.folder / "plans").rename(self.folder / "archive")
            moved = {name: name.replace("plans/", "archive/", 1) for name in self.model if name.startswith("plans/")}
            for old, new in moved.items():
                self.model[new] = self.model.pop(old)
            self.synced = False

    @rule(words_only=st.booleans())
    def sync(self, words_only: bool) -> None:
        for _ in self.brain.sync(cancel=threading.Event(), words_only=words_only):
            pass
        self.synced = True

    @rule(after=st.integers(min_value=0, max_value=6))
    def stop_a_pass(self, after: int) -> None:
        """It is cancelled after a few events."""
        cancel = threading.Event()
        for at, _ in enumerate(self.brain.sync(cancel=cancel)):
            if at >= after:
                cancel.set()
        self.synced = False

    @rule(after=st.integers(min_value=0, max_value=6))
    def crash_in_a_pass(self, after: int) -> None:
        """Everything on disk as it is after a few events is what a killed process leaves."""
        events = self.brain.sync(cancel=threading.Event())
        for _ in zip(range(after), events, strict=False):
            pass
        self._crash()
        events.close()
        self.synced = False

    @rule()
    def crash(self) -> None:
        self._crash()

    @rule()
    def restart(self) -> None:
        self.house.close()
        self.brain = self._open()

    @rule()
    def compact(self) -> None:
        self.brain.compact(cancel=threading.Event())

    @rule()
    def rebuild(self) -> None:
        for _ in self.brain.rebuild(cancel=threading.Event()):
            pass
        self.synced = True

    @precondition(lambda self: self.synced)
    @invariant()
    def the_store_is_the_folder(self) -> None:
        catalog, words = self.brain._catalog, self.brain._parts.words()
        held = {str(path.relative_to(self.folder)): catalog.document(path).text for path in catalog.stamps()}
        assert held == self.model
        every = catalog.chunk_ids()
        assert words.ids() == every
        for word in WORDS:
            found = catalog.chunks([hit.chunk_id for hit in words.search(word, 1000)]).values()
            expected = {name for name, text in self.model.items() if word in text}
            assert {str(chunk.path.relative_to(self.folder)) for chunk in found} == expected
            assert all(word in chunk.text for chunk in found)

    @precondition(lambda self: self.synced)
    @rule()
    def look_closely(self) -> None:
        """A whole pass, then nothing is wrong, and meaning finds what it is asked for."""
        self.sync(False)
        wrong: tuple[Finding, ...] = self.brain.doctor(thorough=True).found
        assert not wrong, wrong
        for name, text in self.model.items():
            best = [found.chunk.path for found in self.brain.search(text.split("\n\n")[0]).evidence]
            assert best, name

    def teardown(self) -> None:
        self.house.close()
        shutil.rmtree(self.root)

    def _pick(self, pick: int) -> str:
        return sorted(self.model)[pick % len(self.model)]

    def _open(self) -> LocalBrain:
        return self.house.enter_context(open_brain(load(self.root / f"home{self.homes}"), own=True))

    def _crash(self) -> None:
        old, self.homes = self.root / f"home{self.homes}", self.homes + 1
        shutil.copytree(old, self.root / f"home{self.homes}", ignore=shutil.ignore_patterns("socket"))
        house, self.house = self.house, ExitStack()
        house.close()
        shutil.rmtree(old)
        self.brain = self._open()


def test_whatever_happens_the_store_becomes_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: embedder)
    run_state_machine_as_test(Converging, settings=SETTINGS)
