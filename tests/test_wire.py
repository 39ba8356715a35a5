"""Values as JSON."""

import json
from pathlib import Path

import pytest

from brain.events import Answered, FileFailed, Retrieved, SyncFinished, Timings, VectorsAdded
from brain.types import Chunk, Citation, Evidence, Failure, Folder, Impaired, Owner, Scores, Sentence, Status, Unread
from brain.wire import answer_json, event_json, search_json, status_json

CHUNK = Chunk(Path("/n/a.pdf"), 5, 9, "text", ("One", "Two"), 3, 12, "pdf", 44)
EVIDENCE = Evidence(1, CHUNK, "A", 0.9, Scores(1.0, 0.8), "2025-01-02", ("tax",))
CITATION = Citation(1, Path("/n/a.pdf"), "A", 5, 9, "text", 3, 12)


def test_search_has_the_keys_of_the_contract():
    body = search_json(Retrieved("q", (EVIDENCE,), ("vectors",), Timings(0.1, 0.2, 0.4), 7))
    assert body["degraded"] == ["vectors"]
    assert body["seconds"] == {"words": 0.1, "vectors": 0.2, "total": 0.4}
    (hit,) = body["hits"]
    assert hit == {
        "rank": 1,
        "score": 0.9,
        "scores": {"words": 1.0, "vectors": 0.8, "rerank": None},
        "path": "/n/a.pdf",
        "title": "A",
        "headings": ["One", "Two"],
        "page": 3,
        "line": 12,
        "start": 5,
        "end": 9,
        "text": "text",
        "date": "2025-01-02",
        "tags": ["tax"],
    }


def test_answer_has_the_keys_of_the_contract():
    answered = Answered(
        "q",
        "a",
        False,
        "m",
        True,
        (Sentence("a", (1,), True),),
        (CITATION,),
        (EVIDENCE,),
        (Unread(Path("/n/s.pdf"), (2,)),),
    )
    body = answer_json(answered)
    assert set(body) >= {
        "question", "answer", "abstained", "model", "stays_home", "sentences", "citations", "evidence", "unread",
        "degraded", "usage", "seconds",
    }  # fmt: skip
    assert body["sentences"] == [{"text": "a", "citations": [1], "supported": True}]
    assert set(body["citations"][0]) == {"number", "path", "title", "page", "line", "start", "end", "quote"}
    assert body["unread"] == [{"path": "/n/s.pdf", "pages": [2]}]
    assert set(body["usage"]) == {"prompt_tokens", "cached_tokens", "completion_tokens", "thought_tokens", "cost_usd"}
    assert set(body["seconds"]) == {"retrieve", "first_token", "total"}


def test_status_has_the_keys_of_the_contract():
    status = Status(
        "1", Path("/h"), (Folder(Path("/n"), 3, True),), 3, 1, 2, 9, 8, 1, "c", None, None,
        Owner(12, "brain", "2025-01-01T00:00:00Z"), (Impaired("vectors", "why", "next"),), (Failure(Path("/n/x"), "r", "h"),),
    )  # fmt: skip
    body = status_json(status)
    assert body["folders"] == [{"path": "/n", "files": 3, "watching": True}]
    assert body["files"] == {"indexed": 3, "failed": 1, "unreadable_pages": 2}
    assert body["vectors"] == {"done": 8, "pending": 1}
    assert body["models"] == {"chat": "c", "embed": None, "rerank": None}
    assert body["owner"] == {"pid": 12, "command": "brain", "since": "2025-01-01T00:00:00Z"}
    assert body["degraded"] == [{"part": "vectors", "why": "why", "next": "next"}]
    assert body["failures"] == [{"path": "/n/x", "reason": "r", "hint": "h"}]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (SyncFinished(added=2), "sync_finished"),
        (VectorsAdded(1, 2), "vectors_added"),
        (FileFailed(Path("/x"), "r"), "file_failed"),
    ],
)
def test_events_are_named_in_snake_case_with_their_fields(event, name):
    body = event_json(event)
    assert body.pop("event") == name
    assert set(body) == set(event.__dataclass_fields__)


def test_odd_paths_survive_as_ascii_json():
    text = json.dumps(event_json(FileFailed(Path("/n/\x1b[31m\udcff🧠.md"), "r")))
    assert text.isascii()
    assert json.loads(text)["path"] == "/n/\x1b[31m\udcff🧠.md"
