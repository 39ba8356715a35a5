"""What every Embedder promises. A test class inherits these and brings a fixture `embedder`, and says whether it knows meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

BREAD = "Mix flour, water and sourdough, and bake the bread for forty minutes."
TRAIN = "The train to Berlin leaves platform nine in the morning."
ODD = (
    "",
    " \n\t",
    "\ud800 lone",
    "a\x00b\x1b[31mc",
    "🧑‍🚀 ünïcödé 日本語 עברית",
    "[CLS] [SEP] [MASK] </s> <|im_end|>",
    "x" * 5_000,
)


class EmbedderContract:
    knows_meaning = True

    def test_gives_one_float32_unit_vector_a_text(self, embedder: Any) -> None:
        vectors = embedder.embed([BREAD, TRAIN, BREAD], kind="passage")
        assert vectors.shape == (3, embedder.dimensions)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_nothing_in_gives_nothing_out(self, embedder: Any) -> None:
        assert embedder.embed([], kind="passage").shape == (0, embedder.dimensions)
        assert embedder.count([]) == []

    @pytest.mark.parametrize("kind", ["passage", "query"])
    def test_any_string_has_a_vector(self, embedder: Any, kind: Any) -> None:
        vectors = embedder.embed(ODD, kind=kind)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert all(count >= 0 for count in embedder.count(ODD))

    def test_neighbours_do_not_change_a_vector(self, embedder: Any) -> None:
        many = embedder.embed([TRAIN, *[BREAD] * 9, TRAIN], kind="passage")
        alone = embedder.embed([TRAIN], kind="passage")
        assert np.allclose(many[[0, -1]], alone, atol=1e-5)
        assert not np.allclose(many[0], many[1], atol=1e-3)

    def test_what_is_over_the_window_is_cut(self, embedder: Any) -> None:
        texts = ["word " * embedder.window * 2, "word " * embedder.window * 3]
        assert min(embedder.count(texts)) > embedder.window
        long, longer = embedder.embed(texts, kind="passage")
        assert np.allclose(long, longer, atol=1e-5)

    def test_longer_texts_have_more_tokens(self, embedder: Any) -> None:
        short, long = embedder.count([BREAD, BREAD + " " + TRAIN])
        assert 0 < short < long

    def test_near_meanings_have_near_vectors(self, embedder: Any) -> None:
        if not self.knows_meaning:
            pytest.skip("a model with random weights knows no meaning")
        bread, train = embedder.embed([BREAD, TRAIN], kind="passage")
        (question,) = embedder.embed(["how long is bread in the oven: bake"], kind="query")
        assert question @ bread > question @ train + 0.1

    def test_says_what_it_is(self, embedder: Any) -> None:
        assert embedder.name
        assert embedder.recipe
        assert embedder.dimensions > 0
        assert embedder.window > 0
