"""Server-sent events: the same events however the bytes are cut, in bounded memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.models.sse import LONGEST, Events, TooLong

STREAM = (
    ': hi\r\n\r\ndata: {"a": 1}\n\ndata:two\rdata: lines\r\r:x\nevent: y\nid\nretry: 3\n'
    "data: Größe 大 🙂\n\ndata\n\ndata: [DONE]"
).encode()
LONG = b"x" * 1000
EXPECTED = ['{"a": 1}', "two\nlines", "Größe 大 🙂", "[DONE]"]


def heard(*pieces: bytes) -> list[str]:
    events = Events()
    found = [data for piece in pieces for data in events.hear(piece)]
    return found + list(events.finish())


def test_events_are_told_from_everything_else():
    assert heard(STREAM) == EXPECTED


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_cuts_change_nothing(cuts):
    places = sorted({0, len(STREAM), *cuts})
    assert heard(*(STREAM[begin:end] for begin, end in pairwise(places))) == EXPECTED


@given(st.lists(st.binary(max_size=200)))
def test_any_bytes_are_taken(pieces):
    assert all(isinstance(data, str) for data in heard(*pieces))


@pytest.mark.parametrize(
    "piece",
    [b"data: " + LONG, LONG, b": " + LONG, b"data: " + LONG + b"\n"],
    ids=["data", "field", "comment", "many lines"],
)
def test_what_does_not_end_is_refused(piece):
    events = Events()
    with pytest.raises(TooLong):
        for _ in range(2 * LONGEST // 1000):
            list(events.hear(piece))
