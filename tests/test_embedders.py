"""Choosing another embedder: the one before serves until the new one has read everything. The embedders are fakes of the seam."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brain.engine import open_brain
from brain.errors import ModelError
from brain.events import VectorsAdded
from brain.parts import Parts
from brain.settings import load, save
from tests.fakes import HashingEmbedder

NOTES = {"board.md": "The board agreed on 40 000 for the garden.", "pump.md": "The pump is delivered in week 24."}


class Known(HashingEmbedder):
    """An embedder that can be stopped, and knows whether it still runs."""

    def __init__(self, name: str, dimensions: int, window: int) -> None:
        super().__init__(f"{name}@1/{window}", dimensions, window)
        self.recipe = f"{name}+{window}"
        self.is_open = True

    def embed(self, texts, *, kind):
        assert self.is_open
        return super().embed(texts, kind=kind)

    def close(self) -> None:
        self.is_open = False


@dataclass
class Shelf:
    """What can be chosen, and every embedder that was opened of it."""

    models: dict[str, tuple[int, int]] = field(
        default_factory=lambda: {"old": (64, 256), "new": (64, 512), "small": (32, 128)}
    )
    opened: list[Known] = field(default_factory=list)

    def open(self, name: str) -> Known:
        if name not in self.models:
            raise ModelError(f"There is no model {name!r}")
        self.opened.append(Known(name, *self.models[name]))
        return self.opened[-1]

    def embedded(self, name: str) -> list[str]:
        return [text for one in self.opened if one.name.startswith(f"{name}@") for text in one.embedded]


@pytest.fixture
def shelf(monkeypatch, home) -> Shelf:
    found = Shelf()
    monkeypatch.setattr(Parts, "_open_embedder", lambda self, name: found.open(name))
    save(home, "embed", "model", "old")
    return found


@pytest.fixture
def notes(tmp_path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def indexed(home, notes, shelf):
    with open_brain(load(), own=True) as brain:
        brain.add(notes)
        sync(brain)


def sync(brain, *, cancel: threading.Event | None = None) -> list:
    return list(brain.sync(cancel=cancel or threading.Event()))


def means(brain, question: str = "board garden") -> set[str]:
    """The notes that meaning finds."""
    return {one.chunk.path.name for one in brain.search(question).evidence if one.scores.vectors is not None}


def test_the_embedder_before_serves_until_the_chosen_one_has_read_every_passage(home, indexed, shelf):
    save(home, "embed", "model", "new")
    with open_brain(load(), own=True) as brain:
        before = brain.status()
        assert (before.embed, before.embed_next, before.embed_next_left) == ("old", "new", 2)
        assert before.vectors_pending == 0 and brain.search("board garden").degraded == ()
        assert means(brain) == set(NOTES)
        assert shelf.embedded("new") == []
        sync(brain)
        after = brain.status()
        assert (after.embed, after.embed_next, after.embed_next_left) == ("new", None, 0)
        assert means(brain) == set(NOTES) and brain.search("board garden").degraded == ()
    assert len(shelf.embedded("new")) == 2
    assert len(shelf.embedded("old")) == 2  # no file was cut or embedded again for it


def test_going_back_costs_nothing(home, indexed, shelf):
    for name in ("new", "old"):
        save(home, "embed", "model", name)
        with open_brain(load(), own=True) as brain:
            sync(brain)
            assert brain.status().embed == name and means(brain) == set(NOTES)
    assert len(shelf.embedded("old")) == 2


def test_a_change_of_mind_in_the_middle_leaves_everything_as_it_was(home, indexed, shelf):
    save(home, "embed", "model", "new")
    with open_brain(load(), own=True) as brain:
        cancel = threading.Event()
        for event in brain.sync(cancel=cancel):
            if isinstance(event, VectorsAdded):
                cancel.set()
        save(home, "embed", "model", "old")
        sync(brain)
        assert (brain.status().embed, brain.status().embed_next) == ("old", None)
        assert means(brain) == set(NOTES)


def test_whoever_runs_already_heeds_the_choice_at_its_next_pass(home, indexed, shelf):
    with open_brain(load(), own=True) as brain:
        sync(brain)
        save(home, "embed", "model", "new")
        sync(brain)
        assert brain.status().embed == "new" and means(brain) == set(NOTES)
        sync(brain)
        assert [one.name for one in shelf.opened if one.is_open] == ["new@1/512"]
    assert not any(one.is_open for one in shelf.opened)


def test_a_note_written_meanwhile_is_found_by_both(home, notes, indexed, shelf):
    save(home, "embed", "model", "new")
    (notes / "roof.md").write_text("Tom asks two firms for the roof.")
    with open_brain(load(), own=True) as brain:
        seen = []
        for event in brain.sync(cancel=threading.Event()):
            if isinstance(event, VectorsAdded):
                seen.append(brain.status().embed)
        assert seen[0] == "old" and brain.status().embed == "new"
        assert "roof.md" in means(brain, "roof firms")
    assert any("roof" in text for text in shelf.embedded("old"))


def test_one_with_a_smaller_window_cuts_the_notes_again_and_serves_at_once(home, indexed, shelf):
    save(home, "embed", "model", "small")
    with open_brain(load(), own=True) as brain:
        assert brain.status().embed == "small" and brain.status().embed_next is None
        assert "vectors" in brain.search("board garden").degraded
        sync(brain)
        assert means(brain) == set(NOTES) and brain.search("board garden").degraded == ()


def test_where_the_embedder_before_is_gone_words_serve_meanwhile(home, indexed, shelf):
    del shelf.models["old"]
    save(home, "embed", "model", "new")
    with open_brain(load(), own=True) as brain:
        found = brain.search("board garden")
        assert "vectors" in found.degraded and found.evidence
        sync(brain)
        assert means(brain) == set(NOTES)


def test_a_choice_that_cannot_be_opened_changes_nothing_for_whoever_runs(home, indexed, shelf):
    with open_brain(load(), own=True) as brain:
        sync(brain)
        save(home, "embed", "model", "nowhere")
        sync(brain)
        assert brain.status().embed == "old" and means(brain) == set(NOTES)


def test_vectors_of_two_embedders_are_never_compared(home, indexed, shelf, monkeypatch):
    """One takes over in the middle of a search, after the question was embedded by the other."""
    save(home, "embed", "model", "new")
    with open_brain(load(), own=True) as brain:
        taken = threading.Event()
        embed = Known.embed

        def embedding(self, texts, *, kind):
            vectors = embed(self, texts, kind=kind)
            if kind == "query" and not taken.is_set():
                taken.set()
                sync(brain)
            return vectors

        monkeypatch.setattr(Known, "embed", embedding)
        found = brain.search("board garden")
        assert brain.status().embed == "new"
        monkeypatch.setattr(Known, "embed", embed)
        again = brain.search("board garden")
        assert [one.scores for one in found.evidence] == [one.scores for one in again.evidence]


def test_the_vectors_of_two_embedders_are_kept_and_no_more(home, indexed, shelf):
    shelf.models |= {"newer": (16, 512), "newest": (48, 512)}
    for name in ("new", "newer", "newest"):
        save(home, "embed", "model", name)
        with open_brain(load(), own=True) as brain:
            sync(brain)
            catalog = brain._parts.catalog
            held = [one for one in ("old@1/256", "new@1/512", "newer@1/512") if catalog.lacking(one) == 0]
    assert held == ["newer@1/512"]
