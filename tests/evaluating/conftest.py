"""The embedder and the chat model of the seam's fakes in every home that is opened."""

from collections.abc import Mapping

import pytest

from brain.cli import DONE, main
from brain.models.shelf import Shelf
from brain.parts import Parts
from tests.evaluating import tiny
from tests.evaluating.tiny import BOARD, ROOF
from tests.fakes import HashingEmbedder, ScriptedChat


@pytest.fixture
def embedder(monkeypatch, home):
    made = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    return made


class Scripted(ScriptedChat):
    """Says to each question what it was told to say to it, and counts."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__(name="scripted")
        self.answers = dict(answers)

    def stream(self, messages, *, limit, cancel):
        asked = messages[-1].text.rpartition("Question: ")[2]
        self.answer = next((said for question, said in self.answers.items() if question in asked), "")
        yield from super().stream(messages, limit=limit, cancel=cancel)


@pytest.fixture
def notes(home, tmp_path, capsys):
    """Two notes, indexed."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "board.md").write_text(BOARD)
    (folder / "roof.md").write_text(ROOF)
    assert main(["add", str(folder)]) == DONE
    capsys.readouterr()
    return folder


@pytest.fixture
def answered(tmp_path):
    """A set with answers."""
    return tiny.write_answered(tmp_path / "answered")


@pytest.fixture
def chat(monkeypatch, home, embedder, tmp_path):
    """A chat model called "scripted", as `--models` names it; a test says what it answers."""
    made = Scripted({})
    file = tmp_path / "scripted.gguf"
    file.write_bytes(b"model")
    find = Shelf.find
    monkeypatch.setattr(Shelf, "find", lambda self, name: file if name == "scripted" else find(self, name))
    monkeypatch.setattr(Parts, "chat", lambda self, path: made)
    return made
