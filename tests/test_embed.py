"""Chunks without vectors → vectors → the vector index."""

import itertools
import threading

import numpy as np

from brain.embed import BATCH, FIRST_BATCH, NEWEST, READ_AHEAD, TOGETHER, TURN_SECONDS, embed_pending, fill_index
from brain.events import VectorsAdded
from tests.fakes import HashingEmbedder


class Waiting:
    """What the catalog would say of texts that wait for their vectors."""

    def __init__(self, texts):
        self.waiting = {f"key {at}": text for at, text in enumerate(texts)}
        self.vectors = {}

    def unembedded(self, model, limit, *, among=None):
        return [(key, text) for key, text in self.waiting.items() if among is None or text in among][:limit]

    def put_vectors(self, model, keys, vectors):
        for key, vector in zip(keys, vectors, strict=True):
            self.vectors[key] = vector
            del self.waiting[key]

    def vectors_pending(self, model):
        return len(self.waiting)


def test_every_text_gets_its_vector_and_progress_ends_at_nothing_left():
    texts = [f"note about subject {at} " * (at % 7 + 1) for at in range(50)]
    catalog, embedder = Waiting(texts), HashingEmbedder()
    events = list(embed_pending(catalog, embedder, cancel=threading.Event()))
    assert events[-1] == VectorsAdded(50, 0)
    assert sorted(embedder.embedded) == sorted(texts)
    expected = embedder.embed([texts[3]], kind="passage")[0]
    np.testing.assert_allclose(catalog.vectors["key 3"], expected)


def test_cancel_stops_after_a_batch_and_keeps_what_is_done():
    catalog, cancel = Waiting([f"text {at}" for at in range(60)]), threading.Event()
    events = []
    for event in embed_pending(catalog, HashingEmbedder(), cancel=cancel):
        events.append(event)
        cancel.set()
    assert events == [VectorsAdded(FIRST_BATCH, 60 - FIRST_BATCH)]


def batches(catalog, **options) -> list[int]:
    done = [
        0,
        *(event.done for event in embed_pending(catalog, HashingEmbedder(), cancel=threading.Event(), **options)),
    ]
    return [after - before for before, after in itertools.pairwise(done)]


def test_makes_way_within_every_batch():
    embedder, embedded_at_turn = HashingEmbedder(), []
    catalog = Waiting([f"text {at}" for at in range(60)])
    give_way = lambda: embedded_at_turn.append(len(embedder.embedded))  # noqa: E731
    list(embed_pending(catalog, embedder, cancel=threading.Event(), give_way=give_way))
    assert set(embedded_at_turn) == set(range(0, 60, TOGETHER))


def test_time_spent_giving_way_does_not_make_batches_smaller():
    now = [0.0]

    def give_way():
        now[0] += 10 * TURN_SECONDS

    texts = [f"text {at}" for at in range(44)]
    assert batches(Waiting(texts), give_way=give_way, clock=lambda: now[0]) == [FIRST_BATCH, 8, BATCH, BATCH]


def test_batches_grow_while_they_are_quick_and_shrink_while_they_are_slow():
    texts = [f"text {at}" for at in range(44)]
    assert batches(Waiting(texts)) == [FIRST_BATCH, 8, BATCH, BATCH]
    ticks = iter(range(1000))
    slow = batches(Waiting(texts[:9]), clock=lambda: next(ticks) * (TURN_SECONDS + 1))
    assert slow == [FIRST_BATCH, 2, 1, 1, 1]


def test_an_interruption_ends_it_after_one_batch_but_not_before():
    assert batches(Waiting([f"text {at}" for at in range(60)]), interrupted=lambda: True) == [FIRST_BATCH]


def test_the_newest_come_first_then_what_was_asked_for():
    texts = [f"text {at:04}" for at in range(READ_AHEAD * 3)]
    asked = texts[-5:]
    embedder = HashingEmbedder()
    events = embed_pending(Waiting(texts), embedder, cancel=threading.Event(), asked_for=lambda: asked)
    for event in events:
        if event.done >= READ_AHEAD:
            break
    assert set(asked) | set(texts[:NEWEST]) <= set(embedder.embedded[:READ_AHEAD])


class Derived:
    """Vectors the index lacks and ids it holds too many, as the catalog tells them."""

    def __init__(self, todo, gone):
        self.todo, self.gone = dict(todo), list(gone)

    def index_todo(self, model, limit):
        ids = list(self.todo)[:limit]
        return ids, np.array([self.todo[id] for id in ids], dtype=np.float32)

    def index_gone(self, limit):
        return self.gone[:limit]

    def index_done(self, added, gone):
        for id in added:
            del self.todo[id]
        self.gone = [id for id in self.gone if id not in gone]


class Index:
    def __init__(self):
        self.held = {7: [0.0, 1.0]}

    def add(self, ids, vectors):
        self.held.update(zip(ids, vectors.tolist(), strict=True))

    def remove(self, ids):
        for id in ids:
            self.held.pop(id, None)

    def search(self, vector, limit, within=None):
        return []


def test_the_index_is_brought_up_to_the_catalog():
    catalog, index = Derived({1: [1.0, 0.0], 2: [0.0, 1.0]}, [7, 8]), Index()
    assert fill_index(catalog, index, "m", cancel=threading.Event()) == 2
    assert index.held == {1: [1.0, 0.0], 2: [0.0, 1.0]}
    assert fill_index(catalog, index, "m", cancel=threading.Event()) == 0
