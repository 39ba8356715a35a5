"""The reranker: a tiny cross-encoder in its child process, against the same network in numpy."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from brain.errors import ModelError
from brain.models.local import GgufReranker, open_chat, open_embedder, open_reranker
from tests.models import tiny
from tests.models.bert import Bert

PATIENT = 60.0
QUESTION, PASSAGES = "bread train", ["word word.", "a train, bread", "zebra"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return tiny.write_reranker(tmp_path_factory.mktemp("models") / "tiny-reranker.gguf")


@pytest.fixture(scope="module")
def reranker(files: tuple[Path, Path, Path]) -> Iterator[GgufReranker]:
    opened = open_reranker(files[0], threads=1)
    yield opened
    opened.close()


def test_scores_are_those_of_the_network_on_question_and_passage(
    reranker: GgufReranker, files: tuple[Path, Path, Path]
) -> None:
    bert = Bert(*files[1:])

    def expected(passage: str) -> float:
        logit = bert.logit(bert.ids(QUESTION) + bert.ids(passage)[1:], tiny.classifier())
        return 1 / (1 + math.exp(-logit))

    scores = reranker.score(QUESTION, PASSAGES, seconds=PATIENT)
    assert scores == pytest.approx([expected(passage) for passage in PASSAGES], abs=0.01)
    assert len(set(scores)) == len(PASSAGES)


def test_passage_over_the_window_is_cut(reranker: GgufReranker) -> None:
    long, longer = (reranker.score("bread", ["word " * many], seconds=PATIENT) for many in (500, 1000))
    assert long == longer


def test_when_the_time_is_over_there_are_fewer_scores(reranker: GgufReranker) -> None:
    reranker.score(QUESTION, PASSAGES, seconds=PATIENT)
    assert len(reranker.score(QUESTION, ["word " * 60] * 20_000, seconds=0.2)) < 20_000
    assert len(reranker.score(QUESTION, PASSAGES, seconds=PATIENT)) == len(PASSAGES)


def test_dead_child_costs_one_call_at_most(reranker: GgufReranker) -> None:
    before = reranker.score(QUESTION, PASSAGES, seconds=PATIENT)
    assert reranker.pid is not None
    os.kill(reranker.pid, signal.SIGKILL)
    with suppress(ModelError):  # unless the death was noticed before the call
        reranker.score(QUESTION, PASSAGES, seconds=PATIENT)
    assert reranker.score(QUESTION, PASSAGES, seconds=PATIENT) == before


def test_other_kinds_of_models_are_refused(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    for path in (tiny.write_chat(tmp_path / "chat.gguf"), tiny.write_embedder(tmp_path / "embedder.gguf")):
        with pytest.raises(ModelError, match="not a reranking model"):
            open_reranker(path)
    for refusing in (lambda: open_embedder(files[0]), lambda: open_chat(files[0], window=512)):
        with pytest.raises(ModelError, match="is a reranking model"):
            refusing()
