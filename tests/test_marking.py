"""Sentences made wrong by rule, of texts written for the tests and of the sample vault: the marks tell them apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain.citing import cite
from brain.sample import VAULT
from brain.types import Chunk, Evidence
from tests.corrupting import HARDER, NAMED, Said, said
from tests.test_citing import NOTES

PASSAGES = [*NOTES.values(), *(path.read_text(encoding="utf-8") for path in sorted(VAULT.rglob("*.md")))]


def is_supported(sentence: Said) -> bool:
    """Whether it is, beside its own passage and four others."""
    chosen = [(sentence.at + step) % len(PASSAGES) for step in range(5)]
    evidence = [
        Evidence(number, Chunk(Path(f"{at}.md"), 0, len(PASSAGES[at]), PASSAGES[at], format="markdown"), "", 1.0)
        for number, at in enumerate(chosen, 1)
    ]
    sentences, _ = cite(sentence.text, evidence)
    return all(one.supported for one in sentences)


def f1_of_unsupported(sentences: list[Said]) -> float:
    noticed = sum(bool(one.fault) and not is_supported(one) for one in sentences)
    missed = sum(bool(one.fault) and is_supported(one) for one in sentences)
    wrongly = sum(not one.fault and not is_supported(one) for one in sentences)
    return 2 * noticed / (2 * noticed + missed + wrongly)


@pytest.mark.parametrize(("kinds", "least"), [(NAMED, 0.9), (HARDER, 0.8)])
def test_wrong_sentences_are_marked(kinds: tuple[str, ...], least: float) -> None:
    sentences = said(PASSAGES, wrong=100, kinds=kinds)
    assert len(sentences) >= 90
    assert {one.fault for one in sentences} == {*kinds, ""}
    assert f1_of_unsupported(sentences) >= least


def test_true_sentences_said_a_little_differently_stay_supported() -> None:
    true = [one for one in said(PASSAGES, wrong=100) if not one.fault]
    assert sum(is_supported(one) for one in true) >= 0.95 * len(true)
