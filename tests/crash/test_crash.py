"""The short form of tests/bench/crash.py: a few kills, and nothing is lost."""

from pathlib import Path

import pytest

from tests.crash.driver import faults, run


@pytest.mark.parametrize(("seed", "often"), [(11, True), (12, False)], ids=["Chroma saves often", "Chroma as it is"])
def test_nothing_is_lost_or_left_over_whenever_brain_is_killed(tmp_path: Path, seed: int, often: bool) -> None:
    tally = run(tmp_path, kills=6, seed=seed, every=6, notes=30, often=often)
    assert (tally.kills, tally.checks) == (6, 1)


def test_the_comparison_sees_every_kind_of_difference() -> None:
    def store(**changed: object) -> dict[str, object]:
        note = {"title": "a", "text": "t", "chunks": [[0, 0, 9]], "is as on disk": True}
        sound = {
            "files": {"/a.md": note},
            "unused vectors": 0,
            "words lack": [],
            "words hold too many": 0,
            "chroma lacks": [],
            "chroma holds too many": [],
            "chroma is wrong": [],
            "chunks": 400,
            "chroma misses": 1,
            "doctor": [],
        }
        return {**sound, **changed}

    note = {"title": "a", "text": "t", "chunks": [[0, 0, 9]], "is as on disk": True}
    assert faults(store(), store()) == []
    for changed in (
        {"files": {}},
        {"files": {"/a.md": note, "/b.md": note}},
        {"files": {"/a.md": {**note, "text": "u"}}},
        {"files": {"/a.md": {**note, "chunks": []}}},
        {"files": {"/a.md": {**note, "is as on disk": False}}},
        {"unused vectors": 1},
        {"words lack": [3]},
        {"words hold too many": -1},
        {"chroma lacks": [3]},
        {"chroma holds too many": [3]},
        {"chroma is wrong": [3]},
        {"chroma misses": 2},
        {"doctor": ["something"]},
    ):
        assert faults(store(**changed), store()), changed
