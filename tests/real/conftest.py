"""The starter models on a shelf of their own, fetched once: in $BRAIN_TEST_MODELS, else in a cache folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from brain.errors import ModelError
from brain.models.shelf import Shelf


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    given = os.environ.get("BRAIN_TEST_MODELS")
    folder = Path(given).expanduser() if given else Path.home() / ".cache" / "brain-tests"
    stocked = Shelf(folder, offline=False)
    try:
        for _ in stocked.pull("starter", cancel=threading.Event()):
            pass
    except ModelError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no starter models: {error.reason}")
    return stocked
