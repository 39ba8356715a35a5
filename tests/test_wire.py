"""Values as JSON."""

import json
from dataclasses import is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from brain import errors
from brain.errors import BrainError
from brain.events import Answered, FileFailed, Retrieved, SyncFinished, Timings, Token, VectorsAdded
from brain.types import (
    Chunk,
    Citation,
    Evidence,
    Failure,
    Folder,
    Impaired,
    Owner,
    Scores,
    Sentence,
    Status,
    Unread,
    Window,
)
from brain.wire import (
    ERRORS,
    KINDS,
    answer_json,
    decode,
    decode_error,
    encode,
    encode_error,
    event_json,
    from_bytes,
    search_json,
    status_json,
    to_bytes,
)

CHUNK = Chunk(Path("/n/a.pdf"), 5, 9, "text", ("One", "Two"), 3, 12, "pdf", 44)
# Any text at all, halves of surrogate pairs included: that is what odd file names are made of.
TEXTS = some.text(some.characters(exclude_categories=())) | some.sampled_from(["\ud83d\ude00", "\udcff", "\x00\x1b"])
PATHS = TEXTS.map(Path)
PLAIN = {str: TEXTS, Path: PATHS, float: some.floats(allow_nan=False), int: some.integers(), bool: some.booleans()}


def values_of(kind: Any) -> some.SearchStrategy:
    """Any value of one of the types that cross, with odd text everywhere."""
    if kind in PLAIN:
        return PLAIN[kind]
    parts = get_args(kind)
    if is_dataclass(kind):
        return some.builds(kind, **{name: values_of(hint) for name, hint in get_type_hints(kind).items()})
    if get_origin(kind) is Literal:
        return some.sampled_from(parts)
    if get_origin(kind) is tuple:
        return some.lists(values_of(parts[0]), max_size=3).map(tuple)
    return some.none() | values_of(next(part for part in parts if part is not NoneType))


EVIDENCE = Evidence(1, CHUNK, "A", 0.9, Scores(1.0, 0.8), "2025-01-02", ("tax",), "name", copies=(Path("/n/b.pdf"),))
CITATION = Citation(1, Path("/n/a.pdf"), "A", 5, 9, "text", 3, 12)


def test_search_has_the_keys_of_the_contract():
    window = Window("2026-03-01", "2026-03-31", "last March")
    body = search_json(Retrieved("q", (EVIDENCE,), ("vectors",), Timings(0.1, 0.2, 0.4), 7, window))
    understood = {"after": "2026-03-01", "before": "2026-03-31", "from": "last March", "use": "only"}
    assert body["understood"] == understood
    assert search_json(Retrieved("q", ()))["understood"] is None
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
        "date_origin": "name",
        "tags": ["tax"],
        "copies": ["/n/b.pdf"],
        "private": "",
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
    assert body["files"] == {"indexed": 3, "failed": 1, "unreadable_pages": 2, "private": 0}
    assert body["vectors"] == {"done": 8, "pending": 1}
    assert body["models"] == {"chat": "c", "embed": None, "embed_next": None, "embed_next_left": 0, "rerank": None}
    assert body["owner"] == {"pid": 12, "command": "brain", "since": "2025-01-01T00:00:00Z"}
    assert body["paused"] is False
    assert status_json(replace(status, paused=True))["paused"] is True
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


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_whatever_crosses_comes_out_as_it_went_in(kind):
    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(values_of(kind))
    def crosses(value):
        assert decode(from_bytes(to_bytes(encode(value)))) == value

    crosses()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    some.recursive(
        some.none() | some.booleans() | some.integers() | some.floats() | TEXTS | some.sampled_from([*KINDS]),
        lambda inner: some.lists(inner) | some.dictionaries(TEXTS | some.sampled_from(["is", "text", "path"]), inner),
    ),
    some.sampled_from([*KINDS, "Unheard"]),
)
def test_whatever_else_comes_is_refused_in_one_way(body, kind):
    for given_body in (
        body,
        {"is": kind, **body} if isinstance(body, dict) else {"is": kind, "text": body, "steps": body},
    ):
        try:
            value = decode(given_body)
        except ValueError:
            continue
        assert value is None or type(value) in KINDS.values()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(some.binary() | some.sampled_from([b"[" * 200_000, b'{"a":' * 200_000, b"1" * 5000, b"[]", b"nul", b"\xff"]))
def test_bytes_that_are_no_object_are_refused_in_one_way(frame):
    try:
        assert isinstance(from_bytes(frame), dict)
    except ValueError:
        pass


def test_unknown_fields_are_left_out_and_unknown_kinds_are_skipped():
    assert decode({"is": "Token", "text": "x", "colour": "red"}) == Token("x")
    assert decode({"is": "Danced"}) is None
    assert decode({"is": "SyncFinished", "added": 2}) == SyncFinished(added=2)


@pytest.mark.parametrize(
    "body",
    [
        {"is": "Token"},
        {"is": "Token", "text": 3},
        {"is": "Token", "text": None},
        {"is": "SyncStarted", "steps": True},
        {"is": "SyncStarted", "steps": 1.0},
        {"is": "FileRemoved", "path": ["x"]},
        {"is": "FellBack", "part": "legs", "reason": "x"},
        {"is": "Retrieved", "query": "x", "evidence": {}},
        {"is": "Retrieved", "query": "x", "evidence": [{"number": 1}]},
        {"text": "x"},
        {"is": ["Token"], "text": "x"},
        [],
    ],
    ids=str,
)
def test_what_is_not_as_it_should_be_is_refused(body):
    with pytest.raises(ValueError, match=r"not|does"):
        decode(body)


def test_only_what_is_meant_to_cross_crosses():
    with pytest.raises(ValueError, match="does not cross"):
        encode(CHUNK)


@pytest.mark.parametrize("kind", ERRORS.values(), ids=ERRORS)
def test_errors_cross_with_reason_and_hint(kind):
    back = decode_error(encode_error(kind("what \udcff", hint="next")))
    assert (type(back), back.reason, back.hint) == (kind, "what \udcff", "next")


def test_an_unknown_error_is_an_error():
    assert type(decode_error({"error": "Exploded", "reason": "x"})) is BrainError
    assert type(decode_error({"error": "annotations"})) is BrainError
    assert set(ERRORS) == {name for name in vars(errors) if isinstance(vars(errors)[name], type)}
