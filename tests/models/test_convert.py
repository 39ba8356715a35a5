"""safetensors to GGUF: what comes out is what the numbers say, and what is no BERT is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brain.errors import ModelError
from brain.models.convert import convert_bert
from brain.models.header import read_header
from brain.models.local import open_embedder
from tests.models import tiny
from tests.models.bert import Bert


def test_vectors_are_those_of_the_published_weights(tmp_path: Path) -> None:
    weights, words = tiny.write_bert_files(tmp_path, window=48)
    target = tmp_path / "model.gguf"
    convert_bert(weights, words, target, name="tiny", window=48)
    reference = Bert(weights, words)
    texts = ["bread", "train, bread.", "a word like abc", "bread " * 60]
    embedder = open_embedder(target, threads=1)
    try:
        ids = [reference.ids(text) for text in texts]
        assert embedder.count(texts) == [len(one) for one in ids]
        vectors = embedder.embed(texts, kind="passage")
        cut = [one if len(one) <= 48 else [*one[:47], one[-1]] for one in ids]
        cosines = np.sum(vectors * np.stack([reference.vector(one) for one in cut]), axis=1)
        assert cosines.min() >= 0.9999
    finally:
        embedder.close()
    assert read_header(target).context_length == 48


@pytest.mark.parametrize("spoil", ["tensors", "table", "words", "length", "empty"])
def test_what_is_no_bert_is_refused(tmp_path: Path, spoil: str) -> None:
    weights, words = tiny.write_bert_files(tmp_path)
    content = weights.read_bytes()
    match spoil:
        case "tensors":
            weights.write_bytes(content[: len(content) // 2])
        case "table":
            weights.write_bytes(content.replace(b"intermediate", b"intermediata"))
        case "words":
            words.write_text("only\nthree\nwords\n")
        case "length":
            weights.write_bytes(b"\xff" * 8 + content[8:])
        case "empty":
            weights.write_bytes(b"")
    with pytest.raises(ModelError, match="is not the embedding model it should be"):
        convert_bert(weights, words, tmp_path / "model.gguf", name="tiny", window=32)
