"""Why a passage was found."""

from __future__ import annotations

from pathlib import Path

from brain.explaining import Explanation, explain
from brain.types import Chunk, Evidence


def test_each_word_of_the_query_is_found_where_it_stands_or_is_missing() -> None:
    chunk = Chunk(Path("/n/a.md"), 0, 60, "The board *agreed* on planted beds.", ("Garden",), format="markdown")
    explained = explain(Evidence(1, chunk, "Garden meeting", 0.7), "what was agreed about planting the garden pump?")
    assert explained == Explanation(
        matched=(("agreed", ("text",)), ("planting", ("text",)), ("garden", ("title", "headings"))),
        missing=("pump",),
    )
