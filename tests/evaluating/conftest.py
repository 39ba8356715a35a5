"""The embedder of the seam's fake in every home that is opened."""

import pytest

from brain.parts import Parts
from tests.fakes import HashingEmbedder


@pytest.fixture
def embedder(monkeypatch):
    made = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    return made
