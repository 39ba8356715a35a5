"""A set measured with the starter embedder, end to end: meaning finds what words cannot."""

import json
from pathlib import Path

import pytest

from brain.cli import DONE, main
from brain.models.shelf import Shelf
from tests.evaluating import tiny

pytestmark = pytest.mark.real


def test_a_set_is_indexed_once_and_meaning_finds_what_no_word_names(home: Path, shelf: Shelf, tmp_path: Path, capsys):
    (home / "config.toml").write_text(f'models_folder = "{shelf.folder}"\n')
    folder = tiny.write(
        tmp_path / "tiny",
        questions=[*tiny.QUESTIONS, ("q6", "departure by rail after dark"), ("q7", "rehearsals of the singers")],
        judgments=[*tiny.JUDGMENTS, ("q6", "train", 1), ("q7", "choir", 1)],
    )
    assert main(["eval", "run", str(folder), "--json"]) == DONE
    body = json.loads(capsys.readouterr().out)
    assert body["degraded"] == []
    assert body["embedder"].startswith("all-minilm-l6-v2@")
    assert body["systems"]["vectors"]["hit@1"]["mean"] == 1.0
    assert body["systems"]["brain"]["hit@1"]["mean"] == 1.0
    assert body["systems"]["words"]["hit@1"]["mean"] < 1.0
    assert main(["eval", "run", str(folder)]) == DONE
    printed = capsys.readouterr()
    assert "embedding" not in printed.err
    assert "vectors alone" in printed.out


def test_quotes_and_the_starter_model_answer_a_set_and_are_judged(home: Path, shelf: Shelf, tmp_path: Path, capsys):
    (home / "config.toml").write_text(f'models_folder = "{shelf.folder}"\n')
    folder = tiny.write_answered(tmp_path / "tiny")
    assert main(["eval", "run", str(folder), "--answers", "--json"]) == DONE
    body = json.loads(capsys.readouterr().out)
    quotes, model = body["systems"]["quotes"], body["systems"]["smollm2-135m-instruct"]
    assert body["degraded"] == []
    assert quotes["contains"]["mean"] >= 0.75
    assert quotes["cites_whole"]["mean"] >= 0.75
    assert quotes["unsupported"]["mean"] == 0.0
    assert (quotes["completion"]["mean"], quotes["cost"]["mean"]) == (0.0, 0.0)
    assert model["completion"]["mean"] > 0
    assert model["first"]["mean"] > 0 and model["total"]["mean"] > 0
    assert model["refusals_made"]["mean"] >= 0.5  # "zither xylophone kazoo" is refused by the gate, whatever the model
