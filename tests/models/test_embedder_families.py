"""Families of embedding models: what is put ahead of a text, how is pooled, and that a change never mixes vectors."""

from __future__ import annotations

import gguf
import numpy as np
import pytest

from brain.models import families
from brain.models.families import Family, family_of
from brain.models.header import read_header
from brain.models.local import open_embedder
from tests.models import tiny

E5, BGE = "multilingual-e5-small", "bge-small-en-v1.5"


@pytest.mark.parametrize(
    ("name", "query", "passage", "pooling"),
    [
        ("all-MiniLM-L6-v2", "", "", "mean"),
        ("multilingual-e5-large-instruct", "Instruct: ", "", "mean"),
        (E5, "query: ", "passage: ", "mean"),
        (BGE, "Represent this sentence", "", "cls"),
        ("bge-m3", "", "", "cls"),
        ("snowflake-arctic-embed-l-v2.0", "query: ", "", "cls"),
        ("snowflake-arctic-embed-s", "Represent this sentence", "", "cls"),
        ("granite-embedding-30m-english", "", "", "cls"),
        ("embeddinggemma-300M", "task: search result | query: ", "title: none | text: ", "mean"),
        ("somebody-elses-model", "", "", ""),
    ],
)
def test_a_family_is_known_by_its_name(tmp_path, name, query, passage, pooling):
    header = read_header(tiny.write_named(tmp_path / "x.gguf", name=name))
    for found in (family_of(header, "x"), family_of(read_header(tiny.write_embedder(tmp_path / "y.gguf")), name)):
        assert found.query.startswith(query) and bool(found.query) == bool(query)
        assert (found.passage, found.pooling) == (passage, pooling)


def test_every_family_says_whom_it_is_for():
    assert all(one.architecture or one.part for one in families.families())
    assert all(one.part == one.part.lower() for one in families.families())


def test_a_question_and_a_passage_are_put_as_the_model_was_trained(tmp_path):
    embedder = open_embedder(tiny.write_named(tmp_path / "a.gguf", name=E5, pooling=gguf.PoolingType.MEAN), threads=1)
    bare = open_embedder(tiny.write_named(tmp_path / "b.gguf", name="x", pooling=gguf.PoolingType.MEAN), threads=1)
    try:
        asked = embedder.embed(["bread"], kind="query")
        told = embedder.embed(["bread"], kind="passage")
        assert np.allclose(asked, bare.embed(["query: bread"], kind="passage"), atol=1e-5)
        assert np.allclose(told, bare.embed(["passage: bread"], kind="query"), atol=1e-5)
        assert embedder.count(["bread"]) == bare.count(["passage: bread"])
    finally:
        embedder.close()
        bare.close()


def test_where_the_file_does_not_say_how_it_pools_its_family_does(tmp_path):
    made = {}
    for name, kind in (("silent", None), ("cls", gguf.PoolingType.CLS), ("mean", gguf.PoolingType.MEAN)):
        embedder = open_embedder(tiny.write_named(tmp_path / f"{name}.gguf", name=BGE, pooling=kind), threads=1)
        made[name] = embedder.embed(["bread train"], kind="passage")
        embedder.close()
    assert np.allclose(made["silent"], made["cls"], atol=1e-5)
    assert not np.allclose(made["silent"], made["mean"], atol=1e-3)


def test_other_words_ahead_of_the_texts_make_another_model(tmp_path, monkeypatch):
    path = tiny.write_named(tmp_path / "x.gguf", name=E5, pooling=gguf.PoolingType.MEAN)
    before = open_embedder(path)
    monkeypatch.setattr(families, "families", lambda: (Family(query="ask: ", passage="passage: ", part="e5-"),))
    after = open_embedder(path)
    assert before.name != after.name and before.recipe == after.recipe


def test_a_model_without_words_ahead_of_its_texts_keeps_its_plain_name(tmp_path):
    name = "all-MiniLM-L6-v2"
    embedder = open_embedder(tiny.write_named(tmp_path / "x.gguf", name=name, pooling=gguf.PoolingType.MEAN))
    assert "+" not in embedder.name
